/*
 * gpu/cpu/kernels.h: the frame of a CPU kernel. Every gpu/cpu/x.c is compiled once a path, with
 * KERNEL_PATH=portable|avx2|avx512 (and KERNEL_portable, …) and that path's -march. KERNEL(frob) {
 * … } defines the kernel of operation frob under the path's name; gpu/cpu/table.c collects them
 * from the list in gpu/kernels.h, which also tells how to add one. Inside: arguments, begin, end,
 * scratch. Whatever else a file defines is static; what files of one path share is named by
 * LOCAL(x), or inline in a header. Plain C loops over math_fma and lib/base/math.h give the same
 * bits on every path, for the compiler may not contract or reorder; sums follow ops.h through
 * gpu/cpu/vector.h and lanes.h. Use math_fma, never fmaf.
 */
#pragma once
#include "gpu/kernels.h"
#include "lib/base/math.h"

#define KERNEL_PASTE(name, path) name##_##path
#define KERNEL_EXPAND(name, path) KERNEL_PASTE(name, path)
#define LOCAL(name) KERNEL_EXPAND(name, KERNEL_PATH)

#define KERNEL_NAME(name) LOCAL(kernel_##name)
#define KERNEL(name) \
	kernel_function KERNEL_NAME(name); \
	void KERNEL_NAME(name)(const void *arguments, size_t begin, size_t end, \
		struct arena *scratch)

/* Floats of scratch memory. */
static inline float *scratch_floats(struct arena *scratch, size_t n)
{
	return ARENA_ARRAY(scratch, float, n);
}
