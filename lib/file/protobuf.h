/*
 * protobuf.h: the wire format of Protocol Buffers (protobuf.dev, "Encoding"), read field by field in
 * place. What a field means, and messages within, are the caller's. Groups, which no file of today
 * has, are refused.
 */
#pragma once
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/slice.h"

struct protobuf {
	const char *at, *end;
};

enum protobuf_wire { PROTOBUF_VARINT, PROTOBUF_FIXED64, PROTOBUF_BYTES, PROTOBUF_FIXED32 = 5 };

struct protobuf_field {
	uint32_t number;
	enum protobuf_wire wire;
	uint64_t value; /* of a number; the bits of a fixed one */
	struct slice bytes; /* PROTOBUF_BYTES */
};

static inline struct protobuf protobuf_begin(struct slice message)
{
	return (struct protobuf){ message.data, message.data + message.size };
}

/* The next field: 1; 0 at the end; -1 (ERROR_MODEL) for a field that is broken or goes beyond it. */
int protobuf_next(struct protobuf *, struct protobuf_field *, struct error *);

/* A field that must be a number, bytes or a float; -1 and the error, naming it, where it is not. */
int protobuf_number(const struct protobuf_field *, uint64_t *, struct error *);
int protobuf_bool(const struct protobuf_field *, bool *, struct error *);
int protobuf_bytes(const struct protobuf_field *, struct slice *, struct error *);
int protobuf_float(const struct protobuf_field *, float *, struct error *);
