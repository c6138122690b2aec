/* kernels.h: what the benchmarks of gpu/ share: CPU time, since machines are shared, and the best
 * of some rounds. */
#pragma once
#include <stdio.h>
#include <time.h>

#include "gpu/ops.h"
#include "lib/base/random.h"

static inline double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Uniform in (-size, size) + shift. */
static inline float *bench_numbers(size_t n, float size, float shift)
{
	static uint64_t stream;
	float *x = MEM_ARRAY(float, n);
	stream++;
	for (size_t i = 0; i < n; i++)
		x[i] = (random_float(random_bits(1, stream, i)) * 2 - 1) * size + shift;
	return x;
}

/* The device that HEDDLE_CPU names, or the best. */
static inline struct device *bench_device(void)
{
	struct device *d;
	struct error e;
	if (device_open("cpu", &d, &e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return NULL;
	}
	return d;
}
