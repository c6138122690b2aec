/*
 * The scanners of well-known patterns: goldens of Hugging Face tokenizers on hostile texts and on
 * code points, the vectors beside the portable ones, growth on long texts of one kind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/random.h"
#include "lib/record/json.h"
#include "lib/text/utf8.h"
#include "lib/token/pattern.h"
#include "tests/unit/token_golden.h"

typedef size_t split_function(const struct pattern *, struct slice, size_t, uint32_t *, size_t);
static split_function *const functions[] = { pattern_split, pattern_split_portable };

/* All ends of a text, so many at a time; the text has its exact size, so that a sanitizer sees a read beyond it. */
static size_t split_all(split_function *split, const struct pattern *p, struct slice text,
	size_t batch, uint32_t *ends)
{
	char *copy = malloc(text.size ? text.size : 1);
	assert_non_null(copy);
	memcpy(copy, text.data, text.size);
	struct slice exact = { copy, text.size };
	size_t n = 0, at = 0;
	while (at < text.size) {
		size_t more = split(p, exact, at, ends + n, batch);
		assert_in_range(more, 1, batch);
		for (size_t i = n; i < n + more; i++) {
			assert_true(ends[i] > at);
			at = ends[i];
		}
		n += more;
	}
	assert_int_equal(at, text.size);
	free(copy);
	return n;
}

static const struct pattern *find(struct json regex, struct arena *arena)
{
	const struct pattern *p = pattern_find(json_text(regex, arena));
	assert_non_null(p);
	return p;
}

static void hostile_texts_split_as_the_reference_does(void **state)
{
	(void)state;
	struct buffer file = source_read(source_path("tests/golden/pattern/words.json"));
	struct arena *arena = arena_new();
	struct json root;
	struct error e = { 0 };
	const struct pattern *patterns[16];
	size_t n_patterns = 0, n_texts = 0;
	uint32_t ends[2048];
	if (json_read(buffer_view(&file), &root, &e))
		fail_msg("%s", e.msg);
	for (struct json_iterator i = json_iterate(json_get(root, "patterns")); json_each(&i);)
		patterns[n_patterns++] = find(i.value, arena);
	for (struct json_iterator i = json_iterate(json_get(root, "texts")); json_each(&i);
		n_texts++) {
		struct json_iterator j = json_iterate(i.value);
		json_each(&j);
		struct slice text = json_text(j.value, arena);
		for (size_t k = 0; json_each(&j); k++)
			for (size_t f = 0; f < 4; f++) {
				size_t n = split_all(functions[f % 2], patterns[k], text,
					       f < 2 ? 1 : 2048, ends),
				       m = 0;
				bool same = n == json_count(j.value);
				for (struct json_iterator w = json_iterate(j.value);
					same && json_each(&w); m++) {
					int64_t end = 0;
					same = json_integer(w.value, &end) && end == ends[m];
				}
				if (!same)
					fail_msg("pattern %zu: \"%.*s\"", k, (int)text.size,
						text.data);
			}
	}
	assert_true(n_texts > 100);
	arena_free(arena);
	buffer_free(&file);
}

/* As context() of pattern.py. */
static size_t context(char *out, uint32_t c)
{
	static const uint32_t parts[] = { 'a', 'B', 0, 0x301, '1', 0, 0, ' ', 0, 'A', '\'', 0, 's',
		'\n' };
	size_t n = 0;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		n += utf8_encode(out + n, parts[i] ? parts[i] : c);
	return n;
}

static uint64_t hash_code_points(split_function *split, const struct pattern *p)
{
	uint64_t h = 0;
	for (uint32_t c = 0; c < 0x110000; c++) {
		char text[80], line[256];
		uint32_t ends[64], start = 0;
		bool some = c < 0x20000 || c % 64 == 0 || (c >= 0xe0000 && c < 0xe0200);
		if (!some || (c >= 0xd800 && c < 0xe000))
			continue;
		size_t n = split(p, (struct slice){ text, context(text, c) }, 0, ends, 64),
		       size = 0;
		for (size_t i = 0; i < n; start = ends[i++])
			size += (size_t)snprintf(line + size, sizeof line - size, "%s%u",
				i ? " " : "", ends[i] - start);
		h = hash_bytes(h, line, size);
	}
	return h;
}

