/*
 * Any bytes as the template of a tokenizer that is trained, or as the texts that it is trained
 * on. What is written must open, and tokenize the texts.
 */
#include <stdlib.h>

#include "lib/base/utf8.h"
#include "lib/token/train.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_out(struct slice json, struct slice text)
{
	struct error e = { 0 };
	struct tokenizer *t = tokenizer_from_json(json, &e);
	CHECK(t != NULL);
	struct arena *arena = arena_new();
	const struct tokenizer_options o = { .add_special = true, .offsets = true };
	struct encoding x;
	if (!tokenizer_encode(t, NULL, text, NULL, &o, arena, &x, &e))
		for (size_t i = 0; i < x.n; i++)
			CHECK(x.ids[i] < tokenizer_vocab_size(t));
	arena_free(arena);
	tokenizer_free(t);
}

static void train(struct slice template, const struct trainer_options *o, struct slice text)
{
	struct error e = { 0 };
	struct trainer *t = trainer_new(template, o, &e);
	if (!t) {
		CHECK(e.code && e.msg[0]);
		return;
	}
	struct tokenizer_scratch *scratch = tokenizer_scratch_new(trainer_tokenizer(t));
	struct word_counts *counts[2] = { word_counts_new(), word_counts_new() };
	struct buffer json = { NULL, 0, 0 };
	int rc = 0;
	for (size_t i = 0, at = 0; !rc && at < text.size; i++) {
		const char *end = memchr(text.data + at, '\n', text.size - at);
		size_t n = end ? (size_t)(end - text.data) - at : text.size - at;
		rc = trainer_add(t, scratch, (struct slice){ text.data + at, n }, counts[i % 2], &e);
		at += n + 1;
	}
	if (!rc && !trainer_run(t, counts, 2, 1, &json, &e))
		try_out(buffer_view(&json), text);
	for (int i = 0; i < 2; i++)
		word_counts_free(counts[i]);
	tokenizer_scratch_free(scratch);
	buffer_free(&json);
	trainer_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char texts[] = "hug pug hugs\nabab aaaa \u00e9 e\u0301\n\u4e2d\u6587 don't 1999 "
				    "\U0001f600\n ";
	static const struct slice special[] = { SLICE("<new>"), SLICE("a") };
	struct slice text = { (const char *)data, size };
	if (size < 2)
		return 0;
	struct trainer_options o = {
		.vocab_size = 300, .special = special, .initial_alphabet = SLICE("q\u00df")
	};
	if (data[0] == '{') {
		for (unsigned kind = 0; kind < 3; kind++) {
			o.kind = (enum trainer_kind)kind;
			train(text, &o, SLICE(texts));
		}
		return 0;
	}
	o.kind = (enum trainer_kind)(data[0] % 3);
	o.n_special = data[0] / 3u % 3;
	o.vocab_size = 10 + 2u * data[1];
	o.min_frequency = data[1] % 3;
	o.limit_alphabet = data[1] % 5;
	o.max_token_length = data[1] % 7;
	struct buffer template = { NULL, 0, 0 }, valid = { NULL, 0, 0 };
	trainer_template(&template, o.kind, data[0] / 9 % 2);
	utf8_repair(&valid, (struct slice){ text.data + 2, size - 2 });
	train(buffer_view(&template), &o, buffer_view(&valid));
	buffer_free(&template);
	buffer_free(&valid);
	return 0;
}
