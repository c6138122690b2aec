/*
 * test_loops.c: hot loops of gpu/cpu and lib/learn, one run of each, small enough for callgrind:
 * tests/cmd/loops.bats counts their instructions (valgrind sees AVX2 at best). With the name of a
 * loop it runs that one; without arguments each must come to the sum that its inputs give exactly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/ops.h"
#include "gpu/ops_centers.h"
#include "gpu/ops_sparse.h"
#include "lib/learn/eigen_loops.h"
#include "lib/learn/space.h"

enum { ROWS = 96, COLUMNS = 384, KEYS = 192, SIZE = 32 };

static struct device *d;

static struct tensor filled(size_t rows, size_t columns, float value)
{
	struct tensor t = tensor_matrix(d, F32, rows, columns);
	for (size_t i = 0; i < rows * columns; i++)
		((float *)t.data)[i] = value;
	return t;
}

static struct tensor row_of(size_t columns, float value)
{
	struct tensor t = tensor_vector(d, F32, columns);
	for (size_t i = 0; i < columns; i++)
		((float *)t.data)[i] = value;
	return t;
}

static double sum(struct tensor t)
{
	size_t n = tensor_count(t);
	double s = 0;
	for (size_t i = 0; i < n; i++)
		s += (double)((float *)t.data)[i];
	return s;
}

static struct tensor product(enum activation activation, float bias)
{
	struct tensor x = filled(ROWS, COLUMNS, 1), w = filled(COLUMNS, COLUMNS, 0.5f);
	struct tensor b = row_of(COLUMNS, bias), y = filled(ROWS, COLUMNS, 0);
	struct weight *weight = weight_new(d, F32, COLUMNS, COLUMNS, COLUMNS, w.data, b.data);
	op_linear(d, y, x, weight, activation);
	weight_free(weight);
	return y;
}

static void linear(void **state)
{
	(void)state;
	assert_true(sum(product(ACTIVATION_NONE, 0)) == (double)ROWS * COLUMNS * COLUMNS / 2);
}

static void gelu(void **state)
{
	(void)state; /* gelu(192 - 192) and gelu(192) */
	assert_true(sum(product(ACTIVATION_GELU, -COLUMNS / 2)) == 0);
	assert_true(sum(product(ACTIVATION_GELU, 0)) == (double)ROWS * COLUMNS * COLUMNS / 2);
}

static void attention(void **state)
{
	struct tensor x = filled(KEYS, SIZE, 0.25f), y = filled(KEYS, SIZE, 0);
	(void)state;
	op_attention(d, y, x, x, x, 1, (size_t[]){ 0, KEYS }, 1, 0.5f, TENSOR_NONE, SIZE_MAX, F32);
	assert_true(sum(y) == KEYS * SIZE / 4);
}

static void norm(void **state)
{
	struct tensor x = filled(ROWS, COLUMNS, 3);
	struct norm n = { row_of(COLUMNS, 1), row_of(COLUMNS, 2), 1e-12f };
	(void)state;
	op_norm(d, x, x, n);
	assert_true(sum(x) == 2 * ROWS * COLUMNS);
}

static void bag(void **state)
{
	enum { IDS = 1000 };
	struct tensor table = tensor_matrix(d, I8, 10, 256), y = filled(1, 256, 0);
	uint32_t ids[IDS];
	(void)state;
	memset(table.data, 3, 2560);
	for (uint32_t i = 0; i < IDS; i++)
		ids[i] = i % 10;
	op_bag(d, y, table, row_of(10, 0.5f), ids, 1, (size_t[]){ 0, IDS }, true);
	assert_true(sum(y) == 256 * 1.5);
}

static void pair_distances(void **state)
{
	enum { PAIRS = 100 };
	struct tensor x = filled(2, COLUMNS, 1), z = filled(2, COLUMNS, 3), y = row_of(PAIRS, 0);
	struct tensor i = tensor_vector(d, I32, PAIRS);
	(void)state;
	memset(i.data, 0, PAIRS * sizeof(int32_t));
	op_pair_distances(d, y, x, z, i, i, METRIC_SQEUCLIDEAN);
	assert_true(sum(y) == PAIRS * COLUMNS * 4);
}

static double *doubles(size_t n, double value)
{
	double *x = MEM_ARRAY(double, n);
	for (size_t i = 0; i < n; i++)
		x[i] = value;
	return x;
}

