/*
 * correlation.h: Pearson's and Spearman's correlation.
 */
#pragma once
#include <stddef.h>

/* As scipy.stats.pearsonr and spearmanr (1.17): NaN where one side is constant or n < 2; ties have
 * the mean of their ranks. */
double correlation_pearson(const double *x, const double *y, size_t n);
double correlation_spearman(const double *x, const double *y, size_t n);
