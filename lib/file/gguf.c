#include "lib/file/gguf.h"

#include <stdlib.h>

/* A number in the file is little-endian and may lie anywhere. */
static uint64_t little(const char *p, size_t size)
{
	uint64_t v = 0;
	for (size_t i = size; i-- > 0;)
		v = v << 8 | (unsigned char)p[i];
	return v;
}

struct cursor {
	const char *at, *end;
	struct error *error;
};

static size_t left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

static int read_number(struct cursor *c, size_t size, uint64_t *v)
{
	*v = 0;
	if (left(c) < size)
		return error_set(c->error, ERROR_MODEL, "it is cut short");
	*v = little(c->at, size);
	c->at += size;
	return 0;
}

static int read_string(struct cursor *c, size_t most, const char *what, struct slice *s)
{
	uint64_t n = 0;
	if (read_number(c, 8, &n))
		return -1;
	if (n > left(c))
		return error_set(c->error, ERROR_MODEL, "%s of %llu byte%s, cut short: %zu there",
			what, (unsigned long long)n, plural(n), left(c));
	if (n > most)
		return error_set(c->error, ERROR_MODEL,
			"%s of %llu bytes, the most allowed are %zu", what, (unsigned long long)n,
			most);
	*s = (struct slice){ c->at, (size_t)n };
	c->at += n;
	return 0;
}

/* --- Values ------------------------------------------------------------------------------------ */

/* Bytes of a value, 0 for those of no fixed size. */
static const size_t sizes[] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };

enum { TYPES = sizeof sizes / sizeof *sizes };

static int read_type(struct cursor *c, enum gguf_type *type)
{
	uint64_t v = 0;
	if (read_number(c, 4, &v))
		return -1;
	if (v >= TYPES)
		return error_set(c->error, ERROR_MODEL, "its value has the type %llu",
			(unsigned long long)v);
	*type = (enum gguf_type)v;
	return 0;
}

/* n values of a type one after the other. */
static int read_elements(struct cursor *c, enum gguf_type type, size_t n, struct slice *bytes)
{
	const char *start = c->at;
	struct slice s;
	if (type == GGUF_ARRAY)
		return error_set(c->error, ERROR_MODEL, "an array of arrays");
	/* a string has eight bytes at least */
	if (n > left(c) / (type == GGUF_STRING ? 8 : sizes[type]))
		return error_set(
			c->error, ERROR_MODEL, "more values than there are bytes for: %zu", n);
	for (size_t i = 0; type == GGUF_STRING && i < n; i++)
		if (read_string(c, GGUF_STRING_MOST, "a string", &s))
			return -1;
	if (type != GGUF_STRING)
		c->at += n * sizes[type];
	for (const char *p = start; type == GGUF_BOOL && p < c->at; p++)
		if (*p != 0 && *p != 1)
			return error_set(c->error, ERROR_MODEL, "a bool that is %u",
				(unsigned)(unsigned char)*p);
	*bytes = (struct slice){ start, (size_t)(c->at - start) };
	return 0;
}

static int read_value(struct cursor *c, struct gguf_value *v)
{
	uint64_t n = 1;
	if (read_type(c, &v->type))
		return -1;
	v->of = v->type;
	if (v->type == GGUF_ARRAY && (read_type(c, &v->of) || read_number(c, 8, &n)))
		return -1;
	v->n = (size_t)n;
	return read_elements(c, v->of, v->n, &v->bytes);
}

static int read_key(struct cursor *c, struct slice *key)
{
	if (read_string(c, GGUF_KEY, "a key", key))
		return -1;
	if (key->size == 0)
		return error_set(c->error, ERROR_MODEL, "an empty key");
	for (size_t i = 0; i < key->size; i++)
		if (key->data[i] <= ' ' || key->data[i] >= 0x7f)
			return error_set(
				c->error, ERROR_MODEL, "a key that is not printable ASCII");
	return 0;
}

static int compare_keys(struct slice s, struct slice t)
{
	int order = memcmp(s.data, t.data, s.size < t.size ? s.size : t.size);
	return order ? order : (s.size > t.size) - (s.size < t.size);
}

