/* pretokenizer_read.c: the member "pre_tokenizer" of a tokenizer.json into a list of steps. */
#include "lib/text/utf8.h"
#include "lib/token/pretokenizer.h"
#include "lib/token/read.h"

/* The pattern of GPT-2 (openai/gpt-2, src/encoder.py). */
#define GPT2_PATTERN \
	"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

static int read_byte_level(
	struct pretokenizer_step *s, struct json v, struct arena *arena, struct error *e)
{
	bool trim_offsets; /* the post-processor's business */
	(void)arena;
	s->byte_level.use_regex = true;
	if (read_bool(v, "add_prefix_space", &s->byte_level.add_prefix_space, e) ||
		read_bool(v, "trim_offsets", &trim_offsets, e) ||
		(json_get(v, "use_regex").type != JSON_ABSENT &&
			read_bool(v, "use_regex", &s->byte_level.use_regex, e)))
		return -1;
	if (!s->byte_level.use_regex)
		return 0;
	return matcher_regex(&s->byte_level.matcher, SLICE(GPT2_PATTERN), e);
}

static int read_metaspace(
	struct pretokenizer_step *s, struct json v, struct arena *arena, struct error *e)
{
	static const char *const schemes[] = { "always", "first", "never", NULL };
	int scheme = PREPEND_ALWAYS;
	bool add = true;
	s->metaspace.split = true;
	if (read_character(v, "replacement", arena, &s->metaspace.replacement, e))
		return -1;
	struct json given = json_get(v, "prepend_scheme"), legacy = json_get(v, "add_prefix_space"),
		    split = json_get(v, "split");
	if ((given.type != JSON_ABSENT && read_choice(v, "prepend_scheme", schemes, &scheme, e)) ||
		(legacy.type != JSON_ABSENT && legacy.type != JSON_NULL &&
			read_bool(v, "add_prefix_space", &add, e)) ||
		(split.type != JSON_ABSENT && split.type != JSON_NULL &&
			read_bool(v, "split", &s->metaspace.split, e)))
		return -1;
	/* older files have add_prefix_space alone */
	if (!add && given.type != JSON_ABSENT && scheme != PREPEND_NEVER)
		return error_set(e, ERROR_MODEL,
			"\"add_prefix_space\" is false, but \"prepend_scheme\" is not \"never\"");
	s->metaspace.prepend = add ? (enum prepend_scheme)scheme : PREPEND_NEVER;
	return 0;
}

static int read_behavior(struct json v, enum split_behavior *to, struct error *e)
{
	static const char *const names[] = { "Removed", "Isolated", "MergedWithPrevious",
		"MergedWithNext", "Contiguous", NULL };
	int i;
	if (read_choice(v, "behavior", names, &i, e))
		return -1;
	*to = (enum split_behavior)i;
	return 0;
}

static int read_punctuation(
	struct pretokenizer_step *s, struct json v, struct arena *arena, struct error *e)
{
	(void)arena;
	s->behavior = SPLIT_ISOLATED;
	return json_get(v, "behavior").type == JSON_ABSENT ? 0 : read_behavior(v, &s->behavior, e);
}

static int read_split(
	struct pretokenizer_step *s, struct json v, struct arena *arena, struct error *e)
{
	if (read_behavior(v, &s->behavior, e) || read_bool(v, "invert", &s->split.invert, e))
		return -1;
	return matcher_read(&s->split.matcher, v, arena, e);
}

static int read_digits(
	struct pretokenizer_step *s, struct json v, struct arena *arena, struct error *e)
{
	(void)arena;
	if (read_bool(v, "individual_digits", &s->individual_digits, e))
		return -1;
	s->behavior = s->individual_digits ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS;
	return 0;
}

static int read_delimiter(
	struct pretokenizer_step *s, struct json v, struct arena *arena, struct error *e)
{
	struct slice c;
	if (read_character(v, "delimiter", arena, &c, e))
		return -1;
	utf8_decode(c.data, c.data + c.size, &s->delimiter);
	return 0;
}

