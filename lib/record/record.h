/*
 * record.h: records, in and out. A record is one JSON object on a line, one CSV or TSV row, or a
 * line of text. A command asks for the keys it reads; every other byte of the record passes through
 * unchanged and in order.
 *
 * A reader takes files in order as one input ("-" is stdin), undoes gzip and zstd, detects the
 * format (CONTRACT.md), and checks every record whole. Blank lines of JSONL and of CSV are no
 * records and are left out; every line of text is one. A byte order mark at the beginning of a file
 * is no part of its first record.
 */
#pragma once
#include <stdint.h>

#include "lib/record/json.h"

enum format { FORMAT_AUTO, FORMAT_JSONL, FORMAT_CSV, FORMAT_TSV, FORMAT_TEXT };

/* A value of a record: of JSON, a JSON value; of CSV or text, a FIELD: its decoded text. */
struct value {
	struct json json; /* JSON_ABSENT: there is no such key, or it is no JSON record */
	struct slice field; /* CSV, TSV and text: the decoded field */
	bool is_field;
};

struct json_member {
	struct json key, value;
};

struct record {
	struct slice raw; /* its own bytes, without the line end */
	const char *file; /* "-" is stdin */
	size_t line; /* of its first byte, from 1 */
	size_t index; /* in the whole input, from 0; bad records count */
	enum format format; /* JSONL, CSV, TSV or TEXT */
	const char *line_end; /* of CSV and TSV: "\n", "\r\n" or "\r" */
	struct value *values; /* one a wanted key, in the order of reader_want */
	/* JSONL: all members, in order; NULL when they are many, and behind a spool */
	const struct json_member *members;
	size_t n_members;
};

/* --- Reading -------------------------------------------------------------------------------- */

struct reader_options {
	/* The caller's, for as long as the reader and its records. None: stdin. */
	const char *const *files;
	size_t n_files;
	enum format format;
	/* shard from 1; shards 0: all of the input. A record belongs to the shard where it begins;
	 * its line and index are those in the whole input, so what stands before it is read too. */
	size_t shard, shards;
};

struct reader;

/* Opens the first file and detects its format; NULL and the error otherwise. All files are looked
 * for. */
struct reader *reader_open(const struct reader_options *, struct error *);
void reader_close(struct reader *);

/* Ask for a key before the first reader_next; returns its place in record.values. The same key
 * twice gives the same place. */
size_t reader_want(struct reader *, const char *key);

/* The next record, its memory from the arena: 1; 0 at the end; -1 and the error ("file:line: what
 * is wrong") for a bad one. The reader then stands at the next line, so that the caller may go on,
 * unless reader_failed says that the error stays (a file that cannot be read, is damaged, or has
 * another header). *bad, which may be NULL, gets the bytes of the bad record, from the arena. */
int reader_next(
	struct reader *, struct arena *, struct record *, struct slice *bad, struct error *);

bool reader_failed(const struct reader *);

enum format reader_format(const struct reader *);

/* CSV, TSV: the header's own bytes, else empty. */
struct slice reader_header(const struct reader *);

/* What writer_header needs. CSV, TSV: the header with its line end and a byte order mark. JSONL,
 * text: empty before reader_find_columns. */
struct slice reader_columns(const struct reader *);

/* For writing CSV, before the first reader_next: the columns are the keys of the first record of
 * JSONL (none where there is no record), and "text" of text. Where the first record cannot be read,
 * reader_next says so and fails for good. */
void reader_find_columns(struct reader *);

/* --- Values -----------------------------------------------------------------------------------
 * Each returns -1 and an error (65) "file:line: key "text" …" where the value is absent or of the
 * wrong kind. key is for the message. A JSON string is no number and a JSON number no text; a field
 * of CSV is what it is read as. Texts are UTF-8. */

int record_text(const struct record *, size_t want, const char *key, struct arena *, struct slice *,
	struct error *);
int record_integer(const struct record *, size_t want, const char *key, int64_t *, struct error *);
int record_double(const struct record *, size_t want, const char *key, double *, struct error *);

/* A label or class: a string as it is, a number or boolean as its JSON text. *json is the value as
 * JSON, to be written again. */
