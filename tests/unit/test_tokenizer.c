/*
 * The tokenizer: goldens of Hugging Face tokenizers for every configuration, hashes over whole
 * corpora and over every code point, refusals of broken files in their words, and what holds
 * for any text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "lib/record/record.h"
#include "lib/text/utf8.h"
#include "lib/token/tokenizer.h"
#include "tests/unit/token_golden.h"

static const struct tokenizer_options everything = { .add_special = true, .offsets = true, .type_ids = true,
	.special_mask = true, .word_ids = true };

static struct tokenizer *open_golden(const char *name)
{
	char relative[256];
	struct error e = { 0 };
	snprintf(relative, sizeof relative, "tests/golden/wordpiece/%s", name);
	struct tokenizer *t = tokenizer_open(source_path("%s", relative), &e);
	if (!t)
		fail_msg("%s: %s", name, e.msg);
	return t;
}

/* Text of its exact size, so that a sanitizer sees a read beyond it. */
static struct slice exact(struct slice text)
{
	char *copy = malloc(text.size ? text.size : 1);
	assert_non_null(copy);
	memcpy(copy, text.data, text.size);
	return (struct slice){ copy, text.size };
}

static void encode(const struct tokenizer *t, struct slice text, const struct tokenizer_options *o, struct arena *arena,
	struct encoding *x)
{
	struct error e = { 0 };
	struct slice copy = exact(text);
	if (tokenizer_encode(t, NULL, copy, NULL, o, arena, x, &e))
		fail_msg("%s", e.msg);
	free((char *)copy.data);
}

/* --- Goldens ------------------------------------------------------------------------------- */

static int64_t whole(struct json v)
{
	int64_t x = -1;
	if (v.type == JSON_NULL)
		return TOKENIZER_NO_ID;
	assert_true(json_integer(v, &x));
	return x;
}

/* The array that a case has under a name, as x[i] or x[i / 2] would be written. */
static bool same(struct json list, const struct encoding *x, const char *name)
{
	size_t i = 0;
	if (json_count(list) != x->n)
		return false;
	for (struct json_iterator j = json_iterate(list); json_each(&j); i++) {
		if (strcmp(name, "offsets") == 0) {
			struct json_iterator pair = json_iterate(j.value);
			json_each(&pair);
			bool start = whole(pair.value) == x->offsets[i].start;
			json_each(&pair);
			if (!start || whole(pair.value) != x->offsets[i].end)
				return false;
			continue;
		}
		uint32_t got = strcmp(name, "ids") == 0 ? x->ids[i] : strcmp(name, "type_ids") == 0 ? x->type_ids[i]
			: strcmp(name, "special_mask") == 0 ? x->special_mask[i] : x->word_ids[i];
		if ((uint32_t)whole(j.value) != got)
			return false;
	}
	return true;
}

static void check_case(const struct tokenizer *t, struct json v, struct arena *arena)
{
	static const char *const fields[] = { "ids", "offsets", "type_ids", "special_mask", "word_ids" };
	struct tokenizer_options o = everything;
	struct encoding x;
	struct error e = { 0 };
	struct json second = json_get(v, "pair"), limit = json_get(v, "max_length");
	struct slice text = exact(json_text(json_get(v, "text"), arena)), pair = { NULL, 0 };
	if (second.type == JSON_STRING)
		pair = exact(json_text(second, arena));
	o.add_special = json_get(v, "special").type == JSON_TRUE;
	o.max_length = limit.type == JSON_NUMBER ? (size_t)whole(limit) : 0;
	if (tokenizer_encode(t, NULL, text, pair.data ? &pair : NULL, &o, arena, &x, &e))
		fail_msg("%.*s: %s", (int)v.raw.size, v.raw.data, e.msg);
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (!same(json_get(v, fields[i]), &x, fields[i]))
			fail_msg("%s of %.*s", fields[i], (int)v.raw.size, v.raw.data);
	struct json decoded = json_get(v, "decoded"), skipped = json_get(v, "skipped");
	struct buffer b = { NULL, 0, 0 };
	tokenizer_decode(t, x.ids, x.n, false, &b, NULL);
	if (!slice_equal(buffer_view(&b), json_text(decoded, arena)))
		fail_msg("decoded is %.*s: %.*s", (int)b.size, b.data, (int)v.raw.size, v.raw.data);
	buffer_clear(&b);
	tokenizer_decode(t, x.ids, x.n, true, &b, NULL);
	if (!slice_equal(buffer_view(&b), json_text(skipped.type == JSON_STRING ? skipped : decoded, arena)))
		fail_msg("decoded without special tokens is %.*s: %.*s", (int)b.size, b.data, (int)v.raw.size, v.raw.data);
	buffer_free(&b);
	free((char *)text.data);
	free((char *)pair.data);
}

