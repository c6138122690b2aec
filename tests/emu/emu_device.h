/*
 * emu_device.h: what a CUDA kernel may say, for g++; see emu.h. Loads and stores of a kernel reach
 * the emulator by themselves (-fsanitize=thread); barriers, warps and atomics are calls.
 *
 * Left out on purpose: atomics on floats, for their order is not defined (DESIGN.md); the old warp
 * functions without _sync; textures, surfaces, inline assembly.
 */
#pragma once
#include <limits.h>
#include <math.h>
#include <new>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <tuple>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
/* The emulator tells by the addresses who may see a write, not by promises. */
#define __restrict__
/* A variable of this kind lies among the thread-locals of the program, where symbols.c finds it by
 * name and redzone.awk has put gaps between it and the next. */
#define __shared__ static thread_local
#define DYNAMIC_SHARED(type, name) type *name = static_cast<type *>(emu_dynamic_shared())

#define EMU_HERE const char *file = __builtin_FILE(), int line = __builtin_LINE()

/* --- where a thread is --- */

extern "C" {
uint3 emu_thread_index(void) __attribute__((const));
uint3 emu_block_index(void) __attribute__((const));
uint3 emu_block_size(void) __attribute__((const));
uint3 emu_grid_size(void) __attribute__((const));
void *emu_dynamic_shared(void) __attribute__((const));
}
#define threadIdx emu_thread_index()
#define blockIdx emu_block_index()
#define blockDim dim3(emu_block_size())
#define gridDim dim3(emu_grid_size())
#define warpSize 32

/* --- barriers --- */

enum emu_vote { EMU_NO_VOTE, EMU_COUNT, EMU_AND, EMU_OR };
extern "C" int emu_barrier(enum emu_vote, int predicate, const char *file, int line);

static inline void __syncthreads(EMU_HERE)
{
	emu_barrier(EMU_NO_VOTE, 0, file, line);
}
static inline int __syncthreads_count(int p, EMU_HERE)
{
	return emu_barrier(EMU_COUNT, p, file, line);
}
static inline int __syncthreads_and(int p, EMU_HERE)
{
	return emu_barrier(EMU_AND, p, file, line);
}
static inline int __syncthreads_or(int p, EMU_HERE)
{
	return emu_barrier(EMU_OR, p, file, line);
}
extern "C" void emu_fence(void);
static inline void __threadfence(void)
{
	emu_fence();
}
static inline void __threadfence_block(void)
{
	emu_fence();
}
static inline void __nanosleep(unsigned)
{
	emu_fence();
}

/* --- warps --- */

enum emu_warp_op {
	EMU_SYNC,
	EMU_SHFL,
	EMU_UP,
	EMU_DOWN,
	EMU_XOR,
	EMU_BALLOT,
	EMU_MATCH,
	EMU_ADD,
	EMU_MIN,
	EMU_MAX,
	EMU_UMIN,
	EMU_UMAX,
	EMU_BIT_AND,
	EMU_BIT_OR,
	EMU_BIT_XOR
};
extern "C" uint64_t emu_warp(enum emu_warp_op, unsigned mask, uint64_t value, int lane, int width,
	const char *file, int line);
extern "C" unsigned emu_active_mask(void) __attribute__((const));

static inline void __syncwarp(unsigned mask = 0xffffffffu, EMU_HERE)
{
	emu_warp(EMU_SYNC, mask, 0, 0, 32, file, line);
}

template <class T>
static inline T emu_shuffle(
	enum emu_warp_op op, unsigned mask, T v, int lane, int width, const char *file, int line)
{
	static_assert(
		sizeof v <= 8 && __is_trivially_copyable(T), "a shuffle moves 8 bytes at most");
	uint64_t bits = 0;
	__builtin_memcpy(&bits, &v, sizeof v);
	bits = emu_warp(op, mask, bits, lane, width, file, line);
	__builtin_memcpy(&v, &bits, sizeof v);
	return v;
}
template <class T>
static inline T __shfl_sync(unsigned mask, T v, int lane, int width = 32, EMU_HERE)
{
	return emu_shuffle(EMU_SHFL, mask, v, lane, width, file, line);
}
template <class T>
static inline T __shfl_up_sync(unsigned mask, T v, unsigned delta, int width = 32, EMU_HERE)
{
	return emu_shuffle(EMU_UP, mask, v, static_cast<int>(delta), width, file, line);
}
template <class T>
static inline T __shfl_down_sync(unsigned mask, T v, unsigned delta, int width = 32, EMU_HERE)
{
	return emu_shuffle(EMU_DOWN, mask, v, static_cast<int>(delta), width, file, line);
}
template <class T>
static inline T __shfl_xor_sync(unsigned mask, T v, int lanes, int width = 32, EMU_HERE)
{
	return emu_shuffle(EMU_XOR, mask, v, lanes, width, file, line);
}
static inline unsigned __ballot_sync(unsigned mask, int p, EMU_HERE)
{
	return static_cast<unsigned>(emu_warp(EMU_BALLOT, mask, p != 0, 0, 32, file, line));
}
static inline int __any_sync(unsigned mask, int p, EMU_HERE)
{
	return emu_warp(EMU_BALLOT, mask, p != 0, 0, 32, file, line) != 0;
}
static inline int __all_sync(unsigned mask, int p, EMU_HERE)
{
	return emu_warp(EMU_BALLOT, mask, p == 0, 0, 32, file, line) == 0;
}
/* Any set of lanes with the caller is a possible answer: only the caller is given, so that nothing
 * is built on more. */
