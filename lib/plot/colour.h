/*
 * colour.h: the colours of plots. Nine hues that people with normal vision, protanopia,
 * deuteranopia and tritanopia can tell apart, on a light and on a dark ground; more topics than
 * that take lighter and darker shades of them, and neighbours on a map get colours that are far
 * from each other.
 *
 * The hues are ours: tests/golden/plot_palette.py finds them by annealing the least distance
 * between any two of them and the grey of the outliers (colour_distance), together for both
 * grounds, so that a topic keeps its hue when the ground changes.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COLOUR_HUES = 9, COLOUR_SHADES = 3, COLOURS = COLOUR_HUES * COLOUR_SHADES };

struct colour {
	uint8_t r, g, b;
};

struct theme {
	struct colour ground, ink, faint, outlier; /* ink: text; faint: secondary text and rules */
	struct colour topic[COLOURS]; /* the hues, then each lighter, then each darker */
	struct colour label
		[COLOURS]; /* the same, moved until text in it is legible on the ground (4.5 : 1) */
};

const struct theme *theme_get(bool dark);

enum vision { VISION_NORMAL, VISION_PROTANOPIA, VISION_DEUTERANOPIA, VISION_TRITANOPIA, VISIONS };

/* How far apart two colours look: Euclidean in OKLab; the least over normal, protan and deutan
 * vision. */
double colour_distance(struct colour, struct colour);
double colour_distance_seen(struct colour, struct colour, enum vision);

/* Contrast of luminances, 1 to 21 (WCAG 2.1, 1.4.3). */
double colour_contrast(struct colour, struct colour);

/* Choose a colour (index below COLOURS) for each of n topics whose centres are x, y; the topics
 * come largest first. Up to COLOUR_HUES topics get each its own hue; beyond that the hues and
 * shades are used about equally often and a topic's nearest neighbours have other colours. */
void colour_assign(size_t n, const float *x, const float *y, uint8_t *colours);
