/* test_scan.c: byte searches and UTF-8 by vectors against portable twins and against the
 * definition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/base/random.h"
#include "lib/base/utf8.h"
#include "lib/record/scan.h"

static void vector_scans_equal_the_portable_ones(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 200000; i++) {
		char text[300];
		uint64_t r = random_bits(6, 0, i);
		size_t from = r % 40, n = from + (r >> 8) % (sizeof text - 40),
		       stops = (r >> 20) % 4;
		for (size_t k = 0; k < sizeof text; k++)
			text[k] = "abcdefgh \xc3\xa9z"[random_bits(6, 1, i * 300 + k) %
						       (r >> 30 & 1 ? 9 : 12)];
		for (size_t k = 0; k < stops; k++)
			text[random_bits(6, 2 + k, i) % sizeof text] =
				"\"\\\n\r,\x1f\x00\t"[random_bits(6, 9 + k, i) % 8];
		bool high = false, high_portable = false;
		const char *a = scan_string(text + from, text + n, &high);
		assert_ptr_equal(a, scan_string_portable(text + from, text + n, &high_portable));
		assert_int_equal(high, high_portable);
		assert_ptr_equal(scan_space(text + from, text + n),
			scan_space_portable(text + from, text + n));
		assert_ptr_equal(scan_field(text + from, text + n, ','),
			scan_field_portable(text + from, text + n, ','));
		assert_ptr_equal(scan_field(text + from, text + n, '\t'),
			scan_field_portable(text + from, text + n, '\t'));
	}
}

/* A random JSON array: brackets, strings with brackets, quotes and backslashes in them. */
static size_t add_value(char *out, size_t room, uint64_t round, uint64_t *draw, int depth)
{
	size_t n = 0, items = random_bits(8, round, (*draw)++) % 9;
	bool object = random_bits(8, round, (*draw)++) % 2;
	out[n++] = object ? '{' : '[';
	for (size_t i = 0; i < items && n + 120 < room; i++) {
		uint64_t kind = random_bits(8, round, (*draw)++) % 8;
		if (i)
			out[n++] = ',';
		if (object)
			n += (size_t)sprintf(out + n, "\"k\":");
		if (kind == 0 && depth < 6) {
			n += add_value(out + n, room - n - 100, round, draw, depth + 1);
		} else if (kind < 3) {
			n += (size_t)sprintf(out + n, "12");
		} else {
			size_t size = random_bits(8, round, (*draw)++) % 40;
			out[n++] = '"';
			for (size_t k = 0; k < size; k++) {
				uint64_t c = random_bits(8, round, (*draw)++) % 12;
				if (c >= 8)
					out[n++] = '\\';
				out[n++] = "[]{}ab \xc3"
					   "\"\\\"\\"[c];
			}
			out[n++] = '"';
		}
	}
	out[n++] = object ? '}' : ']';
	return n;
}

static void containers_end_where_they_do(void **state)
{
	(void)state;
	for (uint64_t round = 0; round < 20000; round++) {
		static char text[8192];
		uint64_t draw = 0;
		size_t n = add_value(text, 4096, round, &draw, 0);
		memset(text + n, "]}\"[,x"[round % 6], 200);
		assert_ptr_equal(scan_container(text, text + n + 200), text + n);
		assert_ptr_equal(scan_container_portable(text, text + n + 200), text + n);
		assert_ptr_equal(scan_container(text, text + n), text + n);
	}
}

/* The definition, one code point at a time. */
static size_t utf8_slow(const unsigned char *p, size_t n)
{
	size_t i = 0;
	while (i < n) {
		size_t want = p[i] < 0x80 ? 1 : p[i] >= 0xf0 ? 4 : p[i] >= 0xe0 ? 3 : 2;
		uint32_t c = want == 1 ? p[i] : p[i] & (0x7fu >> want);
		if ((p[i] >= 0x80 && p[i] < 0xc0) || p[i] > 0xf7 || n - i < want)
			return i;
		for (size_t k = 1; k < want; k++) {
			if ((p[i + k] & 0xc0) != 0x80)
				return i;
			c = c << 6 | (p[i + k] & 0x3f);
		}
		static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
		if (c < least[want] || c > 0x10ffff || (c & 0xfffff800) == 0xd800)
			return i;
		i += want;
	}
	return i;
}