int record_label(const struct record *, size_t want, const char *key, struct arena *,
	struct slice *text, struct slice *json, struct error *);

/* A vector: a JSON array of numbers, or base64 of little-endian float32. Empty ones, NaN and
 * infinity are errors. n gets its length. */
int record_vector(const struct record *, size_t want, const char *key, struct arena *, float **,
	size_t *n, struct error *);

bool record_has(const struct record *, size_t want);

/* The value as JSON; of a field that is an array or object as JSON that, of another JSON_ABSENT. */
struct json record_json(const struct record *, size_t want);
/* The same where it must be an array; wanted is for the message: "an array of tags". */
int record_array(const struct record *, size_t want, const char *key, const char *wanted,
	struct json *, struct error *);

/* error_set (65) with the record's place before the message. */
int record_error(const struct record *, struct error *, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* --- Keeping records: a spool in an unlinked file under TMPDIR ------------------------------ */

struct spool;
struct spool *spool_new(struct error *);
void spool_free(struct spool *);
/* Its bytes and place; not the values. */
int spool_add(struct spool *, const struct record *, struct error *);
/* To read from the first record; adding is over. */
int spool_rewind(struct spool *, struct error *);
/* 1; 0 at the end; -1. No values. */
int spool_next(struct spool *, struct arena *, struct record *, struct error *);

/* --- Writing -------------------------------------------------------------------------------- */

struct writer_options {
	enum format format; /* of the output: AUTO follows the input (text becomes JSONL) */
	const char *const *drop; /* input keys to leave out */
	size_t n_drop;
	bool replace; /* an input key named as a new one is left out, not an error */
	bool base64; /* vectors */
};

/* A writer puts records together in buffers of the caller's, so that several threads may each fill
 * one. keys: what the command adds, in order, the same for every record. The buffer's bytes then go
 * out in order of records. Options and keys are copied. A key that is named twice is an error
 * (2). */
struct writer;
struct writer *writer_new(
	const struct writer_options *, const char *const *keys, size_t n_keys, struct error *);
void writer_free(struct writer *);

/* Before the first record: the CSV header (nothing for JSONL) into the buffer. in: the reader's
 * format, columns: its reader_columns. An input column named as a new key is an error (65) unless
 * dropped or replaced. */
int writer_header(
	struct writer *, struct buffer *, enum format in, struct slice columns, struct error *);

/* The record's own bytes up to where new keys go; -1 (65), and the buffer as it was, where it has
 * one of the keys already and neither drop nor replace says so. From writer_begin to writer_end a
 * thread works on one record. The record's memory must last until then. */
int writer_begin(const struct writer *, struct buffer *, const struct record *, struct error *);
/* then, for each key in order, one value (CHECK): */
void writer_text(const struct writer *, struct buffer *, struct slice);
void writer_integer(const struct writer *, struct buffer *, int64_t);
void writer_double(const struct writer *, struct buffer *, double);
/* as --encoding says; finite (CHECK): */
void writer_vector(const struct writer *, struct buffer *, const float *, size_t n);
/* any JSON value, made with json_write_*: */
void writer_json(const struct writer *, struct buffer *, struct slice json);
/* and the end of the line: */
void writer_end(const struct writer *, struct buffer *);

/* --- Output file ------------------------------------------------------------------------------
 * NULL or "-" is stdout. Another path is written beside itself and renamed by output_close; a
 * device or FIFO is written directly; links are followed, the mode kept. Errors are 74 with the
 * system's text. Where one is that nobody reads the pipe any more (SIGPIPE being ignored), errno is
 * EPIPE when the function returns. */

struct output;
struct output *output_open(const char *path, struct error *);
/* Would it open? Creates nothing. */
int output_check(const char *path, struct error *);
int output_write(struct output *, const void *, size_t, struct error *);
int output_flush(struct output *, struct error *);
/* Flush, fsync, rename; frees it in any case. */
int output_close(struct output *, struct error *);
/* A whole file at once. */
int output_file(const char *path, struct slice text, struct error *);
/* Remove what is unfinished of all files; safe from a signal handler. */
void output_abandon(void);
