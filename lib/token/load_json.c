/*
 * load_json.c: a tokenizer.json (version 1.0 of Hugging Face tokenizers). Truncation and
 * padding that it asks for are not taken over: they are the caller's to choose.
 */
#include "lib/token/parts.h"
#include "lib/token/read.h"

struct sections {
	struct json version, added_tokens, normalizer, pre_tokenizer, post_processor, decoder,
		model;
};

/* The members of the root, in one pass: it is large. */
static void find_sections(struct json root, struct sections *s)
{
	const struct {
		const char *name;
		struct json *to;
	} members[] = {
		{ "version", &s->version },
		{ "added_tokens", &s->added_tokens },
		{ "normalizer", &s->normalizer },
		{ "pre_tokenizer", &s->pre_tokenizer },
		{ "post_processor", &s->post_processor },
		{ "decoder", &s->decoder },
		{ "model", &s->model },
	};
	*s = (struct sections){ 0 };
	for (struct json_iterator i = json_iterate(root); json_each(&i);)
		for (size_t j = 0; j < sizeof members / sizeof *members; j++)
			if (json_text_is(i.key, members[j].name))
				*members[j].to = i.value;
}

static int read_vocab(struct tokenizer *t, struct json vocab, struct error *e)
{
	if (vocab.type != JSON_OBJECT)
		return error_set(e, ERROR_MODEL, "\"vocab\" is %s",
			vocab.type == JSON_ABSENT ? "missing" : "not an object");
	/* memory stays in proportion to the file: ids may have holes, but not be all holes */
	size_t largest = 65535 + 16 * vocab.raw.size;
	t->vocab.largest = largest < VOCAB_LARGEST ? (uint32_t)largest : VOCAB_LARGEST;
	for (struct json_iterator i = json_iterate(vocab); json_each(&i);) {
		struct slice token = json_text(i.key, t->arena);
		uint32_t id;
		if (!read_number(i.value, &id))
			return error_set(e, ERROR_MODEL,
				"the id of token \"%.*s\" is not a whole number from 0 to "
				"4294967294",
				(int)(token.size < 100 ? token.size : 100), token.data);
		if (vocab_set(&t->vocab, token, id, e))
			return -1;
	}
	return 0;
}

/*
 * What a model without a type is, by the members that only one kind has, in the reference's
 * order.
 */
static struct slice guess_type(struct json model)
{
	struct json vocab = json_get(model, "vocab");
	if (json_get(model, "merges").type != JSON_ABSENT)
		return SLICE("BPE");
	if (vocab.type == JSON_ARRAY)
		return SLICE("Unigram");
	if (json_get(model, "max_input_chars_per_word").type != JSON_ABSENT)
		return SLICE("WordPiece");
	return SLICE("WordLevel");
}

static int read_model(struct tokenizer *t, struct json v, struct error *e)
{
	struct slice type = { "", 0 }, unknown, prefix;
	uint32_t max_chars;
	if (v.type != JSON_OBJECT)
		return error_set(e, ERROR_MODEL, "\"model\" is %s",
			v.type == JSON_ABSENT ? "missing" : "not an object");
	struct json tag = json_get(v, "type");
	if (tag.type == JSON_ABSENT)
		type = guess_type(v);
	else if (read_type(v, "model", t->arena, &type, e))
		return -1;
	if (!slice_equal(type, SLICE("WordPiece")))
		return read_unknown("model", type, e);
	if (read_text(v, "unk_token", t->arena, &unknown, e) ||
		read_text(v, "continuing_subword_prefix", t->arena, &prefix, e) ||
		read_id(v, "max_input_chars_per_word", &max_chars, e) ||
		read_vocab(t, json_get(v, "vocab"), e) ||
		wordpiece_build(&t->model, &t->vocab, unknown, prefix, max_chars, e))
		return error_wrap(e, "model WordPiece");
	return 0;
}

/* A member that may be absent: false then. */
static int optional_bool(struct json v, const char *name, bool *to, struct error *e)
{
	*to = false;
	return json_get(v, name).type == JSON_ABSENT ? 0 : read_bool(v, name, to, e);
}

static int read_added(struct tokenizer *t, struct json list, struct error *e)
{
	if (list.type == JSON_ABSENT || list.type == JSON_NULL)
		return 0;
	if (list.type != JSON_ARRAY)
		return error_set(e, ERROR_MODEL, "\"added_tokens\" is not an array");
	for (struct json_iterator i = json_iterate(list); json_each(&i);) {
		struct added_token a = { 0 };
		struct json v = i.value;
		if (v.type != JSON_OBJECT)
			return error_set(e, ERROR_MODEL,
				"\"added_tokens\" has an element that is not an object");
		if (read_text(v, "content", t->arena, &a.content, e) ||
			read_id(v, "id", &a.id, e) || optional_bool(v, "special", &a.special, e) ||
			optional_bool(v, "single_word", &a.single_word, e) ||
			optional_bool(v, "lstrip", &a.lstrip, e) ||
			optional_bool(v, "rstrip", &a.rstrip, e))
			return error_wrap(e, "\"added_tokens\"");
		a.normalized = !a.special;
		if (json_get(v, "normalized").type != JSON_ABSENT &&
			read_bool(v, "normalized", &a.normalized, e))
			return error_wrap(e, "\"added_tokens\"");
		if (added_set_token(&t->added, &t->vocab, &a, e))
			return -1;
	}
	return 0;
}

static int read_pretokenizer(struct tokenizer *t, struct json v, struct error *e)
{
	struct slice type;
	t->pretokenizer = PRETOKENIZER_NONE;
	if (v.type == JSON_ABSENT || v.type == JSON_NULL)
		return 0;
	if (read_type(v, "pre_tokenizer", t->arena, &type, e))
		return -1;
	if (!slice_equal(type, SLICE("BertPreTokenizer")))
		return read_unknown("pre_tokenizer", type, e);
	t->pretokenizer = PRETOKENIZER_BERT;
	return 0;
}

int load_json(struct tokenizer *t, struct slice text, struct error *e)
{
	struct json root;
	struct sections s;
	if (json_read(text, &root, e)) {
		if (e)
			e->code = ERROR_MODEL;
		return -1;
	}
	if (root.type != JSON_OBJECT)
		return error_set(e, ERROR_MODEL, "not a JSON object");
	find_sections(root, &s);
	if (s.version.type != JSON_ABSENT && !json_text_is(s.version, "1.0"))
		return error_set(e, ERROR_MODEL, "version %.*s is not supported, only \"1.0\"",
			(int)(s.version.raw.size < 100 ? s.version.raw.size : 100),
			s.version.raw.data);
	return read_model(t, s.model, e) ||
			       normalizer_read(&t->normalizer, s.normalizer, t->arena, e) ||
			       read_pretokenizer(t, s.pre_tokenizer, e) ||
			       read_added(t, s.added_tokens, e) ||
			       template_read(&t->single, &t->pair, s.post_processor, &t->vocab,
				       t->arena, e) ||
			       decoder_read(&t->decoder, s.decoder, t->arena, e) ||
			       tokenizer_finish(t, e)
		       ? -1
		       : 0;
}
