/*
 * UTF-8 and the Unicode tables: what they say of the code points that matter, and hashes of
 * what BertNormalizer makes of all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/text/unicode.h"
#include "lib/text/utf8.h"
#include "lib/token/normalizer.h"
#include "tests/unit/token_golden.h"

static void utf8_decode_takes_maximal_invalid_parts(void **state)
{
	static const struct {
		const char *name;
		struct slice text;
		size_t n;
		uint32_t code_points[8];
	} rows[] = {
		{ "ASCII", SLICE("aZ"), 2, { 'a', 'Z' } },
		{ "NUL", SLICE("\0"), 1, { 0 } },
		{ "two, three and four bytes", SLICE("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), 3,
			{ 0xe9, 0x20ac, 0x1f600 } },
		{ "the ends of the ranges", SLICE("\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
			6, { 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff } },
		{ "around the surrogates", SLICE("\xed\x9f\xbf\xee\x80\x80"), 2, { 0xd7ff, 0xe000 } },
		{ "a surrogate: three parts", SLICE("\xed\xa0\x80"), 3, { 0xfffd, 0xfffd, 0xfffd } },
		{ "overlong: each byte", SLICE("\xc0\xaf\xe0\x80\xaf"), 5,
			{ 0xfffd, 0xfffd, 0xfffd, 0xfffd, 0xfffd } },
		{ "above U+10FFFF", SLICE("\xf4\x90\x80\x80"), 4, { 0xfffd, 0xfffd, 0xfffd, 0xfffd } },
		{ "cut short: one part", SLICE("\xe2\x82" "a\xf0\x9f\x98" "b\xc3"), 5,
			{ 0xfffd, 'a', 0xfffd, 'b', 0xfffd } },
		{ "continuation alone", SLICE("\x80\xbf"), 2, { 0xfffd, 0xfffd } },
		{ "never used", SLICE("\xfe\xff\xf8"), 3, { 0xfffd, 0xfffd, 0xfffd } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *end = rows[i].text.data + rows[i].text.size;
		size_t n = 0;
		for (const char *p = rows[i].text.data; p < end; n++) {
			uint32_t c;
			p += utf8_decode(p, end, &c);
			if (n >= rows[i].n || c != rows[i].code_points[n])
				fail_msg("%s: code point %zu is U+%04X", rows[i].name, n, c);
		}
		if (n != rows[i].n || utf8_count(rows[i].text) != n)
			fail_msg("%s: %zu code points", rows[i].name, n);
	}
}

static void utf8_encode_and_decode_are_inverse(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x110000; c += c == 0xd7ff ? 0x801 : 1) {
		char bytes[4];
		uint32_t back;
		size_t n = utf8_encode(bytes, c);
		if (utf8_decode(bytes, bytes + n, &back) != n || back != c)
			fail_msg("U+%04X", c);
	}
}

static void utf8_ascii_stops_at_any_place(void **state)
{
	char text[100];
	(void)state;
	for (size_t n = 0; n < sizeof text; n++) {
		memset(text, 'a', sizeof text);
		assert_int_equal(utf8_ascii((struct slice){ text, n }), n);
		for (size_t at = 0; at < n; at++) {
			text[at] = (char)0x80;
			assert_int_equal(utf8_ascii((struct slice){ text, n }), at);
			text[at] = 'a';
		}
	}
}

static void flags_are_the_reference_s(void **state)
{
	static const struct {
		uint32_t code_point;
		unsigned flags;
	} rows[] = {
		{ 'a', UNICODE_WORD }, { 'A', UNICODE_WORD | UNICODE_LOWERS }, { '_', UNICODE_WORD | UNICODE_PUNCTUATION },
		{ '$', UNICODE_PUNCTUATION }, { ' ', UNICODE_SPACE }, { '\t', UNICODE_SPACE },
		{ 0x0b, UNICODE_SPACE | UNICODE_CONTROL }, { 0x85, UNICODE_SPACE | UNICODE_CONTROL },
		{ 0, UNICODE_CONTROL }, { 0x1c, UNICODE_CONTROL }, { 0xfffd, UNICODE_CONTROL },
		{ 0xa0, UNICODE_SPACE }, { 0x200b, UNICODE_CONTROL }, { 0xad, UNICODE_CONTROL },
		{ 0x378, 0 }, { 0xe000, UNICODE_CONTROL }, { 0x10fffd, UNICODE_CONTROL }, { 0x10fffe, 0 },
		{ 0xd7, 0 }, { 0x2014, UNICODE_PUNCTUATION }, { 0x301, UNICODE_MARK | UNICODE_WORD | UNICODE_DECOMPOSES },
		{ 0x20dd, UNICODE_WORD }, { 0x4e2d, UNICODE_CHINESE | UNICODE_WORD },
		{ 0x20000, UNICODE_CHINESE | UNICODE_WORD }, { 0x2b820, UNICODE_WORD }, { 0x30000, UNICODE_WORD },
		{ 0x2f800, UNICODE_CHINESE | UNICODE_WORD | UNICODE_DECOMPOSES },
		{ 0xac00, UNICODE_WORD | UNICODE_DECOMPOSES }, { 0xe0100, UNICODE_MARK | UNICODE_WORD },
		{ 0x130, UNICODE_WORD | UNICODE_LOWERS | UNICODE_DECOMPOSES },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (unicode_flags(rows[i].code_point) != rows[i].flags)
			fail_msg("U+%04X has flags %u, not %u", rows[i].code_point,
				unicode_flags(rows[i].code_point), rows[i].flags);
}

static void the_table_is_what_a_search_gives(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < UNICODE_TABLE; c++)
		if ((unicode_flags(c) & ~(unsigned)UNICODE_LOWERS) != unicode_search(c))
			fail_msg("U+%04X", c);
}

static void mappings_are_the_reference_s(void **state)
{
	uint32_t out[4];
	(void)state;
	assert_int_equal(unicode_lower('A', out), 1);
	assert_int_equal(out[0], 'a');
	assert_int_equal(unicode_lower(0x130, out), 2);	/* with its dot */
	assert_int_equal(out[1], 0x307);
	assert_int_equal(unicode_lower(0x3a3, out), 1);	/* never the final sigma */
	assert_int_equal(out[0], 0x3c3);
	assert_int_equal(unicode_lower(0x16ea0, out), 1);	/* Unicode 17 */
	assert_int_equal(out[0], 0x16ebb);
	assert_int_equal(unicode_lower(0x4e2d, out), 1);
	assert_int_equal(out[0], 0x4e2d);
	assert_int_equal(unicode_decompose(0x1f82, out), 4);
	assert_int_equal(out[3], 0x345);
	assert_int_equal(unicode_decompose(0xd55c, out), 3);	/* Hangul */
	assert_int_equal(out[2], 0x11ab);
	assert_int_equal(unicode_decompose(0x11938, out), 1);	/* not in the reference's Unicode */
	assert_int_equal(unicode_decompose(0xbd, out), 1);	/* compatibility only */
	assert_int_equal(unicode_combining_class(0x301), 230);
	assert_int_equal(unicode_combining_class(0x323), 220);
	assert_int_equal(unicode_combining_class('a'), 0);
}

