/*
 * The fast path of SentencePiece's kind of tokenizers gives the ids that the general one gives, which is the
 * reference's: the first is taken where nobody asks for offsets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/random.h"
#include "lib/file/mapping.h"
#include "lib/record/json.h"
#include "lib/token/parts.h"
#include "tests/unit/source.h"

/* Tokens go over a space: "a▁", and ▁▁; an added token is found in the normalized text. */
static const char whole[] =
	"{\"version\":\"1.0\",\"added_tokens\":[{\"id\":0,\"content\":\"<u>\",\"special\":true},"
	"{\"id\":1,\"content\":\"[x\",\"special\":true,\"normalized\":true}],"
	"\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":"
	"\"\\u2581\"},"
	"{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\\u2581\"}]},"
	"\"model\":{\"type\":\"BPE\",\"unk_token\":\"<u>\",\"fuse_unk\":true,\"byte_fallback\":"
	"false,"
	"\"vocab\":{\"<u>\":0,\"[x\":1,\"\\u2581\":2,\"a\":3,\"b\":4,\"c\":5,\"\\u2581a\":6,"
	"\"a\\u2581\":7,"
	"\"\\u2581\\u2581\":8,\"bc\":9,\"\\u2581bc\":10,\"ab\":11,\"\\u00e9\":12,"
	"\"\\u2581\\u00e9\":13,"
	"\"bb\":14,\"bbb\":15},"
	"\"merges\":[\"a \\u2581\",\"\\u2581 a\",\"b c\",\"\\u2581 bc\",\"\\u2581 \\u2581\",\"a "
	"b\","
	"\"\\u2581 \\u00e9\",\"b b\",\"bb b\"]}}";

