/*
 * vocab.h: tokens by id and ids by token. Both directions in constant time; ids may have holes;
 * a token that is set again takes the new id, and the old id then has no token, as in the
 * reference.
 */
#pragma once
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/memory.h"

enum {
	VOCAB_NONE = -1, /* as uint32_t */
	VOCAB_LARGEST =
		(1 << 24) - 1, /* an id above is refused: one lying id would allocate gigabytes */
};

/* The hash spares most looks at tokens that are others, and a larger table all of them. */
struct vocab_slot {
	uint32_t id; /* VOCAB_NONE: free */
	uint32_t hash;
};

struct vocab {
	struct slice *tokens; /* by id; data NULL in a hole */
	size_t size, capacity; /* one above the highest id; places */
	size_t n; /* tokens */
	struct vocab_slot *slots; /* open addressing */
	size_t n_slots; /* a power of two, more than twice n */
	uint32_t largest; /* id allowed; 0: VOCAB_LARGEST */
};

/*
 * Add a token; its bytes stay the caller's and must last. -1 (ERROR_MODEL) where the id is too
 * large or another's.
 */
int vocab_set(struct vocab *, struct slice token, uint32_t id, struct error *);
uint32_t vocab_id(const struct vocab *, struct slice token);

/*
 * The same in steps, so that the look-ups of several tokens can overlap: the hash, which also fetches
 * where it leads, then the token that is there, then its bytes, at last the look-up.
 */
struct vocab_entry {
	struct slice token;
	uint32_t id, hash;
};
uint32_t vocab_hash(const struct vocab *, struct slice token);
void vocab_fetch_token(const struct vocab *, uint32_t hash);
void vocab_fetch_bytes(const struct vocab *, uint32_t hash);
uint32_t vocab_id_hashed(const struct vocab *, struct slice token, uint32_t hash);
int vocab_set_hashed(struct vocab *, const struct vocab_entry *, struct error *);

/* Room for so many tokens, so that adding them need not make it. */
void vocab_reserve(struct vocab *, size_t n);
struct slice vocab_token(const struct vocab *, uint32_t id);
void vocab_free(struct vocab *);
