#include "lib/text/grapheme.h"

#include <pthread.h>

#include "lib/text/grapheme_table.h"
#include "lib/text/utf8.h"

enum class {
	OTHER,
	CR,
	LF,
	CONTROL,
	EXTEND,
	ZWJ,
	SPACING,
	PREPEND,
	REGIONAL,
	L,
	V,
	T,
	LV,
	LVT,
	CLASS = 15, /* the bits that are the class */
	PICTOGRAPHIC = 16,
	CONSONANT = 32,
	LINKER = 64,
	JOINING = 128, /* of Indic conjuncts */
};

static uint8_t table[UNICODE_TABLE];

#define RANGES(name) name##_ranges, sizeof(name##_ranges) / sizeof *(name##_ranges)
static const struct {
	const struct unicode_range *ranges;
	size_t n;
	uint8_t bits;
} sets[] = {
	{ RANGES(control), CONTROL },
	{ RANGES(extend), EXTEND },
	{ RANGES(spacing), SPACING },
	{ RANGES(prepend), PREPEND },
	{ RANGES(l), L },
	{ RANGES(v), V },
	{ RANGES(t), T },
	{ RANGES(pictographic), PICTOGRAPHIC },
	{ RANGES(consonant), CONSONANT },
	{ RANGES(linker), LINKER },
	{ RANGES(joining), JOINING },
};

static void build(void)
{
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
		for (size_t j = 0; j < sets[i].n; j++) {
			struct unicode_range r = sets[i].ranges[j];
			for (uint32_t c = r.first; c <= r.last && c < UNICODE_TABLE; c++)
				table[c] |= sets[i].bits;
		}
	table['\r'] = CR;
	table['\n'] = LF;
	table[0x200d] |= ZWJ;
	for (uint32_t c = 0x1f1e6; c <= 0x1f1ff; c++)
		table[c] |= REGIONAL;
	for (uint32_t c = 0xac00; c <= 0xd7a3; c++)
		table[c] = (c - 0xac00) % 28 ? LVT : LV;
}

static unsigned class_of(uint32_t c)
{
	unsigned bits = 0;
	if (c < UNICODE_TABLE)
		return table[c];
	if (c < 0xe0000)
		return OTHER;
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
		for (size_t j = sets[i].n; j > 0 && sets[i].ranges[j - 1].last >= c; j--)
			if (sets[i].ranges[j - 1].first <= c)
				bits |= sets[i].bits;
	return bits;
}

/* What of a cluster decides whether the next code point belongs to it. */
struct cluster {
	enum class last;
	bool regional; /* one regional indicator waits for another */
	enum { NO_PICTURE, PICTURE, PICTURE_ZWJ } picture; /* ends with these */
	enum { NO_CONJUNCT, LETTER, LINKED } conjunct;
};

static void take(struct cluster *s, unsigned bits)
{
	enum class c = (enum class)(bits & CLASS);
	s->regional = c == REGIONAL && !s->regional;
	if (bits & PICTOGRAPHIC)
		s->picture = PICTURE;
	else if (c != EXTEND || s->picture != PICTURE)
		s->picture = c == ZWJ && s->picture == PICTURE ? PICTURE_ZWJ : NO_PICTURE;
	if (bits & CONSONANT)
		s->conjunct = LETTER;
	else if (bits & LINKER)
		s->conjunct = s->conjunct ? LINKED : NO_CONJUNCT;
	else if (!(bits & JOINING))
		s->conjunct = NO_CONJUNCT;
	s->last = c;
}

static bool joins(const struct cluster *s, unsigned bits)
{
	enum class last = s->last, c = (enum class)(bits & CLASS);
	if (last == CR || last == LF || last == CONTROL)
		return last == CR && c == LF;
	if (c == CR || c == LF || c == CONTROL)
		return false;
	if (c == EXTEND || c == ZWJ || c == SPACING || last == PREPEND)
		return true;
	if (last == L && (c == L || c == V || c == LV || c == LVT))
		return true;
	if (((last == LV || last == V) && (c == V || c == T)) ||
		((last == LVT || last == T) && c == T))
		return true;
	return (s->conjunct == LINKED && bits & CONSONANT) ||
	       (s->picture == PICTURE_ZWJ && bits & PICTOGRAPHIC) || (s->regional && c == REGIONAL);
}

size_t grapheme_size(const char *p, const char *end)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, build);
	struct cluster s = { OTHER, false, NO_PICTURE, NO_CONJUNCT };
	uint32_t c;
	const char *q = p + utf8_decode(p, end, &c);
	take(&s, class_of(c));
	while (q < end) {
		size_t size = utf8_decode(q, end, &c);
		unsigned bits = class_of(c);
		if (!joins(&s, bits))
			break;
		take(&s, bits);
		q += size;
	}
	return (size_t)(q - p);
}
