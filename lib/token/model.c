#include "lib/token/model.h"

#include "lib/token/read.h"

enum { BATCH = 16 };

/* Entries on their way: so many at once that the memory where they go has time to come. */
struct batch {
	struct vocab_entry entries[BATCH];
	size_t n;
};

static int flush(struct vocab *v, struct batch *b, struct error *e)
{
	for (size_t i = 0; i < b->n; i++)
		if (vocab_set_hashed(v, &b->entries[i], e))
			return -1;
	b->n = 0;
	return 0;
}

/* An entry that is not of the usual shape. */
static int read_entry(struct json_parser *p, struct json key, struct vocab_entry *to,
	struct arena *arena, struct error *e)
{
	struct json id = json_next(p);
	if (id.type == JSON_ERROR)
		return read_fault(p, e);
	to->token = json_text(key, arena);
	if (read_number(id, &to->id))
		return 0;
	return error_set(e, ERROR_MODEL,
		"the id of token \"%.*s\" is not a whole number from 0 to 4294967294",
		(int)(to->token.size < 100 ? to->token.size : 100), to->token.data);
}

int model_read_vocab(struct vocab *v, struct json_parser *p, struct arena *arena, struct error *e)
{
	struct batch batch = { .n = 0 };
	size_t size = (size_t)(p->end - p->start), left = (size_t)(p->end - p->at);
	/* memory stays in proportion to the file: ids may have holes, but not be all holes */
	size_t largest = 65535 + 16 * size;
	v->largest = largest < VOCAB_LARGEST ? (uint32_t)largest : VOCAB_LARGEST;
	vocab_reserve(v, left / 64); /* of a usual file; a little one grows */
	for (;;) {
		struct vocab_entry *to = &batch.entries[batch.n];
		if (!json_next_count(p, &to->token, &to->id)) {
			struct json key = json_next(p);
			if (key.type == JSON_OBJECT_END)
				return flush(v, &batch, e);
			if (read_entry(p, key, to, arena, e))
				return -1;
		}
		to->hash = vocab_hash(v, to->token);
		if (++batch.n == BATCH && flush(v, &batch, e))
			return -1;
	}
}

static int read_wordpiece(struct token_model *m, struct json v, struct vocab *vocab,
	struct arena *arena, struct error *e)
{
	struct slice unknown, prefix;
	uint32_t max_chars;
	m->kind = MODEL_WORDPIECE;
	if (read_text(v, "unk_token", arena, &unknown, e) ||
		read_text(v, "continuing_subword_prefix", arena, &prefix, e) ||
		read_id(v, "max_input_chars_per_word", &max_chars, e) ||
		wordpiece_build(&m->wordpiece, vocab, unknown, prefix, max_chars, e))
		return -1;
	m->unknown = m->wordpiece.unknown;
	return 0;
}

static int read_wordlevel(struct token_model *m, struct json v, struct vocab *vocab,
	struct arena *arena, struct error *e)
{
	m->kind = MODEL_WORDLEVEL;
	if (wordlevel_read(&m->wordlevel, v, vocab, arena, e))
		return -1;
	m->unknown = m->wordlevel.unknown;
	return 0;
}

static int read_unigram(struct token_model *m, struct json v, struct vocab *vocab,
	struct arena *arena, struct error *e)
{
	m->kind = MODEL_UNIGRAM;
	vocab_free(vocab); /* of an object: not its own */
	if (unigram_read(&m->unigram, v, vocab, arena, e))
		return -1;
	m->unknown = m->unigram.unknown;
	return 0;
}

static int read_bpe(struct token_model *m, struct json v, struct vocab *vocab, struct arena *arena,
	struct error *e)
{
	m->kind = MODEL_BPE;
	if (bpe_read(&m->bpe, v, vocab, arena, e))
		return -1;
	m->unknown = m->bpe.unknown;
	return 0;
}

static const struct kind {
	const char *name;
	int (*read)(
		struct token_model *, struct json, struct vocab *, struct arena *, struct error *);
} kinds[] = {
	{ "WordPiece", read_wordpiece },
	{ "WordLevel", read_wordlevel },
	{ "Unigram", read_unigram },
	{ "BPE", read_bpe },
};

enum { KINDS = sizeof kinds / sizeof *kinds };