static void cases_are_answered_as_the_reference_does(void **state)
{
	(void)state;
	struct buffer lines = read_golden("cases.jsonl");
	struct arena *arena = arena_new();
	struct tokenizer *t = NULL;
	char open[64] = "";
	size_t n = 0;
	for (size_t i = 0; i < lines.size; n++) {
		size_t size = (size_t)((char *)memchr(lines.data + i, '\n', lines.size - i) - (lines.data + i));
		struct json v;
		struct error e;
		assert_int_equal(json_read((struct slice){ lines.data + i, size }, &v, &e), 0);
		char name[64];
		struct slice s = json_text(json_get(v, "tokenizer"), arena);
		snprintf(name, sizeof name, "%.*s.json", (int)s.size, s.data);
		if (strcmp(name, open)) {
			tokenizer_free(t);
			t = open_golden(name);
			strcpy(open, name);
		}
		check_case(t, v, arena);
		arena_clear(arena);
		i += size + 1;
	}
	assert_true(n > 500);
	tokenizer_free(t);
	arena_free(arena);
	buffer_free(&lines);
}

static uint64_t hash_encoding(uint64_t h, const struct encoding *x, struct buffer *b)
{
	uint32_t n = (uint32_t)x->n;
	buffer_clear(b);
	buffer_add(b, &n, sizeof n);
	buffer_add(b, x->ids, x->n * sizeof *x->ids);
	buffer_add(b, x->offsets, x->n * sizeof *x->offsets);
	return hash_bytes(h, b->data, b->size);
}

static void every_code_point_is_tokenized_as_the_reference_does(void **state)
{
	static const char *const names[] = { "uncased", "bare", "whole" };
	const struct tokenizer_options o = { .add_special = true, .offsets = true };
	(void)state;
	struct arena *arena = arena_new();
	struct buffer b = { NULL, 0, 0 };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char file[64];
		snprintf(file, sizeof file, "%s.json", names[i]);
		struct tokenizer *t = open_golden(file);
		uint64_t h = 0;
		for (size_t context = 0; context < 2; context++)
			for (uint32_t c = 0; c < 0x110000; c += c == 0xd7ff ? 0x801 : 1) {
				char bytes[4], text[32];
				struct encoding x;
				size_t n = in_context(text, context, bytes, utf8_encode(bytes, c));
				assert_int_equal(tokenizer_encode(t, NULL, (struct slice){ text, n }, NULL, &o, arena, &x, NULL), 0);
				h = hash_encoding(h, &x, &b);
				arena_clear(arena);
			}
		if (h != golden_hash(names[i], "code points"))
			fail_msg("%s: see tests/golden/wordpiece.py compare", names[i]);
		tokenizer_free(t);
	}
	buffer_free(&b);
	arena_free(arena);
}

/* --- Corpora in shared/data ------------------------------------------------------------------ */

static bool is_there(const char *path)
{
	return access(path, R_OK) == 0;
}

/* The words of a record of wnut17, joined by spaces. */
static struct slice join(struct json words, struct arena *arena)
{
	struct buffer b = { NULL, 0, 0 };
	for (struct json_iterator i = json_iterate(words); json_each(&i);) {
		if (b.size)
			buffer_char(&b, ' ');
		buffer_slice(&b, json_text(i.value, arena));
	}
	struct slice s = arena_copy(arena, buffer_view(&b));
	buffer_free(&b);
	return s;
}

struct corpus {
	const char *name, *files[3];
	const char *whole;	/* a file that is one more text */
};

