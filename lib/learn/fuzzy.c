/*
 * UMAP's fuzzy graph. The weights are op_umap_unite's, an edge both ways; rows are put together here.
 * Where umap-learn computes in float32, so does this: the weights agree with it to the last bits of
 * exp.
 */
#include "lib/learn/fuzzy.h"

#include <math.h>
#include <string.h>

#include "gpu/umap.h"

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

/* Edges of one row into order of their end; the first `sorted` are. */
static void sort_row(uint32_t *to, float *weight, size_t sorted, size_t n)
{
	for (size_t i = sorted; i < n; i++) {
		uint32_t end = to[i];
		float w = weight[i];
		size_t at = i;
		for (; at > 0 && to[at - 1] > end; at--) {
			to[at] = to[at - 1];
			weight[at] = weight[at - 1];
		}
		to[at] = end;
		weight[at] = w;
	}
}

/* The graph of the edges of op_umap_unite: an edge below 0 is put into the other row too, in order of
 * the rows that it comes from, before that one's own. */
static struct graph graph_of(const uint32_t *index, const float *weight, size_t n, size_t k)
{
	struct graph g = { .n = n, .start = mem_zero(n + 1, sizeof *g.start) };
	for (size_t e = 0; e < n * k; e++) {
		g.start[e / k + 1] += weight[e] != 0;
		if (weight[e] < 0)
			g.start[index[e] + 1]++;
	}
	for (size_t i = 0; i < n; i++)
		g.start[i + 1] += g.start[i];
	g.to = MEM_ARRAY(uint32_t, g.start[n]);
	g.weight = MEM_ARRAY(float, g.start[n]);
	size_t *at = MEM_ARRAY(size_t, n);
	memcpy(at, g.start, n * sizeof *at);
	for (size_t e = 0; e < n * k; e++)
		if (weight[e] < 0) {
			g.to[at[index[e]]] = (uint32_t)(e / k);
			g.weight[at[index[e]]++] = -weight[e];
		}
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n; i++) {
		size_t first = g.start[i], sorted = at[i] - first;
		for (size_t e = i * k; e < (i + 1) * k; e++)
			if (weight[e] != 0) {
				g.to[at[i]] = index[e];
				g.weight[at[i]++] = fabsf(weight[e]);
			}
		sort_row(g.to + first, g.weight + first, sorted, g.start[i + 1] - first);
	}
	mem_free(at);
	return g;
}

struct graph fuzzy_union(struct device *d, const uint32_t *index, const float *distance,
	const float *sigma, const float *rho, size_t n, size_t k, float set_op_mix_ratio)
{
	struct arena_mark mark = device_mark(d);
	float *weight = mem_zero(size_mul(n, k), sizeof *weight);
	struct tensor to = tensor_upload(d, I32, n, k, index),
		      distances = tensor_upload(d, F32, n, k, distance),
		      sigmas = tensor_upload(d, F32, n, 0, sigma),
		      rhos = tensor_upload(d, F32, n, 0, rho), united = tensor_matrix(d, F32, n, k);
	op_umap_unite(d, united, to, distances, sigmas, rhos, set_op_mix_ratio);
	tensor_read(d, united, weight);
	tensor_release(d, &to);
	tensor_release(d, &distances);
	tensor_release(d, &sigmas);
	tensor_release(d, &rhos);
	device_reset(d, mark);
	struct graph g = graph_of(index, weight, n, k);
	mem_free(weight);
	return g;
}

/* The weight of the edge from i to j; 0: there is none. */
static float weight_of_edge(const struct graph *g, size_t i, uint32_t j)
{
	size_t low = g->start[i], high = g->start[i + 1];
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (g->to[middle] == j)
			return g->weight[middle];
		if (g->to[middle] < j)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

void fuzzy_intersect(struct graph *g, const int32_t *label, double target_weight)
{
	double far = target_weight < 1 ? 2.5 / (1 - target_weight) : 1e12;
	double unknown_factor = math_exp64(-1), far_factor = far > 700 ? 0 : math_exp64(-far);
	size_t m = 0;
	for (size_t i = 0; i < g->n; i++) {
		size_t first = g->start[i];
		float top = 0;
		g->start[i] = m;
		for (size_t e = first; e < g->start[i + 1]; e++) {
			int32_t x = label[i], y = label[g->to[e]];
			double factor = x == -1 || y == -1 ? unknown_factor
					: x != y           ? far_factor
							   : 1;
			float w = (float)((double)g->weight[e] * factor);
			if (w > 0) {
				g->to[m] = g->to[e];
				g->weight[m++] = w;
			}
			top = w > top ? w : top;
		}
		for (size_t e = g->start[i]; e < m; e++)
			g->weight[e] /= top;
	}
	g->start[g->n] = m;
	float *united = MEM_ARRAY(float, m);
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < g->n; i++) /* either end has the edge, with weights of its own */
		for (size_t e = g->start[i]; e < g->start[i + 1]; e++)
			united[e] = umap_united(
				g->weight[e], weight_of_edge(g, g->to[e], (uint32_t)i), 1);
	mem_free(g->weight);
	g->weight = united;
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
