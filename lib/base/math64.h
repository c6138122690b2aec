/*
 * math64.h: exp, log and pow in double, the same bits on every machine (see math.h). No fused
 * multiply-add: products are split (T. Dekker, "A floating-point technique for extending the
 * available precision", 1971), so that baseline x86-64 has them inline. Errors, measured against
 * long double: math_exp64 0.8 ulp, math_log64 0.51, math_pow64 0.9.
 *
 * log: 2 atanh((m - 1)/(m + 1)) + n ln 2 in pairs of doubles, the first two terms of the series
 * exact to about 2^-64; exp: n ln 2 apart, then the series to r^13; pow: exp of y times that log.
 */
#pragma once
#include "lib/base/math.h"

/* An unevaluated sum, |low| <= ulp(high) / 2. */
struct math_pair {
	double high, low;
};

MATH_FN struct math_pair math_two_sum(double a, double b)
{
	double s = a + b, t = s - a;
	return (struct math_pair){ s, (a - (s - t)) + (b - t) };
}

/* For |a| >= |b|. */
MATH_FN struct math_pair math_quick_sum(double a, double b)
{
	double s = a + b;
	return (struct math_pair){ s, b - (s - a) };
}

/* Exact for magnitudes between 2^-480 and 2^480. */
MATH_FN struct math_pair math_two_product(double a, double b)
{
	double p = a * b, x = a * 0x1.0000002p27, y = b * 0x1.0000002p27;
	double ah = x - (x - a), al = a - ah, bh = y - (y - b), bl = b - bh;
	return (struct math_pair){ p, ((ah * bh - p) + ah * bl + al * bh) + al * bl };
}

MATH_FN struct math_pair math_pair_product(struct math_pair a, struct math_pair b)
{
	struct math_pair p = math_two_product(a.high, b.high);
	return math_quick_sum(p.high, p.low + (a.high * b.low + a.low * b.high));
}

/* exp(x + low) for |x| <= 746, low a correction below 2^-40. */
MATH_FN double math_exp_pair(double x, double low)
{
	double t = x * 0x1.71547652b82fep0 + 0x1.8p52, n = t - 0x1.8p52;
	double high = x - n * 0x1.62e42feep-1,
	       part = n * 0x1.a39ef35793c76p-33; /* the first exact */
	double r = high - part, c = ((high - r) - part) + low, z = r * r;
	double q = 1.0 / 6227020800.0;
	q = q * r + 1.0 / 479001600;
	q = q * r + 1.0 / 39916800;
	q = q * r + 1.0 / 3628800;
	q = q * r + 1.0 / 362880;
	q = q * r + 1.0 / 40320;
	q = q * r + 1.0 / 5040;
	q = q * r + 1.0 / 720;
	q = q * r + 1.0 / 120;
	q = q * r + 1.0 / 24;
	q = q * r + 1.0 / 6;
	q = q * r + 0.5;
	double u = z * q, p = 1 + (r + (u + c * (1 + (r + u))));
	/* the scale in two steps, so that a subnormal result rounds once */
	int64_t i = (int64_t)((uint64_t)math_bits64(t) - 0x4338000000000000u), half = i >> 1;
	return p * math_double((int64_t)((uint64_t)(half + 1023) << 52)) *
	       math_double((int64_t)((uint64_t)(i - half + 1023) << 52));
}

MATH_FN double math_exp64(double x)
{
	double c = x > 710 ? 710 : x;
	c = c < -746 ? -746 : c;
	double r = math_exp_pair(c == c ? c : 0, 0);
	return x == x ? r : x + x;
}