static int compare(const void *a, const void *b)
{
	return compare_keys(*(const struct slice *)a, *(const struct slice *)b);
}

/* -1 where two names are the same; sorts them. */
static int check_unique(struct slice *names, size_t n, const char *what, struct error *e)
{
	qsort(names, n, sizeof *names, compare);
	for (size_t i = 1; i < n; i++)
		if (compare_keys(names[i - 1], names[i]) == 0)
			return error_set(e, ERROR_MODEL, "the %s \"%.*s\" is there twice", what,
				(int)(names[i].size < 100 ? names[i].size : 100), names[i].data);
	return 0;
}

static int read_values(struct gguf *g, struct cursor *c)
{
	for (size_t i = 0; i < g->n_values; i++) {
		struct gguf_value *v = &g->values[i];
		if (read_key(c, &v->key))
			return error_wrap(c->error, "key %zu", i);
		if (read_value(c, v))
			return error_wrap(c->error, "%.*s",
				(int)(v->key.size < 100 ? v->key.size : 100), v->key.data);
	}
	struct slice *names = MEM_ARRAY(struct slice, g->n_values);
	for (size_t i = 0; i < g->n_values; i++)
		names[i] = g->values[i].key;
	int rc = check_unique(names, g->n_values, "key", c->error);
	mem_free(names);
	return rc;
}

/* --- Tensors ------------------------------------------------------------------------------------- */

/*
 * ggml's types that files have: values in a block and bytes of one. 4, 5, 31 to 33 and 36 to 38 are gone;
 * 9 and 15 (Q8_1, Q8_K) are only ever in memory.
 */
static const struct {
	uint32_t type;
	const char *name;
	uint32_t values, bytes;
} tensor_types[] = {
	{ 0, "F32", 1, 4 },
	{ 1, "F16", 1, 2 },
	{ 2, "Q4_0", 32, 18 },
	{ 3, "Q4_1", 32, 20 },
	{ 6, "Q5_0", 32, 22 },
	{ 7, "Q5_1", 32, 24 },
	{ 8, "Q8_0", 32, 34 },
	{ 10, "Q2_K", 256, 84 },
	{ 11, "Q3_K", 256, 110 },
	{ 12, "Q4_K", 256, 144 },
	{ 13, "Q5_K", 256, 176 },
	{ 14, "Q6_K", 256, 210 },
	{ 16, "IQ2_XXS", 256, 66 },
	{ 17, "IQ2_XS", 256, 74 },
	{ 18, "IQ3_XXS", 256, 98 },
	{ 19, "IQ1_S", 256, 50 },
	{ 20, "IQ4_NL", 32, 18 },
	{ 21, "IQ3_S", 256, 110 },
	{ 22, "IQ2_S", 256, 82 },
	{ 23, "IQ4_XS", 256, 136 },
	{ 24, "I8", 1, 1 },
	{ 25, "I16", 1, 2 },
	{ 26, "I32", 1, 4 },
	{ 27, "I64", 1, 8 },
	{ 28, "F64", 1, 8 },
	{ 29, "IQ1_M", 256, 56 },
	{ 30, "BF16", 1, 2 },
	{ 34, "TQ1_0", 256, 54 },
	{ 35, "TQ2_0", 256, 66 },
	{ 39, "MXFP4", 32, 17 },
};

enum { TENSOR_TYPES = sizeof tensor_types / sizeof *tensor_types };

static size_t type_index(uint32_t type)
{
	size_t i = 0;
	while (i < TENSOR_TYPES && tensor_types[i].type != type)
		i++;
	return i;
}

const char *gguf_type_name(uint32_t type)
{
	size_t i = type_index(type);
	return i < TENSOR_TYPES ? tensor_types[i].name : NULL;
}

