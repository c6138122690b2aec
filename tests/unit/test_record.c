/* test_record.c: records through reader and writer, as a command runs them: what comes in, what
 * goes out, what is refused. */
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
#if HAVE_ZLIB
#include <zlib.h>
#endif
#if HAVE_ZSTD
#include <zstd.h>
#endif

static void write_file(const char *name, struct slice text)
{
	FILE *f = fopen(name, "wb");
	assert_non_null(f);
	assert_true(text.size == 0 || fwrite(text.data, 1, text.size, f) == text.size);
	assert_int_equal(fclose(f), 0);
}

/* --- The table ------------------------------------------------------------------------------ */

struct file {
	const char *name;
	struct slice text;
};

struct row {
	const char *name;
	struct file files[3];
	struct reader_options in;
	struct writer_options out;
	const char *drop[2];
	/* Added: the length of "text", 0 where the record has none. NULL: nothing is. */
	const char *key;
	struct slice want;
	const char *errors; /* all messages, a line each */
};

#define T(text) \
	{ \
		(text), sizeof(text) - 1 \
	}

static const struct row rows[] = {
	{ .name = "a JSON record passes through with its blanks, escapes and duplicates",
		.files = { { "a.jsonl",
			T("{ \"text\" : \"\\u0061\" ,\t\"x\":1.0e0, \"x\": [ ] }  \n{}\n{ }") } },
		.key = "n",
		.want = T("{ \"text\" : \"\\u0061\" ,\t\"x\":1.0e0, \"x\": [ ],\"n\":1 }  \n"
			  "{\"n\":0}\n{\"n\":0 }\n") },
	{ .name = "blank lines of JSONL are no records, and CRLF is blank space",
		.files = { { "a.jsonl",
			T("\n  \r\n{\"text\":\"ab\"}\r\n\n\t\n{\"text\":\"\"}\n\n") } },
		.key = "n",
		.want = T("{\"text\":\"ab\",\"n\":2}\r\n{\"text\":\"\",\"n\":0}\n") },
	{ .name = "a byte order mark is no part of a record",
		.files = { { "a.jsonl", T("\xef\xbb\xbf{\"a\":1}\n") },
			{ "b.jsonl", T("\xef\xbb\xbf{\"a\":2}") } },
		.want = T("{\"a\":1}\n{\"a\":2}\n") },
	{ .name = "of a key that is there twice the last is read",
		.files = { { "a.jsonl", T("{\"text\":\"abc\",\"te\\u0078t\":\"z\"}") } },
		.key = "n",
		.want = T("{\"text\":\"abc\",\"te\\u0078t\":\"z\",\"n\":1}\n") },
	{ .name = "bad records name file and line, and the next is read",
		.files = { { "a.jsonl", T("{\"a\":1}\n{\"a\":}\n[1]\n3\n{\"a\":2") },
			{ "b.jsonl", T("\n{\"b\":\"\\ud800\"}\n{\"b\":\"\xff\"}\n"
				       "{\"b\":3}{}\n{\"b\":4}\n") } },
		.want = T("{\"a\":1}\n{\"b\":4}\n"),
		.errors =
			"a.jsonl:2: expected a value (column 6)\n"
			"a.jsonl:3: a record is an object, and this is an array; jq -c '.[]' puts "
			"its elements on lines\n"
			"a.jsonl:4: a record is an object, and this is a number\n"
			"a.jsonl:5: the text ends inside an object: the record is cut off\n"
			"b.jsonl:2: a lone surrogate (column 7)\nb.jsonl:3: invalid UTF-8 (column "
			"7)\n"
			"b.jsonl:4: something after the value (column 8)\n" },
	{ .name = "a key that is there already stops",
		.files = { { "a.jsonl", T("{\"n\":1}\n{\"text\":\"a\"}\n") } },
		.key = "n",
		.want = T("{\"text\":\"a\",\"n\":1}\n"),
		.errors = "a.jsonl:1: key \"n\" is there already: --output-key writes another, "
			  "--replace puts the new in its place\n" },
	{ .name = "with replace the new one takes its place, duplicates of it go too",
		.files = { { "a.jsonl",
			T("{\"n\":1,\"text\":\"a\",\"\\u006e\":[2]}\n{\"n\":3}\n{ \"x\":0 ,"
			  " \"n\":3 , \"y\":1 }\n") } },
		.key = "n",
		.out = { .replace = true },
		.want = T("{\"text\":\"a\",\"n\":1}\n{\"n\":0}\n{ \"x\":0 , \"y\":1,\"n\":0 }\n") },
	{ .name = "dropped keys go with one comma, wherever they stand",
		.files = { { "a.jsonl",
			T("{\"a\":1,\"b\":2,\"x\":3}\n{\"x\":3,\"a\":1,\"b\":2}\n"
			  "{\"a\":1,\"x\":3,\"b\":2}\n{\"a\":1}\n"
			  "{ \"b\":{\"a\":1} }\n{\"x\":1,\"a\":1,\"y\":2,\"b\":2,\"z\":3}\n") } },
		.drop = { "a", "b" },
		.want = T("{\"x\":3}\n{\"x\":3}\n{\"x\":3}\n{}\n{ }\n{\"x\":1,\"y\":2,\"z\":3}\n"
			  "") },
	{ .name = "the row's own bytes pass through CSV, quoted line ends, CRLF and the mark "
		  "included",
		.files = { { "a.csv",
			T("\xef\xbb\xbfid,text\r\n1, \"a\" \r\n\r\n2,\"b\r\n\"\"c\"\"\"\r\n"
			  "\"3\",") } },
		.key = "n",
		.want = T("\xef\xbb\xbfid,text,n\r\n1, \"a\" ,5\r\n2,\"b\r\n\"\"c\"\"\",6\r\n"
			  "\"3\",,0\r\n") },
	{ .name = "of two marks the first is one",
		.files = { { "a.csv", T("\xef\xbb\xbf\xef\xbb\xbfx,text\n1,a") } },
		.key = "n",
		.want = T("\xef\xbb\xbf\xef\xbb\xbfx,text,n\n1,a,1\n") },
	{ .name = "rows may end with CR alone",
		.files = { { "a.csv", T("text,id\rab,1\r\"a\rb\",2") } },
		.key = "n",
		.want = T("text,id,n\rab,1,2\r\"a\rb\",2,3\r") },
	{ .name = "ragged and broken rows name their first line",
		.files = { { "a.csv",
			T("a,text\n1\n2,x,y\n\"p\nq\",z\n3,\"x\"y\n4,\xff\n5,ok\n6,\"open\n7,"
			  "last\n") } },
		.want = T("a,text\n\"p\nq\",z\n5,ok\n7,last\n"),
		.errors = "a.csv:2: 1 field where the header has 2\na.csv:3: 3 fields where the "
			  "header has 2\n"
			  "a.csv:6: something behind a closing quote (column 6)\na.csv:7: invalid "
			  "UTF-8 (column 3)\n"
			  "a.csv:9: a quoted field is not closed (column 3)\n" },
	{ .name = "files of CSV share one header, which is written once",
		.files = { { "a.csv", T("text,b\nx,1\n") },
			{ "b.csv", T("\xef\xbb\xbf\"text\",b\r\ny,2\r\n") }, { "c.csv", T("") } },
		.key = "n",
		.want = T("text,b,n\nx,1,1\ny,2,1\r\n") },
	{ .name = "a file with another header stops for good",
		.files = { { "a.csv", T("text,b\nx,1\n") }, { "b.csv", T("text,c\ny,2\n") } },
		.want = T("text,b\nx,1\n"),
		.errors = "b.csv:1: column 2 is \"c\" where that of a.csv is \"b\"\n" },
	{ .name = "a file with more columns stops too",
		.files = { { "a.csv", T("text\nx\n") }, { "b.csv", T("text,c\ny,2\n") } },
		.want = T("text\nx\n"),
		.errors = "b.csv:1: its header has 2 columns where that of a.csv has 1\n" },
	{ .name = "columns are dropped and replaced, the others keep their bytes",
		.files = { { "a.csv", T("a,n,text,b\n1,\"2\", x ,\"4\"\n") } },
		.key = "n",
		.drop = { "b" },
		.out = { .replace = true },
		.want = T("a,text,n\n1, x ,3\n") },
	{ .name = "a row of one empty field is written in quotes, so that it is a row",
		.files = { { "a.csv", T("a,text\n1,\n") } },
		.drop = { "a" },
		.want = T("text\n\"\"\n") },
	{ .name = "a header without rows is all there is",
		.files = { { "a.csv", T("a,text\n") } },
		.key = "n",
		.want = T("a,text,n\n") },
	{ .name = "no bytes at all are no records",
		.files = { { "a.csv", T("") } },
		.key = "n",
		.want = T("") },
	{ .name = "TSV keeps commas, and quotes where a field begins with one",
		.files = { { "a.tsv", T("text\tb\nx,y \"z\"\t1\n\"t\tt\"\t2\n") } },
		.key = "n",
		.want = T("text\tb\tn\nx,y \"z\"\t1\t7\n\"t\tt\"\t2\t3\n") },
	{ .name = "CSV becomes JSONL with strings for values",
		.files = { { "a.csv", T("a,te\"xt,text\n1,,\"q\"\"\nr\"\n") } },
		.key = "n",
		.out = { .format = FORMAT_JSONL },
		.want = T("{\"a\":\"1\",\"te\\\"xt\":\"\",\"text\":\"q\\\"\\nr\",\"n\":4}\n") },
	{ .name = "CSV becomes TSV with quotes where they are needed",
		.files = { { "a.csv", T("a,text\n\"1,2\",\"x\ty\"\n\" 3\",\"4\"\n") } },
		.key = "n",
		.out = { .format = FORMAT_TSV },
		.want = T("a\ttext\tn\n1,2\t\"x\ty\"\t3\n\" 3\"\t4\t1\n") },
	{ .name = "JSONL becomes CSV with the first record's keys for columns",
		.files = { { "a.jsonl", T("{\"a\":1,\"text\":\"x,\\u00e9\",\"v\":[1,2]}\n"
					  "{\"text\":\"q\\\"\",\"a\":null}\n{\"v\":{\"k\":\"w\"}"
					  ",\"a\":true}\n") } },
		.key = "n",
		.out = { .format = FORMAT_CSV },
		.want = T("a,text,v,n\n1,\"x,\xc3\xa9\",\"[1,2]\",4\n,\"q\"\"\",,2\ntrue,"
			  ",\"{\"\"k\"\":\"\"w\"\"}\",0\n") },
	{ .name = "a later key without a column stops",
		.files = { { "a.jsonl", T("{\"a\":1}\n{\"a\":2,\"b\":3}\n{\"a\":4}\n") } },
		.out = { .format = FORMAT_CSV },
		.want = T("a\n1\n4\n"),
		.errors = "a.jsonl:2: key \"b\" has no column: the columns are the keys of the "
			  "first record\n" },
	{ .name = "unless it is dropped",
		.files = { { "a.jsonl", T("{\"a\":1}\n{\"a\":2,\"b\":3}\n") } },
		.out = { .format = FORMAT_CSV },
		.drop = { "b" },
		.want = T("a\n1\n2\n") },
	{ .name = "every line of text is a record, and what is no UTF-8 becomes U+FFFD",
		.files = { { "a.txt", T("\xef\xbb\xbfone\r\n\n\xff\"\xe2\x82x\nlast") } },
		.key = "n",
		.want = T("{\"text\":\"one\",\"n\":3}\n{\"text\":\"\",\"n\":0}\n"
			  "{\"text\":\"\xef\xbf\xbd\\\"\xef\xbf\xbdx\",\"n\":8}\n"
			  "{\"text\":\"last\",\"n\":4}\n") },
	{ .name = "text becomes CSV",
		.files = { { "a.txt", T("x, y\nz\n") } },
		.key = "n",
		.out = { .format = FORMAT_CSV },
		.want = T("text,n\n\"x, y\",4\nz,1\n") },
	{ .name = "text without its text",
		.files = { { "a.txt", T("x\n") } },
		.key = "n",
		.drop = { "text" },
		.want = T("{\"n\":1}\n") },
	{ .name = "what begins with a brace is JSONL whatever the extension",
		.files = { { "a.csv", T("\n {\"a\":1}\n") } },
		.want = T(" {\"a\":1}\n") },
	{ .name = "a format that is said is not detected",
		.files = { { "a.csv", T("{x}\n") } },
		.in = { .format = FORMAT_TEXT },
		.want = T("{\"text\":\"{x}\"}\n") },
	{ .name = "empty files before the first record are passed by",
		.files = { { "a.dat", T("") }, { "b.dat", T(" \n") }, { "c.csv", T("text\nx\n") } },
		.want = T("text\nx\n") },
	{ .name = "UTF-16 is told from garbage",
		.files = { { "a.txt", T("\xff\xfe"
					"a\0\n"
					"\0") } },
		.want = T(""),
		.errors = "a.txt is UTF-16, not UTF-8; iconv -f UTF-16 -t UTF-8 converts it\n" },
	{ .name = "what cannot be told names --format",
		.files = { { "a.dat", T("hello\n") } },
		.want = T(""),
		.errors = "a.dat: its format cannot be told; say --format jsonl, csv, tsv or text\n"
			  "" },
	{ .name = "a NUL in a text line stays",
		.files = { { "a.txt", T("a\0b\n") } },
		.key = "n",
		.want = T("{\"text\":\"a\\u0000b\",\"n\":3}\n") },
	{ .name = "a file that is missing is found out before the first is read",
		.files = { { "a.jsonl", T("{}\n") }, { "missing.jsonl", { NULL, 0 } } },
		.want = T(""),
		.errors = "missing.jsonl: No such file or directory\n" },
};

