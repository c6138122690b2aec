/*
 * train_merges.c: BPE: again and again the most frequent pair of neighbours becomes a token.
 *
 * The result is that of tokenizers 0.23 (src/models/bpe/trainer.rs), which its peculiarities
 * decide where tokens spell the same in two ways ("ab" "c" and "a" "bc"): a pair that gains
 * places while it waits is queued once more with those places, its count is never taken back, and
 * a pair merged twice has the rank of the last time. Of equal counts the pair of smaller ids
 * wins. The reference numbers the tokens with a prefix or suffix, and drops rare characters of
 * equal counts, in the order of a hash table, which differs from run to run; here that is the
 * order of the words, and of code points.
 *
 * A word is its symbols in one array, and is gone over whole when one of its pairs is merged:
 * words are short. Counts wait in a heap as they were when they were queued, and are put right
 * when they come up.
 */
#include <stdlib.h>
#include <wchar.h>

#include "lib/base/random.h"
#include "lib/text/utf8.h"
#include "lib/token/train_private.h"

enum { NOWHERE = -1, UNUSED = -1 /* as uint32_t, as uint64_t */ };

/* A word that holds a pair; lists of them share one array. */
struct place {
	uint32_t word, next;
};

struct pair {
	uint64_t key; /* left << 32 | right; UNUSED: free slot */
	int64_t count;
	uint32_t places; /* since it was last queued; NOWHERE: none */
	uint32_t merged; /* 1 + the last merge of it; 0: none */
};

struct candidate {
	uint64_t count, key;
	uint32_t places;
};

struct state {
	const struct word_list *words;
	uint32_t *symbols, *sizes; /* of all words; [words] how many symbols a word has */
	size_t *starts; /* [words] its first in symbols */
	struct pair *pairs; /* open addressing */
	size_t n_pairs, n_slots; /* a power of two, more than twice n_pairs */
	uint64_t *touched; /* pairs with places, not queued yet */
	size_t n_touched, touched_capacity;
	struct place *places;
	size_t n_places, places_capacity;
	uint32_t spare; /* places that are free again */
	struct candidate *heap;
	size_t n_heap, heap_capacity;
	size_t merges_capacity;
	uint32_t *lengths; /* of tokens, in characters */
	size_t n_lengths, lengths_capacity;
	size_t longest; /* a pair as long as that does not count, unless of two characters */
};

/* Room for one more element; inline, as most have it. */
#define RESERVE(array, n, capacity) \
	((n) == (capacity) ? (void)((array) = mem_grow( \
					    (array), &(capacity), (n) + 1, sizeof *(array))) \
			   : (void)0)

/* --- Tokens before the first merge ----------------------------------------------------------- */

static int by_code_point(const void *a, const void *b)
{
	const struct character *x = a, *y = b;
	return (x->c > y->c) - (x->c < y->c);
}

/* The frequent ones first. */
static int by_count(const void *a, const void *b)
{
	const struct character *x = a, *y = b;
	return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : by_code_point(a, b);
}

static void add_alphabet(
	struct merges *m, const struct word_list *words, const struct merge_options *o)
{
	struct character_list list = characters_count(words, o->alphabet, o->n_alphabet);
	size_t limit = o->trainer->limit_alphabet;
	if (limit && list.n > limit) {
		qsort(list.at, list.n, sizeof *list.at, by_count);
		list.n = limit;
		qsort(list.at, list.n, sizeof *list.at, by_code_point);
	}
	for (size_t i = 0; i < list.n; i++) {
		char bytes[4];
		size_t size = utf8_encode(bytes, list.at[i].c);
		terms_add(&m->tokens, (struct slice){ bytes, size });
	}
	mem_free(list.at);
}

