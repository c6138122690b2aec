#include "lib/token/decoder.h"

#include "lib/base/utf8.h"
#include "lib/text/utf8.h"
#include "lib/token/byte_level.h"
#include "lib/token/read.h"

/* --- Lists of strings -------------------------------------------------------------------------- */

static void end_string(struct decoding *l)
{
	if (l->n == l->capacity)
		l->ends = mem_grow(l->ends, &l->capacity, l->n + 1, sizeof *l->ends);
	l->ends[l->n++] = l->text.size;
}

void decoding_add(struct decoding *l, struct slice s)
{
	buffer_slice(&l->text, s);
	end_string(l);
}

void decoding_free(struct decoding *l)
{
	buffer_free(&l->text);
	mem_free(l->ends);
	*l = (struct decoding){ 0 };
}

static struct slice string_at(const struct decoding *l, size_t i)
{
	size_t start = i ? l->ends[i - 1] : 0;
	return l->text.data ? (struct slice){ l->text.data + start, l->ends[i] - start }
			    : SLICE("");
}

static bool starts_with(struct slice s, struct slice with)
{
	return s.size >= with.size && (with.size == 0 || memcmp(s.data, with.data, with.size) == 0);
}

/* As Rust's str::replace has it, nothing is found before every code point and at the end. */
static void add_replaced(struct buffer *out, struct slice s, struct slice from, struct slice to)
{
	for (size_t i = 0; i < s.size;) {
		uint32_t c;
		bool found = starts_with((struct slice){ s.data + i, s.size - i }, from);
		size_t size = found ? from.size : 1;
		if (found)
			buffer_slice(out, to);
		if (!size)
			size = utf8_decode(s.data + i, s.data + s.size, &c);
		if (!found || !from.size)
			buffer_add(out, s.data + i, size);
		i += size;
	}
	if (!from.size)
		buffer_slice(out, to);
}

/* --- WordPiece, CTC ---------------------------------------------------------------------------- */

/* In this order, each over the whole string. */
static const struct {
	const char *from, *to;
} cleanups[] = {
	{ " .", "." },
	{ " ?", "?" },
	{ " !", "!" },
	{ " ,", "," },
	{ " ' ", "'" },
	{ " n't", "n't" },
	{ " 'm", "'m" },
	{ " do not", " don't" },
	{ " 's", "'s" },
	{ " 've", "'ve" },
	{ " 're", "'re" },
};

/* Replace in text[start:], which does not become longer. */
static void replace(struct buffer *b, size_t start, const char *from, const char *to)
{
	size_t n = strlen(from), m = strlen(to), out = start;
	for (size_t i = start; i < b->size;) {
		if (b->size - i >= n && memcmp(b->data + i, from, n) == 0) {
			memcpy(b->data + out, to, m);
			out += m;
			i += n;
		} else {
			b->data[out++] = b->data[i++];
		}
	}
	b->size = out;
}

static void cleanup(struct buffer *b, size_t start)
{
	for (size_t i = 0; i < sizeof cleanups / sizeof *cleanups; i++)
		replace(b, start, cleanups[i].from, cleanups[i].to);
}

static void run_wordpiece(
	const struct decoder_step *d, const struct decoding *in, struct decoding *out)
{
	for (size_t i = 0; i < in->n; i++) {
		struct slice s = string_at(in, i), prefix = d->wordpiece.prefix;
		size_t start = out->text.size;
		if (i > 0 && starts_with(s, prefix))
			s = (struct slice){ s.data + prefix.size, s.size - prefix.size };
		else if (i > 0)
			buffer_char(&out->text, ' ');
		buffer_slice(&out->text, s);
		if (d->wordpiece.cleanup)
			cleanup(&out->text, start);
		end_string(out);
	}
}

