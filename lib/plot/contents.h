/* contents.h: a whole file in memory: a regular one, a device or a FIFO. */
#pragma once
#include "lib/base/error.h"
#include "lib/base/memory.h"

/* -1 and an error that names the path: 66 where there is no such file, 74 otherwise. */
int contents_read(const char *path, struct arena *, struct slice *, struct error *);