/* --- Running -------------------------------------------------------------------------------- */

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

static void check_row(void **state)
{
	const struct row *row = *state;
	const char *names[3];
	struct reader_options in = row->in;
	struct writer_options out = row->out;
	struct result res;
	for (in.n_files = 0; in.n_files < 3 && row->files[in.n_files].name; in.n_files++) {
		const struct file *f = &row->files[in.n_files];
		names[in.n_files] = f->name;
		if (f->text.data)
			write_file(f->name, f->text);
	}
	in.files = names;
	out.drop = row->drop;
	out.n_drop = row->drop[1] ? 2 : row->drop[0] != NULL;
	run(&in, &out, row->key, &res);
	same_text(buffer_view(&res.errors), slice_from(row->errors ? row->errors : ""));
	same_text(buffer_view(&res.out), row->want);
	release(&res);
}

/* --- Compression, size, shards -------------------------------------------------------------- */

#if HAVE_ZLIB
/* Add a member; returns the size of the file. */
static long gzip_add(const char *name, struct slice text)
{
	struct stat st;
	gzFile f = gzopen(name, "ab");
	assert_non_null(f);
	assert_int_equal(gzwrite(f, text.data, (unsigned)text.size), text.size);
	assert_int_equal(gzclose(f), Z_OK);
	assert_int_equal(stat(name, &st), 0);
	return (long)st.st_size;
}

