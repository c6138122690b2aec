/*
 * cairo.c: PNG images and PDF pages through cairo. Fonts come from fontconfig ("sans-serif"):
 * shapes of letters depend on what is installed, the layout does not, and where a font is wider
 * than planned its text is set smaller. cairo draws with strokes of its own where there is no font
 * at all. A PDF carries no date (CAIRO_PDF_METADATA_CREATE_DATE set to nothing).
 */
#include "lib/plot/canvas.h"

#include "config.h"

#if HAVE_CAIRO
#include <cairo-pdf.h>
#include <cairo.h>

#include "lib/plot/lettering.h"

struct cairo {
	struct canvas canvas;
	enum canvas_format format;
	cairo_surface_t *surface;
	cairo_t *to;
	struct buffer out;
	struct buffer word;
};

static void set_colour(cairo_t *to, struct colour c, float opacity)
{
	cairo_set_source_rgba(to, c.r / 255.0, c.g / 255.0, c.b / 255.0, (double)opacity);
}

static cairo_status_t append(void *closure, const unsigned char *data, unsigned length)
{
	buffer_add(closure, data, length);
	return CAIRO_STATUS_SUCCESS;
}

static void draw_group(struct canvas *c, struct slice title)
{
	(void)c; /* neither a PNG nor cairo's PDF can hold a title of a part */
	(void)title;
}

/* In PDF a stroke of no length with a round cap is the shortest thing that is a dot; in an image a
 * filled circle is the quickest. */
static void draw_dots(struct canvas *c, size_t n, const float *x, const float *y, float radius,
	struct colour colour, float opacity)
{
	struct cairo *s = (struct cairo *)c;
	set_colour(s->to, colour, opacity);
	cairo_set_line_cap(s->to, CAIRO_LINE_CAP_ROUND);
	cairo_set_line_width(s->to, 2 * (double)radius);
	for (size_t i = 0; i < n; i++) {
		if (s->format == CANVAS_PDF) {
			cairo_move_to(s->to, (double)x[i], (double)y[i]);
			cairo_line_to(s->to, (double)x[i], (double)y[i]);
			cairo_stroke(s->to);
		} else {
			cairo_arc(s->to, (double)x[i], (double)y[i], (double)radius, 0,
				6.2831853071795865);
			cairo_fill(s->to);
		}
	}
}

static void draw_line(
	struct canvas *c, float x0, float y0, float x1, float y1, float width, struct colour colour)
{
	cairo_t *to = ((struct cairo *)c)->to;
	set_colour(to, colour, 1);
	cairo_set_line_cap(to, CAIRO_LINE_CAP_ROUND);
	cairo_set_line_width(to, (double)width);
	cairo_move_to(to, (double)x0, (double)y0);
	cairo_line_to(to, (double)x1, (double)y1);
	cairo_stroke(to);
}

static void draw_box(
	struct canvas *c, float x, float y, float width, float height, struct colour colour)
{
	cairo_t *to = ((struct cairo *)c)->to;
	set_colour(to, colour, 1);
	cairo_rectangle(to, (double)x, (double)y, (double)width, (double)height);
	cairo_fill(to);
}

