/* The elements of a tensor as float32, and as they are but aligned. */
#include <math.h>
#include <stdint.h>

#include "lib/file/half.h"
#include "lib/file/safetensors.h"

/* Elements of one type, from bytes that need not be aligned; false where float32 has none such. */
#define CONVERT(type, value, fits) \
	do { \
		for (size_t i = 0; i < t->count; i++) { \
			type x; \
			memcpy(&x, t->data.data + i * sizeof x, sizeof x); \
			if (!(fits)) \
				return false; \
			out[i] = (value); \
		} \
		return true; \
	} while (0)

static bool convert(const struct file_tensor *t, float *out)
{
	const int32_t limit = 1 << 24;
	switch (t->dtype) {
	case FILE_F32:
		CONVERT(float, x, true);
	case FILE_F16:
		CONVERT(uint16_t, half_to_float(x), true);
	case FILE_BF16:
		CONVERT(uint16_t, bfloat_to_float(x), true);
	case FILE_F64:
		CONVERT(double, (float)x, !isfinite(x) || isfinite((float)x));
	case FILE_BOOL:
	case FILE_U8:
		CONVERT(uint8_t, (float)x, true);
	case FILE_I8:
		CONVERT(int8_t, (float)x, true);
	case FILE_U16:
		CONVERT(uint16_t, (float)x, true);
	case FILE_I16:
		CONVERT(int16_t, (float)x, true);
	case FILE_I32:
		CONVERT(int32_t, (float)x, x >= -limit && x <= limit);
	case FILE_U32:
		CONVERT(uint32_t, (float)x, x <= (uint32_t)limit);
	case FILE_I64:
		CONVERT(int64_t, (float)x, x >= -limit && x <= limit);
	case FILE_U64:
		CONVERT(uint64_t, (float)x, x <= (uint64_t)limit);
	case FILE_OTHER:
		break;
	}
	return false;
}

/* "[2, 3]" */
static void print_shape(struct buffer *b, size_t n, const size_t *shape)
{
	buffer_char(b, '[');
	for (size_t i = 0; i < n; i++)
		buffer_printf(b, "%s%zu", i ? ", " : "", shape[i]);
	buffer_text(b, "]");
	buffer_char(b, 0);
}

/* The tensor, which must be there and have the shape (n_dims 0: any). */
static const struct file_tensor *demand(const struct tensor_file *f, const char *name,
	size_t n_dims, const size_t *shape, struct error *e)
{
	const struct file_tensor *t = tensor_file_find(f, name);
	if (!t) {
		error_set(e, ERROR_MODEL, "%s: there is no tensor %s", tensor_file_path(f), name);
		return NULL;
	}
	bool same = n_dims == 0 || n_dims == t->n_dims;
	for (size_t i = 0; i < n_dims && same; i++)
		same = shape[i] == t->shape[i];
	if (same)
		return t;
	struct buffer has = { NULL, 0, 0 }, wants = { NULL, 0, 0 };
	print_shape(&has, t->n_dims, t->shape);
	print_shape(&wants, n_dims, shape);
	error_set(e, ERROR_MODEL, "%s: tensor %s has the shape %s, not %s", tensor_file_path(f),
		name, has.data, wants.data);
	buffer_free(&has);
	buffer_free(&wants);
	return NULL;
}

const float *tensor_file_floats(const struct tensor_file *f, const char *name, size_t n_dims,
	const size_t *shape, struct arena *arena, struct error *e)
{
	const struct file_tensor *t = demand(f, name, n_dims, shape, e);
	if (!t)
		return NULL;
	if (t->dtype == FILE_F32 && (uintptr_t)t->data.data % sizeof(float) == 0)
		return (const float *)(const void *)t->data.data;
	float *out = ARENA_ARRAY(arena, float, t->count);
	if (convert(t, out))
		return out;
	error_set(e, ERROR_MODEL, "%s: tensor %s has elements that float32 does not hold",
		tensor_file_path(f), name);
	return NULL;
}

const void *tensor_file_bytes(const struct tensor_file *f, const char *name, enum file_dtype dtype,
	size_t n_dims, const size_t *shape, struct arena *arena, struct error *e)
{
	const struct file_tensor *t = demand(f, name, n_dims, shape, e);
	if (!t)
		return NULL;
	size_t size = file_dtype_size(dtype);
	if (t->dtype != dtype || size == 0) {
		error_set(e, ERROR_MODEL, "%s: tensor %s is %s, not %s", tensor_file_path(f), name,
			file_dtype_name(t->dtype), file_dtype_name(dtype));
		return NULL;
	}
	if ((uintptr_t)t->data.data % size == 0)
		return t->data.data;
	return arena_copy(arena, t->data).data;
}
