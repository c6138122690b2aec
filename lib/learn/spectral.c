/*
 * The leading eigenvectors of M = D^-1/2 W D^-1/2 by subspace iteration with Chebyshev polynomials
 * (Y. Zhou, Y. Saad, M. Tiago, J. Chelikowsky, "Self-consistent-field calculations using
 * Chebyshev-filtered subspace iteration", 2006): a block of at least 16 vectors, so that a product
 * with the sparse matrix reads one cache line an edge, a filter that grows what lies above the
 * block's smallest Ritz value, then Rayleigh and Ritz. The first eigenvector, sqrt(degree), is
 * known and projected out. Sums are chains over chunks of constant size, in order: the same bits at
 * any number of threads.
 *
 * ARPACK's Lanczos, which umap-learn calls, reaches a small eigengap slowly and sometimes never;
 * here 8 rounds are usual and ROUNDS the most. A start need not be exact: TOLERANCE was loosened
 * until the layout's trustworthiness began to move.
 */
#include "lib/learn/spectral.h"

#include <math.h>
#include <string.h>

#include "gpu/ops_sparse.h"
#include "lib/base/math.h"
#include "lib/base/random.h"
#include "lib/learn/eigen.h"
#include "lib/learn/pca.h"

#define TOLERANCE 0.04 /* |M x - theta x| of a unit vector x, as a part of 1 - theta */
#define NOISE 2e-6 /* what float32 leaves of |M x - theta x| */
enum {
	LANES = SPARSE_LANES,
	CHUNK = 1024, /* rows of one partial sum */
	DENSE = 64, /* up to here decompose the full matrix */
	ROUNDS = 24,
	DEGREE_LEAST = 8,
	DEGREE_MOST = 40,
	PARALLEL_FROM = 16384,
	META_DENSE = 512, /* components placed by their own eigenvectors */
	META_MOST = 4096, /* components placed at all */
};

size_t graph_components(const struct graph *g, uint32_t *label)
{
	uint32_t *stack = MEM_ARRAY(uint32_t, g->n);
	size_t components = 0;
	memset(label, 0xff, g->n * sizeof *label);
	for (size_t i = 0; i < g->n; i++) {
		if (label[i] != UINT32_MAX)
			continue;
		size_t depth = 0;
		stack[depth++] = (uint32_t)i;
		label[i] = (uint32_t)components;
		while (depth) {
			size_t v = stack[--depth];
			for (size_t e = g->start[v]; e < g->start[v + 1]; e++)
				if (label[g->to[e]] == UINT32_MAX) {
					label[g->to[e]] = (uint32_t)components;
					stack[depth++] = g->to[e];
				}
		}
		components++;
	}
	mem_free(stack);
	return components;
}

/* A connected graph as the iteration wants it. */
struct laplacian {
	const struct graph *g;
	float *weight; /* w_ij / sqrt(d_i d_j) */
	float *first; /* sqrt(d) of unit length */
	size_t width; /* vectors in a block, a multiple of LANES */
	struct device *device;
	struct sparse m; /* there */
};

/* Vectors [n, width] in host memory and on the device, which on a CPU are one. */
struct block {
	float *host;
	struct tensor device;
};

static void laplacian_init(struct laplacian *o, const struct graph *g, size_t width)
{
	*o = (struct laplacian){ .g = g,
		.weight = MEM_ARRAY(float, g->start[g->n]),
		.first = MEM_ARRAY(float, g->n),
		.width = width };
	double *root = MEM_ARRAY(double, g->n), total = 0;
	for (size_t i = 0; i < g->n; i++) {
		double degree = 0;
		for (size_t e = g->start[i]; e < g->start[i + 1]; e++)
			degree += (double)g->weight[e];
		root[i] = sqrt(degree);
		total += degree;
	}
	for (size_t i = 0; i < g->n; i++) {
		o->first[i] = (float)(root[i] / sqrt(total));
		for (size_t e = g->start[i]; e < g->start[i + 1]; e++)
			o->weight[e] = (float)((double)g->weight[e] / (root[i] * root[g->to[e]]));
	}
	mem_free(root);
}

static void laplacian_free(struct laplacian *o)
{
	if (o->device) {
		tensor_release(o->device, &o->m.start);
		tensor_release(o->device, &o->m.column);
		tensor_release(o->device, &o->m.weight);
	}
	mem_free(o->weight);
	mem_free(o->first);
}

