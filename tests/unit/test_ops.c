/*
 * test_ops.c: THE table of operations. Every row is an operation and a shape; it runs on every path of this processor,
 * on one thread and on three, on the device itself and on a lane. All results must have the bits of the definition
 * (ops_definition.h in float), NaNs being equal, and lie within the stated error of the same formulas in
 * double: `error` counts 2^-24 of the largest reference value of the row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/ops.h"
#include "lib/base/math.h"
#include "lib/base/random.h"

#define REAL float
#define NAME(x) x##_float
#define FMA fmaf
#define SQRT sqrtf
#define ABS fabsf
#define EXP_NEG math_exp_neg
#define GELU math_gelu
#define GELU_TANH math_gelu_tanh
#define TANH math_tanh
#include "tests/unit/ops_definition.h"
#undef REAL
#undef NAME
#undef FMA
#undef SQRT
#undef ABS
#undef EXP_NEG
#undef GELU
#undef GELU_TANH
#undef TANH

static double gelu_double(double x)
{
	return 0.5 * x * (1 + erf(x * sqrt(0.5)));
}

static double gelu_tanh_double(double x)
{
	return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

#define REAL double
#define NAME(x) x##_double
#define FMA fma
#define SQRT sqrt
#define ABS fabs
#define EXP_NEG exp
#define GELU gelu_double
#define GELU_TANH gelu_tanh_double
#define TANH tanh
#include "tests/unit/ops_definition.h"

/* --- the frame ----------------------------------------------------------------------------------- */

struct row;
struct output {
	size_t n;
	float *got, *want;
	double *reference;
};

/* fn computes one row of the table: with d NULL the definition and the reference, else the operation. */
typedef void operation(struct device *d, const struct row *, struct output *);
struct row {
	const char *name;
	operation *fn;
	size_t m, n, k;	/* as the operation's row says */
	int variant;	/* activation, pooling, metric, … */
	double error;
};

static struct arena *arena;

/* Numbers in (-size, size) + shift, the same for the same seed. */
static float *numbers(uint64_t seed, size_t n, float size, float shift)
{
	float *x = ARENA_ARRAY(arena, float, n + 1);
	for (size_t i = 0; i < n; i++)
		x[i] = (random_float(random_bits(7, seed, i)) * 2 - 1) * size + shift;
	return x;
}

static double *doubles(const float *x, size_t n)
{
	double *y = ARENA_ARRAY(arena, double, n + 1);
	for (size_t i = 0; i < n; i++)
		y[i] = (double)x[i];
	return y;
}

/* Room for n results; those of the device begin as garbage. */
static void reserve(struct output *o, size_t n)
{
	o->n = n;
	o->got = ARENA_ARRAY(arena, float, n + 1);
	o->want = ARENA_ARRAY(arena, float, n + 1);
	o->reference = ARENA_ARRAY(arena, double, n + 1);
	memset(o->got, 0xee, n * sizeof *o->got);
}

static struct tensor matrix(struct device *d, const float *x, size_t rows, size_t columns)
{
	struct tensor t = tensor_matrix(d, F32, rows, columns);
	tensor_write(d, t, x);
	return t;
}

static struct tensor vector(struct device *d, const float *x, size_t n)
{
	struct tensor t = tensor_vector(d, F32, n);
	tensor_write(d, t, x);
	return t;
}

/* Lengths that add up to `tokens`, some of them 0 and 1. */
static size_t offsets(size_t tokens, size_t sequences, size_t *cu)
{
	cu[0] = 0;
	for (size_t b = 0; b < sequences; b++) {
		size_t left = tokens - cu[b];
		size_t n = b + 1 == sequences ? left : b % 4 == 1 ? 0 : b % 4 == 2 ? left > 0 : left / 2;
		cu[b + 1] = cu[b] + n;
	}
	return sequences;
}

/* --- operations ---------------------------------------------------------------------------------- */

