/*
 * ops_fast.h: the fast modes of ops.h, for test_ops.c: products and attention of rounded factors within
 * their tolerance, the same bytes for any batch, and rows of halves instead of floats.
 */
#pragma once
#include "lib/file/half.h"

/* The fast modes: within k 2^-24 sum |a b| of the product of the rounded inputs, TF32 within 2^-9 more
 * (ops.h), and the same bytes for any batch and number of threads. */
struct mode {
	const char *name;
	enum dtype dtype;
	int bits, least; /* of the significand; exponent of the least normal number */
	double most, slack;
};

static const struct mode modes[] = {
	{ "bfloat16", BF16, 8, -126, 0x1.fep127, 0 },
	{ "binary16", F16, 11, -14, 65504, 0 },
	{ "TF32", TF32, 24, -126, 0x1.fffffep127, 0x1p-9 },
};

static double rounded(const struct mode *m, float x)
{
	int e = x == 0 || ilogbf(x) < m->least ? m->least : ilogbf(x);
	double unit = ldexp(1, e - m->bits + 1), y = rint((double)x / unit) * unit;
	return fabs(y) > m->most ? copysign(INFINITY, y) : y;
}

static void fast_product(struct device *d, const struct mode *mode, size_t m, size_t n, size_t k)
{
	float *x = numbers(1, m * k, 1, 0), *w = numbers(2, n * k, 0.2f, 0);
	float *bias = numbers(3, n, 1, 0), *got = ARENA_ARRAY(arena, float, m *n + 1),
	      *again = ARENA_ARRAY(arena, float, m *n + 1);
	for (size_t i = 0; i < m * k; i += 7)
		x[i] *= 0x1p-13f; /* subnormal in binary16 */
	struct tensor tx = matrix(d, x, m, k), y = tensor_matrix(d, F32, m, n);
	struct weight *weight = weight_new(d, mode->dtype, n, k, k, w, n % 2 ? bias : NULL);
	omp_set_num_threads(3);
	op_linear(d, y, tx, weight, ACTIVATION_RELU);
	tensor_read(d, y, again);
	op_linear(d, y, tx, weight, ACTIVATION_NONE);
	tensor_read(d, y, got);
	for (size_t i = 0; i < m * n; i++)
		assert_true(again[i] == (got[i] > 0 ? got[i] : 0));
	omp_set_num_threads(1);
	for (size_t i = 0, rows; i < m; i += rows) { /* one, two, the others */
		rows = i + 1 < m && i < 2 ? i + 1 : m - i;
		op_linear(d, tensor_rows(y, i, rows), tensor_rows(tx, i, rows), weight,
			ACTIVATION_NONE);
	}
	tensor_read(d, y, again);
	assert_memory_equal(got, again, m * n * sizeof *got);
	for (size_t i = 0; i < m * n; i++) {
		double sum = n % 2 ? (double)bias[i % n] : 0, size = fabs(sum);
		for (size_t l = 0; l < k; l++) {
			double p =
				rounded(mode, x[i / n * k + l]) * rounded(mode, w[i % n * k + l]);
			sum += p;
			size += fabs(p);
		}
		if (fabs((double)got[i] - sum) > ((double)(k + 2) * 0x1p-24 + mode->slack) * size)
			fail_msg("%s on %s, %zu x %zu x %zu: %g, not %g", mode->name,
				device_name(d), m, n, k, (double)got[i], sum);
	}
	weight_free(weight);
}

/* The bits of a finite number in a mode's type. */
static uint16_t half_bits(const struct mode *m, float x)
{
	float y = (float)rounded(m, x), size = fabsf(y);
	uint32_t bits;
	memcpy(&bits, &y, sizeof bits);
	if (m->dtype == BF16)
		return (uint16_t)(bits >> 16);
	uint32_t least = (uint32_t)(size * 0x1p24f);
	uint32_t normal = ((bits & 0x7fffffff) >> 13) - (112 << 10);
	return (uint16_t)((bits >> 16 & 0x8000) | (size < 0x1p-14f ? least : normal));
}

static float half_value(enum dtype dtype, uint16_t bits)
{
	return dtype == F16 ? half_to_float(bits) : bfloat_to_float(bits);
}

/* A product reads the twin that a norm or a product has left as it reads the rows themselves; what it gives
 * as halves is what it gives as floats, but for two roundings of the sum and one of the bias. */
