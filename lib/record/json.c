/*
 * json.c: the pull parser of RFC 8259. One state says what may come next; the open brackets are one
 * bit each. Nothing is copied and nothing allocated.
 */
#include "lib/record/json.h"

#include <math.h>

#include "lib/base/utf8.h"
#include "lib/record/number.h"
#include "lib/record/scan.h"

enum expect {
	EXPECT_VALUE, /* the root, after a key, after a comma in an array */
	EXPECT_FIRST_ELEMENT, /* or ] */
	EXPECT_FIRST_KEY, /* or } */
	EXPECT_NEXT, /* a comma or the end of what is open; at depth 0 of the text */
	EXPECT_NOTHING, /* after JSON_END */
	EXPECT_FAILED,
};

static inline bool is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

static enum json_type fail(struct json_parser *p, const char *at, const char *fault)
{
	p->from = p->to = p->at = at;
	p->fault = fault;
	p->expect = EXPECT_FAILED;
	return JSON_ERROR;
}

static inline enum json_type token(struct json_parser *p, enum json_type type, const char *from,
	const char *to, enum expect expect)
{
	p->from = from;
	p->to = p->at = to;
	p->expect = expect;
	return type;
}

static inline bool in_object(const struct json_parser *p)
{
	return p->objects[(p->depth - 1) / 64] >> ((p->depth - 1) % 64) & 1;
}

static enum json_type open(struct json_parser *p, const char *s, bool object)
{
	if (p->depth == JSON_DEPTH)
		return fail(p, s, "nested deeper than 1024 levels");
	uint64_t bit = (uint64_t)1 << (p->depth % 64);
	uint64_t *word = &p->objects[p->depth / 64];
	*word = object ? *word | bit : *word & ~bit;
	p->depth++;
	return token(p, object ? JSON_OBJECT : JSON_ARRAY, s, s + 1,
		object ? EXPECT_FIRST_KEY : EXPECT_FIRST_ELEMENT);
}

static inline enum json_type close(struct json_parser *p, const char *s, bool object)
{
	p->depth--;
	return token(p, object ? JSON_OBJECT_END : JSON_ARRAY_END, s, s + 1, EXPECT_NEXT);
}

/* --- Strings -------------------------------------------------------------------------------- */

/* Four hexadecimal digits, or -1. */
static int hex4(const char *s, const char *end)
{
	int x = 0;
	if (end - s < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)s[i], letter = (unsigned char)((c | 0x20) - 'a');
		if (is_digit((char)c))
			x = x * 16 + c - '0';
		else if (letter < 6)
			x = x * 16 + 10 + letter;
		else
			return -1;
	}
	return x;
}

/* Over the escape at s; NULL and *fault where it is wrong. */
static const char *skip_escape(const char *s, const char *end, const char **fault)
{
	if (end - s < 2 || !memchr("\"\\/bfnrtu", s[1], 9)) {
		*fault = "an invalid escape";
		return NULL;
	}
	if (s[1] != 'u')
		return s + 2;
	int x = hex4(s + 2, end);
	if (x < 0) {
		*fault = "\\u without four hexadecimal digits";
		return NULL;
	}
	if ((x & 0xf800) != 0xd800)
		return s + 6;
	int y = end - s >= 8 && s[6] == '\\' && s[7] == 'u' ? hex4(s + 8, end) : -1;
	if (x >= 0xdc00 || (y & 0xfc00) != 0xdc00 || y < 0) {
		*fault = "a lone surrogate";
		return NULL;
	}
	return s + 12;
}

/* Whether a string is UTF-8: the text is checked ahead, not string by string. */
static bool check_utf8(struct json_parser *p, const char *from, const char *to)
{
	enum { AHEAD = 1 << 16 };
	size_t size = (size_t)(to - from), left = (size_t)(p->end - from);
	size_t ahead = size > AHEAD ? size : left < AHEAD ? left : AHEAD;
	p->checked = from + utf8_check((struct slice){ from, ahead });
	return p->checked >= to;
}

/* The string that opens at s, as a token of a type. */
static inline enum json_type string(
	struct json_parser *p, enum json_type type, const char *s, enum expect expect)
{
	const char *from = ++s, *fault;
	bool high = false, plain = true;
	for (;;) {
		s = scan_short_string(s, p->end, &high);
		if (s == p->end || *s != '\\')
			break;
		const char *next = skip_escape(s, p->end, &fault);
		if (!next)
			return fail(p, s, fault);
		s = next;
		plain = false;
	}
	if (high && s > p->checked && !check_utf8(p, from, s))
		return fail(p, p->checked, "invalid UTF-8");
	if (s == p->end)
		return fail(p, s, "the text ends inside a string");
	if (*s != '"')
		return fail(p, s, "a control character in a string");
	p->plain = plain;
	return token(p, type, from - 1, s + 1, expect);
}

