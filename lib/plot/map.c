/* map.c: collecting, ordering and scaling the points of a document map. Drawing is in
 * map_draw.c. */
#include "lib/plot/map.h"

#include <stdlib.h>

#include "lib/base/random.h"
#include "lib/plot/lettering.h"

void map_init(struct map *m, bool topics_given)
{
	*m = (struct map){ .arena = arena_new(), .topics_given = topics_given, .n_slots = 64 };
	m->slots = mem_zero(m->n_slots, sizeof *m->slots);
}

void map_free(struct map *m)
{
	arena_free(m->arena);
	mem_free(m->x);
	mem_free(m->y);
	mem_free(m->topic);
	mem_free(m->text);
	mem_free(m->topics);
	mem_free(m->slots);
	mem_free(m->order);
	mem_free(m->at_x);
	mem_free(m->at_y);
	*m = (struct map){ 0 };
}

/* --- Topics --------------------------------------------------------------------------------- */

static size_t hash(struct slice s)
{
	uint64_t h = s.size;
	for (size_t i = 0; i < s.size; i += 8) {
		uint64_t word = 0;
		memcpy(&word, s.data + i, s.size - i < 8 ? s.size - i : 8);
		h = random_mix(h ^ word) * 0x9e3779b97f4a7c15u;
	}
	return (size_t)random_mix(h);
}

static size_t find_slot(const struct map *m, struct slice key)
{
	size_t at = hash(key) & (m->n_slots - 1);
	while (m->slots[at] && !slice_equal(m->topics[m->slots[at] - 1].key, key))
		at = (at + 1) & (m->n_slots - 1);
	return at;
}

static void grow_slots(struct map *m)
{
	mem_free(m->slots);
	m->n_slots *= 2;
	m->slots = mem_zero(m->n_slots, sizeof *m->slots);
	for (size_t i = 0; i < m->n_topics; i++)
		m->slots[find_slot(m, m->topics[i].key)] = (uint32_t)(i + 1);
}

static uint32_t topic_of(struct map *m, struct slice key)
{
	size_t slot = find_slot(m, key);
	if (m->slots[slot])
		return m->slots[slot] - 1;
	m->topics = mem_grow(m->topics, &m->topic_capacity, m->n_topics + 1, sizeof *m->topics);
	m->topics[m->n_topics] = (struct map_topic){
		.key = arena_copy(m->arena, key),
		.outlier = m->topics_given && (key.size == 0 || slice_equal(key, SLICE("-1"))),
	};
	m->slots[slot] = (uint32_t)++m->n_topics;
	if (2 * m->n_topics > m->n_slots)
		grow_slots(m);
	return (uint32_t)m->n_topics - 1;
}

void map_add(struct map *m, double x, double y, struct slice topic, struct slice text)
{
	if (m->n == m->capacity) {
		size_t old = m->capacity, more = old ? 2 * old : 1024;
		m->x = mem_resize(m->x, old * sizeof *m->x, size_mul(more, sizeof *m->x));
		m->y = mem_resize(m->y, old * sizeof *m->y, size_mul(more, sizeof *m->y));
		m->topic = mem_resize(
			m->topic, old * sizeof *m->topic, size_mul(more, sizeof *m->topic));
		m->text =
			mem_resize(m->text, old * sizeof *m->text, size_mul(more, sizeof *m->text));
		m->capacity = more;
	}
	uint32_t t = topic_of(m, topic);
	m->topics[t].count++;
	m->x[m->n] = x;
	m->y[m->n] = y;
	m->topic[m->n] = t;
	m->text[m->n] = arena_copy(m->arena, text);
	m->n++;
}

/* --- Order ---------------------------------------------------------------------------------- */

static bool is_number(struct slice s)
{
	for (size_t i = 0; i < s.size; i++)
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
	return s.size > 0;
}

/* Outliers, then the largest first; ties by number where both are numbers, else by bytes. */
static int compare_topics(const void *pa, const void *pb)
{
	const struct map_topic *a = pa, *b = pb;
	if (a->outlier != b->outlier)
		return a->outlier ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	if (is_number(a->key) && is_number(b->key) && a->key.size != b->key.size)
		return a->key.size < b->key.size ? -1 : 1;
	return slice_compare(a->key, b->key);
}

