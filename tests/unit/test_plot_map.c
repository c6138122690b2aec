/* map: points in drawing order, names of topics, and pictures of maps that are empty, tiny, huge or
 * degenerate. */
#include "lib/plot/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/random.h"

static void assert_text(struct slice got, const char *want)
{
	assert_int_equal(got.size, strlen(want));
	assert_memory_equal(got.data, want, got.size);
}

static const struct map_style style = {
	.width = 800, .height = 600, .label_count = 100, .title = { "T", 1 }
};

static size_t count_of(const struct buffer *b, const char *what)
{
	size_t n = 0;
	for (const char *at = b->data, *end = at + b->size;
		(at = memmem(at, (size_t)(end - at), what, strlen(what))); at++)
		n++;
	return n;
}

/* The map as SVG; how many points it has is checked. */
static void draw(const struct map *m, const struct map_style *s, struct buffer *out)
{
	struct error e;
	struct canvas *c = canvas_new(CANVAS_SVG, s->width, s->height, theme_get(s->dark)->ground,
		s->title, (struct slice){ 0 }, &e);
	map_draw(m, s, c);
	assert_int_equal(canvas_finish(c, out, &e), 0);
	assert_int_equal(count_of(out, "<path d=\"M"), m->n);
	assert_int_equal(count_of(out, "nan"), 0);
	assert_int_equal(count_of(out, "inf"), 0);
	assert_int_equal(count_of(out, "<g"), count_of(out, "</g>"));
}

static void points_lie_outliers_first_then_the_largest_topic(void **state)
{
	(void)state;
	static const char *const topics[] = { "2", "-1", "10", "2", "word", "", "2", "word", "10" };
	struct map m;
	map_init(&m, true);
	for (size_t i = 0; i < 9; i++)
		map_add(&m, (double)i, 0, slice_from(topics[i]), SLICE(""));
	map_arrange(&m, NULL, NULL, 3);
	static const char *const order[] = { "", "-1", "2", "10", "word" };
	static const size_t counts[] = { 1, 1, 3, 2, 2 };
	assert_int_equal(m.n_topics, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_text(m.topics[i].key, order[i]);
		assert_int_equal(m.topics[i].count, counts[i]);
		assert_int_equal(m.topics[i].outlier, i < 2);
	}
	assert_text(m.topics[0].label, "no topic");
	assert_text(m.topics[1].label, "outliers");
	static const uint32_t drawn[] = { 5, 1, 0, 3, 6, 2, 8, 4, 7 };
	assert_memory_equal(m.order, drawn, sizeof drawn);
	struct buffer b = { 0 };
	map_describe(&m, &b);
	assert_text(buffer_view(&b), "9 records · 3 topics · 2 outliers");
	buffer_free(&b);
	map_free(&m);
}

static void names_come_from_the_report_and_what_it_lacks_is_counted(void **state)
{
	(void)state;
	struct report r;
	struct error e;
	struct map m;
	assert_int_equal(report_parse(&r,
				 SLICE("{\"topics\": [{\"topic\": 0, \"words\": [\"cat\", \"dog\", "
				       "\"cow\", \"pig\"]}]}"),
				 &e),
		0);
	map_init(&m, true);
	map_add(&m, 0, 0, SLICE("0"), SLICE(""));
	map_add(&m, 1, 0, SLICE("1"), SLICE(""));
	map_add(&m, 1, 0, SLICE("-1"), SLICE(""));
	assert_int_equal(map_arrange(&m, &r, NULL, 2), 2);
	assert_text(m.topics[1].label, "cat, dog");
	assert_text(m.topics[2].label, "1");
	map_free(&m);
	report_free(&r);
}

