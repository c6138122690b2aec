#include "lib/learn/classifier.h"

#include <math.h>

#include "lib/base/math64.h"
#include "lib/learn/dot.h"
#include "lib/learn/temperature.h"

static const char *const methods[] = { "logistic", "centroid" };

/* --- Centres -------------------------------------------------------------------------------- */

/* x in double, of length 1; a vector of zeros stays. */
static void unit(const float *x, double *to, size_t c)
{
	for (size_t j = 0; j < c; j++)
		to[j] = (double)x[j];
	double length = sqrt(dot(to, to, c));
	for (size_t j = 0; j < c && length > 0; j++)
		to[j] /= length;
}

static int lengths_to_one(struct classifier *m, struct error *e)
{
	for (size_t k = 0; k < m->labels.n; k++) {
		double *center = m->center + k * m->c, length = sqrt(dot(center, center, m->c));
		if (!(length > 0))
			return error_set(e, ERROR_DATA,
				"the vectors of the label %.*s have no direction in common",
				(int)m->labels.text[k].size, m->labels.text[k].data);
		for (size_t j = 0; j < m->c; j++)
			center[j] /= length;
	}
	return 0;
}

int classifier_centroids(struct classifier *m, const struct logistic_data *data,
	struct arena *arena, struct error *e)
{
	size_t c = data->c;
	double *x = MEM_ARRAY(double, c);
	m->c = c;
	m->center = arena_zero(arena, size_mul(m->labels.n, c), sizeof *m->center);
	for (size_t i = 0; i < data->n; i++) {
		if (data->weight[i] == 0)
			continue;
		unit(data->blocks[i / LOGISTIC_BLOCK] + i % LOGISTIC_BLOCK * c, x, c);
		double *center = m->center + (size_t)data->label[i] * c;
		for (size_t j = 0; j < c; j++)
			center[j] += x[j];
	}
	mem_free(x);
	return lengths_to_one(m, e);
}

int classifier_from_descriptions(
	struct classifier *m, const float *x, struct arena *arena, struct error *e)
{
	m->center = ARENA_ARRAY(arena, double, size_mul(m->labels.n, m->c));
	for (size_t k = 0; k < m->labels.n; k++)
		unit(x + k * m->c, m->center + k * m->c, m->c);
	return lengths_to_one(m, e);
}

static void cosines(const struct classifier *m, const float *x, size_t n, double *scores)
{
	size_t k = m->labels.n, c = m->c;
#pragma omp parallel
	{
		double *row = MEM_ARRAY(double, c);
#pragma omp for schedule(static)
		for (size_t i = 0; i < n; i++) {
			unit(x + i * c, row, c);
			for (size_t l = 0; l < k; l++)
				scores[i * k + l] = dot(row, m->center + l * c, c);
		}
		mem_free(row);
	}
}

/* --- Scores --------------------------------------------------------------------------------- */

void classifier_logits(
	const struct classifier *m, struct device *device, const float *x, size_t n, double *logits)
{
	if (m->method == CLASSIFIER_CENTROID) {
		cosines(m, x, n, logits);
		return;
	}
	logistic_predict(&m->logistic, device, x, n, logits);
	for (size_t i = 0; i < n * m->labels.n; i++)
		logits[i] = math_log64(fmax(logits[i], 0x1p-1022));
}

void classifier_scores(
	const struct classifier *m, struct device *device, const float *x, size_t n, double *scores)
{
	if (m->method == CLASSIFIER_LOGISTIC && m->temperature == 1) {
		logistic_predict(&m->logistic, device, x, n, scores);
		return;
	}
	classifier_logits(m, device, x, n, scores);
	for (size_t i = 0; i < n && m->temperature > 0; i++)
		temperature_softmax(scores + i * m->labels.n, m->labels.n, m->temperature);
}

/* --- Files ---------------------------------------------------------------------------------- */

static int broken(const struct tensor_file *f, const char *what, struct error *e)
{
	return error_set(e, ERROR_MODEL, "%s: %s", tensor_file_path(f), what);
}

/* A whole F64 tensor of these dimensions (columns 0: any, set), finite, in the arena. */
static double *tensor(const struct tensor_file *f, const char *name, size_t rows, size_t *columns,
	struct arena *arena, struct error *e)
{
	const struct file_tensor *t = tensor_file_find(f, name);
	size_t dims = columns ? 2 : 1;
	if (!t || t->n_dims != dims || t->shape[0] != rows || (columns && !t->shape[1])) {
		error_set(e, ERROR_MODEL, "%s: the tensor %s is missing or not as the labels say",
			tensor_file_path(f), name);
		return NULL;
	}
	const double *x = tensor_file_bytes(f, name, FILE_F64, dims, t->shape, arena, e);
	double *copy = x ? ARENA_ARRAY(arena, double, t->count) : NULL;
	for (size_t i = 0; copy && i < t->count; i++) {
		copy[i] = x[i];
		if (!isfinite(x[i])) {
			broken(f, "a coefficient is not finite", e);
			return NULL;
		}
	}
	if (columns)
		*columns = t->shape[1];
	return copy;
}

