/*
 * sts.c: semantic textual similarity: predicted numbers against true ones, or, with two embeddings a
 * record, how alike those are by cosine, dot product, and negative Euclidean and Manhattan distance,
 * as EmbeddingSimilarityEvaluator of sentence-transformers does. Spearman's correlation is the score
 * (with embeddings that of the cosine), Pearson's is given too.
 */
#include "lib/metric/correlation.h"
#include "lib/metric/list.h"

struct state {
	struct measure m;
	size_t prediction, reference, left, right;
	bool vectors;
	size_t k; /* predictions a record: 1, or SIMILARITIES */
	double *rows; /* [n, 1 + k]: the reference first */
	size_t n_rows, capacity;
};

static struct measure *open(struct reader *r, const struct metric_options *o, struct error *e)
{
	(void)e;
	struct state *s = mem_zero(1, sizeof *s);
	s->vectors = o->embedding_keys[0] != NULL;
	s->k = s->vectors ? SIMILARITIES : 1;
	s->reference = reader_want(r, o->reference_key);
	if (s->vectors) {
		s->left = reader_want(r, o->embedding_keys[0]);
		s->right = reader_want(r, o->embedding_keys[1]);
	} else {
		s->prediction = reader_want(r, o->prediction_key);
	}
	return &s->m;
}

static void close_state(struct measure *m)
{
	struct state *s = (struct state *)m;
	mem_free(s->rows);
	mem_free(s);
}

static int compare(
	struct state *s, const struct record *r, struct arena *arena, double *out, struct error *e)
{
	const char *const *keys = s->m.options->embedding_keys;
	float *a, *b;
	size_t n, k;
	if (record_vector(r, s->left, keys[0], arena, &a, &n, e) ||
		record_vector(r, s->right, keys[1], arena, &b, &k, e))
		return -1;
	if (n != k)
		return record_error(
			r, e, "key \"%s\" has %zu numbers, \"%s\" has %zu", keys[0], n, keys[1], k);
	similarity_all(a, b, n, out);
	return 0;
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct state *s = (struct state *)m;
	const struct metric_options *o = m->options;
	double row[1 + SIMILARITIES];
	if (record_double(r, s->reference, o->reference_key, row, e))
		return -1;
	if (s->vectors ? compare(s, r, arena, row + 1, e)
		       : record_double(r, s->prediction, o->prediction_key, row + 1, e))
		return -1;
	METRIC_ROOM(s->rows, s->n_rows, s->capacity, 1 + s->k);
	memcpy(s->rows + s->n_rows, row, (1 + s->k) * sizeof *row);
	s->n_rows += 1 + s->k;
	measure_hash(m, (struct slice){ (const char *)row, sizeof *row });
	m->n++;
	return 0;
}

static int finish(struct measure *m, struct error *e)
{
	(void)e;
	const struct state *s = (const struct state *)m;
	for (size_t i = 0; i < s->k; i++) {
		const char *mark = s->vectors ? "_" : "",
			   *of = s->vectors ? similarity_names[i] : "";
		measure_name(m, "spearman%s%s", mark, of);
		measure_name(m, "pearson%s%s", mark, of);
	}
	return 0;
}

static void compute(const struct measure *m, const uint32_t *units, size_t n, double *value)
{
	const struct state *s = (const struct state *)m;
	double *x = MEM_ARRAY(double, n + 1), *y = MEM_ARRAY(double, n + 1);
	for (size_t k = 0; k < s->k; k++) {
		for (size_t i = 0; i < n; i++) {
			const double *row = s->rows + units[i] * (1 + s->k);
			x[i] = row[1 + k];
			y[i] = row[0];
		}
		value[2 * k] = correlation_spearman(x, y, n);
		value[2 * k + 1] = correlation_pearson(x, y, n);
	}
	mem_free(x);
	mem_free(y);
}

static void signature(const struct measure *m, struct buffer *b)
{
	buffer_printf(b, "sts|of:%s|as:scipy-1.17",
		((const struct state *)m)->vectors ? "embeddings" : "numbers");
}

const struct metric_kind metric_sts = {
	.name = "sts",
	.summary = "Pearson's and Spearman's correlation of similarities",
	.open = open,
	.add = add,
	.finish = finish,
	.compute = compute,
	.signature = signature,
	.close = close_state,
};
