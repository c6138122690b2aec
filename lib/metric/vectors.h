/*
 * vectors.h: the vectors of records, kept as float32 and measured in double.
 */
#pragma once
#include "lib/metric/metric.h"

struct vectors {
	float *at; /* [n, size] */
	size_t n, size, capacity;
};

/* Keep the vector of a record: -1 and the error (65) where it has none, or one of another size. */
int vectors_add(struct vectors *, const struct record *, size_t want, const char *key,
	struct arena *, struct error *);
void vectors_free(struct vectors *);

static inline const float *vectors_row(const struct vectors *v, size_t i)
{
	return v->at + i * v->size;
}

/* The Euclidean distance. */
double vectors_distance(const struct vectors *, size_t i, size_t j);
