/* SentencePiece's models against sentencepiece itself (tests/golden/sentencepiece_models.py), and models that
 * are broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "lib/file/mapping.h"
#include "lib/file/protobuf.h"
#include "lib/record/json.h"
#include "lib/token/tokenizer.h"
#include "tests/unit/source.h"

static struct slice golden(const char *name)
{
	return source_map(source_path("tests/golden/sentencepiece/%s", name));
}

static struct json next(struct json_iterator *i)
{
	assert_true(json_each(i));
	return i->value;
}

static int64_t next_number(struct json_iterator *i)
{
	int64_t n;
	assert_true(json_integer(next(i), &n));
	return n;
}

static void check_case(
	const struct tokenizer *t, const char *name, struct json row, struct arena *arena)
{
	struct json_iterator i = json_iterate(row);
	struct slice text = json_text(next(&i), arena);
	struct json ids = next(&i);
	struct json_iterator id = json_iterate(ids), offset = json_iterate(next(&i));
	struct slice decoded = json_text(next(&i), arena);
	struct tokenizer_options o = { .offsets = true, .byte_offsets = true };
	struct encoding x;
	struct error e;
	struct buffer out = { NULL, 0, 0 };
	if (tokenizer_encode(t, NULL, text, NULL, &o, arena, &x, &e))
		fail_msg("%s, \"%.*s\": %s", name, (int)text.size, text.data, e.msg);
	if (x.n != json_count(ids))
		fail_msg("%s, \"%.*s\": %zu tokens", name, (int)text.size, text.data, x.n);
	for (size_t k = 0; k < x.n; k++) {
		int64_t want = next_number(&id), start = next_number(&offset);
		int64_t end = next_number(&offset);
		if (x.ids[k] != want || x.offsets[k].start != start || x.offsets[k].end != end)
			fail_msg("%s, \"%.*s\": token %zu is %u [%u, %u)", name, (int)text.size,
				text.data, k, x.ids[k], x.offsets[k].start, x.offsets[k].end);
	}
	struct encoding fast; /* nobody asks for offsets */
	assert_int_equal(tokenizer_encode(t, NULL, text, NULL, &(struct tokenizer_options){ 0 },
				 arena, &fast, &e),
		0);
	if (fast.n != x.n || memcmp(fast.ids, x.ids, x.n * sizeof *x.ids) != 0)
		fail_msg(
			"%s, \"%.*s\": other ids without offsets", name, (int)text.size, text.data);
	assert_int_equal(tokenizer_decode(t, x.ids, x.n, false, &out, &e), 0);
	if (!slice_equal(buffer_view(&out), decoded))
		fail_msg("%s, \"%.*s\": decoded \"%.*s\"", name, (int)text.size, text.data,
			(int)out.size, out.data);
	buffer_free(&out);
}

static void texts_are_split_and_joined_as_sentencepiece_does(void **state)
{
	(void)state;
	struct slice text = golden("cases.jsonl");
	struct arena *arena = arena_new();
	const char *p = text.data, *end = text.data + text.size;
	size_t models = 0;
	for (; p < end; models++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		char name[100];
		struct json root;
		struct error e;
		assert_int_equal(json_read((struct slice){ p, (size_t)(stop - p) }, &root, &e), 0);
		struct slice model = json_text(json_get(root, "model"), arena);
		snprintf(name, sizeof name, "%.*s.model", (int)model.size, model.data);
		struct slice bytes = golden(name);
		struct tokenizer *t = tokenizer_from_sentencepiece(bytes, &e);
		mapping_close(bytes);
		if (!t)
			fail_msg("%s: %s", name, e.msg);
		for (struct json_iterator i = json_iterate(json_get(root, "cases")); json_each(&i);)
			check_case(t, name, i.value, arena);
		tokenizer_free(t);
		arena_clear(arena);
		p = stop + 1;
	}
	assert_int_equal(models, 16);
	arena_free(arena);
	mapping_close(text);
}

/* A text of one letter, of one emoji, of random letters: a megabyte each. */
static void long_texts_take_linear_time(void **state)
{
	(void)state;
	static const char *const names[] = { "bpe.model", "unigram.model", "bpe_bytes.model" };
	enum { SIZE = 1 << 20 };
	char *text = mem_alloc(SIZE);
	for (size_t i = 0; i < 3 * sizeof names / sizeof *names; i++) {
		struct error e;
		struct slice bytes = golden(names[i / 3]);
		struct tokenizer *t = tokenizer_from_sentencepiece(bytes, &e);
		struct arena *arena = arena_new();
		struct encoding x;
		assert_non_null(t);
		for (size_t j = 0; j < SIZE; j++)
			text[j] = i % 3 == 0   ? 'a'
				  : i % 3 == 1 ? "\xf0\x9f\x98\x80"[j % 4]
					       : (char)('a' + (j * 2654435761u >> 7) % 26);
		clock_t start = clock();
		assert_int_equal(tokenizer_encode(t, NULL, (struct slice){ text, SIZE }, NULL,
					 &(struct tokenizer_options){ 0 }, arena, &x, &e),
			0);
		double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
		if (seconds > 15) /* 0.3 s, but sanitizers and a busy machine are slow */
			fail_msg("%s: text %zu takes %.1f s", names[i / 3], i % 3, seconds);
		arena_free(arena);
		tokenizer_free(t);
		mapping_close(bytes);
	}
	mem_free(text);
}

/* --- Broken files -------------------------------------------------------------------------------- */

/* Its unknown piece; a piece "a". */
#define UNK "\x0a\x09\x0a\x05<unk>\x18\x02"
#define A "\x0a\x03\x0a\x01" "a"

