/*
 * test_representation.c: KeyBERT, MMR and their chains, against BERTopic with a toy encoder
 * (tests/golden/topics.py).
 */
#define TOPICS_GOLDEN_JSON
#include "tests/unit/topics_golden.h"

#include <math.h>
#include <string.h>

static struct topics *fitted(void)
{
	struct topics *t = topics_new();
	t->vectorizer.max_n = 2;
	golden_fit(t, true, 20);
	return t;
}

static struct representation chain(const char *text)
{
	struct representation r;
	struct error e;
	assert_int_equal(representation_parse(slice_from(text), &r, &e), 0);
	return r;
}

static void apply(const struct topics *t, const char *text, bool embed_texts, struct arena *arena,
	struct topic_words *out)
{
	struct representer r = {
		.encoder = &toy, .diversity = 0.5, .top_n_words = 10, .embed_texts = embed_texts
	};
	struct representation c = chain(text);
	struct error e;
	assert_int_equal(representation_apply(&r, t, &c, arena, out, &e), 0);
	representer_free(&r);
}

/*
 * The last words of a list of equal scores may be others in the reference; the texts are such that
 * none are.
 */
static void compare(const char *what, int64_t cluster, const struct topic_words *ours,
	const json_t *theirs, double tolerance)
{
	if (ours->n != json_array_size(theirs))
		fail_msg("%s, cluster %lld: %zu words instead of %zu", what, (long long)cluster,
			ours->n, json_array_size(theirs));
	for (size_t i = 0; i < ours->n; i++) {
		const json_t *pair = json_array_get(theirs, i);
		struct slice word = string_of(json_array_get(pair, 0));
		double score = json_number_value(json_array_get(pair, 1));
		if (!slice_equal(ours->at[i].word, word) ||
			!(fabs(ours->at[i].score - score) <= tolerance))
			fail_msg("%s, cluster %lld, word %zu: '%.*s' %.9g instead of '%s' %.9g",
				what, (long long)cluster, i, (int)ours->at[i].word.size,
				ours->at[i].word.data, ours->at[i].score, word.data, score);
	}
}

static void chains_choose_the_words_that_bertopic_chooses(void **state)
{
	(void)state;
	static const struct {
		const char *chain;
		double tolerance; /* KeyBERT's scores are cosines, in the reference float32 */
	} table[] = { { "keybert", 1e-6 }, { "mmr", 1e-9 }, { "keybert,mmr", 1e-6 },
		{ "mmr,keybert", 1e-6 } };
	struct topics *t = fitted();
	json_t *root = golden_read(), *topic;
	struct topic_words words[16];
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		for (int embed = 0; embed < 2; embed++) {
			size_t k;
			struct arena *arena = arena_new();
			apply(t, table[i].chain, embed, arena, words);
			json_array_foreach(json_object_get(root, "representation"), k, topic)
			{
				int64_t cluster =
					json_integer_value(json_object_get(topic, "cluster"));
				compare(table[i].chain, cluster, &words[row_of_cluster(t, cluster)],
					json_object_get(topic, table[i].chain), table[i].tolerance);
			}
			arena_free(arena);
		}
	}
	json_decref(root);
	topics_free(t);
}

static void representative_texts_are_the_nearest(void **state)
{
	(void)state;
	struct topics *t = fitted();
	json_t *root = golden_read(), *topic;
	size_t k;
	json_array_foreach(json_object_get(root, "representation"), k, topic)
	{
		size_t r = row_of_cluster(t, json_integer_value(json_object_get(topic, "cluster")));
		const json_t *texts = json_object_get(topic, "texts");
		assert_int_equal(t->at[r].n_representative, json_array_size(texts));
		for (size_t i = 0; i < t->at[r].n_representative; i++)
			if (!slice_equal(t->at[r].representative[i],
				    string_of(json_array_get(texts, i))))
				fail_msg("cluster %lld, text %zu: %.*s",
					(long long)t->at[r].cluster, i,
					(int)t->at[r].representative[i].size,
					t->at[r].representative[i].data);
	}
	json_decref(root);
	topics_free(t);
}

