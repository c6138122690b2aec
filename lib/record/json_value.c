/* json_value.c: values of a text that the parser has checked: they are walked in place, without
 * checking again. */
#include <math.h>

#include "lib/record/json.h"
#include "lib/record/number.h"
#include "lib/record/scan.h"

const char *json_type_name(enum json_type type)
{
	switch (type) {
	case JSON_NULL:
		return "null";
	case JSON_FALSE:
		return "false";
	case JSON_TRUE:
		return "true";
	case JSON_NUMBER:
		return "a number";
	case JSON_STRING:
	case JSON_KEY:
		return "a string";
	case JSON_ARRAY:
		return "an array";
	case JSON_OBJECT:
		return "an object";
	default:
		return "nothing";
	}
}

int json_fault(const struct json_parser *p, struct error *e)
{
	size_t line = 1;
	const char *start = p->start;
	for (const char *s = start; s < p->at; s++)
		if (*s == '\n')
			line++, start = s + 1;
	return error_set(e, ERROR_DATA, "line %zu, column %zu: %s", line,
		(size_t)(p->at - start) + 1, p->fault);
}

int json_read(struct slice text, struct json *root, struct error *e)
{
	struct json_parser p;
	json_begin(&p, text);
	*root = json_skip(&p, json_next(&p));
	if (root->type != JSON_ERROR && json_next(&p).type == JSON_END)
		return 0;
	*root = (struct json){ .type = JSON_ABSENT };
	return json_fault(&p, e);
}

/* --- Walking -------------------------------------------------------------------------------- */

static const char *string_end(const char *s, const char *end)
{
	bool ignored = false;
	for (s = scan_short_string(s + 1, end, &ignored); *s != '"';
		s = scan_short_string(s, end, &ignored))
		s += 2;
	return s + 1;
}

/* Behind the value at s. */
static const char *value_end(const char *s, const char *end)
{
	if (*s == '"')
		return string_end(s, end);
	if (*s != '[' && *s != '{') {
		while (s < end && *s != ',' && *s != ']' && *s != '}' && (unsigned char)*s > ' ')
			s++;
		return s;
	}
	return scan_container(s, end);
}

static enum json_type type_of(char first)
{
	switch (first) {
	case '"':
		return JSON_STRING;
	case '[':
		return JSON_ARRAY;
	case '{':
		return JSON_OBJECT;
	case 't':
		return JSON_TRUE;
	case 'f':
		return JSON_FALSE;
	case 'n':
		return JSON_NULL;
	default:
		return JSON_NUMBER;
	}
}

static struct json span(enum json_type type, const char *from, const char *to)
{
	return (struct json){ .type = type, .raw = { from, (size_t)(to - from) } };
}

struct json_iterator json_iterate(struct json v)
{
	struct json_iterator i = { .object = v.type == JSON_OBJECT };
	if (i.object || v.type == JSON_ARRAY) {
		i.at = v.raw.data + 1;
		i.end = v.raw.data + v.raw.size - 1;
	}
	return i;
}

/* The next element or key; the end of what is walked, or the bracket that closes it. */
static inline const char *next_item(const struct json_iterator *i)
{
	const char *s = i->at;
	s = scan_short_space(s, i->end);
	return s < i->end && *s == ',' ? scan_short_space(s + 1, i->end) : s;
}

bool json_each(struct json_iterator *i)
{
	const char *s = next_item(i);
	if (s == i->end || *s == ']' || *s == '}')
		return false;
	if (i->object) {
		const char *after = string_end(s, i->end);
		i->key = span(JSON_KEY, s, after);
		for (s = after; (unsigned char)*s <= ' ' || *s == ':';)
			s++;
	}
	i->at = value_end(s, i->end);
	i->value = span(type_of(*s), s, i->at);
	return true;
}

size_t json_count(struct json v)
{
	size_t n = 0;
	for (struct json_iterator i = json_iterate(v); json_each(&i);)
		n++;
	return n;
}

struct json json_get(struct json v, const char *key)
{
	struct json found = { .type = JSON_ABSENT };
	if (v.type != JSON_OBJECT)
		return found;
	struct slice name = slice_from(key);
	for (struct json_iterator i = json_iterate(v); json_each(&i);)
		if (json_text_equal(i.key, name))
			found = i.value;
	return found;
}

/* --- Strings and numbers -------------------------------------------------------------------- */

static unsigned hex4(const char *s)
{
	unsigned x = 0;
	for (int i = 0; i < 4; i++) {
		unsigned c = (unsigned char)s[i];
		x = x * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return x;
}

static size_t put_utf8(char *out, unsigned c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = n; --i > 0; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)((0xf00u >> n & 0xff) | c);
	return n;
}

