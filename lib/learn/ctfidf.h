/*
 * ctfidf.h: class-based TF-IDF (M. Grootendorst, "BERTopic", 2022, section 3.3), as
 * ClassTfidfTransformer of BERTopic 0.17.4 computes it, in double. For the count x of a word in a
 * class, all classes' counts X of it, and A the mean length of a class, cut to a whole number:
 *
 *	idf = log(A / X + 1), with bm25 log(1 + (A - X + 0.5) / (X + 0.5)); times the
 *	      multiplier for a seed word
 *	c-TF-IDF = x / (length of the class) * idf, with reduce_frequent_words the square
 *	      root of the first factor
 *
 * With bm25 a word that occurs more than A times has an idf below 0; it is never NaN, since 1 + (A
 * - X + 0.5) / (X + 0.5) > 0.
 */
#pragma once
#include "lib/learn/vectorizer.h"

struct ctfidf_options {
	bool bm25, reduce_frequent_words;
	const struct terms *seed_words; /* lowercase; NULL: none */
	double seed_multiplier; /* 2 in BERTopic */
};

/* idf [n_terms] of the counts over a vocabulary. */
void ctfidf_fit(const struct ctfidf_options *, const struct counts *,
	const struct terms *vocabulary, double *idf);

/* The weights of one row of counts over its n terms. */
void ctfidf_weigh(bool reduce_frequent_words, const double *idf, const uint32_t *terms,
	const uint64_t *counts, size_t n, double *weights);

struct ctfidf_word {
	uint32_t term;
	double score;
};

/*
 * The k largest weights above 0, largest first, ties in order of terms; returns how many there are.
 * terms ascend.
 */
size_t ctfidf_top(
	const uint32_t *terms, const double *weights, size_t n, size_t k, struct ctfidf_word *top);
