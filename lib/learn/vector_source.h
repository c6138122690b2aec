/*
 * vector_source.h: where the vectors of records come from: a .npy file beside them, row i for
 * record i, or a key of theirs. The first record decides whether records have the key; all have
 * vectors of one size then.
 */
#pragma once
#include "lib/record/record.h"

struct vector_source {
	const char *key, *path; /* path: of the .npy file, else NULL */
	size_t want;
	bool in_records, decided;
	const float *rows; /* of the file */
	size_t n, size; /* size: of every vector; 0 until it is known */
	struct arena *arena;
};

/* Before the first record is read; the source is zeroed. */
int vector_source_open(
	struct vector_source *, struct reader *, const char *key, const char *path, struct error *);

/*
 * The vector of a record, in the arena or in the file's rows; NULL where records have none. -1 and
 * the error for a bad one.
 */
int vector_source_next(struct vector_source *, const struct record *, struct arena *,
	const float **row, struct error *);

/*
 * -1 and the error (65) where the file had another number of rows than there were records. Frees
 * the rows in any case.
 */
int vector_source_close(struct vector_source *, size_t n_records, struct error *);
