/* resample.c: bootstrap intervals and tests of paired differences. */
#include "lib/metric/resample.h"

#include <stdlib.h>

#include "lib/base/math64.h"
#include "lib/base/random.h"
#include "lib/metric/normal.h"
#include "lib/metric/sum.h"

enum { JACKKNIFE = 2000, STREAM_BOOTSTRAP = 0x626f6f74, STREAM_SWAP = 0x73776170 };

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* np.quantile, linear, of sorted x. */
static double quantile(const double *x, size_t n, double q)
{
	double at = q * (double)(n - 1), below = floor(at), t = at - below;
	size_t i = (size_t)below;
	if (i + 1 >= n)
		return x[n - 1];
	double d = x[i + 1] - x[i];
	return t >= 0.5 ? x[i + 1] - d * (1 - t) : x[i] + d * t;
}

/* The stream of resample r. */
static uint64_t stream_of(uint64_t seed, size_t r, uint64_t kind)
{
	return random_stream(seed + r * 0x9e3779b97f4a7c15u, kind);
}

/* The figures of each resample: [resamples, n_figures]. */
static double *bootstrap(
	const struct measure *m, const uint32_t *units, size_t n, const struct resample_options *o)
{
	size_t k = m->n_figures;
	double *values = MEM_ARRAY(double, size_mul(o->resamples, k + 1));
#pragma omp parallel
	{
		uint32_t *sample = MEM_ARRAY(uint32_t, n + 1);
#pragma omp for schedule(dynamic, 8)
		for (size_t r = 0; r < o->resamples; r++) {
			uint64_t stream = stream_of(o->seed, r, STREAM_BOOTSTRAP);
			for (size_t i = 0; i < n; i++)
				sample[i] =
					units[random_below(random_draw(stream, i), (uint32_t)n)];
			measure_compute(m, sample, n, values + r * k);
		}
		mem_free(sample);
	}
	return values;
}

/* Figures without one unit, or without one of JACKKNIFE runs: [*count, n_figures]. */
static double *jackknife(const struct measure *m, const uint32_t *units, size_t n, size_t *count)
{
	size_t k = m->n_figures, runs = n < JACKKNIFE ? n : JACKKNIFE;
	double *values = MEM_ARRAY(double, size_mul(runs, k + 1));
#pragma omp parallel
	{
		uint32_t *sample = MEM_ARRAY(uint32_t, n + 1);
#pragma omp for schedule(dynamic, 8)
		for (size_t r = 0; r < runs; r++) {
			size_t begin = r * n / runs, end = (r + 1) * n / runs;
			memcpy(sample, units, begin * sizeof *units);
			memcpy(sample + begin, units + end, (n - end) * sizeof *units);
			measure_compute(m, sample, n - (end - begin), values + r * k);
		}
		mem_free(sample);
	}
	*count = runs;
	return values;
}

/* Figure f of all rows, NaN left out; how many. */
static size_t column(const double *values, size_t rows, size_t k, size_t f, double *out)
{
	size_t n = 0;
	for (size_t r = 0; r < rows; r++)
		if (!isnan(values[r * k + f]))
			out[n++] = values[r * k + f];
	return n;
}

/* sum (mean - x)³ / (6 (sum (mean - x)²)^1.5), over jackknifed figures. */
static double acceleration(const double *x, size_t n)
{
	double mean = sum_mean(x, n), two = 0, three = 0;
	for (size_t i = 0; i < n; i++) {
		double d = mean - x[i];
		two += d * d;
		three += d * d * d;
	}
	return two > 0 ? three / (6 * two * sqrt(two)) : 0;
}

/* The level that BCa reads where the percentile method reads q: z0 is the bias, a the acceleration. */
static double corrected(double q, double z0, double a)
{
	double z = z0 + normal_quantile(q);
	return normal_cdf(z0 + z / (1 - a * z));
}

void resample_intervals(const struct measure *m, const uint32_t *units, size_t n,
	const struct resample_options *o, double *low, double *high)
{
	size_t k = m->n_figures, runs = 0;
	for (size_t f = 0; f < k; f++)
		low[f] = high[f] = NAN;
	if (!n)
		return;
	double *values = bootstrap(m, units, n, o), *left_out = NULL;
	double *at = MEM_ARRAY(double, k + 1), *x = MEM_ARRAY(double, o->resamples + JACKKNIFE + 1);
	double tail = (1 - o->confidence) / 2;
	measure_compute(m, units, n, at);
	if (o->method == RESAMPLE_BCA)
		left_out = jackknife(m, units, n, &runs);
	for (size_t f = 0; f < k; f++) {
		double lower = tail, upper = 1 - tail;
		if (left_out) {
			double a = acceleration(x, column(left_out, runs, k, f, x));
			size_t got = column(values, o->resamples, k, f, x), below = 0;
			for (size_t i = 0; i < got; i++)
				below += (size_t)(x[i] < at[f]) + (size_t)(x[i] <= at[f]);
			double z0 = normal_quantile((double)below / (2 * (double)got));
			if (isfinite(z0)) {
				lower = corrected(tail, z0, a);
				upper = corrected(1 - tail, z0, a);
			}
		}
		size_t got = column(values, o->resamples, k, f, x);
		if (!got)
			continue;
		qsort(x, got, sizeof *x, ascending);
		low[f] = quantile(x, got, lower);
		high[f] = quantile(x, got, upper);
	}
	mem_free(left_out);
	mem_free(values);
	mem_free(at);
	mem_free(x);
}

