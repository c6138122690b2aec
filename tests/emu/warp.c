/*
 * warp.c: warp functions. A lane posts its call and waits until every lane that its mask names, and
 * that has not exited, has posted the same function with the same mask; the last one computes for
 * all. Only __syncwarp orders memory: shuffles and votes promise nothing (CUDA C++ Programming Guide,
 * "Warp Shuffle Functions").
 */
#include <stdlib.h>
#include <string.h>

#include "tests/emu/shadow.h"

enum {
	SYNC,
	SHFL,
	UP,
	DOWN,
	XOR,
	BALLOT,
	MATCH,
	ADD,
	MIN,
	MAX,
	UMIN,
	UMAX,
	BIT_AND,
	BIT_OR,
	BIT_XOR
}; /* enum emu_warp_op */

const char *warp_op_name(int op)
{
	static const char *names[] = { "__syncwarp", "__shfl_sync", "__shfl_up_sync",
		"__shfl_down_sync", "__shfl_xor_sync", "a vote", "__match_any_sync",
		"__reduce_add_sync", "__reduce_min_sync", "__reduce_max_sync", "__reduce_min_sync",
		"__reduce_max_sync", "__reduce_and_sync", "__reduce_or_sync", "__reduce_xor_sync" };
	return names[op];
}

static struct thread *lane_thread(unsigned warp, unsigned lane)
{
	unsigned id = warp * WARP + lane;
	return id < now.threads ? &now.thread[id] : NULL;
}

/* Whether this thread's call waits for nobody: all lanes of its mask have come or are gone. The lanes
 * that have come are *lanes. */
static bool complete(const struct thread *t, unsigned *lanes)
{
	*lanes = 0;
	for (unsigned i = 0; i < WARP; i++) {
		const struct thread *o = lane_thread(t->warp, i);
		if (!(t->call.mask >> i & 1) || !o || o->state == THREAD_EXITED)
			continue;
		if (o->state != THREAD_AT_WARP || o->call.op != t->call.op ||
			o->call.mask != t->call.mask)
			return false;
		*lanes |= 1u << i;
	}
	return true;
}

/* The lane that a shuffle reads from. */
static unsigned shuffle_source(const struct thread *t)
{
	int lane = (int)t->lane, width = t->call.width, by = t->call.lane;
	int first = lane & ~(width - 1), from = lane;
	switch (t->call.op) {
	case SHFL:
		from = first + (by & (width - 1));
		break;
	case UP:
		from = lane - by < first ? lane : lane - by;
		break;
	case DOWN:
		from = lane + by >= first + width ? lane : lane + by;
		break;
	default: /* a lower group may be read, a higher one not */
		from = (lane ^ by) >= first + width ? lane : lane ^ by;
	}
	return (unsigned)from;
}

static uint64_t shuffled(const struct thread *t, unsigned lanes)
{
	unsigned from = shuffle_source(t);
	if (!(lanes >> from & 1))
		report("a shuffle from a lane that does not take part",
			"%s, lane %u, at %s:%d: %s(0x%08x) reads lane %u, which %s",
			text_thread(t->id), t->lane, t->file, t->line, warp_op_name(t->call.op),
			t->call.mask, from,
			!(t->call.mask >> from & 1)  ? "is not in the mask"
			: lane_thread(t->warp, from) ? "has exited"
						     : "does not exist");
	return lane_thread(t->warp, from)->call.value;
}

static uint32_t reduce(int op, uint32_t a, uint32_t b)
{
	switch (op) {
	case ADD:
		return a + b;
	case MIN:
		return (int32_t)a < (int32_t)b ? a : b;
	case MAX:
		return (int32_t)a > (int32_t)b ? a : b;
	case UMIN:
		return a < b ? a : b;
	case UMAX:
		return a > b ? a : b;
	case BIT_AND:
		return a & b;
	case BIT_OR:
		return a | b;
	default:
		return a ^ b;
	}
}

/* The same result for all lanes. */
static uint64_t combined(unsigned warp, unsigned lanes)
{
	const struct thread *first = lane_thread(warp, (unsigned)__builtin_ctz(lanes));
	int op = first->call.op;
	uint32_t r = op == BALLOT ? 0 : (uint32_t)first->call.value;
	for (unsigned i = 0; i < WARP; i++) {
		if (!(lanes >> i & 1))
			continue;
		const struct thread *t = lane_thread(warp, i);
		if (op == BALLOT)
			r |= (uint32_t)(t->call.value != 0) << i;
		else if (t != first)
			r = reduce(op, r, (uint32_t)t->call.value);
	}
	return r;
}

static uint64_t matched(const struct thread *t, unsigned lanes)
{
	uint32_t r = 0;
	for (unsigned i = 0; i < WARP; i++)
		if (lanes >> i & 1)
			r |= (uint32_t)(lane_thread(t->warp, i)->call.value == t->call.value) << i;
	return r;
}

