/*
 * encoding.h: the tokens of a text, or of a pair, into what the caller asked for: cut to length, with
 * the special tokens, filled up (tokenizers 0.23, src/utils/truncation.rs, padding.rs,
 * src/tokenizer/encoding.rs, src/processors). For tokenizer.c.
 */
#pragma once
#include "lib/token/parts.h"

int encoding_make(const struct tokenizer *, struct scan scans[2], bool pair,
	const struct tokenizer_options *, struct arena *, struct encoding *, struct error *);
