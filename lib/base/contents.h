/* contents.h: files that are read: opened, or whole in memory. */
#pragma once
#include <sys/stat.h>

#include "lib/base/error.h"
#include "lib/base/memory.h"

/* A descriptor to read from, and what fstat says of it; -1 and ERROR_NO_INPUT where the file cannot
 * be opened or is a folder. Every file that a command reads is opened by this. */
int contents_open(const char *path, struct stat *, struct error *);

/*
 * All of a regular file, a device or a FIFO, a NUL byte behind it. -1 and an error that names the
 * path: as contents_open, ERROR_IO where reading fails, ERROR_DATA where what is no regular file
 * does not end (2^28 bytes).
 */
int contents_read(const char *path, struct arena *, struct slice *, struct error *);