static void twins(struct device *d, const struct mode *mode, size_t m, const struct weight *up,
	const struct weight *down, const float *bias, struct tensor x, struct norm norm)
{
	size_t n = weight_outputs(up), k = weight_outputs(down);
	enum dtype type = weight_activation(up);
	float *got = ARENA_ARRAY(arena, float, m *(n + k));
	float *want = ARENA_ARRAY(arena, float, m *(n + k));
	uint16_t *halves = ARENA_ARRAY(arena, uint16_t, m * n);
	struct tensor own = tensor_twin(d, tensor_matrix(d, F32, m, k), type), plain = own;
	struct tensor wide = tensor_twin(d, tensor_matrix(d, F32, m, n), type), y = wide;
	struct tensor half = tensor_matrix(d, type, m, n), back = tensor_matrix(d, F32, m, k);
	assert_true(type == F32 || (own.twin && !tensor_columns(own, 0, 1).twin));
	plain.twin = y.twin = NULL;
	op_norm(d, own, x, norm);
	op_linear(d, y, plain, up, ACTIVATION_GELU);
	tensor_read(d, y, want);
	op_linear(d, wide, own, up, ACTIVATION_GELU);
	tensor_read(d, wide, got);
	assert_memory_equal(got, want, m * n * sizeof *got);
	op_linear_norm(d, back, y, down, x, norm);
	tensor_read(d, back, want);
	op_linear_norm(d, tensor_rows(back, 1, m - 1), tensor_rows(wide, 1, m - 1), down,
		tensor_rows(x, 1, m - 1), norm);
	tensor_read(d, back, got);
	assert_memory_equal(got, want, m * k * sizeof *got);
	if (type == F32)
		return;
	op_linear(d, y, own, up, ACTIVATION_NONE);
	tensor_read(d, y, want);
	op_linear(d, half, own, up, ACTIVATION_NONE);
	tensor_read(d, half, halves);
	for (size_t i = 0; i < m * n; i++)
		assert_true(fabsf(half_value(type, halves[i]) - want[i]) <=
			    ldexpf(fabsf(want[i]) + fabsf(bias[i % n]), -mode->bits) + 0x1p-24f);
}

/* Sums that binary16 cannot hold, before an activation that takes them back. */
static void large_sums(struct device *d, const struct mode *mode)
{
	enum { M = 3, N = 16, K = 8 };
	static const float none[N * K];
	float bias[N], got[M * N], x[M * K] = { 0 };
	uint16_t halves[M * N];
	for (size_t i = 0; i < N; i++)
		bias[i] = -80000;
	struct weight *w = weight_new(d, mode->dtype, N, K, K, none, bias);
	struct tensor y = tensor_matrix(d, weight_activation(w), M, N);
	op_linear(d, y, matrix(d, x, M, K), w, ACTIVATION_GELU);
	tensor_read(d, y, y.dtype == F32 ? (void *)got : halves);
	for (size_t i = 0; i < M * N; i++)
		assert_true((y.dtype == F32 ? got[i] : half_value(y.dtype, halves[i])) == 0);
	weight_free(w);
}

/* y [m, k] is the norm of x + t, epsilon 1e-5. */
static void norms_of_sums(const float *x, const float *t, size_t m, size_t k, const float *gamma,
	const float *beta, const float *y)
{
	for (size_t r = 0; r < m; r++, x += k, t += k, y += k) {
		double mean = 0, variance = 0, most = 0;
		for (size_t i = 0; i < k; i++)
			mean += ((double)x[i] + (double)t[i]) / (double)k;
		for (size_t i = 0; i < k; i++) {
			double z = (double)x[i] + (double)t[i] - mean;
			variance += z * z / (double)k;
			most = fmax(most, fabs(z));
		}
		for (size_t i = 0; i < k; i++) {
			double z = (double)x[i] + (double)t[i] - mean;
			z = z / sqrt(variance + 1e-5) * (double)gamma[i] + (double)beta[i];
			assert_true(fabs((double)y[i] - z) <= 1e-5 * (1 + most / sqrt(variance + 1e-5)));
		}
	}
}

/* Residuals of bfloat16 count as the floats that they are, and a norm to bfloat16 is the floats',
 * rounded; in place too. */
