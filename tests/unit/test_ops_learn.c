/*
 * The operations of ops_neighbors.h, ops_sparse.h and ops_umap.h on every path of this processor and with
 * one and three threads, against their definitions written out plainly here: the same bits.
 */
#include <math.h>
#include <stdio.h>

#include "gpu/ops_neighbors.h"
#include "gpu/ops_sparse.h"
#include "gpu/ops_umap.h"
#include "gpu/umap.h"
#include "lib/base/math64.h"
#include "lib/learn/neighbors.h"
#include "ops_ways.h"

/* --- Nearest rows --- */

struct nearest_row {
	size_t m, n, c, k; /* m queries, or 0: the rows themselves */
	enum nearest nearest;
};

static const struct nearest_row nearest_rows[] = {
	{ 0, 1, 3, 1, NEAREST_SQUARE },
	{ 0, 2, 1, 3, NEAREST_SQUARE },
	{ 0, 17, 5, 4, NEAREST_SQUARE },
	{ 0, 95, 20, 16, NEAREST_MANHATTAN },
	{ 0, 97, 300, 5, NEAREST_SQUARE },
	{ 0, 480, 7, 9, NEAREST_SQUARE },
	{ 0, 481, 8, 9, NEAREST_MANHATTAN },
	{ 0, 1500, 16, 20, NEAREST_SQUARE },
	{ 0, 1000, 0, 3, NEAREST_SQUARE },
	{ 1, 1, 4, 2, NEAREST_SQUARE },
	{ 5, 600, 33, 7, NEAREST_MANHATTAN },
	{ 200, 1000, 50, 12, NEAREST_SQUARE },
};

static float product(const float *x, const float *z, size_t c)
{
	float sum = 0;
	for (size_t b = 0; b < c; b += 256) {
		float s = 0;
		for (size_t j = b; j < c && j < b + 256; j++)
			s = math_fma(x[j], z[j], s);
		sum = b ? sum + s : s;
	}
	return sum;
}

static float distance(const float *x, const float *z, size_t c, enum nearest nearest)
{
	float s = 0;
	if (nearest == NEAREST_SQUARE) {
		s = (product(x, x, c) + product(z, z, c)) - 2 * product(x, z, c);
		return s < 0 ? 0 : s;
	}
	for (size_t j = 0; j < c; j++)
		s += fabsf(x[j] - z[j]);
	return s;
}

struct near {
	float value;
	int32_t index;
};

static int nearer(const void *a, const void *b)
{
	const struct near *p = a, *q = b;
	return p->value != q->value ? (p->value < q->value ? -1 : 1)
				    : (p->index > q->index) - (p->index < q->index);
}

static void check_nearest(struct device *d, const void *argument)
{
	const struct nearest_row *r = argument;
	size_t m = r->m ? r->m : r->n;
	float *x = numbers(r->n * r->c, 1, 2), *q = r->m ? numbers(r->m * r->c, 2, 2) : x;
	for (size_t i = 0; i < r->n * r->c / 3; i++) /* copies, and so ties */
		x[r->n * r->c - 1 - i] = x[i % (r->c * (r->n / 4 + 1))];
	struct tensor values = tensor_matrix(d, F32, m, r->k),
		      indices = tensor_matrix(d, I32, m, r->k);
	struct tensor rows = tensor_upload(d, F32, r->n, r->c, x),
		      queries = tensor_upload(d, F32, m, r->c, q);
	rows.n_dims = queries.n_dims = 2;
	rows.shape[1] = queries.shape[1] = rows.stride[0] = queries.stride[0] = r->c;
	rows.stride[1] = queries.stride[1] = 1;
	if (r->m) {
		struct weight *w = weight_new(d, F32, r->n, r->c, r->c, x, NULL);
		struct tensor square = tensor_vector(d, F32, r->n);
		op_square_norms(d, square, rows);
		op_nearest_to(d, values, indices, queries, w, square, r->nearest);
		weight_free(w);
	} else {
		op_nearest(d, values, indices, rows, r->nearest);
	}
	float *got = MEM_ARRAY(float, m * r->k);
	int32_t *at = MEM_ARRAY(int32_t, m * r->k);
	tensor_read(d, values, got);
	tensor_read(d, indices, at);
	struct near *want = MEM_ARRAY(struct near, r->n);
	for (size_t i = 0; i < m; i++) {
		for (size_t j = 0; j < r->n; j++)
			want[j] = (struct near){
				distance(q + i * r->c, x + j * r->c, r->c, r->nearest), (int32_t)j
			};
		qsort(want, r->n, sizeof *want, nearer);
		for (size_t j = 0; j < r->k; j++) {
			assert_int_equal(at[i * r->k + j], j < r->n ? want[j].index : -1);
			assert_true(got[i * r->k + j] == (j < r->n ? want[j].value : INFINITY));
		}
	}
	mem_free(want);
	mem_free(at);
	mem_free(got);
	if (r->m)
		mem_free(q);
	mem_free(x);
}

