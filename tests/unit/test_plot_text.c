/* Text in plots: cleaned, cut, measured, wrapped, and harmless in XML and HTML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/sha256.h"
#include "lib/plot/canvas.h"
#include "lib/plot/lettering.h"
#include "lib/plot/page.h"
#include "lib/record/json.h"

static void assert_text(struct slice got, const char *want)
{
	assert_int_equal(got.size, strlen(want));
	assert_memory_equal(got.data, want, got.size);
}

static void text_becomes_one_printable_line(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "" },
		{ "   ", "" },
		{ "a", "a" },
		{ "  a \t\n b  ", "a b" },
		{ "a\x01\x7f"
		  "b",
			"a b" },
		{ "a\xc2\xa0"
		  "b",
			"a b" },
		{ "a\xe2\x80\xa8"
		  "b",
			"a b" },
		{ "evil\xe2\x80\xaetxt", "eviltxt" },
		{ "a\xff"
		  "b",
			"a\xef\xbf\xbd"
			"b" },
		{ "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xef\xbf\xbe", "\xef\xbf\xbd" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "日本 語", "日本 語" },
		{ "👩‍👩‍👧", "👩‍👩‍👧" },
	};
	struct arena *arena = arena_new();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_text(lettering_clean(arena, slice_from(cases[i].in)), cases[i].out);
	assert_text(lettering_clean(arena, (struct slice){ "a\0b", 3 }), "a b");
	arena_free(arena);
}

static void text_is_cut_between_characters_that_people_see(void **state)
{
	(void)state;
	bool cut;
	assert_text(lettering_cut(slice_from("abc"), 3, &cut), "abc");
	assert_false(cut);
	assert_text(lettering_cut(slice_from("abc"), 2, &cut), "ab");
	assert_true(cut);
	assert_text(lettering_cut(slice_from("abc"), 0, &cut), "");
	assert_text(lettering_cut(slice_from("e\xcc\x81x"), 1, &cut), "e\xcc\x81");
	assert_text(
		lettering_cut(slice_from("👩‍👩‍👧x"), 1, &cut), "👩‍👩‍👧");
	assert_text(lettering_cut(slice_from("🇩🇪🇫🇷"), 1, &cut), "🇩🇪");
	/* a million combining marks on one letter are not one character */
	struct buffer b = { 0 };
	buffer_char(&b, 'e');
	for (size_t i = 0; i < 1000000; i++)
		buffer_text(&b, "\xcc\x81");
	struct slice head = lettering_cut(buffer_view(&b), 10, &cut);
	assert_true(cut && head.size < 1000);
	buffer_free(&b);
}

static void widths_are_those_of_a_wide_font(void **state)
{
	(void)state;
	assert_true(lettering_width(SLICE(""), false) == 0);
	assert_true(lettering_width(SLICE("mmmm"), false) > lettering_width(SLICE("iiii"), false));
	assert_true(lettering_width(SLICE("word"), true) > lettering_width(SLICE("word"), false));
	/* East Asian letters take two cells, combining marks none */
	assert_true(lettering_width(slice_from("語"), false) > 1.2f);
	assert_true(lettering_width(slice_from("e\xcc\x81"), false) ==
		    lettering_width(SLICE("e"), false));
}

static void lines_are_balanced_and_at_most_four(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	struct slice lines[LETTERING_LINES];
	assert_int_equal(lettering_wrap(arena, SLICE(""), 10, true, lines), 0);
	assert_int_equal(lettering_wrap(arena, SLICE("short"), 10, true, lines), 1);
	assert_int_equal(
		lettering_wrap(arena, SLICE("translation, machine, nmt"), 10, true, lines), 2);
	assert_text(lines[0], "translation,");
	assert_text(lines[1], "machine, nmt");
	assert_int_equal(lettering_wrap(arena, SLICE("incomprehensibilities"), 3, true, lines), 1);
	assert_text(lines[0], "incomprehensibilities");
	assert_int_equal(
		lettering_wrap(arena, SLICE("aaaa bbbb cccc dddd eeee ffff"), 3, true, lines), 4);
	assert_text(lines[3], "dddd…");
	arena_free(arena);
}

