/*
 * fuzz_csv.c: any bytes as a CSV or TSV file (the first says which). Rows that pass through are the
 * input's own bytes; their fields are those that libcsv finds in the whole text; JSONL made of them
 * reads back to the same.
 */
#include <csv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/record/csv.h"
#include "lib/record/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int never(unsigned char c)
{
	(void)c;
	return 0;
}

static void on_field(void *text, size_t size, void *to)
{
	buffer_add(to, text, size);
	buffer_char(to, '\x01');
}

static void on_row(int c, void *to)
{
	(void)c;
	buffer_char(to, '\x02');
}

/* All fields and rows of a text as libcsv finds them. */
static void by_libcsv(struct slice text, char delimiter, struct buffer *b)
{
	struct csv_parser p;
	csv_init(&p, 0);
	csv_set_delim(&p, (unsigned char)delimiter);
	csv_set_space_func(&p, never);
	csv_parse(&p, text.data, text.size, on_field, on_row, b);
	csv_fini(&p, on_field, on_row, b);
	csv_free(&p);
}

/* The same by our scan, row for row; false where a row is faulty. */
static bool by_scan(struct slice text, char delimiter, struct buffer *b)
{
	struct buffer scratch = { NULL, 0, 0 };
	bool good = true;
	while (text.size && good) {
		struct csv_scan s = { .delimiter = delimiter },
				bytewise = { .delimiter = delimiter };
		CHECK(csv_scan(&s, text.data, text.size, true));
		/* given byte by byte it finds the same */
		size_t n = 0;
		while (!csv_scan(&bytewise, text.data, n, n == text.size))
			n++;
		CHECK(bytewise.at == s.at && bytewise.line_end == s.line_end &&
			bytewise.fields == s.fields);
		good = s.fault == NULL;
		const char *p = text.data, *end = p + s.at;
		size_t fields = 0;
		for (; s.at && p && good; fields++) {
			struct slice field =
				csv_decode(csv_next(&p, end, delimiter), delimiter, &scratch);
			buffer_slice(b, field);
			buffer_char(b, '\x01');
		}
		if (s.at) {
			CHECK(!good || fields == s.fields);
			buffer_char(b, '\x02');
		}
		text = (struct slice){ text.data + s.at + s.line_end,
			text.size - s.at - s.line_end };
	}
	buffer_free(&scratch);
	return good;
}

/* Through reader and writer; returns how many records were bad. */
static size_t through(struct slice text, enum format from, enum format to, struct buffer *b)
{
	char path[40];
	const char *file = path;
	struct reader_options in = { .files = &file, .n_files = 1, .format = from };
	struct writer_options out = { .format = to };
	struct error e;
	int fd = memfd_create("fuzz", 0), rc;
	CHECK(fd >= 0 && write(fd, text.data, text.size) == (ssize_t)text.size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	struct arena *arena = arena_new();
	struct reader *r = reader_open(&in, &e);
	struct writer *w = writer_new(&out, NULL, 0, &e);
	size_t bad = r == NULL;
	struct record rec;
	if (r) {
		reader_want(r, "a");
		CHECK(writer_header(w, b, from, reader_columns(r), &e) == 0);
	}
	while (r && (rc = reader_next(r, arena, &rec, NULL, &e))) {
		if (rc < 0) {
			bad++;
			if (reader_failed(r))
				break;
			continue;
		}
		CHECK(writer_begin(w, b, &rec, &e) == 0);
		writer_end(w, b);
		arena_clear(arena);
	}
	reader_close(r);
	writer_free(w);
	arena_free(arena);
	close(fd);
	return bad;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	enum format format = data[0] == 't' ? FORMAT_TSV : FORMAT_CSV;
	char delimiter = format == FORMAT_TSV ? '\t' : ',';
	struct slice text = { (const char *)data + 1, size - 1 };
	struct buffer ours = { NULL, 0, 0 }, theirs = { NULL, 0, 0 }, json = { NULL, 0, 0 },
		      again = { NULL, 0, 0 };
	if (by_scan(text, delimiter, &ours)) {
		by_libcsv(text, delimiter, &theirs);
		CHECK(slice_equal(buffer_view(&ours), buffer_view(&theirs)));
	}
	buffer_clear(&ours);
	buffer_clear(&theirs);
	/* the slow part on some, so that many are tried; a mark that blank lines kept from being
	 * one would become one */
	bool marked = memmem(text.data, text.size, "\xef\xbb\xbf", 3) > (void *)text.data;
	if (size % 8 == 0 && !marked && through(text, format, FORMAT_AUTO, &ours) == 0) {
		/* what came out goes through unchanged, and holds all but blank lines */
		CHECK(ours.size <= text.size + 2);
		CHECK(through(buffer_view(&ours), format, FORMAT_AUTO, &theirs) == 0);
		CHECK(slice_equal(buffer_view(&ours), buffer_view(&theirs)));
		CHECK(through(text, format, FORMAT_JSONL, &json) == 0);
		CHECK(through(buffer_view(&json), FORMAT_JSONL, FORMAT_AUTO, &again) == 0);
		CHECK(slice_equal(buffer_view(&json), buffer_view(&again)));
	}
	buffer_free(&ours);
	buffer_free(&theirs);
	buffer_free(&json);
	buffer_free(&again);
	return 0;
}
