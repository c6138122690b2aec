/*
 * classification.c: predicted labels against true ones, as scikit-learn 1.9 measures them
 * (sklearn/metrics/_classification.py). One label a record, or, where they are arrays, several.
 *
 *	accuracy	correct / n; of several labels, records whose sets are equal
 *	precision, recall, f1	of two classes those of the greater label (pos_label=1); else macro
 *	*_micro, *_macro, *_weighted	pooled counts; mean over classes; mean weighted by support
 *	balanced_accuracy	mean recall over classes that occur
 *	mcc	R_k (J. Gorodkin, 2004): (c n - Σ p t) / sqrt((n² - Σ p²)(n² - Σ t²)), 0 where undefined
 *	kappa	1 - (1 - p_o) / (1 - p_e) (J. Cohen, 1960), NaN where p_e = 1
 *	hamming_loss, jaccard, *_samples	of several labels
 *
 * Classes are those that occur among the records measured; zero_division is 0.
 */
#include "lib/metric/classification.h"

#include <stdlib.h>

#include "lib/metric/labels.h"
#include "lib/metric/list.h"
#include "lib/metric/sum.h"

struct pair {
	uint32_t predicted, reference; /* labels; of several: where their sets begin in `sets` */
};

struct state {
	struct measure m;
	struct labels labels;
	size_t prediction, reference;
	bool decided, several;
	struct pair *pairs;
	size_t pairs_capacity;
	uint32_t *sets; /* of several: size, then labels */
	size_t n_sets, sets_capacity;
	struct slice *names; /* [labels] by rank, as the report calls them */
};

static struct measure *open(struct reader *r, const struct metric_options *o, struct error *e)
{
	(void)e;
	struct state *s = mem_zero(1, sizeof *s);
	s->m.options = o;
	s->prediction = reader_want(r, o->prediction_key);
	s->reference = reader_want(r, o->reference_key);
	return &s->m;
}

static void close_state(struct measure *m)
{
	struct state *s = (struct state *)m;
	labels_free(&s->labels);
	mem_free(s->pairs);
	mem_free(s->sets);
	mem_free(s->names);
	mem_free(s);
}

static uint32_t keep_set(struct state *s, const uint32_t *ids, size_t n)
{
	CHECK(s->n_sets + n < UINT32_MAX);
	uint32_t at = (uint32_t)s->n_sets;
	METRIC_ROOM(s->sets, s->n_sets, s->sets_capacity, n + 1);
	s->sets[s->n_sets++] = (uint32_t)n;
	memcpy(s->sets + s->n_sets, ids, n * sizeof *ids);
	s->n_sets += n;
	return at;
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct state *s = (struct state *)m;
	const struct metric_options *o = m->options;
	struct pair p;
	bool several = labels_is_array(r, s->reference);
	if (s->decided && several != s->several)
		return record_error(r, e, "key \"%s\" is %s, but the records before have %s",
			o->reference_key, several ? "an array" : "no array",
			s->several ? "arrays of labels" : "one label");
	if (several) {
		uint32_t *a, *b;
		size_t n, k;
		if (labels_of_array(
			    &s->labels, r, s->prediction, o->prediction_key, arena, &a, &n, e) ||
			labels_of_array(
				&s->labels, r, s->reference, o->reference_key, arena, &b, &k, e))
			return -1;
		p.predicted = keep_set(s, a, n);
		p.reference = keep_set(s, b, k);
		for (size_t i = 0; i < k; i++)
			measure_hash(m, s->labels.terms.at[b[i]]);
	} else {
		if (labels_of(&s->labels, r, s->prediction, o->prediction_key, arena, &p.predicted,
			    e) ||
			labels_of(&s->labels, r, s->reference, o->reference_key, arena,
				&p.reference, e))
			return -1;
		measure_hash(m, s->labels.terms.at[p.reference]);
	}
	s->decided = true;
	s->several = several;
	METRIC_ROOM(s->pairs, m->n, s->pairs_capacity, 1);
	s->pairs[m->n++] = p;
	return 0;
}

