/*
 * bpe_read.c: merges into the table of pairs. They come as ["a","b"], or in files before 2024 as
 * "a b", which says nothing of where to part tokens that hold spaces themselves: the vocabulary
 * does.
 */
#include "lib/token/bpe.h"
#include "lib/token/bpe_merge.h"
#include "lib/token/read.h"

enum { NONE = VOCAB_NONE };

static uint32_t model_id(const struct bpe *b, struct slice token)
{
	uint32_t id = vocab_id(b->vocab, token);
	return id < b->size ? id : (uint32_t)NONE;
}

static int absent(size_t merge, struct slice token, struct error *e)
{
	return error_set(e, ERROR_MODEL, "merge %zu: token \"%.*s\" is not in the vocabulary",
		merge, (int)(token.size < 100 ? token.size : 100), token.data);
}

/*
 * The token that two make, the right one without its prefix. Mostly it is the one that the merge before
 * made, or the next one: a comparison tells, and saves the search.
 */
static bool makes(const struct bpe *b, uint32_t id, struct slice left, struct slice right)
{
	struct slice token = vocab_token(b->vocab, id);
	return token.data && id < b->size && token.size == left.size + right.size &&
	       !memcmp(token.data, left.data, left.size) &&
	       !memcmp(token.data + left.size, right.data, right.size);
}

