/* number_internal.h: what reading and writing of numbers share. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { NUMBER_POWER_MIN = -343, NUMBER_POWER_MAX = 324 };

/* g(k) at [k - NUMBER_POWER_MIN]: high word, low word. Exact for 0 <= k <= 55. */
extern const uint64_t number_powers[NUMBER_POWER_MAX - NUMBER_POWER_MIN + 1][2];

/* floor(log2 10^k) for |k| <= 1233, floor(log10 2^e) for |e| <= 1650, floor(log10 (3/4 2^e)). */
static inline int number_log2_pow10(int k)
{
	return (k * 1741647) >> 19;
}

static inline int number_log10_pow2(int e)
{
	return (e * 1262611) >> 22;
}

static inline int number_log10_three_quarters_pow2(int e)
{
	return (e * 1262611 - 524031) >> 22;
}

/* A binary format: bits of the fraction, exponent bias, and s where 10^-s and less is 0. */
struct number_kind {
	int fraction, bias, smallest;
};

static inline uint64_t number_infinity(const struct number_kind *kind)
{
	return (uint64_t)(2 * kind->bias + 1) << kind->fraction;
}

/* A number as text: its value is w 10^exponent, or between that and (w + 1) 10^exponent where
 * digits were cut off. */
struct number_text {
	const char *first, *last; /* the digits, a point among them, not the exponent part */
	uint64_t w;
	int64_t exponent;
	bool negative, cut;
};

/* Of more than 19 digits: w and exponent from the leading 19 significant ones. */
void number_leading(struct number_text *);

/* The bits of the nearest float, which is in [low, high], by whole numbers of any length. */
uint64_t number_exact(
	const struct number_text *, const struct number_kind *, uint64_t low, uint64_t high);