/* clang-format off */
static const struct {
	const char *name;
	struct slice model;
	const char *message; /* behind "SentencePiece model: "; NULL: it is good */
} broken[] = {
	{ "good", SLICE(UNK A), NULL },
	{ "nothing", SLICE(""), "it has 0 pieces" },
	{ "a number cut short", SLICE(UNK "\x80"),
		"a number is cut short, or longer than 64 bits" },
	{ "a number of eleven bytes", SLICE("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
		"a number is cut short, or longer than 64 bits" },
	{ "a number of 65 bits", SLICE("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
		"a number is cut short, or longer than 64 bits" },
	{ "a field without a number", SLICE("\x02\x00"), "a field has the number 0" },
	{ "a field of too high a number", SLICE("\x80\x80\x80\x80\x10\x00"),
		"a field has the number 536870912" },
	{ "a group", SLICE("\x0b\x0c"), "field 1 has the wire type 3" },
	{ "wire type 7", SLICE("\x0f"), "field 1 has the wire type 7" },
	{ "a length beyond the end", SLICE(UNK "\x0a\x04\x0a\x01" "a"),
		"field 1 has 4 bytes, cut short: 3 there" },
	{ "a length of 2^64 - 1", SLICE(UNK "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
		"field 1 has 18446744073709551615 bytes, cut short: 0 there" },
	{ "a length beyond its message", SLICE(UNK "\x0a\x03\x0a\x02" "a"),
		"piece 1: field 1 has 2 bytes, cut short: 1 there" },
	{ "a fixed number cut short", SLICE(UNK "\x0a\x06\x0a\x01" "a\x15\x00\x00"),
		"piece 1: a number of 4 bytes is cut short" },
	{ "a piece that is a number", SLICE("\x08\x01"), "field 1 is not bytes" },
	{ "a text that is a number", SLICE("\x0a\x02\x08\x01"), "piece 0: field 1 is not bytes" },
	{ "a score that is whole", SLICE("\x0a\x05\x0a\x01" "a\x10\x01"),
		"piece 0: field 2 is not a float" },
	{ "a score that is no number", SLICE("\x0a\x08\x0a\x01" "a\x15\x00\x00\xc0\x7f"),
		"piece 0: its score is not finite" },
	{ "an empty piece", SLICE("\x0a\x00"), "piece 0: it is empty" },
	{ "a piece that is not UTF-8", SLICE("\x0a\x03\x0a\x01\xff"), "piece 0: it is not UTF-8" },
	{ "a type of none", SLICE("\x0a\x05\x0a\x01" "a\x18\x07"), "piece 0: it has the type 7" },
	{ "no unknown piece", SLICE(A), "no piece is the unknown one" },
	{ "two unknown pieces", SLICE(UNK "\x0a\x05\x0a\x01" "a\x18\x02"),
		"pieces 0 and 1 are both the unknown one" },
	{ "a piece twice", SLICE(UNK A A), "piece 2, \"a\", is there twice" },
	{ "a byte without byte_fallback", SLICE(UNK "\x0a\x0a\x0a\x06<0x00>\x18\x06"),
		"piece 1 is a byte, but byte_fallback is off" },
	{ "a byte that is none", SLICE(UNK "\x0a\x0a\x0a\x06<0x-1>\x18\x06\x12\x03\x98\x02\x01"),
		"piece 1, \"<0x-1>\", is not a byte" },
	{ "bytes that are missing", SLICE(UNK "\x0a\x0a\x0a\x06<0x00>\x18\x06\x12\x03\x98\x02\x01"),
		"byte_fallback is on, but there is no piece <0x01>" },
	{ "a model of words", SLICE(UNK "\x12\x02\x18\x03"),
		"trainer_spec: its model_type is 3; 1 (UNIGRAM) and 2 (BPE) are supported" },
	{ "a charsmap of one byte", SLICE(UNK "\x1a\x03\x12\x01x"),
		"precompiled_charsmap: 1 byte, not even its trie's size" },
	{ "a denormalizer", SLICE(UNK "\x2a\x03\x12\x01x"),
		"denormalizer_spec: denormalizer_spec is not supported" },
};
/* clang-format on */

static void broken_models_are_refused(void **state)
{
	static const char prefix[] = "SentencePiece model: ";
	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct error e = { 0 };
		struct tokenizer *t = tokenizer_from_sentencepiece(broken[i].model, &e);
		size_t from = strncmp(e.msg, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0;
		if (!t != !!broken[i].message || (!t && strcmp(e.msg + from, broken[i].message)))
			fail_msg("%s: %s", broken[i].name, t ? "read" : e.msg);
		assert_int_equal(e.code, t ? 0 : ERROR_MODEL);
		tokenizer_free(t);
	}
}

/* Cut anywhere, a model is whole pieces that lack others, or an error. */
static void models_cut_short_do_no_harm(void **state)
{
	(void)state;
	struct slice model = golden("bpe_symbols.model");
	size_t refused = 0;
	for (size_t n = 0; n < model.size; n++) {
		struct error e = { 0 };
		char *copy = mem_alloc(n); /* for sanitizers to see its end */
		memcpy(copy, model.data, n);
		struct tokenizer *t = tokenizer_from_sentencepiece((struct slice){ copy, n }, &e);
		refused += !t;
		assert_true(t || e.code == ERROR_MODEL);
		tokenizer_free(t);
		mem_free(copy);
	}
	assert_in_range(refused, model.size * 8 / 10, model.size - 1);
	mapping_close(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_split_and_joined_as_sentencepiece_does),
		cmocka_unit_test(long_texts_take_linear_time),
		cmocka_unit_test(broken_models_are_refused),
		cmocka_unit_test(models_cut_short_do_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
