/*
 * examples.h: labelled vectors as they come, to fit classifiers by: each vector is kept once, in
 * blocks, so that a million of them take no more than themselves.
 */
#pragma once
#include "lib/learn/classifier.h"

struct examples {
	size_t n, c;
	float **blocks; /* of LOGISTIC_BLOCK rows */
	float *table;
	int32_t *label; /* [n] */
	size_t capacity;
	struct class_set set;
	struct classes labels; /* after examples_end */
	struct arena *arena;
};

/* table: rows that the examples may lie in, in place of blocks of their own, or NULL: example i is
 * written to row i, which must not be needed any more. Stays the caller's. */
struct examples *examples_new(float *table);
void examples_free(struct examples *);

/* A vector [c], c the same for all, and its label as JSON; -1 and the error (65) for a label of
 * another type. */
int examples_add(struct examples *, const float *x, size_t c, struct slice label, struct error *);

/* After the last: the labels are sorted and numbered. */
void examples_end(struct examples *);

/* What a label weighs. balanced: n / (M count), as scikit-learn. */
struct class_weights {
	bool balanced;
	const double *of; /* [labels.n], or NULL: 1 */
};

struct classifier_options {
	enum classifier_method method;
	struct logistic_options logistic;
	struct class_weights weights;
};

/*
 * Fit to the examples; those with fold[i] == without (fold NULL: none) are left out. The classifier
 * lives in the arena, its labels in the examples. An error (65) where a label has no example left,
 * and the device's failure.
 */
int examples_fit(const struct examples *, const struct classifier_options *, const int32_t *fold,
	int32_t without, struct device *, struct classifier *, struct arena *, struct error *);

/* fold [n] of each example: 0 .. k - 1, every label spread evenly in order, as scikit-learn's
 * StratifiedKFold(k) without shuffling. -1 and the error (65) where every label has fewer than k
 * examples. */
int examples_folds(const struct examples *, size_t k, int32_t *fold, struct error *);
