/*
 * decision.h: from scores to what is said of a record: the best label or the labels above a
 * threshold, none where the best is too weak, some labels left out, labels under other names.
 */
#pragma once
#include "lib/learn/classes.h"

struct decision_options {
	struct slice *only; /* [n_only], texts of labels; none: all */
	size_t n_only;
	struct slice *map; /* [n_map], OLD=NEW: NEW is written as a string */
	size_t n_map;
	bool several; /* every label with a score from threshold on: arrays */
	double threshold;
	double reject_below; /* a best score below it gives null */
	size_t top_k; /* the best so many with their scores; 0: not asked for */
	bool all, margin;
};

struct decision {
	struct decision_options options;
	size_t n_scores, n; /* given, kept */
	size_t *kept; /* [n], places among the scores */
	struct classes labels; /* [n], as they are written */
	bool shares; /* scores of what is kept are made to sum to 1 */
};

/* In the arena; -1 and the error (2) for a label that is none of these. shares: the scores are a
 * probability distribution. */
int decision_new(struct decision *, const struct decision_options *, const struct classes *,
	bool shares, struct arena *, struct error *);

enum { DECISION_VALUES = 5 };

/*
 * The values to write for scores [n_scores]: label, score, then where asked for margin (best minus
 * second best; null for one label), top ([{"label", "score"}]) and scores ({"label": score}).
 * Values are JSON, end to end in the buffer; value i ends at end[i]. Returns how many.
 */
size_t decision_make(const struct decision *, const double *scores, struct buffer *,
	size_t end[DECISION_VALUES], struct arena *);

/* The place of the best kept label among n_scores scores; ties: the first. */
size_t decision_best(const struct decision *, const double *scores);
