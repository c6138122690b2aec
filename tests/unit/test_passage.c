/*
 * Passages of a text: what holds for any text, tokenizer and size, and where sentences and words end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/token/passage.h"
#include "tests/unit/token_golden.h"

static struct tokenizer *open_tokenizer(const char *name)
{
	char path[256];
	struct error e = { 0 };
	snprintf(path, sizeof path, "tests/golden/wordpiece/%s", name);
	struct tokenizer *t = tokenizer_open(source_path("%s", path), &e);
	if (!t)
		fail_msg("%s", e.msg);
	return t;
}

static void passages_end_with_sentences_else_words_else_tokens(void **state)
{
	static const struct {
		const char *name;
		struct slice text;
		size_t tokens, overlap;
		const char *want; /* passages, | in between */
	} rows[] = {
		{ "a text that fits", SLICE(" hello world. "), 9, 0, "hello world." },
		{ "nothing", SLICE(""), 9, 0, "" },
		{ "white space", SLICE(" \n "), 9, 0, "" },
		{ "two sentences", SLICE("hello world. hello word! a b"), 6, 0,
			"hello world.|hello word!|a b" },
		{ "quoted ends", SLICE("\"hello.\" (a!) b"), 5, 0, "\"hello.|\"|(a!|) b" },
		{ "quoted ends that fit", SLICE("(a!) b c"), 6, 0, "(a!)|b c" },
		{ "a number is no end", SLICE("a 1.5 b"), 4, 0, "a|1.|5 b" },
		{ "a line", SLICE("a b\nc d"), 5, 0, "a b|c d" },
		{ "Chinese", SLICE("\xe4\xb8\xad\xe3\x80\x82\xe6\x96\x87"), 4, 0,
			"\xe4\xb8\xad\xe3\x80\x82|\xe6\x96\x87" },
		{ "one word of many tokens", SLICE("unaffable"), 3, 0, "un|a|f|f|a|b|l|e" },
		{ "words repeated", SLICE("a b c d e"), 5, 1, "a b c|c d e" },
		{ "no word begins in what may be repeated", SLICE("a unaffable b"), 6, 1,
			"a unaffable|b" },
	};
	(void)state;
	struct tokenizer *t = open_tokenizer("uncased.json");
	struct arena *arena = arena_new();
	struct buffer got = { NULL, 0, 0 };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct passage_options o = { rows[i].tokens, rows[i].overlap, true };
		struct passage *list;
		size_t n;
		struct error e = { 0 };
		if (passage_split(t, NULL, rows[i].text, &o, arena, &list, &n, &e))
			fail_msg("%s: %s", rows[i].name, e.msg);
		buffer_clear(&got);
		for (size_t j = 0; j < n; j++) {
			if (j)
				buffer_char(&got, '|');
			buffer_add(&got, rows[i].text.data + list[j].start,
				list[j].end - list[j].start);
		}
		if (!slice_equal(buffer_view(&got), slice_from(rows[i].want)))
			fail_msg("%s: %.*s", rows[i].name, (int)got.size, got.data);
		arena_clear(arena);
	}
	buffer_free(&got);
	arena_free(arena);
	tokenizer_free(t);
}

/* Random texts: in order, never longer than asked for, all tokens in one of them, each measured right. */
static void any_text_is_covered(void **state)
{
	static const char *const parts[] = { "hello", " ", ". ", "unaffable", "\xe4\xb8\xad",
		"a\xcc\x81", "\n", "!", "[SEP]", "x y ", "\xf0\x9f\x98\x80", "\xe3\x80\x82",
		"\xff" };
	(void)state;
	struct tokenizer *t = open_tokenizer("uncased.json");
	struct tokenizer_scratch *scratch = tokenizer_scratch_new(t);
	struct arena *arena = arena_new();
	struct buffer text = { NULL, 0, 0 };
	uint32_t random = 1;
	for (int round = 0; round < 2000; round++) {
		buffer_clear(&text);
		for (int i = round % 60; i > 0; i--) {
			random = random * 1664525 + 1013904223;
			buffer_text(&text, parts[(random >> 16) % (sizeof parts / sizeof *parts)]);
		}
		struct passage_options o = { 3 + (size_t)round % 17, (size_t)round % 3, round & 1 };
		struct tokenizer_options whole = { .offsets = true, .byte_offsets = true },
					 alone = { .add_special = o.add_special };
		struct slice s = buffer_view(&text);
		struct passage *list;
		struct encoding all, x;
		struct error e = { 0 };
		size_t n, token = 0, at = 0;
		if (passage_split(t, scratch, s, &o, arena, &list, &n, &e))
			fail_msg("%.*s: %s", (int)s.size, s.data, e.msg);
		assert_int_equal(tokenizer_encode(t, scratch, s, NULL, &whole, arena, &all, &e), 0);
		for (size_t i = 0; i < n; i++) {
			assert_true(list[i].start < list[i].end && list[i].end <= s.size &&
				    list[i].end > at);
			/* nothing between two passages but what makes no token */
			for (; token < all.n && all.offsets[token].start < list[i].start; token++)
				assert_true(all.offsets[token].end <= at || list[i].start <= at);
			at = list[i].end;
			while (token < all.n && all.offsets[token].end <= at)
				token++;
			struct slice part = { s.data + list[i].start, list[i].end - list[i].start };
			assert_int_equal(
				tokenizer_encode(t, scratch, part, NULL, &alone, arena, &x, &e), 0);
			assert_int_equal(x.n, list[i].n);
			assert_true(x.n <= o.tokens);
		}
		assert_int_equal(token, all.n);
		arena_clear(arena);
	}
	buffer_free(&text);
	arena_free(arena);
	tokenizer_scratch_free(scratch);
	tokenizer_free(t);
}

static void special_tokens_need_room(void **state)
{
	(void)state;
	struct tokenizer *t = open_tokenizer("uncased.json");
	struct arena *arena = arena_new();
	struct passage_options o = { 2, 0, true };
	struct passage *list;
	size_t n;
	struct error e = { 0 };
	assert_int_equal(passage_split(t, NULL, SLICE("a"), &o, arena, &list, &n, &e), -1);
	assert_int_equal(e.code, ERROR_USAGE);
	arena_free(arena);
	tokenizer_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passages_end_with_sentences_else_words_else_tokens),
		cmocka_unit_test(any_text_is_covered),
		cmocka_unit_test(special_tokens_need_room),
	};
	return cmocka_run_group_tests_name("passages", tests, NULL, NULL);
}
