#include "lib/file/protobuf.h"

#include <string.h>

/* At most ten bytes of seven bits, the lowest first; the tenth holds one. */
static int read_varint(struct protobuf *p, uint64_t *value, struct error *e)
{
	*value = 0;
	for (unsigned shift = 0; p->at < p->end && shift < 70; shift += 7) {
		unsigned char byte = (unsigned char)*p->at++;
		if (shift == 63 && byte > 1)
			break;
		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return 0;
	}
	return error_set(e, ERROR_MODEL, "a number is cut short, or longer than 64 bits");
}

static int read_fixed(struct protobuf *p, size_t size, uint64_t *value, struct error *e)
{
	if ((size_t)(p->end - p->at) < size)
		return error_set(
			e, ERROR_MODEL, "a number of %zu byte%s is cut short", size, plural(size));
	*value = 0;
	for (size_t i = 0; i < size; i++)
		*value |= (uint64_t)(unsigned char)*p->at++ << 8 * i;
	return 0;
}

static int read_bytes(struct protobuf *p, struct protobuf_field *f, struct error *e)
{
	if (read_varint(p, &f->value, e))
		return -1;
	if (f->value > (uint64_t)(p->end - p->at))
		return error_set(e, ERROR_MODEL, "field %u has %llu byte%s, cut short: %zu there",
			f->number, (unsigned long long)f->value, plural(f->value),
			(size_t)(p->end - p->at));
	f->bytes = (struct slice){ p->at, (size_t)f->value };
	p->at += f->value;
	return 0;
}

int protobuf_next(struct protobuf *p, struct protobuf_field *f, struct error *e)
{
	uint64_t tag;
	int rc;
	*f = (struct protobuf_field){ 0 };
	if (p->at == p->end)
		return 0;
	if (read_varint(p, &tag, e))
		return -1;
	if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
		return error_set(e, ERROR_MODEL, "a field has the number %llu",
			(unsigned long long)(tag >> 3));
	f->number = (uint32_t)(tag >> 3);
	f->wire = (enum protobuf_wire)(tag & 7);
	switch (f->wire) {
	case PROTOBUF_VARINT:
		rc = read_varint(p, &f->value, e);
		break;
	case PROTOBUF_FIXED64:
		rc = read_fixed(p, 8, &f->value, e);
		break;
	case PROTOBUF_BYTES:
		rc = read_bytes(p, f, e);
		break;
	case PROTOBUF_FIXED32:
		rc = read_fixed(p, 4, &f->value, e);
		break;
	default:
		rc = error_set(e, ERROR_MODEL, "field %u has the wire type %d", f->number, f->wire);
	}
	return rc ? -1 : 1;
}

static int wrong(const struct protobuf_field *f, const char *what, struct error *e)
{
	return error_set(e, ERROR_MODEL, "field %u is not %s", f->number, what);
}

int protobuf_number(const struct protobuf_field *f, uint64_t *value, struct error *e)
{
	if (f->wire != PROTOBUF_VARINT)
		return wrong(f, "a whole number", e);
	*value = f->value;
	return 0;
}

int protobuf_bool(const struct protobuf_field *f, bool *value, struct error *e)
{
	uint64_t number = 0;
	if (protobuf_number(f, &number, e))
		return -1;
	*value = number != 0;
	return 0;
}

int protobuf_bytes(const struct protobuf_field *f, struct slice *value, struct error *e)
{
	if (f->wire != PROTOBUF_BYTES)
		return wrong(f, "bytes", e);
	*value = f->bytes;
	return 0;
}

int protobuf_float(const struct protobuf_field *f, float *value, struct error *e)
{
	uint32_t bits = (uint32_t)f->value;
	if (f->wire != PROTOBUF_FIXED32)
		return wrong(f, "a float", e);
	memcpy(value, &bits, sizeof bits);
	return 0;
}