/* m rows, n outputs, k inputs */
static void do_linear(struct device *d, const struct row *r, struct output *o)
{
	float *x = numbers(1, r->m * r->k, 1, 0), *w = numbers(2, r->n * r->k, 0.2f, 0);
	float *bias = numbers(3, r->n, 0.5f, 0);
	enum activation f = (enum activation)r->variant;
	if (d) {
		struct weight *weight = weight_new(d, F32, r->n, r->k, r->k, w, bias);
		struct tensor y = tensor_matrix(d, F32, r->m, r->n);
		op_linear(d, y, matrix(d, x, r->m, r->k), weight, f);
		tensor_read(d, y, o->got);
		weight_free(weight);
		return;
	}
	reserve(o, r->m * r->n);
	linear_float(o->want, x, w, bias, r->m, r->n, r->k, f);
	linear_double(o->reference, doubles(x, r->m * r->k), doubles(w, r->n * r->k),
		doubles(bias, r->n), r->m, r->n, r->k, f);
}

/* as do_linear, through views: columns of wider matrices */
static void do_matmul(struct device *d, const struct row *r, struct output *o)
{
	float *x = numbers(1, r->m * r->k, 1, 0), *w = numbers(2, r->n * r->k, 0.2f, 0);
	if (d) {
		struct tensor wide_x = tensor_matrix(d, F32, r->m, r->k + 5);
		struct tensor wide_y = tensor_matrix(d, F32, r->m, r->n + 3);
		struct tensor tx = tensor_columns(wide_x, 2, r->k), ty = tensor_columns(wide_y, 1, r->n);
		tensor_write(d, tx, x);
		op_matmul(d, ty, tx, matrix(d, w, r->n, r->k));
		tensor_read(d, ty, o->got);
		return;
	}
	reserve(o, r->m * r->n);
	linear_float(o->want, x, w, NULL, r->m, r->n, r->k, ACTIVATION_NONE);
	linear_double(o->reference, doubles(x, r->m * r->k), doubles(w, r->n * r->k), NULL, r->m, r->n,
		r->k, ACTIVATION_NONE);
}

/* m rows of n columns */
static void do_norm(struct device *d, const struct row *r, struct output *o)
{
	size_t count = r->m * r->n;
	float *x = numbers(1, count, 2, 0.5f), *gamma = numbers(2, r->n, 0.3f, 1);
	float *beta = numbers(3, r->n, 0.1f, 0);
	if (d) {
		struct norm norm = { vector(d, gamma, r->n), vector(d, beta, r->n), 1e-12f };
		struct tensor t = matrix(d, x, r->m, r->n);
		op_norm(d, t, t, norm);
		tensor_read(d, t, o->got);
		return;
	}
	reserve(o, count);
	memcpy(o->want, x, count * sizeof *x);
	memcpy(o->reference, doubles(x, count), count * sizeof(double));
	for (size_t i = 0; i < r->m; i++) {
		norm_float(o->want + i * r->n, gamma, beta, r->n, 1e-12f);
		norm_double(o->reference + i * r->n, doubles(gamma, r->n), doubles(beta, r->n), r->n,
			1e-12f);
	}
}

/* m tokens, n columns, k rows in each table; variant bit 0: types, bit 1: positions */
static void do_embed(struct device *d, const struct row *r, struct output *o)
{
	size_t n = r->n;
	float *word = numbers(1, r->k * n, 1, 0), *type = numbers(2, r->k * n, 1, 0);
	float *position = numbers(3, r->k * n, 1, 0), *gamma = numbers(4, n, 0.3f, 1);
	float *beta = numbers(5, n, 0.1f, 0);
	uint32_t *ids = ARENA_ARRAY(arena, uint32_t, r->m * 3 + 1), *types = ids + r->m;
	uint32_t *positions = types + r->m;
	for (size_t i = 0; i < 3 * r->m; i++)
		ids[i] = random_below(random_bits(1, 9, i), (uint32_t)r->k);
	if (d) {
		struct norm norm = { vector(d, gamma, n), vector(d, beta, n), 1e-5f };
		struct tensor y = tensor_matrix(d, F32, r->m, n);
		bool t = r->variant & 1, p = r->variant & 2;
		op_embed(d, y, r->m, ids, matrix(d, word, r->k, n), t ? types : NULL,
			t ? matrix(d, type, r->k, n) : TENSOR_NONE, p ? positions : NULL,
			p ? matrix(d, position, r->k, n) : TENSOR_NONE, norm);
		tensor_read(d, y, o->got);
		return;
	}
	reserve(o, r->m * n);
	for (size_t i = 0; i < r->m; i++) {
		float *want = o->want + i * n;
		double *reference = o->reference + i * n;
		for (size_t j = 0; j < n; j++) {
			want[j] = word[ids[i] * n + j];
			if (r->variant & 1)
				want[j] = want[j] + type[types[i] * n + j];
			if (r->variant & 2)
				want[j] = want[j] + position[positions[i] * n + j];
			reference[j] = (double)want[j];
		}
		norm_float(want, gamma, beta, n, 1e-5f);
		norm_double(reference, doubles(gamma, n), doubles(beta, n), n, 1e-5f);
	}
}

