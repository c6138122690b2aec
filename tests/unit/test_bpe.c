/*
 * The BPE model alone: goldens of Hugging Face tokenizers, the short way beside the long one, the
 * growth of the work with the word, refusals in their words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* the steps of a merge are counted */
static size_t steps;
#define BPE_STEP() steps++
#include "lib/token/bpe_merge.c"

#include "lib/base/random.h"
#include "tests/unit/token_golden.h"

/* A model of a JSON object: the vocabulary first. */
static int read_model(
	struct bpe *b, struct vocab *v, struct json model, struct arena *arena, struct error *e)
{
	*v = (struct vocab){ 0 };
	for (struct json_iterator i = json_iterate(json_get(model, "vocab")); json_each(&i);) {
		int64_t id = -1;
		assert_true(json_integer(i.value, &id));
		assert_int_equal(vocab_set(v, json_text(i.key, arena), (uint32_t)id, e), 0);
	}
	return bpe_read(b, model, v, arena, e);
}

static int64_t whole(struct json v)
{
	int64_t x = -1;
	assert_true(json_integer(v, &x));
	return x;
}

static void check_word(const struct bpe *b, const char *name, struct slice word, struct json ids,
	struct json offsets)
{
	/* of their exact size, so that a sanitizer sees a read or a write beyond it */
	char *copy = malloc(word.size ? word.size : 1);
	uint32_t *got = malloc((word.size + 1) * sizeof *got),
		 *again = malloc((word.size + 1) * sizeof *got);
	struct token_offset *at = malloc((word.size + 1) * sizeof *at);
	assert_true(copy && got && at && again);
	memcpy(copy, word.data, word.size);
	struct slice exact = { copy, word.size };
	size_t n = bpe_split(b, exact, got, at), i = 0;
	assert_int_equal(bpe_split(b, exact, again, NULL), n);
	if (ids.type == JSON_NULL) {
		assert_true(n == (size_t)BPE_FAILED);
	} else {
		bool same = n == json_count(ids) && memcmp(got, again, n * sizeof *got) == 0;
		for (struct json_iterator j = json_iterate(ids); same && json_each(&j); i++)
			same = whole(j.value) == got[i];
		i = 0;
		for (struct json_iterator j = json_iterate(offsets); same && json_each(&j); i++) {
			struct json_iterator pair = json_iterate(j.value);
			json_each(&pair);
			same = whole(pair.value) == at[i].start;
			json_each(&pair);
			same = same && whole(pair.value) == at[i].end;
		}
		if (!same)
			fail_msg("%s: \"%.*s\"", name, (int)word.size, word.data);
	}
	free(copy);
	free(got);
	free(again);
	free(at);
}

static void the_reference_splits_alike(void **state)
{
	(void)state;
	struct buffer text = source_read(source_path("tests/golden/bpe/models.json"));
	struct arena *arena = arena_new();
	struct json root;
	struct error e = { 0 };
	size_t models = 0;
	assert_int_equal(json_read(buffer_view(&text), &root, &e), 0);
	for (struct json_iterator i = json_iterate(root); json_each(&i); models++) {
		struct bpe b;
		struct vocab v;
		char *name = arena_string(arena, json_text(json_get(i.value, "name"), arena));
		if (read_model(&b, &v, json_get(i.value, "model"), arena, &e))
			fail_msg("%s: %s", name, e.msg);
		for (struct json_iterator j = json_iterate(json_get(i.value, "words"));
			json_each(&j);) {
			struct json part[3];
			struct json_iterator k = json_iterate(j.value);
			for (size_t p = 0; p < 3; p++) {
				assert_true(json_each(&k));
				part[p] = k.value;
			}
			check_word(&b, name, json_text(part[0], arena), part[1], part[2]);
		}
		bpe_free(&b);
		vocab_free(&v);
	}
	assert_true(models >= 19);
	arena_free(arena);
	buffer_free(&text);
}

/* --- Models made here ----------------------------------------------------------------------- */

