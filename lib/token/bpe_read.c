/*
 * bpe_read.c: merges into the table of pairs. They come as ["a","b"], or in files before 2024 as
 * "a b", which says nothing of where to part tokens that hold spaces themselves: the vocabulary
 * does.
 */
#include "lib/token/bpe.h"
#include "lib/token/read.h"

enum { NONE = VOCAB_NONE };

static uint32_t model_id(const struct bpe *b, struct slice token)
{
	uint32_t id = vocab_id(b->vocab, token);
	return id < b->size ? id : (uint32_t)NONE;
}

static int absent(const struct bpe *b, struct slice token, struct error *e)
{
	return error_set(e, ERROR_MODEL, "merge %zu: token \"%.*s\" is not in the vocabulary",
		b->n_merges + 1, (int)(token.size < 100 ? token.size : 100), token.data);
}

/*
 * The token that two make, the right one without its prefix. Mostly it is the one after the last
 * that a merge made: a comparison tells, and saves the search.
 */
static uint32_t joined(const struct bpe *b, struct slice left, struct slice right)
{
	struct slice token = vocab_token(b->vocab, b->expected);
	right.data += b->prefix.size;
	right.size -= b->prefix.size;
	if (token.data && b->expected < b->size && token.size == left.size + right.size &&
		!memcmp(token.data, left.data, left.size) &&
		!memcmp(token.data + left.size, right.data, right.size))
		return b->expected;
	char few[128], *text = few;
	size_t size = left.size + right.size;
	if (size > sizeof few)
		text = mem_alloc(size);
	memcpy(text, left.data, left.size);
	memcpy(text + left.size, right.data, right.size);
	uint32_t id = model_id(b, (struct slice){ text, size });
	if (text != few)
		mem_free(text);
	return id;
}

int bpe_add(struct bpe *b, struct slice left, struct slice right, struct error *e)
{
	uint32_t l = model_id(b, left), r = model_id(b, right), id;
	if (l == (uint32_t)NONE || r == (uint32_t)NONE)
		return absent(b, l == (uint32_t)NONE ? left : right, e);
	if (right.size <= b->prefix.size)
		return error_set(e, ERROR_MODEL,
			"merge %zu: token \"%.*s\" is no longer than the prefix", b->n_merges + 1,
			(int)(right.size < 100 ? right.size : 100), right.data);
	id = joined(b, left, right);
	if (id == (uint32_t)NONE)
		return error_set(e, ERROR_MODEL,
			"merge %zu: tokens \"%.*s\" and \"%.*s\" make one that is not in the "
			"vocabulary",
			b->n_merges + 1, (int)(left.size < 100 ? left.size : 100), left.data,
			(int)(right.size < 100 ? right.size : 100), right.data);
	bpe_add_ids(b, l, r, id);
	return 0;
}

/* Whether a line parts here into two tokens that make one. */
static bool parts(const struct bpe *b, struct slice left, struct slice right)
{
	return left.size && right.size > b->prefix.size && model_id(b, left) != (uint32_t)NONE &&
	       model_id(b, right) != (uint32_t)NONE && joined(b, left, right) != (uint32_t)NONE;
}

/* One space parts it whatever the vocabulary says, of several the first that it allows. */
int bpe_add_line(struct bpe *b, struct slice line, struct error *e)
{
	const char *end = line.data + line.size;
	const char *space = line.size ? memchr(line.data, ' ', line.size) : NULL;
	for (const char *p = space; p; p = memchr(p + 1, ' ', (size_t)(end - p - 1))) {
		struct slice left = { line.data, (size_t)(p - line.data) };
		struct slice right = { p + 1, (size_t)(end - p - 1) };
		bool only = p == space && !memchr(right.data, ' ', right.size);
		if (only || parts(b, left, right))
			return bpe_add(b, left, right, e);
	}
	return error_set(e, ERROR_MODEL, "merge %zu: \"%.*s\" is not two tokens", b->n_merges + 1,
		(int)(line.size < 100 ? line.size : 100), line.data);
}

/* --- From a tokenizer.json ------------------------------------------------------------------ */

struct members {
	struct json dropout, unknown, prefix, suffix, fuse_unknown, byte_fallback, ignore_merges,
		merges;
};

