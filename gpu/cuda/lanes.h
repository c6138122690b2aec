/*
 * lanes.h: sums by lanes (ops.h). Threads that follow each other share a row: sixteen, thread l of
 * them is lane l, or fewer, each with W lanes side by side. A lane takes elements l, l + 16, … in
 * order; the tree 8, 4, 2, 1 goes by shuffles. Addition commutes, so all threads of a row hold the
 * sum. All rows of a warp must call with the same n.
 */
#pragma once
#include "gpu/cuda/cuda.h"

constexpr int LANES_CHUNK = 4096;

/* W numbers side by side, read and stored at once: they lie at multiples of their size. */
template <typename T, int W> struct alignas(W * sizeof(T)) beside {
	T v[W];
};
template <int W> using floats = beside<float, W>;

template <int W, typename T> DEVICE_FN beside<T, W> get(const T *x)
{
	return *reinterpret_cast<const beside<T, W> *>(x);
}

template <typename T, int W> DEVICE_FN void put(T *y, beside<T, W> x)
{
	*reinterpret_cast<beside<T, W> *>(y) = x;
}

/* How a kernel takes rows: a thread has the elements of its W lanes in registers, OWN of each at
 * most, or WHOLE: exactly, of rows that lie in fours (by_fours); or W is 1, OWN 0, and rows are
 * any. So many BLOCKS fit a processor without spilled registers. */
template <int LANES_OF_THREAD, int OF_LANE, bool ALL_OF_THEM> struct row_form {
	static constexpr int W = LANES_OF_THREAD, OWN = OF_LANE, THREADS = 128;
	static constexpr int ROWS = THREADS * W / LANES;
	static constexpr int BLOCKS = W * OWN <= 48 ? 5 : W * OWN <= 96 ? 3 : 2;
	static constexpr bool WHOLE = ALL_OF_THEM;
};

/* launch(form) with the form for rows of n columns. */
template <typename Launch> static void rows_launch(size_t n, bool fours, Launch launch)
{
	if (!fours || n % 4 || n > 64 * LANES)
		launch(row_form<1, 0, false>());
	else if (n == 24 * LANES)
		launch(row_form<2, 24, true>());
	else if (n == 48 * LANES)
		launch(row_form<2, 48, true>());
	else if (n == 64 * LANES)
		launch(row_form<2, 64, true>());
	else if (n < 24 * LANES)
		launch(row_form<2, 24, false>());
	else
		launch(row_form<2, 64, false>());
}

/* The row of this thread, and the threads of its warp that have one. */
template <typename F> DEVICE_FN bool row_own(size_t rows, size_t *row, unsigned *warp)
{
	*row = (size_t)blockIdx.x * F::ROWS + threadIdx.x / (LANES / F::W);
	*warp = __ballot_sync(ALL, *row < rows);
	return *row < rows;
}

/* The thread's first lane. */
template <int W> DEVICE_FN int lanes_own(void)
{
	return threadIdx.x % (LANES / W) * W;
}

/* f(i, own[k]) for all elements i … i + W - 1 of a row of n columns that are this thread's. */
template <typename F, typename Each>
DEVICE_FN void row_each(size_t n, floats<F::W> *own, Each f)
{
	int columns = static_cast<int>(n), first = lanes_own<F::W>();
#pragma unroll
	for (int k = 0; k < F::OWN; k++)
		if (F::WHOLE || first + k * LANES < columns)
			f(first + k * LANES, own[k]);
}

template <int W> DEVICE_FN float lanes_tree(floats<W> s, unsigned warp = ALL)
{
#pragma unroll
	for (int w = LANES / 2; w >= W; w /= 2)
#pragma unroll
		for (int j = 0; j < W; j++)
			s.v[j] = s.v[j] + __shfl_xor_sync(warp, s.v[j], w / W, LANES / W);
#pragma unroll
	for (int w = W / 2; w; w /= 2)
#pragma unroll
		for (int j = 0; j < w; j++)
			s.v[j] = s.v[j] + s.v[j + w];
	return s.v[0];
}

DEVICE_FN float lanes_tree(float s, unsigned warp = ALL)
{
	return lanes_tree(floats<1>{ { s } }, warp);
}

/* add(lane, i): the lane's sum with element i. Chunks of 4096 are summed so, and their sums again
 * by the same rule; three levels are 2^36 elements. warp: the threads that call. */
template <typename Add> DEVICE_FN float lanes_sum(size_t n, Add add, unsigned warp = ALL)
{
	int l = threadIdx.x % LANES;
	float level1 = 0, level2 = 0, sum = 0;
	size_t chunks = 0, groups = 0;
	for (size_t from = 0; from == 0 || from < n; from += LANES_CHUNK) {
		size_t to = n - from < LANES_CHUNK ? n : from + LANES_CHUNK;
		float s = 0;
		for (size_t i = from + l; i < to; i += LANES)
			s = add(s, i);
		sum = lanes_tree(s, warp);
		if (n <= LANES_CHUNK)
			return sum;
		if (chunks == LANES_CHUNK) {
			float group = lanes_tree(level1, warp);
			level2 = static_cast<int>(groups++ % LANES) == l ? level2 + group : level2;
			level1 = 0;
			chunks = 0;
		}
		level1 = static_cast<int>(chunks++ % LANES) == l ? level1 + sum : level1;
	}
	sum = lanes_tree(level1, warp);
	if (groups == 0)
		return sum;
	level2 = static_cast<int>(groups % LANES) == l ? level2 + sum : level2;
	return lanes_tree(level2, warp);
}
