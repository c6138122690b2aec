/* test_name.c: how near two names are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/name.h"

static void edits_are_counted(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		size_t distance;
	} rows[] = { { "", "", 0 }, { "", "abc", 3 }, { "threads", "threads", 0 },
		{ "thread", "threads", 1 }, { "therads", "threads", 1 },
		{ "tgreads", "threads", 1 }, { "BLEU", "bleu", 0 }, { "\xc3\x84", "\xc3\xa4", 1 },
		{ "ca", "abc", 3 }, { "kitten", "sitting", 3 } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(name_distance(rows[i].a, rows[i].b), rows[i].distance);
		assert_int_equal(name_distance(rows[i].b, rows[i].a), rows[i].distance);
	}
}

static void long_names_are_far(void **state)
{
	(void)state;
	char name[1001];
	memset(name, 'x', 1000);
	name[1000] = 0;
	assert_int_equal(name_distance(name, "threads"), 1000);
	assert_int_equal(name_distance(name, name + 1), 936 + 935);
	assert_true(name_distance(name, "threads") >= name_reach(name));
	assert_true(name_distance("emebd", "embed") < name_reach("emebd"));
	assert_true(name_distance("nope", "rouge") >= name_reach("nope"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(edits_are_counted),
		cmocka_unit_test(long_names_are_far) };
	return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
