/*
 * gguf.h: GGUF files (ggml's docs/gguf.md, versions 2 and 3): metadata as typed keys and values, and a
 * table of tensors behind which their data lie. A file is read in place and may be of gigabytes: only
 * its header is touched.
 *
 * Files come from strangers. Every count, length and product is checked against what is left of the
 * file before anything is allocated; each of the reader's known holes (CVE-2024-21802, -21825, -21836,
 * -23496, -23605, -32878, -41130, CVE-2025-53630, CVE-2026-7482, -27940, -33298) is a row of
 * tests/unit/test_gguf.c. Nothing in a file is ever executed.
 */
#pragma once
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/memory.h"

enum gguf_type {
	GGUF_UINT8,
	GGUF_INT8,
	GGUF_UINT16,
	GGUF_INT16,
	GGUF_UINT32,
	GGUF_INT32,
	GGUF_FLOAT32,
	GGUF_BOOL,
	GGUF_STRING,
	GGUF_ARRAY,
	GGUF_UINT64,
	GGUF_INT64,
	GGUF_FLOAT64,
};

enum {
	GGUF_DIMS = 4,
	GGUF_KEY = 65535, /* bytes of a key */
	GGUF_NAME = 63, /* bytes of a tensor's name */
	GGUF_STRING_MOST = 64 << 20, /* bytes of a string */
	GGUF_VALUES_MOST = 1 << 16,
	GGUF_TENSORS_MOST = 1 << 20,
	GGUF_ALIGNMENT_MOST = 1 << 20,
};

struct gguf_value {
	struct slice key;
	enum gguf_type type;
	enum gguf_type of; /* GGUF_ARRAY: its elements' */
	size_t n; /* elements; 1 unless GGUF_ARRAY */
	struct slice bytes; /* as they lie in the file, little-endian; strings with their lengths */
};

struct gguf_tensor {
	struct slice name;
	uint32_t type; /* ggml's number; gguf_type_name */
	unsigned n_dims; /* 1 to GGUF_DIMS */
	uint64_t dims[GGUF_DIMS]; /* the fastest first; 1 behind n_dims */
	struct slice data;
};

struct gguf {
	uint32_t version;
	struct gguf_value *values;
	struct gguf_tensor *tensors;
	size_t n_values, n_tensors;
	size_t alignment;
};

/* Read what lies in memory, and must last; tables lie in the arena. -1 (ERROR_MODEL) where it is broken. */
int gguf_read(struct gguf *, struct slice file, struct arena *, struct error *);

/* Whether bytes begin as a GGUF file does. */
bool gguf_is(struct slice file);

/* What a tensor's type is called, "Q4_K"; NULL for one that is not known. */
const char *gguf_type_name(uint32_t type);

/* By name; NULL where there is none. Linear in their number. */
const struct gguf_value *gguf_find(const struct gguf *, const char *key);
const struct gguf_tensor *gguf_tensor(const struct gguf *, struct slice name);

/*
 * A value that must have its type, whole numbers any of whole numbers that can hold it: -1
 * (ERROR_MODEL), naming the key, for another. Where it is absent *to is left as it is.
 */
int gguf_text(const struct gguf *, const char *key, struct slice *to, struct error *);
int gguf_bool(const struct gguf *, const char *key, bool *to, struct error *);
int gguf_number(const struct gguf *, const char *key, int64_t *to, struct error *);

/* An array of a type: its elements' bytes; n 0 where it is absent. */
int gguf_array(const struct gguf *, const char *key, enum gguf_type of, struct slice *bytes,
	size_t *n, struct error *);

/* The strings of such an array, in place. */
int gguf_strings(const struct gguf *, const char *key, struct arena *, struct slice **strings,
	size_t *n, struct error *);

/* Elements of bytes. */
float gguf_float_at(struct slice bytes, size_t i);
int32_t gguf_int32_at(struct slice bytes, size_t i);
