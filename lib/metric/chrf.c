/*
 * chrf.c: chrF (M. Popović, 2015) and chrF++ (2017), as sacrebleu 2.6 computes them
 * (sacrebleu/metrics/chrf.py):
 *
 *	chrf = 100 (1 + β²) p r / (β² p + r)
 *
 * p and r are the means, over the orders of n-grams that both sides have, of matches / n-grams of the
 * hypothesis and of the reference. N-grams are of characters without white space (order 1 to 6) and,
 * in chrF++, of words (1 and 2), a punctuation mark at the end or else the beginning of a word being
 * one of its own. Of several references that with the best score of the segment counts.
 */
#include "lib/metric/list.h"
#include "lib/metric/segment.h"

enum { ORDERS = 32 };

struct state {
	struct measure m; /* units are uint32_t [orders, 3]: hypothesis, reference, match */
	size_t word_order, orders;
	struct reference_count references;
};

static int open_of(struct measure *m, size_t word_order)
{
	struct state *s = (struct state *)m;
	s->word_order = word_order;
	s->orders = m->options->char_order + word_order;
	CHECK(s->orders <= ORDERS);
	m->unit = 3 * s->orders * sizeof(uint32_t);
	return 0;
}

static int open(struct measure *m, struct reader *r, struct error *e)
{
	(void)r, (void)e;
	return open_of(m, m->options->word_order);
}

static int open_plus(struct measure *m, struct reader *r, struct error *e)
{
	(void)r, (void)e;
	return open_of(m, 2);
}

/* --- Text ------------------------------------------------------------------------------------- */

static bool is_mark(char c)
{
	return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
	       (c >= '{' && c <= '~');
}

static bool is_one(struct slice s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.size; i++)
		n += ((unsigned char)s.data[i] & 0xc0) != 0x80;
	return n == 1;
}

/* Words with a mark at their end, or else at their beginning, split off: "(hi)" is "(hi" and ")". */
static struct slice *words_of(struct slice text, struct arena *arena, size_t *n)
{
	size_t words, k = 0;
	struct slice *in = text_split(text, arena, &words);
	struct slice *out = ARENA_ARRAY(arena, struct slice, 2 * words + 1);
	for (size_t i = 0; i < words; i++) {
		struct slice w = in[i];
		size_t cut = 0;
		if (!is_one(w) && is_mark(w.data[w.size - 1]))
			cut = w.size - 1;
		else if (!is_one(w) && is_mark(w.data[0]))
			cut = 1;
		if (cut)
			out[k++] = (struct slice){ w.data, cut };
		out[k++] = (struct slice){ w.data + cut, w.size - cut };
	}
	*n = k;
	return out;
}

struct side {
	uint32_t *points;
	struct slice *words;
	size_t n_points, n_words;
};

static struct side side_of(const struct state *s, struct slice text, struct arena *arena)
{
	const struct metric_options *o = s->m.options;
	struct side side = { 0 };
	if (o->lowercase)
		text = text_lower(text, arena);
	uint32_t *points = text_points(text, arena, &side.n_points);
	if (!o->chrf_whitespace) {
		size_t k = 0;
		for (size_t i = 0; i < side.n_points; i++)
			if (!text_is_space(points[i]))
				points[k++] = points[i];
		side.n_points = k;
	}
	side.points = points;
	if (s->word_order)
		side.words = words_of(text, arena, &side.n_words);
	return side;
}

static void count_side(const struct state *s, const struct side *side, struct vocabulary *v,
	struct tally *t, uint32_t *counts, struct arena *arena)
{
	size_t order = s->m.options->char_order;
	tally_count(t, side->points, side->n_points, order, counts, 0);
	if (s->word_order)
		tally_count(t, vocabulary_ids(v, side->words, side->n_words, arena), side->n_words,
			s->word_order, counts, (uint8_t)order);
}

/* --- Score ------------------------------------------------------------------------------------ */

