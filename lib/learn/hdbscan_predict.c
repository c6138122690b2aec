/*
 * hdbscan_predict.c: a saved clustering, and new points in it, as approximate_predict and
 * approximate_predict_scores of hdbscan 0.8.44 have it; of its quirks these stay: a new point's
 * core distance is that to the (min_samples + 1)-th point, a fitted point's counts the point
 * itself, and alpha plays no part. Three do not: fewer than 2 min_samples points are no error; a
 * selected cluster without points of its own keeps its label; and where equal points make the
 * largest lambda infinite, a point has probability 1 if its lambda is as large and else 0, and
 * score 0 or 1, where hdbscan has 0 and NaN.
 *
 * The file's tensors: points [N, C] f32, core [N] f64, point_cluster [N] u32 and point_lambda
 * [N] f64 (the rows of the condensed tree that hold points), cluster_parent [T] u32,
 * cluster_birth, cluster_max_lambda, cluster_peak [T] f64, cluster_label [T] i32: of each
 * cluster of the tree its parent, the lambda at which it appears, the largest lambda of the
 * points of the selected cluster that it belongs to, and of it and all below it, and its label
 * or -1. Cluster 0 is the root.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "lib/learn/cluster_state.h"
#include "lib/learn/hdbscan.h"

enum { BATCH = 64 };

struct hdbscan_model {
	struct arena *arena;
	struct space space;
	size_t n, n_clusters, min_samples;
	const double *core, *point_lambda, *birth, *max_lambda, *peak;
	const uint32_t *point_cluster, *parent;
	const int32_t *label;
};

/* --- Saving --------------------------------------------------------------------------------- */

struct state {
	uint32_t *point_cluster, *parent;
	double *point_lambda, *birth, *max_lambda, *peak;
	int32_t *label;
};

static void state_of(const struct hdbscan *h, struct state *s, struct arena *arena)
{
	const struct hdbscan_tree *t = &h->tree;
	size_t n = h->n, k = t->n_clusters;
	*s = (struct state){ arena_zero(arena, n, 4), arena_zero(arena, k, 4),
		arena_zero(arena, n, 8), arena_zero(arena, k, 8), arena_zero(arena, k, 8),
		arena_zero(arena, k, 8), ARENA_ARRAY(arena, int32_t, k) };
	for (size_t r = 0; r < t->n_rows; r++) {
		const struct hdbscan_row *row = &t->rows[r];
		size_t parent = row->parent - n;
		s->peak[parent] = row->lambda > s->peak[parent] ? row->lambda : s->peak[parent];
		if (row->child < n) {
			s->point_cluster[row->child] = (uint32_t)parent;
			s->point_lambda[row->child] = row->lambda;
		} else {
			s->parent[row->child - n] = (uint32_t)parent;
			s->birth[row->child - n] = row->lambda;
		}
	}
	/* peak is of the cluster's own rows as yet; parents stand before children */
	size_t next = 0;
	for (size_t i = 0; i < k; i++) {
		bool own = next < h->k && h->selected[next] == n + i;
		s->label[i] = own ? (int32_t)next++ : i ? s->label[s->parent[i]] : -1;
		s->max_lambda[i] = own || i == 0 ? s->peak[i] : s->max_lambda[s->parent[i]];
	}
	for (size_t i = k; i-- > 1;)
		if (s->peak[i] > s->peak[s->parent[i]])
			s->peak[s->parent[i]] = s->peak[i];
}

