/*
 * topic_words.h: the words of topics, from a report of `topics` (CONTRACT.md), outliers (-1) left out.
 */
#pragma once
#include "lib/base/error.h"
#include "lib/text/terms.h"

struct topic_words {
	struct terms words; /* of all topics */
	size_t n; /* topics */
	size_t most; /* words of a topic, at most */
	uint32_t *ids; /* [n, most], UINT32_MAX where a topic has fewer */
	size_t *size; /* [n] */
};

/* The first `most` words of each topic. -1 and the error (65, 66). */
int topic_words_read(struct topic_words *, const char *path, size_t most, struct error *);
void topic_words_free(struct topic_words *);
