/*
 * classify: labels for texts and vectors. With --fit a classifier is fitted to labelled vectors and
 * saved; with --load it is applied; with --label the texts are compared with the vectors of the
 * labels themselves. Records are read in windows; a window's texts are computed on all threads
 * (lib/model), then labelled and written in order.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command_window.h"
#include "lib/learn/decision.h"
#include "lib/learn/examples.h"
#include "lib/learn/temperature.h"
#include "lib/model/embedder.h"

static const char *model, *load_path, *save_path, *label_key = "label", *labels_file, *template;
static struct strings described, only, map, class_weight;
static bool fit, calibrate, standardize;
static int method;
static size_t folds, max_iterations = 10000;
static double strength = 1, temperature;
static struct embedder_options embedding;
static struct decision_options wanted = { .threshold = 0.5, .reject_below = -INFINITY };

enum given {
	METHOD,
	STRENGTH,
	WEIGHT,
	STANDARDIZE,
	ITERATIONS,
	FOLDS,
	LABEL_KEY,
	TEMPERATURE,
	THRESHOLD,
	REJECT,
	N_GIVEN
};
static bool given[N_GIVEN];

#define GIVEN(id, kind_, letter_, name_, to_, argument_, help_, ...) \
	{ \
		.kind = OPTION_KIND_##kind_, .letter = (letter_), .name = (name_), .to = (to_), \
		.argument = (argument_), .help = (help_), .given = &given[id], __VA_ARGS__ \
	}

static const struct option options[] = {
	OPTION_STRING('m', "model", &model, "MODEL",
		"the model that makes texts into vectors [the records' own vectors; with --label "
		"built-in]"),
	OPTION_STRING(0, "load", &load_path, "FILE", "label by a classifier that --fit saved"),
	OPTION_STRINGS(0, "label", &described, "TEXT",
		"a label, described in words; repeat it: the nearest by cosine counts"),
	OPTION_STRING(0, "labels-file", &labels_file, "FILE", "the same, a label a line"),
	OPTION_STRING(0, "template", &template, "TEXT",
		"put the text in place of [DOCUMENT] in TEXT first"),
	OPTION_COUNT(0, "max-length", &embedding.max_length, 1, 1 << 20, "N",
		"cut texts to N tokens, special ones counted [as the model says]"),
	OPTION_HEADING("Results"),
	OPTION_COUNT(0, "top-k", &wanted.top_k, 1, 1 << 20, "K",
		"also the K best labels with their scores"),
	OPTION_FLAG(0, "all-scores", &wanted.all, "also every label's score"),
	OPTION_FLAG(0, "margin", &wanted.margin, "also by how much the best score leads"),
	GIVEN(REJECT, NUMBER, 0, "reject-below", &wanted.reject_below, "X",
		"label null where the best score is below X [none]", .low = -DBL_MAX,
		.high = DBL_MAX),
	OPTION_LIST(0, "only-labels", &only, "LABEL,…", "choose among these labels only"),
	OPTION_STRINGS(0, "map", &map, "OLD=NEW", "write the label OLD as NEW; repeat it"),
	OPTION_FLAG(0, "multi-label", &wanted.several,
		"label and score are arrays: all labels with a score of --threshold or more"),
	GIVEN(THRESHOLD, NUMBER, 0, "threshold", &wanted.threshold, "X",
		"with --multi-label: the least score [0.5]", .low = -DBL_MAX, .high = DBL_MAX),
	GIVEN(TEMPERATURE, NUMBER, 0, "temperature", &temperature, "T",
		"divide logits, or cosines, by T before the softmax [as saved]", .low = 1e-6,
		.high = 1e6),
	OPTION_HEADING("Fitting"),
	OPTION_FLAG(0, "fit", &fit, "fit a classifier to records with labels"),
	GIVEN(LABEL_KEY, STRING, 0, "label-key", &label_key, "NAME",
		"the key of the true label [label]", ),
	OPTION_STRING(0, "save", &save_path, "FILE", "write the classifier to FILE"),
	GIVEN(METHOD, CHOICE, 0, "method", &method, CLASSIFIER_METHODS,
		"logistic regression, or the nearest mean vector of a label [logistic]",
		.choices = CLASSIFIER_METHODS),
	GIVEN(STRENGTH, NUMBER, 'C', "inverse-penalty", &strength, "C",
		"inverse strength of the L2 penalty [1]", .low = 1e-12, .high = 1e12),
	GIVEN(WEIGHT, STRINGS, 0, "class-weight", &class_weight, "LABEL=W",
		"weigh the records of a label; `balanced`: rare labels as much as frequent ones",
		.list = true),
	GIVEN(STANDARDIZE, FLAG, 0, "standardize", &standardize, NULL,
		"bring every dimension to mean 0 and variance 1 first", ),
	GIVEN(ITERATIONS, COUNT, 0, "max-iterations", &max_iterations, "N",
		"stop after so many steps [10000]", .low = 1, .high = 1e9),
	GIVEN(FOLDS, COUNT, 0, "cross-validate", &folds, "K",
		"label each record by a classifier fitted to the other K - 1 parts", .low = 2,
		.high = 10000),
	OPTION_FLAG(0, "calibrate", &calibrate,
		"find the temperature at which scores are probabilities of these labelled records"),
	OPTION_END,
};

static const char *const keys[] = { "label", "score", "margin", "top", "scores" };
static const char *const examples_shown[] = {
	"classify --fit --save mood.safetensors -m all-MiniLM-L6-v2 labelled.jsonl",
	"fit logistic regression to the texts' vectors and their labels",
	"classify --load mood.safetensors -m all-MiniLM-L6-v2 new.jsonl >labelled.jsonl",
	"label new records by it",
	"classify --label 'A negative review' --label 'A positive review' reviews.jsonl",
	"no examples: the label whose own vector is nearest",
	NULL,
};
static const struct command command = {
	.name = "classify",
	.summary = "label texts or vectors",
	.options = options,
	.has = COMMAND_TEXT_KEY | COMMAND_INPUT_KEY | COMMAND_OUTPUT_KEY | COMMAND_VECTORS_IN |
	       COMMAND_DTYPE,
	.input_key = "embedding",
	.keys = keys,
	.n_keys = 2,
	.examples = examples_shown,
};

/* --- Usage ---------------------------------------------------------------------------------- */