/* Labels become ranks, so that counting needs no order any more. */
static void rank_all(struct state *s)
{
	const uint32_t *rank = s->labels.rank;
	for (size_t i = 0; i < s->m.n && !s->several; i++) {
		s->pairs[i].predicted = rank[s->pairs[i].predicted];
		s->pairs[i].reference = rank[s->pairs[i].reference];
	}
	for (size_t i = 0; i < s->n_sets;) {
		size_t n = s->sets[i++];
		for (size_t j = 0; j < n; j++, i++)
			s->sets[i] = rank[s->sets[i]];
	}
}

static const char *const plain[] = { "accuracy", "precision", "recall", "f1", "precision_micro",
	"recall_micro", "f1_micro", "precision_macro", "recall_macro", "f1_macro",
	"precision_weighted", "recall_weighted", "f1_weighted" };
static const char *const of_one[] = { "balanced_accuracy", "mcc", "kappa" };
static const char *const of_several[] = { "precision_samples", "recall_samples", "f1_samples",
	"hamming_loss", "jaccard" };
#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { PLAIN = COUNT(plain), ONE = COUNT(of_one), SEVERAL = COUNT(of_several) };

static int finish(struct measure *m, struct error *e)
{
	struct state *s = (struct state *)m;
	const struct metric_options *o = m->options;
	labels_sort(&s->labels);
	rank_all(s);
	size_t k = s->labels.terms.n;
	s->names = MEM_ARRAY(struct slice, k + 1);
	for (size_t i = 0; i < k; i++)
		s->names[i] = labels_text(&s->labels, s->labels.order[i]);
	for (size_t i = 0; i < o->n_label_names; i++) {
		uint32_t id = labels_find(&s->labels, o->label_values[i]);
		if (id == TERMS_ABSENT)
			return error_set(e, ERROR_USAGE,
				"--label-names: no record has the label '%.*s'",
				(int)o->label_values[i].size, o->label_values[i].data);
		s->names[s->labels.rank[id]] = o->label_names[i];
	}
	for (size_t i = 0; i < PLAIN; i++)
		measure_name(m, "%s", plain[i]);
	for (size_t i = 0; i < (s->several ? SEVERAL : ONE); i++)
		measure_name(m, "%s", s->several ? of_several[i] : of_one[i]);
	static const char *const per_class[] = { "precision", "recall", "f1" };
	for (size_t i = 0; i < k; i++)
		for (size_t j = 0; j < 3; j++)
			measure_name(m, "%s[%.*s]", per_class[j], (int)s->names[i].size,
				s->names[i].data);
	return 0;
}

/* --- Counting --------------------------------------------------------------------------------- */

static bool in_set(const uint32_t *set, uint32_t label)
{
	for (uint32_t i = 1; i <= set[0]; i++)
		if (set[i] == label)
			return true;
	return false;
}

/* Sums over records of several labels. */
struct several {
	size_t equal, differ;
	double *precision, *recall, *f1, *jaccard; /* [n] */
};

static double ratio(double a, double b)
{
	return b == 0 ? 0 : a / b;
}

static void count_sets(
	const struct state *s, struct pair p, struct counts *c, struct several *all, size_t i)
{
	const uint32_t *a = s->sets + p.predicted, *b = s->sets + p.reference;
	size_t tp = 0;
	for (uint32_t j = 1; j <= a[0]; j++) {
		bool right = in_set(b, a[j]);
		c[a[j]].predicted++;
		c[a[j]].tp += right;
		tp += right;
	}
	for (uint32_t j = 1; j <= b[0]; j++)
		c[b[j]].support++;
	double both = (double)(a[0] + b[0]), t = (double)tp;
	all->equal += tp == a[0] && tp == b[0];
	all->differ += a[0] + b[0] - 2 * tp;
	all->precision[i] = ratio(t, (double)a[0]);
	all->recall[i] = ratio(t, (double)b[0]);
	all->f1[i] = ratio(2 * t, both);
	all->jaccard[i] = ratio(t, both - t);
}

