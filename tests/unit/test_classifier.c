/*
 * Logistic regression: its operations against their definition on every path of this processor, the
 * minimiser on functions whose minimum is known, fits and folds against scikit-learn; labels,
 * temperatures, decisions, and saved classifiers that are broken.
 */
#include <omp.h>
#include <string.h>

#include "lib/base/math64.h"
#include "lib/learn/cholesky.h"
#include "lib/learn/decision.h"
#include "lib/learn/examples.h"
#include "lib/learn/lbfgs.h"
#include "lib/learn/temperature.h"
#include "tests/unit/cluster_golden.h"
#include "tests/unit/folder.h"

static struct device *device(const char *path)
{
	struct device *d = NULL;
	struct error e;
	if (path)
		setenv("HEDDLE_CPU", path, 1);
	const char *other = getenv("HEDDLE_TEST_DEVICE"); /* instead of the processor's */
	int rc = device_open(other ? other : "cpu", &d, &e);
	unsetenv("HEDDLE_CPU");
	assert_true(rc == 0 || e.code == ERROR_UNAVAILABLE);
	return d;
}

/* --- The operations ------------------------------------------------------------------------- */

struct shape {
	size_t n, c, k;
	bool reference;
};

static const struct shape shapes[] = { { 1, 1, 1, true }, { 3, 2, 2, false }, { 65, 7, 3, false },
	{ 64, 24, 8, true }, { 130, 31, 25, false }, { 1025, 3, 9, false }, { 2100, 5, 1, true },
	{ 0, 4, 3, false }, { 70, 50, 49, false } };

struct pass {
	double *p, *gradient, loss;
};

/* What ops_logistic.h says, plainly. */
static void define(const struct logistic_pass *a, const float *x, const struct shape *s,
	const int32_t *label, const double *weight, struct pass *out)
{
	size_t m = s->k + s->reference, c = s->c, size = s->k * (c + 1);
	double z[64], *g = mem_zero(size, sizeof *g), l = 0;
	for (size_t i = 0; i < s->n; i++) {
		const float *row = x + i * c;
		double top, sum = 0;
		z[0] = 0;
		for (size_t k = 0; k < s->k; k++) {
			double t = 0;
			for (size_t j = 0; j <= c; j++)
				t = fma(j < c ? (double)row[j] : 1, a->w[k * (c + 1) + j], t);
			z[k + s->reference] = t;
		}
		top = z[0];
		for (size_t k = 1; k < m; k++)
			top = z[k] > top ? z[k] : top;
		for (size_t k = 0; k < m; k++)
			sum += math_exp64(z[k] - top);
		for (size_t k = 0; k < m; k++)
			out->p[i * m + k] = math_exp64(z[k] - top) / sum;
		size_t y = (size_t)label[i];
		l += weight[i] * (math_log64(sum) - (z[y] - top));
		for (size_t k = 0; k < s->k; k++) {
			double p = out->p[i * m + k + s->reference];
			double r = weight[i] * (k + s->reference == y ? p - 1 : p);
			for (size_t j = 0; j <= c; j++)
				g[k * (c + 1) + j] =
					fma(r, j < c ? (double)row[j] : 1, g[k * (c + 1) + j]);
		}
		if (i % LOGISTIC_ROWS == LOGISTIC_ROWS - 1 || i + 1 == s->n) {
			out->loss += l;
			for (size_t j = 0; j < size; j++)
				out->gradient[j] += g[j];
			memset(g, 0, size * sizeof *g);
			l = 0;
		}
	}
	mem_free(g);
}

