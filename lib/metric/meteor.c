/*
 * meteor.c: METEOR (A. Lavie and A. Agarwal, 2007) with its exact and stem stages, as
 * nltk.translate.meteor_score (3.10) computes it without WordNet: words that white space parts,
 * lowercased, are matched from the last one on, first equal ones, then equal stems (porter.h);
 *
 *	f = p r / (0.9 p + 0.1 r),  meteor = f (1 - 0.5 (chunks / matches)³)
 *
 * where chunks are runs of matches that are adjacent on both sides. Of several references the best
 * counts; the figure is the mean over records.
 */
#include "lib/metric/list.h"
#include "lib/metric/porter.h"
#include "lib/metric/segment.h"
#include "lib/text/utf8.h"

static struct slice stem_of(struct slice word, struct arena *arena)
{
	size_t n;
	uint32_t *points = text_points(word, arena, &n);
	char *out = arena_alloc(arena, 4 * n + 8);
	size_t size = 0;
	/* room for one more: text_points gives word.size + 1 */
	n = porter_stem(points, n);
	for (size_t i = 0; i < n; i++)
		size += utf8_encode(out + size, points[i]);
	return (struct slice){ out, size };
}

enum { NONE = UINT32_MAX };

/* Match from the last words of a [n] on: each takes the last free equal one of b [m]. */
static void match(const uint32_t *a, size_t n, const uint32_t *b, size_t m, uint32_t *to,
	bool *taken, uint32_t *last, uint32_t *before, size_t n_words)
{
	/* lists by word of the free places in b, the last first */
	for (size_t w = 0; w < n_words; w++)
		last[w] = NONE;
	for (size_t j = 0; j < m; j++) {
		if (taken[j])
			continue;
		before[j] = last[b[j]];
		last[b[j]] = (uint32_t)j;
	}
	for (size_t i = n; i-- > 0;) {
		if (to[i] != NONE || last[a[i]] == NONE)
			continue;
		to[i] = last[a[i]];
		taken[to[i]] = true;
		last[a[i]] = before[to[i]];
	}
}

static double score(
	const struct slice *a, size_t n, const struct slice *b, size_t m, struct arena *arena)
{
	uint32_t *to = ARENA_ARRAY(arena, uint32_t, n + 1), *x, *y;
	bool *taken = arena_zero(arena, m + 1, sizeof *taken);
	uint32_t *last = ARENA_ARRAY(arena, uint32_t, n + m + 1);
	uint32_t *before = ARENA_ARRAY(arena, uint32_t, m + 1);
	for (size_t i = 0; i < n; i++)
		to[i] = NONE;
	for (int stage = 0; stage < 2; stage++) {
		struct vocabulary v = vocabulary_new(arena, n + m);
		x = ARENA_ARRAY(arena, uint32_t, n + 1);
		y = ARENA_ARRAY(arena, uint32_t, m + 1);
		for (size_t i = 0; i < n; i++)
			x[i] = vocabulary_id(&v, stage ? stem_of(a[i], arena) : a[i]);
		for (size_t j = 0; j < m; j++)
			y[j] = vocabulary_id(&v, stage ? stem_of(b[j], arena) : b[j]);
		match(x, n, y, m, to, taken, last, before, v.n);
	}
	double matches = 0, chunks = 0;
	for (size_t i = 0; i < n; i++) {
		if (to[i] == NONE)
			continue;
		matches++;
		chunks += i == 0 || to[i - 1] == NONE || to[i] != to[i - 1] + 1;
	}
	if (matches == 0)
		return 0;
	double p = matches / (double)n, r = matches / (double)m;
	double f = p * r / (0.9 * p + (1 - 0.9) * r), part = chunks / matches;
	return (1 - 0.5 * (part * part * part)) * f;
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct segment segment;
	double best = 0;
	size_t n, k;
	if (segment_read(m, r, arena, &segment, e))
		return -1;
	struct slice *a = text_split(text_lower(segment.hypothesis, arena), arena, &n);
	for (size_t i = 0; i < segment.n; i++) {
		struct slice *b = text_split(text_lower(segment.references[i], arena), arena, &k);
		double x = score(a, n, b, k, arena);
		best = x > best ? x : best;
	}
	measure_keep(m, &best);
	return 0;
}

static void signature(const struct measure *m, struct buffer *b)
{
	(void)m;
	buffer_text(b, "meteor|alpha:0.9|beta:3|gamma:0.5|stages:exact,stem|as:nltk-3.10");
}

const struct metric_kind metric_meteor = {
	.name = "meteor",
	.summary = "METEOR, exact and stem stages",
	.unit = sizeof(double),
	.figures = (const char *const[]){ "meteor", NULL },
	.add = add,
	.compute = measure_means,
	.signature = signature,
};
