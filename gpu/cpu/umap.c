/*
 * umap.c: UMAP's layout. LANES edges of one colour (or new points) at a time, each in a lane: they
 * share no vertex, so that a lane is a computation by itself, and neither the width of the vectors
 * nor the number of threads changes a bit. The loops over lanes are for the compiler to vectorise.
 * The usual dimensions get code of their own, in which the points stay in registers.
 */
#include "gpu/umap.h"

#include <string.h>

#include "gpu/cpu/vector.h"
#include "lib/base/random.h"

typedef float lanes[LANES];

INLINE void square_distance(size_t dim, const lanes *p, const lanes *q, float *out)
{
	for (size_t l = 0; l < LANES; l++)
		out[l] = 0;
	for (size_t d = 0; d < dim; d++)
		for (size_t l = 0; l < LANES; l++) {
			float u = p[d][l] - q[d][l];
			out[l] += u * u;
		}
}

INLINE float clip(float v)
{
	v = v > 4 ? 4 : v;
	return v < -4 ? -4 : v;
}

/* p and q towards each other; q only where both is set, and no lane but those that are on. */
INLINE void attract(size_t dim, const struct umap_force *f, lanes *p, lanes *q, const float *on,
	const bool both)
{
	lanes d2, g;
	square_distance(dim, (const lanes *)p, (const lanes *)q, d2);
	for (size_t l = 0; l < LANES; l++) {
		float x = d2[l] + UMAP_TINY, v = umap_power(x, f->b);
		g[l] = -2 * f->a * f->b * v / (x * (f->a * v + 1)) * on[l];
	}
	for (size_t d = 0; d < dim; d++)
		for (size_t l = 0; l < LANES; l++) {
			float step = clip(g[l] * (p[d][l] - q[d][l])) * f->alpha;
			p[d][l] += step;
			if (both)
				q[d][l] -= step;
		}
}

/* p away from o, in the lanes that are on. */
INLINE void repel(size_t dim, const struct umap_force *f, lanes *p, const lanes *o, const float *on)
{
	lanes d2, g;
	square_distance(dim, (const lanes *)p, o, d2);
	for (size_t l = 0; l < LANES; l++) {
		float v = umap_power(d2[l] + UMAP_TINY, f->b);
		g[l] = 2 * f->gamma * f->b / ((0.001f + d2[l]) * (f->a * v + 1)) * on[l];
	}
	for (size_t d = 0; d < dim; d++)
		for (size_t l = 0; l < LANES; l++)
			p[d][l] += clip(g[l] * (p[d][l] - o[d][l])) * f->alpha;
}

INLINE void gather(size_t dim, const float *y, const int32_t *at, lanes *p)
{
	for (size_t l = 0; l < LANES; l++)
		for (size_t d = 0; d < dim; d++)
			p[d][l] = y[(size_t)at[l] * dim + d];
}

/* count[l] negative samples for each lane, drawn from its key. self -1: no point to pass over. */
INLINE void negatives(size_t dim, const struct umap_force *f, const float *from, size_t n,
	const int32_t *self, const int32_t *count, const uint64_t *key, lanes *p, lanes *o)
{
	int32_t most = 0;
	for (size_t l = 0; l < LANES; l++)
		most = count[l] > most ? count[l] : most;
	for (int32_t i = 0; i < most; i++) {
		int32_t at[LANES];
		lanes on;
		for (size_t l = 0; l < LANES; l++)
			at[l] = (int32_t)random_below(
				random_mix(key[l] + (uint64_t)i * 0xd1342543de82ef95u),
				(uint32_t)n);
		for (size_t l = 0; l < LANES; l++)
			on[l] = (float)((i < count[l]) & (at[l] != self[l]));
		gather(dim, from, at, o);
		repel(dim, f, p, (const lanes *)o, on);
	}
}

INLINE int32_t owed(float epoch, float next_negative, float rate, float every)
{
	float n = (epoch - next_negative) * rate / every;
	return n > 0 ? (int32_t)n : 0;
}

/* The edges list[0 .. m), m <= LANES; the lanes beyond m repeat the first and are not stored.
 * work: 3 dim lanes. */
INLINE void edges(
	size_t dim, const struct umap_edges_arguments *a, const size_t *list, size_t m, lanes *work)
{
	lanes *p = work, *q = work + dim, *o = work + 2 * dim;
	const struct umap_force *f = &a->force;
	int32_t head[LANES], tail[LANES], count[LANES];
	lanes on;
	uint64_t key[2][LANES];
	for (size_t l = 0; l < LANES; l++) {
		size_t e = list[l < m ? l : 0];
		head[l] = a->head[e];
		tail[l] = a->tail[e];
		count[l] = l < m ? owed((float)a->epoch, a->next_negative[e], f->negative_rate,
					   a->every[e])
				 : 0;
		on[l] = 1;
		uint64_t at = f->seed * 0x9e3779b97f4a7c15u +
			      ((uint64_t)a->epoch << 40 ^ (uint64_t)(a->first + e) << 1);
		key[0][l] = random_mix(at);
		key[1][l] = random_mix(at + 1);
	}
	gather(dim, a->y, head, p);
	gather(dim, a->y, tail, q);
	attract(dim, f, p, q, on, true);
	negatives(dim, f, a->before, a->n, head, count, key[0], p, o);
	attract(dim, f, q, p, on, true);
	negatives(dim, f, a->before, a->n, tail, count, key[1], q, o);
	for (size_t l = 0; l < m; l++) {
		size_t e = list[l];
		for (size_t d = 0; d < dim; d++) {
			a->y[(size_t)head[l] * dim + d] = p[d][l];
			a->y[(size_t)tail[l] * dim + d] = q[d][l];
		}
		a->next[e] += a->every[e];
		if (count[l] > 0)
			a->next_negative[e] += (float)count[l] * a->every[e] / f->negative_rate;
	}
}