static void bfloat_residuals(struct device *d, size_t m, const struct weight *up,
	const struct weight *down, float *x, struct norm norm, const float *gamma, const float *beta)
{
	const struct mode *mode = &modes[0];
	size_t n = weight_outputs(up), k = weight_outputs(down);
	float *got = ARENA_ARRAY(arena, float, m *k), *want = ARENA_ARRAY(arena, float, m *k);
	uint16_t *halves = ARENA_ARRAY(arena, uint16_t, m * k);
	for (size_t i = 0; i < m * k; i++) {
		x[i] = (float)rounded(mode, x[i]);
		halves[i] = half_bits(mode, x[i]);
	}
	struct tensor floats = matrix(d, x, m, k), residual = tensor_matrix(d, BF16, m, k);
	struct tensor y = tensor_matrix(d, F32, m, k), z = tensor_matrix(d, BF16, m, k);
	struct tensor wide = tensor_matrix(d, BF16, m, n);
	tensor_write(d, residual, halves);
	op_linear(d, wide, floats, up, ACTIVATION_RELU);
	for (int feed = 0; feed < 2; feed++) {
		for (int half = 0; half < 2; half++) {
			struct tensor r = half ? residual : floats;
			if (feed)
				op_feed_forward(d, y, r, up, ACTIVATION_GELU, down, norm);
			else
				op_linear_norm(d, y, wide, down, r, norm);
			tensor_read(d, y, half ? got : want);
		}
		assert_memory_equal(got, want, m * k * sizeof *got);
		if (!feed) { /* rows of up to 2048 are rounded between the product and the norm */
			op_linear(d, k > 2048 ? y : z, wide, down, ACTIVATION_NONE);
			tensor_read(d, k > 2048 ? y : z, k > 2048 ? (void *)want : halves);
			for (size_t i = 0; k <= 2048 && i < m * k; i++)
				want[i] = half_value(BF16, halves[i]);
			norms_of_sums(x, want, m, k, gamma, beta, got);
		}
		if (feed)
			op_feed_forward(d, residual, residual, up, ACTIVATION_GELU, down, norm);
		else
			op_linear_norm(d, z, wide, down, residual, norm);
		tensor_read(d, feed ? residual : z, halves);
		for (size_t i = 0; i < m * k; i++)
			assert_true((double)half_value(BF16, halves[i]) == rounded(mode, got[i]));
	}
}

/* GELU of numbers from -12 to 12, which the identity passes on, is as near as ops.h says. */
static void fast_gelu(struct device *d, const struct mode *mode, enum activation activation)
{
	enum { M = 769, N = 8 };
	float *x = ARENA_ARRAY(arena, float, M *N), *got = ARENA_ARRAY(arena, float, M *N);
	uint16_t *halves = ARENA_ARRAY(arena, uint16_t, M * N);
	float identity[N * N] = { 0 };
	for (size_t i = 0; i < N; i++)
		identity[i * N + i] = 1;
	for (size_t i = 0; i < M * N; i++)
		x[i] = (float)rounded(mode, ((float)i - M * N / 2) * 12 / (M * N / 2));
	struct weight *w = weight_new(d, mode->dtype, N, N, N, identity, NULL);
	enum dtype types[] = { F32, weight_activation(w) };
	for (size_t t = 0; t < 2; t++) {
		struct tensor y = tensor_matrix(d, types[t], M, N);
		op_linear(d, y, matrix(d, x, M, N), w, activation);
		tensor_read(d, y, types[t] == F32 ? (void *)got : halves);
		for (size_t i = 0; i < M * N; i++) {
			bool tanh_form = activation == ACTIVATION_GELU_TANH;
			double v = x[i], u = 0.7978845608 * (v + 0.044715 * v * v * v);
			double exact = 0.5 * v * (tanh_form ? 1 + tanh(u) : erfc(-v * sqrt(0.5)));
			bool library = types[t] == BF16 || (types[t] == F16 && tanh_form);
			double off = library ? 0x1p-15 + 0x1p-11 * fabs(v) : 0x1p-15;
			if (types[t] != F32)
				off += ldexp(fabs(exact), -mode->bits) + 0x1p-24;
			double y_i = types[t] == F32 ? got[i] : half_value(types[t], halves[i]);
			if (!(fabs(y_i - exact) <= off + 0x1p-9 * fabs(v) * (mode->dtype == TF32)))
				fail_msg("%s, as %d: GELU of %g is %g, not %g", mode->name,
					(int)types[t], v, y_i, exact);
		}
	}
	weight_free(w);
}

