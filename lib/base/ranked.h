/*
 * ranked.h: things by number, the best first: an order that is the same everywhere, whatever the
 * sort.
 */
#pragma once
#include <stddef.h>

struct ranked {
	double score; /* no NaN */
	size_t i;
};

/* The highest score first, of equal ones the smaller number. */
void ranked_sort(struct ranked *, size_t n);
