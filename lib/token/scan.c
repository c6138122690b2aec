/*
 * scan.c: the fast path of BertNormalizer, BertPreTokenizer and WordPiece. Most text is ASCII
 * words of up to 15 bytes between spaces and punctuation: 16 bytes are loaded at once,
 * lowercased, the end of the word found, and the word looked up as two integers. Whatever else
 * is in a word (a byte above 127, a control) takes the general path from the beginning of that
 * word to the next ASCII space or punctuation: these are of combining class 0 and never change,
 * so that the text may be cut there.
 */
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "lib/text/unicode.h"
#include "lib/text/utf8.h"
#include "lib/token/parts.h"

/*
 * The word that begins at p: how many letters and digits, up to 16, and these, lowercased if
 * asked, as a key.
 */
#ifdef __SSE2__
static inline size_t read_word(const char *p, const char *end, bool lowercase, struct word_key *key)
{
	static const char ones[2 * WORD_KEY] = { -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
		-1, -1, -1 };
	char tail[WORD_KEY] = { 0 };
	if (end - p < WORD_KEY) {
		memcpy(tail, p, (size_t)(end - p));
		p = tail;
	}
	__m128i v = _mm_loadu_si128((const __m128i *)p);
	__m128i lower = _mm_or_si128(v, _mm_set1_epi8(0x20));
	__m128i letter = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
		_mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
	__m128i digit = _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8('0' - 1)),
		_mm_cmplt_epi8(v, _mm_set1_epi8('9' + 1)));
	unsigned other = ~(unsigned)_mm_movemask_epi8(_mm_or_si128(letter, digit));
	size_t n = other & 0xffff ? (size_t)__builtin_ctz(other) : WORD_KEY;
	if (lowercase)
		v = _mm_or_si128(v, _mm_and_si128(letter, _mm_set1_epi8(0x20)));
	v = _mm_and_si128(v, _mm_loadu_si128((const __m128i *)(ones + WORD_KEY - n)));
	_mm_storeu_si128((__m128i *)key, v);
	return n;
}
#else
static inline size_t read_word(const char *p, const char *end, bool lowercase, struct word_key *key)
{
	char bytes[WORD_KEY] = { 0 };
	size_t n = 0, room = end - p < WORD_KEY ? (size_t)(end - p) : WORD_KEY;
	for (; n < room; n++) {
		unsigned char c = (unsigned char)p[n], low = c | 0x20;
		bool letter = low >= 'a' && low <= 'z';
		if (!letter && !(c >= '0' && c <= '9'))
			break;
		bytes[n] = (char)(letter && lowercase ? low : c);
	}
	memcpy(key, bytes, sizeof *key);
	return n;
}
#endif

static inline enum byte_class class_at(const struct tokenizer *t, const char *p, const char *end)
{
	return p == end ? BYTE_SPACE : (enum byte_class)t->classes[(unsigned char)*p];
}

/* What normalizes; without a normalizer one that does nothing. */
static const struct bert_normalizer *bert_of(const struct tokenizer *t)
{
	static const struct bert_normalizer nothing = { .clean_text = false };
	const struct bert_normalizer *n = normalizer_bert(&t->normalizer);
	return n ? n : &nothing;
}

/* The words of a normalized text, as BertPreTokenizer splits it. */
static void split_words(struct scan *s, const struct normalized *from)
{
	const char *text = from->text.data;
	size_t end = from->text.size, word = 0;
	for (size_t i = 0, size; i < end && s->n < s->limit; i += size) {
		uint32_t c;
		size = utf8_decode(text + i, text + end, &c);
		unsigned flags = unicode_flags(c) & (UNICODE_SPACE | UNICODE_PUNCTUATION);
		if (!flags)
			continue;
		if (i > word)
			scan_word(s, (struct slice){ text + word, i - word }, word, from);
		if (!(flags & UNICODE_SPACE) && s->n < s->limit)
			scan_word(s, (struct slice){ text + i, size }, i, from);
		word = i + size;
	}
	if (end > word && s->n < s->limit)
		scan_word(s, (struct slice){ text + word, end - word }, word, from);
}

