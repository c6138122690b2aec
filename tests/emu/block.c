/*
 * block.c: the threads of a block. A thread runs until it waits (barrier, warp function), exits, or
 * is interrupted between two accesses; then any thread that is ready goes on, by the seeded random
 * numbers. When none is ready, all that are left wait: at one barrier, which then opens, or in vain.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/math.h"
#include "tests/emu/shadow.h"

struct now now;
uint64_t emu_seed;

static uint64_t random_state[2];
static struct thread threads[MOST_THREADS];
static unsigned ready[MOST_THREADS], n_ready, n_exited;

/* --- random numbers: xoroshiro128+ (D. Blackman and S. Vigna, 2018) --- */

static uint64_t rotate(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

void emu_set_seed(uint64_t seed)
{
	emu_seed = seed;
	for (int i = 0; i < 2; i++) { /* splitmix64 */
		uint64_t z = seed += 0x9e3779b97f4a7c15u;
		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
		z = (z ^ z >> 27) * 0x94d049bb133111ebu;
		random_state[i] = z ^ z >> 31;
	}
}

uint64_t emu_random(void)
{
	uint64_t a = random_state[0], b = random_state[1], result = a + b;
	b ^= a;
	random_state[0] = rotate(a, 24) ^ b ^ b << 16;
	random_state[1] = rotate(b, 37);
	return result;
}

/* --- who runs --- */

static unsigned next_budget(void)
{
	return 1 + emu_below(1000);
}

/* Leave this context for a ready thread, or for the scheduler. */
static void leave(void **from)
{
	if (n_ready == 0) {
		now.self = NULL;
		fibre_switch(from, now.scheduler);
		return;
	}
	unsigned i = emu_below(n_ready);
	struct thread *t = &threads[ready[i]];
	ready[i] = ready[--n_ready];
	now.self = t;
	if (from != &t->sp)
		fibre_switch(from, t->sp);
}

void thread_ready(struct thread *t)
{
	t->state = THREAD_READY;
	ready[n_ready++] = t->id;
}

void thread_wait(enum thread_state state, const char *file, int line)
{
	struct thread *t = now.self;
	t->state = state;
	t->file = file;
	t->line = line;
	leave(&t->sp);
}

void thread_interrupt(void)
{
	struct thread *t = now.self;
	now.budget = next_budget();
	if (n_ready == 0)
		return;
	thread_ready(t);
	leave(&t->sp);
}

static void thread_main(void)
{
	now.launch->run(now.launch->closure);
	struct thread *t = now.self;
	t->state = THREAD_EXITED;
	n_exited++;
	warp_settle(t->warp);
	leave(&t->sp);
	abort();
}

/* --- barriers --- */

static const char *place(const struct thread *t)
{
	return text_format("%s:%d", t->file, t->line);
}

static _Noreturn void diverged(const struct thread *a, const struct thread *b)
{
	if (b->state == THREAD_EXITED)
		report("barrier divergence",
			"%s waits at the barrier of %s, but %s has exited without it",
			text_thread(a->id), place(a), text_thread(b->id));
	report("barrier divergence", "%s waits at the barrier of %s, but %s at that of %s",
		text_thread(a->id), place(a), text_thread(b->id), place(b));
}

/* A new epoch for the whole block. */
static void advance(void)
{
	now.barrier = epoch_next();
	if (now.epoch >= EPOCH_MOST - 1)
		report("no more epochs", "a launch may have %d barriers", (int)EPOCH_MOST / 2);
	for (unsigned i = 0; i < now.threads; i++) {
		threads[i].epoch = now.barrier;
		threads[i].clock = 0;
	}
	for (unsigned i = 0; i < now.threads; i++)
		memset(threads[i].seen, 0, sizeof threads[i].seen);
}

/* Nobody is ready: open the barrier if all are there. */
static void open_barrier(void)
{
	int count = 0;
	for (unsigned i = 0; i < now.threads; i++)
		if (threads[i].state == THREAD_AT_WARP)
			warp_stuck(&threads[i]);
	const struct thread *first = NULL;
	for (unsigned i = 0; i < now.threads && !first; i++)
		first = threads[i].state == THREAD_AT_BARRIER ? &threads[i] : NULL;
	for (unsigned i = 0; i < now.threads; i++) {
		const struct thread *t = &threads[i];
		if (t->state != first->state || t->line != first->line || t->vote != first->vote ||
			strcmp(t->file, first->file) != 0)
			diverged(first, t);
		count += t->predicate != 0;
	}
	advance();
	for (unsigned i = 0; i < now.threads; i++) {
		threads[i].predicate = count;
		thread_ready(&threads[i]);
	}
}

int emu_barrier(int vote, int predicate, const char *file, int line);
int emu_barrier(int vote, int predicate, const char *file, int line)
{
	struct thread *t = now.self;
	if (!t)
		report("a barrier outside of a kernel", "%s:%d", file, line);
	enum { NO_VOTE, COUNT, AND, OR }; /* enum emu_vote */
	t->vote = vote;
	t->predicate = predicate;
	thread_wait(THREAD_AT_BARRIER, file, line);
	int count = t->predicate;
	return vote == COUNT ? count : vote == AND ? count == (int)now.threads : count > 0;
}

/* --- blocks --- */

static void block_run(void)
{
	const struct dim3 size = now.launch->block;
	now.block_first = now.epoch + 1;
	n_ready = n_exited = 0;
	struct uint3 index = { 0, 0, 0 };
	size_t step = STACK + (size_t)sysconf(_SC_PAGESIZE);
	static char *stacks;
	if (!stacks)
		stacks = fibre_stacks(MOST_THREADS);
	for (unsigned i = 0; i < now.threads; i++) {
		struct thread *t = &threads[i];
		t->id = i;
		t->lane = i % WARP;
		t->warp = i / WARP;
		t->index = index;
		t->stack = stacks + (i + 1) * step - STACK;
		t->sp = fibre_new(t->stack, STACK, thread_main);
		thread_ready(t);
		if (++index.x == size.x) {
			index.x = 0;
			if (++index.y == size.y) {
				index.y = 0;
				index.z++;
			}
		}
	}
	advance();
	now.budget = next_budget();
	while (n_exited < now.threads) {
		if (n_ready == 0)
			open_barrier();
		leave(&now.scheduler);
	}
	now.self = NULL;
}

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t r = a % b;
		a = b;
		b = r;
	}
	return a;
}

