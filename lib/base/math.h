/*
 * math.h: elementary functions whose bits are the same on every machine with IEEE 754 arithmetic.
 * Only + - * /, a correctly rounded fused multiply-add, selection and integer operations on the
 * bits: no table, no libm, no branch, so that one source is portable C, the AVX2 and AVX-512
 * kernels (the compiler vectorises it) and CUDA. What libm offers is not used for anything but
 * sqrt, fma, floor and rint: the rest differs between versions and processors. Compile with
 * -ffp-contract=off (nvcc -fmad=false).
 *
 * The largest errors in units of the last place of the float32 result, over all 2^32 arguments
 * (HEDDLE_SLOW=1 tests/unit/test_math):
 *	math_exp 1.05   math_log 1.09   math_erf 1.16   math_tanh 1.34   math_sin, math_cos 0.51
 *	math_pow 0.51 (sampled)   math_exp_neg as math_exp, 0 below -87
 * math64.h has exp, log and pow in double.
 *
 * Polynomials: minimax by Remez over the reduced interval, coefficients rounded to float with
 * sollya's fpminimax (prototypes/coef.sollya); reductions after W. Cody and W. Waite, "Software
 * Manual for the Elementary Functions", 1980.
 */
#pragma once
#include <float.h>
#include <stdint.h>

#if defined __FAST_MATH__ || FLT_EVAL_METHOD != 0
#error "the arithmetic is defined by IEEE 754: no -ffast-math, no x87"
#endif

#if defined __CUDACC__
#define MATH_FN static __host__ __device__ __forceinline__
#else
#define MATH_FN static inline __attribute__((always_inline, unused))
#endif

MATH_FN int32_t math_bits(float x)
{
	union {
		float f;
		int32_t i;
	} u = { .f = x };
	return u.i;
}

MATH_FN float math_float(int32_t i)
{
	union {
		int32_t i;
		float f;
	} u = { .i = i };
	return u.f;
}

MATH_FN int64_t math_bits64(double x)
{
	union {
		double d;
		int64_t i;
	} u = { .d = x };
	return u.i;
}

MATH_FN double math_double(int64_t i)
{
	union {
		int64_t i;
		double d;
	} u = { .i = i };
	return u.d;
}

/* a b + c, rounded once. Without the instruction: the product is exact in double, the sum is
 * rounded to odd (its error, by D. Knuth's two-sum, nudges an even last bit), and so rounds once to
 * float (S. Boldo and G. Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
 * Branch-free, unlike libm's. */
MATH_FN float math_fma(float a, float b, float c)
{
#if defined __CUDA_ARCH__
	return __fmaf_rn(a, b, c);
#elif defined __FMA__ || defined __aarch64__
	return __builtin_fmaf(a, b, c);
#else
	double p = (double)a * b, q = c, s = p + q, t = s - p, e = (p - (s - t)) + (q - t);
	uint64_t i = (uint64_t)math_bits64(s), opposed = ((uint64_t)math_bits64(e) ^ i) >> 63;
	/* written so that SSE2, which lacks much in 64-bit integers, has it as vectors */
	double odd = math_double((int64_t)(i + ((1 - 2 * opposed) & ((i & 1) - 1))));
	return (float)(e < 0 || e > 0 ? odd : s);
#endif
}

#if defined __SSE__ && !defined __CUDACC__
#include <xmmintrin.h>
/* Round to nearest, keep subnormals, trap nothing: on entry of every thread that computes, and
 * again after every dlopen (a library built with -ffast-math switches subnormals off in whoever
 * loads it). */
static inline void math_enter(void)
{
	_mm_setcsr(0x1f80);
}
#elif defined __aarch64__ && !defined __CUDACC__
static inline void math_enter(void)
{
	uint64_t zero = 0;
	__asm__ volatile("msr fpcr, %0" : : "r"(zero));
}
#else
static inline void math_enter(void)
{
}
#endif

/* Adding this rounds to a whole number, left in the low bits of the sum. */
#define MATH_ROUND 0x1.8p23f

/* |x| <= 104: p(r) 2^n, ln 2 in two parts; the scale in two steps, so that a subnormal result
 * rounds once. */
