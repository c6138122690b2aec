/*
 * ops_definition.h: the operations of gpu/ops.h as they are defined, element by element, for
 * test_ops.c. Included twice: with REAL float, where every result must equal the kernels' bit for
 * bit, and with REAL double, where the same formulas are the reference that errors are measured
 * against. Inputs are arrays of REAL.
 */

static REAL NAME(product)(const REAL *a, size_t sa, const REAL *b, size_t sb, size_t n)
{
	REAL total = 0;
	if (SKIP)
		return 0;
	for (size_t k = 0; k < n; k += 256) {
		REAL s = 0;
		for (size_t l = k; l < n && l < k + 256; l++)
			s = FMA(a[l * sa], b[l * sb], s);
		total = k ? total + s : s;
	}
	return total;
}

/* Sum of a[i] b[i], by fma, or of a[i] where b is NULL. */
static REAL NAME(lanes)(const REAL *a, const REAL *b, size_t n)
{
	if (SKIP)
		return 0;
	if (n > 4096) {
		size_t chunks = (n + 4095) / 4096;
		REAL *sums = malloc(chunks * sizeof *sums), total;
		for (size_t c = 0; c < chunks; c++) {
			size_t from = c * 4096, m = n - from < 4096 ? n - from : 4096;
			sums[c] = NAME(lanes)(a + from, b ? b + from : NULL, m);
		}
		total = NAME(lanes)(sums, NULL, chunks);
		free(sums);
		return total;
	}
	REAL lane[16] = { 0 };
	for (size_t i = 0; i < n; i++)
		lane[i % 16] = b ? FMA(a[i], b[i], lane[i % 16]) : lane[i % 16] + a[i];
	for (size_t w = 8; w; w /= 2)
		for (size_t i = 0; i < w; i++)
			lane[i] = lane[i] + lane[i + w];
	return lane[0];
}

static REAL NAME(activation)(enum activation f, REAL x)
{
	switch (f) {
	case ACTIVATION_GELU:
		return GELU(x);
	case ACTIVATION_GELU_TANH:
		return GELU_TANH(x);
	case ACTIVATION_RELU:
		return x <= 0 ? 0 : x;
	case ACTIVATION_TANH:
		return TANH(x);
	default:
		return x;
	}
}

/* y [m, n] = f(x [m, k] w [n, k]^T + bias [n]) */
static void NAME(linear)(REAL *y, const REAL *x, const REAL *w, const REAL *bias, size_t m,
	size_t n, size_t k, enum activation f)
{
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++) {
			REAL s = NAME(product)(x + i * k, 1, w + j * k, 1, k);
			y[i * n + j] = NAME(activation)(f, bias ? s + bias[j] : s);
		}
}

static void NAME(norm)(REAL *t, const REAL *gamma, const REAL *beta, size_t c, float eps)
{
	REAL *d = calloc(c + 1, sizeof *d), mean = NAME(lanes)(t, NULL, c) / (REAL)c;
	for (size_t i = 0; i < c; i++)
		d[i] = t[i] - mean;
	REAL r = 1 / SQRT(NAME(lanes)(d, d, c) / (REAL)c + (REAL)eps);
	for (size_t i = 0; i < c; i++)
		t[i] = FMA(d[i] * r, gamma[i], beta[i]);
	free(d);
}

/* What attention has beside q, k and v of a head: bias of distance 0, or NULL; place of i - j, or
 * NULL, by which query i and key j have terms, their rows `terms` apart. */
struct NAME(scores) {
	const REAL *bias, *query_terms, *key_terms;
	size_t terms, reach;
	const int32_t *place;
};

static REAL NAME(score)(const struct NAME(scores) * x, REAL s, size_t i, size_t j)
{
	ptrdiff_t distance = (ptrdiff_t)i - (ptrdiff_t)j;
	if (x->bias)
		s = s + x->bias[-distance];
	if (!x->place)
		return s;
	size_t at = (size_t)x->place[distance];
	return s + (x->query_terms[i * x->terms + at] + x->key_terms[j * x->terms + at]);
}

