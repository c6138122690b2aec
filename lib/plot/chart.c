/* chart.c: matrices and curves, drawn. */
#include "lib/plot/chart.h"

#include <math.h>
#include <stdio.h>

#include "lib/plot/lettering.h"

/* A square for the data, or of bars a box, with room for what stands around it. */
struct frame {
	enum chart_kind kind;
	const struct chart_style *style;
	const struct theme *theme;
	struct canvas *canvas;
	struct arena *arena;
	float unit, x, y, side, high; /* side: also the width of bars */
};

struct slice chart_name(enum chart_kind kind)
{
	return kind == CHART_CONFUSION ? SLICE("Confusion matrix")
	       : kind == CHART_ROC     ? SLICE("ROC curve")
	       : kind == CHART_BARS    ? SLICE("Figures")
				       : SLICE("Calibration");
}

/* a towards b by t. */
static struct colour mix(struct colour a, struct colour b, double t)
{
	return (struct colour){ (uint8_t)lrint(a.r + (b.r - a.r) * t),
		(uint8_t)lrint(a.g + (b.g - a.g) * t), (uint8_t)lrint(a.b + (b.b - a.b) * t) };
}

/* The beginning of a label that fits. */
static struct slice fit(const struct frame *f, struct slice text, float size, float width)
{
	bool cut;
	struct slice clean = lettering_clean(f->arena, lettering_cut(text, 200, &cut));
	for (size_t n = 60; lettering_width(clean, false) * size > width && n; n--) {
		struct slice head = lettering_cut(clean, n, &cut);
		char *with = arena_alloc(f->arena, head.size + 3);
		memcpy(with, head.data, head.size);
		memcpy(with + head.size, "…", 3);
		struct slice shorter = { with, head.size + (cut ? 3 : 0) };
		if (lettering_width(shorter, false) * size <= width)
			return shorter;
	}
	return clean;
}

static void write(const struct frame *f, float x, float y, float size, enum canvas_align align,
	struct colour colour, struct slice text)
{
	canvas_text(f->canvas,
		&(struct canvas_text){
			.x = x, .y = y, .size = size, .align = align, .colour = colour },
		text);
}

static void write_number(const struct frame *f, float x, float y, float size,
	enum canvas_align align, struct colour colour, const char *format, double v)
{
	char text[64];
	/* a report may say anything: 1e300 in full has no room */
	snprintf(text, sizeof text, fabs(v) < 1e15 ? format : "%.6g", v);
	write(f, x, y, size, align, colour, slice_from(text));
}

static void head(const struct frame *f, const char *what, double figure)
{
	float u = f->unit;
	struct slice title = f->style->title.size ? f->style->title : chart_name(f->kind);
	canvas_text(f->canvas,
		&(struct canvas_text){ .x = f->x,
			.y = f->y - 40 * u,
			.size = 26 * u,
			.bold = true,
			.colour = f->theme->ink },
		fit(f, title, 28 * u, f->side));
	if (isnan(figure))
		return;
	char text[96];
	snprintf(
		text, sizeof text, fabs(figure) < 1e15 ? "%.60s %.4f" : "%.60s %.6g", what, figure);
	write(f, f->x, f->y - 16 * u, 15 * u, CANVAS_LEFT, f->theme->faint,
		lettering_clean(f->arena, slice_from(text)));
}

static void draw_cell(
	const struct chart *c, const struct frame *f, size_t i, size_t j, double total)
{
	float cell = f->side / (float)c->n, size = 0.32f * cell;
	double n = c->cells[i * c->n + j], share = total > 0 ? n / total : 0;
	struct colour hue = f->theme->topic[i == j ? 0 : 1];
	struct colour fill = mix(f->theme->ground, hue, share > 0 ? 0.08 + 0.92 * share : 0.02);
	float x = f->x + (float)j * cell, y = f->y + (float)i * cell;
	canvas_box(f->canvas, x + 0.5f, y + 0.5f, cell - 1, cell - 1, fill);
	size = size > 22 * f->unit ? 22 * f->unit : size;
	if (size < 5 || n == 0)
		return;
	bool on_ink =
		colour_contrast(fill, f->theme->ink) >= colour_contrast(fill, f->theme->ground);
	write_number(f, x + cell / 2, y + cell / 2 + 0.36f * size, size, CANVAS_MIDDLE,
		on_ink ? f->theme->ink : f->theme->ground, "%.15g", n);
}

