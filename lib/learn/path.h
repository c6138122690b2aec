/*
 * path.h: loops over vectors of double, compiled for baseline x86-64, AVX2 and AVX-512 from one C.
 * A file x.c has them in x_body.h and says
 *	#define BODY "lib/learn/x_body.h"
 *	#include "lib/learn/path_each.h"
 * which includes the body once a path. No sum may depend on the width of the path's vectors, and
 * nothing is fused: then which path runs changes no bit. (Wider vectors than the processor's would
 * do too, but gcc passes them through memory: eight doubles on AVX2 took from twice to ten times as
 * long.)
 */
#pragma once
#include <stdbool.h>

enum path { PATH_PORTABLE, PATH_AVX2, PATH_AVX512, PATHS };

/* What is of this name, NULL or empty: the best that the processor has. PATHS where it has not
 * that, or there is none of that name. */
enum path path_choose(const char *name);

/* What HEDDLE_CPU names, the best where that is PATHS: a word that names nothing is the frame's to
 * refuse. */
enum path path_usual(void);
