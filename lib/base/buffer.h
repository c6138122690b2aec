/* buffer.h: bytes that grow. A zeroed struct is an empty buffer; buffer_free leaves one. */
#pragma once
#include <stdarg.h>

#include "lib/base/memory.h"

struct buffer {
	char *data;
	size_t size, capacity;
};

/* Room for n more bytes; returns where they go. Add to size what was written. */
char *buffer_reserve(struct buffer *, size_t n);
void buffer_add(struct buffer *, const void *data, size_t n);
void buffer_slice(struct buffer *, struct slice);
void buffer_char(struct buffer *, char);
void buffer_text(struct buffer *, const char *);
void buffer_printf(struct buffer *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Text for people to read: a control character, which would break the line or act on a terminal, is
 * written as \xNN. visible_width tells of how many code points that is. */
void buffer_visible(struct buffer *, struct slice);
size_t visible_width(struct slice);

static inline void buffer_clear(struct buffer *b)
{
	b->size = 0;
}
void buffer_free(struct buffer *);
static inline struct slice buffer_view(const struct buffer *b)
{
	return (struct slice){ b->data, b->size };
}
