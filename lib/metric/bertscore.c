/*
 * bertscore.c: BERTScore (T. Zhang et al., "BERTScore: Evaluating text generation with BERT", 2020), as
 * bert-score 0.3.13 computes it from vectors of tokens, each divided by its length:
 *
 *	P = Σ_i w_i max_j cos(x_i, y_j) / Σ w_i over the prediction's tokens i, R likewise over the
 *	reference's, F = 2 P R / (P + R)
 *
 * w is 1 and 0 for the special tokens, or with --idf log((N + 1) / (df + 1)), N references, of which df
 * have the token. 0 where a text has no token of its own. Of several references the best counts, for
 * each figure. --rescale FILE has a baseline b a layer (columns LAYER, P, R, F): (x - b) / (1 - b).
 * Figures are means over records. All texts are read first, as tokens, and then pass the model.
 */
#include "lib/base/math64.h"
#include "lib/metric/bertscore_model.h"
#include "lib/metric/list.h"
#include "lib/metric/segment.h"

enum { WINDOW = 1 << 24 }; /* numbers of the vectors of the records that pass the model at once */

struct text {
	size_t begin, n; /* tokens in `ids` */
};

/* A record's prediction, then its references. */
struct pair {
	size_t begin, n; /* texts */
	const char *file; /* of the record */
	size_t line;
};

struct state {
	struct measure m; /* units are f1, precision, recall, from finish on */
	struct token_model model;
	LIST(struct text) texts;
	LIST(struct pair) pairs; /* [n] */
	LIST(uint32_t) ids;
	LIST(uint8_t) special; /* of each id: is it a special token? */
	double *weights; /* [vocabulary], with --idf */
	double baseline[3]; /* of the figures */
};

static void close_state(struct measure *m)
{
	struct state *s = (struct state *)m;
	token_model_close(&s->model);
	mem_free(s->texts.at);
	mem_free(s->pairs.at);
	mem_free(s->ids.at);
	mem_free(s->special.at);
	mem_free(s->weights);
}

/* The row of the layer in a baseline file. */
static int read_baseline(struct state *s, const char *path, struct error *e)
{
	struct reader_options o = { .files = &path, .n_files = 1, .format = FORMAT_CSV };
	struct reader *reader = reader_open(&o, e);
	struct arena *arena = arena_new();
	struct record r;
	static const char *const keys[] = { "F", "P", "R" };
	size_t want[3], i = 0;
	int got = reader ? 1 : -1;
	for (size_t k = 0; reader && k < 3; k++)
		want[k] = reader_want(reader, keys[k]);
	while (got > 0 && (got = reader_next(reader, arena, &r, NULL, e)) > 0) {
		if (i++ < s->model.layer)
			continue;
		for (size_t k = 0; k < 3 && got > 0; k++)
			got = record_double(&r, want[k], keys[k], &s->baseline[k], e) ? -1 : 1;
		break;
	}
	if (got == 0)
		error_set(e, ERROR_DATA, "%s has no row for layer %zu", path, s->model.layer);
	if (reader)
		reader_close(reader);
	arena_free(arena);
	return got > 0 ? 0 : -1;
}

static int open(struct measure *m, struct reader *r, struct error *e)
{
	(void)r;
	struct state *s = (struct state *)m;
	const struct metric_options *o = m->options;
	if (!o->model)
		return error_set(
			e, ERROR_USAGE, "--metric bertscore needs -m MODEL, an encoder's folder");
	if (token_model_open(&s->model, o->model, o->layer, o->device, e))
		return -1;
	return o->rescale_path ? read_baseline(s, o->rescale_path, e) : 0;
}

