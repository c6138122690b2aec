/*
 * agglomerative.h: hierarchical clustering from single records upwards, in float64, with the
 * joins of SciPy's linkage. Ward, average and complete linkage by the nearest-neighbour chain
 * (Murtagh, "A survey of recent advances in hierarchical clustering algorithms", 1983; Müllner,
 * "fastcluster", 2013), single linkage by the minimum spanning tree. Ties as SciPy breaks them:
 * the chain begins at the smallest index and turns back before it goes on to an equal neighbour,
 * else the smaller index wins.
 *
 * Memory: average and complete linkage hold all N (N - 1) / 2 distances, 8 bytes each (10,000
 * records: 400 MB; 50,000: 10 GB). Ward holds centroids and single linkage a tree: both grow as
 * N.
 */
#pragma once
#include "lib/base/error.h"
#include "lib/learn/hdbscan.h"

enum linkage { LINKAGE_WARD, LINKAGE_AVERAGE, LINKAGE_COMPLETE, LINKAGE_SINGLE };

/* Bytes that the distances of n records take; 0 where the linkage holds none. */
size_t agglomerative_memory(enum linkage, size_t n);

/* The joins [N - 1] of x [N, C], finite, N < 2^31, by rising distance; left < right. Ward needs
 * SPACE_EUCLIDEAN. progress may be NULL. */
void agglomerative_join(enum linkage, const float *x, size_t n, size_t c, enum space_metric,
	hdbscan_progress *progress, struct hdbscan_join *joins);

/* Cut a hierarchy of n records: into k clusters (1 <= k <= n), or, with k 0, wherever a join's
 * distance is at least the threshold. Clusters are numbered in order of their first record.
 * Returns how many there are. */
size_t agglomerative_cut(
	const struct hdbscan_join *joins, size_t n, size_t k, double threshold, int32_t *label);
