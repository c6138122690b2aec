/*
 * alignment.h: longest common subsequences and edit distances of two sequences of symbols (ids of
 * words, code points). Rows of the classic table are bits, 64 columns a step: n m / 64 steps, and
 * memory in proportion to n + m and, for marks, to m sqrt(n) / 64.
 */
#pragma once
#include <stdint.h>

#include "lib/base/memory.h"

/* A sequence [m] below 2^30, prepared to be compared with others. Lives in the arena; keeps the pointer. */
struct places;
struct places *places_new(const uint32_t *sequence, size_t m, struct arena *);

/* The length of a longest common subsequence of a [n] and the prepared sequence. */
size_t lcs_length(const uint32_t *a, size_t n, struct places *);

/*
 * Set to 1 in `in` [n] what one of these has of a: of several that which the way back through the
 * table finds, from the end, that steps along a unless only a step along the other sequence keeps
 * the length (rouge-score's). The arena is as before.
 */
void lcs_mark(const uint32_t *a, size_t n, struct places *, uint8_t *in, struct arena *);

/* Insertions, deletions and replacements that turn a [n] into b [m]. The arena is as before. */
size_t edit_distance(const uint32_t *a, size_t n, const uint32_t *b, size_t m, struct arena *);