/* Bytes of a tensor's data; -1 where its shape is none, or too large to count. */
static int count_bytes(const struct gguf_tensor *t, uint64_t *bytes, struct error *e)
{
	size_t type = type_index(t->type);
	if (type == TENSOR_TYPES)
		return error_set(e, ERROR_MODEL, "it has the type %u", t->type);
	uint64_t n = 1;
	for (size_t i = 0; i < GGUF_DIMS; i++) {
		if (t->dims[i] == 0 || t->dims[i] > INT64_MAX)
			return error_set(e, ERROR_MODEL, "dimension %zu is %llu", i,
				(unsigned long long)t->dims[i]);
		if (__builtin_mul_overflow(n, t->dims[i], &n))
			return error_set(e, ERROR_MODEL, "it has more values than can be counted");
	}
	if (t->dims[0] % tensor_types[type].values)
		return error_set(e, ERROR_MODEL,
			"rows of %llu value%s are not of whole blocks of %u",
			(unsigned long long)t->dims[0], plural(t->dims[0]),
			tensor_types[type].values);
	if (__builtin_mul_overflow(
		    n / tensor_types[type].values, (uint64_t)tensor_types[type].bytes, bytes) ||
		*bytes > INT64_MAX)
		return error_set(e, ERROR_MODEL, "it has more bytes than can be counted");
	return 0;
}

/* All but its data, of which the offset is given back. */
static int read_tensor(struct cursor *c, struct gguf_tensor *t, uint64_t *offset)
{
	uint64_t n = 0, type = 0;
	if (read_string(c, GGUF_NAME, "a name", &t->name))
		return -1;
	if (t->name.size == 0 || memchr(t->name.data, 0, t->name.size))
		return error_set(c->error, ERROR_MODEL, "its name is empty, or has a NUL in it");
	if (read_number(c, 4, &n))
		return -1;
	if (n == 0 || n > GGUF_DIMS)
		return error_set(
			c->error, ERROR_MODEL, "it has %llu dimensions", (unsigned long long)n);
	t->n_dims = (unsigned)n;
	for (size_t i = 0; i < GGUF_DIMS; i++) {
		t->dims[i] = 1;
		if (i < n && read_number(c, 8, &t->dims[i]))
			return -1;
	}
	if (read_number(c, 4, &type) || read_number(c, 8, offset))
		return -1;
	t->type = (uint32_t)type;
	return 0;
}

static int name_tensor(const struct gguf *g, size_t i, struct error *e)
{
	struct slice name = g->tensors[i].name;
	return error_wrap(e, "tensor %zu, \"%.*s\"", i, (int)name.size, name.data ? name.data : "");
}

/* Up to a multiple of the alignment; false where that cannot be counted. */
static bool align(const struct gguf *g, uint64_t n, uint64_t *to)
{
	uint64_t more = (g->alignment - n % g->alignment) % g->alignment;
	return !__builtin_add_overflow(n, more, to);
}

/* Data stand one after the other in the table's order, each at a multiple of the alignment. */
static int place_tensors(struct gguf *g, struct slice file, const uint64_t *offsets,
	uint64_t header, struct error *e)
{
	uint64_t start, next = 0;
	if (!align(g, header, &start) || start > file.size)
		start = file.size; /* no tensor has data then */
	for (size_t i = 0; i < g->n_tensors; i++) {
		uint64_t bytes = 0;
		if (count_bytes(&g->tensors[i], &bytes, e))
			return name_tensor(g, i, e);
		if (offsets[i] != next) {
			error_set(e, ERROR_MODEL, "its data are at %llu, but should be at %llu",
				(unsigned long long)offsets[i], (unsigned long long)next);
			return name_tensor(g, i, e);
		}
		/* what is behind the file's end is refused before it is added to */
		if (next > file.size - start || bytes > file.size - start - next) {
			error_set(e, ERROR_MODEL,
				"its data, %llu byte%s at %llu, go beyond the file's %zu",
				(unsigned long long)bytes, plural(bytes),
				(unsigned long long)(start + next), file.size);
			return name_tensor(g, i, e);
		}
		g->tensors[i].data = (struct slice){ file.data + start + next, (size_t)bytes };
		CHECK(align(g, next + bytes, &next)); /* both are within the file */
	}
	return 0;
}