/* In one pass: the model is large. */
static void find_members(struct json model, struct members *m)
{
	const struct {
		const char *name;
		struct json *to;
	} all[] = {
		{ "dropout", &m->dropout },
		{ "unk_token", &m->unknown },
		{ "continuing_subword_prefix", &m->prefix },
		{ "end_of_word_suffix", &m->suffix },
		{ "fuse_unk", &m->fuse_unknown },
		{ "byte_fallback", &m->byte_fallback },
		{ "ignore_merges", &m->ignore_merges },
		{ "merges", &m->merges },
	};
	*m = (struct members){ 0 };
	for (struct json_iterator i = json_iterate(model); json_each(&i);)
		for (size_t j = 0; j < sizeof all / sizeof *all; j++)
			if (json_text_is(i.key, all[j].name))
				*all[j].to = i.value;
}

/* A string, null or nothing; data is NULL then. */
static int read_string(
	struct json v, const char *name, struct slice *to, struct arena *arena, struct error *e)
{
	*to = (struct slice){ NULL, 0 };
	if (v.type == JSON_ABSENT || v.type == JSON_NULL)
		return 0;
	if (v.type != JSON_STRING)
		return error_set(e, ERROR_MODEL, "\"%s\" is neither a string nor null", name);
	*to = json_text(v, arena);
	return 0;
}

static int read_flag(struct json v, const char *name, bool *to, struct error *e)
{
	*to = v.type == JSON_TRUE;
	if (v.type != JSON_ABSENT && v.type != JSON_NULL && v.type != JSON_TRUE &&
		v.type != JSON_FALSE)
		return error_set(e, ERROR_MODEL, "\"%s\" is not true or false", name);
	return 0;
}

/* With dropout merges are left out at random: for training, and no two runs alike. */
static int read_dropout(struct json v, struct error *e)
{
	if (v.type == JSON_ABSENT || v.type == JSON_NULL ||
		(v.type == JSON_NUMBER && json_double(v) == 0))
		return 0;
	return error_set(e, ERROR_MODEL, "\"dropout\" %.*s is not supported, only 0 or null",
		(int)(v.raw.size < 100 ? v.raw.size : 100), v.raw.data);
}

/* ["a","b"] or "a b". The reference passes over lines that begin with #version. */
static int read_merge(struct bpe *b, struct json v, struct arena *arena, struct error *e)
{
	struct slice part[2];
	size_t n = 0;
	if (v.type == JSON_STRING) {
		struct slice line = json_text(v, arena);
		if (line.size >= 8 && !memcmp(line.data, "#version", 8))
			return 0;
		return bpe_add_line(b, line, e);
	}
	for (struct json_iterator i = json_iterate(v); json_each(&i) && n <= 2; n++)
		if (n == 2 || i.value.type != JSON_STRING)
			n = 2;
		else
			part[n] = json_text(i.value, arena);
	if (n != 2 || v.type != JSON_ARRAY)
		return error_set(
			e, ERROR_MODEL, "merge %zu is neither a string nor two", b->n_merges + 1);
	return bpe_add(b, part[0], part[1], e);
}

int bpe_read(struct bpe *b, struct json model, const struct vocab *v, struct arena *arena,
	struct error *e)
{
	struct members m;
	struct bpe_options o;
	*b = (struct bpe){ 0 };
	find_members(model, &m);
	if (m.merges.type != JSON_ARRAY)
		return error_set(e, ERROR_MODEL, "\"merges\" is %s",
			m.merges.type == JSON_ABSENT ? "missing" : "not an array");
	if (read_dropout(m.dropout, e) ||
		read_string(m.unknown, "unk_token", &o.unknown, arena, e) ||
		read_string(m.prefix, "continuing_subword_prefix", &o.prefix, arena, e) ||
		read_string(m.suffix, "end_of_word_suffix", &o.suffix, arena, e) ||
		read_flag(m.fuse_unknown, "fuse_unk", &o.fuse_unknown, e) ||
		read_flag(m.byte_fallback, "byte_fallback", &o.byte_fallback, e) ||
		read_flag(m.ignore_merges, "ignore_merges", &o.ignore_merges, e) ||
		bpe_begin(b, v, &o, json_count(m.merges), e))
		return -1;
	for (struct json_iterator i = json_iterate(m.merges); json_each(&i);)
		if (read_merge(b, i.value, arena, e))
			return -1;
	return 0;
}
