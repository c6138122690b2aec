/* porter.c: the steps of Porter's stemmer, rules as tables. Letters other than a, e, i, o, u are
 * consonants, y where it begins a word or follows a vowel. */
#include "lib/metric/porter.h"

#include <stdbool.h>
#include <string.h>

struct word {
	uint32_t *at;
	size_t n;
};

static bool is_vowel_letter(uint32_t c)
{
	return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
}

/* Is the last of n letters a consonant? A run of y alternates from what is before it. */
static bool ends_in_consonant(const uint32_t *w, size_t n)
{
	size_t ys = 0;
	while (ys < n && w[n - 1 - ys] == 'y')
		ys++;
	if (ys == 0)
		return !is_vowel_letter(w[n - 1]);
	bool before = ys < n && !is_vowel_letter(w[n - 1 - ys]);
	/* the first y is a consonant where no consonant is before it */
	return ys % 2 ? !before : before;
}

/* How often a consonant follows a vowel: m of [C](VC){m}[V]. */
static size_t measure(const uint32_t *w, size_t n)
{
	size_t m = 0;
	bool consonant = false;
	for (size_t i = 0; i < n; i++) {
		bool was = consonant;
		consonant = w[i] == 'y' ? i == 0 || !was : !is_vowel_letter(w[i]);
		m += i > 0 && consonant && !was;
	}
	return m;
}

static bool has_vowel(const uint32_t *w, size_t n)
{
	bool consonant = true;
	for (size_t i = 0; i < n; i++) {
		consonant = w[i] == 'y' ? i == 0 || !consonant : !is_vowel_letter(w[i]);
		if (!consonant)
			return true;
	}
	return false;
}

/* *o: consonant, vowel, consonant other than w, x, y; or a word of vowel and consonant (NLTK). */
static bool ends_cvc(const uint32_t *w, size_t n)
{
	if (n == 2)
		return !ends_in_consonant(w, 1) && ends_in_consonant(w, 2);
	return n >= 3 && ends_in_consonant(w, n - 2) && !ends_in_consonant(w, n - 1) &&
	       ends_in_consonant(w, n) && w[n - 1] != 'w' && w[n - 1] != 'x' && w[n - 1] != 'y';
}

static bool ends(const struct word *w, const char *suffix)
{
	size_t n = strlen(suffix);
	if (n > w->n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (w->at[w->n - n + i] != (unsigned char)suffix[i])
			return false;
	return true;
}

/* The last `cut` letters become text, which is at most one longer. */
static void put(struct word *w, size_t cut, const char *text)
{
	w->n -= cut;
	for (; *text; text++)
		w->at[w->n++] = (unsigned char)*text;
}

struct rule {
	const char *suffix, *to;
	size_t above; /* the stem's measure must be above this */
	bool any; /* no condition */
};

/* The first rule whose suffix fits decides, even where its condition does not hold. */
static void apply(struct word *w, const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!ends(w, rules[i].suffix))
			continue;
		size_t cut = strlen(rules[i].suffix);
		if (rules[i].any || measure(w->at, w->n - cut) > rules[i].above)
			put(w, cut, rules[i].to);
		return;
	}
}
#define APPLY(w, rules) apply((w), (rules), sizeof(rules) / sizeof *(rules))

static void step_1a(struct word *w)
{
	static const struct rule rules[] = { { "sses", "ss", 0, true }, { "ies", "i", 0, true },
		{ "ss", "ss", 0, true }, { "s", "", 0, true } };
	if (ends(w, "ies") && w->n == 4)
		put(w, 3, "ie");
	else
		APPLY(w, rules);
}

static void step_1b(struct word *w)
{
	static const struct rule rules[] = { { "at", "ate", 0, true }, { "bl", "ble", 0, true },
		{ "iz", "ize", 0, true } };
	if (ends(w, "ied")) {
		put(w, 3, w->n == 4 ? "ie" : "i");
		return;
	}
	if (ends(w, "eed")) {
		if (measure(w->at, w->n - 3) > 0)
			put(w, 1, "");
		return;
	}
	size_t cut = ends(w, "ed") ? 2 : ends(w, "ing") ? 3 : 0;
	if (!cut || !has_vowel(w->at, w->n - cut))
		return;
	w->n -= cut;
	if (ends(w, "at") || ends(w, "bl") || ends(w, "iz")) {
		APPLY(w, rules);
		return;
	}
	uint32_t last = w->at[w->n - 1];
	if (w->n >= 2 && last == w->at[w->n - 2] && ends_in_consonant(w->at, w->n)) {
		if (last != 'l' && last != 's' && last != 'z')
			w->n--;
		return;
	}
	if (measure(w->at, w->n) == 1 && ends_cvc(w->at, w->n))
		put(w, 0, "e");
}