/* m rows, n columns (residual), k inputs */
static void do_linear_norm(struct device *d, const struct row *r, struct output *o)
{
	size_t m = r->m, n = r->n, k = r->k;
	float *x = numbers(1, m * k, 1, 0), *w = numbers(2, n * k, 0.2f, 0), *b = numbers(3, n, 0.5f, 0);
	float *residual = numbers(4, m * n, 1, 0), *gamma = numbers(5, n, 0.3f, 1);
	float *beta = numbers(6, n, 0.1f, 0);
	if (d) {
		struct norm norm = { vector(d, gamma, n), vector(d, beta, n), 1e-12f };
		struct weight *weight = weight_new(d, F32, n, k, k, w, b);
		struct tensor y = matrix(d, residual, m, n);
		op_linear_norm(d, y, matrix(d, x, m, k), weight, y, norm);
		tensor_read(d, y, o->got);
		weight_free(weight);
		return;
	}
	reserve(o, m * n);
	linear_float(o->want, x, w, b, m, n, k, ACTIVATION_NONE);
	linear_double(o->reference, doubles(x, m * k), doubles(w, n * k), doubles(b, n), m, n, k,
		ACTIVATION_NONE);
	for (size_t i = 0; i < m * n; i++) {
		o->want[i] = residual[i] + o->want[i];
		o->reference[i] += (double)residual[i];
	}
	for (size_t i = 0; i < m; i++) {
		norm_float(o->want + i * n, gamma, beta, n, 1e-12f);
		norm_double(o->reference + i * n, doubles(gamma, n), doubles(beta, n), n, 1e-12f);
	}
}

/* m rows, n columns, k wide inside */
static void do_feed_forward(struct device *d, const struct row *r, struct output *o)
{
	size_t m = r->m, n = r->n, k = r->k;
	enum activation f = (enum activation)r->variant;
	float *x = numbers(1, m * n, 1, 0), *up = numbers(2, k * n, 0.2f, 0), *b1 = numbers(3, k, 0.5f, 0);
	float *down = numbers(4, n * k, 0.2f, 0), *b2 = numbers(5, n, 0.5f, 0);
	float *gamma = numbers(6, n, 0.3f, 1), *beta = numbers(7, n, 0.1f, 0);
	if (d) {
		struct norm norm = { vector(d, gamma, n), vector(d, beta, n), 1e-12f };
		struct weight *u = weight_new(d, F32, k, n, n, up, b1);
		struct weight *v = weight_new(d, F32, n, k, k, down, b2);
		struct tensor y = matrix(d, x, m, n);
		op_feed_forward(d, y, y, u, f, v, norm);
		tensor_read(d, y, o->got);
		weight_free(u);
		weight_free(v);
		return;
	}
	float *t = ARENA_ARRAY(arena, float, m * k + 1);
	double *t2 = ARENA_ARRAY(arena, double, m * k + 1), *x2 = doubles(x, m * n);
	reserve(o, m * n);
	linear_float(t, x, up, b1, m, k, n, f);
	linear_double(t2, x2, doubles(up, k * n), doubles(b1, k), m, k, n, f);
	linear_float(o->want, t, down, b2, m, n, k, ACTIVATION_NONE);
	linear_double(o->reference, t2, doubles(down, n * k), doubles(b2, n), m, n, k, ACTIVATION_NONE);
	for (size_t i = 0; i < m * n; i++) {
		o->want[i] = x[i] + o->want[i];
		o->reference[i] += x2[i];
	}
	for (size_t i = 0; i < m; i++) {
		norm_float(o->want + i * n, gamma, beta, n, 1e-12f);
		norm_double(o->reference + i * n, doubles(gamma, n), doubles(beta, n), n, 1e-12f);
	}
}

