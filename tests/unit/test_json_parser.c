/* test_json_parser.c: the tokens of the JSON parser, one by one, skipped over, and several at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/record/json.h"

static void the_parser_gives_every_token(void **state)
{
	static const char text[] = " { \"a\" : [ 1 , {} , [ ] ] , \"a\" : \"x\" , \"b\":null } ";
	static const struct {
		enum json_type type;
		const char *raw;
	} tokens[] = {
		{ JSON_OBJECT, "{" },
		{ JSON_KEY, "\"a\"" },
		{ JSON_ARRAY, "[" },
		{ JSON_NUMBER, "1" },
		{ JSON_OBJECT, "{" },
		{ JSON_OBJECT_END, "}" },
		{ JSON_ARRAY, "[" },
		{ JSON_ARRAY_END, "]" },
		{ JSON_ARRAY_END, "]" },
		{ JSON_KEY, "\"a\"" },
		{ JSON_STRING, "\"x\"" },
		{ JSON_KEY, "\"b\"" },
		{ JSON_NULL, "null" },
		{ JSON_OBJECT_END, "}" },
		{ JSON_END, "" },
		{ JSON_END, "" },
	};
	struct json_parser p;
	(void)state;
	json_begin(&p, SLICE(text));
	for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
		struct json t = json_next(&p);
		assert_int_equal(t.type, tokens[i].type);
		assert_true(slice_equal(t.raw, slice_from(tokens[i].raw)));
	}
}

static void skipping_gives_the_whole_value(void **state)
{
	struct json_parser p;
	struct json t;
	(void)state;
	json_begin(&p, SLICE("{\"a\": [1,{\"b\":[]}] ,\"c\" :7, \"d\": [0"));
	assert_int_equal(json_next(&p).type, JSON_OBJECT);
	t = json_skip(&p, json_next(&p));
	assert_int_equal(t.type, JSON_ARRAY);
	assert_true(slice_equal(t.raw, SLICE("[1,{\"b\":[]}]")));
	t = json_skip(&p, json_next(&p));
	assert_true(t.type == JSON_NUMBER && slice_equal(t.raw, SLICE("7")));
	assert_int_equal(json_skip(&p, json_next(&p)).type, JSON_ERROR);
	assert_int_equal(json_next(&p).type, JSON_ERROR);
	assert_string_equal(p.fault, "the text ends inside an array");
}

static void members_come_with_their_whole_values(void **state)
{
	struct json_parser p;
	struct json key, value;
	(void)state;
	json_begin(&p, SLICE("{\"a\": [1,{\"b\":[]}] ,\"c\" :7}"));
	assert_int_equal(json_next(&p).type, JSON_OBJECT);
	assert_true(json_member(&p, &key, &value));
	assert_true(slice_equal(key.raw, SLICE("\"a\"")));
	assert_true(slice_equal(value.raw, SLICE("[1,{\"b\":[]}]")));
	assert_true(json_member(&p, &key, &value));
	assert_true(value.type == JSON_NUMBER && slice_equal(value.raw, SLICE("7")));
	assert_false(json_member(&p, &key, &value));
	assert_int_equal(key.type, JSON_OBJECT_END);
	assert_int_equal(json_next(&p).type, JSON_END);
	static const char *const wrong[] = { "{\"a\": [1,}", "{\"a\" 1}", "{\"a\":", "{\"a\":tru}",
		"{" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		json_begin(&p, slice_from(wrong[i]));
		assert_int_equal(json_next(&p).type, JSON_OBJECT);
		assert_false(json_member(&p, &key, &value));
		assert_int_equal(key.type, JSON_ERROR);
		assert_non_null(p.fault);
	}
}

/* A string's text as the parser gives it, for the trace of one. */
static void trace_string(struct buffer *b, struct slice text)
{
	buffer_char(b, '"');
	buffer_slice(b, text);
	buffer_char(b, '"');
}

/* All tokens of a text, one behind the other, with the usual shapes in one step or not. */
static void trace(struct slice text, bool steps, struct buffer *b)
{
	struct json_parser p;
	struct json t;
	struct slice key, pair[2];
	uint32_t count;
	buffer_clear(b);
	json_begin(&p, text);
	do {
		while (steps && json_next_pair(&p, pair)) {
			buffer_char(b, '[');
			trace_string(b, pair[0]);
			trace_string(b, pair[1]);
			buffer_char(b, ']');
		}
		while (steps && json_next_count(&p, &key, &count)) {
			trace_string(b, key);
			buffer_printf(b, "%u;", count);
		}
		t = json_next(&p);
		buffer_slice(b, t.raw);
		if (t.type == JSON_NUMBER)
			buffer_char(b, ';');
	} while (t.type != JSON_END && t.type != JSON_ERROR);
	buffer_printf(
		b, "%d %s %zu", (int)t.type, p.fault ? p.fault : "", (size_t)(p.at - text.data));
}

/* Whatever one byte of a text becomes, and wherever it is cut off. */
static void usual_shapes_are_the_same_tokens(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"{\"a\":0,\"\xc3\xa9"
		"bc\":12,\n  \"d\" : 123456789 , "
		"\"e\":1234567890,\"f\":-1,\"g\":3e2}",
		"{\"\\u0041\":1,\"b\":01,\"c\":2}",
		"[[\"a\",\"b\"],\n[ \"a long one of two\" , \"b and an even longer one\" ] "
		",[\"\xe2\x96\x81\",\"\\n\"],"
		"[\"a\"],[\"a\",1],[],\"a b\",[\"a\",\"b\",\"c\"],{\"k\":1},[[\"x\",\"y\"]]]",
		"[\"a\",[\"b\",\"c\"],{\"d\":[[\"e\",\"f\"]],\"g\":7}]",
	};
	static const char others[] = "\"\\,:[]{}0159-.eE \n\x01"
				     "ax\xc3\x80\xff";
	struct buffer a = { NULL, 0, 0 }, b = { NULL, 0, 0 };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		size_t size = strlen(texts[i]);
		for (size_t at = 0; at <= size; at++)
			for (size_t k = 0; k < sizeof others; k++) {
				/* the last of them: cut off here, in memory of that size */
				bool cut = k + 1 == sizeof others;
				size_t n = cut ? at : size;
				char *copy = malloc(n + 1);
				assert_non_null(copy);
				memcpy(copy, texts[i], n);
				if (!cut && at < size)
					copy[at] = others[k];
				copy = realloc(copy, n ? n : 1);
				trace((struct slice){ copy, n }, false, &a);
				trace((struct slice){ copy, n }, true, &b);
				if (!slice_equal(buffer_view(&a), buffer_view(&b)))
					fail_msg("%.*s: %.*s, %.*s", (int)n, copy, (int)a.size,
						a.data, (int)b.size, b.data);
				free(copy);
			}
	}
	buffer_free(&a);
	buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_parser_gives_every_token),
		cmocka_unit_test(skipping_gives_the_whole_value),
		cmocka_unit_test(members_come_with_their_whole_values),
		cmocka_unit_test(usual_shapes_are_the_same_tokens),
	};
	return cmocka_run_group_tests_name("JSON parser", tests, NULL, NULL);
}
