/* encoder.cu: the layers of an encoder that follow attention: products into room of the lane, then
 * the norm of their sums with the residual. */
#include "gpu/cuda/norm.h"
#include "gpu/cuda/product.h"

CUDA_KERNEL(linear_norm)
{
	auto a = static_cast<const struct linear_norm_arguments *>(arguments);
	size_t rows = a->linear.rows, columns = a->linear.w->n;
	(void)n;
	struct arena_mark mark = cuda_arena_mark(lane);
	float *t = cuda_floats(lane, size_mul(rows, columns));
	if (t) {
		cuda_linear_rows(lane, &a->linear, t);
		cuda_norm_residual(lane, &a->norm, t, NULL, rows);
	}
	cuda_arena_reset(lane, mark);
}

/* The wide rows stay of the weights' type. */
static void feed_forward_half(struct lane *lane, const struct feed_forward_arguments *a, float *t)
{
	size_t rows = a->up.rows, n = a->up.w->n;
	const uint16_t *x = cuda_half_input(lane, &a->up);
	uint16_t *wide = static_cast<uint16_t *>(
		cuda_arena_alloc(lane, size_mul(size_mul(rows, n + 8), sizeof(uint16_t))));
	struct half_product up = { x, a->up.w, NULL, wide, 0, rows, a->up.activation, 0 };
	struct half_product down = { wide, a->down, t, NULL, a->down->n, rows, ACTIVATION_NONE, 0 };
	if (!x || !wide)
		return;
	cuda_half_product(lane, &up);
	cuda_half_product(lane, &down);
}

static void feed_forward(struct lane *lane, const struct feed_forward_arguments *a, float *t)
{
	size_t rows = a->up.rows;
	float *wide = cuda_floats(lane, size_mul(rows, a->up.w->n));
	struct linear_arguments down = { NULL, wide, rows, 0, a->up.w->n, a->down, ACTIVATION_NONE,
		NULL, NULL };
	if (!wide)
		return;
	cuda_linear_rows(lane, &a->up, wide);
	cuda_linear_rows(lane, &down, t);
}

CUDA_KERNEL(feed_forward)
{
	auto a = static_cast<const struct feed_forward_arguments *>(arguments);
	(void)n;
	struct arena_mark mark = cuda_arena_mark(lane);
	float *t = cuda_floats(lane, size_mul(a->up.rows, a->down->n));
	if (t) {
		if (a->up.w->paired && a->down->paired && a->up.w->dtype == a->down->dtype)
			feed_forward_half(lane, a, t);
		else
			feed_forward(lane, a, t);
		cuda_norm_residual(lane, &a->norm, t, NULL, a->up.rows);
	}
	cuda_arena_reset(lane, mark);
}
