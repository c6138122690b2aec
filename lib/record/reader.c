/*
 * reader.c: files one after another, and the lines or rows in them. The buffer holds the record at
 * work and what was read behind it; a record longer than the buffer makes it grow.
 */
#include "lib/record/reader.h"

#include "lib/base/utf8.h"

enum { CHUNK = 1 << 18 };

static const char *const only_stdin[] = { "-" };

const char *reader_file(const struct reader *r)
{
	return r->files[r->file];
}

/* More bytes of the open file: 1, 0 where it ends, -1. */
static int fill(struct reader *r, struct error *e)
{
	struct buffer *b = &r->buffer;
	if (r->ended)
		return 0;
	if (r->at) {
		b->size -= r->at;
		memmove(b->data, b->data + r->at, b->size);
		r->at = 0;
	}
	int more = input_read(r->in, b, b->size > CHUNK ? b->size : CHUNK, e);
	if (more < 0)
		r->failure = *e;
	r->ended = more <= 0;
	return more;
}

static void close_file(struct reader *r)
{
	if (!r->in)
		return;
	input_close(r->in);
	r->in = NULL;
}

static int open_file(struct reader *r, struct error *e)
{
	static const char mark[] = "\xef\xbb\xbf";
	r->in = input_open(r->files[r->file], e);
	if (!r->in) {
		r->failure = *e;
		return -1;
	}
	r->buffer.size = r->at = r->scanned = 0;
	r->ended = false;
	r->line = 1;
	r->scan = (struct csv_scan){ .delimiter = format_delimiter(r->format) };
	int more = 1;
	while (more > 0 && r->buffer.size < 3 &&
		(r->buffer.size == 0 || memcmp(r->buffer.data, mark, r->buffer.size) == 0))
		more = fill(r, e);
	if (more < 0)
		return -1;
	r->marked = r->buffer.size >= 3 && memcmp(r->buffer.data, mark, 3) == 0;
	if (r->buffer.size >= 2 && (memcmp(r->buffer.data, "\xff\xfe", 2) == 0 ||
					   memcmp(r->buffer.data, "\xfe\xff", 2) == 0)) {
		error_set(&r->failure, ERROR_DATA,
			"%s is UTF-16, not UTF-8; iconv -f UTF-16 -t UTF-8 converts it",
			r->files[r->file]);
		*e = r->failure;
		return -1;
	}
	if (r->marked) {
		r->at = 3;
		r->offset += 3;
	}
	return 0;
}

static int next_file(struct reader *r, struct error *e)
{
	close_file(r);
	r->file++;
	return open_file(r, e);
}

static bool is_blank(struct slice s)
{
	for (size_t i = 0; i < s.size; i++)
		if (s.data[i] != ' ' && s.data[i] != '\t' && s.data[i] != '\r')
			return false;
	return true;
}

/* --- Lines and rows ------------------------------------------------------------------------- */

/* Is a line or row whole in the buffer? */
static bool whole(struct reader *r, struct span *s)
{
	const char *data = r->buffer.data + r->at;
	size_t size = r->buffer.size - r->at;
	*s = (struct span){ .line = r->line, .offset = r->offset };
	if (size == 0)
		return false;
	if (r->format == FORMAT_CSV || r->format == FORMAT_TSV) {
		if (!csv_scan(&r->scan, data, size, r->ended))
			return false;
		s->text = (struct slice){ data, r->scan.at };
		s->line_end = r->scan.line_end;
		s->fault = r->scan.fault;
		s->fault_at = r->scan.fault_at;
		s->fields = r->scan.fields;
		s->open = r->scan.open;
		return true;
	}
	const char *end = memchr(data + r->scanned, '\n', size - r->scanned);
	r->scanned = size;
	if (!end && !r->ended)
		return false;
	s->text = (struct slice){ data, end ? (size_t)(end - data) : size };
	s->line_end = end != NULL;
	return true;
}

void reader_take(struct reader *r, const struct span *s)
{
	size_t size = s->text.size + s->line_end;
	r->line += s->line_end > 0;
	if (r->format == FORMAT_CSV || r->format == FORMAT_TSV) {
		const char *p = s->text.data, *end = p + s->text.size;
		while ((p = memchr(p, '\n', (size_t)(end - p)))) {
			r->line++;
			p++;
		}
	}
	r->at += size;
	r->offset += size;
	r->scanned = 0;
	r->found = false;
	r->scan = (struct csv_scan){ .delimiter = r->scan.delimiter };
}

/* A quoted field that never closes must not swallow the rest of the file: the row ends with its
 * first line. */
