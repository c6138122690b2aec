/* seqeval.h: entities from tags. */
#pragma once
#include "lib/base/error.h"
#include "lib/base/slice.h"

#define SEQEVAL_SCHEMES "auto|IOB1|IOB2|IOE1|IOE2|IOBES|BILOU"
enum seqeval_scheme { SEQEVAL_AUTO, IOB1, IOB2, IOE1, IOE2, IOBES, BILOU };

/* [begin, end) of a sentence; type points into a tag, or is "_". */
struct entity {
	struct slice type;
	size_t begin, end;
};

/* As conlleval: a tag's letter and type; entities [n tags at most], how many. Tags are not empty. */
size_t seqeval_lenient(const struct slice *tags, size_t n, bool suffix, struct entity *entities);

/* By the rules of a scheme (not AUTO); -1 and the error (65, without the place) for a tag that the
 * scheme does not have. */
int seqeval_strict(const struct slice *tags, size_t n, bool suffix, enum seqeval_scheme,
	struct entity *entities, size_t *n_entities, struct error *);

/* The prefixes that occur, one bit each, to be joined over sentences; -1 and the error for a tag
 * without one. */
int seqeval_prefixes(
	const struct slice *tags, size_t n, bool suffix, unsigned *seen, struct error *);
/* The scheme that has those; AUTO where none has. */
enum seqeval_scheme seqeval_detect(unsigned seen);
const char *seqeval_scheme_name(enum seqeval_scheme);
