/* name.h: how near two names are, to suggest one for another that is mistyped. */
#pragma once
#include <stddef.h>

/* Edits (insert, delete, replace, swap neighbours) that turn one into the other, regardless of the
 * case of ASCII letters: Damerau and Levenshtein, optimal string alignment. Bytes beyond the
 * 64th of a name count one each. */
size_t name_distance(const char *a, const char *b);

/* From this distance on another name is not this one mistyped. */
size_t name_reach(const char *name);
