/*
 * The hand-written scanners beside PCRE2 running the same published patterns: every code point alone and
 * in context, the Unicode test files, source code, text of shared/data, random hostile strings. Twice:
 * with the classes of the reference's tables (regex.h), on everything; and as they stand, with PCRE2's
 * own tables, on texts without the code points that these know otherwise. HEDDLE_SLOW: all code points
 * in context, all of the data, and a hundred times the strings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <glob.h>
#include <pcre2.h>

#include "lib/base/random.h"
#include "lib/base/utf8.h"
#include "lib/record/json.h"
#include "lib/text/category.h"
#include "lib/text/utf8.h"
#include "lib/token/pattern.h"
#include "lib/token/regex.h"
#include "tests/unit/token_golden.h"

enum { MOST = 1 << 16, CODE_POINTS = 0x110000 }; /* bytes of a text */

struct subject {
	const struct pattern *scanner;
	struct regex
		*regex; /* with the reference's classes; NULL: it is not the reference's syntax */
	pcre2_code *raw;
};

static struct subject subjects[16];
static size_t n_subjects;
static struct regex_work work;
static pcre2_match_data *match;
static uint8_t apart[CODE_POINTS]; /* PCRE2's tables know it otherwise */
static size_t texts, texts_apart;

static bool slow(void)
{
	return getenv("HEDDLE_SLOW") != NULL;
}

/* --- PCRE2 ---------------------------------------------------------------------------------- */

static pcre2_code *compile(struct slice pattern)
{
	int code;
	PCRE2_SIZE at;
	pcre2_code *c = pcre2_compile((PCRE2_SPTR)pattern.data, pattern.size,
		PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY, &code, &at, NULL);
	if (!c)
		fail_msg("%.*s: error %d at %zu", (int)pattern.size, pattern.data, code, at);
	pcre2_jit_compile(c, PCRE2_JIT_COMPLETE);
	return c;
}

static bool search(const pcre2_code *c, struct slice text, size_t at, size_t *start, size_t *end)
{
	if (pcre2_match(c, (PCRE2_SPTR)text.data, text.size, at, PCRE2_NO_UTF_CHECK, match, NULL) <
		0)
		return false;
	const PCRE2_SIZE *pair = pcre2_get_ovector_pointer(match);
	*start = pair[0];
	*end = pair[1];
	return true;
}

/* All code points, in order; no surrogates. */
static struct buffer all_code_points(void)
{
	struct buffer b = { NULL, 0, 0 };
	for (uint32_t c = 0; c < CODE_POINTS; c++)
		if (c < 0xd800 || c >= 0xe000)
			b.size += utf8_encode(buffer_reserve(&b, 4), c);
	return b;
}

/* The code points of a class where one table has them and the other does not. */
static void compare_class(struct slice all, const char *class, unsigned categories)
{
	pcre2_code *code = compile(slice_from(class));
	size_t start = 0, end = 0, at = 0;
	bool more = search(code, all, 0, &start, &end);
	while (at < all.size) {
		uint32_t c;
		size_t size = utf8_decode(all.data + at, all.data + all.size, &c);
		while (more && at >= end)
			more = search(code, all, end, &start, &end);
		bool theirs = more && at >= start, ours = (category_of(c) & categories) != 0;
		apart[c] |= theirs != ours;
		at += size;
	}
	pcre2_code_free(code);
}

static void find_apart(void)
{
	struct buffer all = all_code_points();
	static const struct {
		const char *regex;
		unsigned categories;
	} classes[] = {
		{ "\\p{L}+", CATEGORY_LETTERS },
		{ "\\p{N}+", CATEGORY_NUMBER },
		{ "\\s+", CATEGORY_SPACE },
		{ "\\p{M}+", CATEGORY_MARK },
		{ "[\\p{Lu}\\p{Lt}]+", CATEGORY_UPPER },
		{ "\\p{Ll}+", CATEGORY_LOWER },
		{ "[\\p{Lm}\\p{Lo}]+", CATEGORY_LETTER },
	};
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
		compare_class(buffer_view(&all), classes[i].regex, classes[i].categories);
	buffer_free(&all);
}

