/*
 * eigen_body.h: the loops of eigen_loops.h, once a path (path.h).
 */
/* clang-format takes LOCAL(name) for something else */
/* clang-format off */
enum { LOCAL(pair) = 2 * WIDTH }; /* elements that most loops take at once */
#define PAIR LOCAL(pair)

/* x [n] becomes the tree of its elements, in x[0]; n a power of two. */
INLINE double LOCAL(total)(double *x, size_t n)
{
	for (size_t half = n / 2; half; half /= 2)
		for (size_t l = 0; l < half; l++)
			x[l] += x[l + half];
	return x[0];
}

TARGET static double LOCAL(dot)(const double *x, const double *y, size_t n)
{
	vector s[DOT_LANES / WIDTH];
	double lane[DOT_LANES];
	size_t whole = n / DOT_LANES * DOT_LANES;
	for (size_t l = 0; l < DOT_LANES / WIDTH; l++)
		s[l] = (vector){ 0 };
	for (size_t i = 0; i < whole; i += DOT_LANES)
		for (size_t l = 0; l < DOT_LANES / WIDTH; l++)
			s[l] += get(x + i + l * WIDTH) * get(y + i + l * WIDTH);
	memcpy(lane, s, sizeof lane);
	for (size_t i = whole; i < n; i++)
		lane[i - whole] += x[i] * y[i];
	return LOCAL(total)(lane, DOT_LANES);
}

/* R rows from row i on: what stands before column i + R, then the others, each element for its row
 * and for the one that mirrors it. */
INLINE void LOCAL(multiply_rows)(
	const size_t R, const double *a, size_t n, size_t i, const double *v, double *p)
{
	enum { VECTORS = ROW_LANES / WIDTH };
	const double *row[ROWS];
	double x[ROWS], lane[ROWS][ROW_LANES];
	vector s[ROWS][VECTORS];
	size_t j = i + R, whole = j + (n - j) / ROW_LANES * ROW_LANES;
	for (size_t r = 0; r < R; r++) {
		row[r] = a + (i + r) * n;
		x[r] = v[i + r];
		for (size_t l = 0; l < VECTORS; l++)
			s[r][l] = (vector){ 0 };
		p[i + r] += row[r][i + r] * x[r];
		for (size_t c = i + r + 1; c < i + R; c++) {
			p[i + r] += row[r][c] * v[c];
			p[c] += row[r][c] * x[r];
		}
	}
	for (; j < whole; j += ROW_LANES)
		for (size_t l = 0; l < VECTORS; l++) {
			vector y = get(v + j + l * WIDTH), sum = get(p + j + l * WIDTH);
			for (size_t r = 0; r < R; r++) {
				vector e = get(row[r] + j + l * WIDTH);
				s[r][l] += e * y;
				sum += e * x[r];
			}
			put(p + j + l * WIDTH) = sum;
		}
	memcpy(lane, s, R * sizeof *s);
	for (; j < n; j++)
		for (size_t r = 0; r < R; r++) {
			lane[r][j - whole] += row[r][j] * v[j];
			p[j] += row[r][j] * x[r];
		}
	for (size_t r = 0; r < R; r++)
		p[i + r] += LOCAL(total)(lane[r], ROW_LANES);
}

TARGET static void LOCAL(multiply)(
	const double *a, size_t n, size_t first, size_t last, const double *v, double *p)
{
	size_t i = first;
	for (; i + ROWS <= last; i += ROWS)
		LOCAL(multiply_rows)(ROWS, a, n, i, v, p);
	for (; i < last; i++)
		LOCAL(multiply_rows)(1, a, n, i, v, p);
}

INLINE void LOCAL(update_rows)(const size_t R, double *row, size_t n, size_t stride, size_t k,
	const double *x, const double *w, const double *y, const double *v)
{
	size_t j = 0;
	for (; j + PAIR <= n; j += PAIR) {
		vector s[ROWS][2];
		for (size_t r = 0; r < R; r++)
			for (size_t h = 0; h < 2; h++)
				s[r][h] = get(row + r * stride + j + h * WIDTH);
		for (size_t t = 0; t < k; t++)
			for (size_t h = 0; h < 2; h++) {
				vector left = get(w + t * stride + j + h * WIDTH),
				       right = get(v + t * stride + j + h * WIDTH);
				for (size_t r = 0; r < R; r++)
					s[r][h] -= x[r * EIGEN_PANEL + t] * left +
						   y[r * EIGEN_PANEL + t] * right;
			}
		for (size_t r = 0; r < R; r++)
			for (size_t h = 0; h < 2; h++)
				put(row + r * stride + j + h * WIDTH) = s[r][h];
	}
	for (; j < n; j++)
		for (size_t r = 0; r < R; r++)
			for (size_t t = 0; t < k; t++)
				row[r * stride + j] -= x[r * EIGEN_PANEL + t] * w[t * stride + j] +
						       y[r * EIGEN_PANEL + t] * v[t * stride + j];
}

TARGET static void LOCAL(update)(double *row, size_t rows, size_t n, size_t stride, size_t k,
	const double *x, const double *w, const double *y, const double *v)
{
	size_t r = 0;
	for (; r + ROWS <= rows; r += ROWS)
		LOCAL(update_rows)(ROWS, row + r * stride, n, stride, k, x + r * EIGEN_PANEL, w,
			y + r * EIGEN_PANEL, v);
	for (; r < rows; r++)
		LOCAL(update_rows)(1, row + r * stride, n, stride, k, x + r * EIGEN_PANEL, w,
			y + r * EIGEN_PANEL, v);
}

/* With s = beta v' strip the strip becomes strip - v s. Of K at once s_t is of what those before
 * have left, v_t' strip less (v_t . v_u) s_u for u > t: the strip is gone through twice, not 2 K
 * times. */
