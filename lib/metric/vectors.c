/* vectors.c: vectors of records. */
#include "lib/metric/vectors.h"

int vectors_add(struct vectors *v, const struct record *r, size_t want, const char *key,
	struct arena *arena, struct error *e)
{
	float *x;
	size_t n;
	if (record_vector(r, want, key, arena, &x, &n, e))
		return -1;
	if (v->n && n != v->size)
		return record_error(r, e, "key \"%s\" has %zu number%s, those before have %zu", key,
			n, plural(n), v->size);
	v->size = n;
	v->at = mem_grow(v->at, &v->capacity, size_mul(v->n + 1, n), sizeof *v->at);
	memcpy(v->at + v->n++ * n, x, n * sizeof *x);
	return 0;
}

void vectors_free(struct vectors *v)
{
	mem_free(v->at);
	*v = (struct vectors){ 0 };
}

double vectors_distance(const struct vectors *v, size_t i, size_t j)
{
	const float *a = vectors_row(v, i), *b = vectors_row(v, j);
	double sum = 0;
	for (size_t k = 0; k < v->size; k++) {
		double d = (double)a[k] - (double)b[k];
		sum += d * d;
	}
	return sqrt(sum);
}
