/* test_value.c: what a command takes from a record and adds to it; records kept in a spool. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/random.h"
#include "lib/record/record.h"
#include "tests/unit/folder.h"

static void write_file(const char *name, struct slice text)
{
	FILE *f = fopen(name, "wb");
	assert_non_null(f);
	assert_true(text.size == 0 || fwrite(text.data, 1, text.size, f) == text.size);
	assert_int_equal(fclose(f), 0);
}

static void same_text(struct slice got, struct slice want)
{
	if (!slice_equal(got, want))
		fail_msg(
			"got\n%.*s\nnot\n%.*s", (int)got.size, got.data, (int)want.size, want.data);
}

/* --- Values --------------------------------------------------------------------------------- */

struct value_row {
	const char *raw; /* of key "v"; NULL: absent */
	const char *field; /* the same in CSV; NULL: not tried */
	/* what each gives; "!…": the message behind the place */
	const char *text, *integer, *number, *label, *vector;
};

static const struct value_row value_rows[] = {
	{ "\"x\"", "x", "x", "!key \"v\" is a string, not a number",
		"!key \"v\" is a string, not a number", "x \"x\"",
		"!key \"v\" is no vector: its base64 has 1 character" },
	{ "3", "3", "!key \"v\" is a number, not text", "3", "3", "3 3",
		"!key \"v\" is a number, not a vector" },
	{ "2.5", "2.5", "!key \"v\" is a number, not text", "!key \"v\" is 2.5, not a whole number",
		"2.5", "2.5 2.5", "!key \"v\" is a number, not a vector" },
	{ "true", "true", "!key \"v\" is true, not text", "!key \"v\" is true, not a number",
		"!key \"v\" is true, not a number", "true true",
		"!key \"v\" is true, not a vector" },
	{ "null", NULL, "!key \"v\" is null, not text", "!key \"v\" is null, not a number",
		"!key \"v\" is null, not a number",
		"!key \"v\" is null, not a label (a string, number or boolean)",
		"!key \"v\" is null, not a vector" },
	{ NULL, NULL, "!key \"v\" is missing", "!key \"v\" is missing", "!key \"v\" is missing",
		"!key \"v\" is missing", "!key \"v\" is missing" },
	{ "[ 1 , -0.5,2e-3 ]", "[ 1 , -0.5,2e-3 ]", "!key \"v\" is an array, not text",
		"!key \"v\" is an array, not a number", "!key \"v\" is an array, not a number",
		"!key \"v\" is an array, not a label (a string, number or boolean)",
		"1 -0.5 0.002" },
	{ "[]", "[]", NULL, NULL, NULL, NULL, "!key \"v\" is an empty vector" },
	{ "[1,null]", "[1,null]", NULL, NULL, NULL, NULL, "!key \"v\": element 1 is no number" },
	{ "[1,[2]]", "[1,[2]]", NULL, NULL, NULL, NULL, "!key \"v\": element 1 is no number" },
	{ "[\"1\"]", NULL, NULL, NULL, NULL, NULL, "!key \"v\": element 0 is no number" },
	{ "[1,1e39]", "[1,1e39]", NULL, NULL, NULL, NULL,
		"!key \"v\": element 1 is too large for float32" },
	{ "\"zczMPXfMKzI=\"", "zczMPXfMKzI=", NULL, NULL, NULL, NULL, "0.1 1e-8" },
	{ "\"zczMPXfMKzI\"", "zczMPXfMKzI", NULL, NULL, NULL, NULL, "0.1 1e-8" },
	{ "\"zczMPXfMKz-=\"", "zczMPXfMKz-=", NULL, NULL, NULL, NULL,
		"!key \"v\" is no vector: a character in it is not base64" },
	{ "\"AADAfw==\"", "AADAfw==", NULL, NULL, NULL, NULL, "!key \"v\": element 0 is NaN" },
	{ "\"AACAPwAAgH8=\"", "AACAPwAAgH8=", NULL, NULL, NULL, NULL,
		"!key \"v\": element 1 is infinite" },
	{ "\"\"", "", "", NULL, NULL, NULL, "!key \"v\" is an empty vector" },
	{ "\"AAAA\"", "AAAA", NULL, NULL, NULL, NULL,
		"!key \"v\" is no vector: its base64 has 4 characters" },
};