static void cut_open_row(struct span *s)
{
	const char *end = memchr(s->text.data, '\n', s->text.size);
	if (!end || !s->open)
		return;
	s->text.size = (size_t)(end - s->text.data);
	s->line_end = 1;
}

/* The next line that is a record or a header. */
static int find_line(struct reader *r, struct span *s, struct error *e)
{
	if (r->found) {
		*s = r->span;
		return 1;
	}
	for (;;) {
		while (!whole(r, s)) {
			int more = fill(r, e);
			if (more < 0)
				return -1;
			if (more == 0 && r->buffer.size == r->at) {
				if (r->file + 1 == r->n_files)
					return 0;
				if (next_file(r, e))
					return -1;
			}
		}
		if (r->format == FORMAT_TEXT)
			break;
		if (r->format == FORMAT_JSONL ? !is_blank(s->text) : s->text.size > 0)
			break;
		reader_take(r, s);
	}
	cut_open_row(s);
	r->span = *s;
	r->found = true;
	return 1;
}

int reader_find(struct reader *r, struct span *s, struct error *e)
{
	for (;;) {
		int found = find_line(r, s, e);
		bool csv = r->format == FORMAT_CSV || r->format == FORMAT_TSV;
		if (found <= 0 || !csv || r->headers > r->file)
			return found;
		if (reader_read_header(r, s, e)) {
			r->failure = *e;
			return -1;
		}
		r->headers = r->file + 1;
		reader_take(r, s);
	}
}

const char *reader_line_end(const struct span *s)
{
	if (s->line_end == 0)
		return NULL;
	return s->line_end == 2 ? "\r\n" : s->text.data[s->text.size] == '\r' ? "\r" : "\n";
}

/* --- Opening -------------------------------------------------------------------------------- */

static enum format by_extension(const char *path)
{
	static const struct {
		const char *name;
		enum format format;
	} known[] = {
		{ "jsonl", FORMAT_JSONL },
		{ "ndjson", FORMAT_JSONL },
		{ "json", FORMAT_JSONL },
		{ "csv", FORMAT_CSV },
		{ "tsv", FORMAT_TSV },
		{ "tab", FORMAT_TSV },
		{ "txt", FORMAT_TEXT },
		{ "text", FORMAT_TEXT },
	};
	struct slice ext = input_extension(path);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (slice_equal(ext, slice_from(known[i].name)))
			return known[i].format;
	return FORMAT_AUTO;
}

/* From the first byte that is no blank, or the extension. Files without a byte are passed by. */
static int detect(struct reader *r, struct error *e)
{
	for (;;) {
		for (size_t i = r->at;; i++) {
			if (i == r->buffer.size) {
				size_t seen = i - r->at;
				int more = fill(r, e);
				if (more < 0)
					return -1;
				i = r->at + seen;
				if (more == 0)
					break;
			}
			char c = r->buffer.data[i];
			if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
				continue;
			r->format = c == '{' ? FORMAT_JSONL : by_extension(reader_file(r));
			if (r->format != FORMAT_AUTO)
				return 0;
			return error_set(e, ERROR_USAGE,
				"%s: its format cannot be told; say --format jsonl, csv, tsv or "
				"text",
				reader_file(r));
		}
		enum format named = by_extension(reader_file(r));
		if (r->file + 1 == r->n_files || (named == FORMAT_TEXT && r->buffer.size > r->at)) {
			r->format = named == FORMAT_AUTO ? FORMAT_JSONL : named;
			return 0;
		}
		if (next_file(r, e))
			return -1;
	}
}

static int begin_shard(struct reader *r, const struct reader_options *o, struct error *e)
{
	uint64_t total = 0;
	r->shard_end = UINT64_MAX;
	if (o->shards == 0)
		return 0;
	if (o->shard < 1 || o->shard > o->shards)
		return error_set(e, ERROR_USAGE,
			"--shard %zu/%zu: the first number is from 1 to the second", o->shard,
			o->shards);
	for (size_t i = 0; i < r->n_files; i++) {
		uint64_t size;
		if (input_size(r->files[i], &size, e))
			return -1;
		total += size;
	}
	r->shard_begin = (uint64_t)((unsigned __int128)total * (o->shard - 1) / o->shards);
	if (o->shard < o->shards)
		r->shard_end = (uint64_t)((unsigned __int128)total * o->shard / o->shards);
	return 0;
}

static int begin(struct reader *r, const struct reader_options *o, struct error *e)
{
	for (size_t i = 1; i < r->n_files; i++)
		if (input_check(r->files[i], e))
			return -1;
	if (begin_shard(r, o, e) || open_file(r, e))
		return -1;
	if (r->format == FORMAT_AUTO && detect(r, e))
		return -1;
	r->scan.delimiter = format_delimiter(r->format);
	struct span s;
	if (r->format == FORMAT_CSV || r->format == FORMAT_TSV)
		return reader_find(r, &s, e) < 0 ? -1 : 0; /* the header */
	return 0;
}

