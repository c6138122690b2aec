/*
 * curve.h: how well scores rank the positives, as sklearn.metrics of scikit-learn 1.9.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct ranked {
	double score;
	size_t index;
	bool positive;
};

/* Sort by score, the highest first, ties in order of index. */
void curve_sort(struct ranked *, size_t n);

/* Of sorted pairs. The area under the ROC curve, by trapezoids: NaN where one class is missing. */
double curve_roc_auc(const struct ranked *, size_t n);
/* Σ (recall - recall before) precision over thresholds; 0 without a positive. */
double curve_average_precision(const struct ranked *, size_t n);
