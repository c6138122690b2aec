/*
 * matcher.h: what Split and Replace look for: {"String": text} or {"Regex": pattern}.
 */
#pragma once
#include "lib/record/json.h"
#include "lib/token/pattern.h"
#include "lib/token/regex.h"

struct matcher {
	struct slice literal; /* unless there is a regex or a pattern */
	struct regex *regex;
	const struct pattern *pattern; /* a regex that is well known */
};

/* From a regular expression, which lasts. */
int matcher_regex(struct matcher *, struct slice regex, struct error *);

/* From the member "pattern" of an object. */
int matcher_read(struct matcher *, struct json, struct arena *, struct error *);
void matcher_free(struct matcher *);

/* As regex_next; matches of a literal do not overlap. */
int matcher_next(const struct matcher *, struct regex_work *, struct slice text,
	struct regex_walk *, size_t *start, size_t *end, struct error *);
