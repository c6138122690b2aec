/*
 * path.h: loops over vectors of double, compiled for baseline x86-64, AVX2 and AVX-512 from one C.
 * A file x.c has them in x_body.h and says
 *	#define BODY "lib/learn/x_body.h"
 *	#include "lib/learn/path_each.h"
 * which includes the body once a path, with PATH, WIDTH (doubles of the path's vectors) and TARGET
 * (the attribute of its functions) defined. No sum may depend on WIDTH, and nothing is fused: then
 * which path runs changes no bit. (Wider vectors than the processor's would do too, but gcc passes
 * them through memory: eight doubles on AVX2 took from twice to ten times as long.)
 */
#pragma once
#include <stdbool.h>

enum path { PATH_PORTABLE, PATH_AVX2, PATH_AVX512, PATHS };

/* What HEDDLE_CPU names, NULL or empty: the best that the processor has. PATHS where it has not
 * that, or there is none of that name. */
enum path path_choose(const char *name);

/* --- For bodies ------------------------------------------------------------------------------ */

#define PATH_PASTE(path, name) path##_##name
#define PATH_EXPAND(path, name) PATH_PASTE(path, name)
#define LOCAL(name) PATH_EXPAND(PATH, name)

#define INLINE TARGET static inline __attribute__((always_inline))

/* WIDTH doubles; in memory they may lie anywhere. get is no function: it would return a vector wider
 * than baseline x86-64 has. */
#define vector LOCAL(vector)
#define get(p) (*(const vector *)(p))
#define put(p) (*(vector *)(p))
#define PATH_VECTOR \
	typedef double vector __attribute__(( \
		vector_size(WIDTH * sizeof(double)), aligned(sizeof(double)), may_alias))