static bool shows(void)
{
	return wanted.top_k || wanted.all || wanted.margin || given[REJECT] || only.n || map.n ||
	       wanted.several;
}

static void check_fit(void)
{
	static const char *const names[] = { "method", "inverse-penalty", "class-weight",
		"standardize", "max-iterations", "cross-validate" };
	for (size_t i = METHOD; i <= FOLDS; i++) {
		if (given[i] && !fit)
			command_usage("--%s goes with --fit", names[i]);
		if (given[i] && method == CLASSIFIER_CENTROID && i != METHOD && i != FOLDS)
			command_usage("--%s is of --method logistic", names[i]);
	}
	if (!fit)
		return;
	if (load_path || described.n || labels_file || calibrate)
		command_usage("--fit does not go with --load, --label or --calibrate: fit first");
	if (!save_path && !folds)
		command_usage("--fit needs --save FILE, or --cross-validate K");
	if (given[TEMPERATURE])
		command_usage("--temperature does not go with --fit");
	if (!folds && (shows() || run.output_path))
		command_usage("--fit writes the classifier only, no records, unless there is "
			      "--cross-validate");
}

static void check_usage(void)
{
	check_fit();
	if (load_path && (described.n || labels_file))
		command_usage("--load and --label exclude each other");
	if (!fit && !load_path && !described.n && !labels_file)
		command_usage("what to label by? --load FILE, --label TEXT, or --fit first");
	if (calibrate && (shows() || given[TEMPERATURE] || run.output_path))
		command_usage("--calibrate writes the temperature only, no records");
	if (save_path && !fit && !calibrate && !(described.n || labels_file))
		command_usage("--save goes with --fit, --calibrate or --label");
	if (given[LABEL_KEY] && !fit && !calibrate)
		command_usage("--label-key goes with --fit or --calibrate");
	if (given[THRESHOLD] && !wanted.several)
		command_usage("--threshold goes with --multi-label");
	if (given[REJECT] && wanted.several)
		command_usage("--reject-below and --multi-label exclude each other");
	if (template && !strstr(template, "[DOCUMENT]"))
		command_usage("--template needs [DOCUMENT], where the text goes");
	bool texts = model || described.n || labels_file;
	if (run.input_vectors && texts)
		command_usage("--input-vectors are of records without --model and --label");
	if (!texts && (template || embedding.max_length || run.dtype))
		command_usage(
			"--template, --max-length and --dtype need texts: --model or --label");
}

