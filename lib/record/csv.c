/*
 * csv.c: finding rows and fields in place, so that a row's own bytes can pass through; libcsv
 * decodes what is quoted. (libcsv alone does not tell where in the text a row or field ends.)
 */
#include "lib/record/csv.h"

#include <csv.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/record/scan.h"

enum state { START, PLAIN, QUOTED, CLOSED };

static void fault(struct csv_scan *s, const char *what, size_t at)
{
	if (s->fault)
		return;
	s->fault = what;
	s->fault_at = at;
}

/* The row ends at s->at with the line end that stands there. */
static bool end_row(struct csv_scan *s, const char *row, size_t size, bool last)
{
	if (row[s->at] == '\r' && s->at + 1 == size && !last)
		return false; /* an LF may follow */
	s->line_end = row[s->at] == '\r' && s->at + 1 < size && row[s->at + 1] == '\n' ? 2 : 1;
	s->fields++;
	return true;
}

/* The text ends at s->at. */
static bool end_text(struct csv_scan *s, size_t size, bool last)
{
	s->at = size;
	if (!last)
		return false;
	if (s->state == QUOTED)
		fault(s, "a quoted field is not closed", s->opened);
	s->open = s->state == QUOTED;
	s->fields++;
	s->line_end = 0;
	return true;
}

bool csv_scan(struct csv_scan *s, const char *row, size_t size, bool last)
{
	while (s->at < size) {
		char c = row[s->at];
		switch ((enum state)s->state) {
		case START:
			s->state = c == '"' ? QUOTED : PLAIN;
			s->opened = s->at;
			s->at += c == '"';
			break;
		case QUOTED: {
			const char *quote = memchr(row + s->at, '"', size - s->at);
			if (!quote)
				return end_text(s, size, last);
			s->at = (size_t)(quote - row) + 1;
			s->state = CLOSED;
			break;
		}
		case CLOSED:
			if (c == '"') {
				s->state = QUOTED;
				s->at++;
				break;
			}
			if (c != s->delimiter && c != '\r' && c != '\n')
				fault(s, "something behind a closing quote", s->at);
			s->state = PLAIN;
			break;
		case PLAIN:
			s->at = (size_t)(scan_field(row + s->at, row + size, s->delimiter) - row);
			if (s->at == size)
				break;
			c = row[s->at];
			if (c == '\r' || c == '\n')
				return end_row(s, row, size, last);
			s->fields += c == s->delimiter;
			s->state = c == s->delimiter ? START : PLAIN;
			s->at++;
			break;
		}
	}
	return end_text(s, size, last);
}

struct csv_field csv_next(const char **at, const char *end, char delimiter)
{
	const char *from = *at, *s = from;
	bool quoted = s < end && *s == '"';
	if (quoted) {
		for (s++; s < end; s++) {
			const char *quote = memchr(s, '"', (size_t)(end - s));
			s = quote ? quote + 1 : end;
			if (s == end || *s != '"')
				break;
		}
		/* behind the closing quote stands the delimiter or the end */
	} else {
		for (;; s++) {
			s = scan_field(s, end, delimiter);
			if (s == end || *s == delimiter)
				break;
		}
	}
	*at = s < end ? s + 1 : NULL;
	return (struct csv_field){ { from, (size_t)(s - from) }, quoted };
}

static int never(unsigned char c)
{
	(void)c;
	return 0;
}

static void keep(void *text, size_t size, void *scratch)
{
	buffer_add(scratch, text, size);
}

struct slice csv_decode(struct csv_field f, char delimiter, struct buffer *scratch)
{
	if (!f.quoted)
		return f.raw;
	struct csv_parser parser;
	buffer_clear(scratch);
	CHECK(csv_init(&parser, CSV_APPEND_NULL) == 0);
	csv_set_delim(&parser, (unsigned char)delimiter);
	csv_set_space_func(&parser, never);
	/* one allocation, whatever the size */
	csv_set_blk_size(&parser, size_add(f.raw.size, 1));
	size_t n = csv_parse(&parser, f.raw.data, f.raw.size, keep, NULL, scratch);
	if (n != f.raw.size)
		mem_alloc(SIZE_MAX); /* it had no memory; does not return */
	csv_fini(&parser, keep, NULL, scratch);
	csv_free(&parser);
	return scratch->size ? buffer_view(scratch) : SLICE("");
}

void csv_encode(struct buffer *b, struct slice text, char delimiter)
{
	if (text.size == 0)
		return;
	const char *end = text.data + text.size;
	if (scan_field(text.data, end, delimiter) == end && text.data[0] != ' ' && end[-1] != ' ')
		buffer_slice(b, text);
	else
		csv_quote(b, text);
}

void csv_quote(struct buffer *b, struct slice text)
{
	const char *end = text.data + text.size;
	buffer_char(b, '"');
	for (const char *s = text.data; s < end;) {
		const char *quote = memchr(s, '"', (size_t)(end - s));
		const char *to = quote ? quote + 1 : end;
		buffer_add(b, s, (size_t)(to - s));
		if (quote)
			buffer_char(b, '"');
		s = to;
	}
	buffer_char(b, '"');
}
