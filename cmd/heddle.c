/* heddle.c: `heddle COMMAND …` runs a command of the suite, for systems where names like tokenize
 * or classify are taken. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/command_private.h"
#include "config.h"
#include "lib/base/name.h"

static const struct {
	const char *name, *summary;
} commands[] = {
#include "commands.h" /* from the man pages */
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const char *const examples[] = { "heddle embed docs.jsonl | heddle reduce | heddle cluster",
	"the same as embed docs.jsonl | reduce | cluster", NULL };

static const struct command command = {
	.name = "heddle",
	.summary = "run a command of Heddle",
	.usage = "COMMAND [OPTION]... [FILE]...",
	.has = COMMAND_NO_RECORDS,
	.examples = examples,
};

static _Noreturn void list(void)
{
	printf("Usage: heddle COMMAND [OPTION]... [FILE]...\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].summary);
	printf("\nheddle COMMAND --help explains one; man 7 heddle is the tutorial.\n");
	if (fflush(stdout)) {
		perror("heddle: write error");
		exit(ERROR_IO);
	}
	exit(0);
}

static _Noreturn void unknown(const char *name)
{
	const char *best = NULL;
	size_t least = name_reach(name);
	for (size_t i = 0; i < COMMANDS; i++) {
		size_t d = name_distance(name, commands[i].name);
		if (d < least)
			best = commands[i].name, least = d;
	}
	if (best)
		fprintf(stderr, "heddle: no command '%s'; did you mean %s?\n", name, best);
	else
		fprintf(stderr, "heddle: no command '%s'; heddle --help lists them\n", name);
	exit(ERROR_USAGE);
}

int main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
		strcmp(argv[1], "help") == 0)
		list();
	if (argv[1][0] == '-')
		command_begin(&command, argc, argv);
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		char path[PATH_MAX + NAME_MAX];
		ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
		char *slash = n > 0 ? memrchr(path, '/', (size_t)n) : NULL;
		if (!slash)
			slash = path;
		/* in the build the names stand as they are; installed they carry the prefix */
		snprintf(slash + 1, NAME_MAX, "%s%s", HEDDLE_PROGRAM_PREFIX, argv[1]);
		if (access(path, X_OK) != 0)
			snprintf(slash + 1, NAME_MAX, "%s", argv[1]);
		execv(path, argv + 1);
		fprintf(stderr, "heddle: %s: %s\n", path, strerror(errno));
		return ERROR_UNAVAILABLE;
	}
	unknown(argv[1]);
}
