/* curve.c: areas under the curves of ranked pairs. */
#include "lib/metric/curve.h"

#include <math.h>
#include <stdlib.h>

#include "lib/base/memory.h"
#include "lib/metric/sum.h"

static int by_score(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

void curve_sort(struct ranked *x, size_t n)
{
	qsort(x, n, sizeof *x, by_score);
}

static size_t positives(const struct ranked *x, size_t n)
{
	size_t k = 0;
	for (size_t i = 0; i < n; i++)
		k += x[i].positive;
	return k;
}

double curve_roc_auc(const struct ranked *x, size_t n)
{
	size_t all = positives(x, n), tp = 0, parts = 0;
	double tpr = 0, fpr = 0, p = (double)all, q = (double)(n - all);
	if (all == 0 || all == n)
		return NAN;
	double *areas = MEM_ARRAY(double, n);
	for (size_t i = 0; i < n; i++) {
		tp += x[i].positive;
		if (i + 1 < n && x[i + 1].score == x[i].score)
			continue;
		double t = (double)tp / p, f = (double)(i + 1 - tp) / q;
		areas[parts++] = (f - fpr) * (t + tpr) / 2;
		tpr = t;
		fpr = f;
	}
	double area = sum_pairwise(areas, parts);
	mem_free(areas);
	return area;
}

double curve_average_precision(const struct ranked *x, size_t n)
{
	size_t all = positives(x, n), tp = 0, parts = 0;
	double before = 0;
	if (!n)
		return NAN;
	if (!all)
		return 0;
	double *areas = MEM_ARRAY(double, n);
	for (size_t i = 0; i < n; i++) {
		tp += x[i].positive;
		if (i + 1 < n && x[i + 1].score == x[i].score)
			continue;
		double recall = (double)tp / (double)all;
		areas[parts++] = (recall - before) * ((double)tp / (double)(i + 1));
		before = recall;
	}
	double area = sum_pairwise(areas, parts);
	mem_free(areas);
	return area;
}
