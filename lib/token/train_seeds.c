/*
 * train_seeds.c: the pieces that Unigram begins with (tokenizers 0.23,
 * src/models/unigram/trainer.rs, make_seed_sentence_pieces): where that reads the inner nodes of
 * a suffix tree, here the places of all characters are grouped by what follows them, a character
 * deeper each time; a group that falls apart is such a node. Groups are cut by the three-way
 * partition of Bentley and Sedgewick, "Fast algorithms for sorting and searching strings", 1997.
 * A different word counts once, as in the reference.
 */
#include <stdlib.h>

#include "lib/base/math64.h"
#include "lib/base/random.h"
#include "lib/text/utf8.h"
#include "lib/token/train_private.h"

enum { LONGEST = 16, MOST = 1000000 };

struct node {
	uint32_t at, size; /* characters */
	uint64_t score; /* places times characters */
};

struct seeds {
	uint32_t *text; /* [n] code points of all words, a 0 behind each */
	size_t n;
	struct node *nodes;
	size_t n_nodes, capacity;
};

static void add_node(struct seeds *s, uint32_t at, uint32_t size, size_t places)
{
	if (s->n_nodes == s->capacity) {
		size_t capacity = s->capacity ? size_mul(s->capacity, 2) : 1024;
		s->nodes = mem_resize(s->nodes, s->capacity * sizeof *s->nodes,
			size_mul(capacity, sizeof *s->nodes));
		s->capacity = capacity;
	}
	s->nodes[s->n_nodes++] = (struct node){ at, size, places * size };
}

static void swap(uint32_t *a, uint32_t *b)
{
	uint32_t t = *a;
	*a = *b;
	*b = t;
}

/* Places whose character at `depth` is below, the same as, above that of one of them. */
static void partition(
	const struct seeds *s, uint32_t *at, size_t n, uint32_t depth, size_t *below, size_t *above)
{
	uint32_t pivot = s->text[at[random_mix(n) % n] + depth];
	*below = 0;
	*above = n;
	for (size_t i = 0; i < *above;) {
		uint32_t c = s->text[at[i] + depth];
		if (c < pivot)
			swap(&at[i++], &at[(*below)++]);
		else if (c > pivot)
			swap(&at[i], &at[--*above]);
		else
			i++;
	}
}

static void explore(struct seeds *, uint32_t *at, size_t n, uint32_t depth);

/* The groups by the character at `depth` among places that agree before it. */
static void group(struct seeds *s, uint32_t *at, size_t n, uint32_t depth)
{
	while (n > 1) {
		size_t below, above;
		partition(s, at, n, depth, &below, &above);
		if (s->text[at[below] + depth])
			explore(s, at + below, above - below, depth + 1);
		/* the smaller side by recursion: its depth stays below log2(n) */
		if (below < n - above) {
			group(s, at, below, depth);
			at += above;
			n -= above;
		} else {
			group(s, at + above, n - above, depth);
			n = below;
		}
	}
}

/* Places that agree in `depth` characters, none of which ends a word. */
static void explore(struct seeds *s, uint32_t *at, size_t n, uint32_t depth)
{
	for (; n > 1 && depth <= LONGEST; depth++) {
		uint32_t next = s->text[at[0] + depth];
		size_t i = 1;
		while (i < n && s->text[at[i] + depth] == next)
			i++;
		if (i < n) {
			if (depth > 1)
				add_node(s, at[0], depth, n);
			group(s, at, n, depth);
			return;
		}
		if (!next)
			return;
	}
}

/* --- In order -------------------------------------------------------------------------------- */

/* The highest score first, of equal ones the greater text. */
static int by_score(const void *a, const void *b, void *context)
{
	const struct node *x = a, *y = b;
	const uint32_t *text = context;
	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	for (uint32_t i = 0; i < x->size && i < y->size; i++)
		if (text[x->at + i] != text[y->at + i])
			return text[x->at + i] < text[y->at + i] ? 1 : -1;
	return (x->size < y->size) - (x->size > y->size);
}

static void read_text(struct seeds *s, const struct word_list *words)
{
	for (size_t i = 0; i < words->n; i++) {
		struct slice w = words->at[i].word;
		for (size_t j = 0; j < w.size; s->n++)
			j += utf8_decode(w.data + j, w.data + w.size, &s->text[s->n]);
		s->text[s->n++] = 0;
	}
}

static void find_nodes(struct seeds *s)
{
	uint32_t *at = MEM_ARRAY(uint32_t, s->n);
	size_t n = 0;
	for (size_t i = 0; i < s->n; i++)
		if (s->text[i])
			at[n++] = (uint32_t)i;
	group(s, at, n, 0);
	mem_free(at);
	if (s->n_nodes)
		qsort_r(s->nodes, s->n_nodes, sizeof *s->nodes, by_score, s->text);
}

/* The texts of n characters in the arena. */
static struct slice text_of(const struct seeds *s, const struct node *x, struct arena *arena)
{
	char bytes[4 * LONGEST];
	size_t size = 0;
	for (uint32_t i = 0; i < x->size; i++)
		size += utf8_encode(bytes + size, s->text[x->at + i]);
	return arena_copy(arena, (struct slice){ bytes, size });
}

/*
 * The characters, behind the words in the text, with how often they occur; 0 is what ends a word.
 */
static struct node *list_characters(struct seeds *s, const struct word_list *words, size_t *n)
{
	struct character_list all = characters_count(words, NULL, 0);
	struct node *list = MEM_ARRAY(struct node, all.n);
	s->text = mem_resize(
		s->text, s->n * sizeof *s->text, size_mul(s->n + all.n, sizeof *s->text));
	*n = 0;
	for (size_t i = 0; i < all.n; i++) {
		if (!all.at[i].c)
			continue;
		list[(*n)++] = (struct node){ (uint32_t)s->n, 1, all.at[i].n };
		s->text[s->n++] = all.at[i].c;
	}
	mem_free(all.at);
	qsort_r(list, *n, sizeof *list, by_score, s->text);
	return list;
}

struct scored_piece *seeds_find(const struct word_list *words, struct arena *arena, size_t *n)
{
	struct seeds s = { .n = 0 };
	size_t n_chars;
	s.text = MEM_ARRAY(uint32_t, words->size + words->n);
	read_text(&s, words);
	find_nodes(&s);
	struct node *chars = list_characters(&s, words, &n_chars);
	size_t most = n_chars < MOST ? MOST - n_chars : 1;
	size_t n_nodes = s.n_nodes < most ? s.n_nodes : most;
	*n = n_chars + n_nodes;
	struct scored_piece *out = MEM_ARRAY(struct scored_piece, *n);
	double sum = 0;
	for (size_t i = 0; i < *n; i++) {
		const struct node *x = i < n_chars ? &chars[i] : &s.nodes[i - n_chars];
		out[i] = (struct scored_piece){ text_of(&s, x, arena), (double)x->score };
		sum += out[i].score;
	}
	double log_sum = math_log64(sum);
	for (size_t i = 0; i < *n; i++)
		out[i].score = math_log64(out[i].score) - log_sum;
	mem_free(s.text);
	mem_free(s.nodes);
	mem_free(chars);
	return out;
}
