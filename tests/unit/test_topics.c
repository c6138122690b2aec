/*
 * test_topics.c: reports of a topic model, saving and loading it, and files that are no topic
 * models.
 */
#include "tests/unit/topics_golden.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "lib/file/safetensors.h"
#include "lib/record/record.h"

static const char *file_name(void)
{
	static char path[4096];
	const char *folder = getenv("TMPDIR");
	snprintf(path, sizeof path, "%s/heddle-test-topics-%d", folder ? folder : "/tmp",
		(int)getpid());
	return path;
}

/* Three texts in two topics, vectors of two dimensions, one aspect. */
static struct topics *small(void)
{
	struct topics *t = topics_new();
	struct error e;
	static const float vectors[3][2] = { { 1, 0 }, { 0, 1 }, { 0, 3 } };
	struct topic_texts *x = topic_texts_new(&t->vectorizer, &e);
	assert_int_equal(topic_texts_add(x, -1, SLICE("say \"hi\", hi"), vectors[0], 2, &e), 0);
	assert_int_equal(topic_texts_add(x, 4, SLICE("red red\nblue"), vectors[1], 2, &e), 0);
	assert_int_equal(topic_texts_add(x, 4, SLICE("red"), vectors[2], 2, &e), 0);
	assert_int_equal(topics_fit(t, x, NULL, 42, &e), 0);
	topic_texts_free(x);
	struct representer r = { .top_n_words = 10 };
	struct representation none = { .n = 0 };
	struct aspect aspect = { SLICE("again"), { .n = 0 } };
	assert_int_equal(representation_describe(&r, t, &none, &aspect, 1, &e), 0);
	representer_free(&r);
	return t;
}

static void expect(struct buffer *b, const char *text)
{
	buffer_char(b, 0);
	assert_string_equal(b->data, text);
	buffer_free(b);
}

/* A is 3: 7 words in 2 topics. red: 3 of 4 words, log(3 / 3 + 1) * 3 / 4. */
#define HI \
	"[{\"word\": \"hi\", \"score\": 0.6108604879161034}, {\"word\": \"say\", \"score\": " \
	"0.46209812037329684}]"
#define RED \
	"[{\"word\": \"red\", \"score\": 0.5198603854199589}, {\"word\": \"blue\", \"score\": " \
	"0.34657359027997264}]"
#define CSV_HI \
	"\"[{\"\"word\"\": \"\"hi\"\", \"\"score\"\": 0.6108604879161034}, {\"\"word\"\": " \
	"\"\"say\"\", " \
	"\"\"score\"\": 0.46209812037329684}]\""
#define CSV_RED \
	"\"[{\"\"word\"\": \"\"red\"\", \"\"score\"\": 0.5198603854199589}, {\"\"word\"\": " \
	"\"\"blue\"\", " \
	"\"\"score\"\": 0.34657359027997264}]\""

static void reports_are_laid_out_as_the_contract_says(void **state)
{
	(void)state;
	struct topics *t = small();
	struct buffer b = { 0 };
	assert_true(fabs(t->at[1].words.at[0].score - 0.75 * log(2)) < 1e-15);
	topics_report(&b, t, "x.json");
	expect(&b, "{\"topics\": [\n"
		   "{\"topic\": -1, \"count\": 1, \"name\": \"-1_hi_say\", \"words\": " HI
		   ", \"aspects\": {\"again\": " HI
		   "}, \"representative\": [\"say \\\"hi\\\", hi\"]},\n"
		   "{\"topic\": 0, \"count\": 2, \"name\": \"0_red_blue\", \"words\": " RED
		   ", \"aspects\": {\"again\": " RED
		   "}, \"representative\": [\"red red\\nblue\", \"red\"]}\n"
		   "]}\n");
	t->n_aspects = 0;
	topics_report(&b, t, "x.csv");
	expect(&b, "topic,count,name,words,aspects,representative\n"
		   "-1,1,\"-1_hi_say\"," CSV_HI ",\"{}\",\"[\"\"say \\\"\"hi\\\"\", hi\"\"]\"\n"
		   "0,2,\"0_red_blue\"," CSV_RED
		   ",\"{}\",\"[\"\"red red\\nblue\"\", \"\"red\"\"]\"\n");
	topics_report_table(&b, t);
	expect(&b, "topic   count  words\n   -1       1  hi, say\n    0       2  red, blue\n");
	topics_free(t);
}

