/* test_record_files.c: files of records: compressed, with records of any size, in shards. */
#include "tests/unit/record_run.h"

#if HAVE_ZLIB
#include <zlib.h>
#endif
#if HAVE_ZSTD
#include <zstd.h>
#endif

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
	static const struct CMUnitTest tests[] = {
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
	return cmocka_run_group_tests_name("files of records", tests, enter, leave);
}
