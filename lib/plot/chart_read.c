/* chart_read.c: what charts draw, from evaluate's JSON report (CONTRACT.md). */
#include <math.h>

#include "lib/base/contents.h"
#include "lib/plot/chart.h"
#include "lib/record/json.h"

enum { LABELS = 200, POINTS = 1000000 }; /* more than that is no picture */

static int lacks(const char *path, const char *what, struct error *e)
{
	return error_set(e, ERROR_DATA, "%s has no %s: make it with evaluate --output-format json",
		path, what);
}

static double number(struct json v)
{
	return v.type == JSON_NUMBER ? json_double(v) : NAN;
}

static int read_confusion(struct chart *c, struct json m, const char *path, struct error *e)
{
	struct json labels = json_get(m, "labels"), rows = json_get(m, "confusion");
	c->n = json_count(labels);
	if (labels.type != JSON_ARRAY || rows.type != JSON_ARRAY || c->n == 0)
		return lacks(path, "confusion matrix (--metric classification)", e);
	if (c->n > LABELS)
		return error_set(e, ERROR_DATA,
			"%s: a matrix of %zu labels is no picture: at most %d", path, c->n, LABELS);
	c->labels = ARENA_ARRAY(c->arena, struct slice, c->n);
	c->cells = ARENA_ARRAY(c->arena, double, c->n * c->n);
	size_t i = 0, j = 0;
	for (struct json_iterator l = json_iterate(labels); json_each(&l); i++)
		c->labels[i] =
			l.value.type == JSON_STRING ? json_text(l.value, c->arena) : l.value.raw;
	for (struct json_iterator r = json_iterate(rows); json_each(&r);) {
		if (json_count(r.value) != c->n)
			break;
		for (struct json_iterator x = json_iterate(r.value);
			json_each(&x) && j < c->n * c->n;)
			c->cells[j++] = number(x.value);
	}
	bool right = j == c->n * c->n && json_count(rows) == c->n;
	for (j = 0; right && j < c->n * c->n; j++)
		right = c->cells[j] >= 0;
	c->figure = number(json_get(m, "accuracy"));
	return right ? 0 : error_set(e, ERROR_DATA, "%s: its confusion matrix is not one", path);
}

/* [[x, y], …] with both from 0 to 1. */
static int read_curve(struct chart *c, struct chart_curve *curve, struct json points,
	const char *path, struct error *e)
{
	size_t most = json_count(points);
	if (points.type != JSON_ARRAY || most > POINTS)
		return lacks(path, "ROC curve (--metric scores)", e);
	curve->x = ARENA_ARRAY(c->arena, double, most + 1);
	curve->y = ARENA_ARRAY(c->arena, double, most + 1);
	for (struct json_iterator p = json_iterate(points); json_each(&p); curve->n++) {
		struct json_iterator pair = json_iterate(p.value);
		double x = json_each(&pair) ? number(pair.value) : NAN;
		double y = json_each(&pair) ? number(pair.value) : NAN;
		if (!(x >= 0 && x <= 1 && y >= 0 && y <= 1))
			return error_set(e, ERROR_DATA, "%s: point %zu of its ROC curve is none",
				path, curve->n);
		curve->x[curve->n] = x;
		curve->y[curve->n] = y;
	}
	return 0;
}

static int read_roc(struct chart *c, struct json m, const char *path, struct error *e)
{
	struct json roc = json_get(m, "roc");
	if (roc.type != JSON_OBJECT || json_count(roc) == 0 || json_count(roc) > LABELS)
		return lacks(path, "ROC curve (--metric scores)", e);
	c->curves = arena_zero(c->arena, json_count(roc), sizeof *c->curves);
	for (struct json_iterator i = json_iterate(roc); json_each(&i); c->n++) {
		c->curves[c->n].name = json_text(i.key, c->arena);
		if (read_curve(c, &c->curves[c->n], i.value, path, e))
			return -1;
	}
	c->figure = number(json_get(m, "roc_auc"));
	return 0;
}

static int read_calibration(struct chart *c, struct json m, const char *path, struct error *e)
{
	struct json bins = json_get(m, "calibration");
	size_t most = json_count(bins);
	if (bins.type != JSON_ARRAY || most == 0 || most > 10000)
		return lacks(path, "calibration (--metric scores, of probabilities)", e);
	c->confidence = ARENA_ARRAY(c->arena, double, most);
	c->accuracy = ARENA_ARRAY(c->arena, double, most);
	c->count = ARENA_ARRAY(c->arena, double, most);
	for (struct json_iterator i = json_iterate(bins); json_each(&i); c->n++) {
		double x = number(json_get(i.value, "confidence"));
		double y = number(json_get(i.value, "accuracy")),
		       n = number(json_get(i.value, "n"));
		if (!(x >= 0 && x <= 1 && y >= 0 && y <= 1 && n >= 0))
			return error_set(e, ERROR_DATA, "%s: bin %zu of its calibration is none",
				path, c->n);
		c->confidence[c->n] = x;
		c->accuracy[c->n] = y;
		c->count[c->n] = n;
	}
	c->figure = number(json_get(m, "ece"));
	return 0;
}

