/* command_option.c: the option table: getopt_long's conventions (options and files mixed, -n5, -qv,
 * --name=value, --), no abbreviations, and the nearest name for a mistyped one. */
#include "cmd/command_private.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/memory.h"
#include "lib/base/name.h"
#include "lib/record/number.h"

static bool wants_help, wants_version;

#define FORMATS "auto|jsonl|csv|tsv|text"

static int shard_parse(const char *text, struct error *e)
{
	char after;
	if (sscanf(text, "%zu/%zu%c", &shared.shard, &shared.shards, &after) != 2 ||
		shared.shard < 1 || shared.shard > shared.shards || strpbrk(text, "+- "))
		return error_set(e, ERROR_USAGE, "wants i/n with 1 <= i <= n, not '%s'", text);
	return 0;
}

static const struct option heading = OPTION_HEADING("Shared options");

/* Which shared options a command has: all bits of `has` set, and none of `lacks`. */
static const struct shared_option {
	unsigned has, lacks;
	struct option option;
} shared_table[] = {
	{ COMMAND_TEXT_KEY, 0,
		OPTION_STRING(0, "text-key", &run.text_key, "KEY", "key of the text [text]") },
	{ COMMAND_INPUT_KEY, 0,
		OPTION_STRING(0, "input-key", &run.input_key, "KEY", "key that is read") },
	{ COMMAND_OUTPUT_KEY, 0,
		OPTION_STRING(0, "output-key", &run.output_key, "KEY",
			"name of the first key added; others become KEY_name") },
	{ COMMAND_VECTORS_OUT, 0,
		OPTION_CHOICE(0, "encoding", &shared.encoding, "json|base64",
			"how vectors are written [json]") },
	{ COMMAND_VECTORS_OUT, 0,
		OPTION_OUTPUT(0, "vectors", &run.vectors, "FILE.npy",
			"write vectors there, row i for record i, not into records") },
	{ COMMAND_VECTORS_IN, 0,
		OPTION_STRING(0, "input-vectors", &run.input_vectors, "FILE.npy",
			"read vectors there, row i for record i") },
	{ COMMAND_DTYPE, 0,
		OPTION_CHOICE(0, "dtype", &run.dtype, "f32|bf16|f16|tf32",
			"arithmetic of the model [f32]") },
	{ 0, COMMAND_NO_RECORDS,
		OPTION_OUTPUT('o', "output", &run.output_path, "FILE",
			"write there; it appears when it is whole") },
	{ 0, COMMAND_NO_RECORDS | COMMAND_CONLL,
		OPTION_CHOICE(0, "format", &shared.format, FORMATS, "of the input [auto]") },
	{ COMMAND_CONLL, 0,
		OPTION_CHOICE(
			0, "format", &shared.format, FORMATS "|conll", "of the input [auto]") },
	{ 0, COMMAND_NO_RECORDS | COMMAND_OWN_OUTPUT,
		OPTION_CHOICE(0, "output-format", &shared.output_format, "auto|jsonl|csv|tsv",
			"of the output [as the input]") },
	{ 0, COMMAND_NO_RECORDS | COMMAND_OWN_OUTPUT,
		OPTION_LIST(0, "drop", &shared.drop, "KEY[,KEY]", "leave these input keys out") },
	{ 0, COMMAND_NO_RECORDS | COMMAND_OWN_OUTPUT,
		OPTION_FLAG(
			0, "replace", &shared.replace, "let a new key replace one that is there") },
	{ 0, COMMAND_NO_RECORDS,
		OPTION_CHOICE(0, "on-error", &shared.on_error, "stop|reject",
			"what a bad record does [stop]") },
	{ 0, COMMAND_NO_RECORDS,
		OPTION_OUTPUT(0, "rejects", &shared.rejects, "FILE",
			"set bad records aside there (implies --on-error=reject)") },
	{ 0, COMMAND_NO_RECORDS,
		OPTION_CALL(
			0, "shard", shard_parse, "i/n", "read the i-th of n parts of the files") },
	{ 0, 0,
		OPTION_COUNT(0, "threads", &run.threads, 1, 4096, "N",
			"threads to run [the CPUs allowed]") },
	{ 0, 0,
		OPTION_STRING(
			0, "device", &run.device, "auto|cpu|cuda[:N]", "where to compute [auto]") },
	{ 0, 0, OPTION_COUNT(0, "seed", &run.seed, 0, 0x1p53, "N", "of the random numbers [42]") },
	{ 0, 0,
		OPTION_OUTPUT(0, "stats-json", &shared.stats_json, "FILE",
			"write counts and times there as JSON") },
	{ 0, 0, OPTION_FLAG('q', "quiet", &run.quiet, "no notes and no progress") },
	{ 0, 0,
		OPTION_FLAG(
			'v', "verbose", &run.verbose, "a summary at the end, and what goes on") },
	{ 0, 0, OPTION_STRING(0, "completion", &shared.completion, "bash|zsh|fish|words", NULL) },
	{ 0, 0, OPTION_FLAG('h', "help", &wants_help, "this text") },
	{ 0, 0, OPTION_FLAG(0, "version", &wants_version, "name and version") },
};

