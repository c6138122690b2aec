/*
 * load_sentencepiece.c: a SentencePiece model (tokenizer.model, spiece.model) by itself: ids are
 * sentencepiece's own. The tokenizer_config.json beside it says which special tokens stand around
 * a text, as transformers' LlamaTokenizer and T5Tokenizer read it.
 */
#include <float.h>

#include "lib/token/parts.h"
#include "lib/token/read.h"

/* What a tokenizer_config.json may say. */
struct config {
	bool bos, eos; /* add them */
	struct slice bos_token, eos_token; /* data NULL: the model's */
};

/* Transformers numbers the pieces of these anew, as fairseq did, or normalizes otherwise. */
static const char *const renumbered[] = { "XLMRoberta", "Camembert", "MBart", "Barthez", "XGLM",
	"XLMProphetNet", "Nllb", "M2M100", "Albert", "DebertaV2" };

static int read_class(struct config *c, struct slice class, struct error *e)
{
	for (size_t i = 0; i < sizeof renumbered / sizeof *renumbered; i++) {
		size_t n = strlen(renumbered[i]);
		if (class.size >= n && memcmp(class.data, renumbered[i], n) == 0)
			return error_set(e, ERROR_MODEL,
				"a %.*s makes other tokens than its SentencePiece model: it needs "
				"a "
				"tokenizer.json",
				(int)(class.size < 100 ? class.size : 100), class.data);
	}
	struct slice llama = { class.data, class.size < 5 ? class.size : 5 };
	struct slice t5 = { class.data, class.size < 2 ? class.size : 2 };
	c->bos |= slice_equal(llama, SLICE("Llama"));
	c->eos |= slice_equal(t5, SLICE("T5"));
	return 0;
}

static struct slice read_token(struct json root, const char *name, struct arena *arena)
{
	struct json token = json_get(root, name);
	if (token.type == JSON_OBJECT)
		token = json_get(token, "content");
	return token.type == JSON_STRING ? json_text(token, arena) : (struct slice){ NULL, 0 };
}

static int read_config(struct config *c, struct slice text, struct arena *arena, struct error *e)
{
	struct json root, class;
	if (json_read(text, &root, e)) {
		if (e)
			e->code = ERROR_MODEL;
		return -1;
	}
	class = json_get(root, "tokenizer_class");
	if (class.type == JSON_STRING && read_class(c, json_text(class, arena), e))
		return -1;
	if (json_get(root, "add_bos_token").type != JSON_ABSENT &&
		read_bool(root, "add_bos_token", &c->bos, e))
		return -1;
	if (json_get(root, "add_eos_token").type != JSON_ABSENT &&
		read_bool(root, "add_eos_token", &c->eos, e))
		return -1;
	c->bos_token = read_token(root, "bos_token", arena);
	c->eos_token = read_token(root, "eos_token", arena);
	return 0;
}

/* Append a special token to a template, unless it is not wanted. */
static void add_special(struct buffer *b, bool wanted, const char *name, unsigned type)
{
	if (wanted)
		buffer_printf(b, "%s{\"SpecialToken\":{\"id\":\"%s\",\"type_id\":%u}}",
			b->data[b->size - 1] == '[' ? "" : ",", name, type);
}

static void add_text(struct buffer *b, const char *name, unsigned type)
{
	buffer_printf(b, "%s{\"Sequence\":{\"id\":\"%s\",\"type_id\":%u}}",
		b->data[b->size - 1] == '[' ? "" : ",", name, type);
}

/* bos A eos, bos A eos bos B eos; ids are -1 where there is none. */
int load_ends(struct tokenizer *t, int64_t bos, int64_t eos, struct error *e)
{
	struct buffer b = { NULL, 0, 0 };
	buffer_text(&b, "{\"type\":\"TemplateProcessing\",\"single\":[");
	for (int pair = 0; pair < 2; pair++) {
		for (unsigned text = 0; text <= (unsigned)pair; text++) {
			add_special(&b, bos >= 0, "bos", text);
			add_text(&b, text ? "B" : "A", text);
			add_special(&b, eos >= 0, "eos", text);
		}
		buffer_text(&b, pair ? "]" : "],\"pair\":[");
	}
	buffer_text(&b, ",\"special_tokens\":{");
	if (bos >= 0)
		buffer_printf(
			&b, "\"bos\":{\"id\":\"bos\",\"ids\":[%d],\"tokens\":[\"bos\"]}", (int)bos);
	if (eos >= 0)
		buffer_printf(&b, "%s\"eos\":{\"id\":\"eos\",\"ids\":[%d],\"tokens\":[\"eos\"]}",
			bos >= 0 ? "," : "", (int)eos);
	buffer_text(&b, "}}");
	struct json root;
	struct slice text = arena_copy(t->arena, buffer_view(&b));
	buffer_free(&b);
	CHECK(json_read(text, &root, NULL) == 0);
	return post_read(&t->post, root, &t->vocab, t->arena, e);
}

