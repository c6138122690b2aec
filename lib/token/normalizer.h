/*
 * normalizer.h: text made uniform before it is split, each byte of the result knowing which
 * bytes of the text it is from.
 *
 * BertNormalizer (tokenizers 0.23, src/normalizers/bert.rs) does, in this order and each if
 * asked: clean_text removes controls and makes white space a space; handle_chinese_chars puts
 * spaces around ideographs; strip_accents decomposes canonically (NFD) and removes non-spacing
 * marks, null meaning "as lowercase"; lowercase.
 */
#pragma once
#include "lib/base/buffer.h"
#include "lib/record/json.h"

enum normalizer_kind {
	NORMALIZER_NONE,
	NORMALIZER_BERT,
};

struct normalizer {
	enum normalizer_kind kind;
	bool clean_text, chinese, strip_accents, lowercase;
	bool accents_follow; /* strip_accents is null */
};

/*
 * From the member "normalizer" of a tokenizer.json; -1 and the error for a kind that is not
 * known.
 */
int normalizer_read(struct normalizer *, struct json, struct arena *, struct error *);

struct normalized {
	struct buffer text;
	uint32_t *from, *to; /* by byte of text: [from, to) of the original */
	size_t capacity; /* of from and to */
};

/*
 * Normalize a part of the original that begins at its byte `at`; replaces what was in the
 * result. Time linear in the text.
 */
void normalizer_run(const struct normalizer *, struct slice text, uint32_t at, struct normalized *);
void normalized_free(struct normalized *);