static void check_shape(struct device *d, const struct shape *s)
{
	struct arena *arena = arena_new();
	size_t m = s->k + s->reference, size = s->k * (s->c + 1);
	float *x = ARENA_ARRAY(arena, float, s->n * s->c + 1);
	double *w = ARENA_ARRAY(arena, double, size), *weight = ARENA_ARRAY(arena, double, s->n);
	int32_t *label = ARENA_ARRAY(arena, int32_t, s->n);
	for (size_t i = 0; i < s->n * s->c; i++)
		x[i] = random_float(random_bits(1, 1, i)) * 4 - 2;
	for (size_t i = 0; i < size; i++)
		w[i] = random_double(random_bits(1, 2, i)) * 3 - 1;
	for (size_t i = 0; i < s->n; i++) {
		weight[i] = i % 5 == 4 ? 0 : random_double(random_bits(1, 3, i));
		label[i] = (int32_t)random_below(random_bits(1, 4, i), (uint32_t)m);
	}
	struct pass want, got;
	for (struct pass *p = &want;; p = &got) {
		*p = (struct pass){ ARENA_ARRAY(arena, double, s->n *m),
			ARENA_ARRAY(arena, double, size), 0.5 };
		for (size_t i = 0; i < size; i++)
			p->gradient[i] = (double)i;
		if (p == &got)
			break;
	}
	struct logistic_pass pass = { tensor_matrix(d, F32, s->n, s->c), w, s->k, s->reference };
	tensor_write(d, pass.x, x);
	define(&pass, x, s, label, weight, &want);
	op_logistic_predict(d, &pass, got.p);
	op_logistic_gradient(d, &pass, label, weight, &got.loss, got.gradient);
	assert_memory_equal(got.p, want.p, s->n * m * sizeof *got.p);
	assert_memory_equal(&got.loss, &want.loss, sizeof got.loss);
	assert_memory_equal(got.gradient, want.gradient, size * sizeof *got.gradient);
	arena_free(arena);
}

static void a_pass_has_the_bits_of_its_definition(void **state)
{
	static const char *const paths[] = { "portable", "avx2", "avx512" };
	(void)state;
	for (size_t p = 0; p < 3; p++) {
		struct device *d = device(paths[p]);
		for (size_t s = 0; d && s < sizeof shapes / sizeof *shapes; s++)
			for (int threads = 1; threads <= 3; threads += 2) {
				omp_set_num_threads(threads);
				check_shape(d, &shapes[s]);
			}
		device_free(d);
	}
}

/* --- The minimiser -------------------------------------------------------------------------- */

/* A function that was asked so often, and how steep it was last. */
struct asked {
	size_t calls;
	double steep;
};

static bool level(void *context)
{
	return ((struct asked *)context)->steep <= 1e-9;
}

static double rosenbrock(void *context, const double *x, double *g)
{
	struct asked *asked = context;
	double a = 1 - x[0], b = x[1] - x[0] * x[0];
	g[0] = -2 * a - 400 * x[0] * b;
	g[1] = 200 * b;
	asked->calls++;
	asked->steep = hypot(g[0], g[1]);
	return a * a + 100 * b * b;
}

/* sum of 10^(i / 16) (x_i - i)², condition 10^6 */
static double valley(void *context, const double *x, double *g)
{
	struct asked *asked = context;
	double sum = 0;
	asked->calls++;
	asked->steep = 0;
	for (size_t i = 0; i < 96; i++) {
		double s = pow(10, (double)i / 16), d = x[i] - (double)i;
		g[i] = 2 * s * d;
		sum += s * d * d;
		asked->steep = fmax(asked->steep, fabs(g[i]) / 500);
	}
	return sum;
}

static double flat(void *context, const double *x, double *g)
{
	(void)x;
	((struct asked *)context)->steep = g[0] = 0;
	return 3;
}

static void the_minimum_is_found(void **state)
{
	struct asked calls = { 0, 0 };
	double x[96] = { -1.2, 1 };
	struct lbfgs_options o = { level, 10000 };
	(void)state;
	struct lbfgs_result r = lbfgs(rosenbrock, &calls, x, 2, &o);
	assert_true(r.converged && fabs(x[0] - 1) < 1e-8 && fabs(x[1] - 1) < 1e-8);
	assert_int_equal(calls.calls, r.evaluations);
	assert_in_range(r.iterations, 10, 100);
	memset(x, 0, sizeof x);
	r = lbfgs(valley, &calls, x, 96, &o);
	assert_true(r.converged);
	for (size_t i = 0; i < 96; i++)
		assert_true(fabs(x[i] - (double)i) < 1e-6);
	r = lbfgs(flat, &calls, x, 1, &o);
	assert_true(r.converged && r.iterations == 0 && r.value == 3);
	x[0] = -1.2, x[1] = 1, o.max_iterations = 3;
	r = lbfgs(rosenbrock, &calls, x, 2, &o);
	assert_true(!r.converged && r.iterations == 3);
}

