/*
 * scan_container.c: over a JSON array or object that has been checked, without looking at what is
 * in it: brackets are counted, those inside strings left out. 64 bytes at once: quotes that no
 * backslash escapes, the bytes between them by a prefix xor (Langdale and Lemire, "Parsing
 * Gigabytes of JSON per Second", 2019), brackets by population counts.
 */
#include "lib/record/scan.h"

#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static const char *string_end(const char *s, const char *end)
{
	bool ignored = false;
	for (s = scan_string(s + 1, end, &ignored); s < end && *s != '"';
		s = scan_string(s < end ? s : end, end, &ignored))
		s += 2;
	return s + 1;
}

/* depth brackets are open at s. */
static const char *count_portable(const char *s, const char *end, size_t depth)
{
	while (depth && s < end) {
		if (*s == '"') {
			s = string_end(s, end);
			continue;
		}
		depth += *s == '[' || *s == '{';
		depth -= *s == ']' || *s == '}';
		s++;
	}
	return s;
}

const char *scan_container_portable(const char *p, const char *end)
{
	return count_portable(p + 1, end, 1);
}

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2,bmi,popcnt")))

enum { BLOCK = 64 };

struct block {
	__m256i low, high;
};

AVX2 static inline uint64_t equal(struct block b, char c)
{
	__m256i v = _mm256_set1_epi8(c);
	return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b.low, v)) |
	       (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b.high, v)) << 32;
}

/* Bytes behind a backslash that is not itself behind one; *carry: the block's first byte is. */
static uint64_t escaped_bytes(uint64_t backslash, uint64_t *carry)
{
	uint64_t escaped = *carry, active = backslash & ~*carry;
	*carry = 0;
	while (active) {
		uint64_t first = active & -active;
		*carry = first >> 63;
		escaped |= first << 1;
		active &= ~(first | first << 1);
	}
	return escaped;
}

static inline uint64_t prefix_xor(uint64_t x)
{
	for (int i = 1; i < 64; i *= 2)
		x ^= x << i;
	return x;
}

/* Where the last of depth open brackets closes, BLOCK where it does not. */
static size_t closing(uint64_t open, uint64_t close, size_t depth)
{
	for (uint64_t both = open | close; both; both &= both - 1) {
		depth += both & -both & open ? 1 : (size_t)-1;
		if (!depth)
			return (size_t)__builtin_ctzll(both);
	}
	return BLOCK;
}

AVX2 static const char *scan_container_avx2(const char *p, const char *end)
{
	const __m256i bit = _mm256_set1_epi8(0x20);
	size_t depth = 0;
	uint64_t inside = 0, carry = 0; /* inside: all ones within a string */
	for (; end - p >= BLOCK; p += BLOCK) {
		struct block b = { _mm256_loadu_si256((const __m256i *)(const void *)p),
			_mm256_loadu_si256((const __m256i *)(const void *)(p + 32)) };
		/* [ as {, ] as } */
		struct block lower = { _mm256_or_si256(b.low, bit), _mm256_or_si256(b.high, bit) };
		uint64_t backslash = equal(b, '\\'), quote = equal(b, '"');
		if (backslash | carry)
			quote &= ~escaped_bytes(backslash, &carry);
		uint64_t within = prefix_xor(quote) ^ inside;
		uint64_t open = equal(lower, '{') & ~within, close = equal(lower, '}') & ~within;
		inside = (uint64_t)((int64_t)within >> 63);
		size_t closes = (size_t)__builtin_popcountll(close);
		if (close && closes >= depth) {
			size_t at = closing(open, close, depth);
			if (at < BLOCK)
				return p + at + 1;
		}
		depth += (size_t)__builtin_popcountll(open) - closes;
	}
	if (inside)
		p = string_end(carry ? p : p - 1, end);
	return count_portable(p, end, depth);
}

const char *scan_container(const char *p, const char *end)
{
	return end - p >= BLOCK && __builtin_cpu_supports("avx2") ? scan_container_avx2(p, end)
								  : scan_container_portable(p, end);
}
#else
const char *scan_container(const char *p, const char *end)
{
	return scan_container_portable(p, end);
}
#endif
