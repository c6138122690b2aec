/*
 * tile.h: the inner product of all products: y [m, columns] (+)= x [m, kn] p [kn, columns], one
 * block of k, p with its columns side by side. R rows by C vectors of sums stay in registers
 * through the block; a step of k loads C vectors of p and R numbers of x. A sum is one chain of fma
 * in order of k (ops.h), whatever the shape of the tile. Shapes: AVX-512 8 x 48 (24 of 32
 * registers), AVX2 3 x 32 (12 of 16); narrow ones for attention's output. 6 x 16 and 4 x 24 over
 * AVX2 panels of 48 were 4-14 % slower.
 */
#pragma once
#include "gpu/cpu/vector.h"

enum { BLOCK_K = 256 };

#if defined KERNEL_avx512
enum { TILE_ROWS = 8, TILE_VECTORS = 3 };
#define NARROW_4 6
#define NARROW_2 12
#elif defined KERNEL_avx2
enum { TILE_ROWS = 3, TILE_VECTORS = 4 };
#define NARROW_4 3
#define NARROW_2 6
#else
enum { TILE_ROWS = 1, TILE_VECTORS = 16 };
#endif
#define NARROW_1 12

/* Rows of a weight that lie side by side: no part of a result. */
enum { PANEL = TILE_VECTORS * WIDTH };

#if defined KERNEL_portable

INLINE void add_products(float *s, size_t kn, const float *x, const float *p, size_t ps, size_t n)
{
	for (size_t k = 0; k < kn; k++)
		for (size_t c = 0; c < n; c++)
			s[c] = math_fma(x[k], p[k * ps + c], s[c]);
}

/* The definition. */
INLINE void tile_product(size_t m, size_t kn, const float *x, size_t xs, const float *p, size_t ps,
	size_t columns, float *y, size_t ys, bool add)
{
	for (size_t i = 0; i < m; i++) {
		for (size_t j = 0; j < columns; j += PANEL) {
			float s[PANEL] = { 0 };
			size_t n = columns - j < PANEL ? columns - j : PANEL;
			if (n == PANEL)
				add_products(s, kn, x + i * xs, p + j, ps, PANEL);
			else
				add_products(s, kn, x + i * xs, p + j, ps, n);
			for (size_t c = 0; c < n; c++)
				y[i * ys + j + c] = add ? y[i * ys + j + c] + s[c] : s[c];
		}
	}
}

#else

INLINE void tile(const int R, const int C, size_t kn, const float *x, size_t xs, const float *p,
	size_t ps, float *y, size_t ys, bool add)
{
	vector c[12][4];
	UNROLL for (int i = 0; i < R; i++)
		UNROLL for (int j = 0; j < C; j++)
			c[i][j] = v_set(0);
	for (size_t k = 0; k < kn; k++, p += ps) {
		vector b[4];
		UNROLL for (int j = 0; j < C; j++)
			b[j] = v_load(p + WIDTH * j);
		UNROLL for (int i = 0; i < R; i++) {
			vector a = v_set(x[(size_t)i * xs + k]);
			UNROLL for (int j = 0; j < C; j++)
				c[i][j] = v_fma(a, b[j], c[i][j]);
		}
	}
	UNROLL for (int i = 0; i < R; i++) {
		UNROLL for (int j = 0; j < C; j++) {
			float *to = y + (size_t)i * ys + WIDTH * j;
			v_store(to, add ? v_add(v_load(to), c[i][j]) : c[i][j]);
		}
	}
}

/* m rows by C vectors, in tiles of R rows and then of 8, 4, 2, 1. */
INLINE void tile_rows(const int R, const int C, size_t m, size_t kn, const float *x, size_t xs,
	const float *p, size_t ps, float *y, size_t ys, bool add)
{
	const size_t r = (size_t)R;
	for (; m >= r; m -= r, x += r * xs, y += r * ys)
		tile(R, C, kn, x, xs, p, ps, y, ys, add);
	if (R > 8 && m >= 8) {
		tile(8, C, kn, x, xs, p, ps, y, ys, add);
		m -= 8, x += 8 * xs, y += 8 * ys;
	}
	if (R > 4 && m >= 4) {
		tile(4, C, kn, x, xs, p, ps, y, ys, add);
		m -= 4, x += 4 * xs, y += 4 * ys;
	}
	if (R > 2 && m >= 2) {
		tile(2, C, kn, x, xs, p, ps, y, ys, add);
		m -= 2, x += 2 * xs, y += 2 * ys;
	}
	if (m)
		tile(1, C, kn, x, xs, p, ps, y, ys, add);
}

#define TILE_SHAPE(name, R, C) \
	static __attribute__((noinline, unused)) void name(size_t m, size_t kn, const float *x, \
		size_t xs, const float *p, size_t ps, float *y, size_t ys, bool add) \
	{ \
		tile_rows(R, C, m, kn, x, xs, p, ps, y, ys, add); \
	}
TILE_SHAPE(tile_panel, TILE_ROWS, TILE_VECTORS)
TILE_SHAPE(tile_4, NARROW_4, 4)
TILE_SHAPE(tile_2, NARROW_2, 2)
TILE_SHAPE(tile_1, NARROW_1, 1)

/* columns: a multiple of WIDTH; y has room for all of them. */
INLINE void tile_product(size_t m, size_t kn, const float *x, size_t xs, const float *p, size_t ps,
	size_t columns, float *y, size_t ys, bool add)
{
	for (size_t n; columns; columns -= n, p += n, y += n) {
		if (columns == PANEL) {
			tile_panel(m, kn, x, xs, p, ps, y, ys, add);
			n = PANEL;
		} else if (columns >= 4 * WIDTH) {
			tile_4(m, kn, x, xs, p, ps, y, ys, add);
			n = 4 * WIDTH;
		} else if (columns >= 2 * WIDTH) {
			tile_2(m, kn, x, xs, p, ps, y, ys, add);
			n = 2 * WIDTH;
		} else {
			tile_1(m, kn, x, xs, p, ps, y, ys, add);
			n = WIDTH;
		}
	}
}

#endif

/* y [m, columns] = x p, blocks of k one after the other, of which only begin .. end - 1 count: x
 * [m, .] and p [., columns], rows ps apart, are those of k = begin. */
INLINE void tile_blocks(size_t m, size_t begin, size_t end, const float *x, size_t xs,
	const float *p, size_t ps, size_t columns, float *y, size_t ys)
{
	if (begin == end)
		for (size_t i = 0; i < m; i++)
			memset(y + i * ys, 0, columns * sizeof *y);
	for (size_t b = begin, kn; b < end; b += kn) {
		kn = end - b < BLOCK_K - b % BLOCK_K ? end - b : BLOCK_K - b % BLOCK_K;
		tile_product(m, kn, x + (b - begin), xs, p + (b - begin) * ps, ps, columns, y, ys,
			b > begin);
	}
}
