/*
 * Token classifiers against transformers' pipeline (tests/golden/classify.py tokens): entities of
 * every aggregation, of texts and of words; texts longer than the model.
 */
#include <string.h>

#include "lib/model/tagger.h"
#include "tests/unit/cluster_golden.h"
#include "tests/unit/folder.h"

/* The pipeline computes in float32. */
static const double tolerance = 1e-6;

static struct tagger *open_golden(const char *name, size_t max_length, size_t stride)
{
	struct error e;
	struct labeller_options o = { .max_length = max_length };
	struct tagger *m =
		tagger_open(source_path("tests/golden/classify/%s", name), &o, stride, &e);
	if (!m)
		fail_msg("%s: %s", name, e.msg);
	return m;
}

static struct json element(struct json array, size_t at)
{
	for (struct json_iterator i = json_iterate(array); json_each(&i); at--)
		if (at == 0)
			return i.value;
	return (struct json){ .type = JSON_ABSENT };
}

static void check_text(const struct tagger *m, const char *name, enum entities_aggregation how,
	const struct tagged *t, struct json want, struct arena *arena)
{
	const struct head *head = tagger_head(m);
	struct entity *got = ARENA_ARRAY(arena, struct entity, t->n);
	size_t n = entities_make(how, head->labels, head->n_labels, t->tokens, t->n, got);
	if (n != json_count(want))
		fail_msg("%s, aggregation %d: %zu entities, not %zu", name, (int)how, n,
			json_count(want));
	for (size_t i = 0; i < n; i++) {
		struct json w = element(want, i);
		if (!json_text_equal(element(w, 0), got[i].label))
			fail_msg("%s, aggregation %d: entity %zu is %.*s", name, (int)how, i,
				(int)got[i].label.size, got[i].label.data);
		check_near("score", name, i, got[i].score, json_double(element(w, 1)), tolerance);
		check_near("start", name, i, (double)got[i].start, json_double(element(w, 2)), 0);
		check_near("end", name, i, (double)got[i].end, json_double(element(w, 3)), 0);
		if (how == ENTITIES_NONE)
			check_near("index", name, i, (double)got[i].index,
				json_double(element(w, 4)), 0);
	}
}

static size_t read_inputs(
	struct json array, bool words, struct tagger_input *in, struct arena *arena)
{
	size_t n = 0;
	for (struct json_iterator i = json_iterate(array); json_each(&i); n++) {
		in[n] = (struct tagger_input){ 0 };
		if (!words) {
			in[n].text = json_text(i.value, arena);
			continue;
		}
		struct slice *all = ARENA_ARRAY(arena, struct slice, json_count(i.value));
		for (struct json_iterator w = json_iterate(i.value); json_each(&w);)
			all[in[n].n_words++] = json_text(w.value, arena);
		in[n].words = all;
	}
	return n;
}

static void entities_are_the_pipelines(void **state)
{
	static const char *const names[] = { "none", "simple", "first", "average", "max" };
	struct buffer file = { 0 };
	struct arena *arena = arena_new();
	struct json root = golden_open("../classify/entities.json", &file);
	size_t models = 0, checked = 0;
	(void)state;
	for (struct json_iterator i = json_iterate(json_get(root, "models")); json_each(&i);
		models++) {
		const char *name = arena_string(arena, json_text(i.key, arena));
		struct tagger *m = open_golden(name, 0, SIZE_MAX);
		for (int words = 0; words < 2; words++) {
			struct tagger_input in[16];
			struct tagged out[16];
			struct error e;
			size_t n = read_inputs(
				json_get(root, words ? "words" : "texts"), words, in, arena);
			assert_int_equal(tagger_run(m, in, n, out, arena, &e), 0);
			for (size_t a = 0; a < 5; a++) {
				char key[32];
				snprintf(key, sizeof key, "%s%s", names[a], words ? "-words" : "");
				struct json all = json_get(i.value, key);
				for (size_t t = 0; t < n && all.type == JSON_ARRAY; t++, checked++)
					check_text(m, name, (enum entities_aggregation)a, &out[t],
						element(all, t), arena);
			}
		}
		assert_int_equal(tagger_windows(m), 0);
		tagger_free(m);
	}
	assert_in_range(models, 3, 99);
	assert_in_range(checked, 3 * 5 * 6, 9999);
	buffer_free(&file);
	arena_free(arena);
}

