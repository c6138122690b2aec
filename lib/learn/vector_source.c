#include "lib/learn/vector_source.h"

#include "lib/file/npy.h"

static int open_file(struct vector_source *v, struct error *e)
{
	float *rows;
	size_t size;
	v->arena = arena_new();
	if (npy_read(v->path, v->arena, &rows, &v->n_rows, &size, e))
		return -1;
	v->rows = rows;
	if (size == 0)
		return error_set(e, ERROR_DATA, "%s has rows of no numbers", v->path);
	if (v->size && size != v->size)
		return error_set(e, ERROR_DATA, "%s has rows of %zu number%s, %s %zu", v->path,
			size, plural(size), v->whose, v->size);
	v->size = size;
	return 0;
}

int vector_source_open(struct vector_source *v, struct reader *reader, struct error *e)
{
	CHECK(v->keys[0] && (!v->size || v->whose));
	if (v->path)
		return open_file(v, e);
	for (; v->n_keys < VECTOR_KEYS && v->keys[v->n_keys]; v->n_keys++)
		v->places[v->n_keys] = reader_want(reader, v->keys[v->n_keys]);
	if (v->n_keys == 1 && !v->optional)
		v->key = v->keys[0];
	v->place = v->places[0];
	return 0;
}

static void choose_key(struct vector_source *v, const struct record *record)
{
	for (size_t i = 0; i < v->n_keys && !v->key; i++) {
		if (!record_has(record, v->places[i]))
			continue;
		v->key = v->keys[i];
		v->place = v->places[i];
	}
	v->absent = !v->key && v->optional;
}

int vector_source_read(const struct vector_source *v, const struct record *record,
	struct arena *arena, const float **row, size_t *n, struct error *e)
{
	float *vector;
	if (v->path) {
		if (record->index >= v->n_rows)
			return record_error(record, e, "%s has only %zu row%s", v->path, v->n_rows,
				plural(v->n_rows));
		*row = v->rows + record->index * v->size;
		*n = v->size;
		return 0;
	}
	if (!record_has(record, v->place) && v->hint)
		return record_error(record, e, "no key \"%s\": %s", v->key, v->hint);
	if (record_vector(record, v->place, v->key, arena, &vector, n, e))
		return -1;
	*row = vector;
	return 0;
}

int vector_source_check(
	struct vector_source *v, const struct record *record, size_t n, struct error *e)
{
	if (v->size == 0)
		v->size = n;
	if (n == v->size)
		return 0;
	return record_error(record, e, "key \"%s\" has %zu number%s, %s %zu%s%s", v->key, n,
		plural(n), v->whose ? v->whose : "those before have", v->size, v->hint ? ": " : "",
		v->hint ? v->hint : "");
}

int vector_source_next(struct vector_source *v, const struct record *record, struct arena *arena,
	const float **row, struct error *e)
{
	size_t n;
	*row = NULL;
	if (!v->path && !v->key && !v->absent)
		choose_key(v, record);
	if (v->absent)
		return 0;
	if (!v->path && !v->key)
		return record_error(record, e, "no key \"%s\" or \"%s\"%s%s", v->keys[0],
			v->keys[1], v->hint ? ": " : "", v->hint ? v->hint : "");
	if (vector_source_read(v, record, arena, row, &n, e))
		return -1;
	return vector_source_check(v, record, n, e);
}

int vector_source_close(struct vector_source *v, size_t n_records, struct error *e)
{
	arena_free(v->arena);
	v->arena = NULL;
	v->rows = NULL;
	if (v->path && v->n_rows != n_records)
		return error_set(e, ERROR_DATA, "%s has %zu row%s for %zu record%s", v->path,
			v->n_rows, plural(v->n_rows), n_records, plural(n_records));
	return 0;
}

void vector_table_add(struct vector_table *t, const float *row, size_t size)
{
	size_t bytes = size_mul(size, sizeof *row);
	if (t->n == t->capacity) {
		size_t more = t->capacity ? t->capacity + t->capacity / 2 : 1024;
		t->at = mem_resize(t->at, size_mul(t->n, bytes), size_mul(more, bytes));
		t->capacity = more;
	}
	memcpy(t->at + t->n++ * size, row, bytes);
}
