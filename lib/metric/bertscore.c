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
#include "lib/metric/means.h"

enum { RECORDS = 8 }; /* that pass the model at once */

struct text {
	size_t begin, n; /* tokens in `ids` */
};

/* A record's prediction, then its references. */
struct unit {
	size_t begin, n; /* texts */
};

struct state {
	struct means means;
	struct token_model model;
	struct text *texts;
	struct unit *units;
	uint32_t *ids;
	uint8_t *special;
	size_t n_texts, texts_capacity, n_units, units_capacity, n_ids, ids_capacity,
		special_capacity;
	double *weights; /* [vocabulary], with --idf */
	double baseline[3];
	double *results; /* [units, 3] */
};

static void close_state(struct measure *m)
{
	struct state *s = (struct state *)m;
	token_model_close(&s->model);
	mem_free(s->texts);
	mem_free(s->units);
	mem_free(s->ids);
	mem_free(s->special);
	mem_free(s->weights);
	mem_free(s->results);
	means_close(m);
}

/* The row of the layer in a baseline file. */
static int read_baseline(struct state *s, const char *path, struct error *e)
{
	struct reader_options o = { .files = &path, .n_files = 1, .format = FORMAT_CSV };
	struct reader *reader = reader_open(&o, e);
	struct arena *arena = arena_new();
	struct record r;
	static const char *const keys[] = { "P", "R", "F" };
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

static struct measure *open(struct reader *r, const struct metric_options *o, struct error *e)
{
	if (!o->model) {
		error_set(e, ERROR_USAGE, "--metric bertscore needs -m MODEL, an encoder's folder");
		return NULL;
	}
	struct state *s = mem_zero(1, sizeof *s);
	struct means *means = (struct means *)means_open(r, o, 3, 1);
	s->means = *means;
	mem_free(means);
	if (token_model_open(&s->model, o->model, o->layer, o->device, e) ||
		(o->rescale_path && read_baseline(s, o->rescale_path, e))) {
		close_state(&s->means.m);
		return NULL;
	}
	return &s->means.m;
}

static int add_text(struct state *s, const struct record *r, struct slice text, struct arena *arena,
	struct error *e)
{
	struct encoding x;
	struct error why;
	if (token_model_encode(&s->model, text, arena, &x, &why))
		return record_error(r, e, "%s", why.msg);
	METRIC_ROOM(s->ids, s->n_ids, s->ids_capacity, x.n);
	METRIC_ROOM(s->special, s->n_ids, s->special_capacity, x.n);
	memcpy(s->ids + s->n_ids, x.ids, x.n * sizeof *x.ids);
	memcpy(s->special + s->n_ids, x.special_mask, x.n);
	METRIC_ROOM(s->texts, s->n_texts, s->texts_capacity, 1);
	s->texts[s->n_texts++] = (struct text){ s->n_ids, x.n };
	s->n_ids += x.n;
	return 0;
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct state *s = (struct state *)m;
	struct segment segment;
	size_t texts = s->n_texts, ids = s->n_ids;
	if (segment_read(m, r, s->means.prediction, s->means.reference, arena, &segment, e))
		return -1;
	int failed = add_text(s, r, segment.hypothesis, arena, e);
	for (size_t i = 0; i < segment.n && !failed; i++)
		failed = add_text(s, r, segment.references[i], arena, e);
	if (failed) {
		s->n_texts = texts;
		s->n_ids = ids;
		return -1;
	}
	METRIC_ROOM(s->units, s->n_units, s->units_capacity, 1);
	s->units[s->n_units++] = (struct unit){ texts, s->n_texts - texts };
	m->n++;
	return 0;
}

/* --- When all are read ------------------------------------------------------------------------ */

static void weigh(struct state *s)
{
	size_t n = tokenizer_vocab_size(s->model.tokenizer), references = 0;
	uint64_t *df = mem_zero(n, sizeof *df), *last = mem_zero(n, sizeof *last);
	s->weights = MEM_ARRAY(double, n);
	for (size_t i = 0; i < s->n_units; i++) {
		for (size_t j = 1; j < s->units[i].n; j++) {
			const struct text *t = &s->texts[s->units[i].begin + j];
			references++;
			for (size_t k = 0; k < t->n; k++) {
				uint32_t id = s->ids[t->begin + k];
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
		return s->weights[s->ids[token]];
	return s->special[token] ? 0 : 1;
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
		if (!s->special[t->begin + i])
			return false;
	return true;
}

/* RECORDS records with all their texts. */
static void run_group(void *context, struct device *lane, size_t g)
{
	struct state *s = context;
	size_t from = g * RECORDS, to = from + RECORDS < s->n_units ? from + RECORDS : s->n_units;
	size_t first = s->units[from].begin, n = 0, tokens = 0, size = s->model.config.hidden_size;
	for (size_t i = from; i < to; i++)
		n += s->units[i].n;
	struct encoding *x = mem_zero(n, sizeof *x);
	const struct encoding **at = MEM_ARRAY(const struct encoding *, n);
	for (size_t i = 0; i < n; i++) {
		const struct text *t = &s->texts[first + i];
		x[i] = (struct encoding){ .n = t->n, .ids = s->ids + t->begin };
		at[i] = &x[i];
		tokens += t->n;
	}
	float *h = MEM_ARRAY(float, size_mul(tokens, size));
	memset(h, 0, size_mul(tokens, size) * sizeof *h);
	token_model_run(&s->model, lane, at, n, h);
	normalize(h, tokens, size);
	size_t base = s->texts[first].begin;
	for (size_t i = from; i < to; i++) {
		double *row = s->results + 3 * i;
		const struct text *a = &s->texts[s->units[i].begin];
		for (size_t j = 1; j < s->units[i].n; j++) {
			const struct text *b = a + j;
			const float *p = h + (a->begin - base) * size,
				    *q = h + (b->begin - base) * size;
			double prf[3] = { 0, 0, 0 };
			if (!is_empty(s, a) && !is_empty(s, b)) {
				prf[0] = best_mean(s, a, p, b, q);
				prf[1] = best_mean(s, b, q, a, p);
				prf[2] = 2 * prf[0] * prf[1] / (prf[0] + prf[1]);
				prf[2] = isnan(prf[2]) ? 0 : prf[2];
			}
			for (size_t k = 0; k < 3; k++)
				row[k] = j == 1 || prf[k] > row[k] ? prf[k] : row[k];
		}
	}
	mem_free(h);
	mem_free(at);
	mem_free(x);
}

static int finish(struct measure *m, struct error *e)
{
	struct state *s = (struct state *)m;
	const struct metric_options *o = m->options;
	size_t units = s->n_units;
	if (o->idf)
		weigh(s);
	s->results = mem_zero(3 * units + 1, sizeof *s->results);
	device_parallel(s->model.device, (units + RECORDS - 1) / RECORDS, run_group, s);
	if (device_sync(s->model.device, e))
		return -1;
	m->n = 0;
	for (size_t i = 0; i < units; i++) {
		double *row = s->results + 3 * i;
		for (size_t k = 0; k < 3 && o->rescale_path; k++)
			row[k] = (row[k] - s->baseline[k]) / (1 - s->baseline[k]);
		means_add(&s->means, (double[]){ row[2], row[0], row[1] });
	}
	measure_name(m, "f1");
	measure_name(m, "precision");
	measure_name(m, "recall");
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
	.open = open,
	.add = add,
	.finish = finish,
	.compute = means_compute,
	.signature = signature,
	.close = close_state,
};
