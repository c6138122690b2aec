#include "lib/token/post.h"

#include "lib/token/read.h"

enum { MOST_PIECES = 1000, MOST_PROCESSORS = 64 };

/* One encoding as the post-processors so far leave it. */
struct encoded {
	struct post_piece *pieces;
	size_t n;
};

struct state {
	struct encoded *encodings;
	size_t n;
};

struct builder {
	struct state states[2][2]; /* [pair][special tokens] */
	size_t processors;
	struct post *post;
	const struct vocab *vocab;
	struct arena *arena;
	struct error *error;
};

static void begin(struct builder *b)
{
	for (unsigned pair = 0; pair < 2; pair++)
		for (unsigned special = 0; special < 2; special++) {
			struct state *s = &b->states[pair][special];
			s->n = pair + 1;
			s->encodings = ARENA_ARRAY(b->arena, struct encoded, s->n);
			for (unsigned i = 0; i < s->n; i++) {
				struct post_piece *p = ARENA_ARRAY(b->arena, struct post_piece, 1);
				*p = (struct post_piece){
					.text = i, .type_id = i, .window_type = i
				};
				s->encodings[i] = (struct encoded){ p, 1 };
			}
		}
}

/* The pieces of an encoding behind those of a form; they go with its text, if it has one. */
static void add_pieces(struct post_form *f, const struct encoded *x)
{
	size_t with = f->n;
	for (size_t i = 0; i < x->n; i++)
		if (!x->pieces[i].special)
			with = f->n + i;
	for (size_t i = 0; i < x->n; i++) {
		f->pieces[f->n] = x->pieces[i];
		f->pieces[f->n++].with = with;
	}
}

/* All pieces of all encodings, in order: what the reference merges. */
static void finish(struct builder *b)
{
	for (unsigned i = 0; i < 4; i++) {
		const struct state *s = &b->states[i / 2][i % 2];
		struct post_form *f = &b->post->forms[i / 2][i % 2];
		size_t n = 0;
		for (size_t j = 0; j < s->n; j++)
			n += s->encodings[j].n;
		f->pieces = ARENA_ARRAY(b->arena, struct post_piece, n + 1);
		f->n = 0;
		for (size_t j = 0; j < s->n; j++)
			add_pieces(f, &s->encodings[j]);
	}
}

/* Put special tokens around an encoding, 0 or 1 on each side. */
static void wrap(struct builder *b, struct encoded *x, const struct post_piece *left,
	const struct post_piece *right)
{
	struct post_piece *pieces = ARENA_ARRAY(b->arena, struct post_piece, x->n + 2);
	size_t n = 0;
	if (left)
		pieces[n++] = *left;
	for (size_t i = 0; i < x->n; i++) {
		pieces[n] = x->pieces[i];
		pieces[n++].masked = false;
	}
	if (right)
		pieces[n++] = *right;
	*x = (struct encoded){ pieces, n };
}

static struct post_piece one_token(struct builder *b, uint32_t id, uint32_t type_id)
{
	uint32_t *ids = ARENA_ARRAY(b->arena, uint32_t, 1);
	*ids = id;
	return (struct post_piece){ .special = true,
		.masked = true,
		.type_id = type_id,
		.window_type = type_id,
		.ids = ids,
		.n = 1 };
}

static void apply_bert(struct builder *b, uint32_t cls, uint32_t sep)
{
	struct post_piece first = one_token(b, cls, 0), last = one_token(b, sep, 0), second = last;
	second.type_id = second.window_type = 1;
	for (unsigned pair = 0; pair < 2; pair++) {
		struct state *s = &b->states[pair][1];
		for (size_t i = 0; i < s->n; i++)
			wrap(b, &s->encodings[i], i ? NULL : &first, i ? &second : &last);
		b->post->added[pair] += 2 + pair;
	}
}

