/* table.cu: the launchers of the operations, by number. */
#include "gpu/cuda/cuda.h"

#define DECLARE(name) cuda_launcher cuda_##name;
KERNELS(DECLARE)
#define ENTRY(name) cuda_##name,

static cuda_launcher *const launchers[] = { KERNELS(ENTRY) };

void cuda_run(struct lane *lane, enum kernel kernel, const void *arguments, size_t n)
{
	if (n > 0 && !cuda_failed(lane))
		launchers[kernel](lane, arguments, n);
}