/* --- Vectors -------------------------------------------------------------------------------- */

static struct arena *arena; /* of what lives to the end */
static struct device *device;
static struct embedder *embedder; /* or NULL: vectors are the records' own */
static struct window window;

static void source_open(void)
{
	struct error e;
	arena = arena_new();
	if (device_open(run.device, &device, &e))
		command_fail(&e);
	window.label_key = fit || calibrate ? label_key : NULL;
	window.template = template;
	if (model || described.n || labels_file) {
		window.text_key = run.text_key;
		embedding.device = run.device;
		embedding.bf16 = run.dtype == 1;
		embedder = embedder_open(
			model ? model : command_data(EMBEDDER_BUILTIN), &embedding, &e);
		if (!embedder)
			command_fail(&e);
		window.size = embedder_size(embedder);
		window.vectors = MEM_ARRAY(float, size_mul(WINDOW_RECORDS, window.size));
	} else {
		window.vector_key = run.input_key;
	}
}

static void source_close(void)
{
	window_close(&window);
	embedder_free(embedder);
	device_free(device);
	arena_free(arena);
}

/* The next window, its vectors made. */
static bool next_window(void)
{
	struct error e;
	if (!window_read(&window))
		return false;
	if (embedder && embedder_run(embedder, window.texts, window.n, window.vectors, &e))
		command_fail(&e);
	return true;
}

/* --- Classifiers ---------------------------------------------------------------------------- */

static void save(const struct classifier *m)
{
	struct error e;
	if (save_path && classifier_save(m, save_path, &e))
		command_fail(&e);
}

static void load(struct classifier *m)
{
	struct error e;
	struct tensor_file *f = tensor_file_open(load_path, &e);
	if (!f || classifier_load(m, f, arena, &e))
		command_fail(&e);
	tensor_file_close(f);
	if (embedder && window.size != m->c)
		command_stop(ERROR_DATA,
			"%s is of vectors of %zu numbers, the model gives %zu: it was fitted with "
			"%.*s",
			load_path, m->c, window.size, m->model.size ? (int)m->model.size : 13,
			m->model.size ? m->model.data : "another model");
	window.size = m->c;
}

/* The lines of --labels-file that are not empty, behind the labels of --label. */
static void read_descriptions(struct classes *labels)
{
	struct error e;
	struct buffer texts = { NULL, 0, 0 };
	for (size_t i = 0; i < described.n; i++)
		buffer_add(&texts, &(struct slice){ described.at[i], strlen(described.at[i]) },
			sizeof(struct slice));
	if (labels_file) {
		struct reader_options o = {
			.files = &labels_file, .n_files = 1, .format = FORMAT_TEXT
		};
		struct reader *r = reader_open(&o, &e);
		struct record line;
		int rc = r ? 1 : -1;
		size_t want = r ? reader_want(r, "text") : 0;
		while (rc > 0 && (rc = reader_next(r, arena, &line, NULL, &e)) > 0)
			if (line.values[want].field.size)
				buffer_add(&texts, &line.values[want].field, sizeof(struct slice));
		if (rc < 0)
			command_fail(&e);
		reader_close(r);
	}
	size_t n = texts.size / sizeof(struct slice);
	*labels = (struct classes){ n, ARENA_ARRAY(arena, struct slice, n),
		ARENA_ARRAY(arena, struct slice, n) };
	memcpy(labels->text, texts.data, texts.size);
	buffer_free(&texts);
}

