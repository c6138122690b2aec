/*
 * input.c: files as bytes. gzip (RFC 1952, any number of members) through zlib, Zstandard (RFC
 * 8878, any number of frames) through libzstd.
 */
#include "lib/record/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "lib/base/contents.h"
#if HAVE_ZLIB
#include <zlib.h>
#endif
#if HAVE_ZSTD
#include <zstd.h>
#endif

enum kind { PLAIN, GZIP, ZSTD };
enum { MAGIC = 4, CHUNK = 1 << 17 };

struct input {
	const char *path;
	int fd;
	enum kind kind;
	bool ended; /* the file is read to its end */
	bool between; /* compressed: at the beginning of a member or frame */
	char *raw; /* [CHUNK] read, from at to end not yet used */
	size_t at, end;
#if HAVE_ZLIB
	z_stream gzip;
#endif
#if HAVE_ZSTD
	ZSTD_DStream *zstd;
#endif
};

static const char *name_of(const char *path)
{
	return strcmp(path, "-") == 0 ? "stdin" : path;
}

static int open_file(const char *path, struct error *e)
{
	struct stat st;
	if (strcmp(path, "-") != 0)
		return contents_open(path, &st, e);
	int flags = fcntl(STDIN_FILENO, F_GETFL), why = 0;
	if (flags < 0 || (flags & O_ACCMODE) == O_WRONLY)
		why = EBADF; /* it was closed */
	else if (fstat(STDIN_FILENO, &st))
		why = errno;
	else if (S_ISDIR(st.st_mode))
		why = EISDIR;
	return why ? error_set(e, ERROR_NO_INPUT, "stdin: %s", strerror(why)) : STDIN_FILENO;
}

/* Read what there is, once: bytes, 0 at the end, -1. */
static ssize_t read_some(struct input *in, char *to, size_t size, struct error *e)
{
	ssize_t n;
	/* whoever shares the open file may have made it non-blocking */
	while ((n = read(in->fd, to, size)) < 0 && (errno == EINTR || errno == EAGAIN))
		if (errno == EAGAIN)
			poll(&(struct pollfd){ .fd = in->fd, .events = POLLIN }, 1, -1);
	if (n < 0)
		return error_set(e, ERROR_IO, "%s: %s", name_of(in->path), strerror(errno));
	in->ended = n == 0;
	return n;
}

static enum kind magic(const char *raw, size_t n)
{
	if (n >= 2 && memcmp(raw, "\x1f\x8b", 2) == 0)
		return GZIP;
	if (n >= 4 && memcmp(raw, "\x28\xb5\x2f\xfd", 4) == 0)
		return ZSTD;
	return PLAIN;
}

static int begin_kind(struct input *in, struct error *e)
{
	in->between = true;
	if (in->kind == GZIP) {
#if HAVE_ZLIB
		if (inflateInit2(&in->gzip, 15 + 16) != Z_OK)
			return error_set(
				e, ERROR_RETRY, "%s: no memory for zlib", name_of(in->path));
#else
		return error_set(e, ERROR_UNAVAILABLE,
			"%s is gzip, which this build does not read; pipe it through zcat",
			name_of(in->path));
#endif
	}
	if (in->kind == ZSTD) {
#if HAVE_ZSTD
		in->zstd = ZSTD_createDStream();
		if (!in->zstd)
			return error_set(
				e, ERROR_RETRY, "%s: no memory for zstd", name_of(in->path));
#else
		return error_set(e, ERROR_UNAVAILABLE,
			"%s is zstd, which this build does not read; pipe it through zstdcat",
			name_of(in->path));
#endif
	}
	return 0;
}

struct input *input_open(const char *path, struct error *e)
{
	int fd = open_file(path, e);
	if (fd < 0)
		return NULL;
	struct input *in = mem_zero(1, sizeof *in);
	in->path = path;
	in->fd = fd;
	in->raw = mem_alloc(CHUNK);
	while (in->end < MAGIC && !in->ended) {
		ssize_t n = read_some(in, in->raw + in->end, CHUNK - in->end, e);
		if (n < 0) {
			input_close(in);
			return NULL;
		}
		in->end += (size_t)n;
		/* a pipe may give a byte at a time; wait for more only where it could be a magic */
		if (in->end && in->raw[0] != '\x1f' && in->raw[0] != '\x28')
			break;
	}
	in->kind = magic(in->raw, in->end);
	if (begin_kind(in, e)) {
		input_close(in);
		return NULL;
	}
	return in;
}

void input_close(struct input *in)
{
	if (!in)
		return;
#if HAVE_ZLIB
	if (in->kind == GZIP)
		inflateEnd(&in->gzip);
#endif
#if HAVE_ZSTD
	ZSTD_freeDStream(in->zstd);
#endif
	if (in->fd != STDIN_FILENO)
		close(in->fd);
	mem_free(in->raw);
	mem_free(in);
}

static int read_plain(struct input *in, struct buffer *b, size_t size, struct error *e)
{
	char *to = buffer_reserve(b, size);
	if (in->at < in->end) {
		size_t n = in->end - in->at < size ? in->end - in->at : size;
		memcpy(to, in->raw + in->at, n);
		in->at += n;
		b->size += n;
		return 1;
	}
	if (in->ended)
		return 0;
	ssize_t n = read_some(in, to, size, e);
	if (n > 0)
		b->size += (size_t)n;
	return n < 0 ? -1 : n > 0;
}

