/*
 * precompiled.h: SentencePiece's normalization rules as its models carry them
 * (precompiled_charsmap, base64 in a tokenizer.json): the size of a trie in bytes, the trie as
 * units of darts-clone's double array, little-endian, and the replacements, each ended by a NUL,
 * which the trie's values are offsets of (sentencepiece 0.2, src/normalizer.cc).
 *
 * A file may say anything: the trie is walked once when it is read, so that every step, value and
 * replacement that can be met is known to be inside.
 */
#pragma once
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/buffer.h"

struct precompiled {
	uint32_t *units;
	size_t n;
	struct slice replacements;
	bool plain[128]; /* ASCII that no rule changes while ASCII follows */
};

/* -1 (ERROR_MODEL) for a charsmap that is broken. All of it is copied into the arena. */
int precompiled_read(struct precompiled *, struct slice charsmap, struct arena *, struct error *);

/*
 * The rule whose key is the longest, or the shortest, that text begins with: the key's size and
 * what it becomes, 0 where there is none.
 */
size_t precompiled_longest(const struct precompiled *, struct slice text, struct slice *to);
size_t precompiled_shortest(const struct precompiled *, struct slice text, struct slice *to);

/*
 * Whether sentencepiece, which takes the longest rule, leaves an ASCII character alone while ASCII
 * follows, or with `always` whatever follows. No rules (n == 0) leave all alone.
 */
bool precompiled_keeps(const struct precompiled *, char, bool always);