static const char *input_help(const struct command *c)
{
	static char text[80];
	snprintf(text, sizeof text, "key that is read [%s]",
		c->input_usual ? c->input_usual : c->input_key);
	return text;
}

const struct option *option_table(const struct command *c)
{
	static struct option table[OPTIONS_MAX];
	size_t n = 0;
	for (const struct option *o = c->options; o && o->kind != OPTION_KIND_END; o++)
		table[n++] = *o;
	if (n)
		table[n++] = heading;
	for (size_t i = 0; i < sizeof shared_table / sizeof *shared_table; i++) {
		const struct shared_option *s = shared_table + i;
		if ((c->has & s->has) != s->has || (c->has & s->lacks))
			continue;
		table[n] = s->option;
		if (s->option.to == &run.input_key)
			table[n].help = input_help(c);
		CHECK(++n < OPTIONS_MAX);
	}
	table[n].kind = OPTION_KIND_END;
	return table;
}

static bool is_option(const struct option *o)
{
	return o->kind != OPTION_KIND_HEADING && o->name;
}

static _Noreturn void unknown(const struct option *table, const char *name)
{
	const char *best = NULL;
	size_t least = name_reach(name);
	for (const struct option *o = table; o->kind != OPTION_KIND_END; o++) {
		if (!is_option(o) || !o->help)
			continue;
		size_t d = name_distance(name, o->name);
		if (d < least)
			best = o->name, least = d;
	}
	if (best)
		command_usage("unknown option --%s; did you mean --%s?", name, best);
	command_usage("unknown option --%s", name);
}

/* 0, or -1 where the text is no number in the option's range. */
static int number(const struct option *o, const char *text, double *value)
{
	const char *after, *end = text + strlen(text);
	*value = number_to_double(text, end, &after);
	bool whole = o->kind != OPTION_KIND_COUNT || strspn(text, "0123456789") == strlen(text);
	return after == end && whole && *value >= o->low && *value <= o->high ? 0 : -1;
}

void strings_add(struct strings *s, const char *text)
{
	const char **at = ARENA_ARRAY(run_arena, const char *, s->n + 1);
	if (s->n)
		memcpy(at, s->at, s->n * sizeof *at);
	at[s->n++] = text;
	s->at = at;
}

static void add_list(struct strings *s, const char *text)
{
	for (char *word = arena_string(run_arena, slice_from(text)), *comma; word; word = comma) {
		comma = strchr(word, ',');
		if (comma)
			*comma++ = 0;
		strings_add(s, word);
	}
}

static void choose(const struct option *o, const char *text)
{
	int i = 0;
	for (const char *w = o->choices; w; i++) {
		const char *bar = strchr(w, '|');
		size_t n = bar ? (size_t)(bar - w) : strlen(w);
		if (strlen(text) == n && memcmp(w, text, n) == 0) {
			*(int *)o->to = i;
			return;
		}
		w = bar ? bar + 1 : NULL;
	}
	command_usage("--%s wants one of %s, not '%s'", o->name, o->choices, text);
}

/* "--alpha wants a number above 0, not 'x'": ends that are those of a double are no limits. */
static _Noreturn void refuse_number(const struct option *o, const char *text)
{
	char range[80] = "";
	const char *what = o->kind == OPTION_KIND_COUNT ? "whole number" : "number";
	bool open = o->high >= DBL_MAX;
	if (o->low == DBL_MIN)
		snprintf(range, sizeof range, " above 0");
	else if (o->low > -DBL_MAX)
		snprintf(range, sizeof range, open ? " of %.15g or more" : " from %.15g", o->low);
	if (!open)
		snprintf(range + strlen(range), sizeof range - strlen(range), " to %.15g", o->high);
	command_usage("--%s wants a %s%s, not '%s'", o->name, what, range, text);
}

