/* command_window.c: see command_window.h. */
#include "cmd/command_window.h"

#include <string.h>

enum { FIRST = 32, BYTES = 4 << 20 }; /* records of the first window; bytes: one more is read */

void window_open(struct window *w)
{
	struct error e;
	w->arena = arena_new();
	w->asked = FIRST;
	w->records = MEM_ARRAY(struct record, WINDOW_RECORDS);
	w->texts = MEM_ARRAY(struct slice, WINDOW_RECORDS);
	w->pairs = MEM_ARRAY(struct slice, WINDOW_RECORDS);
	w->labels = MEM_ARRAY(struct slice, WINDOW_RECORDS);
	if (w->text_key)
		w->text = reader_want(run.reader, w->text_key);
	if (w->pair_key)
		w->pair = reader_want(run.reader, w->pair_key);
	if (w->label_key)
		w->label = reader_want(run.reader, w->label_key);
	if (!w->vector_key)
		return;
	w->source = (struct vector_source){ .keys = { w->vector_key },
		.path = run.input_vectors,
		.size = w->size,
		.whose = w->size ? "the classifier wants" : NULL,
		.hint = "give records vectors (embed), or name a model for their texts (-m)" };
	if (vector_source_open(&w->source, run.reader, &e))
		command_fail(&e);
}

void window_close(struct window *w)
{
	struct error e;
	if (w->vector_key && vector_source_close(&w->source, run.records, &e))
		command_fail(&e);
	arena_free(w->arena);
	mem_free(w->records);
	mem_free(w->texts);
	mem_free(w->pairs);
	mem_free(w->labels);
	mem_free(w->vectors);
}

static struct slice fill(const char *template, struct slice text, struct arena *arena)
{
	static const char mark[] = "[DOCUMENT]";
	struct buffer b = { NULL, 0, 0 };
	for (const char *at; (at = strstr(template, mark)); template = at + strlen(mark)) {
		buffer_add(&b, template, (size_t)(at - template));
		buffer_slice(&b, text);
	}
	buffer_text(&b, template);
	struct slice all = arena_copy(arena, buffer_view(&b));
	buffer_free(&b);
	return all;
}

static int take_vector(struct window *w, const struct record *r, size_t i, struct error *e)
{
	const float *x;
	if (vector_source_next(&w->source, r, w->arena, &x, e))
		return -1;
	w->size = w->source.size;
	if (!w->vectors)
		w->vectors = MEM_ARRAY(float, size_mul(WINDOW_RECORDS, w->size));
	memcpy(w->vectors + i * w->size, x, w->size * sizeof *x);
	return 0;
}

static int take(struct window *w, const struct record *r, size_t i, struct error *e)
{
	struct slice text;
	if (w->label_key &&
		record_label(r, w->label, w->label_key, w->arena, &text, &w->labels[i], e))
		return -1;
	if (w->text_key && record_text(r, w->text, w->text_key, w->arena, &w->texts[i], e))
		return -1;
	if (w->text_key && w->template)
		w->texts[i] = fill(w->template, w->texts[i], w->arena);
	if (w->pair_key && record_text(r, w->pair, w->pair_key, w->arena, &w->pairs[i], e))
		return -1;
	if (w->vector_key && take_vector(w, r, i, e))
		return -1;
	return w->take ? w->take(w, r, i, e) : 0;
}

bool window_read(struct window *w)
{
	size_t bytes = 0;
	arena_clear(w->arena);
	w->n = 0;
	while (w->n < w->asked && bytes < BYTES && command_next(w->arena, &w->records[w->n])) {
		struct error e;
		if (take(w, &w->records[w->n], w->n, &e)) {
			command_reject(&w->records[w->n], &e);
			continue;
		}
		bytes += w->records[w->n++].raw.size;
	}
	w->asked = 2 * w->asked < WINDOW_RECORDS ? 2 * w->asked : WINDOW_RECORDS;
	return w->n > 0;
}

void window_fail(const struct window *w, size_t i, struct error *e)
{
	if (i < w->n)
		error_wrap(e, "%s:%zu", w->records[i].file, w->records[i].line);
	command_fail(e);
}
