/*
 * similarity.h: what sts and pairs measure: a predicted number, or how alike two vectors of a record
 * are (--embedding-keys).
 */
#pragma once
#include "lib/metric/metric.h"

enum similarity {
	SIMILARITY_COSINE, /* 0 where a vector is all zeros */
	SIMILARITY_DOT,
	SIMILARITY_EUCLIDEAN, /* distances count negative, so that more is more alike */
	SIMILARITY_MANHATTAN,
	SIMILARITIES,
};

/* The state of such a metric; a unit is double [1 + k], the reference first. */
struct similarity_state {
	struct measure m;
	size_t left, right; /* places of the vectors' keys */
	size_t k; /* SIMILARITIES, or 1 for a number */
};

/* For a metric's open. */
int similarity_open(struct measure *, struct reader *, struct error *);
/* The end of a figure's name for similarity i: "_cosine", or "" for a number. */
const char *similarity_suffix(const struct similarity_state *, size_t i);
/* The number, or all similarities in double, and the reference into a unit: 0; -1 and the error. */
int similarity_keep(struct similarity_state *, const struct record *, double reference,
	struct arena *, struct error *);
/* The reference and similarity i of unit u. */
static inline const double *similarity_unit(const struct similarity_state *s, size_t u)
{
	return (const double *)s->m.units + u * (1 + s->k);
}
