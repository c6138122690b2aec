/* labels: no two overlap, all stay on the page, ties cross nothing, whatever the anchors. */
#include "lib/plot/labels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "lib/base/random.h"

enum { WIDTH = 1600, HEIGHT = 1200 };

static float uniform(uint64_t seed, size_t i, float low, float high)
{
	return low + (high - low) * random_float(random_bits(seed, 7, i));
}

static void scatter(struct label *labels, size_t n, uint64_t seed, float spread)
{
	for (size_t i = 0; i < n; i++)
		labels[i] = (struct label){
			.anchor_x =
				WIDTH / 2 + spread * uniform(seed, 4 * i, -WIDTH / 2, WIDTH / 2),
			.anchor_y = HEIGHT / 2 +
				    spread * uniform(seed, 4 * i + 1, -HEIGHT / 2, HEIGHT / 2),
			.width = uniform(seed, 4 * i + 2, 30, 220),
			.height = uniform(seed, 4 * i + 3, 15, 80),
			.points = (uint32_t)(10 + i),
		};
}

static bool apart(const struct label *a, const struct label *b)
{
	float dx = a->x > b->x ? a->x - b->x : b->x - a->x,
	      dy = a->y > b->y ? a->y - b->y : b->y - a->y;
	return 2 * dx >= a->width + b->width || 2 * dy >= a->height + b->height;
}

/* Does the tie of a enter the box of b? By walking along it, not by the code under test. */
static bool tie_enters(const struct label *a, const struct label *b)
{
	for (int i = 0; i <= 400; i++) {
		float t = (float)i / 400, x = a->anchor_x + t * (a->x - a->anchor_x);
		float y = a->anchor_y + t * (a->y - a->anchor_y);
		float dx = x > b->x ? x - b->x : b->x - x, dy = y > b->y ? y - b->y : b->y - y;
		if (dx < b->width / 2 - 0.5f && dy < b->height / 2 - 0.5f)
			return true;
	}
	return false;
}

static void check(const struct label *labels, size_t n, size_t placed)
{
	size_t seen = 0;
	for (size_t i = 0; i < n; i++) {
		const struct label *a = &labels[i];
		if (!a->placed)
			continue;
		seen++;
		assert_true(a->x - a->width / 2 >= 10 && a->x + a->width / 2 <= WIDTH - 10);
		assert_true(a->y - a->height / 2 >= 10 && a->y + a->height / 2 <= HEIGHT - 10);
		for (size_t j = 0; j < n; j++) {
			if (j == i || !labels[j].placed)
				continue;
			assert_true(apart(a, &labels[j]));
			assert_false(a->tied && tie_enters(a, &labels[j]));
		}
	}
	assert_int_equal(seen, placed);
}

static const struct label_page page = { 10, 10, WIDTH - 10, HEIGHT - 10, 16, NULL };

static void labels_never_overlap(void **state)
{
	(void)state;
	static struct label labels[300];
	static const float spreads[] = { 0, 0.2f, 0.6f, 1, 3 };
	for (uint64_t seed = 0; seed < 20; seed++) {
		for (size_t k = 0; k < 5; k++) {
			size_t n = 1 + random_below(random_bits(9, seed, k), 300);
			scatter(labels, n, seed, spreads[k]);
			size_t placed = labels_place(labels, n, 100, &page);
			assert_true(placed >= 1 && placed <= 100);
			check(labels, n, placed);
		}
	}
}

static void a_lone_label_stands_on_its_anchor_or_at_the_edge(void **state)
{
	(void)state;
	struct label label = { .anchor_x = 800, .anchor_y = 600, .width = 100, .height = 20 };
	assert_int_equal(labels_place(&label, 1, 10, &page), 1);
	assert_true(label.x == 800 && label.y == 600 && !label.tied);
	label = (struct label){ .anchor_x = 0, .anchor_y = 2000, .width = 100, .height = 20 };
	assert_int_equal(labels_place(&label, 1, 10, &page), 1);
	assert_true(label.x == 60 && label.y == HEIGHT - 20);
}

static void a_label_larger_than_the_page_is_left_out(void **state)
{
	(void)state;
	struct label labels[2] = {
		{ .anchor_x = 800, .anchor_y = 600, .width = 3000, .height = 20 },
		{ .anchor_x = 800, .anchor_y = 600, .width = 100, .height = 20 }
	};
	assert_int_equal(labels_place(labels, 2, 10, &page), 1);
	assert_true(!labels[0].placed && labels[1].placed);
	assert_int_equal(labels_place(labels, 0, 10, &page), 0);
	assert_int_equal(labels_place(labels, 2, 0, &page), 0);
}

static void important_labels_come_first(void **state)
{
	(void)state;
	static struct label labels[200];
	scatter(labels, 200, 3, 0.05f);
	labels_place(labels, 200, 5, &page);
	for (size_t i = 0; i < 5; i++)
		assert_true(labels[i].placed);
	for (size_t i = 5; i < 200; i++)
		assert_false(labels[i].placed);
}

static void a_label_goes_beside_the_points_it_would_hide(void **state)
{
	(void)state;
	enum { N = 2000 };
	float *x = MEM_ARRAY(float, N), *y = MEM_ARRAY(float, N);
	for (size_t i = 0; i < N; i++) {
		x[i] = uniform(1, i, 780, 820);
		y[i] = uniform(2, i, 590, 610);
	}
	struct density density;
	density_make(&density, N, x, y, WIDTH, HEIGHT);
	assert_int_equal(density_count(&density, 0, 0, WIDTH, HEIGHT), N);
	assert_int_equal(density_count(&density, 0, 0, 700, HEIGHT), 0);
	assert_int_equal(density_count(&density, 770, 580, 830, 620), N);
	struct label_page with = page;
	with.density = &density;
	struct label label = {
		.anchor_x = 800, .anchor_y = 600, .width = 100, .height = 24, .points = N
	};
	assert_int_equal(labels_place(&label, 1, 10, &with), 1);
	assert_int_equal(
		density_count(&density, label.x - 50, label.y - 12, label.x + 50, label.y + 12), 0);
	density_free(&density);
	mem_free(x);
	mem_free(y);
}

static void another_anchor_serves_where_the_first_is_covered(void **state)
{
	(void)state;
	static const float others[][2] = { { 801, 600 }, { 1000, 700 } };
	struct label labels[2] = { { .anchor_x = 800, .anchor_y = 600, .width = 200, .height = 60 },
		{ .anchor_x = 800,
			.anchor_y = 600,
			.width = 100,
			.height = 20,
			.others = others,
			.n_others = 2 } };
	assert_int_equal(labels_place(labels, 2, 10, &page), 2);
	assert_true(labels[1].anchor_x == 1000 && labels[1].anchor_y == 700);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_never_overlap),
		cmocka_unit_test(a_lone_label_stands_on_its_anchor_or_at_the_edge),
		cmocka_unit_test(a_label_larger_than_the_page_is_left_out),
		cmocka_unit_test(important_labels_come_first),
		cmocka_unit_test(a_label_goes_beside_the_points_it_would_hide),
		cmocka_unit_test(another_anchor_serves_where_the_first_is_covered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
