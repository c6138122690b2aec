/*
 * tensor.h: devices, and arrays on them.
 *
 * A device computes the operations of ops.h. What a device is told happens in order; results are
 * there when tensor_read or device_sync returns. The first failure (memory, a lost GPU) sticks to
 * the device, later operations do nothing, and device_sync reports it: model code reads as
 * mathematics.
 *
 * Work that falls into independent groups (whole sequences of about device_group_tokens tokens,
 * blocks of rows) is given to device_parallel: it calls a function once a group with a lane, a
 * device of its own on which that group's operations run in order while other lanes run beside it.
 * On the CPU a lane is one thread that computes serially with its own memory, so that a group
 * passes through a whole model without a barrier; on a GPU it is a stream. Outside of
 * device_parallel an operation spreads over the whole device by itself. Results never depend on
 * which of the two was used.
 *
 * A device (and a lane) is used by one thread at a time; any number of threads may use devices of
 * their own.
 */
#pragma once
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/memory.h"

struct device;

/*
 * name: "cpu", "cuda" or "cuda:N", or "auto" (also NULL), the best there is.
 * HEDDLE_CPU=portable|avx2| avx512 chooses the CPU's kernels, otherwise the best that the processor
 * has. Returns 0; or -1 and ERROR_UNAVAILABLE for a device or kernels that are not there,
 * ERROR_USAGE for a word that is none.
 */
int device_open(const char *name, struct device **, struct error *);
void device_free(struct device *);

/* Wait for everything; 0, or -1 and the first failure since the device was opened. */
int device_sync(struct device *, struct error *);

/* After device_sync has reported ERROR_RETRY, no memory on the device: forget that and give back what
 * lanes have taken, so that smaller work may be tried. False where another failure stands. */
bool device_recover(struct device *);

/* Whether it is a GPU. */
bool device_on_card(const struct device *);

/* Bytes on the device that no process has; SIZE_MAX on the CPU. */
size_t device_memory(struct device *);

/* What the device is, for -v and --stats-json: "cpu avx512", one line, lives as long as the
 * device. */
const char *device_name(const struct device *);

/* What has gone otherwise than device_name says, one line, so far: products that a library should have
 * computed and refused. NULL: nothing. */
const char *device_note(const struct device *);

/* fn(device) for each, once it has been opened and again before it is freed, when its name and note say
 * all; NULL: no more. Not beside device_open and device_free. */
typedef void device_watcher(const struct device *);
void device_watch(device_watcher *);

/* A line on the CPU's kernels that device_open("cpu") would take, then one on each card, or one with
 * the name "cuda" on why there is none. */
typedef void device_line(void *context, const char *name, const char *about);
void device_list(device_line *, void *context);

/* How many tokens make a group that keeps one lane busy and its data near (400 on a CPU, 16384 on a
 * GPU). */
size_t device_group_tokens(const struct device *);

/* fn(context, lane, i) for i in 0..n-1, in any order, several at a time; returns when all are done.
 * What fn allocates on the lane is gone when it returns. With n = 1 the lane is the device itself,
 * so that operations inside spread over it. */
typedef void device_function(void *context, struct device *lane, size_t i);
void device_parallel(struct device *, size_t n, device_function *fn, void *context);

/* Sums are always float32 (integers for I8 by I8). BF16 is the upper half of a float32, F16 IEEE's
 * binary16. TF32 is float32 whose products may be rounded, for weights alone. I64 is a size_t where one
 * lies on a device. */
enum dtype { F32, BF16, F16, TF32, I8, I32, I64, F64 };
size_t dtype_size(enum dtype);

/*
 * A view of elements on a device: cheap, passed by value, owns nothing. Strides count elements; the
 * last dimension's is 1. A tensor with data NULL and no dimensions, TENSOR_NONE, stands for "not
 * there" where an operation allows that. An empty tensor (a shape with a 0) is valid.
 */
enum { TENSOR_DIMS = 4 };
struct tensor {
	void *data; /* on the device: only operations and tensor_read look at it */
	enum dtype dtype;
	unsigned n_dims;
	size_t shape[TENSOR_DIMS], stride[TENSOR_DIMS];
	void *twin; /* of tensor_twin, or NULL */
	enum dtype twin_dtype;
};
#define TENSOR_NONE ((struct tensor){ .data = NULL })

/* Uninitialised, contiguous, in the device's arena: it lives until device_reset goes back before
 * it. */
struct tensor tensor_vector(struct device *, enum dtype, size_t n);
struct tensor tensor_matrix(struct device *, enum dtype, size_t rows, size_t columns);
struct tensor tensor_new(struct device *, enum dtype, unsigned n_dims, const size_t *shape);

/* A float32 matrix of whole eights of columns with a twin beside it, from now on: the same rounded
 * to the type that products with a weight take fastest (weight_activation). Those operations that
 * ops.h names write both, and products read the twin; no others may write the matrix, but by the
 * view without it, after which the twin is wrong until one of those writes it. For F32 the matrix
 * as it was. */
struct tensor tensor_twin(struct device *, struct tensor, enum dtype);

/* The twin as a matrix of its own; of a matrix without one the matrix. */
struct tensor tensor_halves(struct tensor);

/* Where the arena stands; going back frees what came after. */
struct arena_mark device_mark(struct device *);
void device_reset(struct device *, struct arena_mark);

/*
 * Host memory on the device, rows * columns elements, contiguous (columns 0: a vector of `rows`).
 * On the CPU the tensor is that memory itself, so it must outlive the tensor and is not const to
 * operations that write there; on a GPU it is copied. Not in the arena: tensor_release frees what
 * was copied.
 */
struct tensor tensor_upload(
	struct device *, enum dtype, size_t rows, size_t columns, const void *host);
void tensor_release(struct device *, struct tensor *);

/* Copy to the host, contiguous; waits for the device. After a failure the host memory is left
 * alone. Memory that is the tensor's own stays as it is, here and in tensor_write. */
void tensor_read(struct device *, struct tensor, void *host);

/* Copy from the host into a tensor, contiguous there. */
void tensor_write(struct device *, struct tensor, const void *host);

/* Views of a matrix: rows from .. from + n, or columns, which have no twin. Of a vector tensor_rows
 * takes elements. */
struct tensor tensor_rows(struct tensor, size_t from, size_t n);
struct tensor tensor_columns(struct tensor, size_t from, size_t n);

/* Product of the shape. */
size_t tensor_count(struct tensor);

/*
 * A matrix prepared as the right-hand side of products: copied, laid out in panels as the device's
 * kernels want it, with its bias. The layout is no part of the result. w is host memory [n, k] row
 * by row with a stride of `stride` elements (a Linear layer's weight: n outputs, k inputs); bias
 * [n] or NULL. dtype F32; or BF16, F16 or TF32, the fast modes of ops.h: w and whatever is multiplied
 * with it are rounded before the product. Nothing of the caller's is kept.
 */
struct weight;
struct weight *weight_new(struct device *, enum dtype, size_t n, size_t k, size_t stride,
	const float *w, const float *bias);
void weight_free(struct weight *);
size_t weight_outputs(const struct weight *); /* n */

/* The type in which products may take and give matrices, contiguous, besides F32 (ops.h): BF16 or
 * F16 of a fast mode where it is worth it, else F32. */
enum dtype weight_activation(const struct weight *);
