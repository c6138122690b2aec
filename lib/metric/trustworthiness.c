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

/* The others by distance from unit i. */
static void neighbors(
	const struct vectors *v, const uint32_t *units, size_t n, size_t i, struct near *out)
{
	size_t k = 0;
	for (size_t j = 0; j < n; j++)
		if (j != i)
			out[k++] = (struct near){ vectors_distance(v, units[i], units[j]), j };
	qsort(out, k, sizeof *out, nearer);
}

static void compute(const struct measure *m, const uint32_t *units, size_t n, double *value)
{
	const struct state *s = (const struct state *)m;
	size_t k = m->options->neighbors, sum = 0;
	if (2 * k >= n)
		return;
#pragma omp parallel reduction(+ : sum)
	{
		struct near *a = MEM_ARRAY(struct near, n), *b = MEM_ARRAY(struct near, n);
		size_t *rank = MEM_ARRAY(size_t, n);
#pragma omp for schedule(dynamic, 16)
		for (size_t i = 0; i < n; i++) {
			neighbors(&s->before, units, n, i, a);
			neighbors(&s->after, units, n, i, b);
			for (size_t j = 0; j + 1 < n; j++)
				rank[a[j].i] = j + 1;
			for (size_t j = 0; j < k; j++)
				sum += rank[b[j].i] > k ? rank[b[j].i] - k : 0;
		}
		mem_free(a);
		mem_free(b);
		mem_free(rank);
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