static uint64_t hash_corpus(const struct tokenizer *t, const struct corpus *c, const char *data)
{
	const struct tokenizer_options o = { .add_special = true, .offsets = true };
	struct arena *arena = arena_new();
	struct buffer b = { NULL, 0, 0 };
	struct encoding x;
	struct record r;
	struct error e;
	uint64_t h = 0;
	for (size_t i = 0; i < 3 && c->files[i]; i++) {
		char path[8192];
		const char *files[] = { path };
		snprintf(path, sizeof path, "%s/%s", data, c->files[i]);
		struct reader_options ro = { .files = files, .n_files = 1 };
		struct reader *reader = reader_open(&ro, &e);
		if (!reader)
			fail_msg("%s", e.msg);
		size_t text = reader_want(reader, "text"), tokens = reader_want(reader, "tokens");
		for (; reader_next(reader, arena, &r, NULL, &e) == 1; arena_clear(arena)) {
			struct json v = r.values[text].json, words = r.values[tokens].json;
			struct slice s = v.type == JSON_STRING ? json_text(v, arena) : join(words, arena);
			assert_int_equal(tokenizer_encode(t, NULL, s, NULL, &o, arena, &x, &e), 0);
			h = hash_encoding(h, &x, &b);
		}
		reader_close(reader);
	}
	if (c->whole) {
		char path[8192];
		snprintf(path, sizeof path, "%s/%s", data, c->whole);
		struct buffer text = { NULL, 0, 0 };
		FILE *f = fopen(path, "rb");
		assert_non_null(f);
		for (size_t n; (n = fread(buffer_reserve(&text, 1 << 16), 1, 1 << 16, f)) > 0;)
			text.size += n;
		fclose(f);
		assert_int_equal(tokenizer_encode(t, NULL, buffer_view(&text), NULL, &o, arena, &x, &e), 0);
		h = hash_encoding(h, &x, &b);
		buffer_free(&text);
	}
	buffer_free(&b);
	arena_free(arena);
	return h;
}

static void corpora_are_tokenized_as_the_reference_does(void **state)
{
	static const struct corpus corpora[] = {
		{ "acl_abstracts", { "acl_abstracts/acl_2016plus.jsonl.gz" }, NULL },
		{ "wikitext2", { "wikitext2/test.jsonl" }, "wikitext2/wiki.test.raw" },
		{ "wnut17", { "wnut17/train.jsonl", "wnut17/validation.jsonl", "wnut17/test.jsonl" }, NULL },
	};
	static const struct {
		const char *golden, *path;
		bool cased;
	} models[] = {
		{ "bert-base-uncased", "tokenizers/bert-base-uncased", false },
		{ "bert-base-uncased", "tokenizers/bert-base-uncased/vocab.txt", false },
		{ "bert-base-uncased", "tokenizers/all-MiniLM-L6-v2", false },
		{ "bert-base-cased", "tokenizers/bert-base-cased/vocab.txt", false },
		{ "bert-base-cased --no-lowercase", "tokenizers/bert-base-cased", true },
	};
	(void)state;
	char data[4096], path[8192] = "";
	snprintf(data, sizeof data, "%s", source_path("../shared/data"));
	if (!is_there(data))
		skip();
	for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
		struct error e;
		snprintf(path, sizeof path, "%s/%s", data, models[i].path);
		struct tokenizer *t = tokenizer_open(path, &e);
		if (!t)
			fail_msg("%s", e.msg);
		if (models[i].cased)
			assert_int_equal(tokenizer_set_lowercase(t, false, &e), 0);
		for (size_t j = 0; j < sizeof corpora / sizeof *corpora; j++) {
#if !HAVE_ZLIB
			if (j == 0)
				continue;
#endif
			if (j == 0 && i != 0 && !getenv("HEDDLE_SLOW"))	/* 42 MB: once will do */
				continue;
			if (hash_corpus(t, &corpora[j], data) != golden_hash(models[i].golden, corpora[j].name))
				fail_msg("%s on %s: see tests/golden/wordpiece.py compare", models[i].path, corpora[j].name);
		}
		tokenizer_free(t);
	}
}

/*
 * --- What holds for any text
 * -------------------------------------------------------------------
 */

static struct slice repeat(struct slice part, size_t n)
{
	char *p = malloc(part.size * n);
	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		memcpy(p + i * part.size, part.data, part.size);
	return (struct slice){ p, part.size * n };
}

