/* ops_encoder.h: the rows of test_ops.c for products and the layers of encoders: with a device the
 * operation itself, without one its definition and its reference. */

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
		struct tensor tx = tensor_columns(wide_x, 2, r->k),
			      ty = tensor_columns(wide_y, 1, r->n);
		tensor_write(d, tx, x);
		op_matmul(d, ty, tx, matrix(d, w, r->n, r->k));
		tensor_read(d, ty, o->got);
		return;
	}
	reserve(o, r->m * r->n);
	linear_float(o->want, x, w, NULL, r->m, r->n, r->k, ACTIVATION_NONE);
	linear_double(o->reference, doubles(x, r->m * r->k), doubles(w, r->n * r->k), NULL, r->m,
		r->n, r->k, ACTIVATION_NONE);
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
		norm_double(o->reference + i * r->n, doubles(gamma, r->n), doubles(beta, r->n),
			r->n, 1e-12f);
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
	float *x = numbers(1, m * k, 1, 0), *w = numbers(2, n * k, 0.2f, 0),
	      *b = numbers(3, n, 0.5f, 0);
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
	float *x = numbers(1, m * n, 1, 0), *up = numbers(2, k * n, 0.2f, 0),
	      *b1 = numbers(3, k, 0.5f, 0);
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
	float *t = ARENA_ARRAY(arena, float, m *k + 1);
	double *t2 = ARENA_ARRAY(arena, double, m *k + 1), *x2 = doubles(x, m * n);
	reserve(o, m * n);
	linear_float(t, x, up, b1, m, k, n, f);
	linear_double(t2, x2, doubles(up, k * n), doubles(b1, k), m, k, n, f);
	linear_float(o->want, t, down, b2, m, n, k, ACTIVATION_NONE);
	linear_double(
		o->reference, t2, doubles(down, n * k), doubles(b2, n), m, n, k, ACTIVATION_NONE);
	for (size_t i = 0; i < m * n; i++) {
		o->want[i] = x[i] + o->want[i];
		o->reference[i] += x2[i];
	}
	for (size_t i = 0; i < m; i++) {
		norm_float(o->want + i * n, gamma, beta, n, 1e-12f);
		norm_double(o->reference + i * n, doubles(gamma, n), doubles(beta, n), n, 1e-12f);
	}
}

/* m tokens in k sequences, heads of n; variant: heads, negative: with a position bias. TF32 is as F32. */
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
			biased ? matrix(d, bias, heads, width) : TENSOR_NONE,
			m % 2 ? TF32 : F32);
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
			size_t n = cu[b + 1] - cu[b], at = cu[b] * 3 * c + h * r->n,
			       zero = h * width + m;
			attention_float(out + at, qkv + at, qkv + at + c, qkv + at + 2 * c, 3 * c,
				n, r->n, scale, biased ? bias + zero : NULL);
			attention_double(out2 + at, qkv2 + at, qkv2 + at + c, qkv2 + at + 2 * c,
				3 * c, n, r->n, (double)scale, biased ? bias2 + zero : NULL);
		}
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < c; j++) {
			o->want[i * c + j] = out[i * 3 * c + j];
			o->reference[i * c + j] = out2[i * 3 * c + j];
		}
}

