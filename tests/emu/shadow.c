/* shadow.c: see shadow.h. */
#include "tests/emu/shadow.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MOST_DYNAMIC = 256 << 10, REDZONE = 256, SITES = 1 << STAMP_SITE };
static const size_t device_size = (size_t)256 << 30; /* addresses, not memory */

struct space spaces[SPACES];

/* Places in the code by number: number by offset in the program's code, offset by number. */
static uint16_t *site_numbers;
static uint32_t site_offsets[SITES];
static unsigned n_sites;
static uintptr_t code_base;
static size_t code_size;

static void *reserve(size_t size, int protection)
{
	void *p = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		report("no memory for the shadow", "%zu bytes of addresses", size);
	return p;
}

static void space_new(struct space *s, uintptr_t base, size_t size, bool shared)
{
	size = (size + 15) / 16 * 16;
	*s = (struct space){ .base = base, .size = size, .shared = shared };
	s->state = reserve(size, PROT_READ | PROT_WRITE);
	s->words = reserve(size / 4 * sizeof *s->words, PROT_READ | PROT_WRITE);
	s->bytes = reserve(size * sizeof *s->bytes, PROT_READ | PROT_WRITE);
}

void shadow_open(void)
{
	code_base = symbol_code(&code_size);
	site_numbers = reserve(code_size * sizeof *site_numbers, PROT_READ | PROT_WRITE);
	uintptr_t device = (uintptr_t)reserve(device_size, PROT_NONE);
	space_new(&spaces[SPACE_DEVICE], device, device_size, false);
	char *dynamic = reserve(MOST_DYNAMIC + 2 * REDZONE, PROT_READ | PROT_WRITE);
	space_new(&spaces[SPACE_DYNAMIC], (uintptr_t)dynamic, MOST_DYNAMIC + 2 * REDZONE, true);
	if (symbol_shared_count() == 0)
		return;
	/* the base is the thread's that launches: shadow_shared_size */
	space_new(&spaces[SPACE_STATIC], 0, symbol_shared_size() + 16, true);
	for (size_t i = 0; i < symbol_shared_count(); i++) {
		const struct symbol *v = symbol_shared_at(i);
		memset(spaces[SPACE_STATIC].state + v->value, BYTE_WRITTEN, v->size);
	}
}

void *emu_dynamic_shared(void);
void *emu_dynamic_shared(void)
{
	return (char *)spaces[SPACE_DYNAMIC].base + REDZONE;
}

void shadow_shared_size(size_t dynamic)
{
	struct space *s = &spaces[SPACE_DYNAMIC];
	memset(s->state, BYTE_OUTSIDE, s->size);
	memset(s->state + REDZONE, BYTE_WRITTEN, dynamic);
	if (symbol_shared_count())
		spaces[SPACE_STATIC].base = symbol_shared_base();
}

static void discard(void *p, size_t size)
{
	uintptr_t from = ((uintptr_t)p + 4095) / 4096 * 4096,
		  to = ((uintptr_t)p + size) / 4096 * 4096;
	if (to > from)
		madvise((void *)from, to - from, MADV_DONTNEED);
}

/* Outside is 0, and so are pages given back. */
void shadow_state(uintptr_t at, size_t size, enum byte_state state)
{
	uint8_t *p = spaces[SPACE_DEVICE].state + (at - spaces[SPACE_DEVICE].base);
	const size_t edge = 1 << 20;
	if (state == BYTE_OUTSIDE && size > 2 * edge) {
		discard(p + edge, size - 2 * edge);
		memset(p, BYTE_OUTSIDE, edge + 4096);
		memset(p + size - edge - 4096, BYTE_OUTSIDE, edge + 4096);
		return;
	}
	memset(p, (int)state, size);
}

void shadow_forget(uintptr_t at, size_t size)
{
	struct space *s = &spaces[SPACE_DEVICE];
	size_t from = at - s->base;
	memset(s->state + from, BYTE_OUTSIDE, size);
	discard(s->state + from, size);
	discard(s->words + from / 4, size / 4 * sizeof *s->words);
	discard(s->bytes + from, size * sizeof *s->bytes);
}

void shadow_new_epochs(void)
{
	for (int i = 0; i < SPACES; i++) {
		discard(spaces[i].words, spaces[i].size / 4 * sizeof *spaces[i].words);
		discard(spaces[i].bytes, spaces[i].size * sizeof *spaces[i].bytes);
	}
	now.epoch = 0;
}

/* --- stamps --- */

static uint16_t site_number(uintptr_t pc)
{
	size_t at = pc - code_base;
	if (at >= code_size)
		return 0;
	if (site_numbers[at] == 0 && n_sites + 1 < SITES) {
		site_numbers[at] = (uint16_t)++n_sites;
		site_offsets[n_sites] = (uint32_t)at;
	}
	return site_numbers[at];
}

