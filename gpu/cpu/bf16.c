/*
 * bf16.c: products of bfloat16 with float32 sums, where the processor multiplies pairs of them
 * (VDPBF16PS, AVX512-BF16). Panels and x hold pairs of k, an odd last k paired with 0; blocks of
 * 256 are added as in float32. Elsewhere the rounded numbers are kept as floats and the float32
 * product is used (linear.c), which is as fast as float32: widening pairs in the inner loop ran at
 * half of that rate.
 */
#include "gpu/cpu/product.h"

#if defined KERNEL_avx512

void LOCAL(bf16_rows)(uint16_t *y, size_t y_stride, const float *x, size_t x_stride, size_t rows,
	size_t columns)
{
	for (size_t i = 0; i < rows; i++) {
		for (size_t j = 0; j < columns; j++) {
			uint32_t u = (uint32_t)math_bits(x[i * x_stride + j]);
			uint32_t up = u + 0x7fff + (u >> 16 & 1);
			u = (u & 0x7fffffff) > 0x7f800000 ? u | 0x400000 : up;
			y[i * y_stride + j] = (uint16_t)(u >> 16);
		}
		if (columns < y_stride)
			y[i * y_stride + columns] = 0;
	}
}

bool LOCAL(bf16_native)(void)
{
	return __builtin_cpu_supports("avx512bf16");
}

#define BF16_TARGET __attribute__((target("avx512bf16")))

BF16_TARGET INLINE __m512i load_pairs(const uint16_t *x)
{
	return _mm512_loadu_si512(x);
}

BF16_TARGET INLINE __m512i set_pair(const uint16_t *x)
{
	int32_t u;
	memcpy(&u, x, sizeof u);
	return _mm512_set1_epi32(u);
}

BF16_TARGET INLINE void tile_bf16(const int R, float *y, size_t ys, const uint16_t *x, size_t xs,
	size_t kn, const uint16_t *p, bool add)
{
	vector c[TILE_ROWS][TILE_VECTORS];
	UNROLL for (int i = 0; i < R; i++)
		UNROLL for (int j = 0; j < TILE_VECTORS; j++)
			c[i][j] = v_set(0);
	for (size_t k = 0; k < kn; k += 2, p += 2 * PANEL) {
		__m512i b[TILE_VECTORS];
		UNROLL for (int j = 0; j < TILE_VECTORS; j++)
			b[j] = load_pairs(p + 2 * WIDTH * j);
		UNROLL for (int i = 0; i < R; i++) {
			__m512i a = set_pair(x + (size_t)i * xs + k);
			UNROLL for (int j = 0; j < TILE_VECTORS; j++)
				c[i][j] = _mm512_dpbf16_ps(c[i][j], (__m512bh)a, (__m512bh)b[j]);
		}
	}
	UNROLL for (int i = 0; i < R; i++) {
		UNROLL for (int j = 0; j < TILE_VECTORS; j++) {
			float *to = y + (size_t)i * ys + WIDTH * j;
			v_store(to, add ? v_add(v_load(to), c[i][j]) : c[i][j]);
		}
	}
}

BF16_TARGET void LOCAL(bf16_panel)(float *y, size_t y_stride, const uint16_t *x, size_t x_stride,
	size_t rows, size_t k, const uint16_t *panel)
{
	for (size_t b = 0; b == 0 || b < k; b += BLOCK_K) {
		size_t kn = k - b < BLOCK_K ? k - b : BLOCK_K, i = 0;
		const uint16_t *p = panel + b * PANEL;
		for (; i + TILE_ROWS <= rows; i += TILE_ROWS)
			tile_bf16(TILE_ROWS, y + i * y_stride, y_stride, x + i * x_stride + b,
				x_stride, kn, p, b > 0);
		for (; i + 2 <= rows; i += 2)
			tile_bf16(2, y + i * y_stride, y_stride, x + i * x_stride + b, x_stride, kn,
				p, b > 0);
		if (i < rows)
			tile_bf16(1, y + i * y_stride, y_stride, x + i * x_stride + b, x_stride, kn,
				p, b > 0);
	}
}

#else

bool LOCAL(bf16_native)(void)
{
	return false;
}

#endif
