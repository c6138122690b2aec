/* pca: against scikit-learn's numbers (tests/golden/reduce.py), known shapes, degenerate input,
 * the same bits at any number of threads. */
#include "lib/learn/pca.h"

#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device.h"
#include "lib/base/random.h"
#include "lib/learn/eigen.h"
#include "lib/learn/reduction.h"

/* Rows around a point, stretched along two known orthogonal directions. */
static float *ellipse(size_t n, size_t c)
{
	float *x = MEM_ARRAY(float, n *c);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < c; j++) {
			double u = random_double(random_bits(1, i, 0)) - 0.5,
			       v = random_double(random_bits(2, i, 0)) - 0.5;
			double noise = random_double(random_bits(3, i, j)) - 0.5;
			x[i * c + j] =
				(float)(3 + 10 * u * (j % 2 ? 1 : -1) + 4 * v + 0.01 * noise);
		}
	return x;
}

static void finds_the_directions_in_order_of_variance(void **state)
{
	(void)state;
	enum { N = 3000, C = 10 };
	struct arena *arena = arena_new();
	float *x = ellipse(N, C), *out = MEM_ARRAY(float, N * 3);
	struct pca p;
	pca_fit(&p, device, x, N, C, 3, NULL, arena);
	for (size_t j = 0; j < C; j++) {
		assert_true(fabs(p.components[j] * (p.components[1] > 0 ? 1 : -1) -
				    (j % 2 ? 1 : -1) / sqrt(C)) < 0.02);
		assert_true(fabs(p.components[C + j] - 1 / sqrt(C)) < 0.02);
	}
	assert_true(
		fabs(p.variance[0] - 100. / 12 * C) < 4 && fabs(p.variance[1] - 16. / 12 * C) < 1);
	assert_true(p.variance[2] < 1e-4 && p.total > p.variance[0] + p.variance[1]);
	pca_apply(&p, device, x, N, out);
	double mean[3] = { 0 }, square[3] = { 0 };
	for (size_t i = 0; i < N; i++)
		for (size_t k = 0; k < 3; k++) {
			mean[k] += (double)out[i * 3 + k] / N;
			square[k] += (double)out[i * 3 + k] * (double)out[i * 3 + k] / (N - 1);
		}
	for (size_t k = 0; k < 3; k++) {
		assert_true(fabs(mean[k]) < 1e-5);
		assert_true(fabs(square[k] - p.variance[k]) < 1e-5 * (1 + p.variance[k]));
	}
	mem_free(x);
	mem_free(out);
	arena_free(arena);
}

static void one_row_and_equal_rows_reduce_to_zeros(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	for (size_t n = 1; n <= 3; n++) {
		float x[15], out[9];
		for (size_t i = 0; i < 15; i++)
			x[i] = (float)(i % 5) * 0.1f;
		struct pca p;
		pca_fit(&p, device, x, n, 5, 3, NULL, arena);
		pca_apply(&p, device, x, n, out);
		for (size_t i = 0; i < n * 3; i++)
			assert_true(fabsf(out[i]) < 1e-7f);
		assert_true(p.total < 1e-15);
	}
	arena_free(arena);
}

static void gives_the_same_bits_at_any_number_of_threads_and_in_any_batch(void **state)
{
	(void)state;
	enum { N = 1000, C = 33, K = 7 };
	struct arena *arena = arena_new();
	float *x = ellipse(N, C), *out = MEM_ARRAY(float, N *K), *out2 = MEM_ARRAY(float, N *K);
	struct pca p, p2;
	omp_set_num_threads(1);
	pca_fit(&p, device, x, N, C, K, out, arena);
	omp_set_num_threads(3);
	pca_fit(&p2, device, x, N, C, K, NULL, arena);
	for (size_t i = 0; i < N; i += 100)
		pca_apply(&p2, device, x + i * C, 100, out2 + i * K);
	assert_memory_equal(p.components, p2.components, K * C * sizeof *p.components);
	assert_memory_equal(out, out2, N * K * sizeof *out);
	mem_free(x);
	mem_free(out);
	mem_free(out2);
	arena_free(arena);
}

static void close_to(double a, double b, double scale)
{
	assert_true(fabs(a - b) <= 1e-11 * scale);
}

/* The eigenvectors of the covariance of columns, which pca_fit does not make for fewer rows than
 * columns. */
