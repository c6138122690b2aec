#include "lib/learn/path.h"

#include <stdlib.h>
#include <string.h>

enum path path_choose(const char *name)
{
	static const char *const names[PATHS] = { "portable", "avx2", "avx512" };
	bool any = !name || !*name, has[PATHS] = { true };
#ifdef __x86_64__
	__builtin_cpu_init();
	has[PATH_AVX2] = __builtin_cpu_supports("avx2");
	has[PATH_AVX512] = __builtin_cpu_supports("avx512f");
#endif
	for (enum path p = PATHS; p-- > 0;)
		if (has[p] && (any || strcmp(name, names[p]) == 0))
			return p;
	return PATHS;
}

enum path path_usual(void)
{
	enum path p = path_choose(getenv("HEDDLE_CPU"));
	return p < PATHS ? p : path_choose(NULL);
}
