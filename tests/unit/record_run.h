/* record_run.h: records through reader and writer, as a command runs them; for test_record.c and
 * test_record_files.c. */
#pragma once
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "lib/base/random.h"
#include "lib/record/record.h"
#include "tests/unit/folder.h"
static void write_file(const char *name, struct slice text)
{
	FILE *f = fopen(name, "wb");
	assert_non_null(f);
	assert_true(text.size == 0 || fwrite(text.data, 1, text.size, f) == text.size);
	assert_int_equal(fclose(f), 0);
}

struct result {
	struct buffer out, errors;
	size_t n;
	size_t last_line, last_index;
	int code; /* of the last error */
};

static void note(struct result *r, const struct error *e)
{
	r->code = e->code;
	buffer_text(&r->errors, e->msg);
	buffer_char(&r->errors, '\n');
}

static int pass(struct reader *r, struct writer *w, size_t want, bool add, struct result *res)
{
	struct arena *arena = arena_new();
	struct record rec;
	struct error e;
	int rc;
	while ((rc = reader_next(r, arena, &rec, NULL, &e))) {
		struct slice text = { NULL, 0 };
		if (rc < 0) {
			note(res, &e);
			if (reader_failed(r))
				break;
			continue;
		}
		if (record_has(&rec, want) && record_text(&rec, want, "text", arena, &text, &e)) {
			note(res, &e);
			continue;
		}
		if (writer_begin(w, &res->out, &rec, &e)) {
			note(res, &e);
			continue;
		}
		if (add)
			writer_integer(w, &res->out, (int64_t)text.size);
		writer_end(w, &res->out);
		res->last_line = rec.line;
		res->last_index = rec.index;
		res->n++;
		arena_clear(arena);
	}
	arena_free(arena);
	return rc;
}

static void run(const struct reader_options *in, const struct writer_options *out, const char *key,
	struct result *res)
{
	struct error e;
	*res = (struct result){ .n = 0 };
	struct reader *r = reader_open(in, &e);
	if (!r) {
		note(res, &e);
		return;
	}
	size_t want = reader_want(r, "text");
	assert_int_equal(reader_want(r, "text"), want);
	if (out->format == FORMAT_CSV || out->format == FORMAT_TSV)
		reader_find_columns(r);
	struct writer *w = writer_new(out, &key, key != NULL, &e);
	assert_non_null(w);
	if (writer_header(w, &res->out, reader_format(r), reader_columns(r), &e))
		note(res, &e);
	else
		pass(r, w, want, key != NULL, res);
	writer_free(w);
	reader_close(r);
}

static void release(struct result *res)
{
	buffer_free(&res->out);
	buffer_free(&res->errors);
}

static void same_text(struct slice got, struct slice want)
{
	if (!slice_equal(got, want))
		fail_msg(
			"got\n%.*s\nnot\n%.*s", (int)got.size, got.data, (int)want.size, want.data);
}
