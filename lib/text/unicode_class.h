/*
 * unicode_class.h: what Hugging Face tokenizers know of code points beside unicode.h: rarer classes
 * and scripts, from its own tables (unicode_class_table.h, written by tests/golden/unicode_class.py).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

bool unicode_is_mark(uint32_t code_point); /* M*: what StripAccents removes */
bool unicode_is_numeric(uint32_t code_point); /* Nd, Nl, No: Rust's char::is_numeric */

/*
 * The script as the pre-tokenizer UnicodeScripts sees it: equal numbers are one script, Hiragana and
 * Katakana being Han; 0 is one that goes with any.
 */
unsigned unicode_script(uint32_t code_point);