static void expect(const char *want, int rc, const struct error *e, struct slice got)
{
	if (!want)
		return;
	if (want[0] == '!') {
		assert_int_equal(rc, -1);
		assert_int_equal(e->code, ERROR_DATA);
		assert_string_equal(strchr(strchr(e->msg, ':') + 1, ':') + 2, want + 1);
		return;
	}
	if (rc)
		fail_msg("%s", e->msg);
	same_text(got, slice_from(want));
}

static void check_values(const struct record *rec, size_t v, const struct value_row *row,
	struct arena *arena, bool field)
{
	struct slice text = SLICE(""), json = SLICE("");
	struct buffer b = { NULL, 0, 0 };
	struct error e;
	int64_t whole = 0;
	double number = 0;
	float *x = NULL;
	size_t n = 0;
	int rc = record_text(rec, v, "v", arena, &text, &e);
	expect(field ? row->field : row->text, rc, &e, text);
	rc = record_integer(rec, v, "v", &whole, &e);
	json_write_integer(&b, whole);
	if (!field)
		expect(row->integer, rc, &e, buffer_view(&b));
	buffer_clear(&b);
	rc = record_double(rec, v, "v", &number, &e);
	json_write_double(&b, number);
	if (!field)
		expect(row->number, rc, &e, buffer_view(&b));
	else
		assert_int_equal(rc == 0, row->number && row->number[0] != '!');
	buffer_clear(&b);
	rc = record_label(rec, v, "v", arena, &text, &json, &e);
	buffer_printf(&b, "%.*s %.*s", (int)text.size, text.data, (int)json.size, json.data);
	if (!field)
		expect(row->label, rc, &e, buffer_view(&b));
	buffer_clear(&b);
	rc = record_vector(rec, v, "v", arena, &x, &n, &e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (i)
			buffer_char(&b, ' ');
		json_write_float(&b, x[i]);
	}
	if (!field || (row->vector[0] != '!' || !strstr(row->vector, "a vector")))
		expect(row->vector, rc, &e, buffer_view(&b));
	else
		assert_int_equal(rc, -1);
	buffer_free(&b);
}

static void values_of_every_kind(void **state)
{
	const char *names[] = { "values" };
	struct arena *arena = arena_new();
	(void)state;
	for (size_t i = 0; i < sizeof value_rows / sizeof *value_rows; i++) {
		for (int field = 0; field < 2; field++) {
			const struct value_row *row = &value_rows[i];
			struct reader_options in = { .files = names,
				.n_files = 1,
				.format = field ? FORMAT_CSV : FORMAT_JSONL };
			struct buffer b = { NULL, 0, 0 };
			struct record rec;
			struct error e;
			if (field && !row->field)
				continue;
			if (field)
				buffer_printf(&b, "v,w\n\"%s\",1\n", row->field);
			else
				buffer_printf(&b, "{%s%s}\n", row->raw ? "\"v\":" : "",
					row->raw ? row->raw : "");
			write_file("values", buffer_view(&b));
			buffer_free(&b);
			struct reader *r = reader_open(&in, &e);
			assert_non_null(r);
			size_t v = reader_want(r, "v");
			assert_int_equal(reader_next(r, arena, &rec, NULL, &e), 1);
			check_values(&rec, v, row, arena, field);
			assert_int_equal(reader_next(r, arena, &rec, NULL, &e), 0);
			reader_close(r);
		}
	}
	arena_free(arena);
}

static void vectors_written_read_back(void **state)
{
	const char *names[] = { "vectors" }, *key = "v";
	struct reader_options in = { .files = names, .n_files = 1 };
	struct arena *arena = arena_new();
	(void)state;
	for (int i = 0; i < 8; i++) {
		struct writer_options o = { .format = i & 1 ? FORMAT_CSV : FORMAT_JSONL,
			.base64 = i & 2 };
		struct buffer b = { NULL, 0, 0 };
		struct record rec = { .raw = SLICE("x"), .file = "-", .format = FORMAT_TEXT };
		struct error e;
		float x[385], *y;
		size_t n = i & 4 ? 385 : 1, m;
		for (size_t k = 0; k < n; k++)
			x[k] = random_float(random_bits(10, (uint64_t)i, k)) - 0.5f;
		struct writer *w = writer_new(&o, &key, 1, &e);
		assert_int_equal(writer_header(w, &b, FORMAT_TEXT, SLICE("text"), &e), 0);
		for (int k = 0; k < 3; k++) {
			assert_int_equal(writer_begin(w, &b, &rec, &e), 0);
			writer_vector(w, &b, x, n);
			writer_end(w, &b);
		}
		write_file("vectors", buffer_view(&b));
		in.format = o.format;
		struct reader *r = reader_open(&in, &e);
		assert_non_null(r);
		size_t v = reader_want(r, "v");
		for (int k = 0; k < 3; k++) {
			assert_int_equal(reader_next(r, arena, &rec, NULL, &e), 1);
			assert_int_equal(record_vector(&rec, v, "v", arena, &y, &m, &e), 0);
			assert_int_equal(m, n);
			assert_memory_equal(x, y, n * sizeof *x);
		}
		reader_close(r);
		writer_free(w);
		buffer_free(&b);
	}
	arena_free(arena);
}