/* The symbols of a word: of its characters those that are tokens. Returns how many. */
static uint32_t spell(
	struct merges *m, const struct merge_options *o, struct slice w, uint32_t *symbols)
{
	uint32_t n = 0;
	struct buffer token = { NULL, 0, 0 };
	for (size_t i = 0, size; i < w.size; i += size) {
		uint32_t c;
		size = utf8_decode(w.data + i, w.data + w.size, &c);
		struct slice own = { w.data + i, size };
		bool first = i == 0, last = i + size == w.size;
		uint32_t id = terms_find(&m->tokens, own);
		if (id == TERMS_ABSENT)
			continue;
		if ((!first && o->prefix.size) || (last && o->suffix.size)) {
			buffer_clear(&token);
			if (!first)
				buffer_slice(&token, o->prefix);
			buffer_slice(&token, own);
			if (last)
				buffer_slice(&token, o->suffix);
			id = terms_add(&m->tokens, buffer_view(&token));
		}
		symbols[n++] = id;
	}
	buffer_free(&token);
	return n;
}

static void spell_words(struct state *s, struct merges *m, const struct merge_options *o)
{
	const struct word_list *words = s->words;
	s->symbols = MEM_ARRAY(uint32_t, words->size);
	s->sizes = MEM_ARRAY(uint32_t, words->n);
	s->starts = MEM_ARRAY(size_t, words->n);
	for (size_t i = 0, at = 0; i < words->n; at += s->sizes[i++]) {
		s->starts[i] = at;
		s->sizes[i] = spell(m, o, words->at[i].word, s->symbols + at);
	}
}

/* --- Pairs ----------------------------------------------------------------------------------- */

static struct pair *slot(const struct state *s, uint64_t key)
{
	size_t i = random_mix(key) & (s->n_slots - 1);
	while (s->pairs[i].key != (uint64_t)UNUSED && s->pairs[i].key != key)
		i = (i + 1) & (s->n_slots - 1);
	return &s->pairs[i];
}

static void grow_pairs(struct state *s)
{
	struct pair *old = s->pairs;
	size_t n = s->n_slots;
	s->n_slots = n ? size_mul(n, 2) : 1 << 12;
	s->pairs = MEM_ARRAY(struct pair, s->n_slots);
	memset(s->pairs, 0xff, s->n_slots * sizeof *s->pairs);
	for (size_t i = 0; i < n; i++)
		if (old[i].key != (uint64_t)UNUSED)
			*slot(s, old[i].key) = old[i];
	mem_free(old);
}

static struct pair *find_pair(struct state *s, uint64_t key)
{
	if (2 * (s->n_pairs + 1) >= s->n_slots)
		grow_pairs(s);
	struct pair *p = slot(s, key);
	if (p->key == (uint64_t)UNUSED) {
		*p = (struct pair){ key, 0, (uint32_t)NOWHERE, 0 };
		s->n_pairs++;
	}
	return p;
}

static uint32_t new_place(struct state *s)
{
	uint32_t i = s->spare;
	if (i != (uint32_t)NOWHERE) {
		s->spare = s->places[i].next;
		return i;
	}
	RESERVE(s->places, s->n_places, s->places_capacity);
	return (uint32_t)s->n_places++;
}

/* A pair occurs n times more in a word. */
static void gain(struct state *s, uint32_t left, uint32_t right, uint32_t word, uint64_t n)
{
	struct pair *p = find_pair(s, (uint64_t)left << 32 | right);
	p->count += (int64_t)n;
	if (p->places == (uint32_t)NOWHERE) {
		RESERVE(s->touched, s->n_touched, s->touched_capacity);
		s->touched[s->n_touched++] = p->key;
	} else if (s->places[p->places].word == word) {
		return;
	}
	uint32_t i = new_place(s);
	s->places[i] = (struct place){ word, p->places };
	p->places = i;
}

static void lose(struct state *s, uint32_t left, uint32_t right, uint64_t n)
{
	find_pair(s, (uint64_t)left << 32 | right)->count -= (int64_t)n;
}

/* --- The heap: the highest count first, of equal ones the smaller pair ----------------------- */

static bool before(const struct candidate *a, const struct candidate *b)
{
	return a->count != b->count ? a->count > b->count : a->key < b->key;
}