static void every_sequence_of_utf8(void **state)
{
	static const unsigned char edges[] = { 0, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
		0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4,
		0xf5, 0xf7, 0xf8, 0xff };
	size_t n = sizeof edges;
	(void)state;
	for (size_t i = 0; i < n * n * n * n; i++) {
		unsigned char block[128];
		struct slice text = { (const char *)block, sizeof block };
		size_t at = 20 + i % 50; /* across the borders of blocks */
		memset(block, 'a', sizeof block);
		block[at] = edges[i % n];
		block[at + 1] = edges[i / n % n];
		block[at + 2] = edges[i / n / n % n];
		block[at + 3] = edges[i / n / n / n];
		size_t valid = utf8_slow(block, sizeof block);
		if (utf8_check_portable(text) != valid || utf8_check(text) != valid)
			fail_msg("%02x %02x %02x %02x at %zu: %zu, %zu, should be %zu", block[at],
				block[at + 1], block[at + 2], block[at + 3], at,
				utf8_check_portable(text), utf8_check(text), valid);
	}
}

static void dense_utf8_of_any_length(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 100000; i++) {
		unsigned char block[200];
		size_t n = 0, want = random_bits(7, 0, i) % 190;
		for (uint64_t k = 1; n < want; k++) {
			static const char *const points[] = { "a", "\xc3\xa9", "\xe2\x82\xac",
				"\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xef\xbf\xbf",
				"\xf4\x8f\xbf\xbf", "z" };
			const char *p = points[random_bits(7, k, i) % 8];
			memcpy(block + n, p, strlen(p));
			n += strlen(p);
		}
		if (n && i % 2)
			block[random_bits(7, 300, i) % n] ^=
				(unsigned char)(1 << random_bits(7, 301, i) % 8);
		if (i % 4 == 3)
			n = random_bits(7, 302, i) % (n + 1);
		unsigned char *exact = malloc(n ? n : 1);
		assert_non_null(exact);
		memcpy(exact, block, n);
		struct slice text = { (const char *)exact, n };
		size_t valid = utf8_slow(exact, n);
		assert_int_equal(utf8_check(text), valid);
		assert_int_equal(utf8_check_portable(text), valid);
		free(exact);
	}
}

static void maximal_invalid_parts_are_replaced(void **state)
{
	/* Unicode 15, tables 3-8 to 3-11; U+FFFD is written as '?' here */
	static const struct {
		const char *text, *repaired;
	} table[] = {
		{ "abc", "abc" },
		{ "\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", "????????A" },
		{ "\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", "????????A" },
		{ "\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", "?????A??B" },
		{ "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", "????A" },
		{ "\xe2\x82", "?" },
		{ "x\xf0\x9f\x98", "x?" },
		{ "\x80", "?" },
		{ "\xc3\xa9\xc3", "\xc3\xa9?" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct buffer got = { NULL, 0, 0 }, want = { NULL, 0, 0 };
		utf8_repair(&got, slice_from(table[i].text));
		for (const char *s = table[i].repaired; *s; s++)
			if (*s == '?')
				buffer_text(&want, "\xef\xbf\xbd");
			else
				buffer_char(&want, *s);
		assert_true(slice_equal(buffer_view(&got), buffer_view(&want)));
		buffer_free(&got);
		buffer_free(&want);
	}
}

static void few_bytes_are_a_number(void **state)
{
	static const char bytes[7] = "\x81\x92\x83\xf4\x85\xa6\x87";
	(void)state;
	for (size_t n = 0; n < 8; n++) {
		/* up to the end, so that a sanitizer sees a byte too many */
		const char *p = bytes + sizeof bytes - n;
		uint64_t want = 0;
		memcpy(&want, p, n);
		assert_true(slice_few(p, n) == want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vector_scans_equal_the_portable_ones),
		cmocka_unit_test(containers_end_where_they_do),
		cmocka_unit_test(every_sequence_of_utf8),
		cmocka_unit_test(dense_utf8_of_any_length),
		cmocka_unit_test(maximal_invalid_parts_are_replaced),
		cmocka_unit_test(few_bytes_are_a_number),
	};
	return cmocka_run_group_tests_name("scans", tests, NULL, NULL);
}
