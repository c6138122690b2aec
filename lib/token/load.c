/*
 * load.c: tokenizer.json (version 1.0 of Hugging Face tokenizers) and vocab.txt into a struct tokenizer. Truncation and
 * padding that a tokenizer.json asks for are not taken over: they are the caller's to choose.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/utf8.h"
#include "lib/text/unicode.h"
#include "lib/token/parts.h"
#include "lib/token/read.h"

static struct tokenizer *new_tokenizer(void)
{
	struct tokenizer *t = mem_zero(1, sizeof *t);
	unicode_start();
	t->arena = arena_new();
	return t;
}

void tokenizer_free(struct tokenizer *t)
{
	if (!t)
		return;
	vocab_free(&t->vocab);
	added_free(&t->added);
	wordpiece_free(&t->model);
	mem_free(t->added_of);
	arena_free(t->arena);
	mem_free(t);
}

static enum byte_class byte_class(unsigned c)
{
	if (c >= 0x80)
		return BYTE_OTHER;
	unsigned flags = unicode_flags(c);
	/* \v and \f are white space that clean_text removes */
	if (flags & UNICODE_SPACE)
		return flags & UNICODE_CONTROL ? BYTE_OTHER : BYTE_SPACE;
	if (flags & UNICODE_PUNCTUATION)
		return BYTE_PUNCTUATION;
	bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
	return letter || (c >= '0' && c <= '9') ? BYTE_WORD : BYTE_OTHER;
}

int tokenizer_finish(struct tokenizer *t, struct error *e)
{
	if (added_build(&t->added, &t->normalizer, t->arena, e))
		return -1;
	mem_free(t->added_of);
	t->added_of = mem_zero(t->vocab.size, sizeof *t->added_of);
	for (size_t i = 0; i < t->added.n; i++)
		t->added_of[t->added.tokens[i].id] = (uint32_t)i + 1;
	for (unsigned c = 0; c < 256; c++)
		t->classes[c] = (uint8_t)byte_class(c);
	for (unsigned c = 0; c < 128; c++) {
		char byte = (char)c;
		wordpiece_split(&t->model, (struct slice){ &byte, 1 }, 1, &t->punctuation[c], NULL);
	}
	return 0;
}

/* --- tokenizer.json -------------------------------------------------------------------------- */

struct sections {
	struct json version, added_tokens, normalizer, pre_tokenizer, post_processor, decoder,
		model;
};

/* The members of the root, in one pass: it is large. */
static void find_sections(struct json root, struct sections *s)
{
	const struct {
		const char *name;
		struct json *to;
	} members[] = {
		{ "version", &s->version },
		{ "added_tokens", &s->added_tokens },
		{ "normalizer", &s->normalizer },
		{ "pre_tokenizer", &s->pre_tokenizer },
		{ "post_processor", &s->post_processor },
		{ "decoder", &s->decoder },
		{ "model", &s->model },
	};
	*s = (struct sections){ 0 };
	for (struct json_iterator i = json_iterate(root); json_each(&i);)
		for (size_t j = 0; j < sizeof members / sizeof *members; j++)
			if (json_text_is(i.key, members[j].name))
				*members[j].to = i.value;
}

static int read_vocab(struct tokenizer *t, struct json vocab, struct error *e)
{
	if (vocab.type != JSON_OBJECT)
		return error_set(e, ERROR_MODEL, "\"vocab\" is %s",
			vocab.type == JSON_ABSENT ? "missing" : "not an object");
	for (struct json_iterator i = json_iterate(vocab); json_each(&i);) {
		struct slice token = json_text(i.key, t->arena);
		uint32_t id;
		if (!read_number(i.value, &id))
			return error_set(e, ERROR_MODEL,
				"the id of token \"%.*s\" is not a whole number from 0 to "
				"4294967294",
				(int)(token.size < 100 ? token.size : 100), token.data);
		if (vocab_set(&t->vocab, token, id, e))
			return -1;
	}
	return 0;
}

