/*
 * number_write.c: the shortest decimal that reads back to the same float, of those the closest.
 * Schubfach: Raffaello Giulietti, "The Schubfach way to render doubles" (2020), with 128-bit powers
 * rounded up.
 *
 * A float v = c 2^q rounds from any decimal in an interval around it. Scaled by 10^-k so that the
 * interval is between 2 and 20 wide, it holds at most one multiple of 10 (the shorter candidate) or
 * else one or two whole numbers next to v.
 */
#include "lib/record/number.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/record/number_internal.h"

typedef unsigned __int128 u128;

struct decimal {
	uint64_t digits;
	int exponent;
};

static const char pairs[] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839"
	"40414243444546474849505152535455565758596061626364656667686970717273747576777879"
	"8081828384858687888990919293949596979899";

/* The choice among the candidates, from the scaled value vb and the interval [lower, upper], all in
 * quarters; k is the scale. */
static inline struct decimal choose(uint64_t vb, uint64_t lower, uint64_t upper, int k)
{
	uint64_t s = vb / 4;
	if (s >= 10) {
		uint64_t tens = s / 10;
		bool below = lower <= 40 * tens, above = 40 * tens + 40 <= upper;
		if (below != above)
			return (struct decimal){ tens + above, k + 1 };
	}
	bool below = lower <= 4 * s, above = 4 * s + 4 <= upper;
	if (below != above)
		return (struct decimal){ s + above, k };
	uint64_t half = 4 * s + 2;
	bool up = vb > half || (vb == half && (s & 1));
	return (struct decimal){ s + up, k };
}

/* g x / 2^127, the last bit set where the rest is not zero ("round to odd"). */
static inline uint64_t scale64(const uint64_t g[2], uint64_t x)
{
	u128 y = (u128)g[0] * x + (uint64_t)((u128)g[1] * x >> 64);
	return (uint64_t)(y >> 64) | ((uint64_t)y > 1);
}

static inline uint64_t scale32(uint64_t g, uint32_t x)
{
	u128 y = (u128)g * x;
	return (uint64_t)(y >> 64) | ((uint32_t)(y >> 32) > 1);
}

static struct decimal shortest64(uint64_t fraction, uint64_t exponent)
{
	uint64_t c = exponent ? fraction | (uint64_t)1 << 52 : fraction;
	int q = (int)(exponent ? exponent : 1) - 1075;
	if (q <= 0 && q > -53 && (c & (((uint64_t)1 << -q) - 1)) == 0)
		return (struct decimal){ c >> -q, 0 }; /* a whole number below 2^53 */
	bool narrow = fraction == 0 && exponent > 1; /* the neighbour below is half as far */
	int k = narrow ? number_log10_three_quarters_pow2(q) : number_log10_pow2(q);
	int h = q + number_log2_pow10(-k) + 1;
	const uint64_t *g = number_powers[-k - NUMBER_POWER_MIN];
	bool odd = c & 1;
	uint64_t lower = scale64(g, (4 * c - 2 + narrow) << h) + odd;
	uint64_t upper = scale64(g, (4 * c + 2) << h) - odd;
	return choose(scale64(g, 4 * c << h), lower, upper, k);
}

static inline struct decimal shortest32(uint32_t fraction, uint32_t exponent)
{
	uint32_t c = exponent ? fraction | 1u << 23 : fraction;
	int q = (int)(exponent ? exponent : 1) - 150;
	if (q <= 0 && q > -24 && (c & ((1u << -q) - 1)) == 0)
		return (struct decimal){ c >> -q, 0 };
	bool narrow = fraction == 0 && exponent > 1;
	int k = narrow ? number_log10_three_quarters_pow2(q) : number_log10_pow2(q);
	int h = q + number_log2_pow10(-k) + 1;
	const uint64_t *power = number_powers[-k - NUMBER_POWER_MIN];
	uint64_t g = power[0] + (power[1] != 0);
	bool odd = c & 1;
	uint64_t lower = scale32(g, (4 * c - 2 + narrow) << h) + odd;
	uint64_t upper = scale32(g, (4 * c + 2) << h) - odd;
	return choose(scale32(g, 4 * c << h), lower, upper, k);
}

/* The digits of x, ending before end; returns where they begin. */
static inline char *put_digits(char *end, uint64_t x)
{
	while (x >= 100) {
		end -= 2;
		memcpy(end, pairs + 2 * (x % 100), 2);
		x /= 100;
	}
	if (x >= 10) {
		end -= 2;
		memcpy(end, pairs + 2 * x, 2);
	} else {
		*--end = (char)('0' + x);
	}
	return end;
}

static char *put_exponent(char *out, int e)
{
	*out++ = 'e';
	if (e < 0) {
		*out++ = '-';
		e = -e;
	}
	char room[4], *p = put_digits(room + sizeof room, (uint64_t)e);
	size_t n = (size_t)(room + sizeof room - p);
	memcpy(out, p, n);
	return out + n;
}

/* JavaScript's layout (ECMA-262, Number::toString), but no sign before a positive exponent. */
static inline size_t put(char out[NUMBER_SIZE], bool negative, struct decimal d)
{
	char room[24], *end = room + sizeof room, *digits = put_digits(end, d.digits), *at = out;
	while (end - digits > 1 && end[-1] == '0') {
		end--;
		d.exponent++;
	}
	size_t n = (size_t)(end - digits);
	int point = (int)n + d.exponent; /* the value is 0.digits 10^point */
	if (negative)
		*at++ = '-';
	if (point > 21 || point < -5) {
		*at++ = *digits;
		if (n > 1) {
			*at++ = '.';
			memcpy(at, digits + 1, n - 1);
			at += n - 1;
		}
		at = put_exponent(at, point - 1);
	} else if (point <= 0) {
		memcpy(at, "0.000000", 8);
		at += 2 - point;
		memcpy(at, digits, n);
		at += n;
	} else if ((size_t)point >= n) {
		memcpy(at, digits, n);
		memset(at + n, '0', (size_t)point - n);
		at += point;
	} else {
		memcpy(at, digits, (size_t)point);
		at[point] = '.';
		memcpy(at + point + 1, digits + point, n - (size_t)point);
		at += n + 1;
	}
	return (size_t)(at - out);
}

size_t number_from_float(char out[NUMBER_SIZE], float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof bits);
	uint32_t fraction = bits & 0x7fffff, exponent = bits >> 23 & 0xff;
	CHECK(exponent != 0xff);
	if (!(fraction | exponent))
		return put(out, bits >> 31, (struct decimal){ 0, 0 });
	return put(out, bits >> 31, shortest32(fraction, exponent));
}

size_t number_from_double(char out[NUMBER_SIZE], double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	uint64_t fraction = bits & 0xfffffffffffff, exponent = bits >> 52 & 0x7ff;
	CHECK(exponent != 0x7ff);
	if (!(fraction | exponent))
		return put(out, bits >> 63, (struct decimal){ 0, 0 });
	return put(out, bits >> 63, shortest64(fraction, exponent));
}
