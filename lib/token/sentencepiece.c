#include "lib/token/sentencepiece.h"

#include "lib/text/utf8.h"

static const struct slice space_symbol = { "\xe2\x96\x81", 3 }; /* U+2581 */

/* --- Normalization ----------------------------------------------------------------------------- */

/* What a text begins with becomes `to`; how many bytes it is. */
static size_t take_prefix(const struct sentencepiece *s, struct slice text, struct slice *to)
{
	uint32_t base = s->user_defined.root, id, c;
	size_t size = 0;
	for (size_t i = 0;
		s->user_defined.n && i < text.size &&
		double_array_step(&s->user_defined, &base, (unsigned char)text.data[i], &id);
		i++)
		if (id != (uint32_t)DOUBLE_ARRAY_NONE)
			size = i + 1;
	if (size) {
		*to = (struct slice){ text.data, size };
		return size;
	}
	size = precompiled_longest(&s->rules, text, to);
	if (size)
		return size;
	size = utf8_decode(text.data, text.data + text.size, &c);
	bool broken =
		c == UTF8_REPLACEMENT && (size != 3 || memcmp(text.data, "\xef\xbf\xbd", 3) != 0);
	*to = broken ? SLICE("\xef\xbf\xbd") : (struct slice){ text.data, size };
	return broken ? 1 : size;
}

/* The text that is made: bytes, and for each the place in the old text where it was read. */
struct output {
	struct normalized *n;
	bool escape;
};

static uint32_t original(const struct normalized *n, size_t at)
{
	if (n->unaligned || n->text.size == 0)
		return 0;
	return at < n->text.size ? n->from[at] : n->to[n->text.size - 1];
}

static void write(struct output *o, struct slice bytes, size_t at)
{
	for (size_t i = 0; i < bytes.size;) {
		const char *space = o->escape ? memchr(bytes.data + i, ' ', bytes.size - i) : NULL;
		size_t stop = space ? (size_t)(space - bytes.data) : bytes.size;
		uint32_t from = original(o->n, at);
		change_write(o->n, bytes.data + i, stop - i, from, from);
		if (space)
			change_write(o->n, space_symbol.data, space_symbol.size, from, from);
		i = stop + (space != NULL);
	}
}

static bool ends_with(struct slice s, struct slice end)
{
	return s.size >= end.size && memcmp(s.data + s.size - end.size, end.data, end.size) == 0;
}

/* White space at the end goes; `at` is where what is left ends. */
static size_t trim(const struct sentencepiece *s, struct normalized *n, uint32_t end)
{
	struct slice space = s->escape ? space_symbol : SLICE(" ");
	while (ends_with(buffer_view(&n->next.text), space)) {
		n->next.text.size -= space.size;
		end = n->unaligned ? 0 : n->next.from[n->next.text.size];
	}
	return end;
}

/* A byte ends where the next begins. */
static void set_ends(struct normalized *n, uint32_t end)
{
	for (size_t i = n->text.size; !n->unaligned && i-- > 0;) {
		n->to[i] = end;
		end = n->from[i];
	}
}

int sentencepiece_normalize(const struct sentencepiece *s, struct normalized *n, struct error *e)
{
	struct slice text = buffer_view(&n->text), to;
	struct output o = { n, s->escape };
	struct change change = change_begin(n, 0);
	size_t at = 0;
	while (s->remove_extra && at < text.size) {
		size_t size = take_prefix(s, (struct slice){ text.data + at, text.size - at }, &to);
		if (!slice_equal(to, SLICE(" ")))
			break;
		at += size;
	}
	if (at == text.size)
		return change_end(&change, e);
	if (!s->suffix && s->dummy_prefix)
		write(&o, SLICE(" "), at);
	for (bool after_space = s->remove_extra; at < text.size && !change_too_long(&change);) {
		size_t size = take_prefix(s, (struct slice){ text.data + at, text.size - at }, &to);
		while (after_space && to.size && *to.data == ' ')
			to = (struct slice){ to.data + 1, to.size - 1 };
		if (to.size) {
			write(&o, to, at);
			after_space = s->remove_extra && to.data[to.size - 1] == ' ';
		}
		at += size;
	}
	uint32_t end = original(n, text.size);
	if (s->remove_extra)
		end = (uint32_t)trim(s, n, end);
	if (s->suffix && s->dummy_prefix)
		change_write(n, s->escape ? space_symbol.data : " ",
			s->escape ? space_symbol.size : 1, end, end);
	if (change_end(&change, e))
		return -1;
	set_ends(n, end);
	return 0;
}

/* --- Decoding ---------------------------------------------------------------------------------- */

static void flush(struct sentencepiece_decoding *d, struct buffer *out)
{
	if (d->bytes.size == 0)
		return;
	const char *p = d->bytes.data, *end = p + d->bytes.size;
	while (p < end) {
		uint32_t c;
		size_t size = utf8_decode(p, end, &c);
		bool broken =
			c == UTF8_REPLACEMENT && (size != 3 || memcmp(p, "\xef\xbf\xbd", 3) != 0);
		if (broken)
			buffer_text(out, "\xef\xbf\xbd");
		else
			buffer_add(out, p, size);
		p += broken ? 1 : size;
	}
	buffer_clear(&d->bytes);
}

void sentencepiece_decode(const struct sentencepiece *s, struct sentencepiece_decoding *d,
	struct slice piece, uint32_t id, struct buffer *out)
{
	size_t before = d->start;
	if (id < s->n && s->types[id] == PIECE_BYTE) {
		buffer_char(&d->bytes, (char)sentencepiece_byte(piece));
		return;
	}
	flush(d, out);
	if (d->space_taken || out->size > before)
		d->started = true;
	d->space_taken = false;
	if (id < s->n && s->types[id] == PIECE_CONTROL)
		return;
	if (id < s->n && s->types[id] == PIECE_UNKNOWN) {
		buffer_slice(out, s->unknown_surface);
		return;
	}
	struct slice start = { piece.data, piece.size < 3 ? piece.size : 3 };
	if (!d->started && (s->dummy_prefix || s->remove_extra) &&
		slice_equal(start, space_symbol)) {
		piece = (struct slice){ piece.data + 3, piece.size - 3 };
		d->space_taken = !s->remove_extra;
	}
	for (size_t i = 0; i < piece.size;) {
		struct slice rest = { piece.data + i, piece.size - i < 3 ? piece.size - i : 3 };
		bool space = slice_equal(rest, space_symbol);
		buffer_char(out, space ? ' ' : piece.data[i]);
		i += space ? 3 : 1;
	}
}

void sentencepiece_decode_end(struct sentencepiece_decoding *d, struct buffer *out)
{
	flush(d, out);
	buffer_free(&d->bytes);
}
