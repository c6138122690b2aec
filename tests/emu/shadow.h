/*
 * shadow.h: what the emulator knows of each byte that device code may touch: a state, and who has
 * written and read it when.
 *
 * Time is counted in epochs, 1, 2, …, each the number of something that orders threads: an operation
 * on a stream, a block, a barrier of a block, a __syncwarp of a whole warp. As blocks run one after
 * another, the numbers of one block follow each other and an access's epoch tells its launch, its
 * block, and what it is separated by from another one. Within a warp, __syncwarps of a part of it are
 * counted by lane (a vector clock). An access leaves a stamp: its epoch, thread, clock, whether it was
 * atomic, and its place in the code.
 *
 * A word of four bytes has one cell while it is accessed as a whole; the first narrower access gives
 * each of its bytes a cell of its own, until a whole word is written again. A cell keeps the last
 * write and two reads, of different blocks, warps or threads if there are: with them, a write that
 * some read was not ordered before is found (C. Flanagan and S. Freund, "FastTrack", 2009, keeps all
 * reads; two suffice where only barriers order, and __syncwarp's exceptions lose little).
 */
#pragma once
#include "internal.h"

enum byte_state { BYTE_OUTSIDE, BYTE_UNWRITTEN, BYTE_WRITTEN };

typedef uint64_t stamp;
enum {
	STAMP_SITE = 16,
	STAMP_CLOCK = 11,
	STAMP_THREAD = 10,
	STAMP_THREAD_AT = STAMP_SITE + 1 + STAMP_CLOCK,
	STAMP_EPOCH_AT = STAMP_THREAD_AT + STAMP_THREAD,
	CLOCK_MOST = (1 << STAMP_CLOCK) - 1,
	EPOCH_MOST = (1 << (64 - STAMP_EPOCH_AT)) - 1
};
#define STAMP_ATOMIC ((stamp)1 << STAMP_SITE)
#define STAMP_SPLIT (~(stamp)0) /* written: the bytes have cells */

static inline uint32_t stamp_epoch(stamp s)
{
	return (uint32_t)(s >> STAMP_EPOCH_AT);
}
static inline unsigned stamp_thread(stamp s)
{
	return (unsigned)(s >> STAMP_THREAD_AT) & (MOST_THREADS - 1);
}
static inline unsigned stamp_clock(stamp s)
{
	return (unsigned)(s >> (STAMP_SITE + 1)) & CLOCK_MOST;
}

struct cell {
	stamp written, read, read2;
};

/* Addresses that have a shadow: static shared variables, dynamic shared memory, device memory.
 * base is a multiple of 16. */
struct space {
	uintptr_t base;
	size_t size;
	bool shared; /* what was written before this block began was not written */
	uint8_t *state;
	struct cell *words, *bytes;
};
enum { SPACE_DEVICE, SPACE_STATIC, SPACE_DYNAMIC, SPACES };
extern struct space spaces[SPACES];

static inline struct space *space_of(uintptr_t at)
{
	for (int i = 0; i < SPACES; i++)
		if (at - spaces[i].base < spaces[i].size)
			return &spaces[i];
	return NULL;
}

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_ATOMIC_READ, ACCESS_ATOMIC_WRITE, ACCESS_ATOMIC };

/* One access of device code: 1, 2, 4, 8 or 16 bytes with `aligned`, else any number. */
void shadow_access(uintptr_t at, size_t size, enum access, bool aligned, uintptr_t pc);
/* An operation on a stream reads or writes bytes; what names it. */
void shadow_copy(uintptr_t at, size_t size, bool write, const char *what);
void shadow_state(uintptr_t at, size_t size, enum byte_state);
void shadow_open(void); /* once */
void shadow_shared_size(size_t dynamic);
void shadow_forget(uintptr_t at, size_t size); /* pages of an allocation that is gone */
void shadow_new_epochs(void); /* when the numbers come to an end */

static inline uint32_t epoch_next(void)
{
	return ++now.epoch;
}
