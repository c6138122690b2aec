/*
 * lanes.h: sums by lanes (ops.h). Sixteen threads that follow each other share a row, thread l of
 * them is lane l: it takes elements l, l + 16, … in order; the tree 8, 4, 2, 1 goes by shuffles.
 * Addition commutes, so all sixteen hold the sum. Both halves of a warp must call with the same n.
 */
#pragma once
#include "gpu/cuda/cuda.h"

constexpr int LANES_CHUNK = 4096;

DEVICE_FN float lanes_tree(float s)
{
	for (int w = LANES / 2; w; w /= 2)
		s = s + __shfl_xor_sync(ALL, s, w, LANES);
	return s;
}

/* add(lane, i): the lane's sum with element i. Chunks of 4096 are summed so, and their sums again by
 * the same rule; three levels are 2^36 elements. */
template <typename Add> DEVICE_FN float lanes_sum(size_t n, Add add)
{
	int l = threadIdx.x % LANES;
	float level1 = 0, level2 = 0, sum = 0;
	size_t chunks = 0, groups = 0;
	for (size_t from = 0; from == 0 || from < n; from += LANES_CHUNK) {
		size_t to = n - from < LANES_CHUNK ? n : from + LANES_CHUNK;
		float s = 0;
		for (size_t i = from + l; i < to; i += LANES)
			s = add(s, i);
		sum = lanes_tree(s);
		if (n <= LANES_CHUNK)
			return sum;
		if (chunks == LANES_CHUNK) {
			float group = lanes_tree(level1);
			level2 = static_cast<int>(groups++ % LANES) == l ? level2 + group : level2;
			level1 = 0;
			chunks = 0;
		}
		level1 = static_cast<int>(chunks++ % LANES) == l ? level1 + sum : level1;
	}
	sum = lanes_tree(level1);
	if (groups == 0)
		return sum;
	level2 = static_cast<int>(groups % LANES) == l ? level2 + sum : level2;
	return lanes_tree(level2);
}
