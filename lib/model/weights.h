/*
 * weights.h: a model's tensors onto the device. The first failure sticks, later calls do nothing
 * and give TENSOR_NONE or NULL, so that loading reads as a list. Values must be finite.
 */
#pragma once
#include "gpu/ops.h"
#include "lib/file/safetensors.h"

struct weights {
	const struct tensor_file *file;
	struct device *device;
	enum dtype dtype; /* of products */
	const char *prefix; /* before every name */
	struct arena *arena; /* of what had to be converted; lives as long as the tensors */
	struct error *error;
	bool failed;
};

/* Is there a tensor prefix + name? */
bool weights_have(const struct weights *, const char *name);

/* name [rows, columns]: as it is in the file, where it is float32. */
struct tensor weights_matrix(struct weights *, size_t rows, size_t columns, const char *name);

/* name.weight and name.bias [c], or gamma and beta, as old files call them. */
struct norm weights_norm(struct weights *, size_t c, float eps, const char *name);

/* name.weight [c] alone: a norm whose beta is zeros. */
struct norm weights_scale(struct weights *, size_t c, float eps, const char *name);

/*
 * names[i].weight [n, k] below each other as one weight of n_names * n outputs, with
 * names[i].bias [n] where bias is set. The pages of the file are forgotten, the weight is a copy.
 */
struct weight *weights_linear(
	struct weights *, size_t n_names, const char *const *names, size_t n, size_t k, bool bias);

/* name.weight [n, c, kernel] and name.bias [n] of a convolution, as the weight [n, kernel c] of the
 * rows beside each other that a step of the kernel sees. */
struct weight *weights_convolution(
	struct weights *, const char *name, size_t n, size_t c, size_t kernel);

/* How many of these are NaN or infinite? */
size_t weights_count_bad(const float *, size_t n);
