/* command_help.c: --help, --version and the shells' completions, all from the option table. */
#include "cmd/command_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config.h"

/* Print what was composed and end: 0, or 74 where stdout takes no more. */
static _Noreturn void finish(const struct buffer *b)
{
	struct error e;
	struct output *o = output_open(NULL, &e);
	if (!o || output_write(o, b->data, b->size, &e) || output_close(o, &e)) {
		fprintf(stderr, "%s: %s\n", run.command->name, e.msg);
		exit(e.code);
	}
	exit(0);
}

_Noreturn void help_version(const struct command *c)
{
	struct buffer b = { 0 };
	buffer_printf(&b, "%s (Heddle) %s\n", c->name, HEDDLE_VERSION);
	finish(&b);
}

/* "  -n, --n-components N   text", the text wrapped to 80 columns from column 28. */
static void help_option(struct buffer *b, const struct option *o)
{
	enum { COLUMN = 28, WIDTH = 80 };
	size_t start = b->size;
	if (o->letter)
		buffer_printf(b, "  -%c, ", o->letter);
	else
		buffer_text(b, "      ");
	bool on = o->kind == OPTION_KIND_FLAG && *(const bool *)o->to;
	buffer_printf(b, on ? "--[no-]%s" : "--%s", o->name);
	if (o->argument)
		buffer_printf(b, " %s", o->argument);
	size_t column = b->size - start;
	if (column + 2 > COLUMN) {
		buffer_char(b, '\n');
		column = 0;
	}
	buffer_printf(b, "%*s", (int)(COLUMN - column), "");
	column = COLUMN;
	for (const char *p = o->help; *p;) {
		size_t n = strcspn(p, " ");
		if (column > COLUMN && column + 1 + n > WIDTH) {
			buffer_printf(b, "\n%*s", COLUMN, "");
			column = COLUMN;
		} else if (column > COLUMN) {
			buffer_char(b, ' ');
			column++;
		}
		buffer_add(b, p, n);
		column += n;
		p += n + (p[n] == ' ');
	}
	buffer_char(b, '\n');
}

_Noreturn void help_print(const struct command *c, const struct option *table)
{
	struct buffer b = { 0 };
	buffer_printf(&b, "Usage: %s %s\n%s: %s.\n", c->name,
		c->usage ? c->usage : "[OPTION]... [FILE]...", c->name, c->summary);
	if (!(c->has & COMMAND_NO_RECORDS))
		buffer_text(
			&b, "Reads records (JSONL, CSV, TSV or text) from the files or stdin.\n");
	buffer_char(&b, '\n');
	for (const struct option *o = table; o->kind != OPTION_KIND_END; o++) {
		if (o->kind == OPTION_KIND_HEADING)
			buffer_printf(&b, "%s%s:\n", o == table ? "" : "\n", o->help);
		else if (o->help)
			help_option(&b, o);
	}
	if (c->examples)
		buffer_text(&b, "\nExamples:\n");
	for (const char *const *x = c->examples; x && *x; x += 2)
		buffer_printf(&b, "  # %s\n  %s\n", x[1], x[0]);
	buffer_printf(&b, "\nThe manual: man %s%s, man heddle-records, man 7 heddle.\n",
		HEDDLE_PROGRAM_PREFIX, c->name);
	finish(&b);
}

static bool takes_file(const struct option *o)
{
	return o->argument && (strstr(o->argument, "FILE") || strstr(o->argument, "MODEL"));
}

/* Text of --help within single quotes: a quote ends them, stands escaped, and begins them anew. */
static void quoted(struct buffer *b, const char *text, const char *escape)
{
	for (; *text; text++) {
		if (*text == '\'')
			buffer_text(b, "'\\''");
		else if (strchr(escape, *text))
			buffer_printf(b, "\\%c", *text);
		else
			buffer_char(b, *text);
	}
}

static void words(struct buffer *b, const char *choices)
{
	for (; *choices; choices++)
		buffer_char(b, *choices == '|' ? ' ' : *choices);
}

