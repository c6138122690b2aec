/*
 * kmeans.h: k-means by Lloyd's iterations (Lloyd, "Least squares quantization in PCM", 1982)
 * from k-means++ starts (Arthur and Vassilvitskii, 2007; greedy, 2 + floor(ln K) tries a centre,
 * as scikit-learn), in float64, with scikit-learn's rules: at most 300 iterations; done when no
 * label changes or the centres' squared shifts sum to at most 1e-4 times the mean variance of a
 * dimension; a cluster that loses all its points gets the point farthest from its centre. Ties
 * go to the smaller index; sums are in order of rows, so the result does not depend on the
 * number of threads.
 */
#pragma once
#include "gpu/tensor.h"
#include "lib/base/error.h"
#include "lib/file/safetensors.h"
#include "lib/learn/space.h"

struct kmeans_options {
	size_t n_clusters; /* 1 <= K <= N */
	size_t n_init; /* starts; the one of least inertia wins */
	enum space_metric metric; /* euclidean; cosine: of the points scaled to length 1 */
	uint64_t seed;
	const double *start; /* [K, C] centres to start from instead, once; NULL */
	void (*progress)(const char *what, size_t done, size_t total); /* NULL: silent */
};

/* Owns its arrays. */
struct kmeans {
	size_t k, c;
	enum space_metric metric;
	double *centers; /* [K, C] */
	int32_t *label; /* [N] */
	double inertia; /* sum of squared distances to the centres */
	size_t iterations;
};

/* Cluster x [N, C], finite: the same on any device. -1 and the device's failure: then the result is none,
 * but to be released. */
int kmeans_fit(struct kmeans *, struct device *, const float *x, size_t n, size_t c,
	const struct kmeans_options *, struct error *);

/* The nearest centre of each row. */
int kmeans_predict(const struct kmeans *, struct device *, const float *x, size_t n, int32_t *label,
	struct error *);

int kmeans_save(const struct kmeans *, const char *path, struct error *);

/* From a file whose cluster_state method is kmeans; it is copied from. No labels, no inertia. */
int kmeans_load(struct kmeans *, const struct tensor_file *, struct error *);

void kmeans_release(struct kmeans *);
