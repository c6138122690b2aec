/*
 * classes.h: the labels of records, numbered: strings by code point, numbers by value, false before
 * true, as numpy.unique orders them. All are of one JSON type; 1 and 1.0 are the same number.
 */
#pragma once
#include <stdint.h>

#include "lib/record/json.h"
#include "lib/text/terms.h"

struct classes {
	size_t n;
	struct slice *text; /* [n]: a string as it is, a number or boolean as its JSON */
	struct slice *json; /* [n]: the value, to be written */
};

/* Labels as they come; zeroed it is empty. */
struct class_set {
	struct terms texts; /* numbered in the order they came */
	enum json_type type; /* STRING, NUMBER or TRUE for a boolean; ABSENT before the first */
};
void class_set_free(struct class_set *);

/* The number of a label, a JSON string, number or boolean; -1 and the error (65, without a place)
 * where it is of another type than those before. */
int class_set_add(struct class_set *, struct slice json, int32_t *id, struct error *);

/* The number of a label that must be there (65 otherwise). */
int class_set_find(const struct class_set *, struct slice json, int32_t *id, struct error *);

/* The labels in their order, in the arena; numbers of class_set_add that stand in id [n] become
 * places there. */
void class_set_sort(
	const struct class_set *, struct classes *, int32_t *id, size_t n, struct arena *);

/* An array of labels, as class_set_sort orders them; -1 and the error (78) where it is not. */
int classes_read(struct json array, struct classes *, struct arena *, struct error *);
void classes_write(struct buffer *, const struct classes *);

/* The place of a label by its text; n where there is none. */
size_t classes_find(const struct classes *, struct slice text);
