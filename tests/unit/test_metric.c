/* metric: figures and texts of evaluate against the reference implementations, the files in tests/golden/metric, which
 * tests/golden/metric.py writes: all cases of a run go through the command once, as groups. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/base/memory.h"
#include "lib/record/json.h"
#include "tests/unit/source.h"

static char work[] = "/tmp/heddle-metric-XXXXXX";

static void read_file(FILE *f, struct buffer *b)
{
	size_t got;
	do {
		char *to = buffer_reserve(b, 1 << 16);
		got = fread(to, 1, 1 << 16, f);
		b->size += got;
	} while (got);
}

/* The command beside this test: the sanitized one for the sanitized test. */
static const char *evaluate(void)
{
	static char path[4096 + 32];
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	self[n < 0 ? 0 : n] = 0;
	const char *build = getenv("HEDDLE_BUILD"), *bin = getenv("HEDDLE_BIN");
	if (strstr(self, "/sanitize/"))
		snprintf(path, sizeof path, "%s/sanitize/bin/evaluate", build ? build : "build");
	else
		snprintf(path, sizeof path, "%s/evaluate", bin ? bin : "bin");
	return path;
}

/* Options of a run: its cases are groups; where the units are topics and not records it is one case. */
static void options_of(
	char *options, size_t size, const char *name, const char *args, struct json topics)
{
	if (topics.type == JSON_ABSENT) {
		snprintf(options, size, "--metric %s %s --by case", name, args);
		return;
	}
	char path[64];
	snprintf(path, sizeof path, "%s/topics.json", work);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	fprintf(f, "%.*s\n", (int)topics.raw.size, topics.raw.data);
	fclose(f);
	snprintf(options, size, "--metric %s %s --topics %s", name, args, path);
}

/* Records of all cases in one file, each with its case. */
static void write_records(const char *path, struct json cases)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	size_t i = 0;
	for (struct json_iterator c = json_iterate(cases); json_each(&c); i++) {
		struct json records = json_get(c.value, "records");
		for (struct json_iterator r = json_iterate(records); json_each(&r);)
			fprintf(f, "{\"case\": %zu, %.*s\n", i, (int)r.value.raw.size - 1,
				r.value.raw.data + 1);
	}
	fclose(f);
}

static void run_evaluate(
	const char *options, const char *path, const char *format, struct buffer *out)
{
	char command[8192];
	snprintf(command, sizeof command, "%s %s --output-format %s %s", evaluate(), options,
		format, path);
	FILE *f = popen(command, "re");
	assert_non_null(f);
	read_file(f, out);
	if (pclose(f) != 0)
		fail_msg("%s failed", command);
}

static double tolerance;

static void compare_figure(const char *run, size_t i, struct json_iterator want, struct json got)
{
	const char *key = want.key.raw.data;
	int size = (int)want.key.raw.size;
	if (want.value.type != JSON_NUMBER) {
		if (!slice_equal(want.value.raw, got.raw))
			fail_msg("%s, case %zu: %.*s is %.*s, not %.*s", run, i, size, key,
				(int)got.raw.size, got.raw.data, (int)want.value.raw.size,
				want.value.raw.data);
		return;
	}
	double x = json_double(got), y = json_double(want.value), most = fabs(y) > 1 ? fabs(y) : 1;
	if (!(fabs(x - y) <= tolerance * most))
		fail_msg("%s, case %zu: %.*s is %.17g, not %.17g", run, i, size, key, x, y);
}

/* The text behind "case = i", up to the next. */
static struct slice text_of(struct slice text, size_t i)
{
	char begin[64], end[64];
	snprintf(begin, sizeof begin, "\ncase = %zu\n", i);
	snprintf(end, sizeof end, "\ncase = %zu\n", i + 1);
	char *at = memmem(text.data, text.size, begin, strlen(begin));
	assert_non_null(at);
	at += strlen(begin);
	size_t left = (size_t)(text.data + text.size - at);
	char *stop = memmem(at, left, end, strlen(end));
	return (struct slice){ at, stop ? (size_t)(stop - at) : left };
}

