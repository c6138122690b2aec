/* no_cuda.c: stands in for gpu/cuda in a build without nvcc. */
#include <stdio.h>

#include "gpu/backend.h"

static const char missing[] = "this build has no CUDA backend";

const struct backend *cuda_open(int ordinal, struct lane **lane, struct error *e)
{
	char which[32] = "cuda";
	(void)lane;
	if (ordinal >= 0)
		snprintf(which, sizeof which, "cuda:%d", ordinal);
	error_set(e, ERROR_UNAVAILABLE, "--device %s: %s", which, missing);
	return NULL;
}

bool cuda_likely(void)
{
	return false;
}

int cuda_describe(
	void (*line)(void *context, int ordinal, const char *text), void *context, struct error *e)
{
	(void)line;
	(void)context;
	return error_set(e, ERROR_UNAVAILABLE, "%s", missing);
}
