/*
 * clustering_space.c: clusters by the vectors in them (--vector-key), without a reference:
 *
 *	silhouette	mean of (b - a) / max(a, b): a the mean distance to the others of the cluster, b to
 *			the nearest other cluster; 0 for a record alone (P. Rousseeuw, 1987)
 *	davies_bouldin	mean over clusters of the largest (s_i + s_j) / d(c_i, c_j), s the mean distance to
 *			the centre; lower is better (D. Davies and D. Bouldin, 1979)
 *	calinski_harabasz	(n - k) Σ n_i |c_i - c|² / ((k - 1) Σ |x - c_i|²) (1974)
 *	dbcv		see dbcv.h
 *
 * as scikit-learn 1.9 and hdbscan 0.8.44 compute them; undefined for fewer than 2 clusters, or as many
 * as records. -1 and null are no cluster: dbcv counts their records, the others leave them out.
 */
#include "lib/metric/dbcv.h"
#include "lib/metric/labels.h"
#include "lib/metric/list.h"
#include "lib/metric/sum.h"

enum { NONE = UINT32_MAX };

struct state {
	struct measure m; /* units are labels, NONE where there is none */
	struct labels labels;
	struct vectors vectors;
	size_t vector;
};

static int open(struct measure *m, struct reader *r, struct error *e)
{
	(void)e;
	((struct state *)m)->vector = reader_want(r, m->options->vector_key);
	return 0;
}

static void close_state(struct measure *m)
{
	struct state *s = (struct state *)m;
	labels_free(&s->labels);
	vectors_free(&s->vectors);
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct state *s = (struct state *)m;
	const struct metric_options *o = m->options;
	const struct value *v = &r->values[m->prediction];
	uint32_t label = NONE;
	bool none = v->is_field ? v->field.size == 0 : v->json.type == JSON_NULL;
	if (!none && labels_of(&s->labels, r, m->prediction, o->prediction_key, arena, &label, e))
		return -1;
	if (!none && slice_equal(s->labels.terms.at[label], SLICE("-1")))
		label = NONE;
	if (vectors_add(&s->vectors, r, s->vector, o->vector_key, arena, e))
		return -1;
	const float *row = vectors_row(&s->vectors, m->n);
	measure_hash(m, (struct slice){ (const char *)row, s->vectors.size * sizeof *row });
	measure_keep(m, &label);
	return 0;
}

static const char *const figures[] = { "silhouette", "davies_bouldin", "calinski_harabasz", "dbcv",
	NULL };

/* Units with a cluster, their clusters numbered by those that occur. */
struct members {
	uint32_t *units, *label;
	size_t n, k;
	double *count; /* [k] */
};

static struct members members_of(
	const struct state *s, const uint32_t *units, size_t n, struct arena *arena)
{
	size_t all = s->labels.terms.n;
	struct members m = { ARENA_ARRAY(arena, uint32_t, n + 1),
		ARENA_ARRAY(arena, uint32_t, n + 1), 0, 0,
		arena_zero(arena, all + 1, sizeof(double)) };
	const uint32_t *labels = s->m.units;
	uint32_t *number = ARENA_ARRAY(arena, uint32_t, all + 1);
	memset(number, 0xff, (all + 1) * sizeof *number);
	for (size_t i = 0; i < n; i++) {
		uint32_t label = labels[units[i]];
		if (label == NONE)
			continue;
		if (number[label] == NONE)
			number[label] = (uint32_t)m.k++;
		m.units[m.n] = units[i];
		m.label[m.n++] = number[label];
		m.count[number[label]]++;
	}
	return m;
}

static double silhouette(const struct state *s, const struct members *m)
{
	double *x = MEM_ARRAY(double, m->n);
#pragma omp parallel
	{
		double *sums = MEM_ARRAY(double, m->k);
#pragma omp for schedule(dynamic, 16)
		for (size_t i = 0; i < m->n; i++) {
			uint32_t own = m->label[i];
			double least = INFINITY;
			memset(sums, 0, m->k * sizeof *sums);
			for (size_t j = 0; j < m->n; j++)
				sums[m->label[j]] +=
					vectors_distance(&s->vectors, m->units[i], m->units[j]);
			for (size_t k = 0; k < m->k; k++)
				if (k != own && sums[k] / m->count[k] < least)
					least = sums[k] / m->count[k];
			double a = sums[own] / (m->count[own] - 1), larger = a > least ? a : least;
			x[i] = m->count[own] > 1 && larger > 0 ? (least - a) / larger : 0;
		}
		mem_free(sums);
	}
	double mean = sum_mean(x, m->n);
	mem_free(x);
	return mean;
}

