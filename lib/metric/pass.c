/*
 * pass.c: pass@k (M. Chen et al., "Evaluating large language models trained on code", 2021): the
 * chance that one of k samples of a problem passes, of which c of n did,
 *
 *	pass@k = 1 - Π (1 - k / i), i from n - c + 1 to n; 1 where n - c < k
 *
 * and the mean over problems; undefined where a problem has fewer than k samples. The prediction is an
 * array of booleans, or of 0 and 1: the results, a sample each. No reference is read.
 */
#include "lib/metric/list.h"

static int open(struct measure *m, struct reader *r, struct error *e)
{
	(void)r, (void)e;
	m->unit = m->options->n_ks * sizeof(double);
	return 0;
}

static double estimate(double n, double c, double k)
{
	double product = 1;
	if (n < k)
		return NAN;
	if (n - c < k)
		return 1;
	for (double i = n - c + 1; i <= n; i++)
		product *= 1 - k / i;
	return 1 - product;
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	(void)arena;
	const struct metric_options *o = m->options;
	struct json v;
	double n = 0, c = 0, row[METRIC_KS];
	int64_t whole;
	if (record_array(r, m->prediction, o->prediction_key, "an array of results", &v, e))
		return -1;
	for (struct json_iterator i = json_iterate(v); json_each(&i); n++) {
		bool number = json_integer(i.value, &whole) && (whole == 0 || whole == 1);
		if (i.value.type != JSON_TRUE && i.value.type != JSON_FALSE && !number)
			return record_error(r, e,
				"key \"%s\": element %.0f is neither true nor false",
				o->prediction_key, n);
		c += number ? (double)whole : i.value.type == JSON_TRUE;
	}
	for (size_t i = 0; i < o->n_ks; i++)
		row[i] = estimate(n, c, (double)o->ks[i]);
	measure_hash(m, (struct slice){ (const char *)&n, sizeof n });
	measure_keep(m, row);
	return 0;
}

static int finish(struct measure *m, struct error *e)
{
	(void)e;
	for (size_t i = 0; i < m->options->n_ks; i++)
		measure_name(m, "pass@%zu", m->options->ks[i]);
	return 0;
}

const struct metric_kind metric_pass = {
	.name = "pass@k",
	.summary = "samples of code that pass",
	.as = "human-eval",
	.open = open,
	.add = add,
	.finish = finish,
	.compute = measure_means,
};