static void draw_confusion(const struct chart *c, const struct frame *f)
{
	float cell = f->side / (float)c->n, size = 15 * f->unit, room = f->x - 16 * f->unit;
	size = size > 0.8f * cell ? 0.8f * cell : size;
	head(f, "accuracy", c->figure);
	for (size_t i = 0; i < c->n; i++) {
		double total = 0;
		for (size_t j = 0; j < c->n; j++)
			total += c->cells[i * c->n + j];
		canvas_group(f->canvas, lettering_clean(f->arena, c->labels[i]));
		for (size_t j = 0; j < c->n; j++)
			draw_cell(c, f, i, j, total);
		canvas_group(f->canvas, (struct slice){ 0 });
		if (size < 4)
			continue;
		float middle = ((float)i + 0.5f) * cell;
		write(f, f->x - 8 * f->unit, f->y + middle + 0.36f * size, size, CANVAS_RIGHT,
			f->theme->ink, fit(f, c->labels[i], size, room));
		write(f, f->x + middle, f->y + f->side + 1.4f * size, size, CANVAS_MIDDLE,
			f->theme->ink, fit(f, c->labels[i], size, cell - 4));
	}
	write(f, f->x + f->side / 2, f->y + f->side + 48 * f->unit, 15 * f->unit, CANVAS_MIDDLE,
		f->theme->faint, SLICE("predicted; a row is the true label"));
}

/* Axes from 0 to 1 with the diagonal. */
static void draw_axes(const struct frame *f, struct slice below)
{
	float u = f->unit;
	for (int i = 0; i <= 4; i++) {
		float at = (float)i / 4 * f->side;
		canvas_line(f->canvas, f->x + at, f->y, f->x + at, f->y + f->side, i ? 0.5f * u : u,
			f->theme->outlier);
		canvas_line(f->canvas, f->x, f->y + f->side - at, f->x + f->side,
			f->y + f->side - at, i ? 0.5f * u : u, f->theme->outlier);
		write_number(f, f->x + at, f->y + f->side + 20 * u, 13 * u, CANVAS_MIDDLE,
			f->theme->ink, "%.15g", i / 4.0);
		write_number(f, f->x - 8 * u, f->y + f->side - at + 4.5f * u, 13 * u, CANVAS_RIGHT,
			f->theme->ink, "%.15g", i / 4.0);
	}
	canvas_line(f->canvas, f->x, f->y + f->side, f->x + f->side, f->y, u, f->theme->faint);
	write(f, f->x + f->side / 2, f->y + f->side + 48 * u, 15 * u, CANVAS_MIDDLE,
		f->theme->faint, below);
}

static void segment(const struct frame *f, double x0, double y0, double x1, double y1, float width,
	struct colour colour)
{
	canvas_line(f->canvas, f->x + (float)x0 * f->side, f->y + (1 - (float)y0) * f->side,
		f->x + (float)x1 * f->side, f->y + (1 - (float)y1) * f->side, width, colour);
}

static void draw_roc(const struct chart *c, const struct frame *f)
{
	float u = f->unit;
	head(f, "area", c->figure);
	draw_axes(f, SLICE("false positives / negatives; upwards true positives / positives"));
	for (size_t k = 0; k < c->n; k++) {
		const struct chart_curve *curve = &c->curves[k];
		struct colour colour = f->theme->topic[k % COLOURS];
		canvas_group(f->canvas, lettering_clean(f->arena, curve->name));
		for (size_t i = 1; i < curve->n; i++)
			segment(f, curve->x[i - 1], curve->y[i - 1], curve->x[i], curve->y[i],
				2.5f * u, colour);
		canvas_group(f->canvas, (struct slice){ 0 });
		if (c->n > 1 && k < 12)
			write(f, f->x + f->side - 10 * u, f->y + f->side - (14 + 20 * (float)k) * u,
				14 * u, CANVAS_RIGHT, f->theme->label[k % COLOURS],
				fit(f, curve->name, 14 * u, f->side / 2));
	}
}

static void draw_calibration(const struct chart *c, const struct frame *f)
{
	double most = 0;
	head(f, "expected calibration error", c->figure);
	draw_axes(f, SLICE("confidence; a dot's height is the accuracy, its size the records"));
	for (size_t i = 0; i < c->n; i++)
		most = c->count[i] > most ? c->count[i] : most;
	for (size_t i = 0; i < c->n; i++) {
		if (c->count[i] <= 0)
			continue;
		float x = f->x + (float)c->confidence[i] * f->side;
		float y = f->y + (1 - (float)c->accuracy[i]) * f->side;
		float radius = (3 + 9 * (float)sqrt(c->count[i] / most)) * f->unit;
		canvas_line(f->canvas, x, y, x, f->y + (1 - (float)c->confidence[i]) * f->side,
			1.5f * f->unit, f->theme->topic[1]);
		canvas_dots(f->canvas, 1, &x, &y, radius, f->theme->topic[0], 0.9f);
	}
}

