/* hdbscan: against hdbscan's own code on the same tree (tests/golden/cluster_hdbscan.py), the
 * tree found by boxes against the tree found by brute force, bytes at any number of threads,
 * saved and loaded, and input with nothing to cluster. */
#include "lib/learn/hdbscan.h"

#include <omp.h>
#include <string.h>
#include <unistd.h>

#include "cluster_golden.h"
#include "lib/learn/cluster_state.h"

static struct hdbscan_options options_of(struct json o)
{
	struct hdbscan_options options = HDBSCAN_OPTIONS;
	struct json method = json_get(o, "method");
	options.min_cluster_size = (size_t)golden_number(o, "min_cluster_size", 5);
	options.min_samples = (size_t)golden_number(o, "min_samples", 0);
	options.method = method.type == JSON_STRING && json_text_is(method, "leaf") ? HDBSCAN_LEAF
										    : HDBSCAN_EOM;
	options.epsilon = golden_number(o, "epsilon", 0);
	options.epsilon_max = golden_number(o, "epsilon_max", 0);
	options.persistence = golden_number(o, "persistence", 0);
	options.max_cluster_size = (size_t)golden_number(o, "max_cluster_size", 0);
	options.allow_single_cluster = golden_number(o, "allow_single_cluster", 0) != 0;
	options.alpha = golden_number(o, "alpha", 1);
	options.metric = (enum space_metric)(int)golden_number(o, "metric", 0);
	return options;
}

static void check_tree(const char *name, const float *x, size_t n, size_t c,
	const struct hdbscan_options *o, const double *edges)
{
	struct hdbscan_edge *got = MEM_ARRAY(struct hdbscan_edge, n);
	for (int tree = 0; tree < 2; tree++) {
		struct space s;
		space_init(&s, x, n, c, o->metric, tree);
		hdbscan_span(&s, o->min_samples, o->alpha, NULL, got, NULL);
		for (size_t i = 0; i + 1 < n; i++) {
			check_near("the weight of edge", name, i, got[i].weight, edges[3 * i + 2],
				1e-9);
			check_near("the lower end of edge", name, i, got[i].a, edges[3 * i], 0);
			check_near("the upper end of edge", name, i, got[i].b, edges[3 * i + 1], 0);
		}
		space_release(&s);
	}
	mem_free(got);
}

static void check_run(
	const char *name, const float *x, size_t n, size_t c, struct json run, struct arena *arena)
{
	struct hdbscan_options o = options_of(json_get(run, "options"));
	struct hdbscan h;
	size_t count;
	hdbscan_fit(&h, x, n, c, &o, NULL);
	const double *label = golden_numbers(json_get(run, "label"), arena, &count);
	const double *probability = golden_numbers(json_get(run, "probability"), arena, NULL);
	const double *score = golden_numbers(json_get(run, "score"), arena, NULL);
	assert_true(count == n && h.n == n);
	for (size_t i = 0; i < n; i++) {
		check_near("the label of point", name, i, h.label[i], label[i], 0);
		check_near("the probability of point", name, i, h.probability[i], probability[i],
			1e-6);
		check_near("the score of point", name, i, h.outlier_score[i], score[i], 1e-6);
	}
	const double *persistence = golden_numbers(json_get(run, "persistence"), arena, &count);
	assert_int_equal(count, h.k);
	for (size_t i = 0; i < count; i++)
		check_near("the persistence of cluster", name, i, h.persistence[i], persistence[i],
			1e-6);
	if (json_get(run, "rows").type == JSON_ARRAY) {
		const double *rows = golden_numbers(json_get(run, "rows"), arena, &count);
		assert_int_equal(count, 4 * h.tree.n_rows);
		for (size_t i = 0; i < h.tree.n_rows; i++) {
			const struct hdbscan_row *r = &h.tree.rows[i];
			check_near("the parent in row", name, i, r->parent, rows[4 * i], 0);
			check_near("the child in row", name, i, r->child, rows[4 * i + 1], 0);
			check_near("lambda in row", name, i, r->lambda, rows[4 * i + 2],
				1e-6 * fabs(rows[4 * i + 2]));
			check_near("the size in row", name, i, r->size, rows[4 * i + 3], 0);
		}
	}
	hdbscan_release(&h);
}