static void bash_completion(struct buffer *b, const struct option *table, const char *name)
{
	buffer_printf(
		b, "# bash completion for %s, from its option table\n_heddle_%s() {\n", name, name);
	buffer_text(b, "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
		       "\tCOMPREPLY=()\n\tcase $prev in\n");
	for (const struct option *o = table; o->kind != OPTION_KIND_END; o++) {
		if (o->kind != OPTION_KIND_CHOICE || !o->help)
			continue;
		buffer_printf(b, "\t--%s) COMPREPLY=($(compgen -W '", o->name);
		words(b, o->choices);
		buffer_text(b, "' -- \"$cur\")); return ;;\n");
	}
	buffer_text(b, "\tesac\n\tif [[ $cur == -* ]]; then\n\t\tCOMPREPLY=($(compgen -W '");
	for (const struct option *o = table; o->kind != OPTION_KIND_END; o++)
		if (o->name && o->help)
			buffer_printf(b, "--%s ", o->name);
	buffer_printf(b,
		"' -- \"$cur\"))\n\telse\n\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n\tfi\n}\n"
		"complete -o filenames -F _heddle_%s %s%s\n",
		name, HEDDLE_PROGRAM_PREFIX, name);
}

static void zsh_completion(struct buffer *b, const struct option *table, const char *name)
{
	buffer_printf(b, "#compdef %s%s\n_arguments -s \\\n", HEDDLE_PROGRAM_PREFIX, name);
	for (const struct option *o = table; o->kind != OPTION_KIND_END; o++) {
		if (!o->name || !o->help)
			continue;
		if (o->letter)
			buffer_printf(b, "  '(-%c --%s)'{-%c,--%s}'[", o->letter, o->name,
				o->letter, o->name);
		else
			buffer_printf(b, "  '%s--%s[", o->kind == OPTION_KIND_STRINGS ? "*" : "",
				o->name);
		quoted(b, o->help, "[]:\\");
		buffer_char(b, ']');
		if (o->kind == OPTION_KIND_CHOICE) {
			buffer_text(b, ":choice:(");
			words(b, o->choices);
			buffer_char(b, ')');
		} else if (o->argument) {
			buffer_char(b, ':');
			quoted(b, o->argument, "[]:\\");
			buffer_text(b, takes_file(o) ? ":_files" : ": ");
		}
		buffer_text(b, "' \\\n");
	}
	buffer_text(b, "  '*:file:_files'\n");
}

static void fish_completion(struct buffer *b, const struct option *table, const char *name)
{
	for (const struct option *o = table; o->kind != OPTION_KIND_END; o++) {
		if (!o->name || !o->help)
			continue;
		buffer_printf(b, "complete -c %s%s -l %s", HEDDLE_PROGRAM_PREFIX, name, o->name);
		if (o->letter)
			buffer_printf(b, " -s %c", o->letter);
		if (o->kind == OPTION_KIND_CHOICE) {
			buffer_text(b, " -x -a '");
			words(b, o->choices);
			buffer_char(b, '\'');
		} else if (o->argument) {
			buffer_text(b, takes_file(o) ? " -r" : " -x");
		}
		buffer_text(b, " -d '");
		quoted(b, o->help, "");
		buffer_text(b, "'\n");
	}
}

_Noreturn void help_completion(
	const struct command *c, const struct option *table, const char *shell)
{
	struct buffer b = { 0 };
	if (strcmp(shell, "bash") == 0)
		bash_completion(&b, table, c->name);
	else if (strcmp(shell, "zsh") == 0)
		zsh_completion(&b, table, c->name);
	else if (strcmp(shell, "fish") == 0)
		fish_completion(&b, table, c->name);
	else if (strcmp(shell, "words") == 0)
		for (const struct option *o = table; o->kind != OPTION_KIND_END; o++) {
			if (o->name && o->help)
				buffer_printf(&b, "%s\n", o->name);
		}
	else
		command_usage("--completion wants bash, zsh, fish or words, not '%s'", shell);
	finish(&b);
}
