/* sentencepiece_read.c: the protocol buffer of a SentencePiece model, checked. */
#include <float.h>
#include <math.h>

#include "lib/base/utf8.h"
#include "lib/file/protobuf.h"
#include "lib/token/sentencepiece.h"
#include "lib/token/vocab.h"

enum { NONE = VOCAB_NONE };

/* What is read before it is checked. */
struct draft {
	struct sentencepiece *model;
	struct arena *arena;
	size_t n_pieces; /* counted, to allocate once */
	struct slice charsmap;
	struct slice bos, eos; /* pieces */
};

static int read_piece(struct draft *d, struct slice message, struct error *e)
{
	struct sentencepiece *s = d->model;
	struct protobuf p = protobuf_begin(message);
	struct protobuf_field f;
	uint64_t type = PIECE_NORMAL;
	struct slice text = { NULL, 0 };
	float score = 0;
	int rc, bad = 0;
	while ((rc = protobuf_next(&p, &f, e)) > 0 && !bad) {
		if (f.number == 1)
			bad = protobuf_bytes(&f, &text, e);
		else if (f.number == 2)
			bad = protobuf_float(&f, &score, e);
		else if (f.number == 3)
			bad = protobuf_number(&f, &type, e);
	}
	if (rc < 0 || bad)
		return -1;
	if (text.size == 0)
		return error_set(e, ERROR_MODEL, "it is empty");
	if (utf8_check(text) != text.size)
		return error_set(e, ERROR_MODEL, "it is not UTF-8");
	if (type < PIECE_NORMAL || type > PIECE_BYTE)
		return error_set(e, ERROR_MODEL, "it has the type %llu", (unsigned long long)type);
	if (!isfinite(score))
		return error_set(e, ERROR_MODEL, "its score is not finite");
	s->texts[s->n] = text;
	s->scores[s->n] = score;
	s->types[s->n++] = (uint8_t)type;
	return 0;
}

static int read_trainer(struct draft *d, struct slice message, struct error *e)
{
	struct sentencepiece *s = d->model;
	struct protobuf p = protobuf_begin(message);
	struct protobuf_field f;
	uint64_t kind = s->kind;
	int rc, bad = 0;
	while (!bad && (rc = protobuf_next(&p, &f, e)) > 0) {
		switch (f.number) {
		case 3:
			bad = protobuf_number(&f, &kind, e);
			break;
		case 24:
			bad = protobuf_bool(&f, &s->suffix, e);
			break;
		case 35:
			bad = protobuf_bool(&f, &s->byte_fallback, e);
			break;
		case 44:
			bad = protobuf_bytes(&f, &s->unknown_surface, e);
			break;
		case 46:
			bad = protobuf_bytes(&f, &d->bos, e);
			break;
		case 47:
			bad = protobuf_bytes(&f, &d->eos, e);
			break;
		default:
			break;
		}
	}
	if (bad || rc < 0)
		return -1;
	if (kind != SENTENCEPIECE_UNIGRAM && kind != SENTENCEPIECE_BPE)
		return error_set(e, ERROR_MODEL,
			"its model_type is %llu; 1 (UNIGRAM) and 2 (BPE) are supported",
			(unsigned long long)kind);
	s->kind = (enum sentencepiece_kind)kind;
	return 0;
}

static int read_normalizer(struct draft *d, struct slice message, struct error *e)
{
	struct sentencepiece *s = d->model;
	struct protobuf p = protobuf_begin(message);
	struct protobuf_field f;
	int rc, bad = 0;
	while (!bad && (rc = protobuf_next(&p, &f, e)) > 0) {
		switch (f.number) {
		case 2:
			bad = protobuf_bytes(&f, &d->charsmap, e);
			break;
		case 3:
			bad = protobuf_bool(&f, &s->dummy_prefix, e);
			break;
		case 4:
			bad = protobuf_bool(&f, &s->remove_extra, e);
			break;
		case 5:
			bad = protobuf_bool(&f, &s->escape, e);
			break;
		default:
			break;
		}
	}
	return bad || rc < 0 ? -1 : 0;
}

/* Rules for decoded text, which no published model has. */
static int check_denormalizer(struct slice message, struct error *e)
{
	struct protobuf p = protobuf_begin(message);
	struct protobuf_field f;
	int rc;
	while ((rc = protobuf_next(&p, &f, e)) > 0)
		if (f.number == 2 && f.bytes.size)
			return error_set(e, ERROR_MODEL, "denormalizer_spec is not supported");
	return rc;
}

static int count_pieces(struct draft *d, struct slice model, struct error *e)
{
	struct protobuf p = protobuf_begin(model);
	struct protobuf_field f;
	int rc;
	while ((rc = protobuf_next(&p, &f, e)) > 0)
		d->n_pieces += f.number == 1;
	if (rc < 0)
		return -1;
	if (d->n_pieces == 0 || d->n_pieces > VOCAB_LARGEST)
		return error_set(e, ERROR_MODEL, "it has %zu pieces", d->n_pieces);
	return 0;
}

