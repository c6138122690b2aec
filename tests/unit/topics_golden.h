/*
 * topics_golden.h: for test_ctfidf.c and test_representation.c: the texts and results of
 * tests/golden/topics.py.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#ifdef TOPICS_GOLDEN_JSON
#include <jansson.h>
#endif

#include "lib/learn/representation.h"
#include "lib/text/stopwords.h"
#include "tests/unit/source.h"

#ifdef TOPICS_GOLDEN_JSON
static json_t *golden_read(void)
{
	json_error_t e;
	json_t *root = json_load_file(source_path("tests/golden/topics/golden.json"), 0, &e);
	if (!root)
		fail_msg("%s", e.text);
	return root;
}

static inline struct slice string_of(const json_t *s)
{
	return (struct slice){ json_string_value(s), json_string_length(s) };
}
#endif

/* The vector that topics.py gives a text. */
enum { TOY = 16 };
static inline int toy_run(
	void *self, const struct slice *texts, size_t n, float *out, struct error *e)
{
	(void)self;
	(void)e;
	for (size_t i = 0; i < n; i++) {
		for (int d = 0; d < TOY; d++) {
			float sum = 0;
			for (size_t p = 0; p < texts[i].size; p++) {
				int b = (unsigned char)texts[i].data[p];
				sum += (float)((b * 31 + (int)(p % 5) * 7 + d * 13 * (b % 11)) %
						       97 -
					       48);
			}
			out[i * TOY + (size_t)d] = sum;
		}
	}
	return 0;
}

static const struct encoder toy = { TOY, toy_run, NULL };

/*
 * Count the golden texts (without the cluster `leave_out`, unless that is 0) and fit. t has its
 * options already.
 */
static inline void golden_fit(struct topics *t, bool vectors, int64_t leave_out)
{
	struct error e;
	struct topic_texts *x = topic_texts_new(&t->vectorizer, &e);
	assert_non_null(x);
	FILE *f = fopen(source_path("tests/golden/topics/texts.jsonl"), "r");
	assert_non_null(f);
	char line[1024];
	while (fgets(line, sizeof line, f)) {
		/* {"text": "…", "cluster": N}; no text holds a quote or a backslash */
		static const char before[] = "{\"text\": \"", after[] = "\", \"cluster\": ";
		char *start = line + sizeof before - 1, *end = strstr(line, after);
		assert_non_null(end);
		int64_t cluster = strtoll(end + sizeof after - 1, NULL, 10);
		struct slice text = { start, (size_t)(end - start) };
		if (!leave_out || cluster != leave_out)
			assert_int_equal(topic_texts_add(x, cluster, text, NULL, 0, &e), 0);
	}
	fclose(f);
	if (topics_fit(t, x, vectors ? &toy : NULL, 42, &e))
		fail_msg("%s", e.msg);
	topic_texts_free(x);
}

static inline size_t row_of_cluster(const struct topics *t, int64_t cluster)
{
	for (size_t r = 0; r < t->n; r++)
		if (t->at[r].cluster == cluster)
			return r;
	fail_msg("no topic of cluster %lld", (long long)cluster);
	return 0;
}