/* The fused layer has the bits of its parts: rows are rounded between them or behind. */
static void fast_layer(struct device *d, const struct mode *mode, size_t m, size_t n, size_t k)
{
	float *x = numbers(1, m * k, 1, 0), *up = numbers(2, n * k, 0.2f, 0),
	      *down = numbers(3, n * k, 0.2f, 0), *bias = numbers(4, n + k, 1, 0),
	      *got = ARENA_ARRAY(arena, float, m *k + 1),
	      *want = ARENA_ARRAY(arena, float, m *k + 1);
	struct tensor tx = matrix(d, x, m, k), y = tensor_matrix(d, F32, m, k);
	float *gamma = numbers(5, k, 1, 0), *beta = numbers(6, k, 1, 0);
	struct norm norm = { vector(d, gamma, k), vector(d, beta, k), 1e-5f };
	struct weight *u = weight_new(d, mode->dtype, n, k, k, up, bias),
		      *v = weight_new(d, mode->dtype, k, n, n, down, bias + n);
	op_feed_forward(d, y, tx, u, ACTIVATION_GELU, v, norm);
	tensor_read(d, y, got);
	struct tensor wide = tensor_matrix(d, weight_activation(u), m, n);
	op_linear(d, wide, tx, u, ACTIVATION_GELU);
	op_linear_norm(d, y, wide, v, tx, norm);
	tensor_read(d, y, want);
	assert_memory_equal(got, want, m * k * sizeof *got);
	twins(d, mode, m, u, v, bias, tx, norm);
	if (weight_activation(u) == BF16)
		bfloat_residuals(d, m, u, v, x, norm, gamma, beta);
	weight_free(u);
	weight_free(v);
}

/* On a card by its library of products and by its own kernels. */
static void each_mode(struct device *d, size_t mode)
{
	static const size_t shapes[][3] = { { 0, 5, 3 }, { 1, 1, 1 }, { 3, 50, 0 }, { 9, 49, 255 },
		{ 100, 97, 257 }, { 17, 384, 384 }, { 2, 33, 1000 }, { 6, 8, 9 } };
	for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
		arena_clear(arena);
		fast_product(d, &modes[mode], shapes[s][0], shapes[s][1], shapes[s][2]);
	}
	arena_clear(arena);
	fast_layer(d, &modes[mode], 5, 30, 11);
	fast_layer(d, &modes[mode], 9, 64, 16);
	fast_layer(d, &modes[mode], 3, 16, 200);
	fast_layer(d, &modes[mode], 3, 16, 768);
	fast_layer(d, &modes[mode], 3, 8, 1000);
	fast_layer(d, &modes[mode], 2, 16, 2048);
	fast_layer(d, &modes[mode], 2, 16, 2056);
	large_sums(d, &modes[mode]);
	fast_gelu(d, &modes[mode], ACTIVATION_GELU);
	fast_gelu(d, &modes[mode], ACTIVATION_GELU_TANH);
}

static void fast_products_are_within_their_tolerance(void **state)
{
	(void)state;
	for (size_t p = 0; p < PATHS; p++)
		for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
			struct device *d = open_path(p);
			struct error e;
			if (!d)
				continue;
			each_mode(d, m);
			if (device_sync(d, &e))
				fail_msg("%s", e.msg);
			if (device_note(d))
				fail_msg("%s", device_note(d));
			bool library = strstr(device_name(d), "cublasLt.so.") ||
				       strstr(device_name(d), "emulator's cuBLASLt");
			device_free(d);
			if (!library)
				continue;
			setenv("HEDDLE_CUBLASLT", "off", 1);
			d = open_path(p);
			each_mode(d, m);
			device_free(d);
			unsetenv("HEDDLE_CUBLASLT");
		}
}

/* Halves in and out, where the device takes them: floats in have been rounded to the same, and what came out
 * as floats comes out rounded. */
static void attention_of_halves(struct device *d, enum dtype dtype, const struct row *r,
	const struct attention *a, const float *want)
{
	const struct mode *mode = &modes[dtype == F16];
	size_t total = r->m * a->c;
	float *got = ARENA_ARRAY(arena, float, total + 1);
	uint16_t *halves = ARENA_ARRAY(arena, uint16_t, 3 * total + 1);
	static const float any[8 * 8];
	struct weight *w = weight_new(d, dtype, 8, 8, 8, any, NULL);
	bool takes = total && weight_activation(w) == dtype;
	weight_free(w);
	if (!takes)
		return;
	for (size_t i = 0; i < 3 * total; i++)
		halves[i] = half_bits(mode, a->qkv[i]);
	struct tensor t = tensor_matrix(d, dtype, r->m, 3 * a->c);
	tensor_write(d, t, halves);
	struct tensor y = tensor_matrix(d, F32, r->m, a->c), z = tensor_matrix(d, dtype, r->m, a->c);
	attention_on(d, a, t, y, 0, r->k, a->cu, dtype);
	tensor_read(d, y, got);
	if (r->n <= 128)
		assert_memory_equal(got, want, total * sizeof *got);
	for (size_t i = 0; i < total; i++)
		assert_true(fabsf(got[i] - want[i]) < 0.02f);
	if (a->c % 8)
		return;
	attention_on(d, a, t, z, 0, r->k, a->cu, dtype);
	tensor_read(d, z, halves);
	for (size_t i = 0; i < total; i++)
		assert_true((double)half_value(dtype, halves[i]) == rounded(mode, got[i]));
}

