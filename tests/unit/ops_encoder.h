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

/* m rows of n columns, in place; with a variant views: columns `variant` on of wider matrices */
static void do_norm(struct device *d, const struct row *r, struct output *o)
{
	size_t count = r->m * r->n;
	float *x = numbers(1, count, 2, 0.5f), *gamma = numbers(2, r->n, 0.3f, 1);
	float *beta = numbers(3, r->n, 0.1f, 0);
	if (d) {
		struct norm norm = { vector(d, gamma, r->n), vector(d, beta, r->n), 1e-12f };
		size_t at = (size_t)r->variant;
		struct tensor wide = tensor_matrix(d, F32, r->m, r->n + at);
		struct tensor other = tensor_matrix(d, F32, r->m, r->n + at);
		struct tensor t = tensor_columns(wide, at, r->n);
		struct tensor y = at ? tensor_columns(other, at, r->n) : t;
		tensor_write(d, t, x);
		op_norm(d, y, t, norm);
		tensor_read(d, y, o->got);
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

/* m tokens in k sequences, heads of n; variant: heads + BIASED with a position bias, + RELATIVE
 * with terms of 7 places, + REACH(n) where a token sees only n beside it. TF32 is as F32. */
enum { BIASED = 1 << 4, RELATIVE = 1 << 5, PLACES = 7 };
#define REACH(n) (((n) + 1) << 6)

struct attention {
	size_t heads, c, reach, width, terms;
	float *qkv, *bias, *query_terms, *key_terms, scale;
	int32_t *place; /* of i - j at [m + i - j], or NULL */
	size_t cu[64];
};

static struct attention attention_of(const struct row *r, float size)
{
	size_t heads = (size_t)r->variant % BIASED, m = r->m, reach = (size_t)r->variant / REACH(0);
	struct attention a = { .heads = heads, .c = heads * r->n, .width = 2 * m + 1 };
	a.terms = heads * PLACES;
	a.reach = reach ? reach - 1 : SIZE_MAX;
	a.qkv = numbers(1, m * 3 * a.c, size, 0);
	a.bias = r->variant & BIASED ? numbers(2, heads * a.width, 1, 0) : NULL;
	a.query_terms = numbers(2, m * a.terms, 1, 0);
	a.key_terms = numbers(3, m * a.terms, 1, 0);
	a.scale = 1 / sqrtf((float)r->n * (r->variant & RELATIVE ? 3 : 1));
	a.place = r->variant & RELATIVE ? ARENA_ARRAY(arena, int32_t, a.width) : NULL;
	for (size_t i = 0; a.place && i < a.width; i++)
		a.place[i] = i < m ? (int32_t)(m - i) % 3 : 3 + (int32_t)(i - m) % 4;
	offsets(m, r->k, a.cu);
	return a;
}

/* y [n, c] of q, k and v t [n, 3 c] of n tokens, which are those from `first` on */
static void attention_on(struct device *d, const struct attention *a, struct tensor t, struct tensor y,
	size_t first, size_t n_sequences, const size_t *cu, enum dtype dtype)
{
	size_t c = a->c, n = y.shape[0];
	struct tensor q = tensor_columns(t, 0, c), k = tensor_columns(t, c, c),
		      v = tensor_columns(t, 2 * c, c);
	if (a->place)
		op_attention_relative(d, y, q, k, v, n_sequences, cu, a->heads, a->scale,
			matrix(d, a->query_terms + first * a->terms, n, a->terms),
			matrix(d, a->key_terms + first * a->terms, n, a->terms), a->width, a->place,
			dtype);
	else
		op_attention(d, y, q, k, v, n_sequences, cu, a->heads, a->scale,
			a->bias ? matrix(d, a->bias, a->heads, a->width) : TENSOR_NONE, a->reach,
			dtype);
}

static void attention_run(struct device *d, const struct attention *a, struct tensor y,
	size_t first, size_t n_sequences, const size_t *cu, enum dtype dtype)
{
	struct tensor t = matrix(d, a->qkv + first * 3 * a->c, y.shape[0], 3 * a->c);
	attention_on(d, a, t, y, first, n_sequences, cu, dtype);
}

/* want [m, c], or NULL, and reference by the definition */
static void attention_define(
	const struct row *r, const struct attention *a, float *want, double *reference)
{
	size_t m = r->m, c = a->c, total = m * 3 * c;
	float *out = ARENA_ARRAY(arena, float, total + 1);
	double *out2 = ARENA_ARRAY(arena, double, total + 1), *qkv = doubles(a->qkv, total);
	double *bias = a->bias ? doubles(a->bias, a->heads * a->width) : NULL;
	double *qt = doubles(a->query_terms, m * a->terms),
	       *kt = doubles(a->key_terms, m * a->terms);
	for (size_t b = 0; b < r->k; b++)
		for (size_t h = 0; h < a->heads; h++) {
			size_t n = a->cu[b + 1] - a->cu[b], at = a->cu[b] * 3 * c + h * r->n;
			size_t term = a->cu[b] * a->terms + h * PLACES, zero = h * a->width + m;
			const int32_t *place = a->place ? a->place + m : NULL;
			struct scores_float x = { a->bias ? a->bias + zero : NULL,
				a->query_terms + term, a->key_terms + term, a->terms, a->reach,
				place };
			struct scores_double y = { bias ? bias + zero : NULL, qt + term, kt + term,
				a->terms, a->reach, place };
			if (want)
				attention_float(out + at, a->qkv + at, a->qkv + at + c,
					a->qkv + at + 2 * c, 3 * c, n, r->n, a->scale, &x);
			attention_double(out2 + at, qkv + at, qkv + at + c, qkv + at + 2 * c, 3 * c,
				n, r->n, (double)a->scale, &y);
		}
	for (size_t i = 0; i < m * c; i++) {
		if (want)
			want[i] = out[i / c * 3 * c + i % c];
		reference[i] = out2[i / c * 3 * c + i % c];
	}
}

static void do_attention(struct device *d, const struct row *r, struct output *o)
{
	struct attention a = attention_of(r, 3);
	if (d) {
		struct tensor y = tensor_matrix(d, F32, r->m, a.c);
		attention_run(d, &a, y, 0, r->k, a.cu, r->m % 2 ? TF32 : F32);
		tensor_read(d, y, o->got);
		return;
	}
	reserve(o, r->m * a.c);
	attention_define(r, &a, o->want, o->reference);
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
