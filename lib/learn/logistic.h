/*
 * logistic.h: logistic regression over vectors: the minimum of
 *	sum of weight[i] loss(i) + |W|² / (2 C)
 * over W [K, C] and biases [K], which are not penalised; loss is the cross-entropy of the softmax
 * of K > 2 classes, of two classes that of one logit, as scikit-learn's LogisticRegression has it.
 * Found by L-BFGS in double until the gradient is so small that no coefficient is further than
 * 1e-6 |W| from the minimum (the penalty makes the objective 1/C-strongly convex in W), and biases
 * are right to about as much of what the rows see of W.
 */
#pragma once
#include "gpu/ops_logistic.h"

/* The vectors, in blocks: no second copy of them is made. */
enum { LOGISTIC_BLOCK = 64 * LOGISTIC_ROWS };
struct logistic_data {
	const float *const *blocks; /* of LOGISTIC_BLOCK rows each but the last */
	size_t n, c; /* rows, columns */
	const int32_t *label; /* [n], 0 .. n_classes - 1 */
	const double *weight; /* [n]; 0 leaves a row out */
	size_t n_classes; /* at least 2 */
};

struct logistic_options {
	double c; /* inverse strength of the penalty */
	bool standardize; /* columns to mean 0, variance 1 first, as the penalty sees them */
	size_t max_iterations;
};

struct logistic {
	size_t n_classes, n_outputs, c; /* n_outputs: n_classes, but 1 for two classes */
	double *w; /* [n_outputs, c + 1]: coefficients of the vectors as they are, then the bias */
	size_t iterations;
	bool converged;
};

/* In the arena. */
void logistic_fit(struct logistic *, struct device *, const struct logistic_data *,
	const struct logistic_options *, struct arena *);

/* p [n, n_classes] of x [n, c]. */
void logistic_predict(
	const struct logistic *, struct device *, const float *x, size_t n, double *p);