/*
 * What a pass over the model has found. The vocabulary and the merges are read while they are checked:
 * at once where all that they need is before them, as it is in the files that the reference writes.
 */
struct pass {
	struct token_model *model;
	struct vocab *vocab_of_model;
	struct arena *arena;
	struct json type, vocab, merges, max_chars;
	struct buffer options; /* an object of what is neither the vocabulary nor the merges */
	bool has_vocab, has_merges; /* they are read */
};

static void forget_merges(struct pass *f)
{
	if (f->has_merges)
		bpe_free(&f->model->bpe);
	f->has_merges = false;
}

static int pass_vocab(struct pass *f, struct json_parser *p, struct json *value, struct error *e)
{
	forget_merges(f);
	vocab_free(f->vocab_of_model);
	f->has_vocab = value->type == JSON_OBJECT;
	if (!f->has_vocab)
		*value = json_skip(p, *value);
	else if (model_read_vocab(f->vocab_of_model, p, f->arena, e))
		return -1;
	f->vocab = *value;
	return 0;
}

static int pass_merges(struct pass *f, struct json_parser *p, struct json *value, struct error *e)
{
	bool bpe = f->type.type == JSON_ABSENT || json_text_is(f->type, "BPE");
	forget_merges(f);
	f->has_merges = f->has_vocab && bpe && value->type == JSON_ARRAY;
	if (!f->has_merges) {
		*value = json_skip(p, *value);
	} else {
		buffer_char(&f->options, '}');
		struct slice text = arena_copy(f->arena, buffer_view(&f->options));
		f->options.size--;
		f->model->kind = MODEL_BPE;
		if (bpe_read_options(&f->model->bpe,
			    (struct json){ .type = JSON_OBJECT, .raw = text }, f->vocab_of_model,
			    f->arena, e) ||
			bpe_read_merges(&f->model->bpe, p, f->arena, e))
			return error_wrap(e, "model BPE");
	}
	f->merges = *value;
	return 0;
}

/* What comes behind the merges may change them. */
static int pass_option(
	struct pass *f, struct json_parser *p, struct json key, struct json *value, struct error *e)
{
	forget_merges(f);
	*value = json_skip(p, *value);
	if (value->type == JSON_ERROR)
		return read_fault(p, e);
	if (f->options.size > 1)
		buffer_char(&f->options, ',');
	buffer_slice(&f->options, key.raw);
	buffer_char(&f->options, ':');
	buffer_slice(&f->options, value->raw);
	if (json_text_is(key, "type"))
		f->type = *value;
	if (json_text_is(key, "max_input_chars_per_word"))
		f->max_chars = *value;
	return 0;
}

static int pass(struct pass *f, struct json_parser *p, struct error *e)
{
	struct json key;
	buffer_char(&f->options, '{');
	while ((key = json_next(p)).type == JSON_KEY) {
		struct json value = json_next(p);
		int rc = json_text_is(key, "vocab")    ? pass_vocab(f, p, &value, e)
			 : json_text_is(key, "merges") ? pass_merges(f, p, &value, e)
						       : pass_option(f, p, key, &value, e);
		if (rc)
			return -1;
		if (value.type == JSON_ERROR)
			return read_fault(p, e);
	}
	return key.type == JSON_ERROR ? read_fault(p, e) : 0;
}

/*
 * What a model without a type is, by the members that only one kind has, in the reference's
 * order.
 */
static struct slice guess_type(const struct pass *f)
{
	if (f->merges.type != JSON_ABSENT)
		return SLICE("BPE");
	if (f->vocab.type == JSON_ARRAY)
		return SLICE("Unigram");
	return f->max_chars.type != JSON_ABSENT ? SLICE("WordPiece") : SLICE("WordLevel");
}

static const struct kind *find_kind(const struct pass *f, struct error *e)
{
	struct slice type;
	if (f->type.type != JSON_ABSENT && f->type.type != JSON_STRING) {
		error_set(e, ERROR_MODEL, "model has no type");
		return NULL;
	}
	type = f->type.type == JSON_ABSENT ? guess_type(f) : json_text(f->type, f->arena);
	for (size_t i = 0; i < KINDS; i++)
		if (slice_equal(type, slice_from(kinds[i].name)))
			return &kinds[i];
	read_unknown("model", type, e);
	return NULL;
}

