#include "lib/text/stopwords.h"

#include "lib/base/contents.h"
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

int stopwords_read(struct terms *t, const char *path, struct error *e)
{
	struct arena *arena = arena_new();
	struct slice text;
	int rc = contents_read(path, arena, &text, e);
	if (rc == 0 && memchr(text.data, 0, text.size))
		rc = error_set(e, ERROR_DATA, "%s: no list of words: it holds NUL bytes", path);
	for (size_t at = 0; rc == 0 && at < text.size;) {
		const char *line = text.data + at, *end = memchr(line, '\n', text.size - at);
		size_t n = end ? (size_t)(end - line) : text.size - at;
		stopwords_add(t, (struct slice){ line, n });
		at += n + 1;
	}
	arena_free(arena);
	return rc;
}