static int read_tensors(struct gguf *g, struct slice file, struct cursor *c)
{
	uint64_t *offsets = MEM_ARRAY(uint64_t, g->n_tensors);
	struct slice *names = MEM_ARRAY(struct slice, g->n_tensors);
	int rc = 0;
	for (size_t i = 0; !rc && i < g->n_tensors; i++) {
		rc = read_tensor(c, &g->tensors[i], &offsets[i]);
		names[i] = g->tensors[i].name;
		if (rc)
			name_tensor(g, i, c->error);
	}
	if (!rc)
		rc = check_unique(names, g->n_tensors, "tensor", c->error);
	if (!rc)
		rc = place_tensors(g, file, offsets, (uint64_t)(c->at - file.data), c->error);
	mem_free(names);
	mem_free(offsets);
	return rc;
}

/* --- The file -------------------------------------------------------------------------------------- */

bool gguf_is(struct slice file)
{
	return file.size >= 4 && memcmp(file.data, "GGUF", 4) == 0;
}

static int read_alignment(struct gguf *g, struct error *e)
{
	const struct gguf_value *v = gguf_find(g, "general.alignment");
	g->alignment = 32;
	if (!v)
		return 0;
	if (v->type != GGUF_UINT32)
		return error_set(e, ERROR_MODEL, "general.alignment is not a uint32");
	uint64_t n = little(v->bytes.data, 4);
	if (n == 0 || n & (n - 1) || n % 8 || n > GGUF_ALIGNMENT_MOST)
		return error_set(e, ERROR_MODEL,
			"general.alignment is %llu, not a power of two from 8 to %d",
			(unsigned long long)n, GGUF_ALIGNMENT_MOST);
	g->alignment = (size_t)n;
	return 0;
}

static int read_counts(struct gguf *g, struct cursor *c)
{
	/* a tensor has 32 bytes in the table at least, a value 13 */
	uint64_t version = 0, tensors = 0, values = 0;
	if (read_number(c, 4, &version))
		return -1;
	if (version && (version & 0xffff) == 0)
		return error_set(c->error, ERROR_MODEL, "it is big-endian, which is not supported");
	if (version != 2 && version != 3)
		return error_set(c->error, ERROR_MODEL,
			"version %llu is not supported, only 2 and 3", (unsigned long long)version);
	if (read_number(c, 8, &tensors) || read_number(c, 8, &values))
		return -1;
	if (tensors > GGUF_TENSORS_MOST || tensors > left(c) / 32)
		return error_set(c->error, ERROR_MODEL,
			"more tensors than there are bytes for: %llu", (unsigned long long)tensors);
	if (values > GGUF_VALUES_MOST || values > left(c) / 13)
		return error_set(c->error, ERROR_MODEL, "more keys than there are bytes for: %llu",
			(unsigned long long)values);
	g->version = (uint32_t)version;
	g->n_tensors = (size_t)tensors;
	g->n_values = (size_t)values;
	return 0;
}

static int read_all(struct gguf *g, struct slice file, struct arena *arena, struct error *e)
{
	struct cursor c = { file.data, file.data + file.size, e };
	if (!gguf_is(file))
		return error_set(e, ERROR_MODEL, "it does not begin with \"GGUF\"");
	c.at += 4;
	if (read_counts(g, &c))
		return -1;
	g->values = arena_zero(arena, g->n_values, sizeof *g->values);
	g->tensors = arena_zero(arena, g->n_tensors, sizeof *g->tensors);
	return read_values(g, &c) || read_alignment(g, e) || read_tensors(g, file, &c) ? -1 : 0;
}

int gguf_read(struct gguf *g, struct slice file, struct arena *arena, struct error *e)
{
	*g = (struct gguf){ 0 };
	if (read_all(g, file, arena, e)) {
		*g = (struct gguf){ 0 };
		return error_wrap(e, "GGUF");
	}
	return 0;
}

/* --- Looking up ------------------------------------------------------------------------------------ */

