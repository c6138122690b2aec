/*
 * normalizer_unicode.c: the normalizers that go by tables of code points: NFC and its like, Nmt
 * and Precompiled (tokenizers 0.23, src/normalizers/unicode.rs, precompiled.rs).
 */
#include "lib/text/grapheme.h"
#include "lib/text/utf8.h"
#include "lib/token/normalizer.h"
#include "lib/token/precompiled.h"

int normalizer_form(struct normalized *n, enum normal_form form, struct error *e)
{
	struct slice text = buffer_view(&n->text);
	size_t prefix = normal_prefix(form, text);
	if (prefix == text.size)
		return 0;
	struct buffer changes = { NULL, 0, 0 };
	normal_run(form, (struct slice){ text.data + prefix, text.size - prefix }, &changes);
	const struct normal_change *c = (const struct normal_change *)changes.data;
	struct change change = change_begin(n, 0);
	change_copy(&change, prefix);
	for (size_t i = 0; i < changes.size / sizeof *c; i++)
		change_put(&change, c[i].code_point, c[i].change);
	buffer_free(&changes);
	return change_end(&change, e);
}

static bool nmt_drops(uint32_t c)
{
	return (c >= 1 && c <= 8) || c == 0xb || (c >= 0xe && c <= 0x1f) || c == 0x7f ||
	       c == 0x8f || c == 0x9f;
}

static bool nmt_is_space(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == 0x1680 ||
	       (c >= 0x200b && c <= 0x200f) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
	       c == 0xfeff || c == 0xfffd;
}

int normalizer_nmt(struct normalized *n, struct error *e)
{
	struct change change = change_begin(n, 0);
	while (change.at < n->text.size) {
		uint32_t c;
		const char *p = n->text.data + change.at;
		size_t size = utf8_decode(p, n->text.data + n->text.size, &c);
		if (nmt_drops(c))
			change_skip(&change, size);
		else if (nmt_is_space(c))
			change_put(&change, ' ', 0);
		else
			change_copy(&change, size);
	}
	return change_end(&change, e);
}

/* --- Precompiled ----------------------------------------------------------------------------- */

/*
 * The last code point waits to be written: what is removed behind it is added to its change, even
 * where it was put in itself, as the reference does.
 */
struct output {
	struct change change;
	uint32_t last;
	int taken; /* its change */
	bool waits;
	bool shifted; /* something was removed before all else: places are behind the text */
};

static void put(struct output *o, uint32_t c, int change)
{
	if (o->waits)
		change_put(&o->change, o->last, o->taken);
	o->last = c;
	o->taken = change;
	o->waits = true;
}

/* Text of ASCII as it is. */
static void keep(struct output *o, struct slice text)
{
	for (size_t i = 0; i < (o->shifted ? text.size : 1); i++)
		put(o, (unsigned char)text.data[i], 0);
	if (text.size == 1 || o->shifted)
		return;
	change_put(&o->change, o->last, o->taken);
	change_copy(&o->change, text.size - 2);
	o->last = (unsigned char)text.data[text.size - 1];
}

static void replace(struct output *o, struct slice from, struct slice to)
{
	size_t before = utf8_count(from), after = utf8_count(to), i = 0;
	for (const char *p = to.data, *end = p + to.size; p < end; i++) {
		uint32_t c;
		p += utf8_decode(p, end, &c);
		put(o, c, i >= before);
	}
	if (after < before && o->waits)
		o->taken -= (int)(before - after);
	o->shifted |= after < before && !o->waits;
}

/* A grapheme: a rule for all of it (the shortest that it begins with), or for each code point. */
static void grapheme(struct output *o, const struct precompiled *rules, struct slice text)
{
	struct slice to;
	if (text.size < 6 && precompiled_shortest(rules, text, &to)) {
		replace(o, text, to);
		return;
	}
	for (size_t i = 0, size; i < text.size; i += size) {
		uint32_t c;
		size = utf8_decode(text.data + i, text.data + text.size, &c);
		struct slice part = { text.data + i, size };
		if (precompiled_shortest(rules, part, &to))
			replace(o, part, to);
		else
			put(o, c, 0);
	}
}

/* How much text is ASCII that no rule changes; the last before other text may be part of a grapheme. */
static size_t plain_size(const struct precompiled *rules, struct slice text)
{
	size_t n = 0;
	while (n < text.size && (unsigned char)text.data[n] < 128 &&
		rules->plain[(unsigned char)text.data[n]])
		n++;
	return n - (n > 0 && n < text.size && (unsigned char)text.data[n] >= 128);
}

int normalizer_precompiled(struct normalized *n, const struct precompiled *rules, struct error *e)
{
	struct slice text = buffer_view(&n->text);
	size_t at = plain_size(rules, text);
	if (at == text.size)
		return 0;
	struct output o = { .change = change_begin(n, 0) };
	if (at)
		keep(&o, (struct slice){ text.data, at });
	while (at < text.size && !change_too_long(&o.change)) {
		size_t size = grapheme_size(text.data + at, text.data + text.size);
		grapheme(&o, rules, (struct slice){ text.data + at, size });
		at += size;
		size_t plain = plain_size(rules, (struct slice){ text.data + at, text.size - at });
		if (plain)
			keep(&o, (struct slice){ text.data + at, plain });
		at += plain;
	}
	if (o.waits)
		change_put(&o.change, o.last, o.taken);
	return change_end(&o.change, e);
}
