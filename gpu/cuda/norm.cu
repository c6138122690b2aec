/*
 * norm.cu: layer normalisation alone, after a product, and after the sum of embeddings. Sixteen
 * threads take a row, a block sixteen rows. A long row is read three times, from the first-level
 * cache after the first, and so are embeddings, of which there is one norm a model.
 */
#include "gpu/cuda/norm.h"

enum { THREADS = 256, ROWS = THREADS / LANES };

/* The usual widths have their elements in registers. */
#define BY_COLUMNS(kernel, n) \
	((n) <= 24 * LANES ? kernel<24> : (n) <= 64 * LANES ? kernel<64> : kernel<0>)

/* The row of this thread; beyond the last one row 0, of which nothing is read or stored then: its
 * own threads may be storing it, where y is x. */
DEVICE_FN size_t own_row(size_t rows, bool *keep)
{
	size_t row = (size_t)blockIdx.x * ROWS + threadIdx.x / LANES;
	*keep = row < rows;
	return *keep ? row : 0;
}

template <int OWN>
static __global__ void __launch_bounds__(THREADS) norm_kernel(struct norm_arguments a, size_t rows)
{
	bool keep;
	size_t row = own_row(rows, &keep);
	const float *x = a.x + row * a.x_stride;
	norm_row<OWN>(a, row, keep, [=](size_t i) { return keep ? x[i] : 0; });
}

CUDA_KERNEL(norm)
{
	auto a = static_cast<const struct norm_arguments *>(arguments);
	auto kernel = BY_COLUMNS(norm_kernel, a->columns);
	LAUNCH(kernel, cuda_blocks(n, ROWS), THREADS, 0, lane, *a, n);
	LAUNCHED(lane, "norm");
}

template <int OWN>
static __global__ void __launch_bounds__(THREADS)
	residual_kernel(struct norm_arguments a, const float *t, size_t rows)
{
	bool keep;
	size_t row = own_row(rows, &keep);
	const float *x = a.x + row * a.x_stride, *own = t + row * a.columns;
	norm_row<OWN>(a, row, keep, [=](size_t i) { return keep ? x[i] + own[i] : 0; });
}

void cuda_norm_residual(
	struct lane *lane, const struct norm_arguments *a, const float *t, size_t rows)
{
	auto kernel = BY_COLUMNS(residual_kernel, a->columns);
	LAUNCH(kernel, cuda_blocks(rows, ROWS), THREADS, 0, lane, *a, t, rows);
	LAUNCHED(lane, "norm");
}

static __global__ void __launch_bounds__(THREADS)
	embed_kernel(struct embed_arguments a, size_t tokens)
{
	bool keep;
	size_t t = own_row(tokens, &keep);
	const float *word = a.word + a.ids[t] * a.word_stride;
	const float *type = a.type ? a.type + a.types[t] * a.type_stride : NULL;
	const float *position = a.position ? a.position + a.positions[t] * a.position_stride : NULL;
	norm_row<0>(a.norm, t, keep, [=](size_t i) {
		float x = word[i];
		x = type ? x + type[i] : x;
		return position ? x + position[i] : x;
	});
}

CUDA_KERNEL(embed)
{
	struct embed_arguments a = *static_cast<const struct embed_arguments *>(arguments);
	a.ids = STAGE(lane, a.ids, n);
	a.types = a.types ? STAGE(lane, a.types, n) : NULL;
	a.positions = a.positions ? STAGE(lane, a.positions, n) : NULL;
	if (cuda_failed(lane))
		return;
	LAUNCH(embed_kernel, cuda_blocks(n, ROWS), THREADS, 0, lane, a, n);
	LAUNCHED(lane, "embed");
}
