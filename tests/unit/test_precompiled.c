/* The normalizers Precompiled, Nmt and the forms, with alignment, against Hugging Face's
 * (tests/golden/precompiled.py), and charsmaps that are broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/file/mapping.h"
#include "lib/text/grapheme.h"
#include "lib/text/unicode.h"
#include "lib/text/utf8.h"
#include "lib/token/normalizer.h"
#include "tests/unit/source.h"

static struct slice next_text(struct json_iterator *i, struct arena *arena)
{
	assert_true(json_each(i));
	return json_text(i->value, arena);
}

/* How many code points there are before a byte. */
static size_t place(struct slice text, uint32_t byte)
{
	return utf8_count((struct slice){ text.data, byte });
}

static void check_case(
	const struct normalizer *n, struct json row, size_t line, struct arena *arena)
{
	struct json_iterator i = json_iterate(row);
	struct slice text = next_text(&i, arena), to = next_text(&i, arena);
	struct normalized out = { .unaligned = false };
	struct regex_work work = { NULL, NULL, NULL };
	struct error e;
	assert_true(json_each(&i));
	if (normalizer_run(n, text, 0, &out, &work, &e))
		fail_msg("line %zu: %s", line, e.msg);
	if (!slice_equal(buffer_view(&out.text), to))
		fail_msg("line %zu, \"%.*s\": \"%.*s\" instead of \"%.*s\"", line, (int)text.size,
			text.data, (int)out.text.size, out.text.data, (int)to.size, to.data);
	struct json_iterator offset = json_iterate(i.value);
	for (size_t at = 0; at < to.size;) {
		int64_t start = 0, end = 0;
		uint32_t c;
		assert_true(json_each(&offset) && json_integer(offset.value, &start));
		assert_true(json_each(&offset) && json_integer(offset.value, &end));
		if (place(text, out.from[at]) != (size_t)start ||
			place(text, out.to[at]) != (size_t)end)
			fail_msg("line %zu, \"%.*s\": byte %zu is from [%u, %u)", line,
				(int)text.size, text.data, at, out.from[at], out.to[at]);
		at += utf8_decode(to.data + at, to.data + to.size, &c);
	}
	assert_false(json_each(&offset));
	normalized_free(&out);
	regex_work_free(&work);
}

static void texts_are_normalized_as_the_reference_does(void **state)
{
	struct error e;
	(void)state;
	unicode_start();
	struct slice text = source_map(source_path("tests/golden/precompiled/cases.jsonl"));
	struct arena *arena = arena_new();
	const char *p = text.data, *end = text.data + text.size;
	size_t line = 1;
	for (; p < end; line++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		struct normalizer n = { NULL, 0, 0 };
		struct json root;
		assert_int_equal(json_read((struct slice){ p, (size_t)(stop - p) }, &root, &e), 0);
		if (normalizer_read(&n, json_get(root, "normalizer"), arena, &e))
			fail_msg("line %zu: %s", line, e.msg);
		for (struct json_iterator i = json_iterate(json_get(root, "cases")); json_each(&i);)
			check_case(&n, i.value, line, arena);
		normalizer_free(&n);
		arena_clear(arena);
		p = stop + 1;
	}
	assert_int_equal(line, 9);
	arena_free(arena);
	mapping_close(text);
}