static void order_points(struct map *m)
{
	uint32_t *place = MEM_ARRAY(uint32_t, m->n_topics + 1); /* old topic to new */
	for (size_t i = 0; i < m->n_topics; i++)
		m->topics[i].first = i; /* the old index, for a moment */
	if (m->n_topics)
		qsort(m->topics, m->n_topics, sizeof *m->topics, compare_topics);
	size_t first = 0;
	for (size_t i = 0; i < m->n_topics; i++) {
		place[m->topics[i].first] = (uint32_t)i;
		m->topics[i].first = first;
		first += m->topics[i].count;
	}
	size_t *next = MEM_ARRAY(size_t, m->n_topics + 1);
	for (size_t i = 0; i < m->n_topics; i++)
		next[i] = m->topics[i].first;
	m->order = MEM_ARRAY(uint32_t, m->n);
	for (size_t i = 0; i < m->n; i++) {
		m->topic[i] = place[m->topic[i]];
		m->order[next[m->topic[i]]++] = (uint32_t)i;
	}
	mem_free(next);
	mem_free(place);
}

/* Rounding may lead outside where the extent is next to nothing beside the coordinates. */
static float scaled(double value, double middle, double half)
{
	double at = (value - middle) / half;
	return at < -1 ? -1 : at > 1 ? 1 : (float)at;
}

static void scale_points(struct map *m)
{
	double low_x = 0, high_x = 0, low_y = 0, high_y = 0;
	for (size_t i = 0; i < m->n; i++) {
		low_x = i == 0 || m->x[i] < low_x ? m->x[i] : low_x;
		high_x = i == 0 || m->x[i] > high_x ? m->x[i] : high_x;
		low_y = i == 0 || m->y[i] < low_y ? m->y[i] : low_y;
		high_y = i == 0 || m->y[i] > high_y ? m->y[i] : high_y;
	}
	/* halves first: the sum of two large coordinates may overflow */
	double middle_x = low_x / 2 + high_x / 2, middle_y = low_y / 2 + high_y / 2;
	double half_x = high_x / 2 - low_x / 2, half_y = high_y / 2 - low_y / 2;
	double half = half_x > half_y ? half_x : half_y;
	half = half > 0 ? half : 1; /* all at one place */
	m->extent_x = (float)(half_x / half);
	m->extent_y = (float)(half_y / half);
	m->at_x = MEM_ARRAY(float, m->n);
	m->at_y = MEM_ARRAY(float, m->n);
	for (size_t i = 0; i < m->n; i++) {
		m->at_x[i] = scaled(m->x[m->order[i]], middle_x, half);
		m->at_y[i] = scaled(m->y[m->order[i]], middle_y, half);
	}
}

/* --- Where a topic is densest --------------------------------------------------------------- */

enum { GRID = 12 };

/* The mean of the points within `reach` of *x, *y in both directions. */
static void shift_to_mean(const struct map *m, const struct map_topic *t, float reach_x,
	float reach_y, float *x, float *y)
{
	double sum_x = 0, sum_y = 0;
	size_t n = 0;
	for (size_t i = t->first; i < t->first + t->count; i++) {
		float dx = m->at_x[i] - *x, dy = m->at_y[i] - *y;
		if (dx > reach_x || dx < -reach_x || dy > reach_y || dy < -reach_y)
			continue;
		sum_x += (double)m->at_x[i];
		sum_y += (double)m->at_y[i];
		n++;
	}
	if (n == 0)
		return;
	*x = (float)(sum_x / (double)n);
	*y = (float)(sum_y / (double)n);
}

/* The fullest 3 by 3 cells of a grid over the topic, then three steps of mean shift (Fukunaga and
 * Hostetler, 1975). */