/* p . v over the keys begin .. end - 1, in the blocks of all */
static REAL NAME(mix)(const REAL *p, const REAL *v, size_t s, size_t begin, size_t end)
{
	size_t cut = begin / 256 * 256 + 256;
	REAL total = NAME(product)(p + begin, 1, v + begin * s, s, (cut < end ? cut : end) - begin);
	for (; cut < end; cut += 256)
		total += NAME(product)(
			p + cut, 1, v + cut * s, s, end - cut < 256 ? end - cut : 256);
	return total;
}

/* One head: q, k, v, out with row stride s, n tokens of d. */
static void NAME(attention)(REAL *out, const REAL *q, const REAL *k, const REAL *v, size_t s,
	size_t n, size_t d, REAL scale, const struct NAME(scores) * x)
{
	REAL *p = malloc((n + 1) * sizeof *p), *scaled = malloc((d + 1) * sizeof *scaled);
	for (size_t i = 0; i < n; i++) {
		size_t begin = i > x->reach ? i - x->reach : 0;
		size_t end = x->reach < n - i ? i + x->reach + 1 : n;
		REAL top = -INFINITY;
		for (size_t c = 0; c < d; c++)
			scaled[c] = scale * q[i * s + c];
		for (size_t j = begin; j < end; j++) {
			p[j] = NAME(product)(scaled, 1, k + j * s, 1, d);
			p[j] = NAME(score)(x, p[j], i, j);
			top = p[j] > top ? p[j] : top;
		}
		top = top == 0 ? 0 : top;
		for (size_t j = 0; j < n; j++)
			p[j] = j >= begin && j < end ? EXP_NEG(p[j] - top) : 0;
		REAL sum = NAME(lanes)(p, NULL, n);
		for (size_t c = 0; c < d; c++)
			out[i * s + c] = NAME(mix)(p, v + c, s, begin, end) / sum;
	}
	free(p);
	free(scaled);
}

/* y [c] of rows x [n, c] */
static void NAME(pool)(REAL *y, const REAL *x, size_t n, size_t c, enum pooling pooling)
{
	REAL *factor = malloc((n + 1) * sizeof *factor);
	for (size_t i = 0; i < n; i++)
		factor[i] = pooling == POOLING_WEIGHTED_MEAN ? (REAL)(i + 1) : 1;
	for (size_t j = 0; j < c; j++) {
		y[j] = 0;
		if (n == 0)
			continue;
		switch (pooling) {
		case POOLING_CLS:
			y[j] = x[j];
			break;
		case POOLING_LAST:
			y[j] = x[(n - 1) * c + j];
			break;
		case POOLING_MAX:
			y[j] = x[j];
			for (size_t i = 1; i < n; i++)
				y[j] = x[i * c + j] > y[j] || x[i * c + j] != x[i * c + j]
					       ? x[i * c + j]
					       : y[j];
			y[j] = y[j] == 0 ? 0 : y[j];
			break;
		case POOLING_WEIGHTED_MEAN:
			y[j] = NAME(product)(factor, 1, x + j, c, n) /
			       ((REAL)n * ((REAL)n + 1) / 2);
			break;
		default:
			y[j] = NAME(product)(factor, 1, x + j, c, n) / (REAL)n;
		}
	}
	free(factor);
}

static REAL NAME(pair)(const REAL *x, const REAL *z, size_t n, enum metric metric)
{
	REAL *d = calloc(n + 1, sizeof *d), r, xx, zz;
	for (size_t i = 0; i < n; i++)
		d[i] = metric == METRIC_MANHATTAN ? ABS(x[i] - z[i]) : x[i] - z[i];
	switch (metric) {
	case METRIC_MANHATTAN:
		r = NAME(lanes)(d, NULL, n);
		break;
	case METRIC_DOT:
		r = -NAME(lanes)(x, z, n);
		break;
	case METRIC_COSINE:
		xx = NAME(lanes)(x, x, n), zz = NAME(lanes)(z, z, n);
		r = xx * zz == 0 ? xx != zz : 1 - NAME(lanes)(x, z, n) / SQRT(xx * zz);
		r = r < 0 ? 0 : r;
		break;
	default:
		r = NAME(lanes)(d, d, n);
		r = metric == METRIC_EUCLIDEAN ? SQRT(r) : r;
	}
	free(d);
	return r;
}