static void words_of_a_megabyte_take_linear_time(void **state)
{
	static const struct {
		const char *name;
		struct slice part;
		size_t tokens, tokens_long;	/* where a word may have 100, 10^9 letters */
	} rows[] = {
		{ "one letter", SLICE("a"), 1, 1000000 },
		{ "an accented letter", SLICE("\xc3\xa9"), 1, 1000000 },
		{ "a letter and two marks", SLICE("a\xcc\x81\xcc\xa3"), 1, 1000000 },
		{ "marks alone", SLICE("\xcc\x81"), 0, 0 },
		{ "marks that must be sorted", SLICE("\xcc\x81\xcc\xa3"), 0, 0 },
		{ "ideographs", SLICE("\xe4\xb8\xad"), 1000000, 1000000 },
		{ "punctuation", SLICE("!"), 1000000, 1000000 },
		{ "emoji", SLICE("\xf0\x9f\x98\x80"), 1, 1000000 },
		{ "controls", SLICE("\x01"), 0, 0 },
		{ "spaces", SLICE(" "), 0, 0 },
		{ "what is nearly a token, again and again", SLICE("supercalifragilisticexpialidociou"), 1, 0 },
		{ "special tokens", SLICE("[SEP]"), 1000000, 1000000 },
		{ "what is nearly a special token", SLICE("[SEP"), 4000000, 4000000 },
	};
	(void)state;
	struct tokenizer *usual = open_golden("uncased.json"), *large = open_golden("long.json");
	struct arena *arena = arena_new();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct slice text = repeat(rows[i].part, 1000000);
		struct encoding x;
		encode(usual, text, &everything, arena, &x);
		if (x.n != rows[i].tokens + 2)
			fail_msg("%s: %zu tokens", rows[i].name, x.n);
		encode(large, text, &everything, arena, &x);
		if (rows[i].tokens_long && x.n != rows[i].tokens_long + 2)
			fail_msg("%s, long words: %zu tokens", rows[i].name, x.n);
		free((char *)text.data);
		arena_clear(arena);
	}
	arena_free(arena);
	tokenizer_free(usual);
	tokenizer_free(large);
}

static void bytes_that_are_not_utf8_are_replacement_characters(void **state)
{
	static const struct {
		struct slice text;
		size_t n;
		struct token_offset offsets[4];
	} rows[] = {
		{ SLICE("a\xff"), 1, { { 0, 1 } } },
		{ SLICE("a \xc3 b"), 2, { { 0, 1 }, { 4, 5 } } },
		{ SLICE("\xe2\x82 b \xf0\x9f\x98 c"), 2, { { 2, 3 }, { 6, 7 } } },
		{ SLICE("\xed\xa0\x80" "a"), 1, { { 3, 4 } } },
	};
	(void)state;
	struct tokenizer *t = open_golden("uncased.json");
	struct arena *arena = arena_new();
	struct tokenizer_options o = { .offsets = true };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct encoding x;
		encode(t, rows[i].text, &o, arena, &x);
		assert_int_equal(x.n, rows[i].n);
		assert_memory_equal(x.offsets, rows[i].offsets, x.n * sizeof *x.offsets);
	}
	arena_free(arena);
	tokenizer_free(t);
}

static void offsets_may_be_bytes(void **state)
{
	(void)state;
	struct tokenizer *t = open_golden("uncased.json");
	struct arena *arena = arena_new();
	struct tokenizer_options o = { .offsets = true, .byte_offsets = true };
	struct encoding x;
	encode(t, SLICE("Caf\xc3\xa9 \xe4\xb8\xad hello"), &o, arena, &x);
	const struct token_offset want[] = { { 0, 5 }, { 6, 9 }, { 10, 15 } };
	assert_int_equal(x.n, 3);
	assert_memory_equal(x.offsets, want, sizeof want);
	assert_null(x.type_ids);
	assert_null(x.special_mask);
	assert_null(x.word_ids);
	arena_free(arena);
	tokenizer_free(t);
}

static void a_limit_must_leave_room_for_special_tokens(void **state)
{
	(void)state;
	struct tokenizer *t = open_golden("uncased.json");
	struct arena *arena = arena_new();
	struct tokenizer_options o = { .add_special = true, .max_length = 1 };
	struct encoding x;
	struct error e = { 0 };
	assert_int_equal(tokenizer_added(t, false), 2);
	assert_int_equal(tokenizer_added(t, true), 3);
	assert_int_equal(tokenizer_encode(t, NULL, SLICE("a"), NULL, &o, arena, &x, &e), -1);
	assert_int_equal(e.code, ERROR_USAGE);
	assert_non_null(strstr(e.msg, "no room for the 2 special tokens"));
	o.max_length = 2;
	assert_int_equal(tokenizer_encode(t, NULL, SLICE("a"), NULL, &o, arena, &x, &e), 0);
	assert_int_equal(x.n, 2);
	arena_free(arena);
	tokenizer_free(t);
}

