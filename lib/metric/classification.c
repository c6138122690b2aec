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
	bool decided, several;
	LIST(uint32_t) sets; /* of several: size, then labels */
	struct slice *names; /* [labels] by rank, as the report calls them */
};

static void close_state(struct measure *m)
{
	struct state *s = (struct state *)m;
	labels_free(&s->labels);
	mem_free(s->sets.at);
	mem_free(s->names);
}

static uint32_t keep_set(struct state *s, const uint32_t *ids, size_t n)
{
	CHECK(s->sets.n + n < UINT32_MAX);
	uint32_t at = (uint32_t)s->sets.n;
	LIST_ADD(s->sets, (uint32_t)n);
	LIST_COPY(s->sets, ids, n);
	return at;
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct state *s = (struct state *)m;
	const struct metric_options *o = m->options;
	struct pair p;
	bool several = labels_is_array(r, m->reference);
	if (s->decided && several != s->several)
		return record_error(r, e, "key \"%s\" is %s, but the records before have %s",
			o->reference_key, several ? "an array" : "no array",
			s->several ? "arrays of labels" : "one label");
	if (several) {
		uint32_t *a, *b;
		size_t n, k;
		if (labels_of_array(
			    &s->labels, r, m->prediction, o->prediction_key, arena, &a, &n, e) ||
			labels_of_array(
				&s->labels, r, m->reference, o->reference_key, arena, &b, &k, e))
			return -1;
		p.predicted = keep_set(s, a, n);
		p.reference = keep_set(s, b, k);
		for (size_t i = 0; i < k; i++)
			measure_hash(m, s->labels.terms.at[b[i]]);
	} else {
		if (labels_of(&s->labels, r, m->prediction, o->prediction_key, arena, &p.predicted,
			    e) ||
			labels_of(&s->labels, r, m->reference, o->reference_key, arena,
				&p.reference, e))
			return -1;
		measure_hash(m, s->labels.terms.at[p.reference]);
	}
	s->decided = true;
	s->several = several;
	measure_keep(m, &p);
	return 0;
}

/* Labels become ranks, so that counting needs no order any more. */
static void rank_all(struct state *s)
{
	const uint32_t *rank = s->labels.rank;
	struct pair *pairs = s->m.units;
	uint32_t *set = s->sets.at;
	for (size_t i = 0; i < s->m.n && !s->several; i++) {
		pairs[i].predicted = rank[pairs[i].predicted];
		pairs[i].reference = rank[pairs[i].reference];
	}
	for (size_t i = 0; i < s->sets.n;) {
		size_t n = set[i++];
		for (size_t j = 0; j < n; j++, i++)
			set[i] = rank[set[i]];
	}
}

static const char *const plain[] = { "accuracy", "precision", "recall", "f1", "precision_micro",
	"recall_micro", "f1_micro", "precision_macro", "recall_macro", "f1_macro",
	"precision_weighted", "recall_weighted", "f1_weighted", NULL };
static const char *const of_one[] = { "balanced_accuracy", "mcc", "kappa" };
static const char *const of_several[] = { "precision_samples", "recall_samples", "f1_samples",
	"hamming_loss", "jaccard" };
#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { PLAIN = COUNT(plain) - 1, ONE = COUNT(of_one), SEVERAL = COUNT(of_several) };

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
	for (size_t i = 0; i < (s->several ? SEVERAL : ONE); i++)
		measure_name(m, "%s", s->several ? of_several[i] : of_one[i]);
	static const char *const per_class[] = { "precision", "recall", "f1" };
	for (size_t i = 0; i < k; i++)
		for (size_t j = 0; j < 3; j++)
			measure_class_name(m, per_class[j], s->names[i]);
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
	const uint32_t *a = s->sets.at + p.predicted, *b = s->sets.at + p.reference;
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

static struct several several_new(size_t n)
{
	double *x = MEM_ARRAY(double, size_mul(4, n + 1));
	return (struct several){ 0, 0, x, x + n, x + 2 * n, x + 3 * n };
}

static struct prf several_mean(const struct several *x, size_t n)
{
	return (struct prf){ sum_mean(x->precision, n), sum_mean(x->recall, n),
		sum_mean(x->f1, n) };
}

/* What is counted of units. */
struct tally {
	struct counts *all; /* [labels] */
	struct counts *c; /* [k] of the classes that occur; of several labels of all classes */
	uint32_t *which; /* [k] labels */
	size_t k, correct;
	struct several several;
};

