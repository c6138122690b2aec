/* scan.c: byte searches, 16 bytes at a time in SSE2 (every x86-64 has it), 32 in AVX2 where a run
 * is long. */
#include "lib/record/scan.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2")))
#endif

const char *scan_string_portable(const char *p, const char *end, bool *high)
{
	unsigned char any = 0;
	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;
		if (c == '"' || c == '\\' || c < 0x20)
			break;
		any |= c;
	}
	if (any & 0x80)
		*high = true;
	return p;
}

const char *scan_space_portable(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

const char *scan_field_portable(const char *p, const char *end, char delimiter)
{
	while (p < end && *p != delimiter && *p != '"' && *p != '\n' && *p != '\r')
		p++;
	return p;
}

#if defined(__x86_64__)
static inline unsigned stops16(__m128i v)
{
	__m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
	__m128i back = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
	__m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, back), control));
}

AVX2 static inline unsigned stops32(__m256i v)
{
	__m256i quote = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"'));
	__m256i back = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\'));
	__m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1f)), v);
	return (unsigned)_mm256_movemask_epi8(
		_mm256_or_si256(_mm256_or_si256(quote, back), control));
}

AVX2 static const char *scan_string_avx2(const char *p, const char *end, bool *high)
{
	unsigned any = 0;
	for (; end - p >= 32; p += 32) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
		unsigned stop = stops32(v), top = (unsigned)_mm256_movemask_epi8(v);
		if (stop) {
			any |= top & (stop - 1) & ~stop;
			*high |= any != 0;
			return p + __builtin_ctz(stop);
		}
		any |= top;
	}
	*high |= any != 0;
	return scan_string_portable(p, end, high);
}

const char *scan_string(const char *p, const char *end, bool *high)
{
	/* most strings are keys and short values: two steps before the wide loop */
	for (int i = 0; i < 4 && end - p >= 16; i++, p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		unsigned stop = stops16(v), top = (unsigned)_mm_movemask_epi8(v);
		if (stop) {
			*high |= (top & (stop - 1) & ~stop) != 0;
			return p + __builtin_ctz(stop);
		}
		*high |= top != 0;
	}
	if (end - p >= 32 && __builtin_cpu_supports("avx2"))
		return scan_string_avx2(p, end, high);
	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		unsigned stop = stops16(v), top = (unsigned)_mm_movemask_epi8(v);
		if (stop) {
			*high |= (top & (stop - 1) & ~stop) != 0;
			return p + __builtin_ctz(stop);
		}
		*high |= top != 0;
	}
	return scan_string_portable(p, end, high);
}

const char *scan_space(const char *p, const char *end)
{
	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		__m128i a = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(' ')),
			_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')));
		__m128i b = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\r')),
			_mm_cmpeq_epi8(v, _mm_set1_epi8('\t')));
		unsigned space = (unsigned)_mm_movemask_epi8(_mm_or_si128(a, b));
		if (space != 0xffff)
			return p + __builtin_ctz(~space);
	}
	return scan_space_portable(p, end);
}

const char *scan_field(const char *p, const char *end, char delimiter)
{
	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		__m128i a = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(delimiter)),
			_mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
		__m128i b = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')),
			_mm_cmpeq_epi8(v, _mm_set1_epi8('\r')));
		unsigned stop = (unsigned)_mm_movemask_epi8(_mm_or_si128(a, b));
		if (stop)
			return p + __builtin_ctz(stop);
	}
	return scan_field_portable(p, end, delimiter);
}
#else
const char *scan_space(const char *p, const char *end)
{
	return scan_space_portable(p, end);
}

const char *scan_string(const char *p, const char *end, bool *high)
{
	return scan_string_portable(p, end, high);
}

const char *scan_field(const char *p, const char *end, char delimiter)
{
	return scan_field_portable(p, end, delimiter);
}
#endif
