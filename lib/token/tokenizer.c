/*
 * tokenizer.c: encode and decode: texts to tokens by words.c and the fast paths, then the offsets'
 * unit, truncation and the post-processor (encoding.c).
 */
#include "lib/token/tokenizer.h"

#include "lib/base/utf8.h"
#include "lib/text/utf8.h"
#include "lib/token/encoding.h"
#include "lib/token/parts.h"

/*
 * Offsets from bytes to code points, in one pass: only a token of white space begins before an
 * earlier one, which took that white space in.
 */
static void count_code_points(struct token_offset *offsets, size_t n, struct slice text)
{
	size_t at = 0, count = 0;
	if (utf8_ascii(text) == text.size)
		return;
	for (size_t i = 0; i < n; i++) {
		size_t start = offsets[i].start, end = offsets[i].end;
		if (start < at)
			count -= utf8_count((struct slice){ text.data + start, at - start });
		else
			count += utf8_count((struct slice){ text.data + at, start - at });
		at = start;
		offsets[i].start = (uint32_t)count;
		offsets[i].end = (uint32_t)(count + utf8_count((struct slice){
							    text.data + start, end - start }));
	}
}

/*
 * Text that is not UTF-8 for the paths that need it to be: U+FFFD for each invalid part, and for
 * each byte of that, and its end, the byte of the text it is from.
 */
static struct slice repair(struct scan *s, struct slice text)
{
	buffer_clear(&s->repaired);
	for (size_t i = 0; i < text.size;) {
		char bytes[4];
		uint32_t c, at = (uint32_t)i;
		size_t size = utf8_decode(text.data + i, text.data + text.size, &c);
		size_t n = utf8_encode(bytes, c);
		buffer_add(&s->repaired, bytes, n);
		for (size_t j = 0; j < n; j++, at += j < size)
			buffer_add(&s->origin, &at, sizeof at);
		i += size;
	}
	uint32_t end = (uint32_t)text.size;
	buffer_add(&s->origin, &end, sizeof end);
	return buffer_view(&s->repaired);
}

static void repaired_offsets(struct scan *s)
{
	const uint32_t *origin = (const uint32_t *)s->origin.data;
	for (size_t i = 0; s->offsets && i < s->n; i++) {
		s->offsets[i].start = origin[s->offsets[i].start];
		s->offsets[i].end = origin[s->offsets[i].end];
	}
}

bool tokenizer_has_surfaces(const struct tokenizer *t)
{
	return t->model.kind == MODEL_UNIGRAM || t->model.kind == MODEL_SENTENCEPIECE_BPE;
}

/* Arrays of the scratch as this text wants them. */
static void begin(struct scan *s, const struct tokenizer *t, const struct tokenizer_options *o)
{
	bool blanks = o->offsets && t->post.n_trims;
	bool unknown = tokenizer_has_surfaces(t) && (o->surfaces || blanks);
	bool offsets = o->offsets || unknown;
	if (s->capacity && (!s->offsets == offsets || !s->words == o->word_ids)) {
		mem_free(s->ids);
		mem_free(s->offsets);
		mem_free(s->words);
		s->ids = NULL;
		s->offsets = NULL;
		s->words = NULL;
		s->capacity = 0;
	}
	s->want_offsets = offsets;
	s->want_words = o->word_ids;
	s->want_blanks = blanks;
	s->want_surfaces = o->surfaces;
	s->want_unknown = unknown;
	s->n = s->word = 0;
	s->failed = false;
	buffer_clear(&s->origin);
	buffer_clear(&s->blanks);
	buffer_clear(&s->surfaces);
	buffer_clear(&s->surface_text);
}

/* limit: how many tokens are enough. */
static int encode_text(const struct tokenizer *t, struct slice text, size_t limit,
	const struct tokenizer_options *o, struct scan *s, struct error *e)
{
	if (text.size > UINT32_MAX)
		return error_set(e, ERROR_DATA, "a text of %zu bytes: the longest allowed is 4 GiB",
			text.size);
	begin(s, t, o);
	bool any_bytes = t->fast == FAST_BERT && !t->added.normal.n;
	bool valid = o->is_utf8 || any_bytes || utf8_check(text) == text.size;
	struct slice from = valid ? text : repair(s, text);
	s->text = from.data;
	s->limit = limit;
	size_t guess = from.size / 4 + 16;
	scan_reserve(s, guess < limit ? guess : limit);
	scan_text(s, from.size);
	if (s->failed) {
		if (e)
			*e = s->error;
		return -1;
	}
	if (!valid)
		repaired_offsets(s);
	if (o->offsets && !o->byte_offsets)
		count_code_points(s->offsets, s->n, text);
	return 0;
}

