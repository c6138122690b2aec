#include "lib/token/normalizer.h"

#include "lib/record/base64.h"
#include "lib/text/unicode.h"
#include "lib/text/unicode_class.h"
#include "lib/text/utf8.h"
#include "lib/token/byte_level.h"
#include "lib/token/read.h"

/* --- Lowercase, StripAccents, Strip, Prepend, ByteLevel -------------------------------------- */

static struct slice rest(const struct change *c)
{
	return (struct slice){ c->n->text.data + c->at, c->n->text.size - c->at };
}

static uint32_t next_char(struct slice text, size_t *size)
{
	uint32_t c;
	*size = utf8_decode(text.data, text.data + text.size, &c);
	return c;
}

static int run_lowercase(struct normalized *n, struct error *e)
{
	struct change change = change_begin(n, 0);
	for (struct slice s; (s = rest(&change)).size > 0;) {
		size_t size;
		uint32_t lower[2], c = next_char(s, &size);
		size_t count = unicode_lower(c, lower);
		change_put(&change, lower[0], 0);
		if (count > 1)
			change_put(&change, lower[1], 1);
	}
	return change_end(&change, e);
}

/* Without the code points that `drop` names, as NormalizedString::filter. */
static int filter(struct normalized *n, bool (*drop)(uint32_t), struct error *e)
{
	size_t size, removed = 0;
	struct slice s = buffer_view(&n->text);
	while (s.size > 0 && drop(next_char(s, &size))) {
		s = (struct slice){ s.data + size, s.size - size };
		removed++;
	}
	struct change change = change_begin(n, removed);
	while ((s = rest(&change)).size > 0) {
		next_char(s, &size);
		change_copy(&change, size);
		for (size_t left;
			(left = rest(&change).size) > 0 && drop(next_char(rest(&change), &size));)
			change_skip(&change, size);
	}
	return change_end(&change, e);
}

static bool is_space(uint32_t c)
{
	return unicode_flags(c) & UNICODE_SPACE;
}

static size_t leading_space(struct slice s)
{
	size_t at = 0, size;
	while (at < s.size &&
		is_space(next_char((struct slice){ s.data + at, s.size - at }, &size)))
		at += size;
	return at;
}

static int run_strip(struct normalized *n, bool left, bool right, struct error *e)
{
	struct slice s = buffer_view(&n->text);
	size_t start = left ? leading_space(s) : 0, end = right ? unicode_trim_end(s) : s.size;
	struct change change = change_begin(n, 0);
	if (start < end) {
		change_skip(&change, start);
		change_copy(&change, end - start);
	}
	return change_end(&change, e);
}

int normalizer_prepend(struct normalized *n, struct slice text, struct error *e)
{
	if (n->text.size == 0)
		return 0;
	struct change change = change_begin(n, 0);
	size_t first;
	next_char(rest(&change), &first);
	if (text.size) {
		change.at = 1; /* aligned with the first code point */
		change_insert(&change, text);
		change.at = 0;
	} else {
		/* the reference takes the first code point for what is put before the text */
		change_insert(&change, (struct slice){ n->text.data, first });
		change_skip(&change, first);
	}
	change_copy(&change, n->text.size - change.at);
	return change_end(&change, e);
}

int normalizer_byte_level(struct normalized *n, struct error *e)
{
	struct change change = change_begin(n, 0);
	for (struct slice s; (s = rest(&change)).size > 0;) {
		size_t size;
		next_char(s, &size);
		for (size_t i = 0; i < size; i++)
			change_put(&change, byte_level_char((unsigned char)s.data[i]), i > 0);
	}
	return change_end(&change, e);
}

int normalizer_replace(struct normalized *n, const struct matcher *m, struct slice by,
	struct regex_work *work, struct error *e)
{
	struct change change = change_begin(n, 0);
	struct slice text = buffer_view(&n->text);
	struct regex_walk walk = { 0, 0 };
	size_t start, end;
	int found = 0;
	while (text.size && (found = matcher_next(m, work, text, &walk, &start, &end, e)) > 0) {
		change_copy(&change, start - change.at);
		change_skip(&change, end - start);
		change_insert(&change, by);
		if (change_too_long(&change))
			break;
	}
	change_copy(&change, text.size - change.at);
	return change_end(&change, e) || found < 0 ? -1 : 0;
}

/* --- Reading ----------------------------------------------------------------------------------- */

