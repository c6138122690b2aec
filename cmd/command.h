/*
 * command.h: the frame that every command shares. A command is a table of options, a main that
 * begins with command_begin and ends with command_end, and between them calls into lib. The frame
 * parses options, prints --help, --version and completions, opens the input and the output, sets
 * records aside where --on-error=reject says so, shows progress, and turns a struct error into one
 * line on stderr and an exit code (DESIGN.md). Only the frame prints and exits.
 *
 *	static const char *model;
 *	static size_t n = 5;
 *	static const struct option options[] = {
 *		OPTION_STRING('m', "model", &model, "MODEL", "embed with this model [built-in]"),
 *		OPTION_COUNT('n', "n-components", &n, 1, 1000, "N", "dimensions to reduce to [5]"),
 *		OPTION_END,
 *	};
 *	static const struct command command = { .name = "reduce", .options = options, … };
 *	int main(int argc, char **argv)
 *	{
 *		command_begin(&command, argc, argv);
 *		…
 *		return command_end();
 *	}
 */
#pragma once
#include "lib/base/error.h"
#include "lib/record/record.h"

enum option_kind {
	OPTION_KIND_END,
	OPTION_KIND_HEADING, /* a line in --help */
	OPTION_KIND_FLAG, /* bool: --name sets it, --no-name clears it */
	OPTION_KIND_STRING, /* const char * */
	OPTION_KIND_STRINGS, /* struct strings: repeated, or with LIST split at commas */
	OPTION_KIND_COUNT, /* size_t within [low, high] */
	OPTION_KIND_NUMBER, /* double within [low, high] */
	OPTION_KIND_CHOICE, /* int: index in the words of `choices`, "a|b|c" */
	OPTION_KIND_CALL, /* int (*)(const char *argument, struct error *): 0 or -1 */
};

struct strings {
	const char **at;
	size_t n;
};

struct option {
	enum option_kind kind;
	char letter; /* 0: none */
	const char *name; /* without the dashes */
	void *to;
	const char *argument; /* what --help calls it: "FILE", "N"; NULL for a flag */
	const char *help; /* one sentence, the default in brackets; NULL hides the option */
	double low, high; /* COUNT, NUMBER */
	const char *choices; /* CHOICE */
	bool list; /* STRINGS: split at commas */
	bool writes; /* STRING: names a file that is written */
};

/* clang-format off */
#define OPTION_HEADING(text) { .kind = OPTION_KIND_HEADING, .help = (text) }
#define OPTION_COMMON(k, c, n, p, h) \
	.kind = OPTION_KIND_##k, .letter = (c), .name = (n), .to = (p), .help = (h)
#define OPTION_FLAG(c, n, p, h) { OPTION_COMMON(FLAG, c, n, p, h) }
#define OPTION_STRING(c, n, p, a, h) { OPTION_COMMON(STRING, c, n, p, h), .argument = (a) }
#define OPTION_OUTPUT(c, n, p, a, h) \
	{ OPTION_COMMON(STRING, c, n, p, h), .argument = (a), .writes = true }
#define OPTION_STRINGS(c, n, p, a, h) { OPTION_COMMON(STRINGS, c, n, p, h), .argument = (a) }
#define OPTION_LIST(c, n, p, a, h) \
	{ OPTION_COMMON(STRINGS, c, n, p, h), .argument = (a), .list = true }
#define OPTION_COUNT(c, n, p, l, u, a, h) \
	{ OPTION_COMMON(COUNT, c, n, p, h), .argument = (a), .low = (l), .high = (u) }
#define OPTION_NUMBER(c, n, p, l, u, a, h) \
	{ OPTION_COMMON(NUMBER, c, n, p, h), .argument = (a), .low = (l), .high = (u) }
#define OPTION_CHOICE(c, n, p, words, h) \
	{ OPTION_COMMON(CHOICE, c, n, p, h), .argument = (words), .choices = (words) }
#define OPTION_CALL(c, n, f, a, h) { OPTION_COMMON(CALL, c, n, (void *)(f), h), .argument = (a) }
#define OPTION_END { .kind = OPTION_KIND_END }
/* clang-format on */

/* Shared options that only some commands have. The others (--help, --version, --threads, --device,
 * --seed, -q, -v, --stats-json, -o, --format, --output-format, --on-error, --rejects, --drop,
 * --replace, --shard) every command that reads records has. */
enum command_has {
	COMMAND_TEXT_KEY = 1, /* --text-key NAME [text] */
	COMMAND_INPUT_KEY = 2, /* --input-key NAME [command.input_key] */
	COMMAND_OUTPUT_KEY = 4, /* --output-key NAME */
	COMMAND_VECTORS_OUT = 8, /* --encoding json|base64, --vectors FILE.npy */
	COMMAND_VECTORS_IN = 16, /* --input-vectors FILE.npy */
	COMMAND_DTYPE = 32, /* --dtype f32|bf16|f16|tf32 */
	COMMAND_NO_RECORDS = 64, /* neither reads records nor writes any (model) */
	COMMAND_OWN_OUTPUT = 128, /* reads records, writes its own output (plot) */
	COMMAND_CONLL = 256, /* --format conll too: lines come as text, run.conll is set */
};