INLINE void edges_between(
	size_t dim, const struct umap_edges_arguments *a, size_t begin, size_t end, lanes *work)
{
	size_t list[LANES + 1], m = 0;
	for (size_t e = begin; e < end; e++) {
		list[m] = e;
		m += a->next[e] <= (float)a->epoch;
		if (m == LANES) {
			edges(dim, a, list, m, work);
			m = 0;
		}
	}
	if (m)
		edges(dim, a, list, m, work);
}

KERNEL(umap_edges)
{
	const struct umap_edges_arguments *a = arguments;
	if (!a->head) {
		memcpy(a->before + begin * a->dim, a->y + begin * a->dim,
			(end - begin) * a->dim * sizeof *a->y);
	} else if (a->dim == 2) {
		lanes work[3 * 2];
		edges_between(2, a, begin, end, work);
	} else if (a->dim == 3) {
		lanes work[3 * 3];
		edges_between(3, a, begin, end, work);
	} else if (a->dim == 5) {
		lanes work[3 * 5];
		edges_between(5, a, begin, end, work);
	} else {
		struct arena_mark mark = arena_mark(scratch);
		edges_between(a->dim, a, begin, end, ARENA_ARRAY(scratch, lanes, 3 * a->dim));
		arena_reset(scratch, mark);
	}
}

/* The points first .. first + m, m <= LANES. next: 2 K lanes, when an edge and its negatives are
 * due. */
INLINE void points(size_t dim, const struct umap_place_arguments *a, size_t first, size_t m,
	lanes *work, lanes *next)
{
	lanes *p = work, *q = work + dim, *o = work + 2 * dim, *next_negative = next + a->k;
	struct umap_force f = a->force;
	int32_t own[LANES], at[LANES], self[LANES], count[LANES];
	lanes on;
	uint64_t key[LANES];
	for (size_t l = 0; l < LANES; l++) {
		own[l] = (int32_t)(l < m ? l : 0);
		self[l] = -1;
		for (size_t k = 0; k < a->k; k++) {
			float w = a->weight[(first + (size_t)own[l]) * a->k + k],
			      every = w > 0 ? 1 / w : 0;
			next[k][l] = every;
			next_negative[k][l] = f.negative_rate > 0 ? every / f.negative_rate : 0;
		}
	}
	gather(dim, a->y + first * dim, own, p);
	for (size_t epoch = 0; epoch < a->n_epochs; epoch++) {
		f.alpha = a->force.alpha * (1 - (float)epoch / (float)a->n_epochs);
		for (size_t k = 0; k < a->k; k++) {
			int any = 0;
			for (size_t l = 0; l < LANES; l++) {
				size_t edge = (first + (size_t)own[l]) * a->k + k;
				float w = a->weight[edge], every = w > 0 ? 1 / w : 1;
				at[l] = a->to[edge];
				bool due = w > 0 && next[k][l] <= (float)epoch;
				on[l] = due;
				count[l] = due ? owed((float)epoch, next_negative[k][l],
							 f.negative_rate, every)
					       : 0;
				next[k][l] += due ? every : 0;
				next_negative[k][l] +=
					count[l] > 0 ? (float)count[l] * every / f.negative_rate
						     : 0;
				key[l] = random_mix(f.seed * 0x9e3779b97f4a7c15u +
						    a->salt[first + (size_t)own[l]] +
						    ((uint64_t)epoch << 20 ^ (uint64_t)k));
				any |= due;
			}
			if (!any)
				continue;
			gather(dim, a->fixed, at, q);
			attract(dim, &f, p, q, on, false);
			negatives(dim, &f, a->fixed, a->n, self, count, key, p, o);
		}
	}
	for (size_t l = 0; l < m; l++)
		for (size_t d = 0; d < dim; d++)
			a->y[(first + l) * dim + d] = p[d][l];
}

KERNEL(umap_place)
{
	const struct umap_place_arguments *a = arguments;
	struct arena_mark mark = arena_mark(scratch);
	lanes *work = ARENA_ARRAY(scratch, lanes, 3 * a->dim + 2 * a->k), *next = work + 3 * a->dim;
	for (size_t first = begin; first < end; first += LANES)
		points(a->dim, a, first, end - first < LANES ? end - first : LANES, work, next);
	arena_reset(scratch, mark);
}
