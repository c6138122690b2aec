/*
 * ops_logistic.h: passes of (multinomial) logistic regression over vectors, in double: a linear
 * map, softmax, the loss and its gradient. What is fitted is small and lies in host memory, the
 * vectors lie on the device. Every sum is a chain in the order given, "fma" is rounded once; exp
 * and log are math_exp64 and math_log64.
 */
#pragma once
#include "gpu/tensor.h"

enum { LOGISTIC_ROWS = 1024 }; /* rows whose gradients are summed before they are added */

/*
 * x F32 [N, C]; w [K, C + 1] in host memory, the last element of a row is its bias; a vector has a
 * C-th element 1 for it. Logits of row i: z[k] = the chain of fma(x[i, c], w[k, c], z) over c from
 * +0. With `reference` there is one class more, before the others, of logit 0 (K = 1 so is binary
 * logistic regression). M classes:
 *	m = max z; e[k] = exp(z[k] - m); s = the chain of e over the classes from +0; p = e / s
 */
struct logistic_pass {
	struct tensor x;
	const double *w;
	size_t n_outputs;	/* K */
	bool reference;		/* M = K + 1, else M = K */
};

/* p [N, M] in host memory. Waits for the device. */
void op_logistic_predict(struct device *, const struct logistic_pass *, double *p);

/*
 * With y = label[i] < M, weight[i]: residual r[k] = weight (p[k] - 1) where k is y, else weight
 * p[k], of the K classes that have outputs; loss = weight (log(s) - (z[y] - m)). For each
 * LOGISTIC_ROWS rows, the chain of losses l from +0, and g[k, c] = the chain of
 * fma(r[i, k], x[i, c], g) over the rows from +0. Then *loss += l and gradient [K, C + 1] += g, in
 * order of those blocks. label, weight [N], loss and gradient are host memory. Waits for the
 * device.
 */
void op_logistic_gradient(struct device *, const struct logistic_pass *, const int32_t *label,
	const double *weight, double *loss, double *gradient);
