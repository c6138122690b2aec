/*
 * writer.c: a record's own bytes on their way out: unchanged where the format stays and no key is
 * dropped, else member by member or field by field.
 */
#include "lib/record/writer.h"

#include "lib/base/utf8.h"

_Thread_local struct writing writing;

static bool among(struct slice key, const struct slice *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_equal(key, list[i]))
			return true;
	return false;
}

bool writer_drops(const struct writer *w, struct slice key)
{
	return among(key, w->drop, w->n_drop) || (w->replace && among(key, w->keys, w->n_keys));
}

static enum format out_format(const struct writer *w, enum format in)
{
	if (w->format != FORMAT_AUTO)
		return w->format;
	return in == FORMAT_TEXT ? FORMAT_JSONL : in;
}

static struct slice *copy_strings(struct arena *arena, const char *const *from, size_t n)
{
	struct slice *to = ARENA_ARRAY(arena, struct slice, n);
	for (size_t i = 0; i < n; i++)
		to[i] = arena_copy(arena, slice_from(from[i]));
	return to;
}

struct writer *writer_new(
	const struct writer_options *o, const char *const *keys, size_t n_keys, struct error *e)
{
	struct buffer b = { NULL, 0, 0 };
	for (size_t i = 0; i < n_keys; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(keys[i], keys[j]) == 0) {
				error_set(e, ERROR_USAGE, "two keys are to be written as \"%s\"",
					keys[i]);
				return NULL;
			}
	if (o->format == FORMAT_TEXT) {
		error_set(e, ERROR_USAGE, "records are written as jsonl, csv or tsv, not as text");
		return NULL;
	}
	struct writer *w = mem_zero(1, sizeof *w);
	w->arena = arena_new();
	w->format = o->format;
	w->replace = o->replace;
	w->base64 = o->base64;
	w->drop = copy_strings(w->arena, o->drop, o->n_drop);
	w->n_drop = o->n_drop;
	w->keys = copy_strings(w->arena, keys, n_keys);
	w->n_keys = n_keys;
	w->prefixes = ARENA_ARRAY(w->arena, struct slice, n_keys);
	for (size_t i = 0; i < n_keys; i++) {
		buffer_clear(&b);
		json_write_string(&b, w->keys[i]);
		buffer_char(&b, ':');
		w->prefixes[i] = arena_copy(w->arena, buffer_view(&b));
	}
	buffer_free(&b);
	return w;
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	arena_free(w->arena);
	mem_free(w);
}

/* --- Header --------------------------------------------------------------------------------- */

static int there_already(struct error *e, struct slice key)
{
	return error_set(e, ERROR_DATA,
		"key \"%.*s\" is there already: --output-key writes another, "
		"--replace puts the new in its place",
		key.size < 80 ? (int)key.size : 80, key.data);
}

/* Cut the line end off; *line_end gets it, "\n" where there is none. */
static struct slice without_end(struct slice header, const char **line_end)
{
	*line_end = "\n";
	if (header.size && header.data[header.size - 1] == '\n')
		header.size--;
	if (header.size && header.data[header.size - 1] == '\r') {
		*line_end = header.data[header.size] == '\n' ? "\r\n" : "\r";
		header.size--;
	}
	return header;
}

/* The fields of a row that are not dropped, as they are or, with another delimiter, encoded
 * anew. */
static bool put_fields(
	const struct writer *w, struct buffer *b, struct slice row, char from, char to)
{
	struct buffer scratch = { NULL, 0, 0 };
	const char *p = row.data, *end = p + row.size;
	bool first = true;
	for (size_t i = 0; p && i < w->n_columns; i++) {
		struct csv_field f = csv_next(&p, end, from);
		if (w->dropped[i])
			continue;
		if (!first)
			buffer_char(b, to);
		first = false;
		if (from == to)
			buffer_slice(b, f.raw);
		else
			csv_encode(b, csv_decode(f, from, &scratch), to);
	}
	buffer_free(&scratch);
	return first;
}

static int read_columns(struct writer *w, struct slice row, char delimiter, struct error *e)
{
	struct buffer scratch = { NULL, 0, 0 };
	const char *end = row.data + row.size;
	for (const char *p = row.data; p; w->n_columns++)
		csv_next(&p, end, delimiter);
	w->columns = ARENA_ARRAY(w->arena, struct slice, w->n_columns);
	w->dropped = ARENA_ARRAY(w->arena, bool, w->n_columns);
	int rc = 0;
	const char *p = row.data;
	for (size_t i = 0; i < w->n_columns; i++) {
		struct slice name = csv_decode(csv_next(&p, end, delimiter), delimiter, &scratch);
		w->columns[i] = arena_copy(w->arena, name);
		w->dropped[i] = writer_drops(w, name);
		w->n_kept += !w->dropped[i];
		if (!w->dropped[i] && among(name, w->keys, w->n_keys) && rc == 0)
			rc = there_already(e, name);
	}
	buffer_free(&scratch);
	return rc;
}

