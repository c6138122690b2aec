/*
 * mapping.h: a file's bytes, mapped read-only and private. Model weights, vocabularies and
 * configurations are read through it. See safetensors.h for what happens when the file is cut
 * short meanwhile.
 */
#pragma once
#include "lib/base/error.h"
#include "lib/base/slice.h"

/* Map a regular file; empty gives size 0. ERROR_NO_INPUT where it is none or cannot be opened,
 * ERROR_IO otherwise. */
int mapping_open(const char *path, struct slice *bytes, struct error *);
void mapping_close(struct slice bytes);

/*
 * Tell the system that these bytes are not needed for now: they leave the resident set, and
 * come back when touched.
 */
void mapping_forget(const void *data, size_t size);