/* d = |1 - 3|^2 of every row and centre. */
static void centers(void **state)
{
	enum { CENTERS = 64 };
	double *c = doubles(CENTERS * COLUMNS, 3), raw[ROWS], all = 0;
	int32_t label[ROWS];
	(void)state;
	op_nearest_center(d, filled(ROWS, COLUMNS, 1), c, CENTERS, false, label, raw);
	for (size_t i = 0; i < ROWS; i++)
		all += raw[i] + label[i];
	assert_true(all == 4 * ROWS * COLUMNS);
	mem_free(c);
}

/* A row has EDGES elements of 1/2. */
static void sparse(void **state)
{
	enum { N = 64, EDGES = 16, WIDE = 2 * SPARSE_LANES };
	struct tensor x = filled(N, WIDE, 4), y = filled(N, WIDE, 0);
	struct tensor start = tensor_vector(d, I64, N + 1),
		      column = tensor_vector(d, I32, N * EDGES);
	(void)state;
	for (size_t i = 0; i <= N; i++)
		((size_t *)start.data)[i] = i * EDGES;
	for (int32_t i = 0; i < N * EDGES; i++)
		((int32_t *)column.data)[i] = i % N;
	struct sparse m = { start, column, row_of(N * EDGES, 0.5f) };
	op_sparse_product(d, y, &m, x, 1, 0, 0, x);
	assert_true(sum(y) == N * WIDE * EDGES * 2);
}

static void raw(void **state)
{
	enum { BLOCKS = 16 };
	double *x = doubles(COLUMNS, 1), *blocks = doubles(BLOCKS * SPACE_LANES * COLUMNS, 3);
	double *y = doubles(4 * BLOCKS * SPACE_LANES, 0), all = 0;
	double *to[4];
	(void)state;
	for (size_t i = 0; i < 4; i++)
		to[i] = y + i * BLOCKS * SPACE_LANES;
	space_block4(SPACE_EUCLIDEAN, (const double *const[4]){ x, x, x, x }, blocks, BLOCKS,
		COLUMNS, to);
	for (size_t i = 0; i < 4 * BLOCKS * SPACE_LANES; i++)
		all += y[i];
	assert_true(all == 4. * 4 * BLOCKS * SPACE_LANES * COLUMNS);
	mem_free(x);
	mem_free(blocks);
	mem_free(y);
}

/* Of a matrix of ones: its product with ones, and less 2 in every element; of a strip of ones: two
 * sweeps of quarter turns, and less what a row has in all. */
static void eigen(void **state)
{
	const struct eigen_loops *loops = eigen_loops();
	double *a = doubles(COLUMNS * COLUMNS, 1), *v = doubles(COLUMNS, 1),
	       *p = doubles(COLUMNS, 0);
	double *x = doubles(COLUMNS * EIGEN_PANEL, 1), *strip = doubles(COLUMNS * EIGEN_STRIP, 1);
	double *turns = doubles(2 * COLUMNS, 0);
	double products[EIGEN_GROUP][EIGEN_GROUP] = { { 0 } }, beta[EIGEN_GROUP] = { 0 };
	(void)state;
	loops->multiply(a, COLUMNS, 0, COLUMNS, v, p);
	for (size_t i = 0; i < COLUMNS; i++)
		assert_true(p[i] == COLUMNS);
	for (size_t i = 0; i < COLUMNS; i++)
		turns[2 * i + 1] = 1;
	struct eigen_sweep sweeps[2] = { { 0, COLUMNS - 1, turns }, { 0, COLUMNS - 1, turns } };
	loops->rotate(strip, sweeps, 2);
	for (size_t i = 0; i < COLUMNS; i++)
		assert_true(strip[i * EIGEN_STRIP] == (i < COLUMNS - 2 ? 1 : -1));
	beta[0] = 1;
	loops->reflect(strip, COLUMNS, EIGEN_GROUP, a, COLUMNS, beta, products);
	assert_true(strip[0] == 1 - (COLUMNS - 4));
	loops->update(a, COLUMNS, COLUMNS, COLUMNS, 1, x, v, x, v);
	assert_true(a[0] == -1 && a[COLUMNS * COLUMNS - 1] == -1);
	mem_free(a);
	mem_free(v);
	mem_free(p);
	mem_free(x);
	mem_free(strip);
	mem_free(turns);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(linear), cmocka_unit_test(gelu),
		cmocka_unit_test(attention), cmocka_unit_test(norm), cmocka_unit_test(bag),
		cmocka_unit_test(pair_distances), cmocka_unit_test(centers),
		cmocka_unit_test(sparse), cmocka_unit_test(raw), cmocka_unit_test(eigen) };
	struct error e;
	omp_set_num_threads(1);
	if (device_open("cpu", &d, &e) != 0)
		return e.code;
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	device_free(d);
	return failed;
}
