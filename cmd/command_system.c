/* command_system.c: what a command has to do with the system: streams, signals, memory, processors,
 * and where its data lies. */
#include "cmd/command_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config.h"
#include "lib/base/memory.h"

static void on_signal(int number)
{
	output_abandon();
	if (number == SIGBUS) {
		static const char text[] = ": a file was cut short while it was in use\n";
		const char *name = run.command->name;
		if (write(STDERR_FILENO, name, strlen(name)) < 0 ||
			write(STDERR_FILENO, text, sizeof text - 1) < 0)
			_exit(ERROR_IO);
		_exit(ERROR_IO);
	}
	signal(number, SIG_DFL);
	raise(number);
}

static void handle_signals(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGBUS, SIGPIPE };
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct sigaction was,
			action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
		/* what the parent ignores (nohup) stays ignored, but for SIGPIPE, which some leave
		 * so without knowing */
		if (sigaction(ends[i], NULL, &was) == 0 &&
			(was.sa_handler != SIG_IGN || ends[i] == SIGPIPE))
			sigaction(ends[i], &action, NULL);
	}
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of writing (ulimit -f) */
}

/* A standard stream that is closed gets a descriptor that fails, so that no file opened later takes
 * its number. */
static void hold_streams(void)
{
	static const int wrong_way[] = { O_WRONLY, O_RDONLY, O_RDWR };
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
			open("/dev/null", wrong_way[fd]) != fd)
			_exit(ERROR_IO);
}

static void on_exhausted(size_t size)
{
	struct error e;
	if (size > PTRDIFF_MAX)
		error_set(&e, ERROR_RETRY, "out of memory");
	else
		error_set(&e, ERROR_RETRY, "out of memory: %zu bytes more are not there", size);
	command_fail(&e);
}

void system_begin(void)
{
	hold_streams();
	memory_exhausted = on_exhausted;
	handle_signals();
}

size_t system_cpus(void)
{
	int n = omp_get_num_procs();
	FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
	if (f) {
		long quota, period;
		if (fscanf(f, "%ld %ld", &quota, &period) == 2 && quota > 0 && period > 0) {
			long cpus = (quota + period - 1) / period;
			n = cpus < n ? (int)cpus : n;
		}
		fclose(f);
	}
	return n > 0 ? (size_t)n : 1;
}

static bool readable(const char *path)
{
	return access(path, R_OK) == 0;
}

const char *command_data(const char *name)
{
	static char path[PATH_MAX];
	char self[PATH_MAX];
	const char *folder = getenv("HEDDLE_DATA");
	if (folder && *folder) {
		snprintf(path, sizeof path, "%s/%s", folder, name);
		return path;
	}
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	self[n < 0 ? 0 : n] = 0;
	char *slash = strrchr(self, '/');
	if (slash) {
		*slash = 0;
		/* beside bin/ in the source tree or out of it, and under an installed prefix that
		 * was moved */
		static const char *const beside[] = { "../share/heddle", "../share", NULL };
		for (const char *const *b = beside; *b; b++) {
			int size = snprintf(path, sizeof path, "%s/%s/%s", self, *b, name);
			if (size > 0 && (size_t)size < sizeof path && readable(path))
				return path;
		}
	}
	snprintf(path, sizeof path, "%s/share/heddle/%s", HEDDLE_PREFIX, name);
	return path;
}