int hdbscan_save(const struct hdbscan *h, const struct hdbscan_options *o, const float *x, size_t c,
	const double *core, const char *path, struct error *e)
{
	struct arena *arena = arena_new();
	struct tensor_writer *w = tensor_writer_new();
	struct buffer parameters = { 0 };
	struct state s;
	state_of(h, &s, arena);
	cluster_state_begin(&parameters, CLUSTER_HDBSCAN, o->metric);
	cluster_state_number(&parameters, "min_cluster_size", (double)o->min_cluster_size);
	cluster_state_number(&parameters, "min_samples",
		(double)(o->min_samples ? o->min_samples : o->min_cluster_size));
	cluster_state_number(&parameters, "n_clusters", (double)h->k);
	cluster_state_write(&parameters, w);
	size_t n = h->n, k = h->tree.n_clusters;
	tensor_writer_add(w, "points", FILE_F32, 2, (size_t[]){ n, c }, x);
	tensor_writer_add(w, "core", FILE_F64, 1, &n, core);
	tensor_writer_add(w, "point_cluster", FILE_U32, 1, &n, s.point_cluster);
	tensor_writer_add(w, "point_lambda", FILE_F64, 1, &n, s.point_lambda);
	tensor_writer_add(w, "cluster_parent", FILE_U32, 1, &k, s.parent);
	tensor_writer_add(w, "cluster_birth", FILE_F64, 1, &k, s.birth);
	tensor_writer_add(w, "cluster_max_lambda", FILE_F64, 1, &k, s.max_lambda);
	tensor_writer_add(w, "cluster_peak", FILE_F64, 1, &k, s.peak);
	tensor_writer_add(w, "cluster_label", FILE_I32, 1, &k, s.label);
	int rc = tensor_writer_save(w, path, e);
	tensor_writer_free(w);
	buffer_free(&parameters);
	arena_free(arena);
	return rc;
}

/* --- Loading -------------------------------------------------------------------------------- */

/* A copy of a tensor [n], or NULL. */
static const void *copy(struct hdbscan_model *m, const struct tensor_file *f, const char *name,
	enum file_dtype dtype, size_t n, struct error *e)
{
	struct arena_mark mark = arena_mark(m->arena);
	const void *bytes = tensor_file_bytes(f, name, dtype, 1, &n, m->arena, e);
	if (!bytes)
		return NULL;
	size_t size = size_mul(n, file_dtype_size(dtype));
	void *own = mem_alloc(size);
	memcpy(own, bytes, size);
	arena_reset(m->arena, mark);
	return own;
}

static bool consistent(const struct hdbscan_model *m, const float *points, size_t c)
{
	for (size_t i = 0; i < m->n; i++) {
		bool zero = true;
		for (size_t j = 0; j < c; j++) {
			if (!isfinite(points[i * c + j]))
				return false;
			zero = zero && points[i * c + j] == 0;
		}
		if ((zero && m->space.metric == SPACE_COSINE) ||
			m->point_cluster[i] >= m->n_clusters || !(m->core[i] >= 0) ||
			!(m->point_lambda[i] >= 0))
			return false;
	}
	for (size_t i = 0; i < m->n_clusters; i++)
		if ((i && m->parent[i] >= i) || m->label[i] < -1 || !(m->birth[i] >= 0) ||
			!(m->max_lambda[i] >= 0) || !(m->peak[i] >= 0))
			return false;
	return true;
}

static int load(struct hdbscan_model *m, const struct tensor_file *f, struct error *e)
{
	struct cluster_state state;
	int64_t min_samples;
	if (cluster_state_read(f, &state, m->arena, e))
		return -1;
	const struct file_tensor *points = tensor_file_find(f, "points"),
				 *parent = tensor_file_find(f, "cluster_parent");
	struct json samples = json_get(state.parameters, "min_samples");
	if (!points || points->n_dims != 2 || !points->shape[0] || !points->shape[1] ||
		points->shape[0] >= (size_t)1 << 31 || !parent || parent->n_dims != 1 ||
		!parent->shape[0] || parent->shape[0] >= (size_t)1 << 31 ||
		samples.type != JSON_NUMBER || !json_integer(samples, &min_samples) ||
		min_samples < 1)
		return error_set(
			e, ERROR_MODEL, "%s: not a whole saved clustering", tensor_file_path(f));
	size_t c = points->shape[1], k = parent->shape[0];
	m->n = points->shape[0];
	m->n_clusters = k;
	m->min_samples = (size_t)min_samples;
	m->space.metric = state.metric;
	const float *x = tensor_file_floats(f, "points", 2, points->shape, m->arena, e);
	if (!x || !(m->core = copy(m, f, "core", FILE_F64, m->n, e)) ||
		!(m->point_cluster = copy(m, f, "point_cluster", FILE_U32, m->n, e)) ||
		!(m->point_lambda = copy(m, f, "point_lambda", FILE_F64, m->n, e)) ||
		!(m->parent = copy(m, f, "cluster_parent", FILE_U32, k, e)) ||
		!(m->birth = copy(m, f, "cluster_birth", FILE_F64, k, e)) ||
		!(m->max_lambda = copy(m, f, "cluster_max_lambda", FILE_F64, k, e)) ||
		!(m->peak = copy(m, f, "cluster_peak", FILE_F64, k, e)) ||
		!(m->label = copy(m, f, "cluster_label", FILE_I32, k, e)))
		return -1;
	if (!consistent(m, x, c))
		return error_set(e, ERROR_MODEL, "%s: the saved clustering contradicts itself",
			tensor_file_path(f));
	space_init(&m->space, x, m->n, c, state.metric, space_wants_tree(m->n, c));
	return 0;
}

