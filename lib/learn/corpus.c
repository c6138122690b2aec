#include "lib/learn/corpus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/buffer.h"

static FILE *unlinked(struct error *e)
{
	const char *folder = getenv("TMPDIR");
	struct buffer path = { 0 };
	buffer_printf(&path, "%s/heddle-XXXXXX", folder && *folder ? folder : "/tmp");
	buffer_char(&path, 0);
	int fd = mkostemp(path.data, O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w+");
	if (fd >= 0)
		unlink(path.data);
	if (!f)
		error_set(e, ERROR_IO, "%s: %s", path.data, strerror(errno));
	buffer_free(&path);
	return f;
}

struct corpus *corpus_new(struct error *e)
{
	struct corpus *c = mem_zero(1, sizeof *c);
	for (size_t i = 0; i < 2; i++) {
		c->files[i] = unlinked(e);
		if (!c->files[i]) {
			corpus_free(c);
			return NULL;
		}
	}
	c->capacity = 1024;
	c->classes = MEM_ARRAY(uint32_t, c->capacity);
	c->starts = mem_zero(c->capacity + 1, sizeof *c->starts);
	return c;
}

static void unmap(struct corpus *c)
{
	if (c->texts && c->text_bytes)
		munmap((void *)(uintptr_t)c->texts, c->text_bytes);
	if (c->vectors && c->vector_bytes)
		munmap((void *)(uintptr_t)c->vectors, c->vector_bytes);
	c->texts = NULL;
	c->vectors = NULL;
}

void corpus_free(struct corpus *c)
{
	if (!c)
		return;
	unmap(c);
	for (size_t i = 0; i < 2; i++)
		if (c->files[i])
			fclose(c->files[i]);
	mem_free(c->classes);
	mem_free(c->starts);
	mem_free(c);
}

static int write_bytes(struct corpus *c, size_t file, const void *data, size_t n, struct error *e)
{
	if (n && fwrite(data, 1, n, c->files[file]) != n)
		return error_set(e, ERROR_IO, "setting texts aside in TMPDIR: %s", strerror(errno));
	*(file ? &c->vector_bytes : &c->text_bytes) += n;
	return 0;
}

int corpus_add(struct corpus *c, size_t class, struct slice text, const float *vector, size_t size,
	struct error *e)
{
	if (c->n == c->capacity) {
		size_t more = size_mul(c->capacity, 2);
		c->classes = mem_resize(
			c->classes, c->n * sizeof *c->classes, size_mul(more, sizeof *c->classes));
		c->starts = mem_resize(c->starts, (c->n + 1) * sizeof *c->starts,
			size_mul(size_add(more, 1), sizeof *c->starts));
		c->capacity = more;
	}
	CHECK(c->n == 0 || size == c->size);
	c->size = size;
	if (write_bytes(c, 0, text.data, text.size, e) ||
		write_bytes(c, 1, vector, size * sizeof *vector, e))
		return -1;
	c->classes[c->n] = (uint32_t) class;
	c->starts[++c->n] = c->text_bytes;
	return 0;
}

/* An empty file cannot be mapped: its bytes are none. */
static const void *map(void *file, size_t bytes, struct error *e)
{
	if (fflush(file) != 0) {
		error_set(e, ERROR_IO, "setting texts aside in TMPDIR: %s", strerror(errno));
		return NULL;
	}
	if (bytes == 0)
		return "";
	void *p = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fileno(file), 0);
	if (p != MAP_FAILED)
		return p;
	error_set(e, ERROR_IO, "mapping texts set aside in TMPDIR: %s", strerror(errno));
	return NULL;
}

int corpus_finish(struct corpus *c, struct error *e)
{
	unmap(c);
	c->texts = map(c->files[0], c->text_bytes, e);
	if (c->texts && c->size)
		c->vectors = map(c->files[1], c->vector_bytes, e);
	return !c->texts || (c->size && !c->vectors) ? -1 : 0;
}

int corpus_embed(struct corpus *c, const struct encoder *encoder, struct error *e)
{
	enum { WINDOW = 8192 };
	CHECK(c->texts && c->size == 0);
	struct slice *texts = MEM_ARRAY(struct slice, WINDOW);
	float *out = MEM_ARRAY(float, size_mul(WINDOW, encoder->size));
	int rc = 0;
	for (size_t i = 0; i < c->n && rc == 0; i += WINDOW) {
		size_t n = c->n - i < WINDOW ? c->n - i : WINDOW;
		for (size_t k = 0; k < n; k++)
			texts[k] = corpus_text(c, i + k);
		rc = encoder->run(encoder->self, texts, n, out, e);
		if (rc == 0)
			rc = write_bytes(c, 1, out, n * encoder->size * sizeof *out, e);
	}
	mem_free(texts);
	mem_free(out);
	c->size = encoder->size;
	return rc ? rc : corpus_finish(c, e);
}