static stamp stamp_new(const struct thread *t, enum access access, uintptr_t pc)
{
	return (stamp)t->epoch << STAMP_EPOCH_AT | (stamp)t->id << STAMP_THREAD_AT |
	       (stamp)t->clock << (STAMP_SITE + 1) |
	       (access >= ACCESS_ATOMIC_READ ? STAMP_ATOMIC : 0) | site_number(pc);
}

static const char *stamp_text(stamp s)
{
	unsigned site = (unsigned)s & (SITES - 1);
	uint32_t epoch = stamp_epoch(s);
	if (epoch < now.launch_first) {
		const char *who;
		stream_ordered(epoch, &who);
		return site ? text_format(
				      "%s at %s", who, text_place(code_base + site_offsets[site]))
			    : who;
	}
	return text_format("%s%s at %s", text_thread(stamp_thread(s)),
		epoch < now.block_first ? " of another block" : "",
		site ? text_place(code_base + site_offsets[site]) : "an unknown place");
}

/* Whether what left this stamp is done before this thread's present access. */
static bool ordered(const struct thread *t, stamp s)
{
	uint32_t epoch = stamp_epoch(s);
	if (epoch < now.block_first) {
		const char *who;
		return epoch < now.launch_first ? now.all_ordered || stream_ordered(epoch, &who)
						: epoch == 0;
	}
	unsigned thread = stamp_thread(s);
	if (thread == t->id || epoch < now.barrier)
		return true;
	if (thread / WARP != t->warp)
		return false;
	unsigned clock = stamp_clock(s);
	return epoch < t->epoch || clock < t->seen[thread % WARP] || clock == CLOCK_MOST;
}

/* --- cells --- */

struct touch {
	const struct thread *t;
	const struct space *space;
	uintptr_t at, pc;
	size_t size;
	enum access access;
	stamp own;
	const char *what; /* an operation on a stream; NULL: a thread's access */
};

static const char *access_name(enum access a)
{
	static const char *names[] = { "read", "write", "volatile read", "volatile write",
		"atomic" };
	return names[a];
}

static const char *touch_text(const struct touch *w)
{
	if (w->what)
		return text_format(
			"%s, which %ss %s", w->what, access_name(w->access), text_address(w->at));
	return text_format("%s of %zu byte%s by %s at %s\n  address: %s", access_name(w->access),
		w->size, w->size == 1 ? "" : "s", text_thread(w->t->id), text_place(w->pc),
		text_address(w->at));
}

static _Noreturn void race(const struct touch *w, stamp other, const char *did)
{
	uint32_t epoch = stamp_epoch(other);
	report(epoch < now.launch_first   ? "missing synchronisation between streams"
		: epoch < now.block_first ? "race between blocks"
					  : "race",
		"%s\n  %s before by %s, and nothing orders the two", touch_text(w), did,
		stamp_text(other));
}

static bool both_atomic(stamp a, stamp b)
{
	return a & b & STAMP_ATOMIC;
}

/* Which of two earlier reads is kept beside the new one: the one that differs the most. */
static void keep_read(struct cell *c, stamp s)
{
	const stamp place = ~(stamp)0 << STAMP_CLOCK << (STAMP_SITE + 1);
	if (((c->read ^ s) & place) == 0 || c->read == 0) { /* the same thread and epoch */
		c->read = s;
		return;
	}
	bool other_block = stamp_epoch(c->read) < now.block_first;
	bool old_block = c->read2 && stamp_epoch(c->read2) < now.block_first &&
			 stamp_epoch(c->read2) >= now.launch_first;
	unsigned warp = stamp_thread(s) / WARP;
	bool other_warp = stamp_thread(c->read) / WARP != warp;
	bool old_warp = c->read2 && stamp_epoch(c->read2) >= now.barrier &&
			stamp_thread(c->read2) / WARP != warp;
	if (other_block || (!old_block && (other_warp || !old_warp)))
		c->read2 = c->read;
	c->read = s;
}

static void touch_cell(const struct touch *w, struct cell *c)
{
	const struct thread *t = w->t;
	if (c->written && !both_atomic(c->written, w->own) && !ordered(t, c->written) &&
		!(w->space->shared && stamp_epoch(c->written) < now.block_first))
		race(w, c->written, "written");
	bool reads = w->access != ACCESS_WRITE && w->access != ACCESS_ATOMIC_WRITE;
	if (reads && w->space->shared && stamp_epoch(c->written) < now.block_first)
		report("read of unwritten shared memory", "%s", touch_text(w));
	if (w->access == ACCESS_READ || w->access == ACCESS_ATOMIC_READ) {
		keep_read(c, w->own);
		return;
	}
	for (int i = 0; i < 2; i++) {
		stamp r = i ? c->read2 : c->read;
		if (r && !both_atomic(r, w->own) && !ordered(t, r) &&
			!(w->space->shared && stamp_epoch(r) < now.block_first))
			race(w, r, "read");
	}
	/* a plain write of this thread's says more than the atomic that follows it */
	bool weaker = w->own & STAMP_ATOMIC && c->written && !(c->written & STAMP_ATOMIC) &&
		      stamp_thread(c->written) == t->id && stamp_epoch(c->written) == t->epoch;
	if (!weaker)
		c->written = w->own;
	if (!(w->own & STAMP_ATOMIC))
		c->read = c->read2 = 0;
}

