/*
 * word_store.h: the words that all threads of a tokenizer have split so far. For word_cache.c only.
 *
 * A table of open addressing that is only ever added to: an entry is claimed by a compare-and-swap,
 * filled, and published by its last store, so that nobody waits to read it. A table that is full is
 * replaced: by a larger one with the same words, or once that is as large as it may be by an empty one.
 * The old one is freed when no thread says any more that it reads it (Michael, "Hazard Pointers: Safe
 * Memory Reclamation for Lock-Free Objects", IEEE TPDS 15(6), 2004). A word that two threads split at
 * once may be there twice, one that comes while a table is replaced not at all: it is a cache.
 */
#pragma once
#include "lib/token/word_cache.h"

enum {
	WORD_IDS = 4, /* ids in an entry */
	WORD_SHORT = 15, /* bytes of a word in its key */
	WORD_SIZE_SHIFT = 56,
	WORD_LONG_SHIFT = 60,
	WORD_COUNT_SHIFT = 61
};

/* Of the upper half of a key: of a long word; all but the count. An entry that is being filled. */
#define WORD_LONG ((uint64_t)1 << WORD_LONG_SHIFT)
#define WORD_KEY (((uint64_t)1 << WORD_COUNT_SHIFT) - 1)
#define WORD_BUSY ((uint64_t)7 << WORD_COUNT_SHIFT)

struct word_key {
	uint64_t low, high, hash;
};

/*
 * A word of up to 15 bytes is its bytes and in the last one its size; a longer one a hash, WORD_LONG and
 * its size. Above those, how many ids it has; where that is 0 they are elsewhere, and behind them the
 * bytes of a long word. An entry whose high is 0 is free.
 */
struct word_entry {
	uint64_t low, high; /* atomic */
	union {
		uint32_t ids[WORD_IDS];
		struct {
			const uint32_t *ids;
			uint32_t n;
		} spilled;
	};
};

struct word_table {
	struct word_entry *entries; /* pairs that share a cache line, open addressing by pairs */
	size_t size; /* a power of two */
	size_t n; /* atomic: entries that were asked for */
	struct arena *spilled; /* of this table and those that it grew from */
	size_t n_spilled; /* ids' worth */
	struct word_table *newer; /* of those that were replaced */
};

/* What a thread says it reads; NULL: nothing. */
struct word_reader {
	struct word_table *table; /* atomic */
	struct word_reader *next;
};

void word_store_join(struct word_store *, struct word_reader *);
void word_store_leave(struct word_store *, struct word_reader *);

/* The table of now, which stays until the reader's is another or NULL. */
struct word_table *word_store_read(struct word_store *, struct word_reader *);

/* Keep what a word has become, in the table that was read. */
void word_store_keep(struct word_store *, struct word_table *, struct word_key, struct slice word,
	const uint32_t *ids, size_t n);

static inline uint64_t word_mix(uint64_t low, uint64_t high)
{
	uint64_t h = (low ^ (high << 39 | high >> 25)) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

static inline uint64_t word_load(const uint64_t *half)
{
	return __atomic_load_n(half, __ATOMIC_ACQUIRE);
}
