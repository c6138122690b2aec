/*
 * UMAP's steps against umap-learn's numbers (tests/golden/reduce.py), and the whole: degenerate
 * input, classes, new rows, the same bits at any number of threads and on any path.
 */
#include "lib/learn/umap.h"

#include <float.h>
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "gpu/ops_umap.h"
#include "lib/base/memory.h"
#include "lib/base/random.h"
#include "lib/learn/colour.h"
#include "lib/learn/curve.h"
#include "lib/learn/fuzzy.h"
#include "lib/learn/pca.h"
#include "lib/learn/spectral.h"
#include "tests/unit/source.h"

static json_t *golden;
static size_t n, c;
static float *x;
static struct device *device;

static double number(const json_t *a, size_t i)
{
	const json_t *v = json_array_get(a, i);
	assert_true(json_is_number(v));
	return json_number_value(v);
}

static float *floats(const json_t *a)
{
	float *out = MEM_ARRAY(float, json_array_size(a));
	for (size_t i = 0; i < json_array_size(a); i++)
		out[i] = (float)number(a, i);
	return out;
}

static int setup(void **state)
{
	(void)state;
	json_error_t e;
	golden = json_load_file(source_path("tests/golden/reduce/reduce.json"), 0, &e);
	struct error error;
	if (!golden || device_open("cpu", &device, &error) < 0)
		return -1;
	n = (size_t)json_integer_value(json_object_get(golden, "n"));
	c = (size_t)json_integer_value(json_object_get(golden, "c"));
	x = floats(json_object_get(golden, "x"));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(golden);
	mem_free(x);
	device_free(device);
	return 0;
}

static enum neighbor_metric metric_named(const char *name)
{
	static const char *const names[] = { "cosine", "euclidean", "manhattan", "correlation" };
	for (int i = 0; i < 4; i++)
		if (strcmp(name, names[i]) == 0)
			return (enum neighbor_metric)i;
	fail();
	return 0;
}

static void close_to(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance * (1 + fabs(want)))) {
		print_error("%.9g where %.9g is expected\n", got, want);
		fail();
	}
}

static void same_graph(const struct graph *g, const json_t *want, double tolerance)
{
	const json_t *start = json_object_get(want, "start"), *to = json_object_get(want, "to");
	const json_t *weight = json_object_get(want, "weight");
	assert_int_equal(g->n + 1, json_array_size(start));
	for (size_t i = 0; i <= g->n; i++)
		assert_int_equal(g->start[i], (size_t)number(start, i));
	for (size_t e = 0; e < g->start[g->n]; e++) {
		assert_int_equal(g->to[e], (size_t)number(to, e));
		close_to((double)g->weight[e], number(weight, e), tolerance);
	}
}

struct found {
	uint32_t *index;
	float *distance, *sigma, *rho;
};

static struct found find(const json_t *want, bool own)
{
	size_t k = (size_t)json_integer_value(json_object_get(want, "k"));
	struct rows rows;
	struct found f = { MEM_ARRAY(uint32_t, n * k), MEM_ARRAY(float, n *k), MEM_ARRAY(float, n),
		MEM_ARRAY(float, n) };
	rows_init(&rows, x, n, c, metric_named(json_string_value(json_object_get(want, "metric"))));
	assert_int_equal(
		neighbors_find(device, &rows, k, NEIGHBORS_AUTO, 1, f.index, f.distance, NULL), 0);
	rows_free(&rows);
	/* the bisections end where a sum is within 1e-5, so that the last bit of a distance may
	 * move sigma by 1e-5: from the same float32 distances all later steps agree to 1e-6 */
	for (size_t i = 0; i < n * k && !own; i++)
		f.distance[i] = (float)number(json_object_get(want, "distance"), i);
	struct tensor sigma = tensor_upload(device, F32, n, 0, f.sigma),
		      rho = tensor_upload(device, F32, n, 0, f.rho);
	op_umap_smooth(device, sigma, rho, tensor_upload(device, F32, n, k, f.distance),
		(float)json_number_value(json_object_get(want, "connectivity")),
		fuzzy_mean(f.distance, n * k));
	return f;
}

static void found_free(struct found *f)
{
	mem_free(f->index);
	mem_free(f->distance);
	mem_free(f->sigma);
	mem_free(f->rho);
}

