/*
 * load_gguf.c: the vocabulary inside a GGUF file (tokenizer.ggml.*), as llama.cpp reads it
 * (src/llama-vocab.cpp): "llama" is SentencePiece BPE, "t5" its Unigram, "gpt2" byte-level BPE, the
 * pre-tokenizer of which has a name, "bert" WordPiece. Control and user-defined tokens are found in
 * the text.
 */
#include <math.h>

#include "lib/base/utf8.h"
#include "lib/file/gguf.h"
#include "lib/token/parts.h"

enum { NONE = VOCAB_NONE };

struct source {
	struct gguf gguf;
	struct tokenizer *t;
	struct slice *tokens; /* in the tokenizer's arena */
	size_t n;
	struct slice types, scores; /* int32, float32; size 0: none */
	struct error *error;
};

static enum piece_type type_of(const struct source *s, size_t i)
{
	return s->types.size ? (enum piece_type)gguf_int32_at(s->types, i) : PIECE_NORMAL;
}

/* --- What all kinds have ------------------------------------------------------------------------- */

static int read_tokens(struct source *s)
{
	const struct gguf *g = &s->gguf;
	struct error *e = s->error;
	struct slice *strings;
	size_t n_types, n_scores;
	if (gguf_strings(g, "tokenizer.ggml.tokens", s->t->arena, &strings, &s->n, e) ||
		gguf_array(g, "tokenizer.ggml.token_type", GGUF_INT32, &s->types, &n_types, e) ||
		gguf_array(g, "tokenizer.ggml.scores", GGUF_FLOAT32, &s->scores, &n_scores, e))
		return -1;
	if (s->n == 0 || s->n > VOCAB_LARGEST)
		return error_set(e, ERROR_MODEL, "tokenizer.ggml.tokens has %zu tokens", s->n);
	if ((n_types && n_types != s->n) || (n_scores && n_scores != s->n))
		return error_set(e, ERROR_MODEL, "%zu token%s, but %zu type%s and %zu score%s",
			s->n, plural(s->n), n_types, plural(n_types), n_scores, plural(n_scores));
	s->types.size = 4 * n_types;
	s->scores.size = 4 * n_scores;
	s->tokens = strings;
	for (size_t i = 0; i < s->n; i++) {
		int32_t type = (int32_t)type_of(s, i);
		if (type < 0 || type > PIECE_BYTE)
			return error_set(e, ERROR_MODEL, "token %zu has the type %d", i, type);
		if (utf8_check(strings[i]) != strings[i].size)
			return error_set(e, ERROR_MODEL, "token %zu is not UTF-8", i);
		if (s->scores.size && !isfinite(gguf_float_at(s->scores, i)))
			return error_set(e, ERROR_MODEL, "the score of token %zu is not finite", i);
		strings[i] = arena_copy(s->t->arena, strings[i]);
	}
	return 0;
}

/* An id that the file names; `to` stays as it is where it does not. */
static int read_id(const struct source *s, const char *key, int64_t *to)
{
	if (gguf_number(&s->gguf, key, to, s->error))
		return -1;
	if (*to >= (int64_t)s->n || *to < -1)
		return error_set(s->error, ERROR_MODEL, "%s is %lld, of %zu token%s", key,
			(long long)*to, s->n, plural(s->n));
	return 0;
}

static int set_vocab(struct source *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (vocab_id(&s->t->vocab, s->tokens[i]) != (uint32_t)NONE)
			return error_set(s->error, ERROR_MODEL,
				"token %zu, \"%.*s\", is there twice", i,
				(int)(s->tokens[i].size < 100 ? s->tokens[i].size : 100),
				s->tokens[i].data);
		if (vocab_set(&s->t->vocab, s->tokens[i], (uint32_t)i, s->error))
			return -1;
	}
	return 0;
}

