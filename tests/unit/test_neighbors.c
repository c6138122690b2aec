/* neighbors: every metric against distances in double, copies and rows of zeros, the search by
 * clusters, new rows. */
#include "lib/learn/neighbors.h"

#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "lib/base/random.h"
#include "device.h"

/* Rows around centres, `noise` wide; the last tenth are copies of the first. */
static float *sample(size_t n, size_t c, float noise)
{
	float *x = MEM_ARRAY(float, n *c);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < c; j++)
			x[i * c + j] = random_float(random_bits(1, i % 37, j)) - 0.3f +
				       noise * (random_float(random_bits(2, i, j)) - 0.5f);
	for (size_t i = n - n / 10; i < n; i++)
		memcpy(x + i * c, x + (i - (n - n / 10)) * c, c * sizeof *x);
	return x;
}

static double distance(const float *x, const float *z, size_t c, enum neighbor_metric metric)
{
	double xx = 0, zz = 0, xz = 0, square = 0, sum = 0, mx = 0, mz = 0;
	for (size_t j = 0; j < c && metric == NEIGHBOR_CORRELATION; j++) {
		mx += (double)x[j] / (double)c;
		mz += (double)z[j] / (double)c;
	}
	for (size_t j = 0; j < c; j++) {
		double a = (double)x[j] - mx, b = (double)z[j] - mz;
		xx += a * a;
		zz += b * b;
		xz += a * b;
		square += (a - b) * (a - b);
		sum += fabs(a - b);
	}
	if (metric == NEIGHBOR_EUCLIDEAN)
		return sqrt(square);
	if (metric == NEIGHBOR_MANHATTAN)
		return sum;
	return xx == 0 && zz == 0 ? 0 : xx == 0 || zz == 0 ? 1 : fmax(1 - xz / sqrt(xx * zz), 0);
}

static int ascending(const void *a, const void *b)
{
	double p = *(const double *)a, q = *(const double *)b;
	return (p > q) - (p < q);
}

/* The lists hold the k smallest distances, right to 1e-6 of the largest, each with an index that
 * has it. */
static void check(const float *x, size_t n, size_t c, enum neighbor_metric metric, size_t k,
	const float *q, size_t m, const uint32_t *index, const float *got, bool self)
{
	double *all = MEM_ARRAY(double, n);
	for (size_t i = 0; i < m; i++) {
		double top = 0;
		for (size_t j = 0; j < n; j++) {
			all[j] = distance(q + i * c, x + j * c, c, metric);
			top = fmax(top, all[j]);
		}
		for (size_t j = 0; j < k; j++) {
			assert_true(index[i * k + j] < n);
			assert_true(
				fabs((double)got[i * k + j] - all[index[i * k + j]]) <= 1e-6 * top);
			assert_true(j == 0 || got[i * k + j] >= got[i * k + j - 1]);
			for (size_t b = 0; b < j; b++)
				assert_true(index[i * k + b] != index[i * k + j]);
		}
		if (self)
			assert_true(index[i * k] == i && got[i * k] == 0);
		qsort(all, n, sizeof *all, ascending);
		for (size_t j = 0; j < k; j++)
			assert_true(fabs((double)got[i * k + j] - all[j]) <= 1e-6 * top);
	}
	mem_free(all);
}

static void every_metric_finds_the_nearest(void **state)
{
	(void)state;
	static const size_t sizes[] = { 1, 2, 15, 16, 100, 700 }, widths[] = { 1, 5, 40 };
	for (size_t s = 0; s < 6; s++)
		for (size_t w = 0; w < 3; w++)
			for (int metric = 0; metric < 4; metric++) {
				size_t n = sizes[s], c = widths[w], k = n < 15 ? n : 15;
				if (metric == NEIGHBOR_CORRELATION && c == 1)
					continue;
				float *x = sample(n, c, 0.5f), *d = MEM_ARRAY(float, n *k);
				uint32_t *index = MEM_ARRAY(uint32_t, n * k);
				struct rows rows;
				rows_init(&rows, x, n, c, (enum neighbor_metric)metric);
				assert_int_equal(neighbors_find(device, &rows, k, NEIGHBORS_AUTO, 1,
							 index, d, NULL),
					0);
				check(x, n, c, (enum neighbor_metric)metric, k, x, n, index, d,
					true);
				rows_free(&rows);
				mem_free(index);
				mem_free(d);
				mem_free(x);
			}
}