/* Attention with rounded factors: scores are off by some 2^-8 (binary16: 2^-11) of the largest
 * product, so p by a few percent at most; the same bytes whatever other sequences stand beside. */
static void rounded_attention(
	struct device *d, enum dtype dtype, double tolerance, const struct row *r)
{
	static const size_t uneven[] = { 0, 300, 555, 555, 572 }; /* long, short, none, short */
	struct attention a = attention_of(r, 1);
	size_t total = r->m * a.c;
	if (r->m == uneven[4])
		memcpy(a.cu, uneven, sizeof uneven);
	float *got = ARENA_ARRAY(arena, float, total + 1),
	      *again = ARENA_ARRAY(arena, float, total + 1);
	double *exact = ARENA_ARRAY(arena, double, total + 1);
	struct tensor y = tensor_matrix(d, F32, r->m, a.c);
	attention_run(d, &a, y, 0, r->k, a.cu, dtype);
	tensor_read(d, y, got);
	for (size_t s = 0; s < r->k; s++) {
		size_t first = a.cu[s], n = a.cu[s + 1] - first, own[2] = { 0, n };
		attention_run(d, &a, tensor_rows(y, first, n), first, 1, own, dtype);
	}
	tensor_read(d, y, again);
	assert_memory_equal(got, again, total * sizeof *got);
	attention_of_halves(d, dtype, r, &a, got);
	attention_define(r, &a, NULL, exact);
	for (size_t i = 0; i < total; i++)
		if (!(fabs((double)got[i] - exact[i]) <= tolerance))
			fail_msg("%s, %zu tokens, heads of %zu, variant %d: %g, not %g",
				device_name(d), r->m, r->n, r->variant, (double)got[i], exact[i]);
}

static void attention_of_rounded_factors_is_near(void **state)
{
	static const struct row rows[] = {
#define ROUNDED(m, n, k, variant) { "", NULL, m, n, k, variant, 0 }
		ROUNDED(0, 32, 0, 2), ROUNDED(1, 32, 1, 1), ROUNDED(90, 32, 6, 2),
		ROUNDED(300, 64, 2, 3), ROUNDED(130, 80, 3, 1), ROUNDED(65, 5, 2, 2),
		ROUNDED(64, 128, 1, 1), ROUNDED(70, 130, 1, 2), ROUNDED(20, 144, 2, 1), ROUNDED(90, 32, 6, 2 + BIASED),
		ROUNDED(130, 80, 3, 1 + BIASED), ROUNDED(90, 32, 6, 2 + RELATIVE),
		ROUNDED(130, 64, 2, 1 + RELATIVE), ROUNDED(65, 128, 1, 1 + RELATIVE),
		ROUNDED(70, 130, 1, 1 + RELATIVE), ROUNDED(150, 16, 2, 1 + REACH(0)),
		ROUNDED(200, 32, 2, 1 + REACH(10)), ROUNDED(260, 64, 2, 1 + REACH(64)),
		ROUNDED(150, 128, 1, 1 + REACH(63)), ROUNDED(200, 40, 2, 1 + BIASED + REACH(90)),
		ROUNDED(90, 16, 6, 1 + REACH(1000)),
		ROUNDED(572, 32, 4, 1), ROUNDED(572, 64, 4, 1 + BIASED), ROUNDED(256, 32, 1, 1)
	};
	(void)state;
	for (size_t p = 0; p < PATHS; p++) {
		struct device *d = open_path(p);
		for (size_t s = 0; d && s < sizeof rows / sizeof *rows; s++) {
			arena_clear(arena);
			rounded_attention(d, BF16, 0.02, &rows[s]);
			rounded_attention(d, F16, 0.003, &rows[s]);
		}
		device_free(d);
	}
}
