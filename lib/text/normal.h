/*
 * normal.h: Unicode normalization forms (UAX #15) as Hugging Face tokenizers has them: those of
 * Unicode 9 (Rust's unicode-normalization-alignments 0.1.12), every code point since then being
 * left alone. Mappings come from utf8proc, as they never change once assigned; which code points
 * have one comes from the reference (normal_table.h).
 */
#pragma once
#include <stdint.h>

#include "lib/base/buffer.h"

enum normal_form { NORMAL_NFD, NORMAL_NFKD, NORMAL_NFC, NORMAL_NFKC };

/*
 * A code point of the result and what it takes from the text, as the reference counts it: 1, it
 * comes in behind the one before; 0, it takes the place of the next code point; -n, that of the
 * next 1 + n. Sorting marks moves the changes with them while places are handed out in order, so
 * a mark that moved may get the place of another.
 */
struct normal_change {
	uint32_t code_point;
	int32_t change;
};

/* A code point of a combining class that is not 0, up to 255. */
struct normal_mark {
	struct normal_change c;
	uint32_t class;
};

/* Canonical order of marks in a row: by class, stably, in linear time. */
void normal_sort(struct normal_mark *, size_t n);

/*
 * How many bytes at the beginning the form leaves as they are, whatever follows: all of a text
 * that has the form already.
 */
size_t normal_prefix(enum normal_form, struct slice text);

/* Append the text in a form, as struct normal_change. Time linear in the text. */
void normal_run(enum normal_form, struct slice text, struct buffer *changes);
