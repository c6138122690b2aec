/*
 * Any bytes as a tokenizer.json or a vocab.txt. What opens must tokenize hostile text, and the
 * bytes themselves, within the bounds that tokenizer.h states, and decode what it made.
 */
#include <stdlib.h>

#include "lib/token/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct tokenizer *t, const struct encoding *x, size_t longest)
{
	struct buffer out = { NULL, 0, 0 };
	for (size_t i = 0; i < x->n; i++) {
		CHECK(x->ids[i] < tokenizer_vocab_size(t) && tokenizer_token(t, x->ids[i]).data);
		CHECK(x->offsets[i].start <= x->offsets[i].end && x->offsets[i].end <= longest);
	}
	tokenizer_decode(t, x->ids, x->n, true, &out, NULL);
	buffer_free(&out);
}

static void try(const struct tokenizer *t, struct tokenizer_scratch *scratch, struct slice text,
	const struct slice *pair, size_t limit, struct arena *arena)
{
	struct tokenizer_options o = { .add_special = limit % 2 == 0, .max_length = limit, .offsets = true,
		.type_ids = true, .special_mask = true, .word_ids = true, .byte_offsets = limit % 3 == 0,
		.truncation = (enum truncation)(limit % 3), .truncate_left = limit % 5 == 0,
		.windows = limit > 7, .stride = limit % 4, .pad_id = tokenizer_padding(t) };
	size_t longest = pair && pair->size > text.size ? pair->size : text.size;
	struct encoding x;
	struct error e;
	if (o.pad_id != (uint32_t)TOKENIZER_NO_ID)
		o.pad_to = limit / 2;
	if (tokenizer_encode(t, scratch, text, pair, &o, arena, &x, &e))
		return;
	CHECK(!limit || x.n <= limit || (o.add_special && tokenizer_added(t, pair != NULL) == 0));
	check(t, &x, longest);
	for (size_t i = 0; i < x.n_windows && i < 100; i++)
		check(t, &x.windows[i], longest);
}

/* Who asks for ids only gets them on a faster path: the same. */
static void try_ids(const struct tokenizer *t, struct tokenizer_scratch *scratch, struct slice text, struct arena *arena)
{
	struct tokenizer_options all = { .offsets = true }, ids = { .offsets = false };
	struct encoding x, y;
	struct error e;
	int rc = tokenizer_encode(t, scratch, text, NULL, &all, arena, &x, &e);
	CHECK(tokenizer_encode(t, scratch, text, NULL, &ids, arena, &y, &e) == rc);
	CHECK(rc || (x.n == y.n && (x.n == 0 || !memcmp(x.ids, y.ids, x.n * sizeof *x.ids))));
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
	struct tokenizer_scratch *scratch = tokenizer_scratch_new(t);
	struct slice part = { text.data, size < 256 ? size : 256 };
	try(t, scratch, other, NULL, 0, arena);
	try(t, scratch, part, NULL, 0, arena);
	try(t, scratch, part, &other, 7, arena);
	try(t, NULL, other, &part, 8, arena);
	try(t, scratch, other, &part, 15, arena);
	try(t, scratch, other, NULL, 10, arena);
	try_ids(t, scratch, other, arena);
	try_ids(t, scratch, part, arena);
	tokenizer_scratch_free(scratch);
	arena_free(arena);
	tokenizer_free(t);
	return 0;
}
