/*
 * labels.c: greedy placement of labels, the point-feature problem of cartography (Christensen,
 * Marks and Shieber, "An empirical study of algorithms for point-feature label placement", 1995),
 * with the area covered read from a summed-area table (Crow, 1984).
 */
#include "lib/plot/labels.h"

#include "lib/base/memory.h"

/* --- Density -------------------------------------------------------------------------------- */

static size_t clamp_cell(float position, float cell, size_t cells)
{
	float at = position / cell;
	if (!(at > 0))
		return 0;
	return at >= (float)cells ? cells - 1 : (size_t)at;
}

void density_make(
	struct density *d, size_t n, const float *x, const float *y, float width, float height)
{
	d->cell = (width > height ? width : height) / 400;
	d->columns = (size_t)(width / d->cell) + 1;
	d->rows = (size_t)(height / d->cell) + 1;
	size_t stride = d->columns + 1;
	d->sums = mem_zero(size_mul(stride, d->rows + 1), sizeof *d->sums);
	for (size_t i = 0; i < n; i++)
		d->sums[(clamp_cell(y[i], d->cell, d->rows) + 1) * stride +
			clamp_cell(x[i], d->cell, d->columns) + 1]++;
	for (size_t r = 1; r <= d->rows; r++)
		for (size_t c = 1; c <= d->columns; c++)
			d->sums[r * stride + c] += d->sums[(r - 1) * stride + c] +
						   d->sums[r * stride + c - 1] -
						   d->sums[(r - 1) * stride + c - 1];
}

void density_free(struct density *d)
{
	mem_free(d->sums);
	*d = (struct density){ 0 };
}

uint32_t density_count(const struct density *d, float left, float top, float right, float bottom)
{
	size_t stride = d->columns + 1;
	size_t l = clamp_cell(left, d->cell, d->columns), t = clamp_cell(top, d->cell, d->rows);
	size_t r = clamp_cell(right, d->cell, d->columns) + 1;
	size_t b = clamp_cell(bottom, d->cell, d->rows) + 1;
	return d->sums[b * stride + r] - d->sums[t * stride + r] - d->sums[b * stride + l] +
	       d->sums[t * stride + l];
}

/* --- Geometry ------------------------------------------------------------------------------- */

static bool overlap(const struct label *a, const struct label *b)
{
	float dx = a->x - b->x, dy = a->y - b->y;
	dx = dx < 0 ? -dx : dx;
	dy = dy < 0 ? -dy : dy;
	return 2 * dx < a->width + b->width && 2 * dy < a->height + b->height;
}

/* Does the segment meet the box? Clipping as Liang and Barsky (1984). */
static bool segment_meets(float x0, float y0, float x1, float y1, const struct label *box)
{
	float from = 0, to = 1;
	const float start[2] = { x0 - box->x, y0 - box->y }, step[2] = { x1 - x0, y1 - y0 };
	const float half[2] = { box->width / 2, box->height / 2 };
	for (int axis = 0; axis < 2; axis++) {
		if (step[axis] == 0) {
			if (start[axis] <= -half[axis] || start[axis] >= half[axis])
				return false;
			continue;
		}
		float a = (-half[axis] - start[axis]) / step[axis];
		float b = (half[axis] - start[axis]) / step[axis];
		float enter = a < b ? a : b, leave = a < b ? b : a;
		from = enter > from ? enter : from;
		to = leave < to ? leave : to;
	}
	return from < to;
}

/* Do the two segments cross? Signs of the four areas; touching ends do not count. */
static float side(float ax, float ay, float bx, float by, float px, float py)
{
	return (bx - ax) * (py - ay) - (by - ay) * (px - ax);
}

static bool ties_cross(const struct label *a, const struct label *b)
{
	float s1 = side(a->anchor_x, a->anchor_y, a->x, a->y, b->anchor_x, b->anchor_y);
	float s2 = side(a->anchor_x, a->anchor_y, a->x, a->y, b->x, b->y);
	float s3 = side(b->anchor_x, b->anchor_y, b->x, b->y, a->anchor_x, a->anchor_y);
	float s4 = side(b->anchor_x, b->anchor_y, b->x, b->y, a->x, a->y);
	return s1 * s2 < 0 && s3 * s4 < 0;
}

void label_tie_end(const struct label *l, float *x, float *y)
{
	float dx = l->anchor_x - l->x, dy = l->anchor_y - l->y;
	float ax = dx < 0 ? -dx : dx, ay = dy < 0 ? -dy : dy;
	float tx = ax > 0 ? l->width / 2 / ax : 1, ty = ay > 0 ? l->height / 2 / ay : 1;
	float t = tx < ty ? tx : ty;
	t = t > 1 ? 1 : t;
	*x = l->x + t * dx;
	*y = l->y + t * dy;
}

static bool covers(const struct label *l, float x, float y)
{
	float dx = l->x - x, dy = l->y - y;
	dx = dx < 0 ? -dx : dx;
	dy = dy < 0 ? -dy : dy;
	return 2 * dx <= l->width && 2 * dy <= l->height;
}

static bool fits(const struct label *l, const struct label *placed, const uint32_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct label *other = &placed[order[i]];
		if (overlap(l, other) ||
			(l->tied && segment_meets(l->anchor_x, l->anchor_y, l->x, l->y, other)) ||
			(other->tied && segment_meets(other->anchor_x, other->anchor_y, other->x,
						other->y, l)) ||
			(l->tied && other->tied && ties_cross(l, other)))
			return false;
	}
	return true;
}

/* --- Placement ------------------------------------------------------------------------------ */

