/*
 * Any bytes as a file of tiktoken's, or as vocab.json and merges.txt parted by the first NUL. What
 * opens must tokenize hostile text and the bytes themselves.
 */
#include "lib/token/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(const struct tokenizer *t, struct slice text)
{
	struct arena *arena = arena_new();
	struct tokenizer_options o = { .offsets = true, .word_ids = true, .byte_offsets = true };
	struct encoding x;
	struct buffer out = { NULL, 0, 0 };
	if (tokenizer_encode(t, NULL, text, NULL, &o, arena, &x, NULL) == 0) {
		for (size_t i = 0; i < x.n; i++)
			CHECK(x.ids[i] < tokenizer_vocab_size(t) &&
				x.offsets[i].start <= x.offsets[i].end &&
				x.offsets[i].end <= text.size);
		tokenizer_decode(t, x.ids, x.n, true, &out, NULL);
	}
	buffer_free(&out);
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = { (const char *)data, size },
		     hostile = SLICE("Hello  \xcc\x81 \xed\x95\x9c\xff 12345's\n\n\xe2\x82");
	const char *nul = size ? memchr(data, 0, size) : NULL;
	size_t first = nul ? (size_t)(nul - all.data) : size;
	struct error e = { 0 };
	struct tokenizer *t = nul ? tokenizer_from_merges((struct slice){ all.data, first },
					    (struct slice){ nul + 1, size - first - 1 }, &e)
				  : tokenizer_from_tiktoken(all, size % 2 ? "cl100k" : "o200k", &e);
	if (!t) {
		CHECK(e.code == ERROR_MODEL && e.msg[0]);
		return 0;
	}
	try(t, hostile);
	try(t, (struct slice){ all.data, size < 256 ? size : 256 });
	tokenizer_free(t);
	return 0;
}
