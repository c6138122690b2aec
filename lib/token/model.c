#include "lib/token/model.h"

#include "lib/token/read.h"

int model_read_vocab(struct vocab *v, struct json vocab, struct arena *arena, struct error *e)
{
	if (vocab.type != JSON_OBJECT)
		return error_set(e, ERROR_MODEL, "\"vocab\" is %s",
			vocab.type == JSON_ABSENT ? "missing" : "not an object");
	/* memory stays in proportion to the file: ids may have holes, but not be all holes */
	size_t largest = 65535 + 16 * vocab.raw.size;
	v->largest = largest < VOCAB_LARGEST ? (uint32_t)largest : VOCAB_LARGEST;
	for (struct json_iterator i = json_iterate(vocab); json_each(&i);) {
		struct slice token = json_text(i.key, arena);
		uint32_t id;
		if (!read_number(i.value, &id))
			return error_set(e, ERROR_MODEL,
				"the id of token \"%.*s\" is not a whole number from 0 to "
				"4294967294",
				(int)(token.size < 100 ? token.size : 100), token.data);
		if (vocab_set(v, token, id, e))
			return -1;
	}
	return 0;
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
		model_read_vocab(vocab, json_get(v, "vocab"), arena, e) ||
		wordpiece_build(&m->wordpiece, vocab, unknown, prefix, max_chars, e))
		return -1;
	m->unknown = m->wordpiece.unknown;
	return 0;
}

static int read_wordlevel(struct token_model *m, struct json v, struct vocab *vocab,
	struct arena *arena, struct error *e)
{
	m->kind = MODEL_WORDLEVEL;
	if (model_read_vocab(vocab, json_get(v, "vocab"), arena, e) ||
		wordlevel_read(&m->wordlevel, v, vocab, arena, e))
		return -1;
	m->unknown = m->wordlevel.unknown;
	return 0;
}

static int read_unigram(struct token_model *m, struct json v, struct vocab *vocab,
	struct arena *arena, struct error *e)
{
	m->kind = MODEL_UNIGRAM;
	if (unigram_read(&m->unigram, v, vocab, arena, e))
		return -1;
	m->unknown = m->unigram.unknown;
	return 0;
}

static int read_bpe(struct token_model *m, struct json v, struct vocab *vocab, struct arena *arena,
	struct error *e)
{
	m->kind = MODEL_BPE;
	if (model_read_vocab(vocab, json_get(v, "vocab"), arena, e) ||
		bpe_read(&m->bpe, v, vocab, arena, e))
		return -1;
	m->unknown = m->bpe.unknown;
	return 0;
}

static const struct {
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
 * What a model without a type is, by the members that only one kind has, in the reference's
 * order.
 */
static struct slice guess_type(struct json vocab, struct json merges, struct json max_chars)
{
	if (merges.type != JSON_ABSENT)
		return SLICE("BPE");
	if (vocab.type == JSON_ARRAY)
		return SLICE("Unigram");
	return max_chars.type != JSON_ABSENT ? SLICE("WordPiece") : SLICE("WordLevel");
}

int model_read(struct token_model *m, struct json v, struct vocab *vocab, struct arena *arena,
	struct error *e)
{
	struct slice type = { "", 0 };
	m->unknown = (uint32_t)VOCAB_NONE;
	if (v.type != JSON_OBJECT)
		return error_set(e, ERROR_MODEL, "\"model\" is %s",
			v.type == JSON_ABSENT ? "missing" : "not an object");
	struct json tag, words, merges, max_chars;
	const struct read_member members[] = { { "type", &tag }, { "vocab", &words },
		{ "merges", &merges }, { "max_input_chars_per_word", &max_chars } };
	read_named(v, members, sizeof members / sizeof *members);
	if (tag.type == JSON_ABSENT)
		type = guess_type(words, merges, max_chars);
	else if (tag.type == JSON_STRING)
		type = json_text(tag, arena);
	else
		return error_set(e, ERROR_MODEL, "model has no type");
	for (size_t i = 0; i < KINDS; i++)
		if (slice_equal(type, slice_from(kinds[i].name)))
			return kinds[i].read(m, v, vocab, arena, e)
				       ? error_wrap(e, "model %s", kinds[i].name)
				       : 0;
	return read_unknown("model", type, e);
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

struct model_scratch *model_scratch_new(const struct token_model *m)
{
	switch (m->kind) {
	case MODEL_WORDPIECE:
	case MODEL_WORDLEVEL:
	case MODEL_UNIGRAM:
	case MODEL_BPE:
	case MODEL_SENTENCEPIECE_BPE:
		break;
	}
	return NULL;
}

void model_scratch_free(struct model_scratch *s)
{
	mem_free(s);
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

ptrdiff_t model_split(const struct token_model *m, struct model_scratch *scratch, struct slice word,
	uint32_t *ids, struct token_offset *offsets, struct error *e)
{
	size_t n;
	(void)scratch;
	switch (m->kind) {
	case MODEL_WORDPIECE:
		return (ptrdiff_t)wordpiece_split(&m->wordpiece, word, ids, offsets);
	case MODEL_WORDLEVEL:
		return split_wordlevel(&m->wordlevel, word, ids, offsets, e);
	case MODEL_UNIGRAM:
		n = unigram_split(&m->unigram, word, ids, offsets);
		return n == (size_t)UNIGRAM_FAILED ? no_unknown(e) : (ptrdiff_t)n;
	case MODEL_BPE:
		return split_bpe(&m->bpe, word, ids, offsets, e);
	case MODEL_SENTENCEPIECE_BPE:
		return (ptrdiff_t)sentencepiece_bpe_split(&m->sentencepiece_bpe, word, ids, offsets);
	}
	return 0;
}