/* One escape at s into out (up to 4 bytes, *n of them); returns what follows it. */
static const char *unescape(const char *s, char *out, size_t *n)
{
	*n = 1;
	switch (s[1]) {
	case 'b':
		*out = '\b';
		return s + 2;
	case 'f':
		*out = '\f';
		return s + 2;
	case 'n':
		*out = '\n';
		return s + 2;
	case 'r':
		*out = '\r';
		return s + 2;
	case 't':
		*out = '\t';
		return s + 2;
	case 'u':
		break;
	default:
		*out = s[1];
		return s + 2;
	}
	unsigned c = hex4(s + 2);
	s += 6;
	if ((c & 0xfc00) == 0xd800) {
		c = 0x10000 + ((c & 0x3ff) << 10) + (hex4(s + 2) & 0x3ff);
		s += 6;
	}
	*n = put_utf8(out, c);
	return s;
}

/* Decode the body of a string; out has room for body.size bytes, which is never too little. Returns
 * the size. */
static size_t decode(char *out, struct slice body)
{
	char *start = out;
	const char *from = body.data, *end = body.data + body.size;
	for (const char *s; (s = memchr(from, '\\', (size_t)(end - from)));) {
		size_t n = (size_t)(s - from);
		memcpy(out, from, n);
		out += n;
		from = unescape(s, out, &n);
		out += n;
	}
	size_t rest = (size_t)(end - from);
	memcpy(out, from, rest);
	return (size_t)(out - start) + rest;
}

static struct slice body_of(struct json string)
{
	CHECK(string.type == JSON_STRING || string.type == JSON_KEY);
	return (struct slice){ string.raw.data + 1, string.raw.size - 2 };
}

struct slice json_text(struct json string, struct arena *arena)
{
	struct slice body = body_of(string);
	if (string.plain || !memchr(body.data, '\\', body.size))
		return body;
	char *text = arena_alloc(arena, body.size);
	return (struct slice){ text, decode(text, body) };
}

void json_add_text(struct buffer *b, struct json string)
{
	struct slice body = body_of(string);
	if (body.size)
		b->size += decode(buffer_reserve(b, body.size), body);
}

bool json_text_equal(struct json string, struct slice text)
{
	if (string.type != JSON_STRING && string.type != JSON_KEY)
		return false;
	const char *s = string.raw.data + 1, *end = string.raw.data + string.raw.size - 1;
	size_t size = (size_t)(end - s);
	/* text that an escape stands for is shorter than it */
	if (size <= text.size)
		return size == text.size && memcmp(s, text.data, size) == 0 &&
		       (string.plain || !memchr(s, '\\', size));
	if (string.plain || !memchr(s, '\\', size))
		return false;
	const char *t = text.data, *last = text.data + text.size;
	while (s < end) {
		char bytes[4] = { *s };
		size_t n = 1;
		s = *s == '\\' ? unescape(s, bytes, &n) : s + 1;
		if ((size_t)(last - t) < n || memcmp(t, bytes, n) != 0)
			return false;
		t += n;
	}
	return t == last;
}

bool json_text_is(struct json string, const char *text)
{
	return json_text_equal(string, slice_from(text));
}

double json_double(struct json v)
{
	const char *after;
	if (v.type != JSON_NUMBER)
		return NAN;
	return number_to_double(v.raw.data, v.raw.data + v.raw.size, &after);
}

/* x = 10 x + digit within the negative range, which is the larger. */
static bool shift_in(int64_t *x, int digit)
{
	return !__builtin_mul_overflow(*x, 10, x) && !__builtin_sub_overflow(*x, digit, x);
}

bool json_integer(struct json v, int64_t *value)
{
	if (v.type != JSON_NUMBER)
		return false;
	const char *s = v.raw.data, *end = s + v.raw.size, *e = s;
	bool negative = *s == '-', point = false;
	s += negative;
	while (e < end && (*e | 0x20) != 'e')
		e++;
	int64_t exponent = 0, x = 0, zeros = 0;
	if (e < end) {
		const char *d = e + 1;
		bool minus = *d == '-';
		for (d += *d == '-' || *d == '+'; d < end; d++)
			exponent = exponent < 1000000000000 ? exponent * 10 + (*d - '0') : exponent;
		exponent = minus ? -exponent : exponent;
	}
	/* zeros wait until a digit follows them: 10.00 and 1e400 - 400 digits - are read no further
	 * than they matter */
	for (; s < e; s++) {
		if (*s == '.') {
			point = true;
			continue;
		}
		exponent -= point;
		if (*s == '0') {
			zeros += x != 0;
			continue;
		}
		for (; zeros; zeros--)
			if (!shift_in(&x, 0))
				return false;
		if (!shift_in(&x, *s - '0'))
			return false;
	}
	exponent += zeros;
	if (x == 0)
		exponent = 0;
	for (; exponent > 0; exponent--)
		if (!shift_in(&x, 0))
			return false;
	if (exponent < 0 || (!negative && x == INT64_MIN))
		return false;
	*value = negative ? x : -x;
	return true;
}
