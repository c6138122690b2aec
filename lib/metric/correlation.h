/*
 * correlation.h: Pearson's and Spearman's correlation, and how alike two vectors are.
 */
#pragma once
#include <stddef.h>

/* As scipy.stats.pearsonr and spearmanr (1.17): NaN where one side is constant or n < 2; ties have
 * the mean of their ranks. */
double correlation_pearson(const double *x, const double *y, size_t n);
double correlation_spearman(const double *x, const double *y, size_t n);

enum similarity {
	SIMILARITY_COSINE, /* 0 where a vector is all zeros */
	SIMILARITY_DOT,
	SIMILARITY_EUCLIDEAN, /* distances count negative, so that more is more alike */
	SIMILARITY_MANHATTAN,
	SIMILARITIES,
};
extern const char *const similarity_names[SIMILARITIES];

/* All of them, in double. */
void similarity_all(const float *a, const float *b, size_t n, double out[SIMILARITIES]);
