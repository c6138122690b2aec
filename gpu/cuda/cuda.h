/*
 * gpu/cuda/cuda.h: the frame of a CUDA kernel. gpu/cuda/x.cu holds the launchers of the operations
 * that gpu/cpu/x.c computes: CUDA_KERNEL(frob) { … } takes the operation's arguments (gpu/kernels.h)
 * and the number of its units, and launches kernels on the lane's stream; gpu/cuda/table.cu collects
 * them. Host arrays among the arguments go through cuda_stage; room that a launch needs comes from
 * cuda_arena_alloc between a mark and a reset.
 *
 * The float32 results are those of gpu/ops.h bit for bit: -fmad=false, fused multiply-adds are
 * written as math_fma, sums follow lanes.h, no atomics on floats. The same sources compile with g++
 * and tests/emu's cuda_runtime.h (HEDDLE_EMULATOR), so: no inline assembly without a plain
 * counterpart, launches through LAUNCH, dynamic shared memory through DYNAMIC_SHARED.
 */
#pragma once
#include <cuda_runtime.h>

#include "lib/base/math.h"
#include "lib/base/math64.h"
#include "lib/base/random.h"

extern "C" {
#define _Noreturn
#include "gpu/activation.h"
#include "gpu/backend.h"
#include "gpu/neighbors.h"
#include "gpu/umap.h"
#undef _Noreturn
}

/* LAUNCH(kernel, grid, block, shared_bytes, lane, arguments...): on the lane's stream; nothing after a
 * failure of the card, so that no kernel reads what another was to write. */
#define LAUNCH(kernel, grid, block, shared_bytes, lane, ...) \
	do { \
		if (!cuda_failed(lane)) \
			START(kernel, grid, block, shared_bytes, cuda_stream(lane), __VA_ARGS__); \
	} while (0)

#if defined HEDDLE_EMULATOR
#define START(kernel, grid, block, shared_bytes, stream, ...) \
	emu_launch(kernel, grid, block, shared_bytes, stream, __VA_ARGS__)
#else
#define START(kernel, grid, block, shared_bytes, stream, ...) \
	kernel<<<grid, block, shared_bytes, stream>>>(__VA_ARGS__)
#define DYNAMIC_SHARED(type, name) \
	extern __shared__ __align__(16) unsigned char dynamic_shared[]; \
	type *name = reinterpret_cast<type *>(dynamic_shared)
#endif

#define DEVICE_FN static __device__ __forceinline__
#define CUDA_KERNEL(name) void cuda_##name(struct lane *lane, const void *arguments, size_t n)

typedef void cuda_launcher(struct lane *, const void *arguments, size_t n);

/* Of halves, to whose multiples rows of them are padded. */
MATH_FN size_t eights_of(size_t n)
{
	return (n + 7) / 8;
}

constexpr int WARP = 32, LANES = 16, BLOCK_K = 256;
constexpr unsigned ALL = 0xffffffff;

/* --- of a lane, gpu/cuda/device.cu, memory.cu, copy.cu --- */

cudaStream_t cuda_stream(struct lane *);

/* Its arena; NULL where the card has no more memory. After a failure memory may still come, but
 * nothing runs on it. */
void *cuda_arena_alloc(struct lane *, size_t size);
struct arena_mark cuda_arena_mark(const struct lane *);
void cuda_arena_reset(struct lane *, struct arena_mark);

/* gpu/cuda/table.cu: an operation's n units. */
void cuda_run(struct lane *, enum kernel, const void *arguments, size_t n);

/* A copy on the card of host memory, which the lane's next launches may read: of four copies before
 * a launch each may fill a slot of the ring (copy.cu). NULL after a failure. */
void *cuda_stage(struct lane *, const void *host, size_t size);
#define STAGE(lane, array, n) \
	static_cast<decltype(array)>(cuda_stage(lane, array, (n) * sizeof *(array)))

/* Copies between the host and the card; fetching waits. */
void cuda_send(struct lane *, void *to, const void *host, size_t size);
void cuda_fetch(struct lane *, void *host, const void *from, size_t size);

/* Whether the card has failed; note a result, `what` names the call. */
bool cuda_failed(struct lane *);
bool cuda_good(struct lane *, cudaError_t, const char *what);
#define LAUNCHED(lane, name) (void)cuda_good(lane, cudaGetLastError(), name)

/* Multiprocessors, ten times the compute capability, and the most shared memory a block may have,
 * bytes. */
int cuda_processors(struct lane *);
int cuda_capability(struct lane *);
size_t cuda_shared(struct lane *);

/* Blocks for n elements; more than a grid may have are a CHECK. */
static inline unsigned cuda_blocks(size_t n, size_t block)
{
	size_t blocks = (n + block - 1) / block;
	CHECK(blocks <= INT32_MAX);
	return (unsigned)blocks;
}

/* Whether the rows of a matrix can be read four floats at once. */
static inline bool by_fours(const float *x, size_t stride)
{
	return reinterpret_cast<uintptr_t>(x) % 16 == 0 && stride % 4 == 0;
}

/* Or of halves eight at once. */
static inline bool by_eights(const uint16_t *x, size_t stride)
{
	return reinterpret_cast<uintptr_t>(x) % 16 == 0 && stride % 8 == 0;
}

static inline float *cuda_floats(struct lane *lane, size_t n)
{
	return static_cast<float *>(cuda_arena_alloc(lane, size_mul(n, sizeof(float))));
}

static inline double *cuda_doubles(struct lane *lane, size_t n)
{
	return static_cast<double *>(cuda_arena_alloc(lane, size_mul(n, sizeof(double))));
}