/* A classifier of the labels' own vectors. */
static void describe(struct classifier *m)
{
	struct error e;
	*m = (struct classifier){ .method = CLASSIFIER_CENTROID, .c = window.size };
	read_descriptions(&m->labels);
	struct classes *l = &m->labels;
	if (l->n == 0)
		command_stop(ERROR_DATA, "%s: there is no label", labels_file);
	for (size_t i = 0; i < l->n; i++) {
		struct buffer json = { NULL, 0, 0 };
		json_write_string(&json, l->text[i]);
		l->json[i] = arena_copy(arena, buffer_view(&json));
		buffer_free(&json);
		if (classes_find(l, l->text[i]) < i)
			command_usage("the label %.*s is given twice", (int)l->text[i].size,
				l->text[i].data);
	}
	float *x = ARENA_ARRAY(arena, float, size_mul(l->n, m->c));
	if (embedder_run(embedder, l->text, l->n, x, &e) ||
		classifier_from_descriptions(m, x, arena, &e))
		command_fail(&e);
	m->model = model ? slice_from(model) : SLICE("");
}

/* --- Labelling ------------------------------------------------------------------------------ */

static struct slice *slices(const struct strings *s)
{
	struct slice *all = ARENA_ARRAY(arena, struct slice, s->n);
	for (size_t i = 0; i < s->n; i++)
		all[i] = slice_from(s->at[i]);
	return all;
}

/* How labels are decided on, and the output with the keys that this takes: first and first's own
 * score, and what was asked for beside. */
static void decide(struct decision *d, const struct classifier *m, const char *const *names)
{
	struct error e;
	const char *all[DECISION_VALUES] = { names[0], names[1] };
	size_t n = 2;
	if (wanted.margin)
		all[n++] = names[2];
	if (wanted.top_k)
		all[n++] = names[3];
	if (wanted.all)
		all[n++] = names[4];
	wanted.only = slices(&only);
	wanted.n_only = only.n;
	wanted.map = slices(&map);
	wanted.n_map = map.n;
	if (decision_new(d, &wanted, &m->labels, m->temperature > 0, arena, &e))
		command_usage("%s", e.msg);
	command_output_keys(all, n);
}

/* The values of one record. */
static void put(const struct decision *d, const double *scores, struct buffer *b)
{
	static struct buffer values;
	size_t end[DECISION_VALUES], from = 0;
	buffer_clear(&values);
	size_t n = decision_make(d, scores, &values, end, window.arena);
	for (size_t i = 0; i < n; from = end[i++])
		writer_json(run.writer, b, (struct slice){ values.data + from, end[i] - from });
}

static void apply(const struct classifier *m)
{
	struct decision d;
	struct buffer b = { NULL, 0, 0 };
	size_t k = m->labels.n;
	decide(&d, m, keys);
	double *scores = MEM_ARRAY(double, size_mul(WINDOW_RECORDS, k));
	while (next_window()) {
		size_t held = 0;
		classifier_scores(m, device, window.vectors, window.n, scores);
		for (size_t i = 0; i < window.n; i++) {
			if (!command_put(&b, &window.records[i]))
				continue;
			put(&d, scores + i * k, &b);
			writer_end(run.writer, &b);
			held++;
		}
		command_write(&b, held);
	}
	mem_free(scores);
	buffer_free(&b);
}

/* --- Fitting -------------------------------------------------------------------------------- */

