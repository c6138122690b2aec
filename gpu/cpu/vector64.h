/*
 * vector64.h: vectors of double, and the inner product over them: y [m, columns] += a [m, kn]
 * p [kn, columns], each element one chain of fma in order of k that begins with what y holds. a is
 * read at any two strides, p and y have columns side by side. R rows by C vectors stay in
 * registers, the shapes are those of tile.h.
 */
#pragma once
#include "gpu/cpu/vector.h"

#if defined KERNEL_avx512
typedef __m512d vector64;
enum { WIDTH64 = 8, TILE64_ROWS = 8, TILE64_VECTORS = 3 };
#define d_load _mm512_loadu_pd
#define d_store _mm512_storeu_pd
#define d_set _mm512_set1_pd
#define d_fma _mm512_fmadd_pd
#elif defined KERNEL_avx2
typedef __m256d vector64;
enum { WIDTH64 = 4, TILE64_ROWS = 3, TILE64_VECTORS = 4 };
#define d_load _mm256_loadu_pd
#define d_store _mm256_storeu_pd
#define d_set _mm256_set1_pd
#define d_fma _mm256_fmadd_pd
#else
typedef double vector64;
enum { WIDTH64 = 1, TILE64_ROWS = 1, TILE64_VECTORS = 4 };
#define d_load(p) (*(p))
#define d_store(p, x) (*(p) = (x))
#define d_set(x) (x)
#define d_fma __builtin_fma
#endif

/* The left-hand side: element (i, k) at i row + k step. */
struct left64 {
	const double *at;
	size_t row, step;
};

INLINE void tile64(const int R, const int C, size_t kn, struct left64 a, const double *p, size_t ps,
	double *y, size_t ys)
{
	vector64 c[8][4];
	UNROLL for (int i = 0; i < R; i++)
		UNROLL for (int j = 0; j < C; j++)
			c[i][j] = d_load(y + (size_t)i * ys + WIDTH64 * j);
	for (size_t k = 0; k < kn; k++, p += ps, a.at += a.step) {
		vector64 b[4];
		UNROLL for (int j = 0; j < C; j++)
			b[j] = d_load(p + WIDTH64 * j);
		UNROLL for (int i = 0; i < R; i++) {
			vector64 x = d_set(a.at[(size_t)i * a.row]);
			UNROLL for (int j = 0; j < C; j++)
				c[i][j] = d_fma(x, b[j], c[i][j]);
		}
	}
	UNROLL for (int i = 0; i < R; i++)
		UNROLL for (int j = 0; j < C; j++)
			d_store(y + (size_t)i * ys + WIDTH64 * j, c[i][j]);
}

/* m rows by C vectors, in tiles of R rows, then one by one. */
INLINE void tile64_rows(const int R, const int C, size_t m, size_t kn, struct left64 a,
	const double *p, size_t ps, double *y, size_t ys)
{
	const size_t r = (size_t)R;
	for (; m >= r; m -= r, a.at += r * a.row, y += r * ys)
		tile64(R, C, kn, a, p, ps, y, ys);
	for (; m; m--, a.at += a.row, y += ys)
		tile64(1, C, kn, a, p, ps, y, ys);
}

#define TILE64_SHAPE(name, R, C) \
	static __attribute__((noinline, unused)) void name(size_t m, size_t kn, struct left64 a, \
		const double *p, size_t ps, double *y, size_t ys) \
	{ \
		tile64_rows(R, C, m, kn, a, p, ps, y, ys); \
	}
TILE64_SHAPE(tile64_wide, TILE64_ROWS, TILE64_VECTORS)
TILE64_SHAPE(tile64_narrow, 8, 1)

/* columns: a multiple of WIDTH64. */
INLINE void product64(size_t m, size_t kn, struct left64 a, const double *p, size_t ps,
	size_t columns, double *y, size_t ys)
{
	const size_t wide = TILE64_VECTORS * WIDTH64;
	size_t j = 0;
	for (; j + wide <= columns; j += wide)
		tile64_wide(m, kn, a, p + j, ps, y + j, ys);
	for (; j < columns; j += WIDTH64)
		tile64_narrow(m, kn, a, p + j, ps, y + j, ys);
}