static void a_matrix_is_its_cholesky_factors_product(void **state)
{
	/* L L' of L = 2; 1 3; -1 2 0.5, rows 4 apart; above the diagonal nothing is read */
	double a[] = { 4, NAN, NAN, 9, 2, 10, NAN, 9, -2, 5, 5.25, 9 };
	double x[] = { 2, 7, 1.5, 4, 5, 4.5 };
	struct cholesky c = { 3, 4, a };
	(void)state;
	assert_true(cholesky(&c));
	assert_true(a[0] == 2 && a[4] == 1 && a[5] == 3 && a[8] == -1 && a[9] == 2 && a[10] == 0.5);
	cholesky_forward(&c, x, 2);
	assert_true(x[0] == 1 && x[1] == 2 && x[2] == -3);
	assert_true(x[3] == 2 && x[4] == 1 && x[5] == 9);
	cholesky_backward(&c, x, 1);
	assert_true(x[2] == -6 && x[1] == 14.0 / 3 && fabs(x[0] + 29.0 / 6) < 1e-15);
	/* a third column that is the sum of the others */
	double singular[] = { 1, 0, 0, 0, 1, 0, 1, 1, 2 };
	assert_false(cholesky(&(struct cholesky){ 3, 3, singular }));
	double infinite[] = { INFINITY };
	assert_false(cholesky(&(struct cholesky){ 1, 1, infinite }));
}

/* --- scikit-learn --------------------------------------------------------------------------- */

static struct examples *examples_of(struct json c, size_t *k, struct arena *arena)
{
	size_t n, total;
	struct error e;
	double *y = golden_numbers(json_get(c, "y"), arena, &n);
	golden_numbers(json_get(c, "x"), arena, &total);
	float *x = golden_floats(json_get(c, "x"), arena);
	struct examples *all = examples_new(NULL);
	for (size_t i = 0; i < n; i++) {
		char label[16];
		snprintf(label, sizeof label, "%d", (int)y[i]);
		assert_int_equal(
			examples_add(all, x + i * (total / n), total / n, slice_from(label), &e),
			0);
	}
	examples_end(all);
	*k = all->labels.n;
	return all;
}

static void check_fit(struct json c, struct device *d)
{
	struct arena *arena = arena_new();
	const char *name = golden_name(c, arena);
	size_t k;
	struct examples *x = examples_of(c, &k, arena);
	double *of = golden_numbers(json_get(c, "weights"), arena, NULL);
	struct classifier_options o = { .method = CLASSIFIER_LOGISTIC,
		.logistic = { golden_number(c, "c", 1), golden_number(c, "standardize", 0) == 1,
			10000 },
		.weights = { golden_number(c, "balanced", 0) == 1,
			json_count(json_get(c, "weights")) ? of : NULL } };
	struct classifier m;
	struct error e;
	assert_int_equal(examples_fit(x, &o, NULL, 0, d, &m, arena, &e), 0);
	assert_true(m.logistic.converged);
	double *coef = golden_numbers(json_get(c, "coef"), arena, NULL);
	double *intercept = golden_numbers(json_get(c, "intercept"), arena, NULL);
	double *proba = golden_numbers(json_get(c, "proba"), arena, NULL);
	double *fold = golden_numbers(json_get(c, "fold"), arena, NULL);
	for (size_t i = 0; i < m.logistic.n_outputs; i++) {
		for (size_t j = 0; j < m.c; j++)
			check_near("coefficient", name, i * m.c + j,
				m.logistic.w[i * (m.c + 1) + j], coef[i * m.c + j], 1e-4);
		check_near("intercept", name, i, m.logistic.w[i * (m.c + 1) + m.c], intercept[i],
			2e-4);
	}
	double *scores = ARENA_ARRAY(arena, double, x->n *k);
	classifier_scores(&m, d, x->blocks[0], x->n, scores);
	for (size_t i = 0; i < x->n * k; i++)
		check_near("probability", name, i, scores[i], proba[i], 2e-5);
	int32_t *got = ARENA_ARRAY(arena, int32_t, x->n);
	assert_int_equal(examples_folds(x, 3, got, &e), 0);
	for (size_t i = 0; i < x->n; i++)
		check_near("fold", name, i, got[i], fold[i], 0);
	examples_free(x);
	arena_free(arena);
}