struct hdbscan_model *hdbscan_load(const struct tensor_file *f, struct error *e)
{
	struct hdbscan_model *m = mem_zero(1, sizeof *m);
	m->arena = arena_new();
	if (load(m, f, e) == 0)
		return m;
	hdbscan_model_free(m);
	return NULL;
}

void hdbscan_model_free(struct hdbscan_model *m)
{
	if (!m)
		return;
	const void *own[] = { m->core, m->point_cluster, m->point_lambda, m->parent, m->birth,
		m->max_lambda, m->peak, m->label };
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		mem_free((void *)(uintptr_t)own[i]);
	space_release(&m->space);
	arena_free(m->arena);
	mem_free(m);
}

size_t hdbscan_model_size(const struct hdbscan_model *m)
{
	return m->space.c;
}

/* --- Predicting ----------------------------------------------------------------------------- */

/* The neighbour of least mutual reach among the k nearest, and the lambda of joining it. */
static uint32_t nearest_reach(
	const struct hdbscan_model *m, const struct hit *hits, size_t k, double *lambda)
{
	enum space_metric metric = m->space.metric;
	double core = space_distance(metric, hits[m->min_samples < k ? m->min_samples : k - 1].raw),
	       best = INFINITY;
	uint32_t neighbour = hits[0].index;
	for (size_t i = 0; i < k; i++) {
		double reach = space_distance(metric, hits[i].raw), other = m->core[hits[i].index];
		reach = core > reach ? core : reach;
		reach = other > reach ? other : reach;
		if (reach < best) {
			best = reach;
			neighbour = hits[i].index;
		}
	}
	*lambda = best > 0 ? 1 / best : DBL_MAX;
	return neighbour;
}

static void predict(const struct hdbscan_model *m, const struct hit *hits, size_t k, int32_t *label,
	double *probability, double *score)
{
	double lambda;
	uint32_t neighbour = nearest_reach(m, hits, k, &lambda),
		 cluster = m->point_cluster[neighbour];
	double own = m->point_lambda[neighbour], peak = m->peak[cluster];
	double at = hits[0].raw == 0
			    ? own
			    : lambda; /* the point is one of the fitted: spare it the rounding */
	*score = peak == 0 ? 0 : isinf(peak) ? (at >= DBL_MAX ? 0 : 1) : (peak - at) / peak;
	if (own > lambda)
		while (cluster && m->birth[cluster] >= lambda)
			cluster = m->parent[cluster];
	*label = m->label[cluster];
	double top = m->max_lambda[cluster];
	*probability = *label < 0     ? 0
		       : top == 0     ? 1
		       : isinf(top)   ? (lambda >= DBL_MAX ? 1 : 0)
		       : lambda < top ? lambda / top
				      : 1;
}

void hdbscan_predict(const struct hdbscan_model *m, const float *x, size_t n, int32_t *label,
	double *probability, double *outlier_score)
{
	if (m->n_clusters == 1) {
		for (size_t i = 0; i < n; i++)
			label[i] = -1, probability[i] = 0, outlier_score[i] = 1;
		return;
	}
	size_t c = m->space.c, k = m->min_samples > m->n / 2 ? m->n : 2 * m->min_samples;
#pragma omp parallel
	{
		double *points = MEM_ARRAY(double, size_mul(BATCH, c));
		struct hit *hits = MEM_ARRAY(struct hit, size_mul(BATCH, k));
#pragma omp for schedule(dynamic)
		for (size_t from = 0; from < n; from += BATCH) {
			size_t count = n - from < BATCH ? n - from : BATCH;
			for (size_t i = 0; i < count; i++)
				space_point(m->space.metric, x + (from + i) * c, c, points + i * c);
			space_nearest(&m->space, points, count, k, hits);
			for (size_t i = 0; i < count; i++)
				predict(m, hits + i * k, k, label + from + i,
					probability + from + i, outlier_score + from + i);
		}
		mem_free(points);
		mem_free(hits);
	}
}
