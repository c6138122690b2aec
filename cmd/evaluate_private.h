/* evaluate_private.h: what the user asked evaluate for; evaluate_options.c reads it. */
#pragma once
#include "cmd/command.h"
#include "lib/metric/metric.h"
#include "lib/metric/resample.h"

enum { METRICS_MAX = 32 };

struct asked {
	struct strings metric_names;
	const struct metric_kind *metrics[METRICS_MAX]; /* they, each once */
	size_t n_metrics;
	struct metric_options how;
	const char *by, *paired;
	int output_format; /* enum report_format */
	size_t digits; /* SIZE_MAX: each metric's own */
	struct strings fail_under, fail_over;
	bool ci;
	int ci_method, paired_test; /* enum resample_method, resample_test */
	struct resample_options sampling;
};
extern struct asked asked;

/* Read the options, check that they go together and open the input, or end with a usage error. */
void evaluate_begin(int argc, char **argv);
void evaluate_end(void);
