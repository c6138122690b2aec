/* reader_json.c: a JSONL record: its members are listed, the wanted values picked. */
#include "lib/record/reader.h"

static int wrong(const struct record *rec, const struct json_parser *p, struct error *e)
{
	if (p->at == p->end && p->depth)
		return record_error(rec, e, "%s: the record is cut off", p->fault);
	return record_error(rec, e, "%s (column %zu)", p->fault, (size_t)(p->at - p->start) + 1);
}

static int not_object(const struct record *rec, enum json_type type, struct error *e)
{
	if (type == JSON_ARRAY)
		return record_error(rec, e,
			"a record is an object, and this is an array; "
			"jq -c '.[]' puts its elements on lines");
	return record_error(rec, e, "a record is an object, and this is %s", json_type_name(type));
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
	struct json t = json_next(&p);
	if (t.type != JSON_OBJECT)
		return t.type == JSON_ERROR ? wrong(rec, &p, e) : not_object(rec, t.type, e);
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
	if (m->key.type == JSON_ERROR || json_next(&p).type != JSON_END)
		return wrong(rec, &p, e);
	if (n > READER_MEMBERS)
		return 0;
	r->n_members = n;
	rec->members = members;
	rec->n_members = n;
	return 0;
}

struct slice reader_keys_of(struct slice raw, struct arena *arena)
{
	struct json root;
	if (json_read(raw, &root, NULL))
		return SLICE("");
	struct buffer b = { NULL, 0, 0 };
	size_t n = 0;
	for (struct json_iterator i = json_iterate(root); json_each(&i); n++) {
		if (n)
			buffer_char(&b, ',');
		csv_encode(&b, json_text(i.key, arena), ',');
	}
	struct slice header = arena_copy(arena, buffer_view(&b));
	buffer_free(&b);
	return header;
}
