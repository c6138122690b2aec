/* evaluate_source.c: records as they are, or CoNLL columns put together as records. */
#include "cmd/evaluate_source.h"

void source_open(struct source *s)
{
	if (!run.conll)
		return;
	s->lines = arena_new();
	s->line_want = reader_want(s->reader, "text");
	s->prediction = reader_want(s->reader, s->prediction_key);
	s->reference = reader_want(s->reader, s->reference_key);
	s->n_wants = reader_want(s->reader, "\177") + 1; /* places are given in order */
	if (s->prediction == s->line_want || s->reference == s->line_want)
		command_usage("--format conll: \"text\" is no key of tags");
}

void source_close(struct source *s)
{
	conll_free(&s->sentence);
	arena_free(s->lines);
}

static bool source_read(struct source *s, struct arena *arena, struct record *r)
{
	struct error e;
	if (!s->paired)
		return command_next(arena, r);
	int got = reader_next(s->reader, arena, r, NULL, &e);
	if (got < 0)
		command_fail(&e);
	return got > 0;
}

/* The sentence at hand as a record whose last two columns are the reference and the prediction. */
static void make_sentence(struct source *s, struct arena *arena, struct record *r)
{
	const struct conll *c = &s->sentence;
	struct error e;
	if (c->columns < 2)
		command_stop(ERROR_DATA,
			"%s:%zu: one column: --format conll takes the reference and the "
			"prediction from the last two",
			s->file, c->line);
	*r = (struct record){
		.file = s->file, .line = c->line, .index = s->n, .format = FORMAT_JSONL
	};
	r->raw = arena_copy(arena, (struct slice){ c->text.data, c->text.size - 1 });
	r->values = arena_zero(arena, s->n_wants, sizeof *r->values);
	const size_t to[] = { s->reference, s->prediction };
	for (size_t i = 0; i < 2; i++) {
		struct buffer b = { 0 };
		conll_json(c, c->columns - 2 + i, &b);
		struct slice text = arena_copy(arena, buffer_view(&b));
		buffer_free(&b);
		if (json_read(text, &r->values[to[i]].json, &e))
			command_stop(ERROR_DATA, "%s:%zu: %s", s->file, c->line, e.msg);
	}
	conll_clear(&s->sentence);
}

static bool next_sentence(struct source *s, struct arena *arena, struct record *r)
{
	struct error e;
	struct record line;
	struct slice text;
	for (; !s->ended; arena_clear(s->lines)) {
		if (!source_read(s, s->lines, &line))
			break;
		/* the end of a file ends its sentence */
		bool other_file = s->sentence.n && s->file != line.file;
		if (other_file)
			make_sentence(s, arena, r);
		s->file = line.file;
		if (record_text(&line, s->line_want, "text", s->lines, &text, &e))
			command_fail(&e);
		int got = conll_line(&s->sentence, text, line.line, &e);
		if (got < 0)
			command_stop(e.code, "%s:%zu: %s", line.file, line.line, e.msg);
		if (got && !other_file)
			make_sentence(s, arena, r);
		if (got || other_file)
			return true;
	}
	s->ended = true;
	if (s->sentence.n == 0)
		return false;
	make_sentence(s, arena, r);
	return true;
}

bool source_next(struct source *s, struct arena *arena, struct record *r)
{
	bool got = run.conll ? next_sentence(s, arena, r) : source_read(s, arena, r);
	s->n += got;
	return got;
}
