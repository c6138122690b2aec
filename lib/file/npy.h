/*
 * npy.h: matrices of float32 as NumPy keeps them (NEP 1, format 1.0 and 2.0). Reading takes <f4,
 * <f8 and <f2, C or Fortran order, 2-D; object arrays are refused.
 */
#pragma once
#include "lib/base/error.h"
#include "lib/base/memory.h"

/* The whole matrix [N, C] into the arena; finite values only (65). */
int npy_read(const char *path, struct arena *, float **rows, size_t *n, size_t *c, struct error *);

/*
 * Rows are added as they come; the number of rows is written into the header at the end.
 * Appears under its name when closed.
 */
struct npy_writer;
struct npy_writer *npy_writer_open(const char *path, struct error *);
/* c is the same for every row (CHECK). */
int npy_writer_add(struct npy_writer *, const float *row, size_t c, struct error *);
int npy_writer_close(struct npy_writer *, struct error *);
void npy_writer_abandon(struct npy_writer *);
