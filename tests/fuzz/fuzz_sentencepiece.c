/*
 * Any bytes as a SentencePiece model. What opens must tokenize hostile text within the bounds that
 * tokenizer.h states, and decode what it made.
 */
#include <stdlib.h>

#include "lib/token/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(const struct tokenizer *t, struct slice text, struct arena *arena)
{
	struct tokenizer_options o = { .add_special = true, .offsets = true, .byte_offsets = true };
	struct tokenizer_options ids = { .add_special = true };
	struct encoding x, y;
	struct error e;
	int rc = tokenizer_encode(t, NULL, text, NULL, &o, arena, &x, &e);
	/* who asks for ids only gets them on a faster path: the same */
	CHECK(tokenizer_encode(t, NULL, text, NULL, &ids, arena, &y, &e) == rc);
	if (rc)
		return;
	CHECK(x.n == y.n && (x.n == 0 || !memcmp(x.ids, y.ids, x.n * sizeof *x.ids)));
	for (size_t i = 0; i < x.n; i++) {
		CHECK(x.ids[i] < tokenizer_vocab_size(t) && tokenizer_token(t, x.ids[i]).data);
		CHECK(x.offsets[i].start <= x.offsets[i].end && x.offsets[i].end <= text.size);
	}
	struct buffer out = { NULL, 0, 0 };
	tokenizer_decode(t, x.ids, x.n, false, &out, NULL);
	buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char hostile[] = "Hello  the cat a\xcc\x81 \xe2\x96\x81 \xed\x95\x9c <mask> "
				      "\x01 \xff\xe2\x82 <s> \xc2\xa0 ";
	struct slice text = { (const char *)data, size };
	struct error e = { 0 };
	struct tokenizer *t = tokenizer_from_sentencepiece(text, &e);
	if (!t) {
		CHECK(e.code == ERROR_MODEL && e.msg[0]);
		return 0;
	}
	struct arena *arena = arena_new();
	try(t, SLICE(hostile), arena);
	try(t, (struct slice){ text.data, size < 300 ? size : 300 }, arena);
	arena_free(arena);
	tokenizer_free(t);
	return 0;
}