static uint32_t joined(const struct bpe *b, struct slice left, struct slice right)
{
	right.data += b->prefix.size;
	right.size -= b->prefix.size;
	if (makes(b, b->last + 1, left, right))
		return b->last + 1;
	if (makes(b, b->last, left, right))
		return b->last;
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

/* A merge on its way into the table: first its tokens' hashes are known, then its ids. */
struct merge {
	struct slice left, right;
	uint32_t left_hash, right_hash;
	uint32_t left_id, right_id, id;
};

static struct merge hashed(const struct bpe *b, struct slice left, struct slice right)
{
	return (struct merge){ .left = left,
		.right = right,
		.left_hash = vocab_hash(b->vocab, left),
		.right_hash = vocab_hash(b->vocab, right) };
}

/* Whether it joins ▁ to something else before it. */
static bool crosses(struct slice left, struct slice right)
{
	return right.size >= 3 && !memcmp(right.data, "▁", 3) &&
	       (left.size < 3 || memcmp(left.data + left.size - 3, "▁", 3));
}

/* n: which merge it is, for messages. */
static int find_ids(struct bpe *b, struct merge *m, size_t n, struct error *e)
{
	m->left_id = vocab_id_hashed(b->vocab, m->left, m->left_hash);
	m->right_id = vocab_id_hashed(b->vocab, m->right, m->right_hash);
	if (m->left_id >= b->size || m->right_id >= b->size)
		return absent(n, m->left_id >= b->size ? m->left : m->right, e);
	if (m->right.size <= b->prefix.size)
		return error_set(e, ERROR_MODEL,
			"merge %zu: token \"%.*s\" is no longer than the prefix", n,
			(int)(m->right.size < 100 ? m->right.size : 100), m->right.data);
	m->id = joined(b, m->left, m->right);
	if (m->id == (uint32_t)NONE)
		return error_set(e, ERROR_MODEL,
			"merge %zu: tokens \"%.*s\" and \"%.*s\" make one that is not in the "
			"vocabulary",
			n, (int)(m->left.size < 100 ? m->left.size : 100), m->left.data,
			(int)(m->right.size < 100 ? m->right.size : 100), m->right.data);
	b->last = m->id;
	b->crosses |= crosses(m->left, m->right);
	__builtin_prefetch(&b->pairs[bpe_hash(m->left_id, m->right_id) >> b->shift]);
	return 0;
}

int bpe_add(struct bpe *b, struct slice left, struct slice right, struct error *e)
{
	struct merge m = hashed(b, left, right);
	return find_ids(b, &m, b->n_merges + 1, e) || bpe_add_ids(b, m.left_id, m.right_id, m.id, e)
		       ? -1
		       : 0;
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
	struct json dropout, unknown, prefix, suffix, fuse_unknown, byte_fallback, ignore_merges;
};

/* In one pass: the model may be large. */
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
	struct merge *m = batch->merges;
	for (size_t i = 0; i < batch->n; i++) {
		vocab_fetch_token(b->vocab, m[i].left_hash);
		vocab_fetch_token(b->vocab, m[i].right_hash);
	}
	for (size_t i = 0; i < batch->n; i++) {
		vocab_fetch_bytes(b->vocab, m[i].left_hash);
		vocab_fetch_bytes(b->vocab, m[i].right_hash);
	}
	for (size_t i = 0; i < batch->n; i++)
		if (find_ids(b, &m[i], b->n_merges + 1 + i, e))
			return -1;
	for (size_t i = 0; i < batch->n; i++)
		if (bpe_add_ids(b, m[i].left_id, m[i].right_id, m[i].id, e))
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
static int read_pair(struct bpe *b, struct batch *batch, struct json_parser *p, struct arena *arena,
	struct error *e)
{
	struct slice part[2];
	struct json t;
	for (size_t i = 0; i < 2; i++) {
		if ((t = json_next(p)).type != JSON_STRING)
			return t.type == JSON_ERROR ? read_fault(p, e) : no_merge(b, batch, e);
		part[i] = json_text(t, arena);
	}
	if ((t = json_next(p)).type != JSON_ARRAY_END)
		return t.type == JSON_ERROR ? read_fault(p, e) : no_merge(b, batch, e);
	return put(b, batch, part[0], part[1], e);
}

int bpe_read_merges(struct bpe *b, struct json_parser *p, struct arena *arena, struct error *e)
{
	struct batch batch = { .n = 0 };
	struct slice pair[2];
	for (;;) {
		if (json_next_pair(p, pair)) {
			if (put(b, &batch, pair[0], pair[1], e))
				return -1;
			continue;
		}
		struct json t = json_next(p);
		int rc = t.type == JSON_ARRAY    ? read_pair(b, &batch, p, arena, e)
			 : t.type == JSON_STRING ? read_line(b, &batch, json_text(t, arena), e)
			 : t.type == JSON_ERROR  ? read_fault(p, e)
						 : 1;
		if (rc > 0)
			return t.type == JSON_ARRAY_END ? flush(b, &batch, e)
							: no_merge(b, &batch, e);
		if (rc)
			return -1;
	}
}

int bpe_read_options(struct bpe *b, struct json model, const struct vocab *v, struct arena *arena,
	struct error *e)
{
	struct members m;
	struct bpe_options o;
	*b = (struct bpe){ 0 };
	find_members(model, &m);
	if (read_dropout(m.dropout, e) ||
		read_string(m.unknown, "unk_token", &o.unknown, arena, e) ||
		read_string(m.prefix, "continuing_subword_prefix", &o.prefix, arena, e) ||
		read_string(m.suffix, "end_of_word_suffix", &o.suffix, arena, e) ||
		read_flag(m.fuse_unknown, "fuse_unk", &o.fuse_unknown, e) ||
		read_flag(m.byte_fallback, "byte_fallback", &o.byte_fallback, e) ||
		read_flag(m.ignore_merges, "ignore_merges", &o.ignore_merges, e))
		return -1;
	return bpe_begin(b, v, &o, e);
}

int bpe_read(struct bpe *b, struct json model, const struct vocab *v, struct arena *arena,
	struct error *e)
{
	struct json merges = json_get(model, "merges");
	struct json_parser p;
	*b = (struct bpe){ 0 };
	if (merges.type != JSON_ARRAY)
		return error_set(e, ERROR_MODEL, "\"merges\" is %s",
			merges.type == JSON_ABSENT ? "missing" : "not an array");
	json_begin(&p, merges.raw);
	json_next(&p);
	return bpe_read_options(b, model, v, arena, e) || bpe_read_merges(b, &p, arena, e) ? -1 : 0;
}
