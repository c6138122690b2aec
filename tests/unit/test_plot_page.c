/* The HTML page as a browser would take it apart: elements that nest, nothing fetched, records that
 * cannot break out of their data. */
#include "lib/plot/page.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <strings.h>

#include <cmocka.h>

#include "lib/base/contents.h"
#include "lib/record/base64.h"
#include "lib/record/json.h"
#include "tests/unit/source.h"

static const char *const hostile[] = { "</script><script>alert(1)</script>", "<!-- <script>", "]]>",
	"<img src=x onerror=alert(1)>", "{{data}}", "\" onload=\"alert(1)",
	"' --><svg/onload=alert(1)>", "\\u003c/script>", "\x01\x02\x7f", "日本語 العربية 😀", "",
	"&lt;b&gt;" };
enum { HOSTILE = sizeof hostile / sizeof *hostile };

static struct slice share(const char *name, struct arena *arena)
{
	struct slice text;
	struct error e;
	if (contents_read(source_path("share/plot/%s", name), arena, &text, &e))
		fail_msg("%s (set HEDDLE_SRC)", e.msg);
	return text;
}

/* --- A reader of HTML: its tokenizer (13.2.5) as far as our pages need it ------------------- */

struct scan {
	struct slice page;
	size_t at, depth, scripts, styles, elements;
	struct slice open[64], data, script, style, policy;
};

static bool is_void(struct slice name)
{
	static const char *const voids[] = { "meta", "input", "br", "link", "img", "hr" };
	for (size_t i = 0; i < 6; i++)
		if (slice_equal(name, slice_from(voids[i])))
			return true;
	return false;
}

static struct slice read_name(struct scan *s)
{
	size_t from = s->at;
	while (s->at < s->page.size &&
		(isalnum((unsigned char)s->page.data[s->at]) || strchr("-:_", s->page.data[s->at])))
		s->at++;
	assert_true(s->at > from);
	return (struct slice){ s->page.data + from, s->at - from };
}

static void skip_space(struct scan *s)
{
	while (s->at < s->page.size && isspace((unsigned char)s->page.data[s->at]))
		s->at++;
}

static bool is_in(struct slice name, const char *const *list)
{
	for (; *list; list++)
		if (slice_equal(name, slice_from(*list)))
			return true;
	return false;
}

/* Attributes: quoted, none that fetches, none that runs a script or carries a style (the policy
 * forbids both). */
static bool read_attributes(struct scan *s, struct slice element, bool *is_data)
{
	static const char *const fetching[] = { "src", "href", "srcset", "action", "style", "ping",
		"xlink:href", NULL };
	for (;;) {
		skip_space(s);
		if (s->page.data[s->at] == '>')
			return false;
		if (s->page.data[s->at] == '/') {
			assert_int_equal(s->page.data[s->at + 1], '>');
			s->at++;
			return true;
		}
		struct slice name = read_name(s), value = { "", 0 };
		if (s->page.data[s->at] == '=') {
			assert_int_equal(s->page.data[++s->at], '"');
			const char *end =
				memchr(s->page.data + s->at + 1, '"', s->page.size - s->at - 1);
			assert_non_null(end);
			value = (struct slice){ s->page.data + s->at + 1,
				(size_t)(end - s->page.data) - s->at - 1 };
			s->at += value.size + 2;
		}
		assert_null(memchr(value.data, '<', value.size));
		assert_false(is_in(name, fetching));
		assert_false(name.size > 2 && strncasecmp(name.data, "on", 2) == 0);
		if (slice_equal(name, SLICE("content")) && value.size > 20 &&
			memcmp(value.data, "default-src", 11) == 0)
			s->policy = value;
		if (slice_equal(name, SLICE("type")) && slice_equal(element, SLICE("script")))
			*is_data = slice_equal(value, SLICE("application/json"));
	}
}

/* Raw text ends at the first end tag of its name; "<!--" would change the rules and must not be
 * there. */
static struct slice read_raw(struct scan *s, const char *end)
{
	size_t from = s->at;
	while (s->at + strlen(end) <= s->page.size &&
		strncasecmp(s->page.data + s->at, end, strlen(end)) != 0)
		s->at++;
	struct slice raw = { s->page.data + from, s->at - from };
	assert_null(memmem(raw.data, raw.size, "<!--", 4));
	return raw;
}

static void read_start_tag(struct scan *s)
{
	bool is_data = false;
	struct slice name = read_name(s);
	bool closed = read_attributes(s, name, &is_data);
	s->at++;
	s->elements++;
	if (is_void(name) || closed)
		return;
	assert_true(s->depth < 64);
	s->open[s->depth++] = name;
	if (slice_equal(name, SLICE("script"))) {
		struct slice raw = read_raw(s, "</script");
		s->scripts++;
		*(is_data ? &s->data : &s->script) = raw;
	} else if (slice_equal(name, SLICE("style"))) {
		s->style = read_raw(s, "</style");
		s->styles++;
	}
}

static void scan_page(struct scan *s, struct slice page)
{
	*s = (struct scan){ .page = page };
	assert_true(page.size > 15 && strncasecmp(page.data, "<!doctype html>", 15) == 0);
	for (s->at = 15; s->at < page.size;) {
		if (page.data[s->at] != '<') {
			assert_int_not_equal(page.data[s->at], '\0');
			s->at++;
		} else if (page.data[s->at + 1] == '/') {
			s->at += 2;
			struct slice name = read_name(s);
			assert_int_equal(page.data[s->at++], '>');
			assert_true(s->depth > 0 && slice_equal(s->open[--s->depth], name));
		} else {
			s->at++;
			read_start_tag(s);
		}
	}
	assert_int_equal(s->depth, 0);
}