static void compare_run(const char *name, struct json run, struct arena *arena)
{
	struct buffer out = { 0 }, text = { 0 };
	struct error e;
	struct json cases = json_get(run, "cases"), topics = json_get(run, "topics"), root;
	char path[64], options[4096], key[32];
	const char *args = arena_string(arena, json_text(json_get(run, "args"), arena));
	snprintf(path, sizeof path, "%s/records.jsonl", work);
	options_of(options, sizeof options, name, args, topics);
	write_records(path, cases);
	run_evaluate(options, path, "json", &out);
	if (json_read(buffer_view(&out), &root, &e))
		fail_msg("%s: %s", options, e.msg);
	size_t i = 0;
	for (struct json_iterator c = json_iterate(cases); json_each(&c); i++) {
		snprintf(key, sizeof key, "%zu", i);
		struct json group = topics.type == JSON_ABSENT
					    ? json_get(json_get(root, "groups"), key)
					    : json_get(root, "metrics");
		struct json got = json_get(group, name);
		struct json expect = json_get(c.value, "expect");
		for (struct json_iterator w = json_iterate(expect); json_each(&w);) {
			if (!json_text_is(w.key, "text")) {
				char *figure = arena_string(arena, json_text(w.key, arena));
				compare_figure(options, i, w, json_get(got, figure));
				continue;
			}
			if (!text.size)
				run_evaluate(options, path, "text", &text);
			struct slice want = json_text(w.value, arena),
				     have = text_of(buffer_view(&text), i);
			if (!slice_equal(want, have))
				fail_msg("%s, case %zu: the text is\n%.*s\nnot\n%.*s", options, i,
					(int)have.size, have.data, (int)want.size, want.data);
		}
	}
	assert_true(i > 0);
	unlink(path);
	buffer_free(&out);
	buffer_free(&text);
}

static bool have_model(const char *name)
{
	char path[4096];
	const char *models = getenv("HEDDLE_MODELS"), *ci = getenv("CI");
	snprintf(path, sizeof path, "%s/%s/config.json", models ? models : "", name);
	if (access(path, R_OK) == 0)
		return true;
	if (ci && !strcmp(ci, "true"))
		fail_msg("no %s", path);
	return false;
}

static void compare_golden(void **state)
{
	const char *path = *state;
	struct buffer b = { 0 };
	struct error e;
	struct json root;
	FILE *f = fopen(path, "rbe");
	assert_non_null(f);
	read_file(f, &b);
	fclose(f);
	if (json_read(buffer_view(&b), &root, &e))
		fail_msg("%s: %s", path, e.msg);
	struct arena *arena = arena_new();
	const char *name = arena_string(arena, json_text(json_get(root, "metric"), arena));
	struct json wanted = json_get(root, "tolerance"), model = json_get(root, "model");
	tolerance = wanted.type == JSON_NUMBER ? json_double(wanted) : 1e-12;
	if (model.type == JSON_STRING &&
		!have_model(arena_string(arena, json_text(model, arena)))) {
		buffer_free(&b);
		arena_free(arena);
		skip();
	}
	size_t runs = 0;
	for (struct json_iterator r = json_iterate(json_get(root, "runs")); json_each(&r); runs++)
		compare_run(name, r.value, arena);
	assert_true(runs > 0);
	arena_free(arena);
	buffer_free(&b);
}

static int is_golden(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return n > 5 && !strcmp(d->d_name + n - 5, ".json");
}

int main(void)
{
	enum { MOST = 64 };
	struct CMUnitTest tests[MOST];
	static char paths[MOST][4096];
	struct dirent **found;
	const char *folder = source_path("tests/golden/metric");
	int n = scandir(folder, &found, is_golden, alphasort);
	if (n <= 0 || n > MOST || !mkdtemp(work)) {
		printf("not ok 1 - goldens in %s\n1..1\n", folder);
		return 1;
	}
	for (int i = 0; i < n; i++) {
		snprintf(paths[i], sizeof paths[i], "%s/%s", folder, found[i]->d_name);
		tests[i] = (struct CMUnitTest){ found[i]->d_name, compare_golden, NULL, NULL,
			paths[i] };
	}
	int failed = _cmocka_run_group_tests("metric", tests, (size_t)n, NULL, NULL);
	rmdir(work);
	for (int i = 0; i < n; i++)
		free(found[i]);
	free(found);
	return failed;
}
