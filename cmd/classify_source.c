/* classify_source.c: what gives records scores: vectors and a classifier, or a fine-tuned model. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "cmd/classify_private.h"
#include "lib/base/math64.h"
#include "lib/learn/temperature.h"

struct source source;

struct slice *source_slices(const struct strings *s)
{
	struct slice *all = ARENA_ARRAY(source.arena, struct slice, s->n);
	for (size_t i = 0; i < s->n; i++)
		all[i] = slice_from(s->at[i]);
	return all;
}

/* Classes whose labels are strings. */
static void set_classes(struct slice *text, size_t n)
{
	source.classes = (struct classes){ n, text, ARENA_ARRAY(source.arena, struct slice, n) };
	for (size_t i = 0; i < n; i++) {
		struct buffer json = { NULL, 0, 0 };
		json_write_string(&json, text[i]);
		source.classes.json[i] = arena_copy(source.arena, buffer_view(&json));
		buffer_free(&json);
		if (classes_find(&source.classes, text[i]) < i)
			command_usage("there are two labels %.*s", (int)text[i].size, text[i].data);
	}
}

/* Labels of --label, then the lines of --labels-file that are not empty. */
static void read_labels(void)
{
	struct error e;
	struct buffer texts = { NULL, 0, 0 };
	buffer_add(&texts, source_slices(&asked.labels), asked.labels.n * sizeof(struct slice));
	if (asked.labels_file) {
		struct reader_options o = {
			.files = &asked.labels_file, .n_files = 1, .format = FORMAT_TEXT
		};
		struct reader *r = reader_open(&o, &e);
		struct record line;
		int rc = r ? 1 : -1;
		size_t want = r ? reader_want(r, "text") : 0;
		while (rc > 0 && (rc = reader_next(r, source.arena, &line, NULL, &e)) > 0)
			if (line.values[want].field.size)
				buffer_add(&texts, &line.values[want].field, sizeof(struct slice));
		if (rc < 0)
			command_fail(&e);
		reader_close(r);
	}
	size_t n = texts.size / sizeof(struct slice);
	struct slice *all = ARENA_ARRAY(source.arena, struct slice, n);
	if (n == 0)
		command_stop(ERROR_DATA, "%s: there is no label", asked.labels_file);
	memcpy(all, texts.data, texts.size);
	buffer_free(&texts);
	for (size_t i = 0; i < n; i++)
		if (all[i].size == 0)
			command_usage("--label '' says nothing: a label is described in words");
	set_classes(all, n);
}

/* --- By vectors ----------------------------------------------------------------------------- */

static void open_embedder(void)
{
	struct error e;
	struct embedder_options o = {
		.max_length = asked.max_length, .device = run.device, .dtype = (enum dtype)run.dtype
	};
	source.embedder =
		embedder_open(asked.model ? asked.model : command_data(EMBEDDER_BUILTIN), &o, &e);
	if (!source.embedder)
		command_fail(&e);
	source.window.text_key = run.text_key;
	source.window.size = embedder_size(source.embedder);
	source.window.vectors = MEM_ARRAY(float, size_mul(WINDOW_RECORDS, source.window.size));
}

static void load(void)
{
	struct error e;
	struct classifier *m = &source.classifier;
	struct tensor_file *f = tensor_file_open(asked.load, &e);
	if (!f || classifier_load(m, f, source.arena, &e))
		command_fail(&e);
	tensor_file_close(f);
	if (source.embedder && source.window.size != m->c)
		command_stop(ERROR_DATA,
			"%s is of vectors of %zu number%s, the model gives %zu: it was fitted with "
			"%.*s",
			asked.load, m->c, plural(m->c), source.window.size,
			m->model.size ? (int)m->model.size : 13,
			m->model.size ? m->model.data : "another model");
	source.window.size = m->c;
	source.classes = m->labels;
}

/* A classifier of the labels' own vectors. */
static void describe(void)
{
	struct error e;
	struct classifier *m = &source.classifier;
	read_labels();
	*m = (struct classifier){ .method = CLASSIFIER_CENTROID,
		.c = source.window.size,
		.labels = source.classes,
		.model = asked.model ? slice_from(asked.model) : SLICE("") };
	float *x = ARENA_ARRAY(source.arena, float, size_mul(m->labels.n, m->c));
	if (embedder_run(source.embedder, m->labels.text, m->labels.n, x, &e)) {
		size_t at = embedder_failed(source.embedder);
		if (at < m->labels.n)
			error_wrap(&e, "the label %.*s", (int)m->labels.text[at].size,
				m->labels.text[at].data);
		command_fail(&e);
	}
	if (classifier_from_descriptions(m, x, source.arena, &e))
		command_fail(&e);
}

/* --- By a fine-tuned model ------------------------------------------------------------------ */

static size_t entailment, contradiction; /* among the model's labels */

static void open_labeller(void)
{
	struct error e;
	struct labeller_options o = { .max_length = asked.max_length,
		.device = run.device,
		.dtype = (enum dtype)run.dtype,
		.truncation = asked.hypothesis ? TRUNCATE_ONLY_FIRST : TRUNCATE_LONGEST_FIRST };
	source.labeller = labeller_open(asked.model, LABELLER_SEQUENCE, &o, &e);
	if (!source.labeller)
		command_fail(&e);
	const struct head *head = labeller_head(source.labeller);
	source.window.text_key = run.text_key;
	source.window.pair_key = asked.pair_key;
	if (source.scorer == BY_MODEL) {
		set_classes(head->labels, head->n_labels);
		source.shares = head->scores == HEAD_SOFTMAX && !asked.wanted.several;
		return;
	}
	read_labels();
	source.shares = !asked.wanted.several && source.classes.n > 1;
	while (entailment < head->n_labels &&
		(head->labels[entailment].size < 6 ||
			strncasecmp(head->labels[entailment].data, "entail", 6) != 0))
		entailment++;
	if (entailment == head->n_labels || head->n_labels < 2)
		command_stop(ERROR_MODEL,
			"%s has no label that begins with \"entail\": --hypothesis-template needs "
			"a "
			"model of natural language inference",
			asked.model);
	contradiction = entailment == 0 ? head->n_labels - 1 : 0;
}

