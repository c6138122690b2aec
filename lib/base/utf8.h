/*
 * utf8.h: checking UTF-8 (Unicode 15, table 3-7: no surrogates, nothing overlong, nothing above
 * U+10FFFF). utf8_check runs in AVX2 where the processor has it and gives the same answer as
 * utf8_check_portable.
 */
#pragma once
#include "lib/base/slice.h"

struct buffer;

/* The length of the valid part that text begins with: text.size where all of it is valid. */
size_t utf8_check(struct slice text);
size_t utf8_check_portable(struct slice text);

/* The length, 1 to 3, of the maximal invalid part at p (Unicode 15, section 3.9, U+FFFD
 * substitution): the longest beginning of a valid sequence, else one byte. p stands where
 * utf8_check stopped. */
size_t utf8_invalid_part(const char *p, const char *end);

/* Append text with each maximal invalid part replaced by U+FFFD. */
void utf8_repair(struct buffer *, struct slice text);
