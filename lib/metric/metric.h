/*
 * metric.h: what every metric is to the command. A metric takes records one by one and keeps of
 * each a unit: the few numbers (counts, labels, a score) from which its figures follow. Figures are
 * computed over any list of units, so that groups (--by), bootstrap intervals and paired tests need
 * nothing more from a metric than compute(). A metric equals its reference implementation on the
 * records of the list, degenerate cases included; the head of its file names formula and source.
 *
 *	struct measure *m = metric_open(metric_find("bleu"), reader, &options, &e);
 *	while (…next record…) measure_add(m, &record, arena, &e);
 *	measure_finish(m, &e);
 *	measure_compute(m, units, n, value);	// value [m->n_figures], NaN where undefined
 *
 * Adding one: a file that defines a struct metric_kind, a line in metric.c, a golden.
 */
#pragma once
#include <math.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/record/reader.h"
#include "lib/record/record.h"

enum { METRIC_KS = 16 }; /* cut-offs, at most */

/* How metrics count; metric_defaults has what is said when nothing is. Strings are the caller's. */
struct metric_options {
	const char *prediction_key, *reference_key, *score_key, *vector_key;
	const char *embedding_keys[2]; /* sts, pairs: compare these vectors, not two numbers */
	/* classification */
	struct slice *label_values, *label_names; /* --label-names */
	size_t n_label_names;
	size_t bins; /* of the calibration error */
	/* bleu */
	int tokenizer; /* enum bleu_tokenizer */
	int smooth; /* enum bleu_smooth */
	double smooth_value; /* NaN: the method's own */
	bool lowercase, effective_order;
	/* chrf */
	size_t char_order, word_order, beta;
	bool chrf_whitespace;
	/* ter */
	bool ter_normalized, ter_no_punct, ter_asian, ter_case_sensitive;
	/* seqeval */
	bool strict, suffix;
	int scheme; /* enum seqeval_scheme; 0: find it */
	/* rouge, meteor */
	bool stemmer;
	/* retrieval, pass@k */
	size_t ks[METRIC_KS], n_ks;
	/* clustering */
	size_t neighbors;
	/* topics */
	const char *topics_path, *text_key;
	size_t top_words;
	/* bertscore */
	const char *model, *rescale_path;
	size_t layer; /* SIZE_MAX: the usual one */
	bool idf;
	const char *device;
};
extern const struct metric_options metric_defaults;

struct measure;

struct metric_kind {
	const char *name, *summary;
	size_t state; /* bytes of the state, whose first member is a struct measure; 0: that alone */
	size_t unit; /* bytes of a unit, where open says nothing else */
	const char *const *figures; /* the first names, ends with NULL; may be NULL */
	/* The state is zeroed, keys of prediction and reference are asked for: ask for more, check
	 * options. 0; -1 and the error (2) for options that do not go together. May be NULL. */
	int (*open)(struct measure *, struct reader *, struct error *);
	/* Keep a unit of the record: 0; -1 and the error (65), and nothing kept. */
	int (*add)(struct measure *, const struct record *, struct arena *, struct error *);
	/* All records are there: settle figures, name those that `figures` does not. May be NULL. */
	int (*finish)(struct measure *, struct error *);
	/* Over units[n], any order, repetitions too. May run in several threads at once. */
	void (*compute)(const struct measure *, const uint32_t *units, size_t n, double *value);
	/* Text instead of a line a figure, of n > 0; may be NULL. */
	void (*report)(const struct measure *, const uint32_t *units, size_t n, size_t digits,
		struct buffer *);
	/* More members of the JSON report, each ", \"name\": value"; may be NULL. */
	void (*detail)(const struct measure *, const uint32_t *units, size_t n, struct buffer *);
	const char *as; /* the implementation that it equals: "jiwer-4" */
	/* Instead of "NAME|as:AS", how it counted: "case:mixed|tok:13a"; may be NULL. */
	void (*signature)(const struct measure *, struct buffer *);
	void (*close)(struct measure *); /* frees what the state holds; may be NULL */
	bool lower_is_better;
	bool whole; /* units are no records: groups and pairs are an error */
	bool percent; /* figures count to 100, texts show them so */
};

/* A metric at work; the first member of its state. */
struct measure {
	const struct metric_kind *metric;
	const struct metric_options *options;
	size_t prediction, reference; /* places of their keys */
	size_t n; /* units */
	void *units; /* [n], each of `unit` bytes */
	size_t unit, capacity;
	const char **names; /* [n_figures], the main one first; after measure_finish */
	size_t n_figures;
	size_t main; /* the figure that is the score */
	struct arena *arena; /* of names, and whatever lives as long */
	uint64_t hash; /* of the references, in order */
	size_t n_names; /* capacity of names */
};

extern const struct metric_kind *const metrics[]; /* ends with NULL */

/* NULL and an error (2) that suggests the nearest name. */
const struct metric_kind *metric_find(const char *name, struct error *);

/* Asks the reader, which is NULL where no records are read, for keys. NULL and the error. */
struct measure *metric_open(
	const struct metric_kind *, struct reader *, const struct metric_options *, struct error *);
int measure_add(struct measure *, const struct record *, struct arena *, struct error *);
int measure_finish(struct measure *, struct error *);
void measure_compute(const struct measure *, const uint32_t *units, size_t n, double *value);
/* "metric options|heddle:VERSION|data:HASH": figures with the same one may be compared. extra, as
 * "bs:1000|seed:42", may be NULL. */
void measure_signature(const struct measure *, const char *extra, struct buffer *);
void measure_close(struct measure *);

/* --- For metrics ------------------------------------------------------------------------------ */

/* Name the next figure. */
void measure_name(struct measure *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same of a class: "f1[class]". A NUL in it is written \x00. */
void measure_class_name(struct measure *, const char *figure, struct slice class);
/* Mix a reference into the hash of the data. */
void measure_hash(struct measure *, struct slice);

/* Keep a unit: its bytes are copied. */
void measure_keep(struct measure *, const void *unit);
/* A compute for units that are doubles, a figure each: their means, times 100 where the metric is one
 * of percents. */
void measure_means(const struct measure *, const uint32_t *units, size_t n, double *value);

/* An array of T that grows by doubling: room for more, add one, add many. */
#define LIST(T) \
	struct { \
		T *at; \
		size_t n, capacity; \
	}
#define LIST_ROOM(list, more) \
	((list).n + (more) > (list).capacity \
			? (void)((list).at = mem_grow((list).at, &(list).capacity, \
					 (list).n + (more), sizeof *(list).at)) \
			: (void)0)
#define LIST_ADD(list, ...) (LIST_ROOM(list, 1), (list).at[(list).n++] = (__VA_ARGS__))
#define LIST_COPY(list, from, count) \
	(LIST_ROOM(list, count), \
		(void)((count) ? memcpy((list).at + (list).n, from, (count) * sizeof *(list).at) \
			       : NULL), \
		(list).n += (count))
