/*
 * chart.h: pictures of evaluate's JSON report: the confusion matrix of classification, the ROC curve
 * and the calibration of scores, and any figure as bars: of each group of --by, else of each class,
 * else the score of each metric, with their intervals where the report has them.
 */
#pragma once
#include "lib/plot/canvas.h"

enum chart_kind { CHART_CONFUSION, CHART_ROC, CHART_CALIBRATION, CHART_BARS };

struct chart_curve {
	struct slice name; /* empty: the only one */
	size_t n;
	double *x, *y;
};

struct chart {
	struct arena *arena;
	enum chart_kind kind;
	size_t n; /* labels, curves, bins or bars */
	struct slice *labels; /* CONFUSION, BARS */
	double *cells; /* CONFUSION [n, n], rows true, columns predicted */
	struct chart_curve *curves; /* ROC */
	double *confidence, *accuracy, *count; /* CALIBRATION [n] */
	double *value, *low, *high; /* BARS [n], NaN where there is none */
	double figure; /* accuracy, AUC, calibration error, that of all; NaN: not said */
	const char *what; /* BARS: the figure is called */
};

/* -1 and an error: 66 no such file, 65 a report that does not have what the kind draws. figure names
 * that of BARS; NULL: the score of groups, else f1 of classes, else the score of metrics. */
int chart_read(
	struct chart *, enum chart_kind, const char *figure, const char *path, struct error *);
/* The same of a text into a zeroed chart; path is for messages. chart_free in any case. */
int chart_parse(struct chart *, enum chart_kind, const char *figure, struct slice json,
	const char *path, struct error *);
void chart_free(struct chart *);

struct chart_style {
	float width, height;
	struct slice title;
	bool dark;
};
void chart_draw(const struct chart *, const struct chart_style *, struct canvas *);

/* What a chart of this width needs. */
float chart_height(const struct chart *, float width);

/* "Confusion matrix", …: what stands for a title that is not given. */
struct slice chart_name(enum chart_kind);
