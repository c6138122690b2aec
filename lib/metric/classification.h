/*
 * classification.h: precision, recall and F-score from counts, and their averages, as scikit-learn
 * computes them; seqeval's reports are made of the same.
 */
#pragma once
#include "lib/metric/metric.h"

/* Of a class: how often predicted rightly, predicted, and true. */
struct counts {
	uint64_t tp, predicted, support;
};

struct prf {
	double precision, recall, f1;
};

/* p = tp / predicted, r = tp / support, f1 = 2 tp / (predicted + support); 0 where that divides by
 * 0 (zero_division). */
struct prf prf_of(struct counts);
/* The same with f1 = 2 p r / (p + r), which rounds otherwise: as seqeval has it. */
struct prf prf_of_entities(struct counts);
enum average { AVERAGE_MICRO, AVERAGE_MACRO, AVERAGE_WEIGHTED };
struct prf prf_average(
	const struct counts *, size_t n, enum average, struct prf (*of)(struct counts));

/* A report in the layout of classification_report: classes in order, then averages. */
struct report_row {
	struct slice name;
	struct prf prf;
	uint64_t support;
	bool only_f1; /* the row of the accuracy */
	bool real; /* "3.0", as scikit-learn shows the support where nothing is right */
};
void classification_layout(struct buffer *, const struct report_row *classes, size_t n_classes,
	const struct report_row *averages, size_t n_averages, size_t digits);
