/* conll.c: lines to sentences. */
#include "lib/record/conll.h"

#include "lib/record/json.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next cell of a line from *at on; false where there is none. */
static bool next_cell(struct slice line, size_t *at, struct slice *cell)
{
	size_t i = *at;
	while (i < line.size && is_blank(line.data[i]))
		i++;
	size_t begin = i;
	while (i < line.size && !is_blank(line.data[i]))
		i++;
	*at = i;
	*cell = (struct slice){ line.data + begin, i - begin };
	return i > begin;
}

int conll_line(struct conll *c, struct slice line, size_t number, struct error *e)
{
	struct slice cell, mark = SLICE("-DOCSTART-");
	size_t at = 0, columns = 0, begin = c->text.size;
	while (next_cell(line, &at, &cell))
		columns++;
	if (columns == 0)
		return c->n > 0;
	if (line.size >= mark.size && memcmp(line.data, mark.data, mark.size) == 0)
		return 0;
	if (c->n && columns != c->columns)
		return error_set(e, ERROR_DATA, "the line has %zu column%s, those before have %zu",
			columns, plural(columns), c->columns);
	if (!c->n)
		c->line = number;
	c->columns = columns;
	c->cells =
		mem_grow(c->cells, &c->capacity, size_mul(c->n + 1, c->columns), sizeof *c->cells);
	buffer_slice(&c->text, line);
	buffer_char(&c->text, '\n');
	at = 0;
	for (size_t i = 0; next_cell(line, &at, &cell); i++) {
		struct conll_cell *to = &c->cells[c->n * columns + i];
		to->at = begin + (size_t)(cell.data - line.data);
		to->size = cell.size;
	}
	c->n++;
	return 0;
}

struct slice conll_get(const struct conll *c, size_t row, size_t column)
{
	CHECK(row < c->n && column < c->columns);
	struct conll_cell cell = c->cells[row * c->columns + column];
	return (struct slice){ c->text.data + cell.at, cell.size };
}

void conll_json(const struct conll *c, size_t column, struct buffer *b)
{
	buffer_char(b, '[');
	for (size_t i = 0; i < c->n; i++) {
		if (i)
			buffer_char(b, ',');
		json_write_string(b, conll_get(c, i, column));
	}
	buffer_char(b, ']');
}

void conll_clear(struct conll *c)
{
	buffer_clear(&c->text);
	c->n = c->columns = 0;
}

void conll_free(struct conll *c)
{
	buffer_free(&c->text);
	mem_free(c->cells);
	*c = (struct conll){ 0 };
}
