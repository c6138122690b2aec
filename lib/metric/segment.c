/* segment.c: texts to words and n-grams. */
#include "lib/metric/segment.h"

#include "lib/base/random.h"
#include "lib/text/unicode.h"
#include "lib/text/utf8.h"
#include "lib/text/words.h"

/* Several references. In a field it takes strings: a text may well be "[1]". */
static bool is_list(const struct record *r, size_t want, struct json v)
{
	if (v.type != JSON_ARRAY)
		return false;
	for (struct json_iterator i = json_iterate(v); r->values[want].is_field && json_each(&i);)
		if (i.value.type != JSON_STRING)
			return false;
	return !r->values[want].is_field || json_count(v);
}

int segment_read(struct measure *m, const struct record *r, struct arena *arena, struct segment *s,
	struct error *e)
{
	const struct metric_options *o = m->options;
	const char *key = o->reference_key;
	struct json v = record_json(r, m->reference);
	if (record_text(r, m->prediction, o->prediction_key, arena, &s->hypothesis, e))
		return -1;
	s->n = 0;
	if (!is_list(r, m->reference, v)) {
		s->references = ARENA_ARRAY(arena, struct slice, 1);
		if (record_text(r, m->reference, key, arena, &s->references[s->n++], e))
			return -1;
	} else {
		s->references = ARENA_ARRAY(arena, struct slice, json_count(v) + 1);
		for (struct json_iterator i = json_iterate(v); json_each(&i);) {
			if (i.value.type == JSON_NULL)
				continue;
			if (i.value.type != JSON_STRING)
				return record_error(r, e, "key \"%s\" has %s among its references",
					key, json_type_name(i.value.type));
			s->references[s->n++] = json_text(i.value, arena);
		}
	}
	if (!s->n)
		return record_error(r, e, "key \"%s\" has no reference", key);
	for (size_t i = 0; i < s->n; i++)
		measure_hash(m, s->references[i]);
	return 0;
}

void reference_count_add(struct reference_count *c, size_t n)
{
	c->n = c->n == 0 || c->n == n ? n : SIZE_MAX;
}

void reference_count_show(const struct reference_count *c, struct buffer *b)
{
	if (c->n == SIZE_MAX)
		buffer_text(b, "nrefs:var");
	else
		buffer_printf(b, "nrefs:%zu", c->n);
}

bool text_is_space(uint32_t c)
{
	if (c < 0x80)
		return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f);
	return (unicode_search(c) & UNICODE_SPACE) != 0;
}

/* The code point at i, and its size. */
static inline size_t point(struct slice s, size_t i, uint32_t *c)
{
	unsigned char first = (unsigned char)s.data[i];
	if (first < 0x80) {
		*c = first;
		return 1;
	}
	return utf8_decode(s.data + i, s.data + s.size, c);
}

struct slice text_strip_end(struct slice s)
{
	size_t end = 0;
	uint32_t c;
	if (s.size && (unsigned char)s.data[s.size - 1] < 0x80 &&
		!text_is_space((unsigned char)s.data[s.size - 1]))
		return s;
	for (size_t i = 0; i < s.size;) {
		i += point(s, i, &c);
		if (!text_is_space(c))
			end = i;
	}
	return (struct slice){ s.data, end };
}

struct slice text_strip(struct slice s)
{
	size_t i = 0, n;
	uint32_t c;
	for (; i < s.size; i += n) {
		n = point(s, i, &c);
		if (!text_is_space(c))
			break;
	}
	return text_strip_end((struct slice){ s.data + i, s.size - i });
}

struct slice text_lower(struct slice s, struct arena *arena)
{
	struct buffer b = { 0 };
	words_lowercase(&b, s);
	s = arena_copy(arena, buffer_view(&b));
	buffer_free(&b);
	return s;
}

struct slice text_replace(struct slice s, struct slice from, struct slice to, struct arena *arena)
{
	const char *p = s.data, *end = s.data + s.size, *hit;
	if (!s.size || !memmem(p, s.size, from.data, from.size))
		return s;
	char *out = ARENA_ARRAY(arena, char, size_mul(s.size, to.size + 1)), *at = out;
	for (; (hit = memmem(p, (size_t)(end - p), from.data, from.size)); p = hit + from.size) {
		at = mempcpy(at, p, (size_t)(hit - p));
		at = mempcpy(at, to.data, to.size);
	}
	at = mempcpy(at, p, (size_t)(end - p));
	return (struct slice){ out, (size_t)(at - out) };
}

struct slice text_entities(struct slice s, struct arena *arena)
{
	static const struct {
		struct slice from, to;
	} rules[] = { { { "&quot;", 6 }, { "\"", 1 } }, { { "&amp;", 5 }, { "&", 1 } },
		{ { "&lt;", 4 }, { "<", 1 } }, { { "&gt;", 4 }, { ">", 1 } } };
	if (!s.size || !memchr(s.data, '&', s.size))
		return s;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		s = text_replace(s, rules[i].from, rules[i].to, arena);
	return s;
}

struct slice text_padded(struct slice s, struct arena *arena)
{
	char *out = ARENA_ARRAY(arena, char, size_add(s.size, 2));
	out[0] = out[s.size + 1] = ' ';
	if (s.size)
		memcpy(out + 1, s.data, s.size);
	return (struct slice){ out, s.size + 2 };
}

