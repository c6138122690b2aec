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

/* The members of the root; the model, which is large, is read where it is met. */
static int read_root(struct tokenizer *t, struct slice text, struct sections *s, struct error *e)
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
		{ "padding", &s->padding },
	};
	struct json_parser p;
	struct json key, value;
	json_begin(&p, text);
	if ((value = json_next(&p)).type != JSON_OBJECT)
		return value.type == JSON_ERROR ? read_fault(&p, e)
						: error_set(e, ERROR_MODEL, "not a JSON object");
	while ((key = json_next(&p)).type == JSON_KEY) {
		value = json_next(&p);
		if (value.type == JSON_OBJECT && json_text_is(key, "model")) {
			if (model_read(&t->model, &p, &t->vocab, t->arena, e))
				return -1;
		} else {
			value = json_skip(&p, value);
		}
		for (size_t i = 0; i < sizeof members / sizeof *members; i++)
			if (json_text_is(key, members[i].name))
				*members[i].to = value;
	}
	return key.type == JSON_ERROR || json_next(&p).type != JSON_END ? read_fault(&p, e) : 0;
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
	struct sections s = { .model.type = JSON_ABSENT };
	if (read_root(t, text, &s, e))
		return -1;
	if (s.model.type != JSON_OBJECT)
		return error_set(e, ERROR_MODEL, "\"model\" is %s",
			s.model.type == JSON_ABSENT ? "missing" : "not an object");
	if (s.version.type != JSON_ABSENT && !json_text_is(s.version, "1.0"))
		return error_set(e, ERROR_MODEL, "version %.*s is not supported, only \"1.0\"",
			(int)(s.version.raw.size < 100 ? s.version.raw.size : 100),
			s.version.raw.data);
	if (normalizer_read(&t->normalizer, s.normalizer, t->arena, e) ||
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
