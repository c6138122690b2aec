/*
 * test_ctfidf.c: counts, c-TF-IDF, numbering and representative texts, against BERTopic
 * (tests/golden/topics.py).
 */
#define TOPICS_GOLDEN_JSON
#include "tests/unit/topics_golden.h"

#include <math.h>
#include <string.h>

static struct df_limit limit_of(const json_t *v, struct df_limit otherwise)
{
	if (!v)
		return otherwise;
	return (struct df_limit){ json_number_value(v), json_is_real(v) };
}

static struct topics *topics_of(const json_t *c)
{
	struct topics *t = topics_new();
	struct error e;
	const json_t *v = json_object_get(c, "vectorizer"), *w = json_object_get(c, "ctfidf"),
		     *word;
	const json_t *range = json_object_get(v, "ngram_range");
	size_t i;
	if (range) {
		t->vectorizer.min_n = (size_t)json_integer_value(json_array_get(range, 0));
		t->vectorizer.max_n = (size_t)json_integer_value(json_array_get(range, 1));
	}
	t->vectorizer.min_df = limit_of(json_object_get(v, "min_df"), t->vectorizer.min_df);
	t->vectorizer.max_df = limit_of(json_object_get(v, "max_df"), t->vectorizer.max_df);
	if (json_object_get(v, "stop_words"))
		assert_int_equal(
			stopwords_read(&t->stop_words, source_path("share/stopwords/english"), &e),
			0);
	t->ctfidf.bm25 = json_is_true(json_object_get(w, "bm25_weighting"));
	t->ctfidf.reduce_frequent_words = json_is_true(json_object_get(w, "reduce_frequent_words"));
	json_array_foreach(json_object_get(w, "seed_words"), i, word)
		terms_add(&t->seed_words, string_of(word));
	return t;
}

/* All of a row's words with their scores. */
static double score_of(const struct topic_words *all, struct slice word)
{
	for (size_t i = 0; i < all->n; i++)
		if (slice_equal(all->at[i].word, word))
			return all->at[i].score;
	return NAN;
}

/*
 * Words of equal score may stand in another order in BERTopic, or be others of that score at the
 * end: so every rank has its score, every word its own, and ours come by (score, word).
 */
static void compare(
	const char *name, const struct topics *t, size_t r, const json_t *words, size_t top_n)
{
	struct arena *arena = arena_new();
	struct topic_words best = topics_best(t, r, top_n, arena),
			   all = topics_best(t, r, t->vocabulary.n, arena);
	if (best.n != json_array_size(words))
		fail_msg("%s, cluster %lld: %zu words instead of %zu", name,
			(long long)t->at[r].cluster, best.n, json_array_size(words));
	for (size_t i = 0; i < best.n; i++) {
		const json_t *pair = json_array_get(words, i);
		struct slice word = string_of(json_array_get(pair, 0));
		double score = json_number_value(json_array_get(pair, 1));
		if (!(fabs(best.at[i].score - score) <= 1e-9) ||
			!(fabs(score_of(&all, word) - score) <= 1e-9))
			fail_msg("%s, cluster %lld, word %zu: %.17g, %s %.17g instead of %.17g",
				name, (long long)t->at[r].cluster, i, best.at[i].score, word.data,
				score_of(&all, word), score);
		if (i && best.at[i - 1].score == best.at[i].score)
			assert_true(slice_compare(best.at[i - 1].word, best.at[i].word) < 0);
	}
	arena_free(arena);
}

static double sum_of(const struct topics *t)
{
	double sum = 0;
	for (size_t r = 0; r < t->n; r++) {
		size_t from = t->counts.start[r], n = t->counts.start[r + 1] - from;
		double *w = MEM_ARRAY(double, n + 1);
		ctfidf_weigh(t->ctfidf.reduce_frequent_words, t->idf, t->counts.terms + from,
			t->counts.counts + from, n, w);
		for (size_t i = 0; i < n; i++)
			sum += w[i];
		mem_free(w);
	}
	return sum;
}