static double score(const struct state *s, const uint64_t *rows)
{
	double factor = (double)(s->m.options->beta * s->m.options->beta), p = 0, r = 0, orders = 0;
	for (size_t i = 0; i < s->orders; i++) {
		double hypothesis = (double)rows[3 * i], reference = (double)rows[3 * i + 1];
		if (hypothesis > 0 && reference > 0) {
			p += (double)rows[3 * i + 2] / hypothesis;
			r += (double)rows[3 * i + 2] / reference;
			orders++;
		}
	}
	if (orders > 0) {
		p /= orders;
		r /= orders;
	}
	if (p + r == 0)
		return 0;
	double f = (1 + factor) * p * r;
	f /= factor * p + r;
	return 100 * f;
}

static void match(const struct state *s, const struct tally *t, uint64_t *rows)
{
	memset(rows, 0, 3 * s->orders * sizeof *rows);
	for (size_t i = 0; i < t->n; i++) {
		uint64_t *row = rows + 3 * t->order[i];
		uint32_t h = t->hypothesis[i], r = t->reference[i];
		row[0] += h;
		row[1] += r;
		row[2] += h < r ? h : r;
	}
	for (size_t i = 0; i < s->orders; i++)
		if (rows[3 * i + 1] == 0)
			rows[3 * i] = 0;
}

static void best_match(
	const struct state *s, const struct segment *segment, struct arena *arena, uint64_t *best)
{
	uint64_t rows[3 * ORDERS];
	double most = -1;
	struct side hypothesis = side_of(s, segment->hypothesis, arena);
	for (size_t i = 0; i < segment->n; i++) {
		struct side reference = side_of(s, segment->references[i], arena);
		size_t points = hypothesis.n_points + reference.n_points;
		size_t words = hypothesis.n_words + reference.n_words;
		struct vocabulary v = vocabulary_new(arena, words);
		struct tally t =
			tally_new(arena, points * s->m.options->char_order + words * s->word_order);
		count_side(s, &hypothesis, &v, &t, t.hypothesis, arena);
		count_side(s, &reference, &v, &t, t.reference, arena);
		match(s, &t, rows);
		double f = score(s, rows);
		if (f > most) {
			most = f;
			memcpy(best, rows, 3 * s->orders * sizeof *rows);
		}
	}
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct state *s = (struct state *)m;
	struct segment segment;
	uint64_t rows[3 * ORDERS];
	uint32_t unit[3 * ORDERS];
	if (segment_read(m, r, arena, &segment, e))
		return -1;
	best_match(s, &segment, arena, rows);
	for (size_t i = 0; i < 3 * s->orders; i++)
		unit[i] = (uint32_t)rows[i];
	measure_keep(m, unit);
	reference_count_add(&s->references, segment.n);
	return 0;
}

static void compute(const struct measure *m, const uint32_t *units, size_t n, double *value)
{
	const struct state *s = (const struct state *)m;
	uint64_t rows[3 * ORDERS] = { 0 };
	for (size_t i = 0; i < n; i++) {
		const uint32_t *row = (const uint32_t *)m->units + units[i] * 3 * s->orders;
		for (size_t j = 0; j < 3 * s->orders; j++)
			rows[j] += row[j];
	}
	if (n)
		value[0] = score(s, rows);
}

static void signature(const struct measure *m, struct buffer *b)
{
	const struct state *s = (const struct state *)m;
	const struct metric_options *o = m->options;
	reference_count_show(&s->references, b);
	buffer_printf(b, "|case:%s|eff:yes|nc:%zu|nw:%zu|space:%s|version:2.6.0",
		o->lowercase ? "lc" : "mixed", o->char_order, s->word_order,
		o->chrf_whitespace ? "yes" : "no");
}

const struct metric_kind metric_chrf = {
	.name = "chrf",
	.summary = "chrF of translations",
	.state = sizeof(struct state),
	.figures = (const char *const[]){ "chrf", NULL },
	.open = open,
	.add = add,
	.compute = compute,
	.signature = signature,
	.percent = true,
};

const struct metric_kind metric_chrf_plus = {
	.name = "chrf++",
	.summary = "chrF with words",
	.state = sizeof(struct state),
	.figures = (const char *const[]){ "chrf++", NULL },
	.open = open_plus,
	.add = add,
	.compute = compute,
	.signature = signature,
	.percent = true,
};
