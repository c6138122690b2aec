/*
 * Any bytes as a GGUF file. What is read lies within the file; a vocabulary that opens must tokenize
 * hostile text within the bounds that tokenizer.h states, and decode what it made.
 */
#include <stdlib.h>

#include "lib/file/gguf.h"
#include "lib/token/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(struct slice part, struct slice file)
{
	return part.data >= file.data && part.size <= file.size &&
	       (size_t)(part.data - file.data) <= file.size - part.size;
}

static void look(struct slice file, struct arena *arena)
{
	struct gguf g;
	struct error e = { 0 };
	struct slice *strings;
	size_t n;
	if (gguf_read(&g, file, arena, &e)) {
		CHECK(e.code == ERROR_MODEL && e.msg[0]);
		return;
	}
	for (size_t i = 0; i < g.n_values; i++)
		CHECK(inside(g.values[i].key, file) && inside(g.values[i].bytes, file));
	for (size_t i = 0; i < g.n_tensors; i++)
		CHECK(inside(g.tensors[i].name, file) && inside(g.tensors[i].data, file) &&
			gguf_type_name(g.tensors[i].type));
	if (gguf_strings(&g, "tokenizer.ggml.tokens", arena, &strings, &n, &e) == 0)
		for (size_t i = 0; i < n; i++)
			CHECK(inside(strings[i], file));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char hostile[] = "Hello  the cat's 123 a\xcc\x81 \xe2\x96\x81 \xed\x95\x9c "
				      "<|im|> \x01 \xff\xe2\x82 <s> ";
	struct slice file = { (const char *)data, size }, text = SLICE(hostile);
	struct tokenizer_options o = { .add_special = true, .offsets = true, .byte_offsets = true };
	struct arena *arena = arena_new();
	struct encoding x;
	struct error e = { 0 };
	look(file, arena);
	struct tokenizer *t = tokenizer_from_gguf(file, &e);
	CHECK(t || (e.code == ERROR_MODEL && e.msg[0]));
	if (t && tokenizer_encode(t, NULL, text, NULL, &o, arena, &x, &e) == 0) {
		for (size_t i = 0; i < x.n; i++)
			CHECK(x.ids[i] < tokenizer_vocab_size(t) &&
				x.offsets[i].start <= x.offsets[i].end &&
				x.offsets[i].end <= text.size);
		struct buffer out = { NULL, 0, 0 };
		tokenizer_decode(t, x.ids, x.n, false, &out, NULL);
		buffer_free(&out);
	}
	tokenizer_free(t);
	arena_free(arena);
	return 0;
}
