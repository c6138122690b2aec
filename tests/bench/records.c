/*
 * records.c: how fast records go through one core: CPU time, best of three. Pass-through with one
 * key parsed, vectors written and read, numbers printed and read beside the C library's; jq and
 * Python's json on the same file where they are installed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/random.h"
#include "lib/record/number.h"
#include "lib/record/record.h"

enum { VECTORS = 4000, C = 384 };

static char path[] = "/tmp/heddle-bench-XXXXXX";

static double cpu(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void keep(struct slice text)
{
	FILE *f = fopen(path, "wb");
	CHECK(f && fwrite(text.data, 1, text.size, f) == text.size && fclose(f) == 0);
}

/* CPU seconds of a command on the file. */
static double peer(const char *command)
{
	char line[300];
	struct rusage before, after;
	getrusage(RUSAGE_CHILDREN, &before);
	snprintf(line, sizeof line, "%s <%s >/dev/null 2>&1", command, path);
	if (system(line))
		return 0;
	getrusage(RUSAGE_CHILDREN, &after);
	return (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec +
		after.ru_stime.tv_sec - before.ru_stime.tv_sec) +
		1e-6 * (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec +
			after.ru_stime.tv_usec - before.ru_stime.tv_usec);
}

enum what { TEXT, VECTOR, NOTHING };

/* Read the file, parse `key` as what it is, add a short key, put the records out. Returns
 * seconds. */
static double pass(enum format format, const char *key, enum what what, size_t *records)
{
	double best = 1e9;
	for (int round = 0; round < 3; round++) {
		const char *file = path, *add = "n";
		struct reader_options in = { .files = &file, .n_files = 1, .format = format };
		struct writer_options out = { .format = FORMAT_AUTO };
		struct error e;
		struct record rec;
		struct buffer b = { NULL, 0, 0 };
		struct arena *arena = arena_new();
		double start = cpu();
		struct reader *r = reader_open(&in, &e);
		struct writer *w = writer_new(&out, &add, 1, &e);
		struct output *o = output_open("/dev/null", &e);
		CHECK(r && w && o);
		size_t want = reader_want(r, key), n = 0;
		CHECK(writer_header(w, &b, format, reader_columns(r), &e) == 0);
		for (; reader_next(r, arena, &rec, NULL, &e) == 1; n++) {
			struct slice text = { NULL, 0 };
			float *x;
			if (what == VECTOR)
				CHECK(record_vector(&rec, want, key, arena, &x, &text.size, &e) ==
					0);
			if (what == TEXT)
				CHECK(record_text(&rec, want, key, arena, &text, &e) == 0);
			CHECK(writer_begin(w, &b, &rec, &e) == 0);
			writer_integer(w, &b, (int64_t)text.size);
			writer_end(w, &b);
			arena_clear(arena);
			if (b.size > 60000) {
				CHECK(output_write(o, b.data, b.size, &e) == 0);
				buffer_clear(&b);
			}
		}
		CHECK(output_write(o, b.data, b.size, &e) == 0 && output_close(o, &e) == 0);
		double t = cpu() - start;
		best = t < best ? t : best;
		*records = n;
		reader_close(r);
		writer_free(w);
		buffer_free(&b);
		arena_free(arena);
	}
	return best;
}

static void show_pass(const char *name, struct slice text, enum format format, const char *key,
	enum what what)
{
	size_t records;
	keep(text);
	double t = pass(format, key, what, &records);
	printf("%-44s %7.0f MB/s  %9.0f records/s\n", name, (double)text.size / t / 1e6,
		(double)records / t);
	if (format != FORMAT_JSONL || what != TEXT)
		return;
	double jq = peer("jq -c '.n = (.text | length)'");
	double python =
		peer("python3 -c 'import json, sys\nfor l in sys.stdin:\n r = json.loads(l)\n "
			"r[\"n\"] = len(r[\"text\"])\n"
		" print(json.dumps(r, ensure_ascii=False))'");
	if (jq > 0)
		printf("%-44s %7.0f MB/s  %.0f times\n", "  jq 'n = length'",
			(double)text.size / jq / 1e6, jq / t);
	if (python > 0)
		printf("%-44s %7.0f MB/s  %.0f times\n", "  Python json",
			(double)text.size / python / 1e6, python / t);
}

/* --- Texts ------------------------------------------------------------------------------------ */

/* Records like abstracts: an id, a year, a title, a text of about 1,100 bytes, some of it not
 * ASCII, some escaped. */
