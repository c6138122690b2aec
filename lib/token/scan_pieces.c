/*
 * scan_pieces.c: the fast path of SentencePiece's kind of tokenizers, where spaces become U+2581 and
 * tokens stay on one side of them: text is cut at its spaces, and a cache knows what the words have
 * become. A word is kept with the space before it, as bytes of the text; only a new one is spelled
 * out and given to the model. It serves where nobody asks for offsets.
 *
 * Two kinds. FAST_WHOLE: spaces are replaced and one is put first (Llama 2, Phi-3), the model gets
 * the whole text; a cut before a space is right unless a token holds U+2581 behind the character
 * before it. FAST_WORDS: text is split at spaces (XLM-R) or at white space (T5), each word gets
 * U+2581; where SentencePiece's rules might change something, the text up to the next safe space goes
 * the general way.
 */
#include <endian.h>

#include "lib/token/parts.h"

static const struct slice symbol = { "\xe2\x96\x81", 3 }; /* U+2581 */

/* --- Which tokenizers ------------------------------------------------------------------------- */

/* Which bytes end a character that a token holds before U+2581. */
static void find_crossings(const struct vocab *v, bool crosses[256])
{
	for (size_t id = 0; id < v->size; id++) {
		struct slice s = v->tokens[id];
		for (size_t i = 1; i + 3 <= s.size; i++)
			if (memcmp(s.data + i, symbol.data, 3) == 0)
				crosses[(unsigned char)s.data[i - 1]] = true;
	}
	/* U+2581 itself is before others, as a space is: never cut between them */
	crosses[' '] = crosses[0x81] = true;
}

/* The bytes of which a normalized added token has one at least; false where that is not known. */
static bool find_marks(struct tokenizer *t)
{
	memset(t->marks, 0, sizeof t->marks);
	for (size_t i = 0; i < t->added.n; i++) {
		struct slice s = t->added.tokens[i].pattern;
		size_t at = 0;
		if (!t->added.tokens[i].normalized)
			continue;
		while (s.size - at >= 3 && memcmp(s.data + at, symbol.data, 3) == 0)
			at += 3;
		if (at == s.size || s.data[at] == ' ')
			return false;
		t->marks[(unsigned char)s.data[at]] = true;
	}
	return true;
}

static bool is_replace(const struct normalizer_step *s)
{
	struct slice from = s->replace.matcher.literal;
	return s->kind == NORMALIZER_REPLACE && !s->replace.matcher.regex &&
	       !s->replace.matcher.pattern && slice_equal(from, SLICE(" ")) &&
	       slice_equal(s->replace.by, symbol);
}

static bool is_prepend(const struct normalizer_step *s)
{
	return s->kind == NORMALIZER_PREPEND && slice_equal(s->prepend, symbol);
}

/* Metaspace with U+2581, as the last step of so many; NULL where it is not. */
static const struct pretokenizer_step *metaspace(const struct pretokenizer *p, size_t n, bool split)
{
	const struct pretokenizer_step *s = p->n ? &p->steps[p->n - 1] : NULL;
	return p->n == n && s->kind == PRETOKENIZER_METASPACE && s->metaspace.split == split &&
			       slice_equal(s->metaspace.replacement, symbol)
		       ? s
		       : NULL;
}

static bool model_is_local(const struct tokenizer *t)
{
	const struct bpe *b = &t->model.bpe;
	uint32_t own = vocab_id(&t->vocab, symbol);
	if (own == (uint32_t)VOCAB_NONE)
		return false;
	if (t->model.kind == MODEL_BPE)
		return b->unknown != (uint32_t)VOCAB_NONE && !b->ignore_merges && own < b->size &&
		       !b->prefix.size && !b->suffix.size;
	return t->model.kind == MODEL_SENTENCEPIECE_BPE && !t->sentencepiece->user_defined.n &&
	       t->sentencepiece->types[own] == PIECE_NORMAL;
}

/* Whether spaces are replaced and one is put first, and nothing else is changed. */
static bool only_spaces_change(const struct tokenizer *t)
{
	const struct normalizer *n = &t->normalizer;
	if (t->model.kind == MODEL_SENTENCEPIECE_BPE) {
		const struct sentencepiece *s = t->sentencepiece;
		return t->pretokenizer.n == 0 && !s->rules.n && s->dummy_prefix && !s->suffix &&
		       !s->remove_extra && s->escape;
	}
	if (metaspace(&t->pretokenizer, 1, false))
		return n->n == 0;
	return t->pretokenizer.n == 0 && n->n == 2 &&
	       ((is_prepend(&n->steps[0]) && is_replace(&n->steps[1])) ||
		       (is_replace(&n->steps[0]) && is_prepend(&n->steps[1])));
}

static bool is_whole(struct tokenizer *t)
{
	if (!model_is_local(t) || !only_spaces_change(t))
		return false;
	memset(t->crosses, 0, sizeof t->crosses);
	find_crossings(&t->vocab, t->crosses);
	return find_marks(t);
}

