/* pattern_private.h: for pattern*.c: what a scanner is, and a scanner's view of a character. */
#pragma once
#include "lib/text/category.h"
#include "lib/text/utf8.h"
#include "lib/token/pattern.h"

enum contraction {
	CONTRACTION_NONE,
	CONTRACTION_EXACT, /* 's 't 're 've 'm 'll 'd */
	CONTRACTION_ASCII, /* and in capitals */
	CONTRACTION_FOLD, /* and whatever case folding makes of them: ſ is an s */
};

struct pattern {
	const char *name;
	const char *regex[4];
	const char *(*next)(const struct pattern *, const char *p, const char *end);
	enum contraction contraction;
	unsigned digits; /* of a word of digits, at most */
	bool slash; /* punctuation takes slashes in as it does line ends */
	bool tail; /* white space at the end of the text is one word, whatever lines it holds */
	enum {
		BLOCK_NONE,
		BLOCK_GPT2,
		BLOCK_CL100K,
		BLOCK_O200K,
		BLOCK_BERT
	} block; /* what pattern_block.c knows of it */
};

/* A character: its category and how many bytes; 0 bytes at the end of the text. */
struct glyph {
	uint32_t c;
	unsigned category;
	size_t size;
};

static inline struct glyph glyph_at(const char *p, const char *end)
{
	if (p == end)
		return (struct glyph){ 0, CATEGORY_OTHER, 0 };
	unsigned char first = (unsigned char)*p;
	if (first < 0x80)
		return (struct glyph){ first, category_table_low[first], 1 };
	struct glyph g;
	g.size = utf8_decode(p, end, &g.c);
	g.category = category_of(g.c);
	return g;
}

static inline bool glyph_is_line(struct glyph g)
{
	return g.c == '\n' || g.c == '\r';
}

/* Neither a letter nor a number nor white space. */
static inline bool glyph_is_other(struct glyph g)
{
	return g.size && !(g.category & (CATEGORY_LETTERS | CATEGORY_NUMBER | CATEGORY_SPACE));
}

/* Where characters of these categories that begin at p end. */
const char *pattern_run(const char *p, const char *end, unsigned categories);

/* The end of the contraction at p; p where there is none. */
const char *pattern_contraction(enum contraction, const char *p, const char *end);
