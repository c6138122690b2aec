/* Reports of evaluate: any bytes are read or refused, and what was read is in its range. */
#include <math.h>
#include <stdint.h>

#include "lib/plot/chart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct chart *c)
{
	for (size_t i = 0; c->kind == CHART_CONFUSION && i < c->n * c->n; i++)
		CHECK(c->cells[i] >= 0 && c->labels[i / c->n].data);
	for (size_t i = 0; c->kind == CHART_CALIBRATION && i < c->n; i++)
		CHECK(c->confidence[i] >= 0 && c->accuracy[i] <= 1 && c->count[i] >= 0);
	for (size_t i = 0; c->kind == CHART_BARS && i < c->n; i++)
		CHECK(c->labels[i].data && !isinf(c->value[i]));
	for (size_t k = 0; c->kind == CHART_ROC && k < c->n; k++)
		for (size_t i = 0; i < c->curves[k].n; i++)
			CHECK(c->curves[k].x[i] >= 0 && c->curves[k].y[i] <= 1);
}

static void draw(const struct chart *c)
{
	struct chart_style style = { .width = 300, .height = 200 };
	struct buffer out = { 0 };
	struct error e;
	struct canvas *canvas = canvas_new(CANVAS_SVG, style.width, style.height,
		theme_get(false)->ground, chart_name(c->kind), SLICE(""), &e);
	CHECK(canvas && chart_height(c, style.width) > 0);
	chart_draw(c, &style, canvas);
	CHECK(canvas_finish(canvas, &out, &e) == 0 && out.size);
	CHECK(!memmem(out.data, out.size, "=\"nan", 5) && !memmem(out.data, out.size, "=\"inf", 5));
	buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	for (int kind = CHART_CONFUSION; kind <= CHART_BARS; kind++) {
		struct chart chart = { 0 };
		struct error e = { 0 };
		if (chart_parse(&chart, (enum chart_kind)kind, NULL, text, "fuzz", &e) == 0) {
			check(&chart);
			draw(&chart);
		}
		chart_free(&chart);
	}
	return 0;
}
