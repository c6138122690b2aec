/*
 * word_cache.h: what words have become, so that the model sees a word once. Text has few
 * different words: of 7.3 million in the ACL's abstracts 90,000. A word of up to 15 bytes is two
 * integers, and its entry, with up to four ids, half a cache line: most words are one comparison and
 * one copy. (The layout is gigatoken's, github.com/marcelroed/gigatoken, src/bpe/pretoken_cache.rs.)
 *
 * What a thread has learnt all know: the words are in a store that they share, and a cache is one
 * thread's way to it. Its memory is bounded: when it is full it is emptied. What is in it never changes
 * a result.
 */
#pragma once
#include <stdint.h>

#include "lib/base/memory.h"

struct word_store;
struct word_cache;

struct word_store *word_store_new(void);
void word_store_free(struct word_store *); /* after all its caches */

/* How a word becomes ids: at most as many as it has bytes, or the same n more; returns how many. */
typedef size_t word_split(const void *model, struct slice word, uint32_t *ids);

/* One a thread. All of a store split words alike, whatever their models. */
struct word_cache *word_cache_new(struct word_store *, word_split *, const void *model);
void word_cache_free(struct word_cache *);

enum { WORD_BATCH = 64, WORD_SLACK = 4 };

/*
 * Append the ids of words of text: the first begins at byte `at`, each ends at its ends[i] and the
 * next begins there; n <= WORD_BATCH. Writes at most as many ids as the words have bytes, and
 * WORD_SLACK more places may be written; counts[i], unless counts is NULL, is how many ids the word
 * has. Returns how many in all.
 */
size_t word_cache_encode(struct word_cache *, struct slice text, size_t at, const uint32_t *ends,
	size_t n, uint32_t *ids, uint32_t *counts);
