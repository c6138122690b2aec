/*
 * resample.h: how sure a figure is. Bootstrap intervals (B. Efron, 1979; BCa: Efron, "Better
 * bootstrap confidence intervals", 1987), and tests of a difference of two systems on the same
 * units: paired bootstrap and approximate randomization as sacrebleu 2.6 computes their p-values,
 * McNemar's exact test, Wilcoxon's signed-rank test as scipy 1.17 chooses its method. Draws are a
 * function of seed, resample and position: the same at any number of threads.
 */
#pragma once
#include "lib/metric/metric.h"

#define RESAMPLE_METHODS "percentile|bca"
enum resample_method { RESAMPLE_PERCENTILE, RESAMPLE_BCA };
#define RESAMPLE_TESTS "bootstrap|randomization|mcnemar|wilcoxon"
enum resample_test { TEST_BOOTSTRAP, TEST_RANDOMIZATION, TEST_MCNEMAR, TEST_WILCOXON };

struct resample_options {
	size_t resamples;
	double confidence; /* 0.95 */
	uint64_t seed;
	enum resample_method method;
	enum resample_test test;
};

/*
 * low, high [m->n_figures] of each figure over units [n]; NaN where no resample has the figure.
 * percentile: np.quantile of the resampled figures, those that are NaN left out. BCa takes the
 * acceleration from a jackknife that leaves out one unit, or one of 2,000 runs of units where there
 * are more.
 */
void resample_intervals(const struct measure *, const uint32_t *units, size_t n,
	const struct resample_options *, double *low, double *high);

/*
 * p [m->n_figures]: how likely so large a difference is where a [n] and b [n], the units of the
 * same records in two systems, do not differ. McNemar and Wilcoxon take the score of each unit, so
 * they fill only p[m->main], and -1 with the error (2) where McNemar is asked of scores that are
 * not 0 and 1.
 */
int resample_test(const struct measure *, const uint32_t *a, const uint32_t *b, size_t n,
	const struct resample_options *, double *p, struct error *);
