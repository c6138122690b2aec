/*
 * output.c: a file appears under its name when it is whole: written beside it, synced, renamed, the
 * folder synced (as git's lockfile.c does). Devices, FIFOs and stdout are written directly.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/record/record.h"

enum { CAPACITY = 1 << 16 };

struct output {
	int fd;
	char *target; /* the final path, links followed; NULL: written directly */
	char *beside; /* what is written until then */
	const char *name; /* for messages */
	int failed; /* errno of a write that failed: the file is never whole */
	struct output *next; /* of the unfinished */
	size_t size;
	char buffer[CAPACITY];
};

/* All that have something beside their target; a signal handler walks them. */
static struct output *unfinished;

static int fail(const struct output *o, const char *what, struct error *e)
{
	int why = errno;
	error_set(e, ERROR_IO, "%s %s: %s", what, o->name, strerror(why));
	errno = why;
	return -1;
}

/* The path with links followed, for a file that need not exist. NULL and errno where that cannot
 * be. */
static char *resolve(const char *path)
{
	char *at = strdup(path);
	for (int hops = 0; at && hops < 40; hops++) {
		char link[4096];
		ssize_t n = readlink(at, link, sizeof link - 1);
		if (n < 0)
			return at;
		link[n] = 0;
		char *slash = link[0] == '/' ? NULL : strrchr(at, '/'), *next;
		int dir = slash ? (int)(slash - at) + 1 : 0;
		if (asprintf(&next, "%.*s%s", dir, at, link) < 0)
			next = NULL;
		free(at);
		at = next;
	}
	errno = at ? ELOOP : ENOMEM;
	free(at);
	return NULL;
}

/* Open a new file beside the target, with the mode that a file there has, or that a new one
 * gets. */
static int open_beside(struct output *o, const struct stat *old)
{
	char *slash = strrchr(o->target, '/');
	int dir = slash ? (int)(slash - o->target) + 1 : 0;
	for (unsigned i = 0; i < 100; i++) {
		if (asprintf(&o->beside, "%.*s.%s.%ld-%u.tmp", dir, o->target, o->target + dir,
			    (long)getpid(), i) < 0) {
			o->beside = NULL;
			return -1;
		}
		o->fd = open(o->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (o->fd >= 0)
			break;
		free(o->beside);
		o->beside = NULL;
		if (errno != EEXIST)
			return -1;
	}
	if (o->fd >= 0 && old) {
		/* the owner is kept where we may; who may not, owns the new file, as with any
		 * editor */
		if (fchown(o->fd, old->st_uid, old->st_gid) && errno != EPERM)
			return -1;
		return fchmod(o->fd, old->st_mode & 07777);
	}
	return o->fd < 0 ? -1 : 0;
}

static int open_path(struct output *o, const char *path)
{
	struct stat st;
	bool exists = stat(path, &st) == 0;
	if (!exists && !*path)
		return -1; /* beside it there would be a place */
	if ((exists && !S_ISREG(st.st_mode)) || strncmp(path, "/dev/", 5) == 0) {
		o->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		return o->fd < 0 ? -1 : 0;
	}
	if (exists && access(path, W_OK))
		return -1; /* a file that is protected is not replaced */
	o->target = resolve(path);
	return o->target ? open_beside(o, exists ? &st : NULL) : -1;
}

static void unlink_beside(const struct output *o)
{
	if (o->beside)
		unlink(o->beside);
}

static void release(struct output *o)
{
	for (struct output **p = &unfinished; *p; p = &(*p)->next)
		if (*p == o) {
			*p = o->next;
			break;
		}
	free(o->target);
	free(o->beside);
	mem_free(o);
}

/* What was closed before the start is held by a descriptor that cannot be written to. */
static int check_stdout(void)
{
	int flags = fcntl(STDOUT_FILENO, F_GETFL);
	if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY)
		return 0;
	errno = EBADF;
	return -1;
}

