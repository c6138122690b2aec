#include "lib/token/bpe_merge.h"

enum { UNMERGED = -1 }; /* as uint32_t: a symbol with no merge, or that is gone */

/* A step of a merge; a test counts them. */
#ifndef BPE_STEP
#define BPE_STEP() ((void)0)
#endif

/* --- A short word --------------------------------------------------------------------------- */

/*
 * The symbols as a list in arrays. order is rank << 5 | index of the pair that a symbol is the
 * left of, so that the least is the lowest rank, the leftmost of its like.
 */
struct short_word {
	uint32_t order[BPE_SHORT];
	uint32_t made[BPE_SHORT]; /* what that pair becomes */
	uint8_t next[BPE_SHORT + 1], previous[BPE_SHORT + 1]; /* + 1: behind the last is n */
};

static inline void look_up(
	const struct bpe *b, struct short_word *w, const uint32_t *ids, size_t n, size_t i)
{
	size_t j = w->next[i];
	const struct bpe_pair *p = j < n ? bpe_find(b, ids[i], ids[j]) : NULL;
	w->order[i] = p ? p->rank << 5 | (uint32_t)i : (uint32_t)UNMERGED;
	w->made[i] = p ? p->id : 0;
}

static inline uint32_t least(const uint32_t *order, size_t n)
{
	uint32_t best = order[0];
	for (size_t i = 1; i < n; i++)
		best = order[i] < best ? order[i] : best;
	return best;
}

size_t bpe_merge_short(const struct bpe *b, uint32_t *ids, uint32_t *sizes, size_t n)
{
	struct short_word w;
	for (size_t i = 0; i < n; i++) {
		w.next[i] = (uint8_t)(i + 1);
		w.previous[i + 1] = (uint8_t)i;
		if (i + 1 < n)
			bpe_fetch(b, ids[i], ids[i + 1]);
	}
	for (size_t i = 0; i < n; i++)
		look_up(b, &w, ids, n, i);
	for (uint32_t best; n && (best = least(w.order, n)) != (uint32_t)UNMERGED;) {
		size_t i = best % BPE_SHORT, j = w.next[i];
		ids[i] = w.made[i];
		if (sizes)
			sizes[i] += sizes[j];
		w.order[j] = (uint32_t)UNMERGED;
		w.next[i] = w.next[j];
		w.previous[w.next[j]] = (uint8_t)i;
		if (i)
			bpe_fetch(b, ids[w.previous[i]], ids[i]);
		look_up(b, &w, ids, n, i);
		if (i)
			look_up(b, &w, ids, n, w.previous[i]);
		BPE_STEP();
	}
	size_t left = 0;
	for (size_t i = 0; i < n; i = w.next[i], left++) {
		ids[left] = ids[i];
		if (sizes)
			sizes[left] = sizes[i];
	}
	return left;
}

/* --- A long word ---------------------------------------------------------------------------- */

struct symbol {
	uint32_t id, previous, next; /* neighbours: UNMERGED at the ends; next of what is gone */
};

/*
 * A heap of rank << 32 | index of the left symbol: four children a node, so that it is half as
 * deep as a binary one and the children share a cache line.
 */
struct heap {
	uint64_t *at;
	size_t n;
};

static void heap_down(struct heap *h, size_t i, uint64_t x)
{
	for (size_t child; (child = 4 * i + 1) < h->n; i = child) {
		size_t end = child + 4 < h->n ? child + 4 : h->n;
		for (size_t c = child + 1; c < end; c++) {
			BPE_STEP();
			if (h->at[c] < h->at[child])
				child = c;
		}
		if (h->at[child] >= x)
			break;
		h->at[i] = h->at[child];
	}
	h->at[i] = x;
}

static void heap_push(struct heap *h, uint64_t x)
{
	size_t i = h->n++;
	for (size_t parent; i && h->at[parent = (i - 1) / 4] > x; i = parent) {
		BPE_STEP();
		h->at[i] = h->at[parent];
	}
	h->at[i] = x;
}

static uint64_t heap_pop(struct heap *h)
{
	uint64_t top = h->at[0];
	h->n--;
	if (h->n)
		heap_down(h, 0, h->at[h->n]);
	return top;
}

/* The heap's entry for the pair of a symbol and the one behind it; false: they do not merge. */
static inline bool entry(const struct bpe *b, const struct symbol *s, uint32_t i, uint64_t *x)
{
	if (s[i].next == (uint32_t)UNMERGED)
		return false;
	const struct bpe_pair *p = bpe_find(b, s[i].id, s[s[i].next].id);
	if (p)
		*x = (uint64_t)p->rank << 32 | i;
	return p;
}

static void join(const struct bpe *b, struct symbol *s, struct heap *h, uint32_t *sizes, uint32_t i,
	uint32_t id)
{
	uint32_t gone = s[i].next, behind = s[gone].next;
	uint64_t x;
	s[i].id = id;
	s[i].next = behind;
	s[gone].next = (uint32_t)UNMERGED;
	if (sizes) {
		sizes[i] += sizes[gone];
		sizes[gone] = 0;
	}
	if (behind != (uint32_t)UNMERGED)
		s[behind].previous = i;
	if (s[i].previous != (uint32_t)UNMERGED && entry(b, s, s[i].previous, &x))
		heap_push(h, x);
	if (entry(b, s, i, &x))
		heap_push(h, x);
}

/*
 * An entry whose pair has changed since is passed over: the pair that stands there now has one of
 * its own. That its rank tells is because a token never comes back at its place, merges only
 * lengthening it (bpe_add sees to that).
 */
static void run(const struct bpe *b, struct symbol *s, struct heap *h, uint32_t *sizes)
{
	while (h->n) {
		uint64_t x = heap_pop(h);
		uint32_t i = (uint32_t)x, next = s[i].next;
		const struct bpe_pair *p =
			next == (uint32_t)UNMERGED ? NULL : bpe_find(b, s[i].id, s[next].id);
		if (p && p->rank == x >> 32)
			join(b, s, h, sizes, i, p->id);
	}
}

size_t bpe_merge_long(const struct bpe *b, uint32_t *ids, uint32_t *sizes, size_t n)
{
	struct symbol *s = MEM_ARRAY(struct symbol, n);
	/* every merge takes one symbol away and pushes two entries at most */
	struct heap h = { MEM_ARRAY(uint64_t, size_mul(3, n)), 0 };
	for (size_t i = 0; i < n; i++)
		s[i] = (struct symbol){ ids[i], (uint32_t)(i - 1), (uint32_t)(i + 1) };
	s[n - 1].next = (uint32_t)UNMERGED;
	for (size_t i = 0; i + 1 < n; i++)
		h.n += entry(b, s, (uint32_t)i, &h.at[h.n]);
	for (size_t i = h.n; i-- > 0;)
		heap_down(&h, i, h.at[i]);
	run(b, s, &h, sizes);
	size_t left = 0;
	for (uint32_t i = 0; i != (uint32_t)UNMERGED; i = s[i].next, left++) {
		ids[left] = s[i].id;
		if (sizes)
			sizes[left] = sizes[i];
	}
	mem_free(h.at);
	mem_free(s);
	return left;
}