#if HAVE_ZLIB || HAVE_ZSTD
/* More compressed bytes: 1, 0 at the end of the file, -1. */
static int refill(struct input *in, struct error *e)
{
	if (in->at < in->end)
		return 1;
	ssize_t n = in->ended ? 0 : read_some(in, in->raw, CHUNK, e);
	in->at = 0;
	in->end = n > 0 ? (size_t)n : 0;
	return n < 0 ? -1 : n > 0;
}

static int damaged(const struct input *in, const char *format, const char *why, struct error *e)
{
	return error_set(e, ERROR_DATA, "%s: damaged %s data: %s", name_of(in->path), format, why);
}
#endif

#if HAVE_ZLIB
static int read_gzip(struct input *in, struct buffer *b, size_t size, struct error *e)
{
	char *to = buffer_reserve(b, size);
	for (;;) {
		int more = refill(in, e);
		if (more < 0)
			return -1;
		if (more == 0)
			return in->between ? 0 : damaged(in, "gzip", "it is cut off", e);
		if (in->between && in->raw[in->at] == 0) {
			in->at++; /* padding behind the last member, as gzip(1) allows */
			continue;
		}
		z_stream *z = &in->gzip;
		z->next_in = (unsigned char *)in->raw + in->at;
		z->avail_in = (unsigned)(in->end - in->at);
		z->next_out = (unsigned char *)to;
		z->avail_out = (unsigned)size;
		in->between = false;
		int rc = inflate(z, Z_NO_FLUSH);
		in->at = in->end - z->avail_in;
		size_t n = size - z->avail_out;
		if (rc == Z_STREAM_END) {
			inflateReset(z);
			in->between = true;
		} else if (rc != Z_OK && rc != Z_BUF_ERROR) {
			return damaged(in, "gzip", z->msg ? z->msg : "no gzip header", e);
		}
		b->size += n;
		if (n)
			return 1;
	}
}
#endif

#if HAVE_ZSTD
static int read_zstd(struct input *in, struct buffer *b, size_t size, struct error *e)
{
	ZSTD_outBuffer out = { buffer_reserve(b, size), size, 0 };
	for (;;) {
		int more = in->at < in->end || in->ended ? in->at < in->end : refill(in, e);
		if (more < 0)
			return -1;
		ZSTD_inBuffer from = { in->raw, in->end, in->at };
		if (more == 0 && in->between)
			return 0;
		size_t was = out.pos;
		size_t rc = ZSTD_decompressStream(in->zstd, &out, &from);
		if (ZSTD_isError(rc))
			return damaged(in, "zstd", ZSTD_getErrorName(rc), e);
		in->at = from.pos;
		in->between = rc == 0;
		if (out.pos > was) {
			b->size += out.pos;
			return 1;
		}
		if (more == 0 && !in->between)
			return damaged(in, "zstd", "it is cut off", e);
	}
}
#endif

int input_read(struct input *in, struct buffer *b, size_t size, struct error *e)
{
	size = size > (1u << 30) ? 1u << 30 : size;
	switch (in->kind) {
#if HAVE_ZLIB
	case GZIP:
		return read_gzip(in, b, size, e);
#endif
#if HAVE_ZSTD
	case ZSTD:
		return read_zstd(in, b, size, e);
#endif
	default:
		return read_plain(in, b, size, e);
	}
}

int input_size(const char *path, uint64_t *size, struct error *e)
{
	struct stat st;
	char raw[MAGIC];
	if (strcmp(path, "-") == 0)
		return error_set(e, ERROR_USAGE, "--shard needs files, not stdin");
	int fd = open_file(path, e);
	if (fd < 0)
		return -1;
	bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	ssize_t n = regular ? pread(fd, raw, sizeof raw, 0) : 0;
	close(fd);
	if (!regular)
		return error_set(
			e, ERROR_USAGE, "--shard needs regular files, and %s is none", path);
	if (magic(raw, n > 0 ? (size_t)n : 0) != PLAIN)
		return error_set(e, ERROR_USAGE,
			"--shard needs files that are not compressed, as %s is", path);
	*size = (uint64_t)st.st_size;
	return 0;
}

struct slice input_extension(const char *path)
{
	const char *name = strrchr(path, '/');
	name = name ? name + 1 : path;
	size_t size = strlen(name);
	for (int i = 0; i < 2; i++) {
		size_t dot = size;
		while (dot > 0 && name[dot - 1] != '.')
			dot--;
		if (dot == 0)
			break;
		struct slice ext = { name + dot, size - dot };
		if (!slice_equal(ext, SLICE("gz")) && !slice_equal(ext, SLICE("zst")))
			return ext;
		size = dot - 1;
	}
	return SLICE("");
}

int input_check(const char *path, struct error *e)
{
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : access(path, R_OK);
	struct stat st;
	if (fd < 0)
		return error_set(e, ERROR_NO_INPUT, "%s: %s", name_of(path), strerror(errno));
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return error_set(e, ERROR_NO_INPUT, "%s: %s", name_of(path), strerror(EISDIR));
	return 0;
}
