/* reader_csv.c: the header of CSV and TSV files, and their rows: only the fields of wanted columns
 * are decoded. */
#include "lib/base/utf8.h"
#include "lib/record/reader.h"

static int check_row(const struct record *at, const struct span *s, struct error *e)
{
	if (s->fault)
		return record_error(at, e, "%s (column %zu)", s->fault, s->fault_at + 1);
	size_t valid = utf8_check(s->text);
	if (valid != s->text.size)
		return record_error(at, e, "invalid UTF-8 (column %zu)", valid + 1);
	return 0;
}

static struct slice decode(struct reader *r, struct csv_field f, struct arena *arena)
{
	struct slice text = csv_decode(f, format_delimiter(r->format), &r->scratch);
	return f.quoted ? arena_copy(arena, text) : text;
}

static int compare_header(
	struct reader *r, const struct record *at, const struct span *s, struct error *e)
{
	char delimiter = format_delimiter(r->format);
	const char *p = s->text.data, *end = p + s->text.size;
	if (s->fields != r->n_columns)
		return record_error(at, e, "its header has %zu column%s where that of %s has %zu",
			s->fields, plural(s->fields), r->files[0], r->n_columns);
	for (size_t i = 0; i < r->n_columns; i++) {
		struct slice name = decode(r, csv_next(&p, end, delimiter), r->arena);
		if (!slice_equal(name, r->names[i]))
			return record_error(at, e,
				"column %zu is \"%.*s\" where that of %s is \"%.*s\"", i + 1,
				(int)name.size, name.data, r->files[0], (int)r->names[i].size,
				r->names[i].data);
	}
	return 0;
}

int reader_read_header(struct reader *r, const struct span *s, struct error *e)
{
	struct record at = { .file = reader_file(r), .line = s->line };
	if (check_row(&at, s, e))
		return -1;
	if (r->names)
		return compare_header(r, &at, s, e);
	char delimiter = format_delimiter(r->format);
	/* the byte order mark goes with the header, so that what reads the output sees it as in the
	 * input */
	struct buffer own = { NULL, 0, 0 };
	size_t mark = r->marked ? 3 : 0;
	buffer_add(&own, "\xef\xbb\xbf", mark);
	buffer_add(&own, s->text.data, s->text.size + s->line_end);
	r->header = arena_copy(r->arena, buffer_view(&own));
	buffer_free(&own);
	r->line_end = reader_line_end(s);
	r->header_row = (struct slice){ r->header.data + mark, s->text.size };
	r->n_columns = s->fields;
	r->names = ARENA_ARRAY(r->arena, struct slice, s->fields);
	const char *p = r->header_row.data, *end = p + s->text.size;
	for (size_t i = 0; i < s->fields; i++)
		r->names[i] = decode(r, csv_next(&p, end, delimiter), r->arena);
	return 0;
}

/* Which column serves which want; of columns with one name the last. */
static void map_columns(struct reader *r)
{
	r->columns = ARENA_ARRAY(r->arena, size_t, r->n_columns);
	for (size_t c = 0; c < r->n_columns; c++)
		r->columns[c] = r->n_wants;
	for (size_t i = 0; i < r->n_wants; i++) {
		for (size_t c = r->n_columns; c-- > 0;) {
			if (!slice_equal(r->names[c], r->wants[i]))
				continue;
			r->columns[c] = i;
			r->last_column = c + 1 > r->last_column ? c + 1 : r->last_column;
			break;
		}
	}
}

int reader_parse_csv(struct reader *r, struct arena *arena, struct record *rec,
	const struct span *s, struct error *e)
{
	char delimiter = format_delimiter(r->format);
	if (check_row(rec, s, e))
		return -1;
	if (s->fields != r->n_columns)
		return record_error(rec, e, "%zu field%s where the header has %zu", s->fields,
			plural(s->fields), r->n_columns);
	if (!r->columns)
		map_columns(r);
	const char *p = rec->raw.data, *end = p + rec->raw.size;
	for (size_t c = 0; c < r->last_column; c++) {
		struct csv_field f = csv_next(&p, end, delimiter);
		if (r->columns[c] < r->n_wants)
			rec->values[r->columns[c]] =
				(struct value){ .field = decode(r, f, arena), .is_field = true };
	}
	return 0;
}