static void tally_free(struct tally *t)
{
	mem_free(t->all);
	mem_free(t->c);
	mem_free(t->which);
	mem_free(t->several.precision);
}

static struct tally tally_of(const struct state *s, const uint32_t *units, size_t n)
{
	const struct pair *pairs = s->m.units;
	size_t labels = s->labels.terms.n;
	struct counts *c = mem_zero(labels + 1, sizeof *c);
	struct tally t = { .all = c,
		.c = MEM_ARRAY(struct counts, labels + 1),
		.which = MEM_ARRAY(uint32_t, labels + 1) };
	if (s->several)
		t.several = several_new(n);
	for (size_t i = 0; i < n; i++) {
		struct pair p = pairs[units[i]];
		if (s->several) {
			count_sets(s, p, c, &t.several, i);
			continue;
		}
		c[p.predicted].predicted++;
		c[p.reference].support++;
		c[p.reference].tp += p.predicted == p.reference;
		t.correct += p.predicted == p.reference;
	}
	if (s->several)
		t.correct = t.several.equal;
	for (size_t i = 0; i < labels; i++) {
		if (!s->several && c[i].predicted + c[i].support == 0)
			continue;
		t.which[t.k] = (uint32_t)i;
		t.c[t.k++] = c[i];
	}
	return t;
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
	size_t labels = s->labels.terms.n;
	if (!n)
		return;
	struct tally t = tally_of(s, units, n);
	double *per_class = value + PLAIN + (s->several ? SEVERAL : ONE);
	for (size_t i = 0; i < t.k; i++)
		put_prf(per_class + 3 * t.which[i], prf_of(t.c[i]));
	struct prf macro = prf_average(t.c, t.k, AVERAGE_MACRO, prf_of);
	*value++ = (double)t.correct / (double)n;
	value = put_prf(value, labels == 2 && !s->several ? prf_of(t.all[1]) : macro);
	value = put_prf(value, prf_average(t.c, t.k, AVERAGE_MICRO, prf_of));
	value = put_prf(value, macro);
	value = put_prf(value, prf_average(t.c, t.k, AVERAGE_WEIGHTED, prf_of));
	if (s->several) {
		value = put_prf(value, several_mean(&t.several, n));
		*value++ = (double)t.several.differ / ((double)n * (double)labels);
		*value++ = sum_mean(t.several.jaccard, n);
	} else {
		*value++ = balanced(t.c, t.k);
		*value++ = mcc(t.c, t.k, (double)n, (double)t.correct);
		*value++ = kappa(t.c, t.k, (double)n, (double)t.correct);
	}
	tally_free(&t);
}

/* --- Reports ---------------------------------------------------------------------------------- */

static void report(
	const struct measure *m, const uint32_t *units, size_t n, size_t digits, struct buffer *b)
{
	const struct state *s = (const struct state *)m;
	struct tally t = tally_of(s, units, n);
	bool real = t.correct == 0 && !s->several;
	struct report_row *rows = MEM_ARRAY(struct report_row, t.k + 1), averages[4];
	uint64_t support = 0;
	for (size_t i = 0; i < t.k; i++) {
		rows[i] = (struct report_row){ s->names[t.which[i]], prf_of(t.c[i]), t.c[i].support,
			false, real };
		support += t.c[i].support;
	}
	static const struct slice names[] = { { "micro avg", 9 }, { "macro avg", 9 },
		{ "weighted avg", 12 }, { "samples avg", 11 } };
	static const enum average kinds[] = { AVERAGE_MICRO, AVERAGE_MACRO, AVERAGE_WEIGHTED };
	for (size_t i = 0; i < 3; i++)
		averages[i] = (struct report_row){ names[i],
			prf_average(t.c, t.k, kinds[i], prf_of), support, false, real };
	if (s->several) {
		averages[3] = (struct report_row){ names[3], several_mean(&t.several, n), support,
			false, real };
	} else {
		averages[0].name = SLICE("accuracy");
		averages[0].only_f1 = true;
	}
	classification_layout(b, rows, t.k, averages, s->several ? 4 : 3, digits);
	mem_free(rows);
	tally_free(&t);
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
	const struct pair *pairs = m->units;
	uint64_t *cells = mem_zero(k * k + 1, sizeof *cells);
	for (size_t i = 0; i < n; i++) {
		struct pair p = pairs[units[i]];
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
	.state = sizeof(struct state),
	.unit = sizeof(struct pair),
	.figures = plain,
	.add = add,
	.finish = finish,
	.compute = compute,
	.report = report,
	.detail = detail,
	.signature = signature,
	.close = close_state,
};
