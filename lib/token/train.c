/* train.c: words of texts by a template, counted; then the model of its kind. */
#include "lib/token/train.h"

#include <stdlib.h>

#include "lib/base/utf8.h"
#include "lib/text/utf8.h"
#include "lib/token/byte_level.h"
#include "lib/token/parts.h"
#include "lib/token/train_private.h"

struct trainer {
	struct trainer_options options;
	struct json template;
	struct tokenizer *tokenizer; /* the template */
	struct added_token *special;
	size_t n_special;
	struct slice unknown; /* Unigram: the unknown token; data NULL: none */
	struct slice prefix, suffix; /* of tokens inside a word, of those that end one */
};

/* --- The template ---------------------------------------------------------------------------- */

static int check_kind(const struct trainer *t, struct error *e)
{
	static const struct {
		enum model_kind model;
		const char *name;
	} kinds[] = { { MODEL_WORDPIECE, "WordPiece" }, { MODEL_BPE, "BPE" },
		{ MODEL_UNIGRAM, "Unigram" } };
	if (t->tokenizer->model.kind == kinds[t->options.kind].model)
		return 0;
	const char *name = "WordLevel";
	for (size_t i = 0; i < 3; i++)
		if (t->tokenizer->model.kind == kinds[i].model)
			name = kinds[i].name;
	return error_set(e, ERROR_USAGE, "the model of the template is %s, not %s", name,
		kinds[t->options.kind].name);
}

static bool has_special(const struct trainer *t, struct slice text)
{
	for (size_t i = 0; i < t->n_special; i++)
		if (slice_equal(t->special[i].content, text))
			return true;
	return false;
}

/*
 * Those of the template (Unigram: all its added tokens), WordPiece's unknown one, without which
 * there is no tokenizer, then the user's.
 */
static void list_special(struct trainer *t)
{
	const struct added *added = &t->tokenizer->added;
	t->special = MEM_ARRAY(struct added_token, size_add(added->n, t->options.n_special + 1));
	for (size_t i = 0; i < added->n; i++)
		if (added->tokens[i].special || t->options.kind == TRAIN_UNIGRAM)
			t->special[t->n_special++] = added->tokens[i];
	if (t->options.kind == TRAIN_WORDPIECE) {
		struct slice unknown =
			vocab_token(&t->tokenizer->vocab, t->tokenizer->model.unknown);
		if (unknown.data && !has_special(t, unknown))
			t->special[t->n_special++] = (struct added_token){ .content = unknown };
	}
	for (size_t i = 0; i < t->options.n_special; i++)
		if (!has_special(t, t->options.special[i]))
			t->special[t->n_special++] =
				(struct added_token){ .content = t->options.special[i] };
}

/* What the template's model says of the tokens that it makes. */
static void read_affixes(struct trainer *t)
{
	struct json model = json_get(t->template, "model"),
		    prefix = json_get(model, "continuing_subword_prefix"),
		    suffix = json_get(model, "end_of_word_suffix");
	if (t->options.kind == TRAIN_UNIGRAM) {
		uint32_t unknown = t->tokenizer->model.unknown;
		if (unknown != (uint32_t)VOCAB_NONE)
			t->unknown = vocab_token(&t->tokenizer->vocab, unknown);
		return;
	}
	if (t->options.kind == TRAIN_WORDPIECE)
		t->prefix = SLICE("##");
	if (prefix.type == JSON_STRING)
		t->prefix = json_text(prefix, t->tokenizer->arena);
	if (suffix.type == JSON_STRING && t->options.kind == TRAIN_BPE)
		t->suffix = json_text(suffix, t->tokenizer->arena);
}

struct trainer *trainer_new(struct slice template, const struct trainer_options *o, struct error *e)
{
	struct trainer *t = mem_zero(1, sizeof *t);
	t->options = *o;
	t->tokenizer = tokenizer_from_json(template, e);
	if (!t->tokenizer || check_kind(t, e)) {
		trainer_free(t);
		return NULL;
	}
	CHECK(json_read(template, &t->template, NULL) == 0);
	list_special(t);
	read_affixes(t);
	return t;
}

void trainer_free(struct trainer *t)
{
	if (!t)
		return;
	tokenizer_free(t->tokenizer);
	mem_free(t->special);
	mem_free(t);
}

const struct tokenizer *trainer_tokenizer(const struct trainer *t)
{
	return t->tokenizer;
}

