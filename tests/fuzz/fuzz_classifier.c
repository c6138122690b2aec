/* Any safetensors file is a classifier or an error; a classifier gives finite scores. */
#include <math.h>
#include <stdint.h>

#include "lib/learn/classifier.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error e;
	struct classifier m;
	struct tensor_file *f =
		tensor_file_from((struct slice){ (const char *)data, size }, "fuzz", &e);
	if (!f)
		return 0;
	struct arena *arena = arena_new();
	if (classifier_load(&m, f, arena, &e) == 0) {
		struct device *device;
		float *x = arena_zero(arena, m.c, sizeof *x);
		double *scores = ARENA_ARRAY(arena, double, m.labels.n);
		CHECK(device_open("cpu", &device, &e) == 0);
		x[0] = 1;
		classifier_scores(&m, device, x, 1, scores);
		device_free(device);
	}
	arena_free(arena);
	tensor_file_close(f);
	return 0;
}
