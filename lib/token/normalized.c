#include "lib/token/normalized.h"

#include "lib/text/utf8.h"

static void grow(struct buffer *text, uint32_t **from, uint32_t **to, size_t *capacity)
{
	if (text->capacity <= *capacity)
		return;
	*from = mem_resize(
		*from, *capacity * sizeof **from, size_mul(text->capacity, sizeof **from));
	*to = mem_resize(*to, *capacity * sizeof **to, size_mul(text->capacity, sizeof **to));
	*capacity = text->capacity;
}

void normalized_set(struct normalized *n, struct slice text, uint32_t at)
{
	buffer_clear(&n->text);
	buffer_reserve(&n->text, 1); /* an empty text has data too */
	buffer_slice(&n->text, text);
	n->limit = normalized_limit(text.size);
	n->start = at;
	if (n->unaligned)
		return;
	grow(&n->text, &n->from, &n->to, &n->capacity);
	for (size_t i = 0; i < text.size;) {
		uint32_t c;
		size_t size = utf8_decode(text.data + i, text.data + text.size, &c);
		for (size_t j = i; j < i + size; j++) {
			n->from[j] = at + (uint32_t)i;
			n->to[j] = at + (uint32_t)(i + size);
		}
		i += size;
	}
}

void normalized_free(struct normalized *n)
{
	buffer_free(&n->text);
	mem_free(n->from);
	mem_free(n->to);
	buffer_free(&n->next.text);
	mem_free(n->next.from);
	mem_free(n->next.to);
	*n = (struct normalized){ 0 };
}

/* The bytes of the code point at `at` of the old text; 0 at its end. */
static size_t size_at(const struct normalized *n, size_t at)
{
	if (at >= n->text.size)
		return 0;
	unsigned char c = (unsigned char)n->text.data[at];
	size_t size = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	return size < n->text.size - at ? size : n->text.size - at;
}

struct change change_begin(struct normalized *n, size_t removed)
{
	struct change c = { n, 0 };
	buffer_clear(&n->next.text);
	buffer_reserve(&n->next.text, 1);
	for (size_t i = 0; i < removed; i++)
		c.at += size_at(n, c.at);
	return c;
}

void change_write(struct normalized *n, const char *bytes, size_t size, uint32_t from, uint32_t to)
{
	struct aligned_text *out = &n->next;
	size_t at = out->text.size;
	buffer_add(&out->text, bytes, size);
	if (n->unaligned)
		return;
	grow(&out->text, &out->from, &out->to, &out->capacity);
	for (size_t i = at; i < at + size; i++) {
		out->from[i] = from;
		out->to[i] = to;
	}
}

/* Write bytes that are all aligned as the byte `as` of the old text; SIZE_MAX: with the start. */
static void write(struct normalized *n, const char *bytes, size_t size, size_t as)
{
	bool none = as == SIZE_MAX || n->unaligned;
	change_write(n, bytes, size, none ? n->start : n->from[as], none ? n->start : n->to[as]);
}

void change_put(struct change *c, uint32_t code_point, int change)
{
	char bytes[4];
	size_t size = utf8_encode(bytes, code_point), as = c->at;
	if (change > 0 || as >= c->n->text.size)
		as--; /* SIZE_MAX at the beginning */
	write(c->n, bytes, size, as);
	for (int i = change; i <= 0; i++)
		c->at += size_at(c->n, c->at);
}

void change_copy(struct change *c, size_t bytes)
{
	struct normalized *n = c->n;
	struct aligned_text *to = &n->next;
	size_t at = to->text.size;
	CHECK(bytes <= n->text.size - c->at);
	if (bytes == 0)
		return;
	buffer_add(&to->text, n->text.data + c->at, bytes);
	if (!n->unaligned) {
		grow(&to->text, &to->from, &to->to, &to->capacity);
		memcpy(to->from + at, n->from + c->at, bytes * sizeof *to->from);
		memcpy(to->to + at, n->to + c->at, bytes * sizeof *to->to);
	}
	c->at += bytes;
}

void change_skip(struct change *c, size_t bytes)
{
	CHECK(bytes <= c->n->text.size - c->at);
	c->at += bytes;
}

void change_insert(struct change *c, struct slice text)
{
	write(c->n, text.data, text.size, c->at - 1);
}

bool change_too_long(const struct change *c)
{
	return c->n->next.text.size > c->n->limit;
}

int change_end(struct change *c, struct error *e)
{
	struct normalized *n = c->n;
	struct aligned_text old = { n->text, n->from, n->to, n->capacity };
	n->text = n->next.text;
	n->from = n->next.from;
	n->to = n->next.to;
	n->capacity = n->next.capacity;
	n->next = old;
	if (n->text.size > n->limit || n->text.size > UINT32_MAX)
		return error_set(e, ERROR_DATA, "a text is too long once it is normalized");
	return 0;
}
