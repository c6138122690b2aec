/*
 * native.h: the compiler's vectors, as wide as the path's (gcc passes wider ones through memory:
 * eight doubles on AVX2 took thrice as long), for kernels that only add, subtract and multiply,
 * element by element. Aligned to their size.
 */
#pragma once

#if defined KERNEL_avx512
enum { NATIVE = 64 };
#elif defined KERNEL_avx2
enum { NATIVE = 32 };
#else
enum { NATIVE = 16 };
#endif

enum { NATIVE32 = NATIVE / 4, NATIVE64 = NATIVE / 8 };
typedef float native32 __attribute__((vector_size(NATIVE), may_alias));
typedef double native64 __attribute__((vector_size(NATIVE), may_alias));
