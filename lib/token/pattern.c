#include "lib/token/pattern.h"

#include "lib/token/pattern_private.h"

/* --- Parts that the patterns share ---------------------------------------------------------- */

const char *pattern_run(const char *p, const char *end, unsigned categories)
{
	for (;;) {
		struct glyph g = glyph_at(p, end);
		if (!(g.category & categories))
			return p;
		p += g.size;
	}
}

const char *pattern_contraction(enum contraction how, const char *p, const char *end)
{
	static const struct {
		char first, second;
	} all[] = { { 's', 0 }, { 't', 0 }, { 'r', 'e' }, { 'v', 'e' }, { 'm', 0 }, { 'l', 'l' },
		{ 'd', 0 } };
	if (how == CONTRACTION_NONE || end - p < 2 || *p != '\'')
		return p;
	char fold = how == CONTRACTION_EXACT ? 0 : 0x20;
	char a = p[1] | fold, b = end - p > 2 ? p[2] | fold : 0;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (a == all[i].first && (!all[i].second || b == all[i].second))
			return p + (all[i].second ? 3 : 2);
	if (how == CONTRACTION_FOLD && end - p > 2 && !memcmp(p + 1, "ſ", 2))
		return p + 3;
	return p;
}

static const char *others(const char *p, const char *end)
{
	for (struct glyph g; g = glyph_at(p, end), glyph_is_other(g);)
		p += g.size;
	return p;
}

/* \p{N}{1,n}: n is 0 without a limit. */
static const char *digits(const char *p, const char *end, unsigned n)
{
	if (!n)
		return pattern_run(p, end, CATEGORY_NUMBER);
	for (struct glyph g; n-- && (g = glyph_at(p, end)).category & CATEGORY_NUMBER;)
		p += g.size;
	return p;
}

/* \s*[\r\n]+|\s+(?!\S)|\s+, without its first part unless lines; p is at white space. */
static const char *space(const struct pattern *pattern, const char *p, const char *end, bool lines)
{
	const char *last = p, *line = NULL, *q = p;
	for (struct glyph g; (g = glyph_at(q, end)).category & CATEGORY_SPACE;) {
		last = q;
		q += g.size;
		if (lines && glyph_is_line(g))
			line = q;
	}
	if (q == end && pattern->tail)
		return q;
	if (line)
		return line;
	/* the last stays with what follows, unless it is the only one */
	return q == end || last == p ? q : last;
}

/* --- GPT-2 ---------------------------------------------------------------------------------- */

static const char *gpt2_next(const struct pattern *pattern, const char *p, const char *end)
{
	const char *q = pattern_contraction(pattern->contraction, p, end);
	if (q > p)
		return q;
	struct glyph g = glyph_at(p, end);
	if (g.c == ' ') {
		q = p + 1;
		g = glyph_at(q, end);
	}
	if (g.category & CATEGORY_LETTERS)
		return pattern_run(q, end, CATEGORY_LETTERS);
	if (g.category & CATEGORY_NUMBER)
		return pattern_run(q, end, CATEGORY_NUMBER);
	if (glyph_is_other(g))
		return others(q, end);
	return space(pattern, p, end, false);
}

/* --- BERT ----------------------------------------------------------------------------------- */

enum bert_class { BERT_WORD, BERT_SPACE, BERT_PUNCTUATION };

static enum bert_class bert_class(char c)
{
	if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
		return BERT_SPACE;
	bool alphanumeric = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
	return c > ' ' && c < 0x7f && !alphanumeric ? BERT_PUNCTUATION : BERT_WORD;
}

/* White space, then one ASCII punctuation character, or whatever comes up to either. */
static const char *bert_next(const struct pattern *pattern, const char *p, const char *end)
{
	(void)pattern;
	while (p < end && bert_class(*p) == BERT_SPACE)
		p++;
	if (p < end && bert_class(*p) == BERT_PUNCTUATION)
		return p + 1;
	while (p < end && bert_class(*p) == BERT_WORD)
		p++;
	return p;
}

/* --- cl100k --------------------------------------------------------------------------------- */

/* " ?[^\s\p{L}\p{N}]+[\r\n]*"; p where there is none. */
static const char *punctuation(const struct pattern *pattern, const char *p, const char *end)
{
	const char *q = p + (*p == ' '), *r = others(q, end);
	if (r == q)
		return p;
	while (r < end && (*r == '\r' || *r == '\n' || (pattern->slash && *r == '/')))
		r++;
	return r;
}

/* What cl100k and o200k have in common, behind their words of letters. */
static const char *rest(
	const struct pattern *pattern, struct glyph first, const char *p, const char *end)
{
	if (first.category & CATEGORY_NUMBER)
		return digits(p, end, pattern->digits);
	const char *q = punctuation(pattern, p, end);
	return q > p ? q : space(pattern, p, end, true);
}

/* Whether it may stand before a word's letters: [^\r\n\p{L}\p{N}] */
static bool leads(struct glyph g)
{
	return g.size && !(g.category & (CATEGORY_LETTERS | CATEGORY_NUMBER)) && !glyph_is_line(g);
}