static void nearest_rows_are_the_smallest_of_all_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof nearest_rows / sizeof *nearest_rows; i++)
		each_way(check_nearest, &nearest_rows[i]);
}

/* --- Sparse products --- */

struct sparse_row {
	size_t n, width, most; /* most elements of a row */
};

static const struct sparse_row sparse_rows[] = {
	{ 0, 16, 0 },
	{ 1, 16, 1 },
	{ 7, 16, 0 },
	{ 33, 32, 5 },
	{ 3000, 16, 40 },
	{ 5, 48, 700 },
};

/* Rows of a falling number of elements, the last of none; z is x, y or a block of its own. */
static void check_sparse(struct device *d, const void *argument)
{
	const struct sparse_row *r = argument;
	size_t *start = MEM_ARRAY(size_t, r->n + 1), m = 0, size = r->n * r->width;
	for (size_t i = 0; i < r->n; i++) {
		start[i] = m;
		m += i + 1 == r->n && i ? 0 : r->most * (r->n - i) / r->n;
	}
	start[r->n] = m;
	int32_t *column = MEM_ARRAY(int32_t, m + 1);
	for (size_t e = 0; e < m; e++)
		column[e] = (int32_t)random_below(random_bits(11, 0, e), (uint32_t)r->n);
	float *weight = numbers(m, 12, 2), *x = numbers(size, 13, 2), *z = numbers(size, 14, 2),
	      *got = MEM_ARRAY(float, size + 1);
	struct sparse s = { tensor_upload(d, I64, r->n + 1, 0, start),
		tensor_upload(d, I32, m, 0, column), tensor_upload(d, F32, m, 0, weight) };
	struct tensor from = tensor_matrix(d, F32, r->n, r->width),
		      to = tensor_matrix(d, F32, r->n, r->width),
		      other = tensor_matrix(d, F32, r->n, r->width);
	for (int same = 0; same < 3; same++) {
		struct tensor minus = same == 0 ? other : same == 1 ? from : to;
		const float *was = same == 1 ? x : z, p = 1.25f, shift = -0.4f, q = 0.9f;
		tensor_write(d, from, x);
		tensor_write(d, minus, was);
		op_sparse_product(d, to, &s, from, p, shift, q, minus);
		tensor_read(d, to, got);
		for (size_t i = 0; i < size; i++) {
			float sum = 0;
			for (size_t e = start[i / r->width]; e < start[i / r->width + 1]; e++)
				sum += weight[e] * x[(size_t)column[e] * r->width + i % r->width];
			float want = p * (sum - shift * x[i]) - q * was[i];
			assert_memory_equal(&got[i], &want, sizeof want);
		}
	}
	tensor_release(d, &s.start);
	tensor_release(d, &s.column);
	tensor_release(d, &s.weight);
	mem_free(got);
	mem_free(z);
	mem_free(x);
	mem_free(weight);
	mem_free(column);
	mem_free(start);
}

