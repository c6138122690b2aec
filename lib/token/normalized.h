/*
 * normalized.h: a text being changed, each byte of which knows the bytes of the original that it
 * is from: NormalizedString of Hugging Face tokenizers 0.23 (src/tokenizer/normalizer.rs).
 *
 * A change reads the text from its beginning and writes another one. What is put takes the place of
 * the next code point of the old text (change 0), takes its place and that of N more (change -N), or
 * is put in without taking any place (change 1), which aligns it with what stands before. Code
 * points that are only copied or left out keep or lose their alignment with themselves.
 *
 * Text is valid UTF-8: lib/token sees to that before the first change.
 */
#pragma once
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"

struct aligned_text {
	struct buffer text;
	uint32_t *from, *to; /* by byte of text: [from, to) of the original; unless !aligned */
	size_t capacity; /* of from and to */
};

struct normalized {
	struct buffer text;
	uint32_t *from, *to; /* by byte of text: [from, to) of the original */
	size_t capacity; /* of from and to */
	bool unaligned; /* from and to are not kept: nobody asks for offsets */
	size_t limit; /* bytes that the text may grow to */
	uint32_t start; /* byte of the original where the text began: of what is put before all of it */
	struct aligned_text next; /* what a change writes */
};

/*
 * What a text may grow to: no published tokenizer makes of a byte more than 18, while one that doubles
 * a text thirty times would take all memory.
 */
static inline size_t normalized_limit(size_t size)
{
	return size_add(1 << 16, size_mul(64, size));
}

/* The part of an original that begins at its byte `at`, unchanged; replaces what was there. */
void normalized_set(struct normalized *, struct slice text, uint32_t at);
void normalized_free(struct normalized *);

struct change {
	struct normalized *n;
	size_t at; /* bytes of the old text that have been taken */
};

/* Begin to change, leaving out so many code points at the beginning. */
struct change change_begin(struct normalized *, size_t removed);
void change_put(struct change *, uint32_t code_point, int change);
void change_copy(struct change *, size_t bytes); /* take so many bytes as they are */
void change_skip(struct change *, size_t bytes); /* leave them out */

/* Put text in, aligned with the byte before `at`: where there is none with no byte, but the start. */
void change_insert(struct change *, struct slice text);

/* Put bytes that are from [from, to) of the original, whatever stands where. */
void change_write(struct normalized *, const char *bytes, size_t size, uint32_t from, uint32_t to);

bool change_too_long(const struct change *); /* what was put is over the limit */

/*
 * The text is the new one, of which nothing follows what was put. -1 (ERROR_DATA) where it is over
 * the limit, or 4 GiB.
 */
int change_end(struct change *, struct error *);
