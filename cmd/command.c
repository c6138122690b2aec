/* command.c: the streams of a command, from the first record to the exit code. */
#include "cmd/command_private.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "gpu/tensor.h"
#include "lib/base/memory.h"

struct run run = { .text_key = "text", .device = "auto", .seed = 42 };
struct shared_options shared;
struct arena *run_arena;

static struct output *output, *rejects;
static struct buffer csv_header; /* until it is written */
static struct timespec begun;
static bool progress_shown;

/* In one line; reserved at the beginning, for when memory is exhausted. */
static struct buffer message;
enum { COUNTS_MAX = 32, REJECTS_SHOWN = 10, MESSAGE_MAX = 4096 };
static struct {
	const char *what;
	double n;
} counts[COUNTS_MAX];

/* --- Messages and the end ------------------------------------------------------------------- */

static void clear_progress(void)
{
	if (progress_shown)
		fputs("\r\033[K", stderr);
	progress_shown = false;
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - begun.tv_sec) + 1e-9 * (double)(now.tv_nsec - begun.tv_nsec);
}

static void write_stats(int code);

/* A message, in one line: what it cites (a label, a file's name) may hold anything. */
static void print_line(const char *text)
{
	buffer_clear(&message);
	buffer_printf(&message, "%s: ", run.command->name);
	buffer_visible(&message, slice_from(text));
	buffer_char(&message, '\n');
	clear_progress();
	fwrite(message.data, 1, message.size, stderr);
}

_Noreturn void command_fail(const struct error *e)
{
	struct error ignored;
	void (*finish)(void) = run.finish;
	run.finish = NULL; /* it may fail itself */
	if (finish)
		finish();
	/* what was finished before the failure goes out first; a file under its own name does not
	 * appear */
	if (output && !run.output_path)
		output_flush(output, &ignored);
	if (rejects && run.rejected)
		output_close(rejects, &ignored);
	output_abandon();
	print_line(e->msg);
	write_stats(e->code);
	_exit(e->code ? e->code : ERROR_BUG);
}

_Noreturn void command_stop(int code, const char *format, ...)
{
	struct error e = { .code = code };
	va_list args;
	va_start(args, format);
	vsnprintf(e.msg, sizeof e.msg, format, args);
	va_end(args);
	command_fail(&e);
}

static void say(const char *format, va_list args)
{
	char text[MESSAGE_MAX];
	vsnprintf(text, sizeof text, format, args);
	print_line(text);
}

_Noreturn void command_usage(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(format, args);
	va_end(args);
	output_abandon();
	fprintf(stderr, "Try '%s --help'.\n", run.command->name);
	exit(ERROR_USAGE);
}

