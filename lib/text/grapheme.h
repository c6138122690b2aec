/*
 * grapheme.h: extended grapheme clusters (UAX #29) of Unicode 16, as Hugging Face tokenizers has
 * them; the tables are asked from it (tests/golden/grapheme.py).
 */
#pragma once
#include "lib/base/slice.h"

/* The size of the grapheme cluster that begins at p, p < end. */
size_t grapheme_size(const char *p, const char *end);
