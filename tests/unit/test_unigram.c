/* Double arrays against a search one by one; the Unigram model against Hugging Face's
 * (tests/golden/unigram.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "lib/base/random.h"
#include "lib/file/mapping.h"
#include "lib/token/unigram.h"
#include "tests/unit/source.h"

static uint64_t drawn;

static size_t draw(size_t n)
{
	return (size_t)(random_mix(++drawn) % n);
}

/* Keys of few different bytes, NUL and 255 among them, many beginning alike. */
static struct slice draw_key(struct arena *arena, size_t longest)
{
	static const char bytes[] = { 0, 'a', 'b', (char)0xe2, (char)0xff };
	size_t size = draw(longest + 1);
	char *key = arena_alloc(arena, longest);
	for (size_t i = 0; i < size; i++)
		key[i] = draw(8) ? bytes[draw(sizeof bytes)] : (char)draw(256);
	return (struct slice){ key, size };
}

static void double_arrays_hold_their_keys_and_no_others(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	for (size_t round = 0; round < 60; round++) {
		enum { KEYS = 400 };
		struct slice keys[KEYS];
		struct double_array a;
		struct error e;
		size_t n = round ? draw(KEYS) : 0, longest = 1 + draw(14);
		for (size_t i = 0; i < n; i++)
			keys[i] = draw(20) ? draw_key(arena, longest) : (struct slice){ NULL, 0 };
		assert_int_equal(double_array_build(&a, keys, n, &e), 0);
		for (size_t i = 0; i < 2 * KEYS; i++) {
			struct slice key =
				i < n && keys[i].data ? keys[i] : draw_key(arena, longest);
			uint32_t expected = (uint32_t)DOUBLE_ARRAY_NONE;
			for (size_t j = 0; j < n; j++)
				if (keys[j].data && key.size && slice_equal(keys[j], key))
					expected = (uint32_t)j;
			if (double_array_find(&a, key) != expected)
				fail_msg("round %zu, key %zu: %u instead of %u", round, i,
					double_array_find(&a, key), expected);
		}
		double_array_free(&a);
		arena_clear(arena);
	}
	arena_free(arena);
}

/* From every base a node has, no byte leads to a unit that is another's. */
static void double_arrays_have_no_false_steps(void **state)
{
	(void)state;
	struct slice keys[256 + 65536 / 16];
	char bytes[sizeof keys / sizeof *keys][2];
	size_t n = 0;
	for (unsigned c = 0; c < 256; c++, n++) {
		bytes[n][0] = (char)c;
		keys[n] = (struct slice){ bytes[n], 1 };
	}
	for (unsigned c = 0; c < 65536; c += 16, n++) {
		bytes[n][0] = (char)(c >> 8);
		bytes[n][1] = (char)(c ^ c >> 8);
		keys[n] = (struct slice){ bytes[n], 2 };
	}
	struct double_array a;
	struct error e;
	assert_int_equal(double_array_build(&a, keys, n, &e), 0);
	size_t steps = 0;
	for (unsigned c = 0; c < 65536; c++) {
		uint32_t base = a.root, value;
		assert_true(double_array_step(&a, &base, (unsigned char)(c >> 8), &value));
		if (double_array_step(&a, &base, (unsigned char)c, &value)) {
			steps++;
			assert_int_equal((c ^ c >> 8) & 15, 0);
			for (unsigned b = 0; b < 256; b++) {
				uint32_t leaf = base;
				assert_false(
					double_array_step(&a, &leaf, (unsigned char)b, &value));
			}
		}
	}
	assert_int_equal(steps, 4096);
	double_array_free(&a);
}

static void check_case(const struct unigram *u, struct json row, size_t line, struct arena *arena)
{
	struct json_iterator i = json_iterate(row);
	assert_true(json_each(&i));
	struct slice word = json_text(i.value, arena);
	assert_true(json_each(&i));
	struct json expected = i.value;
	assert_true(json_each(&i));
	struct json_iterator offset = json_iterate(i.value);
	uint32_t *ids = ARENA_ARRAY(arena, uint32_t, word.size);
	struct token_offset *offsets = ARENA_ARRAY(arena, struct token_offset, word.size);
	size_t n = unigram_split(u, word, ids, offsets);
	if (expected.type == JSON_NULL) {
		assert_true(n == (size_t)UNIGRAM_FAILED);
		return;
	}
	if (n != json_count(expected))
		fail_msg("line %zu, \"%.*s\": %zu tokens", line, (int)word.size, word.data, n);
	size_t k = 0;
	for (struct json_iterator j = json_iterate(expected); json_each(&j); k++) {
		int64_t id, start, end;
		assert_true(json_integer(j.value, &id) && json_each(&offset));
		assert_true(json_integer(offset.value, &start) && json_each(&offset));
		assert_true(json_integer(offset.value, &end));
		if (ids[k] != id || offsets[k].start != start || offsets[k].end != end)
			fail_msg("line %zu, \"%.*s\": token %zu is %u [%u, %u)", line,
				(int)word.size, word.data, k, ids[k], offsets[k].start,
				offsets[k].end);
	}
	assert_true(unigram_split(u, word, ids, NULL) == n);
}