static void degenerate_maps_are_drawn(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		size_t n;
		double x, y, step_x, step_y;
	} cases[] = {
		{ "no record", 0, 0, 0, 0, 0 },
		{ "one record", 1, 3, 4, 0, 0 },
		{ "all at one place", 50, 3, 4, 0, 0 },
		{ "on a line across", 50, 0, 7, 1, 0 },
		{ "on a line up", 50, 7, 0, 0, 1 },
		{ "far apart", 2, -3.4e38, -3.4e38, 6.8e38, 6.8e38 },
		{ "very near", 3, 1e-38, 0, 1e-45, 0 },
		{ "far away and near", 3, 1e30, 1e30, 1e14, 0 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (int given = 0; given < 2; given++) {
			struct map m;
			struct buffer b = { 0 };
			map_init(&m, given);
			for (size_t k = 0; k < cases[i].n; k++)
				map_add(&m, cases[i].x + (double)k * cases[i].step_x,
					cases[i].y + (double)k * cases[i].step_y,
					given ? k % 2 ? SLICE("odd") : SLICE("even")
					      : (struct slice){ "", 0 },
					SLICE(""));
			map_arrange(&m, NULL, NULL, 3);
			for (size_t k = 0; k < m.n; k++)
				assert_true(m.at_x[k] >= -1 && m.at_x[k] <= 1 && m.at_y[k] >= -1 &&
					    m.at_y[k] <= 1);
			draw(&m, &style, &b);
			buffer_free(&b);
			map_free(&m);
		}
	}
}

static void ten_thousand_topics_and_long_names_are_drawn(void **state)
{
	(void)state;
	struct map m;
	struct buffer b = { 0 }, name = { 0 };
	map_init(&m, true);
	for (size_t i = 0; i < 20000; i++) {
		char key[32];
		snprintf(key, sizeof key, "topic %zu", i / 2);
		map_add(&m, (double)random_float(random_bits(1, 0, i)),
			(double)random_float(random_bits(1, 1, i)), slice_from(key), SLICE(""));
	}
	for (size_t i = 0; i < 1000000; i++)
		buffer_text(&name, "<word> ");
	map_add(&m, 0.5, 0.5, buffer_view(&name), SLICE(""));
	map_add(&m, 0.5, 0.5, buffer_view(&name), SLICE(""));
	map_add(&m, 0.5, 0.5, buffer_view(&name), SLICE(""));
	map_arrange(&m, NULL, NULL, 3);
	assert_int_equal(m.n_topics, 10001);
	assert_true(m.topics[0].label.size < 200);
	draw(&m, &style, &b);
	assert_true(b.size < 3000000);
	buffer_free(&b);
	buffer_free(&name);
	map_free(&m);
}

static void the_centre_of_a_topic_is_where_most_of_it_is(void **state)
{
	(void)state;
	struct map m;
	map_init(&m, true);
	for (size_t i = 0; i < 1000; i++) {
		/* nine tenths around (3, 3), the rest around (-3, -3) */
		double c = i % 10 ? 3 : -3;
		map_add(&m, c + random_double(random_bits(1, 0, i)) - 0.5,
			c + random_double(random_bits(1, 1, i)) - 0.5, SLICE("0"), SLICE(""));
	}
	map_arrange(&m, NULL, NULL, 3);
	assert_true(m.topics[0].x > 0.75f && m.topics[0].x < 0.95f && m.topics[0].y > 0.75f &&
		    m.topics[0].y < 0.95f);
	map_free(&m);
}

static void the_same_map_draws_the_same_bytes(void **state)
{
	(void)state;
	struct buffer b[2] = { { 0 }, { 0 } };
	for (size_t k = 0; k < 2; k++) {
		struct map m;
		map_init(&m, true);
		for (size_t i = 0; i < 3000; i++) {
			char key[16];
			snprintf(key, sizeof key, "%zu", i % 37);
			map_add(&m, (double)(i % 37) + random_double(random_bits(1, 0, i)),
				(double)(i % 7) + random_double(random_bits(1, 1, i)),
				slice_from(key), SLICE(""));
		}
		map_arrange(&m, NULL, NULL, 3);
		draw(&m, &style, &b[k]);
		map_free(&m);
	}
	assert_int_equal(b[0].size, b[1].size);
	assert_memory_equal(b[0].data, b[1].data, b[0].size);
	buffer_free(&b[0]);
	buffer_free(&b[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(points_lie_outliers_first_then_the_largest_topic),
		cmocka_unit_test(names_come_from_the_report_and_what_it_lacks_is_counted),
		cmocka_unit_test(degenerate_maps_are_drawn),
		cmocka_unit_test(ten_thousand_topics_and_long_names_are_drawn),
		cmocka_unit_test(the_centre_of_a_topic_is_where_most_of_it_is),
		cmocka_unit_test(the_same_map_draws_the_same_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