static void laplacian_upload(struct laplacian *o, struct device *d)
{
	size_t n = o->g->n, edges = o->g->start[n];
	o->device = d;
	o->m = (struct sparse){ tensor_upload(d, I64, n + 1, 0, o->g->start),
		tensor_upload(d, I32, edges, 0, o->g->to),
		tensor_upload(d, F32, edges, 0, o->weight) };
}

static struct block block_new(const struct laplacian *o)
{
	float *host = mem_zero(size_mul(o->g->n, o->width), sizeof *host);
	return (struct block){ host, tensor_upload(o->device, F32, o->g->n, o->width, host) };
}

static void block_free(const struct laplacian *o, struct block *b)
{
	tensor_release(o->device, &b->device);
	mem_free(b->host);
}

/* y = p (M x - shift x) - q z, on the device; z may be y. */
static void multiply(const struct laplacian *o, const struct block *x, float p, float shift,
	float q, const struct block *z, const struct block *y)
{
	op_sparse_product(o->device, y->device, &o->m, x->device, p, shift, q, z->device);
}

/* out [width, width] = x' y in double. */
static void products(const struct laplacian *o, const float *x, const float *y, double *out)
{
	size_t w = o->width, n = o->g->n, chunks = (n + CHUNK - 1) / CHUNK;
	double *part = mem_zero(size_mul(chunks, w * w), sizeof *part);
#pragma omp parallel for schedule(static) if (n >= PARALLEL_FROM)
	for (size_t k = 0; k < chunks; k++) {
		double *sum = part + k * w * w;
		size_t last = (k + 1) * CHUNK < n ? (k + 1) * CHUNK : n;
		for (size_t i = k * CHUNK; i < last; i++)
			for (size_t a = 0; a < w; a++) {
				double f = (double)x[i * w + a];
				for (size_t b = 0; b < w; b++)
					sum[a * w + b] += f * (double)y[i * w + b];
			}
	}
	memset(out, 0, w * w * sizeof *out);
	for (size_t k = 0; k < chunks; k++)
		for (size_t i = 0; i < w * w; i++)
			out[i] += part[k * w * w + i];
	mem_free(part);
}

/* x = x turn, turn [width, width] column by column the new vectors. */
static void rotate(const struct laplacian *o, const double *turn, float *x)
{
	size_t w = o->width;
#pragma omp parallel if (o->g->n >= PARALLEL_FROM)
	{
		double *sum = MEM_ARRAY(double, w);
#pragma omp for schedule(static)
		for (size_t i = 0; i < o->g->n; i++) {
			memset(sum, 0, w * sizeof *sum);
			for (size_t a = 0; a < w; a++) {
				double f = (double)x[i * w + a];
				for (size_t b = 0; b < w; b++)
					sum[b] += f * turn[a * w + b];
			}
			for (size_t b = 0; b < w; b++)
				x[i * w + b] = (float)sum[b];
		}
		mem_free(sum);
	}
}

/* Take the known first eigenvector out of the block. */
static void deflate(const struct laplacian *o, float *x)
{
	size_t w = o->width;
	double *along = mem_zero(w, sizeof *along);
	for (size_t i = 0; i < o->g->n; i++)
		for (size_t b = 0; b < w; b++)
			along[b] += (double)o->first[i] * (double)x[i * w + b];
	for (size_t i = 0; i < o->g->n; i++)
		for (size_t b = 0; b < w; b++)
			x[i * w + b] =
				(float)((double)x[i * w + b] - along[b] * (double)o->first[i]);
	mem_free(along);
}

/* Orthonormal columns with the same span: x times the inverse root of its Gram matrix. scratch:
 * two [width, width]. */
