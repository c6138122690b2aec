/*
 * test_words.c: words, sets of terms and stop words, against tests/golden/words/tokens.json
 * (scikit-learn, CPython).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "lib/learn/vectorizer.h"
#include "lib/text/stopwords.h"
#include "lib/text/words.h"
#include "tests/unit/source.h"

static json_t *golden(void)
{
	json_error_t e;
	json_t *root =
		json_load_file(source_path("tests/golden/words/tokens.json"), JSON_ALLOW_NUL, &e);
	if (!root)
		fail_msg("%s", e.text);
	return root;
}

static struct slice string_of(const json_t *s)
{
	return (struct slice){ json_string_value(s), json_string_length(s) };
}

static void every_code_point_is_lowercased_and_classed_as_python_does(void **state)
{
	(void)state;
	uint64_t h = 0xcbf29ce484222325u;
	for (uint32_t c = 0; c < 0x110000; c++) {
		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		uint32_t values[3];
		size_t n = words_lower_point(c, values);
		values[n++] = words_is_word(c);
		for (size_t i = 0; i < n; i++)
			h = (h ^ values[i]) * 0x100000001b3u;
	}
	json_t *root = golden();
	char text[17];
	snprintf(text, sizeof text, "%016llx", (unsigned long long)h);
	assert_string_equal(text, json_string_value(json_object_get(root, "every_code_point")));
	json_decref(root);
}

static void texts_have_the_words_that_scikit_learn_finds(void **state)
{
	(void)state;
	json_t *root = golden(), *entry;
	struct words w = { 0 };
	size_t i;
	json_array_foreach(json_object_get(root, "texts"), i, entry)
	{
		struct slice text = string_of(json_object_get(entry, "text")), word;
		const json_t *tokens = json_object_get(entry, "tokens");
		size_t n = 0;
		for (words_begin(&w, text); words_next(&w, &word); n++) {
			struct slice want = n < json_array_size(tokens)
						    ? string_of(json_array_get(tokens, n))
						    : SLICE("(nothing)");
			if (!slice_equal(word, want))
				fail_msg("text %zu, word %zu: '%.*s' instead of '%.*s'", i, n,
					(int)word.size, word.data, (int)want.size, want.data);
		}
		if (n != json_array_size(tokens))
			fail_msg("text %zu: %zu words instead of %zu", i, n,
				json_array_size(tokens));
	}
	words_free(&w);
	json_decref(root);
}

/* The n-grams of each golden text, counted, are those of a class of that text alone. */
static void texts_have_the_ngrams_that_scikit_learn_finds(void **state)
{
	(void)state;
	struct terms stop = { 0 };
	struct error e;
	assert_int_equal(stopwords_read(&stop, source_path("share/stopwords/english"), &e), 0);
	assert_int_equal(stop.n, 318);
	struct vectorizer_options o = { 1, 3, &stop, { 1, false }, { 1, true } };
	json_t *root = golden(), *entry;
	size_t i;
	json_array_foreach(json_object_get(root, "texts"), i, entry)
	{
		const json_t *ngrams = json_object_get(entry, "ngrams");
		struct slice text = string_of(json_object_get(entry, "text"));
		struct terms vocabulary = { 0 };
		struct counts counts;
		size_t order = 0, want = json_array_size(ngrams);
		uint64_t total = 0;
		struct vectorizer *v = vectorizer_new(&o);
		vectorizer_add(v, 0, text);
		assert_int_equal(vectorizer_finish(v, &order, 1, &vocabulary, &counts, &e), 0);
		for (size_t k = 0; k < counts.n_terms; k++) {
			uint64_t n = 0;
			for (size_t g = 0; g < want; g++)
				n += slice_equal(string_of(json_array_get(ngrams, g)),
					vocabulary.at[counts.terms[k]]);
			if (text.size)
				assert_int_equal(n, counts.counts[k]);
			total += counts.counts[k];
			if (k)
				assert_true(
					slice_compare(vocabulary.at[k - 1], vocabulary.at[k]) < 0);
		}
		assert_int_equal(total, text.size ? want : 1); /* the empty text is "emptydoc" */
		struct text_counts one = { 0 };
		vectorizer_count(&o, &vocabulary, text.size ? text : SLICE("emptydoc"), &one);
		assert_int_equal(one.n, counts.n_terms);
		for (size_t k = 0; k < one.n; k++)
			assert_true(one.terms[k] == k && one.counts[k] == counts.counts[k]);
		text_counts_free(&one);
		counts_free(&counts);
		terms_free(&vocabulary);
		vectorizer_free(v);
	}
	terms_free(&stop);
	json_decref(root);
}

