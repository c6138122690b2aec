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

/* A character with a blank on either side. */
static char *spread(char *to, char c)
{
	to[0] = ' ';
	to[1] = c;
	to[2] = ' ';
	return to + 3;
}

/* Room for any rule's result, of which no byte becomes more than three. */
static char *room(struct buffer *out, struct slice s)
{
	return buffer_reserve(out, size_mul(3, s.size) + 1);
}

/* ([^0-9])([.,]) to "\1 \2 ": the byte before stands for its code point. */
static void after_no_digit(struct slice s, struct buffer *out)
{
	char *to = room(out, s);
	for (size_t i = 0; i < s.size; i++) {
		*to++ = s.data[i];
		if (i + 1 < s.size && is_point(s.data[i + 1]) && !is_digit(s.data[i]))
			to = spread(to, s.data[++i]);
	}
	out->size = (size_t)(to - out->data);
}

/* ([.,])([^0-9]) to " \1 \2". */
static void before_no_digit(struct slice s, struct buffer *out)
{
	char *to = room(out, s);
	for (size_t i = 0; i < s.size; i++) {
		if (i + 1 < s.size && is_point(s.data[i]) && !is_digit(s.data[i + 1]))
			to = spread(to, s.data[i++]);
		*to++ = s.data[i];
	}
	out->size = (size_t)(to - out->data);
}

/* ([0-9])(-) to "\1 \2 ". */
static void after_digit(struct slice s, struct buffer *out)
{
	char *to = room(out, s);
	for (size_t i = 0; i < s.size; i++) {
		*to++ = s.data[i];
		if (i + 1 < s.size && s.data[i + 1] == '-' && is_digit(s.data[i]))
			to = spread(to, s.data[++i]);
	}
	out->size = (size_t)(to - out->data);
}

void bleu_part_symbols(struct slice s, struct buffer *out)
{
	char *to = room(out, s);
	for (size_t i = 0; i < s.size; i++) {
		if (is_symbol(s.data[i]))
			to = spread(to, s.data[i]);
		else
			*to++ = s.data[i];
	}
	out->size = (size_t)(to - out->data);
}

void bleu_part_points(struct slice s, struct buffer *out)
{
	struct buffer a = { 0 }, b = { 0 };
	after_no_digit(s, &a);
	before_no_digit(buffer_view(&a), &b);
	after_digit(buffer_view(&b), out);
	buffer_free(&a);
	buffer_free(&b);
}

static void part_all(struct slice s, struct buffer *out)
{
	struct buffer b = { 0 };
	bleu_part_symbols(s, &b);
	bleu_part_points(buffer_view(&b), out);
	buffer_free(&b);
}

/* Every `from` becomes `to`. */
static void replace(struct buffer *b, struct slice from, struct slice to)
{
	struct buffer out = { 0 };
	if (!b->size || !memmem(b->data, b->size, from.data, from.size))
		return;
	for (size_t i = 0; i < b->size;) {
		if (b->size - i >= from.size && !memcmp(b->data + i, from.data, from.size)) {
			buffer_slice(&out, to);
			i += from.size;
		} else {
			buffer_char(&out, b->data[i++]);
		}
	}
	buffer_free(b);
	*b = out;
}

static bool has(struct slice s, char c)
{
	return s.size && memchr(s.data, c, s.size);
}

static void tokenize_13a(struct slice s, struct buffer *out)
{
	struct buffer b = { 0 }, padded = { 0 };
	buffer_slice(&b, s);
	if (has(s, '<'))
		replace(&b, SLICE("<skipped>"), SLICE(""));
	if (has(s, '\n')) {
		replace(&b, SLICE("-\n"), SLICE(""));
		replace(&b, SLICE("\n"), SLICE(" "));
	}
	if (has(s, '&')) {
		replace(&b, SLICE("&quot;"), SLICE("\""));
		replace(&b, SLICE("&amp;"), SLICE("&"));
		replace(&b, SLICE("&lt;"), SLICE("<"));
		replace(&b, SLICE("&gt;"), SLICE(">"));
	}
	buffer_char(&padded, ' ');
	buffer_slice(&padded, buffer_view(&b));
	buffer_char(&padded, ' ');
	part_all(buffer_view(&padded), out);
	buffer_free(&padded);
	buffer_free(&b);
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
static void tokenize_intl(struct slice s, struct buffer *out)
{
	struct arena *arena = arena_new();
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
	for (size_t i = 0; i < l; i++) {
		char bytes[4];
		bool symbol = kind_of(z[i]) == SYMBOL;
		if (symbol)
			buffer_char(out, ' ');
		buffer_add(out, bytes, utf8_encode(bytes, z[i]));
		if (symbol)
			buffer_char(out, ' ');
	}
	arena_free(arena);
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

/* A blank around every code point, or around Chinese ones. */
static void part(struct slice s, bool chinese, struct buffer *out)
{
	uint32_t c;
	for (size_t i = 0, n; i < s.size; i += n) {
		n = utf8_decode(s.data + i, s.data + s.size, &c);
		bool apart = !chinese || is_chinese(c);
		if (apart)
			buffer_char(out, ' ');
		buffer_add(out, s.data + i, n);
		if (apart)
			buffer_char(out, ' ');
	}
}

void bleu_tokenize(enum bleu_tokenizer t, struct slice s, struct buffer *out)
{
	struct buffer b = { 0 };
	switch (t) {
	case BLEU_13A:
		tokenize_13a(s, out);
		break;
	case BLEU_INTL:
		tokenize_intl(s, out);
		break;
	case BLEU_CHAR:
		part(s, false, out);
		break;
	case BLEU_ZH:
		part(text_strip(s), true, &b);
		part_all(buffer_view(&b), out);
		break;
	case BLEU_NONE:
	case BLEU_SPACE:
		buffer_slice(out, s);
		break;
	case BLEU_JA_MECAB:
	case BLEU_KO_MECAB:
		CHECK(t < BLEU_JA_MECAB); /* bleu refuses them */
	}
	buffer_free(&b);
}
