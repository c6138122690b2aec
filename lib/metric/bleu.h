/* bleu.h: tokenizers of BLEU. */
#pragma once
#include "lib/base/memory.h"

#define BLEU_TOKENIZERS "13a|intl|char|zh|none|space|ja-mecab|ko-mecab"
enum bleu_tokenizer {
	BLEU_13A,
	BLEU_INTL,
	BLEU_CHAR,
	BLEU_ZH,
	BLEU_NONE,
	BLEU_SPACE, /* words are what single blanks part: not of sacrebleu */
	BLEU_JA_MECAB,
	BLEU_KO_MECAB,
};
#define BLEU_SMOOTHS "exp|floor|add-k|none"
enum bleu_smooth { BLEU_EXP, BLEU_FLOOR, BLEU_ADD_K, BLEU_NO_SMOOTH };

/* Words separated by white space, as sacrebleu 2.6's tokenizers give them. Not the mecab ones. */
struct slice bleu_tokenize(enum bleu_tokenizer, struct slice text, struct arena *);

/* Rules that 13a, zh and Tercom share: blanks around symbols; then "." and "," parted unless between
 * digits, and "-" behind a digit. */
struct slice bleu_part_symbols(struct slice text, struct arena *);
struct slice bleu_part_points(struct slice text, struct arena *);
