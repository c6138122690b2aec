/*
 * double_array.h: a trie over bytes that does not change: the child of a node along a byte is one
 * look-up at base ^ byte, right where its label is that byte (Aoe, "An efficient digital search
 * algorithm by using a double-array structure", 1989, with the exclusive or of darts-clone). Built
 * from sorted keys in time about linear in their bytes.
 */
#pragma once
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/buffer.h"

enum { DOUBLE_ARRAY_NONE = -1 }; /* as uint32_t: no key ends here */

struct double_array_unit {
	uint32_t base; /* of its children << 8 | its label */
	uint32_t value; /* of the key that ends here */
};

struct double_array {
	struct double_array_unit *units;
	size_t n;
	uint32_t root; /* the base at which walks begin */
};

/*
 * Build from keys, the value of keys[i] being i; those without data or of size 0 are left out, of
 * equal ones the last counts. -1 (ERROR_MODEL) where 2^24 units are not enough.
 */
int double_array_build(struct double_array *, const struct slice *keys, size_t n, struct error *);
void double_array_free(struct double_array *);

/* A step of a walk along a byte, with the value of what has been walked; false where it ends. */
static inline bool double_array_step(
	const struct double_array *a, uint32_t *base, unsigned char byte, uint32_t *value)
{
	struct double_array_unit u = a->units[*base ^ byte];
	if ((u.base & 0xff) != byte)
		return false;
	*base = u.base >> 8;
	*value = u.value;
	return true;
}

/* The value of a key, DOUBLE_ARRAY_NONE where it is not there. */
uint32_t double_array_find(const struct double_array *, struct slice key);