/* What changes white space only where several are, or at the end of the text. */
static bool is_tidy(const struct normalizer_step *s)
{
	if (s->kind == NORMALIZER_STRIP)
		return !s->strip.left;
	return s->kind == NORMALIZER_REPLACE && s->replace.matcher.regex &&
	       slice_equal(s->replace.matcher.literal, SLICE(" {2,}"));
}

/* Precompiled or nothing, and where text is split at single spaces, what leaves those alone. */
static bool words_stay(const struct normalizer *n, const struct precompiled **rules, bool tidy)
{
	size_t i = n->n && n->steps[0].kind == NORMALIZER_PRECOMPILED;
	*rules = i ? n->steps[0].rules : NULL;
	while (tidy && i < n->n && is_tidy(&n->steps[i]))
		i++;
	return i == n->n;
}

static bool is_words(struct tokenizer *t)
{
	const struct pretokenizer *p = &t->pretokenizer;
	const struct unigram *u = &t->model.unigram;
	const struct precompiled *rules;
	if (t->model.kind != MODEL_UNIGRAM || u->floats || u->unknown == (uint32_t)VOCAB_NONE ||
		double_array_find(&u->trie, symbol) == (uint32_t)DOUBLE_ARRAY_NONE)
		return false;
	bool spaces = metaspace(p, 1, true);
	const struct pretokenizer_step *last = metaspace(p, spaces ? 1 : 2, true);
	if (!last || (!spaces && (p->steps[0].kind != PRETOKENIZER_WHITESPACE_SPLIT ||
					 last->metaspace.prepend != PREPEND_ALWAYS)))
		return false;
	if (!words_stay(&t->normalizer, &rules, spaces))
		return false;
	/* a word of these is split and normalized as it is; without rules controls are, too */
	for (unsigned c = 0; c < 256; c++)
		t->plain[c] = c > ' ' && c < 0x7f && (!rules || rules->plain[c]);
	scan_plain_prepare(t);
	return !rules || rules->plain[' '];
}

bool scan_pieces_prepare(struct tokenizer *t)
{
	if (is_whole(t))
		t->fast = FAST_WHOLE;
	else if (is_words(t))
		t->fast = FAST_WORDS;
	else
		return false;
	return true;
}

/* --- Words -------------------------------------------------------------------------------------- */

enum { FEW = 64 }; /* bytes of a word that needs no memory of its own */

/* A word with the spaces before it, its spaces spelled out. At least one id, as U+2581 is a token. */
static size_t split(const void *tokenizer, struct slice word, uint32_t *ids)
{
	const struct tokenizer *t = tokenizer;
	char few_bytes[3 * FEW];
	uint32_t few_ids[3 * FEW];
	bool few = word.size <= FEW;
	char *text = few ? few_bytes : mem_alloc(size_mul(3, word.size));
	uint32_t *out = few ? few_ids : MEM_ARRAY(uint32_t, size_mul(3, word.size));
	size_t n = 0;
	for (size_t i = 0; i < word.size; i++)
		if (word.data[i] == ' ') {
			memcpy(text + n, symbol.data, 3);
			n += 3;
		} else {
			text[n++] = word.data[i];
		}
	ptrdiff_t count = model_split(&t->model, (struct slice){ text, n }, out, NULL, NULL);
	CHECK(count > 0 && (size_t)count <= word.size);
	memcpy(ids, out, (size_t)count * sizeof *ids);
	if (!few) {
		mem_free(text);
		mem_free(out);
	}
	return (size_t)count;
}

static void encode(struct scan *s, struct slice text, size_t at, const uint32_t *ends, size_t n)
{
	struct tokenizer_scratch *scratch = s->scratch;
	if (n == 0)
		return;
	if (!scratch->words)
		scratch->words = word_cache_new(s->tokenizer->words, split, s->tokenizer);
	scan_reserve(s, ends[n - 1] - at + WORD_SLACK);
	s->n += word_cache_encode(scratch->words, text, at, ends, n, s->ids + s->n, NULL);
}

/* Whether U+2581 is put before a piece of the text that begins at its byte `start`. */
static bool is_prefixed(const struct tokenizer *t, struct slice text, size_t start)
{
	const struct pretokenizer *p = &t->pretokenizer;
	if (!p->n)
		return true;
	enum prepend_scheme scheme = p->steps[p->n - 1].metaspace.prepend;
	if (text.data[0] == ' ' || (text.size >= 3 && !memcmp(text.data, symbol.data, 3)))
		return false;
	return scheme == PREPEND_ALWAYS || (scheme == PREPEND_FIRST && start == 0);
}

/* The first word of a piece, which may get a space before it. */
static void encode_first(struct scan *s, struct slice word, size_t start)
{
	struct buffer *b = &s->scratch->prefixed;
	uint32_t end = (uint32_t)word.size;
	if (is_prefixed(s->tokenizer, word, start)) {
		buffer_clear(b);
		buffer_char(b, ' ');
		buffer_slice(b, word);
		end = (uint32_t)b->size;
		word = buffer_view(b);
	}
	encode(s, word, 0, &end, 1);
}

