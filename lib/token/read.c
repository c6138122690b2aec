#include "lib/token/read.h"

#include "lib/text/utf8.h"

void read_named(struct json object, const struct read_member *members, size_t n)
{
	for (size_t j = 0; j < n; j++)
		*members[j].to = (struct json){ .type = JSON_ABSENT };
	for (struct json_iterator i = json_iterate(object);
		object.type == JSON_OBJECT && json_each(&i);)
		for (size_t j = 0; j < n; j++)
			if (json_text_is(i.key, members[j].name))
				*members[j].to = i.value;
}

int read_fault(const struct json_parser *p, struct error *e)
{
	json_fault(p, e);
	if (e)
		e->code = ERROR_MODEL;
	return -1;
}

int read_type(
	struct json v, const char *what, struct arena *arena, struct slice *type, struct error *e)
{
	if (v.type != JSON_OBJECT)
		return error_set(e, ERROR_MODEL, "%s is not an object", what);
	struct json t = json_get(v, "type");
	if (t.type != JSON_STRING)
		return error_set(e, ERROR_MODEL, "%s has no type", what);
	*type = json_text(t, arena);
	return 0;
}

int read_unknown(const char *what, struct slice type, struct error *e)
{
	return error_set(e, ERROR_MODEL, "%s \"%.*s\" is not supported", what,
		(int)(type.size < 100 ? type.size : 100), type.data);
}

int read_bool(struct json object, const char *name, bool *to, struct error *e)
{
	struct json v = json_get(object, name);
	if (v.type != JSON_TRUE && v.type != JSON_FALSE)
		return error_set(e, ERROR_MODEL, "\"%s\" is %s", name,
			v.type == JSON_ABSENT ? "missing" : "not true or false");
	*to = v.type == JSON_TRUE;
	return 0;
}

int read_text(struct json object, const char *name, struct arena *arena, struct slice *to,
	struct error *e)
{
	struct json v = json_get(object, name);
	if (v.type != JSON_STRING)
		return error_set(e, ERROR_MODEL, "\"%s\" is %s", name,
			v.type == JSON_ABSENT ? "missing" : "not a string");
	*to = json_text(v, arena);
	return 0;
}

int read_character(struct json object, const char *name, struct arena *arena, struct slice *to,
	struct error *e)
{
	if (read_text(object, name, arena, to, e))
		return -1;
	if (utf8_count(*to) != 1)
		return error_set(e, ERROR_MODEL, "\"%s\" is not one character", name);
	return 0;
}

int read_choice(
	struct json object, const char *name, const char *const *choices, int *to, struct error *e)
{
	struct json v = json_get(object, name);
	for (*to = 0; choices[*to]; ++*to)
		if (v.type == JSON_STRING && json_text_is(v, choices[*to]))
			return 0;
	struct buffer list = { NULL, 0, 0 };
	for (size_t i = 0; choices[i]; i++)
		buffer_printf(&list, "%s\"%s\"", i ? ", " : "", choices[i]);
	error_set(e, ERROR_MODEL, "\"%s\" is %s: %.*s", name,
		v.type == JSON_ABSENT ? "missing" : "none of these", (int)list.size, list.data);
	buffer_free(&list);
	return -1;
}

bool read_number(struct json v, uint32_t *to)
{
	int64_t n;
	size_t digits = 0;
	/* most are a few digits */
	for (n = 0; digits < v.raw.size && digits < 10; digits++) {
		unsigned digit = (unsigned)v.raw.data[digits] - '0';
		if (digit > 9)
			break;
		n = 10 * n + digit;
	}
	if (v.type == JSON_NUMBER && digits == v.raw.size && digits < 10) {
		*to = (uint32_t)n;
		return true;
	}
	if (v.type != JSON_NUMBER || !json_integer(v, &n) || n < 0 || n >= UINT32_MAX)
		return false;
	*to = (uint32_t)n;
	return true;
}

int read_id(struct json object, const char *name, uint32_t *to, struct error *e)
{
	struct json v = json_get(object, name);
	if (!read_number(v, to))
		return error_set(e, ERROR_MODEL, "\"%s\" is %s", name,
			v.type == JSON_ABSENT ? "missing"
					      : "not a whole number from 0 to 4294967294");
	return 0;
}