static void sparse_products_have_the_bits_of_their_definition(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof sparse_rows / sizeof *sparse_rows; i++)
		each_way(check_sparse, &sparse_rows[i]);
}

/* --- UMAP --- */

static float clip(float v)
{
	return v > 4 ? 4 : v < -4 ? -4 : v;
}

static float square(const float *p, const float *q, size_t dim)
{
	float s = 0;
	for (size_t b = 0; b < dim; b++)
		s += (p[b] - q[b]) * (p[b] - q[b]);
	return s;
}

static void attract(const struct umap_force *f, float *p, float *q, size_t dim, bool both)
{
	float x = square(p, q, dim) + 0x1p-100f, v = umap_power(x, f->b),
	      g = -2 * f->a * f->b * v / (x * (f->a * v + 1));
	for (size_t b = 0; b < dim; b++) {
		float step = clip(g * (p[b] - q[b])) * f->alpha;
		p[b] += step;
		if (both)
			q[b] -= step;
	}
}

static void repel(const struct umap_force *f, float *p, const float *from, size_t n, size_t dim,
	size_t self, int32_t count, uint64_t key)
{
	for (int32_t i = 0; i < count; i++) {
		size_t v = random_below(
			random_mix(key + (uint64_t)i * 0xd1342543de82ef95u), (uint32_t)n);
		if (v == self)
			continue;
		float d2 = square(p, from + v * dim, dim);
		float g = 2 * f->gamma * f->b /
			  ((0.001f + d2) * (f->a * umap_power(d2 + 0x1p-100f, f->b) + 1));
		for (size_t b = 0; b < dim; b++)
			p[b] += clip(g * (p[b] - from[v * dim + b])) * f->alpha;
	}
}

static int32_t owed(size_t epoch, float next, float rate, float every)
{
	float w = ((float)epoch - next) * rate / every;
	return w > 0 ? (int32_t)w : 0;
}

enum { POINTS = 300, EPOCHS = 6, COLOURS = 3 };

/* Three matchings of the points: e and e + POINTS / 2, and so on. */
struct edge_list {
	size_t start[COLOURS + 1];
	int32_t head[COLOURS * POINTS / 2], tail[COLOURS * POINTS / 2];
	float every[COLOURS * POINTS / 2], next[COLOURS * POINTS / 2],
		negative[COLOURS * POINTS / 2];
};

static void edges_init(struct edge_list *l, float rate)
{
	size_t m = 0;
	for (size_t c = 0; c < COLOURS; c++) {
		l->start[c] = m;
		for (size_t i = 0; i + 1 < POINTS - c; i += 2, m++) {
			size_t a = c == 0   ? i
				   : c == 1 ? i + 1
					    : i / 2,
			       b = c == 2 ? POINTS - 1 - i / 2 : a + 1;
			l->head[m] = (int32_t)(a < b ? a : b);
			l->tail[m] = (int32_t)(a < b ? b : a);
			l->every[m] = 1 + 4 * random_float(random_bits(8, c, i));
			l->next[m] = l->every[m];
			l->negative[m] = rate > 0 ? l->every[m] / rate : 0;
		}
	}
	l->start[COLOURS] = m;
}

static void epoch_plainly(
	float *y, struct edge_list *l, const struct umap_force *force, size_t dim, size_t epoch)
{
	float before[POINTS * 8];
	struct umap_force f = *force;
	f.alpha *= 1 - (float)epoch / EPOCHS;
	memcpy(before, y, POINTS * dim * sizeof *y);
	for (size_t e = 0; e < l->start[COLOURS]; e++) {
		if (l->next[e] > (float)epoch)
			continue;
		size_t i = (size_t)l->head[e], j = (size_t)l->tail[e];
		int32_t count = owed(epoch, l->negative[e], f.negative_rate, l->every[e]);
		uint64_t key =
			f.seed * 0x9e3779b97f4a7c15u + ((uint64_t)epoch << 40 ^ (uint64_t)e << 1);
		attract(&f, y + i * dim, y + j * dim, dim, true);
		repel(&f, y + i * dim, before, POINTS, dim, i, count, random_mix(key));
		attract(&f, y + j * dim, y + i * dim, dim, true);
		repel(&f, y + j * dim, before, POINTS, dim, j, count, random_mix(key + 1));
		l->next[e] += l->every[e];
		if (count > 0)
			l->negative[e] += (float)count * l->every[e] / f.negative_rate;
	}
}

