/* ner_draw.c: texts with their entities: for a terminal, as a page, redacted. */
#include <string.h>

#include "cmd/ner_private.h"

size_t ner_byte(struct slice text, size_t byte, size_t n)
{
	for (; n && byte < text.size; n--)
		for (byte++; byte < text.size && ((unsigned char)text.data[byte] & 0xc0) == 0x80;)
			byte++;
	return byte;
}

/* The text between entities as it is; entities that overlap the one before are left out. */
typedef void draw_text(struct buffer *, struct slice);
typedef void draw_entity(struct buffer *, const struct ner_entity *);

static void draw(struct buffer *b, const struct ner_text *t, draw_text *text, draw_entity *entity)
{
	size_t at = 0;
	for (size_t i = 0; i < t->n; i++) {
		const struct ner_entity *e = &t->entities[i];
		if (e->from < at)
			continue;
		text(b, (struct slice){ t->text.data + at, e->from - at });
		entity(b, e);
		at = e->to;
	}
	text(b, (struct slice){ t->text.data + at, t->text.size - at });
}

static void plain(struct buffer *b, struct slice text)
{
	buffer_slice(b, text);
}

static void label(struct buffer *b, const struct ner_entity *e)
{
	buffer_char(b, '[');
	buffer_slice(b, e->entity.label);
	buffer_char(b, ']');
}

void ner_redact(struct buffer *b, const struct ner_text *t)
{
	draw(b, t, plain, label);
}

/* A colour of six by the label's name: the same in every text and run. */
static unsigned colour(struct slice name)
{
	unsigned sum = 0;
	if (name.size > 2 && name.data[1] == '-') {
		name.data += 2;
		name.size -= 2;
	}
	for (size_t i = 0; i < name.size; i++)
		sum = sum * 31 + (unsigned char)name.data[i];
	return sum % 6;
}

/* Control characters would be commands to the terminal. */
static void visible(struct buffer *b, struct slice text)
{
	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.data[i];
		bool c1 = c == 0xc2 && i + 1 < text.size && (unsigned char)text.data[i + 1] < 0xa0;
		if (c1)
			i++;
		buffer_char(b, c < 0x20 || c == 0x7f || c1 ? ' ' : (char)c);
	}
}

static void in_colour(struct buffer *b, const struct ner_entity *e)
{
	buffer_printf(b, "\033[1;%um", 31 + colour(e->entity.label));
	visible(b, e->text);
	buffer_text(b, "\033[0;2m ");
	visible(b, e->entity.label);
	buffer_text(b, "\033[0m");
}

void ner_show(struct buffer *b, const struct ner_text *t)
{
	draw(b, t, visible, in_colour);
	buffer_char(b, '\n');
}

/* --- The page ------------------------------------------------------------------------------- */

struct ner_page {
	struct buffer text;
};

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Entities</title>\n"
	"<style>\nbody { font: 16px/1.7 sans-serif; max-width: 50em; margin: 2em auto; padding: 0 "
	"1em }\n"
	"p { border-bottom: 1px solid #ddd; padding-bottom: .6em; white-space: pre-wrap }\n"
	"mark { border-radius: .3em; padding: .1em .3em; color: #000 }\n"
	"mark small { font-weight: bold; opacity: .7; margin-left: .4em }\n"
	".c0 { background: #f6b8b4 } .c1 { background: #bfe3b4 } .c2 { background: #f5e3a1 }\n"
	".c3 { background: #b9d3f3 } .c4 { background: #e4c3ee } .c5 { background: #b5e5e2 }\n"
	"</style>\n";

static void escaped(struct buffer *b, struct slice text)
{
	for (size_t i = 0; i < text.size; i++) {
		char c = text.data[i];
		if (c == '&')
			buffer_text(b, "&amp;");
		else if (c == '<')
			buffer_text(b, "&lt;");
		else if (c == '"')
			buffer_text(b, "&quot;");
		else
			buffer_char(b, c);
	}
}

static void marked(struct buffer *b, const struct ner_entity *e)
{
	buffer_printf(
		b, "<mark class=\"c%u\" title=\"%.3f\">", colour(e->entity.label), e->entity.score);
	escaped(b, e->text);
	buffer_text(b, "<small>");
	escaped(b, e->entity.label);
	buffer_text(b, "</small></mark>");
}

struct ner_page *ner_page_new(void)
{
	struct ner_page *p = mem_zero(1, sizeof *p);
	buffer_text(&p->text, head);
	return p;
}

void ner_page_add(struct ner_page *p, const struct ner_text *t)
{
	buffer_text(&p->text, "<p>");
	draw(&p->text, t, escaped, marked);
	buffer_text(&p->text, "</p>\n");
}

void ner_page_write(struct ner_page *p, const char *path)
{
	command_write_file(path, buffer_view(&p->text));
	buffer_free(&p->text);
	mem_free(p);
}
