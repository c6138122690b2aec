/*
 * splitter.h: pieces out of what matches and what lies between, as SplitDelimiterBehavior says
 * (tokenizers 0.23, NormalizedString::split in src/tokenizer/normalizer.rs).
 */
#pragma once
#include "lib/token/pretokenizer.h"

struct splitter {
	enum split_behavior behavior;
	struct piece_list *to;
	size_t start, end; /* a piece that what follows may join */
	bool pending, match; /* whether there is one, whether the last stretch was a match */
};

/* The next stretch: a match, or what lies between two; in order, covering all of a piece. */
void splitter_put(struct splitter *, size_t start, size_t end, bool match);

/* After the last stretch of a piece. */
void splitter_end(struct splitter *);