static void gzip_is_read(void **state)
{
	const char *names[] = { "z.csv.gz" };
	struct reader_options in = { .files = names, .n_files = 1 };
	struct writer_options out = { .format = FORMAT_AUTO };
	struct result res;
	(void)state;
	/* two members, and zeros behind them, as tapes have */
	long first = gzip_add("z.csv.gz", SLICE("text,b\nx,1\ny"));
	long size = gzip_add("z.csv.gz", SLICE("y,2\n"));
	FILE *f = fopen("z.csv.gz", "ab");
	assert_non_null(f);
	fwrite("\0\0\0\0", 1, 4, f);
	fclose(f);
	run(&in, &out, "n", &res);
	same_text(buffer_view(&res.out), SLICE("text,b,n\nx,1,1\nyy,2,2\n"));
	release(&res);
	/* cut off anywhere it is an error, not an end */
	for (long n = 3; n < size; n++) {
		assert_int_equal(truncate("z.csv.gz", n), 0);
		run(&in, &out, NULL, &res);
		if (res.errors.size == 0 && n != first)
			fail_msg("%ld of %ld bytes are taken for whole: %.*s", n, size,
				(int)res.out.size, res.out.data);
		release(&res);
		unlink("z.csv.gz");
		gzip_add("z.csv.gz", SLICE("text,b\nx,1\ny"));
		gzip_add("z.csv.gz", SLICE("y,2\n"));
	}
}
#endif

