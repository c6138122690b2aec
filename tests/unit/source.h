/* source.h: files of the source tree, by their path in it. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/file/mapping.h"

/* source_path("tests/golden/%s", name): where it is, in static memory. */
__attribute__((format(printf, 1, 2))) static inline const char *source_path(const char *format, ...)
{
	static char path[4096];
	const char *src = getenv("HEDDLE_SRC");
	int n = snprintf(path, sizeof path, "%s/", src ? src : ".");
	va_list args;
	va_start(args, format);
	vsnprintf(path + n, sizeof path - (size_t)n, format, args);
	va_end(args);
	return path;
}

/* The bytes of the file at a path; mapping_close. */
static inline struct slice source_map(const char *path)
{
	struct slice text;
	struct error e;
	if (mapping_open(path, &text, &e))
		fail_msg("%s", e.msg);
	return text;
}

static inline struct buffer source_read(const char *path)
{
	struct buffer b = { NULL, 0, 0 };
	struct slice text = source_map(path);
	buffer_slice(&b, text);
	mapping_close(text);
	return b;
}
