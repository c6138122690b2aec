/* report.c: reading the report of `topics`, in JSON and in CSV. */
#include "lib/plot/report.h"

#include <stdlib.h>

#include "lib/base/contents.h"
#include "lib/record/record.h"

/* --- Values --------------------------------------------------------------------------------- */

/* [{"word": …, "score": …}, …] or, of the words alone, ["…", …]. */
static int read_words(
	struct report *r, struct json list, struct report_words *words, struct error *e)
{
	if (list.type != JSON_ARRAY)
		return error_set(e, ERROR_DATA, "\"words\" is no array");
	words->at = ARENA_ARRAY(r->arena, struct report_word, json_count(list));
	words->n = 0;
	for (struct json_iterator i = json_iterate(list); json_each(&i);) {
		struct json word = i.value, score = { 0 };
		if (i.value.type == JSON_OBJECT) {
			word = json_get(i.value, "word");
			score = json_get(i.value, "score");
		}
		if (word.type != JSON_STRING ||
			(score.type != JSON_NUMBER && score.type != JSON_ABSENT &&
				score.type != JSON_NULL))
			return error_set(e, ERROR_DATA,
				"\"words\" holds something that is no word with a score");
		words->at[words->n++] = (struct report_word){ json_text(word, r->arena),
			score.type == JSON_NUMBER ? json_double(score) : 0 };
	}
	return 0;
}

/* aspect.data NULL: the topic's own words. */
static struct report_words *add_list(struct report *r, struct report_topic *t, struct slice aspect)
{
	struct report_words *list = &t->lists[t->n_lists++];
	*list = (struct report_words){ .aspect = aspect.data ? arena_string(r->arena, aspect)
							     : NULL };
	return list;
}

static int read_aspects(
	struct report *r, struct json aspects, struct report_topic *t, struct error *e)
{
	if (aspects.type != JSON_OBJECT)
		return aspects.type == JSON_ABSENT || aspects.type == JSON_NULL
			       ? 0
			       : error_set(e, ERROR_DATA, "\"aspects\" is no object");
	for (struct json_iterator i = json_iterate(aspects); json_each(&i);) {
		struct slice name = json_text(i.key, r->arena);
		if (read_words(r, i.value, add_list(r, t, name), e))
			return error_wrap(e, "aspect \"%.*s\"",
				(int)(name.size < 60 ? name.size : 60), name.data);
	}
	return 0;
}

/* A topic's number, or name where it has none, as the records write it. */
static struct slice key_text(struct json key, struct arena *arena)
{
	return key.type == JSON_STRING ? json_text(key, arena) : key.raw;
}

static int read_topic(struct report *r, struct json v, struct report_topic *t, struct error *e)
{
	struct json key = json_get(v, "topic"), name = json_get(v, "name");
	struct json count = json_get(v, "count"), words = json_get(v, "words");
	struct json aspects = json_get(v, "aspects");
	if (key.type != JSON_NUMBER && key.type != JSON_STRING)
		return error_set(e, ERROR_DATA, "it has no \"topic\"");
	int64_t n = 0;
	if (count.type != JSON_ABSENT &&
		(count.type != JSON_NUMBER || !json_integer(count, &n) || n < 0))
		return error_set(e, ERROR_DATA, "its \"count\" is no whole number");
	*t = (struct report_topic){ .key = key_text(key, r->arena),
		.count = (size_t)n,
		.lists = ARENA_ARRAY(r->arena, struct report_words,
			1 + (aspects.type == JSON_OBJECT ? json_count(aspects) : 0)) };
	if (name.type == JSON_STRING)
		t->name = json_text(name, r->arena);
	if (words.type == JSON_ABSENT)
		add_list(r, t, (struct slice){ 0 });
	else if (read_words(r, words, add_list(r, t, (struct slice){ 0 }), e))
		return -1;
	return read_aspects(r, aspects, t, e);
}

/* --- Files ---------------------------------------------------------------------------------- */

static int read_json(struct report *r, struct slice text, struct error *e)
{
	struct json root;
	if (json_read(text, &root, e))
		return -1;
	struct json topics = json_get(root, "topics");
	if (topics.type != JSON_ARRAY)
		return error_set(
			e, ERROR_DATA, "it has no array \"topics\": is it a report of topics?");
	r->topics = ARENA_ARRAY(r->arena, struct report_topic, json_count(topics));
	for (struct json_iterator i = json_iterate(topics); json_each(&i); r->n++)
		if (read_topic(r, i.value, &r->topics[r->n], e))
			return error_wrap(e, "topic number %zu of the list", r->n + 1);
	return 0;
}

static int read_json_file(struct report *r, const char *path, struct error *e)
{
	struct slice text;
	if (contents_read(path, r->arena, &text, e))
		return -1;
	return read_json(r, text, e) ? error_wrap(e, "%s", path) : 0;
}

/* A row as the JSON object that it stands for. */
static void row_object(
	const struct record *record, const size_t *wants, struct report *r, struct buffer *b)
{
	static const char *const keys[] = { "topic", "count", "name", "words", "aspects" };
	buffer_clear(b);
	buffer_char(b, '{');
	for (size_t i = 0; i < 5; i++) {
		struct slice cell;
		if (!record_has(record, wants[i]) ||
			record_text(record, wants[i], keys[i], r->arena, &cell, NULL))
			continue;
		if (cell.size == 0 && i != 2)
			continue;
		buffer_printf(b, "%s\"%s\":", b->size > 1 ? "," : "", keys[i]);
		if (i == 0 || i == 2)
			json_write_string(b, cell);
		else
			buffer_slice(b, cell);
	}
	buffer_char(b, '}');
}

