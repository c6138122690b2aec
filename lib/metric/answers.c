/*
 * answers.c: answers against one or several right ones, the best of which counts.
 *
 *	exact_match	are the strings equal? The share, up to 1 (evaluate's exact_match 0.4)
 *	squad		exact_match and f1 of SQuAD 1.1's evaluate-v1.1.py (P. Rajpurkar et al., 2016), up to
 *			100: lowercased, without ASCII punctuation and a, an, the; f1 = 2 p r / (p + r) of the
 *			words that both have
 */
#include "lib/metric/list.h"
#include "lib/metric/segment.h"
#include "lib/text/utf8.h"
#include "lib/text/words.h"

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct segment segment;
	double right = 0;
	if (segment_read(m, r, arena, &segment, e))
		return -1;
	for (size_t i = 0; i < segment.n; i++)
		right += slice_equal(segment.hypothesis, segment.references[i]);
	right = right > 0;
	measure_keep(m, &right);
	return 0;
}

const struct metric_kind metric_exact_match = {
	.name = "exact_match",
	.summary = "answers that are equal",
	.as = "evaluate-0.4",
	.unit = sizeof(double),
	.figures = (const char *const[]){ "exact_match", NULL },
	.add = add,
	.compute = measure_means,
};

/* --- SQuAD ------------------------------------------------------------------------------------ */

static bool is_article(struct slice s)
{
	return slice_equal(s, SLICE("a")) || slice_equal(s, SLICE("an")) ||
	       slice_equal(s, SLICE("the"));
}

static bool is_punctuation(char c)
{
	return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
	       (c >= '{' && c <= '~');
}

/* Runs of \w that are articles become a blank. */
static struct slice without_articles(struct slice s, struct arena *arena)
{
	struct buffer b = { 0 };
	size_t begin = 0, n;
	for (size_t i = 0; i <= s.size; i += n) {
		uint32_t c = ' ';
		n = i < s.size ? utf8_decode(s.data + i, s.data + s.size, &c) : 1;
		if (words_is_word(c))
			continue;
		struct slice run = { s.data + begin, i - begin };
		buffer_slice(&b, is_article(run) ? SLICE(" ") : run);
		if (i < s.size)
			buffer_add(&b, s.data + i, n);
		begin = i + n;
	}
	struct slice out = arena_copy(arena, buffer_view(&b));
	buffer_free(&b);
	return out;
}

static struct slice *normal_words(struct slice s, struct arena *arena, size_t *n)
{
	s = text_lower(s, arena);
	char *kept = arena_alloc(arena, s.size + 1);
	size_t k = 0;
	for (size_t i = 0; i < s.size; i++)
		if (!is_punctuation(s.data[i]))
			kept[k++] = s.data[i];
	return text_split(without_articles((struct slice){ kept, k }, arena), arena, n);
}

static double f1_of(const struct slice *a, size_t n, const struct slice *b, size_t k,
	struct arena *arena, bool *equal)
{
	struct vocabulary v = vocabulary_new(arena, n + k);
	uint32_t *x = vocabulary_ids(&v, a, n, arena), *y = vocabulary_ids(&v, b, k, arena);
	int64_t *left = arena_zero(arena, v.n + 1, sizeof *left);
	size_t same = 0;
	*equal = n == k && (n == 0 || memcmp(x, y, n * sizeof *x) == 0);
	for (size_t i = 0; i < k; i++)
		left[y[i]]++;
	for (size_t i = 0; i < n; i++)
		same += left[x[i]]-- > 0;
	if (!same)
		return 0;
	double p = (double)same / (double)n, r = (double)same / (double)k;
	return 2 * p * r / (p + r);
}

static int squad_add(
	struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct segment segment;
	double best[2] = { 0, 0 };
	if (segment_read(m, r, arena, &segment, e))
		return -1;
	size_t n, k;
	struct slice *a = normal_words(segment.hypothesis, arena, &n);
	for (size_t i = 0; i < segment.n; i++) {
		bool equal;
		struct slice *b = normal_words(segment.references[i], arena, &k);
		double f1 = f1_of(a, n, b, k, arena, &equal);
		best[0] = f1 > best[0] ? f1 : best[0];
		best[1] = equal ? 1 : best[1];
	}
	measure_keep(m, best);
	return 0;
}

const struct metric_kind metric_squad = {
	.name = "squad",
	.summary = "F1 and exact match of answers, as SQuAD",
	.as = "squad-1.1",
	.unit = 2 * sizeof(double),
	.figures = (const char *const[]){ "f1", "exact_match", NULL },
	.add = squad_add,
	.compute = measure_means,
	.percent = true,
};
