/*
 * space_block.c: raw distances from points to blocks of points, a lane a point: no sum is ever
 * split, so the vector width does not show in the result. The same C is compiled for SSE2, AVX2
 * and AVX-512; which one runs changes no bit. No fused multiply-add: the definition in space.h
 * has none, and baseline x86-64 would have to emulate it.
 */
#include "lib/learn/space.h"

#include <stdlib.h>
#include <string.h>

typedef double lanes __attribute__((vector_size(SPACE_LANES * sizeof(double)), aligned(64)));
typedef int64_t mask __attribute__((vector_size(SPACE_LANES * sizeof(double)), aligned(64)));

#define INLINE static inline __attribute__((always_inline))

INLINE void one_body(
	const double *point, const double *blocks, size_t n, size_t c, double *out, bool manhattan)
{
	const mask positive = { INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX,
		INT64_MAX, INT64_MAX };
	for (size_t b = 0; b < n; b++, blocks += c * SPACE_LANES) {
		lanes sum = { 0 };
		for (size_t j = 0; j < c; j++) {
			lanes d = point[j] - *(const lanes *)(blocks + j * SPACE_LANES);
			sum += manhattan ? (lanes)((mask)d & positive) : d * d;
		}
		*(lanes *)(out + b * SPACE_LANES) = sum;
	}
}

INLINE void four_body(const double *const points[4], const double *blocks, size_t n, size_t c,
	double *const out[4], bool manhattan)
{
	const mask positive = { INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX,
		INT64_MAX, INT64_MAX };
	const double *p0 = points[0], *p1 = points[1], *p2 = points[2], *p3 = points[3];
	for (size_t b = 0; b < n; b++, blocks += c * SPACE_LANES) {
		lanes s0 = { 0 }, s1 = { 0 }, s2 = { 0 }, s3 = { 0 };
		for (size_t j = 0; j < c; j++) {
			lanes y = *(const lanes *)(blocks + j * SPACE_LANES);
			lanes d0 = p0[j] - y, d1 = p1[j] - y, d2 = p2[j] - y, d3 = p3[j] - y;
			s0 += manhattan ? (lanes)((mask)d0 & positive) : d0 * d0;
			s1 += manhattan ? (lanes)((mask)d1 & positive) : d1 * d1;
			s2 += manhattan ? (lanes)((mask)d2 & positive) : d2 * d2;
			s3 += manhattan ? (lanes)((mask)d3 & positive) : d3 * d3;
		}
		*(lanes *)(out[0] + b * SPACE_LANES) = s0;
		*(lanes *)(out[1] + b * SPACE_LANES) = s1;
		*(lanes *)(out[2] + b * SPACE_LANES) = s2;
		*(lanes *)(out[3] + b * SPACE_LANES) = s3;
	}
}

#define PATH(name, attribute) \
	attribute static void name##_one(const double *point, const double *blocks, size_t n, \
		size_t c, double *out, bool manhattan) \
	{ \
		if (manhattan) \
			one_body(point, blocks, n, c, out, true); \
		else \
			one_body(point, blocks, n, c, out, false); \
	} \
	attribute static void name##_four(const double *const points[4], const double *blocks, \
		size_t n, size_t c, double *const out[4], bool manhattan) \
	{ \
		if (manhattan) \
			four_body(points, blocks, n, c, out, true); \
		else \
			four_body(points, blocks, n, c, out, false); \
	}

PATH(portable, )
#ifdef __x86_64__
PATH(avx2, __attribute__((target("avx2"))))
PATH(avx512, __attribute__((target("avx512f"))))
#endif

static struct path {
	const char *name;
	void (*one)(const double *, const double *, size_t, size_t, double *, bool);
	void (*four)(
		const double *const[4], const double *, size_t, size_t, double *const[4], bool);
} path = { "portable", portable_one, portable_four };

bool space_choose(const char *name)
{
	bool any = !name || !*name;
#ifdef __x86_64__
	__builtin_cpu_init();
	if ((any || strcmp(name, "avx512") == 0) && __builtin_cpu_supports("avx512f")) {
		path = (struct path){ "avx512", avx512_one, avx512_four };
		return true;
	}
	if ((any || strcmp(name, "avx2") == 0) && __builtin_cpu_supports("avx2")) {
		path = (struct path){ "avx2", avx2_one, avx2_four };
		return true;
	}
#endif
	if (!any && strcmp(name, "portable") != 0)
		return false;
	path = (struct path){ "portable", portable_one, portable_four };
	return true;
}

/* Before main, so that no thread finds it half done. A word that names nothing is the frame's to
 * refuse. */
__attribute__((constructor)) static void choose(void)
{
	if (!space_choose(getenv("HEDDLE_CPU")))
		space_choose(NULL);
}

void space_block(enum space_metric metric, const double *point, const double *blocks, size_t n,
	size_t c, double *out)
{
	path.one(point, blocks, n, c, out, metric == SPACE_MANHATTAN);
}

void space_block4(enum space_metric metric, const double *const points[4], const double *blocks,
	size_t n, size_t c, double *const out[4])
{
	path.four(points, blocks, n, c, out, metric == SPACE_MANHATTAN);
}