void launch_run(const struct launch *l)
{
	math_enter();
	now.launch = l;
	now.thread = threads;
	now.threads = l->block.x * l->block.y * l->block.z;
	shadow_shared_size(l->shared);
	/* any order: i times a number without a common divisor */
	uint64_t n = (uint64_t)l->grid.x * l->grid.y * l->grid.z, step = 1, at = 0;
	if (n > 2) {
		at = emu_random() % n;
		do
			step = 1 + emu_random() % (n - 1);
		while (greatest_divisor(step, n) != 1);
	}
	for (uint64_t i = 0; i < n; i++, at = (at + step) % n) {
		now.block.x = (unsigned)(at % l->grid.x);
		now.block.y = (unsigned)(at / l->grid.x % l->grid.y);
		now.block.z = (unsigned)(at / l->grid.x / l->grid.y);
		block_run();
	}
	now.launch = NULL;
}

/* --- where a thread is --- */

struct uint3 emu_thread_index(void), emu_block_index(void), emu_block_size(void),
	emu_grid_size(void);

struct uint3 emu_thread_index(void)
{
	return now.self->index;
}

struct uint3 emu_block_index(void)
{
	return now.block;
}

struct uint3 emu_block_size(void)
{
	return (struct uint3){ now.launch->block.x, now.launch->block.y, now.launch->block.z };
}

struct uint3 emu_grid_size(void)
{
	return (struct uint3){ now.launch->grid.x, now.launch->grid.y, now.launch->grid.z };
}