static struct graph union_of(const struct found *f, const json_t *want)
{
	return fuzzy_union(device, f->index, f->distance, f->sigma, f->rho, n,
		(size_t)json_integer_value(json_object_get(want, "k")),
		(float)json_number_value(json_object_get(want, "mix")));
}

/* A copy stands before the row itself in umap-learn's list where its index is lower; ours begins
 * with the row. */
static void neighbours_are_those_of_all_pairs(void **state)
{
	(void)state;
	size_t i;
	json_t *want;
	json_array_foreach(json_object_get(golden, "fuzzy"), i, want)
	{
		struct found f = find(want, true);
		size_t k = (size_t)json_integer_value(json_object_get(want, "k"));
		for (size_t r = 0; r < n; r++) {
			assert_int_equal(f.index[r * k], r);
			for (size_t j = 0; j < k; j++) {
				size_t place = r * k + j,
				       other = (size_t)number(
					       json_object_get(want, "index"), place);
				close_to((double)f.distance[place],
					number(json_object_get(want, "distance"), place), 1e-6);
				assert_true(f.index[place] == other || f.distance[place] == 0);
			}
		}
		found_free(&f);
	}
}

static void sigma_rho_and_graph_are_umap_learns(void **state)
{
	(void)state;
	size_t i;
	json_t *want;
	json_array_foreach(json_object_get(golden, "fuzzy"), i, want)
	{
		struct found f = find(want, false);
		for (size_t r = 0; r < n; r++) {
			close_to((double)f.sigma[r], number(json_object_get(want, "sigma"), r),
				1e-6);
			close_to((double)f.rho[r], number(json_object_get(want, "rho"), r), 1e-6);
		}
		struct graph g = union_of(&f, want);
		same_graph(&g, json_object_get(want, "graph"), 1e-6);
		graph_free(&g);
		found_free(&f);
	}
}

static void classes_change_the_graph_as_in_umap_learn(void **state)
{
	(void)state;
	json_t *want, *labels = json_object_get(golden, "label"),
		      *plain = json_array_get(json_object_get(golden, "fuzzy"), 0);
	int32_t *label = MEM_ARRAY(int32_t, n);
	for (size_t i = 0; i < n; i++)
		label[i] = (int32_t)number(labels, i);
	size_t i;
	json_array_foreach(json_object_get(golden, "supervised"), i, want)
	{
		struct found f = find(plain, false);
		struct graph g = union_of(&f, plain);
		fuzzy_intersect(&g, label, json_number_value(json_object_get(want, "weight")));
		same_graph(&g, json_object_get(want, "graph"), 1e-6);
		graph_free(&g);
		found_free(&f);
	}
	mem_free(label);
}

static void the_curve_is_scipys_fit(void **state)
{
	(void)state;
	size_t i;
	json_t *want;
	json_array_foreach(json_object_get(golden, "curve"), i, want)
	{
		double a, b;
		curve_fit(number(want, 0), number(want, 1), &a, &b);
		close_to(a, number(want, 2), 1e-6);
		close_to(b, number(want, 3), 1e-6);
	}
}

static void pca_is_scikit_learns(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	const json_t *want = json_object_get(golden, "pca");
	struct pca p;
	float *scores = MEM_ARRAY(float, n * 4);
	pca_fit(&p, device, x, n, c, 4, NULL, arena);
	pca_apply(&p, device, x, n, scores);
	for (size_t i = 0; i < 4; i++)
		close_to(p.variance[i], number(json_object_get(want, "variance"), i), 1e-8);
	for (size_t i = 0; i < 4 * c; i++)
		close_to(p.components[i], number(json_object_get(want, "components"), i), 1e-7);
	for (size_t i = 0; i < 4 * n; i++)
		close_to((double)scores[i], number(json_object_get(want, "scores"), i), 1e-6);
	mem_free(scores);
	arena_free(arena);
}

/* --- Colours -------------------------------------------------------------------------------- */