static void orthonormalise(const struct laplacian *o, float *x, double *gram, double *turn)
{
	size_t w = o->width;
	double *values = MEM_ARRAY(double, w);
	products(o, x, x, gram);
	for (size_t a = 0; a < w; a++)
		values[a] = gram[a * w + a] > 0 ? 1 / sqrt(gram[a * w + a]) : 0;
	for (size_t a = 0; a < w; a++)
		for (size_t b = 0; b < w; b++)
			gram[a * w + b] *= values[a] * values[b];
	double *scale = MEM_ARRAY(double, w);
	memcpy(scale, values, w * sizeof *scale);
	eigen_symmetric(w, w, gram, values);
	for (size_t b = 0; b < w; b++) {
		double s = values[b] > 1e-9 * values[0] ? 1 / sqrt(values[b]) : 0;
		for (size_t a = 0; a < w; a++)
			turn[a * w + b] = scale[a] * gram[b * w + a] * s;
	}
	rotate(o, turn, x);
	mem_free(scale);
	mem_free(values);
}

/* Rayleigh and Ritz: x to Ritz vectors, y = M x with it, theta falling; whether the first k have
 * converged. */
static bool ritz(const struct laplacian *o, size_t k, const struct block *at,
	const struct block *product, double *theta, double *h, double *turn)
{
	size_t w = o->width;
	float *x = at->host, *y = product->host;
	tensor_write(o->device, at->device, x);
	multiply(o, at, 1, 0, 0, at, product);
	tensor_read(o->device, product->device, y);
	products(o, x, y, h);
	eigen_symmetric(w, w, h, theta);
	for (size_t a = 0; a < w; a++)
		for (size_t b = 0; b < w; b++)
			turn[a * w + b] = h[b * w + a];
	rotate(o, turn, x);
	rotate(o, turn, y);
	bool good = true;
	for (size_t b = 0; b < k; b++) {
		double square = 0;
		for (size_t i = 0; i < o->g->n; i++) {
			double r = (double)y[i * w + b] - theta[b] * (double)x[i * w + b];
			square += r * r;
		}
		good = good && sqrt(square) < fmax(TOLERANCE * (1 - theta[b]), NOISE);
	}
	return good;
}

/* x = p(M) x in host memory, p Chebyshev's polynomial that stays within 1 on [-1, high] and grows above.
 * y, z: blocks to work in; all three may trade places. */
static void filter(
	const struct laplacian *o, double high, struct block *x, struct block *y, struct block *z)
{
	double centre = (high - 1) / 2, half = (high + 1) / 2, edge = (1 - centre) / half;
	double rate = math_log64(edge + sqrt(edge * edge - 1));
	int degree = rate > 12. / DEGREE_MOST ? (int)(12 / rate) : DEGREE_MOST;
	degree = degree < DEGREE_LEAST ? DEGREE_LEAST : degree;
	tensor_write(o->device, x->device, x->host);
	multiply(o, x, (float)(1 / half), (float)centre, 0, x, y);
	for (int d = 2; d <= degree; d++) {
		multiply(o, y, (float)(2 / half), (float)centre, 1, x, z);
		struct block was = *x;
		*x = *y;
		*y = *z;
		*z = was;
	}
	struct block swap = *x;
	*x = *y;
	*y = swap;
	tensor_read(o->device, x->device, x->host);
}

/* The k eigenvectors after the first, by iteration; the device's failure is the caller's to find. */
static void iterate(struct device *d, const struct graph *g, size_t k, uint64_t seed, float *out)
{
	struct laplacian o;
	size_t width = (k + 5 + LANES - 1) / LANES * LANES;
	laplacian_init(&o, g, width);
	laplacian_upload(&o, d);
	struct block x = block_new(&o), y = block_new(&o), z = block_new(&o);
	double *gram = MEM_ARRAY(double, width *width), *turn = MEM_ARRAY(double, width *width);
	double *theta = MEM_ARRAY(double, width), high = 0.6;
	for (size_t i = 0; i < g->n * width; i++)
		x.host[i] = random_float(random_bits(seed, 1, i)) - 0.5f;
	for (int round = 0; round < ROUNDS; round++) {
		deflate(&o, x.host);
		filter(&o, high, &x, &y, &z);
		if (device_sync(d, NULL))
			break;
		deflate(&o, x.host);
		orthonormalise(&o, x.host, gram, turn);
		if (ritz(&o, k, &x, &y, theta, gram, turn))
			break;
		high = fmin(fmax(theta[width - 1], 0.3), 0.9999);
	}
	for (size_t i = 0; i < g->n; i++)
		for (size_t b = 0; b < k; b++)
			out[i * k + b] = x.host[i * width + b];
	mem_free(theta);
	mem_free(turn);
	mem_free(gram);
	block_free(&o, &x);
	block_free(&o, &y);
	block_free(&o, &z);
	laplacian_free(&o);
}

