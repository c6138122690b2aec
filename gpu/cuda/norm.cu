/*
 * norm.cu: layer normalisation alone, after a product, and after the sum of embeddings. Rows of at
 * most 1024 columns that lie in fours go to eight threads each, which hold them in registers
 * (lanes.h): memory is read once, eight bytes a thread. Other rows go to sixteen threads and are
 * read three times, from the first-level cache after the first.
 */
#include "gpu/cuda/norm.h"

/* Whether all that a norm reads and writes lies in fours; there may be no x. */
static bool in_fours(const struct norm_arguments &a)
{
	return by_fours(a.x, a.x_stride) && by_fours(a.y, a.y_stride) && by_fours(a.gamma, 0) &&
	       by_fours(a.beta, 0);
}

template <int W> DEVICE_FN floats<W> plus(floats<W> a, floats<W> b)
{
#pragma unroll
	for (int j = 0; j < W; j++)
		a.v[j] = a.v[j] + b.v[j];
	return a;
}

template <typename F>
static __global__ void __launch_bounds__(F::THREADS, F::BLOCKS) norm_kernel(
	struct norm_arguments a, size_t rows)
{
	size_t row;
	unsigned warp;
	if (!row_own<F>(rows, &row, &warp))
		return;
	const float *x = a.x + row * a.x_stride;
	norm_row<F>(a, row, warp, [=](size_t i) { return get<F::W>(x + i); });
}

CUDA_KERNEL(norm)
{
	auto a = static_cast<const struct norm_arguments *>(arguments);
	rows_launch(a->columns, in_fours(*a), [=](auto form) {
		typedef decltype(form) F;
		auto kernel = norm_kernel<F>;
		LAUNCH(kernel, cuda_blocks(n, F::ROWS), F::THREADS, 0, lane, *a, n);
	});
	LAUNCHED(lane, "norm");
}

template <typename F>
static __global__ void __launch_bounds__(F::THREADS, F::BLOCKS)
	residual_kernel(struct norm_arguments a, const float *t, size_t rows)
{
	size_t row;
	unsigned warp;
	if (!row_own<F>(rows, &row, &warp))
		return;
	const float *x = a.x + row * a.x_stride, *own = t + row * a.columns;
	norm_row<F>(a, row, warp,
		[=](size_t i) { return plus(get<F::W>(x + i), get<F::W>(own + i)); });
}

void cuda_norm_residual(
	struct lane *lane, const struct norm_arguments *a, const float *t, size_t rows)
{
	rows_launch(a->columns, in_fours(*a), [=](auto form) {
		typedef decltype(form) F;
		auto kernel = residual_kernel<F>;
		LAUNCH(kernel, cuda_blocks(rows, F::ROWS), F::THREADS, 0, lane, *a, t, rows);
	});
	LAUNCHED(lane, "norm");
}

/* Without a table -0, which changes no sum. */
template <int W> DEVICE_FN floats<W> term(const float *row, size_t i)
{
	floats<W> x;
#pragma unroll
	for (int j = 0; j < W; j++)
		x.v[j] = -0.0f;
	return row ? get<W>(row + i) : x;
}

template <typename F>
static __global__ void __launch_bounds__(F::THREADS, F::BLOCKS) embed_kernel(
	struct embed_arguments a, size_t tokens)
{
	size_t t;
	unsigned warp;
	if (!row_own<F>(tokens, &t, &warp))
		return;
	const float *word = a.word + a.ids[t] * a.word_stride;
	const float *type = a.type ? a.type + a.types[t] * a.type_stride : NULL;
	const float *position = a.position ? a.position + a.positions[t] * a.position_stride : NULL;
	norm_row<F>(a.norm, t, warp, [=](size_t i) {
		auto x = plus(get<F::W>(word + i), term<F::W>(type, i));
		return plus(x, term<F::W>(position, i));
	});
}

CUDA_KERNEL(embed)
{
	struct embed_arguments a = *static_cast<const struct embed_arguments *>(arguments);
	bool fours = in_fours(a.norm) && by_fours(a.word, a.word_stride) &&
		     by_fours(a.type, a.type_stride) && by_fours(a.position, a.position_stride);
	a.ids = STAGE(lane, a.ids, n);
	a.types = a.types ? STAGE(lane, a.types, n) : NULL;
	a.positions = a.positions ? STAGE(lane, a.positions, n) : NULL;
	if (cuda_failed(lane))
		return;
	rows_launch(a.norm.columns, fours, [=](auto form) {
		typedef decltype(form) F;
		auto kernel = embed_kernel<F>;
		LAUNCH(kernel, cuda_blocks(n, F::ROWS), F::THREADS, 0, lane, a, n);
	});
	LAUNCHED(lane, "embed");
}
