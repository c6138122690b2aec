/* base64.h: RFC 4648, standard alphabet. */
#pragma once
#include "lib/base/buffer.h"
#include "lib/base/slice.h"

/* Append the base64 of size bytes, padded. */
void base64_encode(struct buffer *, const void *data, size_t size);

/* Bytes that text decodes to, padding optional; SIZE_MAX where its length is wrong. */
size_t base64_size(struct slice text);

/* Decode into out, which has room for base64_size(text) bytes: false where a character is none of
 * the alphabet. */
bool base64_decode(struct slice text, void *out);
