/*
 * seqeval_entities.c: entities from tags, as seqeval 1.2.2 finds them: leniently, by the tables of
 * conlleval.pl (seqeval/metrics/sequence_labeling.py), or strictly, by the patterns of a scheme
 * (seqeval/scheme.py).
 */
#include "lib/metric/seqeval.h"

#include "lib/base/buffer.h"

/* Size of the code point that begins, or ends, a tag. */
static size_t first_size(struct slice s)
{
	size_t n = 1;
	while (n < s.size && ((unsigned char)s.data[n] & 0xc0) == 0x80)
		n++;
	return n;
}

static size_t last_size(struct slice s)
{
	size_t n = 1;
	while (n < s.size && ((unsigned char)s.data[s.size - n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* --- As conlleval ----------------------------------------------------------------------------- */

struct chunk {
	char tag; /* its letter; 0 where it is no ASCII */
	struct slice type;
};

/* Behind the letter and the first '-' of the rest; with suffix before the last '-' of it. */
static struct chunk split(struct slice s, bool suffix)
{
	struct chunk c = { 0, SLICE("_") };
	size_t letter = suffix ? last_size(s) : first_size(s), i;
	if (letter == 1)
		c.tag = suffix ? s.data[s.size - 1] : s.data[0];
	struct slice rest = suffix ? (struct slice){ s.data, s.size - letter }
				   : (struct slice){ s.data + letter, s.size - letter };
	if (suffix) {
		for (i = rest.size; i > 0 && rest.data[i - 1] != '-'; i--)
			;
		rest.size = i ? i - 1 : rest.size;
	} else {
		for (i = 0; i < rest.size && rest.data[i] != '-'; i++)
			;
		i = i < rest.size ? i + 1 : 0;
		rest = (struct slice){ rest.data + i, rest.size - i };
	}
	if (rest.size)
		c.type = rest;
	return c;
}

static bool ends(struct chunk last, struct chunk now)
{
	if (last.tag == 'E' || last.tag == 'S')
		return true;
	if ((last.tag == 'B' || last.tag == 'I') &&
		(now.tag == 'B' || now.tag == 'S' || now.tag == 'O'))
		return true;
	return last.tag != 'O' && last.tag != '.' && !slice_equal(last.type, now.type);
}

static bool starts(struct chunk last, struct chunk now)
{
	if (now.tag == 'B' || now.tag == 'S')
		return true;
	if ((last.tag == 'E' || last.tag == 'S' || last.tag == 'O') &&
		(now.tag == 'E' || now.tag == 'I'))
		return true;
	return now.tag != 'O' && now.tag != '.' && !slice_equal(last.type, now.type);
}

size_t seqeval_lenient(const struct slice *tags, size_t n, bool suffix, struct entity *entities)
{
	const struct chunk outside = { 'O', SLICE("_") };
	struct chunk last = outside;
	size_t begin = 0, k = 0;
	for (size_t i = 0; i <= n; i++) {
		struct chunk now = i < n ? split(tags[i], suffix) : outside;
		if (ends(last, now))
			entities[k++] = (struct entity){ last.type, begin, i };
		if (starts(last, now))
			begin = i;
		last = now;
	}
	return k;
}

/* --- By the rules of a scheme ----------------------------------------------------------------- */

enum {
	I = 1,
	O = 2,
	B = 4,
	E = 8,
	S = 16,
	U = 32,
	L = 64,
	ANY = 127,
};
enum same { ALIKE = 1, OTHER = 2, WHATEVER = 3 }; /* type as before */

struct pattern {
	unsigned char last, now, type; /* all 0 ends a list */
};

static const struct rules {
	const char *name;
	unsigned allowed;
	struct pattern start[8], inside[8], end[8];
} schemes[] = {
	[IOB1] = { "IOB1", I | O | B,
		{ { O, I, WHATEVER }, { I, I, OTHER }, { B, I, WHATEVER }, { I, B, ALIKE },
			{ B, B, ALIKE } },
		{ { B, I, ALIKE }, { I, I, ALIKE } },
		{ { I, I, OTHER }, { I, O, WHATEVER }, { I, B, WHATEVER }, { B, O, WHATEVER },
			{ B, I, OTHER }, { B, B, ALIKE } } },
	[IOB2] = { "IOB2", I | O | B, { { ANY, B, WHATEVER } },
		{ { B, I, ALIKE }, { I, I, ALIKE } },
		{ { I, O, WHATEVER }, { I, I, OTHER }, { I, B, WHATEVER }, { B, O, WHATEVER },
			{ B, I, OTHER }, { B, B, WHATEVER } } },
	[IOE1] = { "IOE1", I | O | E,
		{ { O, I, WHATEVER }, { I, I, OTHER }, { E, I, WHATEVER }, { E, E, ALIKE } },
		{ { I, I, ALIKE }, { I, E, ALIKE } },
		{ { I, I, OTHER }, { I, O, WHATEVER }, { I, E, OTHER }, { E, I, ALIKE },
			{ E, E, ALIKE } } },
	[IOE2] = { "IOE2", I | O | E,
		{ { O, I, WHATEVER }, { O, E, WHATEVER }, { E, I, WHATEVER }, { E, E, WHATEVER },
			{ I, I, OTHER }, { I, E, OTHER } },
		{ { I, E, ALIKE }, { I, I, ALIKE } }, { { E, ANY, WHATEVER } } },
	[IOBES] = { "IOBES", I | O | B | E | S, { { ANY, B, WHATEVER }, { ANY, S, WHATEVER } },
		{ { B, I, ALIKE }, { B, E, ALIKE }, { I, I, ALIKE }, { I, E, ALIKE } },
		{ { S, ANY, WHATEVER }, { E, ANY, WHATEVER } } },
	[BILOU] = { "BILOU", B | I | L | O | U, { { ANY, B, WHATEVER }, { ANY, U, WHATEVER } },
		{ { B, I, ALIKE }, { B, L, ALIKE }, { I, I, ALIKE }, { I, L, ALIKE } },
		{ { U, ANY, WHATEVER }, { L, ANY, WHATEVER } } },
};

struct token {
	unsigned prefix; /* 0: none */
	struct slice type;
};

/* A letter, and the rest without '-' at its ends. */
static struct token token_of(struct slice s, bool suffix)
{
	static const struct {
		char letter;
		unsigned bit;
	} prefixes[] = { { 'I', I }, { 'O', O }, { 'B', B }, { 'E', E }, { 'S', S }, { 'U', U },
		{ 'L', L } };
	struct token t = { 0, SLICE("_") };
	char letter = suffix ? s.data[s.size - 1] : s.data[0];
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (prefixes[i].letter == letter)
			t.prefix = prefixes[i].bit;
	struct slice rest = suffix ? (struct slice){ s.data, s.size - 1 }
				   : (struct slice){ s.data + 1, s.size - 1 };
	while (rest.size && rest.data[0] == '-') {
		rest.data++;
		rest.size--;
	}
	while (rest.size && rest.data[rest.size - 1] == '-')
		rest.size--;
	if (rest.size)
		t.type = rest;
	return t;
}

static bool matches(const struct pattern *p, struct token last, struct token now)
{
	unsigned type = slice_equal(last.type, now.type) ? ALIKE : OTHER;
	for (; p->type; p++)
		if ((p->last & last.prefix) && (p->now & now.prefix) && (p->type & type))
			return true;
	return false;
}

static int check(struct slice tag, struct token t, const struct rules *r, struct error *e)
{
	if (t.prefix & r->allowed)
		return 0;
	return error_set(e, ERROR_DATA, "the tag \"%.*s\" is none of %s",
		(int)(tag.size < 60 ? tag.size : 60), tag.data, r->name);
}

int seqeval_strict(const struct slice *tags, size_t n, bool suffix, enum seqeval_scheme scheme,
	struct entity *entities, size_t *n_entities, struct error *e)
{
	const struct rules *r = &schemes[scheme];
	const struct token outside = { O, SLICE("_") };
	struct token last = outside;
	*n_entities = 0;
	for (size_t i = 0; i < n; i++) {
		struct token now = token_of(tags[i], suffix);
		if (check(tags[i], now, r, e))
			return -1;
		bool start = matches(r->start, last, now);
		last = now;
		if (!start)
			continue;
		/* on while tokens are inside; what is behind must end the entity */
		size_t end = i + 1;
		struct token next = outside;
		for (; end < n; end++) {
			next = token_of(tags[end], suffix);
			if (!matches(r->inside, last, next))
				break;
			last = next;
		}
		next = end < n ? next : outside;
		if (matches(r->end, last, next))
			entities[(*n_entities)++] = (struct entity){ now.type, i, end };
		i = end - 1;
	}
	return 0;
}

int seqeval_prefixes(
	const struct slice *tags, size_t n, bool suffix, unsigned *seen, struct error *e)
{
	for (size_t i = 0; i < n; i++) {
		unsigned prefix = token_of(tags[i], suffix).prefix;
		if (!prefix)
			return error_set(e, ERROR_DATA,
				"the tag \"%.*s\" begins with none of I O B E S U L",
				(int)(tags[i].size < 60 ? tags[i].size : 60), tags[i].data);
		*seen |= prefix;
	}
	return 0;
}

enum seqeval_scheme seqeval_detect(unsigned seen)
{
	unsigned no_o = seen & ~(unsigned)O;
	if (no_o == (I | B) || no_o == B)
		return IOB2;
	if (no_o == (I | E) || no_o == E)
		return IOE2;
	if (no_o == (I | B | E | S) || no_o == (B | E | S) || no_o == (I | B | E) ||
		no_o == (B | E) || seen == S)
		return IOBES;
	if (no_o == (I | B | L | U) || no_o == (B | L | U) || no_o == (I | B | L) ||
		no_o == (B | L) || seen == U)
		return BILOU;
	return SEQEVAL_AUTO;
}

const char *seqeval_scheme_name(enum seqeval_scheme s)
{
	return s == SEQEVAL_AUTO ? "auto" : schemes[s].name;
}