/* All records' vectors and labels; the records themselves too where they are written later. */
static struct examples *read_examples(struct spool *spool)
{
	struct examples *x = examples_new();
	while (next_window())
		for (size_t i = 0; i < window.n; i++) {
			const struct record *r = &window.records[i];
			struct error e, why;
			if (examples_add(x, window.vectors + i * window.size, window.size,
				    window.labels[i], &e)) {
				record_error(r, &why, "key \"%s\": %s", label_key, e.msg);
				command_reject(r, &why);
			} else if (spool && spool_add(spool, r, &e)) {
				command_fail(&e);
			}
		}
	if (x->n == 0)
		command_stop(ERROR_DATA, "there are no records to fit to");
	examples_end(x);
	return x;
}

/* --class-weight balanced, or LABEL=W,… */
static struct class_weights weights(const struct classes *labels)
{
	struct class_weights w = { 0 };
	if (class_weight.n == 1 && strcmp(class_weight.at[0], "balanced") == 0)
		return (struct class_weights){ .balanced = true };
	if (class_weight.n == 0)
		return w;
	double *of = ARENA_ARRAY(arena, double, labels->n);
	for (size_t i = 0; i < labels->n; i++)
		of[i] = 1;
	for (size_t i = 0; i < class_weight.n; i++) {
		const char *text = class_weight.at[i], *mark = strrchr(text, '=');
		char *end;
		double x = mark ? strtod(mark + 1, &end) : -1;
		if (!mark || end == mark + 1 || *end || !(x > 0) || !isfinite(x))
			command_usage("--class-weight %s: should be balanced, or LABEL=W with W "
				      "above 0",
				text);
		size_t at = classes_find(labels, (struct slice){ text, (size_t)(mark - text) });
		if (at == labels->n)
			command_usage("--class-weight %s: no record has that label", text);
		of[at] = x;
	}
	w.of = of;
	return w;
}

/* Records of the spool by the classifiers of the folds, a block of rows at a time. */
struct validation {
	const struct examples *examples;
	const struct classifier *folds; /* [K] */
	const int32_t *fold; /* [n] */
	const struct decision *decision;
	double *scores, *all; /* [LOGISTIC_ROWS, M]: the records', and one fold's */
	size_t *right;
};

static void score_block(const struct validation *v, size_t first)
{
	const struct examples *x = v->examples;
	size_t k = x->labels.n, n = x->n - first < LOGISTIC_ROWS ? x->n - first : LOGISTIC_ROWS;
	const float *rows = x->blocks[first / LOGISTIC_BLOCK] + first % LOGISTIC_BLOCK * x->c;
	for (size_t f = 0; f < folds; f++) {
		classifier_scores(&v->folds[f], device, rows, n, v->all);
		for (size_t i = 0; i < n; i++)
			if ((size_t)v->fold[first + i] == f)
				memcpy(v->scores + i * k, v->all + i * k, k * sizeof *v->all);
	}
}

static void put_validated(const void *context, struct buffer *b, size_t i)
{
	const struct validation *v = context;
	if (i % LOGISTIC_ROWS == 0)
		score_block(v, i);
	const double *scores = v->scores + i % LOGISTIC_ROWS * v->examples->labels.n;
	*v->right += decision_best(v->decision, scores) == (size_t)v->examples->label[i];
	put(v->decision, scores, b);
}

static void validate(
	struct spool *spool, const struct examples *x, const struct classifier_options *o)
{
	static const char *const predicted[] = { "prediction", "prediction_score",
		"prediction_margin", "prediction_top", "prediction_scores" };
	struct error e;
	struct decision d;
	size_t k = x->labels.n, right = 0;
	struct classifier *m = ARENA_ARRAY(arena, struct classifier, folds);
	int32_t *fold = ARENA_ARRAY(arena, int32_t, x->n);
	if (examples_folds(x, folds, fold, &e))
		command_fail(&e);
	for (size_t f = 0; f < folds; f++) {
		command_progress("fitting", f, folds);
		if (examples_fit(x, o, fold, (int32_t)f, device, &m[f], arena, &e))
			command_fail(&e);
	}
	decide(&d, &m[0], run.output_key ? keys : predicted);
	struct validation v = { x, m, fold, &d, MEM_ARRAY(double, size_mul(LOGISTIC_ROWS, k)),
		MEM_ARRAY(double, size_mul(LOGISTIC_ROWS, k)), &right };
	command_write_spool(spool, put_validated, &v);
	command_count("accuracy", (double)right / (double)x->n);
	mem_free(v.scores);
	mem_free(v.all);
}

