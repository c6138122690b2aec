/*
 * Any bytes as a tokenizer.json or a vocab.txt. What opens must tokenize hostile text, and the
 * bytes themselves, within the bounds that tokenizer.h states, and decode what it made.
 */
#include <stdlib.h>

#include "lib/token/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(const struct tokenizer *t, struct slice text, const struct slice *pair, size_t limit, struct arena *arena)
{
	struct tokenizer_options o = { .add_special = limit % 2 == 0, .max_length = limit, .offsets = true,
		.type_ids = true, .special_mask = true, .word_ids = true, .byte_offsets = true };
	struct encoding x;
	struct error e;
	if (tokenizer_encode(t, NULL, text, pair, &o, arena, &x, &e))
		return;
	CHECK(!limit || !o.add_special || x.n <= limit || tokenizer_added(t, pair != NULL) == 0);
	for (size_t i = 0; i < x.n; i++) {
		const struct slice *from = pair && pair->size > text.size ? pair : &text;
		CHECK(x.ids[i] < tokenizer_vocab_size(t) && tokenizer_token(t, x.ids[i]).data);
		CHECK(x.offsets[i].start <= x.offsets[i].end && x.offsets[i].end <= from->size);
	}
	struct buffer out = { NULL, 0, 0 };
	tokenizer_decode(t, x.ids, x.n, true, &out, NULL);
	buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char hostile[] = "Hello, [CLS] a\xcc\x81\xcc\xa3 \xed\x95\x9c \xe4\xb8\xad \x01 \xff\xe2\x82 <x>  ab##b\xc4\xb0";
	struct slice text = { (const char *)data, size }, other = SLICE(hostile);
	struct error e = { 0 };
	struct tokenizer *t = size && data[0] == '{' ? tokenizer_from_json(text, &e)
		: tokenizer_from_vocab(text, size % 2, &e);
	if (!t) {
		CHECK(e.code == ERROR_MODEL && e.msg[0]);
		return 0;
	}
	struct arena *arena = arena_new();
	struct slice part = { text.data, size < 256 ? size : 256 };
	try(t, other, NULL, 0, arena);
	try(t, part, NULL, 0, arena);
	try(t, part, &other, 7, arena);
	try(t, other, &part, 8, arena);
	arena_free(arena);
	tokenizer_free(t);
	return 0;
}