static void a_vocabulary_is_known_in_both_directions(void **state)
{
	(void)state;
	struct tokenizer *t = open_golden("added.json");
	size_t n = 0;
	for (uint32_t id = 0; id < tokenizer_vocab_size(t); id++) {
		struct slice token = tokenizer_token(t, id);
		if (!token.data)
			continue;
		assert_int_equal(tokenizer_id(t, token), id);
		n++;
	}
	assert_true(n > 200);
	assert_null(tokenizer_token(t, (uint32_t)tokenizer_vocab_size(t)).data);
	assert_int_equal(tokenizer_id(t, SLICE("no such token")), (uint32_t)TOKENIZER_NO_ID);
	assert_int_equal(tokenizer_unknown(t), tokenizer_id(t, SLICE("[UNK]")));
	assert_true(tokenizer_is_special(t, tokenizer_id(t, SLICE("[SEP]"))));
	assert_false(tokenizer_is_special(t, tokenizer_id(t, SLICE("<x>"))));
	assert_false(tokenizer_is_special(t, tokenizer_id(t, SLICE("hello"))));
	assert_false(tokenizer_is_special(t, UINT32_MAX));
	tokenizer_free(t);
}

/* RoBERTa's <mask> takes in the white space before it, and its offsets are trimmed: by a no-break space of two bytes here. */
static void trimmed_offsets_in_bytes_are_those_of_characters(void **state)
{
	(void)state;
	static const char json[] = "{\"added_tokens\":[{\"id\":2,\"content\":\"<m>\",\"lstrip\":true,\"rstrip\":true}],"
		"\"post_processor\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true},"
		"\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"?\",\"vocab\":{\"?\":0,\"a\":1}}}";
	static const struct token_offset chars[] = { { 0, 1 }, { 2, 5 } }, bytes[] = { { 0, 1 }, { 3, 6 } };
	struct error e = { 0 };
	struct tokenizer *t = tokenizer_from_json(SLICE(json), &e);
	if (!t)
		fail_msg("%s", e.msg);
	struct arena *arena = arena_new();
	for (int unit = 0; unit < 2; unit++) {
		struct tokenizer_options o = { .offsets = true, .byte_offsets = unit };
		struct encoding x;
		encode(t, SLICE("a\xc2\xa0<m>\xe3\x80\x80"), &o, arena, &x);
		assert_int_equal(x.n, 2);
		assert_memory_equal(x.offsets, unit ? bytes : chars, sizeof chars);
	}
	arena_free(arena);
	tokenizer_free(t);
}

/*
 * tokenizer.add_tokens(["COVID", "Covid"]) on a model that lowercases: the reference takes them, and
 * chance decides which of them it finds.
 */
static void of_added_tokens_that_normalize_to_the_same_the_first_is_found(void **state)
{
	(void)state;
	static const char json[] = "{\"normalizer\":{\"type\":\"Lowercase\"},\"added_tokens\":[{\"id\":1,\"content\":\"AB\"},"
		"{\"id\":2,\"content\":\"ab\"}],\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"?\",\"vocab\":{\"?\":0}}}";
	struct error e = { 0 };
	struct tokenizer *t = tokenizer_from_json(SLICE(json), &e);
	if (!t)
		fail_msg("%s", e.msg);
	struct arena *arena = arena_new();
	struct encoding x;
	encode(t, SLICE("ab"), &everything, arena, &x);
	assert_int_equal(x.n, 1);
	assert_int_equal(x.ids[0], 1);
	assert_int_equal(tokenizer_id(t, SLICE("ab")), 2);
	arena_free(arena);
	tokenizer_free(t);
}

