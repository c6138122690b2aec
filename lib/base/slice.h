/*
 * slice.h: bytes with their length. Text is UTF-8, never NUL-terminated; NUL ends only what goes to
 * a system call.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *data;
	size_t size;
};

/* The slice of a string literal or of any C string. */
#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })

static inline struct slice slice_from(const char *s)
{
	return (struct slice){ s, strlen(s) };
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Order by bytes, the shorter first where one begins the other: for UTF-8 the order of code
 * points. */
static inline int slice_compare(struct slice a, struct slice b)
{
	size_t n = a.size < b.size ? a.size : b.size;
	int c = n ? memcmp(a.data, b.data, n) : 0;
	return c ? c : (a.size > b.size) - (a.size < b.size);
}

/* The n < 8 bytes at p as a number, for hashing. memcpy of n bytes would be a call, and what it stores
 * could not be read back at once. */
static inline uint64_t slice_few(const char *p, size_t n)
{
	const unsigned char *b = (const unsigned char *)p;
	uint32_t low, high;
	if (n < 4) {
		uint64_t x = n ? b[0] : 0;
		x |= n > 1 ? (uint64_t)b[n / 2] << 8 * (n / 2) : 0;
		return x | (n > 2 ? (uint64_t)b[2] << 16 : 0);
	}
	memcpy(&low, p, 4);
	memcpy(&high, p + n - 4, 4);
	return low | (uint64_t)high << 8 * (n - 4);
}