/* --- Bars ------------------------------------------------------------------------------------- */

/* Within what a picture can show, else none. */
static double bounded(double x)
{
	return fabs(x) < 1e30 ? x : NAN;
}

static void add_bar(struct chart *c, struct slice label, struct json m, const char *figure)
{
	struct json interval = strcmp(figure, "score") ? json_get(json_get(m, "intervals"), figure)
						       : json_get(m, "ci");
	struct json_iterator i = json_iterate(interval);
	size_t n = c->n++;
	c->labels[n] = label;
	c->value[n] = bounded(number(json_get(m, figure)));
	c->low[n] = json_each(&i) ? bounded(number(i.value)) : NAN;
	c->high[n] = json_each(&i) ? bounded(number(i.value)) : NAN;
}

/* Of the metric m, called so, the figure of each group. */
static void group_bars(
	struct chart *c, struct json groups, struct json m, const char *metric, const char *figure)
{
	c->what = figure ? figure : "score";
	c->figure = number(json_get(m, c->what));
	for (struct json_iterator i = json_iterate(groups); json_each(&i);)
		add_bar(c, json_text(i.key, c->arena), json_get(i.value, metric), c->what);
}

/* figure[CLASS] for each class; none without classes. */
static void class_bars(struct chart *c, struct json m, const char *figure)
{
	c->what = figure ? figure : "f1";
	c->figure = number(json_get(m, c->what));
	size_t n = strlen(c->what);
	for (struct json_iterator i = json_iterate(m); json_each(&i);) {
		const char *name = arena_string(c->arena, json_text(i.key, c->arena));
		size_t size = strlen(name);
		if (size > n + 1 && !memcmp(name, c->what, n) && name[n] == '[' &&
			name[size - 1] == ']')
			add_bar(c, (struct slice){ name + n + 1, size - n - 2 }, m, name);
	}
}

static void metric_bars(struct chart *c, struct json metrics)
{
	c->what = "score";
	c->figure = NAN;
	for (struct json_iterator i = json_iterate(metrics); json_each(&i);)
		add_bar(c, json_text(i.key, c->arena), i.value, c->what);
}

/* The first metric that has the figure, of all or of classes. */
static struct json metric_with(
	struct chart *c, struct json metrics, const char *figure, const char **name)
{
	for (struct json_iterator i = json_iterate(metrics); json_each(&i);) {
		*name = arena_string(c->arena, json_text(i.key, c->arena));
		if (!figure || json_get(i.value, figure).type != JSON_ABSENT)
			return i.value;
	}
	return (struct json){ .type = JSON_ABSENT };
}

static int read_bars(
	struct chart *c, const char *figure, struct json root, const char *path, struct error *e)
{
	const char *name;
	struct json metrics = json_get(root, "metrics"), groups = json_get(root, "groups");
	struct json m = metric_with(c, metrics, figure, &name);
	size_t most = json_count(groups) + json_count(m) + json_count(metrics);
	if (m.type != JSON_OBJECT)
		return lacks(path, figure ? "such figure" : "metric", e);
	c->labels = ARENA_ARRAY(c->arena, struct slice, most);
	c->value = ARENA_ARRAY(c->arena, double, most);
	c->low = ARENA_ARRAY(c->arena, double, most);
	c->high = ARENA_ARRAY(c->arena, double, most);
	if (groups.type == JSON_OBJECT)
		group_bars(c, groups, m, name, figure);
	else
		class_bars(c, m, figure);
	if (!c->n && !figure)
		metric_bars(c, metrics);
	if (!c->n)
		return lacks(path, "groups (--by) or classes with that figure", e);
	if (c->n > LABELS)
		return error_set(e, ERROR_DATA, "%s: %zu bars are no picture: at most %d", path,
			c->n, LABELS);
	return 0;
}

int chart_parse(struct chart *c, enum chart_kind kind, const char *figure, struct slice text,
	const char *path, struct error *e)
{
	struct json root;
	if (!c->arena)
		c->arena = arena_new();
	c->kind = kind;
	c->figure = NAN;
	if (json_read(text, &root, e))
		return error_wrap(e, "%s", path);
	if (kind == CHART_BARS)
		return read_bars(c, figure, root, path, e);
	struct json metrics = json_get(root, "metrics");
	struct json m = json_get(metrics, kind == CHART_CONFUSION ? "classification" : "scores");
	return kind == CHART_CONFUSION ? read_confusion(c, m, path, e)
	       : kind == CHART_ROC     ? read_roc(c, m, path, e)
				       : read_calibration(c, m, path, e);
}

int chart_read(struct chart *c, enum chart_kind kind, const char *figure, const char *path,
	struct error *e)
{
	struct slice text;
	*c = (struct chart){ .arena = arena_new() };
	if (contents_read(path, c->arena, &text, e) ||
		chart_parse(c, kind, figure, text, path, e)) {
		chart_free(c);
		return -1;
	}
	return 0;
}

void chart_free(struct chart *c)
{
	arena_free(c->arena);
	*c = (struct chart){ 0 };
}
