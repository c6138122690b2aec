#include "lib/learn/ctfidf.h"

#include <math.h>

#include "lib/base/math.h"

void ctfidf_fit(const struct ctfidf_options *o, const struct counts *x,
	const struct terms *vocabulary, double *idf)
{
	uint64_t *frequency = mem_zero(x->n_terms + 1, sizeof *frequency), total = 0;
	for (size_t i = 0; i < (x->n_rows ? x->start[x->n_rows] : 0); i++) {
		frequency[x->terms[i]] += x->counts[i];
		total += x->counts[i];
	}
	double A = x->n_rows ? floor((double)total / (double)x->n_rows) : 0;
	for (size_t i = 0; i < x->n_terms; i++) {
		double f = (double)frequency[i];
		idf[i] = math_log64(o->bm25 ? 1 + (A - f + 0.5) / (f + 0.5) : A / f + 1);
		if (terms_has(o->seed_words, vocabulary->at[i]))
			idf[i] *= o->seed_multiplier;
	}
	mem_free(frequency);
}

void ctfidf_weigh(bool reduce_frequent_words, const double *idf, const uint32_t *terms,
	const uint64_t *counts, size_t n, double *weights)
{
	uint64_t total = 0;
	for (size_t i = 0; i < n; i++)
		total += counts[i];
	for (size_t i = 0; i < n; i++) {
		double tf = (double)counts[i] / (double)total;
		weights[i] = (reduce_frequent_words ? sqrt(tf) : tf) * idf[terms[i]];
	}
}

size_t ctfidf_top(
	const uint32_t *terms, const double *weights, size_t n, size_t k, struct ctfidf_word *top)
{
	size_t found = 0;
	for (size_t i = 0; i < n; i++) {
		if (!(weights[i] > 0) || (found == k && (k == 0 || weights[i] <= top[k - 1].score)))
			continue;
		size_t at = found < k ? found++ : k - 1;
		for (; at > 0 && top[at - 1].score < weights[i]; at--)
			top[at] = top[at - 1];
		top[at] = (struct ctfidf_word){ terms[i], weights[i] };
	}
	return found;
}