struct umap_row {
	size_t dim;
	struct umap_force force;
};

static const struct umap_row umap_rows[] = {
	{ 1, { 1.9f, 0.8f, 1, 5, 1, 1 } },
	{ 2, { 1.9f, 0.8f, 1, 5, 1, 2 } },
	{ 3, { 0.6f, 1.3f, 0.5f, 2, 0.3f, 3 } },
	{ 4, { 1, 1, 1, 0, 1, 4 } },
	{ 5, { 1.9f, 0.8f, 1, 5, 1, UINT64_MAX } },
	{ 8, { 1.1f, 9, 1, 7, 1, 5 } },
};

static void check_epochs(struct device *d, const void *argument)
{
	const struct umap_row *r = argument;
	struct edge_list want, l;
	float *y = numbers(POINTS * r->dim, 3, 10), *got = MEM_ARRAY(float, POINTS * r->dim),
	      *first = numbers(POINTS * r->dim, 3, 10);
	memcpy(y + 4 * r->dim, y + 5 * r->dim, r->dim * sizeof *y); /* a pair in one place */
	memcpy(first, y, POINTS * r->dim * sizeof *y);
	edges_init(&want, r->force.negative_rate);
	edges_init(&l, r->force.negative_rate);
	for (size_t epoch = 0; epoch < EPOCHS; epoch++)
		epoch_plainly(y, &want, &r->force, r->dim, epoch);

	size_t m = l.start[COLOURS];
	struct tensor at = tensor_matrix(d, F32, POINTS, r->dim),
		      before = tensor_matrix(d, F32, POINTS, r->dim);
	struct umap_edges edges = { tensor_upload(d, I32, m, 0, l.head),
		tensor_upload(d, I32, m, 0, l.tail), tensor_upload(d, F32, m, 0, l.every),
		tensor_upload(d, F32, m, 0, l.next), tensor_upload(d, F32, m, 0, l.negative),
		COLOURS, l.start };
	tensor_write(d, at, first);
	op_umap_epochs(d, at, before, &edges, &r->force, 0, 2, EPOCHS);
	op_umap_epochs(d, at, before, &edges, &r->force, 2, EPOCHS, EPOCHS);
	tensor_read(d, at, got);
	assert_memory_equal(got, y, POINTS * r->dim * sizeof *y);
	mem_free(first);
	mem_free(got);
	mem_free(y);
}

static void epochs_have_the_bits_of_their_definition(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof umap_rows / sizeof *umap_rows; i++)
		each_way(check_epochs, &umap_rows[i]);
}

struct unite_row {
	size_t n, k;
	float mix;
};

static const struct unite_row unite_rows[] = {
	{ 0, 3, 1 },
	{ 1, 1, 1 },
	{ 9, 4, 1 },
	{ 300, 15, 1 },
	{ 50, 40, 0.3f },
	{ 260, 7, 0 },
};

static float plain_member(const struct unite_row *r, const int32_t *index, const float *distance,
	const float *sigma, const float *rho, size_t e)
{
	size_t i = e / r->k;
	for (size_t before = i * r->k; before < e; before++)
		if (index[before] == index[e])
			return 0;
	float above = distance[e] - rho[i];
	return index[e] == (int32_t)i        ? 0
	       : above <= 0 || sigma[i] == 0 ? 1
					     : (float)math_exp64(-(double)(above / sigma[i]));
}

