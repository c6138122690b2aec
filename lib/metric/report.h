/*
 * report.h: what evaluate prints: figures of one list of units or of several groups, as text, JSON
 * (CONTRACT.md) or CSV.
 */
#pragma once
#include "lib/metric/metric.h"

/* One metric over one list of units, with everything that was asked for. Arrays are [m->n_figures],
 * NULL where not asked for. */
struct finding {
	const struct measure *measure;
	const uint32_t *units;
	size_t n;
	double *value, *low, *high;
	double *other, *p; /* --paired: the other system's figures; likelihoods */
	const char *extra; /* of the signature */
	const char *test;
};

/* The findings of one group, a metric each; the whole input has no name. */
struct group {
	struct slice name;
	struct finding *findings;
	size_t n;
};

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_CSV };

/* groups[0] is the whole input. by: the key of the others. digits: of texts; SIZE_MAX: 2 in reports
 * and for figures to 100, else 4. */
void report_write(struct buffer *, enum report_format, const struct group *groups, size_t n,
	const char *by, size_t digits);
