#include "lib/token/template.h"

#include "lib/token/read.h"

static void add(struct template *t, struct template_piece piece)
{
	t->pieces[t->n++] = piece;
	t->added += piece.n;
}

void template_bert(struct template *single, struct template *pair, uint32_t cls, uint32_t sep,
	struct arena *arena)
{
	uint32_t *ids = ARENA_ARRAY(arena, uint32_t, 2);
	ids[0] = cls;
	ids[1] = sep;
	struct template_piece a = { .text = 0 }, b = { .text = 1, .type_id = 1 };
	struct template_piece first = { .special = true, .ids = ids, .n = 1 };
	struct template_piece last = { .special = true, .ids = ids + 1, .n = 1 };
	*single = (struct template){ .pieces = ARENA_ARRAY(arena, struct template_piece, 3) };
	*pair = (struct template){ .pieces = ARENA_ARRAY(arena, struct template_piece, 5) };
	add(single, first);
	add(single, a);
	add(single, last);
	add(pair, first);
	add(pair, a);
	add(pair, last);
	add(pair, b);
	last.type_id = 1;
	add(pair, last);
}

/* Without a post-processor: the texts alone. */
static void plain(struct template *single, struct template *pair, struct arena *arena)
{
	*single = (struct template){ .pieces = ARENA_ARRAY(arena, struct template_piece, 1) };
	*pair = (struct template){ .pieces = ARENA_ARRAY(arena, struct template_piece, 2) };
	add(single, (struct template_piece){ .text = 0 });
	add(pair, (struct template_piece){ .text = 0 });
	add(pair, (struct template_piece){ .text = 1, .type_id = 1 });
}

/* ["[SEP]", 102]: the id. */
static int bert_token(
	struct json v, const char *name, const struct vocab *vocab, uint32_t *id, struct error *e)
{
	struct json pair = json_get(v, name), second = { 0 };
	if (pair.type == JSON_ARRAY && json_count(pair) == 2)
		for (struct json_iterator i = json_iterate(pair); json_each(&i);)
			second = i.value;
	if (!read_number(second, id))
		return error_set(e, ERROR_MODEL, "\"%s\" is not [token, id]", name);
	if (!vocab_token(vocab, *id).data)
		return error_set(e, ERROR_MODEL, "\"%s\" has id %u, which no token has", name, *id);
	return 0;
}

/* The ids of a special token of a template. */
static int special_ids(struct json tokens, struct slice name, const struct vocab *vocab,
	struct arena *arena, struct template_piece *piece, struct error *e)
{
	struct json token = { 0 };
	for (struct json_iterator i = json_iterate(tokens); json_each(&i);)
		if (slice_equal(json_text(i.key, arena), name))
			token = i.value;
	struct json ids = json_get(token, "ids");
	if (ids.type != JSON_ARRAY)
		return error_set(e, ERROR_MODEL,
			"special token \"%.*s\" of the template is not among its special_tokens",
			(int)(name.size < 100 ? name.size : 100), name.data);
	uint32_t *to = ARENA_ARRAY(arena, uint32_t, json_count(ids) + 1);
	size_t n = 0;
	for (struct json_iterator i = json_iterate(ids); json_each(&i); n++)
		if (!read_number(i.value, &to[n]) || !vocab_token(vocab, to[n]).data)
			return error_set(e, ERROR_MODEL,
				"special token \"%.*s\" of the template has an id that no token "
				"has",
				(int)(name.size < 100 ? name.size : 100), name.data);
	piece->ids = to;
	piece->n = n;
	return 0;
}

static int read_piece(struct json v, struct json tokens, const struct vocab *vocab,
	struct arena *arena, struct template_piece *piece, struct error *e)
{
	struct json text = json_get(v, "Sequence"), special = json_get(v, "SpecialToken");
	struct slice id;
	*piece = (struct template_piece){ .special = special.type == JSON_OBJECT };
	if (json_count(v) != 1 || (text.type != JSON_OBJECT && !piece->special))
		return error_set(
			e, ERROR_MODEL, "a piece is neither a Sequence nor a SpecialToken");
	struct json body = piece->special ? special : text;
	if (read_text(body, "id", arena, &id, e) || read_id(body, "type_id", &piece->type_id, e))
		return -1;
	if (piece->special)
		return special_ids(tokens, id, vocab, arena, piece, e);
	if (!slice_equal(id, SLICE("A")) && !slice_equal(id, SLICE("B")))
		return error_set(e, ERROR_MODEL, "a Sequence is neither A nor B");
	piece->text = id.data[0] == 'B';
	return 0;
}

static int read_template(struct template *t, struct json v, const char *name,
	const struct vocab *vocab, struct arena *arena, struct error *e)
{
	struct json list = json_get(v, name), tokens = json_get(v, "special_tokens");
	if (list.type != JSON_ARRAY)
		return error_set(e, ERROR_MODEL, "\"%s\" is not an array", name);
	size_t n = json_count(list);
	if (n > 1000)
		return error_set(e, ERROR_MODEL, "\"%s\" has %zu pieces, the most allowed are 1000",
			name, n);
	*t = (struct template){ .pieces = ARENA_ARRAY(arena, struct template_piece, n + 1) };
	for (struct json_iterator i = json_iterate(list); json_each(&i);) {
		struct template_piece piece;
		if (read_piece(i.value, tokens, vocab, arena, &piece, e))
			return error_wrap(e, "\"%s\"", name);
		add(t, piece);
	}
	return 0;
}

int template_read(struct template *single, struct template *pair, struct json v,
	const struct vocab *vocab, struct arena *arena, struct error *e)
{
	struct slice type;
	if (v.type == JSON_ABSENT || v.type == JSON_NULL) {
		plain(single, pair, arena);
		return 0;
	}
	if (read_type(v, "post_processor", arena, &type, e))
		return -1;
	if (slice_equal(type, SLICE("BertProcessing"))) {
		uint32_t cls, sep;
		if (bert_token(v, "cls", vocab, &cls, e) || bert_token(v, "sep", vocab, &sep, e))
			return error_wrap(e, "post_processor BertProcessing");
		template_bert(single, pair, cls, sep, arena);
		return 0;
	}
	if (!slice_equal(type, SLICE("TemplateProcessing")))
		return read_unknown("post_processor", type, e);
	if (read_template(single, v, "single", vocab, arena, e) ||
		read_template(pair, v, "pair", vocab, arena, e))
		return error_wrap(e, "post_processor TemplateProcessing");
	for (size_t i = 0; i < single->n; i++)
		if (!single->pieces[i].special && single->pieces[i].text)
			return error_set(e, ERROR_MODEL,
				"post_processor TemplateProcessing: \"single\" uses Sequence B");
	return 0;
}
