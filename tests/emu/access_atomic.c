/*
 * access_atomic.c: what -fsanitize=thread makes of the __atomic builtins. Host code has them; in a
 * kernel they count as CUDA's own atomics.
 */
#include "tests/emu/shadow.h"

#define PC ((uintptr_t)__builtin_return_address(0) - 1)
#define SEEN(kind) \
	if (!now.self || (uintptr_t)at - (uintptr_t)now.self->stack >= STACK) \
	shadow_access((uintptr_t)at, sizeof *at, kind, true, PC)

#define FETCH(bits, name) \
	uint##bits##_t __tsan_atomic##bits##_##name(uint##bits##_t *, uint##bits##_t, int); \
	uint##bits##_t __tsan_atomic##bits##_##name( \
		uint##bits##_t *at, uint##bits##_t v, int order) \
	{ \
		(void)order; \
		SEEN(ACCESS_ATOMIC); \
		return __atomic_##name(at, v, __ATOMIC_SEQ_CST); \
	}

#define COMPARE(bits, name) \
	int __tsan_atomic##bits##_##name( \
		uint##bits##_t *, uint##bits##_t *, uint##bits##_t, int, int); \
	int __tsan_atomic##bits##_##name(uint##bits##_t *at, uint##bits##_t *expected, \
		uint##bits##_t v, int order, int failed) \
	{ \
		(void)order, (void)failed; \
		SEEN(ACCESS_ATOMIC); \
		return __atomic_compare_exchange_n( \
			at, expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
	}

#define ATOMICS(bits) \
	uint##bits##_t __tsan_atomic##bits##_load(const uint##bits##_t *, int); \
	uint##bits##_t __tsan_atomic##bits##_load(const uint##bits##_t *at, int order) \
	{ \
		(void)order; \
		SEEN(ACCESS_ATOMIC_READ); \
		return __atomic_load_n(at, __ATOMIC_SEQ_CST); \
	} \
	void __tsan_atomic##bits##_store(uint##bits##_t *, uint##bits##_t, int); \
	void __tsan_atomic##bits##_store(uint##bits##_t *at, uint##bits##_t v, int order) \
	{ \
		(void)order; \
		SEEN(ACCESS_ATOMIC_WRITE); \
		__atomic_store_n(at, v, __ATOMIC_SEQ_CST); \
	} \
	uint##bits##_t __tsan_atomic##bits##_exchange(uint##bits##_t *, uint##bits##_t, int); \
	uint##bits##_t __tsan_atomic##bits##_exchange( \
		uint##bits##_t *at, uint##bits##_t v, int order) \
	{ \
		(void)order; \
		SEEN(ACCESS_ATOMIC); \
		return __atomic_exchange_n(at, v, __ATOMIC_SEQ_CST); \
	} \
	FETCH(bits, fetch_add) \
	FETCH(bits, fetch_sub) \
	FETCH(bits, fetch_and) \
	FETCH(bits, fetch_or) \
	FETCH(bits, fetch_xor) \
	COMPARE(bits, compare_exchange_strong) \
	COMPARE(bits, compare_exchange_weak)

ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)
