/*
 * Byte-level BPE from vocab.json with merges.txt and from files of tiktoken: goldens, and refusals
 * in their words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/record/json.h"
#include "lib/token/tokenizer.h"
#include "tests/unit/token_golden.h"

static void check_ids(const struct tokenizer *t, const char *name, struct slice text,
	struct json want, struct arena *arena)
{
	struct encoding x;
	struct error e = { 0 };
	size_t i = 0;
	if (tokenizer_encode(t, NULL, text, NULL, &(struct tokenizer_options){ .offsets = false },
		    arena, &x, &e))
		fail_msg("%s: %s", name, e.msg);
	bool same = x.n == json_count(want);
	for (struct json_iterator j = json_iterate(want); same && json_each(&j); i++) {
		int64_t id = -1;
		same = json_integer(j.value, &id) && id == x.ids[i];
	}
	if (!same)
		fail_msg("%s: \"%.*s\"", name, (int)text.size, text.data);
}

static void tiktoken_makes_the_same_ids(void **state)
{
	(void)state;
	struct buffer file = source_read(source_path("tests/golden/bpe/tiktoken.json"));
	struct arena *arena = arena_new();
	struct json root;
	struct error e = { 0 };
	size_t cases = 0;
	assert_int_equal(json_read(buffer_view(&file), &root, &e), 0);
	struct slice ranks = json_text(json_get(root, "ranks"), arena);
	for (struct json_iterator i = json_iterate(json_get(root, "cases")); json_each(&i);
		cases++) {
		char *name = arena_string(arena, json_text(json_get(i.value, "name"), arena));
		struct tokenizer *t = tokenizer_from_tiktoken(ranks, name, &e);
		if (!t)
			fail_msg("%s: %s", name, e.msg);
		struct json_iterator text = json_iterate(json_get(root, "texts")),
				     ids = json_iterate(json_get(i.value, "ids"));
		while (json_each(&text) && json_each(&ids))
			check_ids(t, name, json_text(text.value, arena), ids.value, arena);
		tokenizer_free(t);
	}
	assert_int_equal(cases, 3);
	arena_free(arena);
	buffer_free(&file);
}

/* The special tokens of an encoding have the ids that tiktoken gives them, whatever the ranks leave free. */
static void special_tokens_of_tiktoken(void **state)
{
	(void)state;
	struct error e = { 0 };
	struct arena *arena = arena_new();
	struct encoding x;
	/* a, b, ab */
	struct tokenizer *t = tokenizer_from_tiktoken(
		SLICE("YQ== 0\nYg== 1\r\nYWI= 2\n"), "my-cl100k.tiktoken", &e);
	if (!t)
		fail_msg("%s", e.msg);
	assert_int_equal(tokenizer_encode(t, NULL, SLICE("ab<|endofprompt|>b"), NULL,
				 &(struct tokenizer_options){ .offsets = false }, arena, &x, &e),
		0);
	assert_int_equal(x.n, 3);
	assert_int_equal(x.ids[0], 2);
	assert_int_equal(x.ids[1], 100276);
	assert_true(tokenizer_is_special(t, 100257));
	tokenizer_free(t);
	arena_free(arena);
}

static void broken_tiktoken_files_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *name, *text, *message;
	} cases[] = {
		{ "x.tiktoken", "YQ== 0\n", "how a tiktoken file splits text is in its name only" },
		{ "gpt2", "YQ== 0\nYQ==\n", "line 2 is not a token in base64 and its rank" },
		{ "gpt2", "YQ== 0\n 1\n", "line 2 is not a token in base64 and its rank" },
		{ "gpt2", "YQ== 0\nY? 1\n", "line 2 is not a token in base64 and its rank" },
		{ "gpt2", "YQ== -1\n", "line 1 is not a token in base64 and its rank" },
		{ "gpt2", "YQ== 1x\n", "line 1 is not a token in base64 and its rank" },
		{ "gpt2", "YQ== 4294967296\n", "line 1 is not a token in base64 and its rank" },
		{ "gpt2", "YQ== 999999999\n", "has id 999999999, the largest allowed is" },
		{ "gpt2", "YQ== 0\nYg== 0\n", "line 2: tokens \"a\" and \"b\" have the same id 0" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error e = { 0 };
		assert_null(tokenizer_from_tiktoken(slice_from(cases[i].text), cases[i].name, &e));
		assert_int_equal(e.code, ERROR_MODEL);
		if (!strstr(e.msg, cases[i].message))
			fail_msg("%s: %s", cases[i].text, e.msg);
	}
}

