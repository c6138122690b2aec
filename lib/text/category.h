/*
 * category.h: general categories as the regular expressions of Hugging Face tokenizers see them
 * (\p{L}, \p{N}, \s; Oniguruma's tables, category_table.h by tests/golden/category.py).
 */
#pragma once
#include <stdint.h>

enum category {
	CATEGORY_OTHER = 0, /* controls, formats, private, unassigned */
	CATEGORY_UPPER = 1, /* Lu, Lt */
	CATEGORY_LOWER = 2, /* Ll */
	CATEGORY_LETTER = 4, /* Lm, Lo */
	CATEGORY_MARK = 8, /* M */
	CATEGORY_NUMBER = 16, /* N */
	CATEGORY_SPACE = 32, /* \s: White_Space */
	CATEGORY_PUNCTUATION = 64, /* P */
	CATEGORY_SYMBOL = 128, /* S */
	/* sets of them */
	CATEGORY_LETTERS = 7, /* L */
};

enum { CATEGORY_TABLE = 0x20000 };

/* Build the table. Any number of times, from any thread, before the function below is used. */
void category_start(void);

extern uint8_t category_table_low[CATEGORY_TABLE];
unsigned category_search(uint32_t code_point);

/* The category of a code point, one bit of enum category or none. */
static inline unsigned category_of(uint32_t code_point)
{
	return code_point < CATEGORY_TABLE ? category_table_low[code_point]
					   : category_search(code_point);
}
