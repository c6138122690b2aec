#include "lib/learn/eigen_loops.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 8, VECTORS = EIGEN_STRIP / LANES };
typedef double lanes __attribute__((vector_size(LANES * sizeof(double)), aligned(8), may_alias));

#define INLINE static inline __attribute__((always_inline))

/* not a function: it would return a vector wider than baseline x86-64 has */
#define get(p) (*(const lanes *)(p))

INLINE double update_body(double *row, size_t n, double a, const double *w, double b,
	const double *v, const double *u)
{
	lanes s[2] = { { 0 }, { 0 } };
	size_t whole = n / (2 * LANES) * (2 * LANES);
	for (size_t i = 0; i < whole; i += 2 * LANES) {
		lanes x = get(row + i) - (a * get(w + i) + b * get(v + i));
		lanes y = get(row + i + LANES) - (a * get(w + i + LANES) + b * get(v + i + LANES));
		*(lanes *)(row + i) = x;
		*(lanes *)(row + i + LANES) = y;
		s[0] += x * get(u + i);
		s[1] += y * get(u + i + LANES);
	}
	double lane[2 * LANES];
	memcpy(lane, s, sizeof lane);
	for (size_t i = whole; i < n; i++) {
		row[i] -= a * w[i] + b * v[i];
		lane[i - whole] += row[i] * u[i];
	}
	for (size_t half = LANES; half; half /= 2)
		for (size_t l = 0; l < half; l++)
			lane[l] += lane[l + half];
	return lane[0];
}

INLINE void reflect_body(double *strip, size_t n, double beta, const double *v)
{
	lanes s0 = { 0 }, s1 = { 0 }, s2 = { 0 }, s3 = { 0 };
	const double *q = strip;
	for (size_t j = 0; j < n; j++, q += EIGEN_STRIP) {
		s0 += v[j] * get(q);
		s1 += v[j] * get(q + LANES);
		s2 += v[j] * get(q + 2 * LANES);
		s3 += v[j] * get(q + 3 * LANES);
	}
	for (size_t j = 0; j < n; j++, strip += EIGEN_STRIP) {
		lanes *to = (lanes *)strip;
		double scale = beta * v[j];
		to[0] -= scale * s0;
		to[1] -= scale * s1;
		to[2] -= scale * s2;
		to[3] -= scale * s3;
	}
}

/* Rotations mostly go upwards a row at a time: the row that the next one turns too stays in
 * registers. */
INLINE void rotate_body(double *strip, const struct eigen_rotation *r, size_t n)
{
	for (size_t k = 0; k < n;) {
		lanes *y = (lanes *)(strip + (r[k].row + 1) * EIGEN_STRIP);
		lanes y0 = y[0], y1 = y[1], y2 = y[2], y3 = y[3];
		do {
			double c = r[k].c, s = r[k].s;
			const lanes *x = y - VECTORS;
			lanes x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
			y[0] = s * x0 + c * y0;
			y[1] = s * x1 + c * y1;
			y[2] = s * x2 + c * y2;
			y[3] = s * x3 + c * y3;
			y0 = c * x0 - s * y0;
			y1 = c * x1 - s * y1;
			y2 = c * x2 - s * y2;
			y3 = c * x3 - s * y3;
			y -= VECTORS;
			k++;
		} while (k < n && r[k].row + 1 == r[k - 1].row);
		y[0] = y0;
		y[1] = y1;
		y[2] = y2;
		y[3] = y3;
	}
}

#define LOOPS(name, attribute) \
	attribute static double name##_update(double *row, size_t n, double a, const double *w, \
		double b, const double *v, const double *u) \
	{ \
		return update_body(row, n, a, w, b, v, u); \
	} \
	attribute static void name##_reflect( \
		double *strip, size_t n, double beta, const double *v) \
	{ \
		reflect_body(strip, n, beta, v); \
	} \
	attribute static void name##_rotate( \
		double *strip, const struct eigen_rotation *r, size_t n) \
	{ \
		rotate_body(strip, r, n); \
	} \
	static const struct eigen_loops name = { name##_update, name##_reflect, name##_rotate };

LOOPS(portable, )
#ifdef __x86_64__
LOOPS(avx2, __attribute__((target("avx2"))))
LOOPS(avx512, __attribute__((target("avx512f"))))
#endif

const struct eigen_loops *eigen_loops(void)
{
#ifdef __x86_64__
	const char *path = getenv("HEDDLE_CPU");
	bool any = !path || !*path;
	__builtin_cpu_init();
	if ((any || strcmp(path, "avx512") == 0) && __builtin_cpu_supports("avx512f"))
		return &avx512;
	if ((any || strcmp(path, "portable") != 0) && __builtin_cpu_supports("avx2"))
		return &avx2;
#endif
	return &portable;
}
