/* ops_logistic.c: see ops_logistic.h. */
#include "gpu/ops_logistic.h"

#include "gpu/kernels.h"
#include "gpu/logistic.h"

/* Gradients of blocks that wait to be added: the memory of a pass. No result depends on it. */
enum { WAITING = 4 << 20, LEAST = 4 };

static struct logistic_arguments arguments(const struct logistic_pass *pass)
{
	struct tensor x = pass->x;
	CHECK(x.n_dims == 2 && x.dtype == F32 && pass->n_outputs > 0);
	return (struct logistic_arguments){ .x = x.data,
		.x_stride = x.stride[0],
		.rows = x.shape[0],
		.columns = x.shape[1],
		.outputs = pass->n_outputs,
		.reference = pass->reference,
		.w = pass->w };
}

static size_t units(size_t rows)
{
	return device_units(rows, LOGISTIC_ROWS);
}

void op_logistic_predict(struct device *d, const struct logistic_pass *pass, double *p)
{
	struct logistic_arguments a = arguments(pass);
	a.p = p;
	device_run(d, KERNEL_logistic, &a, units(a.rows), 1);
}

void op_logistic_gradient(struct device *d, const struct logistic_pass *pass, const int32_t *label,
	const double *weight, double *loss, double *gradient)
{
	struct logistic_arguments a = arguments(pass);
	size_t rows = a.rows, classes = a.outputs + pass->reference;
	size_t size = size_mul(a.outputs, a.columns + 1), wave = WAITING / size;
	wave = wave < LEAST ? LEAST : wave < units(rows) ? wave : units(rows);
	for (size_t i = 0; i < rows; i++)
		CHECK(label[i] >= 0 && (size_t)label[i] < classes);
	a.loss = mem_zero(wave, sizeof *a.loss); /* stays so where the device fails */
	a.gradient = mem_zero(size_mul(wave, size), sizeof *a.gradient);
	for (size_t row = 0; row < rows; row += wave * LOGISTIC_ROWS) {
		size_t left = rows - row, n = units(left) < wave ? units(left) : wave;
		a.x = (const float *)pass->x.data + row * a.x_stride;
		a.rows = left < n * LOGISTIC_ROWS ? left : n * LOGISTIC_ROWS;
		a.label = label + row;
		a.weight = weight + row;
		device_run(d, KERNEL_logistic, &a, n, 1);
		for (size_t u = 0; u < n; u++) {
			*loss += a.loss[u];
			for (size_t i = 0; i < size; i++)
				gradient[i] += a.gradient[u * size + i];
		}
	}
	mem_free(a.loss);
	mem_free(a.gradient);
}