static void trees_labels_and_scores_are_those_of_hdbscan(void **state)
{
	(void)state;
	struct buffer text = { 0 };
	struct arena *arena = arena_new();
	struct json root = golden_open("hdbscan.json", &text);
	size_t cases = 0;
	for (struct json_iterator i = json_iterate(json_get(root, "cases")); json_each(&i);
		cases++) {
		struct json v = i.value, runs = json_get(v, "runs");
		const char *name = golden_name(v, arena);
		size_t n = (size_t)golden_number(v, "n", 0), c = (size_t)golden_number(v, "c", 0);
		const float *x = golden_floats(json_get(v, "points"), arena);
		bool first = true;
		for (struct json_iterator j = json_iterate(runs); json_each(&j); first = false) {
			struct hdbscan_options o = options_of(json_get(j.value, "options"));
			if (first)
				check_tree(name, x, n, c, &o,
					golden_numbers(json_get(v, "edges"), arena, NULL));
			check_run(name, x, n, c, j.value, arena);
		}
	}
	assert_true(cases > 30);
	arena_free(arena);
	buffer_free(&text);
}

/* Without ties there is one spanning tree, so that even the fits of hdbscan itself, whose numbering
 * of clusters follows its edges, find the same clusters: an ARI of 1. */
static void clusters_without_ties_are_those_of_every_algorithm_of_hdbscan(void **state)
{
	(void)state;
	struct buffer text = { 0 };
	struct arena *arena = arena_new();
	struct json v = json_get(golden_open("hdbscan.json", &text), "fitted");
	size_t n = (size_t)golden_number(v, "n", 0), c = (size_t)golden_number(v, "c", 0), count;
	const float *x = golden_floats(json_get(v, "points"), arena);
	const double *want = golden_numbers(json_get(v, "label"), arena, &count);
	struct hdbscan_options o = options_of(json_get(v, "options"));
	struct hdbscan h;
	hdbscan_fit(&h, x, n, c, &o, NULL);
	assert_true(n == 300 && count == n);
	for (size_t i = 0; i < n; i++) {
		assert_true((h.label[i] < 0) == (want[i] < 0));
		for (size_t j = 0; j < i; j++)
			assert_true((h.label[i] == h.label[j]) == (want[i] == want[j]));
	}
	hdbscan_release(&h);
	arena_free(arena);
	buffer_free(&text);
}

static struct hdbscan_model *save_and_load(const struct hdbscan *h, const struct hdbscan_options *o,
	const float *x, size_t c, const double *core)
{
	char path[] = "/tmp/heddle-test-XXXXXX";
	struct error e;
	close(mkstemp(path));
	if (hdbscan_save(h, o, x, c, core, path, &e))
		fail_msg("%s", e.msg);
	struct tensor_file *f = tensor_file_open(path, &e);
	struct hdbscan_model *m = f ? hdbscan_load(f, &e) : NULL;
	if (!m)
		fail_msg("%s", e.msg);
	tensor_file_close(f);
	unlink(path);
	return m;
}