static int read_field(struct draft *d, const struct protobuf_field *f, struct error *e)
{
	struct slice message;
	if (f->number == 0 || f->number > 5 || f->number == 4)
		return 0;
	if (protobuf_bytes(f, &message, e))
		return -1;
	if (f->number == 1 && read_piece(d, message, e))
		return error_wrap(e, "piece %zu", d->model->n);
	if (f->number == 2 && read_trainer(d, message, e))
		return error_wrap(e, "trainer_spec");
	if (f->number == 3 && read_normalizer(d, message, e))
		return error_wrap(e, "normalizer_spec");
	if (f->number == 5 && check_denormalizer(message, e))
		return error_wrap(e, "denormalizer_spec");
	return 0;
}

/* --- What sentencepiece checks ----------------------------------------------------------------- */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int sentencepiece_byte(struct slice s)
{
	if (s.size != 6 || memcmp(s.data, "<0x", 3) != 0 || s.data[5] != '>')
		return -1;
	int high = hex(s.data[3]), low = hex(s.data[4]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static int check_bytes(struct sentencepiece *s, struct error *e)
{
	memset(s->bytes, 0xff, sizeof s->bytes);
	for (size_t i = 0; i < s->n; i++) {
		if (s->types[i] != PIECE_BYTE)
			continue;
		int byte = sentencepiece_byte(s->texts[i]);
		if (!s->byte_fallback)
			return error_set(
				e, ERROR_MODEL, "piece %zu is a byte, but byte_fallback is off", i);
		if (byte < 0)
			return error_set(e, ERROR_MODEL, "piece %zu, \"%.*s\", is not a byte", i,
				(int)(s->texts[i].size < 100 ? s->texts[i].size : 100),
				s->texts[i].data);
		s->bytes[byte] = (uint32_t)i;
	}
	for (unsigned b = 0; s->byte_fallback && b < 256; b++)
		if (s->bytes[b] == (uint32_t)NONE)
			return error_set(e, ERROR_MODEL,
				"byte_fallback is on, but there is no piece <0x%02X>", b);
	return 0;
}

static int check_unknown(struct sentencepiece *s, struct error *e)
{
	s->unknown = (uint32_t)NONE;
	for (size_t i = 0; i < s->n; i++) {
		if (s->types[i] != PIECE_UNKNOWN)
			continue;
		if (s->unknown != (uint32_t)NONE)
			return error_set(e, ERROR_MODEL,
				"pieces %u and %zu are both the unknown one", s->unknown, i);
		s->unknown = (uint32_t)i;
	}
	return s->unknown == (uint32_t)NONE
		       ? error_set(e, ERROR_MODEL, "no piece is the unknown one")
		       : 0;
}

static int64_t control(const struct sentencepiece *s, struct slice text)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->types[i] == PIECE_CONTROL && slice_equal(s->texts[i], text))
			return (int64_t)i;
	return -1;
}

static int build_user_defined(struct sentencepiece *s, struct error *e)
{
	struct slice *keys = mem_zero(s->n, sizeof *keys);
	size_t found = 0;
	for (size_t i = 0; i < s->n; i++)
		if (s->types[i] == PIECE_USER_DEFINED) {
			keys[i] = s->texts[i];
			found++;
		}
	int rc = found ? double_array_build(&s->user_defined, keys, s->n, e) : 0;
	mem_free(keys);
	return rc;
}

static int read_model(struct draft *d, struct slice model, struct error *e)
{
	struct sentencepiece *s = d->model;
	struct protobuf p = protobuf_begin(model);
	struct protobuf_field f;
	int rc;
	if (count_pieces(d, model, e))
		return -1;
	s->texts = ARENA_ARRAY(d->arena, struct slice, d->n_pieces);
	s->scores = ARENA_ARRAY(d->arena, float, d->n_pieces);
	s->types = ARENA_ARRAY(d->arena, uint8_t, d->n_pieces);
	while ((rc = protobuf_next(&p, &f, e)) > 0)
		if (read_field(d, &f, e))
			return -1;
	if (rc < 0 || check_unknown(s, e) || check_bytes(s, e) || build_user_defined(s, e))
		return -1;
	s->bos = control(s, d->bos);
	s->eos = control(s, d->eos);
	return d->charsmap.size ? precompiled_read(&s->rules, d->charsmap, d->arena, e) : 0;
}

int sentencepiece_read(
	struct sentencepiece *s, struct slice model, struct arena *arena, struct error *e)
{
	struct draft d = { .model = s, .arena = arena, .bos = SLICE("<s>"), .eos = SLICE("</s>") };
	*s = (struct sentencepiece){ .kind = SENTENCEPIECE_UNIGRAM,
		.dummy_prefix = true,
		.remove_extra = true,
		.escape = true,
		.unknown_surface = SLICE(" \xe2\x81\x87 ") };
	return read_model(&d, model, e) ? error_wrap(e, "SentencePiece model") : 0;
}

void sentencepiece_free(struct sentencepiece *s)
{
	double_array_free(&s->user_defined);
}
