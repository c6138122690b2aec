/* table.cu: the launchers of the operations, by number. An operation that has none yet fails on a
 * card, by name. */
#include "gpu/cuda/cuda.h"

#define DECLARE(name) cuda_launcher cuda_##name __attribute__((weak));
KERNELS(DECLARE)
#define ENTRY(name) { #name, cuda_##name },

static const struct {
	const char *name;
	cuda_launcher *launch;
} launchers[] = { KERNELS(ENTRY) };

void cuda_run(struct lane *lane, enum kernel kernel, const void *arguments, size_t n)
{
	if (n == 0 || cuda_failed(lane))
		return;
	if (launchers[kernel].launch)
		launchers[kernel].launch(lane, arguments, n);
	else
		(void)cuda_good(lane, cudaErrorNotSupported, launchers[kernel].name);
}
