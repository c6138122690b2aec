/*
 * canvas.h: what a picture is drawn on: an SVG document (our own writer: text stays text, no font
 * is needed to write it), or a PNG image or PDF page through cairo. Units are pixels (in PDF
 * points), y downwards. What is drawn depends only on the calls: no clock, no random name.
 */
#pragma once
#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/plot/colour.h"

enum canvas_format { CANVAS_SVG, CANVAS_PNG, CANVAS_PDF };

enum { CANVAS_MOST = 16384 }; /* pixels a side */

/* Text is aligned at x horizontally and stands on the baseline y. */
enum canvas_align { CANVAS_LEFT, CANVAS_MIDDLE, CANVAS_RIGHT };

struct canvas_text {
	float x, y, size;
	enum canvas_align align;
	bool bold;
	struct colour colour;
	float halo; /* width of the outline in halo_colour; 0: none */
	struct colour halo_colour;
};

struct canvas {
	const struct canvas_kind *kind;
	float width, height;
};

/* What a kind of canvas can do; canvas_* call it. */
struct canvas_kind {
	void (*group)(struct canvas *, struct slice title);
	void (*dots)(struct canvas *, size_t n, const float *x, const float *y, float radius,
		struct colour, float opacity);
	void (*line)(struct canvas *, float x0, float y0, float x1, float y1, float width,
		struct colour);
	void (*box)(struct canvas *, float x, float y, float width, float height, struct colour);
	void (*text)(struct canvas *, const struct canvas_text *, struct slice);
	int (*finish)(struct canvas *, struct buffer *, struct error *);
};

/* -1 and an error (69) where this build cannot make the format. */
int canvas_check(enum canvas_format, struct error *);

/* A canvas filled with the ground colour; title and description are for people who do not see it
 * (SVG, PDF). NULL and an error as of canvas_check otherwise. */
struct canvas *canvas_new(enum canvas_format, float width, float height, struct colour ground,
	struct slice title, struct slice description, struct error *);

/* What follows belongs to a group of this title, which an SVG viewer shows under the pointer; an
 * empty title ends it. */
void canvas_group(struct canvas *, struct slice title);
/* Each dot is drawn for itself, so that overlapping translucent ones add up. */
void canvas_dots(struct canvas *, size_t n, const float *x, const float *y, float radius,
	struct colour, float opacity);
void canvas_line(
	struct canvas *, float x0, float y0, float x1, float y1, float width, struct colour);
void canvas_box(struct canvas *, float x, float y, float width, float height, struct colour);
void canvas_text(struct canvas *, const struct canvas_text *, struct slice);
/* Append the whole file to the buffer and free the canvas. */
int canvas_finish(struct canvas *, struct buffer *, struct error *);

/* Made by svg.c and cairo.c; use canvas_new. */
int canvas_cairo_check(enum canvas_format, struct error *);
struct canvas *canvas_svg(float width, float height, struct colour ground, struct slice title,
	struct slice description);
struct canvas *canvas_cairo(enum canvas_format, float width, float height, struct colour ground,
	struct slice title, struct slice description, struct error *);

/* Text escaped for XML and HTML, also inside attributes; characters that XML 1.0 cannot hold become
 * U+FFFD. */
void xml_escape(struct buffer *, struct slice);
