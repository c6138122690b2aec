#include "lib/token/word_cache.h"

enum {
	INLINE = 4, /* ids in an entry */
	SHORT = 15, /* bytes of a word in its key */
	LONGEST = 256, /* bytes of a word that is kept at all */
	LEAST = 1 << 14,
	MOST = 1 << 20, /* entries: 512 KiB to 32 MiB */
	SPILLED_MOST = 1 << 22, /* of 4 bytes */
};

/*
 * A word of up to 15 bytes is its bytes and in the last one its size; a longer one a hash, LONG and its
 * size. Above those, how many ids it has; where that is 0, ids[0] says where in spilled they are and
 * ids[1] how many. An entry without a key is free.
 */
struct entry {
	uint64_t low, high;
	uint32_t ids[INLINE];
};

enum { SIZE_SHIFT = 56, LONG_SHIFT = 60, COUNT_SHIFT = 61 };

static const uint64_t LONG = (uint64_t)1 << LONG_SHIFT, KEY = ((uint64_t)1 << COUNT_SHIFT) - 1;

struct word_cache {
	word_split *split;
	const void *model;
	struct entry *entries; /* pairs that share a cache line, open addressing by pairs */
	size_t size, n; /* places, a power of two; used */
	uint32_t *spilled; /* ids of entries with more, and behind them the bytes of long words */
	size_t n_spilled, capacity;
};

struct key {
	uint64_t low, high, hash;
};

