/*
 * pairs.c: how well the similarity of two texts tells pairs that belong together (reference 1 or true)
 * from others (0 or false), as BinaryClassificationEvaluator of sentence-transformers 6.2 does:
 *
 *	ap	average precision
 *	accuracy, accuracy_threshold	the best accuracy, and the middle of the two scores it parts
 *	f1, precision, recall, f1_threshold	the best F1, likewise
 *	mcc	Matthews' correlation where f1_threshold parts
 *
 * of one predicted number, or with --embedding-keys of each similarity; distances count as such, the
 * nearer the more alike.
 */
#include <strings.h>

#include "lib/metric/curve.h"
#include "lib/metric/list.h"
#include "lib/metric/similarity.h"

static const char *const names[] = { "ap", "accuracy", "accuracy_threshold", "f1", "precision",
	"recall", "f1_threshold", "mcc" };
enum { FIGURES = sizeof names / sizeof *names };

static int read_class(
	const struct record *r, size_t want, const char *key, double *out, struct error *e)
{
	struct json v = r->values[want].json;
	struct slice field = r->values[want].field;
	if (field.size == 4 && !strncasecmp(field.data, "true", 4))
		v.type = JSON_TRUE;
	if (field.size == 5 && !strncasecmp(field.data, "false", 5))
		v.type = JSON_FALSE;
	if (v.type == JSON_TRUE || v.type == JSON_FALSE) {
		*out = v.type == JSON_TRUE;
		return 0;
	}
	if (record_double(r, want, key, out, e))
		return -1;
	return *out == 0 || *out == 1
		       ? 0
		       : record_error(r, e, "key \"%s\" is %.15g, neither 0 nor 1", key, *out);
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	double class;
	if (read_class(r, m->reference, m->options->reference_key, &class, e))
		return -1;
	return similarity_keep((struct similarity_state *)m, r, class, arena, e);
}

static int finish(struct measure *m, struct error *e)
{
	(void)e;
	const struct similarity_state *s = (const struct similarity_state *)m;
	for (size_t i = 0; i < s->k; i++)
		for (size_t j = 0; j < FIGURES; j++)
			measure_name(m, "%s%s", names[j], similarity_suffix(s, i));
	return 0;
}

static double mcc(const struct ranked *x, size_t n, double threshold)
{
	double tp = 0, fp = 0, positives = 0;
	for (size_t i = 0; i < n; i++) {
		bool predicted = x[i].score >= threshold;
		tp += predicted && x[i].positive;
		fp += predicted && !x[i].positive;
		positives += x[i].positive;
	}
	double all = (double)n, p = tp + fp, correct = tp + (all - positives - fp);
	double covariance = correct * all - (positives * p + (all - positives) * (all - p));
	double pp = all * all - (p * p + (all - p) * (all - p));
	double tt = all * all - (positives * positives + (all - positives) * (all - positives));
	return pp * tt == 0 ? 0 : covariance / sqrt(pp * tt);
}

/* What parts score i and the next: their middle, unless that rounds to the next. */
static double between(const struct ranked *x, size_t n, size_t i)
{
	if (i + 1 == n)
		return x[i].score;
	double middle = (x[i].score + x[i + 1].score) / 2;
	return middle == x[i + 1].score ? x[i].score : middle;
}

/* Every threshold between different scores, and one above all. */
static void best(const struct ranked *x, size_t n, double *value)
{
	double positives = 0, so_far = 0, best_f1 = 0, precision = 0, recall = 0, f1_at = 0;
	for (size_t i = 0; i < n; i++)
		positives += x[i].positive;
	double negatives = (double)n - positives, most = negatives / (double)n;
	double accuracy_at = nextafter(x[0].score, INFINITY);
	for (size_t i = 0; i < n; i++) {
		so_far += x[i].positive;
		negatives -= !x[i].positive;
		if (i + 1 < n && x[i + 1].score == x[i].score)
			continue;
		double accuracy = (so_far + negatives) / (double)n;
		if (accuracy > most) {
			most = accuracy;
			accuracy_at = between(x, n, i);
		}
		if (so_far == 0)
			continue;
		double p = so_far / (double)(i + 1), r = so_far / positives,
		       f1 = 2 * p * r / (p + r);
		if (f1 > best_f1) {
			best_f1 = f1;
			precision = p;
			recall = r;
			f1_at = between(x, n, i);
		}
	}
	value[1] = most;
	value[2] = accuracy_at;
	value[3] = best_f1;
	value[4] = precision;
	value[5] = recall;
	value[6] = f1_at;
	value[7] = mcc(x, n, f1_at);
}

static void compute(const struct measure *m, const uint32_t *units, size_t n, double *value)
{
	const struct similarity_state *s = (const struct similarity_state *)m;
	if (!n)
		return;
	struct ranked *x = MEM_ARRAY(struct ranked, n);
	for (size_t k = 0; k < s->k; k++, value += FIGURES) {
		for (size_t i = 0; i < n; i++) {
			const double *row = similarity_unit(s, units[i]);
			x[i] = (struct ranked){ row[1 + k], i, row[0] > 0 };
		}
		curve_sort(x, n);
		value[0] = curve_average_precision(x, n);
		best(x, n, value);
		if (k == SIMILARITY_EUCLIDEAN || k == SIMILARITY_MANHATTAN) {
			value[2] = -value[2];
			value[6] = -value[6];
		}
	}
	mem_free(x);
}

static void signature(const struct measure *m, struct buffer *b)
{
	buffer_printf(b, "pairs|of:%s|as:sentence-transformers-6.2",
		m->options->embedding_keys[0] ? "embeddings" : "numbers");
}

const struct metric_kind metric_pairs = {
	.name = "pairs",
	.summary = "similarities that tell pairs from others: AP, best accuracy and F1",
	.state = sizeof(struct similarity_state),
	.open = similarity_open,
	.add = add,
	.finish = finish,
	.compute = compute,
	.signature = signature,
};