static void words_and_scores_are_bertopics(void **state)
{
	(void)state;
	json_t *root = golden_read(), *c, *topic;
	size_t i, k;
	json_array_foreach(json_object_get(root, "cases"), i, c)
	{
		const char *name = json_string_value(json_object_get(c, "name"));
		struct topics *t = topics_of(c);
		golden_fit(t, false, 0);
		if (t->vocabulary.n != (size_t)json_integer_value(json_object_get(c, "terms")))
			fail_msg("%s: %zu terms", name, t->vocabulary.n);
		if (fabs(sum_of(t) - json_number_value(json_object_get(c, "sum"))) > 1e-9)
			fail_msg("%s: the sum of the matrix is %.17g", name, sum_of(t));
		json_array_foreach(json_object_get(c, "topics"), k, topic)
		{
			size_t r = row_of_cluster(
				t, json_integer_value(json_object_get(topic, "cluster")));
			assert_int_equal(t->at[r].count,
				json_integer_value(json_object_get(topic, "count")));
			compare(name, t, r, json_object_get(topic, "words"),
				(size_t)json_integer_value(json_object_get(c, "top_n")));
		}
		topics_free(t);
	}
	json_decref(root);
}

static void topics_are_numbered_by_size_then_cluster(void **state)
{
	(void)state;
	static const int64_t clusters[] = { -1, 3, 7, 5, 9, 12, 20 },
			     numbers[] = { -1, 0, 1, 2, 3, 4, 5 };
	static const size_t counts[] = { 6, 10, 10, 8, 8, 8, 1 };
	struct topics *t = topics_new();
	golden_fit(t, false, 0);
	assert_int_equal(t->n, 7);
	for (size_t r = 0; r < t->n; r++) {
		assert_int_equal(t->at[r].cluster, clusters[r]);
		assert_int_equal(t->at[r].number, numbers[r]);
		assert_int_equal(t->at[r].count, counts[r]);
		assert_int_equal(topics_find(t, numbers[r]), r);
	}
	assert_int_equal(topics_find(t, 6), t->n);
	topics_free(t);
}

struct fitted {
	struct topics *t;
	int rc;
	struct error e;
};

/* Fit to texts, "cluster text" each. */
static struct fitted fit_texts(
	const char *const *texts, struct df_limit min_df, struct df_limit max_df)
{
	struct fitted f = { .t = topics_new() };
	f.t->vectorizer.min_df = min_df;
	f.t->vectorizer.max_df = max_df;
	struct topic_texts *x = topic_texts_new(&f.t->vectorizer, &f.e);
	for (; *texts; texts++) {
		char *text;
		int64_t cluster = strtol(*texts, &text, 10);
		struct slice s = slice_from(*text ? text + 1 : text);
		assert_int_equal(topic_texts_add(x, cluster, s, NULL, 0, &f.e), 0);
	}
	f.rc = topics_fit(f.t, x, NULL, 42, &f.e);
	topic_texts_free(x);
	return f;
}

static const struct df_limit one = { 1, false }, all = { 1, true };

static void odd_inputs_have_topics(void **state)
{
	(void)state;
	static const struct {
		const char *what, *texts[8];
		const char *names;
	} table[] = {
		{ "nothing", { NULL }, "" },
		{ "one topic", { "4 red red blue", "4 red", NULL }, "0_red_blue " },
		{ "outliers only", { "-1 red red blue", NULL }, "-1_red_blue " },
		{ "one empty text", { "0", NULL }, "0_emptydoc " },
		{ "two empty texts have no words", { "0", "0", NULL }, "0 " },
		{ "an empty text beside another counts for nothing", { "0", "0 red", NULL },
			"0_red " },
		{ "no words of two letters", { "0 a b c", "1 !?", NULL }, "0 1 " },
		{ "one word shared by all", { "0 red", "1 red", "1 red", NULL }, "0_red 1_red " },
		{ "the larger topic is 0, whatever its number",
			{ "0 red", "9 blue", "9 blue", NULL }, "0_blue 1_red " },
		{ "negative numbers but -1 are clusters", { "-7 red", "-1 blue", "3 green", NULL },
			"-1_blue 0_red 1_green " },
		{ "a name has four words, equal scores by word", { "0 ee dd cc bb aa", NULL },
			"0_aa_bb_cc_dd " },
		{ "a text of spaces is not empty", { "0  ", "1 red red", NULL }, "0 1_red " },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct fitted f = fit_texts(table[i].texts, one, all);
		assert_int_equal(f.rc, 0);
		struct buffer names = { 0 };
		for (size_t r = 0; r < f.t->n; r++) {
			f.t->at[r].words = topics_best(f.t, r, 10, f.t->arena);
			topics_name(&names, &f.t->at[r]);
			buffer_char(&names, ' ');
		}
		buffer_char(&names, 0);
		if (strcmp(names.data, table[i].names) != 0)
			fail_msg("%s: '%s' instead of '%s'", table[i].what, names.data,
				table[i].names);
		buffer_free(&names);
		topics_free(f.t);
	}
}

