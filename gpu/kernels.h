/*
 * kernels.h: what a backend implements: one kernel an operation, with these arguments. Not for
 * models.
 *
 * A kernel is void kernel(const void *arguments, size_t begin, size_t end, struct arena *scratch):
 * it computes the units begin .. end - 1 of an operation's work. What a unit is (a block of rows, a
 * sequence's head) stands beside the arguments; units are independent, and their number and cut
 * never change a result. Scratch memory is the kernel's own between an arena_mark and an
 * arena_reset.
 *
 * To add an operation, say "frob":
 *   1. ops.h (or gpu/ops_frob.h): the prototype of op_frob and the definition of its result.
 *   2. KERNELS below: one line, X(frob).
 *   3. here (or in gpu/frob.h): struct frob_arguments.
 *   4. gpu/ops.c (or gpu/ops_frob.c): op_frob checks shapes, fills the arguments and calls
 *	device_run(device, KERNEL_frob, &arguments, units, grain).
 *   5. gpu/cpu/frob.c: #include "gpu/cpu/kernels.h", KERNEL(frob) { … }. It is compiled once a
 *	path (portable, AVX2, AVX-512): write plain C over math_fma and lib/base/math.h, which the
 *	compiler vectorises, or the vectors and lanes of gpu/cpu/vector.h and lanes.h. No Makefile
 *	edit.
 *   6. gpu/cuda/frob.cu: CUDA_KERNEL(frob) { … } launches what computes the same bits there.
 *   7. a row in tests/unit/test_ops*.c: paths against each other by memcmp, and against float64.
 */
#pragma once
#include "gpu/ops.h"

#define KERNELS(X)                                                                               \
	X(linear)                                                                                \
	X(linear_norm) X(feed_forward) X(norm) X(embed) X(attention) X(pool) X(normalize) X(bag) \
		X(column_sum) X(square_norms) X(square_distances) X(pair_distances) X(top_k)     \
		X(top_k_clear) X(nearest_pairs) X(nearest_rows) X(umap_smooth) X(umap_members)   \
		X(umap_unite) X(umap_edges) X(umap_place) X(logistic) X(attention_relative)      \
		X(rotate) X(gate) X(add) X(nearest_center) X(closer) X(chunk_sums)               \
		X(sparse_product) X(group_sums) X(gram) X(gram_sum) X(project)

#define KERNEL_NUMBER(name) KERNEL_##name,
enum kernel { KERNELS(KERNEL_NUMBER) KERNEL_COUNT };
#undef KERNEL_NUMBER

typedef void kernel_function(
	const void *arguments, size_t begin, size_t end, struct arena *scratch);

/* Kernels of one path, and how it lays out weights: panels of `panel` rows, see
 * gpu/cpu/linear.c. */
struct kernel_table {
	const char *name;
	kernel_function *kernel[KERNEL_COUNT];
	size_t panel;
	void (*pack)(
		const struct weight *, const float *w, size_t stride, size_t begin, size_t end);
	bool (*bf16_native)(void);
};

struct backend;
struct lane;

/* The root has the lanes that are free; a lane has its parent. On a GPU (gpu/backend.h) memory and
 * the failure are the backend's. */
struct device {
	struct device *parent, *next, *free;
	const struct kernel_table *table;
	const struct backend *backend; /* NULL: the CPU */
	struct lane *lane; /* of the backend */
	struct arena *arena; /* tensors */
	struct arena *scratch; /* of kernels */
	struct error failure;
	char name[96];
};

struct weight {
	const struct kernel_table *table;
	enum dtype dtype;
	bool paired; /* BF16 and F16 as pairs of k, for native products; else rounded floats */
	size_t n, k, panel;
	void *packed;
	float *bias; /* padded with zeros to whole panels, or NULL */
	/* on a GPU: rows of `stride` elements, the bias not padded */
	const struct backend *backend;
	struct lane *lane;
	size_t stride;
	bool borrowed; /* packed is a tensor's */
	struct lt_plan *plan; /* of a library that multiplies with it, or NULL */
};

/* A weight of a matrix that is on the device: copied into panels, or on a GPU the matrix itself, which
 * must outlive it. */
struct weight *weight_of(struct device *, struct tensor w);

/* Units of n elements, `size` each, the last perhaps fewer. */
static inline size_t device_units(size_t n, size_t size)
{
	return n / size + (n % size != 0);
}

/* Compute units 0 .. n - 1: on a lane here and now, on a root spread over threads in runs of at
 * least `grain` units. */
void device_run(struct device *, enum kernel, const void *arguments, size_t n, size_t grain);