void command_note(const char *format, ...)
{
	if (run.quiet)
		return;
	va_list args;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

void command_detail(const char *format, ...)
{
	if (!run.verbose || run.quiet)
		return;
	va_list args;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

void command_progress(const char *what, size_t done, size_t total)
{
	static double last = 0.5; /* a run of half a second shows nothing */
	if (run.quiet || !isatty(STDERR_FILENO))
		return;
	double now = seconds();
	if (now < last + 0.1)
		return;
	last = now;
	if (total)
		fprintf(stderr, "\r\033[K%s: %s %zu of %zu", run.command->name, what, done, total);
	else
		fprintf(stderr, "\r\033[K%s: %s %zu (%.0f/s)", run.command->name, what, done,
			(double)done / now);
	fflush(stderr);
	progress_shown = true;
}

void command_count(const char *what, double n)
{
	size_t i = 0;
	while (counts[i].what && strcmp(counts[i].what, what) != 0)
		CHECK(++i < COUNTS_MAX);
	counts[i].what = what;
	counts[i].n += n;
}

/* --- Beginning ------------------------------------------------------------------------------ */

/* Every command takes --device and HEDDLE_CPU, and says at once where they name what is not
 * there. */
static void check_device(void)
{
	struct error e;
	struct device *device;
	if (device_open(run.device, &device, &e) == 0) {
		device_free(device);
		return;
	}
	if (e.code == ERROR_USAGE)
		command_usage("%s", e.msg);
	command_fail(&e);
}

/* What is not how the last of them began: a command may open a device more than once. */
static void say_new(char (*said)[256], const char *prefix, const char *text)
{
	if (!text || strncmp(*said, text, strlen(text)) == 0)
		return;
	command_detail("%s%s", prefix, text);
	snprintf(*said, sizeof *said, "%s", text);
}

/* With -v, what computes and what went otherwise: once it is opened, and when it is done. */
static void say_device(const struct device *d)
{
	static char name[256], note[256];
	say_new(&name, "on ", device_name(d));
	say_new(&note, "", device_note(d));
}

static void rename_keys(const char *const *keys, size_t n)
{
	run.keys = ARENA_ARRAY(run_arena, const char *, n + 1);
	for (size_t i = 0; i < n; i++) {
		run.keys[i] = keys[i];
		if (!run.output_key)
			continue;
		struct buffer b = { 0 };
		buffer_printf(&b, i ? "%s_%s" : "%s", run.output_key, keys[i]);
		run.keys[i] = arena_string(run_arena, buffer_view(&b));
		buffer_free(&b);
	}
}

static void open_input(const struct command *c)
{
	if (run.n_files == 0 && isatty(STDIN_FILENO)) {
		fprintf(stderr,
			"%s: %s.\nIt reads records from files or from a pipe, for example:\n  "
			"%s\nMore: %s --help\n",
			c->name, c->summary, c->examples ? c->examples[0] : "… FILE", c->name);
		exit(ERROR_USAGE);
	}
	struct error e;
	run.conll = shared.format > FORMAT_TEXT;
	if (run.conll && shared.shards)
		command_usage("--shard does not go with --format conll: a sentence could be cut");
	struct reader_options o = {
		.files = run.files,
		.n_files = run.n_files,
		.format = run.conll ? FORMAT_TEXT : (enum format)shared.format,
		.shard = shared.shard,
		.shards = shared.shards,
	};
	if (shared.shards)
		for (size_t i = 0; i < run.n_files || i == 0; i++)
			if (run.n_files == 0 || strcmp(run.files[i], "-") == 0)
				command_usage("--shard needs files: stdin cannot be cut");
	if (shared.shards && run.input_vectors)
		command_usage("--shard does not go with --input-vectors: which rows are the "
			      "shard's is not known");
	run.reader = reader_open(&o, &e);
	if (!run.reader)
		command_fail(&e);
	/* even where nothing is set aside, so that what an earlier run set aside does not stay */
	if (shared.rejects && !(rejects = output_open(shared.rejects, &e)))
		command_fail(&e);
	/* the columns are those of the first record, which a command that reads all before it
	 * writes has passed by then */
	if (shared.output_format == FORMAT_CSV || shared.output_format == FORMAT_TSV)
		reader_find_columns(run.reader);
}

static const char *written_by(const struct option *o)
{
	return o->writes ? *(const char *const *)o->to : NULL;
}

/* Is it one of the files that are read? */
static bool is_input(const char *path)
{
	struct stat written, read;
	if (stat(path, &written) || !S_ISREG(written.st_mode))
		return false;
	for (size_t i = 0; i < run.n_files; i++)
		if (stat(run.files[i], &read) == 0 && read.st_dev == written.st_dev &&
			read.st_ino == written.st_ino)
			return true;
	return false;
}

/* One file for two outputs would lose the one that is finished first, what is no record in place of
 * the input all records; what cannot be written is told before the work is done, not after it. */
static void check_outputs(const struct option *table)
{
	struct error e;
	for (const struct option *o = table; o->kind != OPTION_KIND_END; o++) {
		const char *path = written_by(o);
		if (!path)
			continue;
		bool one = strcmp(path, "-") != 0 && strncmp(path, "/dev/", 5) != 0;
		for (const struct option *p = table; one && p < o; p++)
			if (written_by(p) && strcmp(path, written_by(p)) == 0)
				command_usage(
					"--%s and --%s both write %s", p->name, o->name, path);
		if (o->to != &run.output_path && is_input(path))
			command_usage("--%s would take the place of the input %s", o->name, path);
		if (output_check(path, &e))
			command_fail(&e);
	}
}

void command_begin(const struct command *c, int argc, char **argv)
{
	run.command = c;
	buffer_reserve(&message, 4 * MESSAGE_MAX);
	system_begin();
	clock_gettime(CLOCK_MONOTONIC, &begun);
	run_arena = arena_new();
	const struct option *table = option_table(c);
	option_parse(table, argc, argv);
	if (!run.input_key)
		run.input_key = c->input_key;
	if (shared.rejects)
		shared.on_error = 1;
	check_outputs(table);
	if (!run.threads)
		run.threads = system_cpus();
	omp_set_dynamic(0);
	omp_set_num_threads((int)run.threads);
	check_device();
	device_watch(say_device);
	rename_keys(c->keys, c->n_keys);
	if (!(c->has & COMMAND_NO_RECORDS) && !(c->no_records && c->no_records()))
		open_input(c);
}

void command_output_bytes(void)
{
	struct error e;
	output = output_open(run.output_path, &e);
	if (!output)
		command_fail(&e);
}

void command_drop(const char *key)
{
	strings_add(&shared.drop, key);
}

void command_output_keys(const char *const *keys, size_t n)
{
	struct error e;
	rename_keys(keys, n);
	struct writer_options o = {
		.format = (enum format)shared.output_format,
		.drop = shared.drop.at,
		.n_drop = shared.drop.n,
		.replace = shared.replace,
		.base64 = shared.encoding == 1,
	};
	run.writer = writer_new(&o, run.keys, n, &e);
	if (!run.writer || writer_header(run.writer, &csv_header, reader_format(run.reader),
				   reader_columns(run.reader), &e))
		command_fail(&e);
	command_output_bytes();
	if (shared.shards && shared.shard > 1)
		buffer_clear(&csv_header); /* shards joined in order are the unsharded bytes */
}

void command_output(size_t n_keys)
{
	CHECK(n_keys <= run.command->n_keys);
	command_output_keys(run.command->keys, n_keys);
}

/* --- Records -------------------------------------------------------------------------------- */

/* Bad records are worth keeping: they go out as they came, under a CSV header where the input has
 * one. */
static void set_aside(struct slice raw, const struct error *why)
{
	struct error e;
	run.rejected++;
	if (run.rejected <= REJECTS_SHOWN)
		command_note("%s: set aside", why->msg);
	if (run.rejected == REJECTS_SHOWN + 1)
		command_note("more records are set aside without a line each");
	if (!rejects)
		return;
	struct buffer line = { 0 };
	struct slice header = run.rejected == 1 ? reader_header(run.reader) : SLICE("");
	buffer_slice(&line, header);
	if (header.size)
		buffer_char(&line, '\n');
	buffer_slice(&line, raw);
	buffer_char(&line, '\n');
	if (output_write(rejects, line.data, line.size, &e))
		command_fail(&e);
	buffer_free(&line);
}

int command_read(struct arena *arena, struct record *record, struct error *e)
{
	for (;;) {
		struct slice bad = { 0 };
		int got = reader_next(run.reader, arena, record, &bad, e);
		if (got >= 0) {
			run.records += (size_t)got;
			return got;
		}
		if (e->code != ERROR_DATA || shared.on_error == 0 || reader_failed(run.reader))
			return -1;
		run.records++;
		set_aside(bad, e);
	}
}

bool command_next(struct arena *arena, struct record *record)
{
	struct error e;
	int got = command_read(arena, record, &e);
	if (got < 0)
		command_fail(&e);
	return got;
}

void command_reject(const struct record *record, const struct error *e)
{
	if (e->code != ERROR_DATA || shared.on_error == 0)
		command_fail(e);
	set_aside(record->raw, e);
}

bool command_put(struct buffer *b, const struct record *record)
{
	struct error e;
	size_t was = b->size;
	if (writer_begin(run.writer, b, record, &e) == 0)
		return true;
	b->size = was;
	command_reject(record, &e);
	return false;
}

bool command_try(const struct record *record)
{
	static struct buffer tried;
	buffer_clear(&tried);
	return command_put(&tried, record);
}

static void write_header(void)
{
	struct error e;
	if (output_write(output, csv_header.data, csv_header.size, &e))
		command_fail(&e);
	buffer_free(&csv_header);
}

void command_write(struct buffer *b, size_t n)
{
	static size_t written;
	struct error e;
	if (b->size && csv_header.size)
		write_header();
	if (output_write(output, b->data, b->size, &e))
		command_fail(&e);
	buffer_clear(b);
	written += n;
	command_progress("records", written, 0);
}

void command_write_spool(struct spool *spool, command_values *put, const void *context)
{
	enum { BLOCK = 1 << 20 };
	struct error e;
	struct arena *arena = arena_new();
	struct buffer out = { 0 };
	struct record record;
	size_t held = 0;
	int got = spool_rewind(spool, &e);
	for (size_t i = 0; got >= 0 && (got = spool_next(spool, arena, &record, &e)) > 0; i++) {
		if (command_put(&out, &record)) {
			put(context, &out, i);
			writer_end(run.writer, &out);
			held++;
		}
		if (out.size > BLOCK) {
			command_write(&out, held);
			held = 0;
		}
		arena_clear(arena);
	}
	if (got < 0)
		command_fail(&e);
	command_write(&out, held);
	buffer_free(&out);
	arena_free(arena);
}

void command_write_file(const char *path, struct slice text)
{
	struct error e;
	if (output_file(path, text, &e))
		command_fail(&e);
}

/* --- The end -------------------------------------------------------------------------------- */

static void write_stats(int code)
{
	struct error e;
	if (!shared.stats_json)
		return;
	struct buffer b = { 0 };
	double t = seconds();
	buffer_text(&b, "{\"command\": ");
	json_write_string(&b, slice_from(run.command->name));
	buffer_printf(
		&b, ", \"version\": \"%s\", \"exit\": %d, \"seconds\": ", HEDDLE_VERSION, code);
	json_write_double(&b, t);
	buffer_printf(&b, ", \"threads\": %zu, \"records\": %zu, \"rejected\": %zu", run.threads,
		run.records, run.rejected);
	for (size_t i = 0; i < COUNTS_MAX && counts[i].what; i++) {
		buffer_text(&b, ", ");
		json_write_string(&b, slice_from(counts[i].what));
		buffer_text(&b, ": ");
		json_write_double(&b, counts[i].n);
	}
	buffer_text(&b, "}\n");
	/* the first failure was told */
	if (output_file(shared.stats_json, buffer_view(&b), &e) && code <= ERROR_FALSE) {
		print_line(e.msg);
		_exit(code ? code : e.code);
	}
	buffer_free(&b);
}

static void summarise(void)
{
	double t = seconds();
	struct buffer b = { 0 };
	buffer_printf(&b, "%zu record%s, %zu rejected, %.3g s, %.0f records/s", run.records,
		plural(run.records), run.rejected, t, (double)run.records / (t > 0 ? t : 1));
	for (size_t i = 0; i < COUNTS_MAX && counts[i].what; i++)
		buffer_printf(&b, ", %s %.15g", counts[i].what, counts[i].n);
	buffer_char(&b, 0);
	command_detail("%s", b.data);
	buffer_free(&b);
}

/* Closing frees it, whatever happens. */
static void close_output(struct output **o)
{
	struct error e;
	struct output *last = *o;
	*o = NULL;
	if (last && output_close(last, &e))
		command_fail(&e);
}

int command_end(void)
{
	if (csv_header.size)
		write_header();
	close_output(&rejects);
	close_output(&output);
	clear_progress();
	if (run.rejected)
		command_note("%zu of %zu record%s rejected%s%s", run.rejected, run.records,
			plural(run.records), shared.rejects ? ": see " : "",
			shared.rejects ? shared.rejects : "");
	summarise();
	int code = run.rejected || run.condition_false ? ERROR_FALSE : 0;
	write_stats(code);
	reader_close(run.reader);
	writer_free(run.writer);
	arena_free(run_arena);
	return code;
}