/* Where labels depend on the token alone, windows of any length and stride change nothing. */
static void windows_give_every_token_once(void **state)
{
	static const size_t shapes[][2] = { { 0, SIZE_MAX }, { 3, 0 }, { 10, 0 }, { 10, 7 },
		{ 17, SIZE_MAX }, { 40, 20 } };
	struct arena *arena = arena_new();
	struct buffer b = { 0 };
	struct tagged want = { 0 };
	(void)state;
	for (size_t i = 0; i < 60; i++)
		buffer_printf(&b, "weaver unbelievable %zu river ", i);
	for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
		struct tagger *m = open_golden("ner-context-free", shapes[s][0], shapes[s][1]);
		struct tagger_input in[3] = { { .text = buffer_view(&b) }, { .text = SLICE("") },
			{ .text = SLICE("stone") } };
		struct tagged out[3];
		struct error e;
		assert_int_equal(tagger_run(m, in, 3, out, arena, &e), 0);
		assert_int_equal(out[1].n, 0);
		assert_in_range(tagger_windows(m), 2, 999);
		if (s == 0)
			want = out[0];
		assert_int_equal(out[0].n, want.n);
		for (size_t i = 0; i < want.n; i++) {
			assert_int_equal(out[0].tokens[i].start, want.tokens[i].start);
			for (size_t k = 0; k < 6; k++)
				check_near("score", "windows", i, out[0].tokens[i].scores[k],
					want.tokens[i].scores[k], 0);
		}
		tagger_free(m);
	}
	buffer_free(&b);
	arena_free(arena);
}

/* With context the middle of a text is as if the ends were not there: what a token sees in its
 * window is at least half a stride to each side. */
static void a_stride_that_is_too_long_is_refused(void **state)
{
	struct error e;
	struct labeller_options o = { .max_length = 10 };
	(void)state;
	assert_null(tagger_open(source_path("tests/golden/classify/ner-bert"), &o, 8, &e));
	assert_int_equal(e.code, ERROR_USAGE);
	assert_null(tagger_open(source_path("tests/golden/embed/bert-odd"), &o, 0, &e));
	assert_int_equal(e.code, ERROR_MODEL);
}

static void words_and_groups(void **state)
{
	static const struct slice labels[] = { { "O", 1 }, { "B-A", 3 }, { "I-A", 3 },
		{ "X-Y-Z", 5 } };
	static const double s[][4] = { { 0.1, 0.6, 0.2, 0.1 }, { 0.1, 0.1, 0.7, 0.1 },
		{ 0.1, 0.8, 0.05, 0.05 }, { 0.9, 0, 0.1, 0 }, { 0.1, 0.1, 0.1, 0.7 } };
	const struct entity_token t[] = { { 0, 2, 1, false, s[0] }, { 2, 4, 2, true, s[1] },
		{ 5, 6, 3, false, s[2] }, { 6, 8, 4, true, s[3] }, { 9, 10, 5, false, s[4] } };
	static const struct {
		enum entities_aggregation how;
		size_t n;
		const char *label[5];
		double score[5];
		size_t start[5], end[5];
	} rows[] = {
		{ ENTITIES_NONE, 4, { "B-A", "I-A", "B-A", "X-Y-Z" }, { 0.6, 0.7, 0.8, 0.7 },
			{ 0, 2, 5, 9 }, { 2, 4, 6, 10 } },
		{ ENTITIES_SIMPLE, 3, { "A", "A", "Y-Z" }, { 0.65, 0.8, 0.7 }, { 0, 5, 9 },
			{ 4, 6, 10 } },
		{ ENTITIES_FIRST, 3, { "A", "A", "Y-Z" }, { 0.6, 0.8, 0.7 }, { 0, 5, 9 },
			{ 4, 8, 10 } },
		{ ENTITIES_AVERAGE, 2, { "A", "Y-Z" }, { 0.45, 0.7 }, { 0, 9 }, { 4, 10 } },
		{ ENTITIES_MAX, 2, { "A", "Y-Z" }, { 0.7, 0.7 }, { 0, 9 }, { 4, 10 } },
	};
	(void)state;
	for (size_t r = 0; r < 5; r++) {
		struct entity out[5];
		assert_int_equal(entities_make(rows[r].how, labels, 4, t, 5, out), rows[r].n);
		for (size_t i = 0; i < rows[r].n; i++) {
			assert_true(slice_equal(out[i].label, slice_from(rows[r].label[i])));
			check_near(
				"score", "row", r * 10 + i, out[i].score, rows[r].score[i], 1e-12);
			assert_int_equal(out[i].start, rows[r].start[i]);
			assert_int_equal(out[i].end, rows[r].end[i]);
		}
	}
	assert_int_equal(entities_make(ENTITIES_MAX, labels, 4, t, 0, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_groups),
		cmocka_unit_test(entities_are_the_pipelines),
		cmocka_unit_test(windows_give_every_token_once),
		cmocka_unit_test(a_stride_that_is_too_long_is_refused),
	};
	return cmocka_run_group_tests(tests, enter, leave);
}
