/* umap_smooth.cu: rho and sigma of each row of distances, a thread a row; in double as gpu/cpu/
 * umap_smooth.c, whose comments explain. */
#include <float.h>

#include "gpu/cuda/cuda.h"

enum { BISECTIONS = 64, THREADS = 128 };
#define TOLERANCE 1e-5
#define FLOOR 1e-3f

DEVICE_FN float row_rho(const float *d, size_t k, float local_connectivity)
{
	size_t zeros = 0;
	while (zeros < k && d[zeros] <= 0)
		zeros++;
	size_t n = k - zeros, at = static_cast<size_t>(local_connectivity);
	float part = local_connectivity - static_cast<float>(at);
	const float *z = d + zeros;
	if (n == 0)
		return 0;
	if (static_cast<float>(n) < local_connectivity)
		return z[n - 1];
	if (at == 0)
		return part * z[0];
	return static_cast<double>(part) > TOLERANCE && at < n
		       ? z[at - 1] + part * (z[at] - z[at - 1])
		       : z[at - 1];
}

/* The sum of memberships at sigma, over all but the first. */
DEVICE_FN double total(const float *d, size_t k, float rho, double sigma)
{
	double sum = 0;
	for (size_t j = 1; j < k; j++) {
		float above = d[j] - rho;
		double x = above > 0 ? static_cast<double>(above) : 0;
		sum += math_exp64(-x / sigma);
	}
	return sum;
}

DEVICE_FN float row_sigma(const float *d, size_t k, float rho, double target)
{
	double low = 0, high = static_cast<double>(FLT_MAX), mid = 1;
	for (int i = 0; i < BISECTIONS; i++) {
		double sum = total(d, k, rho, mid);
		if (fabs(sum - target) < TOLERANCE)
			break;
		if (sum > target)
			high = mid;
		else
			low = mid;
		mid = high >= static_cast<double>(FLT_MAX) ? mid * 2 : (low + high) / 2;
	}
	return static_cast<float>(mid);
}

DEVICE_FN float row_mean(const float *d, size_t k)
{
	double sum = 0;
	for (size_t j = 0; j < k; j++)
		sum += static_cast<double>(d[j]);
	return static_cast<float>(sum / static_cast<double>(k));
}

static __global__ void __launch_bounds__(THREADS)
	smooth_kernel(struct umap_smooth_arguments a, size_t rows)
{
	size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (i >= rows)
		return;
	const float *d = a.distances + i * a.k;
	float rho = row_rho(d, a.k, a.local_connectivity);
	float sigma = row_sigma(d, a.k, rho, a.target);
	float floor = FLOOR * (rho > 0 ? row_mean(d, a.k) : a.mean);
	a.sigma[i] = sigma < floor ? floor : sigma;
	a.rho[i] = rho;
}

CUDA_KERNEL(umap_smooth)
{
	auto a = static_cast<const struct umap_smooth_arguments *>(arguments);
	LAUNCH(smooth_kernel, cuda_blocks(n, THREADS), THREADS, 0, lane, *a, n);
	LAUNCHED(lane, "umap_smooth");
}
