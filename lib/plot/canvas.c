/* canvas.c: one set of drawing calls for every kind of canvas. */
#include "lib/plot/canvas.h"

int canvas_check(enum canvas_format format, struct error *e)
{
	return format == CANVAS_SVG ? 0 : canvas_cairo_check(format, e);
}

struct canvas *canvas_new(enum canvas_format format, float width, float height,
	struct colour ground, struct slice title, struct slice description, struct error *e)
{
	if (format == CANVAS_SVG)
		return canvas_svg(width, height, ground, title, description);
	if (canvas_check(format, e))
		return NULL;
	return canvas_cairo(format, width, height, ground, title, description, e);
}

void canvas_group(struct canvas *c, struct slice title)
{
	c->kind->group(c, title);
}

void canvas_dots(struct canvas *c, size_t n, const float *x, const float *y, float radius,
	struct colour colour, float opacity)
{
	c->kind->dots(c, n, x, y, radius, colour, opacity);
}

void canvas_line(
	struct canvas *c, float x0, float y0, float x1, float y1, float width, struct colour colour)
{
	c->kind->line(c, x0, y0, x1, y1, width, colour);
}

void canvas_box(struct canvas *c, float x, float y, float width, float height, struct colour colour)
{
	c->kind->box(c, x, y, width, height, colour);
}

void canvas_text(struct canvas *c, const struct canvas_text *text, struct slice words)
{
	c->kind->text(c, text, words);
}

int canvas_finish(struct canvas *c, struct buffer *out, struct error *e)
{
	return c->kind->finish(c, out, e);
}
