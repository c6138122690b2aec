/*
 * Principal components: the eigenvectors of the covariance matrix [C, C], z' z / (N - 1), z = x -
 * mean; where rows are fewer than columns those of z z' [N, N], u, give them as z' u, scaled to
 * length 1 (Turk and Pentland, "Eigenfaces for recognition", 1991).
 */
#include "lib/learn/pca.h"

#include <float.h>
#include <math.h>

#include "gpu/ops_moments.h"
#include "lib/base/error.h"
#include "lib/learn/eigen.h"

enum { PIECE = 16 << 20, STRIP = 32 };

/* Rows of c numbers that are summed at once: whole blocks of every sum, of which a small device
 * takes few. */
static size_t piece_rows(struct device *d, size_t n, size_t c)
{
	size_t room = device_memory(d) / 8 / sizeof(double), most = room < PIECE ? room : PIECE;
	size_t rows = most / MOMENT_ROWS / (c ? c : 1) * MOMENT_ROWS;
	rows = rows ? rows : MOMENT_ROWS;
	return rows < n ? rows : n;
}

/* Rows that are gone through in pieces: they are sent to the device once where they take no more
 * than a quarter of its memory, else a piece whenever it is needed, which touches no sum. */
struct rows {
	struct device *d;
	const float *x;
	size_t n, c, step; /* step: of a piece but the last */
	struct tensor all; /* or TENSOR_NONE */
};

static struct rows rows_open(struct device *d, const float *x, size_t n, size_t c)
{
	struct rows r = { d, x, n, c, piece_rows(d, n, c), TENSOR_NONE };
	if (size_mul(size_mul(n, c), sizeof *x) <= device_memory(d) / 4)
		r.all = tensor_upload(d, F32, n, c, x);
	return r;
}

static struct tensor rows_piece(const struct rows *r, size_t first)
{
	size_t n = r->n - first < r->step ? r->n - first : r->step;
	return r->all.n_dims ? tensor_rows(r->all, first, n)
			     : tensor_upload(r->d, F32, n, r->c, r->x + first * r->c);
}

static void rows_piece_end(const struct rows *r, struct tensor *piece)
{
	if (!r->all.n_dims)
		tensor_release(r->d, piece);
}

static void rows_close(struct rows *r)
{
	if (r->all.n_dims)
		tensor_release(r->d, &r->all);
}

static void means(const struct rows *r, double *mean)
{
	for (size_t j = 0; j < r->c; j++)
		mean[j] = 0;
	for (size_t i = 0; i < r->n; i += r->step) {
		struct tensor t = rows_piece(r, i);
		op_moment(r->d, &(struct moment){ .x = t }, mean);
		rows_piece_end(r, &t);
	}
	for (size_t j = 0; j < r->c; j++)
		mean[j] /= (double)r->n;
}

/* --- By the covariance of columns ----------------------------------------------------------- */

static void fit_columns(struct pca *p, const struct rows *r)
{
	size_t n = r->n, c = r->c;
	double *gram = mem_zero(size_mul(c, c), sizeof *gram), *values = MEM_ARRAY(double, c);
	for (size_t i = 0; i < n; i += r->step) {
		struct tensor t = rows_piece(r, i);
		op_gram(r->d, t, p->mean, gram);
		rows_piece_end(r, &t);
	}
	for (size_t i = 0; i < c * c; i++)
		gram[i] = n > 1 ? gram[i] / (double)(n - 1) : 0;
	eigen_symmetric(c, p->n_components, gram, values);
	for (size_t i = c; i-- > 0;)
		p->total += fmax(values[i], 0);
	for (size_t k = 0; k < p->n_components; k++)
		p->variance[k] = fmax(values[k], 0);
	memcpy(p->components, gram, p->n_components * c * sizeof *gram);
	mem_free(values);
	mem_free(gram);
}

/* --- By the products of rows ---------------------------------------------------------------- */

/* gram [N, N], the lower triangle of z z': columns of z as rows. */
static void multiply_rows(const struct pca *p, const struct rows *r, double *gram)
{
	size_t n = r->n, c = r->c, step = piece_rows(r->d, c, n);
	double *z = MEM_ARRAY(double, size_mul(step, n));
	for (size_t from = 0; from < c; from += step) {
		size_t rows = c - from < step ? c - from : step;
#pragma omp parallel for schedule(static)
		for (size_t j = 0; j < rows; j++)
			for (size_t i = 0; i < n; i++)
				z[j * n + i] = (double)r->x[i * c + from + j] - p->mean[from + j];
		struct tensor t = tensor_upload(r->d, F64, rows, n, z);
		op_gram(r->d, t, NULL, gram);
		tensor_release(r->d, &t);
	}
	mem_free(z);
}

/* Components 0 .. k_end - 1 = z' u, u [., N], each element a chain over the rows. */
static void components_of(
	const struct pca *p, const float *x, size_t n, const double *u, size_t k_end)
{
	size_t c = p->n_features, strips = (c + STRIP - 1) / STRIP;
#pragma omp parallel
	{
		double *z = MEM_ARRAY(double, size_mul(n, STRIP));
#pragma omp for schedule(static)
		for (size_t s = 0; s < strips; s++) {
			size_t first = s * STRIP, width = c - first < STRIP ? c - first : STRIP;
			for (size_t i = 0; i < n; i++)
				for (size_t j = 0; j < width; j++)
					z[i * STRIP + j] =
						(double)x[i * c + first + j] - p->mean[first + j];
			for (size_t k = 0; k < k_end; k++) {
				double sum[STRIP] = { 0 };
				for (size_t i = 0; i < n; i++)
					for (size_t j = 0; j < width; j++)
						sum[j] += u[k * n + i] * z[i * STRIP + j];
				for (size_t j = 0; j < width; j++)
					p->components[k * c + first + j] = sum[j];
			}
		}
		mem_free(z);
	}
}

