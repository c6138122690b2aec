/* report: what `topics --report` writes is read back, from JSON and from CSV; anything else is
 * refused with a reason. */
#include "lib/plot/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_text(struct slice got, const char *want)
{
	assert_int_equal(got.size, strlen(want));
	assert_memory_equal(got.data, want, got.size);
}

static const char json[] =
	"{\"topics\": [\n"
	"{\"topic\": -1, \"count\": 8, \"name\": \"-1_of_the\", \"words\": [{\"word\": \"of\", "
	"\"score\": 0.5}, "
	"{\"word\": \"the\", \"score\": 0.25}], \"aspects\": {}, \"representative\": [\"…\"]},\n"
	"{\"topic\": 0, \"count\": 5, \"name\": \"0_cat_dog_cow_pig\", \"words\": [{\"word\": "
	"\"cat\", \"score\": 1}, "
	"{\"word\": \"dog\", \"score\": 0.5}, {\"word\": \"cow\", \"score\": 0.25}, {\"word\": "
	"\"pig\", \"score\": 0.125}, "
	"{\"word\": \"hen\", \"score\": 0}], \"aspects\": {\"mmr\": [{\"word\": \"pets, "
	"\\\"tame\\\"\", \"score\": 0.9}]}},\n"
	"{\"topic\": 1, \"count\": 3, \"name\": \"Farming\", \"words\": [{\"word\": \"barn\", "
	"\"score\": 1}]}\n"
	"]}\n";

static const char csv[] =
	"topic,count,name,words,aspects,representative\n"
	"-1,8,\"-1_of_the\",\"[{\"\"word\"\": \"\"of\"\", \"\"score\"\": 0.5}, {\"\"word\"\": "
	"\"\"the\"\", \"\"score\"\": 0.25}]\","
	"\"{}\",\"[]\"\n"
	"0,5,\"0_cat_dog_cow_pig\",\"[{\"\"word\"\": \"\"cat\"\", \"\"score\"\": 1}, "
	"{\"\"word\"\": \"\"dog\"\", \"\"score\"\": 0.5}, "
	"{\"\"word\"\": \"\"cow\"\", \"\"score\"\": 0.25}, {\"\"word\"\": \"\"pig\"\", "
	"\"\"score\"\": 0.125}, "
	"{\"\"word\"\": \"\"hen\"\", \"\"score\"\": 0}]\","
	"\"{\"\"mmr\"\": [{\"\"word\"\": \"\"pets, \\\"\"tame\\\"\"\"\", \"\"score\"\": "
	"0.9}]}\",\"[]\"\n"
	"1,3,\"Farming\",\"[{\"\"word\"\": \"\"barn\"\", \"\"score\"\": 1}]\",\"{}\",\"[]\"\n";

static void check(const struct report *r)
{
	struct arena *arena = arena_new();
	assert_int_equal(r->n, 3);
	const struct report_topic *t = report_find(r, SLICE("0"));
	assert_non_null(t);
	assert_int_equal(t->count, 5);
	assert_int_equal(report_words(t, NULL)->n, 5);
	assert_true(report_words(t, NULL)->at[3].score == 0.125);
	assert_text(report_label(t, NULL, 3, arena), "cat, dog, cow");
	assert_text(report_label(t, NULL, 99, arena), "cat, dog, cow, pig, hen");
	assert_text(report_label(t, "mmr", 3, arena), "pets, \"tame\"");
	assert_text(report_label(t, "none", 1, arena), "cat");
	assert_text(report_title(t, arena), "Topic 0");
	t = report_find(r, SLICE("1"));
	assert_text(report_label(t, NULL, 3, arena), "Farming");
	assert_text(report_title(t, arena), "1 · Farming");
	t = report_find(r, SLICE("-1"));
	assert_text(report_title(t, arena), "Topic -1");
	assert_null(report_find(r, SLICE("2")));
	assert_true(report_has_aspect(r, "mmr"));
	assert_false(report_has_aspect(r, "keybert"));
	arena_free(arena);
}

