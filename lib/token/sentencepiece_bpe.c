#include "lib/token/sentencepiece_bpe.h"

#include "lib/token/vocab.h"

enum {
	NONE = VOCAB_NONE,
	SHORT = 64, /* bytes of a word that need no allocation */
};

int sentencepiece_bpe_build(
	struct sentencepiece_bpe *b, const struct sentencepiece *s, struct error *e)
{
	struct slice *keys = mem_zero(s->n, sizeof *keys);
	*b = (struct sentencepiece_bpe){ .model = s };
	for (size_t i = 0; i < s->n; i++) {
		unsigned type = s->types[i];
		if (type == PIECE_NORMAL || type == PIECE_USER_DEFINED || type == PIECE_UNUSED)
			keys[i] = s->texts[i];
		b->unused |= type == PIECE_UNUSED;
	}
	int rc = double_array_build(&b->trie, keys, s->n, e);
	mem_free(keys);
	return rc;
}

void sentencepiece_bpe_free(struct sentencepiece_bpe *b)
{
	double_array_free(&b->trie);
}

/* A part of the word; those that were merged into the one before have size 0. */
struct symbol {
	uint32_t start, size;
	uint32_t before, after; /* neighbours; NONE */
	bool frozen;
};

/* Two neighbours that are a piece. */
struct pair {
	float score;
	uint32_t left, right, size;
};

struct work {
	const struct sentencepiece_bpe *bpe;
	struct slice word;
	struct symbol *symbols;
	struct pair *heap;
	size_t n_symbols, n_heap, heap_capacity;
	struct pair *few; /* the heap as long as it needs no allocation */
	uint32_t *
		lefts; /* by id of an unused piece: the size of the left of what it was merged from */
	uint32_t *ids;
	struct token_offset *offsets;
	size_t n;
	bool after_unknown;
};

/* --- A heap: the highest score first, then the leftmost ------------------------------------------ */

static inline bool precedes(const struct pair *a, const struct pair *b)
{
	return a->score > b->score || (a->score == b->score && a->left < b->left);
}

static void push(struct work *w, struct pair p)
{
	if (w->n_heap == w->heap_capacity) {
		size_t size = w->heap_capacity * sizeof *w->heap;
		struct pair *more = mem_resize(w->heap == w->few ? NULL : w->heap,
			w->heap == w->few ? 0 : size, size_mul(2, size));
		if (w->heap == w->few)
			memcpy(more, w->few, size);
		w->heap = more;
		w->heap_capacity *= 2;
	}
	size_t i = w->n_heap++;
	for (size_t up; i && (up = (i - 1) / 2, precedes(&p, &w->heap[up])); i = up)
		w->heap[i] = w->heap[up];
	w->heap[i] = p;
}

static struct pair pop(struct work *w)
{
	struct pair top = w->heap[0], last = w->heap[--w->n_heap];
	size_t i = 0;
	for (size_t down; (down = 2 * i + 1) < w->n_heap; i = down) {
		if (down + 1 < w->n_heap && precedes(&w->heap[down + 1], &w->heap[down]))
			down++;
		if (!precedes(&w->heap[down], &last))
			break;
		w->heap[i] = w->heap[down];
	}
	w->heap[i] = last;
	return top;
}

/* --- Merging ------------------------------------------------------------------------------------- */

static void offer(struct work *w, uint32_t left, uint32_t right)
{
	const struct sentencepiece *s = w->bpe->model;
	if (left == (uint32_t)NONE || right == (uint32_t)NONE || w->symbols[left].frozen ||
		w->symbols[right].frozen)
		return;
	uint32_t size = w->symbols[left].size + w->symbols[right].size;
	uint32_t id = double_array_find(
		&w->bpe->trie, (struct slice){ w->word.data + w->symbols[left].start, size });
	if (id == (uint32_t)DOUBLE_ARRAY_NONE)
		return;
	push(w, (struct pair){ s->scores[id], left, right, size });
	if (w->lefts)
		w->lefts[id] = w->symbols[left].size;
}

static void merge(struct work *w, struct pair p)
{
	struct symbol *left = &w->symbols[p.left], *right = &w->symbols[p.right];
	if (left->size == 0 || right->size == 0 || left->size + right->size != p.size)
		return;
	left->size = p.size;
	left->after = right->after;
	if (right->after != (uint32_t)NONE)
		w->symbols[right->after].before = p.left;
	right->size = 0;
	offer(w, left->before, p.left);
	offer(w, p.left, left->after);
}

