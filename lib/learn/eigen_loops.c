#include "lib/learn/eigen_loops.h"

#include <string.h>

enum { DOT_LANES = 16, ROW_LANES = 8, ROWS = 4 };

#define BODY "lib/learn/eigen_body.h"
#include "lib/learn/path_each.h"

const struct eigen_loops *eigen_loops(void)
{
	static const struct eigen_loops *const loops[PATHS] = { &portable_loops,
#ifdef __x86_64__
		&avx2_loops, &avx512_loops
#endif
	};
	return loops[path_usual()];
}
