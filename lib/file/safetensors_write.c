/*
 * Writing safetensors: the header in one line, tensors of wide elements first (as the reference
 * writer does), names as given.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/file/safetensors.h"
#include "lib/record/record.h"

enum { ALIGNMENT = 64 };

struct entry {
	char *name;
	enum file_dtype dtype;
	size_t n_dims, shape[FILE_DIMS], bytes, order;
	const void *data;
};

struct tensor_writer {
	struct arena *arena;
	struct buffer metadata; /* members of __metadata__, as JSON */
	struct entry *entries;
	size_t n, capacity;
	struct slice *keys; /* of the metadata */
	size_t n_keys;
};

struct tensor_writer *tensor_writer_new(void)
{
	struct tensor_writer *w = mem_zero(1, sizeof *w);
	w->arena = arena_new();
	return w;
}

void tensor_writer_free(struct tensor_writer *w)
{
	if (!w)
		return;
	arena_free(w->arena);
	buffer_free(&w->metadata);
	mem_free(w->entries);
	mem_free(w->keys);
	mem_free(w);
}

void tensor_writer_metadata(struct tensor_writer *w, const char *key, struct slice text)
{
	for (size_t i = 0; i < w->n_keys; i++)
		CHECK(!slice_equal(w->keys[i], slice_from(key)));
	size_t size = sizeof *w->keys;
	w->keys = mem_resize(w->keys, w->n_keys * size, size_mul(w->n_keys + 1, size));
	w->keys[w->n_keys++] = arena_copy(w->arena, slice_from(key));
	if (w->metadata.size)
		buffer_char(&w->metadata, ',');
	json_write_string(&w->metadata, slice_from(key));
	buffer_char(&w->metadata, ':');
	json_write_string(&w->metadata, text);
}

void tensor_writer_add(struct tensor_writer *w, const char *name, enum file_dtype dtype,
	size_t n_dims, const size_t *shape, const void *data)
{
	CHECK(n_dims <= FILE_DIMS && dtype != FILE_OTHER && strcmp(name, "__metadata__") != 0);
	for (size_t i = 0; i < w->n; i++)
		CHECK(strcmp(w->entries[i].name, name) != 0);
	w->entries = mem_grow(w->entries, &w->capacity, w->n + 1, sizeof *w->entries);
	struct entry *t = &w->entries[w->n];
	*t = (struct entry){ .name = arena_string(w->arena, slice_from(name)),
		.dtype = dtype,
		.n_dims = n_dims,
		.bytes = file_dtype_size(dtype),
		.order = w->n++,
		.data = data };
	for (size_t i = 0; i < n_dims; i++) {
		t->shape[i] = shape[i];
		t->bytes = size_mul(t->bytes, shape[i]);
	}
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *s = a, *t = b;
	size_t m = file_dtype_size(s->dtype), n = file_dtype_size(t->dtype);
	if (m != n)
		return m > n ? -1 : 1;
	return s->order < t->order ? -1 : 1;
}

/* 8 bytes of length and the header, padded so that the data begins aligned. */
static void compose_header(
	const struct tensor_writer *w, const struct entry *entries, struct buffer *b)
{
	buffer_add(b, "\0\0\0\0\0\0\0", 8);
	buffer_char(b, '{');
	if (w->metadata.size) {
		buffer_text(b, "\"__metadata__\":{");
		buffer_slice(b, buffer_view(&w->metadata));
		buffer_text(b, w->n ? "}," : "}");
	}
	size_t at = 0;
	for (size_t i = 0; i < w->n; i++) {
		const struct entry *t = &entries[i];
		json_write_string(b, slice_from(t->name));
		buffer_printf(b, ":{\"dtype\":\"%s\",\"shape\":[", file_dtype_name(t->dtype));
		for (size_t k = 0; k < t->n_dims; k++)
			buffer_printf(b, "%s%zu", k ? "," : "", t->shape[k]);
		buffer_printf(b, "],\"data_offsets\":[%zu,%zu]}%s", at, at + t->bytes,
			i + 1 < w->n ? "," : "");
		at += t->bytes;
	}
	buffer_char(b, '}');
	while (b->size % ALIGNMENT)
		buffer_char(b, ' ');
	uint64_t n = b->size - 8;
	for (int i = 0; i < 8; i++)
		b->data[i] = (char)(n >> 8 * i);
}

int tensor_writer_save(const struct tensor_writer *w, const char *path, struct error *e)
{
	struct entry *entries = MEM_ARRAY(struct entry, w->n);
	if (w->n)
		memcpy(entries, w->entries, w->n * sizeof *entries);
	qsort(entries, w->n, sizeof *entries, compare_entries);
	struct buffer header = { NULL, 0, 0 };
	compose_header(w, entries, &header);
	struct output *out = output_open(path, e);
	int result = out ? output_write(out, header.data, header.size, e) : -1;
	for (size_t i = 0; i < w->n && !result; i++)
		if (entries[i].bytes)
			result = output_write(out, entries[i].data, entries[i].bytes, e);
	buffer_free(&header);
	mem_free(entries);
	return out && output_close(out, e) ? -1 : result;
}
