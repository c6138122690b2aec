/*
 * encoder.c: the layers of an encoder that follow attention, a block of 96 rows from end to end, so
 * that the widest activations (96 by 1536 floats, 590 kB) never leave the second-level cache.
 */
#include "gpu/cpu/norm.h"
#include "gpu/cpu/product.h"

static size_t block_rows(size_t rows, size_t block)
{
	size_t rest = rows - block * BLOCK_ROWS;
	return rest < BLOCK_ROWS ? rest : BLOCK_ROWS;
}

static size_t panels(const struct weight *w)
{
	return (w->n + PANEL - 1) / PANEL;
}

KERNEL(linear_norm)
{
	const struct linear_norm_arguments *a = arguments;
	const struct weight *w = a->linear.w;
	struct arena_mark mark = arena_mark(scratch);
	float *t = scratch_floats(scratch, size_mul(BLOCK_ROWS, w->n));
	for (size_t b = begin; b < end; b++) {
		size_t row = b * BLOCK_ROWS, rows = block_rows(a->linear.rows, b);
		LOCAL(linear_rows)(t, w->n, a->linear.x + row * a->linear.x_stride,
			a->linear.x_stride, rows, w, 0, panels(w), ACTIVATION_NONE, scratch);
		for (size_t i = 0; i < rows; i++)
			norm_residual(&a->norm, row + i, t + i * w->n);
	}
	arena_reset(scratch, mark);
}

KERNEL(feed_forward)
{
	const struct feed_forward_arguments *a = arguments;
	const struct weight *up = a->up.w, *down = a->down;
	struct arena_mark mark = arena_mark(scratch);
	float *wide = scratch_floats(scratch, size_mul(BLOCK_ROWS, up->n));
	float *t = scratch_floats(scratch, size_mul(BLOCK_ROWS, down->n));
	for (size_t b = begin; b < end; b++) {
		size_t row = b * BLOCK_ROWS, rows = block_rows(a->up.rows, b);
		LOCAL(linear_rows)(wide, up->n, a->up.x + row * a->up.x_stride, a->up.x_stride,
			rows, up, 0, panels(up), a->up.activation, scratch);
		LOCAL(linear_rows)(t, down->n, wide, up->n, rows, down, 0, panels(down),
			ACTIVATION_NONE, scratch);
		for (size_t i = 0; i < rows; i++)
			norm_residual(&a->norm, row + i, t + i * down->n);
	}
	arena_reset(scratch, mark);
}
