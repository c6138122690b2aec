/*
 * space_block.c: raw distances from points to blocks of points, a lane a point: no sum is ever
 * split, so the vector width does not show in the result. No fused multiply-add: the definition in
 * space.h has none, and baseline x86-64 would have to emulate it.
 */
#include "lib/learn/space.h"

enum { POINTS = 4 }; /* at most, at once */

#define BODY "lib/learn/space_body.h"
#include "lib/learn/path_each.h"

static void (*const loops[PATHS])(const double *const *points, size_t n_points,
	const double *blocks, size_t n, size_t c, double *const *out, bool manhattan) = {
	portable_raw,
#ifdef __x86_64__
	avx2_raw,
	avx512_raw,
#endif
};
static enum path path;

bool space_choose(const char *name)
{
	enum path chosen = path_choose(name);
	if (chosen < PATHS)
		path = chosen;
	return chosen < PATHS;
}

/* Before main, so that no thread finds it half done. */
__attribute__((constructor)) static void choose(void)
{
	path = path_usual();
}

void space_block(enum space_metric metric, const double *point, const double *blocks, size_t n,
	size_t c, double *out)
{
	loops[path](&point, 1, blocks, n, c, &out, metric == SPACE_MANHATTAN);
}

void space_block4(enum space_metric metric, const double *const points[4], const double *blocks,
	size_t n, size_t c, double *const out[4])
{
	loops[path](points, POINTS, blocks, n, c, out, metric == SPACE_MANHATTAN);
}
