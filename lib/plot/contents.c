/* contents.c: reading a file to its end, whatever it is. */
#include "lib/plot/contents.h"

#include <errno.h>
#include <stdio.h>

#include "lib/base/buffer.h"

int contents_read(const char *path, struct arena *arena, struct slice *text, struct error *e)
{
	enum { STEP = 1 << 16 };
	FILE *f = fopen(path, "rbe");
	if (!f)
		return error_set(e, errno == ENOENT ? ERROR_NO_INPUT : ERROR_IO, "%s: %s", path,
			strerror(errno));
	struct buffer b = { 0 };
	size_t got;
	do {
		got = fread(buffer_reserve(&b, STEP), 1, STEP, f);
		b.size += got;
	} while (got);
	int failed = ferror(f) ? errno : 0;
	fclose(f);
	*text = arena_copy(arena, buffer_view(&b));
	buffer_free(&b);
	return failed ? error_set(e, ERROR_IO, "%s: %s", path, strerror(failed)) : 0;
}
