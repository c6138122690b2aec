/*
 * neighbors.h: the k nearest neighbours of each row, the row itself the first. Exact: every pair is
 * looked at. Approximate: by clusters and NN-descent, whose recall approximate.c tells; a few lists
 * may lack a neighbour. Either gives the same on any device, at any number of threads: lists are kept
 * in order of (distance, index).
 */
#pragma once
#include <stdint.h>

#include "gpu/tensor.h"

enum neighbor_metric {
	NEIGHBOR_COSINE,
	NEIGHBOR_EUCLIDEAN,
	NEIGHBOR_MANHATTAN,
	NEIGHBOR_CORRELATION
};

/*
 * Rows made ready for a metric. Cosine: rows of unit length, so that the distance is |x - z|² / 2,
 * exactly 0 for copies; a row of zeros is at distance 1 from all others and 0 from other rows of
 * zeros, through an added column where there is one. Correlation: the same after taking each row's
 * mean away. Euclidean, Manhattan: as they are; `scale` keeps squares of huge or tiny rows within
 * range.
 */
struct rows {
	size_t n, c; /* c: as given */
	size_t width; /* columns of x: c, or c + 1 */
	enum neighbor_metric metric;
	float scale; /* a power of two that x was multiplied with */
	float *x; /* [N, width] */
};

/* x [N, C], finite. */
void rows_init(struct rows *, const float *x, size_t n, size_t c, enum neighbor_metric);
/* Rows for comparing with others that were made ready before. */
void rows_init_as(struct rows *, const struct rows *others, const float *x, size_t n);
void rows_free(struct rows *);

enum neighbor_search {
	NEIGHBORS_AUTO, /* exact up to 120,000 rows, on a card up to 2,000,000, or of many neighbours */
	NEIGHBORS_EXACT,
	NEIGHBORS_APPROXIMATE
};

/* Neighbours beyond which the approximate search would have to look at more clusters than it does. */
enum { NEIGHBORS_APPROXIMATE_MOST = 200 };

/* Whether the search is exact for k neighbours of n rows. */
bool neighbors_exact(const struct device *, size_t n, size_t k, enum neighbor_search);

/* index [N, k] and distance [N, k], by (distance, index) after the row itself, which is first at
 * distance 0. 1 <= k <= N < 2^31. -1 and the device's failure. */
int neighbors_find(struct device *, const struct rows *, size_t k, enum neighbor_search,
	uint64_t seed, uint32_t *index, float *distance, struct error *);

/* The k nearest among `rows` for each row of q, by (distance, index). An index of rows prepared
 * once: */
struct neighbor_index;
struct neighbor_index *neighbor_index_new(struct device *, const struct rows *);
void neighbor_index_free(struct neighbor_index *);
int neighbor_index_query(struct device *, const struct neighbor_index *, const struct rows *q,
	size_t k, uint32_t *index, float *distance, struct error *);
