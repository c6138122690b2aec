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

/* A merge whose tokens' hashes are known. */
struct merge {
	struct slice left, right;
	uint32_t left_hash, right_hash;
};

static struct merge hashed(const struct bpe *b, struct slice left, struct slice right)
{
	return (struct merge){ left, right, vocab_hash(b->vocab, left),
		vocab_hash(b->vocab, right) };
}

/* Whether it joins ▁ to something else before it. */
static bool crosses(struct slice left, struct slice right)
{
	return right.size >= 3 && !memcmp(right.data, "▁", 3) &&
	       (left.size < 3 || memcmp(left.data + left.size - 3, "▁", 3));
}

static int add(struct bpe *b, const struct merge *m, struct error *e)
{
	uint32_t l = vocab_id_hashed(b->vocab, m->left, m->left_hash), id;
	uint32_t r = vocab_id_hashed(b->vocab, m->right, m->right_hash);
	if (l >= b->size || r >= b->size)
		return absent(b, l >= b->size ? m->left : m->right, e);
	if (m->right.size <= b->prefix.size)
		return error_set(e, ERROR_MODEL,
			"merge %zu: token \"%.*s\" is no longer than the prefix", b->n_merges + 1,
			(int)(m->right.size < 100 ? m->right.size : 100), m->right.data);
	id = joined(b, m->left, m->right);
	if (id == (uint32_t)NONE)
		return error_set(e, ERROR_MODEL,
			"merge %zu: tokens \"%.*s\" and \"%.*s\" make one that is not in the "
			"vocabulary",
			b->n_merges + 1, (int)(m->left.size < 100 ? m->left.size : 100),
			m->left.data, (int)(m->right.size < 100 ? m->right.size : 100),
			m->right.data);
	b->crosses |= crosses(m->left, m->right);
	return bpe_add_ids(b, l, r, id, e);
}

int bpe_add(struct bpe *b, struct slice left, struct slice right, struct error *e)
{
	struct merge m = hashed(b, left, right);
	return add(b, &m, e);
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
	const struct read_member all[] = {
		{ "dropout", &m->dropout },
		{ "unk_token", &m->unknown },
		{ "continuing_subword_prefix", &m->prefix },
		{ "end_of_word_suffix", &m->suffix },
		{ "fuse_unk", &m->fuse_unknown },
		{ "byte_fallback", &m->byte_fallback },
		{ "ignore_merges", &m->ignore_merges },
		{ "merges", &m->merges },
	};
	read_named(model, all, sizeof all / sizeof *all);
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

enum { BATCH = 32 };

/* Merges on their way: so many at once that the memory where their tokens lie has time to come. */
struct batch {
	struct merge merges[BATCH];
	size_t n;
};

static int flush(struct bpe *b, struct batch *batch, struct error *e)
{
	for (size_t i = 0; i < batch->n; i++)
		if (add(b, &batch->merges[i], e))
			return -1;
	batch->n = 0;
	return 0;
}

static int put(
	struct bpe *b, struct batch *batch, struct slice left, struct slice right, struct error *e)
{
	batch->merges[batch->n++] = hashed(b, left, right);
	return batch->n < BATCH ? 0 : flush(b, batch, e);
}

/* "a b"; the reference passes over lines that begin with #version. */
static int read_line(struct bpe *b, struct batch *batch, struct slice line, struct error *e)
{
	const char *space = line.size ? memchr(line.data, ' ', line.size) : NULL;
	size_t at = space ? (size_t)(space - line.data) : 0;
	struct slice right = { line.data + at + 1, space ? line.size - at - 1 : 0 };
	if (line.size >= 8 && !memcmp(line.data, "#version", 8))
		return 0;
	if (space && right.size && !memchr(right.data, ' ', right.size))
		return put(b, batch, (struct slice){ line.data, at }, right, e);
	return flush(b, batch, e) || bpe_add_line(b, line, e) ? -1 : 0;
}

static int no_merge(struct bpe *b, struct batch *batch, struct error *e)
{
	if (flush(b, batch, e))
		return -1;
	return error_set(e, ERROR_MODEL, "merge %zu is neither a string nor two", b->n_merges + 1);
}

/* ["a","b"], from inside it. */
static int read_pair(struct bpe *b, struct batch *batch, struct json_iterator *pair,
	struct arena *arena, struct error *e)
{
	struct slice part[2];
	bool good = !pair->object;
	for (size_t i = 0; good && i < 2; i++) {
		good = json_each(pair) && pair->value.type == JSON_STRING;
		if (good)
			part[i] = json_text(pair->value, arena);
	}
	if (!good || json_each(pair))
		return no_merge(b, batch, e);
	return put(b, batch, part[0], part[1], e);
}

/* Each is ["a","b"] or "a b". */
static int read_merges(struct bpe *b, struct json merges, struct arena *arena, struct error *e)
{
	struct batch batch = { .n = 0 };
	struct json_iterator i = json_iterate(merges), pair;
	for (;;) {
		if (json_enter(&i, &pair)) {
			if (read_pair(b, &batch, &pair, arena, e))
				return -1;
			json_leave(&i, &pair);
		} else if (!json_each(&i)) {
			return flush(b, &batch, e);
		} else if (i.value.type != JSON_STRING) {
			return no_merge(b, &batch, e);
		} else if (read_line(b, &batch, json_text(i.value, arena), e)) {
			return -1;
		}
	}
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
		bpe_begin(b, v, &o, e))
		return -1;
	return read_merges(b, m.merges, arena, e);
}
