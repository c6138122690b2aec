/*
 * rouge.c: ROUGE (C.-Y. Lin, 2004), as rouge-score 0.1.2 computes it: precision, recall and
 * f = 2 p r / (p + r) of a record, and their means over records.
 *
 *	rouge1, rouge2	matches of n-grams / n-grams
 *	rougeL		longest common subsequence of the whole texts / words
 *	rougeLsum	a line is a sentence: for each of the reference's, the words that stand in a longest
 *			common subsequence with any of the prediction's, each counted as often as both have it
 *
 * Words are runs of a-z and 0-9 of the lowercased text; with --stemmer those of more than 3 letters are
 * stemmed (porter.h). Of several references that with the best f counts, for each figure.
 */
#include "lib/metric/alignment.h"
#include "lib/metric/list.h"
#include "lib/metric/porter.h"
#include "lib/metric/segment.h"
#include "lib/metric/sum.h"
#include "lib/text/utf8.h"
#include "lib/text/words.h"

enum { TYPES = 4 };
static const char *const figures[] = { "rouge1", "rouge2", "rougeL", "rougeLsum",
	"rouge1_precision", "rouge1_recall", "rouge2_precision", "rouge2_recall",
	"rougeL_precision", "rougeL_recall", "rougeLsum_precision", "rougeLsum_recall", NULL };

struct score {
	double precision, recall, f;
};

/* --- Words ------------------------------------------------------------------------------------ */

/* A text as numbers of words; where its lines begin and end. */
struct text {
	uint32_t *words;
	size_t n;
	size_t *lines; /* [n_lines + 1] */
	size_t n_lines;
};

