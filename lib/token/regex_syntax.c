/*
 * regex_syntax.c: see regex_syntax.h. Syntax: https://github.com/kkos/oniguruma, doc/RE (6.9.8), and
 * pcre2pattern(3). Differences that matter: classes of code points (regex_table.h); \h, \v, \b, \w,
 * \d, \s; && between classes (refused); X{n,m}+ and X{n}? are no possessive and lazy
 * quantifiers; (?m) is PCRE2's (?s), and options hold up to the end of the group, across |.
 */
#include "lib/token/regex_syntax.h"

#include <stdio.h>

#include "lib/text/utf8.h"
#include "lib/token/regex_set.h"

enum { DEPTH = 200, NESTED = 8, NO_ATOM = -1 };

struct translation {
	struct slice in;
	size_t at;
	struct buffer *out;
	ptrdiff_t atom; /* where in the output what a quantifier repeats begins; NO_ATOM */
	struct {
		ptrdiff_t start; /* of the group in the output */
		unsigned closes; /* groups that (?i) has opened within */
	} groups[DEPTH];
	size_t depth;
	struct error *error;
};

static int refuse(struct translation *t, const char *what)
{
	return error_set(t->error, ERROR_MODEL, "%s at byte %zu is not supported", what, t->at);
}

static int broken(struct translation *t, const char *what)
{
	return error_set(t->error, ERROR_MODEL, "%s at byte %zu", what, t->at);
}

static bool more(const struct translation *t)
{
	return t->at < t->in.size;
}

static char peek(const struct translation *t, size_t ahead)
{
	return t->at + ahead < t->in.size ? t->in.data[t->at + ahead] : '\0';
}

static bool take(struct translation *t, const char *text)
{
	size_t n = strlen(text);
	if (t->in.size - t->at < n || memcmp(t->in.data + t->at, text, n) != 0)
		return false;
	t->at += n;
	return true;
}

static uint32_t take_char(struct translation *t)
{
	uint32_t c;
	t->at += utf8_decode(t->in.data + t->at, t->in.data + t->in.size, &c);
	return c;
}

/* --- Classes of code points -------------------------------------------------------------------- */

static int add_class(struct translation *t, struct regex_set *s, struct slice name, bool not )
{
	return regex_set_add(s, name, not ) ? 0 : refuse(t, "a class of characters");
}

/* Behind \p or \P: {Name}, {^Name}. */
static int take_property(struct translation *t, struct regex_set *s, bool not )
{
	if (!take(t, "{"))
		return refuse(t, "\\p without {");
	if (take(t, "^"))
		not = !not ;
	size_t start = t->at;
	while (more(t) && peek(t, 0) != '}')
		t->at++;
	struct slice name = { t->in.data + start, t->at - start };
	if (!take(t, "}"))
		return broken(t, "\\p{ without }");
	return add_class(t, s, name, not );
}

/* What \d and its like stand for; NULL: nothing. */
static const char *shorthand(char c)
{
	switch (c | 0x20) {
	case 'd':
		return "Nd";
	case 'w':
		return "word";
	case 's':
		return "space";
	case 'h':
		return "xdigit";
	default:
		return NULL;
	}
}

/* Behind a backslash: a class of characters, 1 if there was one. */
static int take_class(struct translation *t, struct regex_set *s)
{
	char c = peek(t, 0);
	bool upper = c >= 'A' && c <= 'Z';
	if (c == 'p' || c == 'P') {
		t->at++;
		return take_property(t, s, upper) ? -1 : 1;
	}
	const char *name = (c >= 'a' && c <= 'z') || upper ? shorthand(c) : NULL;
	if (!name)
		return 0;
	t->at++;
	return add_class(t, s, slice_from(name), upper) ? -1 : 1;
}

/* --- Characters -------------------------------------------------------------------------------- */

static int hex_value(char c)
{
	return c >= '0' && c <= '9'                     ? c - '0'
	       : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
							: -1;
}

static uint32_t take_hex(struct translation *t, size_t most, size_t *digits)
{
	uint32_t c = 0;
	for (*digits = 0; *digits < most && more(t) && hex_value(peek(t, 0)) >= 0; ++*digits)
		c = c << 4 | (uint32_t)hex_value(t->in.data[t->at++]);
	return c;
}