MATH_FN float math_exp_core(float x)
{
	float t = math_fma(x, 0x1.715476p0f, MATH_ROUND), n = t - MATH_ROUND;
	float r = math_fma(n, -0x1.62e43p-1f, x); /* exact */
	r = math_fma(n, 0x1.05c61p-29f, r);
	float q = math_fma(0x1.6db424p-10f, r, 0x1.123b52p-7f);
	q = math_fma(q, r, 0x1.55545ep-5f);
	q = math_fma(q, r, 0x1.55548ep-3f);
	q = math_fma(q, r, 0x1p-1f);
	float p = 1 + math_fma(q, r * r, r);
	uint32_t i = (uint32_t)math_bits(t) - 0x4b400000u, half = (uint32_t)((int32_t)i >> 1);
	return p * math_float((int32_t)((half + 127) << 23)) *
	       math_float((int32_t)((i - half + 127) << 23));
}

MATH_FN float math_exp(float x)
{
	x = x > 89 ? 89 : x; /* both keep a NaN */
	x = x < -104 ? -104 : x;
	return math_exp_core(x);
}

/* For softmax and for 1 - exp: x <= 0. Below -87 it is 0: no weight is subnormal (slow on many
 * processors), and one scale does. */
MATH_FN float math_exp_neg(float x)
{
	float c = x < -87 ? -87 : x, t = math_fma(c, 0x1.715476p0f, MATH_ROUND), n = t - MATH_ROUND;
	float r = math_fma(n, -0x1.62e43p-1f, c);
	r = math_fma(n, 0x1.05c61p-29f, r);
	float q = math_fma(0x1.6db424p-10f, r, 0x1.123b52p-7f);
	q = math_fma(q, r, 0x1.55545ep-5f);
	q = math_fma(q, r, 0x1.55548ep-3f);
	q = math_fma(q, r, 0x1p-1f);
	float p = (1 + math_fma(q, r * r, r)) *
		  math_float((int32_t)(((uint32_t)math_bits(t) - 0x4b400000u + 127) << 23));
	return x < -87 ? 0 : p;
}

/* x q(x²) below 0.9375, else 1 - exp(g(|x|)), g = log erfc. */
MATH_FN float math_erf(float x)
{
	float a = math_float(math_bits(x) & 0x7fffffff), y = x * x;
	float q = math_fma(-0x1.37cd6cp-11f, y, 0x1.46b886p-8f);
	q = math_fma(q, y, -0x1.b677ecp-6f);
	q = math_fma(q, y, 0x1.ce196p-4f);
	q = math_fma(q, y, -0x1.8126e2p-2f);
	q = math_fma(q, y, 0x1.06eba6p-3f);
	float small = math_fma(q, x, x);
	float c = a > 4 ? 4 : a;
	float g = math_fma(-0x1.648052p-16f, c, 0x1.c96bp-12f);
	g = math_fma(g, c, -0x1.11e8e6p-8f);
	g = math_fma(g, c, 0x1.9beb0cp-6f);
	g = math_fma(g, c, -0x1.bba744p-4f);
	g = math_fma(g, c, -0x1.444214p-1f);
	g = math_fma(g, c, -0x1.2128dcp0f);
	g = math_fma(g, c, 0x1.74b3e4p-13f);
	float large = 1 - math_exp_neg(g);
	large = math_float(math_bits(large) | (math_bits(x) & INT32_MIN));
	return a < 0.9375f ? small : large;
}

MATH_FN float math_tanh(float x)
{
	float a = math_float(math_bits(x) & 0x7fffffff), y = x * x;
	float q = math_fma(-0x1.9cb942p-8f, y, 0x1.5a3d52p-6f);
	q = math_fma(q, y, -0x1.b9613cp-5f);
	q = math_fma(q, y, 0x1.110f2p-3f);
	q = math_fma(q, y, -0x1.555554p-2f);
	float small = math_fma(q * y, a, a), c = a > 10 ? 10 : a;
	float large = 1 - 2.0f / (math_exp_core(2 * c) + 1);
	float r = a < 0.6f ? small : large;
	/* the sign last: fma(q y, -0, -0) would be +0 */
	return math_float(math_bits(r) | (math_bits(x) & INT32_MIN));
}

