/*
 * words.c: a text becomes pieces at its added tokens, a piece is normalized, becomes words by the
 * pre-tokenizer, a word tokens by the model (tokenizers 0.23, src/tokenizer/added_vocabulary.rs,
 * extract_and_normalize, and pre_tokenizer.rs).
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

/*
 * A token's bytes of the word as bytes of the original. An empty one stays as it is in the
 * reference; in sentencepiece it is where it stands (placed).
 */
static struct token_offset original(
	const struct normalized *from, size_t at, struct token_offset o, bool placed)
{
	if (o.start == o.end && placed)
		return (struct token_offset){ from->from[at + o.start], from->from[at + o.start] };
	if (o.start == o.end)
		return (struct token_offset){ from->from[at] + o.start, from->from[at] + o.end };
	return (struct token_offset){ from->from[at + o.start], from->to[at + o.end - 1] };
}

void scan_fail(struct scan *s)
{
	s->failed = true;
	s->limit = 0;
}

static bool is_blank(uint32_t c)
{
	return c == 0x120 || unicode_flags(c) & UNICODE_SPACE; /* Ġ is a space of ByteLevel */
}

struct scan_blank scan_blanks(struct slice token)
{
	struct scan_blank b = { .lead = 0 };
	size_t n = 0, last = 0; /* code points; those up to the last that is not blank */
	for (size_t i = 0; i < token.size; n++) {
		uint32_t c;
		i += utf8_decode(token.data + i, token.data + token.size, &c);
		if (!is_blank(c))
			last = n + 1;
		else if (last == 0)
			b.lead++;
	}
	b.trail = (uint32_t)(n - last);
	return b;
}

static void keep_blanks(struct scan *s, size_t token, struct slice text)
{
	struct scan_blank b = scan_blanks(text);
	b.token = token;
	buffer_add(&s->blanks, &b, sizeof b);
}

static void keep_surface(struct scan *s, size_t token, struct slice text)
{
	struct scan_surface x = { token, s->surface_text.size, s->surface_text.size + text.size };
	buffer_slice(&s->surface_text, text);
	buffer_add(&s->surfaces, &x, sizeof x);
}

/* Of a word's n tokens, the offsets of which are still its own, those that are unknown. */
static void keep_unknown(struct scan *s, struct slice word, size_t n)
{
	for (size_t i = s->n; i < s->n + n; i++) {
		struct token_offset o = s->offsets[i];
		struct slice text = { word.data + o.start, o.end - o.start };
		if (s->ids[i] != s->tokenizer->model.unknown)
			continue;
		if (s->want_blanks)
			keep_blanks(s, i, text);
		if (s->want_surfaces)
			keep_surface(s, i, text);
	}
}

void scan_word(struct scan *s, struct slice word, size_t at, const struct normalized *from)
{
	scan_reserve(s, word.size);
	ptrdiff_t n = model_split(&s->tokenizer->model, word, s->ids + s->n,
		s->offsets ? s->offsets + s->n : NULL, &s->error);
	if (n < 0) {
		scan_fail(s);
		return;
	}
	if (s->want_unknown)
		keep_unknown(s, word, (size_t)n);
	bool placed = s->tokenizer->sentencepiece != NULL;
	for (size_t i = s->n; i < s->n + (size_t)n; i++) {
		if (s->offsets && from) {
			s->offsets[i] = original(from, at, s->offsets[i], placed);
		} else if (s->offsets) {
			s->offsets[i].start += (uint32_t)at;
			s->offsets[i].end += (uint32_t)at;
		}
		if (s->words)
			s->words[i] = s->word;
	}
	s->n += (size_t)n;
	s->word++;
}

/* --- Any piece --------------------------------------------------------------------------------- */

/* An added token, whose text is `matched`. */
static void added_token(struct scan *s, uint32_t id, struct slice matched, size_t start, size_t end)
{
	if (s->want_blanks)
		keep_blanks(s, s->n, matched);
	if (s->want_surfaces && !slice_equal(matched, vocab_token(&s->tokenizer->vocab, id)))
		keep_surface(s, s->n, matched);
	scan_token(s, id, start, end);
}