static void no_topics_make_an_empty_report(void **state)
{
	(void)state;
	struct topics *t = topics_new();
	struct buffer b = { 0 };
	topics_report(&b, t, "x");
	expect(&b, "{\"topics\": []}\n");
	topics_report(&b, t, "x.csv");
	expect(&b, "topic,count,name,words,aspects,representative\n");
	topics_free(t);
}

static void topics_are_shown_found_and_compared(void **state)
{
	(void)state;
	struct topics *t = small(), *other = small();
	struct buffer b = { 0 };
	topics_report_one(&b, t, 1);
	expect(&b, "0_red_blue\n2 texts\n\nword  score\nred   0.519860\nblue  0.346574\n\nagain: "
		   "red, blue\n"
		   "\n1. red red\nblue\n\n2. red\n");
	double similarity[2];
	topics_similarity(t, (const float[]){ 2, 0 }, similarity);
	topics_report_found(&b, t, similarity, 5);
	expect(&b, "topic  similarity  words\n   -1      1.0000  hi, say\n    0      0.0000  red, "
		   "blue\n");
	other->at[0].number = 7;
	topics_report_pair(&b, t, "a", other, "b", 1);
	expect(&b, "topic  a    b\n   -1  hi\n    0  red  red\n    7       hi\n");
	topics_free(t);
	topics_free(other);
}

/* A topic of zeros has the cosine 0 with every vector: that of a negative one. */
static void vectors_get_the_topic_of_the_largest_cosine(void **state)
{
	(void)state;
	static const float x[] = { 2, 0, 1, 2, 0, 0, -1, -3, 0.1f, -1 };
	static const int32_t without[] = { 0, 1, 0, 0, 0 }, with[] = { 0, 0, 0, 1, 0 };
	struct topics *t = small();
	struct error e;
	int32_t row[5];
	assert_int_equal(topics_nearest(t, device, x, 5, row, &e), 0);
	assert_memory_equal(row, without, sizeof row);
	t->embeddings[2] = t->embeddings[3] = 0;
	assert_int_equal(topics_nearest(t, device, x, 5, row, &e), 0);
	assert_memory_equal(row, with, sizeof row);
	t->embeddings[0] = t->embeddings[1] = 0;
	assert_int_equal(topics_nearest(t, device, x, 5, row, &e), 0);
	assert_memory_equal(row, ((const int32_t[5]){ 0 }), sizeof row);
	topics_free(t);
}

static void same_report(const struct topics *a, const struct topics *b)
{
	struct buffer x = { 0 }, y = { 0 };
	topics_report(&x, a, "json");
	topics_report(&y, b, "json");
	assert_true(slice_equal(buffer_view(&x), buffer_view(&y)));
	buffer_free(&x);
	buffer_free(&y);
}

static void what_is_saved_is_loaded(void **state)
{
	(void)state;
	struct topics *t = topics_new();
	struct error e;
	t->vectorizer.max_n = 2;
	t->vectorizer.min_df = (struct df_limit){ 0.2, true };
	t->ctfidf.bm25 = true;
	t->model = SLICE("some/model");
	terms_add(&t->seed_words, SLICE("moon"));
	stopwords_add(&t->stop_words, SLICE("the"));
	golden_fit(t, true, 0);
	struct representer r = { .encoder = &toy, .top_n_words = 8, .diversity = 0.3 };
	struct representation main_chain;
	struct aspect aspect;
	assert_int_equal(representation_parse(SLICE("keybert"), &main_chain, &e), 0);
	assert_int_equal(aspect_parse(SLICE("m=mmr"), &aspect, &e), 0);
	assert_int_equal(representation_describe(&r, t, &main_chain, &aspect, 1, &e), 0);
	if (topics_save(t, file_name(), &e))
		fail_msg("%s", e.msg);
	struct topics *u = topics_load(file_name(), &e);
	if (!u)
		fail_msg("%s", e.msg);
	same_report(t, u);
	assert_true(slice_equal(u->model, SLICE("some/model")));
	assert_true(u->ctfidf.bm25 && !u->ctfidf.reduce_frequent_words);
	assert_int_equal(u->vectorizer.max_n, 2);
	assert_true(u->vectorizer.min_df.share && u->vectorizer.min_df.value == 0.2);
	assert_true(terms_has(&u->stop_words, SLICE("the")) &&
		    terms_has(&u->seed_words, SLICE("moon")));
	assert_memory_equal(t->idf, u->idf, t->vocabulary.n * sizeof *t->idf);
	assert_memory_equal(t->embeddings, u->embeddings, t->n * TOY * sizeof(float));
	/* described anew, both give the same */
	assert_int_equal(representation_parse(SLICE("mmr,keybert"), &main_chain, &e), 0);
	for (int embed = 0; embed < 2; embed++) {
		r.embed_texts = embed;
		assert_int_equal(representation_describe(&r, t, &main_chain, &aspect, 1, &e), 0);
		assert_int_equal(representation_describe(&r, u, &main_chain, &aspect, 1, &e), 0);
		assert_int_equal(u->n_aspects, 1);
		same_report(t, u);
	}
	representer_free(&r);
	topics_free(t);
	topics_free(u);
	unlink(file_name());
}

