#include "lib/text/normal.h"
#include "lib/text/unicode.h"
#include "lib/text/utf8.h"
#include "lib/token/normalizer.h"

/*
 * Decomposition gives the reference an iterator of (code point, change): 0 takes the place of
 * the next code point of the input, 1 is inserted behind it. Sorting marks moves the changes
 * with them, while places are handed out in order of output; so a mark that moved gets the
 * place of whichever input stands there. A run is what lies between two code points of class 0;
 * `places` are the inputs of the run not yet handed out.
 */
struct place {
	uint32_t from, to;
};

struct run {
	const struct bert_normalizer *normalizer;
	struct normalized *out;
	struct buffer marks, places; /* struct normal_mark, struct place */
	size_t handed; /* of places */
	struct place last;
};

/* The last steps on one code point: remove marks, lowercase, write. */
static void put(const struct bert_normalizer *n, struct normalized *out, uint32_t c, unsigned flags,
	struct place at)
{
	char bytes[4];
	if (n->strip_accents && flags & UNICODE_MARK)
		return;
	if (n->lowercase && flags & UNICODE_LOWERS) {
		uint32_t lower[2];
		size_t count = unicode_lower(c, lower);
		for (size_t i = 0; i < count; i++)
			change_write(out, bytes, utf8_encode(bytes, lower[i]), at.from, at.to);
		return;
	}
	change_write(out, bytes, utf8_encode(bytes, c), at.from, at.to);
}

static struct place hand_out(struct run *r, int32_t change)
{
	if (!change)
		r->last = ((const struct place *)r->places.data)[r->handed++];
	return r->last;
}

static void flush(struct run *r)
{
	struct normal_mark *marks = (struct normal_mark *)r->marks.data;
	size_t n = r->marks.size / sizeof *marks;
	normal_sort(marks, n);
	for (size_t i = 0; i < n; i++) {
		uint32_t c = marks[i].c.code_point;
		put(r->normalizer, r->out, c, unicode_flags(c), hand_out(r, marks[i].c.change));
	}
	buffer_clear(&r->marks);
}

static void decompose(struct run *r, uint32_t c, struct place at)
{
	uint32_t parts[4];
	size_t n = unicode_decompose(c, parts);
	buffer_add(&r->places, &at, sizeof at);
	for (size_t i = 0; i < n; i++) {
		unsigned class = unicode_combining_class(parts[i]);
		if (class) {
			struct normal_mark m = { { parts[i], i > 0 }, class };
			buffer_add(&r->marks, &m, sizeof m);
			continue;
		}
		flush(r);
		struct place place = hand_out(r, i > 0);
		put(r->normalizer, r->out, parts[i], unicode_flags(parts[i]), place);
	}
	if (r->marks.size == 0) {
		buffer_clear(&r->places);
		r->handed = 0;
	}
}

/* Behind clean_text and handle_chinese_chars: the accents. */
static void accents(struct run *r, uint32_t c, unsigned flags, struct place at)
{
	if (r->normalizer->strip_accents && (flags & UNICODE_DECOMPOSES || r->marks.size)) {
		decompose(r, c, at);
		return;
	}
	r->last = at;
	put(r->normalizer, r->out, c, flags, at);
}

/* Behind the loop over a text: clean_text and handle_chinese_chars. */
static void step(struct run *r, uint32_t c, struct place place)
{
	const struct bert_normalizer *n = r->normalizer;
	unsigned flags = unicode_flags(c);
	if (n->clean_text && flags & UNICODE_CONTROL)
		return;
	if (n->clean_text && flags & UNICODE_SPACE) {
		c = ' ';
		flags = UNICODE_SPACE;
	}
	bool chinese = n->chinese && flags & UNICODE_CHINESE;
	if (chinese)
		accents(r, ' ', UNICODE_SPACE, place);
	accents(r, c, flags, place);
	if (chinese)
		accents(r, ' ', UNICODE_SPACE, place);
}

int normalizer_bert_run(const struct bert_normalizer *n, const struct slice *text, uint32_t at,
	struct normalized *out, struct error *e)
{
	struct slice s = text ? *text : buffer_view(&out->text);
	if (text) {
		out->limit = normalized_limit(text->size);
		out->start = at;
	}
	struct change change = change_begin(out, 0);
	struct run r = { .normalizer = n, .out = out };
	for (size_t i = 0; i < s.size;) {
		uint32_t c;
		size_t size = utf8_decode(s.data + i, s.data + s.size, &c);
		struct place place = { at + (uint32_t)i, at + (uint32_t)(i + size) };
		if (!text && !out->unaligned)
			place = (struct place){ out->from[i], out->to[i] };
		step(&r, c, place);
		i += size;
	}
	flush(&r);
	buffer_free(&r.marks);
	buffer_free(&r.places);
	return change_end(&change, e);
}