static inline unsigned __activemask(void)
{
	return emu_active_mask();
}
template <class T> static inline unsigned __match_any_sync(unsigned mask, T v, EMU_HERE)
{
	uint64_t bits = 0;
	__builtin_memcpy(&bits, &v, sizeof v);
	return static_cast<unsigned>(emu_warp(EMU_MATCH, mask, bits, 0, 32, file, line));
}

#define EMU_REDUCE(name, type, op) \
	static inline type name(unsigned mask, type v, EMU_HERE) \
	{ \
		return static_cast<type>( \
			emu_warp(op, mask, static_cast<uint32_t>(v), 0, 32, file, line)); \
	}
EMU_REDUCE(__reduce_add_sync, unsigned, EMU_ADD)
EMU_REDUCE(__reduce_add_sync, int, EMU_ADD)
EMU_REDUCE(__reduce_min_sync, unsigned, EMU_UMIN)
EMU_REDUCE(__reduce_min_sync, int, EMU_MIN)
EMU_REDUCE(__reduce_max_sync, unsigned, EMU_UMAX)
EMU_REDUCE(__reduce_max_sync, int, EMU_MAX)
EMU_REDUCE(__reduce_and_sync, unsigned, EMU_BIT_AND)
EMU_REDUCE(__reduce_or_sync, unsigned, EMU_BIT_OR)
EMU_REDUCE(__reduce_xor_sync, unsigned, EMU_BIT_XOR)
#undef EMU_REDUCE

/* --- atomics on integers --- */

enum emu_atomic_op {
	EMU_A_ADD,
	EMU_A_SUB,
	EMU_A_MIN,
	EMU_A_MAX,
	EMU_A_UMIN,
	EMU_A_UMAX,
	EMU_A_AND,
	EMU_A_OR,
	EMU_A_XOR,
	EMU_A_EXCH,
	EMU_A_CAS,
	EMU_A_INC,
	EMU_A_DEC
};
extern "C" uint64_t emu_atomic(
	enum emu_atomic_op, void *at, unsigned size, uint64_t value, uint64_t compare);

#define EMU_ATOMIC(name, type, op) \
	static inline __attribute__((always_inline)) type name(type *at, type v) \
	{ \
		return static_cast<type>( \
			emu_atomic(op, at, sizeof *at, static_cast<uint64_t>(v), 0)); \
	}
#define EMU_ATOMIC_ALL(type, min, max) \
	EMU_ATOMIC(atomicAdd, type, EMU_A_ADD) \
	EMU_ATOMIC(atomicMin, type, min) \
	EMU_ATOMIC(atomicMax, type, max) \
	EMU_ATOMIC(atomicAnd, type, EMU_A_AND) \
	EMU_ATOMIC(atomicOr, type, EMU_A_OR) \
	EMU_ATOMIC(atomicXor, type, EMU_A_XOR) \
	EMU_ATOMIC(atomicExch, type, EMU_A_EXCH) \
	static inline __attribute__((always_inline)) type atomicCAS( \
		type *at, type compare, type v) \
	{ \
		return static_cast<type>(emu_atomic(EMU_A_CAS, at, sizeof *at, \
			static_cast<uint64_t>(v), static_cast<uint64_t>(compare))); \
	}
EMU_ATOMIC_ALL(int, EMU_A_MIN, EMU_A_MAX)
EMU_ATOMIC_ALL(unsigned, EMU_A_UMIN, EMU_A_UMAX)
EMU_ATOMIC_ALL(unsigned long long, EMU_A_UMIN, EMU_A_UMAX)
EMU_ATOMIC(atomicSub, int, EMU_A_SUB)
EMU_ATOMIC(atomicSub, unsigned, EMU_A_SUB)
EMU_ATOMIC(atomicInc, unsigned, EMU_A_INC)
EMU_ATOMIC(atomicDec, unsigned, EMU_A_DEC)
#undef EMU_ATOMIC
#undef EMU_ATOMIC_ALL
static inline float atomicExch(float *at, float v)
{
	uint32_t bits;
	__builtin_memcpy(&bits, &v, 4);
	bits = static_cast<uint32_t>(emu_atomic(EMU_A_EXCH, at, 4, bits, 0));
	__builtin_memcpy(&v, &bits, 4);
	return v;
}

#include "emu_math.h"

/* --- launches --- */

extern "C" {
/* Queue run(closure) for every thread of the grid; NULL where the launch is refused. */
void *emu_launch_new(const void *kernel, dim3 grid, dim3 block, size_t shared, cudaStream_t,
	size_t closure_size, void (*run)(void *));
void emu_launch_queue(void *closure);
}

template <class... P> struct emu_closure {
	void (*kernel)(P...);
	std::tuple<P...> arguments;
	static void run(void *p)
	{
		emu_closure *c = static_cast<emu_closure *>(p);
		std::apply(c->kernel, c->arguments);
	}
};

/* kernel<<<grid, block, shared, stream>>>(arguments): they are converted and copied now. */
template <class... P, class... A>
static inline void emu_launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared,
	cudaStream_t stream, A &&...arguments)
{
	typedef emu_closure<P...> closure;
	void *p = emu_launch_new(reinterpret_cast<const void *>(kernel), grid, block, shared,
		stream, sizeof(closure), closure::run);
	if (!p)
		return;
	new (p) closure{ kernel, std::tuple<P...>(static_cast<P>(arguments)...) };
	emu_launch_queue(p);
}
