/* reader_json.c: a JSONL record: its members are listed, the wanted values picked. */
#include "lib/record/reader.h"

static int wrong(const struct record *rec, const struct json_parser *p, struct error *e)
{
	if (p->at == p->end && p->depth)
		return record_error(rec, e, "%s: the record is cut off", p->fault);
	return record_error(rec, e, "%s (column %zu)", p->fault, (size_t)(p->at - p->start) + 1);
}

static int begin_object(const struct record *rec, struct json_parser *p, struct error *e)
{
	enum json_type type = json_next(p).type;
	if (type == JSON_OBJECT)
		return 0;
	if (type == JSON_ERROR)
		return wrong(rec, p, e);
	return record_error(rec, e, "a record is an object, and this is %s%s", json_type_name(type),
		type == JSON_ARRAY ? "; jq -c '.[]' puts its elements on lines" : "");
}

/* last: where a key was looked for and none is. */
static int end_object(
	const struct record *rec, struct json_parser *p, struct json last, struct error *e)
{
	bool good = last.type != JSON_ERROR && json_next(p).type == JSON_END;
	return good ? 0 : wrong(rec, p, e);
}

/* The list with room for twice as many. */
static struct json_member *longer(
	struct arena *arena, const struct json_member *old, size_t n, size_t *room)
{
	*room = 2 * n;
	struct json_member *members = ARENA_ARRAY(arena, struct json_member, *room + 1);
	return memcpy(members, old, n * sizeof *members);
}

int reader_parse_json(struct reader *r, struct arena *arena, struct record *rec, struct error *e)
{
	struct json_parser p;
	/* as many as the record before had, mostly */
	size_t n = 0, room = r->n_members ? r->n_members : 8;
	struct json_member *members = ARENA_ARRAY(arena, struct json_member, room + 1), *m;
	json_begin(&p, rec->raw);
	if (begin_object(rec, &p, e))
		return -1;
	/* the last place takes the end, and what is too many */
	for (m = members; json_member(&p, &m->key, &m->value);
		m = members + (n < room ? n : room)) {
		for (size_t i = 0; i < r->n_wants; i++)
			if (m->key.raw.size >= r->wants[i].size + 2 &&
				json_text_equal(m->key, r->wants[i]))
				rec->values[i].json = m->value;
		if (++n == room && n < READER_MEMBERS)
			members = longer(arena, members, n, &room);
	}
	if (end_object(rec, &p, m->key, e))
		return -1;
	if (n > READER_MEMBERS)
		return 0;
	r->n_members = n;
	rec->members = members;
	rec->n_members = n;
	return 0;
}

int reader_keys_of(
	const struct record *rec, struct arena *arena, struct slice *header, struct error *e)
{
	struct json_parser p;
	struct json_member m;
	struct buffer b = { NULL, 0, 0 };
	json_begin(&p, rec->raw);
	int rc = begin_object(rec, &p, e);
	for (size_t n = 0; rc == 0 && json_member(&p, &m.key, &m.value); n++) {
		if (n)
			buffer_char(&b, ',');
		csv_encode(&b, json_text(m.key, arena), ',');
	}
	if (rc == 0)
		rc = end_object(rec, &p, m.key, e);
	*header = arena_copy(arena, buffer_view(&b));
	buffer_free(&b);
	return rc;
}
