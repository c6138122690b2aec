/*
 * csv.h: rows and fields of CSV and TSV (RFC 4180). A field that begins with a quote is quoted: it
 * may hold the delimiter, line ends and, doubled, quotes; behind its closing quote only a delimiter
 * or the end of the row may stand. Any other field is taken as it is, quotes and blanks in it
 * included. A row ends with LF, CRLF or CR.
 */
#pragma once
#include "lib/base/buffer.h"
#include "lib/base/slice.h"

/* Finding the end of a row: zero it (but for the delimiter) at the beginning of each. */
struct csv_scan {
	char delimiter;
	int state;
	size_t at; /* how far it is scanned; at the end, the size of the row */
	size_t line_end; /* the size of what ends it: 0 to 2 */
	size_t fields;
	const char *fault; /* what is wrong with the row, NULL if nothing */
	size_t fault_at;
	size_t opened; /* where the last quoted field begins */
	bool open; /* the text ends inside it */
};

/* Go on over row[0, size), of which more may come unless `last`: true when the row is whole. */
bool csv_scan(struct csv_scan *, const char *row, size_t size, bool last);

struct csv_field {
	struct slice raw; /* its own bytes, quotes included */
	bool quoted;
};

/* The next field of a whole row: *at moves behind its delimiter, and becomes NULL after the last
 * field. */
struct csv_field csv_next(const char **at, const char *end, char delimiter);

/* What the field says: in place, or decoded by libcsv into the scratch buffer, whose content it
 * replaces. */
struct slice csv_decode(struct csv_field, char delimiter, struct buffer *scratch);

/* Append text as a field, in quotes where it needs them; csv_quote: in quotes. */
void csv_encode(struct buffer *, struct slice text, char delimiter);
void csv_quote(struct buffer *, struct slice text);
