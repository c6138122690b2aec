/* resample: intervals and paired tests against scipy and on series whose answer is known; the normal distribution. The numbers of
 * scipy 1.17.1 stand beside each case. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <omp.h>

#include "lib/metric/normal.h"
#include "lib/metric/resample.h"
#include "lib/metric/sum.h"

/* A metric whose figure is the mean of its units' numbers. */
static const double *numbers;

static void mean(const struct measure *m, const uint32_t *units, size_t n, double *value)
{
	(void)m;
	double *x = MEM_ARRAY(double, n + 1);
	for (size_t i = 0; i < n; i++)
		x[i] = numbers[units[i]];
	value[0] = sum_mean(x, n);
	mem_free(x);
}

static const struct metric_kind kind = { .name = "mean", .compute = mean };
static const char *names[] = { "mean" };
static const struct measure measure = { .metric = &kind, .names = names, .n_figures = 1 };
static uint32_t order[512];

static void near(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance))
		fail_msg("%.17g, not %.17g", got, want);
}

static void the_normal_distribution_is_that_of_scipy(void **state)
{
	(void)state;
	static const double cdf[][2] = { { -37, 5.7255712225239266e-300 },
		{ -8, 6.22096057427174e-16 }, { -3, 0.0013498980316300933 },
		{ -2.999, 0.0013543365337271057 }, { -1, 0.15865525393145707 }, { 0, 0.5 },
		{ 0.3, 0.6179114221889527 }, { 1.96, 0.9750021048517795 },
		{ 5, 0.9999997133484281 }, { 40, 1 } };
	for (size_t i = 0; i < sizeof cdf / sizeof *cdf; i++)
		near(normal_cdf(cdf[i][0]) / cdf[i][1], 1, 1e-12);
	near(normal_quantile(0.975), 1.959963984540054, 1e-15);
	near(normal_quantile(1e-10), -6.361340902404056, 1e-14);
	near(normal_quantile(0.3), -0.5244005127080407, 1e-15);
	assert_true(isinf(normal_quantile(0)) && isinf(normal_quantile(1)));
	for (double p = 0.001; p < 1; p += 0.001)
		near(normal_cdf(normal_quantile(p)), p, 1e-14);
}

static double p_of(enum resample_test test, const double *a, const double *b, size_t n)
{
	double both[512], p = NAN;
	uint32_t first[256], second[256];
	struct error e;
	struct resample_options o = { .resamples = 2000, .seed = 42, .test = test };
	for (size_t i = 0; i < n; i++) {
		both[i] = a[i];
		both[n + i] = b[i];
		first[i] = (uint32_t)i;
		second[i] = (uint32_t)(n + i);
	}
	numbers = both;
	assert_int_equal(resample_test(&measure, first, second, n, &o, &p, &e), 0);
	return p;
}

static void signed_ranks_have_the_p_of_scipy(void **state)
{
	(void)state;
	static const double a[] = { 1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30 };
	static const double b[] = { 0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29 };
	near(p_of(TEST_WILCOXON, a, b, 9), 0.0390625, 1e-14);
	/* ties and zeros among few: every sign counted */
	static const double c[] = { 3, 1, 4, 1, 5, 9, 2, 6 }, d[] = { 2, 1, 2, 2, 3, 5, 2, 7 };
	near(p_of(TEST_WILCOXON, c, d, 8), 0.21875, 1e-14);
	/* and among many: the normal distribution */
	double x[60], y[60];
	for (size_t i = 0; i < 60; i++) {
		x[i] = (double)(i * 7 % 11);
		y[i] = (double)(i * 5 % 7);
	}
	near(p_of(TEST_WILCOXON, x, y, 60), 0.0002305536439993704, 1e-12);
	near(p_of(TEST_WILCOXON, c, c, 8), 1, 0);
}

static void mcnemar_is_the_binomial_test(void **state)
{
	(void)state;
	double a[40], b[40];
	for (size_t i = 0; i < 40; i++) {
		a[i] = i < 30;
		b[i] = i < 20 || i >= 37;
	}
	/* right only by a: 10, only by b: 3; scipy.stats.binomtest(3, 13) */
	near(p_of(TEST_MCNEMAR, a, b, 40), 0.09228515625, 1e-13);
	near(p_of(TEST_MCNEMAR, a, a, 40), 1, 0);
	static const double half[] = { 0.5 };
	double p;
	struct error e;
	struct resample_options o = { .test = TEST_MCNEMAR };
	uint32_t unit = 0;
	numbers = half;
	assert_int_equal(resample_test(&measure, &unit, &unit, 1, &o, &p, &e), -1);
	assert_int_equal(e.code, ERROR_USAGE);
}

