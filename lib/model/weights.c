#include "lib/model/weights.h"

#include <stdio.h>

#include "lib/file/mapping.h"

enum { NAME_MAX_SIZE = 256 };

size_t weights_count_bad(const float *x, size_t n)
{
	size_t bad = 0;
	for (size_t i = 0; i < n; i++) {
		uint32_t bits;
		memcpy(&bits, &x[i], 4);
		bad += (bits & 0x7f800000) == 0x7f800000;
	}
	return bad;
}

bool weights_have(const struct weights *w, const char *name)
{
	char full[NAME_MAX_SIZE];
	snprintf(full, sizeof full, "%s%s", w->prefix, name);
	return tensor_file_find(w->file, full) != NULL;
}

/* prefix + name + ending as floats of this shape; check: all finite. NULL after a failure. */
static const float *read(struct weights *w, const char *name, const char *ending, size_t n_dims,
	const size_t *shape, struct arena *arena, bool check)
{
	char full[NAME_MAX_SIZE];
	if (w->failed)
		return NULL;
	snprintf(full, sizeof full, "%s%s%s", w->prefix, name, ending);
	const float *x = tensor_file_floats(w->file, full, n_dims, shape, arena, w->error);
	size_t n = 1;
	for (size_t i = 0; i < n_dims; i++)
		n *= shape[i];
	if (x && check && weights_count_bad(x, n)) {
		error_set(w->error, ERROR_MODEL, "%s: tensor %s holds values that are not finite",
			tensor_file_path(w->file), full);
		x = NULL;
	}
	w->failed = !x;
	return x;
}

/*
 * A table of embeddings is not read through: it may be most of the file, and few rows of it are
 * used. What is not finite there shows in the result.
 */
struct tensor weights_matrix(struct weights *w, size_t rows, size_t columns, const char *name)
{
	const float *x = read(w, name, "", 2, (size_t[]){ rows, columns }, w->arena, false);
	return x ? tensor_upload(w->device, F32, rows, columns, x) : TENSOR_NONE;
}

struct norm weights_norm(struct weights *w, size_t c, float eps, const char *name)
{
	char full[NAME_MAX_SIZE];
	snprintf(full, sizeof full, "%s.gamma", name);
	bool old = weights_have(w, full);
	const float *gamma = read(w, name, old ? ".gamma" : ".weight", 1, &c, w->arena, true);
	const float *beta = read(w, name, old ? ".beta" : ".bias", 1, &c, w->arena, true);
	if (w->failed)
		return (struct norm){ TENSOR_NONE, TENSOR_NONE, eps };
	return (struct norm){ tensor_upload(w->device, F32, c, 0, gamma),
		tensor_upload(w->device, F32, c, 0, beta), eps };
}

struct norm weights_scale(struct weights *w, size_t c, float eps, const char *name)
{
	const float *gamma = read(w, name, ".weight", 1, &c, w->arena, true);
	if (w->failed)
		return (struct norm){ TENSOR_NONE, TENSOR_NONE, eps };
	return (struct norm){ tensor_upload(w->device, F32, c, 0, gamma),
		tensor_upload(w->device, F32, c, 0, arena_zero(w->arena, c, sizeof(float))), eps };
}

struct weight *weights_linear(struct weights *w, size_t n_names, const char *const *names, size_t n,
	size_t k, bool with_bias)
{
	struct arena *arena = arena_new();
	struct weight *result = NULL;
	const float *matrix = NULL, *bias = NULL;
	float *matrices = n_names > 1 ? ARENA_ARRAY(arena, float, size_mul(n_names * n, k)) : NULL;
	float *biases = n_names > 1 ? ARENA_ARRAY(arena, float, n_names *n) : NULL;
	for (size_t i = 0; i < n_names && !w->failed; i++) {
		matrix = read(w, names[i], ".weight", 2, (size_t[]){ n, k }, arena, true);
		bias = with_bias ? read(w, names[i], ".bias", 1, &n, arena, true) : NULL;
		if (w->failed || n_names == 1)
			break;
		memcpy(matrices + i * n * k, matrix, n * k * sizeof *matrix);
		if (bias)
			memcpy(biases + i * n, bias, n * sizeof *bias);
		mapping_forget(matrix, n * k * sizeof *matrix);
	}
	if (!w->failed && n_names == 1) {
		result = weight_new(w->device, w->dtype, n, k, k, matrix, bias);
		mapping_forget(matrix, n * k * sizeof *matrix);
	} else if (!w->failed) {
		result = weight_new(w->device, w->dtype, n_names * n, k, k, matrices,
			with_bias ? biases : NULL);
	}
	arena_free(arena);
	return result;
}

struct weight *weights_convolution(
	struct weights *w, const char *name, size_t n, size_t c, size_t kernel)
{
	struct arena *arena = arena_new();
	const float *x = read(w, name, ".weight", 3, (size_t[]){ n, c, kernel }, arena, true);
	const float *bias = read(w, name, ".bias", 1, &n, arena, true);
	struct weight *result = NULL;
	if (!w->failed) {
		float *rows = ARENA_ARRAY(arena, float, size_mul(n, size_mul(kernel, c)));
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < kernel; k++)
				for (size_t j = 0; j < c; j++)
					rows[(i * kernel + k) * c + j] =
						x[(i * c + j) * kernel + k];
		result = weight_new(w->device, w->dtype, n, kernel * c, kernel * c, rows, bias);
	}
	arena_free(arena);
	return result;
}
