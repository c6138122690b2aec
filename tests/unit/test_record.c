/* test_record.c: records through reader and writer: what comes in, what goes out, what is refused. */
#include "tests/unit/record_run.h"

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
	/* it once aborted the command, where no CSV was to be written either */
	{ .name = "a first record that is no object is bad like another",
		.files = { { "a.jsonl", T("[1]\n{\"a\":1}\n") } },
		.want = T("{\"a\":1}\n"),
		.errors =
			"a.jsonl:1: a record is an object, and this is an array; jq -c '.[]' puts "
			"its elements on lines\n" },
	/* with --on-error=reject every other record was once set aside for keys without a column */
	{ .name = "without a first record there are no columns",
		.files = { { "a.jsonl", T("{\"a\":}\n{\"a\":1}\n") } },
		.out = { .format = FORMAT_CSV },
		.want = T(""),
		.errors = "the first record names the columns: a.jsonl:1: expected a value (column "
			  "6)\n" },
	{ .name = "a NUL in a text line stays",
		.files = { { "a.txt", T("a\0b\n") } },
		.key = "n",
		.want = T("{\"text\":\"a\\u0000b\",\"n\":3}\n") },
	{ .name = "a file that is missing is found out before the first is read",
		.files = { { "a.jsonl", T("{}\n") }, { "missing.jsonl", { NULL, 0 } } },
		.want = T(""),
		.errors = "missing.jsonl: No such file or directory\n" },
};

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

int main(void)
{
	enum { ROWS = sizeof rows / sizeof *rows };
	struct CMUnitTest tests[ROWS];
	for (size_t i = 0; i < ROWS; i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name,
			.test_func = check_row,
			.initial_state = (void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests_name("records", tests, enter, leave);
}