static void every_kind_of_new_value(void **state)
{
	static const char *const keys[] = { "t", "i", "d", "z", "v", "j", "a", "s" };
	static const struct {
		enum format format;
		bool base64;
		const char *want;
	} table[] = {
		{ FORMAT_JSONL, false,
			"{\"x\":0,\"t\":\"q\\\"\",\"i\":-1,\"d\":0.1,\"z\":null,\"v\":[1"
			",2],\"j\":{\"a\":1},\"a\":true,"
			"\"s\":\"\\u00e9,\"}\n" },
		{ FORMAT_JSONL, true,
			"{\"x\":0,\"t\":\"q\\\"\",\"i\":-1,\"d\":0.1,\"z\":null,\"v\":\""
			"AACAPwAAAEA=\",\"j\":{\"a\":1},"
			"\"a\":true,\"s\":\"\\u00e9,\"}\n" },
		{ FORMAT_CSV, false,
			"0,\"q\"\"\",-1,0.1,,\"[1,2]\",\"{\"\"a\"\":1}\",true,\"\xc3\xa9,\"\n"
			"" },
		{ FORMAT_TSV, true,
			"0\t\"q\"\"\"\t-1\t0.1\t\tAACAPwAAAEA=\t\"{\"\"a\"\":1}\"\ttrue\t\xc3"
			"\xa9,\n" },
	};
	struct record rec = { .raw = SLICE("{\"x\":0}"), .file = "-", .format = FORMAT_JSONL };
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct writer_options o = { .format = table[i].format, .base64 = table[i].base64 };
		struct buffer b = { NULL, 0, 0 };
		struct error e;
		struct writer *w = writer_new(&o, keys, 8, &e);
		assert_int_equal(writer_header(w, &b, FORMAT_JSONL, SLICE("x"), &e), 0);
		buffer_clear(&b);
		assert_int_equal(writer_begin(w, &b, &rec, &e), 0);
		writer_text(w, &b, SLICE("q\""));
		writer_integer(w, &b, -1);
		writer_double(w, &b, 0.1);
		writer_json(w, &b, SLICE("null"));
		writer_vector(w, &b, (const float[]){ 1, 2 }, 2);
		writer_json(w, &b, SLICE("{\"a\":1}"));
		writer_json(w, &b, SLICE("true"));
		writer_json(w, &b, SLICE("\"\\u00e9,\""));
		writer_end(w, &b);
		same_text(buffer_view(&b), slice_from(table[i].want));
		buffer_free(&b);
		writer_free(w);
	}
}

static void writers_that_make_no_sense(void **state)
{
	static const char *const twice[] = { "a", "b", "a" };
	struct writer_options o = { .format = FORMAT_AUTO };
	struct error e;
	(void)state;
	assert_null(writer_new(&o, twice, 3, &e));
	assert_string_equal(e.msg, "two keys are to be written as \"a\"");
	o.format = FORMAT_TEXT;
	assert_null(writer_new(&o, twice, 1, &e));
	assert_int_equal(e.code, ERROR_USAGE);
	o.format = FORMAT_AUTO;
	struct writer *w = writer_new(&o, twice, 2, &e);
	struct buffer b = { NULL, 0, 0 };
	assert_int_equal(writer_header(w, &b, FORMAT_CSV, SLICE("x,b\n"), &e), -1);
	assert_int_equal(e.code, ERROR_DATA);
	writer_free(w);
	buffer_free(&b);
}

/* --- Spool ---------------------------------------------------------------------------------- */

