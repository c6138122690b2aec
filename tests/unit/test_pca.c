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

#include "lib/base/random.h"

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
	pca_fit(&p, x, N, C, 3, arena);
	for (size_t j = 0; j < C; j++) {
		assert_true(fabs(p.components[j] * (p.components[1] > 0 ? 1 : -1) -
				    (j % 2 ? 1 : -1) / sqrt(C)) < 0.02);
		assert_true(fabs(p.components[C + j] - 1 / sqrt(C)) < 0.02);
	}
	assert_true(
		fabs(p.variance[0] - 100. / 12 * C) < 4 && fabs(p.variance[1] - 16. / 12 * C) < 1);
	assert_true(p.variance[2] < 1e-4 && p.total > p.variance[0] + p.variance[1]);
	pca_apply(&p, x, N, out);
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
		pca_fit(&p, x, n, 5, 3, arena);
		pca_apply(&p, x, n, out);
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
	pca_fit(&p, x, N, C, K, arena);
	pca_apply(&p, x, N, out);
	omp_set_num_threads(3);
	pca_fit(&p2, x, N, C, K, arena);
	for (size_t i = 0; i < N; i += 100)
		pca_apply(&p2, x + i * C, 100, out2 + i * K);
	assert_memory_equal(p.components, p2.components, K * C * sizeof *p.components);
	assert_memory_equal(out, out2, N * K * sizeof *out);
	mem_free(x);
	mem_free(out);
	mem_free(out2);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_directions_in_order_of_variance),
		cmocka_unit_test(one_row_and_equal_rows_reduce_to_zeros),
		cmocka_unit_test(gives_the_same_bits_at_any_number_of_threads_and_in_any_batch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
