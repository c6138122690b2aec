/* runtime.c: the device that the emulator shows, and the names of errors. HEDDLE_EMU_CARD chooses its
 * limits: sm_75, the least that the product supports, or sm_90. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/emu/internal.h"

struct card {
	const char *name;
	int major, minor;
	size_t optin;
};

static const struct card *card(void)
{
	static const struct card cards[] = { { "sm_75", 7, 5, 64 << 10 },
		{ "sm_90", 9, 0, 227 << 10 } };
	const char *want = getenv("HEDDLE_EMU_CARD");
	for (size_t i = 0; want && *want && i < sizeof cards / sizeof *cards; i++)
		if (strcmp(want, cards[i].name) == 0)
			return &cards[i];
	if (want && *want)
		report("HEDDLE_EMU_CARD", "%s is not one of sm_75, sm_90", want);
	return &cards[0];
}

cudaError_t cudaGetDeviceCount(int *n)
{
	*n = 1;
	return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
	return device == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaGetDevice(int *device)
{
	*device = 0;
	return cudaSuccess;
}

cudaError_t cudaSetDeviceFlags(unsigned flags)
{
	(void)flags;
	return cudaSuccess;
}

cudaError_t cudaDeviceReset(void)
{
	return cudaDeviceSynchronize();
}

cudaError_t cudaDriverGetVersion(int *version)
{
	*version = CUDART_VERSION;
	return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
	*version = CUDART_VERSION;
	return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char *text, int size, int device)
{
	snprintf(text, (size_t)size, "0000:00:00.0");
	return device == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device)
{
	if (device != 0)
		return cudaErrorInvalidDevice;
	const struct card *c = card();
	size_t available, total;
	cudaMemGetInfo(&available, &total);
	*p = (struct cudaDeviceProp){ .totalGlobalMem = total,
		.sharedMemPerBlock = 48 << 10,
		.regsPerBlock = 65536,
		.warpSize = WARP,
		.maxThreadsPerBlock = MOST_THREADS,
		.maxThreadsDim = { 1024, 1024, 64 },
		.maxGridSize = { INT32_MAX, 65535, 65535 },
		.major = c->major,
		.minor = c->minor,
		.multiProcessorCount = 4,
		.concurrentKernels = 1,
		.asyncEngineCount = 2,
		.unifiedAddressing = 1,
		.memoryBusWidth = 256,
		.l2CacheSize = 4 << 20,
		.maxThreadsPerMultiProcessor = 1024,
		.sharedMemPerMultiprocessor = c->optin,
		.sharedMemPerBlockOptin = c->optin,
		.memoryPoolsSupported = 1 };
	snprintf(p->name, sizeof p->name, "emulator of %s", c->name);
	return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
	struct cudaDeviceProp p;
	cudaError_t e = cudaGetDeviceProperties(&p, device);
	if (e != cudaSuccess)
		return e;
	const struct {
		enum cudaDeviceAttr attribute;
		size_t value;
	} values[] = { { cudaDevAttrMaxThreadsPerBlock, MOST_THREADS },
		{ cudaDevAttrMaxGridDimX, INT32_MAX }, { cudaDevAttrMaxGridDimY, 65535 },
		{ cudaDevAttrMaxGridDimZ, 65535 },
		{ cudaDevAttrMaxSharedMemoryPerBlock, p.sharedMemPerBlock },
		{ cudaDevAttrWarpSize, WARP }, { cudaDevAttrMaxRegistersPerBlock, 65536 },
		{ cudaDevAttrClockRate, 1000000 }, { cudaDevAttrMultiProcessorCount, 4 },
		{ cudaDevAttrIntegrated, 0 }, { cudaDevAttrConcurrentKernels, 1 },
		{ cudaDevAttrMemoryClockRate, 1000000 }, { cudaDevAttrGlobalMemoryBusWidth, 256 },
		{ cudaDevAttrL2CacheSize, 4 << 20 },
		{ cudaDevAttrMaxThreadsPerMultiProcessor, 1024 },
		{ cudaDevAttrUnifiedAddressing, 1 },
		{ cudaDevAttrComputeCapabilityMajor, (size_t)p.major },
		{ cudaDevAttrComputeCapabilityMinor, (size_t)p.minor },
		{ cudaDevAttrMaxSharedMemoryPerMultiprocessor, p.sharedMemPerMultiprocessor },
		{ cudaDevAttrMaxSharedMemoryPerBlockOptin, p.sharedMemPerBlockOptin },
		{ cudaDevAttrReservedSharedMemoryPerBlock, 1024 },
		{ cudaDevAttrMemoryPoolsSupported, 1 } };
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		if (values[i].attribute == attribute) {
			*value = (int)values[i].value;
			return cudaSuccess;
		}
	return cudaErrorInvalidValue;
}

/* --- dynamic shared memory: 48 KB, more where it was asked for. The limit is the kernel's, for all
 * threads that start it, so none may change what another may be about to rely on --- */

static struct {
	const void *kernel;
	size_t size;
} asked[256];
static size_t n_asked;

size_t launch_shared_limit(const void *kernel)
{
	for (size_t i = 0; i < n_asked; i++)
		if (asked[i].kernel == kernel)
			return asked[i].size;
	return 48 << 10;
}

cudaError_t cudaFuncSetAttribute(const void *kernel, enum cudaFuncAttribute attribute, int value)
{
	if (attribute == cudaFuncAttributePreferredSharedMemoryCarveout)
		return cudaSuccess;
	if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
		(size_t)value > card()->optin)
		return cudaErrorInvalidValue;
	emu_lock();
	size_t i = 0;
	while (i < n_asked && asked[i].kernel != kernel)
		i++;
	if (i == sizeof asked / sizeof *asked)
		report("too many kernels", "with an attribute: %zu", i);
	if (i < n_asked && asked[i].size != (size_t)value)
		report("a kernel's limit changes",
			"kernel %s, from %zu to %d bytes of dynamic shared memory",
			text_place((uintptr_t)kernel), asked[i].size, value);
	n_asked = i == n_asked ? i + 1 : n_asked;
	asked[i].kernel = kernel;
	asked[i].size = (size_t)value;
	emu_unlock();
	return cudaSuccess;
}

const char *cudaGetErrorName(cudaError_t e)
{
	switch (e) {
	case cudaSuccess:
		return "cudaSuccess";
	case cudaErrorInvalidValue:
		return "cudaErrorInvalidValue";
	case cudaErrorMemoryAllocation:
		return "cudaErrorMemoryAllocation";
	case cudaErrorInvalidConfiguration:
		return "cudaErrorInvalidConfiguration";
	case cudaErrorInvalidDevice:
		return "cudaErrorInvalidDevice";
	case cudaErrorInvalidResourceHandle:
		return "cudaErrorInvalidResourceHandle";
	case cudaErrorNotReady:
		return "cudaErrorNotReady";
	default:
		return "unrecognized error code";
	}
}

const char *cudaGetErrorString(cudaError_t e)
{
	switch (e) {
	case cudaSuccess:
		return "no error";
	case cudaErrorInvalidValue:
		return "invalid argument";
	case cudaErrorMemoryAllocation:
		return "out of memory";
	case cudaErrorInvalidConfiguration:
		return "invalid configuration argument";
	case cudaErrorInvalidDevice:
		return "invalid device ordinal";
	case cudaErrorInvalidResourceHandle:
		return "invalid resource handle";
	case cudaErrorNotReady:
		return "device not ready";
	default:
		return "unrecognized error code";
	}
}
