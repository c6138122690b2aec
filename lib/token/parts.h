/*
 * parts.h: the inside of struct tokenizer, and the state of one text being encoded. For
 * lib/token only.
 */
#pragma once
#include "lib/token/added.h"
#include "lib/token/decoder.h"
#include "lib/token/normalizer.h"
#include "lib/token/template.h"
#include "lib/token/tokenizer.h"
#include "lib/token/vocab.h"
#include "lib/token/wordpiece.h"

enum pretokenizer {
	PRETOKENIZER_NONE, /* a piece of text is one word */
	PRETOKENIZER_BERT, /* words end at white space; each punctuation character is a word */
};

/* What the fast path (scan.c) does with a byte. */
enum byte_class {
	BYTE_OTHER, /* not ASCII, or a control: normalizer_run decides */
	BYTE_SPACE,
	BYTE_PUNCTUATION,
	BYTE_WORD, /* ASCII letter or digit */
};

struct tokenizer {
	struct arena *arena; /* strings, templates */
	struct vocab vocab; /* of the model and the added tokens */
	struct added added;
	struct normalizer normalizer;
	enum pretokenizer pretokenizer;
	struct wordpiece model;
	struct template single, pair;
	struct decoder decoder;
	uint32_t *added_of; /* by id: 1 + its index among the added tokens, 0 for others */
	uint8_t classes[256]; /* enum byte_class */
	uint32_t punctuation[128]; /* the id of an ASCII punctuation character as a word */
};

/* Fill the tables that follow from the parts; once all are read, and again when one changes. */
int tokenizer_finish(struct tokenizer *, struct error *);

/*
 * What tokenizer_config.json may say of a vocab.txt: the defaults are transformers'
 * BertTokenizer's.
 */
struct bert_config {
	bool lowercase, chinese, strip_accents, accents_follow;
	struct slice special[5]; /* unknown, separator, padding, class, mask */
};

void bert_defaults(struct bert_config *, bool lowercase);
int bert_config_read(struct bert_config *, struct slice json, struct arena *, struct error *);

/* Fill a new tokenizer from text in its arena. */
int load_json(struct tokenizer *, struct slice, struct error *);
int load_vocab(struct tokenizer *, struct slice, const struct bert_config *, struct error *);

/* A text on its way to tokens. The arrays grow; offsets are in bytes of the text. */
struct scan {
	const struct tokenizer *tokenizer;
	const char *text;
	uint32_t *ids;
	struct token_offset *offsets; /* NULL where not wanted */
	uint32_t *words; /* NULL where not wanted */
	bool want_offsets, want_words;
	size_t n, capacity;
	uint32_t word; /* number of the next word */
	size_t limit; /* no further word is begun with so many tokens */
	struct normalized work;
};

/* Room for n more tokens. */
void scan_grow(struct scan *, size_t n);
static inline void scan_reserve(struct scan *s, size_t n)
{
	if (s->capacity - s->n < n)
		scan_grow(s, n);
}

/* A token that stands for bytes [start, end) of the text and is a word of its own. */
void scan_token(struct scan *, uint32_t id, size_t start, size_t end);

/*
 * A word of so many code points. Its bytes are those of the text from `at` on (lowercased or
 * not), or a part of s->work from `at` on, which knows where each byte is from.
 */
void scan_word(struct scan *, struct slice word, size_t chars, size_t at, bool normalized);

/* The words of s->work.text[start, end), as the pre-tokenizer splits it. */
void scan_normalized(struct scan *, size_t start, size_t end);

/*
 * The words of text[start, end), in which there is no added token: the fast path where there is
 * one.
 */
void scan_piece(struct scan *, size_t start, size_t end);

/* All of a text: the added tokens, and the pieces in between. */
void scan_text(struct scan *, size_t size);
