#include "lib/model/static.h"

#include "lib/model/weights.h"

/* The row of each token, in range. */
static int read_mapping(const struct tensor_file *file, size_t rows, struct arena *arena,
	const float **mapping, size_t *n, struct error *e)
{
	const struct file_tensor *t = tensor_file_find(file, "mapping");
	if (!t || t->n_dims != 1)
		return error_set(e, ERROR_MODEL, "%s: mapping has no shape [tokens]",
			tensor_file_path(file));
	const float *row = *mapping = tensor_file_floats(file, "mapping", 1, t->shape, arena, e);
	if (!row)
		return -1;
	for (size_t i = 0; i < t->count; i++)
		if (!(row[i] >= 0 && row[i] < (float)rows) || row[i] != (float)(size_t)row[i])
			return error_set(e, ERROR_MODEL,
				"%s: mapping sends token %zu outside of the %zu row%s",
				tensor_file_path(file), i, rows, plural(rows));
	*n = t->count;
	return 0;
}

/* size bytes a row: the rows of tokens in order of their ids. */
static const void *spread(
	const void *table, size_t size, const float *mapping, size_t n, struct arena *arena)
{
	char *out = arena_alloc(arena, size_mul(n, size));
	for (size_t i = 0; i < n; i++)
		memcpy(out + i * size, (const char *)table + (size_t)mapping[i] * size, size);
	return out;
}

static int check_finite(
	const struct tensor_file *file, const char *name, const float *x, size_t n, struct error *e)
{
	if (!x)
		return -1;
	if (weights_count_bad(x, n))
		return error_set(e, ERROR_MODEL, "%s: tensor %s holds values that are not finite",
			tensor_file_path(file), name);
	return 0;
}

int static_model_open(const struct tensor_file *file, struct device *device, struct arena *arena,
	struct static_model *m, struct error *e)
{
	*m = (struct static_model){ .table = TENSOR_NONE, .scales = TENSOR_NONE };
	const char *name = tensor_file_find(file, "embeddings") ? "embeddings" : "embedding.weight";
	const struct file_tensor *t = tensor_file_find(file, name);
	if (!t || t->n_dims != 2 || t->count == 0)
		return error_set(e, ERROR_MODEL,
			"%s: there is no tensor embeddings of shape [tokens, dimensions]",
			tensor_file_path(file));
	m->n = t->shape[0];
	m->size = t->shape[1];
	enum dtype dtype = t->dtype == FILE_I8 ? I8 : F32;
	const void *table = t->data.data;
	if (dtype == F32) {
		table = tensor_file_floats(file, name, 2, t->shape, arena, e);
		if (check_finite(file, name, table, t->count, e))
			return -1;
	}
	if (tensor_file_find(file, "mapping")) {
		const float *mapping = NULL;
		if (read_mapping(file, t->shape[0], arena, &mapping, &m->n, e))
			return -1;
		table = spread(table, m->size * dtype_size(dtype), mapping, m->n, arena);
	}
	const float *scales = NULL;
	if (tensor_file_find(file, "weights")) {
		scales = tensor_file_floats(file, "weights", 1, &m->n, arena, e);
		if (check_finite(file, "weights", scales, m->n, e))
			return -1;
	}
	m->table = tensor_upload(device, dtype, m->n, m->size, table);
	if (scales)
		m->scales = tensor_upload(device, F32, m->n, 0, scales);
	return 0;
}

void static_model_close(struct device *device, struct static_model *m)
{
	tensor_release(device, &m->table);
	tensor_release(device, &m->scales);
}