/* From p, where a word with something else in it begins, to the next ASCII space or punctuation. */
static const char *mixed(struct scan *s, const char *p, const char *end)
{
	const struct tokenizer *t = s->tokenizer;
	struct normalized *work = &s->scratch->work;
	const char *q = p;
	for (enum byte_class c; c = class_at(t, q, end), c == BYTE_WORD || c == BYTE_OTHER;)
		q++;
	work->unaligned = !s->offsets;
	normalizer_bert_run(bert_of(t), &(struct slice){ p, (size_t)(q - p) },
		(uint32_t)(p - s->text), work, NULL);
	split_words(s, work);
	return q;
}

/* A word of 16 bytes or more. */
static const char *long_word(struct scan *s, const char *p, const char *end)
{
	const struct tokenizer *t = s->tokenizer;
	const char *q = p;
	while (q < end && t->classes[(unsigned char)*q] == BYTE_WORD)
		q++;
	if (class_at(t, q, end) == BYTE_OTHER)
		return mixed(s, p, end);
	size_t n = (size_t)(q - p);
	if (n > t->model.wordpiece.max_chars) {
		scan_token(s, t->model.unknown, (size_t)(p - s->text), (size_t)(q - s->text));
		return q;
	}
	struct buffer *work = &s->scratch->work.text;
	buffer_clear(work);
	char *word = buffer_reserve(work, n);
	for (size_t i = 0; i < n; i++)
		word[i] = (char)(t->lowercase && p[i] >= 'A' && p[i] <= 'Z' ? p[i] | 0x20 : p[i]);
	scan_word(s, (struct slice){ word, n }, (size_t)(p - s->text), NULL);
	return q;
}

/* scan_token, in place: this is one of the few things that is done to every word. */
static inline void put(struct scan *s, uint32_t id, size_t at, size_t size)
{
	size_t n = s->n;
	if (__builtin_expect(n == s->capacity, false))
		scan_grow(s, 1);
	s->ids[n] = id;
	if (s->offsets)
		s->offsets[n] = (struct token_offset){ (uint32_t)at, (uint32_t)(at + size) };
	if (s->words)
		s->words[n] = s->word;
	s->n = n + 1;
	s->word++;
}

static inline const char *word(struct scan *s, const char *p, const char *end)
{
	const struct tokenizer *t = s->tokenizer;
	struct word_key key;
	size_t n = read_word(p, end, t->lowercase, &key);
	if (n == WORD_KEY)
		return long_word(s, p, end);
	if (class_at(t, p + n, end) == BYTE_OTHER)
		return mixed(s, p, end);
	size_t at = (size_t)(p - s->text);
	uint32_t id = n <= t->model.wordpiece.max_chars ? wordpiece_whole(&t->model.wordpiece, key)
							: (uint32_t)VOCAB_NONE;
	if (id != (uint32_t)VOCAB_NONE)
		put(s, id, at, n);
	else
		scan_word(s, (struct slice){ (const char *)&key, n }, at, NULL);
	return p + n;
}

void scan_bert(struct scan *s, size_t start, size_t end)
{
	const struct tokenizer *t = s->tokenizer;
	const char *p = s->text + start, *stop = s->text + end;
	while (p < stop && s->n < s->limit) {
		enum byte_class class = t->classes[(unsigned char)*p];
		if (class == BYTE_WORD) {
			p = word(s, p, stop);
			p += p < stop && *p == ' ';
		} else if (class == BYTE_PUNCTUATION) {
			put(s, t->punctuation[(unsigned char)*p], (size_t)(p - s->text), 1);
			p++;
		} else if (class == BYTE_SPACE) {
			p++;
		} else {
			p = mixed(s, p, stop);
		}
	}
}
