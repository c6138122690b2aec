#include "lib/token/bpe.h"

#include <stdio.h>

#include "lib/text/utf8.h"
#include "lib/token/bpe_merge.h"
#include "lib/token/byte_level.h"

enum { NONE = VOCAB_NONE };

/* --- First symbols -------------------------------------------------------------------------- */

/* A token of the model, not an added one. */
static uint32_t model_id(const struct bpe *b, struct slice token)
{
	uint32_t id = vocab_id(b->vocab, token);
	return id < b->size ? id : (uint32_t)NONE;
}

/* The token of a character, with the prefix unless it is the first and the suffix if the last. */
static uint32_t char_id(const struct bpe *b, struct slice c, bool first, bool last)
{
	struct buffer s = { NULL, 0, 0 };
	if (!first)
		buffer_slice(&s, b->prefix);
	buffer_slice(&s, c);
	if (last)
		buffer_slice(&s, b->suffix);
	uint32_t id = model_id(b, buffer_view(&s));
	buffer_free(&s);
	return id;
}

/* A word's symbols as they are found. An unknown one waits: more of them may be one (fuse_unk). */
struct symbols {
	uint32_t *ids, *sizes; /* sizes: NULL where not wanted */
	size_t n;
	size_t unknown; /* bytes of the one that waits */
};

static void put(struct symbols *s, uint32_t id, size_t size)
{
	s->ids[s->n] = id;
	if (s->sizes)
		s->sizes[s->n] = (uint32_t)size;
	s->n++;
}

static void put_unknown(const struct bpe *b, struct symbols *s)
{
	if (s->unknown)
		put(s, b->unknown, s->unknown);
	s->unknown = 0;
}

/* As its bytes, before an unknown one that waits (as the reference has it); false: it cannot. */
static bool put_bytes(const struct bpe *b, struct symbols *s, struct slice c)
{
	for (size_t i = 0; i < c.size; i++)
		if (b->bytes[(unsigned char)c.data[i]] == (uint32_t)NONE)
			return false;
	for (size_t i = 0; i < c.size; i++)
		put(s, b->bytes[(unsigned char)c.data[i]], 1);
	return true;
}

/* A character that is no token; false where it needs an unknown token that is not there. */
static bool put_other(const struct bpe *b, struct symbols *s, struct slice c)
{
	if (b->byte_fallback && put_bytes(b, s, c))
		return true;
	if (!b->unknown_text.data)
		return true;
	if (b->unknown == (uint32_t)NONE)
		return false;
	if (!b->fuse_unknown)
		put_unknown(b, s);
	s->unknown += c.size;
	return true;
}

static bool spell(const struct bpe *b, struct slice word, struct symbols *s)
{
	bool affixes = b->prefix.size || b->suffix.size;
	const char *end = word.data + word.size;
	for (const char *p = word.data; p < end;) {
		uint32_t c;
		size_t size = utf8_decode(p, end, &c);
		struct slice text = { p, size };
		uint32_t id = affixes         ? char_id(b, text, p == word.data, p + size == end)
			      : c < BPE_CHARS ? b->chars[c]
					      : model_id(b, text);
		if (id != (uint32_t)NONE) {
			put_unknown(b, s);
			put(s, id, size);
		} else if (!put_other(b, s, text)) {
			return false;
		}
		p += size;
	}
	put_unknown(b, s);
	return true;
}

/* --- Words ---------------------------------------------------------------------------------- */

static void sizes_to_offsets(struct token_offset *offsets, const uint32_t *sizes, size_t n)
{
	size_t at = 0;
	for (size_t i = 0; i < n; i++) {
		offsets[i] = (struct token_offset){ (uint32_t)at, (uint32_t)(at + sizes[i]) };
		at += sizes[i];
	}
}

