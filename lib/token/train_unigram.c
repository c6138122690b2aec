/*
 * train_unigram.c: Unigram by expectation and maximisation, with what is of least use taken out
 * in between (tokenizers 0.23, src/models/unigram/trainer.rs, which follows sentencepiece): two
 * rounds of EM, in which the counts are made sparse by the digamma function (Liang and Klein,
 * "Structured Bayesian nonparametric models with variational inference", 2007), then a quarter of
 * the pieces goes, until a tenth more than asked for is left.
 *
 * The reference sums logarithms of probabilities over every pair of neighbours in the lattice;
 * here a place in a word has one sum from either side, of probabilities with an exponent beside
 * them, so that nothing is too long. Its sums depend on the order of a hash table and its number of threads in their
 * last bits; here words are in the order of their bytes, and in shares of which the number is
 * constant.
 */
#include <omp.h>

#include "lib/base/math64.h"
#include "lib/base/ranked.h"
#include "lib/text/utf8.h"
#include "lib/token/double_array.h"
#include "lib/token/train_private.h"

enum {
	SHARES = 8,
	EM_ROUNDS = 2,
	UNKNOWN = 0,
	GONE = -1,
	NONE = -1 /* as uint32_t */,
};
static const double shrinking_factor = 0.75, least_expected = 0.5, unknown_penalty = 10,
		    missing_penalty = 0.0001;

struct model {
	const struct scored_piece *seeds;
	size_t n_seeds;
	struct double_array trie; /* of the seeds; some may be gone */
	size_t in_trie; /* at most so many of them */
	uint32_t *piece_of; /* [n_seeds]: its number among the pieces, GONE */
	uint32_t *seed_of; /* [n] by piece; piece 0 is the unknown one */
	double *scores, *chances; /* [n] logarithms, and exp of them */
	size_t n;
	double lowest; /* score */
	double unknown_score;
};

/* A piece that may stand at bytes [start, end) of a word. */
struct edge {
	uint32_t start, end, piece;
	uint32_t next; /* with the same end */
	uint32_t left; /* before it on its best way; NONE: it is the first */
	double best; /* sum of scores of that, its own included */
};

/* chance times 2^(UNIT * exponent), chance in [2^-UNIT, 1] or 0. */
enum { UNIT = 250 };
struct sum {
	double chance;
	int exponent;
};

/* The trie of the seeds that are pieces. */
static int build_trie(const struct model *m, struct double_array *trie, struct error *e)
{
	struct slice *keys = mem_zero(m->n_seeds, sizeof *keys);
	for (size_t i = 0; i < m->n_seeds; i++)
		if (m->piece_of[i] != (uint32_t)GONE)
			keys[i] = m->seeds[i].text;
	int rc = double_array_build(trie, keys, m->n_seeds, e);
	mem_free(keys);
	return rc;
}

/* A smaller trie, once half of its seeds are gone: walks end sooner, and more of it is in the caches. */
static void shrink_trie(struct model *m)
{
	struct double_array smaller;
	struct error ignored;
	if (2 * m->n > m->in_trie || build_trie(m, &smaller, &ignored))
		return;
	double_array_free(&m->trie);
	m->trie = smaller;
	m->in_trie = m->n;
}

/* What a thread needs of the word at work. */
struct lattice {
	struct edge *edges;
	size_t n_edges, edges_capacity;
	struct sum *from_start, *to_end; /* [size + 1] by byte */
	uint32_t *first, *final; /* [size + 1] of the edges that end there, linked by next */
	size_t capacity;
};

static void free_lattice(struct lattice *l)
{
	mem_free(l->edges);
	mem_free(l->from_start);
	mem_free(l->to_end);
	mem_free(l->first);
	mem_free(l->final);
}

static void reserve(struct lattice *l, size_t size)
{
	if (size <= l->capacity)
		return;
	struct edge *edges = l->edges;
	size_t n = l->edges_capacity;
	l->edges = NULL;
	free_lattice(l);
	*l = (struct lattice){ .edges = edges, .edges_capacity = n, .capacity = 2 * size };
	l->from_start = MEM_ARRAY(struct sum, l->capacity);
	l->to_end = MEM_ARRAY(struct sum, l->capacity);
	l->first = MEM_ARRAY(uint32_t, l->capacity);
	l->final = MEM_ARRAY(uint32_t, l->capacity);
}