/*
 * Steps one after another, each as device_run: step s computes units 0 .. n[s] - 1 with the arguments at arguments +
 * s size. For many short steps: threads take runs of `grain` units, and go on when the units of a step are done, not
 * when all threads have come; a thread that the system has taken off its processor holds up nobody unless in the
 * middle of a run.
 */
void device_run_steps(struct device *, enum kernel, const void *arguments, size_t size,
	const size_t *n, size_t steps, size_t grain);

/* y and x: rows with a stride in elements. */
struct norm_arguments { /* a unit is a row */
	float *y;
	const float *x, *gamma, *beta;
	size_t y_stride, x_stride, columns;
	float eps;
	uint16_t *twin; /* NULL, or y again in halves, rows of `columns`; y may be NULL then */
	enum dtype twin_dtype;
	const uint16_t *x_half; /* NULL, or of bfloat16, instead of x; contiguous */
};

/* a unit is a panel of a block of BLOCK_ROWS rows, the panels of a block together */
struct linear_arguments {
	float *y;
	const float *x;
	size_t rows, y_stride, x_stride;
	const struct weight *w;
	enum activation activation;
	/* of the weight's type, contiguous: instead of x; instead of y, or where y is not NULL again */
	const uint16_t *x_half;
	uint16_t *y_half;
};

enum { BLOCK_ROWS = 96 };

struct linear_norm_arguments { /* a unit is a block of BLOCK_ROWS rows */
	struct linear_arguments linear;
	struct norm_arguments norm; /* x is the residual */
};

struct feed_forward_arguments { /* a unit is a block of BLOCK_ROWS rows */
	struct linear_arguments up;
	const struct weight *down;
	struct norm_arguments norm; /* x is also the residual */
};

struct embed_arguments { /* a unit is a token */
	struct norm_arguments norm; /* x unused */
	const uint32_t *ids, *types, *positions;
	const float *word, *type, *position; /* type, position may be NULL */
	size_t word_stride, type_stride, position_stride;
};

struct attention_arguments { /* a unit is a head of a sequence, the heads of a sequence together */
	float *out;
	const float *q, *k, *v, *bias; /* bias may be NULL */
	size_t out_stride, q_stride, k_stride, v_stride, bias_stride;
	size_t bias_zero; /* column of distance 0 */
	const size_t *cu_seqlens;
	size_t heads, size, reach;
	float scale;
	enum dtype dtype; /* BF16, F16: factors may be rounded to it */
	/* of that type, instead of q, k and v, or of out; their strides are above */
	const uint16_t *q_half, *k_half, *v_half;
	uint16_t *out_half;
};

struct attention_relative_arguments { /* units as of attention */
	struct attention_arguments attention;
	const float *query_terms, *key_terms;
	size_t query_terms_stride, key_terms_stride, places;
	const int32_t *place; /* of distance 0 */
};

struct rotate_arguments { /* a unit is a row */
	float *x;
	const float *cosine, *sine;
	size_t x_stride, cosine_stride, sine_stride, heads, size;
	const uint32_t *positions;
};

struct gate_arguments { /* a unit is a row */
	float *y;
	const float *x;
	size_t y_stride, x_stride, columns;
	enum activation activation;
};

struct add_arguments { /* a unit is a row */
	float *y;
	const float *a, *b;
	size_t y_stride, a_stride, b_stride, columns;
};

struct pool_arguments { /* a unit is a sequence */
	float *y;
	const float *x;
	size_t y_stride, x_stride, columns;
	const size_t *cu_seqlens;
	enum pooling pooling;
};

struct normalize_arguments { /* a unit is a row */
	float *y;
	const float *x;
	size_t y_stride, x_stride, columns;
};

struct bag_arguments { /* a unit is a sequence */
	float *y;
	const void *table;
	enum dtype dtype;
	const float *scales; /* may be NULL */
	size_t y_stride, table_stride, columns;
	const uint32_t *ids;
	const size_t *cu_seqlens;
	bool mean;
};

struct column_sum_arguments { /* a unit is 16 columns */
	float *y;
	const float *x;
	size_t x_stride, rows, columns;
};

struct square_norms_arguments { /* a unit is a row */
	float *y;
	const float *x;
	size_t x_stride, columns;
};

struct square_distances_arguments { /* a unit is a unit of the product */
	struct linear_arguments product;
	const float *xx, *ww;
};

struct pair_distances_arguments { /* a unit is a pair */
	float *y;
	const float *x, *z;
	const int32_t *i, *j;
	size_t x_stride, z_stride, columns;
	enum metric metric;
};

struct top_k_arguments { /* a unit is a row; of top_k_clear too, which has no y */
	float *values;
	int32_t *indices;
	const float *y;
	size_t values_stride, indices_stride, y_stride, k, columns, first;
};
