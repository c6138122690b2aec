/*
 * lists.h: the k smallest in order of (value, index), kept by a warp (ops.h, op_top_k). An empty
 * place is +inf with index -1, the last of all.
 */
#pragma once
#include "gpu/cuda/cuda.h"

DEVICE_FN bool list_before(float value, uint32_t index, float other, int32_t other_index)
{
	return value < other || (value == other && index < static_cast<uint32_t>(other_index));
}

/* Put (value, index) into the list of k, whose last falls out; all threads of the warp with the same
 * arguments. Places move up from the last, 32 at a time. */
DEVICE_FN void list_insert(float *values, int32_t *indices, size_t k, float value, uint32_t index)
{
	size_t lane = threadIdx.x % WARP;
	for (size_t end = k; end > 0; end = end > WARP ? end - WARP : 0) {
		size_t first = end > WARP ? end - WARP : 0, at = first + lane;
		bool own = at < end;
		float v = own ? values[at] : 0, before = own && at ? values[at - 1] : 0;
		int32_t i = own ? indices[at] : 0, before_index = own && at ? indices[at - 1] : 0;
		bool moves = own && list_before(value, index, v, i);
		bool lands = moves && (at == 0 || !list_before(value, index, before, before_index));
		__syncwarp();
		if (moves) {
			values[at] = lands ? value : before;
			indices[at] = lands ? static_cast<int32_t>(index) : before_index;
		}
		__syncwarp();
		if (__any_sync(ALL, lands || (own && !moves)))
			return;
	}
}

/* Offer a value of each thread, where `offered`; their order does not matter. */
DEVICE_FN void list_offer(
	float *values, int32_t *indices, size_t k, float value, uint32_t index, bool offered)
{
	bool good = offered && list_before(value, index, values[k - 1], indices[k - 1]);
	unsigned mask = __ballot_sync(ALL, good);
	while (mask) {
		int from = __ffs(static_cast<int>(mask)) - 1;
		mask &= mask - 1;
		float v = __shfl_sync(ALL, value, from);
		uint32_t i = __shfl_sync(ALL, index, from);
		if (list_before(v, i, values[k - 1], indices[k - 1]))
			list_insert(values, indices, k, v + 0.0f, i);
	}
}
