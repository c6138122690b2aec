#include "lib/token/matcher.h"

#include "lib/token/read.h"

int matcher_regex(struct matcher *m, struct slice regex, struct error *e)
{
	*m = (struct matcher){ .literal = regex, .pattern = pattern_find(regex) };
	if (!m->pattern)
		m->regex = regex_compile(regex, e);
	return m->pattern || m->regex ? 0 : -1;
}

int matcher_read(struct matcher *m, struct json v, struct arena *arena, struct error *e)
{
	struct json pattern = json_get(v, "pattern"), text = json_get(pattern, "String"),
		    regex = json_get(pattern, "Regex");
	*m = (struct matcher){ 0 };
	if (json_count(pattern) != 1 || (text.type != JSON_STRING && regex.type != JSON_STRING))
		return error_set(e, ERROR_MODEL,
			"\"pattern\" is neither {\"String\": text} nor {\"Regex\": text}");
	m->literal = json_text(text.type == JSON_STRING ? text : regex, arena);
	/* no text is a pattern too: it matches everywhere */
	if (regex.type == JSON_STRING || m->literal.size == 0)
		return matcher_regex(m, m->literal, e);
	return 0;
}

void matcher_free(struct matcher *m)
{
	regex_free(m->regex);
	*m = (struct matcher){ 0 };
}

int matcher_next(const struct matcher *m, struct regex_work *work, struct slice text,
	struct regex_walk *walk, size_t *start, size_t *end, struct error *e)
{
	if (m->pattern) {
		uint32_t to;
		if (!pattern_split(m->pattern, text, walk->at, &to, 1))
			return 0;
		*start = walk->at;
		*end = walk->at = to;
		return 1;
	}
	if (m->regex)
		return regex_next(m->regex, work, text, walk, start, end, e);
	const char *p = text.size ? memmem(text.data + walk->at, text.size - walk->at,
					    m->literal.data, m->literal.size)
				  : NULL;
	if (!p)
		return 0;
	*start = (size_t)(p - text.data);
	*end = walk->at = *start + m->literal.size;
	return 1;
}