/* The rest, of a model that is checked: what the pass has read already stays. */
static int finish(struct pass *f, struct json model, struct error *e)
{
	const struct kind *kind = find_kind(f, e);
	if (!kind)
		return -1;
	if (kind->read != read_bpe)
		forget_merges(f);
	if (f->has_merges) {
		f->model->unknown = f->model->bpe.unknown;
		return 0;
	}
	if (kind->read != read_unigram && !f->has_vocab)
		error_set(e, ERROR_MODEL, "\"vocab\" is %s",
			f->vocab.type == JSON_ABSENT ? "missing" : "not an object");
	else if (kind->read(f->model, model, f->vocab_of_model, f->arena, e) == 0)
		return 0;
	return error_wrap(e, "model %s", kind->name);
}

int model_read(struct token_model *m, struct json_parser *p, struct vocab *vocab,
	struct arena *arena, struct error *e)
{
	const char *start = p->at - 1;
	struct pass f = { .model = m, .vocab_of_model = vocab, .arena = arena };
	model_free(m);
	*m = (struct token_model){ .unknown = (uint32_t)VOCAB_NONE };
	int rc = pass(&f, p, e);
	if (!rc)
		rc = finish(&f,
			(struct json){
				.type = JSON_OBJECT, .raw = { start, (size_t)(p->at - start) } },
			e);
	buffer_free(&f.options);
	return rc;
}

void model_free(struct token_model *m)
{
	switch (m->kind) {
	case MODEL_WORDPIECE:
		wordpiece_free(&m->wordpiece);
		break;
	case MODEL_WORDLEVEL:
		break;
	case MODEL_UNIGRAM:
		unigram_free(&m->unigram);
		break;
	case MODEL_BPE:
		bpe_free(&m->bpe);
		break;
	case MODEL_SENTENCEPIECE_BPE:
		sentencepiece_bpe_free(&m->sentencepiece_bpe);
		break;
	}
}

static ptrdiff_t no_unknown(struct error *e)
{
	return error_set(
		e, ERROR_MODEL, "the vocabulary cannot spell the text and has no unknown token");
}

static ptrdiff_t split_wordlevel(const struct wordlevel *w, struct slice word, uint32_t *ids,
	struct token_offset *offsets, struct error *e)
{
	*ids = wordlevel_id(w, word);
	if (offsets)
		*offsets = (struct token_offset){ 0, (uint32_t)word.size };
	return *ids == (uint32_t)VOCAB_NONE ? no_unknown(e) : 1;
}

static ptrdiff_t split_bpe(const struct bpe *b, struct slice word, uint32_t *ids,
	struct token_offset *offsets, struct error *e)
{
	size_t n = bpe_split(b, word, ids, offsets);
	if (n == (size_t)BPE_FAILED)
		return error_set(e, ERROR_MODEL,
			"a character is not in the vocabulary, nor is the unknown token \"%.*s\"",
			(int)(b->unknown_text.size < 100 ? b->unknown_text.size : 100),
			b->unknown_text.data);
	return (ptrdiff_t)n;
}

ptrdiff_t model_split(const struct token_model *m, struct slice word, uint32_t *ids,
	struct token_offset *offsets, struct error *e)
{
	size_t n;
	switch (m->kind) {
	case MODEL_WORDPIECE:
		n = wordpiece_split(&m->wordpiece, word, ids, offsets);
		return n && *ids == (uint32_t)VOCAB_NONE ? no_unknown(e) : (ptrdiff_t)n;
	case MODEL_WORDLEVEL:
		return split_wordlevel(&m->wordlevel, word, ids, offsets, e);
	case MODEL_UNIGRAM:
		n = unigram_split(&m->unigram, word, ids, offsets);
		return n == (size_t)UNIGRAM_FAILED ? no_unknown(e) : (ptrdiff_t)n;
	case MODEL_BPE:
		return split_bpe(&m->bpe, word, ids, offsets, e);
	case MODEL_SENTENCEPIECE_BPE:
		return (ptrdiff_t)sentencepiece_bpe_split(
			&m->sentencepiece_bpe, word, ids, offsets);
	}
	return 0;
}
