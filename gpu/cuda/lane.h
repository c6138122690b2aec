/*
 * lane.h: what device.cu, memory.cu, copy.cu and weight.cu share: a card, and a lane on it
 * (gpu/backend.h).
 */
#pragma once
#include <pthread.h>

#include "gpu/cuda/cuda.h"

/* Bytes that memory is cut to, and of a slot of the ring (copy.cu): few where tests shall go round it. */
#if defined HEDDLE_EMULATOR
enum : size_t { GRAIN = 512, SLOT = (size_t)64 << 10, SLOTS = 4 };
#else
enum : size_t { GRAIN = 512, SLOT = (size_t)4 << 20, SLOTS = 4 };
#endif

struct piece {
	struct piece *next;
	char *data;
	size_t size;
};

struct card {
	int ordinal, processors, capability;
	size_t shared;
	bool begun;
	pthread_mutex_t mutex;
	struct piece *unused, *used; /* under the mutex */
	struct error failure; /* under the mutex */
	char name[192]; /* one line; grows when the library is sought */
	char note[128]; /* the first product that the library refused, or "" */
	struct cublaslt *library; /* cublaslt.cu; NULL: none */
	bool library_sought;
};

struct lane {
	struct card *card;
	bool root, begun;
	cudaStream_t stream;
	struct piece *pieces, *current; /* the arena: in order; the one that is being filled */
	size_t filled;
	char *pinned, *staged; /* the ring of copy.cu on the host and on the card */
	size_t slot, at; /* in the ring: the slot that is being filled, and how far */
	cudaEvent_t passed[SLOTS];
	bool recorded[SLOTS];
};

/* --- device.cu --- */

/* The lane's stream, and with the first one the card's context; on this thread too. */
bool cuda_begin(struct lane *);

/* The card's first failure is this, unless there is one. */
void cuda_fail(struct card *, int code, const char *text);

int cuda_sync(struct lane *, struct error *);

/* --- memory.cu --- */

void *cuda_alloc(struct lane *, size_t size);
void cuda_release(struct lane *, void *);
void cuda_memory(struct lane *, size_t *available, size_t *total);
void cuda_pieces_free(struct piece **list);

/* For the emulator (tests/emu/emu.h), which sees pieces only: tell it, in the lane's order, what of
 * them has been handed out and not yet been written, and what is nobody's. */
#if defined HEDDLE_EMULATOR
static inline void hand_out(struct lane *lane, char *p, size_t size)
{
	emu_region(p, size, true, lane->stream);
}

static inline void take_back(struct lane *lane, char *p, size_t size)
{
	emu_region(p, size, false, lane->stream);
}
#else
static inline void hand_out(struct lane *, char *, size_t)
{
}

static inline void take_back(struct lane *, char *, size_t)
{
}
#endif

/* --- copy.cu --- */

void cuda_read(struct lane *, void *host, const void *from, size_t rows, size_t bytes,
	size_t stride);
void cuda_write(struct lane *, void *to, const void *host, size_t rows, size_t bytes,
	size_t stride);
void cuda_ring_free(struct lane *);

/* --- weight.cu --- */

void cuda_weight_new(
	struct lane *, struct weight *, const float *w, size_t stride, const float *bias);
void cuda_weight_free(struct weight *);

/* --- cublaslt.cu --- */

void cuda_lt_close(struct card *);
