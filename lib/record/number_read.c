/*
 * number_read.c: decimal to binary, rounded once, to nearest with ties to even. The power of ten is
 * multiplied in as its 128 leading bits (Lemire, "Number parsing at a gigabyte per second", 2021);
 * here the product is an interval that holds the value for certain, and where both its ends round
 * to the same float, that is the answer. Else (close to the middle between two floats, or with more
 * than 19 digits) whole numbers of any length decide (number_exact.c).
 */
#include "lib/record/number.h"

#include <string.h>

#include "lib/record/number_internal.h"

typedef unsigned __int128 u128;

static const struct number_kind kind32 = { 23, 127, 45 }, kind64 = { 52, 1023, 345 };

static inline bool is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

/* Eight digits at once; false where one of them is none. */
static inline bool eight(const char *p, uint64_t *value)
{
	uint64_t x;
	memcpy(&x, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	if (((x & 0xf0f0f0f0f0f0f0f0u) | ((x + 0x0606060606060606u) & 0xf0f0f0f0f0f0f0f0u) >> 4) !=
		0x3333333333333333u)
		return false;
	x -= 0x3030303030303030u;
	x = x * 10 + (x >> 8);
	x = ((x & 0x000000ff000000ffu) * 0x000f424000000064u +
		    (x >> 16 & 0x000000ff000000ffu) * 0x0000271000000001u) >>
	    32;
	*value = (uint32_t)x;
	return true;
}

/* Read the grammar; NULL where no number starts. Digits are taken as one whole number, up to 19 of
 * them. */
static const char *parse(const char *p, const char *end, struct number_text *t)
{
	*t = (struct number_text){ .first = p };
	if (p < end && *p == '-') {
		t->negative = true;
		p++;
	}
	if (p == end || !is_digit(*p))
		return NULL;
	const char *start = p, *point = NULL;
	uint64_t w = 0;
	if (*p == '0') {
		p++;
	} else {
		while (p < end && is_digit(*p))
			w = w * 10 + (uint64_t)(*p++ - '0');
	}
	t->first = start;
	size_t digits = (size_t)(p - start);
	if (end - p >= 2 && *p == '.' && is_digit(p[1])) {
		point = p++;
		uint64_t more;
		while (end - p >= 8 && eight(p, &more)) {
			w = w * 100000000 + more;
			p += 8;
		}
		while (p < end && is_digit(*p))
			w = w * 10 + (uint64_t)(*p++ - '0');
		digits = (size_t)(p - start) - 1;
		t->exponent = -(int64_t)(p - point - 1);
	}
	t->last = p;
	t->w = w;
	if (digits > 19)
		number_leading(t);
	if (p < end && (*p == 'e' || *p == 'E')) {
		const char *q = p + 1;
		bool negative = q < end && *q == '-';
		if (q < end && (*q == '-' || *q == '+'))
			q++;
		if (q < end && is_digit(*q)) {
			int64_t e = 0;
			for (; q < end && is_digit(*q); q++)
				e = e < 100000000 ? e * 10 + (*q - '0') : e;
			t->exponent += negative ? -e : e;
			p = q;
		}
	}
	return p;
}

/* The bits of the float nearest to (high:low, and more behind it where `sticky`) 2^exponent; high
 * has its top bit set. */
static inline uint64_t nearest(u128 x, bool sticky, int exponent, const struct number_kind *kind)
{
	/* the value is x 2^exponent with 2^127 <= x < 2^128: its leading bit weighs 2^(exponent +
	 * 127) */
	int biased = exponent + 127 + kind->bias;
	int drop = 127 - kind->fraction;
	if (biased >= 2 * kind->bias + 1)
		return number_infinity(kind);
	if (biased <= 0) {
		drop += 1 - biased;
		biased = 1; /* a subnormal lacks the leading bit, which takes the 1 away again */
		if (drop > 128)
			return 0;
	}
	uint64_t m = drop == 128 ? 0 : (uint64_t)(x >> drop);
	u128 half = (u128)1 << (drop - 1), rest = drop == 128 ? x : x & ((half << 1) - 1);
	m += rest > half || (rest == half && (sticky || (m & 1)));
	/* a carry out of the fraction raises the exponent, up to infinity, by plain addition */
	return ((uint64_t)(biased - 1) << kind->fraction) + m;
}

/* The nearest float to x 2^exponent for any x. */
static inline uint64_t nearest_of(
	u128 x, uint64_t tail, int exponent, const struct number_kind *kind)
{
	if (!(x >> 127)) {
		x = x << 1 | tail >> 63;
		tail <<= 1;
		exponent--;
	}
	return nearest(x, tail != 0, exponent, kind);
}

/* The floats nearest to the two ends of an interval that holds w 10^q. */
static inline void product(
	uint64_t w, int q, const struct number_kind *kind, uint64_t *low, uint64_t *high)
{
	int shift = __builtin_clzll(w);
	w <<= shift;
	const uint64_t *g = number_powers[q - NUMBER_POWER_MIN];
	u128 part = (u128)w * g[1], x = (u128)w * g[0] + (uint64_t)(part >> 64);
	uint64_t tail = (uint64_t)part; /* x and tail are w g, at most w more than the value */
	int exponent = number_log2_pow10(q) - 127 - shift + 64;
	*high = nearest_of(x, tail, exponent, kind);
	*low = *high;
	if (q < 0 || q > 55)
		*low = nearest_of(x - (tail < w), tail - w, exponent, kind);
}

static uint64_t to_bits(const struct number_text *t, const struct number_kind *kind)
{
	if (t->w == 0)
		return 0;
	if (t->exponent > 310)
		return number_infinity(kind);
	if (t->exponent < -(kind->smallest + 19))
		return 0;
	uint64_t low = 0, high = number_infinity(kind), unused;
	if (t->exponent >= NUMBER_POWER_MIN) {
		product(t->w, (int)t->exponent, kind, &low, &high);
		if (t->cut)
			product(t->w + 1, (int)t->exponent, kind, &unused, &high);
	}
	return low == high ? low : number_exact(t, kind, low, high);
}

static const double tens[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
	1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

/* Where both are exact in double, one rounded operation is the answer (Clinger 1990). */
static inline bool easy(const struct number_text *t, double *value)
{
	if (t->w >> 53 || t->cut || t->exponent < -22 || t->exponent > 22)
		return false;
	double w = (double)t->w;
	*value = t->exponent < 0 ? w / tens[-t->exponent] : w * tens[t->exponent];
	return true;
}

double number_to_double(const char *p, const char *end, const char **after)
{
	struct number_text t;
	double value;
	*after = parse(p, end, &t);
	if (!*after)
		return 0;
	if (!easy(&t, &value)) {
		uint64_t bits = to_bits(&t, &kind64);
		memcpy(&value, &bits, sizeof value);
	}
	return t.negative ? -value : value;
}

float number_to_float(const char *p, const char *end, const char **after)
{
	struct number_text t;
	double wide;
	float value;
	*after = parse(p, end, &t);
	if (!*after)
		return 0;
	/* Rounding twice is wrong only where the double falls on the middle between two floats: its
	 * last 29 bits are 1 and zeros. Subnormal floats have more to drop, so they take the long
	 * way. */
	uint64_t bits;
	if (easy(&t, &wide) && (memcpy(&bits, &wide, 8), (bits & 0x1fffffff) != 0x10000000) &&
		(wide >= 0x1p-126 || wide == 0)) {
		value = (float)wide;
	} else {
		uint32_t narrow = (uint32_t)to_bits(&t, &kind32);
		memcpy(&value, &narrow, sizeof value);
	}
	return t.negative ? -value : value;
}