/* v less its part along each row of w [k, C], twice, which leaves nothing of it. */
static void make_orthogonal(double *v, const double *w, size_t k, size_t c)
{
	for (size_t pass = 0; pass < 2; pass++)
		for (const double *row = w; row < w + k * c; row += c) {
			double dot = 0;
			for (size_t j = 0; j < c; j++)
				dot += v[j] * row[j];
			for (size_t j = 0; j < c; j++)
				v[j] -= dot * row[j];
		}
}

/* To length 1, the largest element positive, the first one where several are equal. */
static void make_unit(double *v, size_t c)
{
	double sum = 0;
	size_t top = 0;
	for (size_t j = 0; j < c; j++) {
		sum += v[j] * v[j];
		top = fabs(v[j]) > fabs(v[top]) ? j : top;
	}
	double length = copysign(sqrt(sum), v[top]);
	for (size_t j = 0; j < c; j++)
		v[j] /= length;
}

/*
 * Components that rounding has mixed with those of far larger variance are made orthogonal to them
 * again; those of no variance begin as the axis that has least in common with the others.
 */
static void finish_components(const struct pca *p, size_t rank)
{
	size_t c = p->n_features;
	double *taken = mem_zero(c, sizeof *taken);
	for (size_t k = 0; k < p->n_components; k++) {
		double *v = p->components + k * c;
		if (k >= rank) {
			size_t axis = 0;
			for (size_t j = 0; j < c; j++)
				axis = taken[j] < taken[axis] ? j : axis;
			for (size_t j = 0; j < c; j++)
				v[j] = j == axis;
		} else {
			make_unit(v, c);
		}
		if (k >= rank || p->variance[k] < 1e-6 * p->variance[0])
			make_orthogonal(v, p->components, k, c);
		make_unit(v, c);
		for (size_t j = 0; j < c; j++)
			taken[j] += v[j] * v[j];
	}
	mem_free(taken);
}

static void fit_rows(struct pca *p, const struct rows *r)
{
	size_t n = r->n;
	double *gram = mem_zero(size_mul(n, n), sizeof *gram), *values = MEM_ARRAY(double, n);
	multiply_rows(p, r, gram);
	size_t rank = 0, k_end = p->n_components < n ? p->n_components : n;
	eigen_symmetric(n, k_end, gram, values);
	while (rank < k_end && values[rank] > (double)n * DBL_EPSILON * values[0])
		rank++;
	for (size_t i = n; i-- > 0;)
		p->total += n > 1 ? fmax(values[i], 0) / (double)(n - 1) : 0;
	for (size_t k = 0; k < p->n_components; k++)
		p->variance[k] = k < k_end && n > 1 ? fmax(values[k], 0) / (double)(n - 1) : 0;
	components_of(p, r->x, n, gram, rank);
	finish_components(p, rank);
	mem_free(values);
	mem_free(gram);
}

/* --- Fitting and applying ------------------------------------------------------------------- */

static void fit(struct pca *p, const struct rows *r, size_t n_components, struct arena *arena)
{
	size_t n = r->n, c = r->c;
	CHECK(n >= 1 && n_components <= c);
	*p = (struct pca){ .n_features = c, .n_components = n_components };
	p->mean = ARENA_ARRAY(arena, double, c);
	p->components = ARENA_ARRAY(arena, double, size_mul(n_components, c));
	p->variance = ARENA_ARRAY(arena, double, n_components);
	means(r, p->mean);
	if (n < c)
		fit_rows(p, r);
	else
		fit_columns(p, r);
}

static void apply(const struct pca *p, const struct rows *r, float *out)
{
	size_t k = p->n_components;
	for (size_t i = 0; i < r->n; i += r->step) {
		struct arena_mark mark = device_mark(r->d);
		struct tensor t = rows_piece(r, i), y = tensor_matrix(r->d, F32, t.shape[0], k);
		op_project(r->d, y, t, p->mean, p->components);
		tensor_read(r->d, y, out + i * k);
		rows_piece_end(r, &t);
		device_reset(r->d, mark);
	}
}

void pca_fit(struct pca *p, struct device *d, const float *x, size_t n, size_t c,
	size_t n_components, float *out, struct arena *arena)
{
	struct rows r = rows_open(d, x, n, c);
	fit(p, &r, n_components, arena);
	if (out)
		apply(p, &r, out);
	rows_close(&r);
}

void pca_apply(const struct pca *p, struct device *d, const float *x, size_t n, float *out)
{
	struct rows r = rows_open(d, x, n, p->n_features);
	apply(p, &r, out);
	rows_close(&r);
}

void pca_place(struct device *d, const float *x, size_t n, size_t c, size_t k, float *out)
{
	struct arena *arena = arena_new();
	struct pca p;
	size_t kept = k < c ? k : c;
	float *score = arena_zero(
		arena, size_mul(n, kept), sizeof *score); /* stays so where the device fails */
	pca_fit(&p, d, x, n, c, kept, score, arena);
	for (size_t i = 0; i < n; i++)
		for (size_t b = 0; b < k; b++)
			out[i * k + b] = b < kept ? score[i * kept + b] : 0;
	arena_free(arena);
}