static void fits_and_folds_are_scikit_learns(void **state)
{
	struct buffer text = { 0 };
	struct device *d = device(NULL);
	(void)state;
	struct json root = golden_open("../classify/logistic.json", &text);
	size_t n = 0;
	for (struct json_iterator i = json_iterate(json_get(root, "cases")); json_each(&i); n++)
		check_fit(i.value, d);
	assert_int_equal(n, 8);
	buffer_free(&text);
	device_free(d);
}

/* Rows over several blocks of LOGISTIC_BLOCK give the minimum too: the gradient there is small. */
static void many_rows_and_left_out_rows(void **state)
{
	struct arena *arena = arena_new();
	struct device *d = device(NULL);
	struct examples *x = examples_new(NULL);
	struct error e;
	struct classifier a, b;
	(void)state;
	for (size_t i = 0; i < LOGISTIC_BLOCK + 2000; i++) {
		float row[2] = { random_float(random_bits(1, 1, i)) - 0.5f,
			random_float(random_bits(1, 2, i)) };
		bool yes = (double)row[0] + 0.3 * random_double(random_bits(1, 3, i)) > 0.1;
		assert_int_equal(
			examples_add(x, row, 2, yes ? SLICE("true") : SLICE("false"), &e), 0);
	}
	examples_end(x);
	struct classifier_options o = { .logistic = { 1, false, 1000 } };
	assert_int_equal(examples_fit(x, &o, NULL, 0, d, &a, arena, &e), 0);
	double loss = 0, g[3] = { a.logistic.w[0], a.logistic.w[1], 0 };
	for (size_t i = 0; i < x->n; i++) {
		const float *r = x->blocks[i / LOGISTIC_BLOCK] + i % LOGISTIC_BLOCK * 2;
		const double *w = a.logistic.w;
		double p = 1 / (1 + exp(-((double)r[0] * w[0] + (double)r[1] * w[1] + w[2])));
		double residual = p - x->label[i];
		loss -= log(x->label[i] ? p : 1 - p);
		g[0] += residual * (double)r[0], g[1] += residual * (double)r[1], g[2] += residual;
	}
	assert_true(loss > 0 && fabs(g[0]) + fabs(g[1]) + fabs(g[2]) < 1e-3);
	/* leaving rows out is fitting without them */
	int32_t *fold = arena_zero(arena, x->n, sizeof *fold);
	struct examples *half = examples_new(NULL);
	for (size_t i = 0; i < 3000; i++) {
		fold[i] = 1;
		assert_int_equal(examples_add(half, x->blocks[0] + i * 2, 2,
					 x->labels.json[x->label[i]], &e),
			0);
	}
	examples_end(half);
	assert_int_equal(examples_fit(x, &o, fold, 0, d, &a, arena, &e), 0);
	assert_int_equal(examples_fit(half, &o, NULL, 0, d, &b, arena, &e), 0);
	for (size_t j = 0; j < 3; j++)
		check_near("w", "left out", j, a.logistic.w[j], b.logistic.w[j], 1e-4);
	examples_free(x);
	examples_free(half);
	device_free(d);
	arena_free(arena);
}

/* --- Labels --------------------------------------------------------------------------------- */

static void labels_are_sorted_by_their_kind(void **state)
{
	static const char *const rows[][5] = { { "\"b\"", "\"a\\u0062\"", "\"B\"", "\"\"", NULL },
		{ "10", "9", "1.0", "-2.5e0", NULL }, { "true", "false", NULL } };
	static const char *const want[] = { "[\"\",\"B\",\"ab\",\"b\"]", "[-2.5,1,9,10]",
		"[false,true]" };
	(void)state;
	for (size_t r = 0; r < 3; r++) {
		struct class_set set = { 0 };
		struct classes labels, again;
		struct error e;
		struct arena *arena = arena_new();
		struct buffer b = { 0 };
		int32_t id[8];
		size_t n = 0;
		for (; rows[r][n]; n++)
			assert_int_equal(
				class_set_add(&set, slice_from(rows[r][n]), &id[n], &e), 0);
		class_set_sort(&set, &labels, id, n, arena);
		classes_write(&b, &labels);
		assert_int_equal(b.size, strlen(want[r]));
		assert_memory_equal(b.data, want[r], b.size);
		for (size_t i = 0; i < n; i++)
			assert_in_range(id[i], 0, n - 1);
		struct json root;
		assert_int_equal(json_read(buffer_view(&b), &root, &e), 0);
		assert_int_equal(classes_read(root, &again, arena, &e), 0);
		assert_int_equal(again.n, n);
		buffer_free(&b);
		class_set_free(&set);
		arena_free(arena);
	}
}

