/*
 * decoder.h: tokens back to text. Without a decoder tokens are joined by spaces. WordPiece puts
 * a space before each token but the first and those with the continuing prefix, which loses it;
 * cleanup then takes the space from before punctuation and English contractions (tokenizers
 * 0.23, src/decoders/wordpiece.rs).
 */
#pragma once
#include "lib/base/buffer.h"
#include "lib/record/json.h"

struct decoder {
	bool wordpiece; /* false: none */
	struct slice prefix;
	bool cleanup;
};

int decoder_read(struct decoder *, struct json, struct arena *, struct error *);

/* Append a token's text; first: nothing comes before it. */
void decoder_add(const struct decoder *, struct slice token, bool first, struct buffer *);
