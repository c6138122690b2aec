/*
 * scores.c: scores of labels against the true label, or labels, as scikit-learn 1.9 measures them;
 * --score-key is one number, the score of the greater of two labels, or of every label one: an array
 * in the order of the labels, an object, or an array of {"label", "score"} (classify --all-scores).
 *
 *	roc_auc		area under the ROC curve; of more labels the mean of one against the rest
 *	average_precision	Σ (recall - recall before) precision; likewise the mean
 *	log_loss	mean of -log p of the true label, p within [2^-52, 1 - 2^-52]
 *	brier		mean of Σ (y - p)², halved for two labels (brier_score_loss)
 *	ece		Σ n_b / n |accuracy - confidence| over --bins bins of the highest p (C. Guo et al.,
 *			"On calibration of modern neural networks", 2017)
 *
 * The last three are undefined where a score is no probability, and of several labels a record.
 */
#include "lib/base/math64.h"
#include "lib/metric/curve.h"
#include "lib/metric/labels.h"
#include "lib/metric/list.h"
#include "lib/metric/sum.h"

enum form { UNKNOWN, ONE, ORDERED, NAMED };

struct entry {
	uint32_t label; /* NAMED */
	double score;
};

struct unit {
	size_t begin, n; /* entries */
	size_t sets; /* true labels: their number, then they, in `sets` */
	const char *file;
	size_t line;
};

struct state {
	struct measure m;
	struct labels labels;
	size_t score, k;
	enum form form;
	bool decided, several, probabilities;
	LIST(struct entry) entries;
	LIST(uint32_t) sets;
	double *p; /* [n, k] after finish, by rank of label */
	bool *is_true; /* [n, k] */
};

static int open(struct measure *m, struct reader *r, struct error *e)
{
	const char *key = m->options->score_key;
	if (!key)
		return error_set(e, ERROR_USAGE, "--metric scores needs --score-key");
	((struct state *)m)->score = reader_want(r, key);
	return 0;
}

