/* test_tensor.c: devices, the choice of kernels, views, arenas and groups (gpu/tensor.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/ops.h"
#include "gpu/tensor.h"
#include "lib/base/math.h"

/* As a library built with -ffast-math does, and whether that is undone. */
#if defined __x86_64__
static void spoil(void)
{
	_mm_setcsr(0x7f80 | 0x8040); /* towards zero, subnormals off */
}

static bool is_sound(void)
{
	return (_mm_getcsr() & ~0x3fu) == 0x1f80;
}
#else
static void spoil(void)
{
}

static bool is_sound(void)
{
	return true;
}
#endif

static struct device *cpu(void)
{
	struct device *d;
	struct error e;
	assert_int_equal(device_open("cpu", &d, &e), 0);
	return d;
}

static void devices_open_by_name(void **state)
{
	static const struct {
		const char *name, *cpu;
		int code;
		const char *message;
	} cases[] = {
		{ NULL, "portable", 0, "cpu portable" },
		{ "auto", "portable", 0, "cpu portable" },
		{ "cpu", "", 0, "cpu " },
		{ "cpu", "portable", 0, "cpu portable" },
		{ "cuda:99999", NULL, ERROR_UNAVAILABLE, "--device cuda:99999: " },
		{ "cuda:", NULL, ERROR_USAGE, "--device cuda:" },
		{ "gpu", NULL, ERROR_USAGE, "auto, cpu, cuda" },
		{ "cpu", "sse", ERROR_USAGE, "portable, avx2, avx512" },
		{ "cpu", "AVX2", ERROR_USAGE, "portable, avx2, avx512" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct device *d = NULL;
		struct error e = { 0 };
		if (cases[i].cpu)
			setenv("HEDDLE_CPU", cases[i].cpu, 1);
		int rc = device_open(cases[i].name, &d, &e);
		unsetenv("HEDDLE_CPU");
		assert_int_equal(rc, cases[i].code ? -1 : 0);
		assert_int_equal(e.code, cases[i].code);
		assert_non_null(strstr(rc ? e.msg : device_name(d), cases[i].message));
		device_free(d);
	}
}

/* A path is there or it is missing with exit 69; it is never another one. */
static void kernels_are_those_that_were_asked_for(void **state)
{
	static const char *const paths[] = { "avx2", "avx512" };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct device *d = NULL;
		struct error e = { 0 };
		setenv("HEDDLE_CPU", paths[i], 1);
		if (device_open("auto", &d, &e) == 0)
			assert_string_equal(device_name(d) + strlen("cpu "), paths[i]);
		else
			assert_int_equal(e.code, ERROR_UNAVAILABLE);
		unsetenv("HEDDLE_CPU");
		device_free(d);
	}
}

static void views_read_and_write_what_they_show(void **state)
{
	struct device *d = cpu();
	float x[12], part[4];
	(void)state;
	for (int i = 0; i < 12; i++)
		x[i] = (float)i;
	struct tensor t = tensor_matrix(d, F32, 3, 4);
	tensor_write(d, t, x);
	struct tensor v = tensor_columns(tensor_rows(t, 1, 2), 1, 2);
	tensor_read(d, v, part);
	assert_memory_equal(part, ((float[]){ 5, 6, 9, 10 }), sizeof part);
	tensor_write(d, v, (float[]){ -5, -6, -9, -10 });
	tensor_read(d, t, x);
	assert_true(x[4] == 4 && x[5] == -5 && x[7] == 7 && x[10] == -10 && x[11] == 11);
	assert_int_equal(tensor_count(v), 4);
	assert_int_equal(tensor_count(TENSOR_NONE), 0);
	tensor_read(d, tensor_rows(t, 3, 0), x);
	struct tensor box = tensor_new(d, I8, 3, (size_t[]){ 2, 3, 5 });
	char bytes[30], back[30];
	memset(bytes, 7, sizeof bytes);
	tensor_write(d, box, bytes);
	tensor_read(d, box, back);
	assert_memory_equal(bytes, back, sizeof bytes);
	device_free(d);
}