/* --- Paired tests ----------------------------------------------------------------------------- */

/* (number of differences above the real one + 1) / (number of them + 1); 1 where none differs at
 * all, for which sacrebleu has 1 / (n + 1). */
static double p_value(const double *x, size_t n, double real)
{
	size_t above = 0, differ = real != 0;
	for (size_t i = 0; i < n; i++) {
		above += x[i] > real;
		differ += x[i] != 0;
	}
	return differ ? (double)(above + 1) / (double)(n + 1) : 1;
}

static void differences(
	const double *a, const double *b, size_t rows, size_t k, size_t f, double *x)
{
	for (size_t r = 0; r < rows; r++)
		x[r] = fabs(a[r * k + f] - b[r * k + f]);
}

static void paired_bootstrap(const struct measure *m, const uint32_t *a, const uint32_t *b,
	size_t n, const struct resample_options *o, const double *real, double *p)
{
	size_t k = m->n_figures, rows = o->resamples;
	double *va = bootstrap(m, a, n, o), *vb = bootstrap(m, b, n, o);
	double *x = MEM_ARRAY(double, rows + 1);
	for (size_t f = 0; f < k; f++) {
		differences(va, vb, rows, k, f, x);
		double mean = sum_mean(x, rows);
		for (size_t r = 0; r < rows; r++)
			x[r] -= mean;
		p[f] = isnan(mean) ? NAN : p_value(x, rows, real[f]);
	}
	mem_free(va);
	mem_free(vb);
	mem_free(x);
}

/* Each trial changes the systems of about half the units. */
static void randomization(const struct measure *m, const uint32_t *a, const uint32_t *b, size_t n,
	const struct resample_options *o, const double *real, double *p)
{
	size_t k = m->n_figures, rows = o->resamples;
	double *values = MEM_ARRAY(double, size_mul(2 * rows, k + 1)), *vb = values + rows * k;
	double *x = MEM_ARRAY(double, rows + 1);
#pragma omp parallel
	{
		uint32_t *one = MEM_ARRAY(uint32_t, n + 1), *two = MEM_ARRAY(uint32_t, n + 1);
#pragma omp for schedule(dynamic, 8)
		for (size_t r = 0; r < rows; r++) {
			for (size_t i = 0; i < n; i++) {
				bool swap = random_bits(o->seed + r * 0x9e3779b97f4a7c15u,
						    STREAM_SWAP, i) >>
					    63;
				one[i] = swap ? b[i] : a[i];
				two[i] = swap ? a[i] : b[i];
			}
			measure_compute(m, one, n, values + r * k);
			measure_compute(m, two, n, vb + r * k);
		}
		mem_free(one);
		mem_free(two);
	}
	for (size_t f = 0; f < k; f++) {
		differences(values, vb, rows, k, f, x);
		p[f] = p_value(x, rows, real[f]);
	}
	mem_free(values);
	mem_free(x);
}

/* The score of each unit by itself. */
static double *unit_scores(const struct measure *m, const uint32_t *units, size_t n)
{
	double *out = MEM_ARRAY(double, n + 1);
#pragma omp parallel
	{
		double *value = MEM_ARRAY(double, m->n_figures + 1);
#pragma omp for
		for (size_t i = 0; i < n; i++) {
			measure_compute(m, units + i, 1, value);
			out[i] = value[m->main];
		}
		mem_free(value);
	}
	return out;
}

/* Two-sided binomial test of `few` among n at 1/2: twice the tail, at most 1. */
static double binomial(size_t few, size_t n)
{
	double log_c = 0, tail = 0, log_2 = 0x1.62e42fefa39efp-1 * (double)n;
	for (size_t i = 0; i <= few; i++) {
		tail += math_exp64(log_c - log_2);
		log_c += math_log64((double)(n - i)) - math_log64((double)(i + 1));
	}
	return 2 * tail < 1 ? 2 * tail : 1;
}

