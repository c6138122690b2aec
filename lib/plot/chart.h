/*
 * chart.h: pictures of evaluate's JSON report: the confusion matrix of classification, the ROC curve
 * and the calibration of scores.
 */
#pragma once
#include "lib/plot/canvas.h"

enum chart_kind { CHART_CONFUSION, CHART_ROC, CHART_CALIBRATION };

struct chart_curve {
	struct slice name; /* empty: the only one */
	size_t n;
	double *x, *y;
};

struct chart {
	struct arena *arena;
	enum chart_kind kind;
	size_t n; /* labels, curves or bins */
	struct slice *labels; /* CONFUSION */
	double *cells; /* CONFUSION [n, n], rows true, columns predicted */
	struct chart_curve *curves; /* ROC */
	double *confidence, *accuracy, *count; /* CALIBRATION [n] */
	double figure; /* accuracy, AUC, calibration error; NaN: not said */
};

/* -1 and an error: 66 no such file, 65 a report that does not have what the kind draws. */
int chart_read(struct chart *, enum chart_kind, const char *path, struct error *);
/* The same of a text into a zeroed chart; path is for messages. chart_free in any case. */
int chart_parse(
	struct chart *, enum chart_kind, struct slice json, const char *path, struct error *);
void chart_free(struct chart *);

struct chart_style {
	float width, height;
	struct slice title;
	bool dark;
};
void chart_draw(const struct chart *, const struct chart_style *, struct canvas *);

/* "Confusion matrix", …: what stands for a title that is not given. */
struct slice chart_name(enum chart_kind);