static void bytes_that_are_not_utf8_separate_words(void **state)
{
	(void)state;
	static const struct {
		const char *text, *words;
	} table[] = {
		{ "ab\xff"
		  "cd",
			"ab,cd," },
		{ "ab\xc3", "ab," }, { "ab\xc3(cd", "ab,cd," },
		{ "\xed\xa0\x80"
		  "ab",
			"ab," }, /* a surrogate */
		{ "ab\xf4\x90\x80\x80"
		  "cd",
			"ab,cd," }, /* beyond U+10FFFF */
		{ "\xc0\xaf"
		  "ab\xe0\x80\xaf"
		  "cd",
			"ab,cd," }, /* longer than need be */
		{ "\x80\x80", "" },
		{ "A\xce\xa3\xff", "a\xcf\x82," }, /* a sigma before a broken byte is final */
	};
	struct words w = { 0 };
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct buffer b = { 0 };
		struct slice word;
		for (words_begin(&w, slice_from(table[i].text)); words_next(&w, &word);) {
			buffer_slice(&b, word);
			buffer_char(&b, ',');
		}
		buffer_char(&b, 0);
		assert_string_equal(b.data, table[i].words);
		buffer_free(&b);
	}
	words_free(&w);
}

static void terms_are_numbered_in_the_order_they_come(void **state)
{
	(void)state;
	struct terms t = { 0 };
	char text[32];
	assert_int_equal(terms_find(&t, SLICE("0")), TERMS_ABSENT);
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 5000; i++) {
			int n = snprintf(text, sizeof text, "%u", i * 7919);
			assert_int_equal(terms_add(&t, (struct slice){ text, (size_t)n }), i);
		}
	assert_int_equal(t.n, 5000);
	assert_int_equal(terms_find(&t, SLICE("7919")), 1);
	assert_int_equal(terms_find(&t, SLICE("7918")), TERMS_ABSENT);
	assert_int_equal(terms_add(&t, SLICE("")), 5000);
	assert_true(terms_has(&t, SLICE("")));
	assert_false(terms_has(NULL, SLICE("")));
	terms_free(&t);
}

static void stop_words_are_lowercased_lines(void **state)
{
	(void)state;
	char path[] = "/tmp/heddle-stopwords-XXXXXX";
	int fd = mkstemp(path);
	static const char text[] = "The\r\n\n  AND \nİstanbul\nlast";
	assert_true(write(fd, text, sizeof text - 1) == sizeof text - 1);
	struct terms t = { 0 };
	struct error e;
	assert_int_equal(stopwords_read(&t, path, &e), 0);
	assert_int_equal(t.n, 4);
	assert_true(terms_has(&t, SLICE("the")) && terms_has(&t, SLICE("and")) &&
		    terms_has(&t, SLICE("last")));
	assert_true(terms_has(&t, SLICE("i\xcc\x87stanbul")));
	assert_true(write(fd, "", 1) == 1);
	assert_int_equal(stopwords_read(&t, path, &e), -1);
	assert_int_equal(e.code, ERROR_DATA);
	close(fd);
	unlink(path);
	assert_int_equal(stopwords_read(&t, path, &e), -1);
	assert_int_equal(e.code, ERROR_NO_INPUT);
	terms_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_point_is_lowercased_and_classed_as_python_does),
		cmocka_unit_test(texts_have_the_words_that_scikit_learn_finds),
		cmocka_unit_test(texts_have_the_ngrams_that_scikit_learn_finds),
		cmocka_unit_test(bytes_that_are_not_utf8_separate_words),
		cmocka_unit_test(terms_are_numbered_in_the_order_they_come),
		cmocka_unit_test(stop_words_are_lowercased_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
