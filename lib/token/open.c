/* open.c: files into a struct tokenizer, and what follows from its parts. */
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/contents.h"
#include "lib/file/gguf.h"
#include "lib/file/mapping.h"
#include "lib/text/unicode.h"
#include "lib/token/parts.h"

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
	model_free(&t->model);
	normalizer_free(&t->normalizer);
	pretokenizer_free(&t->pretokenizer);
	decoder_free(&t->decoder);
	if (t->sentencepiece)
		sentencepiece_free(t->sentencepiece);
	mem_free(t->added_of);
	word_store_free(t->words);
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

static void choose_path(struct tokenizer *t)
{
	const struct bert_normalizer *bert = normalizer_bert(&t->normalizer);
	t->fast = scan_cached_prepare(t);
	if (t->fast != FAST_NONE || scan_pieces_prepare(t) || scan_summed_prepare(t))
		return;
	if (t->model.kind != MODEL_WORDPIECE || t->model.unknown == (uint32_t)VOCAB_NONE ||
		(t->normalizer.n && !bert) ||
		!pretokenizer_only(&t->pretokenizer, PRETOKENIZER_BERT))
		return;
	t->fast = FAST_BERT;
	t->lowercase = bert && bert->lowercase;
	for (unsigned c = 0; c < 256; c++)
		t->classes[c] = (uint8_t)byte_class(c);
	for (unsigned c = 0; c < 128; c++) {
		char byte = (char)c;
		wordpiece_split(
			&t->model.wordpiece, (struct slice){ &byte, 1 }, &t->punctuation[c], NULL);
	}
}

int tokenizer_finish(struct tokenizer *t, struct error *e)
{
	if (added_build(&t->added, &t->normalizer, t->arena, e))
		return -1;
	mem_free(t->added_of);
	t->added_of = mem_zero(t->vocab.size, sizeof *t->added_of);
	for (size_t i = 0; i < t->added.n; i++)
		t->added_of[t->added.tokens[i].id] = (uint32_t)i + 1;
	choose_path(t);
	word_store_free(t->words);
	t->words = t->fast == FAST_NONE ? NULL : word_store_new();
	return 0;
}

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

struct tokenizer *tokenizer_from_sentencepiece(struct slice model, struct error *e)
{
	struct tokenizer *t = new_tokenizer();
	if (load_sentencepiece(t, arena_copy(t->arena, model), NULL, e)) {
		tokenizer_free(t);
		return NULL;
	}
	return t;
}

struct tokenizer *tokenizer_from_gguf(struct slice file, struct error *e)
{
	struct tokenizer *t = new_tokenizer();
	if (load_gguf(t, file, e)) {
		tokenizer_free(t);
		return NULL;
	}
	return t;
}

struct tokenizer *tokenizer_from_merges(struct slice vocab, struct slice merges, struct error *e)
{
	struct tokenizer *t = new_tokenizer();
	if (load_merges(t, arena_copy(t->arena, vocab), merges, e)) {
		tokenizer_free(t);
		return NULL;
	}
	return t;
}

struct tokenizer *tokenizer_from_tiktoken(struct slice ranks, const char *name, struct error *e)
{
	struct tokenizer *t = new_tokenizer();
	if (load_tiktoken(t, ranks, name, e)) {
		tokenizer_free(t);
		return NULL;
	}
	return t;
}

/* A GGUF file may be of gigabytes: it is mapped while it is read. 1: it is none, or a pipe. */
static int load_if_gguf(struct tokenizer *t, const char *file, struct error *e)
{
	struct slice mapped;
	struct stat st;
	if (stat(file, &st) == 0 && !S_ISREG(st.st_mode))
		return 1;
	if (mapping_open(file, &mapped, e))
		return -1;
	int rc = gguf_is(mapped) ? load_gguf(t, mapped, e) : 1;
	mapping_close(mapped);
	return rc < 0 ? error_wrap(e, "%s", file) : rc;
}

/* A whole file into the arena. */
static int read_file(const char *path, struct arena *arena, struct slice *text, struct error *e)
{
	int rc = contents_read(path, arena, text, e);
	if (rc && e && e->code == ERROR_DATA)
		e->code = ERROR_MODEL;
	return rc;
}

static bool is_json(struct slice text)
{
	size_t i = 0;
	while (i < text.size && memchr(" \t\r\n", text.data[i], 4))
		i++;
	return i < text.size && text.data[i] == '{';
}

/* A protocol buffer whose first field is a piece, in a file of that name. */
static bool is_sentencepiece(const char *file, struct slice text)
{
	size_t n = strlen(file);
	return n >= 6 && strcmp(file + n - 6, ".model") == 0 && text.size && *text.data == '\n';
}

static int load_model(struct tokenizer *t, const char *file, struct slice text, const char *config,
	struct error *e)
{
	struct slice json;
	bool given = access(config, F_OK) == 0;
	if (given && read_file(config, t->arena, &json, e))
		return -1;
	return load_sentencepiece(t, text, given ? &json : NULL, e) ? error_wrap(e, "%s", file) : 0;
}