struct reader *reader_open(const struct reader_options *o, struct error *e)
{
	struct reader *r = mem_zero(1, sizeof *r);
	r->files = o->n_files ? o->files : only_stdin;
	r->n_files = o->n_files ? o->n_files : 1;
	r->format = o->format;
	r->arena = arena_new();
	if (begin(r, o, e)) {
		reader_close(r);
		return NULL;
	}
	return r;
}

void reader_close(struct reader *r)
{
	if (!r)
		return;
	close_file(r);
	buffer_free(&r->buffer);
	buffer_free(&r->scratch);
	arena_free(r->arena);
	mem_free(r->wants);
	mem_free(r);
}

size_t reader_want(struct reader *r, const char *key)
{
	for (size_t i = 0; i < r->n_wants; i++)
		if (slice_equal(r->wants[i], slice_from(key)))
			return i;
	r->wants = mem_resize(
		r->wants, r->n_wants * sizeof *r->wants, (r->n_wants + 1) * sizeof *r->wants);
	r->wants[r->n_wants] = arena_copy(r->arena, slice_from(key));
	return r->n_wants++;
}

bool reader_failed(const struct reader *r)
{
	return r->failure.code != 0;
}

enum format reader_format(const struct reader *r)
{
	return r->format;
}

struct slice reader_header(const struct reader *r)
{
	return r->header_row;
}

struct slice reader_columns(const struct reader *r)
{
	return r->header;
}

void reader_find_columns(struct reader *r)
{
	struct span s;
	struct error e;
	if (r->format == FORMAT_TEXT)
		r->header = SLICE("text");
	if (r->format != FORMAT_JSONL || r->failure.code || reader_find(r, &s, &e) <= 0)
		return;
	struct record first = { .raw = s.text, .file = reader_file(r), .line = s.line };
	if (reader_keys_of(&first, r->arena, &r->header, &e)) {
		r->failure = e;
		error_wrap(&r->failure, "the first record names the columns");
	}
}

/* --- Records -------------------------------------------------------------------------------- */

/* The line as text: a CR before its LF is left out, what is no UTF-8 is replaced. */
static void parse_text(struct reader *r, struct arena *arena, struct record *rec)
{
	struct slice text = rec->raw;
	if (text.size && text.data[text.size - 1] == '\r')
		text.size--;
	rec->raw = text;
	if (utf8_check(text) != text.size) {
		struct buffer b = { NULL, 0, 0 };
		utf8_repair(&b, text);
		text = arena_copy(arena, buffer_view(&b));
		buffer_free(&b);
	}
	for (size_t i = 0; i < r->n_wants; i++)
		if (slice_equal(r->wants[i], SLICE("text")))
			rec->values[i] = (struct value){ .field = text, .is_field = true };
}

static int parse(struct reader *r, struct arena *arena, struct record *rec, const struct span *s,
	struct error *e)
{
	switch (r->format) {
	case FORMAT_JSONL:
		return reader_parse_json(r, arena, rec, e);
	case FORMAT_TEXT:
		parse_text(r, arena, rec);
		return 0;
	default:
		return reader_parse_csv(r, arena, rec, s, e);
	}
}

int reader_next(struct reader *r, struct arena *arena, struct record *rec, struct slice *bad,
	struct error *e)
{
	struct span s;
	struct error own;
	e = e ? e : &own;
	if (bad)
		*bad = SLICE("");
	for (;;) {
		if (r->failure.code) {
			*e = r->failure;
			return -1;
		}
		int found = r->done ? 0 : reader_find(r, &s, e);
		if (found <= 0)
			return found;
		if (s.offset >= r->shard_end) {
			r->done = true;
			return 0;
		}
		if (s.offset >= r->shard_begin)
			break;
		reader_take(r, &s);
		r->index++;
	}
	*rec = (struct record){
		.raw = arena_copy(arena, s.text),
		.file = reader_file(r),
		.line = s.line,
		.index = r->index++,
		.format = r->format,
		.line_end = reader_line_end(&s),
		.values = arena_zero(arena, r->n_wants, sizeof *rec->values),
	};
	if (!rec->line_end)
		rec->line_end = r->line_end ? r->line_end : "\n";
	reader_take(r, &s);
	s.text = rec->raw;
	if (parse(r, arena, rec, &s, e) == 0)
		return 1;
	if (bad)
		*bad = rec->raw;
	return -1;
}