static int add_special(struct source *s)
{
	for (size_t i = 0; i < s->n; i++) {
		enum piece_type type = type_of(s, i);
		struct added_token a = { .content = s->tokens[i],
			.special = type != PIECE_USER_DEFINED };
		if ((type == PIECE_CONTROL || type == PIECE_USER_DEFINED ||
			    type == PIECE_UNKNOWN) &&
			added_set_token(&s->t->added, &s->t->vocab, &a, s->error))
			return -1;
	}
	return 0;
}

static int add_ends(struct source *s, bool bos, bool eos)
{
	int64_t bos_id = -1, eos_id = -1;
	if (gguf_bool(&s->gguf, "tokenizer.ggml.add_bos_token", &bos, s->error) ||
		gguf_bool(&s->gguf, "tokenizer.ggml.add_eos_token", &eos, s->error) ||
		read_id(s, "tokenizer.ggml.bos_token_id", &bos_id) ||
		read_id(s, "tokenizer.ggml.eos_token_id", &eos_id))
		return -1;
	if ((bos && bos_id < 0) || (eos && eos_id < 0))
		return error_set(s->error, ERROR_MODEL, "tokenizer.ggml.%s_token_id is missing",
			bos && bos_id < 0 ? "bos" : "eos");
	return load_ends(s->t, bos ? bos_id : -1, eos ? eos_id : -1, s->error);
}

/* --- SentencePiece: llama and t5 ------------------------------------------------------------------- */

static int read_bytes(struct source *s, struct sentencepiece *m)
{
	size_t found = 0;
	memset(m->bytes, 0xff, sizeof m->bytes);
	for (size_t i = 0; i < s->n; i++) {
		if (m->types[i] != PIECE_BYTE)
			continue;
		int byte = sentencepiece_byte(s->tokens[i]);
		if (byte < 0 || m->bytes[byte] != (uint32_t)NONE)
			return error_set(s->error, ERROR_MODEL,
				"token %zu, \"%.*s\", is not a byte", i,
				(int)(s->tokens[i].size < 100 ? s->tokens[i].size : 100),
				s->tokens[i].data);
		m->bytes[byte] = (uint32_t)i;
		found++;
	}
	if (found && found < 256)
		return error_set(
			s->error, ERROR_MODEL, "there are tokens for %zu of 256 bytes", found);
	m->byte_fallback = found > 0;
	return 0;
}

static int read_charsmap(struct source *s, struct sentencepiece *m)
{
	static const char key[] = "tokenizer.ggml.precompiled_charsmap";
	const struct gguf_value *v = gguf_find(&s->gguf, key);
	struct slice bytes;
	size_t n;
	if (!v)
		return 0;
	if (gguf_array(&s->gguf, key, v->of == GGUF_INT8 ? GGUF_INT8 : GGUF_UINT8, &bytes, &n,
		    s->error))
		return -1;
	return n ? precompiled_read(&m->rules, bytes, s->t->arena, s->error) : 0;
}

static int load_sentences(struct source *s, enum sentencepiece_kind kind)
{
	struct arena *arena = s->t->arena;
	struct sentencepiece *m = arena_zero(arena, 1, sizeof *m);
	int64_t unknown = 0;
	*m = (struct sentencepiece){ .kind = kind,
		.texts = s->tokens,
		.n = s->n,
		.escape = true,
		.dummy_prefix = true,
		.unknown_surface = SLICE(" \xe2\x81\x87 ") };
	if (!s->scores.size)
		return error_set(s->error, ERROR_MODEL, "tokenizer.ggml.scores is missing");
	m->scores = ARENA_ARRAY(arena, float, s->n);
	m->types = ARENA_ARRAY(arena, uint8_t, s->n);
	for (size_t i = 0; i < s->n; i++) {
		enum piece_type type = type_of(s, i);
		m->scores[i] = gguf_float_at(s->scores, i);
		/* 0 is said of tokens that the model never had */
		m->types[i] = (uint8_t)(type ? type : PIECE_UNUSED);
	}
	if (gguf_bool(&s->gguf, "tokenizer.ggml.add_space_prefix", &m->dummy_prefix, s->error) ||
		gguf_bool(&s->gguf, "tokenizer.ggml.remove_extra_whitespaces", &m->remove_extra,
			s->error) ||
		read_id(s, "tokenizer.ggml.unknown_token_id", &unknown) || read_bytes(s, m) ||
		read_charsmap(s, m))
		return -1;
	if (unknown < 0)
		return error_set(s->error, ERROR_MODEL, "there is no unknown token");
	m->unknown = (uint32_t)unknown;
	m->types[unknown] = PIECE_UNKNOWN;
	s->t->sentencepiece = m;
	return load_pieces(s->t, s->error) || add_special(s) ||
			       add_ends(s, kind == SENTENCEPIECE_BPE, kind == SENTENCEPIECE_UNIGRAM)
		       ? -1
		       : 0;
}