static void code_points_split_as_the_reference_does(void **state)
{
	(void)state;
	struct buffer words = source_read(source_path("tests/golden/pattern/words.json")),
		      hashes = source_read(source_path("tests/golden/pattern/hashes.tsv"));
	struct arena *arena = arena_new();
	struct json root;
	size_t k = 0;
	buffer_char(&hashes, 0);
	const char *line = hashes.data;
	assert_int_equal(json_read(buffer_view(&words), &root, NULL), 0);
	for (struct json_iterator i = json_iterate(json_get(root, "patterns")); json_each(&i);
		k++) {
		unsigned long long want;
		size_t number;
		assert_int_equal(sscanf(line, "%zu %llx", &number, &want), 2);
		assert_int_equal(number, k);
		line = strchr(line, '\n') + 1;
		for (size_t f = 0; f < 2; f++)
			if (hash_code_points(functions[f], find(i.value, arena)) != want)
				fail_msg("pattern %zu, %s", k, f ? "portable" : "vectors");
	}
	assert_int_equal(k, 7);
	arena_free(arena);
	buffer_free(&words);
	buffer_free(&hashes);
}

/* --- Vectors and portable ------------------------------------------------------------------- */

/* Random text, mostly of what English has, so that the vectors' blocks are used. */
static size_t random_text(char *out, size_t room, uint64_t round)
{
	static const char *const pieces[] = { "the", " of", " models", " ", "  ", "\n", "\n\n", ".",
		",", "'s", "'ll", "'t", "'", "▁", "''", "\t", " 12", "3", "é", "中", " \xc2\xa0",
		"\xe2\x80\x83", "’s", " (", "--", "A", "Internationalization", " '", "'re" };
	enum { PIECES = sizeof pieces / sizeof *pieces };
	size_t n = 0, kinds = 1 + random_bits(8, round, 0) % PIECES,
	       first = random_bits(8, round, 1) % PIECES;
	for (uint64_t i = 2;; i++) {
		const char *s = pieces[(first + random_bits(8, round, i) % kinds) % PIECES];
		size_t size = strlen(s);
		if (n + size > room)
			return n;
		memcpy(out + n, s, size);
		n += size;
	}
}

static void vectors_split_as_portable_code_does(void **state)
{
	(void)state;
	static const char *const names[] = { "gpt2", "cl100k", "o200k", "bert" };
	for (size_t k = 0; k < 4; k++) {
		const struct pattern *p = pattern_named(names[k]);
		assert_non_null(p);
		for (uint64_t round = 0; round < 4000; round++) {
			char text[600];
			uint32_t a[600], b[600];
			struct slice s = { text,
				random_text(text, 1 + random_bits(9, round, 0) % 600, round) };
			size_t n = split_all(
				pattern_split, p, s, 1 + random_bits(9, round, 1) % 600, a);
			if (split_all(pattern_split_portable, p, s, 600, b) != n ||
				memcmp(a, b, n * sizeof *a))
				fail_msg("%s: \"%.*s\"", names[k], (int)s.size, s.data);
		}
	}
}

/* llama.cpp and tiktoken have run out of stack, or of patience, at a megabyte of one character */
static void long_texts_of_one_kind(void **state)
{
	(void)state;
	enum { UNITS = 1 << 20 };
	static const struct {
		const char *unit;
		size_t words[3]; /* gpt2, cl100k, o200k */
	} cases[] = {
		{ "a", { 1, 1, 1 } },
		{ "1", { 1, 0x55556, 0x55556 } },
		{ " ", { 1, 1, 1 } },
		{ "!", { 1, 1, 1 } },
		{ "中", { 1, 1, 1 } },
		{ "\n", { 1, 1, 1 } },
		{ "😀", { 1, 1, 1 } },
		{ "A", { 1, 1, 1 } },
		{ "'s", { UNITS, UNITS, UNITS / 2 } },
	};
	static const char *const names[] = { "gpt2", "cl100k", "o200k" };
	uint32_t *ends = malloc(UNITS * sizeof *ends);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t k = 0; k < 3; k++) {
			struct buffer b = { NULL, 0, 0 };
			for (size_t j = 0; j < UNITS; j++)
				buffer_text(&b, cases[i].unit);
			for (size_t f = 0; f < 2; f++)
				assert_int_equal(split_all(functions[f], pattern_named(names[k]),
							 buffer_view(&b), UNITS, ends),
					cases[i].words[k]);
			buffer_free(&b);
		}
	free(ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_texts_split_as_the_reference_does),
		cmocka_unit_test(code_points_split_as_the_reference_does),
		cmocka_unit_test(vectors_split_as_portable_code_does),
		cmocka_unit_test(long_texts_of_one_kind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
