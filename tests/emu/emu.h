/*
 * emu.h: CUDA on the CPU, for tests. The kernels of gpu/cuda compile with g++ against the headers of
 * this folder and run on the functions of its .c files; nothing in a kernel's source differs.
 *
 * How work maps. A thread is a fibre with a stack of its own (fibre.c); a block runs to its end on
 * one processor before the next begins, blocks of a grid in random order, threads of a block in
 * random order, changing at every barrier and warp function and now and then between two accesses to
 * memory (block.c, warp.c). HEDDLE_EMU_SEED, a number, is the seed of all that; the same seed gives
 * the same run. Streams are queues that run when somebody waits (stream.c). The compiler calls
 * the emulator before each load and store of device code: .cu files are compiled with
 * -fsanitize=thread, and access.c is what libtsan would be. A device address is looked up in a shadow
 * (shadow.h): whether it is allocated, written, and by whom and when.
 *
 * What it finds; each ends the program with status EMU_FOUND and a report on stderr that names
 * kernel, block, thread, variable or allocation and both places in the source:
 * - accesses outside of an allocation or a shared variable, after free, misaligned, and to memory of
 *   the host, of another thread, or of the device by the host;
 * - reads of shared or global memory that nobody has written;
 * - races: two accesses, one of them a write, by two threads of a block with no barrier or
 *   __syncwarp between them, or of two blocks of a launch, or of two operations on streams that
 *   nothing orders. Two atomics (or volatile accesses) do not race. It is found whether or not this
 *   seed's order shows it in the results;
 * - barriers that a thread does not reach: it exited, or waits at another one (by source line);
 * - warp functions: a lane missing from its own mask, lanes named that do not come, a shuffle from a
 *   lane that does not take part;
 * - copies that leave their allocation or read what nobody has written.
 *
 * What it cannot find: what depends on the card's real timing, registers, or caches; races through
 * __threadfence by which blocks hand over results (reported although they may be right, see
 * emu_fence); an out-of-bounds index that lands inside another allocation (there are 256 bytes
 * between them, 64 between shared variables); missing __launch_bounds__ or too many registers;
 * accesses inside a function that was compiled without -fsanitize=thread, memcpy and memset among
 * them.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "cuda_runtime_api.h"

enum { EMU_FOUND = 99 };

#if defined __cplusplus
extern "C" {
#endif

/* For tests: the next allocation but n of device memory fails, -1: none. And bytes that there are. */
void emu_fail_allocation(long n);
void emu_set_memory(size_t total);
/* Begin again with another seed; nothing may be queued. */
void emu_set_seed(uint64_t seed);

/*
 * For an allocator on top of cudaMalloc: in order on the stream, [p, p + size) becomes memory that
 * nobody has written (open), or out of bounds (closed). gpu/cuda/device.cu calls them only when
 * HEDDLE_EMULATOR is defined.
 */
void emu_region(void *p, size_t size, bool open, cudaStream_t);

#if defined __cplusplus
}
#endif