static void step_1c(struct word *w)
{
	if (ends(w, "y") && w->n > 2 && ends_in_consonant(w->at, w->n - 1))
		put(w, 1, "i");
}

static void step_2(struct word *w)
{
	static const struct rule rules[] = { { "ational", "ate", 0, false },
		{ "tional", "tion", 0, false }, { "enci", "ence", 0, false },
		{ "anci", "ance", 0, false }, { "izer", "ize", 0, false },
		{ "bli", "ble", 0, false }, { "alli", "al", 0, false },
		{ "entli", "ent", 0, false }, { "eli", "e", 0, false },
		{ "ousli", "ous", 0, false }, { "ization", "ize", 0, false },
		{ "ation", "ate", 0, false }, { "ator", "ate", 0, false },
		{ "alism", "al", 0, false }, { "iveness", "ive", 0, false },
		{ "fulness", "ful", 0, false }, { "ousness", "ous", 0, false },
		{ "aliti", "al", 0, false }, { "iviti", "ive", 0, false },
		{ "biliti", "ble", 0, false }, { "fulli", "ful", 0, false } };
	while (ends(w, "alli") && measure(w->at, w->n - 4) > 0)
		put(w, 4, "al");
	if (!ends(w, "logi"))
		APPLY(w, rules);
	else if (measure(w->at, w->n - 3) > 0)
		put(w, 1, "");
}

static void step_3(struct word *w)
{
	static const struct rule rules[] = { { "icate", "ic", 0, false }, { "ative", "", 0, false },
		{ "alize", "al", 0, false }, { "iciti", "ic", 0, false },
		{ "ical", "ic", 0, false }, { "ful", "", 0, false }, { "ness", "", 0, false } };
	APPLY(w, rules);
}

static void step_4(struct word *w)
{
	static const struct rule before[] = { { "al", "", 1, false }, { "ance", "", 1, false },
		{ "ence", "", 1, false }, { "er", "", 1, false }, { "ic", "", 1, false },
		{ "able", "", 1, false }, { "ible", "", 1, false }, { "ant", "", 1, false },
		{ "ement", "", 1, false }, { "ment", "", 1, false }, { "ent", "", 1, false },
		{ "ou", "", 1, false }, { "ism", "", 1, false }, { "ate", "", 1, false },
		{ "iti", "", 1, false }, { "ous", "", 1, false }, { "ive", "", 1, false },
		{ "ize", "", 1, false } };
	if (!ends(w, "ion")) {
		APPLY(w, before);
		return;
	}
	uint32_t last = w->n > 3 ? w->at[w->n - 4] : 0;
	if ((last == 's' || last == 't') && measure(w->at, w->n - 3) > 1)
		w->n -= 3;
}

static void step_5(struct word *w)
{
	if (ends(w, "e")) {
		size_t m = measure(w->at, w->n - 1);
		if (m > 1 || (m == 1 && !ends_cvc(w->at, w->n - 1)))
			w->n--;
	}
	if (ends(w, "ll") && measure(w->at, w->n - 1) > 1)
		w->n--;
}

static bool irregular(struct word *w)
{
	static const char *const pool[][2] = { { "sky", "sky" }, { "skies", "sky" },
		{ "dying", "die" }, { "lying", "lie" }, { "tying", "tie" }, { "news", "news" },
		{ "innings", "inning" }, { "inning", "inning" }, { "outings", "outing" },
		{ "outing", "outing" }, { "cannings", "canning" }, { "canning", "canning" },
		{ "howe", "howe" }, { "proceed", "proceed" }, { "exceed", "exceed" },
		{ "succeed", "succeed" } };
	for (size_t i = 0; i < sizeof pool / sizeof *pool; i++) {
		if (w->n != strlen(pool[i][0]) || !ends(w, pool[i][0]))
			continue;
		put(w, w->n, pool[i][1]);
		return true;
	}
	return false;
}

size_t porter_stem(uint32_t *word, size_t n)
{
	struct word w = { word, n };
	if (irregular(&w) || n <= 2)
		return w.n;
	step_1a(&w);
	step_1b(&w);
	step_1c(&w);
	step_2(&w);
	step_3(&w);
	step_4(&w);
	step_5(&w);
	return w.n;
}
