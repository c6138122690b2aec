/*
 * stopwords.h: words that do not count. A file has one word a line; blank lines do not count, words
 * are lowercased as texts are.
 */
#pragma once
#include "lib/base/error.h"
#include "lib/text/terms.h"

/* The English list of scikit-learn, below share/. */
#define STOPWORDS_ENGLISH "stopwords/english"

/* Add the words of a file. -1 and the error (66, 74; 65 where it holds NUL bytes) otherwise. */
int stopwords_read(struct terms *, const char *path, struct error *);

/* Lowercase and add one word; the space around it is not part of it. */
void stopwords_add(struct terms *, struct slice word);