/* A star, whose colours number its degree, beside a path, as the graph of fuzzy_union. */
static struct graph star_and_path(size_t size)
{
	struct graph g = { .n = 2 * size, .start = mem_zero(2 * size + 1, sizeof(size_t)) };
	g.to = MEM_ARRAY(uint32_t, 4 * size);
	g.weight = MEM_ARRAY(float, 4 * size);
	size_t m = 0;
	for (size_t i = 0; i < 2 * size; i++) {
		g.start[i] = m;
		for (size_t j = 0; j < 2 * size; j++) {
			bool star = (i == 0) != (j == 0) && i < size && j < size,
			     path = i >= size && j >= size && (i + 1 == j || j + 1 == i);
			if (star || path) {
				g.to[m] = (uint32_t)j;
				g.weight[m++] = 1;
			}
		}
	}
	g.start[2 * size] = m;
	return g;
}

static void edges_of_a_colour_share_no_vertex(void **state)
{
	(void)state;
	struct found f = find(json_array_get(json_object_get(golden, "fuzzy"), 0), true);
	for (int kind = 0; kind < 2; kind++) {
		struct graph g =
			kind ? star_and_path(300)
			     : union_of(&f, json_array_get(json_object_get(golden, "fuzzy"), 0));
		struct colouring colours;
		colouring_make(&colours, &g);
		assert_int_equal(colours.n_edges, g.start[g.n] / 2);
		if (kind)
			assert_int_equal(colours.n_colours, 299);
		size_t *seen = mem_zero(g.n, sizeof *seen);
		for (size_t k = 0; k < colours.n_colours; k++)
			for (size_t e = colours.start[k]; e < colours.start[k + 1]; e++) {
				assert_true(colours.head[e] < colours.tail[e]);
				assert_true(seen[colours.head[e]] != k + 1 &&
					    seen[colours.tail[e]] != k + 1);
				seen[colours.head[e]] = seen[colours.tail[e]] = k + 1;
			}
		mem_free(seen);
		colouring_free(&colours);
		graph_free(&g);
	}
	found_free(&f);
}

/* --- The start ------------------------------------------------------------------------------ */

/* A ring: the second and third eigenvectors are its sine and cosine, so that the start is a
 * circle. */
static void the_start_of_a_ring_is_a_circle(void **state)
{
	(void)state;
	for (size_t size = 60; size <= 600; size += 540) { /* by the full matrix, by iteration */
		struct graph g = { .n = size,
			.start = MEM_ARRAY(size_t, size + 1),
			.to = MEM_ARRAY(uint32_t, 4 * size) };
		g.weight = MEM_ARRAY(float, 4 * size);
		size_t m = 0, reach = size > 100 ? 2 : 1;
		for (size_t i = 0; i < size; i++) {
			g.start[i] = m;
			for (size_t j = 0; j < size; j++) {
				size_t apart = (i > j ? i - j : j - i),
				       around = apart < size - apart ? apart : size - apart;
				if (around > 0 && around <= reach) {
					g.to[m] = (uint32_t)j;
					g.weight[m++] = 1;
				}
			}
		}
		g.start[size] = m;
		float *y = MEM_ARRAY(float, 2 * size), none = 0;
		spectral_layout(device, &g, &none, 0, 2, 7, y);
		double radius = (double)(y[0] * y[0] + y[1] * y[1]), worst = 0;
		for (size_t i = 0; i < size; i++)
			worst = fmax(worst,
				fabs((double)(y[2 * i] * y[2 * i] + y[2 * i + 1] * y[2 * i + 1]) /
						radius -
					1));
		assert_true(worst < (size > 100 ? 0.2 : 1e-3));
		mem_free(y);
		graph_free(&g);
	}
}

/* --- The whole ------------------------------------------------------------------------------ */

/* Rows around `clusters` centres far apart. */
static float *clustered(size_t rows, size_t columns, size_t clusters)
{
	float *out = MEM_ARRAY(float, rows *columns);
	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < columns; j++)
			out[i * columns + j] = random_float(random_bits(1, i % clusters, j)) -
					       0.5f +
					       0.05f * (random_float(random_bits(2, i, j)) - 0.5f);
	return out;
}

static float *fit(const struct umap_options *o, const float *rows, size_t m, size_t columns,
	const int32_t *label)
{
	struct umap u;
	assert_int_equal(umap_fit(&u, device, o, rows, m, columns, label, NULL), 0);
	float *y = MEM_ARRAY(float, m * o->n_components);
	memcpy(y, u.embedding, m * o->n_components * sizeof *y);
	for (size_t i = 0; i < m * o->n_components; i++)
		if (!isfinite(y[i])) {
			print_error("%zu rows of %zu from %g, metric %d, init %d\n", m, columns,
				(double)rows[0], (int)o->metric, (int)o->init);
			fail();
		}
	umap_free(&u);
	return y;
}