/* Centres [k, size], and behind them that of all. */
static double *centres_of(const struct state *s, const struct members *m)
{
	size_t size = s->vectors.size;
	double *c = mem_zero(size_mul(m->k + 1, size), sizeof *c);
	for (size_t i = 0; i < m->n; i++) {
		const float *row = vectors_row(&s->vectors, m->units[i]);
		for (size_t j = 0; j < size; j++) {
			c[m->label[i] * size + j] += (double)row[j];
			c[m->k * size + j] += (double)row[j];
		}
	}
	for (size_t k = 0; k <= m->k; k++)
		for (size_t j = 0; j < size; j++)
			c[k * size + j] /= k < m->k ? m->count[k] : (double)m->n;
	return c;
}

static double square(const double *a, const double *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += (a[i] - b[i]) * (a[i] - b[i]);
	return sum;
}

static double square_to(const float *a, const double *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
	return sum;
}

static double davies_bouldin(const struct state *s, const struct members *m, const double *centres)
{
	size_t size = s->vectors.size;
	double *spread = mem_zero(m->k, sizeof *spread), *worst = mem_zero(m->k, sizeof *worst);
	bool tight = true, together = true;
	for (size_t i = 0; i < m->n; i++)
		spread[m->label[i]] += sqrt(square_to(
			vectors_row(&s->vectors, m->units[i]), centres + m->label[i] * size, size));
	for (size_t k = 0; k < m->k; k++) {
		spread[k] /= m->count[k];
		tight = tight && spread[k] <= 1e-8;
	}
	for (size_t k = 0; k < m->k; k++) {
		for (size_t l = 0; l < m->k; l++) {
			double d = sqrt(square(centres + k * size, centres + l * size, size));
			together = together && d <= 1e-8;
			double ratio = d > 0 ? (spread[k] + spread[l]) / d : 0;
			worst[k] = ratio > worst[k] ? ratio : worst[k];
		}
	}
	double mean = tight || together ? 0 : sum_mean(worst, m->k);
	mem_free(spread);
	mem_free(worst);
	return mean;
}

static double calinski_harabasz(
	const struct state *s, const struct members *m, const double *centres)
{
	size_t size = s->vectors.size;
	double between = 0, within = 0, n = (double)m->n, k = (double)m->k;
	for (size_t i = 0; i < m->k; i++)
		between += m->count[i] * square(centres + i * size, centres + m->k * size, size);
	for (size_t i = 0; i < m->n; i++)
		within += square_to(
			vectors_row(&s->vectors, m->units[i]), centres + m->label[i] * size, size);
	return within == 0 ? 1 : between * (n - k) / (within * (k - 1));
}

static void compute(const struct measure *measure, const uint32_t *units, size_t n, double *value)
{
	const struct state *s = (const struct state *)measure;
	struct arena *arena = arena_new();
	struct members m = members_of(s, units, n, arena);
	if (m.k >= 2 && m.k < m.n) {
		double *centres = centres_of(s, &m);
		value[0] = silhouette(s, &m);
		value[1] = davies_bouldin(s, &m, centres);
		value[2] = calinski_harabasz(s, &m, centres);
		mem_free(centres);
	}
	if (m.k >= 2)
		value[3] = dbcv(&s->vectors, m.units, m.label, m.n, m.k) * (double)m.n / (double)n;
	arena_free(arena);
}

const struct metric_kind metric_clustering_space = {
	.name = "clustering_space",
	.summary = "silhouette, Davies-Bouldin, Calinski-Harabasz, DBCV of clusters",
	.as = "scikit-learn-1.9,hdbscan-0.8.44",
	.state = sizeof(struct state),
	.unit = sizeof(uint32_t),
	.figures = figures,
	.open = open,
	.add = add,
	.compute = compute,
	.close = close_state,
};