static size_t merge(const struct bpe *b, uint32_t *ids, uint32_t *sizes, size_t n)
{
	return n <= BPE_SHORT ? bpe_merge_short(b, ids, sizes, n)
			      : bpe_merge_long(b, ids, sizes, n);
}

bool bpe_parts(const struct bpe *b)
{
	return !b->crosses && b->boundary != (uint32_t)NONE && !b->prefix.size && !b->suffix.size;
}

/* A long word part by part, where it has parts. */
static size_t merge_parts(const struct bpe *b, uint32_t *ids, uint32_t *sizes, size_t n)
{
	if (n <= BPE_SHORT || !bpe_parts(b))
		return merge(b, ids, sizes, n);
	size_t left = 0;
	for (size_t start = 0, end; start < n; start = end) {
		end = start + 1;
		while (end < n && (ids[end] != b->boundary || ids[end - 1] == b->boundary))
			end++;
		size_t m = merge(b, ids + start, sizes ? sizes + start : NULL, end - start);
		memmove(ids + left, ids + start, m * sizeof *ids);
		if (sizes)
			memmove(sizes + left, sizes + start, m * sizeof *sizes);
		left += m;
	}
	return left;
}

/* The whole word where merges are ignored for what is a token. */
static bool whole(
	const struct bpe *b, struct slice word, uint32_t *ids, struct token_offset *offsets)
{
	uint32_t id = model_id(b, word);
	if (id == (uint32_t)NONE)
		return false;
	ids[0] = id;
	if (offsets)
		offsets[0] = (struct token_offset){ 0, (uint32_t)word.size };
	return true;
}

size_t bpe_split(
	const struct bpe *b, struct slice word, uint32_t *ids, struct token_offset *offsets)
{
	uint32_t few[BPE_SHORT], *sizes = NULL;
	if (b->ignore_merges && word.size && whole(b, word, ids, offsets))
		return 1;
	if (offsets)
		sizes = word.size <= BPE_SHORT ? few : MEM_ARRAY(uint32_t, word.size);
	struct symbols s = { ids, sizes, 0, 0 };
	size_t n = (size_t)BPE_FAILED;
	if (spell(b, word, &s)) {
		n = merge_parts(b, ids, sizes, s.n);
		if (offsets)
			sizes_to_offsets(offsets, sizes, n);
	}
	if (sizes && sizes != few)
		mem_free(sizes);
	return n;
}

/* The word in the byte-level alphabet is a token. */
static bool whole_bytes(
	const struct bpe *b, struct slice word, uint32_t *ids, struct token_offset *offsets)
{
	struct buffer text = { NULL, 0, 0 };
	char *p = buffer_reserve(&text, 2 * word.size + 2);
	for (size_t i = 0; i < word.size; i++)
		p += utf8_encode(p, byte_level_char((unsigned char)word.data[i]));
	text.size = (size_t)(p - text.data);
	bool found = whole(b, buffer_view(&text), ids, NULL);
	buffer_free(&text);
	if (found && offsets)
		offsets[0] = (struct token_offset){ 0, (uint32_t)word.size };
	return found;
}

size_t bpe_split_bytes(
	const struct bpe *b, struct slice word, uint32_t *ids, struct token_offset *offsets)
{
	uint32_t few[BPE_SHORT], *sizes = NULL;
	if (b->ignore_merges && word.size && whole_bytes(b, word, ids, offsets))
		return 1;
	if (offsets)
		sizes = word.size <= BPE_SHORT ? few : MEM_ARRAY(uint32_t, word.size);
	for (size_t i = 0; i < word.size; i++) {
		ids[i] = b->alphabet[(unsigned char)word.data[i]];
		if (sizes)
			sizes[i] = 1;
	}
	size_t n = merge(b, ids, sizes, word.size);
	if (offsets)
		sizes_to_offsets(offsets, sizes, n);
	if (sizes && sizes != few)
		mem_free(sizes);
	return n;
}