static void run_ctc(const struct decoder_step *d, const struct decoding *in, struct decoding *out)
{
	struct buffer b = { NULL, 0, 0 };
	for (size_t i = 0; i < in->n; i++) {
		size_t start = out->text.size;
		if (i > 0 && slice_equal(string_at(in, i), string_at(in, i - 1)))
			continue;
		buffer_clear(&b);
		add_replaced(&b, string_at(in, i), d->ctc.padding, SLICE(""));
		if (d->ctc.cleanup) {
			cleanup(&b, 0);
			add_replaced(&out->text, buffer_view(&b), d->ctc.delimiter, SLICE(" "));
		} else {
			buffer_slice(&out->text, buffer_view(&b));
		}
		if (out->text.size > start)
			end_string(out);
	}
	buffer_free(&b);
}

/* --- ByteLevel, ByteFallback --------------------------------------------------------------------- */

/* Bytes as text: each maximal part that is no UTF-8 becomes U+FFFD. */
static void add_lossy(struct buffer *out, struct slice bytes)
{
	for (size_t i = 0; i < bytes.size;) {
		struct slice left = { bytes.data + i, bytes.size - i };
		size_t valid = utf8_check(left);
		buffer_add(out, left.data, valid);
		i += valid;
		if (i < bytes.size) {
			uint32_t c;
			i += utf8_decode(bytes.data + i, bytes.data + bytes.size, &c);
			buffer_text(out, "\xef\xbf\xbd");
		}
	}
}

/* A string that is not of the alphabet as a whole gives its own bytes. */
static void add_bytes(struct buffer *out, struct slice s)
{
	size_t before = out->size;
	for (size_t i = 0; i < s.size;) {
		uint32_t c;
		i += utf8_decode(s.data + i, s.data + s.size, &c);
		int b = byte_level_byte(c);
		if (b < 0) {
			out->size = before;
			buffer_slice(out, s);
			return;
		}
		buffer_char(out, (char)b);
	}
}

static void run_byte_level(const struct decoding *in, struct decoding *out)
{
	struct buffer bytes = { NULL, 0, 0 };
	for (size_t i = 0; i < in->n; i++)
		add_bytes(&bytes, string_at(in, i));
	add_lossy(&out->text, buffer_view(&bytes));
	end_string(out);
	buffer_free(&bytes);
}

static int hex(char c)
{
	return c >= '0' && c <= '9'                     ? c - '0'
	       : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
							: -1;
}

