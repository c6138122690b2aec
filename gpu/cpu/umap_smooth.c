/*
 * umap_smooth.c: rho and sigma of each row of distances. The bisection is in double, as
 * umap-learn's is in effect: numba drops the float32 types that the source declares where it makes
 * the loop parallel. So the two stop at the same step.
 */
#include <float.h>

#include "gpu/cpu/vector.h"
#include "gpu/umap.h"
#include "lib/base/math64.h"

#define TOLERANCE 1e-5 /* umap-learn's SMOOTH_K_TOLERANCE */
#define FLOOR 1e-3f /* MIN_K_DIST_SCALE */
enum { BISECTIONS = 64 };

static float row_rho(const float *d, size_t k, float local_connectivity)
{
	size_t zeros = 0;
	while (zeros < k && d[zeros] <= 0)
		zeros++;
	size_t n = k - zeros, at = (size_t)local_connectivity;
	float part = local_connectivity - (float)at;
	const float *z = d + zeros;
	if (n == 0)
		return 0;
	if ((float)n < local_connectivity)
		return z[n - 1];
	if (at == 0)
		return part * z[0];
	return (double)part > TOLERANCE && at < n ? z[at - 1] + part * (z[at] - z[at - 1])
						  : z[at - 1];
}

/* The sum of memberships at sigma; above holds d - rho for all but the first, at most 0 where
 * the membership is 1. */
static double total(const float *above, double *work, size_t n, double sigma)
{
	for (size_t j = 0; j < n; j++) {
		double x = above[j] > 0 ? (double)above[j] : 0;
		work[j] = math_exp64(-x / sigma);
	}
	double sum = 0;
	for (size_t j = 0; j < n; j++)
		sum += work[j];
	return sum;
}

static float row_sigma(const float *above, double *work, size_t n, double target)
{
	double low = 0, high = (double)FLT_MAX, mid = 1;
	for (int i = 0; i < BISECTIONS; i++) {
		double sum = total(above, work, n, mid);
		if (__builtin_fabs(sum - target) < TOLERANCE)
			break;
		if (sum > target)
			high = mid;
		else
			low = mid;
		mid = high >= (double)FLT_MAX ? mid * 2 : (low + high) / 2;
	}
	return (float)mid;
}

static float row_mean(const float *d, size_t k)
{
	double sum = 0;
	for (size_t j = 0; j < k; j++)
		sum += (double)d[j];
	return (float)(sum / (double)k);
}

KERNEL(umap_smooth)
{
	const struct umap_smooth_arguments *a = arguments;
	struct arena_mark mark = arena_mark(scratch);
	float *above = scratch_floats(scratch, a->k);
	double *work = ARENA_ARRAY(scratch, double, a->k);
	for (size_t i = begin; i < end; i++) {
		const float *d = a->distances + i * a->k;
		float rho = row_rho(d, a->k, a->local_connectivity);
		for (size_t j = 1; j < a->k; j++)
			above[j - 1] = d[j] - rho;
		float sigma = row_sigma(above, work, a->k - 1, a->target);
		float floor = FLOOR * (rho > 0 ? row_mean(d, a->k) : a->mean);
		a->sigma[i] = sigma < floor ? floor : sigma;
		a->rho[i] = rho;
	}
	arena_reset(scratch, mark);
}
