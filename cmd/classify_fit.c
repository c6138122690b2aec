/*
 * classify_fit.c: classifiers fitted to labelled vectors, their cross-validation, and the
 * temperature that makes scores probabilities.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/classify_private.h"
#include "lib/learn/temperature.h"

/*
 * All records' vectors and labels; the records themselves too where they are written later. Vectors
 * of --input-vectors stay where they are, or move up where a record before them was set aside: a
 * window's have been copied out when its first is written.
 */
static struct examples *read_examples(struct spool *spool)
{
	struct examples *x = examples_new((float *)source.window.source.rows);
	while (source_next())
		for (size_t i = 0; i < source.window.n; i++) {
			const struct record *r = &source.window.records[i];
			struct error e, why;
			if (spool && !command_try(r))
				continue;
			if (examples_add(x, source.window.vectors + i * source.window.size,
				    source.window.size, source.window.labels[i], &e)) {
				record_error(r, &why, "key \"%s\": %s", asked.label_key, e.msg);
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
	if (asked.class_weight.n == 1 && strcmp(asked.class_weight.at[0], "balanced") == 0)
		return (struct class_weights){ .balanced = true };
	if (asked.class_weight.n == 0)
		return w;
	double *of = ARENA_ARRAY(source.arena, double, labels->n);
	for (size_t i = 0; i < labels->n; i++)
		of[i] = 1;
	for (size_t i = 0; i < asked.class_weight.n; i++) {
		const char *text = asked.class_weight.at[i], *mark = strrchr(text, '=');
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
	struct error e;
	const float *rows = x->blocks[first / LOGISTIC_BLOCK] + first % LOGISTIC_BLOCK * x->c;
	for (size_t f = 0; f < asked.folds; f++) {
		classifier_scores(&v->folds[f], source.device, rows, n, v->all);
		for (size_t i = 0; i < n; i++)
			if ((size_t)v->fold[first + i] == f)
				memcpy(v->scores + i * k, v->all + i * k, k * sizeof *v->all);
	}
	if (device_sync(source.device, &e))
		command_fail(&e);
}

static void put_validated(const void *context, struct buffer *b, size_t i)
{
	const struct validation *v = context;
	if (i % LOGISTIC_ROWS == 0)
		score_block(v, i);
	const double *scores = v->scores + i % LOGISTIC_ROWS * v->examples->labels.n;
	*v->right += decision_best(v->decision, scores) == (size_t)v->examples->label[i];
	label_put(v->decision, scores, b);
}

static void validate(
	struct spool *spool, const struct examples *x, const struct classifier_options *o)
{
	struct error e;
	struct decision d;
	size_t k = x->labels.n, right = 0;
	struct classifier *m = ARENA_ARRAY(source.arena, struct classifier, asked.folds);
	int32_t *fold = ARENA_ARRAY(source.arena, int32_t, x->n);
	label_decide(&d, &x->labels, o->method == CLASSIFIER_LOGISTIC);
	if (examples_folds(x, asked.folds, fold, &e))
		command_fail(&e);
	for (size_t f = 0; f < asked.folds; f++) {
		command_progress("fitting", f, asked.folds);
		if (examples_fit(x, o, fold, (int32_t)f, source.device, &m[f], source.arena, &e))
			command_fail(&e);
	}
	struct validation v = { x, m, fold, &d, MEM_ARRAY(double, size_mul(LOGISTIC_ROWS, k)),
		MEM_ARRAY(double, size_mul(LOGISTIC_ROWS, k)), &right };
	command_write_spool(spool, put_validated, &v);
	command_count("accuracy", (double)right / (double)x->n);
	mem_free(v.scores);
	mem_free(v.all);
}

void fit_all(void)
{
	static const char *const predicted[] = { "prediction", "prediction_score",
		"prediction_margin", "prediction_top", "prediction_scores" };
	struct error e;
	struct spool *spool = asked.folds ? spool_new(&e) : NULL;
	if (asked.folds && !spool)
		command_fail(&e);
	if (asked.folds)
		label_output(run.output_key ? label_keys : predicted);
	struct examples *x = read_examples(spool);
	struct classifier_options o = { .method = (enum classifier_method)asked.method,
		.logistic = { asked.strength, asked.standardize, asked.max_iterations },
		.weights = weights(&x->labels) };
	if (asked.folds)
		validate(spool, x, &o);
	if (asked.save) {
		struct classifier m;
		if (examples_fit(x, &o, NULL, 0, source.device, &m, source.arena, &e))
			command_fail(&e);
		if (m.method == CLASSIFIER_LOGISTIC && !m.logistic.converged)
			command_note("stopped after %zu step%s before the coefficients were exact: "
				     "--max-iterations",
				m.logistic.iterations, plural(m.logistic.iterations));
		m.model = asked.model ? slice_from(asked.model) : SLICE("");
		command_count("labels", (double)m.labels.n);
		command_count("iterations", (double)m.logistic.iterations);
		if (classifier_save(&m, asked.save, &e))
			command_fail(&e);
	}
	examples_free(x);
	spool_free(spool);
}

/* --- Calibration ---------------------------------------------------------------------------- */

/* Logits and labels of all records, end to end. */
static size_t read_logits(struct buffer *logits, struct buffer *labels)
{
	struct error e, why;
	struct class_set set = { 0 };
	const struct window *w = &source.window;
	size_t k = source.classes.n, n;
	int32_t id;
	for (size_t i = 0; i < k; i++)
		if (class_set_add(&set, source.classes.json[i], &id, &e))
			command_fail(&e);
	while (source_next()) {
		double *z = (double *)(void *)buffer_reserve(logits, size_mul(w->n, k * sizeof *z));
		source_logits(z);
		for (size_t i = n = 0; i < w->n; i++) {
			if (class_set_find(&set, w->labels[i], &id, &e)) {
				record_error(&w->records[i], &why, "key \"%s\": %s",
					asked.label_key, e.msg);
				command_reject(&w->records[i], &why);
				continue;
			}
			memmove(z + n++ * k, z + i * k, k * sizeof *z);
			buffer_add(labels, &id, sizeof id);
		}
		logits->size += n * k * sizeof *z;
	}
	class_set_free(&set);
	return labels->size / sizeof id;
}

void calibrate_all(void)
{
	struct error e;
	struct buffer logits = { NULL, 0, 0 }, labels = { NULL, 0, 0 }, b = { NULL, 0, 0 };
	struct classifier *m = &source.classifier;
	size_t k = source.classes.n, n;
	if (k < 2 || (source.scorer != BY_VECTORS && !source.shares))
		command_usage("--calibrate needs labels that exclude each other");
	n = read_logits(&logits, &labels);
	if (n == 0)
		command_stop(ERROR_DATA, "there are no records to calibrate by");
	const double *z = (const void *)logits.data;
	const int32_t *label = (const void *)labels.data;
	double before = source.scorer == BY_VECTORS && m->temperature > 0 ? m->temperature : 1;
	double t = temperature_fit(z, label, n, k);
	buffer_text(&b, "{\"temperature\":");
	json_write_double(&b, t);
	buffer_printf(&b, ",\"n\":%zu,\"log_loss_before\":", n);
	json_write_double(&b, temperature_loss(z, label, n, k, before));
	buffer_text(&b, ",\"log_loss\":");
	json_write_double(&b, temperature_loss(z, label, n, k, t));
	buffer_text(&b, "}\n");
	m->temperature = t;
	if (asked.save && classifier_save(m, asked.save, &e))
		command_fail(&e);
	command_output_bytes();
	command_write(&b, 0);
	buffer_free(&b);
	buffer_free(&logits);
	buffer_free(&labels);
}