static void new_points_are_labelled_as_by_approximate_predict(void **state)
{
	(void)state;
	struct buffer text = { 0 };
	struct arena *arena = arena_new();
	struct json v = json_get(golden_open("hdbscan.json", &text), "prediction");
	size_t n = (size_t)golden_number(v, "n", 0), c = (size_t)golden_number(v, "c", 0), m;
	const float *x = golden_floats(json_get(v, "points"), arena),
		    *new = golden_floats(json_get(v, "new"), arena);
	const double *want = golden_numbers(json_get(v, "label"), arena, &m);
	const double *probability = golden_numbers(json_get(v, "probability"), arena, NULL);
	const double *score = golden_numbers(json_get(v, "score"), arena, NULL);
	struct hdbscan_options o = options_of(json_get(v, "options"));
	struct hdbscan h;
	double *core = ARENA_ARRAY(arena, double, n), *got = ARENA_ARRAY(arena, double, 2 * m);
	int32_t *label = ARENA_ARRAY(arena, int32_t, m);
	hdbscan_fit(&h, x, n, c, &o, core);
	struct hdbscan_model *model = save_and_load(&h, &o, x, c, core);
	assert_int_equal(hdbscan_model_size(model), c);
	hdbscan_predict(model, new, m, label, got, got + m);
	for (size_t i = 0; i < m; i++) {
		check_near("the label of point", "prediction", i, label[i], want[i], 0);
		check_near(
			"the probability of point", "prediction", i, got[i], probability[i], 1e-6);
		check_near("the score of point", "prediction", i, got[m + i], score[i], 1e-6);
	}
	hdbscan_model_free(model);
	hdbscan_release(&h);
	arena_free(arena);
	buffer_free(&text);
}

static void same_edges(const struct hdbscan_edge *a, const struct hdbscan_edge *b, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (a[i].weight != b[i].weight || a[i].a != b[i].a || a[i].b != b[i].b)
			fail_msg("edge %zu of %zu: %u-%u %.17g and %u-%u %.17g", i, n, a[i].a,
				a[i].b, a[i].weight, b[i].a, b[i].b, b[i].weight);
}

/* Coordinates of few whole numbers make nearly every distance a tie, and many points equal. */
static void boxes_and_brute_force_find_one_tree_at_any_number_of_threads(void **state)
{
	(void)state;
	static const struct {
		size_t n, c, samples;
		enum space_metric metric;
		bool whole;
	} table[] = {
		{ 3000, 5, 10, SPACE_EUCLIDEAN, false },
		{ 2000, 2, 1, SPACE_EUCLIDEAN, true },
		{ 1500, 3, 30, SPACE_MANHATTAN, true },
		{ 1500, 4, 5, SPACE_COSINE, false },
		{ 700, 30, 8, SPACE_EUCLIDEAN, false },
		{ 1000, 1, 4, SPACE_EUCLIDEAN, true },
		{ 900, 3, 0, SPACE_EUCLIDEAN, true },
		{ 17, 2, 40, SPACE_EUCLIDEAN, false },
		{ 1, 2, 3, SPACE_EUCLIDEAN, false },
	};
	int threads = omp_get_max_threads();
	for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
		size_t n = table[t].n, c = table[t].c;
		float *x = places(n, c, 12, t);
		for (size_t i = 0; i < n * c && table[t].whole; i++)
			x[i] = floorf(x[i]);
		struct hdbscan_edge *edges[4];
		for (int way = 0; way < 4; way++) {
			struct space s;
			omp_set_num_threads(way < 2 ? 1 : 4);
			edges[way] = MEM_ARRAY(struct hdbscan_edge, n);
			space_init(&s, x, n, c, table[t].metric, way % 2);
			hdbscan_span(&s, table[t].samples, 1, NULL, edges[way], NULL);
			space_release(&s);
			same_edges(edges[way], edges[0], n);
		}
		for (int way = 0; way < 4; way++)
			mem_free(edges[way]);
		mem_free(x);
	}
	omp_set_num_threads(threads);
}