static int load_logistic(
	struct classifier *m, const struct tensor_file *f, struct arena *arena, struct error *e)
{
	size_t k = m->labels.n == 2 ? 1 : m->labels.n;
	double *w = tensor(f, "coefficient", k, &m->c, arena, e);
	double *b = w ? tensor(f, "intercept", k, NULL, arena, e) : NULL;
	if (!b)
		return -1;
	m->logistic = (struct logistic){ .n_classes = m->labels.n,
		.n_outputs = k,
		.c = m->c,
		.w = ARENA_ARRAY(arena, double, size_mul(k, m->c + 1)) };
	for (size_t i = 0; i < k; i++) {
		memcpy(m->logistic.w + i * (m->c + 1), w + i * m->c, m->c * sizeof *w);
		m->logistic.w[i * (m->c + 1) + m->c] = b[i];
	}
	return 0;
}

int classifier_load(
	struct classifier *m, const struct tensor_file *f, struct arena *arena, struct error *e)
{
	*m = (struct classifier){ 0 };
	struct slice kind = tensor_file_metadata(f, "heddle", arena);
	if (!kind.data || !slice_equal(kind, SLICE("classifier 1")))
		return broken(f, "no classifier saved by classify --save", e);
	struct slice text = tensor_file_metadata(f, "parameters", arena);
	struct json root;
	if (!text.data || json_read(text, &root, NULL))
		return broken(f, "the parameters are missing or no JSON", e);
	struct json method = json_get(root, "method"), model = json_get(root, "model");
	struct json temperature = json_get(root, "temperature");
	bool logistic = method.type == JSON_STRING && json_text_is(method, methods[0]);
	if (!logistic && !(method.type == JSON_STRING && json_text_is(method, methods[1])))
		return broken(f, "the method is missing or not known", e);
	m->method = logistic ? CLASSIFIER_LOGISTIC : CLASSIFIER_CENTROID;
	m->temperature = temperature.type == JSON_NUMBER ? json_double(temperature) : -1;
	if (!(m->temperature >= (logistic ? 0x1p-1000 : 0)))
		return broken(f, "the temperature is missing or not positive", e);
	if (classes_read(json_get(root, "labels"), &m->labels, arena, e))
		return error_wrap(e, "%s", tensor_file_path(f));
	if (logistic && m->labels.n < 2)
		return broken(f, "there is only one label", e);
	if (model.type == JSON_STRING)
		m->model = json_text(model, arena);
	if (logistic)
		return load_logistic(m, f, arena, e);
	m->center = tensor(f, "center", m->labels.n, &m->c, arena, e);
	return m->center ? 0 : -1;
}

int classifier_save(const struct classifier *m, const char *path, struct error *e)
{
	struct tensor_writer *w = tensor_writer_new();
	struct arena *arena = arena_new();
	struct buffer b = { NULL, 0, 0 };
	buffer_printf(&b, "{\"method\":\"%s\",\"labels\":", methods[m->method]);
	classes_write(&b, &m->labels);
	buffer_text(&b, ",\"temperature\":");
	json_write_double(&b, m->temperature);
	if (m->model.size) {
		buffer_text(&b, ",\"model\":");
		json_write_string(&b, m->model);
	}
	buffer_char(&b, '}');
	tensor_writer_metadata(w, "heddle", SLICE("classifier 1"));
	tensor_writer_metadata(w, "parameters", buffer_view(&b));
	size_t k = m->logistic.n_outputs, c = m->c;
	double *matrix = ARENA_ARRAY(arena, double, size_mul(k, c));
	double *intercept = ARENA_ARRAY(arena, double, k);
	for (size_t i = 0; i < k; i++) {
		memcpy(matrix + i * c, m->logistic.w + i * (c + 1), c * sizeof *matrix);
		intercept[i] = m->logistic.w[i * (c + 1) + c];
	}
	if (m->method == CLASSIFIER_LOGISTIC) {
		tensor_writer_add(w, "coefficient", FILE_F64, 2, (size_t[]){ k, c }, matrix);
		tensor_writer_add(w, "intercept", FILE_F64, 1, &k, intercept);
	} else {
		tensor_writer_add(
			w, "center", FILE_F64, 2, (size_t[]){ m->labels.n, c }, m->center);
	}
	int rc = tensor_writer_save(w, path, e);
	tensor_writer_free(w);
	buffer_free(&b);
	arena_free(arena);
	return rc;
}