static int setup(void **state)
{
	(void)state;
	/* openai/tiktoken, tiktoken_ext/openai_public.py: cl100k_base */
	static const char cl100k[] =
		"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+|"
		" ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s";
	struct arena *arena = arena_new();
	struct buffer file = { NULL, 0, 0 };
	struct json root;
	struct error e;
	FILE *f = fopen(source_path("tests/golden/pattern/words.json"), "rb");
	assert_non_null(f);
	for (size_t n; (n = fread(buffer_reserve(&file, 1 << 16), 1, 1 << 16, f)) > 0;)
		file.size += n;
	fclose(f);
	match = pcre2_match_data_create(1, NULL);
	assert_int_equal(json_read(buffer_view(&file), &root, &e), 0);
	for (struct json_iterator i = json_iterate(json_get(root, "patterns")); json_each(&i);) {
		struct slice regex = json_text(i.value, arena);
		struct subject *s = &subjects[n_subjects++];
		*s = (struct subject){ pattern_find(regex), regex_compile(regex, &e),
			compile(regex) };
		assert_true(s->scanner && s->regex);
	}
	subjects[n_subjects++] =
		(struct subject){ pattern_named("cl100k"), NULL, compile(slice_from(cl100k)) };
	find_apart();
	buffer_free(&file);
	arena_free(arena);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_subjects; i++) {
		regex_free(subjects[i].regex);
		pcre2_code_free(subjects[i].raw);
	}
	pcre2_match_data_free(match);
	regex_work_free(&work);
	return 0;
}

/* --- One text ------------------------------------------------------------------------------- */

static size_t scan(size_t split(const struct pattern *, struct slice, size_t, uint32_t *, size_t),
	const struct pattern *p, struct slice text, uint32_t *ends)
{
	size_t n = 0;
	for (size_t at = 0; at < text.size; at = ends[n - 1])
		n += split(p, text, at, ends + n, 100);
	return n;
}

static size_t run_regex(const struct regex *r, struct slice text, uint32_t *ends)
{
	struct regex_walk walk = { 0, 0 };
	struct error e = { 0 };
	size_t n = 0, start, end, last = 0;
	int rc;
	while ((rc = regex_next(r, &work, text, &walk, &start, &end, &e)) > 0) {
		assert_int_equal(start, last);
		ends[n++] = (uint32_t)(last = end);
	}
	if (rc)
		fail_msg("%s", e.msg);
	return n;
}

static size_t run_raw(const pcre2_code *c, struct slice text, uint32_t *ends)
{
	size_t n = 0, start = 0;
	for (size_t at = 0, end = 0; at < text.size; at = end) {
		assert_true(search(c, text, at, &start, &end) && start == at && end > at);
		ends[n++] = (uint32_t)end;
	}
	return n;
}

static bool has_apart(struct slice text)
{
	for (size_t i = 0; i < text.size;) {
		uint32_t c;
		i += utf8_decode(text.data + i, text.data + text.size, &c);
		if (apart[c])
			return true;
	}
	return false;
}

static void same(const char *who, size_t k, struct slice text, const uint32_t *a, size_t n,
	const uint32_t *b, size_t m)
{
	size_t i = 0;
	while (i < n && i < m && a[i] == b[i])
		i++;
	if (i == n && i == m)
		return;
	size_t from = i ? a[i - 1] : 0, size = text.size - from < 100 ? text.size - from : 100;
	fail_msg("pattern %zu, %s: word %zu ends at %u, not at %u, in \"%.*s\"", k, who, i,
		i < m ? b[i] : 0, i < n ? a[i] : 0, (int)size, text.data + from);
}

/* text: valid UTF-8 of at most MOST bytes */
static void check(struct slice text)
{
	static uint32_t want[MOST], got[MOST];
	bool other = has_apart(text);
	texts++;
	texts_apart += other;
	for (size_t k = 0; k < n_subjects; k++) {
		const struct subject *s = &subjects[k];
		size_t n = scan(pattern_split_portable, s->scanner, text, want);
		same("vectors", k, text, want, n, got, scan(pattern_split, s->scanner, text, got));
		if (s->regex)
			same("PCRE2 with the reference's classes", k, text, want, n, got,
				run_regex(s->regex, text, got));
		if (!other)
			same("PCRE2", k, text, want, n, got, run_raw(s->raw, text, got));
	}
}