static void add_edge(struct lattice *l, size_t start, size_t end, uint32_t piece)
{
	if (l->n_edges == l->edges_capacity) {
		size_t capacity = l->edges_capacity ? size_mul(l->edges_capacity, 2) : 256;
		l->edges = mem_resize(l->edges, l->edges_capacity * sizeof *l->edges,
			size_mul(capacity, sizeof *l->edges));
		l->edges_capacity = capacity;
	}
	l->edges[l->n_edges++] = (struct edge){ (uint32_t)start, (uint32_t)end, piece, 0, 0, 0 };
}

/* All pieces of a word, by start and then by end; the unknown one where a character is none. */
static void find_edges(struct lattice *l, const struct model *m, struct slice w)
{
	l->n_edges = 0;
	reserve(l, w.size + 1);
	for (size_t start = 0, next; start < w.size; start = next) {
		uint32_t c, base = m->trie.root, seed;
		next = start + utf8_decode(w.data + start, w.data + w.size, &c);
		bool single = false;
		for (size_t i = start; i < w.size && double_array_step(&m->trie, &base,
							     (unsigned char)w.data[i], &seed);) {
			i++;
			if (seed == (uint32_t)DOUBLE_ARRAY_NONE ||
				m->piece_of[seed] == (uint32_t)GONE)
				continue;
			add_edge(l, start, i, m->piece_of[seed]);
			single |= i == next;
		}
		if (!single)
			add_edge(l, start, next, UNKNOWN);
	}
}

/* --- Expectation ----------------------------------------------------------------------------- */

/* 2^(UNIT * n), for the differences of exponents within a word; 0 far below. */
static double power(int n)
{
	return n < -4 ? 0 : math_double((int64_t)(1023 + UNIT * n) << 52);
}

static void add_sum(struct sum *to, struct sum from, double chance)
{
	double x = from.chance * chance;
	int higher = from.exponent - to->exponent;
	if (to->chance == 0 || higher > 4)
		*to = (struct sum){ x, from.exponent };
	else
		to->chance += x * power(higher);
}

static void normalize(struct sum *s)
{
	for (; s->chance > 0 && s->chance < 0x1p-250; s->exponent--)
		s->chance *= 0x1p250;
}

/* How often each piece is to be expected in n times a word. */
static void expect(
	struct lattice *l, const struct model *m, struct slice w, double n, double *expected)
{
	find_edges(l, m, w);
	memset(l->from_start, 0, (w.size + 1) * sizeof *l->from_start);
	memset(l->to_end, 0, (w.size + 1) * sizeof *l->to_end);
	l->from_start[0] = l->to_end[w.size] = (struct sum){ 1, 0 };
	for (size_t i = 0; i < l->n_edges; i++) {
		const struct edge *x = &l->edges[i];
		if (i == 0 || x->start != x[-1].start)
			normalize(&l->from_start[x->start]);
		add_sum(&l->from_start[x->end], l->from_start[x->start], m->chances[x->piece]);
	}
	normalize(&l->from_start[w.size]);
	struct sum all = l->from_start[w.size];
	for (size_t i = l->n_edges; i-- > 0;) {
		const struct edge *x = &l->edges[i];
		struct sum before = l->from_start[x->start], behind = l->to_end[x->end];
		double chance = m->chances[x->piece];
		add_sum(&l->to_end[x->start], behind, chance);
		if (i == 0 || x->start != x[-1].start)
			normalize(&l->to_end[x->start]);
		expected[x->piece] +=
			n * (before.chance / all.chance * chance * behind.chance *
				    power(before.exponent + behind.exponent - all.exponent));
	}
}

/* The expected counts of all pieces: of shares of the words, which are then added in order. */
static double *expect_all(const struct model *m, const struct word_list *words,
	struct lattice *lattices, size_t threads)
{
	double *sums = mem_zero(size_mul(SHARES, m->n), sizeof *sums);
#pragma omp parallel for num_threads((int)threads) schedule(dynamic, 1)
	for (size_t s = 0; s < SHARES; s++)
		for (size_t i = words->n * s / SHARES; i < words->n * (s + 1) / SHARES; i++)
			expect(&lattices[omp_get_thread_num()], m, words->at[i].word,
				(double)words->at[i].n, sums + s * m->n);
	for (size_t s = 1; s < SHARES; s++)
		for (size_t i = 0; i < m->n; i++)
			sums[i] += sums[s * m->n + i];
	return sums;
}

/* --- Maximisation ---------------------------------------------------------------------------- */