/* The longest user-defined piece that text begins with; 0: none. */
static size_t user_defined(const struct sentencepiece *s, struct slice text)
{
	uint32_t base = s->user_defined.root, id;
	size_t size = 0;
	for (size_t i = 0;
		s->user_defined.n && i < text.size &&
		double_array_step(&s->user_defined, &base, (unsigned char)text.data[i], &id);
		i++)
		if (id != (uint32_t)DOUBLE_ARRAY_NONE)
			size = i + 1;
	return size;
}

static void begin(struct work *w)
{
	for (size_t at = 0, size; at < w->word.size; at += size) {
		struct slice rest = { w->word.data + at, w->word.size - at };
		unsigned char c = (unsigned char)*rest.data;
		size_t whole = user_defined(w->bpe->model, rest);
		size = whole ? whole : c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		size = size < rest.size ? size : rest.size;
		uint32_t i = (uint32_t)w->n_symbols++;
		w->symbols[i] =
			(struct symbol){ (uint32_t)at, (uint32_t)size, i ? i - 1 : (uint32_t)NONE,
				at + size < w->word.size ? i + 1 : (uint32_t)NONE, whole > 0 };
	}
	for (uint32_t i = 1; i < w->n_symbols; i++)
		offer(w, i - 1, i);
}

/* --- Writing --------------------------------------------------------------------------------------- */

static void put(struct work *w, uint32_t id, size_t start, size_t end)
{
	w->ids[w->n] = id;
	if (w->offsets)
		w->offsets[w->n] = (struct token_offset){ (uint32_t)start, (uint32_t)end };
	w->n++;
}

/* Bytes each; or one token for all unknown ones in a row. */
static void put_unknown(struct work *w, size_t start, size_t size)
{
	const struct sentencepiece *s = w->bpe->model;
	if (s->byte_fallback) {
		for (size_t i = 0; i < size; i++)
			put(w, s->bytes[(unsigned char)w->word.data[start + i]], start,
				i + 1 < size ? start : start + size);
	} else if (!w->after_unknown) {
		put(w, s->unknown, start, start + size);
	} else if (w->offsets) {
		w->offsets[w->n - 1].end = (uint32_t)(start + size);
	}
}

/* A symbol, or what an unused one was merged from; the parts wait in a stack. */
static void put_symbol(struct work *w, struct symbol symbol, struct buffer *stack)
{
	struct token_offset part = { symbol.start, symbol.start + symbol.size };
	buffer_add(stack, &part, sizeof part);
	while (stack->size) {
		stack->size -= sizeof part;
		memcpy(&part, stack->data + stack->size, sizeof part);
		size_t size = part.end - part.start;
		uint32_t id = double_array_find(
			&w->bpe->trie, (struct slice){ w->word.data + part.start, size });
		bool unused = id != (uint32_t)NONE && w->bpe->model->types[id] == PIECE_UNUSED;
		if (unused && w->lefts[id]) {
			uint32_t middle = part.start + w->lefts[id];
			struct token_offset right = { middle, part.end };
			buffer_add(stack, &right, sizeof right);
			part.end = middle;
			buffer_add(stack, &part, sizeof part);
			continue;
		}
		if (unused)
			id = (uint32_t)NONE; /* a character that is itself unused */
		if (id == (uint32_t)NONE)
			put_unknown(w, part.start, size);
		else
			put(w, id, part.start, part.end);
		w->after_unknown = id == (uint32_t)NONE;
	}
}

size_t sentencepiece_bpe_split(const struct sentencepiece_bpe *b, struct slice word, uint32_t *ids,
	struct token_offset *offsets)
{
	struct symbol symbols[SHORT];
	struct pair pairs[SHORT];
	struct work w = {
		.bpe = b, .word = word, .ids = ids, .offsets = offsets, .symbols = symbols
	};
	struct buffer stack = { NULL, 0, 0 };
	if (word.size == 0)
		return 0;
	w.heap = w.few = pairs;
	w.heap_capacity = SHORT;
	if (word.size > SHORT)
		w.symbols = MEM_ARRAY(struct symbol, word.size);
	if (b->unused)
		w.lefts = mem_zero(b->model->n, sizeof *w.lefts);
	begin(&w);
	while (w.n_heap)
		merge(&w, pop(&w));
	for (uint32_t i = 0; i != (uint32_t)NONE; i = w.symbols[i].after)
		put_symbol(&w, w.symbols[i], &stack);
	if (w.symbols != symbols)
		mem_free(w.symbols);
	if (w.heap != pairs)
		mem_free(w.heap);
	mem_free(w.lefts);
	buffer_free(&stack);
	return w.n;
}