static void graphemes_end_where_unicode_16_says(void **state)
{
	static const struct {
		const char *name, *text;
		size_t size; /* of the first */
	} rows[] = {
		{ "a letter", "ab", 1 },
		{ "CR LF", "\r\nx", 2 },
		{ "LF CR", "\n\r", 1 },
		{ "a mark after a control", "\x01\xcc\x81", 1 },
		{ "marks", "e\xcc\x81\xcc\xa7x", 5 },
		{ "a Prepend",
			"\xd8\x80"
			"ab",
			3 },
		{ "Hangul L V T", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8\xe1\x84\x80", 9 },
		{ "Hangul LVT V", "\xea\xb0\x81\xe1\x85\xa1", 3 },
		{ "two of four regional indicators",
			"\xf0\x9f\x87\xa6\xf0\x9f\x87\xa7\xf0\x9f\x87\xa8\xf0\x9f\x87\xa9", 8 },
		{ "emoji joined by ZWJ",
			"\xf0\x9f\x91\xa9\xf0\x9f\x8f\xbd\xe2\x80\x8d\xf0\x9f\x9a\x80x", 15 },
		{ "a letter is not joined by ZWJ", "a\xe2\x80\x8d\xf0\x9f\x9a\x80", 4 },
		{ "an Indic conjunct", "\xe0\xa4\x95\xe0\xa5\x8d\xe0\xa4\xa4x", 9 },
		{ "tags, beyond the table", "\xf0\x9f\x8f\xb4\xf3\xa0\x81\xa7\xf3\xa0\x81\xbfx",
			12 },
		{ "an unassigned control, beyond the table", "a\xf3\xa0\x80\x81", 1 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *end = rows[i].text + strlen(rows[i].text);
		if (grapheme_size(rows[i].text, end) != rows[i].size)
			fail_msg("%s: %zu bytes", rows[i].name, grapheme_size(rows[i].text, end));
	}
}

/* A charsmap of units and replacements. */
static struct slice charsmap(
	struct arena *arena, uint32_t size, const uint32_t *units, size_t n, struct slice to)
{
	char *p = arena_alloc(arena, 4 + 4 * n + to.size);
	memcpy(p, &size, 4);
	memcpy(p + 4, units, 4 * n);
	if (to.size)
		memcpy(p + 4 + 4 * n, to.data, to.size);
	return (struct slice){ p, 4 + 4 * n + to.size };
}

static void broken_charsmaps_are_refused(void **state)
{
	enum { UNITS = 300 };
	/* 'a' is the unit 256 ^ 'a', its value is unit 0x80 */
	static const struct {
		const char *name;
		uint32_t size, a, value;
		struct slice to;
		const char *message; /* NULL: it is good */
	} rows[] = {
		{ "good", 4 * UNITS, (0x161 ^ 0x80) << 10 | 1 << 8 | 'a', 1u << 31, SLICE("x\0"),
			NULL },
		{ "a trie longer than the file", 4 * UNITS + 4, 0, 0, SLICE("x\0"),
			"precompiled_charsmap: its trie has 1204 bytes, of 1202" },
		{ "a trie of 2^32 - 1 bytes", UINT32_MAX, 0, 0, SLICE("x\0"),
			"precompiled_charsmap: its trie has 4294967295 bytes, of 1202" },
		{ "a trie of no units", 0, 0, 0, SLICE(""),
			"precompiled_charsmap: its trie has 0 bytes, of 1200" },
		{ "half a unit", 2, 0, 0, SLICE(""),
			"precompiled_charsmap: its trie has 2 bytes, of 1200" },
		{ "a value outside", 4 * UNITS, 0x1fffffu << 10 | 1 << 8 | 'a', 0, SLICE("x\0"),
			"precompiled_charsmap: unit 2096798 of 360 is not a value" },
		{ "a value that is a node", 4 * UNITS, (0x161 ^ 0x80) << 10 | 1 << 8 | 'a', 0,
			SLICE("x\0"), "precompiled_charsmap: unit 128 of 360 is not a value" },
		{ "a replacement outside", 4 * UNITS, (0x161 ^ 0x80) << 10 | 1 << 8 | 'a',
			1u << 31 | 3, SLICE("x\0"),
			"precompiled_charsmap: a rule's replacement begins at byte 3 of 2" },
		{ "a replacement within a code point", 4 * UNITS,
			(0x161 ^ 0x80) << 10 | 1 << 8 | 'a', 1u << 31 | 1, SLICE("\xc3\xa9\0"),
			"precompiled_charsmap: a rule's replacement begins at byte 1 of 3" },
		{ "replacements that are not UTF-8", 4 * UNITS, 0, 0, SLICE("\xff"),
			"precompiled_charsmap: its replacements are not UTF-8" },
		{ "a cycle", 4 * UNITS, (0x161 ^ 256) << 10 | 'a', 0, SLICE("x\0"),
			"precompiled_charsmap: its trie leads from unit 353 back to 353" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *arena = arena_new();
		uint32_t units[360] = { 0 };
		struct precompiled p;
		struct error e = { 0 };
		size_t n = rows[i].a ? 360 : UNITS;
		units[0] = 256 << 10;
		units[0x161] = rows[i].a;
		units[0x80] = rows[i].value;
		uint32_t size = rows[i].a ? 4 * 360 : rows[i].size;
		struct slice map = charsmap(arena, size, units, n, rows[i].to);
		int rc = precompiled_read(&p, map, arena, &e);
		if (!rows[i].message && rc)
			fail_msg("%s: %s", rows[i].name, e.msg);
		if (rows[i].message && !rc)
			fail_msg("%s: read", rows[i].name);
		if (rows[i].message) {
			assert_string_equal(e.msg, rows[i].message);
			assert_int_equal(e.code, ERROR_MODEL);
		} else {
			struct slice to;
			assert_int_equal(precompiled_longest(&p, SLICE("ab"), &to), 1);
			assert_true(slice_equal(to, SLICE("x")));
			assert_int_equal(precompiled_shortest(&p, SLICE("ba"), &to), 0);
		}
		arena_free(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_normalized_as_the_reference_does),
		cmocka_unit_test(graphemes_end_where_unicode_16_says),
		cmocka_unit_test(broken_charsmaps_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