/* Q. McNemar, "Note on the sampling error of the difference between correlated proportions", 1947. */
static int mcnemar(const double *a, const double *b, size_t n, double *p, struct error *e)
{
	size_t only_a = 0, only_b = 0;
	for (size_t i = 0; i < n; i++) {
		if ((a[i] != 0 && a[i] != 1) || (b[i] != 0 && b[i] != 1))
			return error_set(e, ERROR_USAGE,
				"--paired-test mcnemar needs a metric whose "
				"records are right or wrong, as classification or exact_match");
		only_a += a[i] > b[i];
		only_b += b[i] > a[i];
	}
	size_t few = only_a < only_b ? only_a : only_b;
	*p = only_a + only_b ? binomial(few, only_a + only_b) : 1;
	return 0;
}

struct signed_rank {
	double size, rank;
	bool positive;
};

static int by_size(const void *a, const void *b)
{
	double x = ((const struct signed_rank *)a)->size, y = ((const struct signed_rank *)b)->size;
	return (x > y) - (x < y);
}

/* Two-sided p of the sum of positive ranks over all signs, counted: ranks doubled are whole. */
static double count_signs(const struct signed_rank *s, size_t n, double plus)
{
	size_t total = n * (n + 1), at = (size_t)(2 * plus + 0.5);
	double *ways = mem_zero(total + 1, sizeof *ways), below = 0, above = 0, all = 0;
	ways[0] = 1;
	for (size_t i = 0; i < n; i++) {
		size_t step = (size_t)(2 * s[i].rank + 0.5);
		for (size_t j = total + 1; j-- > step;)
			ways[j] += ways[j - step];
	}
	for (size_t j = 0; j <= total; j++) {
		all += ways[j];
		below += j <= at ? ways[j] : 0;
		above += j >= at ? ways[j] : 0;
	}
	mem_free(ways);
	double p = 2 * (below < above ? below : above) / all;
	return p < 1 ? p : 1;
}

/*
 * F. Wilcoxon, "Individual comparisons by ranking methods", 1945; scipy.stats.wilcoxon: zeros are
 * left out; exact up to 50 pairs without ties and zeros, and up to 13 with; else the normal
 * approximation with ties in the variance, no continuity correction.
 */
static double wilcoxon(const double *a, const double *b, size_t n)
{
	struct signed_rank *s = MEM_ARRAY(struct signed_rank, n + 1);
	size_t k = 0;
	double plus = 0, ties = 0, p;
	for (size_t i = 0; i < n; i++) {
		double d = a[i] - b[i];
		if (d != 0 && !isnan(d))
			s[k++] = (struct signed_rank){ fabs(d), 0, d > 0 };
	}
	qsort(s, k, sizeof *s, by_size);
	for (size_t i = 0, j; i < k; i = j) {
		for (j = i; j < k && s[j].size == s[i].size; j++)
			;
		double t = (double)(j - i);
		ties += t * t * t - t;
		for (size_t l = i; l < j; l++)
			s[l].rank = (double)(i + j + 1) / 2;
	}
	for (size_t i = 0; i < k; i++)
		plus += s[i].positive ? s[i].rank : 0;
	double count = (double)k, mean = count * (count + 1) / 4;
	double deviation = sqrt((count * (count + 1) * (2 * count + 1) - ties / 2) / 24);
	if (n <= 13 || (n <= 50 && ties == 0 && k == n))
		p = k ? count_signs(s, k, plus) : n ? 1 : NAN;
	else
		p = 2 * normal_cdf(-fabs((plus - mean) / deviation));
	mem_free(s);
	return p;
}

int resample_test(const struct measure *m, const uint32_t *a, const uint32_t *b, size_t n,
	const struct resample_options *o, double *p, struct error *e)
{
	size_t k = m->n_figures;
	int failed = 0;
	double *va = MEM_ARRAY(double, 2 * k + 1), *vb = va + k;
	for (size_t f = 0; f < k; f++)
		p[f] = NAN;
	measure_compute(m, a, n, va);
	measure_compute(m, b, n, vb);
	for (size_t f = 0; f < k; f++)
		va[f] = fabs(va[f] - vb[f]);
	if (n && o->test == TEST_BOOTSTRAP)
		paired_bootstrap(m, a, b, n, o, va, p);
	if (n && o->test == TEST_RANDOMIZATION)
		randomization(m, a, b, n, o, va, p);
	if (o->test == TEST_MCNEMAR || o->test == TEST_WILCOXON) {
		double *sa = unit_scores(m, a, n), *sb = unit_scores(m, b, n);
		if (o->test == TEST_WILCOXON)
			p[m->main] = wilcoxon(sa, sb, n);
		else
			failed = mcnemar(sa, sb, n, &p[m->main], e);
		mem_free(sa);
		mem_free(sb);
	}
	mem_free(va);
	return failed;
}
