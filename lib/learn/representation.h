/*
 * representation.h: better words for topics, chosen by vectors: KeyBERTInspired and
 * MaximalMarginalRelevance of BERTopic 0.17.4 (bertopic/representation/_keybert.py, _mmr.py; J.
 * Carbonell and J. Goldstein, "The use of MMR", 1998), alone or in a chain.
 *
 * keybert: the 100 best words by c-TF-IDF, ordered by the cosine of their vectors with the mean
 * vector of the topic's 5 most representative texts; that cosine becomes the score. It begins anew
 * from c-TF-IDF wherever it stands in a chain, as the reference does. mmr: of the words so far,
 * choose those near the vector of all of them joined by spaces and far from each other; the chosen
 * ones keep their order and scores.
 *
 * A chain begins with the 30 best words of c-TF-IDF (more where more are asked for); every step but
 * the last passes on that many ([KeyBERTInspired(top_n_words=30), MaximalMarginalRelevance()] in
 * BERTopic), the last as many as are asked for. Ties go to the word that stood first.
 */
#pragma once
#include "lib/learn/topics.h"

enum representation_step { REPRESENTATION_KEYBERT, REPRESENTATION_MMR };
enum { REPRESENTATION_STEPS = 8, REPRESENTATION_CANDIDATES = 100 };

/* A chain; n = 0 is c-TF-IDF itself. */
struct representation {
	enum representation_step steps[REPRESENTATION_STEPS];
	size_t n;
};

/* "keybert,mmr"; -1 and a usage error otherwise. */
int representation_parse(struct slice text, struct representation *, struct error *);

bool representation_has(const struct representation *, enum representation_step);

/* "NAME=CHAIN": a description beside the topics' own words. */
struct aspect {
	struct slice name;
	struct representation chain;
};
int aspect_parse(struct slice text, struct aspect *, struct error *);

/* What the chains of a run share: the encoder and the vectors of texts embedded so far. */
struct representer {
	const struct encoder *encoder; /* NULL where no chain has steps */
	double diversity; /* of mmr: 0.1 in BERTopic */
	size_t top_n_words;
	bool embed_texts; /* representative texts, even where the model has their vectors */
	struct terms known;
	float *vectors; /* [known.n, size] */
	size_t capacity;
};
void representer_free(struct representer *);

/* The words of every topic: out [n of the model], from the arena. */
int representation_apply(struct representer *, const struct topics *, const struct representation *,
	struct arena *, struct topic_words *out, struct error *);

/*
 * Set the topics' words by the main chain (NULL: they stay), and their aspects: one of a name that
 * is there is replaced.
 */
int representation_describe(struct representer *, struct topics *,
	const struct representation *main, const struct aspect *, size_t n_aspects, struct error *);