/* The same for few vertices, exactly. */
static void decompose(const struct graph *g, size_t k, float *out)
{
	size_t n = g->n;
	struct laplacian o;
	laplacian_init(&o, g, LANES);
	double *m = mem_zero(n * n, sizeof *m), *values = MEM_ARRAY(double, n);
	for (size_t i = 0; i < n; i++)
		for (size_t e = g->start[i]; e < g->start[i + 1]; e++)
			m[i * n + g->to[e]] = (double)o.weight[e];
	for (size_t i = 0; i < n; i++) /* the known first eigenvector to the end of the spectrum */
		for (size_t j = 0; j < n; j++)
			m[i * n + j] -= 3 * (double)o.first[i] * (double)o.first[j];
	eigen_symmetric(n, k, m, values);
	for (size_t i = 0; i < n; i++)
		for (size_t b = 0; b < k; b++)
			out[i * k + b] = (float)m[b * n + i];
	mem_free(values);
	mem_free(m);
	laplacian_free(&o);
}

static void embed_connected(
	struct device *d, const struct graph *g, size_t k, uint64_t seed, float *out)
{
	if (g->n <= DENSE || g->n <= k + 5 + LANES)
		decompose(g, k, out);
	else
		iterate(d, g, k, seed, out);
}

/* --- Several components --------------------------------------------------------------------- */

/* Vertices in order of their component, and where each component's begin. */
struct members {
	size_t components, *start;
	uint32_t *vertex, *place; /* place: index within its component, by vertex */
};

static struct members members_new(size_t n, size_t components, const uint32_t *label)
{
	struct members m = { components, mem_zero(components + 1, sizeof *m.start),
		MEM_ARRAY(uint32_t, n), MEM_ARRAY(uint32_t, n) };
	for (size_t i = 0; i < n; i++)
		m.place[i] = (uint32_t)m.start[label[i] + 1]++;
	for (size_t s = 0; s < components; s++)
		m.start[s + 1] += m.start[s];
	for (size_t i = 0; i < n; i++)
		m.vertex[m.start[label[i]] + m.place[i]] = (uint32_t)i;
	return m;
}

static void members_free(struct members *m)
{
	mem_free(m->start);
	mem_free(m->vertex);
	mem_free(m->place);
}

static struct graph component(const struct graph *g, const struct members *m, size_t s)
{
	const uint32_t *vertex = m->vertex + m->start[s];
	struct graph sub = { .n = m->start[s + 1] - m->start[s] };
	size_t edges = 0;
	for (size_t i = 0; i < sub.n; i++)
		edges += g->start[vertex[i] + 1] - g->start[vertex[i]];
	sub.start = MEM_ARRAY(size_t, sub.n + 1);
	sub.to = MEM_ARRAY(uint32_t, edges);
	sub.weight = MEM_ARRAY(float, edges);
	edges = 0;
	for (size_t i = 0; i < sub.n; i++) {
		sub.start[i] = edges;
		for (size_t e = g->start[vertex[i]]; e < g->start[vertex[i] + 1]; e++, edges++) {
			sub.to[edges] = m->place[g->to[e]];
			sub.weight[edges] = g->weight[e];
		}
	}
	sub.start[sub.n] = edges;
	return sub;
}

static float *centroids(const struct members *m, const float *x, size_t c)
{
	float *mean = MEM_ARRAY(float, size_mul(m->components, c));
	double *sum = MEM_ARRAY(double, c);
	for (size_t s = 0; s < m->components; s++) {
		memset(sum, 0, c * sizeof *sum);
		for (size_t i = m->start[s]; i < m->start[s + 1]; i++)
			for (size_t j = 0; j < c; j++)
				sum[j] += (double)x[m->vertex[i] * c + j];
		for (size_t j = 0; j < c; j++)
			mean[s * c + j] = (float)(sum[j] / (double)(m->start[s + 1] - m->start[s]));
	}
	mem_free(sum);
	return mean;
}

/* The eigenvectors of the components' affinity exp(-d²), divided by sqrt(degree) (scikit-learn's
 * SpectralEmbedding). */
