/* classify_private.h: between the files of classify. */
#pragma once
#include "cmd/command_window.h"
#include "lib/learn/decision.h"
#include "lib/learn/examples.h"
#include "lib/model/embedder.h"
#include "lib/model/labeller.h"

/* What the user said; each option stands in classify.c. */
extern struct asked {
	const char *model, *load, *save, *label_key, *labels_file, *template, *pair_key,
		*hypothesis;
	struct strings labels, only, map, class_weight;
	bool fit, calibrate, standardize;
	int method;
	size_t folds, max_iterations, max_length;
	double strength, temperature; /* temperature 0: not said */
	struct decision_options wanted;
} asked;

/* --- classify_source.c: what gives records scores ------------------------------------------ */

enum scorer {
	BY_VECTORS, /* a classifier of vectors: the records' own, or a model's of their texts */
	BY_MODEL, /* a fine-tuned model */
	BY_ENTAILMENT, /* one that says whether a hypothesis about the text follows from it */
};

extern struct source {
	enum scorer scorer;
	struct arena *arena; /* of what lives to the end */
	struct device *device;
	struct embedder *embedder; /* or NULL */
	struct labeller *labeller; /* or NULL */
	struct classifier classifier; /* BY_VECTORS, unless it is to be fitted */
	struct classes classes; /* that scores are of */
	bool shares; /* scores sum to 1 */
	struct window window;
} source;

/* Models and classifiers, labels and hypotheses; the records come after. */
void source_open(void);
void source_close(void);

/* The next window; vectors are computed where they are needed. */
bool source_next(void);

/* Of the records of the window, [n, classes.n]: scores, or what a temperature divides. */
void source_scores(double *scores);
void source_logits(double *logits);

/* The user's words as slices, in the arena. */
struct slice *source_slices(const struct strings *);

/* --- classify_label.c ----------------------------------------------------------------------- */

/* Names of the keys label, score, margin, top, scores. */
extern const char *const label_keys[DECISION_VALUES];

/* Open the output with those of the keys, under these names, that the user wants. */
void label_output(const char *const *names);

/* How labels of these classes are decided on. */
void label_decide(struct decision *, const struct classes *, bool shares);

/* The values of one record. */
void label_put(const struct decision *, const double *scores, struct buffer *);

/* All records. */
void label_all(void);

/* --- classify_fit.c ------------------------------------------------------------------------- */

void fit_all(void);
void calibrate_all(void);
