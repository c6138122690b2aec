/* agglomerative: joins and cuts against SciPy and scikit-learn
 * (tests/golden/cluster_sklearn.py), ties, what can be said of any linkage. */
#include "lib/learn/agglomerative.h"

#include <omp.h>
#include <string.h>

#include "cluster_golden.h"

static void check_labels(const char *what, const char *name, const int32_t *got, struct json want,
	struct arena *arena)
{
	size_t n;
	const double *label = golden_numbers(want, arena, &n);
	for (size_t i = 0; i < n; i++)
		check_near(what, name, i, got[i], label[i], 0);
}

static void joins_and_labels_are_those_of_scipy_and_scikit_learn(void **state)
{
	(void)state;
	struct buffer text = { 0 };
	struct arena *arena = arena_new();
	struct json root = golden_open("sklearn.json", &text);
	for (struct json_iterator i = json_iterate(json_get(root, "agglomerative"));
		json_each(&i);) {
		struct json v = i.value;
		const char *name = golden_name(v, arena);
		size_t n = (size_t)golden_number(v, "n", 0), c = (size_t)golden_number(v, "c", 0);
		const float *x = golden_floats(json_get(v, "points"), arena);
		const double *want = golden_numbers(json_get(v, "joins"), arena, NULL);
		struct hdbscan_join *joins = ARENA_ARRAY(arena, struct hdbscan_join, n);
		int32_t *label = ARENA_ARRAY(arena, int32_t, n);
		agglomerative_join((enum linkage)(int)golden_number(v, "linkage", 0), x, n, c,
			(enum space_metric)(int)golden_number(v, "metric", 0), NULL, joins);
		for (size_t j = 0; j + 1 < n; j++) {
			check_near("left of join", name, j, joins[j].left, want[4 * j], 0);
			check_near("right of join", name, j, joins[j].right, want[4 * j + 1], 0);
			check_near("distance of join", name, j, joins[j].distance, want[4 * j + 2],
				1e-9);
			check_near("size of join", name, j, joins[j].size, want[4 * j + 3], 0);
		}
		assert_int_equal(agglomerative_cut(joins, n, 4, 0, label), 4);
		check_labels("label among four of row", name, label, json_get(v, "four"), arena);
		agglomerative_cut(joins, n, 0, golden_number(v, "threshold", 0), label);
		check_labels(
			"label below a threshold of row", name, label, json_get(v, "near"), arena);
	}
	arena_free(arena);
	buffer_free(&text);
}

static void the_extremes_of_a_cut(void **state)
{
	(void)state;
	const float x[] = { 0, 1, 5, 7, 20 };
	struct hdbscan_join joins[4];
	int32_t label[5];
	const int32_t apart[] = { 0, 1, 2, 3, 4 }, together[] = { 0, 0, 0, 0, 0 },
		      near[] = { 0, 0, 1, 2, 3 };
	agglomerative_join(LINKAGE_SINGLE, x, 5, 1, SPACE_EUCLIDEAN, NULL, joins);
	assert_int_equal(agglomerative_cut(joins, 5, 5, 0, label), 5);
	assert_memory_equal(label, apart, sizeof apart);
	assert_int_equal(agglomerative_cut(joins, 5, 1, 0, label), 1);
	assert_memory_equal(label, together, sizeof together);
	assert_int_equal(agglomerative_cut(joins, 5, 0, 0, label), 5);
	assert_int_equal(agglomerative_cut(joins, 5, 0, 2, label),
		4); /* a join at the threshold is not made */
	assert_memory_equal(label, near, sizeof near);
	assert_int_equal(agglomerative_cut(joins, 5, 0, 100, label), 1);
	assert_int_equal(agglomerative_cut(joins, 1, 1, 0, label), 1);
	assert_int_equal(agglomerative_cut(joins, 0, 0, 1, label), 0);
}

/* On whole numbers nearly all distances are ties; and equal rows stand at distance 0. */
static void any_linkage_makes_one_tree_of_rising_distances_at_any_number_of_threads(void **state)
{
	(void)state;
	enum { N = 300, C = 3 };
	float *x = places(N, C, 5, 6);
	for (size_t i = 0; i < N * C; i++)
		x[i] = floorf(x[i]);
	int threads = omp_get_max_threads();
	for (int linkage = LINKAGE_WARD; linkage <= LINKAGE_SINGLE; linkage++) {
		struct hdbscan_join joins[2][N] = { 0 };
		for (int i = 0; i < 2; i++) {
			omp_set_num_threads(1 + 3 * i);
			agglomerative_join(
				(enum linkage)linkage, x, N, C, SPACE_EUCLIDEAN, NULL, joins[i]);
		}
		bool used[2 * N] = { false };
		for (size_t i = 0; i + 1 < N; i++) {
			struct hdbscan_join a = joins[0][i], b = joins[1][i];
			assert_true(a.left == b.left && a.right == b.right && a.size == b.size &&
				    a.distance == b.distance);
			assert_true(a.left < a.right && a.right < N + i && !used[a.left] &&
				    !used[a.right]);
			used[a.left] = used[a.right] = true;
			assert_true(i == 0 || a.distance >= joins[0][i - 1].distance);
		}
		assert_int_equal(joins[0][N - 2].size, N);
		assert_true(joins[0][0].distance == 0);
	}
	omp_set_num_threads(threads);
	mem_free(x);
}

static void memory_is_told_before_it_is_taken(void **state)
{
	(void)state;
	assert_int_equal(agglomerative_memory(LINKAGE_WARD, 1000000), 0);
	assert_int_equal(agglomerative_memory(LINKAGE_SINGLE, 1000000), 0);
	assert_int_equal(agglomerative_memory(LINKAGE_AVERAGE, 10000), 8ull * 49995000);
	assert_int_equal(agglomerative_memory(LINKAGE_COMPLETE, 10001), 8ull * 50005000);
	assert_int_equal(agglomerative_memory(LINKAGE_COMPLETE, 1), 0);
	assert_int_equal(agglomerative_memory(LINKAGE_COMPLETE, SIZE_MAX), SIZE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joins_and_labels_are_those_of_scipy_and_scikit_learn),
		cmocka_unit_test(the_extremes_of_a_cut),
		cmocka_unit_test(
			any_linkage_makes_one_tree_of_rising_distances_at_any_number_of_threads),
		cmocka_unit_test(memory_is_told_before_it_is_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