enum { DIRECTIONS = 16, RINGS = 18 };

struct placing {
	struct label *labels;
	size_t n;
	uint32_t *order; /* those placed, in this order */
	size_t placed;
	const struct label_page *page;
	float densest; /* points an area under the label that covers most at its anchor */
};

static bool under_label(const struct placing *p, float x, float y)
{
	for (size_t i = 0; i < p->placed; i++)
		if (covers(&p->labels[p->order[i]], x, y))
			return true;
	return false;
}

/* In lines of text: the distance, and two thirds for a tie and for each anchor of a label to come;
 * for covering points as much as four in the densest part of the map, and as much as three where
 * they are as many as the label names. */
static float cost(const struct placing *p, size_t i, const struct label *at, float distance)
{
	float sum = distance / p->page->unit + (at->tied ? 0.67f : 0);
	if (p->page->density) {
		float covered = (float)density_count(p->page->density, at->x - at->width / 2,
			at->y - at->height / 2, at->x + at->width / 2, at->y + at->height / 2);
		float named = at->points > 0 ? covered / (float)at->points : 0;
		sum += 4 * covered / (p->densest * at->width * at->height) +
		       3 * (named < 1 ? named : 1);
	}
	for (size_t k = i + 1; k < p->n; k++)
		if (covers(at, p->labels[k].anchor_x, p->labels[k].anchor_y))
			sum += 0.67f;
	return sum;
}

static bool inside(const struct label *l, const struct label_page *page)
{
	return l->x - l->width / 2 >= page->left && l->x + l->width / 2 <= page->right &&
	       l->y - l->height / 2 >= page->top && l->y + l->height / 2 <= page->bottom;
}

static bool try_place(struct placing *p, size_t i)
{
	/* cos and sin of multiples of 22.5 degrees */
	static const float dial[DIRECTIONS][2] = { { 1, 0 }, { 0.92388f, 0.38268f },
		{ 0.70711f, 0.70711f }, { 0.38268f, 0.92388f }, { 0, 1 }, { -0.38268f, 0.92388f },
		{ -0.70711f, 0.70711f }, { -0.92388f, 0.38268f }, { -1, 0 },
		{ -0.92388f, -0.38268f }, { -0.70711f, -0.70711f }, { -0.38268f, -0.92388f },
		{ 0, -1 }, { 0.38268f, -0.92388f }, { 0.70711f, -0.70711f },
		{ 0.92388f, -0.38268f } };
	struct label *l = &p->labels[i], best = *l;
	float best_cost = 1e30f;
	for (size_t ring = 0; ring < RINGS; ring++) {
		/* half a line apart near by, further out wider */
		float r = p->page->unit * (0.5f * (float)ring + 0.015f * (float)(ring * ring));
		if (r / p->page->unit >= best_cost)
			break;
		for (size_t k = 0; k < (ring ? DIRECTIONS : 1); k++) {
			struct label at = *l;
			/* further sideways: boxes are wider than high */
			at.x += 1.5f * r * dial[k][0];
			at.y += r * dial[k][1];
			at.tied = !covers(&at, at.anchor_x, at.anchor_y);
			if (!inside(&at, p->page))
				continue;
			float c = cost(p, i, &at, r);
			if (c < best_cost && fits(&at, p->labels, p->order, p->placed)) {
				best = at;
				best_cost = c;
			}
		}
	}
	if (best_cost == 1e30f)
		return false;
	*l = best;
	l->placed = true;
	return true;
}

/* Near the edge of the page a label starts from where it is inside. */
static void start(const struct label_page *page, struct label *l)
{
	float left = page->left + l->width / 2, right = page->right - l->width / 2;
	float top = page->top + l->height / 2, bottom = page->bottom - l->height / 2;
	l->x = l->anchor_x < left ? left : l->anchor_x > right ? right : l->anchor_x;
	l->y = l->anchor_y < top ? top : l->anchor_y > bottom ? bottom : l->anchor_y;
	l->placed = l->tied = false;
}

/* From the anchor, else from the first of the others that no label covers and from which a place is
 * found. */
static bool place(struct placing *p, size_t i)
{
	struct label *l = &p->labels[i];
	if (!under_label(p, l->anchor_x, l->anchor_y) && try_place(p, i))
		return true;
	for (size_t k = 0; k < l->n_others; k++) {
		if (under_label(p, l->others[k][0], l->others[k][1]))
			continue;
		l->anchor_x = l->others[k][0];
		l->anchor_y = l->others[k][1];
		start(p->page, l);
		if (try_place(p, i))
			return true;
	}
	return false;
}

static float find_densest(const struct label *labels, size_t n, const struct density *density)
{
	float densest = 1e-9f;
	for (size_t i = 0; density && i < n; i++) {
		const struct label *l = &labels[i];
		float c = (float)density_count(density, l->anchor_x - l->width / 2,
				  l->anchor_y - l->height / 2, l->anchor_x + l->width / 2,
				  l->anchor_y + l->height / 2) /
			  (l->width * l->height);
		densest = c > densest ? c : densest;
	}
	return densest;
}

size_t labels_place(struct label *labels, size_t n, size_t most, const struct label_page *page)
{
	struct placing p = { labels, n, MEM_ARRAY(uint32_t, most < n ? most : n), 0, page,
		find_densest(labels, n, page->density) };
	for (size_t i = 0; i < n; i++) {
		start(page, &labels[i]);
		if (p.placed < most && place(&p, i))
			p.order[p.placed++] = (uint32_t)i;
	}
	mem_free(p.order);
	return p.placed;
}