static void apply_trim(struct builder *b, bool add_prefix_space)
{
	struct post *p = b->post;
	struct post_trim *trims = ARENA_ARRAY(b->arena, struct post_trim, p->n_trims + 1);
	if (p->n_trims)
		memcpy(trims, p->trims, p->n_trims * sizeof *trims);
	struct post_trim t = { .add_prefix_space = add_prefix_space };
	for (unsigned pair = 0; pair < 2; pair++)
		for (unsigned special = 0; special < 2; special++) {
			const struct state *s = &b->states[pair][special];
			for (size_t i = 0; i < s->n; i++)
				if (s->encodings[i].n && !s->encodings[i].pieces[0].special)
					t.first[pair][special][s->encodings[i].pieces[0].text] =
						true;
		}
	trims[p->n_trims++] = t;
	p->trims = trims;
}

/* Every type id becomes 0; those of the windows only where the special tokens are put around. */
static void apply_roberta(struct builder *b, uint32_t cls, uint32_t sep)
{
	struct post_piece first = one_token(b, cls, 0), last = one_token(b, sep, 0);
	for (unsigned pair = 0; pair < 2; pair++) {
		for (unsigned special = 0; special < 2; special++) {
			struct state *s = &b->states[pair][special];
			for (size_t i = 0; i < s->n; i++) {
				struct encoded *x = &s->encodings[i];
				for (size_t j = 0; j < x->n; j++) {
					x->pieces[j].type_id = 0;
					if (special)
						x->pieces[j].window_type = 0;
				}
				if (special)
					wrap(b, x, i ? &last : &first, &last);
			}
		}
		b->post->added[pair] += 2 + 2 * pair;
	}
}

/* One of a template's two lists over the encodings of a text or of a pair. */
static int apply_template(struct builder *b, const struct post_form *form, unsigned pair)
{
	for (unsigned special = 0; special < 2; special++) {
		struct state *s = &b->states[pair][special];
		if (s->n != 1 + pair)
			return error_set(
				b->error, ERROR_MODEL, "a TemplateProcessing behind another one");
		struct state to = { ARENA_ARRAY(b->arena, struct encoded, form->n + 1), 0 };
		for (size_t i = 0; i < form->n; i++) {
			const struct post_piece *p = &form->pieces[i];
			const struct encoded *from = &s->encodings[p->special ? 0 : p->text];
			size_t n = p->special ? 1 : from->n;
			if (p->special && !special)
				continue;
			struct post_piece *pieces = ARENA_ARRAY(b->arena, struct post_piece, n + 1);
			if (p->special)
				*pieces = *p;
			for (size_t j = 0; !p->special && j < n; j++) {
				pieces[j] = from->pieces[j];
				pieces[j].type_id = p->type_id;
			}
			to.encodings[to.n++] = (struct encoded){ pieces, n };
		}
		*s = to;
	}
	for (size_t i = 0; i < form->n; i++)
		b->post->added[pair] += form->pieces[i].n;
	return 0;
}

/* --- Reading ----------------------------------------------------------------------------------- */

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
	struct arena *arena, struct post_piece *piece, struct error *e)
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
	struct arena *arena, struct post_piece *piece, struct error *e)
{
	struct json text = json_get(v, "Sequence"), special = json_get(v, "SpecialToken");
	struct slice id;
	*piece = (struct post_piece){ .special = special.type == JSON_OBJECT };
	piece->masked = piece->special;
	if (json_count(v) != 1 || (text.type != JSON_OBJECT && !piece->special))
		return error_set(
			e, ERROR_MODEL, "a piece is neither a Sequence nor a SpecialToken");
	struct json body = piece->special ? special : text;
	if (read_text(body, "id", arena, &id, e) || read_id(body, "type_id", &piece->type_id, e))
		return -1;
	piece->window_type = piece->type_id;
	if (piece->special)
		return special_ids(tokens, id, vocab, arena, piece, e);
	if (!slice_equal(id, SLICE("A")) && !slice_equal(id, SLICE("B")))
		return error_set(e, ERROR_MODEL, "a Sequence is neither A nor B");
	piece->text = id.data[0] == 'B';
	return 0;
}

