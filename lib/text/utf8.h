/*
 * utf8.h: UTF-8 (RFC 3629) read, counted and written; lib/base/utf8.h checks it. Where bytes
 * are not UTF-8, each maximal part that could not go on counts as one U+FFFD (Unicode 15,
 * section 3.9, table 3-8; WHATWG does the same).
 */
#pragma once
#include <stdint.h>

#include "lib/base/slice.h"

enum { UTF8_REPLACEMENT = 0xfffd };

/* The code point at p, p < end, and how many bytes it takes; U+FFFD for an invalid part. */
size_t utf8_decode(const char *p, const char *end, uint32_t *code_point);

/* Write a code point, 1 to 4 bytes; returns how many. */
size_t utf8_encode(char out[4], uint32_t code_point);

/* How many code points, an invalid part being one. */
size_t utf8_count(struct slice text);

/* How many bytes at the beginning are ASCII. */
size_t utf8_ascii(struct slice text);