static void limits_of_document_frequency_are_checked(void **state)
{
	(void)state;
	static const char *const texts[] = { "0 red blue", "1 red", "2 green", NULL };
	struct fitted f =
		fit_texts(texts, (struct df_limit){ 3, false }, (struct df_limit){ 2, false });
	assert_int_equal(f.rc, -1);
	assert_int_equal(f.e.code, ERROR_USAGE);
	topics_free(f.t);
	f = fit_texts(texts, (struct df_limit){ 0.9, true }, all);
	assert_int_equal(f.rc, -1);
	assert_int_equal(f.e.code, ERROR_DATA);
	assert_non_null(strstr(f.e.msg, "no terms remain"));
	topics_free(f.t);
	f = fit_texts(texts, (struct df_limit){ 2, false }, all);
	assert_int_equal(f.rc, 0);
	assert_int_equal(f.t->vocabulary.n, 1);
	topics_free(f.t);
	f = fit_texts(texts, one, (struct df_limit){ 0.5, true });
	assert_int_equal(f.rc, 0);
	assert_int_equal(f.t->vocabulary.n, 2); /* red is in two of three topics */
	topics_free(f.t);
}

/*
 * The reference has them too: words that occur more than A times weigh less than nothing. They are
 * no words of a topic.
 */
static void bm25_leaves_out_words_too_frequent(void **state)
{
	(void)state;
	static const char *const texts[] = { "0 red red red red red red red blue", "1 red green",
		NULL };
	struct fitted f = fit_texts(texts, one, all);
	f.t->ctfidf.bm25 = true;
	topics_weigh(f.t);
	for (size_t i = 0; i < f.t->vocabulary.n; i++)
		assert_true(isfinite(f.t->idf[i]));
	struct topic_words words = topics_best(f.t, 0, 10, f.t->arena);
	assert_int_equal(words.n, 1);
	assert_true(slice_equal(words.at[0].word, SLICE("blue")));
	topics_free(f.t);
}

static void equal_texts_are_representative_once(void **state)
{
	(void)state;
	static const char *const texts[] = { "0 red blue", "0 red blue", "0 red", "0 red blue",
		"0 green", NULL };
	struct fitted f = fit_texts(texts, one, all);
	assert_int_equal(f.t->at[0].n_representative, 3);
	assert_true(slice_equal(f.t->at[0].representative[0], SLICE("red blue")));
	topics_free(f.t);
}

/*
 * More texts than are looked at: the choice depends on the seed alone, and every text is one of the
 * topic's.
 */
static void large_topics_are_sampled(void **state)
{
	(void)state;
	char kept[2][TOPICS_KEPT][64] = { 0 };
	for (size_t run = 0; run < 2; run++) {
		struct error e;
		struct topics *t = topics_new();
		struct topic_texts *x = topic_texts_new(&t->vectorizer, &e);
		for (int i = 0; i < 3000; i++) {
			char text[64];
			int n = snprintf(
				text, sizeof text, "word%d word%d common%d", i % 100, i / 7, i % 2);
			struct slice s = { text, (size_t)n };
			assert_int_equal(topic_texts_add(x, i % 2, s, NULL, 0, &e), 0);
		}
		assert_int_equal(topics_fit(t, x, NULL, 7, &e), 0);
		assert_int_equal(topic_texts_number(x, 2999), 1);
		for (size_t i = 0; i < TOPICS_KEPT; i++) {
			struct slice s = t->at[1].representative[i];
			snprintf(kept[run][i], sizeof kept[run][i], "%.*s", (int)s.size, s.data);
			assert_non_null(strstr(kept[run][i], "common1"));
		}
		topic_texts_free(x);
		topics_free(t);
	}
	assert_memory_equal(kept[0], kept[1], sizeof kept[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_scores_are_bertopics),
		cmocka_unit_test(topics_are_numbered_by_size_then_cluster),
		cmocka_unit_test(odd_inputs_have_topics),
		cmocka_unit_test(limits_of_document_frequency_are_checked),
		cmocka_unit_test(bm25_leaves_out_words_too_frequent),
		cmocka_unit_test(equal_texts_are_representative_once),
		cmocka_unit_test(large_topics_are_sampled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
