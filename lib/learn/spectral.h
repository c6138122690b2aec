/*
 * spectral.h: where UMAP's layout starts: the eigenvectors of the normalised Laplacian I - D^-1/2 W
 * D^-1/2 for its smallest eigenvalues above 0 (M. Belkin and P. Niyogi, "Laplacian eigenmaps",
 * 2003), for a graph of several components each by itself, placed by the components' centroids, as
 * umap-learn does.
 */
#pragma once
#include <stdint.h>

#include "gpu/tensor.h"
#include "lib/learn/fuzzy.h"

/* out [N, K] for the graph of n vertices, x [N, C] their rows as neighbors_prepare left them
 * (for the centroids). Always ends: the iterations are bounded, and what they reached is used.
 * Not scaled. Whether the device failed is for device_sync to tell. */
void spectral_layout(struct device *, const struct graph *, const float *x, size_t c, size_t k,
	uint64_t seed, float *out);

/* The components of a graph: label[i] from 0, numbered by their first vertex; returns how many. */
size_t graph_components(const struct graph *, uint32_t *label);