static int read_csv(struct report *r, const char *path, struct error *e)
{
	struct reader *reader = reader_open(
		&(struct reader_options){ .files = &path, .n_files = 1, .format = FORMAT_CSV }, e);
	if (!reader)
		return -1;
	size_t wants[] = { reader_want(reader, "topic"), reader_want(reader, "count"),
		reader_want(reader, "name"), reader_want(reader, "words"),
		reader_want(reader, "aspects") };
	struct record record;
	struct buffer row = { 0 };
	size_t capacity = 0;
	int got;
	while ((got = reader_next(reader, r->arena, &record, NULL, e)) == 1) {
		if (r->n == capacity) {
			struct report_topic *old = r->topics;
			capacity = capacity ? 2 * capacity : 256;
			r->topics = ARENA_ARRAY(r->arena, struct report_topic, capacity);
			if (r->n)
				memcpy(r->topics, old, r->n * sizeof *old);
		}
		struct json v;
		struct error inner = { 0 };
		row_object(&record, wants, r, &row);
		if (json_read(arena_copy(r->arena, buffer_view(&row)), &v, &inner) ||
			read_topic(r, v, &r->topics[r->n], &inner)) {
			got = record_error(&record, e, "%s", inner.msg);
			break;
		}
		r->n++;
	}
	buffer_free(&row);
	reader_close(reader);
	return got;
}

static int compare_keys(const void *pa, const void *pb)
{
	const struct report_topic *a = *(struct report_topic *const *)pa;
	const struct report_topic *b = *(struct report_topic *const *)pb;
	int c = slice_compare(a->key, b->key);
	return c ? c : (a > b) - (a < b);
}

static void sort_keys(struct report *r)
{
	r->by_key = ARENA_ARRAY(r->arena, struct report_topic *, r->n);
	for (size_t i = 0; i < r->n; i++)
		r->by_key[i] = &r->topics[i];
	if (r->n)
		qsort(r->by_key, r->n, sizeof(struct report_topic *), compare_keys);
}

static int finish(struct report *r, int status)
{
	if (status)
		report_free(r);
	else
		sort_keys(r);
	return status;
}

int report_read(struct report *r, const char *path, struct error *e)
{
	size_t length = strlen(path);
	bool csv = length > 4 && strcmp(path + length - 4, ".csv") == 0;
	*r = (struct report){ .arena = arena_new() };
	return finish(r, csv ? read_csv(r, path, e) : read_json_file(r, path, e));
}

int report_parse(struct report *r, struct slice json, struct error *e)
{
	*r = (struct report){ .arena = arena_new() };
	return finish(r, read_json(r, arena_copy(r->arena, json), e));
}

void report_free(struct report *r)
{
	if (r->arena)
		arena_free(r->arena);
	*r = (struct report){ 0 };
}

/* --- Names ---------------------------------------------------------------------------------- */

const struct report_topic *report_find(const struct report *r, struct slice key)
{
	size_t low = 0, high = r->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = slice_compare(key, r->by_key[middle]->key);
		if (c == 0)
			return r->by_key[middle];
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool report_has_aspect(const struct report *r, const char *aspect)
{
	for (size_t i = 0; i < r->n; i++)
		if (report_words(&r->topics[i], aspect)->aspect)
			return true;
	return false;
}

const struct report_words *report_words(const struct report_topic *t, const char *aspect)
{
	for (size_t i = 1; aspect && i < t->n_lists; i++)
		if (strcmp(t->lists[i].aspect, aspect) == 0)
			return &t->lists[i];
	return &t->lists[0];
}

/* BERTopic's own name: the number and the first four words, joined by "_". */
static bool name_is_made(const struct report_topic *t)
{
	struct buffer b = { 0 };
	buffer_slice(&b, t->key);
	for (size_t i = 0; i < t->lists[0].n && i < 4; i++) {
		buffer_char(&b, '_');
		buffer_slice(&b, t->lists[0].at[i].word);
	}
	bool same = slice_equal(buffer_view(&b), t->name);
	buffer_free(&b);
	return same;
}

bool report_name_given(const struct report_topic *t)
{
	return t->name.size > 0 && !name_is_made(t);
}

struct slice report_label(
	const struct report_topic *t, const char *aspect, size_t n, struct arena *arena)
{
	const struct report_words *words = report_words(t, aspect);
	if (report_name_given(t) && !aspect)
		return t->name;
	if (words->n == 0)
		return t->key;
	struct buffer b = { 0 };
	for (size_t i = 0; i < words->n && i < n; i++) {
		buffer_text(&b, i ? ", " : "");
		buffer_slice(&b, words->at[i].word);
	}
	struct slice label = arena_copy(arena, buffer_view(&b));
	buffer_free(&b);
	return label;
}

struct slice report_title(const struct report_topic *t, struct arena *arena)
{
	struct buffer b = { 0 };
	if (report_name_given(t)) {
		buffer_slice(&b, t->key);
		buffer_text(&b, " · ");
		buffer_slice(&b, t->name);
	} else {
		buffer_text(&b, "Topic ");
		buffer_slice(&b, t->key);
	}
	struct slice title = arena_copy(arena, buffer_view(&b));
	buffer_free(&b);
	return title;
}
