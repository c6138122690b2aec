/*
 * report.h: the report of `topics` (CONTRACT.md): what its topics are called and which words
 * describe them.
 *
 *	{"topics": [{"topic": -1, "count": 812, "name": "-1_model_language_data_task",
 *	  "words": [{"word": "model", "score": 0.03}, …],
 *	  "aspects": {"mmr": [{"word": …, "score": …}]}, "representative": ["…"]}]}
 */
#pragma once
#include "lib/base/error.h"
#include "lib/base/memory.h"

struct report_word {
	struct slice word;
	double score;
};

struct report_words {
	const char *aspect; /* NULL: the topic's own */
	size_t n;
	struct report_word *at;
};

struct report_topic {
	struct slice key; /* the number as text, as it stands in the records */
	struct slice name;
	size_t count;
	size_t n_lists; /* at least 1 */
	struct report_words *lists; /* the topic's own words, then its aspects */
};

struct report {
	struct arena *arena;
	size_t n;
	struct report_topic *topics; /* in the order of the file */
	struct report_topic **by_key; /* sorted */
};

/* Read a report, CSV where the path ends in .csv, else JSON. Errors 65 and 66. */
int report_read(struct report *, const char *path, struct error *);
/* The same from JSON in memory. */
int report_parse(struct report *, struct slice json, struct error *);
void report_free(struct report *);

/* NULL: not there. */
const struct report_topic *report_find(const struct report *, struct slice key);
bool report_has_aspect(const struct report *, const char *aspect);

/* The words of a topic or, where aspect is not NULL, of that aspect of it (its own words where it
 * has no such aspect). */
const struct report_words *report_words(const struct report_topic *, const char *aspect);

/* What to call a topic: its name if someone gave it one, else its first n words, "word, word,
 * word". The name that `topics` itself gives ("3_word_word_word_word", the words those of the
 * topic) is not taken for given. */
bool report_name_given(const struct report_topic *);
struct slice report_label(
	const struct report_topic *, const char *aspect, size_t n, struct arena *);

/* What heads a list of a topic's words: "3 · name" where it was given a name, else "Topic 3". */
struct slice report_title(const struct report_topic *, struct arena *);