/* What the axis of bars reaches to: 1 or 100 for shares and percents, else the largest. */
static void range_of(const struct chart *c, double *least, double *most)
{
	double large = 0;
	*least = 0;
	for (size_t i = 0; i < c->n; i++) {
		const double x[] = { c->value[i], c->low[i], c->high[i] };
		for (size_t k = 0; k < 3; k++) {
			*least = x[k] < *least ? x[k] : *least;
			large = x[k] > large ? x[k] : large;
		}
	}
	*most = large <= 1 ? 1 : large <= 100 ? 100 : large;
}

static void draw_bar(
	const struct chart *c, const struct frame *f, size_t i, double least, double most)
{
	float u = f->unit, high = f->high / (float)c->n, size = 0.5f * high;
	float scale = (f->side - 80 * u) / (float)(most - least);
	float zero = f->x - (float)least * scale, y = f->y + (float)i * high;
	double v = c->value[i];
	size = size > 15 * u ? 15 * u : size;
	float base = y + high / 2 + 0.36f * size;
	canvas_group(f->canvas, lettering_clean(f->arena, c->labels[i]));
	if (size >= 4)
		write(f, f->x - 8 * u, base, size, CANVAS_RIGHT, f->theme->ink,
			fit(f, c->labels[i], size, f->x - 16 * u));
	if (!isnan(v))
		canvas_box(f->canvas, v < 0 ? zero + (float)v * scale : zero, y + 0.15f * high,
			(float)fabs(v) * scale, 0.7f * high, f->theme->topic[0]);
	if (c->low[i] <= c->high[i]) {
		float x0 = zero + (float)c->low[i] * scale, x1 = zero + (float)c->high[i] * scale;
		float middle = y + high / 2, tick = 0.12f * high;
		canvas_line(f->canvas, x0, middle, x1, middle, 2 * u, f->theme->topic[1]);
		canvas_line(
			f->canvas, x0, middle - tick, x0, middle + tick, 2 * u, f->theme->topic[1]);
		canvas_line(
			f->canvas, x1, middle - tick, x1, middle + tick, 2 * u, f->theme->topic[1]);
	}
	canvas_group(f->canvas, (struct slice){ 0 });
	if (size >= 4 && !isnan(v))
		write_number(f, f->x + f->side, base, size, CANVAS_RIGHT, f->theme->ink,
			most == 1 ? "%.4f" : "%.2f", v);
}

static void draw_bars(const struct chart *c, const struct frame *f)
{
	double least, most;
	head(f, c->what, c->figure);
	range_of(c, &least, &most);
	for (size_t i = 0; i < c->n; i++)
		draw_bar(c, f, i, least, most);
	float zero = f->x - (float)(least / (most - least)) * (f->side - 80 * f->unit);
	canvas_line(f->canvas, zero, f->y, zero, f->y + f->high, f->unit, f->theme->faint);
}

enum { TOP = 90, BOTTOM = 70, RIGHT = 40, BAR = 60 };

float chart_height(const struct chart *c, float width)
{
	float bars = (float)(c->n < 12 ? c->n : 12) * BAR;
	return c->kind == CHART_BARS ? (TOP + bars + RIGHT) * width / 800 : width * 7 / 8;
}

void chart_draw(const struct chart *c, const struct chart_style *style, struct canvas *canvas)
{
	static void (*const draw[])(const struct chart *, const struct frame *) = {
		[CHART_CONFUSION] = draw_confusion,
		[CHART_ROC] = draw_roc,
		[CHART_CALIBRATION] = draw_calibration,
		[CHART_BARS] = draw_bars,
	};
	bool bars = c->kind == CHART_BARS;
	float least = bars || style->width < style->height ? style->width : style->height;
	struct frame f = { c->kind, style, theme_get(style->dark), canvas, arena_new(), least / 800,
		0, 0, 0, 0 };
	float left = (bars || c->kind == CHART_CONFUSION ? 150 : 70) * f.unit;
	float wide = style->width - left - RIGHT * f.unit;
	f.high = style->height - (float)(TOP + (bars ? RIGHT : BOTTOM)) * f.unit;
	f.high = f.high > 1 ? f.high : 1;
	f.side = bars || wide < f.high ? wide : f.high;
	f.x = left + (wide - f.side) / 2;
	f.y = TOP * f.unit + (bars ? 0 : (f.high - f.side) / 2);
	draw[c->kind](c, &f);
	arena_free(f.arena);
}
