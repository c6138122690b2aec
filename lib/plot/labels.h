/*
 * labels.h: where the names of topics stand on a map, so that no two overlap. Greedy: labels come
 * in order of importance, each takes the best of a fan of places around its anchor, where near is
 * good and covering points or the anchors of labels to come is bad; one for which no place is left
 * stays unplaced. A label that stands off its anchor is tied to it by a line; lines cross neither
 * labels nor each other.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct label {
	float anchor_x, anchor_y;
	/* further places that will do as anchor, should a label cover it */
	const float (*others)[2];
	size_t n_others;
	uint32_t points; /* how many points it names */
	float width, height; /* of the text and the room around it */
	float x, y; /* the centre, when placed */
	bool placed, tied; /* tied: a line from the label to its anchor is wanted */
};

/* How many points lie in each cell of a page, as sums over the cells above and to the left. */
struct density {
	size_t columns, rows;
	float cell;
	uint32_t *sums; /* [rows + 1, columns + 1] */
};

void density_make(
	struct density *, size_t n, const float *x, const float *y, float width, float height);
void density_free(struct density *);
/* Points in a rectangle, its edges rounded outwards to cells. */
uint32_t density_count(const struct density *, float left, float top, float right, float bottom);

struct label_page {
	float left, top, right, bottom; /* labels stay inside */
	float unit; /* the height of a line of text: the scale of distances */
	const struct density *density; /* may be NULL */
};

/* Place at most `most` of n labels; returns how many. */
size_t labels_place(struct label *, size_t n, size_t most, const struct label_page *);

/* The end of the tie at the label: where the line from the anchor to the centre meets the box. */
void label_tie_end(const struct label *, float *x, float *y);
