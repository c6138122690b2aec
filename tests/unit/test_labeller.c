/*
 * Fine-tuned classifiers against transformers: logits of tiny models with random weights, one an
 * architecture (tests/golden/classify.py); labels and activations that config.json names; folders
 * that are no classifiers.
 */
#include <string.h>

#include "lib/model/folder.h"
#include "lib/model/labeller.h"
#include "tests/unit/cluster_golden.h"
#include "tests/unit/folder.h"

/* float32 sums in another order, through two layers: 4e-6 is the largest that was seen. */
static const double tolerance = 2e-5;

static struct labeller *open_golden(
	const char *name, enum labeller_task task, const struct labeller_options *o)
{
	struct error e;
	static const struct labeller_options none;
	const char *path = source_path("tests/golden/classify/%s", name);
	struct labeller *m = labeller_open(path, task, o ? o : &none, &e);
	if (!m)
		fail_msg("%s: %s", name, e.msg);
	return m;
}

static size_t slices_of(
	struct json array, size_t step, size_t first, struct slice *out, struct arena *arena)
{
	size_t n = 0, i = 0;
	for (struct json_iterator a = json_iterate(array); json_each(&a);) {
		if (step == 1) {
			out[n++] = json_text(a.value, arena);
			continue;
		}
		i = 0;
		for (struct json_iterator b = json_iterate(a.value); json_each(&b); i++)
			if (i == first)
				out[n++] = json_text(b.value, arena);
	}
	return n;
}

/* The largest difference of a logit. */
static double check_logits(struct labeller *m, const char *name, const struct slice *texts,
	const struct slice *pairs, size_t n, struct json want, struct arena *arena)
{
	size_t total, k = labeller_head(m)->n_labels;
	double *expected = golden_numbers(want, arena, &total), worst = 0;
	float *got = ARENA_ARRAY(arena, float, n *k);
	struct error e;
	assert_int_equal(total, n * k);
	assert_int_equal(labeller_run(m, texts, pairs, n, got, &e), 0);
	for (size_t i = 0; i < total; i++) {
		check_near(pairs ? "pair logit" : "logit", name, i, (double)got[i], expected[i],
			tolerance);
		worst = fmax(worst, fabs((double)got[i] - expected[i]));
	}
	return worst;
}

static void logits_are_transformers(void **state)
{
	struct buffer file = { 0 };
	struct arena *arena = arena_new();
	struct slice texts[64], first[64], second[64];
	(void)state;
	struct json root = golden_open("../classify/cases.json", &file);
	size_t n = slices_of(json_get(root, "texts"), 1, 0, texts, arena);
	size_t p = slices_of(json_get(root, "pairs"), 2, 0, first, arena), models = 0;
	assert_int_equal(slices_of(json_get(root, "pairs"), 2, 1, second, arena), p);
	for (struct json_iterator i = json_iterate(json_get(root, "models")); json_each(&i);
		models++) {
		const char *name = arena_string(arena, json_text(i.key, arena));
		struct labeller *m = open_golden(name, LABELLER_SEQUENCE, NULL);
		double worst =
			check_logits(m, name, texts, NULL, n, json_get(i.value, "texts"), arena);
		worst = fmax(worst,
			check_logits(m, name, first, second, p, json_get(i.value, "pairs"), arena));
		assert_in_range(labeller_truncated(m), 1, 9);
		if (getenv("HEDDLE_VERBOSE"))
			print_message("%s: %.2g\n", name, worst);
		labeller_free(m);
	}
	assert_in_range(models, 9, 99);
	buffer_free(&file);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logits_are_transformers),
	};
	return cmocka_run_group_tests(tests, enter, leave);
}
