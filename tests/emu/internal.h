/* internal.h: what the emulator's files share; see emu.h. One lock, emu_lock, is held by whoever is
 * inside: everything here is one thread's at a time. */
#pragma once
#include <stddef.h>

#include "emu.h"

enum { WARP = 32, MOST_THREADS = 1024, STACK = 128 << 10 };

void emu_lock(void);
void emu_unlock(void);

/* --- threads: fibre.c --- */

enum thread_state { THREAD_READY, THREAD_AT_BARRIER, THREAD_AT_WARP, THREAD_EXITED };

/* What a lane has come to a warp function with. */
struct lane_call {
	int op; /* enum emu_warp_op */
	unsigned mask;
	uint64_t value, result;
	int lane, width;
};

struct thread {
	void *sp; /* of the saved context */
	char *stack; /* its lowest byte */
	unsigned id, lane, warp;
	struct uint3 index;
	enum thread_state state;
	const char *file; /* where it waits */
	int line, predicate, vote;
	struct lane_call call;
	/* shadow.h: the warp's epoch, __syncwarps with part of the warp since, and how much of the
	 * other lanes' it has seen */
	uint32_t epoch;
	uint16_t clock, seen[WARP];
};

/* Save this context in *from, go on with `to`. */
void fibre_switch(void **from, void *to);
/* The context that calls entry() at the top of a stack; entry never returns. */
void *fibre_new(char *stack, size_t size, void (*entry)(void));
char *fibre_stacks(size_t n); /* n stacks of STACK bytes each with a gap before it */

/* --- what runs now: block.c --- */

struct launch {
	const void *kernel;
	dim3 grid, block;
	size_t shared;
	void (*run)(void *);
	void *closure;
	size_t closure_size;
};

struct now {
	struct thread *self; /* NULL: the host's code */
	unsigned budget; /* accesses until the thread is interrupted */
	const struct launch *launch;
	struct uint3 block;
	unsigned threads;
	struct thread *thread;
	void *scheduler; /* its context */
	/* epochs handed out (shadow.h): the last, the first of launch and block, of the last barrier */
	uint32_t epoch, launch_first, block_first, barrier;
	bool all_ordered; /* all earlier operations are done for certain: stream_ordered */
};
extern struct now now;

void launch_run(const struct launch *);
void thread_wait(enum thread_state, const char *file, int line); /* returns when ready again */
void thread_ready(struct thread *);
void thread_interrupt(void);

/* warp.c: complete the calls of this thread's warp that wait for nobody any more. */
void warp_settle(unsigned warp);
const char *warp_op_name(int op);
/* Why a thread waits in vain in a warp function: the report, never returns. */
_Noreturn void warp_stuck(const struct thread *);

/* --- random numbers: block.c --- */

extern uint64_t emu_seed; /* what emu_set_seed had */
uint64_t emu_random(void);
static inline uint32_t emu_below(uint32_t n)
{
	return (uint32_t)((emu_random() >> 32) * n >> 32);
}

/* --- reports: report.c --- */

_Noreturn void report(const char *what, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A place in the code, a thread, what lies at an address: text in a ring of buffers. */
const char *text_place(uintptr_t pc);
const char *text_thread(unsigned id);
const char *text_address(uintptr_t at);
const char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- limits: runtime.c --- */

size_t launch_shared_limit(const void *kernel); /* of dynamic shared memory, bytes */

/* --- symbols.c: the program's own symbol table --- */

struct symbol {
	const char *name;
	uintptr_t value; /* an address; of a thread-local its offset */
	size_t size;
};
const struct symbol *symbol_function(uintptr_t at);
const struct symbol *symbol_shared(uintptr_t offset); /* the last that begins at or before */
size_t symbol_shared_count(void);
const struct symbol *symbol_shared_at(size_t i);
size_t symbol_shared_size(void); /* of all of them */
uintptr_t symbol_shared_base(void); /* of the calling thread of the system */
uintptr_t symbol_code(size_t *size); /* the program's code */
bool symbol_static(uintptr_t at); /* in the program's own data */
uintptr_t symbol_bias(void); /* loaded address less that in the file */
const char *symbol_text(const char *name); /* demangled */

/* --- device memory: memory.c --- */

struct allocation {
	uintptr_t at;
	size_t size;
	bool freed;
	uintptr_t pc; /* who asked */
};
const struct allocation *allocation_find(uintptr_t at); /* the last that begins at or before */
bool memory_is_device(const void *);
bool memory_is_pinned(const void *);
void memory_open(bool open); /* to loads and stores, while operations run */

/* --- streams: stream.c --- */

/* Whether what an earlier operation wrote or read in this epoch is done for certain when the
 * present one begins; otherwise *who tells. */
bool stream_ordered(uint32_t epoch, const char **who);
/* Queue fn(context); name and place for reports. */
void stream_call(cudaStream_t, const char *name, void (*fn)(void *), void *context, uintptr_t pc);
void stream_drain(cudaStream_t); /* wait for what is queued there */
bool stream_several(void); /* whether there ever was another than the default one */