/* --- Byte-level BPE ---------------------------------------------------------------------------------- */

#define LETTERS_UPPER "[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]"
#define LETTERS_LOWER "[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]"
#define CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define REST(tail) \
	" ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n" tail \
	"]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"
#define CASED(contraction, digits) \
	"[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?" LETTERS_UPPER "*" LETTERS_LOWER "+" contraction \
	"|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?" LETTERS_UPPER "+" LETTERS_LOWER "*" contraction \
	"|\\\\p{N}" digits "|" REST("/")
#define FOLDED(digits) \
	CONTRACTION "|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}" digits "|" REST("")
#define SPLIT(regex) \
	"{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" regex \
	"\"},\"behavior\":\"Isolated\",\"invert\":false},"
#define BYTES(regex) \
	"{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,\"use_" \
	"regex\":" regex "}"
#define GPT2 \
	"'s|'t|'re|'ve|'m|'ll|'d| ?\\\\p{L}+| ?\\\\p{N}+| " \
	"?[^\\\\s\\\\p{L}\\\\p{N}]+|\\\\s+(?!\\\\S)"

/* The names of tokenizer.ggml.pre that share a pre-tokenizer, which is told as in a tokenizer.json. */
static const struct {
	const char *names; /* each between spaces */
	const char *steps;
	bool ignore_merges, bos;
} pres[] = {
	{ " gpt-2 phi-2 jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code roberta-bpe "
	  "mpt olmo "
	  "jais trillion granite-docling ",
		BYTES("true"), false, false },
	{ " smollm starcoder refact command-r codeshell exaone minerva-7b ",
		"{\"type\":\"Digits\",\"individual_digits\":true}," BYTES("true"), false, false },
	{ " llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 ",
		SPLIT(FOLDED("{1,3}")) BYTES("false"), true, true },
	{ " dbrx smaug-bpe ", SPLIT(FOLDED("{1,3}")) BYTES("false"), false, false },
	{ " qwen2 deepseek-r1-qwen stablelm2 megrez ", SPLIT(FOLDED("")) BYTES("false"), false,
		false },
	{ " gpt-4o llama4 ", SPLIT(CASED(CONTRACTION "?", "{1,3}")) BYTES("false"), false, false },
	{ " tekken ", SPLIT(CASED("", "")) BYTES("false"), true, true },
	/* what llama.cpp does for files of before these names */
	{ " default ",
		SPLIT("[\\\\p{P}\\\\$\\\\+<=>\\\\^~\\\\|]+") SPLIT(GPT2) SPLIT("\\\\p{N}+")
			SPLIT("[0-9][0-9][0-9]") BYTES("false"),
		false, false },
};

static int find_pre(const struct source *s, size_t *index)
{
	struct slice pre = SLICE("default");
	if (gguf_text(&s->gguf, "tokenizer.ggml.pre", &pre, s->error))
		return -1;
	for (*index = 0; *index < sizeof pres / sizeof *pres; ++*index)
		for (const char *p = pres[*index].names, *q; (q = strchr(++p, ' ')); p = q)
			if (slice_equal(pre, (struct slice){ p, (size_t)(q - p) }))
				return 0;
	return error_set(s->error, ERROR_MODEL, "the pre-tokenizer \"%.*s\" is not known",
		(int)(pre.size < 100 ? pre.size : 100), pre.data);
}

