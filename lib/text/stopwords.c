#include "lib/text/stopwords.h"

#include <errno.h>
#include <stdio.h>

#include "lib/text/words.h"

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

void stopwords_add(struct terms *t, struct slice word)
{
	while (word.size && is_space(word.data[0]))
		word = (struct slice){ word.data + 1, word.size - 1 };
	while (word.size && is_space(word.data[word.size - 1]))
		word.size--;
	if (!word.size)
		return;
	struct buffer lower = { 0 };
	words_lowercase(&lower, word);
	terms_add(t, buffer_view(&lower));
	buffer_free(&lower);
}

static int read_all(const char *path, struct buffer *b, struct error *e)
{
	enum { BLOCK = 1 << 16 };
	FILE *f = fopen(path, "re");
	if (!f)
		return error_set(e, errno == ENOENT ? ERROR_NO_INPUT : ERROR_IO, "%s: %s", path,
			strerror(errno));
	size_t n;
	while ((n = fread(buffer_reserve(b, BLOCK), 1, BLOCK, f)) > 0)
		b->size += n;
	int rc = ferror(f) ? error_set(e, ERROR_IO, "%s: %s", path, strerror(errno)) : 0;
	fclose(f);
	return rc;
}

int stopwords_read(struct terms *t, const char *path, struct error *e)
{
	struct buffer b = { 0 };
	int rc = read_all(path, &b, e);
	if (rc == 0 && b.size && memchr(b.data, 0, b.size))
		rc = error_set(e, ERROR_DATA, "%s: no list of words: it holds NUL bytes", path);
	for (size_t at = 0; rc == 0 && at < b.size;) {
		const char *line = b.data + at, *end = memchr(line, '\n', b.size - at);
		size_t n = end ? (size_t)(end - line) : b.size - at;
		stopwords_add(t, (struct slice){ line, n });
		at += n + 1;
	}
	buffer_free(&b);
	return rc;
}