static void labels_of_two_types_and_other_values_are_refused(void **state)
{
	static const char *const bad[] = { "1", "null", "[1]", "{}", "true" };
	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct class_set set = { 0 };
		struct error e = { 0 };
		int32_t id;
		assert_int_equal(class_set_add(&set, SLICE("\"1\""), &id, &e), 0);
		assert_int_equal(class_set_add(&set, slice_from(bad[i]), &id, &e), -1);
		assert_int_equal(e.code, ERROR_DATA);
		assert_int_equal(class_set_find(&set, slice_from(bad[i]), &id, &e), -1);
		class_set_free(&set);
	}
}

/* --- Decisions and temperatures ------------------------------------------------------------- */

static void decisions(void **state)
{
	static struct slice text[] = { { "a", 1 }, { "b", 1 }, { "c", 1 } };
	static struct slice json[] = { { "\"a\"", 3 }, { "\"b\"", 3 }, { "\"c\"", 3 } };
	static struct slice only[] = { { "c", 1 }, { "a", 1 } }, map[] = { { "c=see", 5 } };
	static const double scores[] = { 0.2, 0.5, 0.3 }, tied[] = { 0.4, 0.4, 0.2 };
	const struct classes labels = { 3, text, json };
	static const struct {
		struct decision_options o;
		const double *scores;
		bool shares;
		const char *want;
	} rows[] = {
		{ { .reject_below = -1 }, scores, true, "\"b\" 0.5" },
		{ { .reject_below = -1 }, tied, true, "\"a\" 0.4" },
		{ { .reject_below = 0.6 }, scores, true, "null 0.5" },
		{ { .only = only, .n_only = 2 }, scores, true, "\"c\" 0.6" },
		{ { .only = only, .n_only = 2, .map = map, .n_map = 1, .all = true }, scores, false,
			"\"see\" 0.3 {\"see\":0.3,\"a\":0.2}" },
		{ { .top_k = 2, .margin = true }, scores, true,
			"\"b\" 0.5 0.2 [{\"label\":\"b\",\"score\":0.5},"
			"{\"label\":\"c\",\"score\":0.3}]" },
		{ { .several = true, .threshold = 0.3 }, scores, false, "[\"b\",\"c\"] [0.5,0.3]" },
		{ { .several = true, .threshold = 2 }, scores, false, "[] []" },
	};
	(void)state;
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		struct arena *arena = arena_new();
		struct decision d;
		struct error e;
		struct buffer b = { 0 }, line = { 0 };
		size_t end[DECISION_VALUES], from = 0;
		assert_int_equal(
			decision_new(&d, &rows[r].o, &labels, rows[r].shares, arena, &e), 0);
		size_t n = decision_make(&d, rows[r].scores, &b, end, arena);
		for (size_t i = 0; i < n; from = end[i++]) {
			buffer_text(&line, i ? " " : "");
			buffer_add(&line, b.data + from, end[i] - from);
		}
		buffer_char(&line, 0);
		assert_string_equal(line.data, rows[r].want);
		buffer_free(&b);
		buffer_free(&line);
		arena_free(arena);
	}
}

static void a_temperature_undoes_a_scale(void **state)
{
	enum { N = 4000, M = 3 };
	double *z = MEM_ARRAY(double, N *M);
	int32_t label[N];
	(void)state;
	/* labels drawn from the softmax of z; then z is tripled */
	for (size_t i = 0; i < N; i++) {
		double p[M], u = random_double(random_bits(5, 9, i));
		for (size_t k = 0; k < M; k++)
			p[k] = z[i * M + k] = 4 * random_double(random_bits(5, k, i));
		temperature_softmax(p, M, 1);
		label[i] = u < p[0] ? 0 : u < p[0] + p[1] ? 1 : 2;
		for (size_t k = 0; k < M; k++)
			z[i * M + k] *= 3;
	}
	double t = temperature_fit(z, label, N, M);
	assert_true(t > 2.7 && t < 3.3);
	assert_true(
		temperature_loss(z, label, N, M, t) < temperature_loss(z, label, N, M, t * 1.01));
	assert_true(
		temperature_loss(z, label, N, M, t) < temperature_loss(z, label, N, M, t / 1.01));
	mem_free(z);
}

