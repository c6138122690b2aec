/* encoder.cu: the layers of an encoder that follow attention: products into room of the lane, then
 * the norm of their sums with the residual. */
#include "gpu/cuda/norm.h"
#include "gpu/cuda/product.h"

/* A product's rows on their way to a norm: bfloat16, which has float32's range, where the weight is
 * and the norm takes them. */
struct branch {
	float *floats;
	uint16_t *halves;
};

static struct branch branch_new(
	struct lane *lane, const struct weight *w, const struct norm_arguments *norm, size_t rows)
{
	size_t n = size_mul(rows, w->n);
	if (w->dtype != BF16 || !w->paired || !cuda_norm_takes_halves(norm))
		return { cuda_floats(lane, n), NULL };
	return { NULL,
		static_cast<uint16_t *>(cuda_arena_alloc(lane, size_mul(n, sizeof(uint16_t)))) };
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

/* What w makes of rows of halves; nothing after a failure. */
static void product(struct lane *lane, const uint16_t *x, const struct weight *w, struct branch to,
	size_t rows, enum activation activation)
{
	struct half_product p = { x, w, to.floats, to.halves, w->n, rows, activation, 0 };
	if (x && (to.floats || to.halves))
		cuda_half_product(lane, &p);
}

CUDA_KERNEL(linear_norm)
{
	auto a = static_cast<const struct linear_norm_arguments *>(arguments);
	const struct linear_arguments *linear = &a->linear;
	(void)n;
	struct arena_mark mark = cuda_arena_mark(lane);
	struct branch t = branch_new(lane, linear->w, &a->norm, linear->rows);
	if (t.halves)
		product(lane, cuda_half_input(lane, linear), linear->w, t, linear->rows,
			linear->activation);
	else if (t.floats)
		cuda_linear_rows(lane, linear, t.floats);
	branch_norm(lane, t, &a->norm, linear->rows);
	cuda_arena_reset(lane, mark);
}

/* The wide rows stay of the weights' type. */
static void feed_forward_half(
	struct lane *lane, const struct feed_forward_arguments *a, struct branch t)
{
	size_t rows = a->up.rows, n = eights_of(a->up.w->n) * 8;
	struct branch wide = { NULL, static_cast<uint16_t *>(cuda_arena_alloc(lane,
					     size_mul(size_mul(rows, n), sizeof(uint16_t)))) };
	product(lane, cuda_half_input(lane, &a->up), a->up.w, wide, rows, a->up.activation);
	product(lane, wide.halves, a->down, t, rows, ACTIVATION_NONE);
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
	bool halves = a->up.w->paired && a->down->paired && a->up.w->dtype == a->down->dtype;
	(void)n;
	struct arena_mark mark = cuda_arena_mark(lane);
	struct branch t =
		halves ? branch_new(lane, a->down, &a->norm, a->up.rows)
		       : branch{ cuda_floats(lane, size_mul(a->up.rows, a->down->n)), NULL };
	if (halves)
		feed_forward_half(lane, a, t);
	else if (t.floats)
		feed_forward(lane, a, t.floats);
	branch_norm(lane, t, &a->norm, a->up.rows);
	cuda_arena_reset(lane, mark);
}