struct output *output_open(const char *path, struct error *e)
{
	struct output *o = mem_alloc(sizeof *o);
	o->fd = STDOUT_FILENO;
	o->target = o->beside = NULL;
	o->next = NULL;
	o->name = "stdout";
	o->failed = 0;
	o->size = 0;
	bool standard = !path || strcmp(path, "-") == 0;
	if (!standard) {
		o->name = path;
		o->fd = -1;
	}
	if (standard ? check_stdout() : open_path(o, path)) {
		fail(o, standard ? "writing" : "creating", e);
		unlink_beside(o);
		if (o->fd >= 0 && !standard)
			close(o->fd);
		release(o);
		return NULL;
	}
	if (o->beside) {
		o->next = unfinished;
		atomic_signal_fence(memory_order_seq_cst); /* whole before a handler sees it */
		unfinished = o;
	}
	return o;
}

/* Could a file of this name be written? */
static bool writable(const char *path)
{
	struct stat st;
	if (stat(path, &st) == 0) {
		errno = EISDIR;
		return !S_ISDIR(st.st_mode) && access(path, W_OK) == 0;
	}
	char *target = *path ? resolve(path) : NULL;
	if (!target)
		return false;
	char *slash = strrchr(target, '/');
	if (slash)
		slash[1] = 0;
	bool can = access(slash ? target : ".", W_OK | X_OK) == 0;
	int why = errno;
	free(target);
	errno = why;
	return can;
}

int output_check(const char *path, struct error *e)
{
	if (strcmp(path, "-") == 0 || writable(path))
		return 0;
	return error_set(e, ERROR_IO, "creating %s: %s", path, strerror(errno));
}

static int write_all(struct output *o, const char *p, size_t n, struct error *e)
{
	while (n) {
		ssize_t done = write(o->fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EAGAIN) { /* who shares it made it non-blocking */
			poll(&(struct pollfd){ .fd = o->fd, .events = POLLOUT }, 1, -1);
			continue;
		}
		if (done < 0) {
			o->failed = errno;
			return fail(o, "writing", e);
		}
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

int output_flush(struct output *o, struct error *e)
{
	size_t n = o->size;
	o->size = 0;
	if (o->failed) {
		errno = o->failed;
		return fail(o, "writing", e);
	}
	return write_all(o, o->buffer, n, e);
}

int output_write(struct output *o, const void *data, size_t n, struct error *e)
{
	if (n > CAPACITY - o->size && output_flush(o, e))
		return -1;
	if (n >= CAPACITY)
		return write_all(o, data, n, e);
	if (n)
		memcpy(o->buffer + o->size, data, n);
	o->size += n;
	return 0;
}

/* Make the rename last: sync the folder that holds the target. Some file systems cannot, which is
 * no failure. */
static void sync_folder(const struct output *o)
{
	char *slash = strrchr(o->target, '/');
	if (slash)
		slash[1] = 0;
	int fd = open(slash ? o->target : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

int output_close(struct output *o, struct error *e)
{
	int rc = output_flush(o, e);
	if (rc == 0 && o->target && fsync(o->fd))
		rc = fail(o, "writing", e);
	if (close(o->fd) && rc == 0)
		rc = fail(o, "writing", e);
	if (rc == 0 && o->target) {
		rc = rename(o->beside, o->target) ? fail(o, "renaming to", e) : 0;
		if (rc == 0)
			sync_folder(o);
	}
	int why = errno;
	if (rc)
		unlink_beside(o);
	release(o);
	errno = why;
	return rc;
}

int output_file(const char *path, struct slice text, struct error *e)
{
	struct output *o = output_open(path, e);
	if (!o)
		return -1;
	output_write(o, text.data, text.size, e); /* closing tells of its failure */
	return output_close(o, e);
}

void output_abandon(void)
{
	for (const struct output *o = unfinished; o; o = o->next)
		unlink_beside(o);
}
