/*
 * clustering.c: clusters against classes, as sklearn.metrics.cluster of scikit-learn 1.9; n_ij of n
 * records are in class i and cluster j, a_i in the class, b_j in the cluster; logarithms are natural.
 *
 *	MI = Σ n_ij/n log(n n_ij / (a_i b_j)),  H(C) = -Σ a_i/n log(a_i/n),  H(K) likewise
 *	ami	(MI - E[MI]) / ((H(C) + H(K))/2 - E[MI]), E over all tables with these a, b (N. Vinh, J. Epps,
 *		J. Bailey, 2010)
 *	ari	the Rand index, corrected for chance (L. Hubert and P. Arabie, 1985)
 *	nmi	MI / ((H(C) + H(K))/2)
 *	homogeneity, completeness, v_measure	MI / H(C), MI / H(K), their harmonic mean
 *	purity	Σ_j max_i n_ij / n
 */
#include <stdlib.h>

#include "lib/base/math64.h"
#include "lib/metric/labels.h"
#include "lib/metric/list.h"
#include "lib/metric/sum.h"

struct pair {
	uint32_t cluster, class;
};

struct state {
	struct measure m;
	struct labels clusters, classes;
};

static void close_state(struct measure *m)
{
	struct state *s = (struct state *)m;
	labels_free(&s->clusters);
	labels_free(&s->classes);
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct state *s = (struct state *)m;
	const struct metric_options *o = m->options;
	struct pair p;
	if (labels_of(&s->clusters, r, m->prediction, o->prediction_key, arena, &p.cluster, e) ||
		labels_of(&s->classes, r, m->reference, o->reference_key, arena, &p.class, e))
		return -1;
	measure_hash(m, s->classes.terms.at[p.class]);
	measure_keep(m, &p);
	return 0;
}

static const char *const figures[] = { "ami", "ari", "nmi", "homogeneity", "completeness",
	"v_measure", "purity", NULL };

/* --- Contingency ------------------------------------------------------------------------------ */

struct cell {
	uint32_t class, cluster;
	uint64_t n;
};

struct table {
	struct cell *cells;
	uint64_t *a, *b; /* of classes and clusters that occur */
	size_t n_cells, n_a, n_b;
	uint64_t n;
};

static int ascending(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
	return (a > b) - (a < b);
}

/* Numbers of what occurs, in order; the count of each. */
static uint64_t *margin(uint64_t *count, size_t n, uint32_t *number, size_t *used)
{
	*used = 0;
	for (size_t i = 0; i < n; i++) {
		number[i] = (uint32_t)*used;
		if (count[i])
			count[(*used)++] = count[i];
	}
	return count;
}

static struct table tabulate(const struct state *s, const uint32_t *units, size_t n)
{
	size_t n_a = s->classes.terms.n, n_b = s->clusters.terms.n;
	const struct pair *pairs = s->m.units;
	struct table t = { .n = n };
	uint64_t *keys = MEM_ARRAY(uint64_t, n + 1);
	uint32_t *number_a = MEM_ARRAY(uint32_t, n_a + 1), *number_b = MEM_ARRAY(uint32_t, n_b + 1);
	t.cells = MEM_ARRAY(struct cell, n + 1);
	t.a = mem_zero(n_a + 1, sizeof *t.a);
	t.b = mem_zero(n_b + 1, sizeof *t.b);
	for (size_t i = 0; i < n; i++) {
		struct pair p = pairs[units[i]];
		keys[i] = (uint64_t)p.class << 32 | p.cluster;
		t.a[p.class]++;
		t.b[p.cluster]++;
	}
	margin(t.a, n_a, number_a, &t.n_a);
	margin(t.b, n_b, number_b, &t.n_b);
	qsort(keys, n, sizeof *keys, ascending);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i; j < n && keys[j] == keys[i]; j++)
			;
		t.cells[t.n_cells++] = (struct cell){ number_a[keys[i] >> 32],
			number_b[keys[i] & UINT32_MAX], j - i };
	}
	mem_free(keys);
	mem_free(number_a);
	mem_free(number_b);
	return t;
}

static void table_free(struct table *t)
{
	mem_free(t->cells);
	mem_free(t->a);
	mem_free(t->b);
}

/* --- Information ------------------------------------------------------------------------------ */

static double entropy(const uint64_t *count, size_t k, uint64_t n)
{
	double *x = MEM_ARRAY(double, k + 1), all = (double)n;
	if (k == 1) {
		mem_free(x);
		return 0;
	}
	for (size_t i = 0; i < k; i++) {
		double c = (double)count[i];
		x[i] = c / all * (math_log64(c) - math_log64(all));
	}
	double h = -sum_pairwise(x, k);
	mem_free(x);
	return h;
}

static double mutual_information(const struct table *t)
{
	if (t->n_a == 1 || t->n_b == 1)
		return 0;
	double *x = MEM_ARRAY(double, t->n_cells + 1), n = (double)t->n, log_n = math_log64(n);
	for (size_t i = 0; i < t->n_cells; i++) {
		const struct cell *c = &t->cells[i];
		double nij = (double)c->n,
		       outer = (double)t->a[c->class] * (double)t->b[c->cluster];
		double v = nij / n * (math_log64(nij) - log_n) +
			   nij / n * (-math_log64(outer) + log_n + log_n);
		x[i] = fabs(v) < 0x1p-52 ? 0 : v;
	}
	double mi = sum_pairwise(x, t->n_cells);
	mem_free(x);
	return mi > 0 ? mi : 0;
}

