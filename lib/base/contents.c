#include "lib/base/contents.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/buffer.h"

int contents_open(const char *path, struct stat *st, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), why = 0;
	if (fd < 0 || fstat(fd, st))
		why = errno;
	else if (S_ISDIR(st->st_mode))
		why = EISDIR;
	if (!why)
		return fd;
	if (fd >= 0)
		close(fd);
	return error_set(e, ERROR_NO_INPUT, "%s: %s", path, strerror(why));
}

/* Read until so many bytes are there, or the end. */
static int read_bytes(int fd, char *to, size_t size, size_t *n, struct error *e)
{
	ssize_t got = 1;
	for (*n = 0; *n < size && got; *n += (size_t)got) {
		while ((got = read(fd, to + *n, size - *n)) < 0 && errno == EINTR)
			;
		if (got < 0)
			return error_set(e, ERROR_IO, "%s", strerror(errno));
	}
	return 0;
}

/* What comes out of a pipe, <(jq . tokenizer.json) for example. */
static int read_pipe(int fd, struct arena *arena, struct slice *text, struct error *e)
{
	enum { PART = 1 << 20, MOST = 1 << 28 };
	struct buffer b = { NULL, 0, 0 };
	size_t n = PART;
	int rc = 0;
	while (!rc && n == PART && b.size <= MOST) {
		rc = read_bytes(fd, buffer_reserve(&b, PART), PART, &n, e);
		b.size += n;
	}
	if (!rc && b.size > MOST)
		rc = error_set(e, ERROR_DATA, "more than %d bytes from a pipe", MOST);
	*text = arena_copy(arena, buffer_view(&b));
	buffer_free(&b);
	return rc;
}

/* Read, which is quicker than to map it and to copy that. */
static int read_regular(
	int fd, size_t size, struct arena *arena, struct slice *text, struct error *e)
{
	char *data = arena_alloc(arena, size_add(size, 1));
	text->data = data;
	int rc = read_bytes(fd, data, size, &text->size, e);
	data[text->size] = '\0';
	return rc;
}

int contents_read(const char *path, struct arena *arena, struct slice *text, struct error *e)
{
	struct stat st;
	int fd = contents_open(path, &st, e);
	if (fd < 0)
		return -1;
	/* some of the system's own files (/proc) say that they are empty */
	bool sized = S_ISREG(st.st_mode) && st.st_size > 0;
	int rc = sized ? read_regular(fd, (size_t)st.st_size, arena, text, e)
		       : read_pipe(fd, arena, text, e);
	close(fd);
	return rc ? error_wrap(e, "%s", path) : 0;
}