/* The rules are tests/golden/precompiled's: marks, white space and letters change. */
static const char words[] =
	"{\"version\":\"1.0\",\"added_tokens\":[{\"id\":0,\"content\":\"<u>\",\"special\":true}],"
	"\"normalizer\":%.*s,\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":["
	"{\"type\":\"WhitespaceSplit\"},{\"type\":\"Metaspace\",\"replacement\":\"\\u2581\","
	"\"prepend_scheme\":\"always\",\"split\":true}]},\"model\":{\"type\":\"Unigram\",\"unk_"
	"id\":0,"
	"\"vocab\":[[\"<u>\",0],[\"\\u2581\",-2],[\"a\",-3],[\"b\",-4],[\"ab\",-5],[\"\\u2581a\",-"
	"3.5],"
	"[\"bc\",-4.25],[\"c\",-6],[\"\\u2581bc\",-7],[\"TM\",-5],[\"x\",-9],[\"\\u00e9\",-5]]}}";

/* Text is split at spaces only; %s: more normalizers, the scheme. */
static const char spaces[] =
	"{\"version\":\"1.0\",\"added_tokens\":[{\"id\":0,\"content\":\"<u>\",\"special\":true}],"
	"\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[%.*s%s]},\"pre_tokenizer\":{"
	"\"type\":"
	"\"Metaspace\",\"replacement\":\"\\u2581\",\"prepend_scheme\":\"%s\",\"split\":true},%s";

/* Spaces are replaced by Metaspace, which splits nothing. */
static const char whole_metaspace[] =
	"{\"version\":\"1.0\",\"added_tokens\":[{\"id\":0,\"content\":\"<u>\",\"special\":true},"
	"{\"id\":1,\"content\":\"[x\",\"special\":true,\"normalized\":true}],"
	"\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\\u2581\",\"prepend_scheme\":"
	"\"%s\","
	"\"split\":false},%s";

static const char *const schemes[] = { "always", "first", "never" };

static const char *const parts[] = { "a", "b", "c", " ", "  ", "ab", "bc", " a", " bc",
	"\xe2\x96\x81", "\xc3\xa9", "e\xcc\x81", "\xcc\x81", "\xd8\x80", "\xe2\x98\x83", "[x",
	"<u>", "\t", "\n", "\r\n", "\x01", "\xe3\x80\x80", "\xe2\x84\xa2", "x", "\xc2\xa0", "[",
	"bbbbbb", "\xf0\x9f\x98\x80" };

static uint64_t drawn;

static size_t draw(size_t n)
{
	return (size_t)(random_mix(++drawn) % n);
}

static void compare(const struct tokenizer *t, struct slice text, struct arena *arena)
{
	struct tokenizer_options general = { .offsets = true }, fast = { .offsets = false };
	struct encoding x, y;
	struct error e;
	if (tokenizer_encode(t, NULL, text, NULL, &general, arena, &x, &e) ||
		tokenizer_encode(t, NULL, text, NULL, &fast, arena, &y, &e))
		fail_msg("\"%.*s\": %s", (int)text.size, text.data, e.msg);
	if (x.n != y.n || memcmp(x.ids, y.ids, x.n * sizeof *x.ids) != 0)
		fail_msg("\"%.*s\": %zu ids, or others than the %zu", (int)text.size, text.data,
			y.n, x.n);
	fast.max_length = 1 + draw(5);
	assert_int_equal(tokenizer_encode(t, NULL, text, NULL, &fast, arena, &y, &e), 0);
	assert_int_equal(y.n, x.n < fast.max_length ? x.n : fast.max_length);
	assert_memory_equal(x.ids, y.ids, y.n * sizeof *y.ids);
}

static void compare_random(const struct tokenizer *t)
{
	struct buffer text = { NULL, 0, 0 };
	struct arena *arena = arena_new();
	for (size_t round = 0; round < 5000; round++) {
		/* most are of letters and spaces, for the fast path to go on for a while */
		size_t kinds = round % 3 ? sizeof parts / sizeof *parts : 9;
		buffer_clear(&text);
		for (size_t n = draw(round % 50 ? 20 : 2000); n; n--)
			buffer_text(&text, parts[draw(draw(4) ? 9 : kinds)]);
		compare(t, buffer_view(&text), arena);
		arena_clear(arena);
	}
	arena_free(arena);
	buffer_free(&text);
}

static void spaces_replaced_and_one_put_first(void **state)
{
	(void)state;
	struct error e;
	struct tokenizer *t = tokenizer_from_json(SLICE(whole), &e);
	if (!t)
		fail_msg("%s", e.msg);
	assert_int_equal(t->fast, FAST_WHOLE);
	assert_true(t->crosses['a'] && !t->crosses['b'] && t->marks['['] && !t->marks['x']);
	compare_random(t);
	tokenizer_free(t);
}

static void words_between_white_space(void **state)
{
	(void)state;
	struct error e;
	struct slice file = source_map(source_path("tests/golden/precompiled/cases.jsonl"));
	const char *p = file.data;
	size_t used = 0;
	for (size_t i = 0; i < 5; i++) {
		const char *stop = memchr(p, '\n', file.size - (size_t)(p - file.data));
		struct json root;
		struct buffer text = { NULL, 0, 0 };
		assert_int_equal(json_read((struct slice){ p, (size_t)(stop - p) }, &root, &e), 0);
		struct json normalizer = json_get(root, "normalizer");
		buffer_printf(&text, words, (int)normalizer.raw.size, normalizer.raw.data);
		struct tokenizer *t = tokenizer_from_json(buffer_view(&text), &e);
		if (!t)
			fail_msg("charsmap %zu: %s", i, e.msg);
		used += t->fast == FAST_WORDS;
		compare_random(t);
		tokenizer_free(t);
		buffer_free(&text);
		p = stop + 1;
	}
	assert_int_equal(used, 5);
	mapping_close(file);
}

static void metaspace_instead_of_prepend_and_replace(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct buffer text = { NULL, 0, 0 };
		struct error e;
		buffer_printf(&text, whole_metaspace, schemes[i], strstr(whole, "\"model\""));
		struct tokenizer *t = tokenizer_from_json(buffer_view(&text), &e);
		if (!t)
			fail_msg("%s", e.msg);
		assert_int_equal(t->fast, FAST_WHOLE);
		compare_random(t);
		tokenizer_free(t);
		buffer_free(&text);
	}
}

