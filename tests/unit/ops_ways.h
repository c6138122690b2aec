/* ops_ways.h: what the tests of operations share: each way to compute them, and numbers. */
#pragma once
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gpu/tensor.h"
#include "lib/base/random.h"

/* Calls test for each path and number of threads, or for the device that HEDDLE_TEST_DEVICE names. */
static void each_way(void (*test)(struct device *, const void *row), const void *row)
{
	if (getenv("HEDDLE_TEST_DEVICE")) {
		struct device *d;
		struct error e;
		if (device_open(getenv("HEDDLE_TEST_DEVICE"), &d, &e))
			fail_msg("%s", e.msg);
		test(d, row);
		if (device_sync(d, &e))
			fail_msg("%s", e.msg);
		device_free(d);
		return;
	}
	static const char *const paths[] = { "portable", "avx2", "avx512" };
	for (size_t p = 0; p < 3; p++)
		for (int threads = 1; threads <= 3; threads += 2) {
			struct device *d;
			struct error e;
			setenv("HEDDLE_CPU", paths[p], 1);
			int rc = device_open("cpu", &d, &e);
			unsetenv("HEDDLE_CPU");
			if (rc < 0)
				continue;
			omp_set_num_threads(threads);
			test(d, row);
			device_free(d);
		}
}

static float *numbers(size_t n, uint64_t seed, float scale)
{
	float *x = MEM_ARRAY(float, n ? n : 1);
	for (size_t i = 0; i < n; i++)
		x[i] = scale * (random_float(random_bits(seed, 0, i)) - 0.5f);
	return x;
}
