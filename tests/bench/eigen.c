/*
 * eigen.c: eigen_symmetric beside LAPACK's dsyevd of OpenBLAS, which NumPy's eigh calls, on random
 * symmetric matrices: seconds of all vectors, of the 50 that PCA asks for, of the peer, the best of
 * some rounds, interleaved in one run, wall clock, as many threads as each takes. A peer that is
 * not installed is 0.
 * usage: eigen [N]…
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/memory.h"
#include "lib/base/random.h"
#include "lib/learn/eigen.h"

enum { ROUNDS = 3, FEW = 50 };

#if defined HAVE_openblas
enum { MEASURED = 3 };

extern void dsyevd_(const char *job, const char *half, const int *n, double *a, const int *lda,
	double *w, double *work, const int *n_work, int *integers, const int *n_integers,
	int *info);

static void peer(size_t n, double *a, double *values)
{
	int m = (int)n, size[2] = { -1, -1 }, most, info;
	double best;
	dsyevd_("V", "L", &m, a, &m, values, &best, &size[0], &most, &size[1], &info);
	size[0] = (int)best;
	size[1] = most;
	double *work = MEM_ARRAY(double, (size_t)size[0]);
	int *integers = MEM_ARRAY(int, (size_t)size[1]);
	dsyevd_("V", "L", &m, a, &m, values, work, &size[0], integers, &size[1], &info);
	mem_free(work);
	mem_free(integers);
}
#else
enum { MEASURED = 2 };
#endif

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void measure(size_t n)
{
	double *a = MEM_ARRAY(double, size_mul(n, n)), *z = MEM_ARRAY(double, size_mul(n, n));
	double *values = MEM_ARRAY(double, n), best[3] = { 0 };
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j <= i; j++)
			a[i * n + j] = a[j * n + i] = random_double(random_bits(1, i, j)) - 0.5;
	for (size_t round = 0; round < ROUNDS; round++)
		for (size_t what = 0; what < MEASURED; what++) {
			memcpy(z, a, n * n * sizeof *z);
			double t = seconds();
			if (what < 2)
				eigen_symmetric(n, what == 0 || n < FEW ? n : FEW, z, values);
#if defined HAVE_openblas
			else
				peer(n, z, values);
#endif
			t = seconds() - t;
			best[what] = round == 0 || t < best[what] ? t : best[what];
		}
	printf("%6zu %8.3f %8.3f %8.3f\n", n, best[0], best[1], best[2]);
	mem_free(a);
	mem_free(z);
	mem_free(values);
}

int main(int argc, char **argv)
{
	static const size_t usual[] = { 256, 512, 1024, 2048 };
	printf("%6s %8s %8s %8s\n", "n", "all", "50", "dsyevd");
	for (int i = 1; i < argc; i++)
		measure(strtoul(argv[i], NULL, 10));
	for (size_t i = 0; argc == 1 && i < sizeof usual / sizeof *usual; i++)
		measure(usual[i]);
	return 0;
}
