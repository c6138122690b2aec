/*
 * fuzzy.h: UMAP's weighted graph (L. McInnes, J. Healy, J. Melville, "UMAP: Uniform Manifold
 * Approximation and Projection", 2018, section 3.1 and algorithms 1 to 3) in the arithmetic of
 * umap-learn 0.5.12: float32, the same order of sums.
 */
#pragma once
#include <stdint.h>

#include "gpu/tensor.h"
#include "lib/base/memory.h"

/* A symmetric weighted graph in compressed rows: the neighbours of i are to[start[i]] …
 * to[start[i + 1] - 1], rising, weights above 0. */
struct graph {
	size_t n;
	size_t *start; /* [n + 1] */
	uint32_t *to;
	float *weight;
};
void graph_free(struct graph *);

/* The mean of n distances, a chain of double. */
float fuzzy_mean(const float *distance, size_t n);

/* The union of the directed graphs of n rows with k neighbours: r (a + b - a b) + (1 - r) a b
 * for memberships a and b of the two directions. index [n, k]; a row's own index and repeated
 * ones do not count. Whether the device failed is for device_sync to tell; then the graph is any. */
struct graph fuzzy_union(struct device *, const uint32_t *index, const float *distance, const float *sigma,
	const float *rho, size_t n, size_t k, float set_op_mix_ratio);

/* Intersect with labels (umap-learn's discrete_metric_simplicial_set_intersection): an edge
 * between different labels counts exp(-far), one with an unlabelled end (-1) exp(-1); then each
 * row is scaled to a largest weight of 1 and the union taken again. far = 2.5 / (1 -
 * target_weight), 1e12 for 1. */
void fuzzy_intersect(struct graph *, const int32_t *label, double target_weight);

/* Drop the edges below the largest weight / n_epochs, which the layout would never draw; returns
 * the largest weight. */
float fuzzy_prune(struct graph *, size_t n_epochs);