static int add_text(struct state *s, const struct record *r, struct slice text, struct arena *arena,
	struct error *e)
{
	struct encoding x;
	struct error why;
	if (token_model_encode(&s->model, text, arena, &x, &why))
		return record_error(r, e, "%s", why.msg);
	LIST_ADD(s->texts, (struct text){ s->ids.n, x.n });
	LIST_COPY(s->ids, x.ids, x.n);
	LIST_COPY(s->special, x.special_mask, x.n);
	return 0;
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct state *s = (struct state *)m;
	struct segment segment;
	size_t texts = s->texts.n, ids = s->ids.n;
	if (segment_read(m, r, arena, &segment, e))
		return -1;
	int failed = add_text(s, r, segment.hypothesis, arena, e);
	for (size_t i = 0; i < segment.n && !failed; i++)
		failed = add_text(s, r, segment.references[i], arena, e);
	if (failed) {
		s->texts.n = texts;
		s->ids.n = s->special.n = ids;
		return -1;
	}
	LIST_ADD(s->pairs, (struct pair){ texts, s->texts.n - texts, r->file, r->line });
	measure_keep(m, (double[3]){ 0 });
	return 0;
}

/* --- When all are read ------------------------------------------------------------------------ */

static void weigh(struct state *s)
{
	size_t n = tokenizer_vocab_size(s->model.tokenizer), references = 0;
	uint64_t *df = mem_zero(n, sizeof *df), *last = mem_zero(n, sizeof *last);
	s->weights = MEM_ARRAY(double, n);
	for (size_t i = 0; i < s->pairs.n; i++) {
		for (size_t j = 1; j < s->pairs.at[i].n; j++) {
			const struct text *t = &s->texts.at[s->pairs.at[i].begin + j];
			references++;
			for (size_t k = 0; k < t->n; k++) {
				uint32_t id = s->ids.at[t->begin + k];
				df[id] += last[id] != references;
				last[id] = references;
			}
		}
	}
	for (size_t i = 0; i < n; i++)
		s->weights[i] = math_log64((double)(references + 1) / (double)(df[i] + 1));
	mem_free(df);
	mem_free(last);
}

static double weight(const struct state *s, size_t token)
{
	if (s->weights)
		return s->weights[s->ids.at[token]];
	return s->special.at[token] ? 0 : 1;
}

static void normalize(float *x, size_t size)
{
	double sum = 0;
	for (size_t j = 0; j < size; j++)
		sum += (double)x[j] * (double)x[j];
	float length = (float)sqrt(sum);
	for (size_t j = 0; j < size; j++)
		x[j] /= length;
}

/* [n, m], of x [n, size] and y [m, size]: each a sum in order, with y turned so that sums stand side by
 * side, which the compiler makes vectors of. */
static double *cosines(const float *x, size_t n, const float *y, size_t m, size_t size)
{
	double *turned = MEM_ARRAY(double, size_mul(size, m));
	double *c = mem_zero(size_mul(n, m), sizeof *c);
	for (size_t j = 0; j < m; j++)
		for (size_t k = 0; k < size; k++)
			turned[k * m + j] = (double)y[j * size + k];
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < size; k++)
			for (size_t j = 0; j < m; j++)
				c[i * m + j] += (double)x[i * size + k] * turned[k * m + j];
	mem_free(turned);
	return c;
}

/* The weighted mean of each token's best of m cosines, those of token i at c[i own + j other]. */
static double best_mean(const struct state *s, const struct text *a, const double *c, size_t own,
	size_t m, size_t other)
{
	double sum = 0, total = 0;
	for (size_t i = 0; i < a->n; i++) {
		double w = weight(s, a->begin + i), best = -INFINITY;
		total += w;
		for (size_t j = 0; j < m; j++)
			best = c[i * own + j * other] > best ? c[i * own + j * other] : best;
		sum += w != 0 ? w * best : 0;
	}
	return sum / total;
}

static bool is_empty(const struct state *s, const struct text *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (!s->special.at[t->begin + i])
			return false;
	return true;
}