static int read_template(struct post_form *t, struct json v, const char *name,
	const struct vocab *vocab, struct arena *arena, struct error *e)
{
	struct json list = json_get(v, name), tokens = json_get(v, "special_tokens");
	if (list.type != JSON_ARRAY)
		return error_set(e, ERROR_MODEL, "\"%s\" is not an array", name);
	size_t n = json_count(list);
	if (n > MOST_PIECES)
		return error_set(e, ERROR_MODEL, "\"%s\" has %zu pieces, the most allowed are %d",
			name, n, MOST_PIECES);
	*t = (struct post_form){ .pieces = ARENA_ARRAY(arena, struct post_piece, n + 1) };
	for (struct json_iterator i = json_iterate(list); json_each(&i);) {
		struct post_piece piece;
		if (read_piece(i.value, tokens, vocab, arena, &piece, e))
			return error_wrap(e, "\"%s\"", name);
		t->pieces[t->n++] = piece;
	}
	return 0;
}

static int read_bert(struct builder *b, struct json v, bool roberta)
{
	uint32_t cls, sep;
	bool trim = false, prefix = false;
	if (bert_token(v, "cls", b->vocab, &cls, b->error) ||
		bert_token(v, "sep", b->vocab, &sep, b->error))
		return -1;
	if (!roberta) {
		apply_bert(b, cls, sep);
		return 0;
	}
	if (read_bool(v, "trim_offsets", &trim, b->error) ||
		read_bool(v, "add_prefix_space", &prefix, b->error))
		return -1;
	if (trim)
		apply_trim(b, prefix);
	apply_roberta(b, cls, sep);
	return 0;
}

static int read_byte_level(struct builder *b, struct json v)
{
	bool trim, prefix;
	if (read_bool(v, "trim_offsets", &trim, b->error) ||
		read_bool(v, "add_prefix_space", &prefix, b->error))
		return -1;
	if (trim)
		apply_trim(b, prefix);
	return 0;
}

static int read_templates(struct builder *b, struct json v)
{
	struct post_form single, pair;
	if (read_template(&single, v, "single", b->vocab, b->arena, b->error) ||
		read_template(&pair, v, "pair", b->vocab, b->arena, b->error))
		return -1;
	for (size_t i = 0; i < single.n; i++)
		if (!single.pieces[i].special && single.pieces[i].text)
			return error_set(b->error, ERROR_MODEL, "\"single\" uses Sequence B");
	return apply_template(b, &single, 0) || apply_template(b, &pair, 1) ? -1 : 0;
}

static int read_processor(struct builder *b, struct json v)
{
	struct slice type;
	int rc;
	if (++b->processors > MOST_PROCESSORS)
		return error_set(
			b->error, ERROR_MODEL, "more than %d post-processors", MOST_PROCESSORS);
	if (read_type(v, "post_processor", b->arena, &type, b->error))
		return -1;
	if (slice_equal(type, SLICE("Sequence"))) {
		struct json list = json_get(v, "processors");
		if (list.type != JSON_ARRAY)
			return error_set(b->error, ERROR_MODEL,
				"post_processor Sequence: \"processors\" is not an array");
		for (struct json_iterator i = json_iterate(list); json_each(&i);)
			if (read_processor(b, i.value))
				return -1;
		return 0;
	}
	if (slice_equal(type, SLICE("BertProcessing")))
		rc = read_bert(b, v, false);
	else if (slice_equal(type, SLICE("RobertaProcessing")))
		rc = read_bert(b, v, true);
	else if (slice_equal(type, SLICE("ByteLevel")))
		rc = read_byte_level(b, v);
	else if (slice_equal(type, SLICE("TemplateProcessing")))
		rc = read_templates(b, v);
	else
		return read_unknown("post_processor", type, b->error);
	return rc ? error_wrap(b->error, "post_processor %.*s", (int)type.size, type.data) : 0;
}

int post_read(struct post *p, struct json v, const struct vocab *vocab, struct arena *arena,
	struct error *e)
{
	struct builder b = { .post = p, .vocab = vocab, .arena = arena, .error = e };
	begin(&b);
	if (v.type != JSON_ABSENT && v.type != JSON_NULL && read_processor(&b, v))
		return -1;
	finish(&b);
	return 0;
}

void post_bert(struct post *p, uint32_t cls, uint32_t sep, struct arena *arena)
{
	struct builder b = { .post = p, .arena = arena };
	begin(&b);
	apply_bert(&b, cls, sep);
	finish(&b);
}