static void models_without_vectors_or_topics_are_saved_too(void **state)
{
	(void)state;
	struct topics *t = topics_new(), *u = NULL;
	struct error e;
	struct topic_texts *x = topic_texts_new(&t->vectorizer, &e);
	assert_int_equal(topics_fit(t, x, NULL, 42, &e), 0);
	topic_texts_free(x);
	if (topics_save(t, file_name(), &e) || !(u = topics_load(file_name(), &e)))
		fail_msg("%s", e.msg);
	assert_int_equal(u->n, 0);
	assert_null(u->model.data);
	topics_free(t);
	topics_free(u);
	t = topics_new();
	golden_fit(t, false, 0);
	if (topics_save(t, file_name(), &e) || !(u = topics_load(file_name(), &e)))
		fail_msg("%s", e.msg);
	assert_int_equal(u->n, 7);
	assert_null(u->embeddings);
	same_report(t, u);
	topics_free(t);
	topics_free(u);
	unlink(file_name());
}

/* --- Files that are no topic models --------------------------------------------------------- */

static const char good_options[] =
	"{\"ngram_range\": [1, 1], \"min_df\": 1, \"min_df_share\": false, \"max_df\": 1, "
	"\"max_df_share\": true, \"stop_words\": [], \"seed_words\": [], \"seed_multiplier\": 2, "
	"\"bm25\": false, \"reduce_frequent_words\": false, \"aspects\": []}";
static const char good_topics[] = "[{\"topic\": 0, \"cluster\": 0, \"count\": 1, \"words\": "
				  "[{\"word\": \"ab\", \"score\": 1}], "
				  "\"aspects\": [], \"representative\": [\"ab\"]}]";

/* One topic of the words "ab" and "cd"; a field of the table takes the place of what is right. */
struct forged {
	const char *what, *options, *topics, *format, *version;
	uint64_t start[2], ends[2], counts[2];
	uint32_t terms[2];
	float embedding;
	bool no_counts, no_embeddings, two_rows;
};

static void forge(const struct forged *f)
{
	struct error e;
	struct tensor_writer *w = tensor_writer_new();
	const float rows[2] = { f->embedding, f->embedding };
	size_t two = 2, shape[2] = { f->two_rows ? 2 : 1, f->two_rows ? 1 : 2 };
	tensor_writer_metadata(w, "format", slice_from(f->format ? f->format : "heddle topics"));
	tensor_writer_metadata(w, "version", slice_from(f->version ? f->version : "1"));
	tensor_writer_metadata(w, "options", slice_from(f->options ? f->options : good_options));
	tensor_writer_metadata(w, "topics", slice_from(f->topics ? f->topics : good_topics));
	if (!f->no_embeddings) {
		tensor_writer_add(w, "embeddings", FILE_F32, 2, shape, rows);
		tensor_writer_add(w, "representative_embeddings", FILE_F32, 2, shape, rows);
	}
	if (!f->no_counts)
		tensor_writer_add(w, "counts", FILE_U64, 1, &two, f->counts);
	tensor_writer_add(w, "start", FILE_U64, 1, &two, f->start);
	tensor_writer_add(w, "vocabulary_ends", FILE_U64, 1, &two, f->ends);
	tensor_writer_add(w, "terms", FILE_U32, 1, &two, f->terms);
	tensor_writer_add(w, "vocabulary", FILE_U8, 1, (const size_t[]){ 4 }, "abcd");
	assert_int_equal(tensor_writer_save(w, file_name(), &e), 0);
	tensor_writer_free(w);
}

#define RIGHT .start = { 0, 2 }, .ends = { 2, 4 }, .counts = { 1, 1 }, .terms = { 0, 1 }

