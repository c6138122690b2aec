/*
 * reduction.h: a fitted reduction, UMAP or PCA, as a file: safetensors with
 *	__metadata__	format "heddle-reduction", version "1", method "umap" or "pca", parameters
 *	pca		mean F64 [C], components F64 [K, C], variance F64 [K + 1], the last of all
 *	umap		rows F32 [N, W] as rows_init left them, embedding F32 [N, K]
 * The same fit gives the same bytes.
 */
#pragma once
#include "lib/base/error.h"
#include "lib/learn/pca.h"
#include "lib/learn/umap.h"

enum reduction_method { REDUCTION_UMAP, REDUCTION_PCA };

struct reduction {
	enum reduction_method method;
	struct pca pca;
	struct umap umap;
	struct arena *arena; /* what pca points to */
};

size_t reduction_features(const struct reduction *); /* C: columns of what it reduces */
size_t reduction_components(const struct reduction *); /* K: of what it gives */

/* Fit principal components to x [N, C], and x to out [N, K]; a failure as of reduction_apply. */
int reduction_fit_pca(struct reduction *, struct device *, const float *x, size_t n, size_t c,
	size_t n_components, float *out, struct error *);

/* x [N, C] to out [N, K]. -1 and the device's failure, or the error (65) where a value of PCA does
 * not fit into float32. */
int reduction_apply(
	struct reduction *, struct device *, const float *x, size_t n, float *out, struct error *);

int reduction_save(const struct reduction *, const char *path, struct error *);

/* Everything in the file is checked: 66 or 74 for a file that cannot be read, 78 for one that is
 * no saved reduction. */
int reduction_load(struct reduction *, const char *path, struct error *);

void reduction_free(struct reduction *);