/* --- Files ---------------------------------------------------------------------------------- */

static void broken_classifiers_are_refused(void **state)
{
	static const struct {
		const char *parameters;
		size_t rows, columns;
		double value;
		const char *message;
	} bad[] = {
		{ NULL, 1, 2, 0, "no classifier saved by classify --save" },
		{ "", 1, 2, 0, "the parameters are missing or no JSON" },
		{ "{\"labels\":[0,1],\"temperature\":1}", 1, 2, 0, "the method is missing" },
		{ "{\"method\":\"tree\",\"labels\":[0,1],\"temperature\":1}", 1, 2, 0,
			"not known" },
		{ "{\"method\":\"logistic\",\"labels\":[0,1]}", 1, 2, 0, "the temperature" },
		{ "{\"method\":\"logistic\",\"labels\":[0,1],\"temperature\":0}", 1, 2, 0,
			"the temperature" },
		{ "{\"method\":\"logistic\",\"labels\":[],\"temperature\":1}", 1, 2, 0,
			"no labels" },
		{ "{\"method\":\"logistic\",\"labels\":[3],\"temperature\":1}", 1, 2, 0,
			"only one label" },
		{ "{\"method\":\"logistic\",\"labels\":[0,0],\"temperature\":1}", 1, 2, 0,
			"twice" },
		{ "{\"method\":\"logistic\",\"labels\":[0,\"a\"],\"temperature\":1}", 1, 2, 0,
			"those before are numbers" },
		{ "{\"method\":\"logistic\",\"labels\":[0,1],\"temperature\":1}", 2, 2, 0,
			"the tensor coefficient" },
		{ "{\"method\":\"logistic\",\"labels\":[0,1,2],\"temperature\":1}", 3, 2, 0,
			"the tensor intercept" },
		{ "{\"method\":\"logistic\",\"labels\":[0,1],\"temperature\":1}", 1, 2, NAN,
			"not finite" },
		{ "{\"method\":\"centroid\",\"labels\":[0,1],\"temperature\":0}", 1, 2, 0,
			"the tensor center" },
	};
	const char *path = "clf.safetensors";
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct tensor_writer *w = tensor_writer_new();
		struct arena *arena = arena_new();
		struct classifier m;
		struct error e = { 0 };
		double x[6] = { bad[i].value }, b[1] = { 0 };
		if (bad[i].parameters) {
			tensor_writer_metadata(w, "heddle", SLICE("classifier 1"));
			tensor_writer_metadata(w, "parameters", slice_from(bad[i].parameters));
		}
		size_t one = 1;
		tensor_writer_add(w, "coefficient", FILE_F64, 2,
			(size_t[]){ bad[i].rows, bad[i].columns }, x);
		tensor_writer_add(w, "intercept", FILE_F64, 1, &one, b);
		assert_int_equal(tensor_writer_save(w, path, &e), 0);
		struct tensor_file *file = tensor_file_open(path, &e);
		assert_non_null(file);
		assert_int_equal(classifier_load(&m, file, arena, &e), -1);
		assert_int_equal(e.code, ERROR_MODEL);
		if (!strstr(e.msg, bad[i].message))
			fail_msg("row %zu: %s", i, e.msg);
		tensor_file_close(file);
		tensor_writer_free(w);
		arena_free(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pass_has_the_bits_of_its_definition),
		cmocka_unit_test(the_minimum_is_found),
		cmocka_unit_test(a_matrix_is_its_cholesky_factors_product),
		cmocka_unit_test(fits_and_folds_are_scikit_learns),
		cmocka_unit_test(many_rows_and_left_out_rows),
		cmocka_unit_test(labels_are_sorted_by_their_kind),
		cmocka_unit_test(labels_of_two_types_and_other_values_are_refused),
		cmocka_unit_test(decisions),
		cmocka_unit_test(a_temperature_undoes_a_scale),
		cmocka_unit_test(broken_classifiers_are_refused),
	};
	return cmocka_run_group_tests(tests, enter, leave);
}
