#include "lib/learn/logistic.h"

#include <math.h>

#include "gpu/ops_moments.h"
#include "lib/base/error.h"
#include "lib/base/memory.h"
#include "lib/learn/cholesky.h"
#include "lib/learn/dot.h"
#include "lib/learn/lbfgs.h"

static const double tolerance = 1e-6;

/*
 * Three coordinates of the same coefficients [K, C + 1]: w of the vectors as they are, v of (x -
 * mean) / deviation, which the penalty sees, and u = L' v, which the search sees: L L' is about the
 * curvature of the objective for each class, so that it is about as steep in all directions.
 */
struct objective {
	struct device *device;
	const struct logistic_data *data;
	struct tensor *blocks;
	size_t n_blocks, n_outputs;
	double penalty, *mean, *deviation; /* [C], or NULL */
	struct cholesky curvature; /* L [C + 1, C + 1]; l NULL: the identity */
	double steepest; /* gradient that a coefficient of 1 may have left */
	double *v, *w, *gradient; /* where the search was last, and the gradient by v */
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

typedef void solver(const struct cholesky *, double *x, size_t k);

/* The rows of x [K, C + 1] through L^-1 or L'^-1, as many at once as the first-level cache holds. */
static void transform(const struct objective *o, double *x, solver *solve)
{
	enum { GROUP = 8 };
	size_t n = o->n_outputs, groups = o->curvature.l ? (n + GROUP - 1) / GROUP : 0;
#pragma omp parallel for schedule(static) if (groups > 1)
	for (size_t g = 0; g < groups; g++)
		solve(&o->curvature, x + g * GROUP * o->curvature.n,
			n - g * GROUP < GROUP ? n - g * GROUP : GROUP);
}

static double evaluate(void *context, const double *u, double *gradient)
{
	struct objective *o = context;
	const struct logistic_data *data = o->data;
	size_t size = o->n_outputs * (data->c + 1);
	double loss = 0;
	memcpy(o->v, u, size * sizeof *u);
	transform(o, o->v, cholesky_backward);
	unscale(o, o->v, o->w);
	memset(gradient, 0, size * sizeof *gradient);
	for (size_t b = 0; b < o->n_blocks; b++) {
		struct logistic_pass pass = { o->blocks[b], o->w, o->n_outputs,
			data->n_classes == 2 };
		op_logistic_gradient(o->device, &pass, data->label + b * LOGISTIC_BLOCK,
			data->weight + b * LOGISTIC_BLOCK, &loss, gradient);
	}
	loss += penalise(o, o->v, gradient);
	memcpy(o->gradient, gradient, size * sizeof *gradient);
	transform(o, gradient, cholesky_forward);
	return loss;
}

/* out [C] = the sum over all rows of a moment. */
static void sum_rows(const struct objective *o, struct moment m, const double *weight, double *out)
{
	memset(out, 0, o->data->c * sizeof *out);
	for (size_t b = 0; b < o->n_blocks; b++) {
		m.x = o->blocks[b];
		m.weight = weight + b * LOGISTIC_BLOCK;
		op_moment(o->device, &m, out);
	}
}

/* Rows that take part: mean and deviation (over n, as scikit-learn's StandardScaler; 1 for a
 * column that does not vary), each row once whatever its weight. */
static void standardise(struct objective *o, struct arena *arena)
{
	const struct logistic_data *data = o->data;
	size_t c = data->c, n = 0;
	double *mean = ARENA_ARRAY(arena, double, c), *deviation = ARENA_ARRAY(arena, double, c);
	double *counts = MEM_ARRAY(double, data->n);
	for (size_t i = 0; i < data->n; i++) {
		counts[i] = data->weight[i] != 0;
		n += data->weight[i] != 0;
	}
	sum_rows(o, (struct moment){ .unit = false }, counts, mean);
	for (size_t j = 0; j < c; j++)
		mean[j] /= (double)n;
	sum_rows(o, (struct moment){ .square = true, .center = mean }, counts, deviation);
	for (size_t j = 0; j < c; j++) {
		double variance = deviation[j] / (double)n, size = fabs(mean[j]);
		/* what rounding leaves of a constant column is no variance */
		bool constant = variance <= (double)n * size * size * 0x1p-104 + 0x1p-1000;
		deviation[j] = constant ? 1 : sqrt(variance);
	}
	mem_free(counts);
	o->mean = mean;
	o->deviation = deviation;
}

/* --- Curvature ------------------------------------------------------------------------------ */

/* to [C + 1] = weight (z, 1), z row i as the penalty sees it. */
static void scaled(const struct objective *o, size_t i, double weight, double *to)
{
	size_t c = o->data->c;
	const float *x = o->data->blocks[i / LOGISTIC_BLOCK] + i % LOGISTIC_BLOCK * c;
	for (size_t j = 0; j < c; j++) {
		double z = (double)x[j];
		to[j] = weight * (o->mean ? (z - o->mean[j]) / o->deviation[j] : z);
	}
	to[c] = weight;
}

/*
 * Every step-th row that takes part, times the root of its weight and of what makes up for the
 * others, [rows, C + 1].
 */
static double *sample(const struct objective *o, size_t step, size_t *rows, struct arena *arena)
{
	const struct logistic_data *data = o->data;
	size_t width = data->c + 1;
	double *z = ARENA_ARRAY(arena, double, size_mul(data->n / step + 1, width));
	double all = 0, taken = 0;
	size_t n = 0, seen = 0;
	for (size_t i = 0; i < data->n; i++) {
		if (data->weight[i] <= 0)
			continue;
		all += data->weight[i];
		if (seen++ % step)
			continue;
		taken += data->weight[i];
		scaled(o, i, sqrt(data->weight[i]), z + n++ * width);
	}
	double makes_up = sqrt(all / taken);
	for (size_t i = 0; i < n * width; i++)
		z[i] *= makes_up;
	*rows = n;
	return z;
}

/*
 * share sum of weight z z' + penalty, from about 4 rows a column: the share p (1 - p) is 1/4 of two
 * classes to begin with; of K that know each other apart it is far below 1 / K, and a tenth of that
 * took the fewest steps. Where it would cost more than some hundred steps, or is singular, the
 * search goes without.
 */
static void find_curvature(struct objective *o, struct arena *arena)
{
	const struct logistic_data *data = o->data;
	size_t n = data->c + 1, rows;
	size_t step = data->n / (4 * n) + !(data->n / (4 * n));
	double cost = (double)(data->n / step) * (double)n + (double)n * (double)n / 3;
	if (cost > 200.0 * (double)data->n * (double)o->n_outputs)
		return;
	double *z = sample(o, step, &rows, arena);
	double *gram = arena_zero(arena, size_mul(n, n), sizeof *gram);
	double share = data->n_classes == 2 ? 0.25 : 0.1 / (double)data->n_classes;
	struct tensor t = tensor_upload(o->device, F64, rows, n, z);
	op_gram(o->device, t, NULL, gram);
	tensor_release(o->device, &t);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j <= i; j++)
			gram[i * n + j] *= share;
		gram[i * n + i] += i < data->c ? o->penalty : 0;
	}
	struct cholesky l = { n, n, gram };
	if (cholesky(&l))
		o->curvature = l;
}