/* The path of vocab.json, or of merges.txt, with the other's name instead; NULL for another file. */
static char *sibling(struct arena *arena, const char *path, const char *from, const char *to)
{
	size_t size = strlen(path), n = strlen(from);
	if (size < n || strcmp(path + size - n, from))
		return NULL;
	struct buffer b = { NULL, 0, 0 };
	buffer_add(&b, path, size - n);
	buffer_text(&b, to);
	char *other = arena_string(arena, buffer_view(&b));
	buffer_free(&b);
	return other;
}

/* 1: a path of neither of them. */
static int load_pair(struct tokenizer *t, const char *file, struct error *e)
{
	const char *vocab = sibling(t->arena, file, "merges.txt", "vocab.json");
	const char *merges = sibling(t->arena, file, "vocab.json", "merges.txt");
	struct slice text[2];
	if (!vocab && !merges)
		return 1;
	vocab = vocab ? vocab : file;
	merges = merges ? merges : file;
	if (read_file(vocab, t->arena, &text[0], e) || read_file(merges, t->arena, &text[1], e))
		return -1;
	return load_merges(t, text[0], text[1], e) ? error_wrap(e, "%s", vocab) : 0;
}

static int load_file(struct tokenizer *t, const char *file, const char *config, struct error *e)
{
	struct slice text;
	struct bert_config c;
	int rc = load_if_gguf(t, file, e);
	if (rc > 0)
		rc = load_pair(t, file, e);
	if (rc <= 0 || read_file(file, t->arena, &text, e))
		return rc <= 0 ? rc : -1;
	if (is_sentencepiece(file, text))
		return load_model(t, file, text, config, e);
	if (load_is_tiktoken(text))
		return load_tiktoken(t, text, strrchr(file, '/') ? strrchr(file, '/') + 1 : file, e)
			       ? error_wrap(e, "%s", file)
			       : 0;
	if (gguf_is(text))
		return load_gguf(t, text, e) ? error_wrap(e, "%s", file) : 0;
	if (is_json(text))
		return load_json(t, text, e) ? error_wrap(e, "%s", file) : 0;
	bert_defaults(&c, true);
	if (access(config, F_OK) == 0) {
		struct slice json;
		if (read_file(config, t->arena, &json, e))
			return -1;
		if (bert_config_read(&c, json, t->arena, e))
			return error_wrap(e, "%s", config);
	}
	return load_vocab(t, text, &c, e) ? error_wrap(e, "%s", file) : 0;
}

static char *join(struct arena *arena, struct slice folder, const char *name)
{
	struct buffer b = { NULL, 0, 0 };
	buffer_slice(&b, folder);
	buffer_char(&b, '/');
	buffer_text(&b, name);
	char *path = arena_string(arena, buffer_view(&b));
	buffer_free(&b);
	return path;
}

static int load_folder(struct tokenizer *t, const char *path, struct error *e)
{
	static const char *const known[] = { "tokenizer.json", "vocab.txt", "tokenizer.model",
		"spiece.model", "spm.model", "sentencepiece.bpe.model", "vocab.json" };
	struct slice folder = slice_from(path);
	const char *config = join(t->arena, folder, "tokenizer_config.json");
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		const char *file = join(t->arena, folder, known[i]);
		if (access(file, F_OK) == 0)
			return load_file(t, file, config, e);
	}
	return error_set(e, ERROR_MODEL,
		"%s: a folder without a tokenizer (tokenizer.json, tokenizer.model or vocab.txt)",
		path);
}

static int load(struct tokenizer *t, const char *path, struct error *e)
{
	struct stat st;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return load_folder(t, path, e);
	const char *slash = strrchr(path, '/');
	struct slice folder = slash ? (struct slice){ path, (size_t)(slash - path) } : SLICE(".");
	return load_file(t, path, join(t->arena, folder, "tokenizer_config.json"), e);
}

struct tokenizer *tokenizer_open(const char *path, struct error *e)
{
	struct tokenizer *t = new_tokenizer();
	if (load(t, path, e)) {
		tokenizer_free(t);
		return NULL;
	}
	return t;
}

int tokenizer_read_json(const char *path, struct arena *arena, struct slice *text, struct error *e)
{
	struct stat st;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		path = join(arena, slice_from(path), "tokenizer.json");
	if (read_file(path, arena, text, e))
		return -1;
	return is_json(*text) ? 0 : error_set(e, ERROR_MODEL, "%s: not a tokenizer.json", path);
}

int tokenizer_set_lowercase(struct tokenizer *t, bool lowercase, struct error *e)
{
	struct bert_normalizer *n = normalizer_bert(&t->normalizer);
	if (!n)
		return error_set(e, ERROR_USAGE,
			"the tokenizer has no BertNormalizer: it cannot choose to lowercase");
	n->lowercase = lowercase;
	if (n->accents_follow)
		n->strip_accents = lowercase;
	return tokenizer_finish(t, e);
}

int tokenizer_lowercase_first(struct tokenizer *t, struct error *e)
{
	struct bert_normalizer *n = normalizer_bert(&t->normalizer);
	if (!n)
		return error_set(e, ERROR_MODEL,
			"the tokenizer has no BertNormalizer: it cannot choose to lowercase");
	n->lowercase = true;
	return tokenizer_finish(t, e);
}