struct command {
	const char *name, *summary; /* "embed", "turn texts into vectors": a phrase, lower case */
	const char *usage; /* after the name: "[OPTION]… [FILE]…" when NULL */
	const struct option *options;
	unsigned has; /* enum command_has */
	const char *input_key; /* default of --input-key */
	const char *input_usual; /* what --help calls it, where that is not all */
	const char *const *keys; /* what it adds, in order; --output-key renames them */
	size_t n_keys;
	/* For the end of --help: command line, explanation, command line, …, NULL. */
	const char *const *examples;
	/* NULL, or asked once the options are known: does this run read no records? */
	bool (*no_records)(void);
};

/* What the user said with the shared options, and the open streams. Filled by command_begin. */
struct run {
	const struct command *command;
	const char *const *files; /* the arguments that are no options */
	size_t n_files;
	const char *text_key, *input_key, *output_key, *output_path, *input_vectors, *vectors,
		*device;
	const char **keys; /* the added keys under their final names */
	uint64_t seed;
	size_t threads;
	int dtype; /* enum dtype of gpu/tensor.h: F32, BF16, F16, TF32 */
	bool quiet, verbose;
	bool conll; /* --format conll: put lines together with lib/record/conll.h */
	struct reader *reader; /* open, unless COMMAND_NO_RECORDS */
	struct writer *writer; /* after command_output, with the options of the user */
	size_t records, rejected;
	void (*finish)(
		void); /* set by the command: writes what is under way, before a failure is told */
	bool condition_false; /* set by the command: exit 1 at the end */
};
extern struct run run;

/* Parse the options (and print --help or --version and exit), set the number of threads, open the
 * input. A usage error exits 2. */
void command_begin(const struct command *, int argc, char **argv);

/* Leave this input key out, as --drop does. Before the output is opened. */
void command_drop(const char *key);

/* Did the user give this option? */
bool command_given(const char *name);

/* Open output and writer for the first n of the command's keys. A CSV header goes out with the first
 * record, or at the end of a run without any: not before a failure. */
void command_output(size_t n_keys);

/* The same for keys that depend on the options; --output-key renames as ever. */
void command_output_keys(const char *const *keys, size_t n);

/* Open the output without a writer (COMMAND_OWN_OUTPUT): command_write then takes any bytes. */
void command_output_bytes(void);

/* The next record: false at the end. A bad one is set aside with --on-error=reject, and ends the
 * command (65) otherwise. */
bool command_next(struct arena *, struct record *);

/* The same: 1, 0 at the end, -1 where the command has to end (command_fail) once what was read
 * before is done. */
int command_read(struct arena *, struct record *, struct error *);

/* A record that was read but cannot be used (a key missing, a vector too short). Sets it aside and
 * returns, or ends the command. */
void command_reject(const struct record *, const struct error *);

/* writer_begin, with the handling of command_reject: false where the record was set aside. */
bool command_put(struct buffer *, const struct record *);

/* Can it be written? False where it was set aside. For a command that reads all before it writes:
 * what stands in the way, a key that is there already, is found before the work, not after it. */
bool command_try(const struct record *);

/* Send composed records out and clear the buffer. n: how many records, for the counts. */
void command_write(struct buffer *, size_t n);

/* The records of a spool once more, in order; put writes the values of the keys for record i, its
 * number in the spool. */
typedef void command_values(const void *context, struct buffer *, size_t i);
void command_write_spool(struct spool *, command_values *put, const void *context);

/* Count for the summary and --stats-json, "tokens", 12345; shown in order of first use. */
void command_count(const char *what, double n);

/* A note on stderr, unless -q; and what only -v shows. */
void command_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void command_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Show on a terminal what goes on: "fitting", done of total (0: unknown). Cheap to call often. */
void command_progress(const char *what, size_t done, size_t total);

/* "command: message" on stderr, remove unfinished output, exit with the code. */
_Noreturn void command_fail(const struct error *);

/* The same with a message made here. */
_Noreturn void command_stop(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Mistakes in usage that the table cannot see: exit 2 with a pointer to --help. */
_Noreturn void command_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A report file (--report, --tree, --html): its text at once, beside and renamed. Ends the command
 * on failure. */
void command_write_file(const char *path, struct slice text);

/* The path of a data file of the installation: HEDDLE_DATA, ../share beside the executable, the
 * installed prefix. In static memory. */
const char *command_data(const char *name);

/* Flush and close everything, print the summary; returns the exit code (0, or 1 with rejected
 * records). */
int command_end(void);
