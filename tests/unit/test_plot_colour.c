/* colour: palettes that colour-blind people can tell apart, legible labels, neighbours of different
 * colours. */
#include "lib/plot/colour.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "lib/base/random.h"

static void white_on_black_has_the_contrast_and_distance_of_the_standards(void **state)
{
	(void)state;
	struct colour white = { 255, 255, 255 }, black = { 0, 0, 0 }, red = { 255, 0, 0 };
	assert_true(fabs(colour_contrast(white, black) - 21) < 1e-9);
	/* WCAG's own example rounds to 4 */
	assert_true(fabs(colour_contrast(red, white) - 3.998) < 1e-3);
	assert_true(fabs(colour_distance_seen(white, black, VISION_NORMAL) - 1) < 1e-4);
	/* OKLab of red is (0.62796, 0.22486, 0.12585), from Ottosson's page */
	assert_true(
		fabs(colour_distance_seen(red, black, VISION_NORMAL) -
			sqrt(0.62796 * 0.62796 + 0.22486 * 0.22486 + 0.12585 * 0.12585)) < 1e-4);
	assert_true(colour_distance(red, red) == 0);
}

/* Tol's "muted" scheme, a usual choice, has 0.052 here between teal and rose for protanopes; 0.02
 * is about one just noticeable step. */
static void any_two_hues_and_the_grey_are_told_apart_with_every_vision(void **state)
{
	(void)state;
	static const double least[VISIONS] = { 0.12, 0.095, 0.095, 0.075 };
	for (int dark = 0; dark < 2; dark++) {
		const struct theme *t = theme_get(dark);
		for (enum vision v = 0; v < VISIONS; v++) {
			for (size_t i = 0; i < COLOUR_HUES; i++) {
				for (size_t j = 0; j < i; j++)
					assert_true(colour_distance_seen(t->topic[i], t->topic[j],
							    v) > least[v]);
				assert_true(colour_distance_seen(t->topic[i], t->outlier, v) >
					    least[v]);
			}
		}
	}
}

static void all_shades_differ_and_stand_out_from_the_ground(void **state)
{
	(void)state;
	for (int dark = 0; dark < 2; dark++) {
		const struct theme *t = theme_get(dark);
		for (size_t i = 0; i < COLOURS; i++) {
			for (size_t j = 0; j < i; j++)
				assert_true(colour_distance_seen(t->topic[i], t->topic[j],
						    VISION_NORMAL) > 0.02);
			assert_true(colour_distance(t->topic[i], t->ground) > 0.15);
		}
	}
}

static void labels_and_ink_have_the_contrast_that_text_needs(void **state)
{
	(void)state;
	for (int dark = 0; dark < 2; dark++) {
		const struct theme *t = theme_get(dark);
		for (size_t i = 0; i < COLOURS; i++)
			assert_true(colour_contrast(t->label[i], t->ground) >= 4.5);
		assert_true(colour_contrast(t->ink, t->ground) >= 7);
		assert_true(colour_contrast(t->faint, t->ground) >= 4.5);
	}
}

static void scatter(size_t n, float *x, float *y)
{
	for (size_t i = 0; i < n; i++) {
		x[i] = random_float(random_bits(1, n, 2 * i));
		y[i] = random_float(random_bits(1, n, 2 * i + 1));
	}
}

static void up_to_nine_topics_have_nine_hues(void **state)
{
	(void)state;
	float x[9], y[9];
	uint8_t colours[9];
	for (size_t n = 0; n <= 9; n++) {
		scatter(n, x, y);
		colour_assign(n, x, y, colours);
		for (size_t i = 0; i < n; i++) {
			assert_true(colours[i] < COLOUR_HUES);
			for (size_t j = 0; j < i; j++)
				assert_int_not_equal(colours[i], colours[j]);
		}
	}
}

static size_t nearest_to(size_t i, size_t n, const float *x, const float *y)
{
	size_t best = i ? 0 : 1;
	for (size_t j = 0; j < n; j++) {
		float d = (x[j] - x[i]) * (x[j] - x[i]) + (y[j] - y[i]) * (y[j] - y[i]);
		float b = (x[best] - x[i]) * (x[best] - x[i]) + (y[best] - y[i]) * (y[best] - y[i]);
		if (j != i && d < b)
			best = j;
	}
	return best;
}

static void a_topic_and_the_one_nearest_to_it_are_told_apart(void **state)
{
	(void)state;
	static const size_t sizes[] = { 10, 30, 100, 1000 };
	for (size_t k = 0; k < 4; k++) {
		size_t n = sizes[k], used[COLOURS] = { 0 };
		float *x = MEM_ARRAY(float, n), *y = MEM_ARRAY(float, n);
		uint8_t *colours = MEM_ARRAY(uint8_t, n);
		scatter(n, x, y);
		colour_assign(n, x, y, colours);
		const struct theme *t = theme_get(false);
		for (size_t i = 0; i < n; i++) {
			struct colour mine = t->topic[colours[i]];
			assert_true(colour_distance(mine,
					    t->topic[colours[nearest_to(i, n, x, y)]]) > 0.06);
			used[colours[i]]++;
		}
		for (size_t c = 0; n >= 100 && c < COLOURS; c++) {
			assert_true(used[c] <= n / 8);
			assert_true(used[c] > 0 || n < 1000);
		}
		mem_free(x);
		mem_free(y);
		mem_free(colours);
	}
}

static void all_topics_in_one_place_still_get_colours(void **state)
{
	(void)state;
	enum { N = 500 };
	static float x[N], y[N];
	static uint8_t colours[N];
	colour_assign(N, x, y, colours);
	for (size_t i = 0; i < N; i++)
		assert_true(colours[i] < COLOURS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(white_on_black_has_the_contrast_and_distance_of_the_standards),
		cmocka_unit_test(any_two_hues_and_the_grey_are_told_apart_with_every_vision),
		cmocka_unit_test(all_shades_differ_and_stand_out_from_the_ground),
		cmocka_unit_test(labels_and_ink_have_the_contrast_that_text_needs),
		cmocka_unit_test(up_to_nine_topics_have_nine_hues),
		cmocka_unit_test(a_topic_and_the_one_nearest_to_it_are_told_apart),
		cmocka_unit_test(all_topics_in_one_place_still_get_colours),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