int writer_header(
	struct writer *w, struct buffer *b, enum format in, struct slice header, struct error *e)
{
	static const struct slice mark = { "\xef\xbb\xbf", 3 };
	const char *line_end;
	enum format out = out_format(w, in);
	bool csv_in = in == FORMAT_CSV || in == FORMAT_TSV;
	bool csv_out = out == FORMAT_CSV || out == FORMAT_TSV;
	char from = in == FORMAT_TSV ? '\t' : ',', to = out == FORMAT_TSV ? '\t' : ',';
	CHECK(!w->ready);
	w->ready = true;
	w->format = out;
	w->in = in;
	if ((!csv_in && !csv_out) || header.size == 0)
		return 0;
	bool marked = header.size >= 3 && memcmp(header.data, mark.data, 3) == 0;
	struct slice row = without_end(header, &line_end);
	if (marked)
		row = (struct slice){ row.data + 3, row.size - 3 };
	if (read_columns(w, row, from, e))
		return -1;
	if (!csv_out)
		return 0;
	if (marked)
		buffer_slice(b, mark);
	bool first = put_fields(w, b, row, from, to);
	for (size_t i = 0; i < w->n_keys; i++) {
		if (!first)
			buffer_char(b, to);
		first = false;
		csv_encode(b, w->keys[i], to);
	}
	buffer_text(b, line_end);
	return 0;
}

/* --- JSON records --------------------------------------------------------------------------- */

/* Walks the members that the reader listed, or those of a record from a spool. */
struct walk {
	const struct json_member *members;
	size_t i, n;
	struct json_iterator at;
};

static struct walk walk(const struct record *rec)
{
	struct walk it = { rec->members, 0, rec->n_members, { .at = NULL } };
	if (!it.members) {
		const char *s = memchr(rec->raw.data, '{', rec->raw.size);
		const char *end = memrchr(rec->raw.data, '}', rec->raw.size);
		CHECK(s && end);
		it.at = json_iterate(
			(struct json){ .type = JSON_OBJECT, .raw = { s, (size_t)(end + 1 - s) } });
	}
	return it;
}

static bool step(struct walk *it, struct json_member *m)
{
	if (it->members) {
		if (it->i == it->n)
			return false;
		*m = it->members[it->i++];
		return true;
	}
	if (!json_each(&it->at))
		return false;
	*m = (struct json_member){ it->at.key, it->at.value };
	return true;
}

/* Is the key dropped? -1 and the error where it may not be there. */
static int judge(const struct writer *w, const struct record *rec, struct json key, struct error *e)
{
	for (size_t i = 0; i < w->n_drop; i++)
		if (json_text_equal(key, w->drop[i]))
			return 1;
	for (size_t i = 0; i < w->n_keys; i++) {
		if (!json_text_equal(key, w->keys[i]))
			continue;
		if (w->replace)
			return 1;
		struct error why;
		there_already(&why, w->keys[i]);
		return record_error(rec, e, "%s", why.msg);
	}
	return 0;
}

static const char *behind(struct slice s)
{
	return s.data + s.size;
}

/* JSONL to JSONL: the members that stay, with the bytes between them, up to behind the last. */
static int through(
	const struct writer *w, struct buffer *b, const struct record *rec, struct error *e)
{
	const char *s = memchr(rec->raw.data, '{', rec->raw.size);
	CHECK(s);
	const char *done = rec->raw.data; /* up to here it is written */
	const char *last = s + 1; /* behind the member before */
	bool first = true;
	struct json_member m;
	for (struct walk it = walk(rec); step(&it, &m);) {
		int drop = judge(w, rec, m.key, e);
		if (drop < 0)
			return -1;
		if (drop) {
			buffer_add(b, done, (size_t)(last - done));
			done = behind(m.value.raw);
		} else if (first) {
			/* a comma behind a dropped member goes with it */
			if (done != rec->raw.data)
				done = m.key.raw.data;
			first = false;
		}
		last = behind(m.value.raw);
	}
	buffer_add(b, done, (size_t)(last - done));
	writing.first = first;
	writing.tail = (struct slice){ last, (size_t)(behind(rec->raw) - last) };
	return 0;
}

/* What a JSON value is as a field. */
static void put_value(struct buffer *b, struct json v, char delimiter)
{
	struct buffer text = { NULL, 0, 0 };
	switch (v.type) {
	case JSON_ABSENT:
	case JSON_NULL:
		break;
	case JSON_STRING:
		json_add_text(&text, v);
		csv_encode(b, buffer_view(&text), delimiter);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		csv_quote(b, v.raw);
		break;
	default:
		buffer_slice(b, v.raw);
	}
	buffer_free(&text);
}

