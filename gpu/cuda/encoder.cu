/* encoder.cu: the layers of an encoder that follow attention: products into room of the lane, then
 * the norm of their sums with the residual. */
#include "gpu/cuda/norm.h"
#include "gpu/cuda/product.h"

/* A product's rows on their way to a norm or to the next product. */
struct branch {
	float *floats;
	uint16_t *halves;
};

static struct branch branch_new(struct lane *lane, size_t rows, size_t columns, bool halves)
{
	if (!halves)
		return { cuda_floats(lane, size_mul(rows, columns)), NULL };
	size_t elements = size_mul(rows, eights_of(columns) * 8);
	return { NULL, static_cast<uint16_t *>(
			       cuda_arena_alloc(lane, size_mul(elements, sizeof(uint16_t)))) };
}

/* To a norm they are bfloat16, which has float32's range, where the weight is and the norm takes
 * them. */
static bool norm_reads_halves(const struct weight *w, const struct norm_arguments *norm)
{
	return w->dtype == BF16 && w->paired && cuda_norm_takes_halves(norm);
}

static void branch_product(struct lane *lane, struct linear_arguments linear, struct branch to)
{
	linear.y_half = to.halves;
	if (to.floats || to.halves)
		cuda_linear_rows(lane, &linear, to.floats);
}

static void branch_norm(
	struct lane *lane, struct branch t, const struct norm_arguments *norm, size_t rows)
{
	struct norm_arguments a = *norm;
	if (t.halves)
		cuda_norm_residual_half(lane, norm, t.halves, rows);
	if (!t.floats)
		return;
	if (a.x_half) {
		a.x = cuda_half_floats(lane, BF16, a.x_half, a.columns, rows, a.columns);
		a.x_stride = a.columns;
	}
	if (!a.y) {
		a.y = cuda_floats(lane, size_mul(rows, a.columns));
		a.y_stride = a.columns;
	}
	if (a.x && a.y)
		cuda_norm_residual(lane, &a, t.floats, rows);
}

CUDA_KERNEL(linear_norm)
{
	auto a = static_cast<const struct linear_norm_arguments *>(arguments);
	const struct weight *w = a->linear.w;
	size_t rows = a->linear.rows;
	(void)n;
	struct arena_mark mark = cuda_arena_mark(lane);
	struct branch t = branch_new(lane, rows, w->n, norm_reads_halves(w, &a->norm));
	branch_product(lane, a->linear, t);
	branch_norm(lane, t, &a->norm, rows);
	cuda_arena_reset(lane, mark);
}

/* The wide rows stay of the weights' type. */
CUDA_KERNEL(feed_forward)
{
	auto a = static_cast<const struct feed_forward_arguments *>(arguments);
	const struct weight *up = a->up.w, *down = a->down;
	bool paired = up->paired && down->paired && up->dtype == down->dtype;
	size_t rows = a->up.rows;
	(void)n;
	struct arena_mark mark = cuda_arena_mark(lane);
	struct branch wide = branch_new(lane, rows, up->n, paired);
	struct branch t = branch_new(lane, rows, down->n, norm_reads_halves(down, &a->norm));
	struct linear_arguments linear = { NULL, wide.floats, rows, 0, up->n, down, ACTIVATION_NONE,
		wide.halves, NULL };
	branch_product(lane, a->up, wide);
	if (wide.floats || wide.halves)
		branch_product(lane, linear, t);
	branch_norm(lane, t, &a->norm, rows);
	cuda_arena_reset(lane, mark);
}