const struct gguf_value *gguf_find(const struct gguf *g, const char *key)
{
	struct slice k = slice_from(key);
	for (size_t i = 0; i < g->n_values; i++)
		if (slice_equal(g->values[i].key, k))
			return &g->values[i];
	return NULL;
}

const struct gguf_tensor *gguf_tensor(const struct gguf *g, struct slice name)
{
	for (size_t i = 0; i < g->n_tensors; i++)
		if (slice_equal(g->tensors[i].name, name))
			return &g->tensors[i];
	return NULL;
}

static int wrong(const char *key, const char *what, struct error *e)
{
	return error_set(e, ERROR_MODEL, "%s is not %s", key, what);
}

int gguf_text(const struct gguf *g, const char *key, struct slice *to, struct error *e)
{
	const struct gguf_value *v = gguf_find(g, key);
	if (!v)
		return 0;
	if (v->type != GGUF_STRING)
		return wrong(key, "a string", e);
	*to = (struct slice){ v->bytes.data + 8, v->bytes.size - 8 };
	return 0;
}

int gguf_bool(const struct gguf *g, const char *key, bool *to, struct error *e)
{
	const struct gguf_value *v = gguf_find(g, key);
	if (!v)
		return 0;
	if (v->type != GGUF_BOOL)
		return wrong(key, "a bool", e);
	*to = *v->bytes.data;
	return 0;
}

int gguf_number(const struct gguf *g, const char *key, int64_t *to, struct error *e)
{
	const struct gguf_value *v = gguf_find(g, key);
	if (!v)
		return 0;
	if (v->type > GGUF_INT32 && v->type != GGUF_UINT64 && v->type != GGUF_INT64)
		return wrong(key, "a whole number", e);
	uint64_t n = little(v->bytes.data, sizes[v->type]);
	bool negative = (v->type == GGUF_INT8 || v->type == GGUF_INT16 || v->type == GGUF_INT32 ||
				v->type == GGUF_INT64) &&
			n >> (8 * sizes[v->type] - 1) & 1;
	if (!negative && n > INT64_MAX)
		return wrong(key, "a number below 2^63", e);
	if (negative && sizes[v->type] < 8)
		n |= ~(uint64_t)0 << 8 * sizes[v->type];
	memcpy(to, &n, sizeof n);
	return 0;
}

int gguf_array(const struct gguf *g, const char *key, enum gguf_type of, struct slice *bytes,
	size_t *n, struct error *e)
{
	static const char *const names[TYPES] = { "uint8", "int8", "uint16", "int16", "uint32",
		"int32", "float32", "bool", "string", "array", "uint64", "int64", "float64" };
	const struct gguf_value *v = gguf_find(g, key);
	*n = 0;
	if (!v)
		return 0;
	if (v->type != GGUF_ARRAY || v->of != of)
		return error_set(e, ERROR_MODEL, "%s is not an array of %s", key, names[of]);
	*bytes = v->bytes;
	*n = v->n;
	return 0;
}

int gguf_strings(const struct gguf *g, const char *key, struct arena *arena, struct slice **strings,
	size_t *n, struct error *e)
{
	struct slice bytes = { NULL, 0 };
	if (gguf_array(g, key, GGUF_STRING, &bytes, n, e))
		return -1;
	*strings = ARENA_ARRAY(arena, struct slice, *n);
	const char *p = bytes.data;
	for (size_t i = 0; i < *n; i++) {
		size_t size = (size_t)little(p, 8); /* read_elements has seen it */
		(*strings)[i] = (struct slice){ p + 8, size };
		p += 8 + size;
	}
	return 0;
}

float gguf_float_at(struct slice bytes, size_t i)
{
	uint32_t bits = (uint32_t)little(bytes.data + 4 * i, 4);
	float v;
	memcpy(&v, &bits, sizeof v);
	return v;
}

int32_t gguf_int32_at(struct slice bytes, size_t i)
{
	uint32_t bits = (uint32_t)little(bytes.data + 4 * i, 4);
	int32_t v;
	memcpy(&v, &bits, sizeof v);
	return v;
}
