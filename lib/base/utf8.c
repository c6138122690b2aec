/*
 * utf8.c: validation of UTF-8. The vector path classifies pairs of adjacent bytes by three table
 * lookups, after Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte",
 * Software: Practice and Experience 51 (2021).
 */
#include "lib/base/utf8.h"

#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "lib/base/buffer.h"

/* What the lead byte asks for: length, and the range of the second byte (table 3-7). 0: no lead. */
static size_t sequence(unsigned char lead, unsigned char *low, unsigned char *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2)
		return 0;
	if (lead < 0xe0)
		return 2;
	if (lead < 0xf0) {
		if (lead == 0xe0)
			*low = 0xa0;
		if (lead == 0xed)
			*high = 0x9f;
		return 3;
	}
	if (lead > 0xf4)
		return 0;
	if (lead == 0xf0)
		*low = 0x90;
	if (lead == 0xf4)
		*high = 0x8f;
	return 4;
}

/* How many bytes at p begin a valid sequence, whole or cut off; *want is its full length, 0 where p
 * is no lead. */
static size_t begun(const unsigned char *p, const unsigned char *end, size_t *want)
{
	unsigned char low, high;
	*want = sequence(*p, &low, &high);
	if (*want < 2)
		return *want;
	size_t n = 1;
	while (n < *want && p + n < end && p[n] >= low && p[n] <= high) {
		n++;
		low = 0x80;
		high = 0xbf;
	}
	return n;
}

static size_t check_from(struct slice text, size_t at)
{
	const unsigned char *p = (const unsigned char *)text.data + at;
	const unsigned char *end = (const unsigned char *)text.data + text.size;
	while (p < end) {
		uint64_t word;
		if (end - p >= 8 && (memcpy(&word, p, 8), (word & 0x8080808080808080u) == 0)) {
			p += 8;
			continue;
		}
		if (*p < 0x80) {
			p++;
			continue;
		}
		size_t want, n = begun(p, end, &want);
		if (n == 0 || n < want)
			break;
		p += n;
	}
	return (size_t)((const char *)p - text.data);
}

size_t utf8_check_portable(struct slice text)
{
	return check_from(text, 0);
}

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2")))

/* The kinds of error that a pair of bytes can be; a pair is wrong where all three lookups name the
 * same kind. */
enum {
	TOO_SHORT = 1, /* 11______ 0_______ or 11______ 11______ */
	TOO_LONG = 2, /* 0_______ 10______ */
	OVERLONG_3 = 4, /* 11100000 100_____ */
	TOO_LARGE = 8, /* 11110100 1001____ and above */
	SURROGATE = 16, /* 11101101 101_____ */
	OVERLONG_2 = 32, /* 1100000_ 10______ */
	OVERLONG_4 = 64, /* 11110000 1000____; also 11110101 and above 1000____ */
	TWO_CONTS = 128, /* 10______ 10______: right only behind a longer lead */
	CARRY = TOO_SHORT | TOO_LONG | TWO_CONTS,
};

#define TABLE(...) _mm256_broadcastsi128_si256(_mm_setr_epi8(__VA_ARGS__))
#define S(x) ((char)(x))

/* The bytes of `now` shifted on by n, the last n of `before` first. */
#define SHIFTED(now, before, n) \
	_mm256_alignr_epi8(now, _mm256_permute2x128_si256(before, now, 0x21), 16 - (n))

AVX2 static inline __m256i high_nibble(__m256i v)
{
	return _mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(15));
}

AVX2 static inline __m256i wrong(__m256i now, __m256i before)
{
	const __m256i first_high = TABLE(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
		TOO_LONG, TOO_LONG, S(TWO_CONTS), S(TWO_CONTS), S(TWO_CONTS), S(TWO_CONTS),
		TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,
		TOO_SHORT | TOO_LARGE | OVERLONG_4);
	const char large = S(CARRY | TOO_LARGE | OVERLONG_4);
	const __m256i first_low = TABLE(S(CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4),
		S(CARRY | OVERLONG_2), S(CARRY), S(CARRY), S(CARRY | TOO_LARGE), large, large,
		large, large, large, large, large, large,
		S(CARRY | TOO_LARGE | OVERLONG_4 | SURROGATE), large, large);
	const char cont = S(TOO_LONG | OVERLONG_2 | TWO_CONTS);
	const __m256i second_high = TABLE(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
		TOO_SHORT, TOO_SHORT, TOO_SHORT, S(cont | OVERLONG_3 | OVERLONG_4),
		S(cont | OVERLONG_3 | TOO_LARGE), S(cont | SURROGATE | TOO_LARGE),
		S(cont | SURROGATE | TOO_LARGE), TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT);
	__m256i one = SHIFTED(now, before, 1);
	__m256i pair =
		_mm256_and_si256(_mm256_and_si256(_mm256_shuffle_epi8(first_high, high_nibble(one)),
					 _mm256_shuffle_epi8(first_low,
						 _mm256_and_si256(one, _mm256_set1_epi8(15)))),
			_mm256_shuffle_epi8(second_high, high_nibble(now)));
	/* bit 7 where a third or fourth byte must stand: behind a lead of three, or of four */
	__m256i third = _mm256_subs_epu8(SHIFTED(now, before, 2), _mm256_set1_epi8(S(0xe0 - 0x80)));
	__m256i fourth =
		_mm256_subs_epu8(SHIFTED(now, before, 3), _mm256_set1_epi8(S(0xf0 - 0x80)));
	__m256i must = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(S(0x80)));
	return _mm256_xor_si256(must, pair);
}

/* Whole blocks that are valid; the block with the first fault, and the tail, are left to the
 * portable path. */
AVX2 static size_t check_avx2(struct slice text)
{
	__m256i before = _mm256_setzero_si256();
	size_t at = 0;
	for (; text.size - at >= 32; at += 32) {
		__m256i now = _mm256_loadu_si256((const __m256i *)(const void *)(text.data + at));
		/* a sequence left open by the block before makes `before` matter to an ASCII block
		 * too */
		if (_mm256_movemask_epi8(_mm256_or_si256(now, before)) != 0) {
			__m256i w = wrong(now, before);
			if (!_mm256_testz_si256(w, w))
				break;
		}
		before = now;
	}
	/* back to a place between sequences, which may begin up to three bytes before */
	for (size_t i = 1; i <= 3 && i <= at; i++) {
		unsigned char c = (unsigned char)text.data[at - i];
		if (c >= 0xc0) {
			at -= i;
			break;
		}
		if (c < 0x80)
			break;
	}
	return check_from(text, at);
}
#endif

size_t utf8_check(struct slice text)
{
#if defined(__x86_64__)
	if (text.size >= 64 && __builtin_cpu_supports("avx2"))
		return check_avx2(text);
#endif
	return check_from(text, 0);
}

size_t utf8_invalid_part(const char *p, const char *end)
{
	size_t want, n = begun((const unsigned char *)p, (const unsigned char *)end, &want);
	return n ? n : 1;
}

void utf8_repair(struct buffer *out, struct slice text)
{
	while (text.size) {
		size_t n = utf8_check(text);
		buffer_add(out, text.data, n);
		text = (struct slice){ text.data + n, text.size - n };
		if (text.size == 0)
			return;
		buffer_text(out, "\xef\xbf\xbd");
		n = utf8_invalid_part(text.data, text.data + text.size);
		text = (struct slice){ text.data + n, text.size - n };
	}
}
