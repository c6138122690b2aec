/* eigen_symmetric: A v = lambda v, orthonormal rows, known spectra, the sign rule, the same bits
 * at any number of threads. */
#include "lib/learn/eigen.h"

#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "lib/base/random.h"

static void check(size_t n, const double *a, const double *values, const double *z, double scale)
{
	for (size_t i = 0; i < n; i++) {
		assert_true(i == 0 || values[i] <= values[i - 1]);
		size_t top = 0;
		for (size_t r = 0; r < n; r++) {
			double s = 0;
			for (size_t c = 0; c < n; c++)
				s += a[r * n + c] * z[i * n + c];
			assert_true(fabs(s - values[i] * z[i * n + r]) <=
				    1e-13 * scale * (double)(n + 8));
			if (fabs(z[i * n + r]) > fabs(z[i * n + top]))
				top = r;
		}
		assert_true(z[i * n + top] > 0);
		for (size_t j = 0; j <= i; j++) {
			double s = 0;
			for (size_t c = 0; c < n; c++)
				s += z[i * n + c] * z[j * n + c];
			assert_true(fabs(s - (i == j)) <= 1e-13 * (double)(n + 8));
		}
	}
}

static double *random_symmetric(size_t n, uint64_t seed, double scale)
{
	double *a = MEM_ARRAY(double, n *n);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j <= i; j++)
			a[i * n + j] = a[j * n + i] =
				scale * (random_double(random_bits(seed, i, j)) - 0.5);
	return a;
}

static double *copy(size_t n, const double *a)
{
	double *b = MEM_ARRAY(double, n *n);
	memcpy(b, a, n * n * sizeof *b);
	return b;
}

static void decomposes_random_matrices_of_any_size_and_scale(void **state)
{
	(void)state;
	static const size_t sizes[] = { 1, 2, 3, 4, 7, 16, 33, 64, 100, 200 };
	static const double scales[] = { 1, 1e-200, 1e200 };
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
		for (size_t t = 0; t < 3; t++) {
			size_t n = sizes[s];
			double *a = random_symmetric(n, s, scales[t]), *z = copy(n, a), values[200];
			eigen_symmetric(n, n, z, values);
			check(n, a, values, z, scales[t]);
			mem_free(a);
			mem_free(z);
		}
}

static void decomposes_matrices_with_repeated_and_zero_values(void **state)
{
	(void)state;
	enum { N = 24 };
	for (int kind = 0; kind < 4; kind++) {
		double a[N * N] = { 0 }, z[N * N], values[N];
		for (size_t i = 0; i < N; i++)
			for (size_t j = 0; j < N; j++)
				a[i * N + j] = kind == 0   ? 0
					       : kind == 1 ? i == j
					       : kind == 2 ? 1
							   : i / 6 == j / 6;
		memcpy(z, a, sizeof z);
		eigen_symmetric(N, N, z, values);
		check(N, a, values, z, 24);
		double first = kind == 0 ? 0 : kind == 1 ? 1 : kind == 2 ? N : 6;
		assert_true(fabs(values[0] - first) < 1e-12);
		assert_true(fabs(values[N - 1] - (kind == 1)) < 1e-12);
	}
}

/* Columns whose squared norm is denormal once gave a reflection of infinite beta, and rotations of
 * denormals that were none: vectors of NaN, or not orthogonal. */
static void decomposes_matrices_of_a_very_wide_range(void **state)
{
	(void)state;
	for (size_t n = 31; n <= 64; n++) {
		double *a = random_symmetric(n, n, 1), values[64];
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n; j++)
				a[i * n + j] *= pow(10, -155 * (double)(i + j) / (double)(n + 1));
		double *z = copy(n, a);
		eigen_symmetric(n, n, z, values);
		check(n, a, values, z, 1);
		mem_free(a);
		mem_free(z);
	}
}

static void knows_the_spectrum_of_a_path(void **state)
{
	(void)state;
	enum { N = 50 };
	double a[N * N] = { 0 }, values[N];
	for (size_t i = 0; i < N; i++) {
		a[i * N + i] = 2;
		if (i + 1 < N)
			a[i * N + i + 1] = a[(i + 1) * N + i] = -1;
	}
	eigen_symmetric(N, N, a, values);
	for (size_t i = 0; i < N; i++)
		assert_true(fabs(values[i] - (2 + 2 * cos(3.14159265358979323846 * (double)(i + 1) /
							      (N + 1)))) < 1e-13);
}

static void reads_only_the_lower_triangle(void **state)
{
	(void)state;
	double a[4] = { 2, NAN, 1, 2 }, values[2];
	eigen_symmetric(2, 2, a, values);
	assert_true(fabs(values[0] - 3) < 1e-15 && fabs(values[1] - 1) < 1e-15);
	assert_true(a[0] > 0 && fabs(a[0] - a[1]) < 1e-15);
}

static void gives_the_same_bits_at_any_number_of_threads_and_on_every_path(void **state)
{
	(void)state;
	enum { N = 230 };
	static const char *const paths[] = { "portable", "avx2", "avx512", "" };
	double *a = random_symmetric(N, 5, 1), *z = copy(N, a), values[N], values2[N];
	omp_set_num_threads(1);
	eigen_symmetric(N, N, z, values);
	for (size_t i = 0; i < 8; i++) {
		double *z2 = copy(N, a);
		setenv("HEDDLE_CPU", paths[i / 2], 1);
		omp_set_num_threads(i % 2 ? 3 : 1);
		eigen_symmetric(N, N, z2, values2);
		assert_memory_equal(z, z2, N * N * sizeof *z);
		assert_memory_equal(values, values2, sizeof values);
		mem_free(z2);
	}
	unsetenv("HEDDLE_CPU");
	mem_free(a);
	mem_free(z);
}

/* A tridiagonal matrix whose vectors have many zeros, which once were of another sign where other
 * vectors were asked for beside them. */
static double *wilkinson(size_t n)
{
	double *a = mem_zero(n * n, sizeof *a);
	for (size_t i = 0; i < n; i++) {
		a[i * n + i] = fabs((double)i - (double)n / 2);
		if (i > 0)
			a[i * n + i - 1] = a[(i - 1) * n + i] = 1;
	}
	return a;
}

/* Vectors that are not asked for cost nothing, and change nothing of the others. */
static void check_first(size_t n, double *a)
{
	double *z = copy(n, a), values[260], first[260];
	eigen_symmetric(n, n, z, values);
	for (size_t k = 0; k <= n; k = k < 3 ? k + 1 : 3 * k) {
		double *y = copy(n, a);
		eigen_symmetric(n, k, y, first);
		assert_memory_equal(values, first, n * sizeof *first);
		assert_memory_equal(z, y, k * n * sizeof *y);
		mem_free(y);
	}
	mem_free(a);
	mem_free(z);
}

static void gives_the_first_vectors_alone(void **state)
{
	(void)state;
	static const size_t sizes[] = { 1, 2, 5, 63, 64, 65, 131, 260 };
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
		check_first(sizes[s], random_symmetric(sizes[s], s, 1));
	check_first(257, wilkinson(257));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decomposes_random_matrices_of_any_size_and_scale),
		cmocka_unit_test(decomposes_matrices_with_repeated_and_zero_values),
		cmocka_unit_test(decomposes_matrices_of_a_very_wide_range),
		cmocka_unit_test(knows_the_spectrum_of_a_path),
		cmocka_unit_test(reads_only_the_lower_triangle),
		cmocka_unit_test(gives_the_first_vectors_alone),
		cmocka_unit_test(gives_the_same_bits_at_any_number_of_threads_and_on_every_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
