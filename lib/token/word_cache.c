#include "lib/token/word_cache.h"

#include "lib/token/word_store.h"

enum { LONGEST = 256 }; /* bytes of a word that is kept at all */

struct word_cache {
	struct word_store *store;
	struct word_reader reader;
	word_split *split;
	const void *model;
};

/* The first `size` bytes of 16, at most 15 of them, as a key. */
static inline struct word_key cut_key(uint64_t low, uint64_t high, size_t size)
{
	static const uint64_t ones[16][2] = {
#define LOW(n) { ((uint64_t)1 << 8 * (n)) - 1, 0 }
#define HIGH(n) \
	{ \
		~(uint64_t)0, ((uint64_t)1 << 8 * (n)) - 1 \
	}
		LOW(0), LOW(1), LOW(2), LOW(3), LOW(4), LOW(5), LOW(6), LOW(7), HIGH(0), HIGH(1),
		HIGH(2), HIGH(3), HIGH(4), HIGH(5), HIGH(6), HIGH(7)
	};
	struct word_key k = { low & ones[size][0],
		(high & ones[size][1]) | (uint64_t)size << WORD_SIZE_SHIFT, 0 };
	k.hash = word_mix(k.low, k.high);
	return k;
}

/* Where 16 bytes may be read. */
static inline struct word_key short_key(const char *p, size_t size)
{
	uint64_t low, high;
	memcpy(&low, p, 8);
	memcpy(&high, p + 8, 8);
	return cut_key(low, high, size);
}

/* At the end of a text. */
static __attribute__((noinline)) struct word_key last_key(const char *p, size_t size)
{
	uint64_t bytes[2] = { 0, 0 };
	memcpy(bytes, p, size);
	return cut_key(bytes[0], bytes[1], size);
}

static struct word_key long_key(const char *p, size_t size)
{
	uint64_t h = size, w = 0;
	for (size_t i = 0; i < size; i += 8) {
		memcpy(&w, p + i, size - i < 8 ? size - i : 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	struct word_key k = { h, WORD_LONG | size, 0 };
	k.hash = word_mix(k.low, k.high);
	return k;
}

struct word_cache *word_cache_new(struct word_store *store, word_split *split, const void *model)
{
	struct word_cache *c = mem_zero(1, sizeof *c);
	c->store = store;
	c->split = split;
	c->model = model;
	word_store_join(store, &c->reader);
	return c;
}

void word_cache_free(struct word_cache *c)
{
	if (!c)
		return;
	word_store_leave(c->store, &c->reader);
	mem_free(c);
}

/* Whether an entry is that of a key; of a long word, whose bytes are to be compared, perhaps. */
static inline bool has_key(const struct word_entry *e, uint64_t high, struct word_key k)
{
	uint64_t low = __atomic_load_n(&e->low, __ATOMIC_RELAXED);
	return ((low ^ k.low) | ((high ^ k.high) & WORD_KEY)) == 0;
}

/* Whether a long word's bytes are those behind its entry's ids. */
static bool same_bytes(const struct word_entry *e, uint64_t high, const char *p)
{
	return !(high & WORD_LONG) ||
	       !memcmp(e->spilled.ids + e->spilled.n, p, high & WORD_KEY & ~WORD_LONG);
}

/* The word's ids, n of them; NULL where the table has none. */
static const uint32_t *find(const struct word_table *t, struct word_key k, const char *p, size_t *n)
{
	for (size_t i = k.hash & (t->size - 2);; i = (i + 1) & (t->size - 1)) {
		const struct word_entry *e = &t->entries[i];
		uint64_t high = word_load(&e->high);
		if (!high)
			return NULL;
		if (!has_key(e, high, k) || !same_bytes(e, high, p))
			continue;
		*n = high >> WORD_COUNT_SHIFT;
		if (*n)
			return e->ids;
		*n = e->spilled.n;
		return e->spilled.ids;
	}
}

/* --- Words ---------------------------------------------------------------------------------- */

/* A word that the quick look has not found. */
static __attribute__((noinline)) size_t look_again(struct word_cache *c, struct word_table *t,
	struct word_key k, const char *p, size_t size, uint32_t *ids)
{
	struct slice word = { p, size };
	if (size > LONGEST)
		return c->split(c->model, word, ids);
	if (size > WORD_SHORT)
		k = long_key(p, size);
	size_t n;
	const uint32_t *known = find(t, k, p, &n);
	if (known) {
		if (n)
			memcpy(ids, known, n * sizeof *ids);
		return n;
	}
	n = c->split(c->model, word, ids);
	word_store_keep(c->store, t, k, word, ids, n);
	return n;
}

size_t word_cache_encode(struct word_cache *c, struct slice text, size_t at, const uint32_t *ends,
	size_t n, uint32_t *ids, uint32_t *counts)
{
	struct word_key keys[WORD_BATCH];
	struct word_table *t = word_store_read(c->store, &c->reader);
	const struct word_entry *entries = t->entries;
	size_t pairs = t->size - 2;
	const char *end = text.data + text.size;
	size_t start = at, total = 0;
	for (size_t i = 0; i < n; start = ends[i++]) {
		size_t size = ends[i] - start;
		const char *p = text.data + start;
		if (__builtin_expect(size > WORD_SHORT, false))
			keys[i] = (struct word_key){ 0, WORD_LONG, 0 };
		else if (__builtin_expect(end - p >= 16, true))
			keys[i] = short_key(p, size);
		else
			keys[i] = last_key(p, size);
		__builtin_prefetch(&entries[keys[i].hash & pairs]);
	}
	start = at;
	for (size_t i = 0; i < n; start = ends[i++]) {
		const struct word_entry *e = &entries[keys[i].hash & pairs];
		/* without a branch: which of the two it is nobody can foretell */
		bool first = has_key(e, word_load(&e->high), keys[i]);
		bool second = has_key(e + 1, word_load(&e[1].high), keys[i]);
		e += second;
		size_t m = word_load(&e->high) >> WORD_COUNT_SHIFT;
		if (__builtin_expect((first | second) && m, true))
			memcpy(ids + total, e->ids, sizeof e->ids);
		else
			m = look_again(
				c, t, keys[i], text.data + start, ends[i] - start, ids + total);
		if (counts)
			counts[i] = (uint32_t)m;
		total += m;
	}
	__atomic_store_n(&c->reader.table, NULL, __ATOMIC_RELEASE);
	return total;
}
