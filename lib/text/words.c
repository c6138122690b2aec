/*
 * words.c: lowercase words, as CPython's unicodeobject.c (do_lower, handle_capital_sigma) and the
 * \w of its _sre make them (https://docs.python.org/3.11/library/re.html,
 * library/stdtypes.html#str.lower; Unicode 14, chapter 3.13).
 */
#include "lib/text/words.h"

#include "lib/text/words_table.h"

enum {
	NOT_A_POINT = 0x110000,
	CAPITAL_SIGMA = 0x3a3,
	SMALL_SIGMA = 0x3c3,
	FINAL_SIGMA = 0x3c2,
	CAPITAL_I_DOT = 0x130,
	DOT_ABOVE = 0x307
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* The code point at p < end, and its bytes; NOT_A_POINT and one byte where it is not UTF-8. */
static uint32_t decode(const char *text, const char *end, size_t *bytes)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t left = (size_t)(end - text), n = p[0] < 0x80    ? 1
						: p[0] >= 0xf0 ? 4
						: p[0] >= 0xe0 ? 3
							       : 2;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	*bytes = 1;
	if (n == 1)
		return p[0];
	if (p[0] < 0xc2 || p[0] > 0xf4 || n > left)
		return NOT_A_POINT;
	uint32_t c = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return NOT_A_POINT;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return NOT_A_POINT;
	*bytes = n;
	return c;
}

static void encode(struct buffer *b, uint32_t c)
{
	if (c < 0x80) {
		buffer_char(b, (char)c);
		return;
	}
	char *p = buffer_reserve(b, 4);
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = n; --i > 0; c >>= 6)
		p[i] = (char)(0x80 | (c & 0x3f));
	p[0] = (char)((0xf00u >> n & 0xf0u) | c);
	b->size += n;
}

static bool in_ranges(const struct words_range *table, size_t n, uint32_t c)
{
	size_t low = 0, high = n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (c > table[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && c >= table[low].first;
}

bool words_is_word(uint32_t c)
{
	return in_ranges(words_word, COUNT(words_word), c);
}

size_t words_lower_point(uint32_t c, uint32_t out[2])
{
	size_t low = 0, high = COUNT(words_lower);
	out[0] = c;
	if (c == CAPITAL_I_DOT) {
		out[0] = 'i';
		out[1] = DOT_ABOVE;
		return 2;
	}
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (c > words_lower[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	const struct words_lower *r = &words_lower[low];
	if (low < COUNT(words_lower) && c >= r->first && (c - r->first) % r->step == 0)
		out[0] = (uint32_t)((int32_t)c + r->delta);
	return 1;
}

static bool is_cased(uint32_t c)
{
	return in_ranges(words_cased, COUNT(words_cased), c);
}

static bool is_ignorable(uint32_t c)
{
	return in_ranges(words_ignorable, COUNT(words_ignorable), c);
}

/*
 * A capital sigma at text[at] is final after a cased letter and not before one; ignorable ones
 * between do not count.
 */
static bool sigma_is_final(struct slice text, size_t at)
{
	const char *end = text.data + text.size;
	uint32_t c = ' ';
	size_t n, i = at;
	while (i > 0) {
		do
			i--;
		while (i > 0 && (text.data[i] & 0xc0) == 0x80);
		c = decode(text.data + i, end, &n);
		if (!is_ignorable(c))
			break;
		c = ' ';
	}
	if (!is_cased(c))
		return false;
	c = ' ';
	for (i = at + 2; i < text.size; i += n) {
		c = decode(text.data + i, end, &n);
		if (!is_ignorable(c))
			break;
		c = ' ';
	}
	return !is_cased(c);
}

/* The lowercase of the code point at *at, which moves behind it. */
static size_t lower_next(struct slice text, size_t *at, uint32_t out[2])
{
	size_t bytes, n = 1;
	uint32_t c = decode(text.data + *at, text.data + text.size, &bytes);
	if (c == CAPITAL_SIGMA)
		out[0] = sigma_is_final(text, *at) ? FINAL_SIGMA : SMALL_SIGMA;
	else
		n = words_lower_point(c, out);
	*at += bytes;
	return n;
}

void words_lowercase(struct buffer *b, struct slice text)
{
	for (size_t at = 0; at < text.size;) {
		uint32_t c[2];
		size_t start = at, n = lower_next(text, &at, c);
		for (size_t i = 0; i < n; i++) {
			if (c[i] == NOT_A_POINT)
				buffer_add(b, text.data + start, 1);
			else
				encode(b, c[i]);
		}
	}
}

void words_begin(struct words *w, struct slice text)
{
	w->text = text;
	w->at = 0;
}

/* Take a run of ASCII from here on into w->word; returns its bytes. */
static size_t take_ascii(struct words *w)
{
	enum { ROOM = 64 };
	const char *p = w->text.data + w->at;
	size_t left = w->text.size - w->at, n = 0, i, room;
	do {
		room = left - n < ROOM ? left - n : ROOM;
		char *to = buffer_reserve(&w->word, room);
		for (i = 0; i < room; i++) {
			unsigned char c = words_ascii[(unsigned char)p[n + i]];
			if (!c)
				break;
			to[i] = (char)c;
		}
		w->word.size += i;
		n += i;
	} while (i == ROOM);
	w->at += n;
	return n;
}

/*
 * Take what is \w from here on into w->word, and step over what ends the run; returns the code
 * points taken.
 */
static size_t take(struct words *w)
{
	size_t points = 0;
	for (;;) {
		points += take_ascii(w);
		if (w->at == w->text.size)
			return points;
		if ((unsigned char)w->text.data[w->at] < 0x80) {
			w->at++;
			return points;
		}
		uint32_t lower[2];
		size_t n = lower_next(w->text, &w->at, lower);
		if (!words_is_word(lower[0]))
			return points;
		encode(&w->word, lower[0]);
		points++;
		if (n == 2)
			return points; /* the dot of i with dot is no \w */
	}
}

bool words_next(struct words *w, struct slice *word)
{
	while (w->at < w->text.size) {
		buffer_clear(&w->word);
		if (take(w) >= 2) {
			*word = buffer_view(&w->word);
			return true;
		}
	}
	return false;
}

void words_free(struct words *w)
{
	buffer_free(&w->word);
}