INLINE void LOCAL(reflect_pair)(const size_t K, double *strip, size_t n, const double *v,
	size_t stride, const double *beta, const double (*products)[EIGEN_GROUP])
{
	vector s[EIGEN_GROUP][2];
	double *q = strip;
	for (size_t t = 0; t < K; t++)
		s[t][0] = s[t][1] = (vector){ 0 };
	for (size_t j = 0; j < n; j++, q += EIGEN_STRIP) {
		vector q0 = get(q), q1 = get(q + WIDTH);
		for (size_t t = 0; t < K; t++) {
			s[t][0] += v[t * stride + j] * q0;
			s[t][1] += v[t * stride + j] * q1;
		}
	}
	for (size_t t = K; t-- > 0;)
		for (size_t h = 0; h < 2; h++) {
			for (size_t u = K; u-- > t + 1;)
				s[t][h] -= products[t][u] * s[u][h];
			s[t][h] *= beta[t];
		}
	q = strip;
	for (size_t j = 0; j < n; j++, q += EIGEN_STRIP) {
		vector q0 = get(q), q1 = get(q + WIDTH);
		for (size_t t = K; t-- > 0;) {
			q0 -= v[t * stride + j] * s[t][0];
			q1 -= v[t * stride + j] * s[t][1];
		}
		put(q) = q0;
		put(q + WIDTH) = q1;
	}
}

TARGET static void LOCAL(reflect)(double *strip, size_t n, size_t k, const double *v, size_t stride,
	const double *beta, const double (*products)[EIGEN_GROUP])
{
	for (size_t c = 0; c < EIGEN_STRIP; c += PAIR)
		if (k == 1)
			LOCAL(reflect_pair)(1, strip + c, n, v, stride, beta, products);
		else
			LOCAL(reflect_pair)(EIGEN_GROUP, strip + c, n, v, stride, beta, products);
}

/* x and y of a row and the next: out is what stays in the first, x becomes what goes on. */
INLINE void LOCAL(turn)(const double *turn, vector *x, const double *y, double *out)
{
	double c = turn[0], s = turn[1];
	for (size_t h = 0; h < 2; h++) {
		vector was = x[h], next = get(y + h * WIDTH);
		put(out + h * WIDTH) = c * was + s * next;
		x[h] = c * next - s * was;
	}
}

/* The first n rotations of a sweep on the rows from its first on: x is that row, then the n-th. */
INLINE double *LOCAL(turn_rows)(double *row, const double *turns, size_t n, vector *x)
{
	for (size_t i = 0; i < n; i++, row += EIGEN_STRIP, turns += 2)
		LOCAL(turn)(turns, x, row + EIGEN_STRIP, row);
	return row;
}

INLINE void LOCAL(one_sweep)(double *strip, const struct eigen_sweep *s)
{
	double *row = strip + s->row * EIGEN_STRIP;
	vector x[2] = { get(row), get(row + WIDTH) };
	row = LOCAL(turn_rows)(row, s->turns, s->n, x);
	put(row) = x[0];
	put(row + WIDTH) = x[1];
}

/* Two sweeps that end at one row, the second a row behind the first, so that rows are read and
 * written once for both. The second may begin further up, where it is alone. */
INLINE void LOCAL(two_sweeps)(
	double *strip, const struct eigen_sweep *first, const struct eigen_sweep *second)
{
	size_t ahead = first->row - second->row, alone = ahead ? 0 : 1;
	const double *a = first->turns, *b = second->turns;
	double *row = strip + second->row * EIGEN_STRIP;
	vector y[2] = { get(row), get(row + WIDTH) }, x[2] = { y[0], y[1] };
	if (ahead) {
		row = LOCAL(turn_rows)(row, b, ahead - 1, y) + EIGEN_STRIP;
		b += 2 * (ahead - 1);
		x[0] = get(row), x[1] = get(row + WIDTH);
	} else {
		row = LOCAL(turn_rows)(row, a, 1, x);
		y[0] = get(row - EIGEN_STRIP), y[1] = get(row - EIGEN_STRIP + WIDTH);
	}
	for (size_t i = alone; i < first->n; i++, row += EIGEN_STRIP, b += 2)
		for (size_t h = 0; h < 2; h++) {
			double *to = row + h * WIDTH;
			vector next = get(to + EIGEN_STRIP);
			vector done = a[2 * i] * x[h] + a[2 * i + 1] * next;
			x[h] = a[2 * i] * next - a[2 * i + 1] * x[h];
			put(to - EIGEN_STRIP) = b[0] * y[h] + b[1] * done;
			y[h] = b[0] * done - b[1] * y[h];
		}
	for (size_t h = 0; h < 2; h++) {
		put(row - EIGEN_STRIP + h * WIDTH) = b[0] * y[h] + b[1] * x[h];
		put(row + h * WIDTH) = b[0] * x[h] - b[1] * y[h];
	}
}

TARGET static void LOCAL(rotate)(double *strip, const struct eigen_sweep *s, size_t n)
{
	while (n) {
		const struct eigen_sweep *first = s + n - 1, *second = n > 1 ? s + n - 2 : NULL;
		bool two = second && second->row <= first->row &&
			   second->row + second->n == first->row + first->n;
		for (size_t c = 0; c < EIGEN_STRIP; c += PAIR)
			if (two)
				LOCAL(two_sweeps)(strip + c, first, second);
			else
				LOCAL(one_sweep)(strip + c, first);
		n -= two ? 2 : 1;
	}
}

static const struct eigen_loops LOCAL(loops) = { LOCAL(dot), LOCAL(multiply), LOCAL(update),
	LOCAL(reflect), LOCAL(rotate) };

#undef PAIR