/* A longer one in parts; what is not UTF-8 is repaired. */
static void check_long(struct slice text)
{
	struct buffer b = { NULL, 0, 0 };
	utf8_repair(&b, text);
	for (size_t at = 0, size; at < b.size; at += size) {
		size = b.size - at < MOST ? b.size - at : MOST;
		while (at + size < b.size && (b.data[at + size] & 0xc0) == 0x80)
			size--;
		check((struct slice){ b.data + at, size });
	}
	buffer_free(&b);
}

/* At most so many bytes of it; 0: it is not there. */
static size_t check_file(const char *path, size_t most)
{
	struct buffer b = { NULL, 0, 0 };
	FILE *f = fopen(path, "rb");
	if (!f)
		return 0;
	for (size_t n;
		b.size < most && (n = fread(buffer_reserve(&b, 1 << 16), 1, 1 << 16, f)) > 0;)
		b.size += n;
	fclose(f);
	size_t size = b.size < most ? b.size : most;
	check_long((struct slice){ b.data, size });
	buffer_free(&b);
	return size;
}

static size_t check_files(const char *pattern, size_t most)
{
	glob_t found;
	size_t size = 0;
	if (glob(pattern, 0, NULL, &found))
		return 0;
	for (size_t i = 0; i < found.gl_pathc; i++)
		size += check_file(found.gl_pathv[i], most);
	globfree(&found);
	return size;
}

/* --- Texts ---------------------------------------------------------------------------------- */

static void few_code_points_are_apart(void **state)
{
	(void)state;
	char version[64];
	size_t n = 0, low = 0;
	for (uint32_t c = 0; c < CODE_POINTS; c++) {
		n += apart[c];
		low += c < 0x180 && apart[c];
	}
	pcre2_config(PCRE2_CONFIG_UNICODE_VERSION, version);
	print_message("PCRE2's tables (Unicode %s) know %zu code points otherwise\n", version, n);
	assert_int_equal(low, 0);
	assert_in_range(n, 0, 20000);
}

static void every_code_point(void **state)
{
	(void)state;
	static const uint32_t parts[] = { 'a', 'B', 0, 0x301, '1', 0, 0, ' ', 0, 'A', '\'', 0, 's',
		'\n', 0, '/', ' ', ' ', 0, '\n', '.', 0 };
	for (uint32_t c = 0; c < CODE_POINTS; c++) {
		char text[128];
		size_t n = 0;
		if (c >= 0xd800 && c < 0xe000)
			continue;
		if (slow() || c < 0x20000 || c % 64 == 0)
			check((struct slice){ text, utf8_encode(text, c) });
		if (!slow() && c >= 0x3000 && c % 97)
			continue;
		for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
			n += utf8_encode(text + n, parts[i] ? parts[i] : c);
		check((struct slice){ text, n });
	}
}

/* The text of code points in hexadecimal, as the lines of the test files have them. Returns how many. */
static size_t check_hexadecimal(FILE *f)
{
	char line[4096], text[2048];
	size_t lines = 0;
	while (fgets(line, sizeof line, f)) {
		size_t n = 0;
		for (char *p = line, *end; *p && *p != '#' && n < 2000; p = end) {
			unsigned long c = strtoul(p, &end, 16);
			if (end == p)
				end = p + 1;
			else if (c < CODE_POINTS && (c < 0xd800 || c >= 0xe000))
				n += utf8_encode(text + n, (uint32_t)c);
		}
		check((struct slice){ text, n });
		lines++;
	}
	return lines;
}

