/*
 * umap.h: UMAP (L. McInnes, J. Healy, J. Melville, "UMAP: Uniform Manifold Approximation and
 * Projection for Dimension Reduction", 2018) with the parameters and defaults of umap-learn 0.5.12:
 * neighbours, fuzzy graph, start, layout. The same bytes on any processor and at any number of
 * threads; the layout is umap-learn's in quality, not in coordinates (its order of edges is serial
 * by nature).
 */
#pragma once
#include "lib/learn/neighbors.h"

enum umap_init { UMAP_SPECTRAL, UMAP_PCA, UMAP_RANDOM };

struct umap_options {
	size_t n_neighbors, n_components;
	enum neighbor_metric metric;
	enum neighbor_search search;
	double min_dist, spread;
	size_t n_epochs; /* SIZE_MAX: 500 up to 10,000 rows, else 200; new rows 100, else a third */
	enum umap_init init;
	double learning_rate;
	size_t negative_sample_rate;
	double set_op_mix_ratio, local_connectivity, target_weight;
	uint64_t seed;
	void (*progress)(const char *what, size_t done, size_t total); /* may be NULL */
};

#define UMAP_DEFAULTS \
	{ \
		.n_neighbors = 15, .n_components = 5, .metric = NEIGHBOR_COSINE, .min_dist = 0, \
		.spread = 1, .n_epochs = SIZE_MAX, .init = UMAP_SPECTRAL, .learning_rate = 1, \
		.negative_sample_rate = 5, .set_op_mix_ratio = 1, .local_connectivity = 1, \
		.target_weight = 0.5, .seed = 42 \
	}

/* A fitted layout. */
struct umap {
	struct umap_options options;
	double a, b;
	size_t k; /* neighbours used, the row itself among them */
	float mean_distance;
	struct rows rows;
	float *embedding; /* [N, n_components] */
	struct neighbor_index *index; /* made when new rows are placed */
};

/* Fit to x [N, C], N >= 1, finite. label: NULL, or a class a row, -1 for unknown. -1 and the device's
 * failure: then the layout is none, but to be freed. */
int umap_fit(struct umap *, struct device *, const struct umap_options *, const float *x, size_t n,
	size_t c, const int32_t *label, struct error *);

/* Place new rows x [M, C] in the layout, out [M, n_components]: a row by itself, the same in any
 * batch; one that is a copy of a fitted row at its place. umap-learn's transform, but for what
 * depends on the batch there (the largest weight, the number of epochs, the floor of sigma). */
int umap_apply(
	struct umap *, struct device *, const float *x, size_t n, float *out, struct error *);

void umap_free(struct umap *);