static void words_are_split_as_the_reference_does(void **state)
{
	(void)state;
	struct slice text = source_map(source_path("tests/golden/unigram/models.jsonl"));
	struct arena *arena = arena_new();
	const char *p = text.data, *end = text.data + text.size;
	size_t line = 1;
	for (; p < end; line++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		struct json root;
		struct error e;
		struct vocab v = { 0 };
		struct unigram u;
		assert_int_equal(json_read((struct slice){ p, (size_t)(stop - p) }, &root, &e), 0);
		if (unigram_read(&u, json_get(root, "model"), &v, arena, &e))
			fail_msg("line %zu: %s", line, e.msg);
		for (struct json_iterator i = json_iterate(json_get(root, "cases")); json_each(&i);)
			check_case(&u, i.value, line, arena);
		unigram_free(&u);
		vocab_free(&v);
		arena_clear(arena);
		p = stop + 1;
	}
	assert_int_equal(line, 61);
	arena_free(arena);
	mapping_close(text);
}

static void broken_models_are_refused(void **state)
{
	static const struct {
		const char *json, *message;
	} rows[] = {
		{ "{}", "\"vocab\" is nothing, not an array" },
		{ "{\"vocab\": {\"a\": 1}}", "\"vocab\" is an object, not an array" },
		{ "{\"vocab\": [[\"a\", 0], \"b\"]}",
			"\"vocab\": entry 1 is not an array of a token and its score" },
		{ "{\"vocab\": [[\"a\"]]}",
			"\"vocab\": entry 0 is not an array of a token and its score" },
		{ "{\"vocab\": [[\"a\", 0, 1]]}",
			"\"vocab\": entry 0 is not an array of a token and its score" },
		{ "{\"vocab\": [[0, \"a\"]]}",
			"\"vocab\": entry 0 is not an array of a token and its score" },
		{ "{\"vocab\": [[\"a\", 0]], \"unk_id\": 1}",
			"\"unk_id\" is not an id of the vocabulary, which has 1 token" },
		{ "{\"vocab\": [], \"unk_id\": 0}",
			"\"unk_id\" is not an id of the vocabulary, which has 0 tokens" },
		{ "{\"vocab\": [[\"a\", 0]], \"unk_id\": -1}",
			"\"unk_id\" is not an id of the vocabulary, which has 1 token" },
		{ "{\"vocab\": [[\"a\", 0]], \"byte_fallback\": 1}",
			"\"byte_fallback\" is not true or false" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *arena = arena_new();
		struct json root;
		struct error e = { 0 };
		struct vocab v = { 0 };
		struct unigram u;
		assert_int_equal(json_read(slice_from(rows[i].json), &root, &e), 0);
		if (!unigram_read(&u, root, &v, arena, &e))
			fail_msg("%s: read", rows[i].json);
		assert_string_equal(e.msg, rows[i].message);
		assert_int_equal(e.code, ERROR_MODEL);
		unigram_free(&u);
		vocab_free(&v);
		arena_free(arena);
	}
}

/* A megabyte of one letter, with tokens of up to 64 of it, takes no longer than any other. */
static void long_words_take_linear_time(void **state)
{
	(void)state;
	enum { SIZE = 1 << 20, TOKENS = 64 };
	char *word = mem_alloc(SIZE);
	struct slice tokens[TOKENS];
	double scores[TOKENS];
	memset(word, 'a', SIZE);
	for (size_t i = 0; i < TOKENS; i++) {
		tokens[i] = (struct slice){ word, i + 1 };
		scores[i] = -1 - (double)i / 64;
	}
	struct unigram u;
	struct error e;
	struct unigram_options o = { .unknown = 0, .unknown_score = -100 };
	assert_int_equal(unigram_build(&u, tokens, scores, TOKENS, &o, &e), 0);
	uint32_t *ids = MEM_ARRAY(uint32_t, SIZE);
	clock_t start = clock();
	assert_int_equal(unigram_split(&u, (struct slice){ word, SIZE }, ids, NULL), SIZE / TOKENS);
	double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
	if (seconds > 1)
		print_message("1 MB in %.2f s\n", seconds);
	assert_true(seconds < 10); /* 0.2 s, but sanitizers and a busy machine are slow */
	mem_free(ids);
	mem_free(word);
	unigram_free(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(double_arrays_hold_their_keys_and_no_others),
		cmocka_unit_test(double_arrays_have_no_false_steps),
		cmocka_unit_test(words_are_split_as_the_reference_does),
		cmocka_unit_test(broken_models_are_refused),
		cmocka_unit_test(long_words_take_linear_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