/* The reference's: an asymptotic series above 7. */
static double digamma(double x)
{
	double result = 0;
	for (; x < 7; x++)
		result -= 1 / x;
	x -= 0.5;
	double xx = 1 / x, xx2 = xx * xx, xx4 = xx2 * xx2;
	return result + (math_log64(x) + (1.0 / 24.0) * xx2 - 7.0 / 960.0 * xx4 +
				(31.0 / 8064.0) * xx4 * xx2 - (127.0 / 30720.0) * xx4 * xx4);
}

/* What follows from the scores of the pieces. */
static void set_chances(struct model *m)
{
	m->lowest = 0;
	for (size_t i = 1; i < m->n; i++)
		if (i == 1 || m->scores[i] < m->lowest)
			m->lowest = m->scores[i];
	m->unknown_score = m->lowest - unknown_penalty;
	m->scores[UNKNOWN] = m->unknown_score;
	for (size_t i = 0; i < m->n; i++)
		m->chances[i] = math_exp64(m->scores[i]);
}

/* Pieces that go, and those behind them that move up. */
static void keep(struct model *m, size_t to, size_t from)
{
	m->piece_of[m->seed_of[from]] = (uint32_t)to;
	m->seed_of[to] = m->seed_of[from];
	m->scores[to] = m->scores[from];
}

static void maximize(struct model *m, const double *expected)
{
	size_t n = 1;
	double sum = 0;
	for (size_t i = 1; i < m->n; i++) {
		if (expected[i] < least_expected) {
			m->piece_of[m->seed_of[i]] = (uint32_t)GONE;
			continue;
		}
		sum += expected[i];
		keep(m, n, i);
		m->scores[n++] = expected[i];
	}
	m->n = n;
	double log_sum = digamma(sum);
	for (size_t i = 1; i < n; i++)
		m->scores[i] = digamma(m->scores[i]) - log_sum;
	set_chances(m);
}

/* --- Pruning --------------------------------------------------------------------------------- */

/* The edge to the left of x with which its sum is highest, the first found of equal ones. */
static void choose_left(
	struct lattice *l, uint32_t start, double score, uint32_t *left, double *sum)
{
	*left = l->first[start];
	for (uint32_t i = l->first[start]; i != (uint32_t)NONE; i = l->edges[i].next)
		if (i == *left || l->edges[i].best + score > *sum) {
			*left = i;
			*sum = l->edges[i].best + score;
		}
}

/*
 * The best way through the edges of a word of `size` bytes, but for one that is all of it where
 * `whole` is false: its last edge, from which `left` leads on; NONE where there is none. An edge
 * has a best way of its own: sums that are the same but for their rounding may be equal for one
 * edge behind them and not for another.
 */
static uint32_t find_best(
	struct lattice *l, const struct model *m, size_t size, bool whole, double *best)
{
	uint32_t last;
	memset(l->first, 0xff, (size + 1) * sizeof *l->first);
	for (size_t i = 0; i < l->n_edges; i++) {
		struct edge *x = &l->edges[i];
		if (!whole && x->end - x->start == size)
			continue;
		double score = m->scores[x->piece];
		x->best = score;
		x->left = x->next = (uint32_t)NONE;
		if (x->start)
			choose_left(l, x->start, score, &x->left, &x->best);
		if (l->first[x->end] == (uint32_t)NONE)
			l->first[x->end] = (uint32_t)i;
		else
			l->edges[l->final[x->end]].next = (uint32_t)i;
		l->final[x->end] = (uint32_t)i;
	}
	choose_left(l, (uint32_t)size, 0, &last, best);
	return last;
}

/* How often each piece stands in the best ways of all words. */
static uint64_t *count_best(const struct model *m, const struct word_list *words,
	struct lattice *lattices, size_t threads)
{
	uint64_t *counts = mem_zero(m->n, sizeof *counts);
#pragma omp parallel for num_threads((int)threads) schedule(dynamic, 64)
	for (size_t i = 0; i < words->n; i++) {
		struct lattice *l = &lattices[omp_get_thread_num()];
		struct slice w = words->at[i].word;
		find_edges(l, m, w);
		double best = 0;
		for (uint32_t x = find_best(l, m, w.size, true, &best); x != (uint32_t)NONE;
			x = l->edges[x].left) {
			uint64_t *count = &counts[l->edges[x].piece];
#pragma omp atomic
			*count += words->at[i].n;
		}
	}
	return counts;
}

enum fate { STAYS, LEAVES, WEIGHED };

