/*
 * hdbscan.h: density clustering without a radius (Campello, Moulavi, Sander, "Density-based
 * clustering based on hierarchical density estimates", PAKDD 2013; McInnes, Healy, "Accelerated
 * hierarchical density based clustering", ICDMW 2017), with the numbers of the Python package
 * hdbscan 0.8.44:
 *
 *	core distance    the distance to the min_samples-th neighbour, the point itself not counted
 *	mutual reach     max(core(a), core(b), distance(a, b) / alpha)
 *	spanning tree    the minimum one of the complete graph under mutual reach
 *	hierarchy        its edges joined by rising weight; lambda = 1 / weight
 *	condensed tree   where a side of a split has fewer than min_cluster_size
 *			points, they fall out of the cluster
 *	selection        excess of mass, or leaves
 *
 * Many mutual reaches are equal (they are core distances), and then a minimum spanning tree is
 * not unique: hdbscan's own algorithms disagree. Here the edges are in total order, (weight,
 * smaller index, larger index), so that the tree, and all that follows, is one: whatever finds
 * it, and at any number of threads. Without ties all find the same clusters; with them, over 54
 * trials on real text, the two kinds of hdbscan's algorithms agree with each other to an ARI of
 * 0.907 (0.992 where its Boruvka is made exact), and these clusters with both to 0.950 (0.993):
 * tests/bench/cluster_ties.py.
 */
#pragma once
#include "lib/base/error.h"
#include "lib/base/memory.h"
#include "lib/file/safetensors.h"
#include "lib/learn/space.h"

typedef void hdbscan_progress(const char *what, size_t done, size_t total);

enum hdbscan_method { HDBSCAN_EOM, HDBSCAN_LEAF };

struct hdbscan_options {
	size_t min_cluster_size; /* >= 2 */
	size_t min_samples; /* 0: min_cluster_size */
	enum hdbscan_method method;
	double epsilon; /* cluster_selection_epsilon: do not split below this distance */
	/* cluster_selection_epsilon_max: split above this distance; infinite, or 0: no limit */
	double epsilon_max;
	double persistence; /* cluster_selection_persistence: merge clusters of less */
	size_t max_cluster_size; /* 0: no limit */
	bool allow_single_cluster;
	double alpha; /* > 0 */
	enum space_metric metric;
	hdbscan_progress *progress; /* NULL: silent */
};

/* The defaults of hdbscan, except min_cluster_size, which is 10. */
#define HDBSCAN_OPTIONS ((struct hdbscan_options){ .min_cluster_size = 10, .alpha = 1 })

struct hdbscan_edge {
	double weight;
	uint32_t a, b; /* a < b: indices of points */
};

/* One join of the hierarchy, as a row of SciPy's linkage matrix: ids below N are points, N + i
 * is the i-th join. */
struct hdbscan_join {
	uint32_t left, right, size;
	double distance;
};

/* One row of the condensed tree: ids below N are points, from N clusters, N is the root. */
struct hdbscan_row {
	uint32_t parent, child, size;
	double lambda;
};

struct hdbscan_tree {
	size_t n; /* points */
	size_t n_rows;
	struct hdbscan_row *rows;
	size_t n_clusters; /* of the tree: their ids are n .. n + n_clusters */
};

/* A clustering of N points in K clusters; it owns its arrays. */
struct hdbscan {
	size_t n, k;
	int32_t *label; /* [N]: -1, or the cluster */
	double *probability; /* [N]: 0 for label -1 */
	double *outlier_score; /* [N]: GLOSH, 0 to 1 */
	double *persistence; /* [K] */
	uint32_t *selected; /* [K]: the clusters' ids in the tree, rising */
	struct hdbscan_tree tree;
};

/* Cluster x [N, C], finite, N < 2^31. core (may be NULL) gets, by point, the distance to the
 * min_samples-th point, itself counted, which is what hdbscan's approximate_predict takes for a
 * core distance. */
void hdbscan_fit(struct hdbscan *, const float *x, size_t n, size_t c,
	const struct hdbscan_options *, double *core);
void hdbscan_release(struct hdbscan *);

/* --- The steps ------------------------------------------------------------------------------ */

/* The minimum spanning tree, edges [N - 1] in their order, N >= 1. min_samples 0 makes every
 * core distance 0, so that the tree is that of the distances (single linkage). predict_core may
 * be NULL. */
void hdbscan_span(const struct space *, size_t min_samples, double alpha, hdbscan_progress *,
	struct hdbscan_edge *edges, double *predict_core);

/* Join the edges, which are in order, into a hierarchy [N - 1]; left is the smaller index' side. */
void hdbscan_join(const struct hdbscan_edge *edges, size_t n, struct hdbscan_join *joins);

/* Condense a hierarchy of n points, n >= 2. */
void hdbscan_condense(
	struct hdbscan_tree *, const struct hdbscan_join *joins, size_t n, size_t min_cluster_size);

/* Merge clusters that persist for less than a difference of lambda (hdbscan's
 * simplify_hierarchy), which is computed in float32 as there; lambdas are rounded to float32. */
void hdbscan_simplify(struct hdbscan_tree *, double persistence);

/* Select clusters of h->tree and fill the rest of h. */
void hdbscan_select(struct hdbscan *h, const struct hdbscan_options *);

/* --- Fitted state --------------------------------------------------------------------------- */

struct hdbscan_model;

/* Write what hdbscan_predict needs, with the user's x [N, C] and core of hdbscan_fit. N >= 1. */
int hdbscan_save(const struct hdbscan *, const struct hdbscan_options *, const float *x, size_t c,
	const double *core, const char *path, struct error *);

/* From a file whose cluster_state_method is "hdbscan"; it is copied from. Every array is
 * checked. */
struct hdbscan_model *hdbscan_load(const struct tensor_file *, struct error *);
void hdbscan_model_free(struct hdbscan_model *);
size_t hdbscan_model_size(const struct hdbscan_model *); /* C */

/* hdbscan's approximate_predict and approximate_predict_scores for x [M, C]: the point joins its
 * nearest neighbour under mutual reach, in the cluster that holds the neighbour at the point's
 * lambda. A point denser than any in its cluster has a score below 0, as there. */
void hdbscan_predict(const struct hdbscan_model *, const float *x, size_t m, int32_t *label,
	double *probability, double *outlier_score);
