#include "lib/learn/eigen_loops.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { DOT_LANES = 16, ROW_LANES = 8, ROWS = 4 };

#define PATH portable
#define WIDTH 2
#define TARGET
#include "lib/learn/eigen_body.h"

#ifdef __x86_64__
#define PATH avx2
#define WIDTH 4
#define TARGET __attribute__((target("avx2")))
#include "lib/learn/eigen_body.h"

#define PATH avx512
#define WIDTH 8
#define TARGET __attribute__((target("avx512f")))
#include "lib/learn/eigen_body.h"
#endif

const struct eigen_loops *eigen_loops(void)
{
#ifdef __x86_64__
	const char *path = getenv("HEDDLE_CPU");
	bool any = !path || !*path;
	__builtin_cpu_init();
	if ((any || strcmp(path, "avx512") == 0) && __builtin_cpu_supports("avx512f"))
		return &avx512_loops;
	if ((any || strcmp(path, "portable") != 0) && __builtin_cpu_supports("avx2"))
		return &avx2_loops;
#endif
	return &portable_loops;
}