static void trimming_knows_all_white_space(void **state)
{
	(void)state;
	assert_int_equal(unicode_trim_end(SLICE("a b \t\r\xc2\xa0\xe3\x80\x80")), 3);
	assert_int_equal(unicode_trim_end(SLICE(" \t")), 0);
	assert_int_equal(unicode_trim_end(SLICE("")), 0);
	assert_int_equal(unicode_trim_end(SLICE("\xe2\x80\x8b")), 3);	/* U+200B is none */
}

/*
 * Every code point in four contexts under five configurations, against a hash of the
 * reference's strings.
 */
static void normalized_text_is_the_reference_s(void **state)
{
	static const struct bert_normalizer rows[] = {
		{ true, true, true, true, true },
		{ true, true, false, false, true },
		{ true, true, false, true, false },
		{ false, false, true, true, true },
		{ false, false, true, false, false },
	};
	(void)state;
	struct normalized out = { .capacity = 0 };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint64_t h = 0;
		for (size_t context = 0; context < CONTEXTS; context++)
			for (uint32_t c = 0; c < 0x110000; c += c == 0xd7ff ? 0x801 : 1) {
				char bytes[4], text[32];
				size_t n = utf8_encode(bytes, c);
				n = in_context(text, context, bytes, n);
				assert_int_equal(normalizer_bert_run(&rows[i], &(struct slice){ text, n }, 0, &out, NULL), 0);
				h = hash_bytes(h, out.text.data, out.text.size);
			}
		char number[8];
		snprintf(number, sizeof number, "%zu", i);
		if (h != golden_hash("normalizer", number))
			fail_msg("configuration %zu: see tests/golden/wordpiece.py compare", i);
	}
	normalized_free(&out);
}

static int start(void **state)
{
	(void)state;
	unicode_start();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_decode_takes_maximal_invalid_parts),
		cmocka_unit_test(utf8_encode_and_decode_are_inverse),
		cmocka_unit_test(utf8_ascii_stops_at_any_place),
		cmocka_unit_test(flags_are_the_reference_s),
		cmocka_unit_test(the_table_is_what_a_search_gives),
		cmocka_unit_test(mappings_are_the_reference_s),
		cmocka_unit_test(trimming_knows_all_white_space),
		cmocka_unit_test(normalized_text_is_the_reference_s),
	};
	return cmocka_run_group_tests_name("unicode", tests, start, NULL);
}
