/* reader.h: what the files of the reader share: reader.c finds records, reader_json.c and
 * reader_csv.c read them. */
#pragma once
#include "lib/record/csv.h"
#include "lib/record/input.h"
#include "lib/record/record.h"

/* A record of more members is given without a list of them, which would be larger than it. */
enum { READER_MEMBERS = 1024 };

/* One line or row in the reader's buffer. */
struct span {
	struct slice text;
	size_t line_end; /* size of what ended it */
	size_t line;
	uint64_t offset;
	const char *fault; /* CSV */
	size_t fault_at, fields;
	bool open; /* CSV: the file ends inside a quoted field */
};

struct reader {
	const char *const *files;
	size_t n_files;
	enum format format;

	size_t file; /* index of the open one */
	struct input *in; /* NULL between files */
	struct buffer buffer; /* [at, size) is not yet used */
	size_t at, scanned; /* scanned: bytes behind `at` without a line end */
	bool ended; /* the open file has no more bytes than the buffer */
	struct csv_scan scan;
	struct span span; /* found, and not yet taken, where `found` */
	bool found;
	bool marked; /* the open file begins with a byte order mark */
	size_t line; /* of the byte at `at` */
	size_t index; /* of the next record */

	uint64_t offset; /* of the byte at `at` in all files one after another; for shards */
	uint64_t shard_begin, shard_end;
	bool done;

	struct slice *wants;
	size_t n_wants;

	struct arena *arena; /* for the header */
	struct slice header; /* CSV: with mark and line end; else as reader_columns has it */
	struct slice header_row; /* CSV: without them */
	struct slice *names; /* [n_columns] of the header */
	size_t n_columns;
	size_t *columns; /* [n_columns] the want that a column serves, or n_wants */
	size_t last_column; /* behind the last column that serves one */
	size_t headers; /* files whose header is read */

	const char *line_end; /* of the header */
	struct buffer scratch;

	size_t n_members; /* of the last JSON record */
	struct error failure; /* an error that stays */
};

/* The next line or row without taking it: 1, 0 at the end of all files, -1. At the beginning of a
 * CSV file its header is read and compared. */
int reader_find(struct reader *, struct span *, struct error *);
void reader_take(struct reader *, const struct span *);

/* "\n", "\r\n", "\r", or NULL for the last line of a file without one. */
const char *reader_line_end(const struct span *);

/* The file name for messages. */
const char *reader_file(const struct reader *);

/* The record in rec->raw: fill values and members; -1 and the error. */
int reader_parse_json(struct reader *, struct arena *, struct record *, struct error *);
int reader_parse_csv(
	struct reader *, struct arena *, struct record *, const struct span *, struct error *);

/* Read a header row; of the first file it is kept, of another compared. */
int reader_read_header(struct reader *, const struct span *, struct error *);

/* The keys of a JSON record as a CSV header; -1 and the error where it is broken or no object. */
int reader_keys_of(const struct record *, struct arena *, struct slice *header, struct error *);

static inline char format_delimiter(enum format f)
{
	return f == FORMAT_TSV ? '\t' : ',';
}