static void resampled_tests_see_what_is_there(void **state)
{
	(void)state;
	double a[100], b[100];
	for (size_t i = 0; i < 100; i++) {
		a[i] = (double)(i * 37 % 101) / 101;
		b[i] = a[i] + (i % 2 ? 0.05 : -0.05);
	}
	for (int test = TEST_BOOTSTRAP; test <= TEST_RANDOMIZATION; test++) {
		assert_true(p_of((enum resample_test)test, a, b, 100) > 0.3);
		assert_true(p_of((enum resample_test)test, a, a, 100) == 1);
		for (size_t i = 0; i < 100; i++)
			b[i] = a[i] + 0.02;
		near(p_of((enum resample_test)test, a, b, 100), 1.0 / 2001, 1e-15);
		for (size_t i = 0; i < 100; i++)
			b[i] = a[i] + (i % 2 ? 0.05 : -0.05);
	}
}

/* The standard error of a mean is known: both methods come near it, BCa leans to the long tail. */
static void intervals_are_as_wide_as_the_standard_error_says(void **state)
{
	(void)state;
	enum { N = 400 };
	static double x[N];
	double square = 0, low[2], high[2];
	for (size_t i = 0; i < N; i++)
		x[i] = exp(normal_quantile((double)(i + 1) / (N + 1)));
	double m = sum_mean(x, N);
	for (size_t i = 0; i < N; i++)
		square += (x[i] - m) * (x[i] - m);
	double error = sqrt(square / N / N);
	numbers = x;
	struct resample_options o = { .resamples = 4000, .confidence = 0.95, .seed = 1 };
	for (int method = 0; method < 2; method++) {
		o.method = (enum resample_method)method;
		resample_intervals(&measure, order, N, &o, &low[method], &high[method]);
		near((high[method] - low[method]) / (2 * 1.96 * error), 1, 0.1);
		assert_true(low[method] < m && m < high[method]);
	}
	assert_true(low[1] > low[0] && high[1] > high[0]);
}

static void threads_do_not_show(void **state)
{
	(void)state;
	double x[50], low[2], high[2];
	for (size_t i = 0; i < 50; i++)
		x[i] = (double)(i * i % 17);
	numbers = x;
	struct resample_options o = { .resamples = 100, .confidence = 0.9, .seed = 5 };
	int threads = omp_get_max_threads();
	for (int i = 0; i < 2; i++) {
		omp_set_num_threads(i ? 4 : 1);
		resample_intervals(&measure, order, 50, &o, &low[i], &high[i]);
	}
	omp_set_num_threads(threads);
	assert_true(low[0] == low[1] && high[0] == high[1]);
}

static void sums_add_in_order_of_numpy(void **state)
{
	(void)state;
	static double x[1000];
	for (size_t i = 0; i < 1000; i++)
		x[i] = 1.0 / (double)(i + 1);
	static const struct {
		size_t n;
		double sum;
	} want[] = { { 1, 1.0 }, { 5, 2.283333333333333 }, { 7, 2.5928571428571425 },
		{ 8, 2.7178571428571425 }, { 9, 2.8289682539682537 }, { 20, 3.597739657143682 },
		{ 127, 5.425334592589172 }, { 128, 5.433147092589173 }, { 129, 5.440899030573669 },
		{ 200, 5.878030948121444 }, { 255, 6.120438712817281 }, { 256, 6.124344962817281 },
		{ 257, 6.128236013400938 }, { 1000, 7.485470860550345 } };
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		assert_true(sum_pairwise(x, want[i].n) == want[i].sum);
	assert_true(isnan(sum_mean(x, 0)) && sum_pairwise(x, 0) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_normal_distribution_is_that_of_scipy),
		cmocka_unit_test(signed_ranks_have_the_p_of_scipy),
		cmocka_unit_test(mcnemar_is_the_binomial_test),
		cmocka_unit_test(resampled_tests_see_what_is_there),
		cmocka_unit_test(intervals_are_as_wide_as_the_standard_error_says),
		cmocka_unit_test(threads_do_not_show),
		cmocka_unit_test(sums_add_in_order_of_numpy),
	};
	for (uint32_t i = 0; i < 512; i++)
		order[i] = i;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