static int read_bert(struct normalizer_step *s, struct json v, struct arena *arena, struct error *e)
{
	(void)arena;
	struct bert_normalizer *b = &s->bert;
	if (read_bool(v, "clean_text", &b->clean_text, e) ||
		read_bool(v, "handle_chinese_chars", &b->chinese, e) ||
		read_bool(v, "lowercase", &b->lowercase, e))
		return -1;
	struct json accents = json_get(v, "strip_accents");
	b->accents_follow = accents.type == JSON_ABSENT || accents.type == JSON_NULL;
	b->strip_accents = b->lowercase;
	return b->accents_follow ? 0 : read_bool(v, "strip_accents", &b->strip_accents, e);
}

static int read_strip(
	struct normalizer_step *s, struct json v, struct arena *arena, struct error *e)
{
	(void)arena;
	return read_bool(v, "strip_left", &s->strip.left, e) ||
			       read_bool(v, "strip_right", &s->strip.right, e)
		       ? -1
		       : 0;
}

static int read_replace(
	struct normalizer_step *s, struct json v, struct arena *arena, struct error *e)
{
	if (read_text(v, "content", arena, &s->replace.by, e))
		return -1;
	return matcher_read(&s->replace.matcher, v, arena, e);
}

static int read_prepend(
	struct normalizer_step *s, struct json v, struct arena *arena, struct error *e)
{
	return read_text(v, "prepend", arena, &s->prepend, e);
}

static int read_nfc(struct normalizer_step *s, struct json v, struct arena *arena, struct error *e)
{
	(void)v, (void)arena, (void)e;
	s->form = NORMAL_NFC;
	return 0;
}

static int read_nfd(struct normalizer_step *s, struct json v, struct arena *arena, struct error *e)
{
	(void)v, (void)arena, (void)e;
	s->form = NORMAL_NFD;
	return 0;
}

static int read_nfkc(struct normalizer_step *s, struct json v, struct arena *arena, struct error *e)
{
	(void)v, (void)arena, (void)e;
	s->form = NORMAL_NFKC;
	return 0;
}

static int read_nfkd(struct normalizer_step *s, struct json v, struct arena *arena, struct error *e)
{
	(void)v, (void)arena, (void)e;
	s->form = NORMAL_NFKD;
	return 0;
}

static int read_precompiled(
	struct normalizer_step *s, struct json v, struct arena *arena, struct error *e)
{
	struct slice text;
	if (read_text(v, "precompiled_charsmap", arena, &text, e))
		return -1;
	size_t size = base64_size(text);
	char *bytes = size == SIZE_MAX ? NULL : arena_alloc(arena, size);
	if (!bytes || !base64_decode(text, bytes))
		return error_set(e, ERROR_MODEL, "\"precompiled_charsmap\" is not base64");
	s->rules = arena_alloc(arena, sizeof *s->rules);
	return precompiled_read(s->rules, (struct slice){ bytes, size }, arena, e);
}

/* --- The table of kinds ---------------------------------------------------------------------- */

static int step_bert(const struct normalizer_step *s, struct normalized *n, struct regex_work *w,
	struct error *e)
{
	(void)w;
	return normalizer_bert_run(&s->bert, NULL, 0, n, e);
}

static int step_lowercase(const struct normalizer_step *s, struct normalized *n,
	struct regex_work *w, struct error *e)
{
	(void)s, (void)w;
	return run_lowercase(n, e);
}

static int step_strip_accents(const struct normalizer_step *s, struct normalized *n,
	struct regex_work *w, struct error *e)
{
	(void)s, (void)w;
	return filter(n, unicode_is_mark, e);
}

static int step_strip(const struct normalizer_step *s, struct normalized *n, struct regex_work *w,
	struct error *e)
{
	(void)w;
	return run_strip(n, s->strip.left, s->strip.right, e);
}

static int step_replace(const struct normalizer_step *s, struct normalized *n, struct regex_work *w,
	struct error *e)
{
	return normalizer_replace(n, &s->replace.matcher, s->replace.by, w, e);
}

static int step_prepend(const struct normalizer_step *s, struct normalized *n, struct regex_work *w,
	struct error *e)
{
	(void)w;
	return normalizer_prepend(n, s->prepend, e);
}

static int step_byte_level(const struct normalizer_step *s, struct normalized *n,
	struct regex_work *w, struct error *e)
{
	(void)s, (void)w;
	return normalizer_byte_level(n, e);
}

static int step_form(const struct normalizer_step *s, struct normalized *n, struct regex_work *w,
	struct error *e)
{
	(void)w;
	return normalizer_form(n, s->form, e);
}

static int step_nmt(const struct normalizer_step *s, struct normalized *n, struct regex_work *w,
	struct error *e)
{
	(void)s, (void)w;
	return normalizer_nmt(n, e);
}

static int step_precompiled(const struct normalizer_step *s, struct normalized *n,
	struct regex_work *w, struct error *e)
{
	(void)w;
	return normalizer_precompiled(n, s->rules, e);
}