/* The counts of each class, [labels]; the number of correct records. all: of several labels. */
static size_t count(const struct state *s, const uint32_t *units, size_t n, struct counts *c,
	struct several *all)
{
	size_t correct = 0;
	memset(c, 0, s->labels.terms.n * sizeof *c);
	for (size_t i = 0; i < n; i++) {
		struct pair p = s->pairs[units[i]];
		if (s->several) {
			count_sets(s, p, c, all, i);
			continue;
		}
		c[p.predicted].predicted++;
		c[p.reference].support++;
		c[p.reference].tp += p.predicted == p.reference;
		correct += p.predicted == p.reference;
	}
	return s->several ? all->equal : correct;
}

static struct several several_new(size_t n)
{
	double *x = MEM_ARRAY(double, size_mul(4, n + 1));
	return (struct several){ 0, 0, x, x + n, x + 2 * n, x + 3 * n };
}

/* Classes that occur, packed to the front; of several labels all of them. */
static size_t pack(const struct state *s, struct counts *c, uint32_t *which)
{
	size_t k = 0;
	for (size_t i = 0; i < s->labels.terms.n; i++) {
		if (!s->several && c[i].predicted + c[i].support == 0)
			continue;
		which[k] = (uint32_t)i;
		c[k++] = c[i];
	}
	return k;
}

static double mcc(const struct counts *c, size_t k, double n, double correct)
{
	double tp = 0, pp = 0, tt = 0;
	for (size_t i = 0; i < k; i++) {
		double p = (double)c[i].predicted, t = (double)c[i].support;
		tp += p * t;
		pp += p * p;
		tt += t * t;
	}
	double both = (n * n - pp) * (n * n - tt);
	return both == 0 ? 0 : (correct * n - tp) / sqrt(both);
}

/* Off the diagonal, seen and expected; the weights are 1 there. */
static double kappa(const struct counts *c, size_t k, double n, double correct)
{
	double same = 0;
	for (size_t i = 0; i < k; i++)
		same += (double)c[i].predicted * (double)c[i].support / n;
	if (k < 2)
		return NAN;
	return 1 - (n - correct) / (n - same);
}

static double balanced(const struct counts *c, size_t k)
{
	double *recall = MEM_ARRAY(double, k + 1);
	size_t n = 0;
	for (size_t i = 0; i < k; i++)
		if (c[i].support)
			recall[n++] = (double)c[i].tp / (double)c[i].support;
	double mean = sum_mean(recall, n);
	mem_free(recall);
	return mean;
}

static double *put_prf(double *value, struct prf p)
{
	*value++ = p.precision;
	*value++ = p.recall;
	*value++ = p.f1;
	return value;
}

static void compute(const struct measure *m, const uint32_t *units, size_t n, double *value)
{
	const struct state *s = (const struct state *)m;
	size_t k_all = s->labels.terms.n;
	if (!n)
		return;
	struct counts *c = MEM_ARRAY(struct counts, k_all + 1);
	uint32_t *which = MEM_ARRAY(uint32_t, k_all + 1);
	struct several all = { 0 };
	if (s->several)
		all = several_new(n);
	size_t correct = count(s, units, n, c, &all);
	struct prf of_greater = k_all == 2 ? prf_of(c[1]) : (struct prf){ 0, 0, 0 };
	double *per_class = value + PLAIN + (s->several ? SEVERAL : ONE);
	for (size_t i = 0; i < k_all; i++) {
		if (s->several || c[i].predicted + c[i].support)
			put_prf(per_class + 3 * i, prf_of(c[i]));
	}
	size_t k = pack(s, c, which);
	struct prf micro = prf_average(c, k, AVERAGE_MICRO, prf_of),
		   macro = prf_average(c, k, AVERAGE_MACRO, prf_of);
	*value++ = (double)correct / (double)n;
	value = put_prf(value, k_all == 2 && !s->several ? of_greater : macro);
	value = put_prf(value, micro);
	value = put_prf(value, macro);
	value = put_prf(value, prf_average(c, k, AVERAGE_WEIGHTED, prf_of));
	if (s->several) {
		*value++ = sum_mean(all.precision, n);
		*value++ = sum_mean(all.recall, n);
		*value++ = sum_mean(all.f1, n);
		*value++ = (double)all.differ / ((double)n * (double)k_all);
		*value++ = sum_mean(all.jaccard, n);
	} else {
		*value++ = balanced(c, k);
		*value++ = mcc(c, k, (double)n, (double)correct);
		*value++ = kappa(c, k, (double)n, (double)correct);
	}
	mem_free(all.precision);
	mem_free(which);
	mem_free(c);
}

