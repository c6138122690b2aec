/*
 * Writing .npy, version 1.0, row by row. The header has a fixed size, and is written over once
 * the number of rows is known, so the file must be one that can be sought in. Until it is whole
 * it has no name where the system allows that (O_TMPFILE): a run that is killed leaves nothing
 * behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buffer.h"
#include "lib/file/npy.h"

enum { HEADER = 128, FLUSH = 1 << 18 };

struct npy_writer {
	int fd;
	bool direct; /* a device: there is nothing to rename */
	bool named; /* temporary has a name already */
	char *path; /* links resolved */
	char *temporary;
	struct buffer pending;
	size_t n, c;
};

static int failed(const struct npy_writer *w, struct error *e)
{
	return error_set(e, ERROR_IO, "%s: %s", w->path, strerror(errno));
}

static int write_all(struct npy_writer *w, const char *p, size_t n, struct error *e)
{
	while (n) {
		ssize_t k = write(w->fd, p, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return failed(w, e);
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

static int flush(struct npy_writer *w, struct error *e)
{
	int result = write_all(w, w->pending.data, w->pending.size, e);
	buffer_clear(&w->pending);
	return result;
}

static void add_header(struct buffer *b, size_t n, size_t c)
{
	size_t start = b->size;
	buffer_add(b, "\x93NUMPY\x01\x00\x76\x00", 10); /* 0x76 = 118 bytes follow */
	buffer_printf(b, "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", n, c);
	while (b->size - start < HEADER - 1)
		buffer_char(b, ' ');
	buffer_char(b, '\n');
}

/* An unnamed file in the folder of the path, else a named one beside it. */
static int open_beside(struct npy_writer *w, mode_t mode)
{
	char folder[PATH_MAX];
	snprintf(folder, sizeof folder, "%s", w->path);
	struct buffer b = { NULL, 0, 0 };
	buffer_printf(&b, "%s.XXXXXX", w->path);
	buffer_char(&b, 0);
	w->temporary = b.data;
	w->fd = open(dirname(folder), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
	if (w->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		w->fd = mkostemp(w->temporary, O_CLOEXEC);
		w->named = w->fd >= 0;
	}
	if (w->fd >= 0)
		fchmod(w->fd, mode);
	return w->fd < 0 ? -1 : 0;
}

struct npy_writer *npy_writer_open(const char *path, struct error *e)
{
	struct npy_writer *w = mem_zero(1, sizeof *w);
	struct stat st;
	char *real = realpath(path, NULL);
	struct buffer b = { NULL, 0, 0 };
	buffer_text(&b, real ? real : path);
	buffer_char(&b, 0);
	free(real);
	w->path = b.data;
	w->fd = -1;
	mode_t mask = umask(0);
	umask(mask);
	bool there = stat(w->path, &st) == 0;
	w->direct = there && !S_ISREG(st.st_mode);
	if (w->direct)
		w->fd = open(w->path, O_WRONLY | O_CLOEXEC);
	else
		open_beside(w, there ? st.st_mode & 07777 : 0666 & ~mask);
	if (w->fd < 0) {
		failed(w, e);
	} else if (lseek(w->fd, 0, SEEK_SET) < 0) {
		error_set(e, ERROR_IO, "%s: cannot be sought in, as an .npy file must", w->path);
	} else {
		add_header(&w->pending, 0, 0);
		return w;
	}
	npy_writer_abandon(w);
	return NULL;
}

int npy_writer_add(struct npy_writer *w, const float *row, size_t c, struct error *e)
{
	CHECK(w->n == 0 || c == w->c);
	w->c = c;
	w->n++;
	buffer_add(&w->pending, row, size_mul(c, sizeof *row));
	return w->pending.size < FLUSH ? 0 : flush(w, e);
}

/* Give the finished file its name. */
static int publish(struct npy_writer *w)
{
	char self[64];
	if (w->direct)
		return 0;
	if (!w->named) {
		/* a name that nobody has: mkostemp makes it, the link needs it free */
		int fd = mkostemp(w->temporary, O_CLOEXEC);
		if (fd < 0)
			return -1;
		close(fd);
		unlink(w->temporary);
		snprintf(self, sizeof self, "/proc/self/fd/%d", w->fd);
		if (linkat(AT_FDCWD, self, AT_FDCWD, w->temporary, AT_SYMLINK_FOLLOW))
			return -1;
		w->named = true;
	}
	if (rename(w->temporary, w->path))
		return -1;
	w->named = false;
	return 0;
}

int npy_writer_close(struct npy_writer *w, struct error *e)
{
	int result = flush(w, e);
	if (!result && lseek(w->fd, 0, SEEK_SET) < 0)
		result = failed(w, e);
	if (!result) {
		add_header(&w->pending, w->n, w->c);
		result = flush(w, e);
	}
	if (!result && fsync(w->fd) && errno != EINVAL)
		result = failed(w, e);
	if (!result && publish(w))
		result = failed(w, e);
	if (w->fd >= 0 && close(w->fd) && !result)
		result = failed(w, e);
	w->fd = -1;
	npy_writer_abandon(w);
	return result;
}

void npy_writer_abandon(struct npy_writer *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	if (w->named)
		unlink(w->temporary);
	buffer_free(&w->pending);
	mem_free(w->path);
	mem_free(w->temporary);
	mem_free(w);
}