/* What a model without a type is, by the members that only one kind has, in the reference's order. */
static struct slice guess_type(struct json model)
{
	struct json vocab = json_get(model, "vocab");
	if (json_get(model, "merges").type != JSON_ABSENT)
		return SLICE("BPE");
	if (vocab.type == JSON_ARRAY)
		return SLICE("Unigram");
	if (json_get(model, "max_input_chars_per_word").type != JSON_ABSENT)
		return SLICE("WordPiece");
	return SLICE("WordLevel");
}

static int read_model(struct tokenizer *t, struct json v, struct error *e)
{
	struct slice type = { "", 0 }, unknown, prefix;
	uint32_t max_chars;
	if (v.type != JSON_OBJECT)
		return error_set(e, ERROR_MODEL, "\"model\" is %s",
			v.type == JSON_ABSENT ? "missing" : "not an object");
	struct json tag = json_get(v, "type");
	if (tag.type == JSON_ABSENT)
		type = guess_type(v);
	else if (read_type(v, "model", t->arena, &type, e))
		return -1;
	if (!slice_equal(type, SLICE("WordPiece")))
		return read_unknown("model", type, e);
	if (read_text(v, "unk_token", t->arena, &unknown, e) ||
		read_text(v, "continuing_subword_prefix", t->arena, &prefix, e) ||
		read_id(v, "max_input_chars_per_word", &max_chars, e) ||
		read_vocab(t, json_get(v, "vocab"), e) ||
		wordpiece_build(&t->model, &t->vocab, unknown, prefix, max_chars, e))
		return error_wrap(e, "model WordPiece");
	return 0;
}

/* A member that may be absent: false then. */
static int optional_bool(struct json v, const char *name, bool *to, struct error *e)
{
	*to = false;
	return json_get(v, name).type == JSON_ABSENT ? 0 : read_bool(v, name, to, e);
}

static int read_added(struct tokenizer *t, struct json list, struct error *e)
{
	if (list.type == JSON_ABSENT || list.type == JSON_NULL)
		return 0;
	if (list.type != JSON_ARRAY)
		return error_set(e, ERROR_MODEL, "\"added_tokens\" is not an array");
	for (struct json_iterator i = json_iterate(list); json_each(&i);) {
		struct added_token a = { 0 };
		struct json v = i.value;
		if (v.type != JSON_OBJECT)
			return error_set(e, ERROR_MODEL,
				"\"added_tokens\" has an element that is not an object");
		if (read_text(v, "content", t->arena, &a.content, e) ||
			read_id(v, "id", &a.id, e) || optional_bool(v, "special", &a.special, e) ||
			optional_bool(v, "single_word", &a.single_word, e) ||
			optional_bool(v, "lstrip", &a.lstrip, e) ||
			optional_bool(v, "rstrip", &a.rstrip, e))
			return error_wrap(e, "\"added_tokens\"");
		a.normalized = !a.special;
		if (json_get(v, "normalized").type != JSON_ABSENT &&
			read_bool(v, "normalized", &a.normalized, e))
			return error_wrap(e, "\"added_tokens\"");
		if (added_set_token(&t->added, &t->vocab, &a, e))
			return -1;
	}
	return 0;
}

static int read_pretokenizer(struct tokenizer *t, struct json v, struct error *e)
{
	struct slice type;
	t->pretokenizer = PRETOKENIZER_NONE;
	if (v.type == JSON_ABSENT || v.type == JSON_NULL)
		return 0;
	if (read_type(v, "pre_tokenizer", t->arena, &type, e))
		return -1;
	if (!slice_equal(type, SLICE("BertPreTokenizer")))
		return read_unknown("pre_tokenizer", type, e);
	t->pretokenizer = PRETOKENIZER_BERT;
	return 0;
}

