/*
 * means.h: metrics whose figures are means over records of a few numbers each.
 */
#pragma once
#include "lib/metric/segment.h"

struct means {
	struct measure m;
	size_t prediction, reference; /* places of the keys */
	size_t k; /* numbers of a record, figures */
	double scale; /* of the means: 1 or 100 */
	double *rows; /* [n, k] */
	size_t n_rows, capacity;
};

/* For a metric's open, compute and close. */
struct measure *means_open(struct reader *, const struct metric_options *, size_t k, double scale);
void means_compute(const struct measure *, const uint32_t *units, size_t n, double *value);
void means_close(struct measure *);

/* Keep the numbers of a record as a unit. */
void means_add(struct means *, const double *row);