struct tokenizer_scratch *tokenizer_scratch_new(const struct tokenizer *t)
{
	struct tokenizer_scratch *x = mem_zero(1, sizeof *x);
	for (size_t i = 0; i < 2; i++)
		x->scans[i] = (struct scan){ .tokenizer = t, .scratch = x };
	x->word = (struct scan){ .tokenizer = t, .scratch = x, .limit = SIZE_MAX };
	return x;
}

void tokenizer_scratch_free(struct tokenizer_scratch *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < 2; i++) {
		struct scan *s = &x->scans[i];
		mem_free(s->ids);
		mem_free(s->offsets);
		mem_free(s->words);
		buffer_free(&s->blanks);
		buffer_free(&s->surfaces);
		buffer_free(&s->surface_text);
		buffer_free(&s->repaired);
		buffer_free(&s->origin);
	}
	mem_free(x->word.ids);
	normalized_free(&x->work);
	pieces_free(&x->pieces);
	regex_work_free(&x->regex);
	word_cache_free(x->words);
	buffer_free(&x->prefixed);
	mem_free(x);
}

int tokenizer_encode(const struct tokenizer *t, struct tokenizer_scratch *scratch,
	struct slice text, const struct slice *pair, const struct tokenizer_options *o,
	struct arena *arena, struct encoding *out, struct error *e)
{
	struct tokenizer_scratch *own = scratch ? NULL : tokenizer_scratch_new(t);
	struct scan *s = (scratch ? scratch : own)->scans;
	size_t added = o->add_special ? t->post.added[pair != NULL] : 0, limit = SIZE_MAX;
	int rc = 0;
	if (o->max_length && o->max_length < added)
		rc = error_set(e, ERROR_USAGE,
			"a maximal length of %zu token%s leaves no room for the %zu special "
			"token%s",
			o->max_length, plural(o->max_length), added, plural(added));
	/* of a pair the whole lengths decide which text is cut, and windows hold all of it */
	if (o->max_length && !pair && !o->windows && !o->truncate_left &&
		o->truncation != TRUNCATE_ONLY_SECOND)
		limit = o->max_length;
	if (!rc)
		rc = encode_text(t, text, limit, o, &s[0], e);
	if (!rc && pair)
		rc = encode_text(t, *pair, SIZE_MAX, o, &s[1], e);
	if (!rc)
		rc = encoding_make(t, s, pair != NULL, o, arena, out, e);
	tokenizer_scratch_free(own);
	return rc;
}

size_t tokenizer_added(const struct tokenizer *t, bool pair)
{
	return t->post.added[pair];
}

size_t tokenizer_vocab_size(const struct tokenizer *t)
{
	return t->vocab.size;
}

struct slice tokenizer_token(const struct tokenizer *t, uint32_t id)
{
	return vocab_token(&t->vocab, id);
}

uint32_t tokenizer_id(const struct tokenizer *t, struct slice token)
{
	return vocab_id(&t->vocab, token);
}

uint32_t tokenizer_unknown(const struct tokenizer *t)
{
	return t->model.unknown;
}

uint32_t tokenizer_padding(const struct tokenizer *t)
{
	static const char *const names[] = { "[PAD]", "<pad>", "<|pad|>" };
	if (t->padding.data)
		return vocab_id(&t->vocab, t->padding);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		uint32_t id = vocab_id(&t->vocab, slice_from(names[i]));
		if (id != (uint32_t)VOCAB_NONE)
			return id;
	}
	return (uint32_t)TOKENIZER_NO_ID;
}

bool tokenizer_is_sentencepiece(const struct tokenizer *t)
{
	return t->sentencepiece != NULL;
}

bool tokenizer_marks_words(const struct tokenizer *t)
{
	return t->model.kind == MODEL_WORDPIECE;
}

bool tokenizer_is_special(const struct tokenizer *t, uint32_t id)
{
	return id < t->vocab.size && t->added_of[id] &&
	       t->added.tokens[t->added_of[id] - 1].special;
}

int tokenizer_decode(const struct tokenizer *t, const uint32_t *ids, size_t n, bool skip_special,
	struct buffer *out, struct error *e)
{
	struct decoding list = { .n = 0 };
	for (size_t i = 0; i < n; i++) {
		struct slice token = vocab_token(&t->vocab, ids[i]);
		if (!token.data)
			continue;
		/* the reference gives an added token back as the normalizer left it, and asks of that whether it is special */
		if (t->added_of[ids[i]])
			token = t->added.tokens[t->added_of[ids[i]] - 1].pattern;
		if (skip_special && tokenizer_is_special(t, vocab_id(&t->vocab, token)))
			continue;
		decoding_add(&list, token);
	}
	int rc = decoder_run(&t->decoder, &list, out, e);
	decoding_free(&list);
	return rc;
}