struct slice text_apart(struct slice s, bool (*alone)(uint32_t), struct arena *arena)
{
	char *out = ARENA_ARRAY(arena, char, size_mul(3, s.size) + 1), *to = out;
	uint32_t c;
	for (size_t i = 0, n; i < s.size; i += n) {
		n = point(s, i, &c);
		bool apart = alone(c);
		if (apart)
			*to++ = ' ';
		to = mempcpy(to, s.data + i, n);
		if (apart)
			*to++ = ' ';
	}
	return (struct slice){ out, (size_t)(to - out) };
}

struct slice *text_split(struct slice s, struct arena *arena, size_t *n)
{
	struct slice *out = ARENA_ARRAY(arena, struct slice, s.size / 2 + 1);
	size_t begin = 0, k = 0, size;
	bool inside = false;
	for (size_t i = 0; i < s.size; i += size) {
		uint32_t c;
		size = point(s, i, &c);
		bool space = (c <= ' ' || c >= 0x80) && text_is_space(c);
		if (space && inside)
			out[k++] = (struct slice){ s.data + begin, i - begin };
		if (!space && !inside)
			begin = i;
		inside = !space;
	}
	if (inside)
		out[k++] = (struct slice){ s.data + begin, s.size - begin };
	*n = k;
	return out;
}

struct slice text_folded(struct slice s, struct arena *arena)
{
	size_t n;
	struct slice *words = text_split(s, arena, &n);
	char *out = ARENA_ARRAY(arena, char, s.size + 1), *to = out;
	for (size_t i = 0; i < n; i++) {
		to = mempcpy(to, words[i].data, words[i].size);
		*to++ = ' ';
	}
	return (struct slice){ out, (size_t)(to - out) };
}

uint32_t *text_points(struct slice s, struct arena *arena, size_t *n)
{
	uint32_t *out = ARENA_ARRAY(arena, uint32_t, s.size + 1);
	size_t k = 0;
	for (size_t i = 0; i < s.size; k++)
		i += point(s, i, &out[k]);
	*n = k;
	return out;
}

/* --- Counting --------------------------------------------------------------------------------- */

static size_t slots_for(size_t n)
{
	size_t slots = 16;
	while (slots < 2 * n)
		slots *= 2;
	return slots;
}

struct vocabulary vocabulary_new(struct arena *arena, size_t most)
{
	struct vocabulary v = { .n_slots = slots_for(most) };
	v.at = ARENA_ARRAY(arena, struct slice, most + 1);
	v.slots = arena_zero(arena, v.n_slots, sizeof *v.slots);
	return v;
}

static uint64_t hash(struct slice s)
{
	uint64_t h = s.size, word;
	size_t i = 0;
	for (; i + 8 <= s.size; i += 8) {
		memcpy(&word, s.data + i, 8);
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	return random_mix(h ^ slice_few(s.data + i, s.size - i));
}

uint32_t vocabulary_id(struct vocabulary *v, struct slice s)
{
	size_t i = hash(s) & (v->n_slots - 1);
	for (; v->slots[i]; i = (i + 1) & (v->n_slots - 1))
		if (slice_equal(v->at[v->slots[i] - 1], s))
			return v->slots[i] - 1;
	v->at[v->n] = s;
	v->slots[i] = (uint32_t)++v->n;
	return (uint32_t)v->n - 1;
}

uint32_t *vocabulary_ids(
	struct vocabulary *v, const struct slice *words, size_t n, struct arena *arena)
{
	uint32_t *ids = ARENA_ARRAY(arena, uint32_t, n + 1);
	for (size_t i = 0; i < n; i++)
		ids[i] = vocabulary_id(v, words[i]);
	return ids;
}

struct tally tally_new(struct arena *arena, size_t most)
{
	struct tally t = { .n_slots = slots_for(most) };
	t.keys = arena_zero(arena, t.n_slots, sizeof *t.keys);
	t.numbers = ARENA_ARRAY(arena, uint32_t, t.n_slots);
	t.hypothesis = arena_zero(arena, most + 1, sizeof *t.hypothesis);
	t.reference = arena_zero(arena, most + 1, sizeof *t.reference);
	t.best = arena_zero(arena, most + 1, sizeof *t.best);
	t.order = ARENA_ARRAY(arena, uint8_t, most + 1);
	return t;
}

static uint32_t tally_number(struct tally *t, uint64_t key, uint8_t order)
{
	size_t i = random_mix(key) & (t->n_slots - 1);
	for (; t->keys[i]; i = (i + 1) & (t->n_slots - 1))
		if (t->keys[i] == key)
			return t->numbers[i];
	t->keys[i] = key;
	t->numbers[i] = (uint32_t)t->n;
	t->order[t->n] = order;
	return (uint32_t)t->n++;
}

void tally_count(struct tally *t, const uint32_t *tokens, size_t n, size_t orders, uint32_t *counts,
	uint8_t first_order)
{
	for (size_t i = 0; i < n; i++) {
		/* a root for each first order keeps words and characters apart */
		uint64_t before = (uint64_t)first_order + 1;
		for (size_t k = 0; k < orders && i + k < n; k++) {
			uint32_t number = tally_number(
				t, before << 32 | tokens[i + k], (uint8_t)(first_order + k));
			counts[number]++;
			before = (uint64_t)number + 256;
		}
	}
}
