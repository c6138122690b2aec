/*
 * dbcv.c: for each cluster the minimum spanning tree of mutual reachability; sparseness is its longest
 * edge between inner nodes, separation the least mutual reachability of inner nodes of two clusters;
 *
 *	core(x) = (Σ 1/d(x, y)^D / (m - 1))^(-1/D) over the m points of the cluster, D dimensions
 *	dbcv = Σ m/n (separation - sparseness) / max(both)
 *
 * The tree is Prim's from the first point, ties to the first, and its edges are then hung on the first
 * point of the tree as near (to 1e-5), as hdbscan does.
 */
#include "lib/metric/dbcv.h"

#include "lib/base/math64.h"

struct cluster {
	const uint32_t *units; /* [m] */
	size_t m, n_inner;
	double *core; /* [m] */
	size_t *inner;
	double sparseness;
};

/* x^-D and its inverse, by whole powers where that is what D is. */
static double power(double x, double y)
{
	return math_pow64(x, y);
}

static void core_distances(const struct vectors *v, struct cluster *c)
{
	double total = 0, d = (double)v->size;
	for (size_t i = 0; i < c->m; i++) {
		double sum = 0;
		for (size_t j = 0; j < c->m; j++) {
			double x = vectors_distance(v, c->units[i], c->units[j]);
			sum += x != 0 ? power(1 / x, d) : 0;
		}
		c->core[i] = sum / (double)(c->m - 1);
		total += c->core[i];
	}
	for (size_t i = 0; i < c->m; i++)
		c->core[i] = total == 0 ? 0 : power(c->core[i], -1 / d);
}

static double reach(const struct vectors *v, const struct cluster *c, size_t i, size_t j)
{
	double x = vectors_distance(v, c->units[i], c->units[j]);
	x = c->core[i] > x ? c->core[i] : x;
	return c->core[j] > x ? c->core[j] : x;
}

struct edge {
	size_t from, to;
	double length;
};

static void span(const struct vectors *v, const struct cluster *c, struct edge *edges)
{
	double *near = MEM_ARRAY(double, c->m);
	bool *in = mem_zero(c->m, sizeof *in);
	size_t now = 0;
	for (size_t j = 0; j < c->m; j++)
		near[j] = INFINITY;
	in[0] = true;
	for (size_t k = 0; k + 1 < c->m; k++) {
		size_t best = SIZE_MAX;
		for (size_t j = 0; j < c->m; j++) {
			if (in[j])
				continue;
			double x = reach(v, c, now, j);
			near[j] = near[j] < x ? near[j] : x;
			if (best == SIZE_MAX || near[j] < near[best])
				best = j;
		}
		edges[k] = (struct edge){ now, best, near[best] };
		in[best] = true;
		now = best;
	}
	mem_free(near);
	mem_free(in);
}

/* Each edge but the first from the first point of the tree so far that is as near. */
static void hang(const struct vectors *v, const struct cluster *c, struct edge *edges)
{
	bool *in = mem_zero(c->m, sizeof *in);
	in[edges[0].from] = in[edges[0].to] = true;
	for (size_t k = 1; k + 1 < c->m; k++) {
		struct edge *e = &edges[k];
		/* the end of the edge before, where Prim's walk stood, is in the tree already */
		for (size_t j = 0; j < c->m; j++) {
			double x = j == e->to ? 0 : reach(v, c, e->to, j);
			if (j != e->to && in[j] && fabs(x - e->length) <= 1e-8 + 1e-5 * e->length) {
				e->from = j;
				break;
			}
		}
		in[e->to] = true;
	}
	mem_free(in);
}

static void inner_nodes(struct cluster *c, const struct edge *edges)
{
	size_t *degree = mem_zero(c->m, sizeof *degree), n = c->m - 1;
	double longest = 0, inner = -INFINITY;
	for (size_t k = 0; k < n; k++) {
		degree[edges[k].from]++;
		degree[edges[k].to]++;
	}
	for (size_t i = 0; i < c->m; i++)
		if (degree[i] > 1)
			c->inner[c->n_inner++] = i;
	bool any = c->n_inner > 0;
	for (size_t k = 0; k < n; k++) {
		double x = edges[k].length;
		longest = x > longest ? x : longest;
		bool both = any ? degree[edges[k].from] > 1 && degree[edges[k].to] > 1 : false;
		inner = both && x > inner ? x : inner;
	}
	if (!any)
		c->inner[c->n_inner++] = 0;
	c->sparseness = isinf(inner) ? longest : inner;
	mem_free(degree);
}

static double separation(const struct vectors *v, const struct cluster *a, const struct cluster *b)
{
	double least = INFINITY;
	for (size_t i = 0; i < a->n_inner; i++) {
		for (size_t j = 0; j < b->n_inner; j++) {
			size_t p = a->inner[i], q = b->inner[j];
			double x = vectors_distance(v, a->units[p], b->units[q]);
			x = a->core[p] > x ? a->core[p] : x;
			x = b->core[q] > x ? b->core[q] : x;
			least = x < least ? x : least;
		}
	}
	return least;
}

double dbcv(
	const struct vectors *v, const uint32_t *units, const uint32_t *label, size_t n, size_t k)
{
	struct arena *arena = arena_new();
	struct cluster *c = arena_zero(arena, k + 1, sizeof *c);
	double result = 0;
	size_t used = 0;
	for (size_t i = 0; i < k; i++) {
		uint32_t *own = ARENA_ARRAY(arena, uint32_t, n + 1);
		size_t m = 0;
		for (size_t j = 0; j < n; j++)
			if (label[j] == i)
				own[m++] = units[j];
		if (m == 1)
			result = NAN; /* hdbscan finds no tree there */
		if (m < 2)
			continue;
		struct cluster *to = &c[used++];
		*to = (struct cluster){ own, m, 0, ARENA_ARRAY(arena, double, m),
			ARENA_ARRAY(arena, size_t, m), 0 };
		struct edge *edges = ARENA_ARRAY(arena, struct edge, m);
		core_distances(v, to);
		span(v, to, edges);
		hang(v, to, edges);
		inner_nodes(to, edges);
	}
	for (size_t i = 0; i < used; i++) {
		double least = INFINITY;
		for (size_t j = 0; j < used; j++) {
			double x = j == i ? INFINITY : separation(v, &c[i], &c[j]);
			least = x < least ? x : least;
		}
		double larger = least > c[i].sparseness ? least : c[i].sparseness;
		result += (double)c[i].m / (double)n * ((least - c[i].sparseness) / larger);
	}
	arena_free(arena);
	return used ? result : NAN;
}
