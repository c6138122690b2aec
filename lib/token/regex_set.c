#include "lib/token/regex_set.h"

#include "lib/token/regex_table.h"

static bool same_name(struct slice name, const char *other)
{
	for (size_t i = 0; i < name.size; i++) {
		char c = name.data[i];
		if (c == '_' || c == ' ' || c == '-')
			continue;
		char low = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
		char want = *other >= 'A' && *other <= 'Z' ? (char)(*other | 0x20) : *other;
		if (low != want)
			return false;
		other++;
	}
	return !*other;
}

/* Other names, and classes that are ranges. */
static const struct {
	const char *name, *is;
} names[] = {
	{ "Letter", "L" },
	{ "Uppercase_Letter", "Lu" },
	{ "Lowercase_Letter", "Ll" },
	{ "Mark", "M" },
	{ "Number", "N" },
	{ "Decimal_Number", "Nd" },
	{ "Punctuation", "P" },
	{ "Symbol", "S" },
	{ "Separator", "Z" },
	{ "Alpha", "Alphabetic" },
	{ "Upper", "Uppercase" },
	{ "Lower", "Lowercase" },
	{ "Digit", "Nd" },
	{ "Cntrl", "Cc" },
	{ "White_Space", "space" },
	{ "Connector_Punctuation", "Pc" },
	{ "Dash_Punctuation", "Pd" },
};

static const struct regex_class *find_class(struct slice name)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (same_name(name, names[i].name)) {
			name = slice_from(names[i].is);
			break;
		}
	for (size_t i = 0; i < sizeof regex_classes / sizeof *regex_classes; i++)
		if (same_name(name, regex_classes[i].name))
			return &regex_classes[i];
	return NULL;
}

static void add_inside(struct buffer *b, const struct regex_class *c)
{
	buffer_text(b, c->inside);
	for (size_t i = 0; i < c->n; i++)
		buffer_printf(b, "\\x{%x}-\\x{%x}", c->lacks[i].first, c->lacks[i].last);
}

static bool put_class(const struct regex_set *s, struct buffer *to, struct slice name)
{
	/* superscripts and fractions of Latin-1: \w has them, [\w] does not */
	if (s->alone && same_name(name, "word"))
		buffer_text(to, "\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}");
	if (same_name(name, "alnum")) {
		add_inside(to, find_class(SLICE("Alphabetic")));
		add_inside(to, find_class(SLICE("Nd")));
	} else if (same_name(name, "xdigit")) {
		buffer_text(to, "0-9A-Fa-f");
	} else if (same_name(name, "ascii")) {
		buffer_text(to, "\\x{0}-\\x{7f}");
	} else if (same_name(name, "any")) {
		buffer_text(to, "\\x{0}-\\x{10ffff}");
	} else {
		const struct regex_class *c = find_class(name);
		if (!c)
			return false;
		add_inside(to, c);
	}
	return true;
}

bool regex_set_add(struct regex_set *s, struct slice name, bool not )
{
	if (!not )
		return put_class(s, &s->items, name);
	buffer_text(&s->nots, s->n_nots++ ? "|[^" : "[^");
	bool known = put_class(s, &s->nots, name);
	buffer_char(&s->nots, ']');
	return known;
}

void regex_set_put(const struct regex_set *s, bool not, struct buffer *out)
{
	const struct slice items = buffer_view(&s->items), nots = buffer_view(&s->nots);
	if (s->n_nots == 0 && items.size == 0)
		buffer_text(out, not ? "\\p{Any}" : "(?!)");
	else if (s->n_nots == 0)
		buffer_printf(out, "[%s%.*s]", not ? "^" : "", (int)items.size, items.data);
	else if (!not )
		buffer_printf(out, "(?:%.*s%s%.*s%s)", (int)nots.size, nots.data,
			items.size ? "|[" : "", (int)items.size, items.size ? items.data : "",
			items.size ? "]" : "");
	else if (items.size)
		buffer_printf(out, "(?:(?!%.*s)[^%.*s])", (int)nots.size, nots.data,
			(int)items.size, items.data);
	else
		buffer_printf(out, "(?:(?!%.*s)\\p{Any})", (int)nots.size, nots.data);
}

void regex_set_free(struct regex_set *s)
{
	buffer_free(&s->items);
	buffer_free(&s->nots);
}
