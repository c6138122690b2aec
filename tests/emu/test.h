/* test.h: what the emulator's own tests share. */
#pragma once
#include <cuda_runtime.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" {
#include <cmocka.h>
}
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu.h"

#define LAUNCH(kernel, grid, block, shared_bytes, stream, ...) \
	emu_launch(kernel, grid, block, shared_bytes, stream, __VA_ARGS__)

/* Device memory, with what the host has if it is given. */
template <class T> static inline T *device_array(size_t n, const T *host = NULL)
{
	T *p;
	assert_int_equal(cudaMalloc(&p, n * sizeof *p), cudaSuccess);
	if (host)
		assert_int_equal(
			cudaMemcpy(p, host, n * sizeof *p, cudaMemcpyHostToDevice), cudaSuccess);
	return p;
}

template <class T> static inline void read_array(T *host, const T *device, size_t n)
{
	assert_int_equal(
		cudaMemcpy(host, device, n * sizeof *host, cudaMemcpyDeviceToHost), cudaSuccess);
}