/* --- Reports ---------------------------------------------------------------------------------- */

static void report(
	const struct measure *m, const uint32_t *units, size_t n, size_t digits, struct buffer *b)
{
	const struct state *s = (const struct state *)m;
	size_t k_all = s->labels.terms.n;
	if (!n)
		return;
	struct counts *c = MEM_ARRAY(struct counts, k_all + 1);
	uint32_t *which = MEM_ARRAY(uint32_t, k_all + 1);
	struct several all = { 0 };
	if (s->several)
		all = several_new(n);
	bool real = count(s, units, n, c, &all) == 0 && !s->several;
	size_t k = pack(s, c, which);
	struct report_row *rows = MEM_ARRAY(struct report_row, k + 1), averages[4];
	uint64_t support = 0;
	for (size_t i = 0; i < k; i++) {
		rows[i] = (struct report_row){ s->names[which[i]], prf_of(c[i]), c[i].support,
			false, real };
		support += c[i].support;
	}
	averages[0] = (struct report_row){ s->several ? SLICE("micro avg") : SLICE("accuracy"),
		prf_average(c, k, AVERAGE_MICRO, prf_of), support, !s->several, real };
	averages[1] = (struct report_row){ SLICE("macro avg"),
		prf_average(c, k, AVERAGE_MACRO, prf_of), support, false, real };
	averages[2] = (struct report_row){ SLICE("weighted avg"),
		prf_average(c, k, AVERAGE_WEIGHTED, prf_of), support, false, real };
	if (s->several)
		averages[3] = (struct report_row){ SLICE("samples avg"),
			{ sum_mean(all.precision, n), sum_mean(all.recall, n),
				sum_mean(all.f1, n) },
			support, false, real };
	classification_layout(b, rows, k, averages, s->several ? 4 : 3, digits);
	mem_free(rows);
	mem_free(all.precision);
	mem_free(which);
	mem_free(c);
}

enum { MATRIX = 1000 }; /* more classes have no matrix in a report */

/* "labels" with support, and the confusion matrix, rows true, columns predicted. */
static void detail(const struct measure *m, const uint32_t *units, size_t n, struct buffer *b)
{
	const struct state *s = (const struct state *)m;
	size_t k = s->labels.terms.n;
	buffer_text(b, ", \"labels\": [");
	for (size_t i = 0; i < k; i++) {
		buffer_text(b, i ? ", " : "");
		json_write_string(b, s->names[i]);
	}
	buffer_char(b, ']');
	if (s->several || k > MATRIX)
		return;
	uint64_t *cells = mem_zero(k * k + 1, sizeof *cells);
	for (size_t i = 0; i < n; i++) {
		struct pair p = s->pairs[units[i]];
		cells[p.reference * k + p.predicted]++;
	}
	buffer_text(b, ", \"confusion\": [");
	for (size_t i = 0; i < k * k; i++)
		buffer_printf(b, "%s%s%llu%s", i && i % k == 0 ? ", " : "", i % k == 0 ? "[" : ", ",
			(unsigned long long)cells[i], i % k == k - 1 ? "]" : "");
	buffer_char(b, ']');
	mem_free(cells);
}

static void signature(const struct measure *m, struct buffer *b)
{
	const struct state *s = (const struct state *)m;
	buffer_printf(b, "classification|labels:%s|classes:%zu|zero_division:0|as:scikit-learn-1.9",
		s->several ? "several" : "one", s->labels.terms.n);
}

const struct metric_kind metric_classification = {
	.name = "classification",
	.summary = "accuracy, precision, recall, F1, MCC, kappa of predicted labels",
	.open = open,
	.add = add,
	.finish = finish,
	.compute = compute,
	.report = report,
	.detail = detail,
	.signature = signature,
	.close = close_state,
};
