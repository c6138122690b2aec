/*
 * bf16.c: products of bfloat16 with float32 sums. Panels and x hold pairs of k (2 x 16 bits), as the
 * instruction VDPBF16PS takes them; it is used where the processor has it. Elsewhere a pair is two
 * shifts and two fma. Sums of blocks of 256 are added as in float32.
 */
#include "gpu/cpu/product.h"

/* To nearest even; a NaN keeps its upper bits and becomes quiet. */
INLINE uint16_t round_one(float x)
{
	uint32_t u = (uint32_t)math_bits(x), up = (u + 0x7fff + (u >> 16 & 1)) >> 16;
	return (uint16_t)((u & 0x7fffffff) > 0x7f800000 ? (u >> 16 | 0x40) : up);
}

/* Rows of x in whole pairs: an odd last column is paired with 0 where there is room (y_stride > columns). */
void LOCAL(bf16_round)(uint16_t *y, size_t y_stride, const float *x, size_t x_stride, size_t rows,
	size_t columns)
{
	for (size_t i = 0; i < rows; i++) {
		for (size_t j = 0; j < columns; j++)
			y[i * y_stride + j] = round_one(x[i * x_stride + j]);
		if (columns < y_stride)
			y[i * y_stride + columns] = 0;
	}
}

INLINE uint32_t pair(const uint16_t *x)
{
	uint32_t u;
	memcpy(&u, x, sizeof u);
	return u;
}

#if defined KERNEL_portable

void LOCAL(bf16_panel)(float *y, size_t y_stride, const uint16_t *x, size_t x_stride, size_t rows,
	size_t k, const uint16_t *panel)
{
	for (size_t i = 0; i < rows; i++, y += y_stride, x += x_stride) {
		for (size_t b = 0; b == 0 || b < k; b += BLOCK_K) {
			float s[PANEL] = { 0 };
			for (size_t l = b; l < k && l < b + BLOCK_K; l += 2) {
				uint32_t a = pair(x + l);
				for (size_t j = 0; j < PANEL; j++) {
					uint32_t w = pair(panel + l * PANEL + 2 * j);
					s[j] += math_float((int32_t)(a << 16)) * math_float((int32_t)(w << 16));
					s[j] += math_float((int32_t)(a & 0xffff0000u)) *
						math_float((int32_t)(w & 0xffff0000u));
				}
			}
			for (size_t j = 0; j < PANEL; j++)
				y[j] = b ? y[j] + s[j] : s[j];
		}
	}
}

#else

#if defined KERNEL_avx512
typedef __m512i pairs;
#define p_load(p) _mm512_loadu_si512(p)
#define p_set(u) _mm512_set1_epi32((int)(u))
#define p_low(p) _mm512_castsi512_ps(_mm512_slli_epi32((p), 16))
#define p_high(p) _mm512_castsi512_ps(_mm512_and_si512((p), _mm512_set1_epi32((int)0xffff0000u)))
#else
typedef __m256i pairs;
#define p_load(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define p_set(u) _mm256_set1_epi32((int)(u))
#define p_low(p) _mm256_castsi256_ps(_mm256_slli_epi32((p), 16))
#define p_high(p) _mm256_castsi256_ps(_mm256_and_si256((p), _mm256_set1_epi32((int)0xffff0000u)))
#endif

