#include "lib/learn/vector_source.h"

#include "lib/file/npy.h"

int vector_source_open(struct vector_source *v, struct reader *reader, const char *key,
	const char *path, struct error *e)
{
	v->key = key;
	v->path = path;
	if (!path) {
		v->want = reader_want(reader, key);
		return 0;
	}
	float *rows;
	v->arena = arena_new();
	if (npy_read(path, v->arena, &rows, &v->n, &v->size, e))
		return -1;
	v->rows = rows;
	return 0;
}

int vector_source_next(struct vector_source *v, const struct record *record, struct arena *arena,
	const float **row, struct error *e)
{
	float *vector;
	size_t n;
	*row = NULL;
	if (v->path) {
		if (record->index >= v->n)
			return record_error(record, e, "%s has only %zu rows", v->path, v->n);
		*row = v->rows + record->index * v->size;
		return 0;
	}
	if (!v->decided)
		v->in_records = record_has(record, v->want);
	v->decided = true;
	if (!v->in_records)
		return 0;
	if (record_vector(record, v->want, v->key, arena, &vector, &n, e))
		return -1;
	if (v->size == 0)
		v->size = n;
	if (n == 0 || n != v->size)
		return record_error(record, e, "key \"%s\": %zu dimensions, not %zu as before",
			v->key, n, v->size);
	*row = vector;
	return 0;
}

int vector_source_close(struct vector_source *v, size_t n_records, struct error *e)
{
	arena_free(v->arena);
	v->arena = NULL;
	v->rows = NULL;
	if (v->path && v->n != n_records)
		return error_set(
			e, ERROR_DATA, "%s has %zu rows for %zu records", v->path, v->n, n_records);
	return 0;
}