static void forged_models_are_refused(void **state)
{
	(void)state;
	static const struct forged table[] = {
		{ "right", RIGHT },
		{ "right, without vectors", RIGHT, .no_embeddings = true },
		{ "another format", RIGHT, .format = "heddle umap" },
		{ "a later version", RIGHT, .version = "2" },
		{ "options that are no JSON", RIGHT, .options = "{" },
		{ "options that say nothing", RIGHT, .options = "{}" },
		{ "n-grams of no words", RIGHT, .options = "{\"ngram_range\": [0, 1]}" },
		{ "n-grams too long", RIGHT, .options = "{\"ngram_range\": [1, 9999999999]}" },
		{ "n-grams of three numbers", RIGHT, .options = "{\"ngram_range\": [1, 1, 1]}" },
		{ "topics that are no list", RIGHT, .topics = "{}" },
		{ "a topic that is a number", RIGHT, .topics = "[1]" },
		{ "two topics, counts of one", RIGHT,
			.topics = "[{\"topic\": 0, \"cluster\": 0, \"count\": 1, \"words\": [], "
				  "\"aspects\": [], "
				  "\"representative\": [\"a\"]}, {\"topic\": 1, \"cluster\": 1, "
				  "\"count\": 1, "
				  "\"words\": [], \"aspects\": [], \"representative\": [\"a\"]}]" },
		{ "a topic of no texts", RIGHT,
			.topics = "[{\"topic\": 0, \"cluster\": 0, \"count\": 0, \"words\": [], "
				  "\"aspects\": [], "
				  "\"representative\": [\"a\"]}]" },
		{ "no representative text", RIGHT,
			.topics = "[{\"topic\": 0, \"cluster\": 0, \"count\": 1, \"words\": [], "
				  "\"aspects\": [], "
				  "\"representative\": []}]" },
		{ "too many representative texts", RIGHT,
			.topics = "[{\"topic\": 0, \"cluster\": 0, \"count\": 1, \"words\": [], "
				  "\"aspects\": [], "
				  "\"representative\": [\"\",\"\",\"\",\"\",\"\",\"\"]}]" },
		{ "aspects that have no name", RIGHT,
			.topics = "[{\"topic\": 0, \"cluster\": 0, \"count\": 1, \"words\": [], "
				  "\"aspects\": [[]], "
				  "\"representative\": [\"a\"]}]" },
		{ "a word without a score", RIGHT,
			.topics = "[{\"topic\": 0, \"cluster\": 0, \"count\": 1, \"words\": "
				  "[{\"word\": \"x\"}], "
				  "\"aspects\": [], \"representative\": [\"a\"]}]" },
		{ "no counts", RIGHT, .no_counts = true },
		{ "counts of nothing", .start = { 0, 2 }, .ends = { 2, 4 }, .counts = { 0, 1 },
			.terms = { 0, 1 } },
		{ "counts past any text", .start = { 0, 2 }, .ends = { 2, 4 },
			.counts = { UINT64_MAX, 1 }, .terms = { 0, 1 } },
		{ "rows that do not begin at 0", .start = { 1, 2 }, .ends = { 2, 4 },
			.counts = { 1, 1 }, .terms = { 0, 1 } },
		{ "rows that end too late", .start = { 0, 3 }, .ends = { 2, 4 }, .counts = { 1, 1 },
			.terms = { 0, 1 } },
		{ "rows that end too soon", .start = { 0, 1 }, .ends = { 2, 4 }, .counts = { 1, 1 },
			.terms = { 0, 1 } },
		{ "terms that are not in the vocabulary", .start = { 0, 2 }, .ends = { 2, 4 },
			.counts = { 1, 1 }, .terms = { 0, 2 } },
		{ "terms out of order", .start = { 0, 2 }, .ends = { 2, 4 }, .counts = { 1, 1 },
			.terms = { 1, 0 } },
		{ "a term twice", .start = { 0, 2 }, .ends = { 2, 4 }, .counts = { 1, 1 },
			.terms = { 1, 1 } },
		{ "words past the vocabulary", .start = { 0, 2 }, .ends = { 2, 5 },
			.counts = { 1, 1 }, .terms = { 0, 1 } },
		{ "words that end before they begin", .start = { 0, 2 }, .ends = { 3, 2 },
			.counts = { 1, 1 }, .terms = { 0, 1 } },
		{ "two empty words", .start = { 0, 2 }, .ends = { 0, 0 }, .counts = { 1, 1 },
			.terms = { 0, 1 } },
		{ "vectors that are not finite", RIGHT, .embedding = INFINITY },
		{ "vectors of another number of topics", RIGHT, .two_rows = true },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct error e = { 0 };
		forge(&table[i]);
		struct topics *t = topics_load(file_name(), &e);
		if (i < 2 && !t)
			fail_msg("%s: %s", table[i].what, e.msg);
		if (i >= 2 && t)
			fail_msg("%s: loaded", table[i].what);
		if (i >= 2)
			assert_int_equal(e.code, ERROR_MODEL);
		topics_free(t);
	}
	unlink(file_name());
	struct error e;
	assert_null(topics_load(file_name(), &e));
	assert_int_equal(e.code, ERROR_NO_INPUT);
}