/* Rows that hold themselves and repeat others, distances that are as near as rho or far beyond. */
static void check_unite(struct device *d, const void *argument)
{
	const struct unite_row *r = argument;
	size_t m = r->n * r->k;
	int32_t *index = MEM_ARRAY(int32_t, m + 1);
	float *distance = numbers(m, 21, 2), *sigma = numbers(r->n, 22, 1),
	      *rho = numbers(r->n, 23, 1), *got = MEM_ARRAY(float, m + 1);
	for (size_t e = 0; e < m; e++)
		index[e] = (int32_t)random_below(random_bits(24, 0, e), (uint32_t)r->n);
	for (size_t e = 0; e < m; e += 11)
		distance[e] = 200;
	for (size_t i = 0; i < r->n; i++)
		sigma[i] = i % 5 ? fabsf(sigma[i]) : 0;
	struct tensor to = tensor_upload(d, I32, r->n, r->k, index),
		      distances = tensor_upload(d, F32, r->n, r->k, distance),
		      sigmas = tensor_upload(d, F32, r->n, 0, sigma),
		      rhos = tensor_upload(d, F32, r->n, 0, rho),
		      weight = tensor_matrix(d, F32, r->n, r->k);
	op_umap_unite(d, weight, to, distances, sigmas, rhos, r->mix);
	tensor_read(d, weight, got);
	for (size_t e = 0; e < m; e++) {
		float u = plain_member(r, index, distance, sigma, rho, e), v = 0;
		for (size_t l = (size_t)index[e] * r->k; l < ((size_t)index[e] + 1) * r->k; l++)
			if (index[l] == (int32_t)(e / r->k) && v == 0)
				v = plain_member(r, index, distance, sigma, rho, l);
		float w = r->mix * (u + v - u * v) + (1 - r->mix) * (u * v);
		w = u > 0 ? v > 0 ? w : -w : 0;
		assert_memory_equal(&got[e], &w, sizeof w);
	}
	tensor_release(d, &to);
	tensor_release(d, &distances);
	tensor_release(d, &sigmas);
	tensor_release(d, &rhos);
	mem_free(got);
	mem_free(rho);
	mem_free(sigma);
	mem_free(distance);
	mem_free(index);
}

static void unions_have_the_bits_of_their_definition(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof unite_rows / sizeof *unite_rows; i++)
		each_way(check_unite, &unite_rows[i]);
}

enum { NEW = 37, NEIGHBOURS = 6 };