static int read_steps(struct source *s, const char *steps)
{
	struct buffer b = { NULL, 0, 0 };
	struct json root;
	buffer_printf(&b, "{\"type\":\"Sequence\",\"pretokenizers\":[%s]}", steps);
	struct slice text = arena_copy(s->t->arena, buffer_view(&b));
	buffer_free(&b);
	CHECK(json_read(text, &root, NULL) == 0);
	if (pretokenizer_read(&s->t->pretokenizer, root, s->t->arena, s->error))
		return -1;
	decoder_add_step(&s->t->decoder, &(struct decoder_step){ .kind = DECODER_BYTE_LEVEL });
	return 0;
}

static int load_bytes(struct source *s)
{
	struct slice *merges;
	size_t n, pre;
	if (find_pre(s, &pre) || set_vocab(s) || read_steps(s, pres[pre].steps) ||
		gguf_strings(&s->gguf, "tokenizer.ggml.merges", s->t->arena, &merges, &n, s->error))
		return -1;
	struct bpe_options o = { .ignore_merges = pres[pre].ignore_merges };
	s->t->model.kind = MODEL_BPE;
	s->t->model.unknown = (uint32_t)NONE;
	if (bpe_begin(&s->t->model.bpe, &s->t->vocab, &o, s->error))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (bpe_add_line(&s->t->model.bpe, merges[i], s->error))
			return error_wrap(s->error, "tokenizer.ggml.merges");
	return add_special(s) || add_ends(s, pres[pre].bos, false) ? -1 : 0;
}

/* --- WordPiece --------------------------------------------------------------------------------------- */

/* A vocab.txt again: ▁word is word, word is ##word, and what stands in brackets is itself. */
static int load_wordpieces(struct source *s)
{
	struct buffer text = { NULL, 0, 0 };
	struct bert_config c;
	for (size_t i = 0; i < s->n; i++) {
		struct slice token = s->tokens[i],
			     start = { token.data, token.size < 3 ? token.size : 3 };
		bool first = slice_equal(start, SLICE("\xe2\x96\x81"));
		bool special =
			token.size > 2 && *token.data == '[' && token.data[token.size - 1] == ']';
		if (!first && !special)
			buffer_text(&text, "##");
		buffer_slice(
			&text, first ? (struct slice){ token.data + 3, token.size - 3 } : token);
		buffer_char(&text, '\n');
	}
	struct slice vocab = arena_copy(s->t->arena, buffer_view(&text));
	buffer_free(&text);
	bert_defaults(&c, true);
	return load_vocab(s->t, vocab, &c, s->error);
}

/* --- The file ---------------------------------------------------------------------------------------- */

static int load(struct source *s, struct slice file)
{
	struct slice model = { "", 0 };
	if (gguf_read(&s->gguf, file, s->t->arena, s->error) ||
		gguf_text(&s->gguf, "tokenizer.ggml.model", &model, s->error))
		return -1;
	if (model.size == 0)
		return error_set(s->error, ERROR_MODEL, "it has no tokenizer.ggml.model");
	if (read_tokens(s))
		return -1;
	if (slice_equal(model, SLICE("bert")))
		return load_wordpieces(s);
	int rc;
	if (slice_equal(model, SLICE("llama")))
		rc = load_sentences(s, SENTENCEPIECE_BPE);
	else if (slice_equal(model, SLICE("t5")))
		rc = load_sentences(s, SENTENCEPIECE_UNIGRAM);
	else if (slice_equal(model, SLICE("gpt2")))
		rc = load_bytes(s);
	else
		return error_set(s->error, ERROR_MODEL,
			"tokenizer.ggml.model is \"%.*s\", which is not known",
			(int)(model.size < 100 ? model.size : 100), model.data);
	return rc ? -1 : tokenizer_finish(s->t, s->error);
}

int load_gguf(struct tokenizer *t, struct slice file, struct error *e)
{
	struct source s = { .t = t, .error = e };
	return load(&s, file);
}
