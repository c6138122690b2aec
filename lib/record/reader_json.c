/* reader_json.c: a JSONL record: its members are listed, the wanted values picked. */
#include "lib/record/reader.h"

static struct json_member *add_member(struct reader *r, size_t n)
{
	if (n == r->members_capacity) {
		size_t capacity = n ? 2 * n : 16;
		r->members = mem_resize(r->members, n * sizeof *r->members, size_mul(capacity,
			sizeof *r->members));
		r->members_capacity = capacity;
	}
	return &r->members[n];
}

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

int reader_parse_json(struct reader *r, struct arena *arena, struct record *rec, struct error *e)
{
	struct json_parser p;
	size_t n = 0;
	json_begin(&p, rec->raw);
	struct json t = json_next(&p);
	if (t.type != JSON_OBJECT)
		return t.type == JSON_ERROR ? wrong(rec, &p, e) : not_object(rec, t.type, e);
	while ((t = json_next(&p)).type == JSON_KEY) {
		struct json_member *m = add_member(r, n++);
		m->key = t;
		m->value = json_skip(&p, t);
		if (m->value.type == JSON_ERROR)
			return wrong(rec, &p, e);
		for (size_t i = 0; i < r->n_wants; i++)
			if (json_text_is(t, r->wants[i]))
				rec->values[i].json = m->value;
	}
	if (t.type == JSON_ERROR || json_next(&p).type != JSON_END)
		return wrong(rec, &p, e);
	struct json_member *members = ARENA_ARRAY(arena, struct json_member, n);
	if (n)
		memcpy(members, r->members, n * sizeof *members);
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
