/* ner_private.h: between the files of ner. */
#pragma once
#include "cmd/command_window.h"
#include "lib/model/tagger.h"

enum { CONLL_BATCH = 256 }; /* sentences tagged together */

struct ner_entity {
	struct entity entity;
	struct slice text;
	size_t from, to; /* bytes of the text */
};

struct ner_text {
	struct slice text;
	struct ner_entity *entities; /* [n], in order */
	size_t n;
};

/* --- ner_draw.c ----------------------------------------------------------------------------- */

/* The byte n code points behind a byte. */
size_t ner_byte(struct slice text, size_t byte, size_t n);

/* The text with [LABEL] in place of each entity, and with entities in colour, on a line. */
void ner_redact(struct buffer *, const struct ner_text *);
void ner_show(struct buffer *, const struct ner_text *);

/* A page of texts, its colours those of ner_show. */
struct ner_page;
struct ner_page *ner_page_new(void);
void ner_page_add(struct ner_page *, const struct ner_text *);
void ner_page_write(struct ner_page *, const char *path);
