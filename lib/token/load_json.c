/*
 * load_json.c: a tokenizer.json (version 1.0 of Hugging Face tokenizers). Truncation and
 * padding that it asks for are not taken over, but for the token to fill up with: they are the
 * caller's to choose.
 */
#include "lib/token/parts.h"
#include "lib/token/read.h"

struct sections {
	struct json version, added_tokens, normalizer, pre_tokenizer, post_processor, decoder,
		model, padding;
};

/* The members of the root, in one pass: it is large. */
static void find_sections(struct json root, struct sections *s)
{
	const struct read_member members[] = {
		{ "version", &s->version },
		{ "added_tokens", &s->added_tokens },
		{ "normalizer", &s->normalizer },
		{ "pre_tokenizer", &s->pre_tokenizer },
		{ "post_processor", &s->post_processor },
		{ "decoder", &s->decoder },
		{ "model", &s->model },
		{ "padding", &s->padding },
	};
	read_named(root, members, sizeof members / sizeof *members);
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
	if (model_read(&t->model, s.model, &t->vocab, t->arena, e) ||
		normalizer_read(&t->normalizer, s.normalizer, t->arena, e) ||
		pretokenizer_read(&t->pretokenizer, s.pre_tokenizer, t->arena, e) ||
		read_added(t, s.added_tokens, e) ||
		post_read(&t->post, s.post_processor, &t->vocab, t->arena, e) ||
		decoder_read(&t->decoder, s.decoder, t->arena, e))
		return -1;
	struct json padding = json_get(s.padding, "pad_token");
	if (padding.type == JSON_STRING)
		t->padding = json_text(padding, t->arena);
	return tokenizer_finish(t, e);
}
