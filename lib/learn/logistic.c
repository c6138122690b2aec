#include "lib/learn/logistic.h"

#include <math.h>

#include "lib/base/error.h"
#include "lib/base/memory.h"
#include "lib/learn/lbfgs.h"

static const double tolerance = 1e-6;

/* The objective sees v [K, C + 1], coefficients of (x - mean) / deviation. */
struct objective {
	struct device *device;
	const struct logistic_data *data;
	struct tensor *blocks;
	size_t n_blocks, n_outputs;
	double penalty, *mean, *deviation; /* [C], or NULL */
	double steepest; /* gradient that a coefficient of 1 may have left */
	double *w;
};

/* w of the vectors as they are from v of the standardised ones. */
static void unscale(const struct objective *o, const double *v, double *w)
{
	size_t c = o->data->c;
	for (size_t k = 0; k < o->n_outputs; k++, v += c + 1, w += c + 1) {
		w[c] = v[c];
		for (size_t j = 0; j < c; j++) {
			w[j] = o->mean ? v[j] / o->deviation[j] : v[j];
			w[c] -= o->mean ? w[j] * o->mean[j] : 0;
		}
	}
}

/* The gradient by v, in place of that by w, and that of the penalty; its value. */
static double penalise(const struct objective *o, const double *v, double *gradient)
{
	size_t c = o->data->c;
	double squares = 0;
	for (size_t k = 0; k < o->n_outputs; k++, v += c + 1, gradient += c + 1)
		for (size_t j = 0; j < c; j++) {
			if (o->mean)
				gradient[j] =
					(gradient[j] - gradient[c] * o->mean[j]) / o->deviation[j];
			gradient[j] += o->penalty * v[j];
			squares += v[j] * v[j];
		}
	return 0.5 * o->penalty * squares;
}

static double evaluate(void *context, const double *v, double *gradient)
{
	struct objective *o = context;
	const struct logistic_data *data = o->data;
	double loss = 0;
	memset(gradient, 0, o->n_outputs * (data->c + 1) * sizeof *gradient);
	unscale(o, v, o->w);
	for (size_t b = 0; b < o->n_blocks; b++) {
		struct logistic_pass pass = { o->blocks[b], o->w, o->n_outputs,
			data->n_classes == 2 };
		op_logistic_gradient(o->device, &pass, data->label + b * LOGISTIC_BLOCK,
			data->weight + b * LOGISTIC_BLOCK, &loss, gradient);
	}
	return loss + penalise(o, v, gradient);
}

/* Rows that take part: mean and deviation (over n, as scikit-learn's StandardScaler; 1 for a
 * column that does not vary), each row once whatever its weight. */
static void standardise(struct objective *o, struct arena *arena)
{
	const struct logistic_data *data = o->data;
	size_t c = data->c, n = 0;
	double *mean = arena_zero(arena, c, sizeof *mean);
	double *deviation = arena_zero(arena, c, sizeof *deviation);
	for (int pass = 0; pass < 2; pass++) {
		n = 0;
		for (size_t i = 0; i < data->n; i++) {
			const float *x = data->blocks[i / LOGISTIC_BLOCK] + i % LOGISTIC_BLOCK * c;
			if (data->weight[i] == 0)
				continue;
			n++;
			for (size_t j = 0; j < c; j++) {
				double d = (double)x[j] - mean[j];
				deviation[j] += pass ? d * d : d;
			}
		}
		for (size_t j = 0; j < c && !pass; j++) {
			mean[j] = deviation[j] / (double)n;
			deviation[j] = 0;
		}
	}
	for (size_t j = 0; j < c; j++) {
		double variance = deviation[j] / (double)n, size = fabs(mean[j]);
		/* what rounding leaves of a constant column is no variance */
		bool constant = variance <= (double)n * size * size * 0x1p-104 + 0x1p-1000;
		deviation[j] = constant ? 1 : sqrt(variance);
	}
	o->mean = mean;
	o->deviation = deviation;
}

/*
 * |gradient| <= tolerance |W| / C keeps W near enough, since the objective is that convex in it.
 * Biases are held by no penalty: theirs is to be as small beside what rows do to it, the sum of
 * their weights times what they see of W, which decides where the penalty is strong or rows short.
 */
static double steepest(const struct objective *o)
{
	const struct logistic_data *data = o->data;
	double weights = 0, squares = 0;
	for (size_t i = 0; i < data->n; i++) {
		const float *x = data->blocks[i / LOGISTIC_BLOCK] + i % LOGISTIC_BLOCK * data->c;
		double sum = 0;
		for (size_t j = 0; j < data->c && data->weight[i] > 0; j++) {
			double z = (double)x[j];
			z = o->mean ? (z - o->mean[j]) / o->deviation[j] : z;
			sum += z * z;
		}
		weights += data->weight[i];
		squares += data->weight[i] * sum;
	}
	double seen = sqrt(weights * squares);
	return tolerance * (seen < o->penalty ? seen : o->penalty);
}

static bool converged(void *context, const double *v, const double *gradient, size_t n)
{
	const struct objective *o = context;
	size_t row = o->data->c + 1;
	double squares = 0, left = 0;
	for (size_t i = 0; i < n; i++) {
		left += gradient[i] * gradient[i];
		squares += i % row < row - 1 ? v[i] * v[i] : 0;
	}
	return sqrt(left) <= o->steepest * sqrt(squares);
}

void logistic_fit(struct logistic *m, struct device *device, const struct logistic_data *data,
	const struct logistic_options *options, struct arena *arena)
{
	CHECK(data->n > 0 && data->n_classes >= 2 && options->c > 0);
	size_t outputs = data->n_classes == 2 ? 1 : data->n_classes;
	size_t size = size_mul(outputs, data->c + 1);
	struct arena *own = arena_new();
	struct objective o = { .device = device,
		.data = data,
		.n_blocks = (data->n - 1) / LOGISTIC_BLOCK + 1,
		.n_outputs = outputs,
		.penalty = 1 / options->c,
		.w = ARENA_ARRAY(own, double, size) };
	o.blocks = ARENA_ARRAY(own, struct tensor, o.n_blocks);
	for (size_t b = 0; b < o.n_blocks; b++) {
		size_t left = data->n - b * LOGISTIC_BLOCK;
		o.blocks[b] = tensor_upload(device, F32,
			left < LOGISTIC_BLOCK ? left : LOGISTIC_BLOCK, data->c, data->blocks[b]);
	}
	if (options->standardize)
		standardise(&o, own);
	double *v = arena_zero(own, size, sizeof *v);
	o.steepest = steepest(&o);
	struct lbfgs_options search = { converged, options->max_iterations };
	struct lbfgs_result r = lbfgs(evaluate, &o, v, size, &search);
	*m = (struct logistic){ .n_classes = data->n_classes,
		.n_outputs = outputs,
		.c = data->c,
		.w = ARENA_ARRAY(arena, double, size),
		.iterations = r.iterations,
		.converged = r.converged };
	unscale(&o, v, m->w);
	for (size_t b = 0; b < o.n_blocks; b++)
		tensor_release(device, &o.blocks[b]);
	arena_free(own);
}

void logistic_predict(
	const struct logistic *m, struct device *device, const float *x, size_t n, double *p)
{
	struct tensor t = tensor_upload(device, F32, n, m->c, x);
	struct logistic_pass pass = { t, m->w, m->n_outputs, m->n_classes == 2 };
	op_logistic_predict(device, &pass, p);
	tensor_release(device, &t);
}