/* The alphabet of bytes, and merges of random tokens into one of up to 8 bytes. */
static void grow(struct bpe *b, struct vocab *v, struct arena *arena, uint64_t seed,
	size_t n_merges, unsigned letters)
{
	struct error e = { 0 };
	*v = (struct vocab){ 0 };
	static const char all[] = "abcdefghijklmnopqrstuvwxyz";
	for (uint32_t c = 0; c < 26; c++)
		assert_int_equal(vocab_set(v, (struct slice){ all + c, 1 }, c, &e), 0);
	struct slice *left = ARENA_ARRAY(arena, struct slice, n_merges),
		     *right = ARENA_ARRAY(arena, struct slice, n_merges);
	for (size_t i = 0, k = 0; i < n_merges; k += 2) {
		uint32_t n = (uint32_t)(v->size - 26 + letters);
		uint32_t l = (uint32_t)(random_bits(seed, 0, k) % n),
			 r = (uint32_t)(random_bits(seed, 0, k + 1) % n);
		left[i] = v->tokens[l < letters ? l : l - letters + 26];
		right[i] = v->tokens[r < letters ? r : r - letters + 26];
		struct buffer both = { NULL, 0, 0 };
		buffer_slice(&both, left[i]);
		buffer_slice(&both, right[i]);
		if (both.size <= 8) {
			if (vocab_id(v, buffer_view(&both)) == (uint32_t)VOCAB_NONE)
				assert_int_equal(vocab_set(v, arena_copy(arena, buffer_view(&both)),
							 (uint32_t)v->size, &e),
					0);
			i++;
		}
		buffer_free(&both);
	}
	assert_int_equal(bpe_begin(b, v, &(struct bpe_options){ .fuse_unknown = false }, &e), 0);
	for (size_t i = 0; i < n_merges; i++)
		assert_int_equal(bpe_add(b, left[i], right[i], &e), 0);
}

static void short_and_long_words_merge_alike(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	struct bpe b;
	struct vocab v;
	grow(&b, &v, arena, 1, 400, 3);
	for (uint64_t round = 0; round < 5000; round++) {
		size_t n = 1 + random_bits(2, round, 0) % BPE_SHORT, m;
		uint32_t a[BPE_SHORT], c[BPE_SHORT], as[BPE_SHORT], cs[BPE_SHORT];
		for (size_t i = 0; i < n; i++) {
			a[i] = c[i] = (uint32_t)(random_bits(3, round, i) % 3);
			as[i] = cs[i] = 1;
		}
		m = bpe_merge_short(&b, a, as, n);
		assert_int_equal(bpe_merge_long(&b, c, cs, n), m);
		assert_memory_equal(a, c, m * sizeof *a);
		assert_memory_equal(as, cs, m * sizeof *as);
	}
	bpe_free(&b);
	vocab_free(&v);
	arena_free(arena);
}

/* How many steps a word of n letters takes: all the same, or random ones of so many. */
static size_t count_steps(const struct bpe *b, size_t n, unsigned letters)
{
	char *text = malloc(n);
	uint32_t *ids = malloc(n * sizeof *ids);
	assert_true(text && ids);
	for (size_t i = 0; i < n; i++)
		text[i] = (char)('a' + random_bits(5, 0, i) % letters);
	steps = 0;
	assert_true(bpe_split(b, (struct slice){ text, n }, ids, NULL) <= n);
	free(text);
	free(ids);
	return steps;
}

/* tiktoken and tokenizers before 0.9 took the square: 100,000 letters and a minute */
static void work_grows_as_the_word_does(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	for (unsigned letters = 1; letters <= 26; letters += 5) {
		struct bpe b;
		struct vocab v;
		grow(&b, &v, arena, letters, letters == 1 ? 7 : 2000, letters);
		size_t few = count_steps(&b, 1 << 13, letters),
		       many = count_steps(&b, 1 << 16, letters);
		assert_true(few > 0);
		assert_true(many < 12 * few); /* n log n: 8 times 16 / 13 */
		bpe_free(&b);
		vocab_free(&v);
	}
	arena_free(arena);
}

/* --- Refusals ------------------------------------------------------------------------------- */

