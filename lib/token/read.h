/*
 * read.h: members of tokenizer.json and their like, each checked, with errors (ERROR_MODEL)
 * that name the member.
 */
#pragma once
#include "lib/record/json.h"

/*
 * Several members of an object in one pass over it: what has none of these names is passed over; the
 * last of a name counts, and JSON_ABSENT is left where there is none.
 */
struct read_member {
	const char *name;
	struct json *to;
};
void read_named(struct json object, const struct read_member *, size_t n);

/* What is wrong with a text that is no JSON; returns -1. */
int read_fault(const struct json_parser *, struct error *);

/*
 * The type of a component: a member "type" that is a string, in an object. `what` names the
 * component in errors.
 */
int read_type(struct json, const char *what, struct arena *, struct slice *type, struct error *);

/* The error for a component of a kind that is not known; returns -1. */
int read_unknown(const char *what, struct slice type, struct error *);

/* A member of an object that must be there and have the type. */
int read_bool(struct json object, const char *name, bool *, struct error *);
int read_text(struct json object, const char *name, struct arena *, struct slice *, struct error *);
int read_id(struct json object, const char *name, uint32_t *, struct error *);

/* A string of one code point. */
int read_character(
	struct json object, const char *name, struct arena *, struct slice *, struct error *);

/* A string that is one of a list that ends with NULL: its index. */
int read_choice(
	struct json object, const char *name, const char *const *choices, int *, struct error *);

/* A number as an id: whole, 0 to 2^32 - 2. */
bool read_number(struct json, uint32_t *);
