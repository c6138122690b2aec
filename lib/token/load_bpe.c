/*
 * load_bpe.c: byte-level BPE in other files than tokenizer.json: vocab.json with merges.txt, which is
 * GPT-2's configuration (transformers' GPT2Converter), and tiktoken's lines of a token in base64 and
 * its rank (openai/tiktoken, tiktoken/load.py).
 *
 * tiktoken merges whatever pair makes the token of the lowest rank. Within a token's bytes only one
 * pair can be the last: the two that the tokens of lower rank leave of it. So each token is split by
 * those before it, and where two are left, they are its merge.
 */
#include "lib/base/utf8.h"
#include "lib/record/base64.h"
#include "lib/text/utf8.h"
#include "lib/token/byte_level.h"
#include "lib/token/parts.h"
#include "lib/token/read.h"

/* What GPT-2's tokenizer.json has beside its model. */
static const char gpt2_parts[] = "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_"
				 "offsets\":false,\"use_regex\":true}";

static int read_parts(struct tokenizer *t, const struct pattern *pattern, struct error *e)
{
	struct json v;
	CHECK(json_read(SLICE(gpt2_parts), &v, NULL) == 0);
	if (pretokenizer_read(&t->pretokenizer, v, t->arena, e) ||
		post_read(&t->post, v, &t->vocab, t->arena, e) ||
		decoder_read(&t->decoder, v, t->arena, e))
		return -1;
	if (pattern)
		t->pretokenizer.steps[0].byte_level.matcher.pattern = pattern;
	return tokenizer_finish(t, e);
}

static int add_special(struct tokenizer *t, const char *name, struct error *e)
{
	struct added_token a = { .content = slice_from(name), .special = true };
	return added_set_token(&t->added, &t->vocab, &a, e);
}

/* The next line, without its end; false after the last. */
static bool next_line(struct slice *text, struct slice *line)
{
	if (!text->size)
		return false;
	const char *end = memchr(text->data, '\n', text->size);
	size_t size = end ? (size_t)(end - text->data) : text->size, next = size + (end != NULL);
	*line = (struct slice){ text->data, size };
	line->size -= size && text->data[size - 1] == '\r';
	text->data += next;
	text->size -= next;
	return true;
}

/* --- vocab.json and merges.txt -------------------------------------------------------------- */

static int read_merges(struct bpe *b, struct slice text, struct error *e)
{
	struct slice line;
	if (utf8_check(text) < text.size)
		return error_set(e, ERROR_MODEL, "not UTF-8");
	for (size_t n = 1; next_line(&text, &line); n++) {
		bool version = line.size >= 8 && !memcmp(line.data, "#version", 8);
		if (version || (!line.size && !text.size))
			continue;
		if (bpe_add_line(b, line, e))
			return error_wrap(e, "line %zu", n);
	}

	return 0;
}

static int read_vocab(struct tokenizer *t, struct slice text, struct error *e)
{
	struct json_parser p;
	json_begin(&p, text);
	enum json_type type = json_next(&p).type;
	if (type != JSON_OBJECT)
		return type == JSON_ERROR ? read_fault(&p, e)
					  : error_set(e, ERROR_MODEL, "not a JSON object");
	if (model_read_vocab(&t->vocab, &p, t->arena, e))
		return -1;
	return json_next(&p).type == JSON_END ? 0 : read_fault(&p, e);
}

int load_merges(struct tokenizer *t, struct slice vocab, struct slice merges, struct error *e)
{
	const struct bpe_options usual = { .fuse_unknown = false };
	t->model.kind = MODEL_BPE;
	t->model.unknown = (uint32_t)VOCAB_NONE;
	if (read_vocab(t, vocab, e) || bpe_begin(&t->model.bpe, &t->vocab, &usual, e))
		return -1;
	if (read_merges(&t->model.bpe, merges, e))
		return error_wrap(e, "merges.txt");
	const char *end = "<|endoftext|>";
	if (vocab_id(&t->vocab, slice_from(end)) != (uint32_t)VOCAB_NONE && add_special(t, end, e))
		return -1;
	return read_parts(t, NULL, e);
}

/* --- tiktoken ------------------------------------------------------------------------------- */

static const struct encoding_name {
	const char *part; /* of the file's name */
	const char *pattern;
	struct {
		const char *name;
		uint32_t id;
	} special[5];
} encodings[] = {
	{ "cl100k", "cl100k",
		{ { "<|endoftext|>", 100257 }, { "<|fim_prefix|>", 100258 },
			{ "<|fim_middle|>", 100259 }, { "<|fim_suffix|>", 100260 },
			{ "<|endofprompt|>", 100276 } } },
	{ "o200k", "o200k", { { "<|endoftext|>", 199999 }, { "<|endofprompt|>", 200018 } } },
	{ "r50k", "gpt2", { { "<|endoftext|>", 50256 } } },
	{ "p50k", "gpt2", { { "<|endoftext|>", 50256 } } },
	{ "gpt2", "gpt2", { { "<|endoftext|>", 50256 } } },
	{ "qwen", "qwen", { { NULL, 0 } } },
	{ "tokenizer.model", "llama3", { { NULL, 0 } } },
};