static void uploads_are_read_back(void **state)
{
	struct device *d = cpu();
	float x[6] = { 1, 2, 3, 4, 5, 6 }, y[6] = { 0 };
	(void)state;
	struct tensor t = tensor_upload(d, F32, 2, 3, x), v = tensor_upload(d, F32, 6, 0, x);
	assert_int_equal(t.n_dims, 2);
	assert_int_equal(v.n_dims, 1);
	tensor_read(d, t, y);
	assert_memory_equal(x, y, sizeof x);
	tensor_release(d, &t);
	assert_null(t.data);
	device_free(d);
}

static void going_back_to_a_mark_frees_what_came_after(void **state)
{
	struct device *d = cpu();
	(void)state;
	tensor_vector(d, F32, 100);
	struct arena_mark m = device_mark(d);
	void *first = tensor_vector(d, F32, 1000).data;
	device_reset(d, m);
	assert_ptr_equal(first, tensor_vector(d, F32, 1000).data);
	device_free(d);
}

struct groups {
	int seen[100], root, sound;
	struct device *device;
};

static void group(void *context, struct device *lane, size_t i)
{
	struct groups *g = context;
	struct tensor t = tensor_vector(lane, F32, 1000);
	memset(t.data, (int)i, 4000);
#pragma omp atomic
	g->seen[i]++;
#pragma omp atomic
	g->root += lane == g->device;
#pragma omp atomic
	g->sound += is_sound();
}

static void every_group_runs_once_whatever_the_threads(void **state)
{
	static const size_t counts[] = { 0, 1, 2, 100 };
	(void)state;
	for (int threads = 1; threads <= 5; threads += 2)
		for (size_t c = 0; c < 4; c++) {
			struct groups g = { .device = cpu() };
			omp_set_num_threads(threads);
			spoil();
			device_parallel(g.device, counts[c], group, &g);
			for (size_t i = 0; i < 100; i++)
				assert_int_equal(g.seen[i], i < counts[c]);
			assert_int_equal(g.root, counts[c] == 1);
			assert_int_equal(g.sound, counts[c]);
			assert_int_equal(device_sync(g.device, NULL), 0);
			device_free(g.device);
		}
	omp_set_num_threads(1);
}

/* Operations inside groups inside groups: a lane computes by itself. */
static void nested(void *context, struct device *lane, size_t i)
{
	struct tensor x = tensor_matrix(lane, F32, 5, 300);
	(void)i;
	for (size_t j = 0; j < 1500; j++)
		((float *)x.data)[j] = 1;
	op_normalize(lane, x, x);
#pragma omp atomic
	*(double *)context += (double)((float *)x.data)[1499];
}

static void outer(void *context, struct device *lane, size_t i)
{
	(void)i;
	device_parallel(lane, 3, nested, context);
}

static void groups_nest(void **state)
{
	struct device *d = cpu();
	double sum = 0;
	(void)state;
	omp_set_num_threads(3);
	device_parallel(d, 4, outer, &sum);
	omp_set_num_threads(1);
	assert_true(sum > 12 * 0.0577 && sum < 12 * 0.0578);
	device_free(d);
}

static void weights_know_their_shape(void **state)
{
	struct device *d = cpu();
	float w[6] = { 1, 2, 3, 4, 5, 6 };
	(void)state;
	struct weight *x = weight_new(d, F32, 2, 3, 3, w, NULL);
	assert_int_equal(weight_outputs(x), 2);
	weight_free(x);
	weight_free(NULL);
	device_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_open_by_name),
		cmocka_unit_test(kernels_are_those_that_were_asked_for),
		cmocka_unit_test(views_read_and_write_what_they_show),
		cmocka_unit_test(uploads_are_read_back),
		cmocka_unit_test(going_back_to_a_mark_frees_what_came_after),
		cmocka_unit_test(every_group_runs_once_whatever_the_threads),
		cmocka_unit_test(groups_nest),
		cmocka_unit_test(weights_know_their_shape),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