static double *covariance_of(const float *x, size_t n, size_t c, const double *mean)
{
	double *a = mem_zero(c * c, sizeof *a);
	for (size_t r = 0; r < n; r++)
		for (size_t i = 0; i < c; i++)
			for (size_t j = 0; j < c; j++)
				a[i * c + j] += ((double)x[r * c + i] - mean[i]) *
						((double)x[r * c + j] - mean[j]) / (double)(n - 1);
	return a;
}

/* Once 50,000 columns asked for a covariance of 20 GB. As many components as columns: the last have
 * no variance. */
static void fewer_rows_than_columns_give_the_components_of_the_covariance(void **state)
{
	(void)state;
	enum { N = 12, C = 40, RANK = N - 1 };
	struct arena *arena = arena_new();
	float x[N * C], out[N * C];
	for (size_t i = 0; i < N * C; i++)
		x[i] = random_float(random_bits(4, 0, i)) * (i % C < 3 ? 9 : i % C < 5 ? 1e-4f : 1);
	struct pca p, p2;
	omp_set_num_threads(1);
	pca_fit(&p, device, x, N, C, C, NULL, arena);
	pca_apply(&p, device, x, N, out);
	omp_set_num_threads(3);
	pca_fit(&p2, device, x, N, C, C, NULL, arena);
	assert_memory_equal(p.components, p2.components, C * C * sizeof *p.components);
	double *want = covariance_of(x, N, C, p.mean), values[C], top = 0;
	eigen_symmetric(C, C, want, values);
	for (size_t k = 0; k < C; k++) {
		top += values[k];
		close_to(p.variance[k], values[k], values[0]);
		for (size_t j = 0; j < C && k < RANK; j++)
			close_to(p.components[k * C + j], want[k * C + j], 10);
		double square = 0;
		for (size_t i = 0; i < N; i++)
			square += (double)out[i * C + k] * (double)out[i * C + k] / (N - 1);
		assert_true(fabs(square - p.variance[k]) < 1e-5 * values[0]);
		for (size_t l = 0; l <= k; l++) {
			double dot = 0;
			for (size_t j = 0; j < C; j++)
				dot += p.components[k * C + j] * p.components[l * C + j];
			close_to(dot, k == l, 0.01);
		}
	}
	close_to(p.total, top, top);
	mem_free(want);
	arena_free(arena);
}

/* A second direction of a millionth of the first one's length is still at a right angle to it. */
static void a_direction_of_little_variance_is_orthogonal_to_the_others(void **state)
{
	(void)state;
	enum { N = 3, C = 30 };
	struct arena *arena = arena_new();
	float x[N * C];
	for (size_t i = 0; i < N * C; i++)
		x[i] = (float)(i / C == 1 ? 1 + (double)(i % C) : 0) +
		       (i / C == 2 ? 1e-6f * (i % 2 ? 1 : -1) : 0);
	struct pca p;
	pca_fit(&p, device, x, N, C, 2, NULL, arena);
	double dot = 0;
	for (size_t j = 0; j < C; j++)
		dot += p.components[j] * p.components[C + j];
	assert_true(p.variance[1] > 0 && p.variance[1] < 1e-10 * p.variance[0]);
	close_to(dot, 0, 0.001);
	arena_free(arena);
}

/* A file may have components of any size; what comes of them need not be "too large". */
static void what_is_no_number_is_told(void **state)
{
	(void)state;
	struct error e;
	float out;
	struct reduction r = { .method = REDUCTION_PCA,
		.pca = { 2, 1, (double[]){ 0, 0 }, (double[]){ 1e300, -1e300 }, NULL, 0 } };
	assert_int_equal(reduction_apply(&r, device, (float[]){ 3e38f, 1 }, 1, &out, &e), -1);
	assert_string_equal(e.msg, "a principal component is too large for float32");
	assert_int_equal(reduction_apply(&r, device, (float[]){ 3e38f, 3e38f }, 1, &out, &e), -1);
	assert_int_equal(e.code, ERROR_DATA);
	assert_string_equal(e.msg, "a principal component is not a number");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_directions_in_order_of_variance),
		cmocka_unit_test(one_row_and_equal_rows_reduce_to_zeros),
		cmocka_unit_test(gives_the_same_bits_at_any_number_of_threads_and_in_any_batch),
		cmocka_unit_test(fewer_rows_than_columns_give_the_components_of_the_covariance),
		cmocka_unit_test(a_direction_of_little_variance_is_orthogonal_to_the_others),
		cmocka_unit_test(what_is_no_number_is_told),
	};
	return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