/* log |x| for finite x != 0. */
MATH_FN struct math_pair math_log_pair(double x)
{
	int64_t bits = math_bits64(x) & INT64_MAX;
	int tiny = bits < 0x0010000000000000;
	bits = tiny ? math_bits64(math_double(bits) * 0x1p54) : bits;
	int64_t e = (bits - 0x3fe6a09e667f3bcd) >> 52;
	double m = math_double(bits - (int64_t)((uint64_t)e << 52)),
	       n = (double)(e - (tiny ? 54 : 0));
	/* s = (m - 1) / (m + 1): the numerator exact, the denominator a pair, the quotient
	 * corrected */
	double f = m - 1;
	struct math_pair d = math_quick_sum(2, f);
	double s = f / d.high;
	struct math_pair p = math_two_product(s, d.high);
	double rest = (((f - p.high) - p.low) - s * d.low) / d.high;
	struct math_pair v = math_quick_sum(s, rest), z = math_pair_product(v, v);
	double w = z.high, q = 1.0 / 25;
	q = q * w + 1.0 / 23;
	q = q * w + 1.0 / 21;
	q = q * w + 1.0 / 19;
	q = q * w + 1.0 / 17;
	q = q * w + 1.0 / 15;
	q = q * w + 1.0 / 13;
	q = q * w + 1.0 / 11;
	q = q * w + 1.0 / 9;
	q = q * w + 1.0 / 7;
	q = q * w + 1.0 / 5;
	/* 2 s (1 + z/3 + z² q) */
	struct math_pair third = { 1.0 / 3, 0x1.5555555555555p-56 };
	struct math_pair a = math_pair_product(z, third);
	a = math_quick_sum(a.high, a.low + w * w * q);
	a = math_pair_product(v, a);
	struct math_pair sum = math_quick_sum(v.high, a.high);
	sum = math_quick_sum(sum.high, sum.low + (v.low + a.low));
	double high = n * 0x1.62e42fefa38p-1, low = n * 0x1.ef35793c7673p-45; /* the first exact */
	struct math_pair r = math_two_sum(high, 2 * sum.high);
	return math_quick_sum(r.high, r.low + (2 * sum.low + low));
}

MATH_FN double math_log64(double x)
{
	int finite = x > 0 && x <= DBL_MAX;
	double r = math_log_pair(finite ? x : 1).high;
	r = finite ? r : x + x; /* +inf and NaN */
	r = x == 0 ? -math_double(0x7ff0000000000000) : r;
	return x < 0 ? math_double(0x7ff8000000000000) : r;
}

/* Specials as IEEE 754's pow. */
MATH_FN double math_pow64(double x, double y)
{
	int64_t bits = math_bits64(x), abs = bits & INT64_MAX;
	double a = math_double(abs), inf = math_double(0x7ff0000000000000);
	int special = abs == 0 || !(a < inf) || y != y;
	struct math_pair l = math_log_pair(special ? 1 : x);
	/* beyond these bounds the result is 0 or inf whatever the exact product */
	double b = y > 0x1p100 ? 0x1p100 : y;
	b = b < -0x1p100 ? -0x1p100 : b;
	b = y == y ? b : 0;
	struct math_pair t = math_two_product(l.high, b);
	t = math_quick_sum(t.high, t.low + l.low * b);
	double h = t.high, low = t.low;
	low = h > 710 || h < -746 ? 0 : low;
	h = h > 710 ? 710 : h;
	h = h < -746 ? -746 : h;
	double p = math_exp_pair(h, low);
	p = abs == 0 ? (y < 0 ? inf : 0) : p;
	p = a == inf ? (y < 0 ? 0 : inf) : p;
	/* whole and odd exponents: from 2^53 on all are even */
	double c = b > 0x1p53 ? 0x1p53 : b;
	c = c < -0x1p53 ? -0x1p53 : c;
	int64_t whole = (int64_t)c;
	int is_whole = (double)whole == c, is_odd = is_whole && (whole & 1);
	p = math_double(math_bits64(p) | (is_odd ? bits & INT64_MIN : 0));
	p = x < 0 && !is_whole && a != inf ? math_double(0x7ff8000000000000) : p;
	p = x == x && y == y ? p : x + y;
	return x == 1 || y == 0 ? 1 : p;
}
