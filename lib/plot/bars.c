/* bars.c: topics' words as small multiples of horizontal bars. */
#include "lib/plot/bars.h"

#include <stdio.h>

#include "lib/plot/lettering.h"

/* Sizes in units, which are pixels where a panel is 400 wide. */
enum { PANEL = 400, HEAD = 52, BAR = 27, FOOT = 26, TITLE = 84, MARGIN = 28 };
enum { LABEL = 150, GAP = 36 };

struct bars {
	const struct bars_style *style;
	const struct theme *theme;
	size_t n, columns, rows;
	float unit, panel; /* panel: its width in pixels */
};

static bool is_outlier(const struct report_topic *t)
{
	return slice_equal(t->key, SLICE("-1"));
}

static void lay_out(struct bars *b, const struct report *r, const struct bars_style *style)
{
	*b = (struct bars){ .style = style, .theme = theme_get(style->dark) };
	for (size_t i = 0; i < r->n; i++)
		b->n += !is_outlier(&r->topics[i]);
	b->n = b->n > style->n_topics ? style->n_topics : b->n;
	b->columns = (size_t)(style->width / (PANEL - 60));
	b->columns = b->columns > 4 ? 4 : b->columns > b->n ? b->n : b->columns;
	b->columns = b->columns ? b->columns : 1;
	b->rows = (b->n + b->columns - 1) / b->columns;
	b->unit = style->width / ((float)(b->columns < 2 ? 2 : b->columns) * PANEL + 2 * MARGIN);
	b->panel = (style->width - 2 * MARGIN * b->unit) / (float)b->columns;
}

static float needed(const struct bars *b)
{
	float units = 2 * MARGIN + (float)(b->style->title.size ? TITLE : 0) +
		      (float)b->rows * (HEAD + (float)b->style->n_words * BAR + FOOT);
	return units * b->unit;
}

float bars_height(const struct report *r, const struct bars_style *style)
{
	struct bars b;
	lay_out(&b, r, style);
	return (float)(int)(needed(&b) + 0.5f);
}

/* The text on one line of so many pixels: cut, with an ellipsis, where it is too long. */
static struct slice fit(struct arena *arena, struct slice text, float size, bool bold, float room)
{
	bool cut;
	struct slice clean = lettering_clean(arena, lettering_cut(text, 200, &cut));
	if (!cut && lettering_width(clean, bold) * size <= room)
		return clean;
	for (size_t n = 60;; n--) {
		struct slice head = lettering_cut(clean, n, &cut);
		char *with = arena_alloc(arena, head.size + 3);
		memcpy(with, head.data, head.size);
		memcpy(with + head.size, "…", 3);
		struct slice out = { with, head.size + 3 };
		if (n == 0 || lettering_width(out, bold) * size <= room)
			return out;
	}
}

static void draw_bar(const struct bars *b, struct canvas *c, struct arena *arena, float x, float y,
	const struct report_word *w, double most, struct colour colour)
{
	float u = b->unit, size = 15 * u, from = x + LABEL * u,
	      room = b->panel - (LABEL + GAP + 50) * u;
	canvas_text(c,
		&(struct canvas_text){ .x = from - 8 * u,
			.y = y + 0.36f * size,
			.size = size,
			.align = CANVAS_RIGHT,
			.colour = b->theme->ink },
		fit(arena, w->word, size, false, (LABEL - 8) * u));
	float length = w->score > 0 && most > 0 ? (float)(w->score / most) * room : 0;
	canvas_box(c, from, y - 9 * u, length > u ? length : u, 18 * u, colour);
	char score[32];
	int n = snprintf(score, sizeof score, "%.3g", w->score);
	canvas_text(c,
		&(struct canvas_text){ .x = from + length + 6 * u,
			.y = y + 4.3f * u,
			.size = 12 * u,
			.colour = b->theme->faint },
		(struct slice){ score, (size_t)n });
}

static void draw_panel(const struct bars *b, struct canvas *c, struct arena *arena, float x,
	float y, const struct report_topic *t, size_t index)
{
	float u = b->unit;
	const struct report_words *words = report_words(t, b->style->aspect);
	size_t n = words->n < b->style->n_words ? words->n : b->style->n_words;
	char count[64];
	int size = snprintf(count, sizeof count, "%zu record%s", t->count, plural(t->count));
	struct slice label =
		fit(arena, report_title(t, arena), 17 * u, true, b->panel - GAP * u - 110 * u);
	canvas_group(c, label);
	canvas_text(c,
		&(struct canvas_text){ .x = x,
			.y = y + 20 * u,
			.size = 17 * u,
			.bold = true,
			.colour = b->theme->label[index % COLOUR_HUES] },
		label);
	canvas_text(c,
		&(struct canvas_text){ .x = x + b->panel - GAP * u,
			.y = y + 20 * u,
			.size = 13 * u,
			.align = CANVAS_RIGHT,
			.colour = b->theme->faint },
		(struct slice){ count, (size_t)size });
	canvas_line(c, x, y + 30 * u, x + b->panel - GAP * u, y + 30 * u, u, b->theme->outlier);
	double most = 0;
	for (size_t i = 0; i < n; i++)
		most = words->at[i].score > most ? words->at[i].score : most;
	for (size_t i = 0; i < n; i++)
		draw_bar(b, c, arena, x, y + (HEAD + (float)i * BAR) * u, &words->at[i], most,
			b->theme->topic[index % COLOUR_HUES]);
	canvas_group(c, (struct slice){ 0 });
}

size_t bars_draw(const struct report *r, const struct bars_style *style, struct canvas *c)
{
	struct bars b;
	lay_out(&b, r, style);
	/* a height that was asked for and is too low makes everything smaller */
	float full = needed(&b);
	if (full > style->height)
		b.unit *= style->height / full;
	struct arena *arena = arena_new();
	float top = MARGIN * b.unit;
	if (style->title.size) {
		struct slice title = fit(
			arena, style->title, 32 * b.unit, true, style->width - 2 * MARGIN * b.unit);
		canvas_text(c,
			&(struct canvas_text){ .x = MARGIN * b.unit,
				.y = top + 36 * b.unit,
				.size = 32 * b.unit,
				.bold = true,
				.colour = b.theme->ink },
			title);
		top += TITLE * b.unit;
	}
	size_t drawn = 0;
	for (size_t i = 0; i < r->n && drawn < b.n; i++) {
		if (is_outlier(&r->topics[i]))
			continue;
		size_t row = drawn / b.columns, column = drawn % b.columns;
		float x = MARGIN * b.unit + (float)column * b.panel;
		float y = top + (float)row * (HEAD + (float)style->n_words * BAR + FOOT) * b.unit;
		draw_panel(&b, c, arena, x, y, &r->topics[i], drawn++);
	}
	arena_free(arena);
	return drawn;
}