static void push(struct state *s, struct candidate c)
{
	RESERVE(s->heap, s->n_heap, s->heap_capacity);
	size_t i = s->n_heap++;
	for (; i && before(&c, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = c;
}

/* The first is replaced. */
static void sink(struct state *s, struct candidate c)
{
	size_t i = 0;
	for (size_t child; (child = 2 * i + 1) < s->n_heap; i = child) {
		if (child + 1 < s->n_heap && before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!before(&s->heap[child], &c))
			break;
		s->heap[i] = s->heap[child];
	}
	s->heap[i] = c;
}

static void pop(struct state *s)
{
	struct candidate last = s->heap[--s->n_heap];
	if (s->n_heap)
		sink(s, last);
}

/* The pairs that have gained places wait for their turn. */
static void queue_touched(struct state *s)
{
	for (size_t i = 0; i < s->n_touched; i++) {
		struct pair *p = slot(s, s->touched[i]);
		if (p->count > 0)
			push(s, (struct candidate){ (uint64_t)p->count, p->key, p->places });
		p->places = (uint32_t)NOWHERE;
	}
	s->n_touched = 0;
}

/* --- Merging --------------------------------------------------------------------------------- */

static void count_pairs(struct state *s)
{
	for (size_t i = 0; i < s->words->n; i++) {
		const uint32_t *x = s->symbols + s->starts[i];
		for (uint32_t j = 1; j < s->sizes[i]; j++)
			gain(s, x[j - 1], x[j], (uint32_t)i, s->words->at[i].n);
	}
	queue_touched(s);
}

/* Where the pair stands next, from i on; n: nowhere. Long words are gone over by libc's vectors. */
static uint32_t next_pair(const uint32_t *x, uint32_t i, uint32_t n, uint32_t left, uint32_t right)
{
	_Static_assert(sizeof(wchar_t) == sizeof *x, "wmemchr looks for 32 bits");
	for (; i + 1 < n; i++) {
		if (n - i > 32) {
			const wchar_t *at =
				wmemchr((const wchar_t *)x + i, (wchar_t)left, n - i - 1);
			if (!at)
				return n;
			i = (uint32_t)(at - (const wchar_t *)x);
		}
		if (x[i] == left && x[i + 1] == right)
			return i;
	}
	return n;
}

static bool fits(const struct state *s, uint32_t left, uint32_t right)
{
	return (size_t)s->lengths[left] + s->lengths[right] < s->longest;
}

/* Every pair of left and right in a word becomes a token. */
static void merge_word(struct state *s, uint32_t word, uint64_t key, uint32_t token)
{
	uint32_t *x = s->symbols + s->starts[word], n = s->sizes[word], to = 0;
	uint32_t left = (uint32_t)(key >> 32), right = (uint32_t)key;
	uint64_t count = s->words->at[word].n;
	for (uint32_t i = 0, next; i < n; i = next + 2) {
		next = next_pair(x, i, n, left, right);
		if (to < i)
			memmove(x + to, x + i, (next - i) * sizeof *x);
		to += next - i;
		if (next == n)
			break;
		if (to) {
			lose(s, x[to - 1], left, count);
			if (fits(s, x[to - 1], token))
				gain(s, x[to - 1], token, word, count);
		}
		if (next + 2 < n) {
			lose(s, right, x[next + 2], count);
			if (fits(s, token, x[next + 2]))
				gain(s, token, x[next + 2], word, count);
		}
		x[to++] = token;
	}
	s->sizes[word] = to;
}

/* The token of a pair, new or old. */
static uint32_t join(struct merges *m, const struct merge_options *o, uint64_t key)
{
	struct slice left = m->tokens.at[key >> 32], right = m->tokens.at[(uint32_t)key];
	size_t n = o->prefix.size;
	if (n && right.size >= n && !memcmp(right.data, o->prefix.data, n))
		right = (struct slice){ right.data + n, right.size - n };
	struct buffer b = { NULL, 0, 0 };
	buffer_slice(&b, left);
	buffer_slice(&b, right);
	uint32_t id = terms_add(&m->tokens, buffer_view(&b));
	buffer_free(&b);
	return id;
}

/* All tokens get a length, new ones this. */
static void set_lengths(struct state *s, size_t n_tokens, uint32_t length)
{
	while (s->n_lengths < n_tokens) {
		RESERVE(s->lengths, s->n_lengths, s->lengths_capacity);
		s->lengths[s->n_lengths++] = length;
	}
}

static void merge_pair(
	struct state *s, struct merges *m, const struct merge_options *o, struct candidate c)
{
	uint32_t token = join(m, o, c.key), i = c.places, last = i;
	set_lengths(s, m->tokens.n, s->lengths[c.key >> 32] + s->lengths[(uint32_t)c.key]);
	RESERVE(m->at, m->n, s->merges_capacity);
	m->at[m->n++] = (struct merge){ (uint32_t)(c.key >> 32), (uint32_t)c.key };
	find_pair(s, c.key)->merged = (uint32_t)m->n;
	for (; i != (uint32_t)NOWHERE; last = i, i = s->places[i].next)
		merge_word(s, s->places[i].word, c.key, token);
	if (c.places != (uint32_t)NOWHERE) {
		s->places[last].next = s->spare;
		s->spare = c.places;
	}
	queue_touched(s);
}

static void merge_all(struct state *s, struct merges *m, const struct merge_options *o)
{
	while (m->tokens.n < o->trainer->vocab_size && s->n_heap) {
		struct candidate top = s->heap[0];
		uint64_t count = (uint64_t)slot(s, top.key)->count;
		if (top.count != count) {
			top.count = count;
			sink(s, top);
			continue;
		}
		if (count < 1 || count < o->trainer->min_frequency)
			return;
		pop(s);
		merge_pair(s, m, o, top);
		if (o->trainer->progress && m->n % 256 == 0)
			o->trainer->progress(m->tokens.n, o->trainer->vocab_size);
	}
}

/* Of a pair that was merged more than once the last time stays. */
static void drop_repeated(struct state *s, struct merges *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->n; i++)
		if (slot(s, (uint64_t)m->at[i].left << 32 | m->at[i].right)->merged == i + 1)
			m->at[n++] = m->at[i];
	m->n = n;
}

static void free_state(struct state *s)
{
	mem_free(s->symbols);
	mem_free(s->sizes);
	mem_free(s->starts);
	mem_free(s->pairs);
	mem_free(s->touched);
	mem_free(s->places);
	mem_free(s->heap);
	mem_free(s->lengths);
}

int merges_train(struct merges *m, const struct merge_options *o, const struct word_list *words,
	struct error *e)
{
	size_t longest = o->trainer->max_token_length;
	struct state s = {
		.words = words, .spare = (uint32_t)NOWHERE, .longest = longest ? longest : SIZE_MAX
	};
	for (size_t i = 0; i < o->n_special; i++)
		terms_add(&m->tokens, o->special[i].content);
	add_alphabet(m, words, o);
	int rc = 0;
	spell_words(&s, m, o);
	if (m->tokens.n > o->trainer->vocab_size)
		rc = error_set(e, ERROR_USAGE,
			"a vocabulary of %zu has no room for the %zu special token%s and %zu "
			"character%s that it begins with",
			o->trainer->vocab_size, o->n_special, plural(o->n_special),
			m->tokens.n - o->n_special, plural(m->tokens.n - o->n_special));
	if (!rc) {
		set_lengths(&s, m->tokens.n, 1);
		count_pairs(&s);
		merge_all(&s, m, o);
		drop_repeated(&s, m);
	}
	free_state(&s);
	return rc;
}

void merges_free(struct merges *m)
{
	terms_free(&m->tokens);
	mem_free(m->at);
	*m = (struct merges){ 0 };
}
