#include "lib/token/unigram.h"

#include <math.h>
#include <stdio.h>

enum {
	NONE = VOCAB_NONE,
	SHORT = 256, /* bytes of a word that need no allocation */
};

/* --- Reading --------------------------------------------------------------------------------- */

/*
 * A number as serde_json reads it without its feature float_roundtrip: the digits as an integer,
 * rounded, then multiplied or divided by a power of ten, rounded again. A quarter of T5's scores
 * are not the nearest double, and sums are compared.
 */
static double read_score(struct json number)
{
	static const double powers[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10,
		1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
	const char *p = number.raw.data, *end = p + number.raw.size;
	bool negative = *p == '-', point = false, full = false;
	uint64_t digits = 0;
	int exponent = 0;
	for (p += negative; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		unsigned digit = (unsigned)(*p - '0');
		full |= digits > UINT64_MAX / 10 ||
			(digits == UINT64_MAX / 10 && digit > UINT64_MAX % 10);
		if (!full)
			digits = digits * 10 + digit;
		/* what is left out counts before the point only */
		exponent += full ? !point : -point;
	}
	if (p < end) {
		bool down = p[1] == '-';
		int given = 0;
		for (p += 1 + (p[1] == '-' || p[1] == '+'); p < end; p++)
			given = given < 1000 ? given * 10 + (*p - '0') : given;
		exponent += down ? -given : given;
	}
	if (exponent > 22 || exponent < -22)
		return json_double(number);
	double v = (double)digits;
	v = exponent < 0 ? v / powers[-exponent] : v * powers[exponent];
	return negative ? -v : v;
}

static int read_entry(struct json entry, struct unigram *u, struct vocab *v, struct slice *token,
	struct arena *arena, struct error *e)
{
	struct json_iterator i = json_iterate(entry);
	struct json text = { .type = JSON_ABSENT }, score = text;
	if (json_each(&i))
		text = i.value;
	if (json_each(&i))
		score = i.value;
	if (entry.type != JSON_ARRAY || text.type != JSON_STRING || score.type != JSON_NUMBER ||
		json_each(&i))
		return error_set(e, ERROR_MODEL,
			"\"vocab\": entry %zu is not an array of a token and its score", u->n);
	*token = json_text(text, arena);
	u->scores[u->n] = read_score(score);
	return vocab_set(v, *token, (uint32_t)u->n++, e);
}

static void find_bytes(struct unigram *u)
{
	for (unsigned b = 0; b < 256; b++) {
		char name[8];
		snprintf(name, sizeof name, "<0x%02X>", b);
		u->bytes[b] = double_array_find(&u->trie, slice_from(name));
	}
}

/* The members of a model, found in one pass: it is large. */
struct members {
	struct json vocab, unknown, fallback;
};

static int read_members(struct unigram *u, const struct members *m, struct vocab *v,
	struct slice *tokens, struct arena *arena, struct error *e)
{
	struct json unknown = m->unknown;
	int64_t id;
	double lowest = (double)INFINITY;
	for (struct json_iterator i = json_iterate(m->vocab); json_each(&i);) {
		size_t n = u->n;
		if (read_entry(i.value, u, v, &tokens[n], arena, e))
			return -1;
		lowest = u->scores[n] < lowest ? u->scores[n] : lowest;
	}
	/* of equal tokens the last is found in text, but each id still means its own */
	for (size_t i = 0; i < u->n; i++)
		if (!v->tokens[i].data)
			v->tokens[i] = tokens[i];
	u->unknown_score = lowest - 10;
	u->unknown = (uint32_t)NONE;
	if (unknown.type != JSON_ABSENT && unknown.type != JSON_NULL) {
		if (!json_integer(unknown, &id) || id < 0 || (uint64_t)id >= u->n)
			return error_set(e, ERROR_MODEL,
				"\"unk_id\" is not an id of the vocabulary, which has %zu token%s",
				u->n, plural(u->n));
		u->unknown = (uint32_t)id;
	}
	u->byte_fallback = m->fallback.type == JSON_TRUE;
	if (m->fallback.type != JSON_ABSENT && m->fallback.type != JSON_FALSE && !u->byte_fallback)
		return error_set(e, ERROR_MODEL, "\"byte_fallback\" is not true or false");
	if (double_array_build(&u->trie, tokens, u->n, e))
		return -1;
	find_bytes(u);
	return 0;
}

int unigram_read(
	struct unigram *u, struct json model, struct vocab *v, struct arena *arena, struct error *e)
{
	*u = (struct unigram){ 0 };
	struct members m = { 0 };
	for (struct json_iterator i = json_iterate(model); json_each(&i);)
		if (json_text_is(i.key, "vocab"))
			m.vocab = i.value;
		else if (json_text_is(i.key, "unk_id"))
			m.unknown = i.value;
		else if (json_text_is(i.key, "byte_fallback"))
			m.fallback = i.value;
	if (m.vocab.type != JSON_ARRAY)
		return error_set(e, ERROR_MODEL, "\"vocab\" is %s, not an array",
			json_type_name(m.vocab.type));
	/* an entry has seven bytes at least: ["",0], */
	size_t n = m.vocab.raw.size / 7 + 1;
	struct slice *tokens = MEM_ARRAY(struct slice, n);
	u->scores = MEM_ARRAY(double, n);
	int rc = read_members(u, &m, v, tokens, arena, e);
	mem_free(tokens);
	return rc;
}

int unigram_build(struct unigram *u, const struct slice *tokens, const double *scores, size_t n,
	const struct unigram_options *o, struct error *e)
{
	*u = (struct unigram){ .n = n,
		.unknown = o->unknown,
		.unknown_score = o->unknown_score,
		.byte_fallback = o->byte_fallback,
		.floats = true };
	u->scores = MEM_ARRAY(double, n);
	memcpy(u->scores, scores, n * sizeof *scores);
	if (o->bytes)
		memcpy(u->bytes, o->bytes, sizeof u->bytes);
	return double_array_build(&u->trie, tokens, n, e);
}

void unigram_free(struct unigram *u)
{
	double_array_free(&u->trie);
	mem_free(u->scores);
	*u = (struct unigram){ 0 };
}

/* --- Splitting ------------------------------------------------------------------------------- */

/* The best way to cut what ends at a byte of the word: its sum, and its last token. */
struct best {
	double score;
	uint32_t start, id; /* start: NONE where nothing ends here */
};

static inline size_t char_size(struct slice word, size_t at)
{
	unsigned char c = (unsigned char)word.data[at];
	size_t size = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	return size < word.size - at ? size : word.size - at;
}

static inline void offer(struct best *to, double score, size_t start, uint32_t id, bool floats)
{
	score = floats ? (double)(float)score : score;
	if (to->start == (uint32_t)NONE || score > to->score) {
		to->score = score;
		to->start = (uint32_t)start;
		to->id = id;
	}
}

/* Fill best[0 .. size], behind a sum; false where the unknown token is needed and there is none. */
static inline __attribute__((always_inline)) bool search(
	const struct unigram *u, struct slice word, double sum, struct best *best, bool floats)
{
	for (size_t i = 0; i <= word.size; i++)
		best[i].start = (uint32_t)NONE;
	best[0].score = sum;
	for (size_t at = 0, size; at < word.size; at += size) {
		double here = best[at].score;
		uint32_t base = u->trie.root, id;
		bool whole = false;
		size = char_size(word, at);
		for (size_t i = at; i < word.size && double_array_step(&u->trie, &base,
							     (unsigned char)word.data[i], &id);) {
			i++;
			if (id == (uint32_t)DOUBLE_ARRAY_NONE)
				continue;
			offer(&best[i], u->scores[id] + here, at, id, floats);
			whole |= i - at == size;
		}
		if (whole)
			continue;
		double score = u->unknown_score + here;
		struct best *to = &best[at + size];
		if (u->unknown == (uint32_t)NONE &&
			(to->start == (uint32_t)NONE || score > to->score))
			return false;
		offer(to, score, at, u->unknown, floats);
	}
	return true;
}

struct output {
	uint32_t *ids;
	struct token_offset *offsets;
	size_t n;
};

static inline void put(struct output *o, uint32_t id, size_t start, size_t end)
{
	o->ids[o->n] = id;
	if (o->offsets)
		o->offsets[o->n] = (struct token_offset){ (uint32_t)start, (uint32_t)end };
	o->n++;
}

/* Text that the model does not know as one token: a token after all, its bytes, or unknown. */
static void put_unknown(
	const struct unigram *u, struct slice word, size_t start, size_t end, struct output *o)
{
	struct slice text = { word.data + start, end - start };
	uint32_t id = u->floats ? (uint32_t)NONE : double_array_find(&u->trie, text);
	bool bytes = id == (uint32_t)NONE && u->byte_fallback;
	for (size_t i = 0; bytes && i < text.size; i++)
		bytes = u->bytes[(unsigned char)text.data[i]] != (uint32_t)NONE;
	if (!bytes) {
		put(o, id == (uint32_t)NONE ? u->unknown : id, start, end);
		return;
	}
	for (size_t i = 0; i < text.size; i++)
		put(o, u->bytes[(unsigned char)text.data[i]], start,
			u->floats && i + 1 < text.size ? start : end);
}

/* Follow the best way back, turning its links round, then write it forwards. */
static void write(const struct unigram *u, struct slice word, struct best *best, struct output *o)
{
	uint32_t next = (uint32_t)NONE;
	bool each = u->floats && u->byte_fallback; /* an unknown character is its bytes by itself */
	for (uint32_t at = (uint32_t)word.size; at;) {
		uint32_t start = best[at].start;
		best[at].start = next;
		next = at;
		at = start;
	}
	for (size_t start = 0; next != (uint32_t)NONE; start = next, next = best[start].start) {
		uint32_t id = best[next].id;
		if (id != u->unknown) {
			put(o, id, start, next);
			continue;
		}
		while (!each && best[next].start != (uint32_t)NONE &&
			best[best[next].start].id == u->unknown)
			next = best[next].start;
		put_unknown(u, word, start, next, o);
	}
}

static size_t split(const struct unigram *u, struct slice word, double *sum, uint32_t *ids,
	struct token_offset *offsets)
{
	struct best few[SHORT + 1];
	struct best *best = few;
	if (word.size == 0)
		return 0;
	if (word.size > SHORT)
		best = MEM_ARRAY(struct best, word.size + 1);
	bool found =
		u->floats ? search(u, word, *sum, best, true) : search(u, word, *sum, best, false);
	struct output o = { ids, offsets, 0 };
	if (found) {
		*sum = best[word.size].score;
		write(u, word, best, &o);
	}
	if (best != few)
		mem_free(best);
	return found ? o.n : (size_t)UNIGRAM_FAILED;
}

size_t unigram_split(
	const struct unigram *u, struct slice word, uint32_t *ids, struct token_offset *offsets)
{
	double sum = 0;
	return split(u, word, &sum, ids, offsets);
}

size_t unigram_split_behind(const struct unigram *u, struct slice word, double *sum, uint32_t *ids)
{
	return split(u, word, sum, ids, NULL);
}

/* --- The best way and the next ----------------------------------------------------------------- */

/* The best way to a byte, and what the second is worth: another in at least one token. */
struct two {
	double score, second;
	uint32_t start, id;
};

static inline void offer_two(
	struct two *to, const struct two *from, double score, size_t start, uint32_t id)
{
	double first = from->score + score, second = from->second + score;
	if (to->start == (uint32_t)NONE || first > to->score) {
		double old = to->start == (uint32_t)NONE ? -(double)INFINITY : to->score;
		*to = (struct two){ first, old > second ? old : second, (uint32_t)start, id };
	} else if (first > to->second) {
		to->second = first;
	}
}

static void search_two(const struct unigram *u, struct slice word, struct two *best)
{
	for (size_t i = 0; i <= word.size; i++)
		best[i].start = (uint32_t)NONE;
	best[0].score = 0;
	best[0].second = -(double)INFINITY;
	for (size_t at = 0, size; at < word.size; at += size) {
		uint32_t base = u->trie.root, id;
		bool whole = false;
		size = char_size(word, at);
		for (size_t i = at; i < word.size && double_array_step(&u->trie, &base,
							     (unsigned char)word.data[i], &id);) {
			i++;
			if (id == (uint32_t)DOUBLE_ARRAY_NONE)
				continue;
			offer_two(&best[i], &best[at], u->scores[id], at, id);
			whole |= i - at == size;
		}
		if (!whole)
			offer_two(&best[at + size], &best[at], u->unknown_score, at, u->unknown);
	}
}

size_t unigram_split_alone(const struct unigram *u, struct slice word, uint32_t *ids, float *margin)
{
	struct two few[SHORT + 1];
	struct two *best = word.size > SHORT ? MEM_ARRAY(struct two, word.size + 1) : few;
	size_t n = 0;
	search_two(u, word, best);
	*margin = (float)(best[word.size].score - best[word.size].second);
	for (size_t at = word.size; at; at = best[at].start, n++)
		if (best[at].id == u->unknown)
			*margin = -1;
	n = *margin < 0 ? 0 : n;
	for (size_t at = word.size, i = n; i; at = best[at].start)
		ids[--i] = best[at].id;
	if (best != few)
		mem_free(best);
	return n;
}
