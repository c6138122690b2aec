#include "lib/learn/classes.h"

#include <stdlib.h>

static enum json_type kind(struct json v)
{
	return v.type == JSON_FALSE ? JSON_TRUE : v.type;
}

/* The text that names a label: of a number the shortest that reads back, whole ones without a
 * point. */
static struct slice name(struct json v, struct buffer *b)
{
	int64_t whole;
	buffer_clear(b);
	if (v.type == JSON_STRING)
		json_add_text(b, v);
	else if (v.type != JSON_NUMBER)
		buffer_slice(b, v.raw);
	else if (json_integer(v, &whole))
		json_write_integer(b, whole);
	else
		json_write_double(b, json_double(v));
	return buffer_view(b);
}

static int read(struct slice json, struct json *v, struct error *e)
{
	if (json_read(json, v, e))
		return -1;
	if (v->type == JSON_STRING || v->type == JSON_NUMBER || kind(*v) == JSON_TRUE)
		return 0;
	return error_set(e, ERROR_DATA, "a label is %s: it should be a string, number or boolean",
		json_type_name(v->type));
}

void class_set_free(struct class_set *s)
{
	terms_free(&s->texts);
}

int class_set_add(struct class_set *s, struct slice json, int32_t *id, struct error *e)
{
	struct json v;
	if (read(json, &v, e))
		return -1;
	if (s->type == JSON_ABSENT)
		s->type = kind(v);
	if (s->type != kind(v))
		return error_set(e, ERROR_DATA, "the label %.*s is %s, those before are %ss",
			json.size < 40 ? (int)json.size : 40, json.data, json_type_name(v.type),
			s->type == JSON_STRING   ? "string"
			: s->type == JSON_NUMBER ? "number"
						 : "boolean");
	struct buffer b = { NULL, 0, 0 };
	*id = (int32_t)terms_add(&s->texts, name(v, &b));
	buffer_free(&b);
	return 0;
}

int class_set_find(const struct class_set *s, struct slice json, int32_t *id, struct error *e)
{
	struct json v;
	if (read(json, &v, e))
		return -1;
	struct buffer b = { NULL, 0, 0 };
	uint32_t found = terms_find(&s->texts, name(v, &b));
	buffer_free(&b);
	*id = (int32_t)found;
	if (found != TERMS_ABSENT && (s->type == kind(v)))
		return 0;
	return error_set(e, ERROR_DATA, "the label %.*s is none of the classifier's",
		json.size < 40 ? (int)json.size : 40, json.data);
}

struct place {
	struct slice text;
	double number;
	uint32_t id;
};

static int by_text(const void *a, const void *b)
{
	return slice_compare(((const struct place *)a)->text, ((const struct place *)b)->text);
}

static int by_number(const void *a, const void *b)
{
	double x = ((const struct place *)a)->number, y = ((const struct place *)b)->number;
	return (x > y) - (x < y);
}

static struct slice json_of(struct slice text, enum json_type type, struct arena *arena)
{
	if (type != JSON_STRING)
		return text;
	struct buffer b = { NULL, 0, 0 };
	json_write_string(&b, text);
	struct slice json = arena_copy(arena, buffer_view(&b));
	buffer_free(&b);
	return json;
}

void class_set_sort(const struct class_set *s, struct classes *labels, int32_t *id, size_t n,
	struct arena *arena)
{
	size_t k = s->texts.n;
	struct place *places = ARENA_ARRAY(arena, struct place, k);
	int32_t *at = ARENA_ARRAY(arena, int32_t, k);
	for (uint32_t i = 0; i < k; i++) {
		struct slice text = arena_copy(arena, s->texts.at[i]);
		struct json number = { .type = JSON_NUMBER, .raw = text };
		places[i] =
			(struct place){ text, s->type == JSON_NUMBER ? json_double(number) : 0, i };
	}
	qsort(places, k, sizeof *places, s->type == JSON_NUMBER ? by_number : by_text);
	*labels = (struct classes){ k, ARENA_ARRAY(arena, struct slice, k),
		ARENA_ARRAY(arena, struct slice, k) };
	for (size_t i = 0; i < k; i++) {
		labels->text[i] = places[i].text;
		labels->json[i] = json_of(places[i].text, s->type, arena);
		at[places[i].id] = (int32_t)i;
	}
	for (size_t i = 0; i < n; i++)
		id[i] = at[id[i]];
}

int classes_read(struct json array, struct classes *labels, struct arena *arena, struct error *e)
{
	size_t n = json_count(array), k = 0;
	struct class_set set = { 0 };
	*labels = (struct classes){ n, ARENA_ARRAY(arena, struct slice, n),
		ARENA_ARRAY(arena, struct slice, n) };
	for (struct json_iterator i = json_iterate(array); json_each(&i); k++) {
		int32_t id;
		int rc = class_set_add(&set, i.value.raw, &id, e);
		if (!rc && (size_t)id != k)
			rc = error_set(e, ERROR_MODEL, "a label stands twice");
		if (rc) {
			if (e)
				e->code = ERROR_MODEL;
			class_set_free(&set);
			return -1;
		}
		labels->text[k] = arena_copy(arena, set.texts.at[k]);
		labels->json[k] = json_of(labels->text[k], set.type, arena);
	}
	class_set_free(&set);
	return n ? 0 : error_set(e, ERROR_MODEL, "there are no labels");
}

void classes_write(struct buffer *b, const struct classes *labels)
{
	buffer_char(b, '[');
	for (size_t i = 0; i < labels->n; i++) {
		if (i)
			buffer_char(b, ',');
		buffer_slice(b, labels->json[i]);
	}
	buffer_char(b, ']');
}

size_t classes_find(const struct classes *labels, struct slice text)
{
	size_t i = 0;
	while (i < labels->n && !slice_equal(labels->text[i], text))
		i++;
	return i;
}
