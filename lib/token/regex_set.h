/*
 * regex_set.h: a class of code points of a pattern, in PCRE2's words: what stands between its brackets,
 * and beside that the complements of classes by name (\P{L}), which it cannot say there exactly. The
 * classes by name are Oniguruma's (regex_table.h). For regex_syntax.c.
 */
#pragma once
#include "lib/base/buffer.h"

struct regex_set {
	struct buffer items; /* as it stands between PCRE2's brackets */
	struct buffer nots; /* of \P and its like: [^…] each, and | in between */
	size_t n_nots;
	bool alone; /* one class that the pattern has outside brackets */
};

/* A class by name, or all that is not in it; false where none is called so. */
bool regex_set_add(struct regex_set *, struct slice name, bool not );

/* Append the set, or all that is not in it, as one item of a pattern. */
void regex_set_put(const struct regex_set *, bool not, struct buffer *);
void regex_set_free(struct regex_set *);
