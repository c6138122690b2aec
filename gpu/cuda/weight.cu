/* weight.cu: how a weight lies on a card: rows of its own stride, in whole 16 bytes. */
#include "gpu/cuda/lane.h"
#include "gpu/cuda/product.h"

/* The floats of a weight, rows `own` elements apart. */
static void write_floats(struct lane *lane, float *to, size_t own, const struct weight *r,
	const float *w, size_t stride)
{
	if (stride == r->k) {
		cuda_write(lane, to, w, r->n, r->k * sizeof *w, own * sizeof *w);
		return;
	}
	for (size_t i = 0; i < r->n; i++)
		cuda_write(
			lane, to + i * own, w + i * stride, 1, r->k * sizeof *w, r->k * sizeof *w);
}

static void layout_paired(struct lane *lane, struct weight *r, const float *w, size_t stride)
{
	struct arena_mark mark = cuda_arena_mark(lane);
	float *floats = cuda_floats(lane, size_mul(r->n, r->k));
	r->stride = eights_of(r->k) * 8;
	r->packed = cuda_alloc(lane, size_mul(size_mul(r->n, r->stride), sizeof(uint16_t)));
	if (floats && r->packed) {
		write_floats(lane, floats, r->k, r, w, stride);
		(void)cuda_half_rows(lane, r->dtype, static_cast<uint16_t *>(r->packed), floats,
			r->k, r->n, r->k);
	}
	cuda_arena_reset(lane, mark);
}

void cuda_weight_new(
	struct lane *lane, struct weight *r, const float *w, size_t stride, const float *bias)
{
	bool half = r->dtype == BF16 || r->dtype == F16;
	r->paired = half && cuda_half_native(lane);
	if (r->paired) {
		layout_paired(lane, r, w, stride);
	} else {
		r->stride = (r->k + 3) / 4 * 4;
		r->packed = cuda_alloc(lane, size_mul(size_mul(r->n, r->stride), sizeof *w));
		if (r->packed)
			write_floats(
				lane, static_cast<float *>(r->packed), r->stride, r, w, stride);
		if (r->packed && half)
			cuda_half_weight(lane, r);
	}
	if (bias)
		r->bias = static_cast<float *>(cuda_alloc(lane, size_mul(r->n, sizeof *bias)));
	if (r->bias)
		cuda_write(lane, r->bias, bias, 1, r->n * sizeof *bias, r->n * sizeof *bias);
	if (r->packed && (r->paired || (r->dtype == TF32 && cuda_half_native(lane))))
		cuda_lt_prepare(lane, r);
	(void)cuda_sync(lane, NULL);
}

void cuda_weight_free(struct weight *w)
{
	cuda_lt_release(w);
	cuda_release(w->lane, w->packed);
	cuda_release(w->lane, w->bias);
}
