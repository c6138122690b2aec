#include "lib/base/name.h"

#include <string.h>

enum { MOST = 64 };

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;
	return m < c ? m : c;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static size_t lower_name(const char *name, char out[MOST])
{
	size_t n = strnlen(name, MOST);
	for (size_t i = 0; i < n; i++)
		out[i] = lower(name[i]);
	return n;
}

size_t name_distance(const char *from, const char *to)
{
	char a[MOST], b[MOST];
	size_t n = lower_name(from, a), m = lower_name(to, b), rows[3][MOST + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];
	for (size_t j = 0; j <= m; j++)
		last[j] = j;
	for (size_t i = 1; i <= n; i++) {
		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			now[j] = smallest(
				last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		size_t *t = before;
		before = last, last = now, now = t;
	}
	return last[m] + (strlen(from) - n) + (strlen(to) - m);
}

size_t name_reach(const char *name)
{
	return strlen(name) / 3 + 2;
}
