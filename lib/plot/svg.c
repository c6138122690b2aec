/*
 * svg.c: SVG 1.1 (W3C, 2011), written directly. A dot is a path of no length with a round cap
 * ("M12.5 30h0": 27 bytes; a circle through cairo takes 300), so that 43,000 points make about a
 * megabyte, and text stays text that can be searched and read aloud. The halo of text needs
 * paint-order (SVG 2), which browsers, librsvg and Inkscape have.
 */
#include "lib/plot/canvas.h"

struct svg {
	struct canvas canvas;
	struct buffer out;
	bool grouped;
};

/* Hundredths, without the zeros at the end. */
static void add_number(struct buffer *b, float value)
{
	long long hundredths = (long long)(value * 100 + (value < 0 ? -0.5f : 0.5f));
	if (hundredths < 0) {
		buffer_char(b, '-');
		hundredths = -hundredths;
	}
	buffer_printf(b, "%lld", hundredths / 100);
	long long rest = hundredths % 100;
	if (rest == 0)
		return;
	buffer_char(b, '.');
	buffer_char(b, (char)('0' + rest / 10));
	if (rest % 10)
		buffer_char(b, (char)('0' + rest % 10));
}

static void add_attribute(struct buffer *b, const char *name, float value)
{
	buffer_printf(b, " %s=\"", name);
	add_number(b, value);
	buffer_char(b, '"');
}

static void add_colour(struct buffer *b, const char *name, struct colour c)
{
	buffer_printf(b, " %s=\"#%02x%02x%02x\"", name, c.r, c.g, c.b);
}

/* Is the character of `size` bytes at p one that XML 1.0 leaves out (2.2 Char)? The text is
 * UTF-8. */
static bool xml_forbids(const unsigned char *p, size_t left)
{
	if (*p < 32)
		return *p != '\t' && *p != '\n' && *p != '\r';
	return left >= 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe; /* U+FFFE, U+FFFF */
}

void xml_escape(struct buffer *b, struct slice text)
{
	for (size_t i = 0; i < text.size; i++) {
		const unsigned char *p = (const unsigned char *)text.data + i;
		switch (*p) {
		case '&':
			buffer_text(b, "&amp;");
			continue;
		case '<':
			buffer_text(b, "&lt;");
			continue;
		case '>':
			buffer_text(b, "&gt;");
			continue;
		case '"':
			buffer_text(b, "&quot;");
			continue;
		case '\'':
			buffer_text(b, "&#39;");
			continue;
		}
		if (xml_forbids(p, text.size - i)) {
			buffer_text(b, "\xef\xbf\xbd");
			i += *p < 32 ? 0 : 2;
		} else {
			buffer_char(b, (char)*p);
		}
	}
}

static void add_title(struct buffer *b, const char *element, struct slice text)
{
	if (text.size == 0)
		return;
	buffer_printf(b, "<%s>", element);
	xml_escape(b, text);
	buffer_printf(b, "</%s>\n", element);
}

static void svg_group(struct canvas *c, struct slice title)
{
	struct svg *s = (struct svg *)c;
	if (s->grouped)
		buffer_text(&s->out, "</g>\n");
	s->grouped = title.size > 0;
	if (s->grouped) {
		buffer_text(&s->out, "<g>");
		add_title(&s->out, "title", title);
	}
}

static void svg_dots(struct canvas *c, size_t n, const float *x, const float *y, float radius,
	struct colour colour, float opacity)
{
	struct buffer *b = &((struct svg *)c)->out;
	buffer_text(b, "<g fill=\"none\" stroke-linecap=\"round\"");
	add_colour(b, "stroke", colour);
	add_attribute(b, "stroke-width", 2 * radius);
	add_attribute(b, "stroke-opacity", opacity);
	buffer_text(b, ">\n");
	for (size_t i = 0; i < n; i++) {
		buffer_text(b, "<path d=\"M");
		add_number(b, x[i]);
		buffer_char(b, ' ');
		add_number(b, y[i]);
		buffer_text(b, "h0\"/>\n");
	}
	buffer_text(b, "</g>\n");
}

static void svg_line(
	struct canvas *c, float x0, float y0, float x1, float y1, float width, struct colour colour)
{
	struct buffer *b = &((struct svg *)c)->out;
	buffer_text(b, "<line");
	add_attribute(b, "x1", x0);
	add_attribute(b, "y1", y0);
	add_attribute(b, "x2", x1);
	add_attribute(b, "y2", y1);
	add_attribute(b, "stroke-width", width);
	add_colour(b, "stroke", colour);
	buffer_text(b, " stroke-linecap=\"round\"/>\n");
}

static void svg_box(
	struct canvas *c, float x, float y, float width, float height, struct colour colour)
{
	struct buffer *b = &((struct svg *)c)->out;
	buffer_text(b, "<rect");
	add_attribute(b, "x", x);
	add_attribute(b, "y", y);
	add_attribute(b, "width", width);
	add_attribute(b, "height", height);
	add_colour(b, "fill", colour);
	buffer_text(b, "/>\n");
}

static void svg_text(struct canvas *c, const struct canvas_text *t, struct slice words)
{
	static const char *const anchors[] = { "start", "middle", "end" };
	struct buffer *b = &((struct svg *)c)->out;
	buffer_text(b, "<text");
	add_attribute(b, "x", t->x);
	add_attribute(b, "y", t->y);
	add_attribute(b, "font-size", t->size);
	buffer_printf(b, " text-anchor=\"%s\"", anchors[t->align]);
	if (t->bold)
		buffer_text(b, " font-weight=\"bold\"");
	add_colour(b, "fill", t->colour);
	if (t->halo > 0) {
		add_colour(b, "stroke", t->halo_colour);
		add_attribute(b, "stroke-width", 2 * t->halo);
		buffer_text(b, " stroke-linejoin=\"round\" paint-order=\"stroke\"");
	}
	buffer_char(b, '>');
	xml_escape(b, words);
	buffer_text(b, "</text>\n");
}

static int svg_finish(struct canvas *c, struct buffer *out, struct error *e)
{
	(void)e;
	struct svg *s = (struct svg *)c;
	svg_group(c, (struct slice){ 0 });
	buffer_text(&s->out, "</svg>\n");
	buffer_slice(out, buffer_view(&s->out));
	buffer_free(&s->out);
	mem_free(s);
	return 0;
}

static const struct canvas_kind svg_kind = { svg_group, svg_dots, svg_line, svg_box, svg_text,
	svg_finish };

struct canvas *canvas_svg(float width, float height, struct colour ground, struct slice title,
	struct slice description)
{
	struct svg *s = mem_zero(1, sizeof *s);
	struct buffer *b = &s->out;
	s->canvas = (struct canvas){ &svg_kind, width, height };
	buffer_text(b, "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\"");
	add_attribute(b, "width", width);
	add_attribute(b, "height", height);
	buffer_text(b, " viewBox=\"0 0 ");
	add_number(b, width);
	buffer_char(b, ' ');
	add_number(b, height);
	buffer_text(b, "\" font-family=\"Inter, 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans',"
		       " sans-serif\">\n");
	add_title(b, "title", title);
	add_title(b, "desc", description);
	svg_box(&s->canvas, 0, 0, width, height, ground);
	return &s->canvas;
}