static void unicode_test_files(void **state)
{
	(void)state;
	static const char *const names[] = { "auxiliary/GraphemeBreakTest.txt",
		"auxiliary/WordBreakTest.txt", "auxiliary/SentenceBreakTest.txt",
		"emoji/emoji-test.txt", "emoji/emoji-zwj-sequences.txt", "SpecialCasing.txt" };
	size_t size = 0;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[256];
		snprintf(path, sizeof path, "/usr/share/unicode/%s", names[i]);
		size += check_file(path, slow() ? SIZE_MAX : 1 << 18);
		FILE *f = fopen(path, "r");
		if (f) {
			check_hexadecimal(f);
			fclose(f);
		}
	}
	if (size == 0 && getenv("CI"))
		fail_msg("/usr/share/unicode is missing (Debian: unicode-data)");
	if (size == 0) {
		print_message("skipped: /usr/share/unicode is not here (Debian: unicode-data)\n");
		skip();
	}
}

/* Debian has it compressed. */
static void normalization_test(void **state)
{
	(void)state;
	FILE *f = popen("bzip2 -dc /usr/share/unicode/NormalizationTest.txt.bz2 2>&-", "r");
	assert_non_null(f);
	size_t lines = check_hexadecimal(f);
	pclose(f);
	if (lines < 10000 && getenv("CI"))
		fail_msg("NormalizationTest.txt or bzip2 is missing (Debian: unicode-data, bzip2)");
	if (lines < 10000) {
		print_message("skipped: NormalizationTest.txt or bzip2 is not here\n");
		skip();
	}
}

static void source_code(void **state)
{
	(void)state;
	static const char *const patterns[] = { "lib/*/*.[ch]", "cmd/*.c", "tests/*/*.py", "*.md",
		"man/*/*" };
	size_t size = 0;
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
		size += check_files(source_path("%s", patterns[i]), slow() ? SIZE_MAX : 6000);
	assert_true(size > 100000);
}

static void text_of_shared_data(void **state)
{
	(void)state;
	size_t size = slow() ? check_files(source_path("../shared/data/*/*.jsonl"), SIZE_MAX) +
				       check_files(source_path("../shared/data/*/*.raw"), SIZE_MAX)
			     : check_files(source_path("../shared/data/*/*.jsonl"), 20000);
	if (size)
		return;
	print_message("skipped: shared/data is not here\n");
	skip();
}

/* Of few kinds at once, so that runs and their meetings are long and frequent. */
static size_t random_text(char *out, size_t room, uint64_t round)
{
	static const char *const pieces[] = { "a", "B", "the", "Of", "mODEL", " ", "  ", "\t", "\n",
		"\r\n", "\v", "\n  ", "1", "234", "56789", ".", "(", "!?", "/", "//", "\n/", "'",
		"''", "'s", "'S", "'ll", "'Re", "'ve", "'T", "'d", "'ſ", "'rE's", "ſ", "K", "é",
		"É", "ǅ", "中", "ʰ", "\u0301", "\u20e3", "½", "٣", "\xc2\xa0", "\u2003", "\xc2\x85",
		"\u200b", "😀", "👨\u200d👩", "\U0010ffff", "𝐀", "𐐨", "\u0378", "▁", "\xc2\xad" };
	enum { PIECES = sizeof pieces / sizeof *pieces };
	size_t n = 0, kinds = 1 + random_bits(21, round, 0) % 12;
	size_t chosen[12];
	for (size_t i = 0; i < kinds; i++)
		chosen[i] = random_bits(21, round, 1 + i) % PIECES;
	for (uint64_t i = 20;; i++) {
		const char *s = pieces[chosen[random_bits(21, round, i) % kinds]];
		size_t size = strlen(s);
		if (n + size > room)
			return n;
		memcpy(out + n, s, size);
		n += size;
	}
}

static void random_hostile_strings(void **state)
{
	(void)state;
	for (uint64_t round = 0; round < (slow() ? 1000000 : 10000); round++) {
		char text[300];
		size_t room = 1 + random_bits(22, round, 0) % sizeof text;
		check((struct slice){ text, random_text(text, room, round) });
	}
	print_message(
		"%zu texts, %zu of them with code points that are set apart\n", texts, texts_apart);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_code_points_are_apart),
		cmocka_unit_test(every_code_point),
		cmocka_unit_test(unicode_test_files),
		cmocka_unit_test(normalization_test),
		cmocka_unit_test(source_code),
		cmocka_unit_test(text_of_shared_data),
		cmocka_unit_test(random_hostile_strings),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
