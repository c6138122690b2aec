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

enum { RECORDS = 8 }; /* that pass the model at once */

struct text {
	size_t begin, n; /* tokens in `ids` */
};

/* A record's prediction, then its references. */
struct pair {
	size_t begin, n; /* texts */
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
	LIST_ADD(s->pairs, (struct pair){ texts, s->texts.n - texts });
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

static void normalize(float *x, size_t n, size_t size)
{
	for (size_t i = 0; i < n; i++) {
		double sum = 0;
		for (size_t j = 0; j < size; j++)
			sum += (double)x[i * size + j] * (double)x[i * size + j];
		float length = (float)sqrt(sum);
		for (size_t j = 0; j < size; j++)
			x[i * size + j] /= length;
	}
}

/* The weighted mean of each token's best cosine. */
static double best_mean(const struct state *s, const struct text *a, const float *x,
	const struct text *b, const float *y)
{
	size_t size = s->model.config.hidden_size;
	double sum = 0, total = 0;
	for (size_t i = 0; i < a->n; i++) {
		double w = weight(s, a->begin + i), best = -INFINITY;
		total += w;
		for (size_t j = 0; j < b->n && w != 0; j++) {
			double dot = 0;
			for (size_t k = 0; k < size; k++)
				dot += (double)x[i * size + k] * (double)y[j * size + k];
			best = dot > best ? dot : best;
		}
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
	const struct state *s, struct pair pair, const float *h, size_t base, double *row)
{
	size_t size = s->model.config.hidden_size;
	const struct text *a = &s->texts.at[pair.begin];
	for (const struct text *b = a + 1; b < a + pair.n; b++) {
		const float *x = h + (a->begin - base) * size, *y = h + (b->begin - base) * size;
		double prf[3] = { 0, 0, 0 };
		if (!is_empty(s, a) && !is_empty(s, b)) {
			double p = best_mean(s, a, x, b, y), q = best_mean(s, b, y, a, x);
			double f = 2 * p * q / (p + q);
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

/* RECORDS records with all their texts. */
static void run_group(void *context, struct device *lane, size_t g)
{
	struct state *s = context;
	size_t from = g * RECORDS, to = from + RECORDS < s->pairs.n ? from + RECORDS : s->pairs.n;
	size_t first = s->pairs.at[from].begin, n = 0, tokens = 0,
	       size = s->model.config.hidden_size;
	for (size_t i = from; i < to; i++)
		n += s->pairs.at[i].n;
	struct encoding *x = mem_zero(n, sizeof *x);
	const struct encoding **at = MEM_ARRAY(const struct encoding *, n);
	for (size_t i = 0; i < n; i++) {
		const struct text *t = &s->texts.at[first + i];
		x[i] = (struct encoding){ .n = t->n, .ids = s->ids.at + t->begin };
		at[i] = &x[i];
		tokens += t->n;
	}
	float *h = MEM_ARRAY(float, size_mul(tokens, size));
	memset(h, 0, size_mul(tokens, size) * sizeof *h);
	token_model_run(&s->model, lane, at, n, h);
	normalize(h, tokens, size);
	for (size_t i = from; i < to; i++)
		score_record(s, s->pairs.at[i], h, s->texts.at[first].begin,
			(double *)s->m.units + 3 * i);
	mem_free(h);
	mem_free(at);
	mem_free(x);
}

static int finish(struct measure *m, struct error *e)
{
	struct state *s = (struct state *)m;
	if (m->options->idf)
		weigh(s);
	device_parallel(s->model.device, (m->n + RECORDS - 1) / RECORDS, run_group, s);
	return device_sync(s->model.device, e) ? -1 : 0;
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