/* As transformers' SpmConverter writes it since 4.41. */
static void words_between_spaces(void **state)
{
	(void)state;
	static const char tidy[] =
		",{\"type\":\"Strip\",\"strip_left\":false,\"strip_right\":true},"
		"{\"type\":\"Replace\",\"pattern\":{\"Regex\":\" {2,}\"},\"content\":\"\\u2581\"}";
	struct error e;
	struct json root;
	struct slice file = source_map(source_path("tests/golden/precompiled/cases.jsonl"));
	const char *stop = memchr(file.data, '\n', file.size);
	assert_int_equal(
		json_read((struct slice){ file.data, (size_t)(stop - file.data) }, &root, &e), 0);
	struct slice rules = json_get(root, "normalizer").raw;
	for (size_t i = 0; i < 12; i++) {
		bool precompiled = i & 1, tidies = i & 2;
		struct buffer text = { NULL, 0, 0 };
		buffer_printf(&text, spaces, precompiled ? (int)rules.size : 0, rules.data,
			tidies ? tidy + !precompiled : "", schemes[i / 4],
			strstr(words, "\"model\""));
		struct tokenizer *t = tokenizer_from_json(buffer_view(&text), &e);
		if (!t)
			fail_msg("%zu: %s", i, e.msg);
		assert_int_equal(t->fast, FAST_WORDS);
		compare_random(t);
		tokenizer_free(t);
		buffer_free(&text);
	}
	mapping_close(file);
}

/* What is before a word may decide how it is split: many words, and ways that are close or equal. */
static void sums_of_sentencepiece(void **state)
{
	(void)state;
	static const char *const models[] = { "unigram", "unigram_bytes", "unigram_llama",
		"unigram_plain", "unigram_spaces", "unigram_suffix", "unigram_symbols",
		"unigram_unused" };
	size_t used = 0;
	for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
		struct error e;
		struct tokenizer *t = tokenizer_open(
			source_path("tests/golden/sentencepiece/%s.model", models[i]), &e);
		if (!t)
			fail_msg("%s", e.msg);
		used += t->fast == FAST_SUMMED;
		compare_random(t);
		tokenizer_free(t);
	}
	assert_true(used > 0);
	print_message("%zu models\n", used);
}

static void sums_of_t5(void **state)
{
	(void)state;
	struct error e;
	struct slice text;
	struct arena *arena = arena_new();
	struct tokenizer *t =
		tokenizer_open(source_path("../shared/data/tokenizers/t5-small/spiece.model"), &e);
	if (!t || mapping_open(source_path("../shared/data/wikitext2/wiki.test.raw"), &text, &e)) {
		print_message("skipped: shared/data is not here\n");
		tokenizer_free(t);
		arena_free(arena);
		skip();
	}
	assert_int_equal(t->fast, FAST_SUMMED);
	for (size_t size = 100; size <= text.size; size *= 8)
		for (size_t at = 0; at < text.size && at < 4 * size; at += size) {
			size_t most = text.size - at < size ? text.size - at : size;
			compare(t, (struct slice){ text.data + at, most }, arena);
			arena_clear(arena);
		}
	/* words of few letters: many ways */
	compare_random(t);
	tokenizer_free(t);
	mapping_close(text);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spaces_replaced_and_one_put_first),
		cmocka_unit_test(words_between_white_space),
		cmocka_unit_test(metaspace_instead_of_prepend_and_replace),
		cmocka_unit_test(words_between_spaces),
		cmocka_unit_test(sums_of_sentencepiece),
		cmocka_unit_test(sums_of_t5),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
