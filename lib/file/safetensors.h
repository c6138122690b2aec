/*
 * safetensors.h: named tensors in a file (https://github.com/huggingface/safetensors): 8 bytes of header length, a JSON header, data.
 * Model weights are read from it; fitted state (reductions, clusterings, topics, classifiers) is written in it too, with its
 * parameters in __metadata__.
 *
 * Files are mapped. Every rule of the format is checked on opening: lengths, offsets, no holes, no overlap, no duplicate names, known
 * dtypes, shape times size equal to the bytes. Data starts are not aligned for their type in foreign files: use tensor_file_floats or
 * memcpy.
 */
#pragma once
#include "lib/record/json.h"

enum file_dtype { FILE_BOOL, FILE_U8, FILE_I8, FILE_I16, FILE_U16, FILE_F16, FILE_BF16, FILE_I32, FILE_U32, FILE_F32, FILE_F64,
	FILE_I64, FILE_U64, FILE_OTHER /* known, not computed on: F4, F6, F8, C64 */ };
enum { FILE_DIMS = 8 };

struct file_tensor {
	struct slice name;
	enum file_dtype dtype;
	size_t n_dims, shape[FILE_DIMS], count;	/* count: product of shape */
	struct slice data;
};

struct tensor_file;

/* One .safetensors, or a .safetensors.index.json with its shards (plain basenames beside it). Exit codes: 66, 74 or 78. */
struct tensor_file *tensor_file_open(const char *path, struct error *);
void tensor_file_close(struct tensor_file *);
size_t tensor_file_count(const struct tensor_file *);
const struct file_tensor *tensor_file_at(const struct tensor_file *, size_t i);	/* in order of the file */
const struct file_tensor *tensor_file_find(const struct tensor_file *, const char *name);	/* NULL if absent */
struct slice tensor_file_metadata(const struct tensor_file *, const char *key, struct arena *);	/* text; data NULL if absent */

/* The elements as float32 (from F32, F16, BF16, F64, or integers exactly held): converted into the arena, or in place where the file's
 * bytes will do. shape is checked where n_dims is not 0. NULL and an error naming the tensor otherwise. */
const float *tensor_file_floats(const struct tensor_file *, const char *name, size_t n_dims, const size_t *shape, struct arena *,
	struct error *);

/* --- Writing --------------------------------------------------------------------------------------------------------- */

struct tensor_writer;
struct tensor_writer *tensor_writer_new(void);
void tensor_writer_free(struct tensor_writer *);
void tensor_writer_metadata(struct tensor_writer *, const char *key, struct slice text);
/* data is not copied: it must live until tensor_writer_save. Data starts are aligned to 64 bytes by padding the header with spaces. */
void tensor_writer_add(struct tensor_writer *, const char *name, enum file_dtype, size_t n_dims, const size_t *shape, const void *data);
/* Beside the path, fsync, rename. The same content gives the same bytes. */
int tensor_writer_save(const struct tensor_writer *, const char *path, struct error *);