/* An ASCII letter or digit, lowercased, or 0; last: what is behind it parts words. */
static unsigned char letter(struct slice s, size_t *i, bool *last)
{
	*last = false;
	unsigned char c = (unsigned char)s.data[*i];
	if (c < 0x80) {
		++*i;
		return c >= 'A' && c <= 'Z'                               ? c | 0x20
		       : (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c
									  : 0;
	}
	/* the Kelvin sign becomes k, the capital I with a dot i and a combining dot */
	uint32_t point, low[2];
	*i += utf8_decode(s.data + *i, s.data + s.size, &point);
	*last = words_lower_point(point, low) > 1;
	return low[0] < 0x80 ? (unsigned char)low[0] : 0;
}

static uint32_t number_of(
	struct vocabulary *v, const char *word, size_t n, bool stemmer, struct arena *arena)
{
	uint32_t points[256];
	char stem[256];
	if (!stemmer || n <= 3 || n >= sizeof stem)
		return vocabulary_id(v, arena_copy(arena, (struct slice){ word, n }));
	for (size_t i = 0; i < n; i++)
		points[i] = (unsigned char)word[i];
	n = porter_stem(points, n);
	for (size_t i = 0; i < n; i++)
		stem[i] = (char)points[i];
	return vocabulary_id(v, arena_copy(arena, (struct slice){ stem, n }));
}

static struct text read_text(
	struct slice s, bool stemmer, struct vocabulary *v, struct arena *arena)
{
	struct text t = { .words = ARENA_ARRAY(arena, uint32_t, s.size / 2 + 2) };
	char *word = arena_alloc(arena, s.size + 2);
	size_t n = 0, lines = 1;
	for (size_t i = 0; i < s.size; i++)
		lines += s.data[i] == '\n';
	t.lines = ARENA_ARRAY(arena, size_t, lines + 1);
	t.lines[0] = 0;
	for (size_t i = 0; i <= s.size;) {
		bool ends = i == s.size || s.data[i] == '\n';
		bool last = true;
		unsigned char c = 0;
		if (i < s.size)
			c = letter(s, &i, &last);
		else
			i++;
		if (c)
			word[n++] = (char)c;
		if (c && !last)
			continue;
		if (n)
			t.words[t.n++] = number_of(v, word, n, stemmer, arena);
		n = 0;
		/* a line without a word adds nothing to any sum */
		if (ends && t.n > t.lines[t.n_lines])
			t.lines[++t.n_lines] = t.n;
	}
	return t;
}

/* --- Scores ----------------------------------------------------------------------------------- */

static struct score score_of(double hits, double predicted, double reference)
{
	struct score s = { predicted > 0 ? hits / predicted : 0,
		reference > 0 ? hits / reference : 0, 0 };
	if (s.precision + s.recall > 0)
		s.f = 2 * s.precision * s.recall / (s.precision + s.recall);
	return s;
}

static void score_ngrams(
	const struct text *p, const struct text *r, struct arena *arena, struct score *out)
{
	struct tally t = tally_new(arena, 2 * (p->n + r->n));
	uint64_t hits[2] = { 0 };
	tally_count(&t, p->words, p->n, 2, t.hypothesis, 0);
	tally_count(&t, r->words, r->n, 2, t.reference, 0);
	for (size_t i = 0; i < t.n; i++)
		hits[t.order[i]] +=
			t.hypothesis[i] < t.reference[i] ? t.hypothesis[i] : t.reference[i];
	for (size_t k = 0; k < 2; k++)
		out[k] = score_of((double)hits[k], p->n > k ? (double)(p->n - k) : 0,
			r->n > k ? (double)(r->n - k) : 0);
}

static struct score score_sum(
	const struct text *p, const struct text *r, size_t n_words, struct arena *arena)
{
	uint32_t *in_p = arena_zero(arena, n_words + 1, sizeof *in_p);
	uint32_t *in_r = arena_zero(arena, n_words + 1, sizeof *in_r);
	struct places **lines = ARENA_ARRAY(arena, struct places *, p->n_lines);
	size_t hits = 0;
	for (size_t j = 0; j < p->n_lines; j++)
		lines[j] = places_new(p->words + p->lines[j], p->lines[j + 1] - p->lines[j], arena);
	for (size_t i = 0; i < p->n; i++)
		in_p[p->words[i]]++;
	for (size_t i = 0; i < r->n; i++)
		in_r[r->words[i]]++;
	for (size_t i = 0; i < r->n_lines; i++) {
		const uint32_t *line = r->words + r->lines[i];
		size_t n = r->lines[i + 1] - r->lines[i];
		uint8_t *in = arena_zero(arena, n, 1);
		for (size_t j = 0; j < p->n_lines; j++)
			lcs_mark(line, n, lines[j], in, arena);
		for (size_t j = 0; j < n; j++) {
			if (!in[j] || !in_p[line[j]] || !in_r[line[j]])
				continue;
			hits++;
			in_p[line[j]]--;
			in_r[line[j]]--;
		}
	}
	return score_of((double)hits, (double)p->n, (double)r->n);
}

static void score_pair(const struct metric_options *o, struct slice prediction,
	struct slice reference, struct arena *arena, struct score out[TYPES])
{
	struct vocabulary v = vocabulary_new(arena, (prediction.size + reference.size) / 2 + 2);
	struct text p = read_text(prediction, o->stemmer, &v, arena);
	struct text r = read_text(reference, o->stemmer, &v, arena);
	score_ngrams(&p, &r, arena, out);
	size_t lcs = lcs_length(r.words, r.n, places_new(p.words, p.n, arena));
	out[2] = score_of((double)lcs, (double)p.n, (double)r.n);
	out[3] = score_sum(&p, &r, v.n, arena);
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct segment segment;
	struct score best[TYPES], one[TYPES];
	double unit[3 * TYPES];
	if (segment_read(m, r, arena, &segment, e))
		return -1;
	for (size_t i = 0; i < segment.n; i++) {
		score_pair(m->options, segment.hypothesis, segment.references[i], arena, one);
		for (size_t k = 0; k < TYPES; k++)
			if (i == 0 || one[k].f > best[k].f)
				best[k] = one[k];
	}
	for (size_t k = 0; k < TYPES; k++) {
		unit[k] = best[k].f;
		unit[TYPES + 2 * k] = best[k].precision;
		unit[TYPES + 2 * k + 1] = best[k].recall;
	}
	measure_keep(m, unit);
	return 0;
}

static void signature(const struct measure *m, struct buffer *b)
{
	buffer_printf(b, "rouge|stemmer:%s|version:0.1.2", m->options->stemmer ? "yes" : "no");
}

const struct metric_kind metric_rouge = {
	.name = "rouge",
	.summary = "ROUGE-1, 2, L and Lsum of summaries",
	.unit = 3 * TYPES * sizeof(double),
	.figures = figures,
	.add = add,
	.compute = measure_means,
	.signature = signature,
};