/* m tokens in k sequences, heads of n; variant: heads, negative: with a position bias */
static void do_attention(struct device *d, const struct row *r, struct output *o)
{
	size_t heads = (size_t)abs(r->variant), c = heads * r->n, m = r->m, cu[64];
	size_t width = 2 * m + 1;
	float *qkv = numbers(1, m * 3 * c, 3, 0), *bias = numbers(2, heads * width, 1, 0);
	float scale = 1 / sqrtf((float)r->n);
	bool biased = r->variant < 0;
	offsets(m, r->k, cu);
	if (d) {
		struct tensor t = matrix(d, qkv, m, 3 * c), y = tensor_matrix(d, F32, m, c);
		op_attention(d, y, tensor_columns(t, 0, c), tensor_columns(t, c, c),
			tensor_columns(t, 2 * c, c), r->k, cu, heads, scale,
			biased ? matrix(d, bias, heads, width) : TENSOR_NONE);
		tensor_read(d, y, o->got);
		return;
	}
	reserve(o, m * c);
	size_t total = m * 3 * c;
	float *out = ARENA_ARRAY(arena, float, total + 1);
	double *out2 = ARENA_ARRAY(arena, double, total + 1), *qkv2 = doubles(qkv, total);
	double *bias2 = doubles(bias, heads * width);
	for (size_t b = 0; b < r->k; b++)
		for (size_t h = 0; h < heads; h++) {
			size_t n = cu[b + 1] - cu[b], at = cu[b] * 3 * c + h * r->n, zero = h * width + m;
			attention_float(out + at, qkv + at, qkv + at + c, qkv + at + 2 * c, 3 * c, n, r->n,
				scale, biased ? bias + zero : NULL);
			attention_double(out2 + at, qkv2 + at, qkv2 + at + c, qkv2 + at + 2 * c, 3 * c, n,
				r->n, (double)scale, biased ? bias2 + zero : NULL);
		}
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < c; j++) {
			o->want[i * c + j] = out[i * 3 * c + j];
			o->reference[i * c + j] = out2[i * 3 * c + j];
		}
}

/* m tokens in k sequences, n columns; variant: pooling */
static void do_pool(struct device *d, const struct row *r, struct output *o)
{
	size_t n = r->n, cu[64];
	float *x = numbers(1, r->m * n, 1, 0);
	enum pooling pooling = (enum pooling)r->variant;
	offsets(r->m, r->k, cu);
	if (d) {
		struct tensor y = tensor_matrix(d, F32, r->k, n);
		op_pool(d, y, matrix(d, x, r->m, n), r->k, cu, pooling);
		tensor_read(d, y, o->got);
		return;
	}
	reserve(o, r->k * n);
	double *x2 = doubles(x, r->m * n);
	for (size_t b = 0; b < r->k; b++) {
		size_t length = cu[b + 1] - cu[b];
		pool_float(o->want + b * n, x + cu[b] * n, length, n, pooling);
		pool_double(o->reference + b * n, x2 + cu[b] * n, length, n, pooling);
	}
}

