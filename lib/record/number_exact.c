/*
 * number_exact.c: decimal to binary where 128 bits do not decide. The leading digits give the float
 * below; the middle between it and the next float is compared with the decimal, both as whole
 * numbers. 800 digits are enough: a middle between two doubles has at most 767 significant digits,
 * so what is cut off behind them can only break a tie.
 */
#include "lib/base/error.h"
#include "lib/record/number.h"
#include "lib/record/number_internal.h"

typedef unsigned __int128 u128;

enum { WORDS = 128, DIGITS = 800 };

struct big {
	size_t n; /* words in use, the last not 0 */
	uint64_t w[WORDS];
};

static void big_set(struct big *b, uint64_t x)
{
	b->n = x != 0;
	b->w[0] = x;
}

/* b = b m + a */
static void big_step(struct big *b, uint64_t m, uint64_t a)
{
	u128 carry = a;
	for (size_t i = 0; i < b->n; i++) {
		carry += (u128)b->w[i] * m;
		b->w[i] = (uint64_t)carry;
		carry >>= 64;
	}
	if (carry) {
		CHECK(b->n < WORDS);
		b->w[b->n++] = (uint64_t)carry;
	}
}

static void big_times_pow5(struct big *b, int64_t n)
{
	for (; n >= 27; n -= 27)
		big_step(b, 7450580596923828125u, 0); /* 5^27 */
	for (; n > 0; n--)
		big_step(b, 5, 0);
}

static void big_shift(struct big *b, int64_t bits)
{
	size_t words = (size_t)bits / 64;
	if (b->n == 0)
		return;
	if (bits % 64)
		big_step(b, (uint64_t)1 << (bits % 64), 0);
	CHECK(b->n + words <= WORDS);
	for (size_t i = b->n; i-- > 0;)
		b->w[i + words] = b->w[i];
	for (size_t i = 0; i < words; i++)
		b->w[i] = 0;
	b->n += words;
}

static int big_compare(const struct big *a, const struct big *b)
{
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (size_t i = a->n; i-- > 0;)
		if (a->w[i] != b->w[i])
			return a->w[i] < b->w[i] ? -1 : 1;
	return 0;
}

/* Walk the significant digits, at most `limit` of them: each goes to b or w. Returns whether one
 * that is not 0 was left out, and counts in *exponent the places by which the last digit taken
 * stands before the point (negative: behind it). */
static bool take(
	const struct number_text *t, size_t limit, struct big *b, uint64_t *w, int64_t *exponent)
{
	size_t taken = 0;
	int64_t places = 0;
	bool point = false, left = false;
	for (const char *p = t->first; p < t->last; p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		uint64_t digit = (uint64_t)(*p - '0');
		if (taken == limit) {
			left = left || digit;
			places += !point;
			continue;
		}
		places -= point;
		if (taken == 0 && digit == 0)
			continue;
		taken++;
		if (w) {
			*w = *w * 10 + digit;
		} else if (b->n == 0) {
			big_set(b, digit);
		} else {
			big_step(b, 10, digit);
		}
	}
	*exponent = places;
	return left;
}

void number_leading(struct number_text *t)
{
	t->w = 0;
	t->cut = take(t, 19, NULL, &t->w, &t->exponent);
}

/* Compare the decimal with m 2^e. */
static int compare(const struct number_text *t, int64_t power, uint64_t m, int64_t e)
{
	struct big a, b;
	int64_t exponent, was;
	uint64_t w = 0;
	/* the exponent part: what t->exponent holds beyond the places of its own digits */
	take(t, 19, NULL, &w, &was);
	big_set(&a, 0);
	bool left = take(t, DIGITS, &a, NULL, &exponent);
	exponent += power - was;
	big_set(&b, m);
	if (exponent >= 0)
		big_times_pow5(&a, exponent);
	else
		big_times_pow5(&b, -exponent);
	int64_t shift = exponent - e;
	if (shift >= 0)
		big_shift(&a, shift);
	else
		big_shift(&b, -shift);
	int c = big_compare(&a, &b);
	return c == 0 && left ? 1 : c;
}

/* The bits of floats are ordered as the floats are: search among them for the first whose middle
 * with the next is not below. */
uint64_t number_exact(
	const struct number_text *t, const struct number_kind *kind, uint64_t low, uint64_t high)
{
	while (low < high) {
		uint64_t bits = low + (high - low) / 2;
		uint64_t exponent = bits >> kind->fraction;
		uint64_t fraction = bits & (((uint64_t)1 << kind->fraction) - 1);
		uint64_t m = exponent ? fraction | (uint64_t)1 << kind->fraction : fraction;
		int64_t e = (int64_t)(exponent ? exponent : 1) - kind->bias - kind->fraction;
		int c = compare(t, t->exponent, 2 * m + 1, e - 1);
		if (c > 0 || (c == 0 && (bits & 1)))
			low = bits + 1;
		else
			high = bits;
	}
	return low;
}