static void close_state(struct measure *m)
{
	struct state *s = (struct state *)m;
	labels_free(&s->labels);
	mem_free(s->entries.at);
	mem_free(s->sets.at);
	mem_free(s->p);
	mem_free(s->is_true);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static int number_of(
	const struct record *r, const char *key, struct json v, double *x, struct error *e)
{
	if (v.type != JSON_NUMBER)
		return record_error(
			r, e, "key \"%s\" has %s for a score", key, json_type_name(v.type));
	*x = json_double(v);
	return 0;
}

static int read_named(struct state *s, const struct record *r, struct json label, struct json score,
	struct arena *arena, struct entry *out, struct error *e)
{
	const char *key = s->m.options->score_key;
	if (label.type != JSON_STRING && label.type != JSON_KEY && label.type != JSON_NUMBER)
		return record_error(
			r, e, "key \"%s\" has %s for a label", key, json_type_name(label.type));
	struct slice text = label.type == JSON_NUMBER ? label.raw : json_text(label, arena);
	out->label = terms_add(&s->labels.terms, text);
	return number_of(r, key, score, &out->score, e);
}

static int read_scores(struct state *s, const struct record *r, struct arena *arena,
	enum form *form, struct entry **entries, size_t *n, struct error *e)
{
	const char *key = s->m.options->score_key;
	struct json v = record_json(r, s->score);
	*entries = ARENA_ARRAY(arena, struct entry, 2 + json_count(v));
	*n = 0;
	if (v.type != JSON_ARRAY && v.type != JSON_OBJECT) {
		*form = ONE;
		*n = 1;
		return record_double(r, s->score, key, &(*entries)->score, e);
	}
	*form = NAMED;
	for (struct json_iterator i = json_iterate(v); json_each(&i); ++*n) {
		struct entry *to = &(*entries)[*n];
		bool named = v.type == JSON_OBJECT || i.value.type == JSON_OBJECT;
		enum form this = named ? NAMED : ORDERED;
		if (*n && this != *form)
			return record_error(
				r, e, "key \"%s\" mixes scores with and without labels", key);
		*form = this;
		if (v.type == JSON_OBJECT ? read_named(s, r, i.key, i.value, arena, to, e)
			: named           ? read_named(s, r, json_get(i.value, "label"),
						    json_get(i.value, "score"), arena, to, e)
					  : number_of(r, key, i.value, &to->score, e))
			return -1;
	}
	return *n ? 0 : record_error(r, e, "key \"%s\" has no score", key);
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct state *s = (struct state *)m;
	const char *key = m->options->reference_key;
	bool several = labels_is_array(r, m->reference);
	uint32_t one, *ids = &one;
	size_t k = 1, n;
	enum form form;
	struct entry *entries;
	if (s->decided && several != s->several)
		return record_error(r, e, "key \"%s\" is an array in some records only", key);
	if (several ? labels_of_array(&s->labels, r, m->reference, key, arena, &ids, &k, e)
		    : labels_of(&s->labels, r, m->reference, key, arena, &one, e))
		return -1;
	if (read_scores(s, r, arena, &form, &entries, &n, e))
		return -1;
	if (s->decided && form != s->form)
		return record_error(r, e, "key \"%s\" has another form than in the records before",
			m->options->score_key);
	s->decided = true;
	s->several = several;
	s->form = form;
	for (size_t i = 0; i < k; i++)
		measure_hash(m, s->labels.terms.at[ids[i]]);
	measure_keep(m, &(struct unit){ s->entries.n, n, s->sets.n, r->file, r->line });
	LIST_COPY(s->entries, entries, n);
	LIST_ADD(s->sets, (uint32_t)k);
	LIST_COPY(s->sets, ids, k);
	return 0;
}

/* --- When all are read ------------------------------------------------------------------------ */

static int spread(struct state *s, size_t i, struct error *e)
{
	const struct unit *u = (const struct unit *)s->m.units + i;
	double *p = s->p + i * s->k;
	const uint32_t *set = s->sets.at + u->sets;
	if (s->form == ORDERED && u->n != s->k)
		return error_set(e, ERROR_DATA, "%s:%zu: %zu score%s for %zu label%s", u->file,
			u->line, u->n, plural(u->n), s->k, plural(s->k));
	for (size_t j = 0; j < u->n; j++) {
		const struct entry *from = &s->entries.at[u->begin + j];
		size_t to = s->form == ORDERED ? j
			    : s->form == NAMED ? s->labels.rank[from->label]
					       : s->k - 1;
		p[to] = from->score;
		s->probabilities = s->probabilities && from->score >= 0 && from->score <= 1;
	}
	if (s->form == ONE && s->k == 2)
		p[0] = 1 - p[1];
	for (uint32_t j = 1; j <= set[0]; j++)
		s->is_true[i * s->k + s->labels.rank[set[j]]] = true;
	return 0;
}

static const char *const figures[] = { "roc_auc", "average_precision", "log_loss", "brier", "ece",
	NULL };

static int finish(struct measure *m, struct error *e)
{
	struct state *s = (struct state *)m;
	labels_sort(&s->labels);
	s->k = s->labels.terms.n;
	if (s->form == ONE && (s->k > 2 || s->several))
		return error_set(e, ERROR_DATA,
			"--score-key is one number, but it takes one of each label (%zu label%s)",
			s->k, plural(s->k));
	s->p = mem_zero(m->n * s->k + 1, sizeof *s->p);
	s->is_true = mem_zero(m->n * s->k + 1, sizeof *s->is_true);
	s->probabilities = !s->several;
	for (size_t i = 0; i < m->n; i++)
		if (spread(s, i, e))
			return -1;
	return 0;
}

/* Both areas of one label against the rest. */
static void areas(const struct state *s, const uint32_t *units, size_t n, size_t label,
	struct ranked *x, double *auc, double *ap)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = units[i] * s->k + label;
		x[i] = (struct ranked){ s->p[at], i, s->is_true[at] };
	}
	curve_sort(x, n);
	*auc = curve_roc_auc(x, n);
	*ap = curve_average_precision(x, n);
}

static void compute_areas(
	const struct state *s, const uint32_t *units, size_t n, double *auc, double *ap)
{
	struct ranked *x = MEM_ARRAY(struct ranked, n + 1);
	double *both = MEM_ARRAY(double, 2 * s->k + 1);
	if (s->k == 2 && !s->several) {
		areas(s, units, n, 1, x, auc, ap);
	} else if (s->k > 1) {
		for (size_t j = 0; j < s->k; j++)
			areas(s, units, n, j, x, &both[j], &both[s->k + j]);
		*auc = sum_mean(both, s->k);
		*ap = sum_mean(both + s->k, s->k);
	}
	mem_free(both);
	mem_free(x);
}

/* Bins (a, b] of the highest p: records, and sums of that p and of being right. To be freed. */
static double *bin(const struct state *s, const uint32_t *units, size_t n)
{
	size_t bins = s->m.options->bins;
	double *sum = mem_zero(3 * bins, sizeof *sum);
	for (size_t i = 0; i < n; i++) {
		const double *p = s->p + units[i] * s->k;
		size_t top = 0, b;
		for (size_t j = 1; j < s->k; j++)
			top = p[j] > p[top] ? j : top;
		for (b = 0; b + 1 < bins && p[top] > (double)(b + 1) / (double)bins; b++)
			;
		sum[3 * b]++;
		sum[3 * b + 1] += p[top];
		sum[3 * b + 2] += s->is_true[units[i] * s->k + top];
	}
	return sum;
}

