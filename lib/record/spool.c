/* spool.c: records put aside in a file that has no name: each is a header of fixed size, then its
 * bytes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/record/record.h"

enum { CAPACITY = 1 << 18 };

/* The file is of this process alone, so pointers to names that outlive it are kept as they are. */
struct entry {
	size_t size, line, index;
	const char *file, *line_end;
	enum format format;
};

struct spool {
	int fd;
	const char *folder;
	bool reading;
	size_t at, size; /* of the buffer: [at, size) is to be written, or was read */
	char buffer[CAPACITY];
};

static int fail(const struct spool *s, const char *what, struct error *e)
{
	return error_set(
		e, ERROR_IO, "%s a temporary file in %s: %s", what, s->folder, strerror(errno));
}

static int open_unnamed(const char *folder)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return fd;
	char *path;
	if (asprintf(&path, "%s/heddle-XXXXXX", folder) < 0)
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	free(path);
	return fd;
}

struct spool *spool_new(struct error *e)
{
	const char *folder = getenv("TMPDIR");
	struct spool *s = mem_alloc(sizeof *s);
	s->folder = folder && *folder ? folder : "/tmp";
	s->reading = false;
	s->at = s->size = 0;
	s->fd = open_unnamed(s->folder);
	if (s->fd >= 0)
		return s;
	fail(s, "creating", e);
	mem_free(s);
	return NULL;
}

void spool_free(struct spool *s)
{
	if (!s)
		return;
	close(s->fd);
	mem_free(s);
}

static int write_all(struct spool *s, const char *p, size_t n, struct error *e)
{
	while (n) {
		ssize_t done = write(s->fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return fail(s, "writing", e);
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

static int flush(struct spool *s, struct error *e)
{
	size_t n = s->size;
	s->size = 0;
	return write_all(s, s->buffer, n, e);
}

static int put(struct spool *s, const void *p, size_t n, struct error *e)
{
	if (n > CAPACITY - s->size && flush(s, e))
		return -1;
	if (n >= CAPACITY)
		return write_all(s, p, n, e);
	if (n)
		memcpy(s->buffer + s->size, p, n);
	s->size += n;
	return 0;
}

int spool_add(struct spool *s, const struct record *rec, struct error *e)
{
	CHECK(!s->reading);
	struct entry entry;
	memset(&entry, 0, sizeof entry); /* the padding too */
	entry.size = rec->raw.size;
	entry.line = rec->line;
	entry.index = rec->index;
	entry.file = rec->file;
	entry.line_end = rec->line_end;
	entry.format = rec->format;
	if (put(s, &entry, sizeof entry, e))
		return -1;
	return put(s, rec->raw.data, rec->raw.size, e);
}

int spool_rewind(struct spool *s, struct error *e)
{
	if (!s->reading && flush(s, e))
		return -1;
	s->reading = true;
	s->at = s->size = 0;
	if (lseek(s->fd, 0, SEEK_SET) < 0)
		return fail(s, "reading", e);
	return 0;
}

/* Exactly n bytes: 1; 0 where the file ends before the first; -1. */
static int get(struct spool *s, char *p, size_t n, struct error *e)
{
	bool any = false;
	while (n) {
		if (s->at == s->size) {
			bool direct = n >= CAPACITY;
			ssize_t done = read(s->fd, direct ? p : s->buffer, direct ? n : CAPACITY);
			if (done < 0 && errno == EINTR)
				continue;
			if (done < 0)
				return fail(s, "reading", e);
			if (done == 0) {
				CHECK(!any);
				return 0;
			}
			any = true;
			if (direct) {
				p += done;
				n -= (size_t)done;
				continue;
			}
			s->at = 0;
			s->size = (size_t)done;
		}
		size_t part = s->size - s->at < n ? s->size - s->at : n;
		memcpy(p, s->buffer + s->at, part);
		s->at += part;
		p += part;
		n -= part;
		any = true;
	}
	return 1;
}

int spool_next(struct spool *s, struct arena *arena, struct record *rec, struct error *e)
{
	struct entry entry;
	CHECK(s->reading);
	int rc = get(s, (char *)&entry, sizeof entry, e);
	if (rc <= 0)
		return rc;
	char *raw = arena_alloc(arena, size_add(entry.size, 1));
	rc = get(s, raw, entry.size, e);
	if (rc < 0)
		return rc;
	CHECK(rc == 1);
	raw[entry.size] = 0;
	*rec = (struct record){ .raw = { raw, entry.size },
		.file = entry.file,
		.line = entry.line,
		.index = entry.index,
		.format = entry.format,
		.line_end = entry.line_end };
	return 1;
}
