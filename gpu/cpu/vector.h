/*
 * vector.h: vectors of the path (struct v, WIDTH floats) and the 16 lanes of a sum (struct lanes:
 * LANES / WIDTH vectors). AVX-512 16 floats, AVX2 8, portable 1: there the loops over WIDTH vanish
 * and the code is the definition. v_bytes(p) is WIDTH int8 as floats. v_max(a, b) is a > b ? a : b, as the instruction.
 */
#pragma once
#include "gpu/cpu/kernels.h"

#if defined KERNEL_avx2 || defined KERNEL_avx512
#include <immintrin.h>
#endif

/* A loop with a constant bound over registers: gcc 12 otherwise keeps arrays of accumulators in
 * memory. */
#if defined __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define INLINE static inline __attribute__((always_inline, unused))

#if defined KERNEL_avx512
typedef __m512 vector;
enum { WIDTH = 16 };
#define v_load _mm512_loadu_ps
#define v_store _mm512_storeu_ps
#define v_set _mm512_set1_ps
#define v_fma _mm512_fmadd_ps
#define v_add _mm512_add_ps
#define v_sub _mm512_sub_ps
#define v_mul _mm512_mul_ps
#define v_div _mm512_div_ps
#define v_max _mm512_max_ps
#define v_bytes(p) \
	_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(p))))
#elif defined KERNEL_avx2
typedef __m256 vector;
enum { WIDTH = 8 };
#define v_load _mm256_loadu_ps
#define v_store _mm256_storeu_ps
#define v_set _mm256_set1_ps
#define v_fma _mm256_fmadd_ps
#define v_add _mm256_add_ps
#define v_sub _mm256_sub_ps
#define v_mul _mm256_mul_ps
#define v_div _mm256_div_ps
#define v_max _mm256_max_ps
#define v_bytes(p) \
	_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(p))))
#else
typedef float vector;
enum { WIDTH = 1 };
#define v_load(p) (*(p))
#define v_store(p, x) (*(p) = (x))
#define v_set(x) (x)
#define v_fma math_fma
#define v_add(a, b) ((a) + (b))
#define v_sub(a, b) ((a) - (b))
#define v_mul(a, b) ((a) * (b))
#define v_div(a, b) ((a) / (b))
#define v_bytes(p) ((float)*(p))
INLINE float v_max(float a, float b)
{
	return a > b ? a : b;
}
#endif

enum { LANES = 16, LANE_VECTORS = LANES / WIDTH };

/* The tree 8, 4, 2, 1 over sixteen partial sums. */
INLINE float lanes_tree(float *s)
{
	for (int w = LANES / 2; w; w /= 2)
		for (int i = 0; i < w; i++)
			s[i] = s[i] + s[i + w];
	return s[0];
}