static void touch_bytes(const struct touch *w, struct space *s, size_t from, size_t n)
{
	struct cell *word = &s->words[from / 4], *bytes = &s->bytes[from / 4 * 4];
	if (word->written != STAMP_SPLIT) {
		for (int i = 0; i < 4; i++)
			bytes[i] = *word;
		word->written = STAMP_SPLIT;
	}
	for (size_t i = 0; i < n; i++)
		touch_cell(w, &bytes[from % 4 + i]);
}

static void touch_range(const struct touch *w, struct space *s, size_t from, size_t size)
{
	while (size) {
		size_t n = 4 - from % 4 < size ? 4 - from % 4 : size;
		struct cell *word = &s->words[from / 4];
		if (n == 4 && word->written != STAMP_SPLIT) {
			touch_cell(w, word);
		} else {
			touch_bytes(w, s, from, n);
			if (n == 4 && w->access == ACCESS_WRITE)
				*word = s->bytes[from];
		}
		from += n;
		size -= n;
	}
}

/* --- states --- */

static inline __attribute__((always_inline)) bool all_written(const uint8_t *state, size_t size)
{
	const uint64_t w = BYTE_WRITTEN * 0x0101010101010101u;
	uint64_t a = 0, b = w;
	switch (size) {
	case 1:
		return *state == BYTE_WRITTEN;
	case 2:
		memcpy(&a, state, 2);
		return a == (w & 0xffff);
	case 4:
		memcpy(&a, state, 4);
		return a == (w & 0xffffffff);
	case 16:
		memcpy(&b, state + 8, 8);
		/* fall through */
	case 8:
		memcpy(&a, state, 8);
		return a == w && b == w;
	default:
		for (size_t i = 0; i < size; i++)
			if (state[i] != BYTE_WRITTEN)
				return false;
		return true;
	}
}

static void check_states(const struct touch *w, uint8_t *state)
{
	for (size_t i = 0; i < w->size; i++) {
		if (state[i] == BYTE_OUTSIDE) {
			struct touch at = *w;
			at.at += i;
			report(w->space->shared ? "access outside of shared memory"
						: "access outside of device memory",
				"%s", touch_text(&at));
		}
		if (state[i] == BYTE_UNWRITTEN &&
			(w->access == ACCESS_READ || w->access == ACCESS_ATOMIC_READ ||
				w->access == ACCESS_ATOMIC))
			report("read of unwritten device memory", "%s", touch_text(w));
		state[i] = BYTE_WRITTEN;
	}
}

/* An address without a shadow: the thread's own stack, its arguments and constants are its own. */
static void elsewhere(const struct touch *w)
{
	const struct launch *l = now.launch;
	bool writes = w->access == ACCESS_WRITE;
	if (w->at - (uintptr_t)l->closure < l->closure_size)
		return;
	if (!writes && symbol_static(w->at))
		return;
	if (w->at < (uintptr_t)w->t->stack && w->at + 4096 >= (uintptr_t)w->t->stack)
		report("a thread's local memory is full", "%s\n  it has %d bytes", touch_text(w),
			(int)STACK);
	for (unsigned i = 0; i < now.threads; i++)
		if (w->at - (uintptr_t)now.thread[i].stack < STACK)
			report("access to another thread's local memory", "%s\n  it is of %s",
				touch_text(w), text_thread(i));
	report("access to memory that is not the device's", "%s", touch_text(w));
}

/* --- the short way: what nearly every access is --- */

/* Whether what left this stamp ended at a barrier or before this operation began. */
static inline bool settled(stamp s)
{
	uint32_t epoch = stamp_epoch(s);
	return epoch < now.barrier &&
	       (epoch >= now.block_first || (epoch < now.launch_first && now.all_ordered));
}

/* Two reads that no write can be ordered after: of two warps since the barrier, or of this block and
 * another one. */
static inline bool saturated(const struct cell *c)
{
	uint32_t epoch = stamp_epoch(c->read), epoch2 = stamp_epoch(c->read2);
	if (epoch < now.barrier)
		return false;
	return epoch2 >= now.barrier ? stamp_thread(c->read) / WARP != stamp_thread(c->read2) / WARP
				     : epoch2 < now.block_first && epoch2 >= now.launch_first;
}