#if HAVE_ZSTD
static void zstd_is_read(void **state)
{
	const char *names[] = { "z.jsonl.zst" };
	struct reader_options in = { .files = names, .n_files = 1 };
	struct writer_options out = { .format = FORMAT_AUTO };
	struct result res;
	char text[20000], packed[30000];
	size_t n = 0;
	(void)state;
	for (size_t i = 0; n < sizeof text - 100; i++)
		n += (size_t)sprintf(
			text + n, "{\"i\":%llu}\n", (unsigned long long)random_bits(8, 0, i));
	size_t a = ZSTD_compress(packed, sizeof packed, text, n / 2, 3);
	size_t b = ZSTD_compress(packed + a, sizeof packed - a, text + n / 2, n - n / 2, 3);
	assert_false(ZSTD_isError(a) || ZSTD_isError(b));
	write_file(names[0], (struct slice){ packed, a + b });
	run(&in, &out, NULL, &res);
	same_text(buffer_view(&res.out), (struct slice){ text, n });
	release(&res);
	for (size_t cut = 5; cut < a + b; cut += 97) {
		write_file(names[0], (struct slice){ packed, cut });
		run(&in, &out, NULL, &res);
		if (cut != a) {
			same_text(buffer_view(&res.errors),
				SLICE("z.jsonl.zst: damaged zstd data: it is cut off\n"));
			assert_int_equal(res.code, ERROR_DATA);
		}
		release(&res);
	}
}
#endif

