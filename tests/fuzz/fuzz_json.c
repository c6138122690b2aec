/*
 * fuzz_json.c: any bytes as a JSON text, and as a JSONL file. What the parser takes must walk,
 * decode and write again to the same; a record must come out of the writer as it went in.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/record/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Write v anew: texts decoded and encoded, containers walked. Numbers as they are. */
static void write_again(struct buffer *b, struct json v, struct arena *arena)
{
	size_t n = 0;
	int64_t x;
	switch (v.type) {
	case JSON_STRING: {
		struct slice text = json_text(v, arena);
		CHECK(json_text_equal(v, text));
		json_write_string(b, text);
		return;
	}
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	case JSON_NUMBER:
		if (json_integer(v, &x))
			CHECK(json_double(v) == (double)x);
		CHECK(json_double(v) - json_double(v) == 0);
		/* fall through */
	default:
		buffer_slice(b, v.raw);
		return;
	}
	buffer_char(b, *v.raw.data);
	for (struct json_iterator i = json_iterate(v); json_each(&i); n++) {
		if (n)
			buffer_char(b, ',');
		if (i.object) {
			json_write_string(b, json_text(i.key, arena));
			buffer_char(b, ':');
		}
		write_again(b, i.value, arena);
	}
	CHECK(n == json_count(v));
	buffer_char(b, v.raw.data[v.raw.size - 1]);
}

static void as_text(struct slice text)
{
	struct json root, second;
	struct error e;
	struct json_parser p;
	struct json t;
	bool ok = json_read(text, &root, &e) == 0;
	json_begin(&p, text);
	while ((t = json_next(&p)).type != JSON_END && t.type != JSON_ERROR)
		CHECK(t.raw.data >= text.data && t.raw.data + t.raw.size <= text.data + text.size);
	CHECK(ok == (t.type == JSON_END));
	if (!ok)
		return;
	struct arena *arena = arena_new();
	struct buffer once = { NULL, 0, 0 }, twice = { NULL, 0, 0 };
	write_again(&once, root, arena);
	CHECK(json_read(buffer_view(&once), &second, &e) == 0);
	write_again(&twice, second, arena);
	CHECK(slice_equal(buffer_view(&once), buffer_view(&twice)));
	buffer_free(&once);
	buffer_free(&twice);
	arena_free(arena);
}

/* Member by member is the same as token by token, and as the walk over what was checked. */
static void as_members(struct slice text)
{
	struct json root = { 0 }, key, value;
	struct error e;
	struct json_parser p;
	bool ok = json_read(text, &root, &e) == 0;
	json_begin(&p, text);
	if (json_next(&p).type != JSON_OBJECT)
		return;
	struct json_iterator i = json_iterate(root);
	while (json_member(&p, &key, &value)) {
		CHECK(value.raw.data >= text.data &&
			value.raw.data + value.raw.size <= text.data + text.size);
		if (!ok)
			continue;
		CHECK(json_each(&i) && i.value.type == value.type);
		CHECK(slice_equal(i.key.raw, key.raw) && slice_equal(i.value.raw, value.raw));
	}
	CHECK(!ok || !json_each(&i));
	CHECK(ok == (key.type == JSON_OBJECT_END && json_next(&p).type == JSON_END));
}

static void as_records(struct slice text)
{
	char path[40];
	const char *file = path, *key = "\xf0\x9f\xaa\xa2", *drop = "a";
	struct reader_options in = { .files = &file, .n_files = 1, .format = FORMAT_JSONL };
	struct writer_options out = { .replace = true, .drop = &drop, .n_drop = 1 };
	struct error e;
	int fd = memfd_create("fuzz", 0);
	CHECK(fd >= 0 && write(fd, text.data, text.size) == (ssize_t)text.size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	struct arena *arena = arena_new();
	struct reader *r = reader_open(&in, &e);
	struct writer *w = writer_new(&out, &key, 1, &e);
	struct record rec;
	struct buffer b = { NULL, 0, 0 };
	struct json root;
	if (r && text.size % 2)
		reader_find_columns(r);
	int rc;
	while (r && (rc = reader_next(r, arena, &rec, NULL, &e))) {
		if (rc < 0 && reader_failed(r))
			break;
		if (rc < 0)
			continue;
		buffer_clear(&b);
		CHECK(writer_begin(w, &b, &rec, &e) == 0);
		writer_integer(w, &b, 1);
		writer_end(w, &b);
		CHECK(json_read(buffer_view(&b), &root, &e) == 0);
		CHECK(json_get(root, "a").type == JSON_ABSENT &&
			json_get(root, key).type == JSON_NUMBER);
		struct slice dropped = buffer_view(&b);
		dropped = arena_copy(arena, dropped);
		/* a record from a spool has no list of members, and must give the same */
		rec.members = NULL;
		buffer_clear(&b);
		CHECK(writer_begin(w, &b, &rec, &e) == 0);
		writer_integer(w, &b, 1);
		writer_end(w, &b);
		CHECK(slice_equal(buffer_view(&b), dropped));
		arena_clear(arena);
	}
	reader_close(r);
	writer_free(w);
	buffer_free(&b);
	arena_free(arena);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	as_text((struct slice){ (const char *)data, size });
	as_members((struct slice){ (const char *)data, size });
	if (size % 8 == 0) /* the slow part on some, so that many are tried */
		as_records((struct slice){ (const char *)data, size });
	return 0;
}