/*
 * |gradient| <= tolerance |W| / C keeps W near enough, since the objective is that convex in it.
 * Biases are held by no penalty: theirs is to be as small beside what rows do to it, the sum of
 * their weights times what they see of W, which decides where the penalty is strong or rows short.
 */
static double steepest(const struct objective *o, struct arena *arena)
{
	const struct logistic_data *data = o->data;
	double weights = 0, squares = 0, *square = ARENA_ARRAY(arena, double, data->c);
	for (size_t i = 0; i < data->n; i++)
		weights += data->weight[i];
	sum_rows(o, (struct moment){ .square = true, .center = o->mean }, data->weight, square);
	for (size_t j = 0; j < data->c; j++)
		squares += o->mean ? square[j] / o->deviation[j] / o->deviation[j] : square[j];
	double seen = sqrt(weights * squares);
	return tolerance * (seen < o->penalty ? seen : o->penalty);
}

static bool converged(void *context)
{
	const struct objective *o = context;
	size_t c = o->data->c, size = o->n_outputs * (c + 1);
	double squares = 0;
	for (const double *v = o->v; v < o->v + size; v += c + 1)
		squares += dot(v, v, c);
	return sqrt(dot(o->gradient, o->gradient, size)) <= o->steepest * sqrt(squares);
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
		.v = ARENA_ARRAY(own, double, size),
		.w = ARENA_ARRAY(own, double, size),
		.gradient = ARENA_ARRAY(own, double, size) };
	o.blocks = ARENA_ARRAY(own, struct tensor, o.n_blocks);
	for (size_t b = 0; b < o.n_blocks; b++) {
		size_t left = data->n - b * LOGISTIC_BLOCK;
		o.blocks[b] = tensor_upload(device, F32,
			left < LOGISTIC_BLOCK ? left : LOGISTIC_BLOCK, data->c, data->blocks[b]);
	}
	if (options->standardize)
		standardise(&o, own);
	double *u = arena_zero(own, size, sizeof *u);
	find_curvature(&o, own);
	o.steepest = steepest(&o, own);
	struct lbfgs_options search = { converged, options->max_iterations };
	struct lbfgs_result r = lbfgs(evaluate, &o, u, size, &search);
	*m = (struct logistic){ .n_classes = data->n_classes,
		.n_outputs = outputs,
		.c = data->c,
		.w = ARENA_ARRAY(arena, double, size),
		.iterations = r.iterations,
		.converged = r.converged };
	transform(&o, u, cholesky_backward);
	unscale(&o, u, m->w);
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
