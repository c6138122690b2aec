/*
 * bleu_tokenize.c: the tokenizers of sacrebleu 2.6 (sacrebleu/tokenizers): 13a is mteval-v13a.pl's,
 * intl mteval-v14.pl's, zh S. Huang's. A rule replaces from left to right what does not overlap.
 * Rules of ASCII run on bytes: no byte of another code point is one of their characters.
 */
#include "lib/metric/bleu.h"

#include <utf8proc.h>

#include "lib/metric/segment.h"
#include "lib/text/utf8.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* [{-~[-` -&(-+:-@/] */
static bool is_symbol(char c)
{
	return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
	       (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

static bool is_point(char c)
{
	return c == '.' || c == ',';
}

/* What comes before `at`, and that byte with a blank on either side. */
static char *spread(char *to, const char *from, const char *at)
{
	size_t n = (size_t)(at - from);
	memcpy(to, from, n);
	to[n] = ' ';
	to[n + 1] = *at;
	to[n + 2] = ' ';
	return to + n + 3;
}

/* Room for any rule's result, of which no byte becomes more than three. */
static char *room(struct slice s, struct arena *arena)
{
	return ARENA_ARRAY(arena, char, size_mul(3, s.size) + 1);
}

static struct slice ended(const char *out, char *to, const char *from, const char *end)
{
	size_t n = (size_t)(end - from);
	memcpy(to, from, n);
	return (struct slice){ out, (size_t)(to - out) + n };
}

/* The next point, or the end. */
static const char *point(const char *p, const char *end)
{
	while (p < end && !is_point(*p))
		p++;
	return p;
}

/* ([^0-9])([.,]) to "\1 \2 ": the byte before stands for its code point. */
static struct slice after_no_digit(struct slice s, struct arena *arena)
{
	const char *from = s.data, *end = s.data + s.size;
	char *out = room(s, arena), *to = out;
	for (const char *p = from; (p = point(p, end)) < end; p++) {
		if (p == from || is_digit(p[-1]))
			continue;
		to = spread(to, from, p);
		from = p + 1;
	}
	return ended(out, to, from, end);
}

/* ([.,])([^0-9]) to " \1 \2". */
static struct slice before_no_digit(struct slice s, struct arena *arena)
{
	const char *from = s.data, *end = s.data + s.size;
	char *out = room(s, arena), *to = out;
	for (const char *p = from; (p = point(p, end)) < end; p++) {
		if (p + 1 == end || is_digit(p[1]))
			continue;
		to = spread(to, from, p);
		*to++ = *++p;
		from = p + 1;
	}
	return ended(out, to, from, end);
}

/* ([0-9])(-) to "\1 \2 ". */
static struct slice after_digit(struct slice s, struct arena *arena)
{
	const char *from = s.data, *end = s.data + s.size;
	char *out = room(s, arena), *to = out;
	for (const char *p = from; (p = memchr(p, '-', (size_t)(end - p))); p++) {
		if (p == from || !is_digit(p[-1]))
			continue;
		to = spread(to, from, p);
		from = p + 1;
	}
	return ended(out, to, from, end);
}

struct slice bleu_part_symbols(struct slice s, struct arena *arena)
{
	const char *from = s.data, *end = s.data + s.size;
	char *out = room(s, arena), *to = out;
	for (const char *p = from; p < end; p++) {
		if (!is_symbol(*p))
			continue;
		to = spread(to, from, p);
		from = p + 1;
	}
	return ended(out, to, from, end);
}

struct slice bleu_part_points(struct slice s, struct arena *arena)
{
	return after_digit(before_no_digit(after_no_digit(s, arena), arena), arena);
}

static struct slice part_all(struct slice s, struct arena *arena)
{
	return bleu_part_points(bleu_part_symbols(s, arena), arena);
}

static struct slice tokenize_13a(struct slice s, struct arena *arena)
{
	s = text_replace(s, SLICE("<skipped>"), SLICE(""), arena);
	s = text_replace(s, SLICE("-\n"), SLICE(""), arena);
	s = text_replace(s, SLICE("\n"), SLICE(" "), arena);
	return part_all(text_padded(text_entities(s, arena), arena), arena);
}

/* --- intl ------------------------------------------------------------------------------------- */

enum kind { NEITHER, PUNCTUATION, NUMBER, SYMBOL };

static enum kind kind_of(uint32_t c)
{
	switch (utf8proc_category((utf8proc_int32_t)c)) {
	case UTF8PROC_CATEGORY_PC:
	case UTF8PROC_CATEGORY_PD:
	case UTF8PROC_CATEGORY_PS:
	case UTF8PROC_CATEGORY_PE:
	case UTF8PROC_CATEGORY_PI:
	case UTF8PROC_CATEGORY_PF:
	case UTF8PROC_CATEGORY_PO:
		return PUNCTUATION;
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO:
		return NUMBER;
	case UTF8PROC_CATEGORY_SM:
	case UTF8PROC_CATEGORY_SC:
	case UTF8PROC_CATEGORY_SK:
	case UTF8PROC_CATEGORY_SO:
		return SYMBOL;
	default:
		return NEITHER;
	}
}

static size_t put_points(uint32_t *out, size_t n, uint32_t a, uint32_t b, uint32_t c)
{
	out[n] = a;
	out[n + 1] = b;
	out[n + 2] = c;
	return n + 3;
}

/* (\P{N})(\p{P}) to "\1 \2 ", (\p{P})(\P{N}) to " \1 \2", (\p{S}) to " \1 ". */
static struct slice tokenize_intl(struct slice s, struct arena *arena)
{
	size_t n, k = 0, l = 0;
	uint32_t *x = text_points(s, arena, &n);
	uint32_t *y = ARENA_ARRAY(arena, uint32_t, 2 * n + 3),
		 *z = ARENA_ARRAY(arena, uint32_t, 4 * n + 6);
	for (size_t i = 0; i < n; i++) {
		y[k++] = x[i];
		if (i + 1 < n && kind_of(x[i]) != NUMBER && kind_of(x[i + 1]) == PUNCTUATION)
			k = put_points(y, k, ' ', x[++i], ' ');
	}
	for (size_t i = 0; i < k; i++) {
		if (i + 1 < k && kind_of(y[i]) == PUNCTUATION && kind_of(y[i + 1]) != NUMBER)
			l = put_points(z, l, ' ', y[i++], ' ');
		z[l++] = y[i];
	}
	char *out = ARENA_ARRAY(arena, char, 6 * l + 1), *to = out;
	for (size_t i = 0; i < l; i++) {
		bool symbol = kind_of(z[i]) == SYMBOL;
		if (symbol)
			*to++ = ' ';
		to += utf8_encode(to, z[i]);
		if (symbol)
			*to++ = ' ';
	}
	return (struct slice){ out, (size_t)(to - out) };
}

/* --- char, zh --------------------------------------------------------------------------------- */

/* As sacrebleu asks, where '\u20000' is two characters and so all from U+2001 to U+2A6D, and likewise
 * '\u2f800', are Chinese. */
static bool is_chinese(uint32_t c)
{
	static const uint32_t ranges[][2] = { { 0x3400, 0x4db5 }, { 0x4e00, 0x9fa5 },
		{ 0x9fa6, 0x9fbb }, { 0xf900, 0xfa2d }, { 0xfa30, 0xfa6a }, { 0xfa70, 0xfad9 },
		{ 0x2001, 0x2a6d }, { 0x2f81, 0x2fa1 }, { 0xff00, 0xffef }, { 0x2e80, 0x2eff },
		{ 0x3000, 0x303f }, { 0x31c0, 0x31ef }, { 0x2f00, 0x2fdf }, { 0x2ff0, 0x2fff },
		{ 0x3100, 0x312f }, { 0x31a0, 0x31bf }, { 0xfe10, 0xfe1f }, { 0xfe30, 0xfe4f },
		{ 0x2600, 0x26ff }, { 0x2700, 0x27bf }, { 0x3200, 0x32ff }, { 0x3300, 0x33ff } };
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

static bool is_any(uint32_t c)
{
	(void)c;
	return true;
}

struct slice bleu_tokenize(enum bleu_tokenizer t, struct slice s, struct arena *arena)
{
	CHECK(t < BLEU_JA_MECAB); /* bleu refuses them */
	switch (t) {
	case BLEU_13A:
		return tokenize_13a(s, arena);
	case BLEU_INTL:
		return tokenize_intl(s, arena);
	case BLEU_CHAR:
		return text_apart(s, is_any, arena);
	case BLEU_ZH:
		return part_all(text_apart(text_strip(s), is_chinese, arena), arena);
	default:
		return s;
	}
}
