/* map_draw.c: a document map on a canvas: points, the names of topics, a title. */
#include "lib/plot/labels.h"
#include "lib/plot/lettering.h"
#include "lib/plot/map.h"

/* 43013 as 43,013 */
static void add_count(struct buffer *b, size_t n)
{
	char digits[32];
	size_t size = 0;
	do {
		digits[size++] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	while (size) {
		buffer_char(b, digits[--size]);
		if (size && size % 3 == 0)
			buffer_char(b, ',');
	}
}

static void add_counted(struct buffer *b, size_t n, const char *one)
{
	add_count(b, n);
	buffer_printf(b, " %s%s", one, plural(n));
}

void map_describe(const struct map *m, struct buffer *b)
{
	size_t outliers = 0, topics = 0;
	for (size_t i = 0; i < m->n_topics; i++) {
		if (m->topics[i].outlier)
			outliers += m->topics[i].count;
		else
			topics++;
	}
	add_counted(b, m->n, "record");
	if (!m->topics_given)
		return;
	buffer_text(b, " · ");
	add_counted(b, topics, "topic");
	if (outliers) {
		buffer_text(b, " · ");
		add_counted(b, outliers, "outlier");
	}
}

float map_point_radius(size_t n, float width, float height)
{
	float unit = __builtin_sqrtf(width * height) / 1386; /* 1 on 1600 by 1200 */
	float spacing = __builtin_sqrtf(width * height / (float)(n ? n : 1));
	float radius = 0.21f * spacing, least = 0.9f * unit, most = 5.5f * unit;
	return radius < least ? least : radius > most ? most : radius;
}

float map_point_opacity(size_t n)
{
	return n <= 1000 ? 0.85f : n <= 10000 ? 0.75f : n <= 50000 ? 0.65f : 0.55f;
}

/* --- Layout --------------------------------------------------------------------------------- */

struct layout {
	const struct map *map;
	const struct map_style *style;
	const struct theme *theme;
	float unit; /* grows with the picture: 1 at 1600 by 1200 */
	float left, top, right, bottom; /* where labels may be */
	float scale, middle_x, middle_y; /* from map to page */
	float radius, opacity;
	float *x, *y; /* [n] on the page */
};

static float page_x(const struct layout *l, float x)
{
	return l->middle_x + l->scale * x;
}

static float page_y(const struct layout *l, float y)
{
	return l->middle_y - l->scale * y;
}

static void lay_out(struct layout *l, const struct map *m, const struct map_style *style)
{
	float unit = __builtin_sqrtf(style->width * style->height) / 1386;
	*l = (struct layout){
		.map = m, .style = style, .theme = theme_get(style->dark), .unit = unit
	};
	float margin = 16 * unit;
	l->left = margin;
	l->right = style->width - margin;
	l->top = margin + (style->title.size ? 84 * unit : 0);
	l->bottom = style->height - margin;
	l->radius = style->point_radius > 0 ? style->point_radius
					    : map_point_radius(m->n, style->width, style->height);
	l->opacity = style->opacity > 0 ? style->opacity : map_point_opacity(m->n);
	/* points keep away from the edges, so that names fit beside them */
	float inset = 36 * unit + l->radius;
	float half_w = (l->right - l->left) / 2 - inset, half_h = (l->bottom - l->top) / 2 - inset;
	float by_x = half_w / (m->extent_x > 1e-6f ? m->extent_x : 1e-6f);
	float by_y = half_h / (m->extent_y > 1e-6f ? m->extent_y : 1e-6f);
	l->scale = by_x < by_y ? by_x : by_y;
	l->scale = l->scale > 0 ? l->scale : 0;
	l->middle_x = (l->left + l->right) / 2;
	l->middle_y = (l->top + l->bottom) / 2;
	l->x = MEM_ARRAY(float, m->n);
	l->y = MEM_ARRAY(float, m->n);
	for (size_t i = 0; i < m->n; i++) {
		l->x[i] = page_x(l, m->at_x[i]);
		l->y[i] = page_y(l, m->at_y[i]);
	}
}

static void draw_points(const struct layout *l, struct canvas *c)
{
	for (size_t i = 0; i < l->map->n_topics; i++) {
		const struct map_topic *t = &l->map->topics[i];
		canvas_group(c, l->map->topics_given ? t->label : (struct slice){ 0 });
		canvas_dots(c, t->count, l->x + t->first, l->y + t->first,
			t->outlier ? 0.8f * l->radius : l->radius,
			t->outlier ? l->theme->outlier : l->theme->topic[t->colour],
			t->outlier ? 0.8f * l->opacity : l->opacity);
	}
	canvas_group(c, (struct slice){ 0 });
}

/* --- Labels --------------------------------------------------------------------------------- */

struct name {
	const struct map_topic *topic;
	float size;
	size_t n_lines;
	struct slice lines[LETTERING_LINES];
};

static const float LINE_HEIGHT = 1.12f; /* ems */

/* 12 to 22 units by the square root of the count between the smallest and the largest; few topics
 * are lettered larger. */
static float letter_size(const struct layout *l, size_t count, size_t least, size_t most, size_t n)
{
	float low = __builtin_sqrtf((float)least), high = __builtin_sqrtf((float)most);
	float t = high > low ? (__builtin_sqrtf((float)count) - low) / (high - low) : 1;
	float grow = n <= 10 ? 1.3f : n <= 40 ? 1.1f : 1;
	return l->unit * grow * (13 + 11 * t);
}

enum { OTHER_ANCHORS = 16 };

/* Some of a topic's own points near its middle can be the anchor of its label, too. */
static size_t other_anchors(const struct layout *l, const struct map_topic *t, float (*others)[2])
{
	float x = page_x(l, t->x), y = page_y(l, t->y), reach = 60 * l->unit;
	size_t n = 0, step = t->count / 256 + 1;
	for (size_t i = t->first; i < t->first + t->count && n < OTHER_ANCHORS; i += step) {
		float dx = l->x[i] - x, dy = l->y[i] - y;
		if (dx * dx + dy * dy > reach * reach)
			continue;
		others[n][0] = l->x[i];
		others[n++][1] = l->y[i];
	}
	return n;
}

static void name_box(
	const struct layout *l, const struct name *name, struct label *label, struct arena *arena)
{
	float width = 0;
	for (size_t i = 0; i < name->n_lines; i++) {
		float w = lettering_width(name->lines[i], true) * name->size;
		width = w > width ? w : width;
	}
	float(*others)[2] = arena_alloc(arena, OTHER_ANCHORS * sizeof *others);
	*label = (struct label){
		.others = (const float(*)[2])others,
		.n_others = other_anchors(l, name->topic, others),
		.points = (uint32_t)name->topic->count,
		.anchor_x = page_x(l, name->topic->x),
		.anchor_y = page_y(l, name->topic->y),
		.width = width + 8 * l->unit,
		.height = (float)name->n_lines * LINE_HEIGHT * name->size + 5 * l->unit,
	};
}

static void draw_ties(const struct layout *l, const struct name *names, const struct label *labels,
	size_t n, struct canvas *c)
{
	for (size_t i = 0; i < n; i++) {
		if (!labels[i].placed || !labels[i].tied)
			continue;
		float x, y;
		label_tie_end(&labels[i], &x, &y);
		float dx = x - labels[i].anchor_x, dy = y - labels[i].anchor_y;
		if (dx * dx + dy * dy < 20 * 20 * l->unit * l->unit)
			continue; /* so near that one sees what it names */
		canvas_line(c, labels[i].anchor_x, labels[i].anchor_y, x, y, 3.5f * l->unit,
			l->theme->ground);
		canvas_line(c, labels[i].anchor_x, labels[i].anchor_y, x, y, 1.2f * l->unit,
			l->theme->label[names[i].topic->colour]);
	}
}

static void draw_name(const struct layout *l, const struct name *name, const struct label *label,
	struct canvas *c)
{
	float line = LINE_HEIGHT * name->size;
	for (size_t k = 0; k < name->n_lines; k++) {
		float middle = label->y + ((float)k - ((float)name->n_lines - 1) / 2) * line;
		canvas_text(c,
			&(struct canvas_text){
				.x = label->x,
				.y = middle + 0.36f * name->size,
				.size = name->size,
				.align = CANVAS_MIDDLE,
				.bold = true,
				.colour = l->theme->label[name->topic->colour],
				.halo = 0.16f * name->size + l->unit,
				.halo_colour = l->theme->ground,
			},
			name->lines[k]);
	}
}

/* Of many topics only so many are tried: the largest. */
static size_t draw_labels(const struct layout *l, struct canvas *c)
{
	const struct map *m = l->map;
	size_t most = l->style->label_count, first = 0;
	while (first < m->n_topics && m->topics[first].outlier)
		first++;
	size_t n = m->n_topics - first;
	n = n > 4 * most ? 4 * most : n;
	if (n == 0 || !m->topics_given)
		return 0;
	struct arena *arena = arena_new();
	struct name *names = ARENA_ARRAY(arena, struct name, n);
	struct label *labels = ARENA_ARRAY(arena, struct label, n);
	for (size_t i = 0; i < n; i++) {
		const struct map_topic *t = &m->topics[first + i];
		names[i].topic = t;
		names[i].size = letter_size(
			l, t->count, m->topics[first + n - 1].count, m->topics[first].count, n);
		names[i].n_lines = lettering_wrap(arena, t->label, 10, true, names[i].lines);
		name_box(l, &names[i], &labels[i], arena);
	}
	struct density density;
	density_make(&density, m->n, l->x, l->y, l->style->width, l->style->height);
	size_t placed = labels_place(labels, n, most,
		&(struct label_page){
			l->left, l->top, l->right, l->bottom, 16 * l->unit, &density });
	density_free(&density);
	draw_ties(l, names, labels, n, c);
	/* the largest last, on top, should halos touch */
	for (size_t i = n; i-- > 0;)
		if (labels[i].placed)
			draw_name(l, &names[i], &labels[i], c);
	arena_free(arena);
	return placed;
}

static void draw_title(const struct layout *l, struct canvas *c)
{
	if (l->style->title.size == 0)
		return;
	struct buffer counts = { 0 };
	map_describe(l->map, &counts);
	struct canvas_text text = { .x = 32 * l->unit,
		.y = 58 * l->unit,
		.size = 34 * l->unit,
		.bold = true,
		.colour = l->theme->ink };
	float width = lettering_width(l->style->title, true) * text.size, room = l->right - text.x;
	text.size = width > room ? text.size * room / width : text.size;
	canvas_text(c, &text, l->style->title);
	text = (struct canvas_text){
		.x = text.x, .y = 86 * l->unit, .size = 17 * l->unit, .colour = l->theme->faint
	};
	canvas_text(c, &text, buffer_view(&counts));
	buffer_free(&counts);
}

size_t map_draw(const struct map *m, const struct map_style *style, struct canvas *c)
{
	struct layout l;
	lay_out(&l, m, style);
	draw_points(&l, c);
	size_t placed = draw_labels(&l, c);
	draw_title(&l, c);
	mem_free(l.x);
	mem_free(l.y);
	return placed;
}
