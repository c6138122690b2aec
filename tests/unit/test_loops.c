/*
 * test_loops.c: the hot loops of gpu/cpu, one run of each, small enough for callgrind:
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
	op_attention(d, y, x, x, x, 1, (size_t[]){ 0, KEYS }, 1, 0.5f, TENSOR_NONE, SIZE_MAX,
		F32);
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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(linear), cmocka_unit_test(gelu),
		cmocka_unit_test(attention), cmocka_unit_test(norm), cmocka_unit_test(bag),
		cmocka_unit_test(pair_distances) };
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
