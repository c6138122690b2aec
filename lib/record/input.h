/* input.h: the bytes of one file or of stdin, decompressed where they begin with the magic of gzip
 * or zstd. */
#pragma once
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"

struct input;

/* "-" is stdin. NULL and the error (66) where it cannot be opened or is a folder. */
struct input *input_open(const char *path, struct error *);
void input_close(struct input *);

/* Append up to `size` bytes to b: 1; 0 at the end; -1 and the error (74), also where compressed
 * data is damaged or cut off. */
int input_read(struct input *, struct buffer *b, size_t size, struct error *);

/* The size of a regular file that is not compressed; -1 and the error (2, 66) otherwise. For
 * --shard. */
int input_size(const char *path, uint64_t *size, struct error *);

/* Behind the extension that names a format, ".gz" and ".zst" left out: "jsonl", "csv"; "" where
 * there is none. */
struct slice input_extension(const char *path);

/* Can it be opened, and is it no folder? */
int input_check(const char *path, struct error *);