static void find_centre(const struct map *m, struct map_topic *t)
{
	float low_x = 2, high_x = -2, low_y = 2, high_y = -2;
	for (size_t i = t->first; i < t->first + t->count; i++) {
		low_x = m->at_x[i] < low_x ? m->at_x[i] : low_x;
		high_x = m->at_x[i] > high_x ? m->at_x[i] : high_x;
		low_y = m->at_y[i] < low_y ? m->at_y[i] : low_y;
		high_y = m->at_y[i] > high_y ? m->at_y[i] : high_y;
	}
	float cell_x = (high_x - low_x) / GRID + 1e-6f, cell_y = (high_y - low_y) / GRID + 1e-6f;
	uint32_t counts[GRID + 2][GRID + 2] = { 0 };
	for (size_t i = t->first; i < t->first + t->count; i++) {
		size_t c = (size_t)((m->at_x[i] - low_x) / cell_x);
		size_t r = (size_t)((m->at_y[i] - low_y) / cell_y);
		counts[(r < GRID ? r : GRID - 1) + 1][(c < GRID ? c : GRID - 1) + 1]++;
	}
	size_t best_r = 1, best_c = 1;
	uint32_t most = 0;
	for (size_t r = 1; r <= GRID; r++) {
		for (size_t c = 1; c <= GRID; c++) {
			/* itself twice, so that ties go to the middle */
			uint32_t sum = counts[r][c];
			for (size_t k = 0; k < 9; k++)
				sum += counts[r + k / 3 - 1][c + k % 3 - 1];
			if (sum > most) {
				most = sum;
				best_r = r;
				best_c = c;
			}
		}
	}
	t->x = low_x + ((float)best_c - 0.5f) * cell_x;
	t->y = low_y + ((float)best_r - 0.5f) * cell_y;
	for (int step = 0; step < 3; step++)
		shift_to_mean(m, t, 2.5f * cell_x, 2.5f * cell_y, &t->x, &t->y);
}

static void choose_colours(struct map *m)
{
	size_t outliers = 0;
	while (outliers < m->n_topics && m->topics[outliers].outlier)
		outliers++;
	size_t n = m->n_topics - outliers;
	float *x = MEM_ARRAY(float, n), *y = MEM_ARRAY(float, n);
	uint8_t *colours = MEM_ARRAY(uint8_t, n);
	for (size_t i = 0; i < n; i++) {
		x[i] = m->topics[outliers + i].x;
		y[i] = m->topics[outliers + i].y;
	}
	colour_assign(n, x, y, colours);
	for (size_t i = 0; i < n; i++)
		m->topics[outliers + i].colour = colours[i];
	mem_free(x);
	mem_free(y);
	mem_free(colours);
}

enum { LABEL_LENGTH = 80 }; /* characters */

/* Returns whether the report lacks the topic. */
static bool name_topic(struct map *m, struct map_topic *t, const struct report *report,
	const char *aspect, size_t n_words)
{
	const struct report_topic *known = report ? report_find(report, t->key) : NULL;
	bool missing = report && m->topics_given && !known && t->key.size > 0;
	struct slice label = known ? report_label(known, aspect, n_words, m->arena) : t->key;
	if (t->outlier)
		label = t->key.size ? SLICE("outliers") : SLICE("no topic");
	else if (!m->topics_given)
		label = SLICE("records");
	t->named = known && !t->outlier;
	/* before it is cleaned, so that a key of 10 MB is not copied */
	bool cut, cut_again;
	label = lettering_clean(m->arena, lettering_cut(label, 4 * LABEL_LENGTH, &cut));
	t->label = lettering_cut(label, LABEL_LENGTH, &cut_again);
	if (cut || cut_again) {
		struct buffer b = { 0 };
		buffer_slice(&b, t->label);
		buffer_text(&b, "…");
		t->label = arena_copy(m->arena, buffer_view(&b));
		buffer_free(&b);
	}
	return missing;
}

size_t map_arrange(struct map *m, const struct report *report, const char *aspect, size_t n_words)
{
	size_t lacking = 0;
	order_points(m);
	scale_points(m);
	for (size_t i = 0; i < m->n_topics; i++) {
		lacking += name_topic(m, &m->topics[i], report, aspect, n_words);
		find_centre(m, &m->topics[i]);
	}
	choose_colours(m);
	return lacking;
}
