/*
 * space.h: points under a metric, laid out for exact neighbour searches in float64, as HDBSCAN,
 * k-means and agglomerative clustering need them: with a kd-tree (Bentley 1975; bounding boxes and
 * split by the widest side) in few dimensions, as plain blocks in many.
 *
 * One arithmetic. The raw distance of two points is the sum over dimensions, in order, of (x − y)²
 * or |x − y|, each operation rounded, nothing contracted; the distance is its square root
 * (euclidean), its half (cosine: the points are first scaled to length 1, and then 1 − cos is half
 * of |u − v|²), or itself (manhattan). It is symmetric, 0 for equal points, and has the same bits
 * in every search, so a search by tree and one by brute force give the same answer. A box's raw
 * distance is summed in the same order from the gaps, which are no larger than the differences;
 * rounding is monotone, so it is a lower bound without any tolerance.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum space_metric { SPACE_EUCLIDEAN, SPACE_COSINE, SPACE_MANHATTAN };
/* Points a block; points a leaf of the tree, a multiple of it. */
enum { SPACE_LANES = 8, SPACE_LEAF = 16 };

/*
 * The points stand in places; place p holds the point order[p]. Places are cut into blocks of
 * SPACE_LANES, and a block is [C, LANES]: the value of a dimension for each of its points. Lanes
 * behind the last point hold infinity, at which every distance is infinite.
 *
 * The tree is implicit: the root is node 0 and holds all leaves; a node with L > 1 leaves has
 * its left child behind it, with (L + 1) / 2 of them, and its right child 2 * ((L + 1) / 2)
 * behind it. Leaf l holds the places from l * SPACE_LEAF.
 */
struct space {
	size_t n, c;
	enum space_metric metric;
	bool tree;
	uint32_t *order; /* [N] */
	double *blocks; /* [blocks, C, LANES] */
	size_t n_leaves, n_nodes;
	double *bounds; /* [nodes, 2, C]: lows, then highs; NULL without a tree */
	uint32_t *first; /* [nodes]: the smallest index of a point below */
};

/* Lay out x [N, C], finite, N < 2^31, C >= 1; under SPACE_COSINE no row may be all zeros. tree:
 * build the tree. */
void space_init(struct space *, const float *x, size_t n, size_t c, enum space_metric, bool tree);
void space_release(struct space *);

/* Whether a tree pays for n points in c dimensions; it does not show in any result. */
bool space_wants_tree(size_t n, size_t c);

/* The coordinates [C] of a row of input as the space holds them: in double, scaled to length 1
 * under SPACE_COSINE. */
void space_point(enum space_metric, const float *x, size_t c, double *out);

/* The coordinates [C] of the point at a place. */
void space_at(const struct space *, size_t place, double *out);

double space_distance(enum space_metric, double raw);

/* A raw distance that no raw distance of a smaller or equal distance exceeds. */
double space_raw_bound(enum space_metric, double distance);

/* Raw distances from a point to the points of n blocks: out [n, LANES]. */
void space_block(enum space_metric, const double *point, const double *blocks, size_t n, size_t c,
	double *out);

/* The same from four points at once, points [4][C]: out [4][n, LANES]. For searches by brute
 * force. */
void space_block4(enum space_metric, const double *const points[4], const double *blocks, size_t n,
	size_t c, double *const out[4]);

/* Use the code for "portable", "avx2" or "avx512"; NULL: the best. False where the processor
 * lacks it. HEDDLE_CPU is followed when the program starts; for tests, while no other thread
 * runs. */
bool space_choose(const char *name);

/* How many blocks a search by brute force takes at once, so that they stay in the cache. */
size_t space_chunk(size_t c);

/* The least raw distance from a point to anything in the node's box. */
double space_box(const struct space *, const double *point, size_t node);

/* --- Nearest neighbours --------------------------------------------------------------------- */

struct hit {
	double raw;
	uint32_t index; /* of the point, not of its place */
};

/* The k nearest points (k <= N) of each of m points [m, C], by (raw distance, index), nearest
 * first: hits [m, k]. A point that is in the space finds itself too. By the calling thread
 * alone; several may search at once. */
void space_nearest(
	const struct space *, const double *points, size_t m, size_t k, struct hit *hits);

/* The same for the points at the places [from, to): hits [to - from, k]. */
void space_nearest_places(const struct space *, size_t from, size_t to, size_t k, struct hit *hits);