static void records_longer_than_any_buffer(void **state)
{
	const char *names[] = { "big" };
	struct reader_options in = { .files = names, .n_files = 1 };
	struct writer_options out = { .format = FORMAT_AUTO };
	size_t size = getenv("HEDDLE_SLOW") ? 300000000 : 20000000;
	(void)state;
	for (int csv = 0; csv < 2; csv++) {
		struct buffer text = { NULL, 0, 0 };
		struct result res;
		buffer_text(&text, csv ? "id,text\n1,\"" : "{\"text\":\"");
		memset(buffer_reserve(&text, size), 'x', size);
		text.size += size;
		if (csv)
			for (size_t i = 100; i < size; i += 1000)
				memcpy(text.data + i, ",\n\"\"", 4);
		buffer_text(&text, csv ? "\"\n2,y\n" : "\"}\n{\"text\":\"y\"}\n");
		write_file("big", buffer_view(&text));
		in.format = csv ? FORMAT_CSV : FORMAT_JSONL;
		run(&in, &out, NULL, &res);
		assert_int_equal(res.errors.size, 0);
		assert_int_equal(res.n, 2);
		assert_true(slice_equal(buffer_view(&res.out), buffer_view(&text)));
		assert_int_equal(res.last_line, csv ? 3 + size / 1000 : 2);
		release(&res);
		buffer_free(&text);
	}
	unlink("big");
}

static void a_record_of_many_members(void **state)
{
	const char *names[] = { "many" };
	struct reader_options in = { .files = names, .n_files = 1, .format = FORMAT_JSONL };
	struct writer_options out = { .replace = true };
	struct buffer text = { NULL, 0, 0 }, want = { NULL, 0, 0 };
	struct result res;
	(void)state;
	for (size_t n = 1022; n < 1028; n++) {
		buffer_clear(&text);
		buffer_clear(&want);
		buffer_text(&text, "{\"n\":0");
		buffer_char(&want, '{');
		for (size_t i = 1; i < n; i++) {
			buffer_printf(&text, ",\"k%zu\":%zu", i, i);
			buffer_printf(&want, "\"k%zu\":%zu,", i, i);
		}
		buffer_text(&text, "}\n");
		buffer_text(&want, "\"n\":0}\n");
		write_file("many", buffer_view(&text));
		run(&in, &out, "n", &res);
		same_text(buffer_view(&res.out), buffer_view(&want));
		release(&res);
	}
	buffer_free(&text);
	buffer_free(&want);
}

/* The shards of any number joined are the whole, for records of any length, line ends in quotes and
 * several files. */