static double distance(const float *y, size_t k, size_t i, size_t j)
{
	double s = 0;
	for (size_t b = 0; b < k; b++)
		s += ((double)y[i * k + b] - (double)y[j * k + b]) *
		     ((double)y[i * k + b] - (double)y[j * k + b]);
	return sqrt(s);
}

/* The share of the nearest points that are of the same cluster. */
static double purity(const float *y, size_t m, size_t k, size_t clusters)
{
	size_t good = 0;
	for (size_t i = 0; i < m; i++) {
		size_t best = i ? 0 : 1;
		for (size_t j = 0; j < m; j++)
			if (j != i && distance(y, k, i, j) < distance(y, k, i, best))
				best = j;
		good += best % clusters == i % clusters;
	}
	return (double)good / (double)m;
}

static void clusters_stay_together_whatever_the_options(void **state)
{
	(void)state;
	enum { M = 400, COLUMNS = 20, CLUSTERS = 8 };
	float *rows = clustered(M, COLUMNS, CLUSTERS);
	struct umap_options d = UMAP_DEFAULTS, o[14];
	d.n_epochs = 100;
	for (size_t i = 0; i < 14; i++)
		o[i] = d;
	o[1].n_components = 2;
	o[2].n_components = 3;
	o[3].n_components = 7;
	o[4].metric = NEIGHBOR_EUCLIDEAN;
	o[5].metric = NEIGHBOR_MANHATTAN;
	o[6].metric = NEIGHBOR_CORRELATION;
	o[7].init = UMAP_PCA;
	o[8].init = UMAP_RANDOM;
	o[8].n_epochs = 300;
	o[9].min_dist = 0.5;
	o[10].n_neighbors = 5;
	o[11].local_connectivity = 2.5;
	o[12].set_op_mix_ratio = 0.25;
	o[13].negative_sample_rate = 2;
	for (size_t i = 0; i < 14; i++) {
		float *y = fit(&o[i], rows, M, COLUMNS, NULL);
		assert_true(purity(y, M, o[i].n_components, CLUSTERS) > 0.97);
		mem_free(y);
	}
	mem_free(rows);
}

static void the_same_bits_at_any_number_of_threads_and_on_every_path(void **state)
{
	(void)state;
	enum { M = 3000, COLUMNS = 24 };
	float *rows = clustered(M, COLUMNS, 40), *first = NULL;
	static const char *const paths[] = { NULL, "portable", "avx2", "avx512" };
	for (size_t dim = 2; dim <= 6; dim += 2)
		for (size_t p = 0; p < 4; p++)
			for (int threads = 1; threads <= 3; threads += 2) {
				struct device *own = NULL, *kept = device;
				struct error e;
				if (paths[p])
					setenv("HEDDLE_CPU", paths[p], 1);
				int rc = device_open("cpu", &own, &e);
				unsetenv("HEDDLE_CPU");
				if (rc < 0)
					continue;
				omp_set_num_threads(threads);
				device = own;
				struct umap_options o = UMAP_DEFAULTS;
				o.n_components = dim;
				o.n_epochs = 20;
				float *y = fit(&o, rows, M, COLUMNS, NULL);
				device = kept;
				device_free(own);
				if (!first)
					first = y;
				assert_memory_equal(y, first, M * dim * sizeof *y);
				if (y != first)
					mem_free(y);
				if (p == 3 && threads == 3) {
					mem_free(first);
					first = NULL;
				}
			}
	mem_free(first);
	mem_free(rows);
}

