#include "lib/base/buffer.h"

#include <stdio.h>

#include "lib/base/error.h"

char *buffer_reserve(struct buffer *b, size_t n)
{
	size_t need = size_add(b->size, n);
	if (need > b->capacity) {
		size_t capacity = size_add(b->capacity, b->capacity / 2);
		capacity = capacity < need ? need : capacity;
		capacity = capacity < 256 ? 256 : capacity;
		b->data = mem_resize(b->data, b->size, capacity);
		b->capacity = capacity;
	}
	return b->data + b->size;
}

void buffer_add(struct buffer *b, const void *data, size_t n)
{
	if (n == 0)
		return;
	memcpy(buffer_reserve(b, n), data, n);
	b->size += n;
}

void buffer_slice(struct buffer *b, struct slice s)
{
	buffer_add(b, s.data, s.size);
}

void buffer_char(struct buffer *b, char c)
{
	*buffer_reserve(b, 1) = c;
	b->size++;
}

void buffer_text(struct buffer *b, const char *s)
{
	buffer_add(b, s, strlen(s));
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	CHECK(n >= 0);
	char *p = buffer_reserve(b, (size_t)n + 1);
	va_start(args, format);
	vsnprintf(p, (size_t)n + 1, format, args);
	va_end(args);
	b->size += (size_t)n;
}

/* Bytes of the control character at i, of C0, DEL or C1 in UTF-8; 0: none is there. */
static size_t control_size(struct slice s, size_t i)
{
	unsigned char c = (unsigned char)s.data[i];
	unsigned char next = i + 1 < s.size ? (unsigned char)s.data[i + 1] : 0;
	return c < ' ' || c == 0x7f ? 1 : c == 0xc2 && next >= 0x80 && next < 0xa0 ? 2 : 0;
}

void buffer_visible(struct buffer *b, struct slice s)
{
	for (size_t i = 0, n; i < s.size; i += n ? n : 1) {
		n = control_size(s, i);
		if (n)
			buffer_printf(b, "\\x%02x", (unsigned)(unsigned char)s.data[i + n - 1]);
		else
			buffer_char(b, s.data[i]);
	}
}

size_t visible_width(struct slice s)
{
	size_t width = 0;
	for (size_t i = 0, n; i < s.size; i += n ? n : 1) {
		n = control_size(s, i);
		width += n ? 4 : ((unsigned char)s.data[i] & 0xc0) != 0x80;
	}
	return width;
}

void buffer_free(struct buffer *b)
{
	mem_free(b->data);
	*b = (struct buffer){ NULL, 0, 0 };
}
