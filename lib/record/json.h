/*
 * json.h: a strict JSON (RFC 8259) pull parser and writer: the only ones in the tree. Records,
 * config.json, tokenizer.json and reports all use them.
 *
 * The text is a slice that stays in place; what the parser gives points into it. Strict: UTF-8 is
 * checked, lone surrogates, numbers that overflow to infinity, and anything JSONTestSuite calls n_
 * are errors. The nesting is limited (JSON_DEPTH), the parser does not recurse. Duplicate keys are
 * the reader's business: the pull parser gives them all, json_get the last.
 */
#pragma once
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/slice.h"

/* A library that a command loads may define functions of these names (libjansson's json_integer):
 * none takes another's. */
#pragma GCC visibility push(hidden)

enum { JSON_DEPTH = 1024 };

enum json_type {
	JSON_ABSENT, /* of a value that is not there */
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT, /* as a token: the opening bracket */
	JSON_KEY,
	JSON_ARRAY_END,
	JSON_OBJECT_END,
	JSON_END, /* of the text */
	JSON_ERROR,
};

/* A value or token: its type and its own bytes, quotes and brackets included. */
struct json {
	enum json_type type;
	bool plain; /* of a string or key: it is known to have no escape */
	struct slice raw;
};

/* What a value is, for messages: "a string", "an array", "nothing". */
const char *json_type_name(enum json_type);

/* --- Pull parser ---------------------------------------------------------------------------- */

struct json_parser {
	const char *start, *at, *end;
	const char *from, *to; /* the last token */
	const char *checked; /* what is before it is UTF-8 */
	size_t depth;
	const char *fault; /* what is wrong, after JSON_ERROR; at is where */
	unsigned expect; /* internal state */
	bool plain; /* the last string has no escape */
	uint64_t objects[JSON_DEPTH / 64]; /* one bit a level: is it an object? */
};

void json_begin(struct json_parser *, struct slice text);

/* The next token. A container is its opening bracket, its members follow, then its end. After
 * JSON_END or JSON_ERROR: the same again. */
struct json json_next(struct json_parser *);

/* After a JSON_ARRAY, JSON_OBJECT or JSON_KEY token: skip to behind the container, or over the
 * key's value, checking it all, and give the whole value (or JSON_ERROR). Any other token is given
 * back. */
struct json json_skip(struct json_parser *, struct json token);

/* After JSON_OBJECT or a member of it: its next member, key and whole value, true; false at the
 * object's end and where something is wrong: *key is then that token. As json_next and json_skip,
 * at once. */
bool json_member(struct json_parser *, struct json *key, struct json *value);

/*
 * What large files are made of, in one step: the next member of an object where its key has no escape
 * and its value is a whole number of up to 9 digits; the next element of an array where that is two
 * strings without escapes. false: it is something else, or the end, or wrong; nothing is taken, and
 * json_next tells.
 */
bool json_next_count(struct json_parser *, struct slice *key, uint32_t *count);
bool json_next_pair(struct json_parser *, struct slice pair[2]);

/* After JSON_ERROR: the error (65) with line and column (in bytes); returns -1. */
int json_fault(const struct json_parser *, struct error *);

/* --- Values: checked already, read in place ------------------------------------------------- */

/* Check a whole text and give its root value; -1 and json_fault's error if it is not JSON. */
int json_read(struct slice text, struct json *root, struct error *);

/* The value of the last member so named; JSON_ABSENT where there is none or v is no object. O(size
 * of v). */
struct json json_get(struct json v, const char *key);

/* Walk the members of an object or the elements of an array; a walk over any other value has no
 * steps:
 * 	for (struct json_iterator i = json_iterate(v); json_each(&i);) … */
struct json_iterator {
	struct json key, value; /* key: JSON_ABSENT in an array */
	const char *at, *end;
	bool object;
};
struct json_iterator json_iterate(struct json v);
bool json_each(struct json_iterator *);

size_t json_count(struct json v); /* members or elements */

/* The text of a string or key: in place where it has no escape, else decoded into the arena. May
 * hold NUL (\u0000). */
struct slice json_text(struct json string, struct arena *);
void json_add_text(struct buffer *, struct json string); /* append it */
bool json_text_is(struct json string, const char *text);
bool json_text_equal(struct json string, struct slice text);

/* Numbers, read exactly (round to nearest even); not a number: NaN. integer: false unless it is a
 * number, whole and fits (1e3 and 2.0 are whole). */
double json_double(struct json number);
bool json_integer(struct json number, int64_t *);

/* --- Writing: append to a buffer ------------------------------------------------------------ */

/* Quoted; escapes only ", \ and controls. */
void json_write_string(struct buffer *, struct slice text);
void json_write_integer(struct buffer *, int64_t);
/* The shortest that reads back, as a double or as float32; finite (CHECK). A vector: [a,b,…]. */
void json_write_double(struct buffer *, double);
void json_write_float(struct buffer *, float);
void json_write_vector(struct buffer *, const float *, size_t n);

#pragma GCC visibility pop
