#include "lib/text/unicode_class.h"

#include <stddef.h>

#include "lib/text/unicode_class_table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

bool unicode_is_mark(uint32_t c)
{
	return c >= 0x300 && unicode_within(all_mark_table, COUNT(all_mark_table), c);
}

bool unicode_is_numeric(uint32_t c)
{
	if (c < 0x80)
		return c >= '0' && c <= '9';
	return unicode_within(numeric_table, COUNT(numeric_table), c);
}

unsigned unicode_script(uint32_t c)
{
	size_t low = 0, high = COUNT(script_table);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (script_table[middle].last < c)
			low = middle + 1;
		else
			high = middle;
	}
	return low < COUNT(script_table) && script_table[low].first <= c ? script_table[low].script
									 : 0;
}
