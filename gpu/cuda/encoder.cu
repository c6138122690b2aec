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
		cuda_norm_residual(lane, &a->norm, t, rows);
	}
	cuda_arena_reset(lane, mark);
}

CUDA_KERNEL(feed_forward)
{
	auto a = static_cast<const struct feed_forward_arguments *>(arguments);
	size_t rows = a->up.rows;
	(void)n;
	struct arena_mark mark = cuda_arena_mark(lane);
	float *wide = cuda_floats(lane, size_mul(rows, a->up.w->n));
	float *t = cuda_floats(lane, size_mul(rows, a->down->n));
	if (wide && t) {
		struct linear_arguments down = { NULL, wide, rows, 0, a->up.w->n, a->down,
			ACTIVATION_NONE };
		cuda_linear_rows(lane, &a->up, wide);
		cuda_linear_rows(lane, &down, t);
		cuda_norm_residual(lane, &a->norm, t, rows);
	}
	cuda_arena_reset(lane, mark);
}
