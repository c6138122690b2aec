/*
 * matcher.h: what Split and Replace look for: {"String": text} or {"Regex": pattern}.
 */
#pragma once
#include "lib/record/json.h"
#include "lib/token/regex.h"

struct matcher {
	struct slice literal; /* unless there is a regex */
	struct regex *regex;
};

/* From the member "pattern" of an object. */
int matcher_read(struct matcher *, struct json, struct arena *, struct error *);
void matcher_free(struct matcher *);

/* As regex_next; matches of a literal do not overlap. */
int matcher_next(const struct matcher *, struct regex_work *, struct slice text,
	struct regex_walk *, size_t *start, size_t *end, struct error *);
