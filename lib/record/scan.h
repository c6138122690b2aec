/* scan.h: finding bytes in long runs, by vectors where the processor has them. The portable twins
 * give the same answers. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

/* The first byte of [p, end) that ends or marks a JSON string ('"', '\\', below 0x20), else end.
 * *high is set where a byte before it is not ASCII. */
const char *scan_string(const char *p, const char *end, bool *high);
const char *scan_string_portable(const char *p, const char *end, bool *high);

/* Behind the array or object, checked already, that begins at p. */
const char *scan_container(const char *p, const char *end);
const char *scan_container_portable(const char *p, const char *end);

/* The first byte of [p, end) that is none of JSON's white space, else end. */
const char *scan_space(const char *p, const char *end);
const char *scan_space_portable(const char *p, const char *end);

/* The first byte of [p, end) that matters to an unquoted CSV field: delimiter, quote, CR or LF;
 * else end. */
const char *scan_field(const char *p, const char *end, char delimiter);
const char *scan_field_portable(const char *p, const char *end, char delimiter);

/* scan_string and scan_space where a run is mostly short: its first 16 bytes without a call. */
static inline const char *scan_short_string(const char *p, const char *end, bool *high)
{
#if defined(__x86_64__)
	if (end - p >= 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		__m128i stop = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
			_mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
		stop = _mm_or_si128(stop, _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v));
		unsigned stops = (unsigned)_mm_movemask_epi8(stop);
		unsigned top = (unsigned)_mm_movemask_epi8(v);
		*high |= (top & (stops - 1) & ~stops) != 0;
		if (stops)
			return p + __builtin_ctz(stops);
		p += 16;
	}
#endif
	return scan_string(p, end, high);
}

static inline const char *scan_short_space(const char *p, const char *end)
{
	if (p < end && (unsigned char)*p > ' ')
		return p;
#if defined(__x86_64__)
	if (end - p >= 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		__m128i a = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(' ')),
			_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')));
		__m128i b = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\r')),
			_mm_cmpeq_epi8(v, _mm_set1_epi8('\t')));
		unsigned other = ~(unsigned)_mm_movemask_epi8(_mm_or_si128(a, b)) & 0xffff;
		if (other)
			return p + __builtin_ctz(other);
		p += 16;
	}
#endif
	return scan_space(p, end);
}
