/*
 * corpus.h: texts and their vectors, set aside while they come and at hand by number afterwards.
 * They lie in unlinked files under TMPDIR, so that memory holds 12 bytes a text.
 */
#pragma once
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/memory.h"

/* What turns texts into vectors: out [n, size]. -1 and the error otherwise. */
struct encoder {
	size_t size;
	int (*run)(void *self, const struct slice *texts, size_t n, float *out, struct error *);
	void *self;
};

struct corpus {
	size_t n;
	uint32_t *classes; /* [n] */
	size_t *starts; /* [n + 1]: of each text */
	const char *texts; /* after corpus_finish */
	const float *vectors; /* [n, size], after corpus_finish; NULL where there are none */
	size_t size; /* of a vector; 0: none */
	size_t capacity, text_bytes, vector_bytes;
	void *files[2]; /* FILE *: texts, vectors */
};

struct corpus *corpus_new(struct error *);
void corpus_free(struct corpus *);

/* The next text; every text of a corpus has a vector of the same size, or none has (NULL, 0). */
int corpus_add(struct corpus *, size_t class, struct slice text, const float *vector, size_t size,
	struct error *);

/* No more texts: those so far become readable. */
int corpus_finish(struct corpus *, struct error *);

/* After corpus_finish, where texts came without vectors: compute them, in windows. */
int corpus_embed(struct corpus *, const struct encoder *, struct error *);

static inline struct slice corpus_text(const struct corpus *c, size_t i)
{
	return (struct slice){ c->texts + c->starts[i], c->starts[i + 1] - c->starts[i] };
}