static bool is_column(const struct writer *w, struct json key)
{
	for (size_t i = 0; i < w->n_columns; i++)
		if (json_text_equal(key, w->columns[i]))
			return true;
	return false;
}

static int json_to_csv(
	const struct writer *w, struct buffer *b, const struct record *rec, struct error *e)
{
	struct json_member m;
	for (struct walk it = walk(rec); step(&it, &m);) {
		int drop = judge(w, rec, m.key, e);
		if (drop < 0)
			return -1;
		if (!drop && !is_column(w, m.key))
			return record_error(rec, e,
				"key %.*s has no column: the columns are the keys of the first "
				"record",
				m.key.raw.size < 80 ? (int)m.key.raw.size : 80, m.key.raw.data);
	}
	char delimiter = w->format == FORMAT_TSV ? '\t' : ',';
	for (size_t i = 0; i < w->n_columns; i++) {
		struct json value = { .type = JSON_ABSENT };
		if (w->dropped[i])
			continue;
		for (struct walk it = walk(rec); step(&it, &m);)
			if (json_text_equal(m.key, w->columns[i]))
				value = m.value;
		if (!writing.first)
			buffer_char(b, delimiter);
		writing.first = false;
		put_value(b, value, delimiter);
	}
	return 0;
}

/* --- CSV and text records ------------------------------------------------------------------- */

static void csv_to_json(const struct writer *w, struct buffer *b, const struct record *rec)
{
	struct buffer scratch = { NULL, 0, 0 };
	char delimiter = rec->format == FORMAT_TSV ? '\t' : ',';
	const char *p = rec->raw.data, *end = p + rec->raw.size;
	buffer_char(b, '{');
	for (size_t i = 0; p && i < w->n_columns; i++) {
		struct slice text = csv_decode(csv_next(&p, end, delimiter), delimiter, &scratch);
		if (w->dropped[i])
			continue;
		if (!writing.first)
			buffer_char(b, ',');
		writing.first = false;
		json_write_string(b, w->columns[i]);
		buffer_char(b, ':');
		json_write_string(b, text);
	}
	writing.tail = SLICE("}");
	buffer_free(&scratch);
}

static void put_text(const struct writer *w, struct buffer *b, struct slice raw)
{
	struct buffer text = { NULL, 0, 0 };
	bool json = writing.out == FORMAT_JSONL;
	if (json) {
		buffer_char(b, '{');
		writing.tail = SLICE("}");
	}
	if (writer_drops(w, SLICE("text")))
		return;
	writing.first = false;
	utf8_repair(&text, raw);
	if (json) {
		buffer_text(b, "\"text\":");
		json_write_string(b, buffer_view(&text));
	} else {
		csv_encode(b, buffer_view(&text), writing.out == FORMAT_TSV ? '\t' : ',');
	}
	buffer_free(&text);
}

static int text_record(
	const struct writer *w, struct buffer *b, const struct record *rec, struct error *e)
{
	struct slice text = SLICE("text");
	if (!writer_drops(w, text) && among(text, w->keys, w->n_keys)) {
		struct error why;
		there_already(&why, text);
		return record_error(rec, e, "%s", why.msg);
	}
	put_text(w, b, rec->raw);
	return 0;
}

static int csv_record(const struct writer *w, struct buffer *b, const struct record *rec)
{
	CHECK(w->ready);
	char from = rec->format == FORMAT_TSV ? '\t' : ',';
	char to = writing.out == FORMAT_TSV ? '\t' : ',';
	if (writing.out == FORMAT_JSONL) {
		csv_to_json(w, b, rec);
	} else if (from == to && w->n_kept == w->n_columns) {
		buffer_slice(b, rec->raw);
		writing.first = false;
	} else {
		writing.first = put_fields(w, b, rec->raw, from, to);
	}
	return 0;
}

int writer_begin(
	const struct writer *w, struct buffer *b, const struct record *rec, struct error *e)
{
	int rc;
	writing = (struct writing){ .writer = w,
		.buffer = b,
		.out = out_format(w, rec->format),
		.start = b->size,
		.first = true,
		.tail = SLICE(""),
		.line_end = "\n" };
	if (writing.out != FORMAT_JSONL && rec->line_end && rec->format != FORMAT_JSONL &&
		rec->format != FORMAT_TEXT)
		writing.line_end = rec->line_end;
	switch (rec->format) {
	case FORMAT_JSONL:
		rc = writing.out == FORMAT_JSONL ? through(w, b, rec, e)
						 : json_to_csv(w, b, rec, e);
		break;
	case FORMAT_TEXT:
		rc = text_record(w, b, rec, e);
		break;
	default:
		rc = csv_record(w, b, rec);
	}
	if (rc)
		b->size = writing.start;
	return rc;
}