/* The pieces between the added tokens that are found once the text is normalized. */
static void find_normalized(
	const struct added *added, const struct normalized *from, struct pieces *to)
{
	struct slice text = buffer_view(&from->text);
	struct added_match m;
	size_t at = 0;
	if (text.size == 0)
		return;
	for (size_t search = 0; added_find(added, &added->normal, text, search, at, &m);
		search = m.next) {
		if (m.start > at)
			piece_add(&to->list, at, m.start, (uint32_t)PIECE_WORD);
		piece_add(&to->list, m.start, m.end, m.token->id);
		at = m.end;
	}
	piece_add(&to->list, at, text.size, (uint32_t)PIECE_WORD);
}

static void take_pieces(struct scan *s, const struct pieces *p)
{
	const struct normalized *from = &p->text;
	for (size_t i = 0; i < p->list.n && s->n < s->limit; i++) {
		struct piece piece = p->list.at[i];
		struct slice text = { from->text.data + piece.start, piece.end - piece.start };
		if (piece.token == (uint32_t)PIECE_WORD)
			scan_word(s, text, piece.start, s->offsets ? from : NULL);
		else
			added_token(s, piece.token, text, s->offsets ? from->from[piece.start] : 0,
				s->offsets ? from->to[piece.end - 1] : 0);
	}
}

void scan_any(struct scan *s, size_t start, size_t end)
{
	const struct tokenizer *t = s->tokenizer;
	struct pieces *p = &s->scratch->pieces;
	struct slice text = { s->text + start, end - start };
	p->text.unaligned = !s->offsets && !pretokenizer_needs_alignment(&t->pretokenizer);
	p->list.n = 0;
	if (normalizer_run(&t->normalizer, text, (uint32_t)start, &p->text, &s->scratch->regex,
		    &s->error)) {
		scan_fail(s);
		return;
	}
	find_normalized(&t->added, &p->text, p);
	if (pretokenizer_run(&t->pretokenizer, p, &s->scratch->regex, &s->error))
		scan_fail(s);
	else
		take_pieces(s, p);
}

/* --- A text ------------------------------------------------------------------------------------ */

/* A piece without added tokens, on the path that its tokenizer has. */
static void fast_piece(struct scan *s, size_t start, size_t end)
{
	switch (s->tokenizer->fast) {
	case FAST_BERT:
		if (s->offsets || s->words)
			scan_bert(s, start, end);
		else
			scan_cached(s, start, end);
		break;
	case FAST_BYTES:
		scan_cached(s, start, end);
		break;
	case FAST_WHOLE:
		scan_whole(s, start, end);
		break;
	case FAST_WORDS:
		scan_words(s, start, end);
		break;
	case FAST_SUMMED:
		scan_summed(s, start, end);
		break;
	case FAST_NONE:
		scan_any(s, start, end);
		break;
	}
}

/* The added tokens of a set within [start, end), and what is done with the pieces in between. */
static void find_added(struct scan *s, const struct added_set *set, size_t start, size_t end,
	void (*piece)(struct scan *, size_t, size_t))
{
	struct slice text = { s->text + start, end - start };
	struct added_match m;
	size_t at = 0;
	for (size_t search = 0;
		s->n < s->limit && added_find(&s->tokenizer->added, set, text, search, at, &m);
		search = m.next) {
		if (m.start > at)
			piece(s, start + at, start + m.start);
		if (s->n >= s->limit)
			return;
		struct slice matched = { text.data + m.start, m.end - m.start };
		if (matched.size)
			added_token(s, m.token->id, matched, start + m.start, start + m.end);
		at = m.end;
	}
	if (at < text.size && s->n < s->limit)
		piece(s, start + at, end);
}

/*
 * Where nothing is normalized, the added tokens that are looked for in normalized text are in this
 * one; FAST_WHOLE looks for them itself.
 */
static void piece(struct scan *s, size_t start, size_t end)
{
	const struct tokenizer *t = s->tokenizer;
	if (t->added.normal.n == 0 || t->fast == FAST_WHOLE)
		fast_piece(s, start, end);
	else if (t->normalizer.n == 0 && t->fast != FAST_NONE)
		find_added(s, &t->added.normal, start, end, fast_piece);
	else
		scan_any(s, start, end);
}

void scan_text(struct scan *s, size_t size)
{
	if (size == 0)
		return;
	find_added(s, &s->tokenizer->added.raw, 0, size, piece);
}
