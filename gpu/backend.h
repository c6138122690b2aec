/*
 * backend.h: what a GPU does for gpu/tensor.c. gpu/cuda/device.cu has the one for CUDA; in a build
 * without nvcc gpu/no_cuda.c says that there is none. Not for models.
 *
 * A card is opened without being touched: its context is made when the first memory or kernel is
 * asked for, so that commands of one pipe which wait for input hold nothing. A lane is a stream with
 * memory of its own, for one thread at a time; what a lane is told happens in order. The first
 * failure sticks to the card; from then on every function does nothing.
 */
#pragma once
#include "gpu/kernels.h"

struct backend {
	/* What the card is, one line; which library multiplies is added when a weight wants one. */
	const char *(*name)(const struct lane *);
	const char *(*note)(const struct lane *); /* device_note */

	/* A lane beside the root's; the root is closed when the others are gone. */
	struct lane *(*lane_new)(struct lane *root);
	void (*lane_free)(struct lane *);
	void (*close)(struct lane *root);

	/* Wait for the lane's work; 0, or -1 and the card's first failure. recover forgets a
	 * failure to get memory, and says whether there was one. */
	int (*sync)(struct lane *, struct error *);
	bool (*recover)(struct lane *);

	/* An operation's n units. */
	void (*run)(struct lane *, enum kernel, const void *arguments, size_t n);

	/* Memory of the lane's arena, and memory that stands alone; NULL after a failure. */
	void *(*arena_alloc)(struct lane *, size_t size);
	struct arena_mark (*arena_mark)(const struct lane *);
	void (*arena_reset)(struct lane *, struct arena_mark);
	void *(*alloc)(struct lane *, size_t size);
	void (*release)(struct lane *, void *);

	/* Free and total memory, bytes. */
	void (*memory)(struct lane *, size_t *available, size_t *total);

	/* Rows of `bytes` between the host, contiguous, and the card, `stride` bytes apart.
	 * Reading waits for the result. What was written may be reused after the call. */
	void (*read)(struct lane *, void *host, const void *from, size_t rows, size_t bytes,
		size_t stride);
	void (*write)(struct lane *, void *to, const void *host, size_t rows, size_t bytes,
		size_t stride);

	/* A weight's own layout (gpu/cuda/weight.cu). */
	void (*weight_new)(
		struct lane *, struct weight *, const float *w, size_t stride, const float *bias);
	void (*weight_free)(struct weight *);

	struct kernel_table table; /* of its weights; without kernels */
};

/* The card `ordinal` among those that CUDA_VISIBLE_DEVICES shows, or the first for -1: its root lane.
 * -1 and ERROR_UNAVAILABLE name what is missing. */
const struct backend *cuda_open(int ordinal, struct lane **, struct error *);

/* Whether this build and machine may have a card at all: nothing is opened. */
bool cuda_likely(void);

/* A line on each card that is there, by number; 0 or -1 as cuda_open. */
int cuda_describe(
	void (*line)(void *context, int ordinal, const char *text), void *context, struct error *);
