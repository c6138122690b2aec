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

/* "'s " to " 's ". */
static struct slice possessive(struct slice s, struct arena *arena)
{
	return text_replace(s, SLICE("'s "), SLICE(" 's "), arena);
}

static struct slice normalize(struct slice s, struct arena *arena)
{
	s = text_replace(s, SLICE("\n-"), SLICE(""), arena);
	s = text_replace(s, SLICE("\n"), SLICE(" "), arena);
	s = text_padded(text_entities(s, arena), arena);
	s = possessive(bleu_part_symbols(s, arena), arena);
	return bleu_part_points(s, arena);
}

static bool stands_alone(uint32_t c)
{
	return WITHIN(ideographs, c) || WITHIN(asian_marks, c) || WITHIN(wide_marks, c);
}

static struct slice drop_marks(struct slice s, bool asian, struct arena *arena)
{
	char *out = ARENA_ARRAY(arena, char, s.size + 1), *to = out;
	for (size_t i = 0, n; i < s.size; i += n) {
		uint32_t c;
		n = utf8_decode(s.data + i, s.data + s.size, &c);
		if (c && c < 0x80 && strchr(".,?:;!\"()", (int)c))
			continue;
		if (asian && (WITHIN(asian_marks, c) || WITHIN(wide_marks, c)))
			continue;
		to = mempcpy(to, s.data + i, n);
	}
	return (struct slice){ out, (size_t)(to - out) };
}

struct slice ter_tokenize(struct slice text, const struct ter_style *style, struct arena *arena)
{
	if (!style->case_sensitive)
		text = text_lower(text, arena);
	if (text.size && style->normalized)
		text = normalize(text, arena);
	if (text.size && style->normalized && style->asian)
		text = text_apart(text, stands_alone, arena);
	return style->no_punct ? drop_marks(text, style->asian, arena) : text;
}
