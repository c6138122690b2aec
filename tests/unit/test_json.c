/* test_json.c: the JSON reader against JSONTestSuite and jansson, and its own tables; byte scans
 * and UTF-8 against slow twins. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
/* jansson's names for types and one of its functions are ours too */
#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_INTEGER JANSSON_INTEGER
#define JSON_REAL JANSSON_REAL
#define JSON_TRUE JANSSON_TRUE
#define JSON_FALSE JANSSON_FALSE
#define JSON_NULL JANSSON_NULL
#define json_integer jansson_integer
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL
#undef json_integer

#include "lib/base/random.h"
#include "lib/record/json.h"
#include "tests/unit/source.h"

static struct arena *arena;

static struct slice read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	size_t size = (size_t)ftell(f);
	rewind(f);
	char *data = arena_alloc(arena, size);
	assert_int_equal(fread(data, 1, size, f), size);
	fclose(f);
	return (struct slice){ data, size };
}

/* At the very end of a malloc block, so that a sanitizer sees a read behind it. */
static bool accepts(struct slice text, struct json *root)
{
	struct error e;
	bool ok = json_read(text, root, &e) == 0;
	if (!ok)
		assert_true(e.code == ERROR_DATA && strncmp(e.msg, "line ", 5) == 0);
	return ok;
}

static bool accepts_text(const char *text)
{
	struct json root;
	size_t n = strlen(text);
	char *exact = malloc(n ? n : 1);
	assert_non_null(exact);
	memcpy(exact, text, n);
	bool ok = accepts((struct slice){ exact, n }, &root);
	free(exact);
	return ok;
}

/* --- Conformance ---------------------------------------------------------------------------- */

/* What we do where the suite leaves it open: lone surrogates, invalid UTF-8 and numbers beyond a
 * double are errors. */
static bool open_case(const char *name)
{
	static const char *const accepted[] = {
		"i_number_double_huge_neg_exp.json",
		"i_number_real_underflow.json",
		"i_number_too_big_neg_int.json",
		"i_number_too_big_pos_int.json",
		"i_number_very_big_negative_int.json",
		"i_structure_500_nested_arrays.json",
	};
	for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++)
		if (strcmp(name, accepted[i]) == 0)
			return true;
	return false;
}

static const char *suite(const char *folder)
{
	const char *path = source_path("../shared/data/json_test_suite/%s", folder);
	DIR *d = opendir(path);
	if (!d)
		return NULL;
	closedir(d);
	return path;
}

static void every_case_of_the_suite(void **state)
{
	size_t counts[3] = { 0, 0, 0 };
	const char *folder = suite("test_parsing");
	(void)state;
	if (!folder) {
		print_message("skipped: shared/data/json_test_suite is not here\n");
		skip();
	}
	DIR *d = opendir(folder);
	for (struct dirent *f; (f = readdir(d));) {
		char path[5000];
		struct json root;
		if (!strstr(f->d_name, ".json"))
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, f->d_name);
		struct slice text = read_file(path);
		bool want = f->d_name[0] == 'y' || (f->d_name[0] == 'i' && open_case(f->d_name));
		if (accepts(text, &root) != want)
			fail_msg("%s is %s", f->d_name, want ? "refused" : "accepted");
		counts[f->d_name[0] == 'y' ? 0 : f->d_name[0] == 'n' ? 1 : 2]++;
	}
	closedir(d);
	assert_int_equal(counts[0], 95);
	assert_int_equal(counts[1], 188);
	assert_int_equal(counts[2], 35);
}

/* --- jansson -------------------------------------------------------------------------------- */

static bool same(struct json v, json_t *j);

static bool same_object(struct json v, json_t *j)
{
	const char *key;
	json_t *member;
	if (v.type != JSON_OBJECT)
		return false;
	json_object_foreach(j, key, member) if (!same(json_get(v, key), member)) return false;
	/* every key of ours is there; duplicates make ours more, and keys with a NUL jansson cannot
	 * look up */
	return json_count(v) >= json_object_size(j);
}

static bool same_array(struct json v, json_t *j)
{
	size_t i = 0;
	if (v.type != JSON_ARRAY)
		return false;
	for (struct json_iterator it = json_iterate(v); json_each(&it); i++)
		if (it.key.type != JSON_ABSENT || !same(it.value, json_array_get(j, i)))
			return false;
	return i == json_array_size(j);
}

