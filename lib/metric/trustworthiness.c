/*
 * trustworthiness.c: are the neighbours in a reduced space neighbours in the original one? (J. Venna
 * and S. Kaski, 2001), as sklearn.manifold.trustworthiness of scikit-learn 1.9:
 *
 *	1 - 2 / (n k (2n - 3k - 1)) Σ_i Σ_j max(0, rank(i, j) - k)
 *
 * over the k nearest j of i in the reduced space (the second of --embedding-keys), rank being that in
 * the original one (the first); ties by the order of records. Undefined for k >= n/2.
 */
#include <stdlib.h>

#include "lib/metric/list.h"
#include "lib/metric/vectors.h"

struct state {
	struct measure m;
	size_t original, reduced;
	struct vectors before, after;
};

static int open(struct measure *m, struct reader *r, struct error *e)
{
	struct state *s = (struct state *)m;
	const char *const *keys = m->options->embedding_keys;
	if (!keys[0])
		return error_set(e, ERROR_USAGE,
			"--metric trustworthiness needs --embedding-keys "
			"ORIGINAL,REDUCED");
	s->original = reader_want(r, keys[0]);
	s->reduced = reader_want(r, keys[1]);
	return 0;
}

static void close_state(struct measure *m)
{
	struct state *s = (struct state *)m;
	vectors_free(&s->before);
	vectors_free(&s->after);
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct state *s = (struct state *)m;
	const char *const *keys = m->options->embedding_keys;
	if (vectors_add(&s->before, r, s->original, keys[0], arena, e))
		return -1;
	if (vectors_add(&s->after, r, s->reduced, keys[1], arena, e)) {
		s->before.n--;
		return -1;
	}
	const float *row = vectors_row(&s->before, m->n++);
	measure_hash(m, (struct slice){ (const char *)row, s->before.size * sizeof *row });
	return 0;
}

struct near {
	double d;
	size_t i;
};

static int nearer(const void *a, const void *b)
{
	const struct near *x = a, *y = b;
	if (x->d != y->d)
		return x->d < y->d ? -1 : 1;
	return (x->i > y->i) - (x->i < y->i);
}

/* Let place i of a heap, whose root is the farthest, go down to where it belongs. */
static void sink(struct near *heap, size_t n, size_t i)
{
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		child += child + 1 < n && nearer(&heap[child], &heap[child + 1]) < 0;
		if (nearer(&heap[child], &heap[i]) < 0)
			return;
		struct near x = heap[i];
		heap[i] = heap[child];
		heap[child] = x;
	}
}

/* The k < n units nearest to unit i, in no order. */
static void nearest(const struct vectors *v, const uint32_t *units, size_t n, size_t i,
	struct near *out, size_t k)
{
	size_t have = 0;
	for (size_t j = 0; j < n; j++) {
		struct near x = { vectors_distance(v, units[i], units[j]), j };
		if (j == i)
			continue;
		if (have < k) {
			out[have++] = x;
			for (size_t h = have == k ? k / 2 : 0; h-- > 0;)
				sink(out, k, h);
		} else if (nearer(&x, &out[0]) < 0) {
			out[0] = x;
			sink(out, k, 0);
		}
	}
}

/* Σ max(0, rank - k) over the k units given, by distance from unit i. The ranks are counted: below [k]
 * is how many units lie between a given one and the given one before it. */
static size_t penalty(const struct vectors *v, const uint32_t *units, size_t n, size_t i,
	struct near *given, size_t k, size_t *below)
{
	size_t rank = 0, sum = 0;
	for (size_t m = 0; m < k; m++) {
		given[m].d = vectors_distance(v, units[i], units[given[m].i]);
		below[m] = 0;
	}
	qsort(given, k, sizeof *given, nearer);
	for (size_t j = 0; j < n; j++) {
		struct near x = { vectors_distance(v, units[i], units[j]), j };
		size_t low = 0, high = k;
		while (low < high) {
			size_t middle = (low + high) / 2;
			if (nearer(&given[middle], &x) < 0)
				low = middle + 1;
			else
				high = middle;
		}
		if (low < k && j != i)
			below[low]++;
	}
	for (size_t m = 0; m < k; m++) {
		rank += below[m];
		sum += rank > k ? rank - k : 0;
	}
	return sum;
}

static void compute(const struct measure *m, const uint32_t *units, size_t n, double *value)
{
	const struct state *s = (const struct state *)m;
	size_t k = m->options->neighbors, sum = 0;
	if (2 * k >= n)
		return;
#pragma omp parallel reduction(+ : sum)
	{
		struct near *near = MEM_ARRAY(struct near, k);
		size_t *below = MEM_ARRAY(size_t, k);
#pragma omp for schedule(dynamic, 16)
		for (size_t i = 0; i < n; i++) {
			nearest(&s->after, units, n, i, near, k);
			sum += penalty(&s->before, units, n, i, near, k, below);
		}
		mem_free(near);
		mem_free(below);
	}
	double nn = (double)n, kk = (double)k;
	value[0] = 1 - (double)sum * (2 / (nn * kk * (2 * nn - 3 * kk - 1)));
}

static void signature(const struct measure *m, struct buffer *b)
{
	buffer_printf(
		b, "trustworthiness|neighbors:%zu|as:scikit-learn-1.9", m->options->neighbors);
}

const struct metric_kind metric_trustworthiness = {
	.name = "trustworthiness",
	.summary = "neighbours of a reduced space that were neighbours before",
	.state = sizeof(struct state),
	.figures = (const char *const[]){ "trustworthiness", NULL },
	.open = open,
	.add = add,
	.compute = compute,
	.signature = signature,
	.close = close_state,
};
