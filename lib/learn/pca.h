/*
 * pca.h: principal components (Pearson 1901; scikit-learn's PCA with svd_solver="covariance_eigh").
 * The covariance of columns, or of fewer rows than columns the products of rows, is summed in
 * double in a fixed order (gpu/ops_moments.h) and decomposed by eigen.h: the same bits everywhere.
 * A component's sign makes its largest element positive, as scikit-learn's.
 */
#pragma once
#include "gpu/tensor.h"
#include "lib/base/memory.h"

struct pca {
	size_t n_features, n_components;
	double *mean; /* [C] */
	double *components; /* [K, C], unit rows, variance falling */
	double *variance; /* [K], over N - 1 as scikit-learn's explained_variance_; 0 for one row */
	double total; /* variance of all C directions: variance[k] / total is the share explained */
};

/*
 * Fit to x [N, C], finite, N >= 1, n_components <= C; the results live in the arena. Directions
 * beyond the rank are any orthonormal ones of variance 0. out, unless NULL: what pca_apply makes of
 * x, which goes to the device once for both. Here and below device_sync tells of a failure.
 */
void pca_fit(struct pca *, struct device *, const float *x, size_t n, size_t c, size_t n_components,
	float *out, struct arena *);

/* out [N, K] = (x - mean) components'. Each row by itself: the same bits in any batch. */
void pca_apply(const struct pca *, struct device *, const float *x, size_t n, float *out);

/* Fit and apply at once, to a start of k dimensions: out [N, k], zeros beyond the C-th. */
void pca_place(struct device *, const float *x, size_t n, size_t c, size_t k, float *out);
