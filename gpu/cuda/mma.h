/*
 * mma.h: one warp's matrix product on tensor cores, 16 x 8 x 16 of bfloat16 or binary16 with float32 sums, and how
 * tiles get there (PTX ISA, "Warp Level Matrix Multiply-Accumulate Instructions"); from compute
 * capability 8.0 on. For the emulator the same in plain C: who has which element is written there.
 */
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "gpu/cuda/cuda.h"

/* Kernels that multiply so are empty before compute capability 8.0, where nobody launches them
 * (cuda_half_native). */
#if !defined __CUDA_ARCH__ || __CUDA_ARCH__ >= 800
#define TENSOR_CORES
#endif

/* The number in the low half. */
template <enum dtype T> DEVICE_FN float half_number(uint32_t half)
{
	uint16_t bits = static_cast<uint16_t>(half);
	return T == F16 ? __half2float(__ushort_as_half(bits))
			: math_float((int32_t)((uint32_t)bits << 16));
}

#if defined HEDDLE_EMULATOR

/* c [16, 8] += a [16, 16] b [16, 8]. Thread 4 g + t has of c rows g and g + 8, columns 2 t, 2 t + 1;
 * of a the pairs of columns 2 t and 2 t + 8 in rows g (0, 2) and g + 8 (1, 3); of b those pairs of
 * rows in column g. */
template <enum dtype T> DEVICE_FN void mma(float *c, const uint32_t *a, const uint32_t *b)
{
	int lane = threadIdx.x % WARP, g = lane / 4, t = lane % 4;
	for (int k = 0; k < 4; k++) {
		uint32_t own[4], left[2], right[2];
		for (int i = 0; i < 4; i++)
			own[i] = __shfl_sync(ALL, a[i], 4 * g + k);
		for (int i = 0; i < 2; i++) {
			left[i] = __shfl_sync(ALL, b[i], 4 * (2 * t) + k);
			right[i] = __shfl_sync(ALL, b[i], 4 * (2 * t + 1) + k);
		}
		for (int i = 0; i < 4; i++) {
			const uint32_t *column = i % 2 ? right : left;
			for (int half = 0; half < 2; half++) {
				uint32_t x = own[i / 2 + 2 * half], y = column[half];
				c[i] += half_number<T>(x) * half_number<T>(y) +
					half_number<T>(x >> 16) * half_number<T>(y >> 16);
			}
		}
	}
}

/* Four 8 x 8 matrices: thread 8 m + r names row r of matrix m, 16 bytes; thread 4 r + t gets the
 * pair of columns 2 t of row r of each. */
DEVICE_FN void load_matrices(uint32_t *to, const void *row)
{
	uint64_t own = reinterpret_cast<uint64_t>(row);
	int lane = threadIdx.x % WARP;
	for (int m = 0; m < 4; m++) {
		uint64_t from = __shfl_sync(ALL, own, 8 * m + lane / 4);
		to[m] = reinterpret_cast<const uint32_t *>(from)[lane % 4];
	}
}

/* The same, each matrix transposed. */
DEVICE_FN void load_transposed(uint32_t *to, const void *row)
{
	uint64_t own = reinterpret_cast<uint64_t>(row);
	int lane = threadIdx.x % WARP;
	for (int m = 0; m < 4; m++) {
		uint64_t low = __shfl_sync(ALL, own, 8 * m + lane % 4 * 2);
		uint64_t high = __shfl_sync(ALL, own, 8 * m + lane % 4 * 2 + 1);
		to[m] = reinterpret_cast<const uint16_t *>(low)[lane / 4] |
			(uint32_t) reinterpret_cast<const uint16_t *>(high)[lane / 4] << 16;
	}
}

/* 16 bytes to shared memory, zeros where not `real`; they are there after async_wait. */
DEVICE_FN void async_copy(void *to, const void *from, bool real)
{
	*static_cast<uint4 *>(to) = real ? *static_cast<const uint4 *>(from) : uint4{ 0, 0, 0, 0 };
}

DEVICE_FN void async_commit(void)
{
}

template <int LEFT> DEVICE_FN void async_wait(void)
{
}

#else

template <enum dtype T> DEVICE_FN void mma(float *c, const uint32_t *a, const uint32_t *b)
{
#if __CUDA_ARCH__ >= 800
#define MMA(type) \
	asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." type "." type ".f32 " \
		     "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
		     : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) \
		     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]))
	if (T == F16)
		MMA("f16");
	else
		MMA("bf16");
#endif
}

DEVICE_FN uint32_t shared_address(const void *p)
{
	return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}

DEVICE_FN void load_matrices(uint32_t *to, const void *row)
{
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
		     : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
		     : "r"(shared_address(row))
		     : "memory");
}

DEVICE_FN void load_transposed(uint32_t *to, const void *row)
{
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
		     : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
		     : "r"(shared_address(row))
		     : "memory");
}

DEVICE_FN void async_copy(void *to, const void *from, bool real)
{
#if __CUDA_ARCH__ >= 800
	asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
		     :
		     : "r"(shared_address(to)), "l"(from), "r"(real ? 16 : 0)
		     : "memory");
#endif
}

DEVICE_FN void async_commit(void)
{
#if __CUDA_ARCH__ >= 800
	asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

template <int LEFT> DEVICE_FN void async_wait(void)
{
#if __CUDA_ARCH__ >= 800
	asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory");
#endif
}

#endif

/* Two floats to nearest even, the first in the low half. */
template <enum dtype T> DEVICE_FN uint32_t half_pair(float low, float high)
{
#if defined __CUDA_ARCH__ && __CUDA_ARCH__ >= 800
	uint32_t pair;
	if (T == F16)
		asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
	else
		asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
	return pair;
#else
	uint32_t a = T == F16 ? __half_as_ushort(__float2half_rn(low))
			      : __bfloat16_as_ushort(__float2bfloat16_rn(low));
	uint32_t b = T == F16 ? __half_as_ushort(__float2half_rn(high))
			      : __bfloat16_as_ushort(__float2bfloat16_rn(high));
	return a | b << 16;
#endif
}