static inline uint64_t mix(uint64_t low, uint64_t high)
{
	uint64_t h = (low ^ (high << 39 | high >> 25)) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

/* Bytes of a word: where less than 16 are left of the text, no more are read. */
static inline struct key short_key(const char *p, size_t size, const char *end)
{
	static const uint64_t ones[17][2] = {
#define LOW(n) { ((uint64_t)1 << 8 * (n)) - 1, 0 }
#define HIGH(n) \
	{ \
		~(uint64_t)0, ((uint64_t)1 << 8 * (n)) - 1 \
	}
		LOW(0), LOW(1), LOW(2), LOW(3), LOW(4), LOW(5), LOW(6), LOW(7), HIGH(0), HIGH(1),
		HIGH(2), HIGH(3), HIGH(4), HIGH(5), HIGH(6), HIGH(7), { 0, 0 }
	};
	uint64_t low = 0, high = 0;
	if (__builtin_expect(end - p >= 16, true)) {
		memcpy(&low, p, 8);
		memcpy(&high, p + 8, 8);
	} else {
		memcpy(&low, p, size < 8 ? size : 8);
		if (size > 8)
			memcpy(&high, p + 8, size - 8);
	}
	struct key k = { low & ones[size][0], (high & ones[size][1]) | (uint64_t)size << SIZE_SHIFT,
		0 };
	k.hash = mix(k.low, k.high);
	return k;
}

static struct key long_key(const char *p, size_t size)
{
	uint64_t h = size, w = 0;
	for (size_t i = 0; i < size; i += 8) {
		memcpy(&w, p + i, size - i < 8 ? size - i : 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	struct key k = { h, LONG | size, 0 };
	k.hash = mix(k.low, k.high);
	return k;
}

struct word_cache *word_cache_new(word_split *split, const void *model)
{
	struct word_cache *c = mem_zero(1, sizeof *c);
	c->split = split;
	c->model = model;
	c->size = LEAST;
	c->entries = mem_zero(c->size, sizeof *c->entries);
	return c;
}

void word_cache_free(struct word_cache *c)
{
	if (!c)
		return;
	mem_free(c->entries);
	mem_free(c->spilled);
	mem_free(c);
}

/* --- Entries -------------------------------------------------------------------------------- */

static inline struct entry *home(const struct word_cache *c, uint64_t hash)
{
	return &c->entries[hash & (c->size - 2)];
}

/* Whether an entry is that of a key; of a long word, whose bytes are to be compared, perhaps. */
static inline bool has_key(const struct entry *e, struct key k)
{
	return ((e->low ^ k.low) | ((e->high ^ k.high) & KEY)) == 0;
}

/* Whether a long word's bytes are those behind its entry's ids. */
static bool same_bytes(const struct word_cache *c, const struct entry *e, const char *p)
{
	return !(e->high & LONG) ||
	       !memcmp(c->spilled + e->ids[0] + e->ids[1], p, e->high & KEY & ~LONG);
}

/* The word's entry, or the free one where it belongs. */
static struct entry *find(const struct word_cache *c, struct key k, const char *p)
{
	for (size_t i = k.hash & (c->size - 2);; i = (i + 1) & (c->size - 1)) {
		struct entry *e = &c->entries[i];
		if (!e->high || (has_key(e, k) && same_bytes(c, e, p)))
			return e;
	}
}

static void clear(struct word_cache *c)
{
	memset(c->entries, 0, c->size * sizeof *c->entries);
	c->n = c->n_spilled = 0;
}

static void grow(struct word_cache *c)
{
	struct entry *old = c->entries;
	size_t size = c->size;
	c->size *= 4;
	c->entries = mem_zero(c->size, sizeof *c->entries);
	for (size_t i = 0; i < size; i++)
		if (old[i].high) {
			size_t j = mix(old[i].low, old[i].high & KEY) & (c->size - 2);
			while (c->entries[j].high)
				j = (j + 1) & (c->size - 1);
			c->entries[j] = old[i];
		}
	mem_free(old);
}

/* Room for an entry more, and so many words behind the others. */
static void make_room(struct word_cache *c, size_t spilled)
{
	if (8 * (c->n + 1) > 5 * c->size) {
		if (c->size < MOST)
			grow(c);
		else
			clear(c);
	}
	if (c->n_spilled + spilled > SPILLED_MOST)
		clear(c);
	if (c->n_spilled + spilled > c->capacity) {
		size_t capacity = 2 * c->capacity + spilled + 1024;
		c->spilled = mem_resize(c->spilled, c->capacity * sizeof *c->spilled,
			capacity * sizeof *c->spilled);
		c->capacity = capacity;
	}
}

static void keep(struct word_cache *c, struct key k, const char *p, size_t size,
	const uint32_t *ids, size_t n)
{
	bool spills = size > SHORT || n == 0 || n > INLINE;
	size_t words = size > SHORT ? (size + 3) / 4 : 0;
	make_room(c, spills ? n + words : 0);
	struct entry *e = find(c, k, p);
	*e = (struct entry){ .low = k.low, .high = k.high };
	c->n++;
	if (!spills) {
		e->high |= (uint64_t)n << COUNT_SHIFT;
		memcpy(e->ids, ids, n * sizeof *ids);
		return;
	}
	e->ids[0] = (uint32_t)c->n_spilled;
	e->ids[1] = (uint32_t)n;
	if (n)
		memcpy(c->spilled + c->n_spilled, ids, n * sizeof *ids);
	if (words)
		memcpy(c->spilled + c->n_spilled + n, p, size);
	c->n_spilled += n + words;
}

/* --- Words ---------------------------------------------------------------------------------- */

/* A word that the quick look has not found. */
static __attribute__((noinline)) size_t look_again(
	struct word_cache *c, struct key k, const char *p, size_t size, uint32_t *ids)
{
	if (size > LONGEST)
		return c->split(c->model, (struct slice){ p, size }, ids);
	if (size > SHORT)
		k = long_key(p, size);
	const struct entry *e = find(c, k, p);
	if (e->high) {
		size_t n = e->high >> COUNT_SHIFT;
		if (n)
			memcpy(ids, e->ids, n * sizeof *ids);
		else if ((n = e->ids[1]) != 0)
			memcpy(ids, c->spilled + e->ids[0], n * sizeof *ids);
		return n;
	}
	size_t n = c->split(c->model, (struct slice){ p, size }, ids);
	keep(c, k, p, size, ids, n);
	return n;
}

size_t word_cache_encode(struct word_cache *c, struct slice text, size_t at, const uint32_t *ends,
	size_t n, uint32_t *ids, uint32_t *counts)
{
	struct key keys[WORD_BATCH];
	const char *end = text.data + text.size;
	size_t start = at, total = 0;
	for (size_t i = 0; i < n; start = ends[i++]) {
		size_t size = ends[i] - start;
		keys[i] = size <= SHORT ? short_key(text.data + start, size, end)
					: (struct key){ 0, LONG, 0 };
		__builtin_prefetch(home(c, keys[i].hash));
	}
	start = at;
	for (size_t i = 0; i < n; start = ends[i++]) {
		const struct entry *e = home(c, keys[i].hash);
		/* without a branch: which of the two it is nobody can foretell */
		bool first = has_key(e, keys[i]), second = has_key(e + 1, keys[i]);
		e += second;
		size_t m = e->high >> COUNT_SHIFT;
		if (__builtin_expect((first | second) && m, true))
			memcpy(ids + total, e->ids, sizeof e->ids);
		else
			m = look_again(c, keys[i], text.data + start, ends[i] - start, ids + total);
		if (counts)
			counts[i] = (uint32_t)m;
		total += m;
	}
	return total;
}
