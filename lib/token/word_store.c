#include "lib/token/word_store.h"

#include <pthread.h>

enum {
	LEAST = 1 << 14,
	MOST = 1 << 20, /* entries: 512 KiB to 32 MiB */
	SPILLED_MOST = 1 << 22, /* of 4 bytes */
};

struct word_store {
	struct word_table *table; /* atomic */
	pthread_mutex_t lock; /* of all below, of what is spilled, and to replace the table */
	struct word_table *oldest, *newest; /* that were replaced and may be read still */
	struct word_reader *readers;
};

/* --- Tables ------------------------------------------------------------------------------------ */

static struct word_table *new_table(size_t size)
{
	struct word_table *t = mem_zero(1, sizeof *t);
	t->size = size;
	t->entries = mem_zero(size, sizeof *t->entries);
	return t;
}

static void free_table(struct word_table *t)
{
	mem_free(t->entries);
	arena_free(t->spilled);
	mem_free(t);
}

/* Claim the first free entry of a word's, fill it, publish it. */
static void put(struct word_table *t, const struct word_entry *e)
{
	for (size_t i = word_mix(e->low, e->high & WORD_KEY) & (t->size - 2);;
		i = (i + 1) & (t->size - 1)) {
		struct word_entry *to = &t->entries[i];
		uint64_t none = 0;
		if (__atomic_load_n(&to->high, __ATOMIC_RELAXED) ||
			!__atomic_compare_exchange_n(&to->high, &none, WORD_BUSY, false,
				__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			continue;
		__atomic_store_n(&to->low, e->low, __ATOMIC_RELAXED);
		memcpy(to->ids, e->ids, sizeof to->ids);
		__atomic_store_n(&to->high, e->high, __ATOMIC_RELEASE);
		return;
	}
}

/* A table of four times the size, with the same words and what they have spilled. */
static struct word_table *grown(struct word_table *t)
{
	struct word_table *to = new_table(4 * t->size);
	for (size_t i = 0; i < t->size; i++) {
		struct word_entry e = { .high = word_load(&t->entries[i].high) };
		if (!e.high || e.high == WORD_BUSY)
			continue;
		e.low = t->entries[i].low;
		memcpy(e.ids, t->entries[i].ids, sizeof e.ids);
		put(to, &e);
		to->n++;
	}
	to->spilled = t->spilled;
	to->n_spilled = t->n_spilled;
	t->spilled = NULL;
	return to;
}

/* --- The store --------------------------------------------------------------------------------- */

struct word_store *word_store_new(void)
{
	struct word_store *s = mem_zero(1, sizeof *s);
	pthread_mutex_init(&s->lock, NULL);
	s->table = new_table(LEAST);
	return s;
}

void word_store_free(struct word_store *s)
{
	if (!s)
		return;
	for (struct word_table *t = s->oldest, *next; t; t = next) {
		next = t->newer;
		free_table(t);
	}
	free_table(s->table);
	pthread_mutex_destroy(&s->lock);
	mem_free(s);
}

void word_store_join(struct word_store *s, struct word_reader *r)
{
	pthread_mutex_lock(&s->lock);
	r->table = NULL;
	r->next = s->readers;
	s->readers = r;
	pthread_mutex_unlock(&s->lock);
}

void word_store_leave(struct word_store *s, struct word_reader *r)
{
	pthread_mutex_lock(&s->lock);
	struct word_reader **at = &s->readers;
	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	pthread_mutex_unlock(&s->lock);
}

struct word_table *word_store_read(struct word_store *s, struct word_reader *r)
{
	struct word_table *t = __atomic_load_n(&s->table, __ATOMIC_SEQ_CST), *was;
	do {
		was = t;
		__atomic_store_n(&r->table, t, __ATOMIC_SEQ_CST);
		t = __atomic_load_n(&s->table, __ATOMIC_SEQ_CST);
	} while (t != was);
	return t;
}

static bool is_read(const struct word_store *s, const struct word_table *t)
{
	for (const struct word_reader *r = s->readers; r; r = r->next)
		if (__atomic_load_n(&r->table, __ATOMIC_SEQ_CST) == t)
			return true;
	return false;
}

/*
 * Under the lock. The oldest table goes first: what it has spilled may belong to the one that it grew
 * into.
 */
static void replace(struct word_store *s, struct word_table *by)
{
	struct word_table *old = s->table;
	__atomic_store_n(&s->table, by, __ATOMIC_SEQ_CST);
	if (s->newest)
		s->newest->newer = old;
	else
		s->oldest = old;
	s->newest = old;
	while (s->oldest && !is_read(s, s->oldest)) {
		struct word_table *next = s->oldest->newer;
		free_table(s->oldest);
		s->oldest = next;
	}
	if (!s->oldest)
		s->newest = NULL;
}

/* A full table is replaced by whoever comes first; the others go on with it meanwhile. */
static void make_room(struct word_store *s, struct word_table *t)
{
	if (pthread_mutex_trylock(&s->lock))
		return;
	if (t == s->table)
		replace(s, t->size < MOST ? grown(t) : new_table(MOST));
	pthread_mutex_unlock(&s->lock);
}

/* Ids that do not fit the entry, and behind them the bytes of a long word; false: no room. */
static bool spill(struct word_store *s, struct word_table *t, struct word_entry *e,
	struct slice word, const uint32_t *ids, size_t n)
{
	size_t bytes = word.size > WORD_SHORT ? word.size : 0, size = n + (bytes + 3) / 4;
	uint32_t *to = NULL;
	pthread_mutex_lock(&s->lock);
	if (t == s->table && t->n_spilled + size > SPILLED_MOST) {
		replace(s, new_table(t->size));
	} else if (t == s->table) {
		if (!t->spilled)
			t->spilled = arena_new();
		to = ARENA_ARRAY(t->spilled, uint32_t, size + 1);
		t->n_spilled += size;
	}
	pthread_mutex_unlock(&s->lock);
	if (!to)
		return false;
	if (n)
		memcpy(to, ids, n * sizeof *ids);
	if (bytes)
		memcpy(to + n, word.data, bytes);
	e->spilled.ids = to;
	e->spilled.n = (uint32_t)n;
	return true;
}

void word_store_keep(struct word_store *s, struct word_table *t, struct word_key k,
	struct slice word, const uint32_t *ids, size_t n)
{
	struct word_entry e = { .low = k.low, .high = k.high };
	/* never more than five eighths full, or looking would not end */
	if (8 * __atomic_fetch_add(&t->n, 1, __ATOMIC_RELAXED) >= 5 * t->size) {
		make_room(s, t);
		return;
	}
	if (word.size > WORD_SHORT || n == 0 || n > WORD_IDS) {
		if (!spill(s, t, &e, word, ids, n))
			return;
	} else {
		e.high |= (uint64_t)n << WORD_COUNT_SHIFT;
		memcpy(e.ids, ids, n * sizeof *ids);
	}
	put(t, &e);
}