/* m rows of n columns */
static void do_normalize(struct device *d, const struct row *r, struct output *o)
{
	size_t n = r->n;
	float *x = numbers(1, r->m * n, r->variant ? 0 : 1, 0);
	if (d) {
		struct tensor t = matrix(d, x, r->m, n);
		op_normalize(d, t, t);
		tensor_read(d, t, o->got);
		return;
	}
	reserve(o, r->m * n);
	double *x2 = doubles(x, r->m * n);
	for (size_t i = 0; i < r->m; i++) {
		float l = sqrtf(lanes_float(x + i * n, x + i * n, n));
		double l2 = sqrt(lanes_double(x2 + i * n, x2 + i * n, n));
		for (size_t j = i * n; j < (i + 1) * n; j++) {
			o->want[j] = x[j] / (l < 1e-12f ? 1e-12f : l);
			o->reference[j] = x2[j] / (l2 < 1e-12 ? 1e-12 : l2);
		}
	}
}

/* m ids in k bags, n columns; variant bit 0: int8, bit 1: scales, bit 2: mean */
static void do_bag(struct device *d, const struct row *r, struct output *o)
{
	enum { V = 50 };
	size_t n = r->n, cu[64];
	float *table = numbers(1, V * n, 1, 0), *scales = numbers(2, V, 0.1f, 0.2f);
	int8_t *table8 = ARENA_ARRAY(arena, int8_t, V * n + 1);
	uint32_t *ids = ARENA_ARRAY(arena, uint32_t, r->m + 1);
	offsets(r->m, r->k, cu);
	for (size_t i = 0; i < V * n; i++) {
		table8[i] = (int8_t)(table[i] * 127);
		table[i] = r->variant & 1 ? (float)table8[i] : table[i];
	}
	for (size_t i = 0; i < V; i++)
		scales[i] = r->variant & 2 ? scales[i] : 1;
	for (size_t i = 0; i < r->m; i++)
		ids[i] = random_below(random_bits(1, 9, i), V);
	if (d) {
		struct tensor t = matrix(d, table, V, n), y = tensor_matrix(d, F32, r->k, n);
		if (r->variant & 1) {
			t = tensor_matrix(d, I8, V, n);
			tensor_write(d, t, table8);
		}
		op_bag(d, y, t, r->variant & 2 ? vector(d, scales, V) : TENSOR_NONE, ids, r->k, cu,
			r->variant & 4);
		tensor_read(d, y, o->got);
		return;
	}
	reserve(o, r->k * n);
	float *s = ARENA_ARRAY(arena, float, r->m + 1), *x = ARENA_ARRAY(arena, float, r->m + 1);
	for (size_t b = 0; b < r->k; b++)
		for (size_t j = 0; j < n; j++) {
			size_t length = cu[b + 1] - cu[b];
			for (size_t i = 0; i < length; i++) {
				s[i] = scales[ids[cu[b] + i]];
				x[i] = table[ids[cu[b] + i] * n + j];
			}
			float want = product_float(s, 1, x, 1, length);
			double reference = product_double(doubles(s, length), 1, doubles(x, length), 1,
				length);
			bool mean = (r->variant & 4) && length;
			o->want[b * n + j] = mean ? want / (float)length : want;
			o->reference[b * n + j] = mean ? reference / (double)length : reference;
		}
}

/* m rows of n columns */
static void do_column_sum(struct device *d, const struct row *r, struct output *o)
{
	float *x = numbers(1, r->m * r->n, 1, 0), one = 1;
	if (d) {
		struct tensor y = tensor_vector(d, F32, r->n);
		op_column_sum(d, y, matrix(d, x, r->m, r->n));
		tensor_read(d, y, o->got);
		return;
	}
	reserve(o, r->n);
	double *x2 = doubles(x, r->m * r->n), one2 = 1;
	for (size_t j = 0; j < r->n; j++) {
		o->want[j] = product_float(x + j, r->n, &one, 0, r->m);
		o->reference[j] = product_double(x2 + j, r->n, &one2, 0, r->m);
	}
}

