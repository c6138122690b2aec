/*
 * words.c: a text becomes pieces at its added tokens, a piece words at white space and
 * punctuation (BertPreTokenizer, tokenizers 0.23, src/pre_tokenizers/bert.rs), a word tokens by
 * the model. scan.c does the same faster for ASCII.
 */
#include "lib/text/unicode.h"
#include "lib/text/utf8.h"
#include "lib/token/parts.h"

void scan_grow(struct scan *s, size_t n)
{
	size_t was = s->capacity, capacity = size_add(s->n, n);
	capacity = capacity < 2 * was ? 2 * was : capacity;
	s->ids = mem_resize(s->ids, was * sizeof *s->ids, size_mul(capacity, sizeof *s->ids));
	if (s->want_offsets)
		s->offsets = mem_resize(s->offsets, was * sizeof *s->offsets,
			size_mul(capacity, sizeof *s->offsets));
	if (s->want_words)
		s->words = mem_resize(
			s->words, was * sizeof *s->words, size_mul(capacity, sizeof *s->words));
	s->capacity = capacity;
}

void scan_token(struct scan *s, uint32_t id, size_t start, size_t end)
{
	scan_reserve(s, 1);
	s->ids[s->n] = id;
	if (s->offsets)
		s->offsets[s->n] = (struct token_offset){ (uint32_t)start, (uint32_t)end };
	if (s->words)
		s->words[s->n] = s->word;
	s->n++;
	s->word++;
}

void scan_word(struct scan *s, struct slice word, size_t chars, size_t at, bool normalized)
{
	scan_reserve(s, word.size);
	size_t n = wordpiece_split(&s->tokenizer->model, word, chars, s->ids + s->n,
		s->offsets ? s->offsets + s->n : NULL);
	for (size_t i = s->n; i < s->n + n; i++) {
		if (s->offsets && normalized) {
			struct token_offset o = s->offsets[i];
			s->offsets[i].start = s->work.from[at + o.start];
			s->offsets[i].end = s->work.to[at + o.end - 1];
		} else if (s->offsets) {
			s->offsets[i].start += (uint32_t)at;
			s->offsets[i].end += (uint32_t)at;
		}
		if (s->words)
			s->words[i] = s->word;
	}
	s->n += n;
	s->word++;
}

void scan_normalized(struct scan *s, size_t start, size_t end)
{
	const char *text = s->work.text.data;
	bool splits = s->tokenizer->pretokenizer == PRETOKENIZER_BERT;
	size_t word = start, chars = 0;
	for (size_t i = start; i < end && s->n < s->limit;) {
		uint32_t c;
		size_t size = utf8_decode(text + i, text + end, &c);
		unsigned flags =
			splits ? unicode_flags(c) & (UNICODE_SPACE | UNICODE_PUNCTUATION) : 0;
		if (flags) {
			if (i > word)
				scan_word(s, (struct slice){ text + word, i - word }, chars, word,
					true);
			if (flags & UNICODE_PUNCTUATION && !(flags & UNICODE_SPACE) &&
				s->n < s->limit)
				scan_word(s, (struct slice){ text + i, size }, 1, i, true);
			word = i + size;
			chars = 0;
		} else {
			chars++;
		}
		i += size;
	}
	if (end > word && s->n < s->limit)
		scan_word(s, (struct slice){ text + word, end - word }, chars, word, true);
}

/* A piece in which added tokens are found once it is normalized. */
static void normalized_piece(struct scan *s, size_t start, size_t end)
{
	const struct added *added = &s->tokenizer->added;
	struct added_match m;
	normalizer_run(&s->tokenizer->normalizer, (struct slice){ s->text + start, end - start },
		(uint32_t)start, &s->work);
	struct slice text = buffer_view(&s->work.text);
	size_t at = 0;
	for (size_t search = 0; added_find(added, &added->normal, text, search, at, &m);
		search = m.next) {
		if (m.start > at)
			scan_normalized(s, at, m.start);
		if (s->n >= s->limit)
			return;
		scan_token(s, m.token->id, s->work.from[m.start], s->work.to[m.end - 1]);
		at = m.end;
	}
	if (at < text.size && s->n < s->limit)
		scan_normalized(s, at, text.size);
}

static void piece(struct scan *s, size_t start, size_t end)
{
	if (s->tokenizer->added.normal.n)
		normalized_piece(s, start, end);
	else
		scan_piece(s, start, end);
}

void scan_text(struct scan *s, size_t size)
{
	const struct added *added = &s->tokenizer->added;
	struct slice text = { s->text, size };
	struct added_match m;
	size_t at = 0;
	for (size_t search = 0;
		s->n < s->limit && added_find(added, &added->raw, text, search, at, &m);
		search = m.next) {
		if (m.start > at)
			piece(s, at, m.start);
		if (s->n >= s->limit)
			return;
		scan_token(s, m.token->id, m.start, m.end);
		at = m.end;
	}
	if (at < size && s->n < s->limit)
		piece(s, at, size);
}