/* The text must last as long as the tokenizer: in its arena. */
static int load_json(struct tokenizer *t, struct slice text, struct error *e)
{
	struct json root;
	struct sections s;
	if (json_read(text, &root, e)) {
		if (e)
			e->code = ERROR_MODEL;
		return -1;
	}
	if (root.type != JSON_OBJECT)
		return error_set(e, ERROR_MODEL, "not a JSON object");
	find_sections(root, &s);
	if (s.version.type != JSON_ABSENT && !json_text_is(s.version, "1.0"))
		return error_set(e, ERROR_MODEL, "version %.*s is not supported, only \"1.0\"",
			(int)(s.version.raw.size < 100 ? s.version.raw.size : 100),
			s.version.raw.data);
	return read_model(t, s.model, e) ||
			       normalizer_read(&t->normalizer, s.normalizer, t->arena, e) ||
			       read_pretokenizer(t, s.pre_tokenizer, e) ||
			       read_added(t, s.added_tokens, e) ||
			       template_read(&t->single, &t->pair, s.post_processor, &t->vocab,
				       t->arena, e) ||
			       decoder_read(&t->decoder, s.decoder, t->arena, e) ||
			       tokenizer_finish(t, e)
		       ? -1
		       : 0;
}

/* --- vocab.txt --------------------------------------------------------------------------------- */

/* What tokenizer_config.json may say of a vocab.txt: the defaults are transformers' BertTokenizer's. */
struct bert_config {
	bool lowercase, chinese, strip_accents, accents_follow;
	struct slice special[5]; /* unknown, separator, padding, class, mask */
};

static const char *const special_names[5] = { "unk_token", "sep_token", "pad_token", "cls_token",
	"mask_token" };

static void bert_defaults(struct bert_config *c, bool lowercase)
{
	*c = (struct bert_config){ .lowercase = lowercase,
		.chinese = true,
		.accents_follow = true,
		.special = { SLICE("[UNK]"), SLICE("[SEP]"), SLICE("[PAD]"), SLICE("[CLS]"),
			SLICE("[MASK]") } };
}

static int read_config(
	struct bert_config *c, struct slice text, struct arena *arena, struct error *e)
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
			return error_set(e, ERROR_MODEL, "line %zu is not UTF-8", line + 1);
		token.size = unicode_trim_end(token);
		if (line > VOCAB_LARGEST)
			return error_set(e, ERROR_MODEL, "more than %d tokens", VOCAB_LARGEST + 1);
		if (vocab_set(&t->vocab, token, (uint32_t)line, e))
			return error_wrap(e, "line %zu", line + 1);
		i = next;
	}
	return 0;
}

static int load_vocab(
	struct tokenizer *t, struct slice text, const struct bert_config *c, struct error *e)
{
	if (read_lines(t, text, e) ||
		wordpiece_build(&t->model, &t->vocab, c->special[0], SLICE("##"), 100, e))
		return -1;
	t->normalizer = (struct normalizer){ NORMALIZER_BERT, true, c->chinese,
		c->accents_follow ? c->lowercase : c->strip_accents, c->lowercase,
		c->accents_follow };
	t->pretokenizer = PRETOKENIZER_BERT;
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
	template_bert(&t->single, &t->pair, cls, sep, t->arena);
	t->decoder = (struct decoder){ true, SLICE("##"), true };
	return tokenizer_finish(t, e);
}

/* --- Opening ----------------------------------------------------------------------------------- */

struct tokenizer *tokenizer_from_json(struct slice json, struct error *e)
{
	struct tokenizer *t = new_tokenizer();
	if (load_json(t, arena_copy(t->arena, json), e)) {
		tokenizer_free(t);
		return NULL;
	}
	return t;
}

struct tokenizer *tokenizer_from_vocab(struct slice vocab, bool lowercase, struct error *e)
{
	struct tokenizer *t = new_tokenizer();
	struct bert_config c;
	bert_defaults(&c, lowercase);
	if (load_vocab(t, arena_copy(t->arena, vocab), &c, e)) {
		tokenizer_free(t);
		return NULL;
	}
	return t;
}

