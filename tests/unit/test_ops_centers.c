/*
 * The operations of ops_centers.h on every path of this processor and with one and three threads, against
 * their definitions written out plainly here: the same bits.
 */
#include "gpu/ops_centers.h"

#include <math.h>

#include "ops_ways.h"

/* --- Nearest centres --- */

struct center_row {
	size_t n, c, k;
	bool unit;
	float scale; /* of rows and centres */
	double apart; /* centres lie so far around one, 0: anywhere */
};

static const struct center_row center_rows[] = {
	{ 0, 3, 2, false, 1, 0 },
	{ 1, 1, 1, false, 1, 0 },
	{ 5, 7, 3, true, 1, 0 },
	{ 63, 16, 8, false, 1, 0 },
	{ 64, 17, 9, true, 1, 0 },
	{ 70, 33, 40, false, 1, 0 },
	{ 33, 5, 65, true, 1, 0 },
	{ 130, 2, 31, false, 1, 0 },
	/* where a CPU asks products in float32 first: they decide, overflow, vanish, cannot tell */
	{ 130, 64, 40, false, 1, 0 },
	{ 200, 300, 25, true, 1, 0 },
	{ 67, 520, 30, false, 1, 0 },
	{ 66, 50, 24, false, 1e20f, 0 },
	{ 66, 50, 24, true, 1e20f, 0 },
	{ 300, 80, 24, false, 1.5e19f, 0 },
	{ 66, 50, 24, false, 1e-22f, 0 },
	{ 66, 50, 24, true, 1e-30f, 0 },
	{ 66, 50, 24, false, 1e-42f, 0 },
	{ 66, 60, 24, false, 1, 1e-6 },
	{ 66, 60, 24, true, 1, 1e-9 },
	{ 66, 60, 24, false, 1, 1e-13 },
};

/* Of a row, or of it scaled to length 1, to a centre. */
static double squared(const float *x, const double *center, size_t c, bool unit)
{
	double sum = 0, s = 0;
	for (size_t j = 0; j < c; j++)
		sum += (double)x[j] * (double)x[j];
	for (size_t j = 0; j < c; j++) {
		double e = (unit ? (double)x[j] / sqrt(sum) : (double)x[j]) - center[j];
		s += e * e;
	}
	return s;
}

/* Centre 1 is a copy of centre 0 and row 2 lies on it, so that ties go to the first. */
static void nearest_center(struct device *d, const void *row)
{
	const struct center_row *r = row;
	float *x = numbers(r->n * r->c, 1, 2 * r->scale);
	double *w = MEM_ARRAY(double, r->k * r->c), *raw = MEM_ARRAY(double, r->n + 1);
	int32_t *label = MEM_ARRAY(int32_t, r->n + 1), *again = MEM_ARRAY(int32_t, r->n + 1);
	for (size_t i = 0; i < r->k * r->c; i++)
		w[i] = (double)r->scale * ((double)random_float(random_bits(2, 0, i)) * 1.1 - 0.5);
	for (size_t i = r->c; i < r->k * r->c && r->apart > 0; i++)
		w[i] = w[i % r->c] + r->apart * w[i];
	if (r->k > 1)
		memcpy(w + r->c, w, r->c * sizeof *w);
	for (size_t j = 0; j < r->c && r->n > 2; j++)
		x[2 * r->c + j] = (float)w[j];
	struct tensor t = tensor_upload(d, F32, r->n, r->c, x);
	op_nearest_center(d, t, w, r->k, r->unit, label, raw);
	op_nearest_center(d, t, w, r->k, r->unit, again, NULL);
	for (size_t i = 0; i < r->n; i++) {
		double least = 0;
		size_t best = 0;
		for (size_t k = 0; k < r->k; k++) {
			double s = squared(x + i * r->c, w + k * r->c, r->c, r->unit);
			best = k == 0 || s < least ? k : best;
			least = k == 0 || s < least ? s : least;
		}
		assert_int_equal(label[i], best);
		assert_int_equal(again[i], best);
		assert_memory_equal(&raw[i], &least, sizeof least);
		assert_true(r->k == 1 || label[i] != 1);
	}
	tensor_release(d, &t);
	mem_free(again);
	mem_free(label);
	mem_free(raw);
	mem_free(w);
	mem_free(x);
}

