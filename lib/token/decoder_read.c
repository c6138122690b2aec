/* decoder_read.c: the member "decoder" of a tokenizer.json into a list of steps. */
#include "lib/token/decoder.h"
#include "lib/token/read.h"

static int read_byte_level(
	struct decoder_step *d, struct json v, struct arena *arena, struct error *e)
{
	bool unused; /* the members are the pre-tokenizer's */
	(void)d, (void)arena;
	return read_bool(v, "add_prefix_space", &unused, e) ||
			       read_bool(v, "trim_offsets", &unused, e)
		       ? -1
		       : 0;
}

static int read_wordpiece(
	struct decoder_step *d, struct json v, struct arena *arena, struct error *e)
{
	return read_text(v, "prefix", arena, &d->wordpiece.prefix, e) ||
			       read_bool(v, "cleanup", &d->wordpiece.cleanup, e)
		       ? -1
		       : 0;
}

static int read_metaspace(
	struct decoder_step *d, struct json v, struct arena *arena, struct error *e)
{
	static const char *const schemes[] = { "always", "first", "never", NULL };
	struct json given = json_get(v, "prepend_scheme"), legacy = json_get(v, "add_prefix_space");
	int scheme = 0;
	bool add = true;
	if (read_character(v, "replacement", arena, &d->metaspace.replacement, e) ||
		(given.type != JSON_ABSENT &&
			read_choice(v, "prepend_scheme", schemes, &scheme, e)) ||
		(legacy.type != JSON_ABSENT && legacy.type != JSON_NULL &&
			read_bool(v, "add_prefix_space", &add, e)))
		return -1;
	if (!add && given.type != JSON_ABSENT && scheme != 2)
		return error_set(e, ERROR_MODEL,
			"\"add_prefix_space\" is false, but \"prepend_scheme\" is not \"never\"");
	d->metaspace.prepends = add && scheme != 2;
	return 0;
}

static int read_bpe(struct decoder_step *d, struct json v, struct arena *arena, struct error *e)
{
	return read_text(v, "suffix", arena, &d->suffix, e);
}

static int read_strip(struct decoder_step *d, struct json v, struct arena *arena, struct error *e)
{
	return read_character(v, "content", arena, &d->strip.content, e) ||
			       read_id(v, "start", &d->strip.start, e) ||
			       read_id(v, "stop", &d->strip.stop, e)
		       ? -1
		       : 0;
}

static int read_replace(struct decoder_step *d, struct json v, struct arena *arena, struct error *e)
{
	if (read_text(v, "content", arena, &d->replace.by, e))
		return -1;
	return matcher_read(&d->replace.matcher, v, arena, e);
}

static int read_ctc(struct decoder_step *d, struct json v, struct arena *arena, struct error *e)
{
	return read_text(v, "pad_token", arena, &d->ctc.padding, e) ||
			       read_text(v, "word_delimiter_token", arena, &d->ctc.delimiter, e) ||
			       read_bool(v, "cleanup", &d->ctc.cleanup, e)
		       ? -1
		       : 0;
}

static const struct {
	const char *name;
	enum decoder_kind kind;
	int (*read)(struct decoder_step *, struct json, struct arena *, struct error *);
} kinds[] = {
	{ "ByteLevel", DECODER_BYTE_LEVEL, read_byte_level },
	{ "WordPiece", DECODER_WORDPIECE, read_wordpiece },
	{ "Metaspace", DECODER_METASPACE, read_metaspace },
	{ "BPEDecoder", DECODER_BPE, read_bpe },
	{ "Strip", DECODER_STRIP, read_strip },
	{ "Fuse", DECODER_FUSE, NULL },
	{ "ByteFallback", DECODER_BYTE_FALLBACK, NULL },
	{ "Replace", DECODER_REPLACE, read_replace },
	{ "CTC", DECODER_CTC, read_ctc },
};

enum { KINDS = sizeof kinds / sizeof *kinds };

void decoder_add_step(struct decoder *d, const struct decoder_step *step)
{
	d->steps = mem_grow(d->steps, &d->capacity, d->n + 1, sizeof *d->steps);
	d->steps[d->n++] = *step;
	d->present = true;
}

static int read_step(struct decoder *d, struct json v, struct arena *arena, struct error *e)
{
	struct slice type;
	if (read_type(v, "decoder", arena, &type, e))
		return -1;
	if (slice_equal(type, SLICE("Sequence"))) {
		struct json list = json_get(v, "decoders");
		if (list.type != JSON_ARRAY)
			return error_set(
				e, ERROR_MODEL, "decoder Sequence: \"decoders\" is not an array");
		for (struct json_iterator i = json_iterate(list); json_each(&i);)
			if (read_step(d, i.value, arena, e))
				return -1;
		d->present = true;
		return 0;
	}
	size_t i = 0;
	while (i < KINDS && !slice_equal(type, slice_from(kinds[i].name)))
		i++;
	if (i == KINDS)
		return read_unknown("decoder", type, e);
	struct decoder_step step = { .kind = kinds[i].kind };
	if (kinds[i].read && kinds[i].read(&step, v, arena, e))
		return error_wrap(e, "decoder %s", kinds[i].name);
	decoder_add_step(d, &step);
	return 0;
}

int decoder_read(struct decoder *d, struct json v, struct arena *arena, struct error *e)
{
	if (v.type == JSON_ABSENT || v.type == JSON_NULL)
		return 0;
	return read_step(d, v, arena, e);
}

void decoder_free(struct decoder *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->steps[i].kind == DECODER_REPLACE)
			matcher_free(&d->steps[i].replace.matcher);
	mem_free(d->steps);
	*d = (struct decoder){ 0 };
}