static struct strings used; /* names of options */

bool command_given(const char *name)
{
	for (size_t i = 0; i < used.n; i++)
		if (strcmp(used.at[i], name) == 0)
			return true;
	return false;
}

static void apply(const struct option *o, const char *text, bool on)
{
	double value;
	struct error e = { 0 };
	strings_add(&used, o->name);
	switch (o->kind) {
	case OPTION_KIND_FLAG:
		*(bool *)o->to = on;
		break;
	case OPTION_KIND_STRING:
		*(const char **)o->to = text;
		break;
	case OPTION_KIND_STRINGS:
		(o->list ? add_list : strings_add)(o->to, text);
		break;
	case OPTION_KIND_COUNT:
	case OPTION_KIND_NUMBER:
		if (number(o, text, &value))
			refuse_number(o, text);
		if (o->kind == OPTION_KIND_COUNT)
			*(size_t *)o->to = (size_t)value;
		else
			*(double *)o->to = value;
		break;
	case OPTION_KIND_CHOICE:
		choose(o, text);
		break;
	case OPTION_KIND_CALL:
		if (((int (*)(const char *, struct error *))o->to)(text, &e))
			command_usage("--%s %s", o->name, e.msg);
		break;
	case OPTION_KIND_END:
	case OPTION_KIND_HEADING:
		break;
	}
}

/* --name, --name=value, --no-name; returns how many arguments of argv it took. */
static int long_option(const struct option *table, char **argv)
{
	char name[128];
	const char *text = argv[0] + 2, *equals = strchr(text, '=');
	size_t n = equals ? (size_t)(equals - text) : strlen(text);
	if (n >= sizeof name)
		command_usage("unknown option %.100s…", argv[0]);
	memcpy(name, text, n);
	name[n] = 0;
	for (const struct option *o = table; o->kind != OPTION_KIND_END; o++) {
		if (!is_option(o))
			continue;
		bool flag = o->kind == OPTION_KIND_FLAG;
		bool off = flag && strncmp(name, "no-", 3) == 0 && strcmp(name + 3, o->name) == 0;
		if (!off && strcmp(name, o->name) != 0)
			continue;
		if (flag && equals)
			command_usage("--%s takes no argument", name);
		if (!flag && !equals && !argv[1])
			command_usage("--%s wants an argument: %s", name, o->argument);
		apply(o, flag ? NULL : equals ? equals + 1 : argv[1], !off);
		return flag || equals ? 1 : 2;
	}
	unknown(table, name);
}

/* -n 5, -n5, -qv; returns how many arguments of argv it took. */
static int short_options(const struct option *table, char **argv)
{
	for (const char *p = argv[0] + 1; *p; p++) {
		const struct option *o = table;
		while (o->kind != OPTION_KIND_END && !(is_option(o) && o->letter == *p))
			o++;
		if (o->kind == OPTION_KIND_END)
			command_usage("unknown option -%c", *p);
		if (o->kind == OPTION_KIND_FLAG) {
			apply(o, NULL, true);
			continue;
		}
		if (!p[1] && !argv[1])
			command_usage("-%c wants an argument: %s", *p, o->argument);
		apply(o, p[1] ? p + 1 : argv[1], true);
		return p[1] ? 1 : 2;
	}
	return 1;
}

void option_parse(const struct option *table, int argc, char **argv)
{
	const char **files = ARENA_ARRAY(run_arena, const char *, (size_t)argc + 1);
	bool options = true;
	/* --help and --version win over mistakes elsewhere on the line */
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			help_print(run.command, table);
		if (strcmp(argv[i], "--version") == 0)
			help_version(run.command);
	}
	for (int i = 1; i < argc;) {
		const char *a = argv[i];
		if (!options || a[0] != '-' || !a[1]) {
			files[run.n_files++] = a;
			i++;
		} else if (strcmp(a, "--") == 0) {
			options = false;
			i++;
		} else if (a[1] == '-') {
			i += long_option(table, argv + i);
		} else {
			i += short_options(table, argv + i);
		}
	}
	run.files = files;
	if (shared.completion)
		help_completion(run.command, table, shared.completion);
}