/* Where the next word begins behind `at`: a space, and no token goes over it. */
static size_t next_cut(const bool crosses[256], struct slice text, size_t at)
{
	const char *end = text.data + text.size;
	for (const char *p = text.data + at; p < end && (p = memchr(p, ' ', (size_t)(end - p)));
		p++)
		if (p > text.data && !crosses[(unsigned char)p[-1]])
			return (size_t)(p - text.data);
	return text.size;
}

/* Whether a normalized added token may be in the text. */
static bool has_mark(const struct tokenizer *t, struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (t->marks[(unsigned char)text.data[i]])
			return true;
	return false;
}

void scan_whole(struct scan *s, size_t start, size_t end)
{
	const struct tokenizer *t = s->tokenizer;
	struct slice text = { s->text + start, end - start };
	if (s->offsets || s->words || text.size >= UINT32_MAX ||
		(t->added.normal.n && has_mark(t, text))) {
		scan_any(s, start, end);
		return;
	}
	size_t at = next_cut(t->crosses, text, 0);
	encode_first(s, (struct slice){ text.data, at }, start);
	while (at < text.size && s->n < s->limit) {
		uint32_t ends[WORD_BATCH];
		size_t room = s->limit - s->n, most = room < WORD_BATCH ? room : WORD_BATCH, n = 0;
		size_t first = at;
		for (; n < most && at < text.size; n++) {
			at = next_cut(t->crosses, text, at + 1);
			ends[n] = (uint32_t)at;
		}
		encode(s, text, first, ends, n);
	}
}

/* --- White space between words, and rules ------------------------------------------------------- */

/*
 * The end of what may depend on the text at `at`: a space between ASCII characters, which no grapheme
 * cluster goes over, and where white space may go, between characters that are none.
 */
static size_t safe_end(const struct tokenizer *t, struct slice text, size_t at)
{
	bool ascii = t->pretokenizer.n > 1;
	for (; at < text.size; at++) {
		if (text.data[at] != ' ' || at == 0)
			continue;
		unsigned char before = (unsigned char)text.data[at - 1];
		unsigned char after = at + 1 < text.size ? (unsigned char)text.data[at + 1] : 'a';
		if (ascii ? before < 0x80 && after < 0x80
			  : t->plain[before] && at + 1 < text.size && t->plain[after])
			break;
	}
	return at;
}

void scan_plain_prepare(struct tokenizer *t)
{
	t->plain_ascii = true;
	for (unsigned c = 0; c < 256; c++)
		t->plain_ascii = t->plain_ascii && t->plain[c] == (c > ' ' && c < 0x7f);
}

size_t scan_plain(const struct tokenizer *t, struct slice text, size_t at)
{
	static const uint64_t ones = 0x0101010101010101;
	/* the highest bit of the first byte that is not '!' to '~', and of others behind it */
	for (; t->plain_ascii && text.size - at >= 8; at += 8) {
		uint64_t x;
		memcpy(&x, text.data + at, 8);
		x = le64toh(x);
		uint64_t other = ((x - '!' * ones) | (x + ones) | x) & 0x80 * ones;
		if (other)
			return at + (size_t)__builtin_ctzll(other) / 8;
	}
	while (at < text.size && t->plain[(unsigned char)text.data[at]])
		at++;
	return at;
}

/* Plain words from `at` on, each with a space before it; they end where something else begins. */
static size_t plain_words(struct scan *s, struct slice text, size_t at)
{
	uint32_t ends[WORD_BATCH];
	size_t room = s->limit - s->n, most = room < WORD_BATCH ? room : WORD_BATCH, n = 0;
	size_t first = at, end = at;
	while (n < most && at + 1 < text.size && text.data[at] == ' ') {
		size_t i = scan_plain(s->tokenizer, text, at + 1);
		if (i == at + 1 || (i < text.size && text.data[i] != ' '))
			break;
		ends[n++] = (uint32_t)i;
		end = at = i;
	}
	encode(s, text, first, ends, n);
	return end;
}

void scan_words(struct scan *s, size_t start, size_t end)
{
	const struct tokenizer *t = s->tokenizer;
	struct slice text = { s->text + start, end - start };
	if (s->offsets || s->words || text.size >= UINT32_MAX) {
		scan_any(s, start, end);
		return;
	}
	for (size_t at = 0; at < text.size && s->n < s->limit;) {
		size_t i = at;
		if (text.data[at] == ' ') {
			at = plain_words(s, text, at);
			/* split at white space: a space before another, or the last, is nothing */
			if (at == i && t->pretokenizer.n > 1 &&
				(at + 1 == text.size || text.data[at + 1] == ' '))
				at++;
			if (at > i)
				continue;
		}
		if (at == 0)
			i = scan_plain(t, text, 0);
		if (at == 0 && i > 0 && (i == text.size || text.data[i] == ' ')) {
			encode_first(s, (struct slice){ text.data, i }, start);
			at = i;
			continue;
		}
		size_t stop = safe_end(t, text, at + 1);
		scan_any(s, start + at, start + stop);
		at = stop;
	}
}
