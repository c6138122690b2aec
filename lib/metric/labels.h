/*
 * labels.h: the labels of records, numbered as they come and sorted as NumPy sorts them: numbers
 * by value, strings by code points, booleans False first. All of one data set are of one type.
 */
#pragma once
#include "lib/record/record.h"
#include "lib/text/terms.h"

#include <stdint.h>

enum label_type { LABEL_NONE, LABEL_STRING, LABEL_NUMBER, LABEL_BOOLEAN };

struct labels {
	struct terms terms;
	enum label_type type;
	bool fields; /* from CSV: numbers where every one reads as a number */
	bool floats; /* a number was written as 1.0 or 1e0, which Python makes of all then */
	struct label_seen {
		uint64_t raw[2]; /* the JSON of a label, up to 15 bytes, and its size */
		uint32_t id;
	} seen[64]; /* by hash: most records repeat a few labels */
	/* [terms.n] after labels_sort: which is i-th, its inverse, and as Python prints them */
	uint32_t *order, *rank;
	struct slice *shown;
};

/* The number of a record's label; -1 and the error (65) where it is none, or of another type than
 * those before. */
int labels_of(struct labels *, const struct record *, size_t want, const char *key, struct arena *,
	uint32_t *label, struct error *);

/* The labels of an array: of several per record. ids in the arena, each once. */
int labels_of_array(struct labels *, const struct record *, size_t want, const char *key,
	struct arena *, uint32_t **ids, size_t *n, struct error *);

/* Is the value an array? */
bool labels_is_array(const struct record *, size_t want);

void labels_sort(struct labels *);
/* As Python prints it: True, False, 1.0 where one of the numbers is a float, else its text. After
 * labels_sort. */
struct slice labels_text(const struct labels *, uint32_t label);
/* The label so written, or TERMS_ABSENT. */
uint32_t labels_find(const struct labels *, struct slice text);
void labels_free(struct labels *);