static void copies_are_at_distance_0_and_rows_of_zeros_at_1_from_others(void **state)
{
	(void)state;
	enum { N = 60, C = 12, K = 8 };
	float *x = sample(N, C, 0.5f), d[N * K];
	uint32_t index[N * K];
	memset(x + 5 * C, 0, C * sizeof *x);
	memset(x + 50 * C, 0, C * sizeof *x);
	for (int metric = 0; metric < 4; metric += 3) {
		struct rows rows;
		rows_init(&rows, x, N, C, (enum neighbor_metric)metric);
		assert_int_equal(
			neighbors_find(device, &rows, K, NEIGHBORS_AUTO, 1, index, d, NULL), 0);
		assert_int_equal(index[5 * K + 1], 50);
		assert_true(d[5 * K + 1] == 0 && fabsf(d[5 * K + 2] - 1) < 1e-6f);
		assert_int_equal(index[54 * K + 1], 0);
		assert_true(d[54 * K + 1] == 0);
		rows_free(&rows);
	}
	mem_free(x);
}

/* Far from the origin a product's rounding is larger than the distances; huge and tiny rows
 * would leave the range of float32. */
static void distances_survive_an_offset_and_any_scale(void **state)
{
	(void)state;
	enum { N = 300, C = 20, K = 10 };
	static const float scales[] = { 1, 1e30f, 1e-30f };
	for (size_t s = 0; s < 3; s++) {
		float *x = sample(N, C, 0.5f), *d = MEM_ARRAY(float, N *K);
		uint32_t *index = MEM_ARRAY(uint32_t, N * K);
		for (size_t i = 0; i < N * C; i++)
			x[i] = (x[i] + (s == 0 ? 1000 : 0)) * scales[s];
		struct rows rows;
		rows_init(&rows, x, N, C, NEIGHBOR_EUCLIDEAN);
		assert_int_equal(
			neighbors_find(device, &rows, K, NEIGHBORS_AUTO, 1, index, d, NULL), 0);
		check(x, N, C, NEIGHBOR_EUCLIDEAN, K, x, N, index, d, true);
		rows_free(&rows);
		mem_free(index);
		mem_free(d);
		mem_free(x);
	}
}

static void the_search_by_clusters_finds_nearly_all_and_always_the_same(void **state)
{
	(void)state;
	enum { N = 6000, C = 24, K = 15 };
	float *x = sample(N, C, 1), *d = MEM_ARRAY(float, N *K), *d2 = MEM_ARRAY(float, N *K);
	uint32_t *exact = MEM_ARRAY(uint32_t, N * K), *index = MEM_ARRAY(uint32_t, N * K),
		 *index2 = MEM_ARRAY(uint32_t, N * K);
	for (int metric = 0; metric < 4; metric += 2) {
		struct rows rows;
		rows_init(&rows, x, N, C, (enum neighbor_metric)metric);
		assert_int_equal(
			neighbors_find(device, &rows, K, NEIGHBORS_EXACT, 0, exact, d, NULL), 0);
		omp_set_num_threads(1);
		assert_int_equal(
			neighbors_find(device, &rows, K, NEIGHBORS_APPROXIMATE, 1, index, d, NULL),
			0);
		omp_set_num_threads(3);
		assert_int_equal(neighbors_find(device, &rows, K, NEIGHBORS_APPROXIMATE, 1, index2,
					 d2, NULL),
			0);
		assert_memory_equal(index, index2, N * K * sizeof *index);
		assert_memory_equal(d, d2, N * K * sizeof *d);
		size_t hits = 0;
		for (size_t i = 0; i < N; i++)
			for (size_t j = 0; j < K; j++)
				for (size_t b = 0; b < K; b++)
					hits += exact[i * K + j] == index[i * K + b];
		assert_true((double)hits > 0.97 * N * K);
		rows_free(&rows);
	}
	mem_free(index2);
	mem_free(index);
	mem_free(exact);
	mem_free(d2);
	mem_free(d);
	mem_free(x);
}

static void an_index_answers_for_new_rows(void **state)
{
	(void)state;
	enum { N = 500, M = 30, C = 16, K = 6 };
	float *x = sample(N + M, C, 0.5f), d[M * K];
	uint32_t index[M * K];
	for (int metric = 0; metric < 4; metric++) {
		struct rows rows, q;
		rows_init(&rows, x, N, C, (enum neighbor_metric)metric);
		rows_init_as(&q, &rows, x + N * C, M);
		struct neighbor_index *i = neighbor_index_new(device, &rows);
		assert_int_equal(neighbor_index_query(device, i, &q, K, index, d, NULL), 0);
		check(x, N, C, (enum neighbor_metric)metric, K, x + N * C, M, index, d, false);
		neighbor_index_free(i);
		rows_free(&q);
		rows_free(&rows);
	}
	mem_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_metric_finds_the_nearest),
		cmocka_unit_test(copies_are_at_distance_0_and_rows_of_zeros_at_1_from_others),
		cmocka_unit_test(distances_survive_an_offset_and_any_scale),
		cmocka_unit_test(the_search_by_clusters_finds_nearly_all_and_always_the_same),
		cmocka_unit_test(an_index_answers_for_new_rows),
	};
	return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