static void make_texts(struct buffer *b, enum format format)
{
	static const char *const words[] = { "the", "model", "of", "language", "neural",
		"translation", "a", "na\xc3\xafve", "we",
		"propose", "attention", "results", "corpus", "and", "in", "evaluation" };
	char comma = format == FORMAT_TSV ? '\t' : ',';
	if (format != FORMAT_JSONL)
		buffer_printf(b, "id%cyear%ctext\n", comma, comma);
	for (uint64_t i = 0; i < 40000; i++) {
		if (format == FORMAT_JSONL)
			buffer_printf(b,
				"{\"id\": \"P16-%llu\", \"year\": 2016, \"title\": \"On %s %s\","
				" \"text\": \"", (unsigned long long)i,
				words[i % 16], words[i / 16 % 16]);
		else
			buffer_printf(b, "P16-%llu%c2016%c%s", (unsigned long long)i, comma, comma,
				i % 2 ? "\"" : "");
		for (uint64_t k = 0; k < 170; k++) {
			uint64_t r = random_bits(11, i, k);
			buffer_text(b, words[r % 16]);
			buffer_text(b, k % 60 == 59 ? format == FORMAT_JSONL ? "\\n" : i % 2 ?
				"\n" : " " : " ");
		}
		buffer_text(b, format == FORMAT_JSONL ? "\"}\n" : i % 2 ? "\"\n" : "\n");
	}
}

/* --- Vectors ---------------------------------------------------------------------------------- */

static void vectors(bool base64)
{
	const char *key = "embedding";
	struct writer_options o = { .base64 = base64 };
	struct record rec = { .raw = SLICE("{\"id\":1}"), .file = "-", .format = FORMAT_JSONL };
	struct buffer b = { NULL, 0, 0 };
	struct error e;
	float *x = MEM_ARRAY(float, VECTORS * C);
	for (size_t i = 0; i < VECTORS * C; i++)
		x[i] = (random_float(random_bits(12, 0, i)) + random_float(random_bits(12, 1,
			i)) - 1) * 0.1f;
	struct writer *w = writer_new(&o, &key, 1, &e);
	double best = 1e9;
	for (int round = 0; round < 5; round++) {
		double start = cpu();
		buffer_clear(&b);
		for (size_t i = 0; i < VECTORS; i++) {
			CHECK(writer_begin(w, &b, &rec, &e) == 0);
			writer_vector(w, &b, x + i * C, C);
			writer_end(w, &b);
		}
		double t = cpu() - start;
		best = t < best ? t : best;
	}
	printf("%-44s %7.0f MB/s  %9.0f vectors/s\n", base64 ? "write 384-d vectors, base64" :
		"write 384-d vectors, decimals",
		(double)b.size / best / 1e6, VECTORS / best);
	show_pass(base64 ? "read 384-d vectors, base64" : "read 384-d vectors, decimals",
		buffer_view(&b), FORMAT_JSONL, key, VECTOR);
	show_pass(base64 ? "pass 384-d vectors by, base64" : "pass 384-d vectors by, decimals",
		buffer_view(&b), FORMAT_JSONL, "id", NOTHING);
	writer_free(w);
	buffer_free(&b);
	mem_free(x);
}

static void numbers(void)
{
	enum { N = 1000000 };
	char *text = mem_alloc((size_t)N * NUMBER_SIZE);
	double t[4], sum = 0;
	const char *after;
	double start = cpu();
	for (uint64_t i = 0; i < N; i++)
		text[i * NUMBER_SIZE + number_from_float(text + i * NUMBER_SIZE,
			random_float(random_bits(13, 0, i)) - 0.5f)] = 0;
	t[0] = cpu() - start;
	start = cpu();
	for (size_t i = 0; i < N; i++)
		sum += (double)number_to_float(text + i * NUMBER_SIZE, text + i * NUMBER_SIZE +
			strlen(text + i * NUMBER_SIZE), &after);
	t[1] = cpu() - start;
	start = cpu();
	for (size_t i = 0; i < N; i++)
		sum -= (double)strtof(text + i * NUMBER_SIZE, NULL);
	t[2] = cpu() - start;
	start = cpu();
	for (uint64_t i = 0; i < N; i++)
		snprintf(text + i * NUMBER_SIZE, NUMBER_SIZE, "%.9g",
			(double)(random_float(random_bits(13, 0, i)) - 0.5f));
	t[3] = cpu() - start;
	CHECK(sum == 0);
	printf("print a float32, shortest: %.0f ns; snprintf %%.9g %.0f ns, %.1f times\n",
		t[0] * 1e9 / N, t[3] * 1e9 / N, t[3] / t[0]);
	printf("read a float32: %.0f ns; strtof %.0f ns, %.1f times\n", t[1] * 1e9 / N,
		t[2] * 1e9 / N, t[2] / t[1]);
	mem_free(text);
}

int main(void)
{
	struct buffer b = { NULL, 0, 0 };
	int fd = mkstemp(path);
	CHECK(fd >= 0);
	close(fd);
	make_texts(&b, FORMAT_JSONL);
	show_pass("JSONL, text parsed, one key added", buffer_view(&b), FORMAT_JSONL, "text", TEXT);
	buffer_clear(&b);
	make_texts(&b, FORMAT_CSV);
	show_pass("CSV, half of the texts quoted", buffer_view(&b), FORMAT_CSV, "text", TEXT);
	buffer_clear(&b);
	vectors(true);
	vectors(false);
	numbers();
	buffer_free(&b);
	return unlink(path);
}