/* log 0! … log n!, the sums in pairs of doubles. */
static double *log_factorials(uint64_t n)
{
	double *out = MEM_ARRAY(double, n + 1);
	struct math_pair sum = { 0, 0 };
	for (uint64_t i = 0; i <= n; i++) {
		struct math_pair s = math_two_sum(sum.high, i > 1 ? math_log64((double)i) : 0);
		sum = math_quick_sum(s.high, s.low + sum.low);
		out[i] = sum.high;
	}
	return out;
}

/* E[MI]: over the n_ij that a cell can have, n_ij/n log(n n_ij / (a b)) times its hypergeometric
 * probability. */
static double expected_information(const struct table *t)
{
	if (t->n_a == 1 || t->n_b == 1)
		return 0;
	double *f = log_factorials(t->n), emi = 0, n = (double)t->n, log_n = math_log64(n);
	for (size_t i = 0; i < t->n_a; i++) {
		for (size_t j = 0; j < t->n_b; j++) {
			uint64_t a = t->a[i], b = t->b[j];
			uint64_t from = a + b > t->n ? a + b - t->n : 1, to = a < b ? a : b;
			double log_ab = math_log64((double)a) + math_log64((double)b);
			double fixed = f[a] + f[b] + f[t->n - a] + f[t->n - b] - f[t->n];
			for (uint64_t k = from > 1 ? from : 1; k <= to; k++) {
				double log_k = math_log64((double)k);
				double p = math_exp64(
					fixed - f[k] - f[a - k] - f[b - k] - f[t->n + k - a - b]);
				emi += (double)k / n * (log_n + log_k - log_ab) * p;
			}
		}
	}
	mem_free(f);
	return emi;
}

/* Not nearer to 0 than 2^-52, the sign kept. */
static double apart(double x)
{
	if (x < 0)
		return x < -0x1p-52 ? x : -0x1p-52;
	return x > 0x1p-52 ? x : 0x1p-52;
}

static double rand_index(const struct table *t)
{
	__int128 n = t->n, squares = 0, aa = 0, bb = 0;
	for (size_t i = 0; i < t->n_cells; i++)
		squares += (__int128)t->cells[i].n * t->cells[i].n;
	for (size_t i = 0; i < t->n_a; i++)
		aa += (__int128)t->a[i] * t->a[i];
	for (size_t j = 0; j < t->n_b; j++)
		bb += (__int128)t->b[j] * t->b[j];
	__int128 tp = squares - n, fp = bb - squares, fn = aa - squares,
		 tn = n * n - fp - fn - squares;
	if (fp == 0 && fn == 0)
		return 1;
	return 2.0 * (double)(tp * tn - fn * fp) /
	       (double)((tp + fn) * (fn + tn) + (tp + fp) * (fp + tn));
}

static double purity(const struct table *t)
{
	uint64_t *most = mem_zero(t->n_b + 1, sizeof *most), sum = 0;
	for (size_t i = 0; i < t->n_cells; i++) {
		const struct cell *c = &t->cells[i];
		most[c->cluster] = c->n > most[c->cluster] ? c->n : most[c->cluster];
	}
	for (size_t j = 0; j < t->n_b; j++)
		sum += most[j];
	mem_free(most);
	return (double)sum / (double)t->n;
}

static void compute(const struct measure *m, const uint32_t *units, size_t n, double *value)
{
	const struct state *s = (const struct state *)m;
	if (!n)
		return;
	struct table t = tabulate(s, units, n);
	double mi = mutual_information(&t);
	double h_a = entropy(t.a, t.n_a, t.n), h_b = entropy(t.b, t.n_b, t.n),
	       mean = (h_a + h_b) / 2;
	double homogeneity = h_a != 0 ? mi / h_a : 1, completeness = h_b != 0 ? mi / h_b : 1;
	bool whole = t.n_a == 1 && t.n_b == 1;
	if (whole || t.n_a == 1 || t.n_b == 1) {
		value[0] = whole;
	} else {
		double emi = expected_information(&t);
		value[0] = apart(mi - emi) / apart(mean - emi);
	}
	value[1] = rand_index(&t);
	value[2] = whole ? 1 : mi == 0 ? 0 : mi / mean;
	value[3] = homogeneity;
	value[4] = completeness;
	value[5] = homogeneity + completeness == 0
			   ? 0
			   : 2 * homogeneity * completeness / (homogeneity + completeness);
	value[6] = purity(&t);
	table_free(&t);
}

const struct metric_kind metric_clustering = {
	.name = "clustering",
	.summary = "AMI, ARI, NMI, V-measure, purity of clusters against classes",
	.as = "scikit-learn-1.9",
	.state = sizeof(struct state),
	.unit = sizeof(struct pair),
	.figures = figures,
	.add = add,
	.compute = compute,
	.close = close_state,
};
