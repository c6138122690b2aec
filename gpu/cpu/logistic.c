/*
 * logistic.c: a pass of logistic regression over blocks of rows (ops_logistic.h). Rows are widened
 * to double 64 at a time, with a 1 for the bias behind them: 200 kB at 384 columns stay in the
 * second-level cache through both products, logits = x w' and gradient += residual' x.
 */
#include "gpu/cpu/vector64.h"
#include "gpu/logistic.h"
#include "lib/base/math64.h"

enum { STRIP = 64 };

/* What a unit works in; classes stand behind a first column of zeros where there is a reference. */
struct work {
	size_t features, wide, tall; /* columns + 1; that and the outputs in whole vectors */
	double *w; /* [features, tall] */
	double *x; /* [STRIP, wide] */
	double *z; /* [STRIP, tall + 1]: logits, then probabilities, then residuals */
	double *gradient; /* [outputs, wide] */
};

static size_t whole(size_t n)
{
	return (n + WIDTH64 - 1) / WIDTH64 * WIDTH64;
}

static double *scratch_doubles(struct arena *scratch, size_t n)
{
	return ARENA_ARRAY(scratch, double, n);
}

static struct work work_new(const struct logistic_arguments *a, struct arena *scratch)
{
	size_t features = a->columns + 1;
	struct work k = { .features = features, .wide = whole(features), .tall = whole(a->outputs) };
	k.w = scratch_doubles(scratch, size_mul(features, k.tall));
	k.x = scratch_doubles(scratch, size_mul(STRIP, k.wide));
	k.z = scratch_doubles(scratch, size_mul(STRIP, k.tall + 1));
	k.gradient = a->p ? NULL : scratch_doubles(scratch, size_mul(a->outputs, k.wide));
	for (size_t c = 0; c < features; c++)
		for (size_t o = 0; o < k.tall; o++)
			k.w[c * k.tall + o] = o < a->outputs ? a->w[o * features + c] : 0;
	return k;
}

static void widen(const struct logistic_arguments *a, const struct work *k, size_t row, size_t rows)
{
	for (size_t i = 0; i < rows; i++) {
		const float *x = a->x + (row + i) * a->x_stride;
		double *to = k->x + i * k->wide;
		for (size_t c = 0; c < a->columns; c++)
			to[c] = (double)x[c];
		to[a->columns] = 1;
		for (size_t c = k->features; c < k->wide; c++)
			to[c] = 0;
	}
}

/* Logits z [classes] become exp(z - m); their sum, and m. */
static double softmax(double *z, size_t classes, double *m)
{
	double top = z[0], sum = 0;
	for (size_t k = 1; k < classes; k++)
		top = z[k] > top ? z[k] : top;
	for (size_t k = 0; k < classes; k++)
		z[k] = math_exp64(z[k] - top);
	for (size_t k = 0; k < classes; k++)
		sum += z[k];
	*m = top;
	return sum;
}

/* Logits become residuals; the loss. */
static double residual(double *z, size_t classes, size_t label, double weight)
{
	double own = z[label], m, sum = softmax(z, classes, &m);
	for (size_t k = 0; k < classes; k++)
		z[k] = weight * (z[k] / sum);
	z[label] = weight * (math_exp64(own - m) / sum - 1);
	return weight * (math_log64(sum) - (own - m));
}

/* The rows of a strip: probabilities out, or residuals and the loss. */
static double strip(const struct logistic_arguments *a, const struct work *k, size_t row, size_t n,
	double loss)
{
	size_t stride = k->tall + 1, classes = a->outputs + a->reference;
	widen(a, k, row, n);
	memset(k->z, 0, n * stride * sizeof *k->z);
	product64(n, k->features, (struct left64){ k->x, k->wide, 1 }, k->w, k->tall, k->tall,
		k->z + 1, stride);
	for (size_t i = 0; i < n; i++) {
		double *z = k->z + i * stride + !a->reference;
		if (!a->p) {
			loss += residual(
				z, classes, (size_t)a->label[row + i], a->weight[row + i]);
			continue;
		}
		double m, sum = softmax(z, classes, &m), *p = a->p + (row + i) * classes;
		for (size_t c = 0; c < classes; c++)
			p[c] = z[c] / sum;
	}
	return loss;
}

KERNEL(logistic)
{
	const struct logistic_arguments *a = arguments;
	struct arena_mark mark = arena_mark(scratch);
	struct work k = work_new(a, scratch);
	for (size_t u = begin; u < end; u++) {
		size_t first = u * LOGISTIC_ROWS, rows = a->rows - first;
		rows = rows < LOGISTIC_ROWS ? rows : LOGISTIC_ROWS;
		double loss = 0;
		if (!a->p)
			memset(k.gradient, 0, a->outputs * k.wide * sizeof *k.gradient);
		for (size_t i = 0; i < rows; i += STRIP) {
			size_t n = rows - i < STRIP ? rows - i : STRIP;
			loss = strip(a, &k, first + i, n, loss);
			if (!a->p)
				product64(a->outputs, n, (struct left64){ k.z + 1, 1, k.tall + 1 },
					k.x, k.wide, k.wide, k.gradient, k.wide);
		}
		if (a->p)
			continue;
		a->loss[u] = loss;
		for (size_t o = 0; o < a->outputs; o++)
			memcpy(a->gradient + (u * a->outputs + o) * k.features,
				k.gradient + o * k.wide, k.features * sizeof(double));
	}
	arena_reset(scratch, mark);
}