static int read_length(
	struct pretokenizer_step *s, struct json v, struct arena *arena, struct error *e)
{
	uint32_t length = 5;
	(void)arena;
	if (json_get(v, "length").type != JSON_ABSENT && read_id(v, "length", &length, e))
		return -1;
	if (length == 0)
		return error_set(e, ERROR_MODEL, "\"length\" is 0");
	s->length = length;
	return 0;
}

static const struct {
	const char *name;
	enum pretokenizer_kind kind;
	int (*read)(struct pretokenizer_step *, struct json, struct arena *, struct error *);
} kinds[] = {
	{ "BertPreTokenizer", PRETOKENIZER_BERT, NULL },
	{ "ByteLevel", PRETOKENIZER_BYTE_LEVEL, read_byte_level },
	{ "Whitespace", PRETOKENIZER_WHITESPACE, NULL },
	{ "WhitespaceSplit", PRETOKENIZER_WHITESPACE_SPLIT, NULL },
	{ "Metaspace", PRETOKENIZER_METASPACE, read_metaspace },
	{ "Digits", PRETOKENIZER_DIGITS, read_digits },
	{ "Punctuation", PRETOKENIZER_PUNCTUATION, read_punctuation },
	{ "Split", PRETOKENIZER_SPLIT, read_split },
	{ "UnicodeScripts", PRETOKENIZER_UNICODE_SCRIPTS, NULL },
	{ "CharDelimiterSplit", PRETOKENIZER_CHAR_DELIMITER, read_delimiter },
	{ "FixedLength", PRETOKENIZER_FIXED_LENGTH, read_length },
};

enum { KINDS = sizeof kinds / sizeof *kinds };

void pretokenizer_add(struct pretokenizer *t, const struct pretokenizer_step *step)
{
	t->steps = mem_grow(t->steps, &t->capacity, t->n + 1, sizeof *t->steps);
	t->steps[t->n++] = *step;
}

static int read_step(struct pretokenizer *t, struct json v, struct arena *arena, struct error *e)
{
	struct slice type;
	if (read_type(v, "pre_tokenizer", arena, &type, e))
		return -1;
	if (slice_equal(type, SLICE("Sequence"))) {
		struct json list = json_get(v, "pretokenizers");
		if (list.type != JSON_ARRAY)
			return error_set(e, ERROR_MODEL,
				"pre_tokenizer Sequence: \"pretokenizers\" is not an array");
		for (struct json_iterator i = json_iterate(list); json_each(&i);)
			if (read_step(t, i.value, arena, e))
				return -1;
		return 0;
	}
	size_t i = 0;
	while (i < KINDS && !slice_equal(type, slice_from(kinds[i].name)))
		i++;
	if (i == KINDS)
		return read_unknown("pre_tokenizer", type, e);
	struct pretokenizer_step step = { .kind = kinds[i].kind, .behavior = SPLIT_REMOVED };
	if (kinds[i].read && kinds[i].read(&step, v, arena, e))
		return error_wrap(e, "pre_tokenizer %s", kinds[i].name);
	pretokenizer_add(t, &step);
	return 0;
}

int pretokenizer_read(struct pretokenizer *t, struct json v, struct arena *arena, struct error *e)
{
	if (v.type == JSON_ABSENT || v.type == JSON_NULL)
		return 0;
	return read_step(t, v, arena, e);
}

void pretokenizer_free(struct pretokenizer *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->steps[i].kind == PRETOKENIZER_SPLIT)
			matcher_free(&t->steps[i].split.matcher);
		if (t->steps[i].kind == PRETOKENIZER_BYTE_LEVEL)
			matcher_free(&t->steps[i].byte_level.matcher);
	}
	mem_free(t->steps);
	*t = (struct pretokenizer){ 0 };
}

const struct pretokenizer_step *pretokenizer_only(
	const struct pretokenizer *t, enum pretokenizer_kind kind)
{
	return t->n == 1 && t->steps[0].kind == kind ? t->steps : NULL;
}