static void shards_joined_are_the_whole(void **state)
{
	const char *names[] = { "s1", "s2", "s3" };
	(void)state;
	for (uint64_t trial = 0; trial < 120; trial++) {
		static const enum format formats[] = { FORMAT_JSONL, FORMAT_CSV, FORMAT_TEXT };
		struct reader_options in = {
			.files = names, .n_files = 3, .format = formats[trial % 3]
		};
		struct writer_options out = { .format = FORMAT_AUTO };
		struct result whole, part;
		for (size_t f = 0; f < 3; f++) {
			struct buffer b = { NULL, 0, 0 };
			if (in.format == FORMAT_CSV)
				buffer_text(&b, "id,text\n");
			for (uint64_t i = 0; i < random_bits(9, f, trial) % 20; i++) {
				static const char *const bits[] = { "", "word",
					"a longer text of some words", "\n", "\r\n\n" };
				const char *t = bits[random_bits(9, 9 + f, trial * 100 + i) %
						     (in.format == FORMAT_CSV ? 5 : 3)];
				if (in.format == FORMAT_CSV)
					buffer_printf(&b, "%zu,\"%s\"\n", (size_t)i, t);
				else
					buffer_printf(&b,
						in.format == FORMAT_JSONL ? "{\"text\":\"%s\"}\n"
									  : "%s\n",
						t);
			}
			write_file(names[f], buffer_view(&b));
			buffer_free(&b);
		}
		run(&in, &out, "n", &whole);
		for (in.shards = 1; in.shards < 40; in.shards += 1 + in.shards / 3) {
			struct buffer joined = { NULL, 0, 0 };
			size_t n = 0;
			for (in.shard = 1; in.shard <= in.shards; in.shard++) {
				run(&in, &out, "n", &part);
				assert_int_equal(part.errors.size, 0);
				struct slice body = buffer_view(&part.out);
				if (in.shard > 1 && in.format == FORMAT_CSV) {
					body.data += sizeof "id,text,n\n" - 1;
					body.size -= sizeof "id,text,n\n" - 1;
				}
				buffer_slice(&joined, body);
				n += part.n;
				if (part.n)
					assert_int_equal(part.last_index, n - 1);
				release(&part);
			}
			same_text(buffer_view(&joined), buffer_view(&whole.out));
			buffer_free(&joined);
		}
		release(&whole);
	}
}

static void shards_need_plain_files(void **state)
{
	static const struct {
		const char *file;
		size_t shard, shards;
		const char *msg;
	} table[] = {
		{ "-", 1, 2, "--shard needs files, not stdin" },
		{ "/dev/null", 1, 2, "--shard needs regular files, and /dev/null is none" },
		{ "gz", 1, 2, "--shard needs files that are not compressed, as gz is" },
		{ "plain", 3, 2, "--shard 3/2: the first number is from 1 to the second" },
		{ "plain", 0, 2, "--shard 0/2: the first number is from 1 to the second" },
	};
	(void)state;
	write_file("gz", SLICE("\x1f\x8b\x08"));
	write_file("plain", SLICE("{}\n"));
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct reader_options in = { .files = &table[i].file,
			.n_files = 1,
			.shard = table[i].shard,
			.shards = table[i].shards };
		struct error e;
		assert_null(reader_open(&in, &e));
		assert_int_equal(e.code, ERROR_USAGE);
		assert_string_equal(e.msg, table[i].msg);
	}
}

int main(void)
{
	static const struct CMUnitTest fixed[] = {
#if HAVE_ZLIB
		cmocka_unit_test(gzip_is_read),
#endif
#if HAVE_ZSTD
		cmocka_unit_test(zstd_is_read),
#endif
		cmocka_unit_test(records_longer_than_any_buffer),
		cmocka_unit_test(a_record_of_many_members),
		cmocka_unit_test(shards_joined_are_the_whole),
		cmocka_unit_test(shards_need_plain_files),
	};
	enum { FIXED = sizeof fixed / sizeof *fixed, ROWS = sizeof rows / sizeof *rows };
	struct CMUnitTest tests[ROWS + FIXED];
	for (size_t i = 0; i < ROWS; i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name,
			.test_func = check_row,
			.initial_state = (void *)(uintptr_t)&rows[i] };
	memcpy(tests + ROWS, fixed, sizeof fixed);
	return cmocka_run_group_tests_name("records", tests, enter, leave);
}
