/*
 * logistic.cu: a pass of logistic regression over blocks of rows (gpu/ops_logistic.h), in double: a
 * thread a logit, then a thread a row for the softmax, then a thread an element of a block's gradient.
 * Blocks go in runs whose logits take about 64 MB.
 */
#include "gpu/cuda/cuda.h"

extern "C" {
#include "gpu/logistic.h"
}

enum { THREADS = 128 };
constexpr size_t MOST = (size_t)8 << 20; /* logits of a run */

/* What a run works in, on the card. */
struct run {
	double *w, *z, *loss,
		*gradient; /* z [rows, classes]; loss [rows]; gradient [blocks, outputs, C + 1] */
	double *block_loss;
	const int32_t *label;
	const double *weight;
};

static __global__ void __launch_bounds__(THREADS)
	logits_kernel(struct logistic_arguments a, struct run r)
{
	size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x, classes = a.outputs + a.reference;
	size_t row = i / a.outputs, k = i % a.outputs;
	if (row >= a.rows)
		return;
	const float *x = a.x + row * a.x_stride;
	const double *w = r.w + k * (a.columns + 1);
	double z = 0;
	for (size_t c = 0; c < a.columns; c++)
		z = fma(static_cast<double>(x[c]), w[c], z);
	r.z[row * classes + a.reference + k] = fma(1.0, w[a.columns], z);
	if (k == 0 && a.reference)
		r.z[row * classes] = 0;
}

/* Logits become probabilities, or residuals and the row's loss. */
static __global__ void __launch_bounds__(THREADS)
	rows_kernel(struct logistic_arguments a, struct run r)
{
	size_t row = (size_t)blockIdx.x * THREADS + threadIdx.x, classes = a.outputs + a.reference;
	if (row >= a.rows)
		return;
	double *z = r.z + row * classes, top = z[0], sum = 0;
	double own = r.label ? z[r.label[row]] : 0;
	for (size_t k = 1; k < classes; k++)
		top = z[k] > top ? z[k] : top;
	for (size_t k = 0; k < classes; k++) {
		z[k] = math_exp64(z[k] - top);
		sum += z[k];
	}
	if (!r.label) {
		for (size_t k = 0; k < classes; k++)
			z[k] = z[k] / sum;
		return;
	}
	double weight = r.weight[row];
	for (size_t k = 0; k < classes; k++)
		z[k] = weight * (z[k] / sum);
	z[r.label[row]] = weight * (math_exp64(own - top) / sum - 1);
	r.loss[row] = weight * (math_log64(sum) - (own - top));
}

/* blockIdx.y: the block of rows. */
static __global__ void __launch_bounds__(THREADS)
	gradient_kernel(struct logistic_arguments a, struct run r)
{
	size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x, classes = a.outputs + a.reference;
	size_t features = a.columns + 1, k = i / features, c = i % features, u = blockIdx.y;
	size_t first = u * LOGISTIC_ROWS, left = a.rows - first;
	size_t end = first + (left < LOGISTIC_ROWS ? left : (size_t)LOGISTIC_ROWS);
	if (i == 0) {
		double loss = 0;
		for (size_t row = first; row < end; row++)
			loss += r.loss[row];
		r.block_loss[u] = loss;
	}
	if (k >= a.outputs)
		return;
	const double *residual = r.z + a.reference + k;
	double g = 0;
	for (size_t row = first; row < end; row++) {
		double x = c < a.columns ? static_cast<double>(a.x[row * a.x_stride + c]) : 1;
		g = fma(residual[row * classes], x, g);
	}
	r.gradient[(u * a.outputs + k) * features + c] = g;
}

static void launch_rows(struct lane *lane, const struct logistic_arguments *a, const struct run *r)
{
	LAUNCH(logits_kernel, cuda_blocks(size_mul(a->rows, a->outputs), THREADS), THREADS, 0,
		lane, *a, *r);
	LAUNCH(rows_kernel, cuda_blocks(a->rows, THREADS), THREADS, 0, lane, *a, *r);
	LAUNCHED(lane, "logistic");
}

/* The rows of a: its p, or its losses and gradients. */
static void run(struct lane *lane, const struct logistic_arguments *a, double *w)
{
	size_t classes = a->outputs + a->reference, size = a->outputs * (a->columns + 1);
	size_t blocks = (a->rows + LOGISTIC_ROWS - 1) / LOGISTIC_ROWS;
	struct arena_mark mark = cuda_arena_mark(lane);
	struct run r = {};
	r.w = w;
	r.z = cuda_doubles(lane, size_mul(a->rows, classes));
	if (!a->p) {
		r.label = STAGE(lane, a->label, a->rows);
		r.weight = STAGE(lane, a->weight, a->rows);
		r.loss = cuda_doubles(lane, a->rows);
		r.block_loss = cuda_doubles(lane, blocks);
		r.gradient = cuda_doubles(lane, size_mul(blocks, size));
	}
	if (!cuda_failed(lane)) {
		launch_rows(lane, a, &r);
		if (a->p) {
			cuda_fetch(lane, a->p, r.z, a->rows * classes * sizeof(double));
		} else {
			LAUNCH(gradient_kernel, dim3(cuda_blocks(size, THREADS), (unsigned)blocks),
				THREADS, 0, lane, *a, r);
			LAUNCHED(lane, "logistic");
			cuda_fetch(lane, a->loss, r.block_loss, blocks * sizeof(double));
			cuda_fetch(lane, a->gradient, r.gradient, blocks * size * sizeof(double));
		}
	}
	cuda_arena_reset(lane, mark);
}

CUDA_KERNEL(logistic)
{
	struct logistic_arguments a = *static_cast<const struct logistic_arguments *>(arguments);
	size_t classes = a.outputs + a.reference, size = a.outputs * (a.columns + 1), rows = a.rows;
	size_t blocks = MOST / classes / LOGISTIC_ROWS;
	blocks = blocks < 1 ? 1 : blocks < UINT16_MAX ? blocks : (size_t)UINT16_MAX;
	(void)n;
	struct arena_mark mark = cuda_arena_mark(lane);
	double *w = static_cast<double *>(cuda_arena_alloc(lane, size_mul(size, sizeof(double))));
	if (w)
		cuda_send(lane, w, a.w, size * sizeof(double));
	for (size_t row = 0; row < rows && !cuda_failed(lane); row += blocks * LOGISTIC_ROWS) {
		a.rows = rows - row < blocks * LOGISTIC_ROWS ? rows - row : blocks * LOGISTIC_ROWS;
		run(lane, &a, w);
		a.x += a.rows * a.x_stride;
		a.p = a.p ? a.p + a.rows * classes : NULL;
		a.label = a.label ? a.label + a.rows : NULL;
		a.weight = a.weight ? a.weight + a.rows : NULL;
		a.loss = a.loss ? a.loss + blocks : NULL;
		a.gradient = a.gradient ? a.gradient + blocks * size : NULL;
	}
	cuda_arena_reset(lane, mark);
}