static void vocab_and_merges(void **state)
{
	(void)state;
	struct error e = { 0 };
	struct arena *arena = arena_new();
	struct json want;
	struct slice vocab = SLICE(
		"{\"a\":0,\"b\":1,\"ab\":2,\"\\u0120\":3,\"\\u0120ab\":4,\"<|endoftext|>\":5}");
	struct tokenizer *t =
		tokenizer_from_merges(vocab, SLICE("#version: 0.2\na b\nĠ ab\n\n"), &e);
	if (!t)
		fail_msg("%s", e.msg);
	assert_int_equal(json_read(SLICE("[2,4,3,5,0]"), &want, &e), 0);
	check_ids(t, "merges", SLICE("ab ab <|endoftext|>a"), want, arena);
	assert_true(tokenizer_is_special(t, 5));
	tokenizer_free(t);
	static const struct {
		const char *vocab, *merges, *message;
	} cases[] = {
		{ "[]", "", "not a JSON object" },
		{ "{", "", "" },
		{ "{\"a\":\"0\"}", "", "the id of token \"a\" is not a whole number" },
		{ "{\"a\":0,\"b\":1,\"ab\":2}", "a b\na\n",
			"merges.txt: line 2: merge 2: \"a\" is not two tokens" },
		{ "{\"a\":0,\"b\":1,\"ab\":2}", "a b\n\nb a\n",
			"merges.txt: line 2: merge 2: \"\" is not two tokens" },
		{ "{\"a\":0,\"b\":1,\"ab\":2}", "b a\n",
			"merge 1: tokens \"b\" and \"a\" make one that is not in the vocabulary" },
		{ "{\"a\":0}", "\xff\xfe\n", "merges.txt: not UTF-8" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_null(tokenizer_from_merges(
			slice_from(cases[i].vocab), slice_from(cases[i].merges), &e));
		assert_int_equal(e.code, ERROR_MODEL);
		if (!strstr(e.msg, cases[i].message))
			fail_msg("%s: %s", cases[i].merges, e.msg);
	}
	arena_free(arena);
}

/* The model is read while it is checked, in whatever order its members come; the last of a name counts. */
static void members_in_any_order(void **state)
{
	(void)state;
#define V "\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"b##\":3,\"a\\u0062\\u0062\":4}"
#define M "\"merges\":[\"a b\",[\"ab\",\"b\"]]"
#define U "\"unk_token\":\"a\""
	static const struct {
		const char *json, *ids; /* of "abbbx" */
	} good[] = {
		{ "{\"model\":{\"type\":\"BPE\"," U "," V "," M "}}", "[4,1,0]" },
		{ "{\"model\":{" M "," V "," U ",\"type\":\"BPE\"}}", "[4,1,0]" },
		{ "{\"model\":{" V "," M "," U "}}", "[4,1,0]" },
		{ "{\"model\":{" V "," M "}}", "[4,1]" },
		{ "{\"model\":{" U "," V "," M ",\"merges\":[\"a b\"]}}", "[2,1,1,0]" },
		{ "{\"model\":{" U "," V "," M ",\"vocab\":{\"a\":5,\"b\":1,\"ab\":2,\"abb\":7}}}",
			"[7,1,5]" },
		{ "{\"model\":{\"vocab\":[]," M "," V "," U "}}", "[4,1,0]" },
		{ "{\"model\":{" V "," M "},\"model\":{" U "," V ",\"merges\":[]}}",
			"[0,1,1,1,0]" },
		{ "{\"model\":3,\"model\":{" U "," V "," M "}}", "[4,1,0]" },
		{ "{\"model\":{" V "," M "," U ",\"type\":\"WordLevel\"}}", "[0]" },
	};
	static const struct {
		const char *json, *message;
	} bad[] = {
		{ "{\"model\":{" V "," M "},\"model\":3}", "\"model\" is not an object" },
		{ "{\"model\":{" V "," M ",\"merges\":3}}",
			"model BPE: \"merges\" is not an array" },
		{ "{\"model\":{" V "," M ",\"vocab\":3}}",
			"model BPE: \"vocab\" is not an object" },
		{ "{\"model\":{" M "}}", "model BPE: \"vocab\" is missing" },
		{ "{\"model\":{" V ",\"type\":\"BPE\"}}", "model BPE: \"merges\" is missing" },
		{ "{\"model\":{" V ",\"merges\":[\"a b\",3]}}",
			"merge 2 is neither a string nor two" },
		{ "{\"model\":{" V ",\"merges\":[[\"a\",\"b\",\"a\"]]}}",
			"merge 1 is neither a string nor two" },
		{ "{\"model\":{" V ",\"merges\":[[\"a\"]]}}",
			"merge 1 is neither a string nor two" },
		{ "{\"model\":{" V ",\"merges\":[\"a b\",[\"b\",\"a\"]]}}",
			"merge 2: tokens \"b\" and \"a\" make one" },
		{ "{\"model\":{" V ",\"merges\":[\"a b\"\n", "line 2, column 1: " },
		{ "{\"model\":{\n\"vocab\":{\"a\":0,\"b\"1}}}",
			"line 2, column 19: expected ':' after the key" },
		{ "{\"model\":{" V "," M "}", "the text ends inside an object" },
		{ "{\"model\":{" V "," M "}}x", "something after the value" },
		{ "{\"model\":{\"vocab\":{\"\xff\":0}}}", "line 1, column 21: invalid UTF-8" },
	};
	struct arena *arena = arena_new();
	struct error e = { 0 };
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct json ids;
		struct tokenizer *t = tokenizer_from_json(slice_from(good[i].json), &e);
		if (!t)
			fail_msg("%s: %s", good[i].json, e.msg);
		assert_int_equal(json_read(slice_from(good[i].ids), &ids, &e), 0);
		check_ids(t, good[i].json, SLICE("abbbx"), ids, arena);
		tokenizer_free(t);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_null(tokenizer_from_json(slice_from(bad[i].json), &e));
		assert_int_equal(e.code, ERROR_MODEL);
		if (!strstr(e.msg, bad[i].message))
			fail_msg("%s: %s", bad[i].json, e.msg);
	}
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiktoken_makes_the_same_ids),
		cmocka_unit_test(special_tokens_of_tiktoken),
		cmocka_unit_test(broken_tiktoken_files_are_refused),
		cmocka_unit_test(vocab_and_merges),
		cmocka_unit_test(members_in_any_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
