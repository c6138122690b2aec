/*
 * diversity.c: how much the topics of a report differ, by their first --top-words words, as OCTIS 1.14
 * (octis/evaluation_metrics/diversity_metrics.py):
 *
 *	diversity	different words / words (A. Dieng, F. Ruiz, D. Blei, 2020)
 *	inverted_rbo	1 - the mean over pairs of topics of the extrapolated rank-biased overlap, p = 0.9
 *			(W. Webber, A. Moffat, J. Zobel, 2010):
 *			(1-p)/p (Σ_d X_d/d p^d + Σ_{d>s} X_s (d-s)/(s d) p^d) + ((X_l - X_s)/l + X_s/s) p^l
 *
 * X_d the words that both have among their first d, s and l the shorter and the longer length. A unit is
 * a topic; no records are read.
 */
#include "lib/metric/list.h"
#include "lib/metric/sum.h"
#include "lib/metric/topic_words.h"

#define PERSISTENCE 0.9

struct state {
	struct measure m;
	struct topic_words topics;
};

static int open(struct measure *m, struct reader *r, struct error *e)
{
	(void)r;
	const struct metric_options *o = m->options;
	if (!o->topics_path)
		return error_set(e, ERROR_USAGE, "--metric diversity needs --topics REPORT");
	return topic_words_read(&((struct state *)m)->topics, o->topics_path, o->top_words, e);
}

static void close_state(struct measure *m)
{
	topic_words_free(&((struct state *)m)->topics);
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	(void)m, (void)r, (void)arena, (void)e;
	return 0;
}

static int finish(struct measure *m, struct error *e)
{
	(void)e;
	struct state *s = (struct state *)m;
	m->n = s->topics.n;
	for (size_t i = 0; i < s->topics.words.n; i++)
		measure_hash(m, s->topics.words.at[i]);
	return 0;
}

/* Words that a and b share among the first d of each. */
static double overlap(const uint32_t *a, size_t n, const uint32_t *b, size_t m, size_t d)
{
	double same = 0;
	for (size_t i = 0; i < n && i < d; i++)
		for (size_t j = 0; j < m && j < d; j++)
			same += a[i] == b[j];
	return same;
}

static double rbo(const uint32_t *a, size_t n, const uint32_t *b, size_t m)
{
	size_t s = n < m ? n : m, l = n < m ? m : n;
	double sum = 0, power = 1, x_s = overlap(a, n, b, m, s), x_l = overlap(a, n, b, m, l);
	double ds = (double)s, dl = (double)l;
	if (!s)
		return 0;
	for (size_t d = 1; d <= l; d++) {
		double depth = (double)d,
		       longer = (double)(n < d ? n : d) + (double)(m < d ? m : d);
		power *= PERSISTENCE;
		sum += power * (2 * overlap(a, n, b, m, d) / longer);
		if (d > s)
			sum += power * x_s * (depth - ds) / ds / depth;
	}
	return (1 - PERSISTENCE) / PERSISTENCE * sum + power * ((x_l - x_s) / dl + x_s / ds);
}

static void compute(const struct measure *m, const uint32_t *units, size_t n, double *value)
{
	const struct state *s = (const struct state *)m;
	const struct topic_words *t = &s->topics;
	bool *seen = mem_zero(t->words.n + 1, sizeof *seen);
	double *x = MEM_ARRAY(double, n *(n + 1) / 2 + 1);
	size_t words = 0, different = 0, pairs = 0;
	for (size_t i = 0; i < n; i++) {
		const uint32_t *a = t->ids + units[i] * t->most;
		for (size_t j = 0; j < t->size[units[i]]; j++) {
			words++;
			different += !seen[a[j]];
			seen[a[j]] = true;
		}
		for (size_t k = i + 1; k < n; k++)
			x[pairs++] = rbo(a, t->size[units[i]], t->ids + units[k] * t->most,
				t->size[units[k]]);
	}
	value[0] = words ? (double)different / (double)words : NAN;
	value[1] = pairs ? 1 - sum_mean(x, pairs) : NAN;
	mem_free(seen);
	mem_free(x);
}

static void signature(const struct measure *m, struct buffer *b)
{
	buffer_printf(b, "diversity|words:%zu|p:0.9|as:octis-1.14", m->options->top_words);
}

const struct metric_kind metric_diversity = {
	.name = "diversity",
	.summary = "different words of topics, and inverted rank-biased overlap",
	.state = sizeof(struct state),
	.figures = (const char *const[]){ "diversity", "inverted_rbo", NULL },
	.open = open,
	.add = add,
	.finish = finish,
	.compute = compute,
	.signature = signature,
	.close = close_state,
	.whole = true,
};
