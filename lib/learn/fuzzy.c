/*
 * UMAP's fuzzy graph. Rows are independent of each other, so that threads share them; the transpose
 * is made by counting, with rows in rising order, so that no sum or order depends on the threads.
 * Where umap-learn computes in float32, so does this: the weights agree with it to the last bits of
 * exp.
 */
#include "lib/learn/fuzzy.h"

#include <math.h>
#include <string.h>

#include "lib/base/math.h"

void graph_free(struct graph *g)
{
	mem_free(g->start);
	mem_free(g->to);
	mem_free(g->weight);
	*g = (struct graph){ 0 };
}

float fuzzy_mean(const float *distance, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += (double)distance[i];
	return n ? (float)(sum / (double)n) : 0;
}

float fuzzy_membership(float distance, float sigma, float rho)
{
	return distance - rho <= 0 || sigma == 0
		       ? 1
		       : (float)math_exp64(-(double)((distance - rho) / sigma));
}

/* Edges of one row, sorted by their end. */
struct edge {
	uint32_t to;
	float weight;
};

static void sort_row(struct edge *e, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct edge x = e[i];
		size_t at = i;
		for (; at > 0 && e[at - 1].to > x.to; at--)
			e[at] = e[at - 1];
		e[at] = x;
	}
}

/* A directed graph in compressed rows. */
struct half {
	size_t *start;
	struct edge *edge;
};

static struct half memberships(const uint32_t *index, const float *distance, const float *sigma,
	const float *rho, size_t n, size_t k)
{
	struct half a = { MEM_ARRAY(size_t, n + 1), MEM_ARRAY(struct edge, size_mul(n, k)) };
	size_t *count = MEM_ARRAY(size_t, n);
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n; i++) {
		struct edge *e = a.edge + i * k;
		size_t m = 0;
		for (size_t j = 0; j < k; j++) {
			uint32_t to = index[i * k + j];
			float w = to == i ? 0
					  : fuzzy_membership(distance[i * k + j], sigma[i], rho[i]);
			if (w > 0)
				e[m++] = (struct edge){ to, w };
		}
		sort_row(e, m);
		size_t kept = 0;
		for (size_t j = 0; j < m; j++)
			if (j == 0 || e[j].to != e[kept - 1].to)
				e[kept++] = e[j];
		count[i] = kept;
	}
	a.start[0] = 0;
	for (size_t i = 0; i < n; i++) { /* close the gaps: moves towards the front, in order */
		memmove(a.edge + a.start[i], a.edge + i * k, count[i] * sizeof *a.edge);
		a.start[i + 1] = a.start[i] + count[i];
	}
	mem_free(count);
	return a;
}

static struct half transpose(const struct half *a, size_t n)
{
	struct half t = { mem_zero(n + 1, sizeof *t.start), MEM_ARRAY(struct edge, a->start[n]) };
	for (size_t e = 0; e < a->start[n]; e++)
		t.start[a->edge[e].to + 1]++;
	for (size_t i = 0; i < n; i++)
		t.start[i + 1] += t.start[i];
	size_t *at = MEM_ARRAY(size_t, n);
	memcpy(at, t.start, n * sizeof *at);
	for (size_t i = 0; i < n; i++)
		for (size_t e = a->start[i]; e < a->start[i + 1]; e++)
			t.edge[at[a->edge[e].to]++] =
				(struct edge){ (uint32_t)i, a->edge[e].weight };
	mem_free(at);
	return t;
}

/* Merge row i of a and of its transpose b; returns the length, writes where to is not NULL. */
static size_t merge(const struct half *a, const struct half *b, size_t i, float ratio, uint32_t *to,
	float *weight)
{
	const struct edge *p = a->edge + a->start[i], *p_end = a->edge + a->start[i + 1];
	const struct edge *q = b->edge + b->start[i], *q_end = b->edge + b->start[i + 1];
	size_t n = 0;
	while (p < p_end || q < q_end) {
		bool left = p < p_end && (q == q_end || p->to <= q->to),
		     right = q < q_end && (p == p_end || q->to <= p->to);
		float u = left ? p->weight : 0, v = right ? q->weight : 0, product = u * v;
		float w = ratio * (u + v - product) + (1 - ratio) * product;
		if (w > 0 && to) {
			to[n] = left ? p->to : q->to;
			weight[n] = w;
		}
		n += w > 0;
		p += left;
		q += right;
	}
	return n;
}

static struct graph unite(struct half *a, size_t n, float ratio)
{
	struct half b = transpose(a, n);
	struct graph g = { .n = n, .start = MEM_ARRAY(size_t, n + 1) };
	g.start[0] = 0;
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n; i++)
		g.start[i + 1] = merge(a, &b, i, ratio, NULL, NULL);
	for (size_t i = 0; i < n; i++)
		g.start[i + 1] += g.start[i];
	g.to = MEM_ARRAY(uint32_t, g.start[n]);
	g.weight = MEM_ARRAY(float, g.start[n]);
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n; i++)
		merge(a, &b, i, ratio, g.to + g.start[i], g.weight + g.start[i]);
	mem_free(b.start);
	mem_free(b.edge);
	mem_free(a->start);
	mem_free(a->edge);
	return g;
}

struct graph fuzzy_union(const uint32_t *index, const float *distance, const float *sigma,
	const float *rho, size_t n, size_t k, float set_op_mix_ratio)
{
	struct half a = memberships(index, distance, sigma, rho, n, k);
	return unite(&a, n, set_op_mix_ratio);
}

void fuzzy_intersect(struct graph *g, const int32_t *label, double target_weight)
{
	double far = target_weight < 1 ? 2.5 / (1 - target_weight) : 1e12;
	double unknown_factor = math_exp64(-1), far_factor = far > 700 ? 0 : math_exp64(-far);
	struct half a = { MEM_ARRAY(size_t, g->n + 1), MEM_ARRAY(struct edge, g->start[g->n]) };
	size_t m = 0;
	for (size_t i = 0; i < g->n; i++) {
		a.start[i] = m;
		float top = 0;
		for (size_t e = g->start[i]; e < g->start[i + 1]; e++) {
			int32_t x = label[i], y = label[g->to[e]];
			double factor = x == -1 || y == -1 ? unknown_factor
					: x != y           ? far_factor
							   : 1;
			float w = (float)((double)g->weight[e] * factor);
			if (w > 0)
				a.edge[m++] = (struct edge){ g->to[e], w };
			top = w > top ? w : top;
		}
		for (size_t e = a.start[i]; e < m; e++)
			a.edge[e].weight /= top;
	}
	a.start[g->n] = m;
	size_t n = g->n;
	graph_free(g);
	*g = unite(&a, n, 1);
}

float fuzzy_prune(struct graph *g, size_t n_epochs)
{
	float top = 0;
	for (size_t e = 0; e < g->start[g->n]; e++)
		top = g->weight[e] > top ? g->weight[e] : top;
	float least = top / (float)n_epochs;
	size_t m = 0;
	for (size_t i = 0; i < g->n; i++) {
		size_t first = g->start[i];
		g->start[i] = m;
		for (size_t e = first; e < g->start[i + 1]; e++)
			if (g->weight[e] >= least) {
				g->to[m] = g->to[e];
				g->weight[m++] = g->weight[e];
			}
	}
	g->start[g->n] = m;
	return top;
}