/* m and n rows of k columns; a quarter of the second's rows are copies of the first's */
static void do_square_distances(struct device *d, const struct row *r, struct output *o)
{
	size_t m = r->m, n = r->n, k = r->k;
	float *x = numbers(1, m * k, 1, 0), *z = numbers(2, n * k, 1, 0);
	for (size_t j = 0; j < n && m; j += 4)
		memcpy(z + j * k, x + j % m * k, k * sizeof *x);
	if (d) {
		struct weight *w = weight_new(d, F32, n, k, k, z, NULL);
		struct tensor tx = matrix(d, x, m, k), xx = tensor_vector(d, F32, m);
		struct tensor zz = tensor_vector(d, F32, n), y = tensor_matrix(d, F32, m, n);
		op_square_norms(d, xx, tx);
		op_square_norms(d, zz, matrix(d, z, n, k));
		op_square_distances(d, y, tx, w, xx, zz);
		tensor_read(d, y, o->got);
		weight_free(w);
		return;
	}
	reserve(o, m * n);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++) {
			const float *a = x + i * k, *b = z + j * k;
			float xx = product_float(a, 1, a, 1, k), zz = product_float(b, 1, b, 1, k);
			float want = (xx + zz) - 2 * product_float(a, 1, b, 1, k);
			o->want[i * n + j] = want < 0 ? 0 : want;
			o->reference[i * n + j] = pair_double(doubles(a, k), doubles(b, k), k,
				METRIC_SQEUCLIDEAN);
			if (j % 4 == 0 && i == j % m)
				assert_true(o->want[i * n + j] == 0);
		}
}

/* m pairs of rows of n columns; variant: metric */
static void do_pair_distances(struct device *d, const struct row *r, struct output *o)
{
	enum { N = 7 };
	size_t n = r->n;
	float *x = numbers(1, N * n, 1, 0), *z = numbers(2, N * n, 1, 0);
	memcpy(z, x, n * sizeof *x);
	memset(z + n, 0, n * sizeof *z);
	memset(x + n, 0, n * sizeof *z);
	int32_t *i = ARENA_ARRAY(arena, int32_t, r->m + 1), *j = ARENA_ARRAY(arena, int32_t, r->m + 1);
	for (size_t p = 0; p < r->m; p++) {
		i[p] = (int32_t)(p % N);
		j[p] = (int32_t)(p / N % N);
	}
	if (d) {
		struct tensor ti = tensor_vector(d, I32, r->m), tj = tensor_vector(d, I32, r->m);
		struct tensor y = tensor_vector(d, F32, r->m);
		tensor_write(d, ti, i);
		tensor_write(d, tj, j);
		op_pair_distances(d, y, matrix(d, x, N, n), matrix(d, z, N, n), ti, tj,
			(enum metric)r->variant);
		tensor_read(d, y, o->got);
		return;
	}
	reserve(o, r->m);
	for (size_t p = 0; p < r->m; p++) {
		const float *a = x + (size_t)i[p] * n, *b = z + (size_t)j[p] * n;
		o->want[p] = pair_float(a, b, n, (enum metric)r->variant);
		o->reference[p] = pair_double(doubles(a, n), doubles(b, n), n, (enum metric)r->variant);
	}
}

/* the k smallest of m rows of n columns, given in blocks of 37; many values are equal, one is NaN, one -0 */
static void do_top_k(struct device *d, const struct row *r, struct output *o)
{
	size_t m = r->m, n = r->n, k = r->k;
	float *y = numbers(1, m * n, 1, 0);
	for (size_t i = 0; i < m * n; i++)
		y[i] = floorf(y[i] * 20) / 20;
	if (m && n > 3) {
		y[1] = NAN;
		y[3] = -0.0f;
	}
	if (d) {
		struct tensor values = tensor_matrix(d, F32, m, k), indices = tensor_matrix(d, I32, m, k);
		struct tensor t = matrix(d, y, m, n);
		int32_t *index = ARENA_ARRAY(arena, int32_t, m * k + 1);
		op_top_k_clear(d, values, indices);
		for (size_t c = 0; c < n; c += 37)
			op_top_k(d, values, indices, tensor_columns(t, c, n - c < 37 ? n - c : 37), c);
		tensor_read(d, values, o->got);
		tensor_read(d, indices, index);
		for (size_t i = 0; i < m * k; i++)
			o->got[m * k + i] = (float)index[i];
		return;
	}
	reserve(o, 2 * m * k);
	for (size_t i = 0; i < m; i++) {
		int32_t before = -1;
		float last = -INFINITY;
		for (size_t c = 0; c < k; c++) {
			/* the next after (last, before) */
			float best = INFINITY;
			int32_t at = -1;
			for (size_t j = 0; j < n; j++) {
				float v = y[i * n + j] + 0.0f;
				if ((v > last || (v == last && (int32_t)j > before)) && v < best) {
					best = v;
					at = (int32_t)j;
				}
			}
			last = best;
			before = at;
			o->want[i * k + c] = best;
			o->want[m * k + i * k + c] = (float)at;
		}
	}
	for (size_t i = 0; i < o->n; i++)
		o->reference[i] = (double)o->want[i];
}

