/* means.c: means over records. */
#include "lib/metric/means.h"

#include "lib/metric/sum.h"

struct measure *means_open(struct reader *r, const struct metric_options *o, size_t k, double scale)
{
	struct means *s = mem_zero(1, sizeof *s);
	s->prediction = reader_want(r, o->prediction_key);
	s->reference = reader_want(r, o->reference_key);
	s->k = k;
	s->scale = scale;
	return &s->m;
}

void means_add(struct means *s, const double *row)
{
	METRIC_ROOM(s->rows, s->n_rows, s->capacity, s->k);
	memcpy(s->rows + s->n_rows, row, s->k * sizeof *row);
	s->n_rows += s->k;
	s->m.n++;
}

void means_compute(const struct measure *m, const uint32_t *units, size_t n, double *value)
{
	const struct means *s = (const struct means *)m;
	double *x = MEM_ARRAY(double, n + 1);
	for (size_t j = 0; j < s->k; j++) {
		for (size_t i = 0; i < n; i++)
			x[i] = s->rows[units[i] * s->k + j];
		value[j] = s->scale * sum_pairwise(x, n) / (double)n;
	}
	mem_free(x);
}

void means_close(struct measure *m)
{
	struct means *s = (struct means *)m;
	mem_free(s->rows);
	mem_free(s);
}