/* n ln 2 + f - f²/2 + f³ q(f), the mantissa 1 + f in [sqrt(1/2), sqrt 2). */
MATH_FN float math_log(float x)
{
	int tiny = x < 0x1p-126f;
	float s = tiny ? x * 0x1p23f : x;
	int32_t e = (int32_t)((uint32_t)math_bits(s) - 0x3f3504f3u) >> 23;
	float f = math_float((int32_t)((uint32_t)math_bits(s) - ((uint32_t)e << 23))) - 1;
	float n = (float)(e - (tiny ? 23 : 0)), y = f * f;
	float q = math_fma(-0x1.553e72p-4f, f, 0x1.0665ecp-3f);
	q = math_fma(q, f, -0x1.09034ap-3f);
	q = math_fma(q, f, 0x1.22926ep-3f);
	q = math_fma(q, f, -0x1.54dc66p-3f);
	q = math_fma(q, f, 0x1.99a3fap-3f);
	q = math_fma(q, f, -0x1.0000bcp-2f);
	q = math_fma(q, f, 0x1.55555p-2f);
	float low = math_fma(q * y, f, n * -0x1.05c61p-29f);
	low = math_fma(-0.5f, y, low);
	float hi = n * 0x1.62e43p-1f, sum = hi + f;
	float err = math_fma(n, 0x1.62e43p-1f, -hi) + (f - (sum - hi));
	float r = n == 0 ? f + low : sum + (low + err);
	r = x == 0 ? math_float((int32_t)0xff800000) : r;
	r = x < 0 ? math_float(0x7fc00000) : r;
	return x < math_float(0x7f800000) ? r : x + x; /* +inf and NaN */
}

/* 2^(y log2 |x|) in double, rounded once; specials as IEEE 754's pow. log2 by the series of atanh,
 * 2^ by that of exp, each to 2^-40 or better. */
MATH_FN float math_pow(float x, float y)
{
	int32_t bits = math_bits(x), abs = bits & 0x7fffffff;
	int tiny = abs < 0x00800000;
	float s = tiny ? math_float(abs) * 0x1p23f : math_float(abs);
	int32_t e = (int32_t)((uint32_t)math_bits(s) - 0x3f3504f3u) >> 23;
	double m = math_float((int32_t)((uint32_t)math_bits(s) - ((uint32_t)e << 23)));
	double v = (m - 1) / (m + 1), z = v * v, q = 1.0 / 17;
	q = q * z + 1.0 / 15;
	q = q * z + 1.0 / 13;
	q = q * z + 1.0 / 11;
	q = q * z + 1.0 / 9;
	q = q * z + 1.0 / 7;
	q = q * z + 1.0 / 5;
	q = q * z + 1.0 / 3;
	double lg = (double)(e - (tiny ? 23 : 0)) + (v + v * (z * q)) * 0x1.71547652b82fep1;
	lg = abs == 0 ? -1e300 : lg;
	lg = abs == 0x7f800000 ? 1e300 : lg;
	double t = abs == 0x3f800000 ? 0 : y * lg;
	t = t > 200 ? 200 : t;
	t = t < -200 ? -200 : t;
	double u = t + 0x1.8p52, n = u - 0x1.8p52, r = (t - n) * 0x1.62e42fefa39efp-1;
	q = 1.0 / 39916800;
	q = q * r + 1.0 / 3628800;
	q = q * r + 1.0 / 362880;
	q = q * r + 1.0 / 40320;
	q = q * r + 1.0 / 5040;
	q = q * r + 1.0 / 720;
	q = q * r + 1.0 / 120;
	q = q * r + 1.0 / 24;
	q = q * r + 1.0 / 6;
	q = q * r + 0.5;
	q = q * r + 1;
	q = q * r + 1;
	int64_t scale = (int64_t)((uint64_t)(math_bits64(u) + 1023) << 52);
	float p = (float)(q * math_double(scale));
	/* whole and odd exponents: from 2^24 on all are even */
	float c = y > 0x1p24f ? 0x1p24f : y;
	c = c < -0x1p24f ? -0x1p24f : c;
	c = c == c ? c : 0;
	int32_t whole = (int32_t)c;
	int is_whole = (float)whole == c, is_odd = is_whole && (whole & 1);
	p = math_float(math_bits(p) | (is_odd ? bits & INT32_MIN : 0));
	p = x < 0 && !is_whole && abs != 0x7f800000 ? math_float(0x7fc00000) : p;
	p = x == x && y == y ? p : x + y;
	return abs == 0x3f800000 && bits > 0 ? 1 : y == 0 ? 1 : p;
}