/* The byte of <0xE9>; -1 for another string. The reference takes <0x+9> too. */
static int fallback_byte(struct slice s)
{
	if (s.size != 6 || memcmp(s.data, "<0x", 3) != 0 || s.data[5] != '>')
		return -1;
	int high = s.data[3] == '+' ? 0 : hex(s.data[3]), low = hex(s.data[4]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Bytes that are UTF-8 together are one string; else each is U+FFFD. */
static void flush_bytes(struct buffer *bytes, struct decoding *out)
{
	if (bytes->size == 0)
		return;
	if (utf8_check(buffer_view(bytes)) == bytes->size)
		decoding_add(out, buffer_view(bytes));
	else
		for (size_t i = 0; i < bytes->size; i++)
			decoding_add(out, SLICE("\xef\xbf\xbd"));
	buffer_clear(bytes);
}

static void run_byte_fallback(const struct decoding *in, struct decoding *out)
{
	struct buffer bytes = { NULL, 0, 0 };
	for (size_t i = 0; i < in->n; i++) {
		int b = fallback_byte(string_at(in, i));
		if (b >= 0) {
			buffer_char(&bytes, (char)b);
			continue;
		}
		flush_bytes(&bytes, out);
		decoding_add(out, string_at(in, i));
	}
	flush_bytes(&bytes, out);
	buffer_free(&bytes);
}

/* --- The others ---------------------------------------------------------------------------------- */

static void run_metaspace(
	const struct decoder_step *d, const struct decoding *in, struct decoding *out)
{
	for (size_t i = 0; i < in->n; i++) {
		struct slice by = i == 0 && d->metaspace.prepends ? SLICE("") : SLICE(" ");
		add_replaced(&out->text, string_at(in, i), d->metaspace.replacement, by);
		end_string(out);
	}
}

static void run_bpe(const struct decoder_step *d, const struct decoding *in, struct decoding *out)
{
	for (size_t i = 0; i < in->n; i++) {
		struct slice s = string_at(in, i), by = i + 1 == in->n ? SLICE("") : SLICE(" ");
		add_replaced(&out->text, s, d->suffix, by);
		end_string(out);
	}
}

static void run_strip(const struct decoder_step *d, const struct decoding *in, struct decoding *out)
{
	struct slice content = d->strip.content;
	for (size_t i = 0; i < in->n; i++) {
		struct slice s = string_at(in, i);
		for (uint32_t n = 0; n < d->strip.start && starts_with(s, content); n++)
			s = (struct slice){ s.data + content.size, s.size - content.size };
		for (uint32_t n = 0;
			n < d->strip.stop && s.size >= content.size &&
			memcmp(s.data + s.size - content.size, content.data, content.size) == 0;
			n++)
			s.size -= content.size;
		decoding_add(out, s);
	}
}

static int run_replace(const struct decoder_step *d, const struct decoding *in,
	struct decoding *out, size_t limit, struct regex_work *work, struct error *e)
{
	for (size_t i = 0; i < in->n && out->text.size <= limit; i++) {
		struct slice s = string_at(in, i);
		struct regex_walk walk = { 0, 0 };
		size_t at = 0, start, end;
		int found = 0;
		while (s.size && (found = matcher_next(&d->replace.matcher, work, s, &walk, &start,
					  &end, e)) > 0) {
			buffer_add(&out->text, s.data + at, start - at);
			buffer_slice(&out->text, d->replace.by);
			at = end;
			if (out->text.size > limit)
				break;
		}
		if (found < 0)
			return -1;
		buffer_add(&out->text, s.data + at, s.size - at);
		end_string(out);
	}
	return 0;
}

static void run_sentencepiece(
	const struct decoder_step *d, const struct decoding *in, struct decoding *out)
{
	struct sentencepiece_decoding state = { .start = out->text.size };
	for (size_t i = 0; i < in->n; i++) {
		struct slice piece = string_at(in, i);
		sentencepiece_decode(d->sentencepiece.model, &state, piece,
			vocab_id(d->sentencepiece.vocab, piece), &out->text);
	}
	sentencepiece_decode_end(&state, &out->text);
	end_string(out);
}

static int run_step(const struct decoder_step *d, const struct decoding *in, struct decoding *out,
	size_t limit, struct regex_work *work, struct error *e)
{
	switch (d->kind) {
	case DECODER_BYTE_LEVEL:
		run_byte_level(in, out);
		break;
	case DECODER_WORDPIECE:
		run_wordpiece(d, in, out);
		break;
	case DECODER_METASPACE:
		run_metaspace(d, in, out);
		break;
	case DECODER_BPE:
		run_bpe(d, in, out);
		break;
	case DECODER_STRIP:
		run_strip(d, in, out);
		break;
	case DECODER_FUSE:
		decoding_add(out, buffer_view(&in->text));
		break;
	case DECODER_BYTE_FALLBACK:
		run_byte_fallback(in, out);
		break;
	case DECODER_SENTENCEPIECE:
		run_sentencepiece(d, in, out);
		break;
	case DECODER_CTC:
		run_ctc(d, in, out);
		break;
	case DECODER_REPLACE:
		return run_replace(d, in, out, limit, work, e);
	}
	return 0;
}

int decoder_run(const struct decoder *d, struct decoding *in, struct buffer *to, struct error *e)
{
	struct decoding out = { .n = 0 };
	struct regex_work work = { NULL, NULL, NULL };
	size_t limit = size_add(1 << 16, size_mul(64, in->text.size));
	int rc = 0;
	for (size_t i = 0; !rc && i < d->n; i++) {
		out.n = 0;
		buffer_clear(&out.text);
		rc = run_step(&d->steps[i], in, &out, limit, &work, e);
		struct decoding old = *in;
		*in = out;
		out = old;
		if (!rc && in->text.size > limit)
			rc = error_set(e, ERROR_DATA, "a text is too long once it is decoded");
	}
	for (size_t i = 0; !rc && i < in->n; i++) {
		if (!d->present && i > 0)
			buffer_char(to, ' ');
		buffer_slice(to, string_at(in, i));
	}
	decoding_free(&out);
	regex_work_free(&work);
	return rc;
}