/* The expected calibration error. */
static double calibration(const struct state *s, const uint32_t *units, size_t n)
{
	double *sum = bin(s, units, n), ece = 0;
	for (size_t b = 0; b < s->m.options->bins; b++)
		if (sum[3 * b] > 0)
			ece += fabs(sum[3 * b + 2] - sum[3 * b + 1]);
	mem_free(sum);
	return ece / (double)n;
}

static double log_of(double p)
{
	const double least = 0x1p-52;
	return math_log64(p < least ? least : p > 1 - least ? 1 - least : p);
}

static void compute_losses(const struct state *s, const uint32_t *units, size_t n, double *value)
{
	double *log_loss = MEM_ARRAY(double, n + 1), *brier = MEM_ARRAY(double, n + 1);
	for (size_t i = 0; i < n; i++) {
		log_loss[i] = brier[i] = 0;
		for (size_t j = 0; j < s->k; j++) {
			double y = s->is_true[units[i] * s->k + j], p = s->p[units[i] * s->k + j];
			brier[i] += (y - p) * (y - p);
			if (y > 0)
				log_loss[i] = -log_of(p);
		}
	}
	value[0] = sum_mean(log_loss, n);
	value[1] = sum_mean(brier, n) * (s->k < 3 ? 0.5 : 1);
	value[2] = calibration(s, units, n);
	mem_free(log_loss);
	mem_free(brier);
}

static void compute(const struct measure *m, const uint32_t *units, size_t n, double *value)
{
	const struct state *s = (const struct state *)m;
	if (!n)
		return;
	compute_areas(s, units, n, value, value + 1);
	if (s->probabilities && s->k > 1)
		compute_losses(s, units, n, value + 2);
}

/* --- For plots -------------------------------------------------------------------------------- */

/* [false, true] positive rates; points nearer than 1/500 to the one before are left out. */
static void put_curve(struct buffer *b, const struct ranked *x, size_t n)
{
	double all = 0, tp = 0, fp = 0, last_t = 0, last_f = 0;
	for (size_t i = 0; i < n; i++)
		all += x[i].positive;
	buffer_text(b, "[[0, 0]");
	for (size_t i = 0; i < n && all > 0 && all < (double)n; i++) {
		tp += x[i].positive;
		fp += !x[i].positive;
		if (i + 1 < n && x[i + 1].score == x[i].score)
			continue;
		double t = tp / all, f = fp / ((double)n - all);
		if (i + 1 < n && t - last_t + (f - last_f) < 0.002)
			continue;
		buffer_text(b, ", [");
		json_write_double(b, f);
		buffer_text(b, ", ");
		json_write_double(b, t);
		buffer_char(b, ']');
		last_t = t;
		last_f = f;
	}
	buffer_char(b, ']');
}

static void put_calibration(
	const struct state *s, const uint32_t *units, size_t n, struct buffer *b)
{
	size_t bins = s->m.options->bins, shown = 0;
	double *sum = bin(s, units, n);
	buffer_text(b, ", \"calibration\": [");
	for (size_t i = 0; i < bins; i++) {
		const double *x = sum + 3 * i;
		if (x[0] == 0)
			continue;
		buffer_text(b, shown++ ? ", {\"confidence\": " : "{\"confidence\": ");
		json_write_double(b, x[1] / x[0]);
		buffer_text(b, ", \"accuracy\": ");
		json_write_double(b, x[2] / x[0]);
		buffer_printf(b, ", \"n\": %.0f}", x[0]);
	}
	buffer_char(b, ']');
	mem_free(sum);
}

/* "roc", a curve a label (of two labels that of the greater), and "calibration". */
static void detail(const struct measure *m, const uint32_t *units, size_t n, struct buffer *b)
{
	const struct state *s = (const struct state *)m;
	bool two = s->k == 2 && !s->several;
	struct ranked *x = MEM_ARRAY(struct ranked, n + 1);
	double ignored[2];
	buffer_text(b, ", \"roc\": {");
	for (size_t j = two; j < s->k && n; j++) {
		buffer_text(b, j > two ? ", " : "");
		json_write_string(b, labels_text(&s->labels, s->labels.order[j]));
		buffer_text(b, ": ");
		areas(s, units, n, j, x, &ignored[0], &ignored[1]);
		put_curve(b, x, n);
	}
	buffer_char(b, '}');
	if (s->probabilities && s->k > 1 && n)
		put_calibration(s, units, n, b);
	mem_free(x);
}

static void signature(const struct measure *m, struct buffer *b)
{
	buffer_printf(b, "scores|bins:%zu|as:scikit-learn-1.9", m->options->bins);
}

const struct metric_kind metric_scores = {
	.name = "scores",
	.summary = "ROC-AUC, average precision, log loss, Brier, ECE of scores",
	.state = sizeof(struct state),
	.unit = sizeof(struct unit),
	.figures = figures,
	.open = open,
	.add = add,
	.finish = finish,
	.compute = compute,
	.detail = detail,
	.signature = signature,
	.close = close_state,
};
