/*
 * space_nearest.c: exact k nearest points, by tree for a space that has one, else by blocks. The
 * k best so far are kept in order; what is farther than the last of them, or as far and of a
 * larger index, is passed over, so that ties have one answer and many equal points cost no more
 * than others: a box's smallest index ends the search among equals.
 */
#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/memory.h"
#include "lib/learn/space.h"

enum {
	QUERIES = 32, /* by blocks: points that share a pass */
	CHUNK_BYTES = 1 << 18, /* blocks of a pass, which stay in the cache */
};

struct query {
	const struct space *s;
	const double *point;
	struct hit *hits;
	size_t k, found;
	double worst; /* raw distance of the last of k hits; infinite while there are fewer */
	uint32_t worst_index;
};

static void query_begin(
	struct query *q, const struct space *s, const double *point, size_t k, struct hit *hits)
{
	*q = (struct query){ s, point, hits, k, 0, INFINITY, UINT32_MAX };
}

static void query_add(struct query *q, double raw, uint32_t index)
{
	size_t at = q->found < q->k ? q->found++ : q->k - 1;
	for (; at > 0; at--) {
		struct hit *h = q->hits + at - 1;
		if (h->raw < raw || (h->raw == raw && h->index < index))
			break;
		q->hits[at] = *h;
	}
	q->hits[at] = (struct hit){ raw, index };
	if (q->found == q->k) {
		q->worst = q->hits[q->k - 1].raw;
		q->worst_index = q->hits[q->k - 1].index;
	}
}

/* Take in raw distances to the points at n places from a multiple of the block size; lanes
 * behind the last point are infinite. */
static void query_take(struct query *q, const double *raw, size_t place, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (raw[i] > q->worst || place + i >= q->s->n)
			continue;
		uint32_t index = q->s->order[place + i];
		if (raw[i] < q->worst || index < q->worst_index)
			query_add(q, raw[i], index);
	}
}

static void visit(struct query *q, size_t node, size_t leaf, size_t leaves, double box)
{
	if (box > q->worst || (box == q->worst && q->s->first[node] > q->worst_index))
		return;
	if (leaves == 1) {
		double raw[SPACE_LEAF] __attribute__((aligned(64)));
		const double *block = q->s->blocks + leaf * SPACE_LEAF * q->s->c;
		space_block(q->s->metric, q->point, block, SPACE_LEAF / SPACE_LANES, q->s->c, raw);
		query_take(q, raw, leaf * SPACE_LEAF, SPACE_LEAF);
		return;
	}
	size_t left = (leaves + 1) / 2, near = node + 1, far = node + 2 * left;
	double a = space_box(q->s, q->point, near), b = space_box(q->s, q->point, far);
	if (a < b || (a == b && q->s->first[near] < q->s->first[far])) {
		visit(q, near, leaf, left, a);
		visit(q, far, leaf + left, leaves - left, b);
	} else {
		visit(q, far, leaf + left, leaves - left, b);
		visit(q, near, leaf, left, a);
	}
}

size_t space_chunk(size_t c)
{
	size_t blocks = CHUNK_BYTES / (c * SPACE_LANES * sizeof(double));
	return blocks < 1 ? 1 : blocks > 64 ? 64 : blocks;
}

/* n queries, n a multiple of 4, through all blocks, a chunk of blocks at a time. */
static void scan(const struct space *s, struct query *q, size_t n)
{
	size_t chunk = space_chunk(s->c), blocks = s->n_leaves * SPACE_LEAF / SPACE_LANES;
	double *raw = MEM_ARRAY(double, 4 * chunk * SPACE_LANES);
	double *out[4];
	for (size_t i = 0; i < 4; i++)
		out[i] = raw + i * chunk * SPACE_LANES;
	for (size_t b = 0; b < blocks; b += chunk) {
		size_t count = blocks - b < chunk ? blocks - b : chunk;
		for (size_t i = 0; i < n; i += 4) {
			const double *points[4] = { q[i].point, q[i + 1].point, q[i + 2].point,
				q[i + 3].point };
			space_block4(s->metric, points, s->blocks + b * s->c * SPACE_LANES, count,
				s->c, out);
			for (size_t j = 0; j < 4; j++)
				query_take(q + i + j, out[j], b * SPACE_LANES, count * SPACE_LANES);
		}
	}
	mem_free(raw);
}

/* At most QUERIES points at once. */
static void nearest(const struct space *s, const double *points, size_t n, size_t k,
	struct hit *hits, struct hit *spare)
{
	struct query q[QUERIES];
	for (size_t i = 0; i < n; i++) {
		query_begin(q + i, s, points + i * s->c, k, hits + i * k);
		if (s->tree)
			visit(q + i, 0, 0, s->n_leaves, 0);
	}
	if (s->tree)
		return;
	size_t padded = (n + 3) / 4 * 4;
	for (size_t i = n; i < padded; i++)
		query_begin(q + i, s, points, k, spare + (i - n) * k);
	scan(s, q, padded);
}

void space_nearest(
	const struct space *s, const double *points, size_t n, size_t k, struct hit *hits)
{
	CHECK(k >= 1 && k <= s->n);
	struct hit *spare = MEM_ARRAY(struct hit, size_mul(4, k));
	for (size_t i = 0; i < n; i += QUERIES)
		nearest(s, points + i * s->c, n - i < QUERIES ? n - i : QUERIES, k, hits + i * k,
			spare);
	mem_free(spare);
}

void space_nearest_places(const struct space *s, size_t from, size_t to, size_t k, struct hit *hits)
{
	CHECK(to <= s->n);
	double *points = MEM_ARRAY(double, size_mul(to - from, s->c));
	for (size_t p = from; p < to; p++)
		space_at(s, p, points + (p - from) * s->c);
	space_nearest(s, points, to - from, k, hits);
	mem_free(points);
}