static void every_vector_width_gives_the_same_bits(void **state)
{
	(void)state;
	enum { N = 200, C = 11 };
	float *x = places(N, C, 6, 3);
	for (enum space_metric metric = SPACE_EUCLIDEAN; metric <= SPACE_MANHATTAN; metric++) {
		struct space s;
		double want[2][N + SPACE_LEAF];
		static const char *const paths[] = { "portable", "avx2", "avx512" };
		double point[2][C];
		space_init(&s, x, N, C, metric, false);
		size_t blocks = s.n_leaves * SPACE_LEAF / SPACE_LANES,
		       size = blocks * SPACE_LANES * sizeof(double);
		for (size_t i = 0; i < 2; i++) {
			space_at(&s, i, point[i]);
			for (size_t p = 0; p < blocks * SPACE_LANES; p++) {
				double y[C];
				want[i][p] = p < N ? 0 : INFINITY;
				if (p < N)
					space_at(&s, p, y);
				for (size_t j = 0; j < C && p < N; j++)
					want[i][p] += metric == SPACE_MANHATTAN
							      ? fabs(point[i][j] - y[j])
							      : (point[i][j] - y[j]) *
									(point[i][j] - y[j]);
			}
		}
		for (size_t k = 0; k < 3; k++) {
			if (!space_choose(paths[k]))
				continue;
			double single[N + SPACE_LEAF] __attribute__((aligned(64)));
			const double *const four[4] = { point[0], point[1], point[0], point[1] };
			double *aligned = MEM_ARRAY(double, 4 * blocks * SPACE_LANES);
			double *const to[4] = { aligned, aligned + blocks * SPACE_LANES,
				aligned + 2 * blocks * SPACE_LANES,
				aligned + 3 * blocks * SPACE_LANES };
			space_block(metric, point[0], s.blocks, blocks, C, single);
			assert_memory_equal(single, want[0], size);
			space_block4(metric, four, s.blocks, blocks, C, to);
			for (size_t i = 0; i < 4; i++)
				assert_memory_equal(to[i], want[i % 2], size);
			mem_free(aligned);
		}
		space_release(&s);
	}
	assert_false(space_choose("sse9"));
	space_choose(NULL);
	mem_free(x);
}

static void neighbours_are_exact_and_in_order(void **state)
{
	(void)state;
	enum { N = 500, C = 3, K = 20 };
	float *x = places(N, C, 6, 77);
	for (size_t i = 0; i < N * C; i++)
		x[i] = floorf(2 * x[i]) / 2;
	for (int tree = 0; tree < 2; tree++) {
		struct space s;
		struct hit hits[K], all[N];
		space_init(&s, x, N, C, SPACE_EUCLIDEAN, tree);
		for (size_t i = 0; i < N; i += 7) {
			double point[C];
			space_point(SPACE_EUCLIDEAN, x + i * C, C, point);
			space_nearest(&s, point, 1, K, hits);
			space_nearest(&s, point, 1, N, all);
			for (size_t k = 0; k + 1 < N; k++)
				assert_true(all[k].raw < all[k + 1].raw ||
					    (all[k].raw == all[k + 1].raw &&
						    all[k].index < all[k + 1].index));
			for (size_t k = 0; k < N; k++) {
				double raw = 0;
				for (size_t j = 0; j < C; j++)
					raw += (point[j] - x[all[k].index * C + j]) *
					       (point[j] - x[all[k].index * C + j]);
				assert_true(raw == all[k].raw);
				assert_true(k >= K || (hits[k].raw == all[k].raw &&
							      hits[k].index == all[k].index));
			}
		}
		space_release(&s);
	}
	mem_free(x);
}

static void nothing_one_and_two_points(void **state)
{
	(void)state;
	const float x[] = { 1, 2, 3, 4 };
	struct hdbscan_options o = HDBSCAN_OPTIONS;
	for (size_t n = 0; n <= 2; n++) {
		struct hdbscan h;
		double core[2] = { -1, -1 };
		hdbscan_fit(&h, x, n, 2, &o, core);
		assert_true(h.n == n && h.k == 0);
		for (size_t i = 0; i < n; i++)
			assert_true(h.label[i] == -1 && h.probability[i] == 0 &&
				    h.outlier_score[i] == 0 && core[i] >= 0);
		if (n) {
			struct hdbscan_model *m = save_and_load(&h, &o, x, 2, core);
			int32_t label;
			double probability, score;
			hdbscan_predict(m, x, 1, &label, &probability, &score);
			assert_true(label == -1 && probability == 0 && score == 1);
			hdbscan_model_free(m);
		}
		hdbscan_release(&h);
	}
}

