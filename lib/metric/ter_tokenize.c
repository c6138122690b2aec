/*
 * ter_tokenize.c: Tercom's tokens, as sacrebleu 2.6 makes them (sacrebleu/tokenizers/
 * tokenizer_ter.py). Its rules for runs of kana have "^" where a set was meant, and so match only at
 * the beginning of a text, where a blank stands: they do nothing, and are not here.
 */
#include "lib/metric/bleu.h"
#include "lib/metric/segment.h"
#include "lib/metric/ter.h"
#include "lib/text/utf8.h"

struct range {
	uint32_t first, last;
};

static bool within(const struct range *r, size_t n, uint32_t c)
{
	for (size_t i = 0; i < n; i++)
		if (c >= r[i].first && c <= r[i].last)
			return true;
	return false;
}
#define WITHIN(ranges, c) within((ranges), sizeof(ranges) / sizeof *(ranges), (c))

static const struct range asian_marks[] = { { 0x3001, 0x3002 }, { 0x3008, 0x3011 },
	{ 0x3014, 0x301f }, { 0xff61, 0xff65 }, { 0x30fb, 0x30fb } };
static const struct range wide_marks[] = { { 0xff0e, 0xff0e }, { 0xff0c, 0xff0c },
	{ 0xff1f, 0xff1f }, { 0xff1a, 0xff1b }, { 0xff01, 0xff02 }, { 0xff08, 0xff09 } };
/* Code points that stand alone; what two rules name gets its blanks twice, which changes nothing. */
static const struct range ideographs[] = { { 0x4e00, 0x9fff }, { 0x3400, 0x4dbf },
	{ 0x31c0, 0x31ef }, { 0x2e80, 0x2eff }, { 0x3300, 0x33ff }, { 0xf900, 0xfaff },
	{ 0xfe30, 0xfe4f }, { 0x3200, 0x3f22 } };

static void put_replaced(struct buffer *out, struct slice s)
{
	static const struct {
		struct slice from, to;
	} rules[] = { { { "\n-", 2 }, { "", 0 } }, { { "\n", 1 }, { " ", 1 } },
		{ { "&quot;", 6 }, { "\"", 1 } }, { { "&amp;", 5 }, { "&", 1 } },
		{ { "&lt;", 4 }, { "<", 1 } }, { { "&gt;", 4 }, { ">", 1 } } };
	struct buffer a = { 0 }, b = { 0 };
	buffer_slice(&a, s);
	for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
		buffer_clear(&b);
		for (size_t i = 0; i < a.size;) {
			bool hit = a.size - i >= rules[r].from.size &&
				   !memcmp(a.data + i, rules[r].from.data, rules[r].from.size);
			if (hit)
				buffer_slice(&b, rules[r].to);
			else
				buffer_char(&b, a.data[i]);
			i += hit ? rules[r].from.size : 1;
		}
		struct buffer t = a;
		a = b;
		b = t;
	}
	buffer_slice(out, buffer_view(&a));
	buffer_free(&a);
	buffer_free(&b);
}

/* "'s " to " 's ". */
static void possessive(struct slice s, struct buffer *out)
{
	for (size_t i = 0; i < s.size; i++) {
		if (s.size - i > 2 && !memcmp(s.data + i, "'s ", 3))
			buffer_char(out, ' ');
		buffer_char(out, s.data[i]);
	}
}

static void normalize(struct buffer *text)
{
	struct buffer a = { 0 }, b = { 0 };
	buffer_char(&a, ' ');
	put_replaced(&a, buffer_view(text));
	buffer_char(&a, ' ');
	bleu_part_symbols(buffer_view(&a), &b);
	buffer_clear(&a);
	possessive(buffer_view(&b), &a);
	buffer_clear(&b);
	bleu_part_points(buffer_view(&a), &b);
	buffer_free(&a);
	buffer_free(text);
	*text = b;
}

static void part(struct buffer *text)
{
	struct buffer out = { 0 };
	struct slice s = buffer_view(text);
	for (size_t i = 0, n; i < s.size; i += n) {
		uint32_t c;
		n = utf8_decode(s.data + i, s.data + s.size, &c);
		bool apart =
			WITHIN(ideographs, c) || WITHIN(asian_marks, c) || WITHIN(wide_marks, c);
		if (apart)
			buffer_char(&out, ' ');
		buffer_add(&out, s.data + i, n);
		if (apart)
			buffer_char(&out, ' ');
	}
	buffer_free(text);
	*text = out;
}

static void drop_marks(struct buffer *text, bool asian)
{
	struct slice s = buffer_view(text);
	size_t k = 0;
	for (size_t i = 0, n; i < s.size; i += n) {
		uint32_t c;
		n = utf8_decode(s.data + i, s.data + s.size, &c);
		if (c && c < 0x80 && strchr(".,?:;!\"()", (int)c))
			continue;
		if (asian && (WITHIN(asian_marks, c) || WITHIN(wide_marks, c)))
			continue;
		memmove(text->data + k, s.data + i, n);
		k += n;
	}
	text->size = k;
}

void ter_tokenize(
	struct slice text, const struct ter_style *style, struct arena *arena, struct buffer *out)
{
	if (!style->case_sensitive)
		text = text_lower(text, arena);
	struct buffer b = { 0 };
	buffer_slice(&b, text);
	if (text.size && style->normalized)
		normalize(&b);
	if (text.size && style->normalized && style->asian)
		part(&b);
	if (style->no_punct)
		drop_marks(&b, style->asian);
	buffer_slice(out, buffer_view(&b));
	buffer_free(&b);
}
