/* ops_neighbors.c: the neighbour searches' operations; see ops_neighbors.h. */
#include "gpu/ops_neighbors.h"

#include "gpu/neighbors.h"

/* Rows of a block: its distances to BLOCK_ROWS rows (180 kB) and a panel stay in the cache. */
enum { BLOCK_COLUMNS = 480 };

static void check(struct tensor values, struct tensor indices, size_t rows)
{
	CHECK(values.n_dims == 2 && values.dtype == F32 && values.shape[0] == rows &&
		values.shape[1] >= 1);
	CHECK(indices.n_dims == 2 && indices.dtype == I32 && indices.shape[0] == rows &&
		indices.shape[1] == values.shape[1]);
	CHECK(values.stride[0] == values.shape[1] && indices.stride[0] == values.shape[1] &&
		rows <= INT32_MAX);
}

static struct nearest_arguments arguments(struct device *d, struct tensor values,
	struct tensor indices, struct tensor q, const struct weight *w, struct tensor ww,
	enum nearest nearest)
{
	check(values, indices, q.shape[0]);
	CHECK(w->table == d->table && w->dtype == F32 && q.n_dims == 2 && q.shape[1] == w->k &&
		ww.shape[0] == w->n);
	op_top_k_clear(d, values, indices);
	struct nearest_arguments a = { .lists = {
					       values.data, NULL, indices.data, values.shape[1] } };
	a.q = q.data;
	a.m = q.shape[0];
	a.q_stride = q.stride[0];
	a.w = w;
	a.ww = ww.data;
	a.nearest = nearest;
	a.block = (BLOCK_COLUMNS + w->panel - 1) / w->panel * w->panel;
	struct tensor worst = tensor_vector(d, F32, a.m);
	a.lists.worst = worst.data;
	return a;
}

void op_nearest(struct device *d, struct tensor values, struct tensor indices, struct tensor x,
	enum nearest nearest)
{
	struct arena_mark mark = device_mark(d);
	struct weight *w = weight_of(d, x);
	struct tensor xx = tensor_vector(d, F32, x.shape[0]);
	op_square_norms(d, xx, x);
	struct nearest_arguments a = arguments(d, values, indices, x, w, xx, nearest);
	a.qq = xx.data;
	a.blocks = (a.m + a.block - 1) / a.block;
	/* a GPU cuts the pairs itself */
	size_t rounds = a.blocks < 2 || d->backend ? 1 : a.blocks + a.blocks % 2;
	struct nearest_arguments *round = MEM_ARRAY(struct nearest_arguments, rounds);
	size_t *units = MEM_ARRAY(size_t, rounds);
	for (size_t r = 0; r < rounds; r++) {
		round[r] = a;
		round[r].round = r;
		units[r] = r == 0 ? a.blocks : (a.blocks + 1) / 2;
	}
	device_run_steps(d, KERNEL_nearest_pairs, round, sizeof *round, units, rounds, 1);
	mem_free(units);
	mem_free(round);
	weight_free(w);
	device_reset(d, mark);
}

void op_nearest_to(struct device *d, struct tensor values, struct tensor indices, struct tensor q,
	const struct weight *w, struct tensor ww, enum nearest nearest)
{
	struct arena_mark mark = device_mark(d);
	struct tensor qq = tensor_vector(d, F32, q.shape[0]);
	op_square_norms(d, qq, q);
	struct nearest_arguments a = arguments(d, values, indices, q, w, ww, nearest);
	a.qq = qq.data;
	device_run(d, KERNEL_nearest_rows, &a, (a.m + BLOCK_ROWS - 1) / BLOCK_ROWS, 1);
	device_reset(d, mark);
}