static void nearest_centers_are_the_first_of_the_least(void **state)
{
	(void)state;
	for (size_t r = 0; r < sizeof center_rows / sizeof *center_rows; r++)
		each_way(nearest_center, &center_rows[r]);
}

/* --- Candidates of a start --- */

static const struct center_row closer_rows[] = {
	{ 0, 3, 2, false, 1, 0 },
	{ 1, 1, 1, false, 1, 0 },
	{ 67, 7, 3, true, 1, 0 },
	{ 4096, 5, 8, false, 1, 0 },
	{ 4100, 18, 2, true, 1, 0 },
	{ 9000, 2, 5, false, 1, 0 },
	{ 4133, 50, 5, false, 1, 0 },
	{ 300, 384, 8, true, 1, 0 },
	{ 130, 77, 3, false, 1.5e19f, 0 },
	{ 130, 77, 3, true, 1e-40f, 0 },
	{ 130, 100, 6, true, 1, 1e-9 },
};

/* Rows begin infinitely far, then are as near as the first candidate, then others are asked. */
static void check_closer(struct device *d, const void *row)
{
	const struct center_row *r = row;
	size_t n = r->n, chunks = (n + CENTER_CHUNK - 1) / CENTER_CHUNK;
	float *x = numbers(n * r->c, 1, 2 * r->scale);
	double *w = MEM_ARRAY(double, r->k * r->c), *near = MEM_ARRAY(double, n + 1),
	       *want = MEM_ARRAY(double, n + 1), *got = MEM_ARRAY(double, n + 1),
	       *sums = MEM_ARRAY(double, r->k *chunks + 1);
	for (size_t i = 0; i < r->k * r->c; i++)
		w[i] = (double)r->scale * ((double)random_float(random_bits(2, 0, i)) * 1.1 - 0.5);
	for (size_t i = r->c; i < r->k * r->c && r->apart > 0; i++)
		w[i] = w[i % r->c] + r->apart * w[i];
	for (size_t i = 0; i < n; i++)
		near[i] = INFINITY;
	struct tensor rows = tensor_upload(d, F32, n, r->c, x), nearest = tensor_vector(d, F64, n);
	struct tensor closer[CENTER_LANES];
	for (size_t t = 0; t < r->k; t++)
		closer[t] = tensor_vector(d, F64, n);
	tensor_write(d, nearest, near);
	for (size_t first = 0; first < 2 && first < r->k; first++) {
		const double *candidates = w + first * r->c;
		op_closer(d, rows, candidates, r->k - first, r->unit, nearest, closer, sums);
		for (size_t t = 0; t < r->k - first; t++) {
			tensor_read(d, closer[t], got);
			for (size_t k = 0; k < chunks; k++) {
				double sum = 0;
				for (size_t i = k * CENTER_CHUNK;
					i < n && i < (k + 1) * CENTER_CHUNK; i++) {
					double e = squared(
						x + i * r->c, candidates + t * r->c, r->c, r->unit);
					want[i] = e < near[i] ? e : near[i];
					sum += want[i];
				}
				assert_memory_equal(&sums[t * chunks + k], &sum, sizeof sum);
			}
			assert_memory_equal(got, want, n * sizeof *got);
		}
		tensor_read(d, closer[0], near);
		tensor_write(d, nearest, near);
	}
	tensor_release(d, &rows);
	mem_free(sums);
	mem_free(got);
	mem_free(want);
	mem_free(near);
	mem_free(w);
	mem_free(x);
}

static void candidates_bring_rows_closer(void **state)
{
	(void)state;
	for (size_t r = 0; r < sizeof closer_rows / sizeof *closer_rows; r++)
		each_way(check_closer, &closer_rows[r]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearest_centers_are_the_first_of_the_least),
		cmocka_unit_test(candidates_bring_rows_closer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
