/* value.c: what a command takes from a record: texts, numbers, labels, vectors. */
#include <math.h>
#include <stdio.h>

#include "lib/record/base64.h"
#include "lib/record/number.h"
#include "lib/record/record.h"

int record_error(const struct record *rec, struct error *e, const char *format, ...)
{
	char text[sizeof e->msg];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return error_set(e, ERROR_DATA, "%s:%zu: %s", rec->file, rec->line, text);
}

bool record_has(const struct record *rec, size_t want)
{
	return rec->values[want].is_field || rec->values[want].json.type != JSON_ABSENT;
}

/* The value is not what was asked for. */
static int unfit(
	const struct record *rec, size_t want, const char *key, const char *wanted, struct error *e)
{
	const struct value *v = &rec->values[want];
	if (!record_has(rec, want))
		return record_error(rec, e, "key \"%s\" is missing", key);
	if (!v->is_field)
		return record_error(rec, e, "key \"%s\" is %s, not %s", key,
			json_type_name(v->json.type), wanted);
	int size = v->field.size < 40 ? (int)v->field.size : 40;
	return record_error(
		rec, e, "column \"%s\" is \"%.*s\", not %s", key, size, v->field.data, wanted);
}

struct json record_json(const struct record *rec, size_t want)
{
	const struct value *v = &rec->values[want];
	struct json json = v->json;
	if (v->is_field && v->field.size && (v->field.data[0] == '[' || v->field.data[0] == '{'))
		json_read(v->field, &json, NULL); /* text that is no JSON leaves it absent */
	return json;
}

int record_array(const struct record *rec, size_t want, const char *key, const char *wanted,
	struct json *array, struct error *e)
{
	*array = record_json(rec, want);
	return array->type == JSON_ARRAY ? 0 : unfit(rec, want, key, wanted, e);
}

int record_text(const struct record *rec, size_t want, const char *key, struct arena *arena,
	struct slice *text, struct error *e)
{
	const struct value *v = &rec->values[want];
	if (v->is_field)
		*text = v->field;
	else if (v->json.type == JSON_STRING)
		*text = json_text(v->json, arena);
	else
		return unfit(rec, want, key, "text", e);
	return 0;
}

/* A field as a JSON number, blanks around it left out. */
static struct json number_of(const struct value *v)
{
	struct json number = { .type = JSON_NUMBER, .raw = v->field },
		    absent = { .type = JSON_ABSENT };
	const char *after;
	if (!v->is_field)
		return v->json;
	while (number.raw.size && *number.raw.data == ' ') {
		number.raw.data++;
		number.raw.size--;
	}
	while (number.raw.size && number.raw.data[number.raw.size - 1] == ' ')
		number.raw.size--;
	const char *end = number.raw.data + number.raw.size;
	double x = number_to_double(number.raw.data, end, &after);
	return after == end && isfinite(x) ? number : absent;
}

int record_integer(
	const struct record *rec, size_t want, const char *key, int64_t *x, struct error *e)
{
	struct json number = number_of(&rec->values[want]);
	if (number.type != JSON_NUMBER)
		return unfit(rec, want, key, "a number", e);
	if (json_integer(number, x))
		return 0;
	int size = number.raw.size < 40 ? (int)number.raw.size : 40;
	return record_error(
		rec, e, "key \"%s\" is %.*s, not a whole number", key, size, number.raw.data);
}

int record_double(
	const struct record *rec, size_t want, const char *key, double *x, struct error *e)
{
	struct json number = number_of(&rec->values[want]);
	if (number.type != JSON_NUMBER)
		return unfit(rec, want, key, "a number", e);
	*x = json_double(number);
	return 0;
}