static bool same(struct json v, json_t *j)
{
	struct slice text;
	int64_t x;
	if (!j)
		return false;
	switch (json_typeof(j)) {
	case JANSSON_OBJECT:
		return same_object(v, j);
	case JANSSON_ARRAY:
		return same_array(v, j);
	case JANSSON_STRING:
		text = (struct slice){ json_string_value(j), json_string_length(j) };
		return v.type == JSON_STRING && slice_equal(json_text(v, arena), text) &&
		       json_text_equal(v, text);
	case JSON_INTEGER:
		return json_integer(v, &x) && x == json_integer_value(j);
	case JSON_REAL:
		return v.type == JSON_NUMBER && json_double(v) == json_real_value(j);
	case JANSSON_TRUE:
		return v.type == JSON_TRUE;
	case JANSSON_FALSE:
		return v.type == JSON_FALSE;
	default:
		return v.type == JSON_NULL;
	}
}

/* Both accept the text and find the same in it, or both refuse it. jansson alone refuses whole
 * numbers beyond 64 bits and keys with NUL; the suite's cases say what we do there. */
static void agree(struct slice text)
{
	json_error_t why;
	struct json root;
	if (memchr(text.data, 0, text.size))
		return; /* jansson takes a NUL for the end of the text */
	json_t *j = json_loadb(text.data, text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
	bool ours = accepts(text, &root);
	if (j ? !ours || !same(root, j) : ours) {
		enum json_error_code code = json_error_code(&why);
		if (j || (code != json_error_numeric_overflow &&
				 code != json_error_null_byte_in_key))
			fail_msg("jansson %s: %.*s", j ? "takes it otherwise" : why.text,
				(int)(text.size < 500 ? text.size : 500), text.data);
	}
	json_decref(j);
}

static void jansson_agrees_on_the_suite(void **state)
{
	(void)state;
	const char *folders[] = { "test_parsing", "test_transform" };
	for (size_t i = 0; i < 2; i++) {
		const char *folder = suite(folders[i]);
		if (!folder)
			skip();
		DIR *d = opendir(folder);
		for (struct dirent *f; (f = readdir(d));) {
			char path[5000];
			if (!strstr(f->d_name, ".json") || strstr(f->d_name, "100000") ||
				strstr(f->d_name, "open_array_object"))
				continue;
			snprintf(path, sizeof path, "%s/%s", folder, f->d_name);
			agree(read_file(path));
		}
		closedir(d);
	}
}

static void jansson_agrees_on_mutations(void **state)
{
	static const char seed[] =
		"{\"a\": [1, -2.5e+3, 0.125, true, false, null, \"x\"], \"b\\n\\u00e9\": {\"\": {}"
		", \"a\": []},\r\n\t"
		"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\": \"\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\"
		"r\\t\", \"a\": 1e2, \"z\":[[[]]]}";
	static const char alphabet[] =
		"{}[],:\"\\ \n\t0123456789.eE+-truefalsnbu/\x01\x7f\x80\xbf\xc3\xe2\xf0\xff";
	size_t count = getenv("HEDDLE_SLOW") ? 10000000 : 300000;
	(void)state;
	for (uint64_t i = 0; i < count; i++) {
		char text[sizeof seed + 8];
		size_t n = sizeof seed - 1;
		struct arena_mark mark = arena_mark(arena);
		memcpy(text, seed, n);
		size_t edits = 1 + random_bits(5, 0, i) % 3;
		for (size_t k = 1; k <= edits; k++) {
			uint64_t r = random_bits(5, k, i);
			size_t at = r % n;
			char c = alphabet[(r >> 20) % (sizeof alphabet - 1)];
			switch (r >> 40 & 3) {
			case 0:
				text[at] = c;
				break;
			case 1:
				memmove(text + at, text + at + 1, --n - at);
				break;
			case 2:
				memmove(text + at + 1, text + at, n++ - at);
				text[at] = c;
				break;
			default:
				text[at] ^= (char)(1 << (r >> 50 & 7));
			}
		}
		agree((struct slice){ text, n });
		arena_reset(arena, mark);
	}
}

/* --- Tables --------------------------------------------------------------------------------- */

static void errors_name_line_column_and_cause(void **state)
{
	static const struct {
		const char *text, *msg;
	} table[] = {
		{ "", "line 1, column 1: no value" },
		{ "{\n \"a\": 01}", "line 2, column 8: expected ',' or '}'" },
		{ "[1 2]", "line 1, column 4: expected ',' or ']'" },
		{ "[1,]", "line 1, column 4: expected a value" },
		{ "{\"a\":1,}", "line 1, column 8: expected a key in double quotes" },
		{ "{\"a\" 1}", "line 1, column 6: expected ':' after the key" },
		{ "[\"a\nb\"]", "line 1, column 4: a control character in a string" },
		{ "[\"\\x\"]", "line 1, column 3: an invalid escape" },
		{ "[\"\\u12g4\"]", "line 1, column 3: \\u without four hexadecimal digits" },
		{ "[\"\\ud800\"]", "line 1, column 3: a lone surrogate" },
		{ "[\"\\udc00\\ud800\"]", "line 1, column 3: a lone surrogate" },
		{ "[\"\\ud800\\u0041\"]", "line 1, column 3: a lone surrogate" },
		{ "[\"ab\xff\"]", "line 1, column 5: invalid UTF-8" },
		{ "[\"\xed\xa0\x80\"]", "line 1, column 3: invalid UTF-8" },
		{ "[\"abc", "line 1, column 6: the text ends inside a string" },
		{ "[1", "line 1, column 3: the text ends inside an array" },
		{ "{\"a\":1", "line 1, column 7: the text ends inside an object" },
		{ "{\"a\":", "line 1, column 6: the text ends where a value is expected" },
		{ "1 2", "line 1, column 3: something after the value" },
		{ "-", "line 1, column 1: an invalid number" },
		{ "[1e999]", "line 1, column 2: a number too large for a double" },
		{ "[-1e999]", "line 1, column 2: a number too large for a double" },
		{ "[tru]", "line 1, column 2: expected a value" },
		{ "\xef\xbb\xbf{}", "line 1, column 1: expected a value" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct json root;
		struct error e;
		assert_int_equal(json_read(slice_from(table[i].text), &root, &e), -1);
		assert_string_equal(e.msg, table[i].msg);
		assert_int_equal(root.type, JSON_ABSENT);
	}
}

static void nesting_is_limited_at_1024(void **state)
{
	(void)state;
	for (size_t depth = 1020; depth < 1030; depth++) {
		char text[2 * 1030 + 1];
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		text[2 * depth] = 0;
		assert_int_equal(accepts_text(text), depth <= JSON_DEPTH);
	}
	size_t n = 1000000;
	char *text = malloc(n + 1);
	assert_non_null(text);
	memset(text, '[', n);
	text[n] = 0;
	assert_false(accepts_text(text));
	for (size_t i = 0; i + 5 <= n; i += 5)
		memcpy(text + i, "{\"\":[", 5);
	assert_false(accepts_text(text));
	free(text);
}

static void of_duplicate_keys_the_last_is_used(void **state)
{
	struct json root;
	(void)state;
	assert_true(accepts(SLICE("{\"a\":1,\"\\u0061\":2,\"b\":{\"a\":3}}"), &root));
	int64_t x;
	assert_true(json_integer(json_get(root, "a"), &x) && x == 2);
	assert_int_equal(json_count(root), 3);
	assert_int_equal(json_get(root, "c").type, JSON_ABSENT);
	assert_int_equal(json_get(json_get(root, "a"), "a").type, JSON_ABSENT);
	assert_int_equal(json_count(json_get(root, "a")), 0);
}

static void whole_numbers_in_any_spelling(void **state)
{
	static const struct {
		const char *text;
		bool whole;
		int64_t value;
	} table[] = {
		{ "0", true, 0 },
		{ "-0", true, 0 },
		{ "0.0", true, 0 },
		{ "0e999999999999", true, 0 },
		{ "12", true, 12 },
		{ "-12", true, -12 },
		{ "1e3", true, 1000 },
		{ "1E+3", true, 1000 },
		{ "2.0", true, 2 },
		{ "2.50e1", true, 25 },
		{ "2.5", false, 0 },
		{ "25e-1", false, 0 },
		{ "250e-1", true, 25 },
		{ "1e-1", false, 0 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "9223372036854775808", false, 0 },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "-9223372036854775809", false, 0 },
		{ "9.223372036854775807e18", true, INT64_MAX },
		{ "1e18", true, 1000000000000000000 },
		{ "1e19", false, 0 },
		{ "1e999999999999999999999", false, 0 },
		{ "1e-999999999999999999999", false, 0 },
		{ "1000000000000000000000000000000e-30", true, 1 },
		{ "0.00000000000000000000000000001e29", true, 1 },
		{ "10000000000000000000000", false, 0 },
		{ "100.00", true, 100 },
		{ "null", false, 0 },
		{ "\"1\"", false, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct json_parser p;
		int64_t x = 0;
		json_begin(&p, slice_from(table[i].text));
		struct json v = { .type = JSON_NUMBER, .raw = slice_from(table[i].text) };
		if (!strpbrk(table[i].text, "n\""))
			v.type = JSON_NUMBER;
		else
			v = json_next(&p);
		if (json_integer(v, &x) != table[i].whole || x != table[i].value)
			fail_msg("%s: %lld", table[i].text, (long long)x);
	}
	assert_true(isnan(json_double((struct json){ .type = JSON_NULL, .raw = SLICE("null") })));
}

static void strings_decode(void **state)
{
	static const struct {
		const char *raw;
		struct slice text;
	} table[] = {
		{ "\"\"", SLICE("") },
		{ "\"plain\"", SLICE("plain") },
		{ "\"\\\"\\\\\\/\"", SLICE("\"\\/") },
		{ "\"\\b\\f\\n\\r\\t\"", SLICE("\b\f\n\r\t") },
		{ "\"a\\u0000b\"", SLICE("a\0b") },
		{ "\"\\u00e9\\u20AC\\ud83d\\uDE00\"",
			SLICE("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80") },
		{ "\"\\uffff\\u007f\\u0080\\u07ff\\u0800\"",
			SLICE("\xef\xbf\xbf\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80") },
		{ "\"\\udbff\\udfff\\ud800\\udc00\"", SLICE("\xf4\x8f\xbf\xbf\xf0\x90\x80\x80") },
		{ "\"x\\\\\"", SLICE("x\\") },
	};
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct json v;
		struct buffer b = { NULL, 0, 0 };
		assert_true(accepts(slice_from(table[i].raw), &v));
		assert_true(slice_equal(json_text(v, arena), table[i].text));
		assert_true(json_text_equal(v, table[i].text));
		assert_false(json_text_equal(v, SLICE("other, and longer than any")));
		json_add_text(&b, v);
		assert_true(slice_equal(buffer_view(&b), table[i].text));
		/* written and read again it is the same text */
		buffer_clear(&b);
		json_write_string(&b, table[i].text);
		assert_true(accepts(buffer_view(&b), &v));
		assert_true(slice_equal(json_text(v, arena), table[i].text));
		buffer_free(&b);
	}
}

static void writing_escapes_what_it_must(void **state)
{
	struct buffer b = { NULL, 0, 0 };
	(void)state;
	json_write_string(&b, SLICE("a\"b\\c/\x01\x1f\b\t\n\f\r\x7f\xc3\xa9\0"));
	json_write_integer(&b, INT64_MIN);
	json_write_integer(&b, INT64_MAX);
	json_write_integer(&b, 0);
	json_write_vector(&b, (const float[]){ 1, -0.5f, 1e-20f }, 3);
	json_write_vector(&b, NULL, 0);
	json_write_double(&b, 0.1);
	json_write_float(&b, 0.1f);
	assert_true(slice_equal(buffer_view(&b),
		SLICE("\"a\\\"b\\\\c/\\u0001\\u001f\\b\\t\\n\\f\\r\x7f\xc3\xa9\\u0000\""
		      "-922337203685477580892233720368547758070[1,-0.5,1e-20][]0.10.1")));
	buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_of_the_suite),
		cmocka_unit_test(jansson_agrees_on_the_suite),
		cmocka_unit_test(jansson_agrees_on_mutations),
		cmocka_unit_test(errors_name_line_column_and_cause),
		cmocka_unit_test(nesting_is_limited_at_1024),
		cmocka_unit_test(of_duplicate_keys_the_last_is_used),
		cmocka_unit_test(whole_numbers_in_any_spelling),
		cmocka_unit_test(strings_decode),
		cmocka_unit_test(writing_escapes_what_it_must),
	};
	arena = arena_new();
	int rc = cmocka_run_group_tests_name("json", tests, NULL, NULL);
	arena_free(arena);
	return rc;
}
