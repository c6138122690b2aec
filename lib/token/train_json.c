/*
 * train_json.c: a trained vocabulary as tokenizer.json: the template's members, but for those that
 * hold tokens. A token, a merge is a line each.
 */
#include "lib/token/train_private.h"

static const char *const kind_names[] = { "WordPiece", "BPE", "Unigram" };

static int add_id(struct buffer *b, const struct trained *t, struct json token, struct error *e)
{
	struct buffer text = { NULL, 0, 0 };
	if (token.type == JSON_STRING)
		json_add_text(&text, token);
	uint32_t id = terms_find(&t->tokens, buffer_view(&text));
	buffer_free(&text);
	if (id == TERMS_ABSENT)
		return error_set(e, ERROR_MODEL,
			"the template's post-processor or padding needs the token %.*s, which is "
			"no "
			"special one",
			(int)(token.raw.size < 100 ? token.raw.size : 100), token.raw.data);
	json_write_integer(b, id);
	return 0;
}

static int add_ids(struct buffer *b, const struct trained *t, struct json tokens, struct error *e)
{
	bool first = true;
	buffer_char(b, '[');
	for (struct json_iterator i = json_iterate(tokens); json_each(&i); first = false) {
		if (!first)
			buffer_char(b, ',');
		if (add_id(b, t, i.value, e))
			return -1;
	}
	buffer_char(b, ']');
	return 0;
}

/* "cls": ["[CLS]", 101] of Bert- and RobertaProcessing. */
static int add_named(struct buffer *b, const struct trained *t, struct json pair, struct error *e)
{
	struct json_iterator i = json_iterate(pair);
	json_each(&i);
	buffer_char(b, '[');
	buffer_slice(b, i.value.raw);
	buffer_char(b, ',');
	if (add_id(b, t, i.value, e))
		return -1;
	buffer_char(b, ']');
	return 0;
}

static int add_value(struct buffer *, const struct trained *, struct json, struct error *);

/* A member of a post-processor or of the padding: the ids in it become the new ones. */
static int add_member(struct buffer *b, const struct trained *t, struct json object,
	const struct json_iterator *i, struct error *e)
{
	buffer_slice(b, i->key.raw);
	buffer_char(b, ':');
	if (json_text_is(i->key, "pad_id"))
		return add_id(b, t, json_get(object, "pad_token"), e);
	if (json_text_is(i->key, "ids") && json_get(object, "tokens").type == JSON_ARRAY)
		return add_ids(b, t, json_get(object, "tokens"), e);
	if (i->value.type == JSON_ARRAY &&
		(json_text_is(i->key, "cls") || json_text_is(i->key, "sep")))
		return add_named(b, t, i->value, e);
	return add_value(b, t, i->value, e);
}

static int add_value(struct buffer *b, const struct trained *t, struct json v, struct error *e)
{
	bool first = true;
	if (v.type != JSON_OBJECT && v.type != JSON_ARRAY) {
		buffer_slice(b, v.raw);
		return 0;
	}
	buffer_char(b, *v.raw.data);
	for (struct json_iterator i = json_iterate(v); json_each(&i); first = false) {
		if (!first)
			buffer_char(b, ',');
		if (v.type == JSON_OBJECT ? add_member(b, t, v, &i, e)
					  : add_value(b, t, i.value, e))
			return -1;
	}
	buffer_char(b, v.raw.data[v.raw.size - 1]);
	return 0;
}

static void add_bool(struct buffer *b, const char *name, bool value)
{
	buffer_printf(b, ",\"%s\":%s", name, value ? "true" : "false");
}

static void add_special(struct buffer *b, const struct trained *t)
{
	buffer_char(b, '[');
	for (size_t i = 0; i < t->n_special; i++) {
		const struct added_token *a = &t->special[i];
		buffer_printf(b, "%s\n{\"id\":%u,\"content\":", i ? "," : "",
			terms_find(&t->tokens, a->content));
		json_write_string(b, a->content);
		add_bool(b, "single_word", a->single_word);
		add_bool(b, "lstrip", a->lstrip);
		add_bool(b, "rstrip", a->rstrip);
		add_bool(b, "normalized", a->normalized);
		add_bool(b, "special", true);
		buffer_char(b, '}');
	}
	buffer_char(b, ']');
}

static void add_scores(struct buffer *b, const struct trained *t)
{
	if (t->unknown < 0)
		buffer_text(b, ",\"unk_id\":null");
	else
		buffer_printf(b, ",\"unk_id\":%lld", (long long)t->unknown);
	buffer_text(b, ",\"vocab\":[");
	for (size_t i = 0; i < t->tokens.n; i++) {
		buffer_text(b, i ? ",\n[" : "\n[");
		json_write_string(b, t->tokens.at[i]);
		buffer_char(b, ',');
		json_write_double(b, t->scores[i]);
		buffer_char(b, ']');
	}
	buffer_char(b, ']');
}

static void add_vocab(struct buffer *b, const struct trained *t)
{
	buffer_text(b, ",\"vocab\":{");
	for (size_t i = 0; i < t->tokens.n; i++) {
		buffer_text(b, i ? ",\n" : "\n");
		json_write_string(b, t->tokens.at[i]);
		buffer_char(b, ':');
		json_write_integer(b, (int64_t)i);
	}
	buffer_char(b, '}');
	if (t->kind != TRAIN_BPE)
		return;
	buffer_text(b, ",\"merges\":[");
	for (size_t i = 0; i < t->merges->n; i++) {
		buffer_text(b, i ? ",\n[" : "\n[");
		json_write_string(b, t->tokens.at[t->merges->at[i].left]);
		buffer_char(b, ',');
		json_write_string(b, t->tokens.at[t->merges->at[i].right]);
		buffer_char(b, ']');
	}
	buffer_char(b, ']');
}

static void add_model(struct buffer *b, const struct trained *t, struct json model)
{
	static const char *const learnt[] = { "type", "vocab", "merges", "unk_id" };
	buffer_printf(b, "{\"type\":\"%s\"", kind_names[t->kind]);
	for (struct json_iterator i = json_iterate(model); json_each(&i);) {
		size_t j = 0;
		while (j < 4 && !json_text_is(i.key, learnt[j]))
			j++;
		if (j < 4)
			continue;
		buffer_char(b, ',');
		buffer_slice(b, i.key.raw);
		buffer_char(b, ':');
		buffer_slice(b, i.value.raw);
	}
	if (t->kind == TRAIN_UNIGRAM)
		add_scores(b, t);
	else
		add_vocab(b, t);
	buffer_char(b, '}');
}

int trained_write(struct buffer *b, struct json template, const struct trained *t, struct error *e)
{
	static const char *const members[] = { "truncation", "padding", "added_tokens",
		"normalizer", "pre_tokenizer", "post_processor", "decoder", "model" };
	buffer_text(b, "{\"version\":\"1.0\"");
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		struct json v = json_get(template, members[i]);
		buffer_printf(b, ",\n\"%s\":", members[i]);
		if (i == 2)
			add_special(b, t);
		else if (i == 7)
			add_model(b, t, v);
		else if (v.type == JSON_ABSENT)
			buffer_text(b, "null");
		else if (i == 1 || i == 5) {
			if (add_value(b, t, v, e))
				return -1;
		} else
			buffer_slice(b, v.raw);
	}
	buffer_text(b, "}\n");
	return 0;
}