/* m tokens in k sequences, heads of n, `variant` heads, 7 places */
static void do_attention_relative(struct device *d, const struct row *r, struct output *o)
{
	enum { PLACES = 7 };
	size_t heads = (size_t)r->variant, c = heads * r->n, m = r->m, cu[64];
	size_t width = 2 * m + 1, terms = heads * PLACES;
	float *qkv = numbers(1, m * 3 * c, 3, 0), *qt = numbers(2, m * terms, 1, 0);
	float *kt = numbers(3, m * terms, 1, 0), scale = 1 / sqrtf((float)r->n * 3);
	int32_t *place = ARENA_ARRAY(arena, int32_t, width);
	for (size_t i = 0; i < width; i++)
		place[i] = i < m ? (int32_t)(m - i) % 3 : 3 + (int32_t)(i - m) % 4;
	offsets(m, r->k, cu);
	if (d) {
		struct tensor t = matrix(d, qkv, m, 3 * c), y = tensor_matrix(d, F32, m, c);
		op_attention_relative(d, y, tensor_columns(t, 0, c), tensor_columns(t, c, c),
			tensor_columns(t, 2 * c, c), r->k, cu, heads, scale,
			matrix(d, qt, m, terms), matrix(d, kt, m, terms), width, place);
		tensor_read(d, y, o->got);
		return;
	}
	reserve(o, m * c);
	size_t total = m * 3 * c;
	float *out = ARENA_ARRAY(arena, float, total + 1);
	double *out2 = ARENA_ARRAY(arena, double, total + 1), *qkv2 = doubles(qkv, total);
	double *qt2 = doubles(qt, m * terms), *kt2 = doubles(kt, m * terms);
	for (size_t b = 0; b < r->k; b++)
		for (size_t h = 0; h < heads; h++) {
			size_t n = cu[b + 1] - cu[b], at = cu[b] * 3 * c + h * r->n;
			size_t term = cu[b] * terms + h * PLACES;
			attention_relative_float(out + at, qkv + at, qkv + at + c, qkv + at + 2 * c,
				3 * c, n, r->n, scale, qt + term, kt + term, terms, place + m);
			attention_relative_double(out2 + at, qkv2 + at, qkv2 + at + c,
				qkv2 + at + 2 * c, 3 * c, n, r->n, (double)scale, qt2 + term,
				kt2 + term, terms, place + m);
		}
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < c; j++) {
			o->want[i * c + j] = out[i * 3 * c + j];
			o->reference[i * c + j] = out2[i * 3 * c + j];
		}
}

/* x [m, k heads of n], rotated by angles of 40 positions */
static void do_rotate(struct device *d, const struct row *r, struct output *o)
{
	enum { LENGTH = 40 };
	size_t m = r->m, half = r->n / 2, c = r->k * r->n;
	float *x = numbers(1, m * c, 3, 0), *cosine = numbers(2, LENGTH * half, 1, 0);
	float *sine = numbers(3, LENGTH * half, 1, 0);
	uint32_t *positions = ARENA_ARRAY(arena, uint32_t, m + 1);
	for (size_t t = 0; t < m; t++)
		positions[t] = (uint32_t)(t * 7 % LENGTH);
	if (d) {
		struct tensor t = matrix(d, x, m, c);
		op_rotate(d, t, r->k, positions, matrix(d, cosine, LENGTH, half),
			matrix(d, sine, LENGTH, half));
		tensor_read(d, t, o->got);
		return;
	}
	reserve(o, m * c);
	for (size_t t = 0; t < m; t++)
		for (size_t j = 0; j < c; j++) {
			size_t at = positions[t] * half + j % r->n % half;
			bool second = j % r->n >= half;
			float own = x[t * c + j], other = x[t * c + (second ? j - half : j + half)];
			float p = own * cosine[at], q = other * sine[at];
			o->want[t * c + j] = second ? p + q : p - q;
			double p2 = (double)own * (double)cosine[at];
			double q2 = (double)other * (double)sine[at];
			o->reference[t * c + j] = second ? p2 + q2 : p2 - q2;
		}
}

/* y [m, n] of x [m, 2 n] */
static void do_gate(struct device *d, const struct row *r, struct output *o)
{
	size_t m = r->m, n = r->n;
	enum activation f = (enum activation)r->variant;
	float *x = numbers(1, m * 2 * n, 4, 0);
	if (d) {
		struct tensor y = tensor_matrix(d, F32, m, n);
		op_gate(d, y, matrix(d, x, m, 2 * n), f);
		tensor_read(d, y, o->got);
		return;
	}
	reserve(o, m * n);
	for (size_t i = 0; i < m * n; i++) {
		float a = x[i / n * 2 * n + i % n], b = x[i / n * 2 * n + n + i % n];
		o->want[i] = activation_float(f, a) * b;
		o->reference[i] = activation_double(f, (double)a) * (double)b;
	}
}

/* y [m, n] = a + b, in b's place */
static void do_add(struct device *d, const struct row *r, struct output *o)
{
	size_t n = r->m * r->n;
	float *a = numbers(1, n, 3, 0), *b = numbers(2, n, 3, 0);
	if (d) {
		struct tensor y = matrix(d, b, r->m, r->n);
		op_add(d, y, matrix(d, a, r->m, r->n), y);
		tensor_read(d, y, o->got);
		return;
	}
	reserve(o, n);
	for (size_t i = 0; i < n; i++) {
		o->want[i] = a[i] + b[i];
		o->reference[i] = (double)a[i] + (double)b[i];
	}
}
