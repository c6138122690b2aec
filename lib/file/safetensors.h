/*
 * safetensors.h: named tensors in a file (https://github.com/huggingface/safetensors): 8 bytes of
 * header length, a JSON header, data. Model weights are read from it; fitted state (reductions,
 * clusterings, topics, classifiers) is written in it too, with its parameters in __metadata__.
 *
 * Files are mapped. Every rule of the format is checked on opening: lengths, offsets, no holes,
 * no overlap, no duplicate names, known dtypes, shape times size equal to the bytes. Tensors of
 * foreign files are not aligned for their type: use tensor_file_floats or memcpy.
 *
 * A file that another process cuts short while it is mapped ends in SIGBUS on the next touch;
 * writers that rename (tensor_writer_save, huggingface_hub) never do that. The command frame may
 * catch the signal and say so; reading weights into memory of our own would cost their size for
 * every process on the machine.
 */
#pragma once
#include "lib/base/memory.h"
#include "lib/record/json.h"

enum file_dtype {
	FILE_BOOL,
	FILE_U8,
	FILE_I8,
	FILE_I16,
	FILE_U16,
	FILE_F16,
	FILE_BF16,
	FILE_I32,
	FILE_U32,
	FILE_F32,
	FILE_F64,
	FILE_I64,
	FILE_U64,
	FILE_OTHER, /* known, not computed on: F4, F6, F8, C64 */
};
enum { FILE_DIMS = 8 };

struct file_tensor {
	struct slice name;
	enum file_dtype dtype;
	size_t n_dims, shape[FILE_DIMS], count; /* count: product of shape */
	struct slice data;
};

struct tensor_file;

/*
 * One .safetensors, or a .safetensors.index.json with its shards (plain basenames beside it), of
 * which the tensors that the index names are there. Exit codes: 66, 74 or 78.
 */
struct tensor_file *tensor_file_open(const char *path, struct error *);

/* The same from bytes in memory, which must live as long; name is for messages. */
struct tensor_file *tensor_file_from(struct slice bytes, const char *name, struct error *);

void tensor_file_close(struct tensor_file *);
size_t tensor_file_count(const struct tensor_file *);

/* In order of the data in the file, shard by shard. */
const struct file_tensor *tensor_file_at(const struct tensor_file *, size_t i);

/* The path or name it was opened by. */
const char *tensor_file_path(const struct tensor_file *);

/* NULL if absent. */
const struct file_tensor *tensor_file_find(const struct tensor_file *, const char *name);

/* A text of __metadata__ (of the first shard that has it), in the arena; data NULL if absent. */
struct slice tensor_file_metadata(const struct tensor_file *, const char *key, struct arena *);

/* "F32", "BF16", …; the size of an element in bytes (0 for FILE_OTHER). */
const char *file_dtype_name(enum file_dtype);
size_t file_dtype_size(enum file_dtype);

/*
 * The elements as float32: from F32, F16, BF16, F64 (rounded) or integers that float32 holds
 * exactly. Converted into the arena, or in place where the file's bytes will do. shape is checked
 * where n_dims is not 0. NULL and an error naming the tensor otherwise. NaN and infinity are
 * legal here.
 */
const float *tensor_file_floats(const struct tensor_file *, const char *name, size_t n_dims,
	const size_t *shape, struct arena *, struct error *);

/*
 * The bytes of a tensor that must have this dtype and shape (n_dims 0: any shape), aligned to its
 * element: in place where they are, else copied into the arena. NULL and an error naming the
 * tensor otherwise.
 */
const void *tensor_file_bytes(const struct tensor_file *, const char *name, enum file_dtype,
	size_t n_dims, const size_t *shape, struct arena *, struct error *);

/* --- Writing -------------------------------------------------------------------------------- */

struct tensor_writer;
struct tensor_writer *tensor_writer_new(void);
void tensor_writer_free(struct tensor_writer *);

/* A key of __metadata__, each once. */
void tensor_writer_metadata(struct tensor_writer *, const char *key, struct slice text);

/*
 * A tensor; names each once. data is not copied: it must live until tensor_writer_save. In the
 * file, tensors of wider elements come first, so that each starts aligned to its type; the first
 * to 64 bytes, by spaces after the header.
 */
void tensor_writer_add(struct tensor_writer *, const char *name, enum file_dtype, size_t n_dims,
	const size_t *shape, const void *data);

/* Beside the path, fsync, rename. The same content gives the same bytes. */
int tensor_writer_save(const struct tensor_writer *, const char *path, struct error *);