/* --- the table ----------------------------------------------------------------------------------- */

static const struct row table[] = {
#include "tests/unit/ops_table.h"
};

/* On lanes too: device_parallel with two groups, the row computed in the second. */
struct lane_call {
	const struct row *row;
	struct output *output;
};

static void on_lane(void *context, struct device *lane, size_t i)
{
	struct lane_call *c = context;
	if (i == 1)
		c->row->fn(lane, c->row, c->output);
}

static bool same(const struct row *r, const char *where, const struct output *o)
{
	for (size_t i = 0; i < o->n; i++) {
		float a = o->got[i], b = o->want[i];
		if (memcmp(&a, &b, sizeof a) != 0 && (a == a || b == b)) {
			print_error("%s, %s: element %zu is %a, not %a\n", r->name, where, i, (double)a,
				(double)b);
			return false;
		}
	}
	return true;
}

/* The largest error in 2^-24 of the largest reference value. */
static double error(const struct output *o)
{
	double worst = 0, largest = 0;
	for (size_t i = 0; i < o->n; i++) {
		double e = isinf(o->reference[i]) ? 0 : fabs((double)o->want[i] - o->reference[i]);
		worst = e > worst ? e : worst;
		largest = isfinite(o->reference[i]) ? fmax(largest, fabs(o->reference[i])) : largest;
	}
	return largest > 0 ? worst / largest * 0x1p24 : worst > 0 ? INFINITY : 0;
}

static void each_operation_has_the_bits_of_its_definition_on_every_path(void **state)
{
	static const char *const paths[] = { "portable", "avx2", "avx512" };
	bool verbose = getenv("HEDDLE_VERBOSE") != NULL, good = true;
	(void)state;
	for (size_t r = 0; r < sizeof table / sizeof *table; r++) {
		const struct row *row = &table[r];
		struct output o = { 0 };
		arena_clear(arena);
		row->fn(NULL, row, &o);
		double e = error(&o);
		if (verbose)
			print_message("%-60s %8.2f of %.2f\n", row->name, e, row->error);
		if (!(e <= row->error)) {
			print_error("%s: error %.2f, stated %.2f\n", row->name, e, row->error);
			good = false;
		}
		for (size_t p = 0; p < sizeof paths / sizeof *paths; p++) {
			struct device *d;
			struct error err;
			struct lane_call call = { row, &o };
			setenv("HEDDLE_CPU", paths[p], 1);
			if (device_open("cpu", &d, &err) != 0) {
				assert_int_equal(err.code, ERROR_UNAVAILABLE);
				continue;
			}
			omp_set_num_threads(1);
			row->fn(d, row, &o);
			good = same(row, paths[p], &o) && good;
			memset(o.got, 0xee, o.n * sizeof *o.got);
			omp_set_num_threads(3);
			row->fn(d, row, &o);
			good = same(row, "three threads", &o) && good;
			memset(o.got, 0xee, o.n * sizeof *o.got);
			omp_set_num_threads(1);
			device_parallel(d, 2, on_lane, &call);
			good = same(row, "on a lane", &o) && good;
			assert_int_equal(device_sync(d, &err), 0);
			device_free(d);
		}
		unsetenv("HEDDLE_CPU");
	}
	assert_true(good);
}

static int setup(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_operation_has_the_bits_of_its_definition_on_every_path),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
