/*
 * command_private.h: between the files of the frame: command.c (streams, records, the end),
 * command_option.c (parsing), command_help.c (help, completions).
 */
#pragma once
#include "cmd/command.h"

/* What the shared options set that commands have no business with. */
struct shared_options {
	const char *stats_json, *rejects, *shard_text;
	int format, output_format, on_error, encoding;
	bool replace;
	struct strings drop;
	size_t shard, shards;
	const char *completion;
};
extern struct shared_options shared;

/* What the options point to; lives as long as the process. */
extern struct arena *run_arena;

enum { OPTIONS_MAX = 128 };

/* The command's own options and the shared ones that it has, in the order of --help; ends with
 * OPTION_KIND_END. */
const struct option *option_table(const struct command *);

/* Parse argv by the table: options go where they point, other arguments into run.files. Ends the
 * process on a mistake. */
void option_parse(const struct option *table, int argc, char **argv);

/* One more string; lives in run_arena. */
void strings_add(struct strings *, const char *);

/* Before anything else: streams that were closed are held, signals and want of memory end the
 * command as any failure does. run.command is set. */
void system_begin(void);

/* The CPUs that the process may use: its affinity, and the quota of its control group (version
 * 2). */
size_t system_cpus(void);

_Noreturn void help_print(const struct command *, const struct option *table);
_Noreturn void help_version(const struct command *);
_Noreturn void help_completion(
	const struct command *, const struct option *table, const char *shell);