static void a_spool_gives_records_back(void **state)
{
	const char *names[] = { "sp.csv" };
	struct reader_options in = { .files = names, .n_files = 1 };
	struct writer_options out = { .format = FORMAT_AUTO };
	struct arena *arena = arena_new();
	struct buffer text = { NULL, 0, 0 }, b = { NULL, 0, 0 };
	struct record rec;
	struct error e;
	const char *key = "n";
	(void)state;
	buffer_text(&text, "id,text\r\n");
	for (size_t i = 0; i < 20000; i++)
		buffer_printf(&text, "%zu,\"%.*s\"\r\n", i, (int)(i % 97),
			"x\n----------------------------------------------"
			"-----------------------------------------------------");
	memset(buffer_reserve(&text, 600000), 'y', 600000);
	text.size += 600000;
	buffer_text(&text, ",z\r\n");
	write_file("sp.csv", buffer_view(&text));
	struct reader *r = reader_open(&in, &e);
	struct writer *w = writer_new(&out, &key, 1, &e);
	struct spool *s = spool_new(&e);
	assert_true(r && w && s);
	assert_int_equal(writer_header(w, &b, reader_format(r), reader_columns(r), &e), 0);
	while (reader_next(r, arena, &rec, NULL, &e) == 1) {
		assert_int_equal(spool_add(s, &rec, &e), 0);
		arena_clear(arena);
	}
	for (int round = 0; round < 2; round++) {
		size_t n = 0, line = 2;
		buffer_clear(&b);
		assert_int_equal(spool_rewind(s, &e), 0);
		for (; spool_next(s, arena, &rec, &e) == 1; n++) {
			assert_int_equal(rec.index, n);
			assert_int_equal(rec.line, line);
			line += n % 97 > 1 ? 2 : 1;
			assert_string_equal(rec.file, "sp.csv");
			assert_int_equal(writer_begin(w, &b, &rec, &e), 0);
			writer_json(w, &b, SLICE("null"));
			writer_end(w, &b);
			arena_clear(arena);
		}
		assert_int_equal(n, 20001);
		assert_int_equal(b.size, text.size - 9 + n);
	}
	spool_free(s);
	writer_free(w);
	reader_close(r);
	arena_free(arena);
	buffer_free(&b);
	buffer_free(&text);
}

static void a_spooled_json_record_is_written_as_it_was(void **state)
{
	struct record rec = { .raw = SLICE(" { \"a\" : {\"}\":1} , \"n\":2 } "),
		.file = "f",
		.line = 7,
		.format = FORMAT_JSONL };
	struct writer_options o = { .replace = true };
	const char *key = "n";
	struct arena *arena = arena_new();
	struct buffer b = { NULL, 0, 0 };
	struct record back;
	struct error e;
	(void)state;
	struct spool *s = spool_new(&e);
	struct writer *w = writer_new(&o, &key, 1, &e);
	assert_int_equal(spool_add(s, &rec, &e), 0);
	assert_int_equal(spool_rewind(s, &e), 0);
	assert_int_equal(spool_next(s, arena, &back, &e), 1);
	assert_int_equal(writer_begin(w, &b, &back, &e), 0);
	writer_integer(w, &b, 5);
	writer_end(w, &b);
	same_text(buffer_view(&b), SLICE(" { \"a\" : {\"}\":1},\"n\":5 } \n"));
	assert_int_equal(spool_next(s, arena, &back, &e), 0);
	spool_free(s);
	writer_free(w);
	buffer_free(&b);
	arena_free(arena);
}

static void a_spool_without_a_folder_says_so(void **state)
{
	struct error e;
	(void)state;
	setenv("TMPDIR", "/nonexistent", 1);
	assert_null(spool_new(&e));
	assert_int_equal(e.code, ERROR_IO);
	assert_string_equal(
		e.msg, "creating a temporary file in /nonexistent: No such file or directory");
	unsetenv("TMPDIR");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_every_kind),
		cmocka_unit_test(vectors_written_read_back),
		cmocka_unit_test(every_kind_of_new_value),
		cmocka_unit_test(writers_that_make_no_sense),
		cmocka_unit_test(a_spool_gives_records_back),
		cmocka_unit_test(a_spooled_json_record_is_written_as_it_was),
		cmocka_unit_test(a_spool_without_a_folder_says_so),
	};
	return cmocka_run_group_tests_name("values", tests, enter, leave);
}