static int end_id(const struct tokenizer *t, bool wanted, struct slice token, int64_t own,
	const char *name, int64_t *id, struct error *e)
{
	*id = -1;
	if (!wanted)
		return 0;
	*id = own;
	if (token.data) {
		uint32_t found = vocab_id(&t->vocab, token);
		*id = found == (uint32_t)VOCAB_NONE ? -1 : (int64_t)found;
	}
	return *id < 0 ? error_set(e, ERROR_MODEL, "the model has no piece for %s", name) : 0;
}

/* --- The model ------------------------------------------------------------------------------- */

/* User-defined pieces are worth more than all else of their length (unigram_model.cc). */
static int build_unigram(struct unigram *u, const struct sentencepiece *s, struct error *e)
{
	struct slice *texts = mem_zero(s->n, sizeof *texts);
	double *scores = mem_zero(s->n, sizeof *scores);
	float lowest = FLT_MAX, highest = FLT_MIN;
	for (size_t i = 0; i < s->n; i++)
		if (s->types[i] == PIECE_NORMAL) {
			lowest = s->scores[i] < lowest ? s->scores[i] : lowest;
			highest = s->scores[i] > highest ? s->scores[i] : highest;
		}
	for (size_t i = 0; i < s->n; i++) {
		bool given = s->types[i] == PIECE_USER_DEFINED;
		if (given || s->types[i] == PIECE_NORMAL)
			texts[i] = s->texts[i];
		scores[i] =
			given ? (double)(float)((double)((float)s->texts[i].size * highest) - 0.1)
			      : (double)s->scores[i];
	}
	struct unigram_options o = { .unknown = s->unknown,
		.unknown_score = (double)(lowest - 10.0f),
		.byte_fallback = s->byte_fallback,
		.bytes = s->byte_fallback ? s->bytes : NULL };
	int rc = unigram_build(u, texts, scores, s->n, &o, e);
	mem_free(texts);
	mem_free(scores);
	return rc;
}

int load_pieces(struct tokenizer *t, struct error *e)
{
	const struct sentencepiece *s = t->sentencepiece;
	for (size_t i = 0; i < s->n; i++) {
		if (vocab_id(&t->vocab, s->texts[i]) != (uint32_t)VOCAB_NONE)
			return error_set(e, ERROR_MODEL, "piece %zu, \"%.*s\", is there twice", i,
				(int)(s->texts[i].size < 100 ? s->texts[i].size : 100),
				s->texts[i].data);
		if (vocab_set(&t->vocab, s->texts[i], (uint32_t)i, e))
			return -1;
	}
	t->model.unknown = s->unknown;
	if (s->kind == SENTENCEPIECE_BPE) {
		t->model.kind = MODEL_SENTENCEPIECE_BPE;
		if (sentencepiece_bpe_build(&t->model.sentencepiece_bpe, s, e))
			return -1;
	} else {
		t->model.kind = MODEL_UNIGRAM;
		if (build_unigram(&t->model.unigram, s, e))
			return -1;
	}
	normalizer_add(&t->normalizer,
		&(struct normalizer_step){ .kind = NORMALIZER_SENTENCEPIECE, .sentencepiece = s });
	decoder_add_step(&t->decoder, &(struct decoder_step){ .kind = DECODER_SENTENCEPIECE,
					      .sentencepiece = { s, &t->vocab } });
	return 0;
}

int load_sentencepiece(
	struct tokenizer *t, struct slice model, const struct slice *config, struct error *e)
{
	struct config c = { .bos = false };
	int64_t bos, eos;
	if (config && read_config(&c, *config, t->arena, e))
		return error_wrap(e, "tokenizer_config.json");
	t->sentencepiece = arena_zero(t->arena, 1, sizeof *t->sentencepiece);
	if (sentencepiece_read(t->sentencepiece, model, t->arena, e) || load_pieces(t, e) ||
		end_id(t, c.bos, c.bos_token, t->sentencepiece->bos, "bos_token", &bos, e) ||
		end_id(t, c.eos, c.eos_token, t->sentencepiece->eos, "eos_token", &eos, e) ||
		load_ends(t, bos, eos, e))
		return -1;
	return tokenizer_finish(t, e);
}
