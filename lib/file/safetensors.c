/*
 * Reading safetensors. The rules are those of the format's README and of its reference reader
 * (safetensors/src/tensor.rs), numbered as in it:
 *	the file has 8 bytes of header length N, N <= 100,000,000, 8 + N <= the file's length; the
 *	header is UTF-8, begins with '{', ends in '}' and spaces; an object of name -> {dtype,
 *	shape, data_offsets} and __metadata__ of texts; no name twice; by offset, tensors begin at
 *	0, each where the one before ended, and end at the file's end; the shape's product times
 *	the dtype's bits is the number of bytes, with checked products. Empty tensors and tensors
 *	of no dimension are legal.
 */
#include "lib/file/safetensors.h"

#include <stdint.h>
#include <stdlib.h>

#include "lib/file/mapping.h"

enum { HEADER_MAX = 100000000 };

struct shard {
	struct slice bytes;
	bool mapped;
	struct json metadata; /* JSON_ABSENT if there is none */
};

struct tensor_file {
	struct arena *arena; /* names, and the arrays below */
	char *path;
	struct shard *shards;
	size_t n_shards;
	struct file_tensor *tensors; /* in order of the file */
	const struct file_tensor **by_name;
	size_t n;
};

static const struct dtype {
	const char *name;
	unsigned bits;
	enum file_dtype dtype;
} dtypes[] = {
	{ "F32", 32, FILE_F32 },
	{ "F16", 16, FILE_F16 },
	{ "BF16", 16, FILE_BF16 },
	{ "F64", 64, FILE_F64 },
	{ "I64", 64, FILE_I64 },
	{ "U64", 64, FILE_U64 },
	{ "I32", 32, FILE_I32 },
	{ "U32", 32, FILE_U32 },
	{ "I16", 16, FILE_I16 },
	{ "U16", 16, FILE_U16 },
	{ "I8", 8, FILE_I8 },
	{ "U8", 8, FILE_U8 },
	{ "BOOL", 8, FILE_BOOL },
	{ "F4", 4, FILE_OTHER },
	{ "F6_E2M3", 6, FILE_OTHER },
	{ "F6_E3M2", 6, FILE_OTHER },
	{ "F8_E5M2", 8, FILE_OTHER },
	{ "F8_E4M3", 8, FILE_OTHER },
	{ "F8_E8M0", 8, FILE_OTHER },
	{ "F8_E4M3FNUZ", 8, FILE_OTHER },
	{ "F8_E5M2FNUZ", 8, FILE_OTHER },
	{ "C64", 64, FILE_OTHER },
};
enum { N_DTYPES = sizeof dtypes / sizeof *dtypes };

const char *file_dtype_name(enum file_dtype dtype)
{
	for (size_t i = 0; i < N_DTYPES; i++)
		if (dtypes[i].dtype == dtype && dtype != FILE_OTHER)
			return dtypes[i].name;
	return "other";
}

size_t file_dtype_size(enum file_dtype dtype)
{
	for (size_t i = 0; i < N_DTYPES; i++)
		if (dtypes[i].dtype == dtype && dtype != FILE_OTHER)
			return dtypes[i].bits / 8;
	return 0;
}

/* --- The header ----------------------------------------------------------------------------- */

/* What one header is read into. */
struct header {
	struct tensor_file *file;
	const char *path;
	struct slice data; /* of the file, behind the header */
	struct file_tensor *tensors;
	size_t n, capacity;
	struct json metadata;
	struct error *error;
};