enum { ENCODINGS = sizeof encodings / sizeof *encodings };

/* One line: a token's bytes and its rank. */
static bool read_rank(struct slice line, char *bytes, size_t room, size_t *size, uint32_t *rank)
{
	const char *space = line.size ? memchr(line.data, ' ', line.size) : NULL;
	if (!space)
		return false;
	struct slice text = { line.data, (size_t)(space - line.data) };
	struct slice digits = { space + 1, line.size - text.size - 1 };
	uint64_t n = 0;
	*size = base64_size(text);
	if (*size > room || *size == 0 || digits.size == 0 || digits.size > 9 ||
		!base64_decode(text, bytes))
		return false;
	for (size_t i = 0; i < digits.size; i++) {
		if (digits.data[i] < '0' || digits.data[i] > '9')
			return false;
		n = 10 * n + (uint64_t)(digits.data[i] - '0');
	}
	*rank = (uint32_t)n;
	return true;
}

bool load_is_tiktoken(struct slice text)
{
	char bytes[64];
	struct slice line;
	size_t size;
	uint32_t rank;
	return next_line(&text, &line) && read_rank(line, bytes, sizeof bytes, &size, &rank);
}

static struct slice spell(struct arena *arena, const char *bytes, size_t size)
{
	char *text = arena_alloc(arena, 2 * size);
	size_t n = 0;
	for (size_t i = 0; i < size; i++)
		n += utf8_encode(text + n, byte_level_char((unsigned char)bytes[i]));
	return (struct slice){ text, n };
}

static int read_ranks(struct tokenizer *t, struct slice text, struct error *e)
{
	struct slice line;
	size_t largest = 262143 + text.size; /* above the special tokens of small ones too */
	t->vocab.largest = largest < VOCAB_LARGEST ? (uint32_t)largest : VOCAB_LARGEST;
	for (size_t n = 1; next_line(&text, &line); n++) {
		char bytes[1024];
		size_t size;
		uint32_t rank;
		if (line.size == 0)
			continue;
		if (!read_rank(line, bytes, sizeof bytes, &size, &rank))
			return error_set(e, ERROR_MODEL,
				"line %zu is not a token in base64 and its rank", n);
		if (vocab_set(&t->vocab, spell(t->arena, bytes, size), rank, e))
			return error_wrap(e, "line %zu", n);
	}
	return 0;
}

/* The merges that the ranks are. */
static int derive_merges(struct bpe *b, const struct vocab *v, struct error *e)
{
	uint32_t ids[2048];
	for (size_t id = 0; id < v->size; id++) {
		struct slice token = v->tokens[id];
		if (token.size < 2)
			continue;
		size_t n = bpe_split(b, token, ids, NULL);
		if (n == 2 && bpe_add_ids(b, ids[0], ids[1], (uint32_t)id, e))
			return -1;
	}
	/* what is a token whole needs no merges */
	b->ignore_merges = true;
	return 0;
}

int load_tiktoken(struct tokenizer *t, struct slice text, const char *name, struct error *e)
{
	const struct encoding_name *known = NULL;
	const struct bpe_options usual = { .fuse_unknown = false };
	for (size_t i = 0; i < ENCODINGS && !known; i++)
		if (strstr(name, encodings[i].part))
			known = &encodings[i];
	if (!known)
		return error_set(e, ERROR_MODEL,
			"how a tiktoken file splits text is in its name only: it has to hold "
			"cl100k, o200k, p50k, r50k, gpt2 or qwen, or be Llama 3's tokenizer.model");
	t->model.kind = MODEL_BPE;
	t->model.unknown = (uint32_t)VOCAB_NONE;
	if (read_ranks(t, text, e) || bpe_begin(&t->model.bpe, &t->vocab, &usual, e) ||
		derive_merges(&t->model.bpe, &t->vocab, e))
		return -1;
	for (size_t i = 0; i < 5 && known->special[i].name; i++) {
		struct slice special = slice_from(known->special[i].name);
		/* added_set_token leaves a token of the vocabulary its id */
		if (vocab_id(&t->vocab, special) == (uint32_t)VOCAB_NONE &&
			vocab_set(&t->vocab, special, known->special[i].id, e))
			return -1;
		if (add_special(t, known->special[i].name, e))
			return -1;
	}
	return read_parts(t, pattern_named(known->pattern), e);
}
