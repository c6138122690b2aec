/*
 * unicode.h: what Hugging Face tokenizers know of code points: classes, canonical
 * decomposition, lowercase. The tables are the reference's own (unicode_table.h, written by
 * tests/golden/unicode.py), as they mix several Unicode versions and its answer decides; the
 * mappings come from utf8proc.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

struct unicode_range {
	uint32_t first, last;
};

/* Is it in one of these ranges [n], which stand in order? */
bool unicode_within(const struct unicode_range *, size_t n, uint32_t code_point);

enum unicode_flag {
	UNICODE_SPACE = 1, /* white space: 25 code points */
	UNICODE_CONTROL = 2, /* U+FFFD, Cc but \t \n \r, Cf, Co: removed by clean_text; Cn is not */
	UNICODE_PUNCTUATION = 4, /* P*, and of ASCII also the symbols */
	UNICODE_MARK = 8, /* Mn */
	UNICODE_CHINESE = 16, /* ideographs, without the extensions after E */
	UNICODE_WORD = 32, /* \w of a regular expression */
	UNICODE_LOWERS = 64, /* unicode_lower changes it */
	UNICODE_DECOMPOSES =
		128, /* unicode_decompose changes it, or it may change places with its neighbours */
};

enum { UNICODE_TABLE = 0x20000 };

/* Build the table. Any number of times, from any thread, before the functions below are used. */
void unicode_start(void);

extern uint8_t unicode_table[UNICODE_TABLE];
unsigned unicode_search(uint32_t code_point);

/* The flags of a code point. */
static inline unsigned unicode_flags(uint32_t code_point)
{
	return code_point < UNICODE_TABLE ? unicode_table[code_point] : unicode_search(code_point);
}

/* Lowercase without regard to language or context: 1 or 2 code points. */
size_t unicode_lower(uint32_t code_point, uint32_t out[2]);

/* Full canonical decomposition, 1 to 4 code points, in canonical order among themselves. */
size_t unicode_decompose(uint32_t code_point, uint32_t out[4]);

/* Canonical combining class: marks between two of class 0 are sorted by it, stably. */
unsigned unicode_combining_class(uint32_t code_point);

/* The size of a text without the white space at its end. */
size_t unicode_trim_end(struct slice text);