/*
 * Whether a piece could go, and what the likelihood of the words would lose by it: its places are
 * taken by the pieces that it would be cut into. One that is no best way by itself and is counted
 * all the same (a tie) stays. The sum of all counts grows by n for each piece more that it is cut
 * into; the reference takes the number of all pieces for theirs, and so does this.
 */
static enum fate weigh(struct lattice *l, const struct model *m, const uint64_t *counts, double sum,
	size_t piece, double *loss)
{
	struct slice text = m->seeds[m->seed_of[piece]].text;
	find_edges(l, m, text);
	double best = 0;
	uint32_t last = find_best(l, m, text.size, false, &best);
	if (last == (uint32_t)NONE)
		return STAYS;
	double n = (double)counts[piece];
	if (!counts[piece])
		return LEAVES;
	if (m->scores[piece] < best)
		return STAYS;
	double log_sum = math_log64(sum + n * (double)(m->n - 1)), cut = 0;
	for (uint32_t x = last; x != (uint32_t)NONE; x = l->edges[x].left)
		cut += math_log64((double)counts[l->edges[x].piece] + n) - log_sum;
	*loss = n * (math_log64(n) - math_log64(sum) - cut);
	return WEIGHED;
}

/* The pieces that are left: those that stay, then those whose loss would be greatest. */
static void choose(struct model *m, const uint8_t *fates, const double *losses, size_t n_pieces)
{
	size_t n = 1, weighed = 0;
	uint32_t *seeds = MEM_ARRAY(uint32_t, m->n);
	double *scores = MEM_ARRAY(double, m->n);
	struct ranked *candidates = MEM_ARRAY(struct ranked, m->n);
	for (size_t i = 1; i < m->n; i++) {
		if (fates[i] == WEIGHED)
			candidates[weighed++] = (struct ranked){ losses[i], i };
		m->piece_of[m->seed_of[i]] = (uint32_t)GONE;
		if (fates[i] == STAYS) {
			seeds[n] = m->seed_of[i];
			scores[n++] = m->scores[i];
		}
	}
	ranked_sort(candidates, weighed);
	for (size_t i = 0; i < weighed && n < n_pieces; i++) {
		seeds[n] = m->seed_of[candidates[i].i];
		scores[n++] = m->scores[candidates[i].i];
	}
	for (size_t i = 1; i < n; i++) {
		m->seed_of[i] = seeds[i];
		m->scores[i] = scores[i];
		m->piece_of[seeds[i]] = (uint32_t)i;
	}
	m->n = n;
	mem_free(seeds);
	mem_free(scores);
	mem_free(candidates);
	set_chances(m);
}

static void prune(struct model *m, const struct word_list *words, size_t n_pieces,
	struct lattice *lattices, size_t threads)
{
	uint64_t *counts = count_best(m, words, lattices, threads);
	uint8_t *fates = mem_zero(m->n, sizeof *fates);
	double *losses = mem_zero(m->n, sizeof *losses), sum = 0;
	for (size_t i = 0; i < m->n; i++)
		sum += (double)counts[i];
#pragma omp parallel for num_threads((int)threads) schedule(dynamic, 64)
	for (size_t i = 1; i < m->n; i++)
		fates[i] = (uint8_t)weigh(
			&lattices[omp_get_thread_num()], m, counts, sum, i, &losses[i]);
	choose(m, fates, losses, n_pieces);
	mem_free(counts);
	mem_free(fates);
	mem_free(losses);
}

/* --- All of it ------------------------------------------------------------------------------- */

static void learn(struct model *m, const struct word_list *words, const struct piece_options *o)
{
	size_t n_pieces = o->trainer->vocab_size * 11 / 10, threads = o->threads, all = m->n;
	struct lattice *lattices = mem_zero(threads, sizeof *lattices);
	for (;;) {
		for (int i = 0; i < EM_ROUNDS; i++) {
			shrink_trie(m);
			double *expected = expect_all(m, words, lattices, threads);
			maximize(m, expected);
			mem_free(expected);
		}
		if (m->n <= n_pieces)
			break;
		if (o->trainer->progress)
			o->trainer->progress(all - m->n, all - n_pieces);
		size_t fewer = (size_t)((double)m->n * shrinking_factor);
		prune(m, words, fewer > n_pieces ? fewer : n_pieces, lattices, threads);
	}
	for (size_t i = 0; i < threads; i++)
		free_lattice(&lattices[i]);
	mem_free(lattices);
}