static void broken_models_are_refused(void **state)
{
	(void)state;
#define VOCAB "{\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"#\":3,\" \":4,\"  \":5},"
	static const struct {
		const char *json, *message;
	} cases[] = {
		{ VOCAB "\"x\":1}", "\"merges\" is missing" },
		{ VOCAB "\"merges\":{}}", "\"merges\" is not an array" },
		{ VOCAB "\"merges\":[[\"a\",\"b\"],[\"a\",\"c\"]]}",
			"merge 2: token \"c\" is not in the vocabulary" },
		{ VOCAB "\"merges\":[\"c a\"]}", "merge 1: token \"c\" is not in the vocabulary" },
		{ VOCAB "\"merges\":[[\"b\",\"a\"]]}",
			"merge 1: tokens \"b\" and \"a\" make one that is not in the vocabulary" },
		{ VOCAB "\"merges\":[[\"a\"]]}", "merge 1 is neither a string nor two" },
		{ VOCAB "\"merges\":[[\"a\",\"b\",\"ab\"]]}",
			"merge 1 is neither a string nor two" },
		{ VOCAB "\"merges\":[[\"a\",1]]}", "merge 1 is neither a string nor two" },
		{ VOCAB "\"merges\":[1]}", "merge 1 is neither a string nor two" },
		{ VOCAB "\"merges\":[{\"a\":\"a\",\"b\":\"b\"}]}",
			"merge 1 is neither a string nor two" },
		{ VOCAB "\"merges\":[\"ab\"]}", "merge 1: \"ab\" is not two tokens" },
		{ VOCAB "\"merges\":[\"\"]}", "merge 1: \"\" is not two tokens" },
		{ VOCAB "\"merges\":[\"a  b\"]}", "merge 1: \"a  b\" is not two tokens" },
		{ VOCAB "\"continuing_subword_prefix\":\"#\",\"merges\":[[\"a\",\"#\"]]}",
			"merge 1: token \"#\" is no longer than the prefix" },
		{ VOCAB "\"dropout\":0.1,\"merges\":[]}",
			"\"dropout\" 0.1 is not supported, only 0 or null" },
		{ VOCAB "\"dropout\":\"0\",\"merges\":[]}",
			"\"dropout\" \"0\" is not supported, only 0 or null" },
		{ VOCAB "\"unk_token\":1,\"merges\":[]}",
			"\"unk_token\" is neither a string nor null" },
		{ VOCAB "\"fuse_unk\":1,\"merges\":[]}", "\"fuse_unk\" is not true or false" },
		{ VOCAB "\"byte_fallback\":true,\"end_of_word_suffix\":\"#\",\"merges\":[]}",
			"\"byte_fallback\" with a \"continuing_subword_prefix\" or an "
			"\"end_of_word_suffix\" is not supported" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena *arena = arena_new();
		struct error e = { 0 };
		struct json root;
		struct bpe b;
		struct vocab v;
		assert_int_equal(json_read(slice_from(cases[i].json), &root, &e), 0);
		assert_int_equal(read_model(&b, &v, root, arena, &e), -1);
		assert_string_equal(e.msg, cases[i].message);
		assert_int_equal(e.code, ERROR_MODEL);
		bpe_free(&b);
		vocab_free(&v);
		arena_free(arena);
	}
}

/* TinyLlama's tokenizer.json has "   ", "     " and "▁  " among its merges */
static void merges_of_spaces_part_by_the_vocabulary(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	struct error e = { 0 };
	struct json root;
	struct bpe b;
	struct vocab v;
	uint32_t ids[8];
	assert_int_equal(
		json_read(SLICE("{\"vocab\":{\" \":0,\"  \":1,\"    \":2,\"x\":3,\"x \":4},"
				"\"merges\":[\"x  \",\"   \",\"     \"]}"),
			&root, &e),
		0);
	if (read_model(&b, &v, root, arena, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(bpe_split(&b, SLICE("x    "), ids, NULL), 3);
	assert_int_equal(ids[0], 4);
	assert_int_equal(ids[1], 1);
	assert_int_equal(ids[2], 0);
	assert_int_equal(bpe_split(&b, SLICE("    "), ids, NULL), 1);
	assert_int_equal(ids[0], 2);
	bpe_free(&b);
	vocab_free(&v);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reference_splits_alike),
		cmocka_unit_test(short_and_long_words_merge_alike),
		cmocka_unit_test(work_grows_as_the_word_does),
		cmocka_unit_test(broken_models_are_refused),
		cmocka_unit_test(merges_of_spaces_part_by_the_vocabulary),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