int record_label(const struct record *rec, size_t want, const char *key, struct arena *arena,
	struct slice *text, struct slice *json, struct error *e)
{
	const struct value *v = &rec->values[want];
	if (v->is_field) {
		struct buffer b = { NULL, 0, 0 };
		json_write_string(&b, v->field);
		*text = v->field;
		*json = arena_copy(arena, buffer_view(&b));
		buffer_free(&b);
		return 0;
	}
	*json = *text = v->json.raw;
	switch (v->json.type) {
	case JSON_STRING:
		*text = json_text(v->json, arena);
		return 0;
	case JSON_NUMBER:
	case JSON_TRUE:
	case JSON_FALSE:
		return 0;
	default:
		return unfit(rec, want, key, "a label (a string, number or boolean)", e);
	}
}

/* --- Vectors -------------------------------------------------------------------------------- */

static int element_error(
	const struct record *rec, const char *key, size_t i, const char *what, struct error *e)
{
	return record_error(rec, e, "key \"%s\": element %zu is %s", key, i, what);
}

static inline const char *skip_space(const char *s)
{
	while (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\r')
		s++;
	return s;
}

/* A checked JSON array. */
static int from_array(const struct record *rec, const char *key, struct slice raw,
	struct arena *arena, float **out, size_t *n, struct error *e)
{
	const char *end = raw.data + raw.size - 1, *s = skip_space(raw.data + 1);
	size_t commas = 0;
	for (size_t i = 0; i < raw.size; i++)
		commas += raw.data[i] == ',';
	if (s == end)
		return record_error(rec, e, "key \"%s\" is an empty vector", key);
	float *x = ARENA_ARRAY(arena, float, commas + 1);
	for (*n = 0;; s = skip_space(s + 1)) {
		const char *after;
		float v = number_to_float(s, end, &after);
		if (!after)
			return element_error(rec, key, *n, "no number", e);
		if (isinf(v))
			return element_error(rec, key, *n, "too large for float32", e);
		x[(*n)++] = v;
		s = skip_space(after);
		if (s == end)
			break;
	}
	*out = x;
	return 0;
}

static int from_base64(const struct record *rec, const char *key, struct slice text,
	struct arena *arena, float **out, size_t *n, struct error *e)
{
	size_t size = base64_size(text);
	if (size == 0)
		return record_error(rec, e, "key \"%s\" is an empty vector", key);
	if (size == SIZE_MAX || size % 4)
		return record_error(rec, e,
			"key \"%s\" is no vector: its base64 has %zu character%s", key, text.size,
			plural(text.size));
	float *x = arena_alloc(arena, size);
	if (!base64_decode(text, x))
		return record_error(
			rec, e, "key \"%s\" is no vector: a character in it is not base64", key);
	*n = size / 4;
	for (size_t i = 0; i < *n; i++) {
		uint32_t bits;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		memcpy(&bits, &x[i], 4);
		bits = __builtin_bswap32(bits);
		memcpy(&x[i], &bits, 4);
#endif
		memcpy(&bits, &x[i], 4);
		if ((bits & 0x7f800000) == 0x7f800000)
			return element_error(rec, key, i, bits & 0x7fffff ? "NaN" : "infinite", e);
	}
	*out = x;
	return 0;
}

int record_vector(const struct record *rec, size_t want, const char *key, struct arena *arena,
	float **out, size_t *n, struct error *e)
{
	const struct value *v = &rec->values[want];
	if (!v->is_field && v->json.type == JSON_ARRAY)
		return from_array(rec, key, v->json.raw, arena, out, n, e);
	if (!v->is_field && v->json.type == JSON_STRING)
		return from_base64(rec, key, json_text(v->json, arena), arena, out, n, e);
	if (!v->is_field)
		return unfit(rec, want, key, "a vector", e);
	if (v->field.size == 0 || v->field.data[0] != '[')
		return from_base64(rec, key, v->field, arena, out, n, e);
	struct json array;
	struct error why;
	if (json_read(v->field, &array, &why))
		return record_error(rec, e, "column \"%s\" is no vector: %s", key, why.msg);
	return from_array(rec, key, array.raw, arena, out, n, e);
}
