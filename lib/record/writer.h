/* writer.h: what writer.c (records through) and writer_value.c (new keys) share. */
#pragma once
#include "lib/record/csv.h"
#include "lib/record/record.h"

struct writer {
	enum format format; /* AUTO until the input's is known */
	bool replace, base64;
	struct arena *arena;
	struct slice *drop, *keys; /* keys: as they are */
	size_t n_drop, n_keys;
	struct slice *prefixes; /* "key": for each */

	bool ready; /* writer_header was called */
	enum format in;
	struct slice *columns; /* CSV in or out: the input's columns */
	bool *dropped; /* [n_columns] */
	size_t n_columns, n_kept;
};

/* The record that a thread has begun. */
struct writing {
	const struct writer *writer;
	struct buffer *buffer;
	enum format out;
	size_t start; /* where the record begins in the buffer */
	size_t next; /* of the keys */
	bool first; /* nothing stands before the next value */
	struct slice tail; /* what follows the last value */
	const char *line_end;
};
extern _Thread_local struct writing writing;

bool writer_drops(const struct writer *, struct slice key);
