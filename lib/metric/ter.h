/* ter.h: translation edit rate of a pair of word lists. */
#pragma once
#include "lib/base/memory.h"

/* Edits and shifts that turn hypothesis [n] into reference [m], as Tercom counts them. */
size_t ter_edits(
	const uint32_t *hypothesis, size_t n, const uint32_t *reference, size_t m, struct arena *);

/* Tercom's tokens, separated by blanks. */
struct ter_style {
	bool normalized, no_punct, asian, case_sensitive;
};
struct slice ter_tokenize(struct slice text, const struct ter_style *, struct arena *);