static const char *cl100k_next(const struct pattern *pattern, const char *p, const char *end)
{
	const char *q = pattern_contraction(pattern->contraction, p, end);
	if (q > p)
		return q;
	struct glyph g = glyph_at(p, end);
	q = p + (leads(g) ? g.size : 0);
	const char *letters = pattern_run(q, end, CATEGORY_LETTERS);
	return letters > q ? letters : rest(pattern, g, p, end);
}

/* --- o200k ---------------------------------------------------------------------------------- */

enum {
	BOTH = CATEGORY_LETTER | CATEGORY_MARK, /* in either half of a word */
	CAPITAL = CATEGORY_UPPER | BOTH,
	SMALL = CATEGORY_LOWER | BOTH,
};

/* CAPITAL*SMALL+ at p: where it ends, NULL where it is not. */
static const char *capital_small(const char *p, const char *end)
{
	const char *last = NULL; /* behind the last that is in both */
	struct glyph g;
	for (; (g = glyph_at(p, end)).category & CAPITAL; p += g.size)
		if (g.category & BOTH)
			last = p + g.size;
	return g.category & CATEGORY_LOWER ? pattern_run(p, end, SMALL) : last;
}

static const char *o200k_next(const struct pattern *pattern, const char *p, const char *end)
{
	struct glyph g = glyph_at(p, end);
	const char *after = leads(g) ? p + g.size : NULL,
		   *q = after ? capital_small(after, end) : NULL;
	if (!q)
		q = capital_small(p, end);
	/* CAPITAL+SMALL*: no small one follows, or it would have been found */
	if (!q && after && (q = pattern_run(after, end, CAPITAL)) == after)
		q = NULL;
	if (!q && g.category & CAPITAL)
		q = pattern_run(p, end, CAPITAL);
	return q ? pattern_contraction(pattern->contraction, q, end) : rest(pattern, g, p, end);
}

/* --- All of them ---------------------------------------------------------------------------- */

#define CL100K_REST(digits) \
	"[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" digits \
	"| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define FOLDED "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPELLED "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
#define O200K(contraction, digits) \
	"[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*" \
	"[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+" contraction \
	"|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+" \
	"[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*" contraction "|\\p{N}" digits \
	"| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

static const struct pattern patterns[] = {
	{ .name = "gpt2",
		.regex = { "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|"
			   "\\s+(?!\\S)|\\s+",
			"'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|"
			"\\s+(?!\\S)|\\s+" },
		.next = gpt2_next,
		.contraction = CONTRACTION_EXACT,
		.block = BLOCK_GPT2 },
	/* Llama 3, Phi 4, GPT-4 as converted */
	{ .name = "llama3",
		.regex = { FOLDED "|" CL100K_REST("{1,3}") },
		.next = cl100k_next,
		.block = BLOCK_CL100K,
		.contraction = CONTRACTION_FOLD,
		.digits = 3 },
	/* Qwen 2 and 3 */
	{ .name = "qwen",
		.regex = { FOLDED "|" CL100K_REST("") },
		.next = cl100k_next,
		.block = BLOCK_CL100K,
		.contraction = CONTRACTION_FOLD,
		.digits = 1 },
	{ .regex = { SPELLED "|" CL100K_REST("{1,3}") },
		.next = cl100k_next,
		.block = BLOCK_CL100K,
		.contraction = CONTRACTION_ASCII,
		.digits = 3 },
	/* tiktoken's own, which no tokenizer.json has: its \s++$ is another in the reference */
	{ .name = "cl100k",
		.next = cl100k_next,
		.block = BLOCK_CL100K,
		.contraction = CONTRACTION_FOLD,
		.digits = 3,
		.tail = true },
	{ .name = "o200k",
		.regex = { O200K(FOLDED "?", "{1,3}") },
		.next = o200k_next,
		.block = BLOCK_O200K,
		.contraction = CONTRACTION_FOLD,
		.digits = 3,
		.slash = true },
	{ .name = "bert", .next = bert_next, .block = BLOCK_BERT },
	/* Tekken: Mistral Nemo and later */
	{ .regex = { O200K("", "") },
		.next = o200k_next,
		.block = BLOCK_O200K,
		.contraction = CONTRACTION_NONE,
		.digits = 1,
		.slash = true },
};

enum { PATTERNS = sizeof patterns / sizeof *patterns };

const struct pattern *pattern_find(struct slice regex)
{
	category_start();
	for (size_t i = 0; i < PATTERNS; i++)
		for (size_t j = 0; j < 4 && patterns[i].regex[j]; j++)
			if (slice_equal(regex, slice_from(patterns[i].regex[j])))
				return &patterns[i];
	return NULL;
}

const struct pattern *pattern_named(const char *name)
{
	category_start();
	for (size_t i = 0; i < PATTERNS; i++)
		if (patterns[i].name && strcmp(patterns[i].name, name) == 0)
			return &patterns[i];
	return NULL;
}

size_t pattern_split_portable(
	const struct pattern *pattern, struct slice text, size_t at, uint32_t *ends, size_t n)
{
	const char *p = text.data + at, *end = text.data + text.size;
	size_t i = 0;
	for (; i < n && p < end; i++) {
		p = pattern->next(pattern, p, end);
		ends[i] = (uint32_t)(p - text.data);
	}
	return i;
}