#define BROKEN(h, format, ...) \
	error_set((h)->error, ERROR_MODEL, "%s: " format, (h)->path, ##__VA_ARGS__)

/* A name in a message: not too long. */
#define NAME(s) (int)((s).size < 100 ? (s).size : 100), (s).data

/* A whole number of digits only: no sign, fraction or exponent. */
static bool whole(struct json v, size_t *out)
{
	size_t n = 0;
	if (v.type != JSON_NUMBER)
		return false;
	for (size_t i = 0; i < v.raw.size; i++) {
		char c = v.raw.data[i];
		if (c < '0' || c > '9' || __builtin_mul_overflow(n, (size_t)10, &n) ||
			__builtin_add_overflow(n, (size_t)(c - '0'), &n))
			return false;
	}
	*out = n;
	return true;
}

static int read_shape(struct header *h, struct file_tensor *t, struct json shape)
{
	if (shape.type != JSON_ARRAY)
		return BROKEN(h, "tensor %.*s: shape is no array", NAME(t->name));
	t->count = 1;
	for (struct json_iterator i = json_iterate(shape); json_each(&i); t->n_dims++) {
		if (t->n_dims == FILE_DIMS)
			return BROKEN(h, "tensor %.*s: more than %d dimensions", NAME(t->name),
				FILE_DIMS);
		size_t *dim = &t->shape[t->n_dims];
		if (!whole(i.value, dim))
			return BROKEN(
				h, "tensor %.*s: a dimension is no whole number", NAME(t->name));
		if (__builtin_mul_overflow(t->count, *dim, &t->count))
			return BROKEN(h, "tensor %.*s: its shape overflows", NAME(t->name));
	}
	return 0;
}

static int read_offsets(struct header *h, struct file_tensor *t, struct json offsets)
{
	size_t at[2], n = 0;
	bool good = offsets.type == JSON_ARRAY;
	if (good)
		for (struct json_iterator i = json_iterate(offsets); json_each(&i); n++)
			good = good && n < 2 && whole(i.value, &at[n]);
	if (!good || n != 2)
		return BROKEN(
			h, "tensor %.*s: data_offsets are not two whole numbers", NAME(t->name));
	if (at[0] > at[1] || at[1] > h->data.size)
		return BROKEN(h,
			"tensor %.*s: data_offsets [%zu, %zu] do not lie within the %zu byte%s of "
			"data",
			NAME(t->name), at[0], at[1], h->data.size, plural(h->data.size));
	t->data = (struct slice){ h->data.data + at[0], at[1] - at[0] };
	return 0;
}

static const struct dtype *find_dtype(struct json name)
{
	for (size_t i = 0; i < N_DTYPES; i++)
		if (json_text_is(name, dtypes[i].name))
			return &dtypes[i];
	return NULL;
}

/* The dtype, shape and offsets of one tensor, each once, and that they agree. */
static int read_tensor(struct header *h, struct file_tensor *t, struct json v)
{
	static const char *const keys[] = { "dtype", "shape", "data_offsets" };
	struct json field[3] = { { .type = JSON_ABSENT } };
	if (v.type != JSON_OBJECT)
		return BROKEN(h, "tensor %.*s: its description is no object", NAME(t->name));
	for (struct json_iterator i = json_iterate(v); json_each(&i);)
		for (size_t k = 0; k < 3; k++)
			if (json_text_is(i.key, keys[k])) {
				if (field[k].type != JSON_ABSENT)
					return BROKEN(h, "tensor %.*s: %s stands twice",
						NAME(t->name), keys[k]);
				field[k] = i.value;
			}
	for (size_t k = 0; k < 3; k++)
		if (field[k].type == JSON_ABSENT)
			return BROKEN(h, "tensor %.*s: %s is missing", NAME(t->name), keys[k]);
	const struct dtype *d = field[0].type == JSON_STRING ? find_dtype(field[0]) : NULL;
	if (!d)
		return BROKEN(
			h, "tensor %.*s: unknown dtype %.*s", NAME(t->name), NAME(field[0].raw));
	t->dtype = d->dtype;
	if (read_shape(h, t, field[1]) || read_offsets(h, t, field[2]))
		return -1;
	size_t bits;
	if (__builtin_mul_overflow(t->count, (size_t)d->bits, &bits))
		return BROKEN(h, "tensor %.*s: its size overflows", NAME(t->name));
	if (bits % 8 || bits / 8 != t->data.size)
		return BROKEN(h, "tensor %.*s: %zu byte%s of data for %zu element%s of %s",
			NAME(t->name), t->data.size, plural(t->data.size), t->count,
			plural(t->count), d->name);
	return 0;
}

static int compare_slices(const void *a, const void *b)
{
	return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

/* Texts only, no key twice. */
static int check_metadata(struct header *h, struct json metadata)
{
	if (h->metadata.type != JSON_ABSENT)
		return BROKEN(h, "__metadata__ stands twice");
	if (metadata.type != JSON_OBJECT)
		return BROKEN(h, "__metadata__ is no object");
	h->metadata = metadata;
	size_t n = json_count(metadata), k = 0;
	struct slice *keys = MEM_ARRAY(struct slice, n);
	struct arena *arena = arena_new();
	int result = 0;
	for (struct json_iterator i = json_iterate(metadata); json_each(&i); k++) {
		keys[k] = json_text(i.key, arena);
		if (i.value.type != JSON_STRING && !result)
			result = BROKEN(h, "__metadata__: %.*s is no text", NAME(keys[k]));
	}
	qsort(keys, n, sizeof *keys, compare_slices);
	for (size_t i = 1; i < n && !result; i++)
		if (slice_equal(keys[i - 1], keys[i]))
			result = BROKEN(h, "__metadata__: %.*s stands twice", NAME(keys[i]));
	arena_free(arena);
	mem_free(keys);
	return result;
}

/* By start, then end: an empty tensor goes before the one that begins where it lies. */
static int compare_data(const void *a, const void *b)
{
	const struct file_tensor *s = a, *t = b;
	if (s->data.data != t->data.data)
		return s->data.data < t->data.data ? -1 : 1;
	if (s->data.size != t->data.size)
		return s->data.size < t->data.size ? -1 : 1;
	return slice_compare(s->name, t->name);
}

/* No holes, no overlap, all of the data used. */
static int check_layout(struct header *h)
{
	qsort(h->tensors, h->n, sizeof *h->tensors, compare_data);
	const char *at = h->data.data;
	for (size_t i = 0; i < h->n; i++) {
		const struct file_tensor *t = &h->tensors[i];
		if (t->data.data != at)
			return BROKEN(h,
				"tensor %.*s begins at %zu, not at %zu where the one before it "
				"ends",
				NAME(t->name), (size_t)(t->data.data - h->data.data),
				(size_t)(at - h->data.data));
		at += t->data.size;
	}
	size_t used = (size_t)(at - h->data.data);
	if (used != h->data.size)
		return BROKEN(h, "the tensors use %zu of %zu byte%s of data", used, h->data.size,
			plural(h->data.size));
	return 0;
}

static int read_members(struct header *h, struct json root)
{
	h->capacity = json_count(root);
	h->tensors = ARENA_ARRAY(h->file->arena, struct file_tensor, h->capacity);
	for (struct json_iterator i = json_iterate(root); json_each(&i);) {
		if (json_text_is(i.key, "__metadata__")) {
			if (check_metadata(h, i.value))
				return -1;
			continue;
		}
		struct file_tensor *t = &h->tensors[h->n++];
		*t = (struct file_tensor){ .name = json_text(i.key, h->file->arena) };
		if (read_tensor(h, t, i.value))
			return -1;
	}
	return check_layout(h);
}

/* Find the header in the bytes and the JSON in it. */
static int read_header(struct header *h, struct slice bytes)
{
	if (bytes.size < 8)
		return BROKEN(h, "too short for a safetensors file: %zu byte%s", bytes.size,
			plural(bytes.size));
	uint64_t n = 0;
	for (int i = 7; i >= 0; i--)
		n = n << 8 | (unsigned char)bytes.data[i];
	if (n > HEADER_MAX)
		return BROKEN(h, "no safetensors file: its header would have %llu bytes",
			(unsigned long long)n);
	if (n > bytes.size - 8)
		return BROKEN(h, "cut short: a header of %llu byte%s in a file of %zu",
			(unsigned long long)n, plural(n), bytes.size);
	struct slice text = { bytes.data + 8, (size_t)n };
	if (n == 0 || text.data[0] != '{')
		return BROKEN(h, "no safetensors file: its header does not begin with {");
	size_t end = text.size;
	while (text.data[end - 1] == ' ')
		end--;
	if (text.data[end - 1] != '}')
		return BROKEN(
			h, "byte %zu of the file should end the header or be a space", 8 + end - 1);
	h->data = (struct slice){ bytes.data + 8 + n, bytes.size - 8 - (size_t)n };
	struct json root;
	if (json_read(text, &root, h->error)) {
		if (h->error)
			h->error->code = ERROR_MODEL;
		return error_wrap(h->error, "%s: header", h->path);
	}
	return read_members(h, root);
}

/* --- Files ---------------------------------------------------------------------------------- */

static struct tensor_file *file_new(const char *path, size_t n_shards)
{
	struct tensor_file *f = mem_zero(1, sizeof *f);
	f->arena = arena_new();
	f->path = arena_string(f->arena, slice_from(path));
	f->shards = arena_zero(f->arena, n_shards, sizeof *f->shards);
	return f;
}

/*
 * Read the header of the next shard; its tensors are added to the file's, all of them or those
 * that wanted says.
 */
static int add_shard(struct tensor_file *f, struct slice bytes, bool mapped, const char *path,
	struct file_tensor **tensors, size_t *n, struct error *e)
{
	struct shard *s = &f->shards[f->n_shards++];
	*s = (struct shard){ .bytes = bytes, .mapped = mapped };
	struct header h = { .file = f, .path = path, .error = e };
	int result = read_header(&h, bytes);
	s->metadata = h.metadata;
	*tensors = h.tensors;
	*n = h.n;
	return result;
}

static int compare_names(const void *a, const void *b)
{
	const struct file_tensor *const *s = a, *const *t = b;
	return slice_compare((*s)->name, (*t)->name);
}

static int index_names(struct tensor_file *f, struct error *e)
{
	f->by_name = ARENA_ARRAY(f->arena, const struct file_tensor *, f->n);
	for (size_t i = 0; i < f->n; i++)
		f->by_name[i] = &f->tensors[i];
	qsort(f->by_name, f->n, sizeof *f->by_name, compare_names);
	for (size_t i = 1; i < f->n; i++)
		if (slice_equal(f->by_name[i - 1]->name, f->by_name[i]->name))
			return error_set(e, ERROR_MODEL, "%s: tensor %.*s stands twice", f->path,
				NAME(f->by_name[i]->name));
	return 0;
}

static struct tensor_file *open_single(
	struct slice bytes, bool mapped, const char *path, struct error *e)
{
	struct tensor_file *f = file_new(path, 1);
	if (add_shard(f, bytes, mapped, path, &f->tensors, &f->n, e) || index_names(f, e)) {
		tensor_file_close(f);
		return NULL;
	}
	return f;
}

struct tensor_file *tensor_file_from(struct slice bytes, const char *name, struct error *e)
{
	return open_single(bytes, false, name, e);
}

void tensor_file_close(struct tensor_file *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n_shards; i++)
		if (f->shards[i].mapped)
			mapping_close(f->shards[i].bytes);
	arena_free(f->arena);
	mem_free(f);
}

/* --- Shards --------------------------------------------------------------------------------- */

/* Of the index: which file a tensor is said to be in. */
struct place {
	struct slice file, name;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *s = a, *t = b;
	int c = slice_compare(s->file, t->file);
	return c ? c : slice_compare(s->name, t->name);
}

static int bad_index(struct error *e, const char *path, const char *what, struct slice name)
{
	return error_set(e, ERROR_MODEL, "%s: %s: %.*s", path, what, NAME(name));
}

/*
 * weight_map sorted by file, then name; its file names are plain names of files in the same
 * folder.
 */
static int read_index(const char *path, struct slice text, struct arena *arena,
	struct place **places, size_t *n, struct error *e)
{
	struct json root;
	if (json_read(text, &root, e)) {
		if (e)
			e->code = ERROR_MODEL;
		return error_wrap(e, "%s", path);
	}
	struct json map = json_get(root, "weight_map");
	if (map.type != JSON_OBJECT)
		return error_set(e, ERROR_MODEL, "%s: there is no weight_map", path);
	struct place *p = *places = ARENA_ARRAY(arena, struct place, json_count(map));
	size_t k = 0;
	for (struct json_iterator i = json_iterate(map); json_each(&i); k++) {
		p[k].name = json_text(i.key, arena);
		if (i.value.type != JSON_STRING)
			return bad_index(e, path, "no file name for tensor", p[k].name);
		struct slice file = p[k].file = json_text(i.value, arena);
		if (file.size == 0 || file.data[0] == '.' || memchr(file.data, '/', file.size) ||
			memchr(file.data, 0, file.size))
			return bad_index(
				e, path, "not the name of a file in the same folder", file);
	}
	qsort(p, k, sizeof *p, compare_places);
	*n = k;
	return 0;
}

/* Map the shard of n places with one file name, and add those tensors, in order of its data. */
static int open_shard(struct tensor_file *f, const struct place *places, size_t n, struct error *e)
{
	struct buffer path = { NULL, 0, 0 };
	const char *slash = strrchr(f->path, '/');
	buffer_add(&path, f->path, slash ? (size_t)(slash - f->path) + 1 : 0);
	buffer_slice(&path, places[0].file);
	buffer_char(&path, 0);
	struct slice bytes;
	int result = mapping_open(path.data, &bytes, e);
	if (result && e && e->code == ERROR_NO_INPUT)
		e->code = ERROR_MODEL;
	struct file_tensor *tensors;
	size_t count = 0, found = 0;
	if (!result)
		result = add_shard(f, bytes, true, path.data, &tensors, &count, e);
	for (size_t i = 0; i < count && !result; i++) {
		struct place key = { places[0].file, tensors[i].name };
		if (bsearch(&key, places, n, sizeof *places, compare_places)) {
			f->tensors[f->n++] = tensors[i];
			found++;
		}
	}
	if (!result && found < n)
		result = error_set(e, ERROR_MODEL, "%s: has %zu of the %zu tensor%s that %s says",
			path.data, found, n, plural(n), f->path);
	buffer_free(&path);
	return result;
}

static struct tensor_file *open_index(const char *path, struct slice text, struct error *e)
{
	struct arena *arena = arena_new();
	struct place *places = NULL;
	size_t n = 0;
	struct tensor_file *f = NULL;
	int result = read_index(path, text, arena, &places, &n, e);
	if (!result) {
		f = file_new(path, n);
		f->tensors = ARENA_ARRAY(f->arena, struct file_tensor, n);
		for (size_t i = 0, k; i < n && !result; i = k) {
			for (k = i + 1; k < n && slice_equal(places[k].file, places[i].file); k++)
				if (slice_equal(places[k].name, places[k - 1].name))
					result = bad_index(e, path, "stands twice", places[k].name);
			result = result ? result : open_shard(f, &places[i], k - i, e);
		}
		result = result ? result : index_names(f, e);
	}
	arena_free(arena);
	if (result) {
		tensor_file_close(f);
		return NULL;
	}
	return f;
}

struct tensor_file *tensor_file_open(const char *path, struct error *e)
{
	static const char ending[] = ".index.json";
	struct slice bytes, name = slice_from(path);
	if (mapping_open(path, &bytes, e))
		return NULL;
	size_t m = sizeof ending - 1;
	if (name.size < m || memcmp(name.data + name.size - m, ending, m) != 0)
		return open_single(bytes, true, path, e);
	struct tensor_file *f = open_index(path, bytes, e);
	mapping_close(bytes);
	return f;
}

/* --- Looking up ----------------------------------------------------------------------------- */

const char *tensor_file_path(const struct tensor_file *f)
{
	return f->path;
}

size_t tensor_file_count(const struct tensor_file *f)
{
	return f->n;
}

const struct file_tensor *tensor_file_at(const struct tensor_file *f, size_t i)
{
	CHECK(i < f->n);
	return &f->tensors[i];
}

const struct file_tensor *tensor_file_find(const struct tensor_file *f, const char *name)
{
	struct file_tensor key = { .name = slice_from(name) };
	const struct file_tensor *p = &key, *const * hit;
	hit = bsearch(&p, f->by_name, f->n, sizeof *f->by_name, compare_names);
	return hit ? *hit : NULL;
}

struct slice tensor_file_metadata(const struct tensor_file *f, const char *key, struct arena *arena)
{
	for (size_t i = 0; i < f->n_shards; i++) {
		struct json v = json_get(f->shards[i].metadata, key);
		if (v.type == JSON_STRING) {
			struct slice text = json_text(v, arena);
			return arena_copy(arena, text);
		}
	}
	return (struct slice){ NULL, 0 };
}
