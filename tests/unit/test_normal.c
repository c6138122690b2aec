/* Normalization forms against Hugging Face's: hashes of every code point in context, and of random
 * strings of what the forms change (tests/golden/normal.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/sha256.h"
#include "lib/text/normal.h"
#include "lib/text/utf8.h"
#include "tests/unit/source.h"

enum { BLOCK = 0x800 };

static void add(struct buffer *b, uint32_t c)
{
	b->size += utf8_encode(buffer_reserve(b, 4), c);
}

static void add_block(struct buffer *text, uint32_t first)
{
	for (uint32_t c = first; c < first + BLOCK; c++) {
		if (c >= 0xd800 && c < 0xe000)
			continue;
		add(text, c);
		buffer_char(text, 'a');
		add(text, c);
		add(text, 0x301);
		add(text, c);
		add(text, 0x327);
		add(text, 0x323);
		add(text, c);
		add(text, 0x1161);
		add(text, 0x11a8);
		buffer_char(text, '\n');
	}
}

static uint64_t state_of = 1;

static uint32_t draw(uint32_t n)
{
	state_of = state_of * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state_of >> 33) % n;
}

static void add_random(struct buffer *text)
{
	static const uint32_t pool[][2] = { { 0xC0, 0x24F }, { 0x300, 0x36F }, { 0x300, 0x345 },
		{ 0x384, 0x3CE }, { 0x5B0, 0x5C7 }, { 0x900, 0x9FF }, { 0xB3E, 0xB57 },
		{ 0xDCA, 0xDDF }, { 0x1100, 0x1112 }, { 0x1161, 0x1175 }, { 0x11A7, 0x11C2 },
		{ 0xAC00, 0xAC38 }, { 0x1E00, 0x1EFF }, { 0x3046, 0x309A }, { 0x3099, 0x309A },
		{ 0xFB1D, 0xFB4F }, { 0xFDFA, 0xFDFB }, { 0x61, 0x7A }, { 0x110A0, 0x110BA },
		{ 0x11930, 0x11938 }, { 0x1D15E, 0x1D169 }, { 0x2F800, 0x2F820 } };
	state_of = 1;
	for (size_t i = 0; i < 20000; i++) {
		for (uint32_t n = 1 + draw(7); n; n--) {
			uint32_t j = draw(sizeof pool / sizeof *pool);
			add(text, pool[j][0] + draw(pool[j][1] - pool[j][0] + 1));
		}
		buffer_char(text, '\n');
	}
}

/* The normalized text, then the places of its code points, counted in code points. */
static void normalize(enum normal_form form, struct slice text, struct buffer *out)
{
	struct buffer changes = { NULL, 0, 0 };
	normal_run(form, text, &changes);
	const struct normal_change *c = (const struct normal_change *)changes.data;
	size_t n = changes.size / sizeof *c;
	for (size_t i = 0; i < n; i++)
		add(out, c[i].code_point);
	uint32_t next = 0, last = 0;
	for (size_t i = 0; i < n; i++) {
		if (c[i].change <= 0) {
			last = next;
			next += 1 + (uint32_t)-c[i].change;
		} else {
			/* behind the one before, it is from what that one's change ended with */
			last = next - 1;
		}
		uint32_t place[2] = { next ? last : 0, next ? last + 1 : 0 };
		buffer_add(out, place, sizeof place);
	}
	buffer_free(&changes);
}

static void check(FILE *golden, enum normal_form form, struct slice text, size_t block)
{
	static const char *const names[] = { "NFD", "NFKD", "NFC", "NFKC" };
	char expected[64], hash[17];
	uint8_t digest[SHA256_SIZE];
	struct buffer out = { NULL, 0, 0 };
	normalize(form, text, &out);
	sha256(buffer_view(&out), digest);
	for (size_t i = 0; i < 8; i++)
		snprintf(hash + 2 * i, 3, "%02x", digest[i]);
	assert_non_null(fgets(expected, sizeof expected, golden));
	if (strncmp(hash, expected, 16) != 0)
		fail_msg("%s of text %zu differs from the reference", names[form], block);
	buffer_free(&out);
}

static void forms_are_the_references(void **state)
{
	(void)state;
	FILE *golden = fopen(source_path("tests/golden/normal/forms.txt"), "r");
	assert_non_null(golden);
	for (int form = NORMAL_NFD; form <= NORMAL_NFKC; form++) {
		struct buffer text = { NULL, 0, 0 };
		for (size_t i = 0; i < 0x20000 / BLOCK + 5; i++) {
			static const uint32_t others[] = { 0x20000, 0x2f800, 0xe0000, 0x10f800 };
			size_t other = i < 0x20000 / BLOCK ? 0 : i - 0x20000 / BLOCK;
			buffer_clear(&text);
			if (i < 0x20000 / BLOCK)
				add_block(&text, (uint32_t)i * BLOCK);
			else if (other < 4)
				add_block(&text, others[other]);
			else
				add_random(&text);
			check(golden, (enum normal_form)form, buffer_view(&text), i);
		}
		buffer_free(&text);
	}
	fclose(golden);
}

/* What normal_prefix leaves out is what normal_run would have left as it is. */
static void a_prefix_changes_nothing(void **state)
{
	struct buffer text = { NULL, 0, 0 };
	(void)state;
	add_random(&text);
	size_t whole = 0, some = 0;
	for (size_t at = 0; at < text.size;) {
		const char *line = text.data + at;
		size_t size = (size_t)((const char *)memchr(line, '\n', text.size - at) - line);
		for (int form = NORMAL_NFD; form <= NORMAL_NFKC; form++) {
			struct slice s = { line, size };
			size_t prefix = normal_prefix((enum normal_form)form, s);
			struct buffer all = { NULL, 0, 0 }, rest = { NULL, 0, 0 };
			normalize((enum normal_form)form, s, &all);
			normalize((enum normal_form)form,
				(struct slice){ line + prefix, size - prefix }, &rest);
			whole += prefix == size;
			some += prefix > 0;
			size_t places = utf8_count((struct slice){ line, prefix });
			if (all.size != prefix + 8 * places + rest.size ||
				memcmp(all.data, line, prefix) != 0)
				fail_msg("form %d changes the first %zu bytes of %.*s", form,
					prefix, (int)size, line);
			buffer_free(&all);
			buffer_free(&rest);
		}
		at += size + 1;
	}
	assert_in_range(whole, 100, 80000);
	assert_in_range(some, 100, 80000);
	buffer_free(&text);
}

static void what_is_not_utf8_becomes_replacements(void **state)
{
	struct buffer out = { NULL, 0, 0 };
	(void)state;
	assert_int_equal(normal_prefix(NORMAL_NFC, SLICE("ab\xff")), 1);
	assert_int_equal(normal_prefix(NORMAL_NFD, SLICE("ab\xff")), 2);
	assert_int_equal(normal_prefix(NORMAL_NFC, SLICE("ab\xef\xbf\xbd")), 5);
	normalize(NORMAL_NFC, SLICE("a\xff"), &out);
	assert_memory_equal(out.data, "a\xef\xbf\xbd", 4);
	buffer_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_are_the_references),
		cmocka_unit_test(a_prefix_changes_nothing),
		cmocka_unit_test(what_is_not_utf8_becomes_replacements),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
