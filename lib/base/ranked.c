#include "lib/base/ranked.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (x->i > y->i) - (x->i < y->i);
}

void ranked_sort(struct ranked *r, size_t n)
{
	qsort(r, n, sizeof *r, compare);
}