static void fit_all(void)
{
	struct error e;
	struct spool *spool = folds ? spool_new(&e) : NULL;
	if (folds && !spool)
		command_fail(&e);
	struct examples *x = read_examples(spool);
	struct classifier_options o = { .method = (enum classifier_method)method,
		.logistic = { strength, standardize, max_iterations },
		.weights = weights(&x->labels) };
	if (folds)
		validate(spool, x, &o);
	if (save_path) {
		struct classifier m;
		if (examples_fit(x, &o, NULL, 0, device, &m, arena, &e))
			command_fail(&e);
		if (m.method == CLASSIFIER_LOGISTIC && !m.logistic.converged)
			command_note("stopped after %zu steps before the coefficients were exact: "
				     "--max-iterations",
				m.logistic.iterations);
		m.model = model ? slice_from(model) : SLICE("");
		command_count("labels", (double)m.labels.n);
		command_count("iterations", (double)m.logistic.iterations);
		save(&m);
	}
	examples_free(x);
	spool_free(spool);
}

/* The temperature of labelled records, and what it changes. */
static void calibrate_all(struct classifier *m)
{
	struct error e;
	struct class_set set = { 0 };
	struct buffer logits = { NULL, 0, 0 }, labels = { NULL, 0, 0 }, b = { NULL, 0, 0 };
	size_t k = m->labels.n, n;
	int32_t id;
	for (size_t i = 0; i < k; i++)
		if (class_set_add(&set, m->labels.json[i], &id, &e))
			command_fail(&e);
	while (next_window()) {
		double *z = (double *)(void *)buffer_reserve(
			&logits, size_mul(window.n, k * sizeof *z));
		classifier_logits(m, device, window.vectors, window.n, z);
		for (size_t i = n = 0; i < window.n; i++) {
			const struct record *r = &window.records[i];
			struct error why;
			if (class_set_find(&set, window.labels[i], &id, &e)) {
				record_error(r, &why, "key \"%s\": %s", label_key, e.msg);
				command_reject(r, &why);
				continue;
			}
			memmove(z + n++ * k, z + i * k, k * sizeof *z);
			buffer_add(&labels, &id, sizeof id);
		}
		logits.size += n * k * sizeof *z;
	}
	n = labels.size / sizeof id;
	if (n == 0)
		command_stop(ERROR_DATA, "there are no records to calibrate by");
	const double *z = (const void *)logits.data;
	const int32_t *label = (const void *)labels.data;
	double before = m->temperature > 0 ? m->temperature : 1;
	m->temperature = temperature_fit(z, label, n, k);
	buffer_text(&b, "{\"temperature\":");
	json_write_double(&b, m->temperature);
	buffer_printf(&b, ",\"n\":%zu,\"log_loss_before\":", n);
	json_write_double(&b, temperature_loss(z, label, n, k, before));
	buffer_text(&b, ",\"log_loss\":");
	json_write_double(&b, temperature_loss(z, label, n, k, m->temperature));
	buffer_text(&b, "}\n");
	save(m);
	command_output_bytes();
	command_write(&b, 0);
	buffer_free(&b);
	buffer_free(&logits);
	buffer_free(&labels);
	class_set_free(&set);
}

int main(int argc, char **argv)
{
	struct classifier m;
	command_begin(&command, argc, argv);
	check_usage();
	source_open();
	if (fit) {
		window_open(&window);
		fit_all();
		source_close();
		return command_end();
	}
	if (load_path)
		load(&m);
	else
		describe(&m);
	if (given[TEMPERATURE])
		m.temperature = temperature;
	window_open(&window);
	if (calibrate) {
		calibrate_all(&m);
	} else {
		save(&m);
		apply(&m);
	}
	source_close();
	return command_end();
}