/* --- Words ----------------------------------------------------------------------------------- */

struct word_counts *word_counts_new(void)
{
	return mem_zero(1, sizeof(struct word_counts));
}

void word_counts_free(struct word_counts *c)
{
	if (!c)
		return;
	terms_free(&c->words);
	mem_free(c->counts);
	mem_free(c);
}

static void count(struct word_counts *c, struct slice word, uint64_t n)
{
	uint32_t i = terms_add(&c->words, word);
	if (c->words.capacity > c->capacity) {
		c->counts = mem_resize(c->counts, c->capacity * sizeof *c->counts,
			size_mul(c->words.capacity, sizeof *c->counts));
		memset(c->counts + c->capacity, 0,
			(c->words.capacity - c->capacity) * sizeof *c->counts);
		c->capacity = c->words.capacity;
	}
	c->counts[i] += n;
}

/* The words of a byte-level tokenizer as they stand in the text: list_words spells their bytes. */
static void add_bytes(const struct tokenizer *t, struct tokenizer_scratch *scratch,
	struct slice text, struct word_counts *counts)
{
	if (text.size && t->prefix_space && *text.data != ' ') {
		buffer_clear(&scratch->prefixed);
		buffer_char(&scratch->prefixed, ' ');
		buffer_slice(&scratch->prefixed, text);
		text = buffer_view(&scratch->prefixed);
	}
	for (size_t at = 0; at < text.size;) {
		uint32_t ends[WORD_BATCH];
		size_t n = pattern_split(t->pattern, text, at, ends, WORD_BATCH);
		for (size_t i = 0; i < n; at = ends[i++])
			count(counts, (struct slice){ text.data + at, ends[i] - at }, 1);
	}
}

int trainer_add(const struct trainer *trainer, struct tokenizer_scratch *scratch, struct slice text,
	struct word_counts *counts, struct error *e)
{
	const struct tokenizer *t = trainer->tokenizer;
	struct pieces *p = &scratch->pieces;
	bool bytes = t->fast == FAST_BYTES;
	/* with a space before it the longest text would have places beyond 32 bits */
	if (text.size >= UINT32_MAX || utf8_check(text) < text.size)
		return error_set(e, ERROR_DATA, "the text is %s",
			text.size >= UINT32_MAX ? "of 4 GiB or more" : "not UTF-8");
	p->text.unaligned = bytes || !pretokenizer_needs_alignment(&t->pretokenizer);
	p->list.n = 0;
	if (bytes && (!t->composes || normal_prefix(NORMAL_NFC, text) == text.size)) {
		add_bytes(t, scratch, text, counts);
		return 0;
	}
	if (normalizer_run(&t->normalizer, text, 0, &p->text, &scratch->regex, e))
		return -1;
	if (bytes) {
		add_bytes(t, scratch, buffer_view(&p->text.text), counts);
		return 0;
	}
	piece_add(&p->list, 0, p->text.text.size, (uint32_t)PIECE_WORD);
	if (pretokenizer_run(&t->pretokenizer, p, &scratch->regex, e))
		return -1;
	for (size_t i = 0; i < p->list.n; i++) {
		struct piece x = p->list.at[i];
		count(counts, (struct slice){ p->text.text.data + x.start, x.end - x.start }, 1);
	}
	return 0;
}

static int by_word(const void *a, const void *b)
{
	return slice_compare(((const struct counted *)a)->word, ((const struct counted *)b)->word);
}

/* Every byte as its character of the byte-level alphabet. */
static struct slice spell(struct slice word, struct arena *arena)
{
	char *out = arena_alloc(arena, size_mul(word.size, 2));
	size_t size = 0;
	for (size_t i = 0; i < word.size; i++)
		size += utf8_encode(out + size, byte_level_char((unsigned char)word.data[i]));
	return (struct slice){ out, size };
}

/* What all threads have counted, in the first's. */
static struct word_list list_words(
	const struct trainer *t, struct word_counts *const *counts, size_t n)
{
	struct word_counts *all = counts[0];
	for (size_t i = 1; i < n; i++)
		for (size_t j = 0; j < counts[i]->words.n; j++)
			count(all, counts[i]->words.at[j], counts[i]->counts[j]);
	struct word_list list = { MEM_ARRAY(struct counted, all->words.n), all->words.n, 0 };
	for (size_t i = 0; i < list.n; i++) {
		struct slice word = all->words.at[i];
		if (t->tokenizer->fast == FAST_BYTES)
			word = spell(word, all->words.arena);
		list.at[i] = (struct counted){ word, all->counts[i] };
		list.size += word.size;
	}
	qsort(list.at, list.n, sizeof *list.at, by_word);
	return list;
}