/* Half of the panel's sums by both halves of the pairs would not fit AVX2's registers: two rows at a time. */
INLINE void widened(const int R, float *y, size_t ys, const uint16_t *x, size_t xs, size_t kn,
	const uint16_t *p, bool add)
{
	vector c[8][TILE_VECTORS];
	UNROLL for (int i = 0; i < R; i++)
		UNROLL for (int j = 0; j < TILE_VECTORS; j++)
			c[i][j] = v_set(0);
	for (size_t k = 0; k < kn; k += 2, p += 2 * PANEL) {
		UNROLL for (int j = 0; j < TILE_VECTORS; j++) {
			pairs w = p_load(p + 2 * WIDTH * j);
			UNROLL for (int i = 0; i < R; i++) {
				pairs a = p_set(pair(x + (size_t)i * xs + k));
				c[i][j] = v_fma(p_low(a), p_low(w), c[i][j]);
				c[i][j] = v_fma(p_high(a), p_high(w), c[i][j]);
			}
		}
	}
	UNROLL for (int i = 0; i < R; i++) {
		UNROLL for (int j = 0; j < TILE_VECTORS; j++) {
			float *to = y + (size_t)i * ys + WIDTH * j;
			v_store(to, add ? v_add(v_load(to), c[i][j]) : c[i][j]);
		}
	}
}

static void widened_rows(float *y, size_t ys, const uint16_t *x, size_t xs, size_t rows, size_t kn,
	const uint16_t *p, bool add)
{
	enum { R = TILE_ROWS / 2 };
	for (; rows >= R; rows -= R, y += R * ys, x += R * xs)
		widened(R, y, ys, x, xs, kn, p, add);
	for (; rows; rows--, y += ys, x += xs)
		widened(1, y, ys, x, xs, kn, p, add);
}

#if defined KERNEL_avx512
#define BF16 __attribute__((target("avx512bf16")))

BF16 INLINE void native(const int R, float *y, size_t ys, const uint16_t *x, size_t xs, size_t kn,
	const uint16_t *p, bool add)
{
	vector c[8][TILE_VECTORS];
	UNROLL for (int i = 0; i < R; i++)
		UNROLL for (int j = 0; j < TILE_VECTORS; j++)
			c[i][j] = v_set(0);
	for (size_t k = 0; k < kn; k += 2, p += 2 * PANEL) {
		pairs w[TILE_VECTORS];
		UNROLL for (int j = 0; j < TILE_VECTORS; j++)
			w[j] = p_load(p + 2 * WIDTH * j);
		UNROLL for (int i = 0; i < R; i++) {
			pairs a = p_set(pair(x + (size_t)i * xs + k));
			UNROLL for (int j = 0; j < TILE_VECTORS; j++)
				c[i][j] = _mm512_dpbf16_ps(c[i][j], (__m512bh)a, (__m512bh)w[j]);
		}
	}
	UNROLL for (int i = 0; i < R; i++) {
		UNROLL for (int j = 0; j < TILE_VECTORS; j++) {
			float *to = y + (size_t)i * ys + WIDTH * j;
			v_store(to, add ? v_add(v_load(to), c[i][j]) : c[i][j]);
		}
	}
}

BF16 static void native_rows(float *y, size_t ys, const uint16_t *x, size_t xs, size_t rows,
	size_t kn, const uint16_t *p, bool add)
{
	for (; rows >= 8; rows -= 8, y += 8 * ys, x += 8 * xs)
		native(8, y, ys, x, xs, kn, p, add);
	for (; rows >= 2; rows -= 2, y += 2 * ys, x += 2 * xs)
		native(2, y, ys, x, xs, kn, p, add);
	if (rows)
		native(1, y, ys, x, xs, kn, p, add);
}
#undef BF16
#endif

void LOCAL(bf16_panel)(float *y, size_t y_stride, const uint16_t *x, size_t x_stride, size_t rows,
	size_t k, const uint16_t *panel)
{
	for (size_t b = 0; b == 0 || b < k; b += BLOCK_K) {
		size_t kn = k - b < BLOCK_K ? k - b : BLOCK_K;
#if defined KERNEL_avx512
		if (__builtin_cpu_supports("avx512bf16")) {
			native_rows(y, y_stride, x + b, x_stride, rows, kn, panel + b * PANEL, b > 0);
			continue;
		}
#endif
		widened_rows(y, y_stride, x + b, x_stride, rows, kn, panel + b * PANEL, b > 0);
	}
}

#endif