/* __syncwarp: of the whole warp a new epoch, of a part of it each lane has seen what the others had. */
static void order(unsigned warp, unsigned lanes)
{
	bool whole = true;
	uint16_t seen[WARP] = { 0 };
	for (unsigned i = 0; i < WARP; i++) {
		struct thread *t = lane_thread(warp, i);
		bool in = lanes >> i & 1;
		whole = whole && (in || !t || t->state == THREAD_EXITED);
		if (!in)
			continue;
		t->clock = t->clock < CLOCK_MOST ? (uint16_t)(t->clock + 1) : t->clock;
		for (unsigned j = 0; j < WARP; j++)
			seen[j] = t->seen[j] > seen[j] ? t->seen[j] : seen[j];
		seen[i] = t->clock;
	}
	uint32_t epoch = whole ? epoch_next() : 0;
	if (epoch >= EPOCH_MOST - 1)
		report("no more epochs", "a launch may have %d barriers", (int)EPOCH_MOST / 2);
	for (unsigned i = 0; i < WARP; i++) {
		if (!(lanes >> i & 1))
			continue;
		struct thread *t = lane_thread(warp, i);
		memcpy(t->seen, seen, sizeof seen);
		if (whole) {
			t->epoch = epoch;
			t->clock = 0;
			memset(t->seen, 0, sizeof t->seen);
		}
	}
}

static void finish(const struct thread *t, unsigned lanes)
{
	int op = t->call.op;
	unsigned warp = t->warp;
	uint64_t all = op >= BALLOT && op != MATCH ? combined(warp, lanes) : 0;
	for (unsigned i = 0; i < WARP; i++) {
		struct thread *o = lanes >> i & 1 ? lane_thread(warp, i) : NULL;
		if (o)
			o->call.result = op == SYNC    ? 0
					 : op <= XOR   ? shuffled(o, lanes)
					 : op == MATCH ? matched(o, lanes)
						       : all;
	}
	if (op == SYNC)
		order(warp, lanes);
	for (unsigned i = 0; i < WARP; i++)
		if (lanes >> i & 1 && lane_thread(warp, i) != now.self)
			thread_ready(lane_thread(warp, i));
}

void warp_settle(unsigned warp)
{
	for (unsigned i = 0; i < WARP; i++) {
		const struct thread *t = lane_thread(warp, i);
		unsigned lanes;
		if (t && t->state == THREAD_AT_WARP && complete(t, &lanes))
			finish(t, lanes);
	}
}

uint64_t emu_warp(
	int op, unsigned mask, uint64_t value, int lane, int width, const char *file, int line);
uint64_t emu_warp(
	int op, unsigned mask, uint64_t value, int lane, int width, const char *file, int line)
{
	struct thread *t = now.self;
	if (!t)
		report("a warp function outside of a kernel", "%s:%d", file, line);
	if (!(mask >> t->lane & 1))
		report("a lane is not in its own mask", "%s, lane %u, at %s:%d: %s(0x%08x)",
			text_thread(t->id), t->lane, file, line, warp_op_name(op), mask);
	if (width < 1 || width > WARP || (width & (width - 1)))
		report("a shuffle's width is not a power of two up to 32",
			"%s, lane %u, at %s:%d: %s(0x%08x) with width %d", text_thread(t->id),
			t->lane, file, line, warp_op_name(op), mask, width);
	t->call = (struct lane_call){
		.op = op, .mask = mask, .value = value, .lane = lane, .width = width
	};
	t->state = THREAD_AT_WARP;
	t->file = file;
	t->line = line;
	unsigned lanes;
	if (complete(t, &lanes)) {
		finish(t, lanes);
		t->state = THREAD_READY;
	} else {
		thread_wait(THREAD_AT_WARP, file, line);
	}
	return t->call.result;
}

void warp_stuck(const struct thread *t)
{
	const struct thread *o = NULL;
	for (unsigned i = 0; i < WARP && !o; i++) {
		o = t->call.mask >> i & 1 ? lane_thread(t->warp, i) : NULL;
		if (o && (o->state == THREAD_EXITED ||
				 (o->state == THREAD_AT_WARP && o->call.op == t->call.op &&
					 o->call.mask == t->call.mask)))
			o = NULL;
	}
	const char *self =
		text_format("%s, lane %u, at %s:%d waits in %s(0x%08x)", text_thread(t->id),
			t->lane, t->file, t->line, warp_op_name(t->call.op), t->call.mask);
	if (o->state == THREAD_AT_BARRIER)
		report("wrong lane mask", "%s for lane %u, but %s waits at the barrier of %s:%d",
			self, o->lane, text_thread(o->id), o->file, o->line);
	report("wrong lane mask", "%s for lane %u, but %s at %s:%d is in %s(0x%08x)", self, o->lane,
		text_thread(o->id), o->file, o->line, warp_op_name(o->call.op), o->call.mask);
}

unsigned emu_active_mask(void);
unsigned emu_active_mask(void)
{
	return 1u << now.self->lane;
}
