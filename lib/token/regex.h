/*
 * regex.h: the regular expressions of a tokenizer.json. Hugging Face tokenizers runs them on
 * Oniguruma with its Ruby-like syntax and its Unicode tables; here PCRE2 runs them, translated so that
 * they mean the same: classes are those of the reference's tables, ^ and $ are a line's, \h is a
 * hexadecimal digit, X{n,m}+ is a repetition of a repetition. What has no translation is an error that
 * names it. Whatever a pattern does, a search ends: backtracking has a limit, and reaching it is an
 * error.
 */
#pragma once
#include "lib/base/error.h"
#include "lib/base/memory.h"

struct regex;

/* NULL and the error (ERROR_MODEL) where it is no pattern or cannot be translated. */
struct regex *regex_compile(struct slice pattern, struct error *);
void regex_free(struct regex *);

/* What a thread needs to search; zeroed at first, filled by the first search. */
struct regex_work {
	void *match, *context, *stack;
};
void regex_work_free(struct regex_work *);

/* Where a walk over the matches stands. Zeroed: at the beginning. */
struct regex_walk {
	size_t at, last; /* where to search on; 1 + the end of the last match */
};

/*
 * The next match in valid UTF-8: 1 and [start, end), 0 where there is none, -1 (ERROR_DATA) where
 * the search takes too long. An empty match at the end of the one before is passed over.
 */
int regex_next(const struct regex *, struct regex_work *, struct slice text, struct regex_walk *,
	size_t *start, size_t *end, struct error *);