static void threads_share_a_tokenizer(void **state)
{
	(void)state;
	struct tokenizer *t = open_golden("added.json");
	size_t wrong = 0;
#pragma omp parallel for num_threads(4) reduction(+ : wrong)
	for (size_t i = 0; i < 2000; i++) {
		struct arena *arena = arena_new();
		struct encoding x;
		if (tokenizer_encode(t, NULL, SLICE("hello <x> \xc3\xa9t\xc3\xa9 unaffable"), NULL, &everything, arena, &x, NULL)
			|| x.n != 8)
			wrong++;
		arena_free(arena);
	}
	assert_int_equal(wrong, 0);
	tokenizer_free(t);
}

static void lowercase_can_be_chosen(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	struct encoding lower, upper;
	struct error e = { 0 };
	struct tokenizer *t = open_golden("vocab.txt");
	encode(t, SLICE("The caf\xc3\xa9"), &everything, arena, &lower);
	assert_int_equal(tokenizer_set_lowercase(t, false, &e), 0);
	encode(t, SLICE("The caf\xc3\xa9"), &everything, arena, &upper);
	assert_int_equal(lower.ids[1], tokenizer_id(t, SLICE("the")));
	assert_int_equal(lower.ids[2], tokenizer_id(t, SLICE("cafe")));
	assert_int_not_equal(upper.ids[1], lower.ids[1]);
	assert_int_equal(upper.ids[upper.n - 2], tokenizer_id(t, SLICE("caf\xc3\xa9")));
	tokenizer_free(t);
	t = open_golden("bare.json");
	assert_int_equal(tokenizer_set_lowercase(t, true, &e), -1);
	assert_int_equal(e.code, ERROR_USAGE);
	tokenizer_free(t);
	arena_free(arena);
}

/* The reference takes such a vocabulary; a word that it cannot spell is its error, "Missing [UNK] token from the vocabulary". */
static void wordpiece_needs_its_unknown_token_only_for_unknown_words(void **state)
{
	(void)state;
	static const char *const pre_tokenizers[] = { "BertPreTokenizer", "Whitespace" };
	static const uint32_t ids[] = { 0, 0, 1 };
	struct arena *arena = arena_new();
	for (int i = 0; i < 2; i++) {
		struct buffer json = { 0 };
		struct error e = { 0 };
		struct encoding x;
		buffer_printf(&json, "{\"pre_tokenizer\":{\"type\":\"%s\"},\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\","
			"\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":4,\"vocab\":{\"a\":0,\"##b\":1}}}", pre_tokenizers[i]);
		struct tokenizer *t = tokenizer_from_json(buffer_view(&json), &e);
		if (!t)
			fail_msg("%s", e.msg);
		assert_int_equal(tokenizer_unknown(t), UINT32_MAX);
		encode(t, SLICE("a ab"), &everything, arena, &x);
		assert_int_equal(x.n, 3);
		assert_memory_equal(x.ids, ids, sizeof ids);
		static const char *const cannot[] = { "a c", "a .", "abbbb", "a\xc3\xa9" };
		for (size_t k = 0; k < sizeof cannot / sizeof *cannot; k++) {
			assert_int_equal(tokenizer_encode(t, NULL, slice_from(cannot[k]), NULL, &everything, arena, &x, &e), -1);
			assert_int_equal(e.code, ERROR_MODEL);
			assert_non_null(strstr(e.msg, "no unknown token"));
		}
		tokenizer_free(t);
		buffer_free(&json);
	}
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cases_are_answered_as_the_reference_does),
		cmocka_unit_test(every_code_point_is_tokenized_as_the_reference_does),
		cmocka_unit_test(corpora_are_tokenized_as_the_reference_does),
		cmocka_unit_test(words_of_a_megabyte_take_linear_time),
		cmocka_unit_test(bytes_that_are_not_utf8_are_replacement_characters),
		cmocka_unit_test(offsets_may_be_bytes),
		cmocka_unit_test(trimmed_offsets_in_bytes_are_those_of_characters),
		cmocka_unit_test(a_limit_must_leave_room_for_special_tokens),
		cmocka_unit_test(a_vocabulary_is_known_in_both_directions),
		cmocka_unit_test(of_added_tokens_that_normalize_to_the_same_the_first_is_found),
		cmocka_unit_test(threads_share_a_tokenizer),
		cmocka_unit_test(lowercase_can_be_chosen),
		cmocka_unit_test(wordpiece_needs_its_unknown_token_only_for_unknown_words),
	};
	return cmocka_run_group_tests_name("tokenizer", tests, NULL, NULL);
}
