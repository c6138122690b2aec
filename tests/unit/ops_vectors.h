/* ops_vectors.h: the rows of test_ops.c for pooling, bags, distances and selection. */

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
		table8[i] = isfinite(table[i]) ? (int8_t)(table[i] * 100) : 1;
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
			double reference = product_double(
				doubles(s, length), 1, doubles(x, length), 1, length);
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
			o->reference[i * n + j] =
				pair_double(doubles(a, k), doubles(b, k), k, METRIC_SQEUCLIDEAN);
			if (j % 4 == 0 && i == j % m && !specials)
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
	int32_t *i = ARENA_ARRAY(arena, int32_t, r->m + 1),
		*j = ARENA_ARRAY(arena, int32_t, r->m + 1);
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
		o->reference[p] =
			pair_double(doubles(a, n), doubles(b, n), n, (enum metric)r->variant);
	}
}

/* the k smallest of m rows of n columns, given in blocks of 37; many values are equal, one is NaN,
 * one -0 */
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
		struct tensor values = tensor_matrix(d, F32, m, k),
			      indices = tensor_matrix(d, I32, m, k);
		struct tensor t = matrix(d, y, m, n);
		int32_t *index = ARENA_ARRAY(arena, int32_t, m * k + 1);
		op_top_k_clear(d, values, indices);
		for (size_t c = 0; c < n; c += 37)
			op_top_k(d, values, indices, tensor_columns(t, c, n - c < 37 ? n - c : 37),
				c);
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
				bool after = v > last || (v == last && (int32_t)j > before);
				if (after && (v < best || (v == best && at < 0))) {
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