static int step_sentencepiece(const struct normalizer_step *s, struct normalized *n,
	struct regex_work *w, struct error *e)
{
	(void)w;
	return sentencepiece_normalize(s->sentencepiece, n, e);
}

static const struct {
	const char *name;
	enum normalizer_kind kind;
	int (*read)(struct normalizer_step *, struct json, struct arena *, struct error *);
	int (*run)(const struct normalizer_step *, struct normalized *, struct regex_work *,
		struct error *);
} kinds[] = {
	{ "BertNormalizer", NORMALIZER_BERT, read_bert, step_bert },
	{ "Lowercase", NORMALIZER_LOWERCASE, NULL, step_lowercase },
	{ "StripAccents", NORMALIZER_STRIP_ACCENTS, NULL, step_strip_accents },
	{ "Strip", NORMALIZER_STRIP, read_strip, step_strip },
	{ "Replace", NORMALIZER_REPLACE, read_replace, step_replace },
	{ "Prepend", NORMALIZER_PREPEND, read_prepend, step_prepend },
	{ "ByteLevel", NORMALIZER_BYTE_LEVEL, NULL, step_byte_level },
	{ "NFC", NORMALIZER_FORM, read_nfc, step_form },
	{ "NFD", NORMALIZER_FORM, read_nfd, step_form },
	{ "NFKC", NORMALIZER_FORM, read_nfkc, step_form },
	{ "NFKD", NORMALIZER_FORM, read_nfkd, step_form },
	{ "Nmt", NORMALIZER_NMT, NULL, step_nmt },
	{ "Precompiled", NORMALIZER_PRECOMPILED, read_precompiled, step_precompiled },
	{ NULL, NORMALIZER_SENTENCEPIECE, NULL, step_sentencepiece },
};

enum { KINDS = sizeof kinds / sizeof *kinds };

/* --- The list ---------------------------------------------------------------------------------- */

void normalizer_add(struct normalizer *n, const struct normalizer_step *step)
{
	n->steps = mem_grow(n->steps, &n->capacity, n->n + 1, sizeof *n->steps);
	n->steps[n->n++] = *step;
}

static int read_step(struct normalizer *n, struct json v, struct arena *arena, struct error *e)
{
	struct slice type;
	if (read_type(v, "normalizer", arena, &type, e))
		return -1;
	if (slice_equal(type, SLICE("Sequence"))) {
		struct json list = json_get(v, "normalizers");
		if (list.type != JSON_ARRAY)
			return error_set(e, ERROR_MODEL,
				"normalizer Sequence: \"normalizers\" is not an array");
		for (struct json_iterator i = json_iterate(list); json_each(&i);)
			if (read_step(n, i.value, arena, e))
				return -1;
		return 0;
	}
	size_t i = 0;
	while (i < KINDS && !(kinds[i].name && slice_equal(type, slice_from(kinds[i].name))))
		i++;
	if (i == KINDS)
		return read_unknown("normalizer", type, e);
	struct normalizer_step step = { .kind = kinds[i].kind };
	if (kinds[i].read && kinds[i].read(&step, v, arena, e))
		return error_wrap(e, "normalizer %s", kinds[i].name);
	normalizer_add(n, &step);
	return 0;
}

int normalizer_read(struct normalizer *n, struct json v, struct arena *arena, struct error *e)
{
	if (v.type == JSON_ABSENT || v.type == JSON_NULL)
		return 0;
	return read_step(n, v, arena, e);
}

void normalizer_free(struct normalizer *n)
{
	for (size_t i = 0; i < n->n; i++)
		if (n->steps[i].kind == NORMALIZER_REPLACE)
			matcher_free(&n->steps[i].replace.matcher);
	mem_free(n->steps);
	*n = (struct normalizer){ 0 };
}

struct bert_normalizer *normalizer_bert(const struct normalizer *n)
{
	return n->n == 1 && n->steps[0].kind == NORMALIZER_BERT ? &n->steps[0].bert : NULL;
}

int normalizer_run(const struct normalizer *n, struct slice text, uint32_t at,
	struct normalized *out, struct regex_work *work, struct error *e)
{
	size_t i = 0;
	if (n->n && n->steps[0].kind == NORMALIZER_BERT) {
		if (normalizer_bert_run(&n->steps[i++].bert, &text, at, out, e))
			return -1;
	} else {
		normalized_set(out, text, at);
	}
	for (; i < n->n; i++) {
		size_t k = 0;
		while (kinds[k].kind != n->steps[i].kind)
			k++;
		if (kinds[k].run(&n->steps[i], out, work, e))
			return -1;
	}
	return 0;
}