/* A saved file whose arrays point outside each other must be refused, not followed. */
static void a_model_that_contradicts_itself_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint32_t point_cluster, parent;
		double core;
		int32_t label;
		const char *samples;
	} table[] = {
		{ "a cluster that is not there", 9, 0, 1, 0, "3" },
		{ "a parent behind its child", 0, 1, 1, 0, "3" },
		{ "a negative core distance", 0, 0, -1, 0, "3" },
		{ "a core distance that is no number", 0, 0, NAN, 0, "3" },
		{ "a label below -1", 0, 0, 1, -2, "3" },
		{ "min_samples 0", 0, 0, 1, 0, "0" },
		{ "min_samples no number", 0, 0, 1, 0, "\"3\"" },
	};
	for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
		char path[] = "/tmp/heddle-test-XXXXXX", parameters[100];
		struct error e;
		size_t two = 2;
		const float points[] = { 1, 2 };
		double core[] = { 1, table[t].core }, ones[] = { 1, 1 };
		uint32_t point_cluster[] = { 0, table[t].point_cluster },
			 parent[] = { 0, table[t].parent };
		int32_t label[] = { -1, table[t].label };
		struct tensor_writer *w = tensor_writer_new();
		snprintf(parameters, sizeof parameters,
			"{\"method\":\"hdbscan\",\"metric\":\"euclidean\",\"min_samples\":%s}",
			table[t].samples);
		tensor_writer_metadata(w, "heddle", SLICE("cluster 1"));
		tensor_writer_metadata(w, "parameters", slice_from(parameters));
		tensor_writer_add(w, "points", FILE_F32, 2, (size_t[]){ 2, 1 }, points);
		tensor_writer_add(w, "core", FILE_F64, 1, &two, core);
		tensor_writer_add(w, "point_cluster", FILE_U32, 1, &two, point_cluster);
		tensor_writer_add(w, "point_lambda", FILE_F64, 1, &two, ones);
		tensor_writer_add(w, "cluster_parent", FILE_U32, 1, &two, parent);
		tensor_writer_add(w, "cluster_birth", FILE_F64, 1, &two, ones);
		tensor_writer_add(w, "cluster_max_lambda", FILE_F64, 1, &two, ones);
		tensor_writer_add(w, "cluster_peak", FILE_F64, 1, &two, ones);
		tensor_writer_add(w, "cluster_label", FILE_I32, 1, &two, label);
		close(mkstemp(path));
		if (tensor_writer_save(w, path, &e))
			fail_msg("%s", e.msg);
		struct tensor_file *f = tensor_file_open(path, &e);
		assert_non_null(f);
		if (hdbscan_load(f, &e))
			fail_msg("%s was taken", table[t].name);
		assert_int_equal(e.code, ERROR_MODEL);
		tensor_file_close(f);
		tensor_writer_free(w);
		unlink(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees_labels_and_scores_are_those_of_hdbscan),
		cmocka_unit_test(clusters_without_ties_are_those_of_every_algorithm_of_hdbscan),
		cmocka_unit_test(new_points_are_labelled_as_by_approximate_predict),
		cmocka_unit_test(boxes_and_brute_force_find_one_tree_at_any_number_of_threads),
		cmocka_unit_test(every_vector_width_gives_the_same_bits),
		cmocka_unit_test(neighbours_are_exact_and_in_order),
		cmocka_unit_test(nothing_one_and_two_points),
		cmocka_unit_test(a_model_that_contradicts_itself_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