static void draw_text(struct canvas *c, const struct canvas_text *t, struct slice words)
{
	struct cairo *s = (struct cairo *)c;
	buffer_clear(&s->word);
	/* what comes after a NUL would be lost; lettering_clean leaves none */
	buffer_slice(&s->word, words);
	buffer_char(&s->word, '\0');
	cairo_select_font_face(s->to, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
		t->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(s->to, (double)t->size);
	cairo_text_extents_t extents;
	cairo_text_extents(s->to, s->word.data, &extents);
	double planned = (double)(lettering_width(words, t->bold) * t->size);
	double width = extents.x_advance;
	if (width > planned && planned > 0) {
		cairo_set_font_size(s->to, (double)t->size * planned / width);
		width = planned;
	}
	double x = (double)t->x - width * (t->align == CANVAS_MIDDLE         ? 0.5
						  : t->align == CANVAS_RIGHT ? 1
									     : 0);
	if (t->halo > 0) {
		cairo_move_to(s->to, x, (double)t->y);
		cairo_text_path(s->to, s->word.data);
		set_colour(s->to, t->halo_colour, 1);
		cairo_set_line_width(s->to, 2 * (double)t->halo);
		cairo_set_line_join(s->to, CAIRO_LINE_JOIN_ROUND);
		cairo_stroke(s->to);
	}
	cairo_move_to(s->to, x, (double)t->y);
	set_colour(s->to, t->colour, 1);
	cairo_show_text(s->to, s->word.data);
}

static int draw_finish(struct canvas *c, struct buffer *out, struct error *e)
{
	struct cairo *s = (struct cairo *)c;
	cairo_status_t status = cairo_status(s->to);
	cairo_destroy(s->to);
	if (status == CAIRO_STATUS_SUCCESS && s->format == CANVAS_PNG)
		status = cairo_surface_write_to_png_stream(s->surface, append, &s->out);
	cairo_surface_finish(s->surface);
	if (status == CAIRO_STATUS_SUCCESS)
		status = cairo_surface_status(s->surface);
	cairo_surface_destroy(s->surface);
	if (status == CAIRO_STATUS_SUCCESS)
		buffer_slice(out, buffer_view(&s->out));
	buffer_free(&s->out);
	buffer_free(&s->word);
	mem_free(s);
	return status == CAIRO_STATUS_SUCCESS
		       ? 0
		       : error_set(e,
				 status == CAIRO_STATUS_NO_MEMORY ? ERROR_RETRY : ERROR_UNAVAILABLE,
				 "cairo: %s", cairo_status_to_string(status));
}

static const struct canvas_kind cairo_kind = { draw_group, draw_dots, draw_line, draw_box,
	draw_text, draw_finish };

static void set_metadata(
	cairo_surface_t *surface, struct arena *arena, struct slice title, struct slice description)
{
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "");
	if (title.size)
		cairo_pdf_surface_set_metadata(
			surface, CAIRO_PDF_METADATA_TITLE, arena_string(arena, title));
	if (description.size)
		cairo_pdf_surface_set_metadata(
			surface, CAIRO_PDF_METADATA_SUBJECT, arena_string(arena, description));
}

struct canvas *canvas_cairo(enum canvas_format format, float width, float height,
	struct colour ground, struct slice title, struct slice description, struct error *e)
{
	struct cairo *s = mem_zero(1, sizeof *s);
	s->canvas = (struct canvas){ &cairo_kind, width, height };
	s->format = format;
	if (format == CANVAS_PDF) {
		s->surface = cairo_pdf_surface_create_for_stream(
			append, &s->out, (double)width, (double)height);
		struct arena *arena = arena_new();
		set_metadata(s->surface, arena, title, description);
		arena_free(arena);
	} else {
		s->surface =
			cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
	}
	cairo_status_t status = cairo_surface_status(s->surface);
	if (status != CAIRO_STATUS_SUCCESS) {
		error_set(e, status == CAIRO_STATUS_NO_MEMORY ? ERROR_RETRY : ERROR_UNAVAILABLE,
			"cairo: %s", cairo_status_to_string(status));
		cairo_surface_destroy(s->surface);
		buffer_free(&s->out);
		mem_free(s);
		return NULL;
	}
	s->to = cairo_create(s->surface);
	cairo_font_options_t *options = cairo_font_options_create();
	cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
	cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
	cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
	cairo_set_font_options(s->to, options);
	cairo_font_options_destroy(options);
	draw_box(&s->canvas, 0, 0, width, height, ground);
	return &s->canvas;
}

int canvas_cairo_check(enum canvas_format format, struct error *e)
{
	(void)format, (void)e;
	return 0;
}

#else

int canvas_cairo_check(enum canvas_format format, struct error *e)
{
	return error_set(e, ERROR_UNAVAILABLE,
		"this build has no cairo, which %s needs: write .html or .svg, or install"
		" libcairo2-dev and build again",
		format == CANVAS_PNG ? "PNG" : "PDF");
}

struct canvas *canvas_cairo(enum canvas_format format, float width, float height,
	struct colour ground, struct slice title, struct slice description, struct error *e)
{
	(void)width, (void)height, (void)ground, (void)title, (void)description;
	canvas_cairo_check(format, e);
	return NULL;
}
#endif
