/*
 * topics_assign.c: give new records the nearest of saved topics, by their vectors, or where they
 * have none by those of their texts.
 */
#include "cmd/topics_private.h"

enum {
	WINDOW = 1024, /* records that are embedded at once */
	WINDOW_BYTES = 1 << 26, /* and their bytes */
};

struct window {
	struct record *records; /* [WINDOW] */
	struct slice *texts; /* [WINDOW], where the encoder makes the vectors */
	float *vectors; /* [WINDOW, size] */
	int32_t *nearest; /* [WINDOW] */
	bool embed; /* records have no vectors */
	size_t n, bytes;
};

static struct device *device;

static void open_device(void)
{
	struct error e;
	if (device_open(run.device, &device, &e))
		command_fail(&e);
}

static void embed(struct window *w, const struct topics *t)
{
	struct error e;
	const struct encoder *encoder = open_encoder(model_of(t));
	if (encoder->size != t->size)
		wrong_size(t->size, "the topics' vectors", model_of(t));
	if (encoder->run(encoder->self, w->texts, w->n, w->vectors, &e))
		command_fail(&e);
}

static void window_write(struct window *w, struct topics *t, struct buffer *out)
{
	struct error e;
	size_t written = 0;
	if (w->n && w->embed)
		embed(w, t);
	if (!device)
		open_device();
	if (topics_nearest(t, device, w->vectors, w->n, w->nearest, &e))
		command_fail(&e);
	for (size_t i = 0; i < w->n; i++) {
		if (!command_put(out, &w->records[i]))
			continue;
		writer_integer(run.writer, out, t->at[w->nearest[i]].number);
		writer_end(run.writer, out);
		written++;
	}
	command_write(out, written);
	w->n = w->bytes = 0;
}

/* Read one record into the window. */
static int window_read(struct window *w, struct vector_source *v, size_t text,
	const struct record *record, struct arena *arena, struct error *e)
{
	const float *row;
	if (vector_source_next(v, record, arena, &row, e))
		return -1;
	if (!row && record_text(record, text, run.text_key, arena, &w->texts[w->n], e))
		return -1;
	w->embed = !row;
	if (row)
		memcpy(w->vectors + w->n * v->size, row, v->size * sizeof *row);
	w->records[w->n++] = *record;
	w->bytes += record->raw.size;
	return 0;
}

void assign(void)
{
	struct topics *t = load_topics(said.load);
	need_embeddings(t);
	struct arena *arena = arena_new();
	struct vector_source v = { .size = t->size, .whose = "the topics have" };
	size_t text = reader_want(run.reader, run.text_key);
	open_vectors(&v);
	struct window w = { MEM_ARRAY(struct record, WINDOW), MEM_ARRAY(struct slice, WINDOW),
		MEM_ARRAY(float, size_mul(WINDOW, t->size)), MEM_ARRAY(int32_t, WINDOW), false, 0,
		0 };
	struct buffer out = { 0 };
	struct record record;
	struct error e;
	struct arena_mark mark = arena_mark(arena);
	command_output(1);
	while (command_next(arena, &record)) {
		if (window_read(&w, &v, text, &record, arena, &e))
			command_reject(&record, &e);
		if (w.n < WINDOW && w.bytes < WINDOW_BYTES)
			continue;
		window_write(&w, t, &out);
		arena_reset(arena, mark);
	}
	window_write(&w, t, &out);
	close_vectors(&v);
	buffer_free(&out);
	mem_free(w.records);
	mem_free(w.texts);
	mem_free(w.vectors);
	mem_free(w.nearest);
	device_free(device);
	topics_free(t);
	arena_free(arena);
}