static int valid_char(struct translation *t, uint32_t c, size_t digits)
{
	if (digits == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return broken(t, "a number that is no character");
	return 0;
}

/* Behind a backslash: a single character. */
static int take_escape(struct translation *t, bool in_class, uint32_t *to)
{
	static const char letters[] = "tnrfvae", codes[] = "\t\n\r\f\v\a\033";
	size_t digits;
	if (!more(t))
		return broken(t, "a backslash at the end");
	uint32_t c = take_char(t);
	const char *letter = c && c < 0x80 ? strchr(letters, (int)c) : NULL;
	*to = c;
	if (letter) {
		*to = (unsigned char)codes[letter - letters];
		return 0;
	}
	if (c == 'b' && in_class) {
		*to = '\b';
		return 0;
	}
	if (c == 'x' && take(t, "{")) {
		*to = take_hex(t, 8, &digits);
		if (!take(t, "}"))
			return broken(t, "\\x{ without }");
		return valid_char(t, *to, digits);
	}
	if (c == 'x') {
		*to = take_hex(t, 2, &digits);
		if (*to > 0x7f)
			return refuse(t, "\\x of a byte above 7f");
		return valid_char(t, *to, digits);
	}
	if (c == 'u') {
		*to = take_hex(t, 4, &digits);
		return valid_char(t, *to, digits == 4);
	}
	if (c == '0') {
		*to = 0;
		for (int i = 0; i < 2 && peek(t, 0) >= '0' && peek(t, 0) <= '7'; i++)
			*to = *to * 8 + (uint32_t)(t->in.data[t->at++] - '0');
		return 0;
	}
	if ((c >= '1' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
		return refuse(t, "an escape");
	return 0;
}

static void put_char(struct buffer *b, uint32_t c)
{
	if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z' && c < 0x80)) {
		buffer_char(b, (char)c);
	} else if (c < 0x80) {
		buffer_printf(b, "\\x{%x}", c);
	} else {
		char bytes[4];
		buffer_add(b, bytes, utf8_encode(bytes, c));
	}
}

/* --- [ ] --------------------------------------------------------------------------------------- */

/* [:name:] or [:^name:]; 0 where it is none. */
static int take_posix(struct translation *t, struct regex_set *s)
{
	size_t start = t->at + 2, end = start;
	bool not = peek(t, 2) == '^';
	start += not ;
	for (end = start; end < t->in.size && (t->in.data[end] | 0x20) >= 'a' &&
			  (t->in.data[end] | 0x20) <= 'z';)
		end++;
	if (end + 1 >= t->in.size || t->in.data[end] != ':' || t->in.data[end + 1] != ']')
		return 0;
	struct slice name = { t->in.data + start, end - start };
	if (add_class(t, s, name, not ))
		return -1;
	t->at = end + 2;
	return 1;
}

/* One character of a class. */
static int take_member(struct translation *t, uint32_t *c)
{
	if (take(t, "\\"))
		return take_escape(t, true, c);
	*c = take_char(t);
	return 0;
}

static int take_items(struct translation *t, struct regex_set *s, unsigned depth);

/* A class within a class: what it holds is held too. */
static int take_nested(struct translation *t, struct regex_set *s, unsigned depth)
{
	struct regex_set inner = { .n_nots = 0 };
	bool not = take(t, "[^");
	if (depth == NESTED || !(not || take(t, "[")))
		return refuse(t, "classes nested so deeply");
	int rc = take_items(t, &inner, depth + 1);
	const struct slice items = buffer_view(&inner.items), nots = buffer_view(&inner.nots);
	if (!rc && not &&(inner.n_nots || items.size == 0))
		rc = refuse(t, "such a class within a class");
	if (!rc && not ) {
		buffer_printf(
			&s->nots, "%s[^%.*s]", s->n_nots++ ? "|" : "", (int)items.size, items.data);
	} else if (!rc) {
		buffer_slice(&s->items, items);
		if (inner.n_nots)
			buffer_printf(&s->nots, "%s%.*s", s->n_nots ? "|" : "", (int)nots.size,
				nots.data);
		s->n_nots += inner.n_nots;
	}
	regex_set_free(&inner);
	return rc;
}

static int take_item(struct translation *t, struct regex_set *s, unsigned depth)
{
	uint32_t first, last;
	int rc = 0;
	if (peek(t, 0) == '[' && peek(t, 1) == ':' && (rc = take_posix(t, s)))
		return rc < 0 ? -1 : 0;
	if (peek(t, 0) == '[')
		return take_nested(t, s, depth);
	if (peek(t, 0) == '&' && peek(t, 1) == '&')
		return refuse(t, "&&");
	if (peek(t, 0) == '\\') {
		t->at++;
		if ((rc = take_class(t, s)))
			return rc < 0 ? -1 : 0;
		t->at--;
	}
	if (take_member(t, &first))
		return -1;
	put_char(&s->items, first);
	if (peek(t, 0) != '-' || peek(t, 1) == ']' || t->at + 1 >= t->in.size)
		return 0;
	t->at++;
	if (peek(t, 0) == '[' || (peek(t, 0) == '\\' && strchr("pPdDwWsShH", peek(t, 1))))
		return refuse(t, "a range to a class");
	if (take_member(t, &last))
		return -1;
	if (last < first)
		return broken(t, "a range that ends before it begins");
	buffer_char(&s->items, '-');
	put_char(&s->items, last);
	return 0;
}

/* Up to the closing bracket, which is taken too. */
static int take_items(struct translation *t, struct regex_set *s, unsigned depth)
{
	if (peek(t, 0) == ']' && memchr(t->in.data + t->at + 1, ']', t->in.size - t->at - 1)) {
		t->at++;
		buffer_text(&s->items, "\\]");
	}
	while (more(t) && peek(t, 0) != ']')
		if (take_item(t, s, depth))
			return -1;
	return take(t, "]") ? 0 : broken(t, "[ without ]");
}

static int translate_class(struct translation *t)
{
	struct regex_set s = { .n_nots = 0 };
	bool not = take(t, "^");
	int rc = take_items(t, &s, 0);
	if (!rc)
		regex_set_put(&s, not, t->out);
	regex_set_free(&s);
	return rc;
}

/* --- Groups and quantifiers -------------------------------------------------------------------- */

static int open_group(struct translation *t, const char *as)
{
	if (t->depth == DEPTH)
		return refuse(t, "groups nested so deeply");
	t->groups[t->depth].start = (ptrdiff_t)t->out->size;
	t->groups[t->depth++].closes = 0;
	buffer_text(t->out, as);
	t->atom = NO_ATOM;
	return 0;
}

/* (?imx-imx) or (?imx-imx: */
static int take_options(struct translation *t)
{
	char options[16] = "";
	size_t n = 0;
	while (n < sizeof options - 1 && strchr("im-", peek(t, 0)) && more(t)) {
		options[n++] = peek(t, 0) == 'm' ? 's' : peek(t, 0);
		t->at++;
	}
	options[n] = '\0';
	char opening[24];
	snprintf(opening, sizeof opening, "(?%s:", options);
	if (take(t, ":"))
		return open_group(t, opening);
	if (!take(t, ")"))
		return refuse(t, "a kind of group");
	buffer_text(t->out, opening);
	t->groups[t->depth - 1].closes++;
	t->atom = NO_ATOM;
	return 0;
}

static int translate_group(struct translation *t)
{
	static const char *const same[] = { "?:", "?=", "?!", "?>", "?<=", "?<!" };
	if (take(t, "?#")) {
		while (more(t) && peek(t, 0) != ')')
			t->at += peek(t, 0) == '\\' && t->at + 1 < t->in.size ? 2 : 1;
		return take(t, ")") ? 0 : broken(t, "a comment without end");
	}
	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		if (take(t, same[i])) {
			char opening[8];
			snprintf(opening, sizeof opening, "(%s", same[i]);
			return open_group(t, opening);
		}
	if (peek(t, 0) == '?' && peek(t, 1) == '<') {
		t->at += 2;
		while (more(t) && peek(t, 0) != '>')
			t->at++;
		return take(t, ">") ? open_group(t, "(?:") : broken(t, "(?< without >");
	}
	if (take(t, "?"))
		return take_options(t);
	return open_group(t, "(?:");
}

static int close_group(struct translation *t)
{
	if (t->depth == 1)
		return broken(t, ") without (");
	t->depth--;
	for (unsigned i = 0; i <= t->groups[t->depth].closes; i++)
		buffer_char(t->out, ')');
	t->atom = t->groups[t->depth].start;
	return 0;
}

/* {n}, {n,}, {,m} or {n,m}; false where it is none. */
static bool take_interval(struct translation *t, uint32_t n[2], bool *bounded)
{
	size_t start = t->at, digits[2] = { 0, 0 };
	bool comma = false;
	n[0] = n[1] = 0;
	if (!take(t, "{"))
		return false;
	for (int i = 0; i < 2; i++) {
		for (; peek(t, 0) >= '0' && peek(t, 0) <= '9' && digits[i] < 6; digits[i]++)
			n[i] = n[i] * 10 + (uint32_t)(t->in.data[t->at++] - '0');
		if (i == 0)
			comma = take(t, ",");
		if (!comma)
			break;
	}
	if (!take(t, "}") || digits[0] + digits[1] == 0) {
		t->at = start;
		return false;
	}
	*bounded = !comma || digits[1];
	if (!comma)
		n[1] = n[0];
	return true;
}

/* Put what is repeated so far in a group, so that it can be repeated again. */
static void wrap_atom(struct translation *t)
{
	struct slice atom = { t->out->data + t->atom, t->out->size - (size_t)t->atom };
	struct buffer copy = { NULL, 0, 0 };
	buffer_slice(&copy, atom);
	t->out->size = (size_t)t->atom;
	buffer_printf(t->out, "(?:%.*s)", (int)copy.size, copy.data);
	buffer_free(&copy);
}

static int translate_interval(struct translation *t, uint32_t n[2], bool bounded)
{
	if (n[0] > 65535 || n[1] > 65535)
		return refuse(t, "so many repetitions");
	if (bounded && n[1] < n[0])
		return refuse(t, "a repetition whose end is below its beginning");
	if (bounded && n[0] == n[1])
		buffer_printf(t->out, "{%u}", n[0]);
	else if (bounded)
		buffer_printf(t->out, "{%u,%u}", n[0], n[1]);
	else
		buffer_printf(t->out, "{%u,}", n[0]);
	/* {n}? is (?:…{n})? there, and {n,m}+ is (?:…{n,m})+ */
	if (!(bounded && n[0] == n[1]) && take(t, "?"))
		buffer_char(t->out, '?');
	return 0;
}

/* All quantifiers behind an atom. */
static int translate_quantifiers(struct translation *t)
{
	uint32_t n[2];
	bool bounded;
	for (bool again = false; more(t); again = true) {
		char c = peek(t, 0);
		bool interval = c == '{' && take_interval(t, n, &bounded);
		if (!interval && c != '*' && c != '+' && c != '?')
			return 0;
		if (t->atom == NO_ATOM)
			return broken(t, "nothing to repeat");
		if (again)
			wrap_atom(t);
		if (t->out->size - (size_t)t->atom > 1 << 16)
			return refuse(t, "a pattern so long");
		if (interval) {
			if (translate_interval(t, n, bounded))
				return -1;
			continue;
		}
		t->at++;
		buffer_char(t->out, c);
		if (peek(t, 0) == '?' || peek(t, 0) == '+')
			buffer_char(t->out, t->in.data[t->at++]);
	}
	return 0;
}

/* --- All --------------------------------------------------------------------------------------- */

/* \b between what is in \w and what is not; \B elsewhere. */
static void put_boundary(struct translation *t, bool not )
{
	struct regex_set set = { .alone = true };
	regex_set_add(&set, SLICE("word"), false);
	const struct buffer word = set.items;
	buffer_printf(t->out,
		not ? "(?:(?<=[%1$.*2$s])(?=[%1$.*2$s])|(?<![%1$.*2$s])(?![%1$.*2$s]))"
		    : "(?:(?<=[%1$.*2$s])(?![%1$.*2$s])|(?<![%1$.*2$s])(?=[%1$.*2$s]))",
		word.data, (int)word.size);
	regex_set_free(&set);
}

static int translate_escape(struct translation *t)
{
	struct regex_set s = { .alone = true };
	uint32_t c;
	int rc = take_class(t, &s);
	if (rc > 0)
		regex_set_put(&s, false, t->out);
	regex_set_free(&s);
	if (rc)
		return rc < 0 ? -1 : 0;
	switch (peek(t, 0)) {
	case 'A':
	case 'z':
	case 'Z':
	case 'R':
		buffer_printf(t->out, "\\%c", t->in.data[t->at++]);
		return 0;
	case 'b':
	case 'B':
		put_boundary(t, t->in.data[t->at++] == 'B');
		return 0;
	default:
		break;
	}
	if (take_escape(t, false, &c))
		return -1;
	put_char(t->out, c);
	return 0;
}

static int translate_one(struct translation *t)
{
	ptrdiff_t start = (ptrdiff_t)t->out->size;
	char c = peek(t, 0);
	if (c == '(') {
		t->at++;
		return translate_group(t);
	}
	if (c == ')') {
		t->at++;
		return close_group(t) ? -1 : translate_quantifiers(t);
	}
	if (c == '|') {
		t->at++;
		buffer_char(t->out, '|');
		t->atom = NO_ATOM;
		return 0;
	}
	t->atom = start;
	if (take(t, "\\")) {
		if (translate_escape(t))
			return -1;
	} else if (take(t, "[")) {
		if (translate_class(t))
			return -1;
	} else if (c == '.' || c == '^' || c == '$') {
		buffer_char(t->out, t->in.data[t->at++]);
	} else if (c == '*' || c == '+' || c == '?') {
		return broken(t, "nothing to repeat");
	} else {
		put_char(t->out, take_char(t));
	}
	return translate_quantifiers(t);
}

int regex_translate(struct slice pattern, struct buffer *out, struct error *e)
{
	struct translation t = {
		.in = pattern, .out = out, .atom = NO_ATOM, .depth = 1, .error = e
	};
	while (more(&t))
		if (translate_one(&t))
			return -1;
		else if (out->size > 1 << 20)
			return refuse(&t, "a pattern so long");
	if (t.depth > 1)
		return broken(&t, "( without )");
	for (unsigned i = 0; i < t.groups[0].closes; i++)
		buffer_char(out, ')');
	return 0;
}
