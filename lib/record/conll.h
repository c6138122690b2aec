/*
 * conll.h: sentences in columns, as the CoNLL shared tasks give them: a token a line, its columns
 * separated by blanks or tabs, a blank line behind each sentence. Lines that begin with
 * "-DOCSTART-" are no tokens. Lines of a sentence have the same number of columns.
 *
 *	struct conll c = { 0 };
 *	for (each line)
 *		if (conll_line(&c, line, number, &e) == 1) { …use the sentence…; conll_clear(&c); }
 *	if (c.n) …the last sentence, which no blank line ends…
 */
#pragma once
#include "lib/base/buffer.h"
#include "lib/base/error.h"

struct conll_cell {
	size_t at, size; /* in the text */
};

struct conll {
	struct buffer text; /* the lines, each with "\n" */
	struct conll_cell *cells; /* [n, columns] */
	size_t n, columns, capacity;
	size_t line; /* of the first token */
};

/* Take a line (without its end), whose number is for messages: 1 where it ends a sentence that has
 * tokens, 0 otherwise, -1 and the error (65, without the place) where its columns are not as many as
 * those before. */
int conll_line(struct conll *, struct slice line, size_t number, struct error *);

/* A cell of a token: row below n, column below columns. */
struct slice conll_get(const struct conll *, size_t row, size_t column);

/* A column as a JSON array of strings, appended. */
void conll_json(const struct conll *, size_t column, struct buffer *);

/* Forget the sentence. */
void conll_clear(struct conll *);
void conll_free(struct conll *);