static void degenerate_input_gives_finite_points(void **state)
{
	(void)state;
	static const size_t sizes[] = { 1, 2, 3, 4, 5, 14, 15, 16, 17, 100 };
	struct umap_options o = UMAP_DEFAULTS;
	o.n_epochs = 30;
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
		for (int kind = 0; kind < 6; kind++)
			for (size_t init = 0; init < 3; init++) {
				size_t m = sizes[s];
				float rows[100 * 3];
				for (size_t i = 0; i < m * 3; i++) {
					float u = random_float(random_bits(9, s, i));
					rows[i] = kind == 0   ? 1
						  : kind == 1 ? 0
						  : kind == 2 ? u
						  : kind == 3 ? (i / 3 < m / 2 ? 0 : u)
						  : kind == 4 ? u * 1e37f
							      : u * 1e-37f;
				}
				o.init = (enum umap_init)init;
				o.metric = (enum neighbor_metric)((s + (size_t)kind) % 4);
				mem_free(fit(&o, rows, m, 3, NULL));
			}
}

static void classes_pull_their_records_together(void **state)
{
	(void)state;
	enum { M = 300, COLUMNS = 10 };
	float *rows = MEM_ARRAY(float, M *COLUMNS);
	int32_t label[M];
	for (size_t i = 0; i < M; i++) { /* noise: only the classes tell the records apart */
		label[i] = i % 10 == 9 ? -1 : (int32_t)(i % 3);
		for (size_t j = 0; j < COLUMNS; j++)
			rows[i * COLUMNS + j] = random_float(random_bits(4, i, j)) - 0.5f;
	}
	struct umap_options o = UMAP_DEFAULTS;
	o.target_weight = 0.9;
	float *y = fit(&o, rows, M, COLUMNS, label);
	size_t good = 0, counted = 0;
	for (size_t i = 0; i < M; i++) {
		size_t best = SIZE_MAX;
		for (size_t j = 0; j < M; j++)
			if (j != i && label[j] >= 0 &&
				(best == SIZE_MAX ||
					distance(y, 5, i, j) < distance(y, 5, i, best)))
				best = j;
		counted += label[i] >= 0;
		good += label[i] >= 0 && label[best] == label[i];
	}
	assert_true((double)good > 0.9 * (double)counted);
	mem_free(y);
	mem_free(rows);
}

static void new_rows_land_beside_their_cluster_in_any_batch(void **state)
{
	(void)state;
	enum { M = 600, NEW = 40, COLUMNS = 16, CLUSTERS = 6 };
	float *rows = clustered(M + NEW, COLUMNS, CLUSTERS), all[NEW * 5], one[NEW * 5],
	      copies[NEW * 5];
	struct umap_options o = UMAP_DEFAULTS;
	struct umap u;
	assert_int_equal(umap_fit(&u, device, &o, rows, M, COLUMNS, NULL, NULL), 0);
	const float *new = rows + M *COLUMNS;
	assert_int_equal(umap_apply(&u, device, new, NEW, all, NULL), 0);
	for (size_t i = 0; i < NEW; i++) {
		assert_int_equal(umap_apply(&u, device, new + i *COLUMNS, 1, one + i * 5, NULL), 0);
		size_t best = 0;
		double least = INFINITY;
		for (size_t j = 0; j < M; j++) {
			double s = 0;
			for (size_t b = 0; b < 5; b++)
				s += pow(
					(double)all[i * 5 + b] - (double)u.embedding[j * 5 + b], 2);
			if (s < least) {
				least = s;
				best = j;
			}
		}
		assert_int_equal(best % CLUSTERS, (M + i) % CLUSTERS);
		assert_true(least < 1);
	}
	assert_memory_equal(all, one, sizeof all);
	assert_int_equal(umap_apply(&u, device, rows, NEW, copies, NULL), 0);
	assert_memory_equal(copies, u.embedding, sizeof copies);
	umap_free(&u);
	mem_free(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_are_those_of_all_pairs),
		cmocka_unit_test(sigma_rho_and_graph_are_umap_learns),
		cmocka_unit_test(classes_change_the_graph_as_in_umap_learn),
		cmocka_unit_test(the_curve_is_scipys_fit),
		cmocka_unit_test(pca_is_scikit_learns),
		cmocka_unit_test(edges_of_a_colour_share_no_vertex),
		cmocka_unit_test(the_start_of_a_ring_is_a_circle),
		cmocka_unit_test(clusters_stay_together_whatever_the_options),
		cmocka_unit_test(the_same_bits_at_any_number_of_threads_and_on_every_path),
		cmocka_unit_test(degenerate_input_gives_finite_points),
		cmocka_unit_test(classes_pull_their_records_together),
		cmocka_unit_test(new_rows_land_beside_their_cluster_in_any_batch),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