/* A plain read or write of a whole word; false where the long way is needed. */
static inline bool quick(
	const struct thread *t, struct cell *c, bool shared, bool write, uintptr_t pc)
{
	const stamp place = ~(stamp)0 << (STAMP_SITE + 1);
	stamp own = (stamp)t->epoch << STAMP_EPOCH_AT | (stamp)t->id << STAMP_THREAD_AT |
		    (stamp)t->clock << (STAMP_SITE + 1);
	if (!write) {
		if (shared && stamp_epoch(c->written) < now.block_first)
			return false;
		if (!settled(c->written) && ((c->written ^ own) & place))
			return false;
		if (((c->read ^ own) & place) == 0 || saturated(c))
			return true;
		keep_read(c, own | site_number(pc));
		return true;
	}
	bool old = shared && stamp_epoch(c->written) < now.block_first;
	if (!old && !settled(c->written) && ((c->written ^ own) & place))
		return false;
	if ((c->read && !settled(c->read)) || (c->read2 && !settled(c->read2)))
		return false;
	c->written = own | site_number(pc);
	c->read = c->read2 = 0;
	return true;
}

/* As many of the first words as the short way does. */
static inline size_t quick_words(
	const struct thread *t, struct space *s, size_t from, size_t size, bool write, uintptr_t pc)
{
	struct cell *c = &s->words[from / 4];
	size_t n = 0;
	while (n < size && quick(t, c, s->shared, write, pc)) {
		n += 4;
		c++;
	}
	return n;
}

/* What of an access the short way has left, or all of it. */
static __attribute__((noinline)) void long_way(struct thread *t, struct space *s, uintptr_t at,
	size_t size, enum access access, bool aligned, uintptr_t pc)
{
	struct touch w = { t, s, at, pc, size, access, stamp_new(t, access, pc), NULL };
	if (!s) {
		elsewhere(&w);
		return;
	}
	if (aligned && at % size)
		report("misaligned access", "%s", touch_text(&w));
	size_t from = at - s->base;
	if (size > s->size - from)
		report("access outside of device memory", "%s", touch_text(&w));
	if (!all_written(s->state + from, size))
		check_states(&w, s->state + from);
	touch_range(&w, s, from, size);
}

static __attribute__((noinline)) void by_host(
	uintptr_t at, size_t size, enum access access, uintptr_t pc)
{
	if (at - spaces[SPACE_DEVICE].base < spaces[SPACE_DEVICE].size)
		report("the host touches device memory", "%s of %zu bytes at %s\n  address: %s",
			access_name(access), size, text_place(pc), text_address(at));
}

void shadow_access(uintptr_t at, size_t size, enum access access, bool aligned, uintptr_t pc)
{
	struct thread *t = now.self;
	/* code of the host, perhaps on another thread of the system while this one runs */
	if (!t || (uintptr_t)__builtin_frame_address(0) - (uintptr_t)t->stack >= STACK) {
		by_host(at, size, access, pc);
		return;
	}
	if (--now.budget == 0)
		thread_interrupt();
	struct space *s = space_of(at);
	size_t from = s ? at - s->base : 0, done = 0;
	if (s && aligned && size >= 4 && access <= ACCESS_WRITE && at % size == 0 &&
		all_written(s->state + from, size)) {
		done = quick_words(t, s, from, size, access == ACCESS_WRITE, pc);
		if (done == size)
			return;
	}
	long_way(t, s, at + done, size - done, access, aligned && done == 0, pc);
}

/* --- operations on streams --- */

void shadow_copy(uintptr_t at, size_t size, bool write, const char *what)
{
	struct space *s = &spaces[SPACE_DEVICE];
	if (!memory_is_device((const void *)at))
		report("an operation on memory that is not the device's", "%s, %zu bytes at 0x%zx",
			what, size, (size_t)at);
	size_t from = at - s->base;
	for (size_t i = 0; i < size; i++) {
		if (i + 16 <= size && all_written(s->state + from + i, 16)) {
			i += 15;
			continue;
		}
		uint8_t *state = &s->state[from + i];
		if (*state == BYTE_OUTSIDE)
			report("a copy leaves device memory",
				"%s, %zu bytes, byte %zu\n  address: %s", what, size, i,
				text_address(at + i));
		if (*state == BYTE_UNWRITTEN && !write)
			report("a copy reads unwritten device memory",
				"%s, %zu bytes, byte %zu\n  address: %s", what, size, i,
				text_address(at + i));
		*state = BYTE_WRITTEN;
	}
	if (!stream_several())
		return;
	struct thread host = { .epoch = now.epoch };
	enum access access = write ? ACCESS_WRITE : ACCESS_READ;
	struct touch w = { &host, s, at, 0, size, access, (stamp)now.epoch << STAMP_EPOCH_AT,
		what };
	touch_range(&w, s, from, size);
}