/* The best first, those of equal scores as they stand. */
static void sort_pieces(struct pieces_learnt *p)
{
	struct ranked *order = MEM_ARRAY(struct ranked, p->n);
	struct scored_piece *sorted = MEM_ARRAY(struct scored_piece, p->n);
	for (size_t i = 0; i < p->n; i++)
		order[i] = (struct ranked){ p->at[i].score, i };
	ranked_sort(order, p->n);
	for (size_t i = 0; i < p->n; i++)
		sorted[i] = p->at[order[i].i];
	mem_free(order);
	mem_free(p->at);
	p->at = sorted;
}

/* Every character that has to be a piece. */
static void find_characters(
	struct terms *set, const struct word_list *words, const struct piece_options *o)
{
	struct character_list list = characters_count(words, o->alphabet, o->n_alphabet);
	for (size_t i = 0; i < list.n; i++) {
		char bytes[4];
		struct slice text = { bytes, utf8_encode(bytes, list.at[i].c) };
		if (!terms_has(o->taken, text))
			terms_add(set, text);
	}
	mem_free(list.at);
}

/*
 * The characters, those that are no piece below the lowest score, or rather, as in the reference,
 * above it by a little more each; then the pieces until there are enough.
 */
static void collect(struct pieces_learnt *p, const struct model *m, const struct terms *characters,
	const struct piece_options *o)
{
	double penalty = 0;
	p->at = MEM_ARRAY(struct scored_piece, size_add(characters->n, m->n));
	for (size_t i = 0; i < characters->n; i++) {
		struct slice c = characters->at[i];
		uint32_t seed = double_array_find(&m->trie, c);
		bool piece =
			seed != (uint32_t)DOUBLE_ARRAY_NONE && m->piece_of[seed] != (uint32_t)GONE;
		double score = piece ? m->scores[m->piece_of[seed]] : m->lowest + penalty;
		penalty += piece ? 0 : missing_penalty;
		p->at[p->n++] = (struct scored_piece){ arena_copy(p->arena, c), score };
	}
	for (size_t i = 1; i < m->n && p->n < o->n_pieces; i++) {
		struct slice text = m->seeds[m->seed_of[i]].text;
		if (!terms_has(characters, text) && !terms_has(o->taken, text))
			p->at[p->n++] = (struct scored_piece){ text, m->scores[i] };
	}
	sort_pieces(p);
}

static int build_model(struct model *m, const struct scored_piece *seeds, size_t n, struct error *e)
{
	*m = (struct model){ .seeds = seeds,
		.n_seeds = n,
		.in_trie = n,
		.piece_of = MEM_ARRAY(uint32_t, n),
		.seed_of = MEM_ARRAY(uint32_t, n + 1),
		.scores = MEM_ARRAY(double, n + 1),
		.chances = MEM_ARRAY(double, n + 1),
		.n = n + 1 };
	for (size_t i = 0; i < n; i++) {
		m->piece_of[i] = (uint32_t)i + 1;
		m->seed_of[i + 1] = (uint32_t)i;
		m->scores[i + 1] = seeds[i].score;
	}
	set_chances(m);
	return build_trie(m, &m->trie, e);
}

static void free_model(struct model *m)
{
	double_array_free(&m->trie);
	mem_free(m->piece_of);
	mem_free(m->seed_of);
	mem_free(m->scores);
	mem_free(m->chances);
}

int pieces_train(struct pieces_learnt *p, const struct word_list *words,
	const struct piece_options *o, struct error *e)
{
	struct terms characters = { .n = 0 };
	struct model m;
	size_t n;
	p->arena = arena_new();
	find_characters(&characters, words, o);
	if (characters.n > o->n_pieces) {
		error_set(e, ERROR_USAGE,
			"a vocabulary of %zu with %zu special token%s has no room for the %zu "
			"different character%s",
			o->trainer->vocab_size, o->n_special, plural(o->n_special), characters.n,
			plural(characters.n));
		terms_free(&characters);
		return -1;
	}
	struct scored_piece *seeds = seeds_find(words, p->arena, &n);
	int rc = build_model(&m, seeds, n, e);
	if (!rc) {
		learn(&m, words, o);
		collect(p, &m, &characters, o);
	}
	free_model(&m);
	mem_free(seeds);
	terms_free(&characters);
	return rc;
}

void pieces_free_learnt(struct pieces_learnt *p)
{
	mem_free(p->at);
	arena_free(p->arena);
	*p = (struct pieces_learnt){ 0 };
}
