/*
 * The operations of ops_moments.h on every path of this processor and with one and three threads, against
 * their definitions written out plainly here: the same bits.
 */
#include "gpu/ops_moments.h"

#include <math.h>

#include "ops_ways.h"

static double *doubles(size_t n, uint64_t seed)
{
	double *x = MEM_ARRAY(double, n ? n : 1);
	for (size_t i = 0; i < n; i++)
		x[i] = random_double(random_bits(seed, 1, i)) - 0.5;
	return x;
}

/* --- Sums over rows --- */

struct sums_row {
	size_t n, c,
		groups; /* groups of rows in an order of their own; 0: all of them by op_moment */
	bool unit, square, centered, weighted;
};

static const struct sums_row sums_rows[] = {
	{ 0, 3, 0, false, false, false, false },
	{ 0, 3, 2, true, false, false, false },
	{ 1, 1, 1, false, false, false, false },
	{ 5, 7, 3, true, false, false, false },
	{ 70, 33, 9, false, true, true, true },
	{ 300, 130, 4, true, true, true, false },
	{ 1024, 2, 0, false, false, false, true },
	{ 1025, 5, 0, true, false, true, false },
	{ 4099, 3, 0, false, true, true, true },
	{ 10, 0, 2, false, false, false, false },
};

static double term(const struct moment *m, const float *x, size_t c, size_t row, size_t j)
{
	double sum = 0, t = (double)x[row * c + j];
	for (size_t k = 0; k < c; k++)
		sum += (double)x[row * c + k] * (double)x[row * c + k];
	t = m->unit ? t / sqrt(sum) : t;
	t = m->center ? t - m->center[j] : t;
	t = m->square ? t * t : t;
	return m->weight ? m->weight[row] * t : t;
}

/* A third of the rows are in two groups, the first group has none. */
static void check_groups(
	struct device *d, const struct sums_row *r, const struct moment *m, const float *x)
{
	size_t *start = MEM_ARRAY(size_t, r->groups + 1);
	int32_t *rows = MEM_ARRAY(int32_t, 2 * r->n + 1);
	double *sums = MEM_ARRAY(double, r->groups * r->c + 1);
	start[0] = 0;
	for (size_t g = 0, at = 0; g < r->groups; start[++g] = at)
		for (size_t i = r->n; i-- > 0 && g + 1 > (r->groups > 1);)
			if (i % r->groups == g || i % 3 == 0)
				if (at < 2 * r->n)
					rows[at++] = (int32_t)i;
	op_group_sums(d, m, rows, start, r->groups, sums);
	for (size_t g = 0; g < r->groups; g++)
		for (size_t j = 0; j < r->c; j++) {
			double sum = 0;
			for (size_t i = start[g]; i < start[g + 1]; i++)
				sum += term(m, x, r->c, (size_t)rows[i], j);
			assert_memory_equal(&sums[g * r->c + j], &sum, sizeof sum);
		}
	mem_free(start);
	mem_free(rows);
	mem_free(sums);
}

static void check_moment(
	struct device *d, const struct sums_row *r, const struct moment *m, const float *x)
{
	double *total = doubles(r->c, 5), *want = doubles(r->c, 5);
	op_moment(d, m, total);
	for (size_t j = 0; j < r->c; j++) {
		for (size_t from = 0; from < r->n; from += MOMENT_ROWS) {
			double sum = 0;
			for (size_t i = from; i < r->n && i < from + MOMENT_ROWS; i++)
				sum += term(m, x, r->c, i, j);
			want[j] += sum;
		}
		assert_memory_equal(&total[j], &want[j], sizeof *want);
	}
	mem_free(total);
	mem_free(want);
}

static void check_sums(struct device *d, const void *argument)
{
	const struct sums_row *r = argument;
	float *x = numbers(r->n * r->c, 1, 2);
	double *center = doubles(r->c, 2), *weight = doubles(r->n, 3);
	struct tensor t = tensor_upload(d, F32, r->n, r->c, x);
	t.n_dims = 2; /* without columns too */
	t.shape[1] = t.stride[0] = r->c;
	t.stride[1] = 1;
	struct moment m = { t, r->unit, r->square, r->centered ? center : NULL,
		r->weighted ? weight : NULL };
	if (r->groups)
		check_groups(d, r, &m, x);
	else
		check_moment(d, r, &m, x);
	tensor_release(d, &t);
	mem_free(x);
	mem_free(center);
	mem_free(weight);
}