static void check_place(struct device *d, const void *argument)
{
	const struct umap_row *r = argument;
	float *fixed = numbers(POINTS * r->dim, 5, 10), *y = numbers(NEW * r->dim, 6, 10),
	      *weight = numbers(NEW * NEIGHBOURS, 7, 1);
	float *got = MEM_ARRAY(float, NEW * r->dim);
	int32_t to[NEW * NEIGHBOURS];
	uint64_t salt[NEW];
	for (size_t i = 0; i < NEW * NEIGHBOURS; i++) {
		to[i] = (int32_t)random_below(random_bits(9, 0, i), POINTS);
		weight[i] = weight[i] > 0.4f ? 1 : weight[i] < -0.3f ? 0 : weight[i] + 0.31f;
	}
	for (size_t i = 0; i < NEW; i++)
		salt[i] = random_bits(10, 0, i);
	struct tensor at = tensor_matrix(d, F32, NEW, r->dim);
	tensor_write(d, at, y);
	op_umap_place(d, at, tensor_upload(d, F32, POINTS, r->dim, fixed),
		tensor_upload(d, I32, NEW, NEIGHBOURS, to),
		tensor_upload(d, F32, NEW, NEIGHBOURS, weight), salt, &r->force, EPOCHS);
	tensor_read(d, at, got);

	for (size_t i = 0; i < NEW; i++) {
		float next[NEIGHBOURS], negative[NEIGHBOURS];
		for (size_t k = 0; k < NEIGHBOURS; k++) {
			float w = weight[i * NEIGHBOURS + k];
			next[k] = w > 0 ? 1 / w : INFINITY;
			negative[k] =
				r->force.negative_rate > 0 ? next[k] / r->force.negative_rate : 0;
		}
		for (size_t epoch = 0; epoch < EPOCHS; epoch++)
			for (size_t k = 0; k < NEIGHBOURS; k++) {
				struct umap_force f = r->force;
				f.alpha *= 1 - (float)epoch / EPOCHS;
				if (next[k] > (float)epoch)
					continue;
				float every = 1 / weight[i * NEIGHBOURS + k], *p = y + i * r->dim;
				int32_t count = owed(epoch, negative[k], f.negative_rate, every);
				attract(&f, p, fixed + (size_t)to[i * NEIGHBOURS + k] * r->dim,
					r->dim, false);
				repel(&f, p, fixed, POINTS, r->dim, SIZE_MAX, count,
					random_mix(f.seed * 0x9e3779b97f4a7c15u + salt[i] +
						   ((uint64_t)epoch << 20 ^ (uint64_t)k)));
				next[k] += every;
				if (count > 0)
					negative[k] += (float)count * every / f.negative_rate;
			}
	}
	assert_memory_equal(got, y, NEW * r->dim * sizeof *y);
	mem_free(got);
	mem_free(weight);
	mem_free(y);
	mem_free(fixed);
}

static void places_have_the_bits_of_their_definition(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof umap_rows / sizeof *umap_rows; i++)
		each_way(check_place, &umap_rows[i]);
}

/* The power that UMAP's forces use, over their range. */
static void the_power_is_within_2e_6(void **state)
{
	(void)state;
	double worst = 0;
	for (size_t i = 0; i < 100000; i++) {
		float x = ldexpf(
			      0.5f + 0.5f * random_float(random_bits(1, 1, i)), (int)(i % 60) - 40),
		      b = 0.5f + (float)(i % 7) * 0.25f;
		double want = math_pow64((double)x, (double)b);
		worst = fmax(worst, fabs((double)umap_power(x, b) / want - 1) /
					    (1 + fabs((double)b * log2((double)x))));
	}
	assert_true(worst < 4e-7);
	assert_true(isfinite(umap_power(0x1p-100f, 9)) && umap_power(0x1p-100f, 9) > 0 &&
		    isfinite(umap_power(0x1p100f, 9)));
}

static void auto_rows(struct device *d, const void *row)
{
	(void)row;
	bool card = device_on_card(d);
	assert_true(neighbors_exact(d, 120000, 15, NEIGHBORS_AUTO));
	assert_int_equal(neighbors_exact(d, 120001, 15, NEIGHBORS_AUTO), card);
	assert_int_equal(neighbors_exact(d, 2000000, 15, NEIGHBORS_AUTO), card);
	assert_false(neighbors_exact(d, 2000001, 200, NEIGHBORS_AUTO));
	assert_true(neighbors_exact(d, 2000001, 201, NEIGHBORS_AUTO));
	assert_true(neighbors_exact(d, 2000001, 15, NEIGHBORS_EXACT));
	assert_false(neighbors_exact(d, 2, 1, NEIGHBORS_APPROXIMATE));
}

static void a_card_looks_at_every_pair_of_more_rows(void **state)
{
	(void)state;
	each_way(auto_rows, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_card_looks_at_every_pair_of_more_rows),
		cmocka_unit_test(nearest_rows_are_the_smallest_of_all_pairs),
		cmocka_unit_test(sparse_products_have_the_bits_of_their_definition),
		cmocka_unit_test(epochs_have_the_bits_of_their_definition),
		cmocka_unit_test(unions_have_the_bits_of_their_definition),
		cmocka_unit_test(places_have_the_bits_of_their_definition),
		cmocka_unit_test(the_power_is_within_2e_6),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
