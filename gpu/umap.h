/* umap.h: arguments of UMAP's kernels (gpu/kernels.h). */
#pragma once
#include "gpu/ops_umap.h"
#include "lib/base/math.h"
#include "lib/base/math64.h"

/* What is added to a squared distance: it stays above 0 and normal, and where it matters no bit
 * changes. */
#define UMAP_TINY 0x1p-100f

/*
 * x^b for UMAP's forces, x > 0 and normal: 2^(b log2 x), the exponent kept within [-126, 126]. log2
 * by f P(f), P of degree 7 on [sqrt(1/2), sqrt 2) - 1, 2^r by degree 5 on [-1/2, 1/2] (Chebyshev
 * interpolation). Products and sums are rounded apart, so that processors without a fused
 * multiply-add keep up, and there is no selection but two clamps. The relative error is below 2e-6
 * for b near 1: noise beside that of the sampling.
 */
MATH_FN float umap_power(float x, float b)
{
	int32_t i = (int32_t)((uint32_t)math_bits(x) - 0x3f3504f3u), e = i >> 23;
	float f = math_float((int32_t)((uint32_t)math_bits(x) - ((uint32_t)e << 23))) - 1;
	float q = -0x1.245f38p-3f * f + 0x1.dc78f4p-3f;
	q = q * f - 0x1.fe823ap-3f;
	q = q * f + 0x1.262f0ep-2f;
	q = q * f - 0x1.70dedep-2f;
	q = q * f + 0x1.ec756ep-2f;
	q = q * f - 0x1.71552cp-1f;
	q = q * f + 0x1.715476p0f;
	float t = b * ((float)e + q * f);
	t = t < 126 ? t : 126;
	t = t > -126 ? t : -126;
	float u = t + MATH_ROUND, r = t - (u - MATH_ROUND);
	float p = 0x1.5f0890p-10f * r + 0x1.3d1070p-7f;
	p = p * r + 0x1.c6af6cp-5f;
	p = p * r + 0x1.ebf906p-3f;
	p = p * r + 0x1.62e430p-1f;
	p = p * r + 0x1.000002p0f;
	return p * math_float((int32_t)(((uint32_t)math_bits(u) - 0x4b400000u + 127) << 23));
}

/* How far a row takes another at this distance for its neighbour. */
MATH_FN float umap_membership(float distance, float sigma, float rho)
{
	return distance - rho <= 0 || sigma == 0
		       ? 1
		       : (float)math_exp64(-(double)((distance - rho) / sigma));
}

/* The weight of an edge from its memberships in both directions. */
MATH_FN float umap_united(float u, float v, float mix)
{
	float product = u * v;
	return mix * (u + v - product) + (1 - mix) * product;
}

struct umap_unite_arguments { /* a unit is a row; of umap_members too, which fills member */
	float *weight, *member;
	const int32_t *index;
	const float *distances, *sigma, *rho;
	size_t k;
	float mix;
};

struct umap_smooth_arguments { /* a unit is a row */
	float *sigma, *rho;
	const float *distances;
	size_t k;
	float local_connectivity, mean;
	double target; /* log2(k) */
};

struct umap_edges_arguments { /* a unit is an edge of one colour, or with head NULL a point */
	float *y, *before; /* head NULL: y is copied to before */
	const int32_t *head, *tail; /* of the colour's first edge, as all below */
	const float *every;
	float *next, *next_negative;
	size_t n, dim, epoch, first; /* first: the number of the colour's first edge */
	struct umap_force force;
};

struct umap_place_arguments { /* a unit is a point */
	float *y;
	const float *fixed, *weight;
	const int32_t *to;
	const uint64_t *salt;
	size_t n, dim, k, n_epochs;
	struct umap_force force;
};
