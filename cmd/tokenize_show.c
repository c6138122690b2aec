/*
 * tokenize_show.c: tokens for the eye: a text cut where its tokens end, in two colours by turns
 * on a terminal, else with a bar between them; for one model (--show) or a line for each of
 * several (--compare).
 */
#include <stdlib.h>
#include <unistd.h>

#include "cmd/tokenize_private.h"

#include "lib/text/utf8.h"

/* Black on two pale colours by turns, and grey for what the model adds. */
static const char *const colours[] = { "\033[30;48;5;153m", "\033[30;48;5;223m" };
static const char grey[] = "\033[90m", plain[] = "\033[0m";

/* Text as it may stand in a line of a terminal: controls as their pictures (U+2400). */
static void add_printable(struct buffer *b, struct slice text)
{
	for (size_t i = 0, size; i < text.size; i += size) {
		uint32_t c;
		char bytes[4];
		size = utf8_decode(text.data + i, text.data + text.size, &c);
		if (c < 0x20)
			c += 0x2400;
		else if (c == 0x7f)
			c = 0x2421;
		else if ((c >= 0x80 && c < 0xa0) || (c >= 0x202a && c < 0x202f) ||
			 (c >= 0x2066 && c < 0x206a))
			c = UTF8_REPLACEMENT; /* C1 and changes of direction */
		buffer_add(b, bytes, utf8_encode(bytes, c));
	}
}

static void add_token(struct buffer *b, struct slice text, const char *colour, bool *first)
{
	if (colour)
		buffer_text(b, colour);
	else if (!*first)
		buffer_char(b, '|');
	add_printable(b, text);
	if (colour)
		buffer_text(b, plain);
	*first = false;
}

/*
 * Where a token lies. A space that is a token by itself is from the first character of the word
 * behind it, says the reference: here it is the white space before that.
 */
static struct token_offset place(
	const struct tokenizer *t, const struct encoding *x, size_t i, size_t at)
{
	struct token_offset o = x->offsets[i];
	if (i + 1 < x->n && o.start > at && x->offsets[i + 1].start == o.start &&
		slice_equal(tokenizer_token(t, x->ids[i]), SLICE("\u2581")))
		return (struct token_offset){ (uint32_t)at, o.start };
	return o;
}

/* One line: the tokens of a text. */
static void add_line(struct buffer *b, const struct tokenizer *t, struct slice text,
	const struct encoding *x, bool colour)
{
	size_t at = 0, turn = 0;
	bool first = true;
	for (size_t i = 0; i < x->n; i++) {
		struct token_offset o = place(t, x, i, at);
		struct slice part = { text.data + o.start, o.end - o.start };
		if (x->special_mask[i] || o.end <= at || part.size == 0) {
			/*
			 * of no bytes of its own: a special token, or the next of a character's
			 * bytes
			 */
			part = tokenizer_token(t, x->ids[i]);
			add_token(b, part,
				!colour              ? NULL
				: x->special_mask[i] ? grey
						     : colours[turn++ % 2],
				&first);
			continue;
		}
		if (o.start > at)
			add_printable(b, (struct slice){ text.data + at, o.start - at });
		add_token(b, part, colour ? colours[turn++ % 2] : NULL, &first);
		at = o.end;
	}
	if (at < text.size)
		add_printable(b, (struct slice){ text.data + at, text.size - at });
	buffer_char(b, '\n');
}

struct shown {
	const char *name;
	struct tokenizer *tokenizer;
	struct tokenizer_scratch *scratch;
};

static int show_text(struct buffer *b, const struct shown *models, size_t n, int width,
	struct slice text, const struct tokenizer_options *o, struct arena *arena, struct error *e)
{
	bool colour = !run.output_path && !getenv("NO_COLOR") && isatty(STDOUT_FILENO);
	for (size_t i = 0; i < n; i++) {
		struct encoding x;
		if (tokenizer_encode(
			    models[i].tokenizer, models[i].scratch, text, NULL, o, arena, &x, e))
			return -1;
		if (models[i].name)
			buffer_printf(b, "%-*s ", width, models[i].name);
		buffer_printf(b, "%6zu  ", x.n);
		add_line(b, models[i].tokenizer, text, &x, colour);
		command_count("tokens", (double)x.n);
	}
	if (models[0].name)
		buffer_char(b, '\n');
	return 0;
}

void show_all(const struct strings *compared, const char *model, bool add_special)
{
	const struct tokenizer_options o = { .add_special = add_special,
		.offsets = true,
		.special_mask = true,
		.byte_offsets = true };
	size_t n = compared->n ? compared->n : 1, want = reader_want(run.reader, run.text_key);
	struct shown *models = mem_zero(n, sizeof *models);
	struct arena *arena = arena_new();
	struct buffer b = { NULL, 0, 0 };
	int width = 0;
	for (size_t i = 0; i < n; i++) {
		models[i].name = compared->n ? compared->at[i] : NULL;
		models[i].tokenizer = find_tokenizer(compared->n ? compared->at[i] : model);
		models[i].scratch = tokenizer_scratch_new(models[i].tokenizer);
		if (compared->n && (int)strlen(models[i].name) > width)
			width = (int)strlen(models[i].name);
	}
	command_output_bytes();
	struct record r;
	for (; command_next(arena, &r); arena_clear(arena)) {
		struct slice text;
		struct error e;
		size_t size = b.size;
		if (record_text(&r, want, run.text_key, arena, &text, &e)) {
			command_reject(&r, &e);
		} else if (show_text(&b, models, n, width, text, &o, arena, &e)) {
			b.size = size;
			error_wrap(&e, "%s:%zu", r.file, r.line);
			command_reject(&r, &e);
		} else {
			command_write(&b, 1);
		}
	}
	for (size_t i = 0; i < n; i++) {
		tokenizer_scratch_free(models[i].scratch);
		tokenizer_free(models[i].tokenizer);
	}
	mem_free(models);
	arena_free(arena);
	buffer_free(&b);
}