static void sums_over_rows_are_chains_in_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof sums_rows / sizeof *sums_rows; i++)
		each_way(check_sums, &sums_rows[i]);
}

/* --- Squares and products, projections --- */

struct matrix_row {
	size_t n, c, k; /* k: outputs of a projection */
	bool wide, centered;
};

static const struct matrix_row gram_rows[] = {
	{ 0, 3, 0, false, true },
	{ 1, 1, 0, false, true },
	{ 7, 48, 0, true, false },
	{ 129, 49, 0, false, false },
	{ 1024, 5, 0, true, true },
	{ 1025, 100, 0, false, true },
	{ 3000, 17, 0, false, true },
	{ 20, 150, 0, true, false },
};

/* What lies above the diagonal stays. */
static void check_gram(struct device *d, const void *argument)
{
	const struct matrix_row *r = argument;
	size_t c = r->c;
	float *narrow = numbers(r->n * c, 1, 2);
	double *wide = doubles(r->n * c, 4), *center = doubles(c, 2), *gram = doubles(c * c, 3),
	       *before = doubles(c * c, 3);
	struct tensor t = r->wide ? tensor_upload(d, F64, r->n, c, wide)
				  : tensor_upload(d, F32, r->n, c, narrow);
	op_gram(d, t, r->centered ? center : NULL, gram);
	for (size_t i = 0; i < c; i++)
		for (size_t j = 0; j < c; j++) {
			double want = before[i * c + j];
			for (size_t from = 0; j <= i && from < r->n; from += MOMENT_ROWS) {
				double sum = 0;
				for (size_t row = from; row < r->n && row < from + MOMENT_ROWS;
					row++) {
					size_t a = row * c + i, b = row * c + j;
					double p = r->wide ? wide[a] : (double)narrow[a];
					double q = r->wide ? wide[b] : (double)narrow[b];
					sum = r->centered ? fma(p - center[i], q - center[j], sum)
							  : fma(p, q, sum);
				}
				want += sum;
			}
			assert_memory_equal(&gram[i * c + j], &want, sizeof want);
		}
	tensor_release(d, &t);
	mem_free(narrow);
	mem_free(wide);
	mem_free(center);
	mem_free(gram);
	mem_free(before);
}

static void squares_and_products_are_chains_of_blocks_of_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof gram_rows / sizeof *gram_rows; i++)
		each_way(check_gram, &gram_rows[i]);
}

static const struct matrix_row project_rows[] = {
	{ 0, 3, 2, false, false },
	{ 1, 1, 1, false, false },
	{ 17, 15, 3, false, false },
	{ 33, 16, 4, false, false },
	{ 100, 33, 9, false, false },
	{ 5, 400, 17, false, false },
};

static void check_project(struct device *d, const void *argument)
{
	const struct matrix_row *r = argument;
	float *x = numbers(r->n * r->c, 1, 2), *got = MEM_ARRAY(float, r->n * r->k + 1);
	double *center = doubles(r->c, 2), *w = doubles(r->k * r->c, 3);
	struct tensor t = tensor_upload(d, F32, r->n, r->c, x),
		      y = tensor_matrix(d, F32, r->n, r->k);
	op_project(d, y, t, center, w);
	tensor_read(d, y, got);
	for (size_t i = 0; i < r->n; i++)
		for (size_t k = 0; k < r->k; k++) {
			double s[16] = { 0 };
			for (size_t j = 0; j < r->c; j++)
				s[j % 16] = fma((double)x[i * r->c + j] - center[j],
					w[k * r->c + j], s[j % 16]);
			for (size_t half = 8; half; half /= 2)
				for (size_t l = 0; l < half; l++)
					s[l] += s[l + half];
			float want = (float)s[0];
			assert_memory_equal(&got[i * r->k + k], &want, sizeof want);
		}
	tensor_release(d, &t);
	mem_free(x);
	mem_free(got);
	mem_free(center);
	mem_free(w);
}

static void projections_are_sums_by_lanes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof project_rows / sizeof *project_rows; i++)
		each_way(check_project, &project_rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_over_rows_are_chains_in_order),
		cmocka_unit_test(squares_and_products_are_chains_of_blocks_of_rows),
		cmocka_unit_test(projections_are_sums_by_lanes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
