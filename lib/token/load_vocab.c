/*
 * load_vocab.c: a vocab.txt, as transformers' BertTokenizer reads it: one token a line, and
 * what the tokenizer_config.json beside it may change.
 */
#include "lib/base/utf8.h"
#include "lib/text/unicode.h"
#include "lib/token/parts.h"
#include "lib/token/read.h"

static const char *const special_names[5] = { "unk_token", "sep_token", "pad_token", "cls_token",
	"mask_token" };

void bert_defaults(struct bert_config *c, bool lowercase)
{
	*c = (struct bert_config){ .lowercase = lowercase,
		.chinese = true,
		.accents_follow = true,
		.special = { SLICE("[UNK]"), SLICE("[SEP]"), SLICE("[PAD]"), SLICE("[CLS]"),
			SLICE("[MASK]") } };
}

int bert_config_read(struct bert_config *c, struct slice text, struct arena *arena, struct error *e)
{
	struct json root;
	if (json_read(text, &root, e)) {
		if (e)
			e->code = ERROR_MODEL;
		return -1;
	}
	if (json_get(root, "do_lower_case").type != JSON_ABSENT &&
		read_bool(root, "do_lower_case", &c->lowercase, e))
		return -1;
	if (json_get(root, "tokenize_chinese_chars").type != JSON_ABSENT &&
		read_bool(root, "tokenize_chinese_chars", &c->chinese, e))
		return -1;
	struct json accents = json_get(root, "strip_accents");
	if (accents.type != JSON_ABSENT && accents.type != JSON_NULL) {
		c->accents_follow = false;
		if (read_bool(root, "strip_accents", &c->strip_accents, e))
			return -1;
	}
	for (size_t i = 0; i < 5; i++) {
		struct json token = json_get(root, special_names[i]);
		if (token.type == JSON_OBJECT)
			token = json_get(token, "content");
		if (token.type == JSON_STRING)
			c->special[i] = json_text(token, arena);
	}
	return 0;
}

/* One token a line, its number the id; white space at the end of a line is not part of it. */
static int read_lines(struct tokenizer *t, struct slice text, struct error *e)
{
	size_t valid = utf8_check(text), line = 0;
	for (size_t i = 0; i < text.size; line++) {
		const char *end = memchr(text.data + i, '\n', text.size - i);
		size_t next = end ? (size_t)(end - text.data) + 1 : text.size;
		struct slice token = { text.data + i, (end ? next - 1 : next) - i };
		if (valid < next)
			return error_set(e, ERROR_MODEL,
				"neither JSON nor a vocab.txt: line %zu is not UTF-8", line + 1);
		token.size = unicode_trim_end(token);
		if (line > VOCAB_LARGEST)
			return error_set(e, ERROR_MODEL, "more than %d tokens", VOCAB_LARGEST + 1);
		if (vocab_set(&t->vocab, token, (uint32_t)line, e))
			return error_wrap(e, "line %zu", line + 1);
		i = next;
	}
	return 0;
}

int load_vocab(struct tokenizer *t, struct slice text, const struct bert_config *c, struct error *e)
{
	if (read_lines(t, text, e) ||
		wordpiece_build(&t->model.wordpiece, &t->vocab, c->special[0], SLICE("##"), 100, e))
		return -1;
	t->model.kind = MODEL_WORDPIECE;
	t->model.unknown = t->model.wordpiece.unknown;
	/* a vocabulary without would do, but then the file is hardly one */
	if (t->model.unknown == (uint32_t)VOCAB_NONE)
		return error_set(e, ERROR_MODEL, "the vocabulary has no unknown token \"%.*s\"",
			(int)(c->special[0].size < 100 ? c->special[0].size : 100),
			c->special[0].data);
	normalizer_add(
		&t->normalizer, &(struct normalizer_step){ NORMALIZER_BERT,
					.bert = { true, c->chinese,
						c->accents_follow ? c->lowercase : c->strip_accents,
						c->lowercase, c->accents_follow } });
	pretokenizer_add(
		&t->pretokenizer, &(struct pretokenizer_step){ .kind = PRETOKENIZER_BERT });
	for (size_t i = 0; i < 5; i++) {
		struct added_token a = { .content = c->special[i], .special = true };
		if (vocab_id(&t->vocab, a.content) != (uint32_t)VOCAB_NONE &&
			added_set_token(&t->added, &t->vocab, &a, e))
			return -1;
	}
	uint32_t sep = vocab_id(&t->vocab, c->special[1]), cls = vocab_id(&t->vocab, c->special[3]);
	if (sep == (uint32_t)VOCAB_NONE || cls == (uint32_t)VOCAB_NONE) {
		const struct slice name = c->special[sep == (uint32_t)VOCAB_NONE ? 1 : 3];
		return error_set(e, ERROR_MODEL, "the vocabulary has no special token \"%.*s\"",
			(int)(name.size < 100 ? name.size : 100), name.data);
	}
	post_bert(&t->post, cls, sep, t->arena);
	decoder_add_step(&t->decoder, &(struct decoder_step){ .kind = DECODER_WORDPIECE,
					      .wordpiece = { SLICE("##"), true } });
	return tokenizer_finish(t, e);
}
