/*
 * access.c: the functions that code compiled with -fsanitize=thread calls before its loads and
 * stores, in libtsan's place, and the atomics of emu_device.h. Names and meanings:
 * gcc/sanitizer.def. Volatile accesses count as relaxed atomics, as PTX has them.
 */
#include <string.h>

#include "tests/emu/shadow.h"

/* A thread's own stack is its own. */
static inline void touch(uintptr_t at, size_t size, enum access access, bool aligned, uintptr_t pc)
{
	const struct thread *t = now.self;
	if (!t || at - (uintptr_t)t->stack >= STACK)
		shadow_access(at, size, access, aligned, pc);
}

#define PC ((uintptr_t)__builtin_return_address(0) - 1)
#define CALLBACK(name, size, access, aligned) \
	void name(void *); \
	void name(void *at) \
	{ \
		touch((uintptr_t)at, size, access, aligned, PC); \
	}
#define CALLBACKS(size) \
	CALLBACK(__tsan_read##size, size, ACCESS_READ, true) \
	CALLBACK(__tsan_write##size, size, ACCESS_WRITE, true) \
	CALLBACK(__tsan_unaligned_read##size, size, ACCESS_READ, false) \
	CALLBACK(__tsan_unaligned_write##size, size, ACCESS_WRITE, false) \
	CALLBACK(__tsan_volatile_read##size, size, ACCESS_ATOMIC_READ, true) \
	CALLBACK(__tsan_volatile_write##size, size, ACCESS_ATOMIC_WRITE, true) \
	CALLBACK(__tsan_unaligned_volatile_read##size, size, ACCESS_ATOMIC_READ, false) \
	CALLBACK(__tsan_unaligned_volatile_write##size, size, ACCESS_ATOMIC_WRITE, false)

CALLBACKS(1)
CALLBACKS(2)
CALLBACKS(4)
CALLBACKS(8)
CALLBACKS(16)

void __tsan_init(void);
void __tsan_func_entry(void *), __tsan_func_exit(void *), __tsan_vptr_update(void *, void *);
void __tsan_read_range(void *, size_t), __tsan_write_range(void *, size_t);

void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc)
{
	(void)pc;
}

void __tsan_func_exit(void *pc)
{
	(void)pc;
}

void __tsan_vptr_update(void *at, void *value)
{
	(void)at;
	(void)value;
}

void __tsan_read_range(void *at, size_t size)
{
	touch((uintptr_t)at, size, ACCESS_READ, false, PC);
}

void __tsan_write_range(void *at, size_t size)
{
	touch((uintptr_t)at, size, ACCESS_WRITE, false, PC);
}

/* --- atomics --- */

enum { ADD, SUB, MIN, MAX, UMIN, UMAX, AND, OR, XOR, EXCH, CAS, INC, DEC }; /* enum emu_atomic_op */

/* The new value; old and v have no bits above the size. */
static uint64_t combine(int op, unsigned size, uint64_t old, uint64_t v, uint64_t compare)
{
	switch (op) {
	case ADD:
		return old + v;
	case SUB:
		return old - v;
	case MIN:
		return size == 4 ? (uint64_t)((int32_t)old < (int32_t)v ? old : v)
				 : (uint64_t)((int64_t)old < (int64_t)v ? old : v);
	case MAX:
		return size == 4 ? (uint64_t)((int32_t)old > (int32_t)v ? old : v)
				 : (uint64_t)((int64_t)old > (int64_t)v ? old : v);
	case UMIN:
		return old < v ? old : v;
	case UMAX:
		return old > v ? old : v;
	case AND:
		return old & v;
	case OR:
		return old | v;
	case XOR:
		return old ^ v;
	case EXCH:
		return v;
	case CAS:
		return old == compare ? v : old;
	case INC:
		return old >= v ? 0 : old + 1;
	default:
		return old == 0 || old > v ? v : old - 1;
	}
}

uint64_t emu_atomic(int op, void *at, unsigned size, uint64_t value, uint64_t compare);
uint64_t emu_atomic(int op, void *at, unsigned size, uint64_t value, uint64_t compare)
{
	touch((uintptr_t)at, size, ACCESS_ATOMIC, true, PC);
	uint64_t old = 0, mask = size == 4 ? 0xffffffff : ~(uint64_t)0;
	memcpy(&old, at, size);
	uint64_t next = combine(op, size, old, value & mask, compare & mask);
	memcpy(at, &next, size);
	return old;
}

/* A fence lets others go first. It orders nothing for the emulator: blocks that hand over results
 * through a fence and a flag are reported as racing. */
void emu_fence(void);
void emu_fence(void)
{
	if (now.self)
		thread_interrupt();
}
