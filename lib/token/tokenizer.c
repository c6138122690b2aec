/*
 * tokenizer.c: encode and decode: texts to tokens by scan.c and words.c, then truncation, the
 * template and the offsets' unit.
 */
#include "lib/token/tokenizer.h"

#include "lib/text/utf8.h"
#include "lib/token/parts.h"

/*
 * Offsets from bytes to code points. They never fall back behind an earlier start, so one pass
 * counts it all.
 */
static void count_code_points(struct token_offset *offsets, size_t n, struct slice text)
{
	size_t at = 0, count = 0;
	if (utf8_ascii(text) == text.size)
		return;
	for (size_t i = 0; i < n; i++) {
		size_t start = offsets[i].start, end = offsets[i].end;
		count += utf8_count((struct slice){ text.data + at, start - at });
		at = start;
		offsets[i].start = (uint32_t)count;
		offsets[i].end = (uint32_t)(count + utf8_count((struct slice){
							    text.data + start, end - start }));
	}
}

/* limit: how many tokens are enough. */
static int encode_text(const struct tokenizer *t, struct slice text, size_t limit,
	const struct tokenizer_options *o, struct scan *s, struct error *e)
{
	*s = (struct scan){ .tokenizer = t,
		.text = text.data,
		.want_offsets = o->offsets,
		.want_words = o->word_ids };
	s->limit = limit;
	if (text.size > UINT32_MAX)
		return error_set(e, ERROR_DATA, "a text of %zu bytes: the longest allowed is 4 GiB",
			text.size);
	size_t guess = text.size / 4 + 16;
	scan_grow(s, guess < s->limit ? guess : s->limit);
	scan_text(s, text.size);
	if (o->offsets && !o->byte_offsets)
		count_code_points(s->offsets, s->n, text);
	return 0;
}

static void free_scan(struct scan *s)
{
	mem_free(s->ids);
	mem_free(s->offsets);
	mem_free(s->words);
	normalized_free(&s->work);
}

/* Cut to max tokens in all, one by one from the longer (src/utils/truncation.rs). */
static void truncate(struct scan s[2], bool pair, size_t max)
{
	if (!pair) {
		s[0].n = s[0].n < max ? s[0].n : max;
		return;
	}
	if (s[0].n + s[1].n <= max)
		return;
	bool swap = s[0].n > s[1].n;
	size_t shorter = s[swap].n, longer = shorter;
	if (shorter <= max && max - shorter > shorter)
		longer = max - shorter;
	if (shorter + longer > max) {
		shorter = max / 2;
		longer = shorter + max % 2;
	}
	s[swap].n = shorter;
	s[!swap].n = longer;
}

/* Copy one piece of the template behind what there is. */
static void append(struct encoding *out, const struct template_piece *piece, const struct scan *s)
{
	size_t n = piece->special ? piece->n : s->n;
	if (n == 0)
		return;
	memcpy(out->ids + out->n, piece->special ? piece->ids : s->ids, n * sizeof *out->ids);
	if (out->offsets && piece->special)
		memset(out->offsets + out->n, 0, n * sizeof *out->offsets);
	else if (out->offsets)
		memcpy(out->offsets + out->n, s->offsets, n * sizeof *out->offsets);
	if (out->word_ids && piece->special)
		memset(out->word_ids + out->n, 0xff, n * sizeof *out->word_ids);
	else if (out->word_ids)
		memcpy(out->word_ids + out->n, s->words, n * sizeof *out->word_ids);
	if (out->special_mask)
		memset(out->special_mask + out->n, piece->special, n);
	for (size_t i = 0; out->type_ids && i < n; i++)
		out->type_ids[out->n + i] = piece->type_id;
	out->n += n;
}

static void assemble(const struct template *template, const struct scan s[2],
	const struct tokenizer_options *o, struct arena *arena, struct encoding *out)
{
	size_t n = 0;
	for (size_t i = 0; i < template->n; i++) {
		const struct template_piece *p = &template->pieces[i];
		n += !p->special ? s[p->text].n : o->add_special ? p->n : 0;
	}
	*out = (struct encoding){ .ids = ARENA_ARRAY(arena, uint32_t, n) };
	out->offsets = o->offsets ? ARENA_ARRAY(arena, struct token_offset, n) : NULL;
	out->type_ids = o->type_ids ? ARENA_ARRAY(arena, uint32_t, n) : NULL;
	out->special_mask = o->special_mask ? ARENA_ARRAY(arena, uint8_t, n) : NULL;
	out->word_ids = o->word_ids ? ARENA_ARRAY(arena, uint32_t, n) : NULL;
	for (size_t i = 0; i < template->n; i++) {
		const struct template_piece *p = &template->pieces[i];
		if (!p->special || o->add_special)
			append(out, p, &s[p->text]);
	}
}

int tokenizer_encode(const struct tokenizer *t, struct slice text, const struct slice *pair,
	const struct tokenizer_options *o, struct arena *arena, struct encoding *out,
	struct error *e)
{
	const struct template *template = pair ? &t->pair : &t->single;
	size_t added = o->add_special ? template->added : 0;
	struct scan s[2] = { { .n = 0 }, { .n = 0 } };
	if (o->max_length && o->max_length < added)
		return error_set(e, ERROR_USAGE,
			"a maximal length of %zu tokens leaves no room for the %zu special tokens",
			o->max_length, added);
	/* of a pair the whole lengths decide which text is cut */
	int rc = encode_text(t, text, o->max_length && !pair ? o->max_length : SIZE_MAX, o, &s[0], e);
	if (!rc && pair)
		rc = encode_text(t, *pair, SIZE_MAX, o, &s[1], e);
	if (!rc) {
		if (o->max_length)
			truncate(s, pair, o->max_length - added);
		assemble(template, s, o, arena, out);
	}
	free_scan(&s[0]);
	free_scan(&s[1]);
	return rc;
}

size_t tokenizer_added(const struct tokenizer *t, bool pair)
{
	return pair ? t->pair.added : t->single.added;
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

bool tokenizer_is_special(const struct tokenizer *t, uint32_t id)
{
	return id < t->vocab.size && t->added_of[id] &&
	       t->added.tokens[t->added_of[id] - 1].special;
}

void tokenizer_decode(const struct tokenizer *t, const uint32_t *ids, size_t n, bool skip_special,
	struct buffer *out)
{
	bool first = true;
	for (size_t i = 0; i < n; i++) {
		struct slice token = vocab_token(&t->vocab, ids[i]);
		if (!token.data)
			continue;
		/* the reference gives an added token back as the normalizer left it, and asks of that whether it is special */
		if (t->added_of[ids[i]])
			token = t->added.tokens[t->added_of[ids[i]] - 1].pattern;
		if (skip_special && tokenizer_is_special(t, vocab_id(&t->vocab, token)))
			continue;
		decoder_add(&t->decoder, token, first, out);
		first = false;
	}
}
