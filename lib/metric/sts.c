/*
 * sts.c: semantic textual similarity: predicted numbers against true ones, or, with two embeddings a
 * record, how alike those are by cosine, dot product, and negative Euclidean and Manhattan distance,
 * as EmbeddingSimilarityEvaluator of sentence-transformers does. Spearman's correlation is the score
 * (with embeddings that of the cosine), Pearson's is given too.
 */
#include "lib/metric/correlation.h"
#include "lib/metric/list.h"
#include "lib/metric/similarity.h"

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	double reference;
	if (record_double(r, m->reference, m->options->reference_key, &reference, e))
		return -1;
	return similarity_keep((struct similarity_state *)m, r, reference, arena, e);
}

static int finish(struct measure *m, struct error *e)
{
	(void)e;
	const struct similarity_state *s = (const struct similarity_state *)m;
	for (size_t i = 0; i < s->k; i++) {
		measure_name(m, "spearman%s", similarity_suffix(s, i));
		measure_name(m, "pearson%s", similarity_suffix(s, i));
	}
	return 0;
}

static void compute(const struct measure *m, const uint32_t *units, size_t n, double *value)
{
	const struct similarity_state *s = (const struct similarity_state *)m;
	double *x = MEM_ARRAY(double, n + 1), *y = MEM_ARRAY(double, n + 1);
	for (size_t k = 0; k < s->k; k++) {
		for (size_t i = 0; i < n; i++) {
			const double *row = similarity_unit(s, units[i]);
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
		m->options->embedding_keys[0] ? "embeddings" : "numbers");
}

const struct metric_kind metric_sts = {
	.name = "sts",
	.summary = "Pearson's and Spearman's correlation of similarities",
	.state = sizeof(struct similarity_state),
	.open = similarity_open,
	.add = add,
	.finish = finish,
	.compute = compute,
	.signature = signature,
};
