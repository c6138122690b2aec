/*
 * vector_source.h: where the vectors of records come from: a .npy file beside them, row i for
 * record i, or a key of theirs. All have one size.
 */
#pragma once
#include "lib/record/record.h"

enum { VECTOR_KEYS = 2 };

struct vector_source {
	/* Set before opening; all else is zero. */
	const char *keys[VECTOR_KEYS]; /* the first of these that a record has is the key of all */
	const char *path; /* of a .npy file, which keys are then not read for; or NULL */
	bool optional; /* the first record decides whether records have vectors at all */
	size_t size; /* of every vector; 0: that of the first */
	const char *whose; /* "the topics have": what wants that size, where it is set */
	const char *hint; /* what to do where there are none of the size: "reduce -n 2"; or NULL */

	/* Its own. */
	size_t places[VECTOR_KEYS], n_keys, place;
	const char *key; /* that was chosen, or NULL */
	bool absent;
	const float *rows; /* of the file */
	size_t n_rows;
	struct arena *arena;
};

/* Before the first record is read. */
int vector_source_open(struct vector_source *, struct reader *, struct error *);

/*
 * The vector of a record, in the arena or in the file's rows; NULL where records have none. -1 and
 * the error for a bad one.
 */
int vector_source_next(struct vector_source *, const struct record *, struct arena *,
	const float **row, struct error *);

/*
 * The same in two steps, of which the first may run in several threads at once where there is one
 * key and it is not optional: read the vector and its size n, then check that this is the size.
 */
int vector_source_read(const struct vector_source *, const struct record *, struct arena *,
	const float **row, size_t *n, struct error *);
int vector_source_check(struct vector_source *, const struct record *, size_t n, struct error *);

/*
 * -1 and the error (65) where the file had another number of rows than there were records. Frees
 * the rows in any case.
 */
int vector_source_close(struct vector_source *, size_t n_records, struct error *);

/* Vectors that are kept, one after the other. */
struct vector_table {
	float *at; /* [n, size] */
	size_t n, capacity;
};

/* size: the same for every row. */
void vector_table_add(struct vector_table *, const float *row, size_t size);