static void markup_in_text_is_escaped(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "a & b", "a &amp; b" },
		{ "<b>", "&lt;b&gt;" },
		{ "\"'", "&quot;&#39;" },
		{ "]]>", "]]&gt;" },
		{ "x\x01y\x1fz", "x\xef\xbf\xbdy\xef\xbf\xbdz" },
		{ "tab\tline\n", "tab\tline\n" },
		{ "\xef\xbf\xbe\xef\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "é語", "é語" },
	};
	struct buffer b = { 0 };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		buffer_clear(&b);
		xml_escape(&b, slice_from(cases[i].in));
		assert_text(buffer_view(&b), cases[i].out);
	}
	buffer_clear(&b);
	xml_escape(&b, (struct slice){ "a\0b", 3 });
	assert_text(buffer_view(&b), "a\xef\xbf\xbd"
				     "b");
	buffer_free(&b);
}

static void strings_for_scripts_hold_no_angle_and_read_back(void **state)
{
	(void)state;
	static const char *const texts[] = { "", "plain", "</script><script>alert(1)</script>",
		"<!--<script>", "<<<", "\\u003c", "quote \" backslash \\ <", "\x01\x02\n\t",
		"日本<語", "\xe2\x80\xa8" };
	struct arena *arena = arena_new();
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct buffer b = { 0 };
		struct json root;
		struct error e;
		buffer_text(&b, "before<");
		page_string(&b, slice_from(texts[i]));
		struct slice json = { b.data + 7, b.size - 7 };
		assert_null(memchr(json.data, '<', json.size));
		assert_memory_equal(b.data, "before<", 7);
		assert_int_equal(json_read(json, &root, &e), 0);
		assert_text(json_text(root, arena), texts[i]);
		buffer_free(&b);
	}
	arena_free(arena);
}

static void templates_are_filled(void **state)
{
	(void)state;
	struct buffer b = { 0 };
	struct error e;
	const struct page_part parts[] = { { "title", SLICE("<{{body}}>"), false },
		{ "body", SLICE("<p>"), true } };
	assert_int_equal(page_fill(&b, SLICE("a{{title}}b{{body}}c{d}}e{{"), parts, 2, &e), 0);
	assert_text(buffer_view(&b), "a&lt;{{body}}&gt;b<p>c{d}}e{{");
	assert_int_equal(page_fill(&b, SLICE("{{unknown}}"), parts, 2, &e), -1);
	assert_int_equal(e.code, ERROR_MODEL);
	buffer_free(&b);
}

static void digests_are_those_of_fips_180_4(void **state)
{
	(void)state;
	/* the examples of NIST for SHA-256: one block, two blocks, and the empty message */
	static const struct {
		const char *text, *digest;
	} cases[] = {
		{ "abc", "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"sha256-JI1qYdIGOLjlwCaTDD5gOaM85Flk/yFn9uzt1BnbBsE=" },
		{ "", "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
	};
	for (size_t i = 0; i < 3; i++) {
		struct buffer b = { 0 };
		page_digest(&b, slice_from(cases[i].text));
		assert_text(buffer_view(&b), cases[i].digest);
		buffer_free(&b);
	}
	/* a million times "a", FIPS 180-2, B.3 */
	char *many = mem_alloc(1000000);
	uint8_t digest[SHA256_SIZE];
	memset(many, 'a', 1000000);
	sha256((struct slice){ many, 1000000 }, digest);
	assert_memory_equal(
		digest, "\xcd\xc7\x6e\x5c\x99\x14\xfb\x92\x81\xa1\xc7\xe2\x84\xd7\x3e\x67", 16);
	mem_free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_becomes_one_printable_line),
		cmocka_unit_test(text_is_cut_between_characters_that_people_see),
		cmocka_unit_test(widths_are_those_of_a_wide_font),
		cmocka_unit_test(lines_are_balanced_and_at_most_four),
		cmocka_unit_test(markup_in_text_is_escaped),
		cmocka_unit_test(strings_for_scripts_hold_no_angle_and_read_back),
		cmocka_unit_test(templates_are_filled),
		cmocka_unit_test(digests_are_those_of_fips_180_4),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