bool bpe_is_byte_level(const struct bpe *b)
{
	for (unsigned c = 0; c < 256; c++)
		if (b->alphabet[c] == (uint32_t)NONE && c != 0xc0 && c != 0xc1 && c < 0xf5)
			return false;
	return !b->prefix.size && !b->suffix.size;
}

/* --- Building ------------------------------------------------------------------------------- */

static void find_bytes(struct bpe *b)
{
	for (unsigned c = 0; c < 256; c++) {
		char name[8], mapped[4];
		snprintf(name, sizeof name, "<0x%02X>", c);
		b->bytes[c] = model_id(b, slice_from(name));
		b->alphabet[c] = model_id(
			b, (struct slice){ mapped,
				   utf8_encode(mapped, byte_level_char((unsigned char)c)) });
	}
}

static void find_chars(struct bpe *b)
{
	for (uint32_t c = 0; c < BPE_CHARS; c++) {
		char text[4];
		b->chars[c] = model_id(b, (struct slice){ text, utf8_encode(text, c) });
	}
}

static void put_pair(struct bpe *b, struct bpe_pair p)
{
	uint64_t hash = bpe_hash(p.left, p.right);
	b->pairs[bpe_place(b, p.left, p.right)] = p;
	b->filter[hash >> b->shift] |= bpe_bit(b, hash);
}

/* A table of so many places, with the pairs of the old one. */
static void make_table(struct bpe *b, size_t n)
{
	struct bpe_pair *old = b->pairs;
	size_t n_old = b->n_pairs;
	b->n_pairs = n;
	b->shift = (unsigned)__builtin_clzll(n) + 1;
	b->pairs = MEM_ARRAY(struct bpe_pair, n);
	memset(b->pairs, 0xff, n * sizeof *b->pairs);
	mem_free(b->filter);
	b->filter = mem_zero(n, 1);
	for (size_t i = 0; i < n_old; i++)
		if (old[i].left != (uint32_t)NONE)
			put_pair(b, old[i]);
	mem_free(old);
}

int bpe_begin(struct bpe *b, const struct vocab *v, const struct bpe_options *o, struct error *e)
{
	*b = (struct bpe){ .vocab = v,
		.size = (uint32_t)v->size,
		.unknown_text = o->unknown,
		.prefix = o->prefix,
		.suffix = o->suffix,
		.fuse_unknown = o->fuse_unknown,
		.byte_fallback = o->byte_fallback,
		.ignore_merges = o->ignore_merges };
	if (o->byte_fallback && (o->prefix.size || o->suffix.size))
		return error_set(e, ERROR_MODEL,
			"\"byte_fallback\" with a \"continuing_subword_prefix\" or an "
			"\"end_of_word_suffix\" is not supported");
	b->unknown = o->unknown.data ? model_id(b, o->unknown) : (uint32_t)NONE;
	b->boundary = model_id(b, SLICE("▁"));
	find_bytes(b);
	find_chars(b);
	size_t n = 64;
	while (n < 2 * v->n) /* mostly a merge makes each token */
		n *= 2;
	make_table(b, n);
	return 0;
}

void bpe_free(struct bpe *b)
{
	mem_free(b->pairs);
	mem_free(b->filter);
	*b = (struct bpe){ 0 };
}

/* Of a pair that is named twice the later rank holds, as in the reference. */
int bpe_add_ids(struct bpe *b, uint32_t left, uint32_t right, uint32_t id, struct error *e)
{
	enum { MOST = (1 << 26) - 1 }; /* a rank and an index of 5 bits are 31 bits at most */
	if (b->n_merges == MOST)
		return error_set(e, ERROR_MODEL, "more than %d merges", MOST);
	if (2 * (b->n_merges + 1) > b->n_pairs)
		make_table(b, 2 * b->n_pairs);
	put_pair(b, (struct bpe_pair){ left, right, (uint32_t)b->n_merges++, id });
	return 0;
}
