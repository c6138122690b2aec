/*
 * vectorizer.h: texts to counts of words and n-grams, as scikit-learn's CountVectorizer (1.9) with
 * its defaults counts them: str.lower(), words by (?u)\b\w\w+\b, stop words taken out, then n-grams
 * of what is left, joined by a space; document frequencies limited; the vocabulary in order of code
 * points.
 *
 * Here a document of CountVectorizer is a class of texts: all texts of a class, in the order they
 * came, joined by spaces (BERTopic's topics). They are counted as they come and never joined, so
 * n-grams across the border of two texts are counted as well; a class that is one empty text is the
 * word "emptydoc" (BERTopic's _preprocess_text).
 */
#pragma once
#include "lib/base/error.h"
#include "lib/text/terms.h"

enum { NGRAM_MAX = 16 };

/* How often a term must or may occur: in how many classes, or in what share of them. */
struct df_limit {
	double value;
	bool share;
};

struct vectorizer_options {
	size_t min_n, max_n; /* of n-grams, 1 <= min_n <= max_n <= NGRAM_MAX */
	const struct terms *stop_words; /* lowercase; NULL or empty: none */
	struct df_limit min_df, max_df; /* scikit-learn's defaults: 1 and the share 1.0 */
};

/* "1,2"; and as in scikit-learn "1" is a count, "1.0" a share. -1 and a usage error otherwise. */
int ngram_range_parse(const char *text, size_t *min_n, size_t *max_n, struct error *);
int df_limit_parse(const char *text, struct df_limit *, struct error *);

/*
 * A sparse matrix of counts [n_rows, n_terms]: the entries of row r lie from start[r] to start[r +
 * 1], terms ascending.
 */
struct counts {
	size_t n_rows, n_terms;
	size_t *start; /* [n_rows + 1] */
	uint32_t *terms;
	uint64_t *counts;
};
void counts_free(struct counts *);

struct vectorizer;

/* What stop_words points to must outlive the vectorizer. */
struct vectorizer *vectorizer_new(const struct vectorizer_options *);
void vectorizer_free(struct vectorizer *);

/*
 * Count a text into a class. Classes are small numbers; those below the largest that are never used
 * have no texts.
 */
void vectorizer_add(struct vectorizer *, size_t class, struct slice text);

/*
 * The counts of K classes, row r that of class order[r] (all classes once, in any order), over the
 * vocabulary, which is filled in order of code points. Document frequencies count only these
 * classes. -1 and the error (2) where max_df allows fewer classes than min_df demands, (65) where
 * the limits leave no term of some; no term at all is no error.
 */
int vectorizer_finish(struct vectorizer *, const size_t *order, size_t K, struct terms *vocabulary,
	struct counts *, struct error *);

/*
 * The terms of one text over a vocabulary: term numbers ascending, and their counts. Zeroed is
 * empty; reused from text to text.
 */
struct text_counts {
	size_t n, capacity, capacity_counts;
	uint32_t *terms;
	uint64_t *counts;
};
void text_counts_free(struct text_counts *);
void vectorizer_count(const struct vectorizer_options *, const struct terms *vocabulary,
	struct slice text, struct text_counts *);
