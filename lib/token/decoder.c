#include "lib/token/decoder.h"

#include "lib/token/read.h"

int decoder_read(struct decoder *d, struct json v, struct arena *arena, struct error *e)
{
	struct slice type;
	*d = (struct decoder){ .wordpiece = false };
	if (v.type == JSON_ABSENT || v.type == JSON_NULL)
		return 0;
	if (read_type(v, "decoder", arena, &type, e))
		return -1;
	if (!slice_equal(type, SLICE("WordPiece")))
		return read_unknown("decoder", type, e);
	d->wordpiece = true;
	if (read_text(v, "prefix", arena, &d->prefix, e) || read_bool(v, "cleanup", &d->cleanup, e))
		return error_wrap(e, "decoder WordPiece");
	return 0;
}

/* In this order, each over the whole token. */
static const struct {
	const char *from, *to;
} cleanups[] = {
	{ " .", "." },
	{ " ?", "?" },
	{ " !", "!" },
	{ " ,", "," },
	{ " ' ", "'" },
	{ " n't", "n't" },
	{ " 'm", "'m" },
	{ " do not", " don't" },
	{ " 's", "'s" },
	{ " 've", "'ve" },
	{ " 're", "'re" },
};

/* Replace in text[start:], which does not become longer. */
static void replace(struct buffer *b, size_t start, const char *from, const char *to)
{
	size_t n = strlen(from), m = strlen(to), out = start;
	for (size_t i = start; i < b->size;) {
		if (b->size - i >= n && memcmp(b->data + i, from, n) == 0) {
			memcpy(b->data + out, to, m);
			out += m;
			i += n;
		} else {
			b->data[out++] = b->data[i++];
		}
	}
	b->size = out;
}

void decoder_add(const struct decoder *d, struct slice token, bool first, struct buffer *out)
{
	size_t start = out->size;
	bool continues =
		d->wordpiece && !first && token.size >= d->prefix.size &&
		(d->prefix.size == 0 || memcmp(token.data, d->prefix.data, d->prefix.size) == 0);
	if (continues)
		token = (struct slice){ token.data + d->prefix.size, token.size - d->prefix.size };
	else if (!first)
		buffer_char(out, ' ');
	buffer_slice(out, token);
	if (d->wordpiece && d->cleanup)
		for (size_t i = 0; i < sizeof cleanups / sizeof *cleanups; i++)
			replace(out, start, cleanups[i].from, cleanups[i].to);
}