static void write_file(char *path, const char *text)
{
	int fd = mkstemps(path, 4);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void json_and_csv_say_the_same(void **state)
{
	(void)state;
	struct report r;
	struct error e = { 0 };
	assert_int_equal(report_parse(&r, slice_from(json), &e), 0);
	check(&r);
	report_free(&r);
	char path[] = "/tmp/heddle_report_XXXXXX.csv";
	write_file(path, csv);
	int status = report_read(&r, path, &e);
	unlink(path);
	if (status)
		print_message("%s\n", e.msg);
	assert_int_equal(status, 0);
	check(&r);
	report_free(&r);
}

static void what_is_no_report_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "", "" },
		{ "{", "" },
		{ "[]", "no array \"topics\"" },
		{ "{\"topics\": {}}", "no array \"topics\"" },
		{ "{\"topics\": [1]}", "topic number 1 of the list: it has no \"topic\"" },
		{ "{\"topics\": [{\"topic\": null}]}", "no \"topic\"" },
		{ "{\"topics\": [{\"topic\": 0, \"words\": 3}]}", "\"words\" is no array" },
		{ "{\"topics\": [{\"topic\": 0, \"words\": [3]}]}", "no word with a score" },
		{ "{\"topics\": [{\"topic\": 0, \"words\": [{\"word\": 3}]}]}",
			"no word with a score" },
		{ "{\"topics\": [{\"topic\": 0, \"words\": [{\"word\": \"a\", \"score\": "
		  "\"b\"}]}]}",
			"no word with a score" },
		{ "{\"topics\": [{\"topic\": 0, \"count\": -1}]}", "\"count\" is no whole number" },
		{ "{\"topics\": [{\"topic\": 0, \"count\": 1.5}]}",
			"\"count\" is no whole number" },
		{ "{\"topics\": [{\"topic\": 0, \"aspects\": []}]}", "\"aspects\" is no object" },
		{ "{\"topics\": [{\"topic\": 0}, {\"topic\": 1, \"aspects\": {\"x\": 1}}]}",
			"topic number 2 of the list: aspect \"x\": \"words\" is no array" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct report r;
		struct error e = { 0 };
		assert_int_equal(report_parse(&r, slice_from(cases[i].text), &e), -1);
		assert_int_equal(e.code, ERROR_DATA);
		if (!strstr(e.msg, cases[i].reason))
			fail_msg("\"%s\" lacks \"%s\"", e.msg, cases[i].reason);
	}
}

static void little_is_needed(void **state)
{
	(void)state;
	struct report r;
	struct error e = { 0 };
	struct arena *arena = arena_new();
	assert_int_equal(report_parse(&r, SLICE("{\"topics\": []}"), &e), 0);
	assert_int_equal(r.n, 0);
	assert_null(report_find(&r, SLICE("0")));
	report_free(&r);
	/* words without scores; a topic with nothing; a topic that is a string; \u0000 in a name */
	assert_int_equal(report_parse(&r,
				 SLICE("{\"topics\": [{\"topic\": \"a b\", \"words\": [\"x\", "
				       "\"y\"]}, {\"topic\": 7},"
				       "{\"topic\": 8, \"name\": \"a\\u0000b\"}]}"),
				 &e),
		0);
	assert_text(report_label(report_find(&r, SLICE("a b")), NULL, 3, arena), "x, y");
	assert_text(report_label(report_find(&r, SLICE("7")), NULL, 3, arena), "7");
	assert_int_equal(report_label(report_find(&r, SLICE("8")), NULL, 3, arena).size, 3);
	report_free(&r);
	arena_free(arena);
}

static void a_missing_file_is_66(void **state)
{
	(void)state;
	struct report r;
	struct error e = { 0 };
	assert_int_equal(report_read(&r, "/no/such/report.json", &e), -1);
	assert_int_equal(e.code, ERROR_NO_INPUT);
	assert_int_equal(report_read(&r, "/no/such/report.csv", &e), -1);
	assert_int_equal(e.code, ERROR_NO_INPUT);
	assert_int_equal(report_read(&r, "/", &e), -1);
	assert_int_equal(e.code, ERROR_NO_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_and_csv_say_the_same),
		cmocka_unit_test(what_is_no_report_is_refused),
		cmocka_unit_test(little_is_needed),
		cmocka_unit_test(a_missing_file_is_66),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
