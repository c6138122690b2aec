/* writer_value.c: the new keys of a record, behind its own. */
#include <math.h>

#include "lib/record/base64.h"
#include "lib/record/writer.h"

static char delimiter(void)
{
	return writing.out == FORMAT_TSV ? '\t' : ',';
}

/* What stands before the next value. Returns whether it is JSON. */
static bool lead(const struct writer *w, struct buffer *b)
{
	bool json = writing.out == FORMAT_JSONL;
	CHECK(writing.writer == w && writing.buffer == b && writing.next < w->n_keys);
	if (!writing.first)
		buffer_char(b, json ? ',' : delimiter());
	writing.first = false;
	if (json)
		buffer_slice(b, w->prefixes[writing.next]);
	writing.next++;
	return json;
}

void writer_text(const struct writer *w, struct buffer *b, struct slice text)
{
	if (lead(w, b))
		json_write_string(b, text);
	else
		csv_encode(b, text, delimiter());
}

void writer_integer(const struct writer *w, struct buffer *b, int64_t x)
{
	lead(w, b);
	json_write_integer(b, x);
}

void writer_double(const struct writer *w, struct buffer *b, double x)
{
	lead(w, b);
	json_write_double(b, x);
}

static void put_base64(struct buffer *b, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		CHECK(isfinite(x[i]));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	uint32_t *swapped = MEM_ARRAY(uint32_t, n);
	memcpy(swapped, x, n * sizeof *x);
	for (size_t i = 0; i < n; i++)
		swapped[i] = __builtin_bswap32(swapped[i]);
	base64_encode(b, swapped, size_mul(n, sizeof *x));
	mem_free(swapped);
#else
	base64_encode(b, x, size_mul(n, sizeof *x));
#endif
}

void writer_vector(const struct writer *w, struct buffer *b, const float *x, size_t n)
{
	bool json = lead(w, b);
	bool quote = json == w->base64; /* base64 in JSON; in a field, the commas of an array */
	if (quote)
		buffer_char(b, '"');
	if (w->base64)
		put_base64(b, x, n);
	else
		json_write_vector(b, x, n);
	if (quote)
		buffer_char(b, '"');
}

void writer_json(const struct writer *w, struct buffer *b, struct slice json)
{
	if (lead(w, b)) {
		buffer_slice(b, json);
		return;
	}
	struct buffer text = { NULL, 0, 0 };
	char first = json.size ? json.data[0] : 'n';
	if (first == '"') {
		json_add_text(&text, (struct json){ .type = JSON_STRING, .raw = json });
		csv_encode(b, buffer_view(&text), delimiter());
	} else if (first == '[' || first == '{') {
		csv_quote(b, json);
	} else if (first != 'n') {
		buffer_slice(b, json);
	}
	buffer_free(&text);
}

void writer_end(const struct writer *w, struct buffer *b)
{
	CHECK(writing.writer == w && writing.buffer == b && writing.next == w->n_keys);
	/* a row of one empty field would be a blank line, which is no row */
	if (writing.out != FORMAT_JSONL && b->size == writing.start)
		buffer_text(b, "\"\"");
	buffer_slice(b, writing.tail);
	buffer_text(b, writing.line_end);
	writing.writer = NULL;
}
