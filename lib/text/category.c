#include "lib/text/category.h"

#include <pthread.h>
#include <stddef.h>

#include "lib/text/category_table.h"

enum { RANGES = sizeof category_table / sizeof *category_table };

uint8_t category_table_low[CATEGORY_TABLE];

static void build(void)
{
	for (size_t i = 0; i < RANGES && category_table[i].first < CATEGORY_TABLE; i++)
		for (uint32_t c = category_table[i].first;
			c <= category_table[i].last && c < CATEGORY_TABLE; c++)
			category_table_low[c] = (uint8_t)category_table[i].category;
}

void category_start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, build);
}

unsigned category_search(uint32_t c)
{
	size_t low = 0, high = RANGES;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (category_table[middle].last < c)
			low = middle + 1;
		else
			high = middle;
	}
	return low < RANGES && category_table[low].first <= c ? category_table[low].category : 0;
}
