/*
 * retrieval.c: ranked ids of a query against the relevant ones, as InformationRetrievalEvaluator of
 * sentence-transformers 6.2 measures them at each k (--k); R are the relevant, rel_i is 1 where the
 * i-th retrieved is:
 *
 *	accuracy@k	is one of the first k relevant?
 *	precision@k, recall@k	Σ rel_i / k and / |R|
 *	mrr@k		1 / rank of the first relevant, 0 beyond k
 *	ndcg@k		Σ rel_i / log2(i + 1), divided by that of the best order
 *	map@k		Σ rel_i precision@i / min(k, |R|)
 *
 * all averaged over queries. The prediction is an array of ids, or of objects with an "id" (search's
 * hits); the reference an id, an array of them, or an object of ids and gains, which then stand for
 * rel_i in ndcg (those of 0 and less are not relevant).
 */
#include "lib/base/math64.h"
#include "lib/metric/list.h"
#include "lib/metric/segment.h"

static const char *const names[] = { "ndcg", "mrr", "map", "accuracy", "precision", "recall" };
enum { FIGURES = sizeof names / sizeof *names };

static int open(struct measure *m, struct reader *r, struct error *e)
{
	(void)r, (void)e;
	m->unit = FIGURES * m->options->n_ks * sizeof(double);
	return 0;
}

struct relevant {
	struct slice *ids;
	double *gains;
	size_t n;
};

/* A string or a number as text. */
static int id_of(const struct record *r, const char *key, struct json v, struct arena *arena,
	struct slice *id, struct error *e)
{
	if (v.type == JSON_OBJECT)
		v = json_get(v, "id");
	if (v.type != JSON_STRING && v.type != JSON_NUMBER)
		return record_error(
			r, e, "key \"%s\" has %s for an id", key, json_type_name(v.type));
	*id = v.type == JSON_STRING ? json_text(v, arena) : v.raw;
	return 0;
}

static int read_relevant(const struct record *r, size_t want, const char *key, struct arena *arena,
	struct relevant *out, struct error *e)
{
	struct json v = record_json(r, want);
	struct slice text, raw;
	size_t most = v.type == JSON_ARRAY || v.type == JSON_OBJECT ? json_count(v) : 1;
	*out = (struct relevant){ ARENA_ARRAY(arena, struct slice, most + 1),
		ARENA_ARRAY(arena, double, most + 1), 0 };
	if (v.type == JSON_OBJECT) {
		for (struct json_iterator i = json_iterate(v); json_each(&i);) {
			double gain = json_double(i.value);
			if (i.value.type != JSON_NUMBER)
				return record_error(r, e, "key \"%s\" has %s for a gain", key,
					json_type_name(i.value.type));
			if (gain <= 0)
				continue;
			out->ids[out->n] = json_text(i.key, arena);
			out->gains[out->n++] = gain;
		}
	} else if (v.type == JSON_ARRAY) {
		for (struct json_iterator i = json_iterate(v); json_each(&i); out->n++) {
			out->gains[out->n] = 1;
			if (id_of(r, key, i.value, arena, &out->ids[out->n], e))
				return -1;
		}
	} else {
		if (record_label(r, want, key, arena, &text, &raw, e))
			return -1;
		out->ids[out->n] = text;
		out->gains[out->n++] = 1;
	}
	return out->n ? 0 : record_error(r, e, "key \"%s\" has no relevant id", key);
}

static double discount(size_t i)
{
	return math_log64((double)(i + 2)) / 0x1.62e42fefa39efp-1;
}

static void sort_down(double *x, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		double v = x[i];
		size_t j = i;
		for (; j > 0 && x[j - 1] < v; j--)
			x[j] = x[j - 1];
		x[j] = v;
	}
}

/* gains [n] of the retrieved, ideal [m] in the best order. */
static void at_k(
	const double *gains, size_t n, const double *ideal, size_t m, size_t k, double *row)
{
	double hits = 0, dcg = 0, best = 0, precisions = 0, first = 0;
	for (size_t i = 0; i < n && i < k; i++) {
		if (gains[i] <= 0)
			continue;
		hits++;
		first = first > 0 ? first : 1 / (double)(i + 1);
		dcg += gains[i] / discount(i);
		precisions += hits / (double)(i + 1);
	}
	for (size_t i = 0; i < m && i < k; i++)
		best += ideal[i] / discount(i);
	row[0] = dcg / best;
	row[1] = first;
	row[2] = precisions / (double)(k < m ? k : m);
	row[3] = hits > 0;
	row[4] = hits / (double)k;
	row[5] = hits / (double)m;
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	const struct metric_options *o = m->options;
	struct json v;
	struct relevant relevant;
	if (record_array(r, m->prediction, o->prediction_key, "an array of ids", &v, e) ||
		read_relevant(r, m->reference, o->reference_key, arena, &relevant, e))
		return -1;
	struct vocabulary ids = vocabulary_new(arena, relevant.n + json_count(v));
	double *gain = arena_zero(arena, relevant.n + json_count(v) + 1, sizeof *gain);
	double *got = ARENA_ARRAY(arena, double, json_count(v) + 1), *row;
	size_t n = 0;
	for (size_t i = 0; i < relevant.n; i++) {
		gain[vocabulary_id(&ids, relevant.ids[i])] = relevant.gains[i];
		measure_hash(m, relevant.ids[i]);
	}
	for (struct json_iterator i = json_iterate(v); json_each(&i);) {
		struct slice id;
		if (id_of(r, o->prediction_key, i.value, arena, &id, e))
			return -1;
		got[n++] = gain[vocabulary_id(&ids, id)];
	}
	sort_down(relevant.gains, relevant.n);
	row = ARENA_ARRAY(arena, double, FIGURES * o->n_ks);
	for (size_t i = 0; i < o->n_ks; i++)
		at_k(got, n, relevant.gains, relevant.n, o->ks[i], row + FIGURES * i);
	measure_keep(m, row);
	return 0;
}

static int finish(struct measure *m, struct error *e)
{
	(void)e;
	for (size_t i = 0; i < m->options->n_ks; i++)
		for (size_t j = 0; j < FIGURES; j++)
			measure_name(m, "%s@%zu", names[j], m->options->ks[i]);
	m->main = FIGURES * (m->options->n_ks - 1);
	return 0;
}

const struct metric_kind metric_retrieval = {
	.name = "retrieval",
	.summary = "nDCG, MRR, MAP, recall and accuracy of ranked ids",
	.as = "sentence-transformers-6.2",
	.open = open,
	.add = add,
	.finish = finish,
	.compute = measure_means,
};
