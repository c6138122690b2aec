/*
 * test_ops.c: THE table of operations. Every row is an operation and a shape; it runs on every path
 * of this processor, on one thread and on three, on the device itself and on a lane. All results
 * must have the bits of the definition (ops_definition.h in float), NaNs being equal, and lie
 * within the stated error of the same formulas in double: `error` counts 2^-24 of the largest
 * reference value of the row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/ops.h"
#include "lib/base/math.h"
#include "lib/base/random.h"

/* Set where only bits are compared and the reference in double is not looked at. */
static bool bits_only;

#define REAL float
#define SKIP false
#define NAME(x) x##_float
#define FMA fmaf
#define SQRT sqrtf
#define ABS fabsf
#define EXP_NEG math_exp_neg
#define GELU math_gelu
#define GELU_TANH math_gelu_tanh
#define TANH math_tanh
#include "tests/unit/ops_definition.h"
#undef REAL
#undef SKIP
#undef NAME
#undef FMA
#undef SQRT
#undef ABS
#undef EXP_NEG
#undef GELU
#undef GELU_TANH
#undef TANH

static double gelu_double(double x)
{
	return 0.5 * x * (1 + erf(x * sqrt(0.5)));
}

static double gelu_tanh_double(double x)
{
	return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

#define REAL double
#define SKIP bits_only
#define NAME(x) x##_double
#define FMA fma
#define SQRT sqrt
#define ABS fabs
#define EXP_NEG exp
#define GELU gelu_double
#define GELU_TANH gelu_tanh_double
#define TANH tanh
#include "tests/unit/ops_definition.h"

/* --- the frame ------------------------------------------------------------------------------ */

struct row;
struct output {
	size_t n;
	float *got, *want;
	double *reference;
};

/* fn computes one row of the table: with d NULL the definition and the reference, else the
 * operation. */
typedef void operation(struct device *d, const struct row *, struct output *);
struct row {
	const char *name;
	operation *fn;
	size_t m, n, k; /* as the operation's row says */
	int variant; /* activation, pooling, metric, … */
	double error;
};

static struct arena *arena;
static bool specials;

/* Numbers in (-size, size) + shift, the same for the same seed; with `specials` some are what
 * breaks sloppy kernels. */
static float *numbers(uint64_t seed, size_t n, float size, float shift)
{
	static const float special[] = { 0, -0.0f, 1e-30f, -1e-30f, 1e-40f, -0x1p-149f, 3e38f,
		INFINITY, -INFINITY, NAN };
	float *x = ARENA_ARRAY(arena, float, n + 1);
	for (size_t i = 0; i < n; i++) {
		uint64_t bits = random_bits(7, seed, i);
		x[i] = (random_float(bits) * 2 - 1) * size + shift;
		/* mostly zeros and tiny numbers: what a NaN touches is no longer compared */
		uint32_t kind = (uint32_t)bits & 0xfff;
		if (specials && kind < 2048)
			x[i] = special[kind < 2044 ? kind % 6 : kind - 2044 + 6];
	}
	return x;
}

static double *doubles(const float *x, size_t n)
{
	double *y = ARENA_ARRAY(arena, double, n + 1);
	for (size_t i = 0; i < n; i++)
		y[i] = (double)x[i];
	return y;
}

/* Room for n results; those of the device begin as garbage. */
static void reserve(struct output *o, size_t n)
{
	o->n = n;
	o->got = ARENA_ARRAY(arena, float, n + 1);
	o->want = ARENA_ARRAY(arena, float, n + 1);
	o->reference = ARENA_ARRAY(arena, double, n + 1);
	memset(o->got, 0xee, n * sizeof *o->got);
}

static struct tensor matrix(struct device *d, const float *x, size_t rows, size_t columns)
{
	struct tensor t = tensor_matrix(d, F32, rows, columns);
	tensor_write(d, t, x);
	return t;
}

static struct tensor vector(struct device *d, const float *x, size_t n)
{
	struct tensor t = tensor_vector(d, F32, n);
	tensor_write(d, t, x);
	return t;
}

/* Lengths that add up to `tokens`, some of them 0 and 1. */
static size_t offsets(size_t tokens, size_t sequences, size_t *cu)
{
	cu[0] = 0;
	for (size_t b = 0; b < sequences; b++) {
		size_t left = tokens - cu[b];
		size_t n = b + 1 == sequences ? left
			   : b % 4 == 1       ? 0
			   : b % 4 == 2       ? left > 0
					      : left / 2;
		cu[b + 1] = cu[b] + n;
	}
	return sequences;
}

#include "tests/unit/ops_encoder.h"
#include "tests/unit/ops_vectors.h"

/* --- the table ------------------------------------------------------------------------------ */

static const struct row table[] = {
#include "tests/unit/ops_table.h"
};

/* On lanes too: device_parallel with two groups, the row computed in the second. */
struct lane_call {
	const struct row *row;
	struct output *output;
};

static void on_lane(void *context, struct device *lane, size_t i)
{
	struct lane_call *c = context;
	if (i == 1)
		c->row->fn(lane, c->row, c->output);
}

static bool same(const struct row *r, const char *where, const struct output *o)
{
	for (size_t i = 0; i < o->n; i++) {
		float a = o->got[i], b = o->want[i];
		if (memcmp(&a, &b, sizeof a) != 0 && (a == a || b == b)) {
			print_error("%s, %s: element %zu is %a, not %a\n", r->name, where, i,
				(double)a, (double)b);
			return false;
		}
	}
	return true;
}

/* The largest error in 2^-24 of the largest reference value. */
static double error(const struct output *o)
{
	double worst = 0, largest = 0;
	for (size_t i = 0; i < o->n; i++) {
		double e = isinf(o->reference[i]) ? 0 : fabs((double)o->want[i] - o->reference[i]);
		worst = e > worst ? e : worst;
		largest =
			isfinite(o->reference[i]) ? fmax(largest, fabs(o->reference[i])) : largest;
	}
	return largest > 0 ? worst / largest * 0x1p24 : worst > 0 ? INFINITY : 0;
}

static const char *const paths[] = { "portable", "avx2", "avx512" };
enum { LONG = 4000, PATHS = sizeof paths / sizeof *paths, ROWS = sizeof table / sizeof *table };

/* The device of a path, or NULL where this processor lacks it. HEDDLE_TEST_DEVICE names another
 * device, instead of all paths. */
static struct device *open_path(size_t path)
{
	const char *device = getenv("HEDDLE_TEST_DEVICE");
	struct device *d;
	struct error e;
	if (device && path > 0)
		return NULL;
	if (device) {
		if (device_open(device, &d, &e))
			fail_msg("%s", e.msg);
		return d;
	}
	setenv("HEDDLE_CPU", paths[path], 1);
	int rc = device_open("cpu", &d, &e);
	unsetenv("HEDDLE_CPU");
	assert_true(rc == 0 || e.code == ERROR_UNAVAILABLE);
	return rc == 0 ? d : NULL;
}

/* One row on one device: alone, on three threads, on a lane. Long ones take seconds: once. */
static bool try(const struct row *row, struct device *d, struct output *o)
{
	struct lane_call call = { row, o };
	bool good = true;
	omp_set_num_threads(1);
	row->fn(d, row, o);
	good = same(row, device_name(d), o) && good;
	if (row->m > LONG)
		return good;
	if (!getenv("HEDDLE_TEST_DEVICE")) { /* a card does not see the host's threads */
		memset(o->got, 0xee, o->n * sizeof *o->got);
		omp_set_num_threads(3);
		row->fn(d, row, o);
		good = same(row, "three threads", o) && good;
	}
	memset(o->got, 0xee, o->n * sizeof *o->got);
	omp_set_num_threads(1);
	device_parallel(d, 2, on_lane, &call);
	good = same(row, "on a lane", o) && good;
	assert_int_equal(device_sync(d, NULL), 0);
	return good;
}

static bool all_rows(struct device *d)
{
	bool good = true;
	for (size_t r = 0; r < ROWS; r++) {
		struct output o = { 0 };
		if (specials && table[r].m > LONG)
			continue;
		arena_clear(arena);
		table[r].fn(NULL, &table[r], &o);
		good = try(&table[r], d, &o) && good;
	}
	return good;
}

static void each_operation_is_within_its_stated_error(void **state)
{
	bool verbose = getenv("HEDDLE_VERBOSE") != NULL, good = true;
	(void)state;
	for (size_t r = 0; r < ROWS; r++) {
		struct output o = { 0 };
		arena_clear(arena);
		table[r].fn(NULL, &table[r], &o);
		double e = error(&o);
		if (verbose)
			print_message("%-60s %8.2f of %.2f\n", table[r].name, e, table[r].error);
		if (!(e <= table[r].error)) {
			print_error(
				"%s: error %.2f, stated %.2f\n", table[r].name, e, table[r].error);
			good = false;
		}
	}
	assert_true(good);
}

static void on_path(void **state)
{
	struct device *d = open_path(*(size_t *)*state);
	struct error e;
	if (!d)
		skip();
	bits_only = true;
	bool good = all_rows(d);
	specials = true;
	good = all_rows(d) && good;
	specials = bits_only = false;
	if (device_sync(d, &e))
		print_error("%s\n", e.msg);
	device_free(d);
	assert_true(good);
}

#include "tests/unit/ops_fast.h"

/* Groups on lanes that run beside each other, with weights of the device: as on the device itself. */
enum { GROUPS = 7, GROUP_ROWS = 5, GROUP_COLUMNS = 40 };
struct groups {
	const float *x;
	float *y;
	struct weight *w;
	struct norm norm;
};

static void on_group(void *context, struct device *lane, size_t i)
{
	const struct groups *g = context;
	size_t at = i * GROUP_ROWS * GROUP_COLUMNS;
	struct tensor x = matrix(lane, g->x + at, GROUP_ROWS, GROUP_COLUMNS);
	struct tensor y = tensor_matrix(lane, F32, GROUP_ROWS, GROUP_COLUMNS);
	op_linear(lane, y, x, g->w, ACTIVATION_GELU);
	op_norm(lane, y, y, g->norm);
	tensor_read(lane, y, g->y + at);
}

static void groups_on_lanes_have_the_bits_of_the_device(void **state)
{
	enum { N = GROUPS * GROUP_ROWS * GROUP_COLUMNS };
	static float got[N], want[N];
	(void)state;
	for (size_t p = 0; p < PATHS; p++) {
		struct device *d = open_path(p);
		if (!d)
			continue;
		arena_clear(arena);
		const float *w = numbers(2, GROUP_COLUMNS * GROUP_COLUMNS, 0.2f, 0);
		const float *gamma = numbers(3, GROUP_COLUMNS, 0.3f, 1);
		struct groups g = { .x = numbers(1, N, 1, 0), .y = want };
		g.w = weight_new(d, F32, GROUP_COLUMNS, GROUP_COLUMNS, GROUP_COLUMNS, w, NULL);
		g.norm = (struct norm){ vector(d, gamma, GROUP_COLUMNS),
			vector(d, w, GROUP_COLUMNS), 1e-5f };
		for (size_t i = 0; i < GROUPS; i++)
			on_group(&g, d, i);
		g.y = got;
		omp_set_num_threads(3);
		device_parallel(d, GROUPS, on_group, &g);
		assert_int_equal(device_sync(d, NULL), 0);
		assert_memory_equal(got, want, sizeof got);
		weight_free(g.w);
		device_free(d);
	}
}

static int setup(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
	static size_t path[] = { 0, 1, 2 };
	const struct CMUnitTest device[] = {
		{ "the device has the bits of the definition", on_path, NULL, NULL, &path[0] },
		cmocka_unit_test(fast_products_are_within_their_tolerance),
		cmocka_unit_test(attention_of_rounded_factors_is_near),
		cmocka_unit_test(groups_on_lanes_have_the_bits_of_the_device),
	};
	if (getenv("HEDDLE_TEST_DEVICE"))
		return cmocka_run_group_tests(device, setup, teardown);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_operation_is_within_its_stated_error),
		{ "portable C has the bits of the definition", on_path, NULL, NULL, &path[0] },
		{ "AVX2 has the bits of the definition", on_path, NULL, NULL, &path[1] },
		{ "AVX-512 has the bits of the definition", on_path, NULL, NULL, &path[2] },
		cmocka_unit_test(fast_products_are_within_their_tolerance),
		cmocka_unit_test(attention_of_rounded_factors_is_near),
		cmocka_unit_test(groups_on_lanes_have_the_bits_of_the_device),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