static void place_by_affinity(const float *mean, size_t n, size_t c, size_t k, float *at)
{
	double *m = MEM_ARRAY(double, n *n), *root = MEM_ARRAY(double, n),
	       *values = MEM_ARRAY(double, n);
	for (size_t i = 0; i < n; i++) {
		double degree = 0;
		for (size_t j = 0; j < n; j++) {
			double square = 0;
			for (size_t d = 0; d < c; d++) {
				double u = (double)mean[i * c + d] - (double)mean[j * c + d];
				square += u * u;
			}
			m[i * n + j] = i == j ? 0 : math_exp64(fmax(-square, -700));
			degree += m[i * n + j];
		}
		root[i] = sqrt(degree);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			m[i * n + j] /= root[i] * root[j];
	eigen_symmetric(n, k + 1, m, values);
	for (size_t i = 0; i < n; i++)
		for (size_t b = 0; b < k; b++)
			at[i * k + b] = (float)(m[(b + 1) * n + i] / root[i]);
	mem_free(values);
	mem_free(root);
	mem_free(m);
}

/* Where the components lie: at [components, k]. */
static void place(
	struct device *d, const struct members *m, const float *x, size_t c, size_t k, float *at)
{
	size_t n = m->components;
	if (n <= 2 * k) { /* on the axes, one on either side */
		size_t pairs = (n + 1) / 2;
		memset(at, 0, n * k * sizeof *at);
		for (size_t s = 0; s < n; s++)
			at[s * k + s % pairs] = s < pairs ? 1 : -1;
		return;
	}
	float *mean = centroids(m, x, c), top = 0;
	if (n <= META_DENSE)
		place_by_affinity(mean, n, c, k, at);
	else
		pca_place(d, mean, n, c, k, at);
	for (size_t i = 0; i < n * k; i++)
		top = fmaxf(top, fabsf(at[i]));
	for (size_t i = 0; i < n * k && top > 0; i++)
		at[i] /= top;
	mem_free(mean);
}

/* Half the distance to the nearest other component. */
static float reach(const float *at, size_t n, size_t k, size_t s)
{
	double least = 0;
	for (size_t t = 0; t < n; t++) {
		double square = 0;
		for (size_t b = 0; b < k; b++) {
			double u = (double)at[s * k + b] - (double)at[t * k + b];
			square += u * u;
		}
		if (square > 0 && (least == 0 || square < least))
			least = square;
	}
	return least > 0 ? (float)(sqrt(least) / 2) : 0.5f;
}

static void embed_components(struct device *d, const struct graph *g, const struct members *m,
	const float *x, size_t c, size_t k, uint64_t seed, float *out)
{
	size_t n = m->components;
	float *at = MEM_ARRAY(float, size_mul(n, k));
	place(d, m, x, c, k, at);
	for (size_t s = 0; s < n; s++) {
		size_t size = m->start[s + 1] - m->start[s];
		float *own = MEM_ARRAY(float, size *k),
		      room = n <= META_MOST ? reach(at, n, k, s) : 0.01f, top = 0;
		if (size < 2 * k || size <= k + 1) {
			for (size_t i = 0; i < size * k; i++)
				own[i] = 2 * random_float(
						     random_bits(seed, 2, m->start[s] * k + i)) -
					 1;
			top = 1;
		} else {
			struct graph sub = component(g, m, s);
			embed_connected(d, &sub, k, seed, own);
			graph_free(&sub);
			for (size_t i = 0; i < size * k; i++)
				top = fmaxf(top, fabsf(own[i]));
		}
		for (size_t i = 0; i < size; i++)
			for (size_t b = 0; b < k; b++)
				out[m->vertex[m->start[s] + i] * k + b] =
					at[s * k + b] +
					(top > 0 ? own[i * k + b] * (room / top) : 0);
		mem_free(own);
	}
	mem_free(at);
}

void spectral_layout(struct device *d, const struct graph *g, const float *x, size_t c, size_t k,
	uint64_t seed, float *out)
{
	uint32_t *label = MEM_ARRAY(uint32_t, g->n);
	size_t components = graph_components(g, label);
	if (components == 1 && g->n > k + 1) {
		embed_connected(d, g, k, seed, out);
	} else {
		struct members m = members_new(g->n, components, label);
		embed_components(d, g, &m, x, c, k, seed, out);
		members_free(&m);
	}
	mem_free(label);
}
