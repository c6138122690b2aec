#include "lib/token/double_array.h"

#include <stdlib.h>

enum {
	BLOCK = 256, /* units that one base reaches */
	OPEN = 16, /* blocks in which room is looked for */
	PATIENCE = 64, /* failures before a block is no longer tried */
	LARGEST = 1 << 24,
	RESERVED = 2, /* units of the first block that are nobody's (fill_free) */
	ROOT = -1, /* as uint32_t: a node that is no unit */
};

/* --- Sorting: by the first eight bytes at once, then what is equal in them one by one -------- */

struct entry {
	uint64_t first,
		second; /* eight bytes each, the first of them the highest, 0 behind the end */
	uint32_t index, size;
};

static uint64_t eight_bytes(struct slice key, size_t at)
{
	uint64_t v = 0;
	if (at < key.size)
		memcpy(&v, key.data + at, key.size - at < 8 ? key.size - at : 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

/* One byte of the radix sort, the counts of which are known; false where all have the same. */
static bool sort_byte(const struct entry *from, struct entry *to, size_t n, unsigned shift,
	const uint32_t counts[256])
{
	uint32_t starts[256], sum = 0;
	for (size_t b = 0; b < 256; b++) {
		if (counts[b] == n)
			return false;
		starts[b] = sum;
		sum += counts[b];
	}
	for (size_t i = 0; i < n; i++)
		to[starts[from[i].first >> shift & 0xff]++] = from[i];
	return true;
}

static int compare(const void *a, const void *b, void *keys)
{
	const struct entry *x = a, *y = b;
	if (x->second != y->second)
		return x->second < y->second ? -1 : 1;
	struct slice s = ((const struct slice *)keys)[x->index];
	struct slice t = ((const struct slice *)keys)[y->index];
	int order = memcmp(s.data, t.data, s.size < t.size ? s.size : t.size);
	if (order)
		return order;
	if (s.size != t.size)
		return s.size < t.size ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* The keys that count, in order of their bytes; the array holds room for as many again. */
static size_t sort(struct entry *entries, const struct slice *keys, size_t n)
{
	static const size_t bytes = sizeof(uint64_t);
	uint32_t(*counts)[256] = mem_zero(bytes, sizeof *counts);
	size_t m = 0;
	for (size_t i = 0; i < n; i++) {
		if (!keys[i].data || keys[i].size == 0)
			continue;
		entries[m] = (struct entry){ eight_bytes(keys[i], 0), eight_bytes(keys[i], 8),
			(uint32_t)i,
			keys[i].size < UINT32_MAX ? (uint32_t)keys[i].size : UINT32_MAX };
		for (size_t b = 0; b < bytes; b++)
			counts[b][entries[m].first >> 8 * b & 0xff]++;
		m++;
	}
	struct entry *from = entries, *to = entries + n;
	for (unsigned b = 0; b < bytes; b++)
		if (sort_byte(from, to, m, 8 * b, counts[b])) {
			struct entry *swap = from;
			from = to;
			to = swap;
		}
	mem_free(counts);
	if (from != entries)
		memcpy(entries, from, m * sizeof *entries);
	for (size_t i = 0, j; i < m; i = j) {
		for (j = i + 1; j < m && entries[j].first == entries[i].first;)
			j++;
		if (j - i > 1)
			qsort_r(entries + i, j - i, sizeof *entries, compare,
				(void *)(uintptr_t)keys);
	}
	size_t unique = 0;
	for (size_t i = 0; i < m; i++) {
		if (i + 1 == m || entries[i].first != entries[i + 1].first ||
			entries[i].second != entries[i + 1].second ||
			!slice_equal(keys[entries[i].index], keys[entries[i + 1].index]))
			entries[unique++] = entries[i];
	}
	return unique;
}

/* --- Placing --------------------------------------------------------------------------------- */

struct block {
	uint64_t taken[4], bases[4]; /* bits: units, and bases that are some node's */
	unsigned free, failures;
};

struct builder {
	struct double_array *array;
	size_t capacity; /* units */
	struct block *blocks;
	size_t open[OPEN], n_open; /* blocks that are still tried */
	unsigned char labels[256]; /* of the children to place */
	size_t n_labels;
};

static inline bool bit(const uint64_t bits[4], unsigned i)
{
	return bits[i >> 6] >> (i & 63) & 1;
}

static inline void set_bit(uint64_t bits[4], unsigned i)
{
	bits[i >> 6] |= (uint64_t)1 << (i & 63);
}

static void close_block(struct builder *b, size_t i)
{
	memmove(b->open + i, b->open + i + 1, (b->n_open - i - 1) * sizeof *b->open);
	b->n_open--;
}

static int add_block(struct builder *b, struct error *e)
{
	struct double_array *a = b->array;
	if (a->n + BLOCK > LARGEST)
		return error_set(e, ERROR_MODEL,
			"the vocabulary has too many different beginnings of tokens");
	if (a->n == b->capacity) {
		size_t old = b->capacity;
		b->capacity = old ? 2 * old : 64 * BLOCK;
		a->units = mem_resize(
			a->units, old * sizeof *a->units, b->capacity * sizeof *a->units);
		b->blocks = mem_resize(b->blocks, old / BLOCK * sizeof *b->blocks,
			b->capacity / BLOCK * sizeof *b->blocks);
	}
	if (b->n_open == OPEN)
		close_block(b, 0);
	b->open[b->n_open++] = a->n / BLOCK;
	b->blocks[a->n / BLOCK] = (struct block){ .free = BLOCK };
	a->n += BLOCK;
	return 0;
}

/* A base in a block under which all labels fall on free units; BLOCK where there is none. */
static unsigned fit(const struct builder *b, const struct block *k)
{
	if (k->free < b->n_labels)
		return BLOCK;
	for (unsigned word = 0; word < 4; word++)
		for (uint64_t room = ~k->taken[word]; room; room &= room - 1) {
			unsigned base =
				(64 * word + (unsigned)__builtin_ctzll(room)) ^ b->labels[0];
			size_t i = 1;
			if (bit(k->bases, base))
				continue;
			while (i < b->n_labels && !bit(k->taken, base ^ b->labels[i]))
				i++;
			if (i == b->n_labels)
				return base;
		}
	return BLOCK;
}

/* Place the children of a node and give their base. */
static int place(struct builder *b, uint32_t *base, struct error *e)
{
	unsigned low = BLOCK;
	size_t block = 0;
	for (size_t i = 0; i < b->n_open && low == BLOCK;) {
		struct block *k = &b->blocks[block = b->open[i]];
		low = fit(b, k);
		if (low == BLOCK && (k->free == 0 || ++k->failures == PATIENCE))
			close_block(b, i);
		else
			i++;
	}
	if (low == BLOCK) {
		if (add_block(b, e))
			return -1;
		block = b->array->n / BLOCK - 1;
		low = fit(b, &b->blocks[block]);
	}
	struct block *k = &b->blocks[block];
	set_bit(k->bases, low);
	for (size_t i = 0; i < b->n_labels; i++)
		set_bit(k->taken, low ^ b->labels[i]);
	k->free -= (unsigned)b->n_labels;
	*base = (uint32_t)(block * BLOCK + low);
	return 0;
}

/*
 * The label of a free unit must be wrong for every walk: one that leads to a base that no node
 * has. A block with a free unit has such a base, as each node's base has a unit; in the first
 * block, where base 0 is that of nodes without children, two reserved units see to it.
 */
static void fill_free(struct builder *b)
{
	for (size_t i = 0; i < b->array->n / BLOCK; i++) {
		const struct block *k = &b->blocks[i];
		unsigned base = 0;
		while (base < BLOCK - 1 && bit(k->bases, base))
			base++;
		for (unsigned u = 0; u < BLOCK; u++)
			if (!bit(k->taken, u) || (i == 0 && u < RESERVED))
				b->array->units[i * BLOCK + u] =
					(struct double_array_unit){ u ^ base,
						(uint32_t)DOUBLE_ARRAY_NONE };
	}
}

static inline unsigned char byte_at(
	const struct entry *entry, const struct slice *keys, size_t depth)
{
	return (unsigned char)(depth < 8    ? entry->first >> (56 - 8 * depth)
			       : depth < 16 ? entry->second >> (120 - 8 * depth)
					    : (unsigned char)keys[entry->index].data[depth]);
}

/* A node yet to be given children: those of the sorted keys [low, high), which share depth bytes. */
struct task {
	uint32_t node, low, high;
	size_t depth;
};

static int expand(struct builder *b, const struct entry *entries, const struct slice *keys,
	struct task t, struct buffer *tasks, struct error *e)
{
	struct double_array_unit *units = b->array->units;
	if (t.node != (uint32_t)ROOT && entries[t.low].size == t.depth)
		units[t.node].value = entries[t.low++].index;
	if (t.low == t.high)
		return 0;
	uint32_t starts[257];
	b->n_labels = 0;
	for (uint32_t i = t.low; i < t.high; i++) {
		unsigned char c = byte_at(&entries[i], keys, t.depth);
		if (!b->n_labels || b->labels[b->n_labels - 1] != c) {
			starts[b->n_labels] = i;
			b->labels[b->n_labels++] = c;
		}
	}
	starts[b->n_labels] = t.high;
	uint32_t base;
	if (place(b, &base, e))
		return -1;
	units = b->array->units;
	if (t.node == (uint32_t)ROOT)
		b->array->root = base;
	else
		units[t.node].base |= base << 8;
	for (size_t i = b->n_labels; i-- > 0;) {
		struct task child = { base ^ b->labels[i], starts[i], starts[i + 1], t.depth + 1 };
		units[child.node] =
			(struct double_array_unit){ b->labels[i], (uint32_t)DOUBLE_ARRAY_NONE };
		buffer_add(tasks, &child, sizeof child);
	}
	return 0;
}

int double_array_build(struct double_array *a, const struct slice *keys, size_t n, struct error *e)
{
	*a = (struct double_array){ 0 };
	if (n >= UINT32_MAX)
		return error_set(e, ERROR_MODEL, "a vocabulary of %zu tokens is too large", n);
	struct entry *entries = MEM_ARRAY(struct entry, size_mul(2, n));
	struct builder b = { .array = a };
	struct buffer tasks = { NULL, 0, 0 };
	struct task root = { (uint32_t)ROOT, 0, (uint32_t)sort(entries, keys, n), 0 };
	int rc = add_block(&b, e);
	if (!rc) {
		set_bit(b.blocks[0].bases, 0);
		for (unsigned i = 0; i < RESERVED; i++)
			set_bit(b.blocks[0].taken, i);
		b.blocks[0].free -= RESERVED;
		buffer_add(&tasks, &root, sizeof root);
	}
	while (!rc && tasks.size) {
		struct task t;
		tasks.size -= sizeof t;
		memcpy(&t, tasks.data + tasks.size, sizeof t);
		rc = expand(&b, entries, keys, t, &tasks, e);
	}
	if (!rc)
		fill_free(&b);
	else
		double_array_free(a);
	buffer_free(&tasks);
	mem_free(b.blocks);
	mem_free(entries);
	return rc;
}

void double_array_free(struct double_array *a)
{
	mem_free(a->units);
	*a = (struct double_array){ 0 };
}

uint32_t double_array_find(const struct double_array *a, struct slice key)
{
	uint32_t base = a->root, value = (uint32_t)DOUBLE_ARRAY_NONE;
	for (size_t i = 0; i < key.size; i++)
		if (!double_array_step(a, &base, (unsigned char)key.data[i], &value))
			return (uint32_t)DOUBLE_ARRAY_NONE;
	return value;
}