/* A whole file into the arena. */
static int read_file(const char *path, struct arena *arena, struct slice *text, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0)
		return error_set(e, errno == ENOENT || errno == ENOTDIR ? ERROR_NO_INPUT : ERROR_IO,
			"%s", strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > INT32_MAX) {
		close(fd);
		return error_set(e, ERROR_MODEL, "not a regular file of at most 2 GiB");
	}
	size_t size = (size_t)st.st_size, at = 0;
	char *data = arena_alloc(arena, size + 1);
	while (at < size) {
		ssize_t n = read(fd, data + at, size - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			close(fd);
			return error_set(e, ERROR_IO, "%s", strerror(errno));
		}
		if (n == 0)
			break;
		at += (size_t)n;
	}
	close(fd);
	*text = (struct slice){ data, at };
	return 0;
}

static int load_file(struct tokenizer *t, const char *path, const char *config, struct error *e)
{
	struct slice text;
	struct bert_config c;
	if (read_file(path, t->arena, &text, e))
		return error_wrap(e, "%s", path);
	size_t i = 0;
	while (i < text.size && memchr(" \t\r\n", text.data[i], 4))
		i++;
	if (i < text.size && text.data[i] == '{')
		return load_json(t, text, e) ? error_wrap(e, "%s", path) : 0;
	bert_defaults(&c, true);
	if (access(config, F_OK) == 0) {
		struct slice json;
		if (read_file(config, t->arena, &json, e) || read_config(&c, json, t->arena, e))
			return error_wrap(e, "%s", config);
	}
	return load_vocab(t, text, &c, e) ? error_wrap(e, "%s", path) : 0;
}

/* The file of a folder that a tokenizer is read from, and the configuration beside a file. */
static int find_file(const char *path, char file[4096], char config[4096], struct error *e)
{
	struct stat st;
	if (stat(path, &st))
		return error_set(e, errno == ENOENT || errno == ENOTDIR ? ERROR_NO_INPUT : ERROR_IO,
			"%s: %s", path, strerror(errno));
	bool folder = S_ISDIR(st.st_mode);
	const char *slash = strrchr(path, '/');
	int length = folder ? (int)strlen(path) : slash ? (int)(slash - path) : 1;
	if (strlen(path) > 4000)
		return error_set(e, ERROR_NO_INPUT, "%.100s…: the path is too long", path);
	snprintf(config, 4096, "%.*s/tokenizer_config.json", length, folder || slash ? path : ".");
	if (!folder) {
		snprintf(file, 4096, "%s", path);
		return 0;
	}
	static const char *const names[] = { "tokenizer.json", "vocab.txt" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(file, 4096, "%s/%s", path, names[i]);
		if (access(file, F_OK) == 0)
			return 0;
	}
	return error_set(e, ERROR_MODEL,
		"%s: a folder without a tokenizer (tokenizer.json or vocab.txt)", path);
}

struct tokenizer *tokenizer_open(const char *path, struct error *e)
{
	char file[4096], config[4096];
	if (find_file(path, file, config, e))
		return NULL;
	struct tokenizer *t = new_tokenizer();
	if (load_file(t, file, config, e)) {
		tokenizer_free(t);
		return NULL;
	}
	return t;
}

int tokenizer_set_lowercase(struct tokenizer *t, bool lowercase, struct error *e)
{
	struct normalizer *n = &t->normalizer;
	if (n->kind != NORMALIZER_BERT)
		return error_set(e, ERROR_USAGE,
			"the tokenizer has no BertNormalizer: it cannot choose to lowercase");
	n->lowercase = lowercase;
	if (n->accents_follow)
		n->strip_accents = lowercase;
	return tokenizer_finish(t, e);
}
