/* labels.c: labels from records, and their order. */
#include "lib/metric/labels.h"

#include <math.h>
#include <stdlib.h>

#include "lib/record/number.h"

static const char *const type_names[] = { "nothing", "a string", "a number", "a boolean" };
static const char *const types_names[] = { "nothing", "strings", "numbers", "booleans" };

static bool read_number(struct slice s, double *x)
{
	const char *after;
	*x = number_to_double(s.data, s.data + s.size, &after);
	return s.size && after == s.data + s.size;
}

static bool is_whole(struct slice number)
{
	size_t i = number.data[0] == '-';
	while (i < number.size && number.data[i] >= '0' && number.data[i] <= '9')
		i++;
	return i == number.size;
}

/* 1.0 and 1e0 as 1; a plain whole number is that already. */
static struct slice canonical(struct json v, struct arena *arena)
{
	int64_t whole;
	bool zero = slice_equal(v.raw, SLICE("-0"));
	if ((is_whole(v.raw) && !zero) || !json_integer(v, &whole))
		return v.raw;
	struct buffer b = { 0 };
	json_write_integer(&b, whole);
	struct slice text = arena_copy(arena, buffer_view(&b));
	buffer_free(&b);
	return text;
}

/* One value: its canonical text is what counts, so that 1 and 1.0 are one label. */
static int add(struct labels *l, const struct record *r, const char *key, struct json v,
	struct arena *arena, uint32_t *label, struct error *e)
{
	enum label_type type;
	struct slice text = v.raw;
	switch (v.type) {
	case JSON_STRING:
		type = LABEL_STRING;
		text = json_text(v, arena);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		type = LABEL_BOOLEAN;
		break;
	case JSON_NUMBER:
		type = LABEL_NUMBER;
		text = canonical(v, arena);
		l->floats = l->floats || !is_whole(v.raw);
		break;
	default:
		return record_error(r, e,
			"key \"%s\" is %s, not a label (a string, number or boolean)", key,
			json_type_name(v.type));
	}
	if (l->type != LABEL_NONE && l->type != type)
		return record_error(r, e, "key \"%s\" is %s, but the labels before are %s", key,
			type_names[type], types_names[l->type]);
	l->type = type;
	*label = terms_add(&l->terms, text);
	return 0;
}

/* Where the same JSON was seen, or belongs; NULL for one too long to keep. */
static struct label_seen *seen_at(struct labels *l, struct slice raw, uint64_t key[2])
{
	if (raw.size > 15)
		return NULL;
	size_t first = raw.size < 8 ? 0 : 8;
	key[0] = 0;
	if (first)
		memcpy(key, raw.data, 8);
	key[1] = slice_few(raw.data + first, raw.size - first) | (uint64_t)raw.size << 56;
	uint64_t h = (key[0] ^ key[1] * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
	return &l->seen[h >> 58];
}

int labels_of(struct labels *l, const struct record *r, size_t want, const char *key,
	struct arena *arena, uint32_t *label, struct error *e)
{
	if (!record_has(r, want))
		return record_error(r, e, "key \"%s\" is missing", key);
	if (r->values[want].is_field) {
		l->fields = true;
		l->type = LABEL_STRING;
		*label = terms_add(&l->terms, r->values[want].field);
		return 0;
	}
	uint64_t raw[2] = { 0 };
	struct json v = r->values[want].json;
	struct label_seen *seen = seen_at(l, v.raw, raw);
	if (seen && seen->raw[0] == raw[0] && seen->raw[1] == raw[1]) {
		*label = seen->id;
		return 0;
	}
	if (add(l, r, key, v, arena, label, e))
		return -1;
	if (seen)
		*seen = (struct label_seen){ { raw[0], raw[1] }, *label };
	return 0;
}

bool labels_is_array(const struct record *r, size_t want)
{
	return record_json(r, want).type == JSON_ARRAY;
}

static int by_id(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

int labels_of_array(struct labels *l, const struct record *r, size_t want, const char *key,
	struct arena *arena, uint32_t **ids, size_t *n, struct error *e)
{
	struct json array;
	if (record_array(r, want, key, "an array of labels", &array, e))
		return -1;
	uint32_t *out = ARENA_ARRAY(arena, uint32_t, json_count(array) + 1);
	size_t k = 0;
	for (struct json_iterator i = json_iterate(array); json_each(&i);) {
		if (add(l, r, key, i.value, arena, &out[k++], e))
			return -1;
	}
	qsort(out, k, sizeof *out, by_id);
	*n = 0;
	for (size_t i = 0; i < k; i++)
		if (i == 0 || out[i] != out[i - 1])
			out[(*n)++] = out[i];
	*ids = out;
	return 0;
}

struct sortable {
	struct slice text;
	double number;
	uint32_t id;
};

static int by_number(const void *a, const void *b)
{
	const struct sortable *x = a, *y = b;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return slice_compare(x->text, y->text);
}

static int by_text(const void *a, const void *b)
{
	return slice_compare(
		((const struct sortable *)a)->text, ((const struct sortable *)b)->text);
}

static struct slice shown(struct labels *l, struct slice text)
{
	if (l->type == LABEL_BOOLEAN)
		return text.data[0] == 't' ? SLICE("True") : SLICE("False");
	if (l->type != LABEL_NUMBER || !l->floats || !is_whole(text))
		return text;
	char *out = arena_alloc(l->terms.arena, text.size + 2);
	memcpy(out, text.data, text.size);
	memcpy(out + text.size, ".0", 2);
	return (struct slice){ out, text.size + 2 };
}

void labels_sort(struct labels *l)
{
	size_t n = l->terms.n;
	struct sortable *s = MEM_ARRAY(struct sortable, n + 1);
	bool numbers = l->type == LABEL_NUMBER || l->fields;
	for (size_t i = 0; i < n; i++) {
		s[i].text = l->terms.at[i];
		s[i].id = (uint32_t)i;
		bool reads = read_number(s[i].text, &s[i].number);
		numbers = numbers && reads;
	}
	qsort(s, n, sizeof *s, numbers ? by_number : by_text);
	mem_free(l->order);
	mem_free(l->rank);
	mem_free(l->shown);
	l->shown = MEM_ARRAY(struct slice, n + 1);
	l->order = MEM_ARRAY(uint32_t, n + 1);
	l->rank = MEM_ARRAY(uint32_t, n + 1);
	for (size_t i = 0; i < n; i++) {
		l->order[i] = s[i].id;
		l->rank[s[i].id] = (uint32_t)i;
		l->shown[i] = shown(l, l->terms.at[i]);
	}
	mem_free(s);
}

struct slice labels_text(const struct labels *l, uint32_t label)
{
	return l->shown[label];
}

uint32_t labels_find(const struct labels *l, struct slice text)
{
	for (size_t i = 0; i < l->terms.n; i++)
		if (slice_equal(l->shown[i], text))
			return (uint32_t)i;
	return terms_find(&l->terms, text);
}

void labels_free(struct labels *l)
{
	terms_free(&l->terms);
	mem_free(l->order);
	mem_free(l->rank);
	mem_free(l->shown);
	*l = (struct labels){ 0 };
}