static inline enum json_type key(struct json_parser *p, const char *s)
{
	if (s == p->end)
		return fail(p, s, "the text ends inside an object");
	if (*s != '"')
		return fail(p, s, "expected a key in double quotes");
	if (string(p, JSON_KEY, s, EXPECT_VALUE) == JSON_ERROR)
		return JSON_ERROR;
	const char *colon = scan_short_space(p->at, p->end);
	if (colon == p->end)
		return fail(p, colon, "the text ends inside an object");
	if (*colon != ':')
		return fail(p, colon, "expected ':' after the key");
	p->at = colon + 1;
	return JSON_KEY;
}

/* --- Values --------------------------------------------------------------------------------- */

/* Behind the number at s, or NULL. */
static inline const char *skip_number(const char *s, const char *end, bool *large)
{
	if (*s == '-' && ++s == end)
		return NULL;
	const char *first = s;
	if (*s == '0') {
		s++;
	} else {
		while (s < end && is_digit(*s))
			s++;
		if (s == first)
			return NULL;
	}
	*large = s - first > 300;
	if (s < end && *s == '.') {
		first = ++s;
		while (s < end && is_digit(*s))
			s++;
		if (s == first)
			return NULL;
	}
	if (s < end && (*s | 0x20) == 'e') {
		*large = true;
		s++;
		if (s < end && (*s == '+' || *s == '-'))
			s++;
		first = s;
		while (s < end && is_digit(*s))
			s++;
		if (s == first)
			return NULL;
	}
	return s;
}

static inline enum json_type number(struct json_parser *p, const char *s)
{
	bool large;
	const char *after = skip_number(s, p->end, &large);
	if (!after)
		return fail(p, s, "an invalid number");
	if (large) {
		const char *ignored;
		if (isinf(number_to_double(s, after, &ignored)))
			return fail(p, s, "a number too large for a double");
	}
	return token(p, JSON_NUMBER, s, after, EXPECT_NEXT);
}

static enum json_type word(
	struct json_parser *p, const char *s, const char *text, enum json_type type)
{
	size_t n = strlen(text);
	if ((size_t)(p->end - s) < n || memcmp(s, text, n) != 0)
		return fail(p, s, "expected a value");
	return token(p, type, s, s + n, EXPECT_NEXT);
}

static inline enum json_type value(struct json_parser *p, const char *s)
{
	if (s == p->end)
		return fail(
			p, s, p->depth ? "the text ends where a value is expected" : "no value");
	switch (*s) {
	case '"':
		return string(p, JSON_STRING, s, EXPECT_NEXT);
	case '[':
		return open(p, s, false);
	case '{':
		return open(p, s, true);
	case 't':
		return word(p, s, "true", JSON_TRUE);
	case 'f':
		return word(p, s, "false", JSON_FALSE);
	case 'n':
		return word(p, s, "null", JSON_NULL);
	default:
		if (*s == '-' || is_digit(*s))
			return number(p, s);
		return fail(p, s, "expected a value");
	}
}

/* A comma and what follows it, or the end of the container. */
static inline enum json_type after_value(struct json_parser *p, const char *s)
{
	if (p->depth == 0)
		return s == p->end ? token(p, JSON_END, s, s, EXPECT_NOTHING)
				   : fail(p, s, "something after the value");
	bool object = in_object(p);
	if (s == p->end)
		return fail(p, s,
			object ? "the text ends inside an object"
			       : "the text ends inside an array");
	if (*s == (object ? '}' : ']'))
		return close(p, s, object);
	if (*s != ',')
		return fail(p, s, object ? "expected ',' or '}'" : "expected ',' or ']'");
	s = scan_short_space(s + 1, p->end);
	return object ? key(p, s) : value(p, s);
}

static inline enum json_type next(struct json_parser *p)
{
	const char *s = scan_short_space(p->at, p->end);
	switch ((enum expect)p->expect) {
	case EXPECT_NEXT:
		return after_value(p, s);
	case EXPECT_VALUE:
		return value(p, s);
	case EXPECT_FIRST_ELEMENT:
		return s < p->end && *s == ']' ? close(p, s, false) : value(p, s);
	case EXPECT_FIRST_KEY:
		return s < p->end && *s == '}' ? close(p, s, true) : key(p, s);
	case EXPECT_NOTHING:
		return token(p, JSON_END, p->end, p->end, EXPECT_NOTHING);
	case EXPECT_FAILED:
		break;
	}
	return JSON_ERROR;
}