/* --- Learning -------------------------------------------------------------------------------- */

/* The user's, and that of bytes where the pre-tokenizer spells them out. */
static uint32_t *initial_alphabet(const struct trainer *t, size_t *n)
{
	struct slice own = t->options.initial_alphabet;
	const struct pretokenizer *p = &t->tokenizer->pretokenizer;
	uint32_t *list = MEM_ARRAY(uint32_t, size_add(own.size, 256));
	*n = 0;
	for (size_t i = 0; i < own.size; ++*n)
		i += utf8_decode(own.data + i, own.data + own.size, &list[*n]);
	bool bytes = false;
	for (size_t i = 0; i < p->n; i++)
		bytes |= p->steps[i].kind == PRETOKENIZER_BYTE_LEVEL;
	for (unsigned b = 0; bytes && b < 256; b++)
		list[(*n)++] = byte_level_char((unsigned char)b);
	return list;
}

static int learn_merges(const struct trainer *t, const struct word_list *words,
	const uint32_t *alphabet, size_t n_alphabet, struct trained *out, struct buffer *json,
	struct error *e)
{
	struct merges m = { .n = 0 };
	const struct merge_options o = { &t->options, t->special, t->n_special, alphabet,
		n_alphabet, t->prefix, t->suffix };
	int rc = merges_train(&m, &o, words, e);
	if (!rc) {
		out->tokens = m.tokens;
		out->merges = &m;
		rc = trained_write(json, t->template, out, e);
	}
	merges_free(&m);
	return rc;
}

/*
 * The special tokens with a score of 0, the unknown one before them unless it is one, the pieces.
 */
static int learn_pieces(const struct trainer *t, const struct word_list *words,
	const uint32_t *alphabet, size_t n_alphabet, size_t threads, struct trained *out,
	struct buffer *json, struct error *e)
{
	struct pieces_learnt p = { .n = 0 };
	if (t->unknown.data && !has_special(t, t->unknown))
		terms_add(&out->tokens, t->unknown);
	for (size_t i = 0; i < t->n_special; i++)
		terms_add(&out->tokens, t->special[i].content);
	if (t->unknown.data)
		out->unknown = terms_find(&out->tokens, t->unknown);
	size_t special = out->tokens.n, size = t->options.vocab_size;
	const struct piece_options o = { &t->options, special, size > special ? size - special : 0,
		alphabet, n_alphabet, &out->tokens, threads };
	int rc = pieces_train(&p, words, &o, e);
	if (!rc) {
		double *scores = mem_zero(special + p.n, sizeof *scores);
		for (size_t i = 0; i < p.n; i++)
			scores[terms_add(&out->tokens, p.at[i].text)] = p.at[i].score;
		out->scores = scores;
		rc = trained_write(json, t->template, out, e);
		mem_free(scores);
	}
	terms_free(&out->tokens);
	pieces_free_learnt(&p);
	return rc;
}

int trainer_run(struct trainer *t, struct word_counts *const *counts, size_t n, size_t threads,
	struct buffer *json, struct error *e)
{
	struct word_list words = list_words(t, counts, n);
	size_t n_alphabet;
	uint32_t *alphabet = initial_alphabet(t, &n_alphabet);
	struct trained out = { .kind = t->options.kind,
		.special = t->special,
		.n_special = t->n_special,
		.unknown = -1 };
	int rc;
	if (!words.n)
		rc = error_set(e, ERROR_DATA, "there is no text to learn from");
	else if (words.size > WORDS_MOST)
		rc = error_set(e, ERROR_DATA,
			"the different words have %zu bytes, the most allowed is %d: has the "
			"template no pre-tokenizer?",
			words.size, WORDS_MOST);
	else if (t->options.kind == TRAIN_UNIGRAM)
		rc = learn_pieces(t, &words, alphabet, n_alphabet, threads, &out, json, e);
	else
		rc = learn_merges(t, &words, alphabet, n_alphabet, &out, json, e);
	mem_free(words.at);
	mem_free(alphabet);
	return rc;
}