/* --- Pages ---------------------------------------------------------------------------------- */

/* The map's script, joined as plot joins it. */
static struct slice share_scripts(struct arena *arena)
{
	static const char *const files[] = { "map.js", "map_points.js", "map_controls.js" };
	struct buffer script = { 0 };
	for (size_t i = 0; i < 3; i++)
		buffer_slice(&script, share(files[i], arena));
	struct slice joined = arena_copy(arena, buffer_view(&script));
	buffer_free(&script);
	return joined;
}

static void make_map_page(
	struct buffer *out, struct arena *arena, struct slice *style, struct slice *script)
{
	struct map map;
	struct buffer data = { 0 };
	struct error e;
	map_init(&map, true);
	for (size_t i = 0; i < HOSTILE; i++)
		map_add(&map, (double)i, (double)(i * i), slice_from(hostile[(i + 1) % HOSTILE]),
			slice_from(hostile[i]));
	map_arrange(&map, NULL, NULL, 3);
	page_map(&data, &map, &(struct map_style){ .label_count = 100 });
	const struct page_part parts[] = {
		{ "title", slice_from(hostile[0]), false },
		{ "heading", slice_from(hostile[5]), false },
		{ "counts", slice_from(hostile[3]), false },
		{ "note", slice_from(hostile[6]), false },
		{ "data", buffer_view(&data), true },
	};
	*style = share("map.css", arena);
	*script = share_scripts(arena);
	assert_int_equal(
		page_make(out, share("map.html", arena), *style, *script, false, parts, 5, &e), 0);
	buffer_free(&data);
	map_free(&map);
}

static void assert_allowed(struct slice policy, const char *kind, struct slice text)
{
	struct buffer want = { 0 };
	buffer_printf(&want, "%s '", kind);
	page_digest(&want, text);
	buffer_char(&want, '\'');
	assert_non_null(memmem(policy.data, policy.size, want.data, want.size));
	buffer_free(&want);
}

static void hostile_records_stay_data(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	struct buffer page = { 0 };
	struct slice style, script;
	struct scan s;
	struct error e;
	struct json root;
	make_map_page(&page, arena, &style, &script);
	scan_page(&s, buffer_view(&page));
	assert_int_equal(s.scripts, 2);
	assert_int_equal(s.styles, 1);
	assert_true(slice_equal(s.script, script) && slice_equal(s.style, style));
	assert_allowed(s.policy, "script-src", s.script);
	assert_allowed(s.policy, "style-src", s.style);
	assert_non_null(memmem(s.policy.data, s.policy.size, "default-src 'none'", 18));
	assert_null(memmem(s.policy.data, s.policy.size, "unsafe", 6));
	assert_int_equal(json_read(s.data, &root, &e), 0);
	/* every text comes back as it was, in some order */
	struct json texts = json_get(root, "texts");
	assert_int_equal(json_count(texts), HOSTILE);
	size_t found = 0;
	for (size_t i = 0; i < HOSTILE; i++)
		for (struct json_iterator t = json_iterate(texts); json_each(&t);)
			found += json_text_is(t.value, hostile[i]);
	assert_int_equal(found, HOSTILE);
	assert_int_equal(json_count(json_get(root, "topics")), HOSTILE);
	buffer_free(&page);
	arena_free(arena);
}

static void the_page_names_no_other_place(void **state)
{
	(void)state;
	static const char *const files[] = { "map.html", "map.css", "map.js", "map_points.js",
		"map_controls.js", "bars.html", "bars.css", "bars.js" };
	static const char *const words[] = { "http:", "https:", "//cdn", "@import", "url(",
		"fetch(", "XMLHttpRequest", "WebSocket", "import(", "eval(", "innerHTML",
		"insertAdjacentHTML", "document.write", "new Function" };
	struct arena *arena = arena_new();
	for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
		struct slice text = share(files[f], arena);
		for (size_t w = 0; w < sizeof words / sizeof *words; w++)
			if (memmem(text.data, text.size, words[w], strlen(words[w])))
				fail_msg("%s holds %s", files[f], words[w]);
	}
	arena_free(arena);
}

static void positions_are_exact_floats_in_drawing_order(void **state)
{
	(void)state;
	struct map map;
	struct buffer data = { 0 };
	struct error e;
	struct json root;
	map_init(&map, true);
	map_add(&map, 4, 1, SLICE("b"), SLICE("first"));
	map_add(&map, 0, 0, SLICE("-1"), SLICE("second"));
	map_add(&map, 1, 1, SLICE("a"), SLICE("third"));
	map_add(&map, 2, 1, SLICE("b"), SLICE("fourth"));
	map_arrange(&map, NULL, NULL, 3);
	page_map(&data, &map, &(struct map_style){ .label_count = 100 });
	assert_int_equal(json_read(buffer_view(&data), &root, &e), 0);
	struct arena *arena = arena_new();
	struct slice x = json_text(json_get(root, "x"), arena);
	float at[4];
	assert_int_equal(base64_size(x), sizeof at);
	assert_true(base64_decode(x, at));
	assert_true(at[0] == -1 && at[1] == 1 && at[2] == 0 && at[3] == -0.5f);
	assert_true(slice_equal(json_get(root, "record").raw, SLICE("[2,1,4,3]")));
	assert_true(json_double(json_get(root, "n")) == 4);
	arena_free(arena);
	buffer_free(&data);
	map_free(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_records_stay_data),
		cmocka_unit_test(the_page_names_no_other_place),
		cmocka_unit_test(positions_are_exact_floats_in_drawing_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