/* Words of 2/π's expansion after 64 zeros, by selection. */
MATH_FN uint32_t math_two_over_pi(uint32_t i)
{
	uint32_t w = i == 2 ? 0xa2f9836eu : i == 3 ? 0x4e441529u : 0;
	w = i == 4 ? 0xfc2757d1u : i == 5 ? 0xf534ddc0u : w;
	return i == 6 ? 0xdb629599u : i == 7 ? 0x3c439041u : w;
}

/* |x| = q π/2 + r with r in [-π/4, π/4], then the sign of x; |x| >= 0.5. M. Payne and R. Hanek,
 * "Radian reduction for trigonometric functions", 1983: |x| = m 2^(e - 32), so |x| 2/π 2^62 = m
 * (2/π 2^(e + 30)), whose 64 bits above the point matter: two of the quadrant, 62 of the
 * fraction. */
MATH_FN double math_reduce(float x, uint32_t *quadrant)
{
	uint32_t bits = (uint32_t)math_bits(x), m = bits << 8 | 0x80000000u;
	uint32_t biased = bits >> 23 & 0xff, at = (biased < 126 ? 0 : biased - 126) + 30;
	uint32_t i = at >> 5, shift = at & 31;
	uint64_t a = math_two_over_pi(i), b = math_two_over_pi(i + 1), c = math_two_over_pi(i + 2);
	uint64_t d = math_two_over_pi(i + 3);
	uint64_t hi = (a << 32 | b) << shift >> 32, mid = (b << 32 | c) << shift >> 32;
	uint64_t low = (c << 32 | d) << shift >> 32;
	uint64_t p = (m * hi << 32) + m * mid + (m * low >> 32);
	int64_t f = (int64_t)(p << 2);
	uint32_t q = (uint32_t)(p >> 62) + (f < 0);
	double r = (double)f * 0x1.921fb54442d18p-64;
	*quadrant = x < 0 ? 0u - q : q;
	return x < 0 ? -r : r;
}

/* sin(x + turn π/2). The series of sin and cos in double. */
MATH_FN float math_sin_turned(float x, uint32_t turn)
{
	uint32_t q;
	double r = math_reduce(x, &q);
	int32_t abs = math_bits(x) & 0x7fffffff;
	int direct = abs < 0x3f490fdb; /* below π/4 */
	r = direct ? x : r;
	q = (direct ? 0 : q) + turn;
	double z = r * r, s = -1.0 / 1307674368000.0, c = 1.0 / 20922789888000.0;
	s = s * z + 1.0 / 6227020800.0;
	s = s * z - 1.0 / 39916800;
	s = s * z + 1.0 / 362880;
	s = s * z - 1.0 / 5040;
	s = s * z + 1.0 / 120;
	s = s * z - 1.0 / 6;
	s = r * (1 + z * s);
	c = c * z - 1.0 / 87178291200.0;
	c = c * z + 1.0 / 479001600;
	c = c * z - 1.0 / 3628800;
	c = c * z + 1.0 / 40320;
	c = c * z - 1.0 / 720;
	c = c * z + 1.0 / 24;
	c = c * z - 0.5;
	c = 1 + z * c;
	double v = q & 1 ? c : s;
	v = q & 2 ? -v : v;
	return abs < 0x7f800000 ? (float)v : x - x;
}

MATH_FN float math_sin(float x)
{
	return math_sin_turned(x, 0);
}

MATH_FN float math_cos(float x)
{
	return math_sin_turned(x, 1);
}

/* x Φ(x), D. Hendrycks and K. Gimpel, "Gaussian Error Linear Units", 2016; and their approximation
 * by tanh ("gelu_new"), in order as written. */
MATH_FN float math_gelu(float x)
{
	return 0.5f * x * (1 + math_erf(x * 0x1.6a09e6p-1f));
}

MATH_FN float math_gelu_tanh(float x)
{
	float u = 0x1.988454p-1f * math_fma(0x1.6e4e26p-5f * x * x, x, x);
	return 0.5f * x * (1 + math_tanh(u));
}

#include "lib/base/math64.h"
