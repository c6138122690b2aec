/*
 * layer.h: what a layer of an encoder holds, whatever its attention: products to q, k and v, back to the
 * width of the layers, up and down again, and two norms. Loading of those that norm after each sum.
 */
#pragma once
#include "lib/model/config.h"
#include "lib/model/weights.h"

struct layer {
	struct weight *qkv, *out, *up, *down;
	struct norm norm1, norm2;
};

/* What the tensors are called, behind the beginning, in which %zu is the layer. */
struct layer_names {
	const char *start;
	const char *q, *k, *v, *out, *norm1, *up, *down, *norm2;
};

enum { LAYER_NAME = 128 };

/* The whole name of one: to [LAYER_NAME], which is returned. */
const char *layer_name(char *to, const struct layer_names *, size_t layer, const char *ending);

/* As weights.h: the first failure sticks. */
void layer_load(struct weights *, struct layer *, const struct model_config *,
	const struct layer_names *, size_t layer);

/* Also of one that was loaded in part. */
void layer_free(struct device *, struct layer *);
void layer_norm_free(struct device *, struct norm *);

/* The type in which rows pass from one product of the n layers to the next (weight_activation). */
enum dtype layer_between(const struct layer *, size_t n);

/* y = norm2(t + down(act(up t))), t = norm1(h + out(mixed)), mixed [T, C] what attention gives; h holds
 * t in between, and y may be h. */
void layer_finish(struct device *lane, const struct layer *, enum activation, struct tensor mixed,
	struct tensor h, struct tensor y);