static void topic_embeddings_are_means(void **state)
{
	(void)state;
	struct topics *t = fitted();
	json_t *root = golden_read(), *topic;
	size_t k;
	assert_int_equal(t->size, TOY);
	json_array_foreach(json_object_get(root, "representation"), k, topic)
	{
		size_t r = row_of_cluster(t, json_integer_value(json_object_get(topic, "cluster")));
		for (size_t d = 0; d < TOY; d++) {
			double want = json_number_value(
				json_array_get(json_object_get(topic, "embedding"), d));
			assert_true(fabs((double)t->embeddings[r * TOY + d] - want) <=
				    1e-6 * fabs(want));
		}
		/* a topic is nearest to itself */
		double similarity[16];
		topics_similarity(t, t->embeddings + r * TOY, similarity);
		assert_true(fabs(similarity[r] - 1) < 1e-12);
	}
	json_decref(root);
	topics_free(t);
}

static void no_chain_is_ctfidf(void **state)
{
	(void)state;
	struct topics *t = fitted();
	struct representer r = { .top_n_words = 7 };
	struct representation none = { .n = 0 };
	struct topic_words words[16];
	struct error e;
	assert_int_equal(representation_apply(&r, t, &none, t->arena, words, &e), 0);
	for (size_t i = 0; i < t->n; i++) {
		struct topic_words best = topics_best(t, i, 7, t->arena);
		assert_int_equal(words[i].n, best.n);
		for (size_t k = 0; k < best.n; k++)
			assert_true(slice_equal(words[i].at[k].word, best.at[k].word));
	}
	representer_free(&r);
	topics_free(t);
}

static void chains_are_parsed(void **state)
{
	(void)state;
	struct representation r;
	struct error e;
	assert_int_equal(chain("keybert").n, 1);
	r = chain("mmr,keybert,mmr");
	assert_int_equal(r.n, 3);
	assert_int_equal(r.steps[0], REPRESENTATION_MMR);
	assert_int_equal(r.steps[1], REPRESENTATION_KEYBERT);
	static const char *const wrong[] = { "", ",", "keybert,", ",mmr", "kaybert", "KeyBERT",
		"mmr mmr", "mmr,mmr,mmr,mmr,mmr,mmr,mmr,mmr,mmr" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_int_equal(representation_parse(slice_from(wrong[i]), &r, &e), -1);
		assert_int_equal(e.code, ERROR_USAGE);
	}
}

static int failing_run(void *self, const struct slice *texts, size_t n, float *out, struct error *e)
{
	(void)self;
	(void)texts;
	(void)n;
	(void)out;
	return error_set(e, ERROR_MODEL, "it broke");
}

static void a_failing_encoder_is_an_error(void **state)
{
	(void)state;
	static const struct encoder failing = { TOY, failing_run, NULL };
	struct topics *t = fitted();
	struct topic_words words[16];
	static const char *const chains[] = { "keybert", "mmr" };
	for (size_t i = 0; i < 2; i++) {
		struct representer r = { .encoder = &failing, .top_n_words = 10 };
		struct representation c = chain(chains[i]);
		struct error e;
		assert_int_equal(representation_apply(&r, t, &c, t->arena, words, &e), -1);
		assert_string_equal(e.msg, "it broke");
		representer_free(&r);
	}
	topics_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains_choose_the_words_that_bertopic_chooses),
		cmocka_unit_test(representative_texts_are_the_nearest),
		cmocka_unit_test(topic_embeddings_are_means),
		cmocka_unit_test(no_chain_is_ctfidf),
		cmocka_unit_test(chains_are_parsed),
		cmocka_unit_test(a_failing_encoder_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