void json_begin(struct json_parser *p, struct slice text)
{
	p->start = p->at = p->checked = text.data;
	p->end = text.data + text.size;
	p->depth = 0;
	p->fault = NULL;
	p->expect = EXPECT_VALUE;
}

/* Behind the container whose opening bracket is the last token. */
__attribute__((noinline)) static enum json_type skip_container(
	struct json_parser *p, enum json_type opened)
{
	const char *start = p->from;
	size_t outside = p->depth - 1;
	while (p->depth > outside)
		if (next(p) == JSON_ERROR)
			return JSON_ERROR;
	p->from = start;
	return opened;
}

static inline enum json_type skip(struct json_parser *p, enum json_type t)
{
	return t == JSON_ARRAY || t == JSON_OBJECT ? skip_container(p, t) : t;
}

static inline struct json last(const struct json_parser *p, enum json_type type)
{
	return (struct json){ .type = type,
		.plain = (type == JSON_STRING || type == JSON_KEY) && p->plain,
		.raw = { p->from, (size_t)(p->to - p->from) } };
}

struct json json_next(struct json_parser *p)
{
	enum json_type t = next(p);
	return last(p, t);
}

struct json json_skip(struct json_parser *p, struct json t)
{
	if (t.type != JSON_KEY && t.type != JSON_ARRAY && t.type != JSON_OBJECT)
		return t;
	enum json_type type = skip(p, t.type == JSON_KEY ? next(p) : t.type);
	return last(p, type);
}

/* Flat: of most records nothing is read but their members. */
__attribute__((flatten)) bool json_member(struct json_parser *p, struct json *k, struct json *v)
{
	enum json_type type = next(p);
	*k = last(p, type);
	if (type != JSON_KEY)
		return false;
	type = skip(p, value(p, scan_short_space(p->at, p->end)));
	*(type == JSON_ERROR ? k : v) = last(p, type);
	return type != JSON_ERROR;
}

/* --- Usual shapes --------------------------------------------------------------------------- */

/* Behind white space, the character and white space; NULL where there is another. */
static inline const char *skip_char(const char *s, const char *end, char c)
{
	s = scan_short_space(s, end);
	return s < end && *s == c ? scan_short_space(s + 1, end) : NULL;
}

/* Where the next member or element is, behind its comma; NULL where there is none to be. */
static inline const char *begin_item(const struct json_parser *p, enum expect first)
{
	return p->expect == EXPECT_NEXT ? skip_char(p->at, p->end, ',')
	       : p->expect == first     ? scan_short_space(p->at, p->end)
					: NULL;
}

/* Behind the string at s, which has no escape; NULL for anything else. */
static inline const char *plain_string(struct json_parser *p, const char *s, struct slice *text)
{
	bool high = false;
	if (s == p->end || *s != '"')
		return NULL;
	const char *from = s + 1, *to = scan_short_string(from, p->end, &high);
	if (to == p->end || *to != '"' || (high && to > p->checked && !check_utf8(p, from, to)))
		return NULL;
	*text = (struct slice){ from, (size_t)(to - from) };
	return to + 1;
}

bool json_next_count(struct json_parser *p, struct slice *key, uint32_t *count)
{
	const char *s = p->depth && in_object(p) ? begin_item(p, EXPECT_FIRST_KEY) : NULL;
	if (!s || !(s = plain_string(p, s, key)) || !(s = skip_char(s, p->end, ':')))
		return false;
	const char *digits = s;
	uint32_t n = 0;
	while (s < p->end && is_digit(*s) && s - digits < 10)
		n = 10 * n + (uint32_t)(*s++ - '0');
	bool whole = s < p->end && (*s == ',' || *s == '}' || (unsigned char)*s <= ' ');
	if (s == digits || s - digits > 9 || (*digits == '0' && s - digits > 1) || !whole)
		return false;
	*count = n;
	p->at = s;
	p->expect = EXPECT_NEXT;
	return true;
}

bool json_next_pair(struct json_parser *p, struct slice pair[2])
{
	const char *s = p->depth && !in_object(p) ? begin_item(p, EXPECT_FIRST_ELEMENT) : NULL;
	if (!s || p->depth == JSON_DEPTH || !(s = skip_char(s, p->end, '[')) ||
		!(s = plain_string(p, s, &pair[0])) || !(s = skip_char(s, p->end, ',')) ||
		!(s = plain_string(p, s, &pair[1])))
		return false;
	s = scan_short_space(s, p->end);
	if (s == p->end || *s != ']')
		return false;
	p->at = s + 1;
	p->expect = EXPECT_NEXT;
	return true;
}
