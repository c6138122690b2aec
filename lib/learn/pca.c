/*
 * Principal components by the covariance matrix: sum over rows of (x - mean)(x - mean)', eigen
 * decomposition. Rows are taken CHUNK at a time, centred in double; an element of the covariance is
 * a chain over the chunk's rows, and the chunks' sums are added in order. Blocks of the matrix are
 * shared out among threads, which touches no sum.
 */
#include "lib/learn/pca.h"

#include <math.h>

#include "lib/base/error.h"
#include "lib/learn/eigen.h"
#include "lib/learn/gram.h"

enum { CHUNK = 256, STRIP = 16 };

static void means(const float *x, size_t n, size_t c, double *mean)
{
	size_t strips = (c + STRIP - 1) / STRIP;
#pragma omp parallel for schedule(static)
	for (size_t s = 0; s < strips; s++) {
		size_t first = s * STRIP, last = first + STRIP < c ? first + STRIP : c;
		double sum[STRIP] = { 0 };
		for (size_t i = 0; i < n; i++)
			for (size_t j = first; j < last; j++)
				sum[j - first] += (double)x[i * c + j];
		for (size_t j = first; j < last; j++)
			mean[j] = sum[j - first] / (double)n;
	}
}

/* The lower triangle of the sum of squares and products, [width, width], width a multiple of
 * GRAM_BLOCK, columns beyond c zero. */
static void scatter(
	const float *x, size_t n, size_t c, const double *mean, size_t width, double *covariance)
{
	double *z = mem_zero(size_mul(CHUNK, width), sizeof *z);
#pragma omp parallel
	for (size_t start = 0; start < n; start += CHUNK) {
		size_t rows = n - start < CHUNK ? n - start : CHUNK;
#pragma omp for schedule(static)
		for (size_t r = 0; r < rows; r++)
			for (size_t j = 0; j < c; j++)
				z[r * width + j] = (double)x[(start + r) * c + j] - mean[j];
		gram_add(z, rows, width, covariance);
	}
	mem_free(z);
}

void pca_fit(
	struct pca *p, const float *x, size_t n, size_t c, size_t n_components, struct arena *arena)
{
	CHECK(n >= 1 && n_components <= c);
	*p = (struct pca){ .n_features = c, .n_components = n_components };
	p->mean = ARENA_ARRAY(arena, double, c);
	p->components = ARENA_ARRAY(arena, double, size_mul(n_components, c));
	p->variance = ARENA_ARRAY(arena, double, n_components);
	means(x, n, c, p->mean);

	size_t width = (c + GRAM_BLOCK - 1) / GRAM_BLOCK * GRAM_BLOCK;
	double *covariance = mem_zero(size_mul(width, width), sizeof *covariance),
	       *values = MEM_ARRAY(double, c);
	scatter(x, n, c, p->mean, width, covariance);
	for (size_t i = 0; i < c; i++)
		for (size_t j = 0; j < c; j++)
			covariance[i * c + j] =
				n > 1 ? covariance[i * width + j] / (double)(n - 1) : 0;
	eigen_symmetric(c, covariance, values);
	for (size_t i = c; i-- > 0;)
		p->total += fmax(values[i], 0);
	for (size_t k = 0; k < n_components; k++) {
		p->variance[k] = fmax(values[k], 0);
		for (size_t j = 0; j < c; j++)
			p->components[k * c + j] = covariance[k * c + j];
	}
	mem_free(values);
	mem_free(covariance);
}

void pca_apply(const struct pca *p, const float *x, size_t n, float *out)
{
	size_t c = p->n_features, k_end = p->n_components;
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < k_end; k++) {
			const double *component = p->components + k * c;
			double sum[STRIP] = {
				0
			}; /* STRIP chains, so that the additions need not wait for each other */
			for (size_t j = 0; j < c; j++)
				sum[j % STRIP] +=
					((double)x[i * c + j] - p->mean[j]) * component[j];
			for (size_t half = STRIP / 2; half; half /= 2)
				for (size_t s = 0; s < half; s++)
					sum[s] += sum[s + half];
			out[i * k_end + k] = (float)sum[0];
		}
}

void pca_place(const float *x, size_t n, size_t c, size_t k, float *out)
{
	struct arena *arena = arena_new();
	struct pca p;
	size_t kept = k < c ? k : c;
	float *score = ARENA_ARRAY(arena, float, size_mul(n, kept));
	pca_fit(&p, x, n, c, kept, arena);
	pca_apply(&p, x, n, score);
	for (size_t i = 0; i < n; i++)
		for (size_t b = 0; b < k; b++)
			out[i * k + b] = b < kept ? score[i * kept + b] : 0;
	arena_free(arena);
}
