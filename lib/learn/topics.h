/*
 * topics.h: a topic model: what BERTopic 0.17.4 knows of its topics once texts are clustered.
 * Topics are numbered by size, the largest 0, ties by the smaller number of the cluster; the
 * outliers (cluster -1) stay -1 and come first.
 *
 * What BERTopic leaves to chance is settled: words of equal score stand in order of code points;
 * representative texts are chosen among all texts of a topic, or 500 of them drawn without
 * replacement, by (cosine, order of input), equal texts once.
 */
#pragma once
#include "gpu/tensor.h"
#include "lib/base/buffer.h"
#include "lib/learn/corpus.h"
#include "lib/learn/ctfidf.h"

enum {
	TOPICS_OUTLIERS = -1,
	TOPICS_SAMPLE = 500, /* texts of a topic looked at for representative ones */
	TOPICS_KEPT = 5, /* representative texts kept, the best first; KeyBERT uses them all */
	TOPICS_SHOWN = 3, /* representative texts in a report */
	TOPICS_BASE = 30, /* words of c-TF-IDF that a representation chooses among, at least */
	TOPICS_NAME = 4, /* words in a name */
};

struct topic_word {
	struct slice word;
	double score;
};

struct topic_words {
	struct topic_word *at;
	size_t n;
};

struct topic {
	int64_t number, cluster; /* cluster: the number it had in the input */
	size_t count;
	struct topic_words words;
	struct topic_words *aspects; /* [n_aspects of the model] */
	struct slice representative[TOPICS_KEPT];
	size_t n_representative;
};

struct topics {
	struct topic *at; /* [n], outliers first, then by number */
	size_t n;
	struct slice *aspects; /* names */
	size_t n_aspects;

	/* How words are counted and weighed. stop_words and seed_words are the model's own. */
	struct vectorizer_options vectorizer;
	struct ctfidf_options ctfidf;
	struct terms stop_words, seed_words, vocabulary;
	struct counts counts; /* [n, vocabulary] */
	double *idf;

	/*
	 * Means of vectors, a row a topic: of all its texts, of its representative texts. NULL
	 * where texts had no vectors.
	 */
	size_t size;
	float *embeddings, *representative_embeddings; /* [n, size] */
	/* The name of the model that made them, as -m gave it: empty is the built-in one, NULL
	 * stands for one that is not known. */
	struct slice model;
	struct arena *arena; /* of slices and arrays above */
};

struct topics *topics_new(void);
void topics_free(struct topics *);

/* Texts while they come, each with the number of its cluster: counted and set aside. */
struct topic_texts {
	struct corpus *corpus;
	struct vectorizer *vectorizer;
	struct terms clusters; /* the bytes of their numbers; the place of one is its class */
	int64_t *numbers; /* after topics_fit, the topic of each class */
};

/* The options must outlive the texts. NULL and the error (74) where nothing can be set aside. */
struct topic_texts *topic_texts_new(const struct vectorizer_options *, struct error *);
void topic_texts_free(struct topic_texts *);
int topic_texts_add(struct topic_texts *, int64_t cluster, struct slice text, const float *vector,
	size_t size, struct error *);

/* After topics_fit: the topic of text i. */
static inline int64_t topic_texts_number(const struct topic_texts *x, size_t i)
{
	return x->numbers[x->corpus->classes[i]];
}

/*
 * Fit: vectorizer, ctfidf, stop_words and seed_words of the model are set, and the texts were
 * counted with them. An encoder, unless NULL, embeds texts that came without vectors. Fills all but
 * words, aspects and model. -1 and the error as vectorizer_finish.
 */
int topics_fit(struct topics *, struct topic_texts *, const struct encoder *, uint64_t seed,
	struct error *);

/* Compute idf anew, after a change of ctfidf or seed_words. */
void topics_weigh(struct topics *);

/* The k best words of the topic in row r by c-TF-IDF, or all whose score is above 0. */
struct topic_words topics_best(const struct topics *, size_t r, size_t k, struct arena *);

/* The topic with this number: its row, or n where there is none. */
size_t topics_find(const struct topics *, int64_t number);

/* Cosine of a vector [size] with each topic's embedding: out [n]; 0 with a vector of zeros. */
void topics_similarity(const struct topics *, const float *vector, double *out);

/* The rows [n] of the topics most similar to the vectors x [n, size], of equal ones the first, which a vector of
 * zeros has too; there is one topic at least. */
int topics_nearest(const struct topics *, struct device *, const float *x, size_t n, int32_t *row,
	struct error *);

/* "3_word_word_word_word" */
void topics_name(struct buffer *, const struct topic *);

/* --- lib/learn/topics_report.c -------------------------------------------------------------- */

/* CONTRACT.md, topics --report: CSV for a name that ends in .csv, else JSON. */
void topics_report(struct buffer *, const struct topics *, const char *name);

/* For people: topic, count, words; all about one topic; the n most similar. */
void topics_report_table(struct buffer *, const struct topics *);
void topics_report_one(struct buffer *, const struct topics *, size_t row);
void topics_report_found(
	struct buffer *, const struct topics *, const double *similarity, size_t n);
/* The first words of topics of the same number in two models, side by side. */
void topics_report_pair(struct buffer *, const struct topics *a, const char *a_name,
	const struct topics *b, const char *b_name, size_t n_words);

/* The words as JSON, as they stand in the report. */
void topics_write_words(struct buffer *, const struct topic_words *);

/* --- lib/learn/topics_state.c --------------------------------------------------------------- */

/*
 * One safetensors file: counts, idf, vocabulary and embeddings; options and what is said of each
 * topic in __metadata__.
 */
int topics_save(const struct topics *, const char *path, struct error *);
struct topics *topics_load(const char *path, struct error *);