/* F, P, R of a record, the best over its references; h are the vectors from token `base` on. */
static void score_record(
	const struct state *s, const struct pair *pair, const float *h, size_t base, double *row)
{
	size_t size = s->model.config.hidden_size;
	const struct text *a = &s->texts.at[pair->begin];
	for (const struct text *b = a + 1; b < a + pair->n; b++) {
		const float *x = h + (a->begin - base) * size, *y = h + (b->begin - base) * size;
		double prf[3] = { 0, 0, 0 };
		if (!is_empty(s, a) && !is_empty(s, b)) {
			double *c = cosines(x, a->n, y, b->n, size);
			double p = best_mean(s, a, c, b->n, b->n, 1);
			double q = best_mean(s, b, c, 1, a->n, b->n);
			double f = 2 * p * q / (p + q);
			mem_free(c);
			prf[0] = isnan(f) ? 0 : f;
			prf[1] = p;
			prf[2] = q;
		}
		for (size_t k = 0; k < 3; k++)
			row[k] = b == a + 1 || prf[k] > row[k] ? prf[k] : row[k];
	}
	for (size_t k = 0; k < 3 && s->m.options->rescale_path; k++)
		row[k] = (row[k] - s->baseline[k]) / (1 - s->baseline[k]);
}

/* Records from .. to - 1 with all their texts through the model. */
static int score_window(struct state *s, size_t from, size_t to, struct error *e)
{
	const struct pair *pairs = s->pairs.at, *last = &pairs[to - 1];
	size_t size = s->model.config.hidden_size, failed;
	size_t first = pairs[from].begin, n = last->begin + last->n - first;
	const struct text *texts = s->texts.at + first, *end = &texts[n - 1];
	size_t base = texts->begin, tokens = end->begin + end->n - base;
	struct encoding *x = mem_zero(n, sizeof *x);
	float *h = MEM_ARRAY(float, size_mul(tokens, size));
	for (size_t i = 0; i < n; i++)
		x[i] = (struct encoding){ .n = texts[i].n, .ids = s->ids.at + texts[i].begin };
	int rc = token_model_run(&s->model, x, n, h, &failed, e);
	for (size_t i = from; rc && i < to && failed < n; i++)
		if (failed + first - pairs[i].begin < pairs[i].n)
			error_wrap(e, "%s:%zu", pairs[i].file, pairs[i].line);
#pragma omp parallel if (!rc)
	{
#pragma omp for schedule(dynamic, 64)
		for (size_t i = 0; i < (rc ? 0 : tokens); i++)
			normalize(h + i * size, size);
#pragma omp for schedule(dynamic, 4)
		for (size_t i = from; i < (rc ? from : to); i++)
			score_record(s, &pairs[i], h, base, (double *)s->m.units + 3 * i);
	}
	mem_free(h);
	mem_free(x);
	return rc;
}

static int finish(struct measure *m, struct error *e)
{
	struct state *s = (struct state *)m;
	size_t room = WINDOW / s->model.config.hidden_size;
	if (m->options->idf)
		weigh(s);
	for (size_t from = 0, to; from < s->pairs.n; from = to) {
		size_t tokens = 0;
		for (to = from; to < s->pairs.n && (to == from || tokens < room); to++)
			for (size_t i = 0; i < s->pairs.at[to].n; i++)
				tokens += s->texts.at[s->pairs.at[to].begin + i].n;
		if (score_window(s, from, to, e))
			return -1;
	}
	return 0;
}

static void signature(const struct measure *m, struct buffer *b)
{
	const struct state *s = (const struct state *)m;
	const struct metric_options *o = m->options;
	const char *base = strrchr(o->model, '/');
	buffer_printf(b, "%s_L%zu%s_version=0.3.13%s", base && base[1] ? base + 1 : o->model,
		s->model.layer, o->idf ? "_idf" : "_no-idf",
		o->rescale_path ? "-custom-rescaled" : "");
}

const struct metric_kind metric_bertscore = {
	.name = "bertscore",
	.summary = "BERTScore with any encoder",
	.state = sizeof(struct state),
	.unit = 3 * sizeof(double),
	.figures = (const char *const[]){ "f1", "precision", "recall", NULL },
	.open = open,
	.add = add,
	.finish = finish,
	.compute = measure_means,
	.signature = signature,
	.close = close_state,
};
