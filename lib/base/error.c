#include "lib/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Drop a code point that the end of the array cut in two. */
static void trim(char *msg)
{
	size_t n = strlen(msg), i = n;
	while (i > 0 && n - i < 4 && ((unsigned char)msg[i - 1] & 0xc0) == 0x80)
		i--;
	if (i == 0 || n == i)
		return;
	unsigned char lead = (unsigned char)msg[i - 1];
	size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	if (n - i + 1 < want)
		msg[i - 1] = 0;
}

int error_set(struct error *e, int code, const char *format, ...)
{
	if (!e)
		return -1;
	va_list args;
	va_start(args, format);
	e->code = code;
	vsnprintf(e->msg, sizeof e->msg, format, args);
	va_end(args);
	if (strlen(e->msg) == sizeof e->msg - 1)
		trim(e->msg);
	return -1;
}

int error_wrap(struct error *e, const char *format, ...)
{
	if (!e)
		return -1;
	char context[sizeof e->msg], whole[2 * sizeof e->msg + 2];
	va_list args;
	va_start(args, format);
	vsnprintf(context, sizeof context, format, args);
	va_end(args);
	snprintf(whole, sizeof whole, "%s: %s", context, e->msg);
	memcpy(e->msg, whole, sizeof e->msg - 1);
	e->msg[sizeof e->msg - 1] = 0;
	if (strlen(e->msg) == sizeof e->msg - 1)
		trim(e->msg);
	return -1;
}

void check_failed(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: bug: %s does not hold\n", file, line, condition);
	abort();
}
