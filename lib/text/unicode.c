#include "lib/text/unicode.h"

#include <pthread.h>
#include <utf8proc.h>

#include "lib/text/unicode_table.h"
#include "lib/text/utf8.h"

uint8_t unicode_table[UNICODE_TABLE];

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const struct unicode_range *ranges;
	size_t n;
	unsigned flag;
} classes[] = {
	{ space_table, COUNT(space_table), UNICODE_SPACE },
	{ control_table, COUNT(control_table), UNICODE_CONTROL },
	{ punctuation_table, COUNT(punctuation_table), UNICODE_PUNCTUATION },
	{ mark_table, COUNT(mark_table), UNICODE_MARK },
	{ chinese_table, COUNT(chinese_table), UNICODE_CHINESE },
	{ word_table, COUNT(word_table), UNICODE_WORD },
	{ decomposes_table, COUNT(decomposes_table), UNICODE_DECOMPOSES },
	{ combining_table, COUNT(combining_table), UNICODE_DECOMPOSES },
};

bool unicode_within(const struct unicode_range *ranges, size_t n, uint32_t c)
{
	size_t low = 0, high = n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ranges[middle].last < c)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && ranges[low].first <= c;
}

static void build(void)
{
	for (size_t i = 0; i < COUNT(classes); i++)
		for (size_t j = 0; j < classes[i].n && classes[i].ranges[j].first < UNICODE_TABLE;
			j++) {
			struct unicode_range r = classes[i].ranges[j];
			for (uint32_t c = r.first; c <= r.last && c < UNICODE_TABLE; c++)
				unicode_table[c] |= (uint8_t)classes[i].flag;
		}
	/* ideographs, Hangul and private use have no case: 28,000 of 131,072 code points remain to
	 * ask */
	for (uint32_t c = 'A'; c < UNICODE_TABLE; c++)
		if (!(unicode_table[c] & (UNICODE_CHINESE | UNICODE_CONTROL)) &&
			!(c >= 0xac00 && c < 0xd7a4) &&
			utf8proc_tolower((utf8proc_int32_t)c) != (utf8proc_int32_t)c)
			unicode_table[c] |= UNICODE_LOWERS;
	for (size_t i = 0; i < COUNT(lower_table); i++)
		unicode_table[lower_table[i][0]] |= UNICODE_LOWERS;
}

void unicode_start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, build);
}

unsigned unicode_search(uint32_t c)
{
	unsigned flags = 0;
	for (size_t i = 0; i < COUNT(classes); i++)
		if (unicode_within(classes[i].ranges, classes[i].n, c))
			flags |= classes[i].flag;
	return flags;
}

size_t unicode_lower(uint32_t c, uint32_t out[2])
{
	out[0] = c;
	if (c < 0x80) {
		out[0] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
		return 1;
	}
	if (!(unicode_flags(c) & UNICODE_LOWERS))
		return 1;
	for (size_t low = 0, high = COUNT(lower_table); low < high;) {
		size_t middle = low + (high - low) / 2;
		const uint32_t *row = lower_table[middle];
		if (row[0] == c) {
			memcpy(out, row + 1, 2 * sizeof *out);
			return row[2] ? 2 : 1;
		}
		if (row[0] < c)
			low = middle + 1;
		else
			high = middle;
	}
	out[0] = (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
	return 1;
}

size_t unicode_decompose(uint32_t c, uint32_t out[4])
{
	if (unicode_within(decomposes_table, COUNT(decomposes_table), c)) {
		utf8proc_int32_t to[4];
		int last = 0;
		utf8proc_ssize_t n = utf8proc_decompose_char(
			(utf8proc_int32_t)c, to, 4, UTF8PROC_DECOMPOSE, &last);
		if (n > 0 && n <= 4) {
			memcpy(out, to, (size_t)n * sizeof *to);
			return (size_t)n;
		}
	}
	out[0] = c;
	return 1;
}

unsigned unicode_combining_class(uint32_t c)
{
	if ((c < UNICODE_TABLE && !(unicode_table[c] & UNICODE_DECOMPOSES)) ||
		!unicode_within(combining_table, COUNT(combining_table), c))
		return 0;
	return (unsigned)utf8proc_get_property((utf8proc_int32_t)c)->combining_class;
}

size_t unicode_trim_end(struct slice text)
{
	size_t end = 0;
	for (size_t i = 0; i < text.size;) {
		uint32_t c;
		i += utf8_decode(text.data + i, text.data + text.size, &c);
		if (!(unicode_flags(c) & UNICODE_SPACE))
			end = i;
	}
	return end;
}