/* --- Real corpora --------------------------------------------------------------------------- */

/* The next cluster of "cluster:count cluster:count …". */
static int64_t next_cluster(const char **at, size_t *left, int64_t now)
{
	if (*left == 0) {
		char *after;
		now = strtoll(*at, &after, 10);
		*left = strtoul(after + 1, &after, 10);
		*at = after;
	}
	--*left;
	return now;
}

/* Read as many records as the golden file has clusters for, and fit. */
static struct topics *fit_corpus(const char *path, const char *clusters, size_t max_n, bool english)
{
	struct error e;
	struct topics *t = topics_new();
	t->vectorizer.max_n = max_n;
	if (english)
		assert_int_equal(
			stopwords_read(&t->stop_words, source_path("share/stopwords/english"), &e),
			0);
	struct topic_texts *x = topic_texts_new(&t->vectorizer, &e);
	struct reader_options o = { .files = &path, .n_files = 1 };
	struct reader *reader = reader_open(&o, &e);
	struct arena *arena = arena_new();
	struct record record;
	struct slice text;
	size_t want = reader_want(reader, "text"), left = 0;
	int64_t cluster = 0;
	while ((left || *clusters == ' ' || (*clusters >= '0' && *clusters <= '9')) &&
		reader_next(reader, arena, &record, NULL, &e) == 1) {
		cluster = next_cluster(&clusters, &left, cluster);
		assert_int_equal(record_text(&record, want, "text", arena, &text, &e), 0);
		assert_int_equal(topic_texts_add(x, cluster, text, NULL, 0, &e), 0);
		arena_clear(arena);
	}
	reader_close(reader);
	arena_free(arena);
	assert_int_equal(topics_fit(t, x, NULL, 42, &e), 0);
	topic_texts_free(x);
	return t;
}

static void compare_corpus(const char *name, const char *data, size_t max_n, bool english)
{
	char path[4096], line[1 << 16], word[256], *after;
	snprintf(path, sizeof path, "%s", source_path("../shared/data/%s", data));
	if (access(path, R_OK) != 0) {
		print_message("no %s\n", path);
		skip();
	}
	FILE *f = fopen(source_path("tests/golden/topics/%s.tsv", name), "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	struct topics *t = fit_corpus(path, line, max_n, english);
	size_t i = 0, r = SIZE_MAX, compared = 0;
	struct topic_words words = { 0 };
	while (fgets(line, sizeof line, f)) {
		int64_t cluster = strtoll(line, &after, 10);
		assert_int_equal(sscanf(after, "\t%255[^\t]", word), 1);
		double score = strtod(strrchr(line, '\t'), NULL);
		if (r == SIZE_MAX || t->at[r].cluster != cluster) {
			r = row_of_cluster(t, cluster);
			words = topics_best(t, r, 10, t->arena);
			i = 0;
		}
		assert_true(i < words.n);
		if (fabs(words.at[i].score - score) > 1e-9 ||
			!slice_equal(words.at[i].word, slice_from(word)))
			fail_msg("%s, cluster %lld, word %zu: %.*s %.17g instead of %s %.17g", name,
				(long long)cluster, i, (int)words.at[i].word.size,
				words.at[i].word.data, words.at[i].score, word, score);
		i++;
		compared++;
	}
	assert_int_equal(compared, t->n * 10);
	fclose(f);
	topics_free(t);
}

static void words_of_banking77_are_bertopics(void **state)
{
	(void)state;
	compare_corpus("banking77", "banking77/train.jsonl", 2, false);
}

static void words_of_acl_abstracts_are_bertopics(void **state)
{
	(void)state;
	compare_corpus("acl", "acl_abstracts/acl_2016plus.jsonl.gz", 1, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_are_laid_out_as_the_contract_says),
		cmocka_unit_test(no_topics_make_an_empty_report),
		cmocka_unit_test(topics_are_shown_found_and_compared),
		cmocka_unit_test_setup_teardown(
			vectors_get_the_topic_of_the_largest_cosine, device_setup, device_teardown),
		cmocka_unit_test(what_is_saved_is_loaded),
		cmocka_unit_test(models_without_vectors_or_topics_are_saved_too),
		cmocka_unit_test(forged_models_are_refused),
		cmocka_unit_test(words_of_banking77_are_bertopics),
		cmocka_unit_test(words_of_acl_abstracts_are_bertopics),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