/* The logits of every text with every hypothesis, [n labels, n_labels of the model]. */
static float *entail(void)
{
	struct error e;
	const struct window *w = &source.window;
	size_t k = source.classes.n, n = w->n * k;
	const char *mark = strstr(asked.hypothesis, "{}");
	struct slice *texts = ARENA_ARRAY(w->arena, struct slice, n);
	struct slice *pairs = ARENA_ARRAY(w->arena, struct slice, n);
	float *z = ARENA_ARRAY(w->arena, float, n *labeller_head(source.labeller)->n_labels);
	for (size_t l = 0; l < k; l++) {
		struct buffer b = { NULL, 0, 0 };
		buffer_add(&b, asked.hypothesis, (size_t)(mark - asked.hypothesis));
		buffer_slice(&b, source.classes.text[l]);
		buffer_text(&b, mark + 2);
		struct slice hypothesis = arena_copy(w->arena, buffer_view(&b));
		buffer_free(&b);
		for (size_t i = 0; i < w->n; i++) {
			texts[i * k + l] = w->texts[i];
			pairs[i * k + l] = hypothesis;
		}
	}
	if (labeller_run(source.labeller, texts, pairs, n, z, &e))
		window_fail(w, labeller_failed(source.labeller) / k, &e);
	return z;
}

static void model_logits(double *logits)
{
	struct error e;
	const struct window *w = &source.window;
	size_t k = source.classes.n, m = labeller_head(source.labeller)->n_labels;
	if (source.scorer == BY_ENTAILMENT) {
		const float *z = entail();
		for (size_t i = 0; i < w->n * k; i++)
			logits[i] = source.shares ? (double)z[i * m + entailment]
						  : (double)z[i * m + entailment] -
							    (double)z[i * m + contradiction];
		return;
	}
	float *z = ARENA_ARRAY(w->arena, float, w->n *k);
	if (labeller_run(source.labeller, w->texts, w->pair_key ? w->pairs : NULL, w->n, z, &e))
		window_fail(w, labeller_failed(source.labeller), &e);
	for (size_t i = 0; i < w->n * k; i++)
		logits[i] = (double)z[i];
}

/* Softmax over the labels, or each by itself: two logits' softmax is the sigmoid of their
 * difference. */
static void model_scores(double *scores)
{
	size_t k = source.classes.n, n = source.window.n;
	double t = asked.temperature > 0 ? asked.temperature : 1;
	bool raw = source.scorer == BY_MODEL && !asked.wanted.several &&
		   labeller_head(source.labeller)->scores == HEAD_LOGITS;
	model_logits(scores);
	for (size_t i = 0; i < n && source.shares; i++)
		temperature_softmax(scores + i * k, k, t);
	for (size_t i = 0; i < n * k && !source.shares && !raw; i++)
		scores[i] = 1 / (1 + math_exp64(-scores[i] / t));
}

/* --- Public --------------------------------------------------------------------------------- */

void source_open(void)
{
	struct error e;
	bool described = asked.labels.n || asked.labels_file;
	source.arena = arena_new();
	if (device_open(run.device, &source.device, &e))
		command_fail(&e);
	source.window.label_key = asked.fit || asked.calibrate ? asked.label_key : NULL;
	source.window.template = asked.template;
	source.scorer = asked.hypothesis                       ? BY_ENTAILMENT
			: asked.fit || asked.load || described ? BY_VECTORS
							       : BY_MODEL;
	if (source.scorer != BY_VECTORS)
		open_labeller();
	else if (asked.model || described)
		open_embedder();
	else
		source.window.vector_key = run.input_key;
	if (asked.load)
		load();
	else if (source.scorer == BY_VECTORS && described)
		describe();
	if (source.scorer == BY_VECTORS && asked.temperature > 0)
		source.classifier.temperature = asked.temperature;
	if (source.scorer == BY_VECTORS)
		source.shares = source.classifier.temperature > 0;
	window_open(&source.window);
}

void source_close(void)
{
	if (source.labeller) {
		command_count("tokens", (double)labeller_tokens(source.labeller));
		command_count("truncated", (double)labeller_truncated(source.labeller));
	}
	window_close(&source.window);
	embedder_free(source.embedder);
	labeller_free(source.labeller);
	device_free(source.device);
	arena_free(source.arena);
}

bool source_next(void)
{
	struct error e;
	struct window *w = &source.window;
	if (!window_read(w))
		return false;
	if (source.embedder && embedder_run(source.embedder, w->texts, w->n, w->vectors, &e))
		window_fail(w, embedder_failed(source.embedder), &e);
	return true;
}

/* What the device computed, or its failure. */
static void wait_for_device(void)
{
	struct error e;
	if (device_sync(source.device, &e))
		command_fail(&e);
}

void source_scores(double *scores)
{
	const struct window *w = &source.window;
	if (source.scorer == BY_VECTORS)
		classifier_scores(&source.classifier, source.device, w->vectors, w->n, scores);
	else
		model_scores(scores);
	wait_for_device();
}

void source_logits(double *logits)
{
	const struct window *w = &source.window;
	if (source.scorer == BY_VECTORS)
		classifier_logits(&source.classifier, source.device, w->vectors, w->n, logits);
	else
		model_logits(logits);
	wait_for_device();
}
