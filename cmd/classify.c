/*
 * classify: labels for texts and vectors. The options and what goes together;
 * classify_source.c gives records scores, classify_label.c writes labels, classify_fit.c fits.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "cmd/classify_private.h"

struct asked asked = {
	.label_key = "label",
	.max_iterations = 10000,
	.strength = 1,
	.wanted = { .threshold = 0.5, .reject_below = -INFINITY },
};

static const struct option options[] = {
	OPTION_STRING('m', "model", &asked.model, "MODEL",
		"a fine-tuned classifier; or, to fit, load or with --label, the model that makes "
		"texts into vectors [the records' own vectors; with --label built-in]"),
	OPTION_STRING(0, "load", &asked.load, "FILE", "label by a classifier that --fit saved"),
	OPTION_STRINGS(0, "label", &asked.labels, "TEXT",
		"a label, described in words; repeat it: the nearest by cosine counts"),
	OPTION_STRING(0, "labels-file", &asked.labels_file, "FILE", "the same, a label a line"),
	OPTION_STRING(0, "hypothesis-template", &asked.hypothesis, "TEXT",
		"with --label: by a model of inference, does TEXT with the label in place of {} "
		"follow from the text?"),
	OPTION_STRING(0, "pair-key", &asked.pair_key, "NAME",
		"the key of a second text: a model of pairs labels both together"),
	OPTION_STRING(0, "template", &asked.template, "TEXT",
		"put the text in place of [DOCUMENT] in TEXT first"),
	OPTION_COUNT(0, "max-length", &asked.max_length, 1, 1 << 20, "N",
		"cut texts to N tokens, special ones counted [as the model says]"),
	OPTION_HEADING("Results"),
	OPTION_COUNT(0, "top-k", &asked.wanted.top_k, 1, 1 << 20, "K",
		"also the K best labels with their scores"),
	OPTION_FLAG(0, "all-scores", &asked.wanted.all, "also every label's score"),
	OPTION_FLAG(0, "margin", &asked.wanted.margin, "also by how much the best score leads"),
	OPTION_NUMBER(0, "reject-below", &asked.wanted.reject_below, -DBL_MAX, DBL_MAX, "X",
		"label null where the best score is below X [none]"),
	OPTION_LIST(0, "only-labels", &asked.only, "LABEL,…", "choose among these labels only"),
	OPTION_STRINGS(0, "map", &asked.map, "OLD=NEW", "write the label OLD as NEW; repeat it"),
	OPTION_FLAG(0, "multi-label", &asked.wanted.several,
		"label and score are arrays: all labels with a score of --threshold or more, each "
		"judged by itself"),
	OPTION_NUMBER(0, "threshold", &asked.wanted.threshold, -DBL_MAX, DBL_MAX, "X",
		"with --multi-label: the least score [0.5]"),
	OPTION_NUMBER(0, "temperature", &asked.temperature, 1e-6, 1e6, "T",
		"divide logits, or cosines, by T before the softmax [as saved]"),
	OPTION_HEADING("Fitting"),
	OPTION_FLAG(0, "fit", &asked.fit, "fit a classifier to records with labels"),
	OPTION_STRING(
		0, "label-key", &asked.label_key, "NAME", "the key of the true label [label]"),
	OPTION_OUTPUT(0, "save", &asked.save, "FILE", "write the classifier to FILE"),
	OPTION_CHOICE(0, "method", &asked.method, CLASSIFIER_METHODS,
		"logistic regression, or the nearest mean vector of a label [logistic]"),
	OPTION_NUMBER('C', "inverse-penalty", &asked.strength, 1e-12, 1e12, "C",
		"inverse strength of the L2 penalty [1]"),
	OPTION_LIST(0, "class-weight", &asked.class_weight, "LABEL=W",
		"weigh the records of a label; `balanced`: rare labels as much as frequent ones"),
	OPTION_FLAG(0, "standardize", &asked.standardize,
		"bring every dimension to mean 0 and variance 1 first"),
	OPTION_COUNT(0, "max-iterations", &asked.max_iterations, 1, 1e9, "N",
		"stop after so many steps [10000]"),
	OPTION_COUNT(0, "cross-validate", &asked.folds, 2, 10000, "K",
		"label each record by a classifier fitted to the other K - 1 parts"),
	OPTION_FLAG(0, "calibrate", &asked.calibrate,
		"find the temperature at which scores are probabilities of these labelled records"),
	OPTION_END,
};

static const char *const examples[] = {
	"classify --fit --save mood.safetensors -m all-MiniLM-L6-v2 labelled.jsonl",
	"fit logistic regression to the texts' vectors and their labels",
	"classify -m distilbert-base-uncased-finetuned-sst-2-english reviews.jsonl",
	"by a fine-tuned model",
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
	.keys = label_keys,
	.n_keys = 2,
	.examples = examples,
};

/* --- Usage ---------------------------------------------------------------------------------- */

static bool shows(void)
{
	return asked.wanted.top_k || asked.wanted.all || asked.wanted.margin ||
	       command_given("reject-below") || asked.only.n || asked.map.n || asked.wanted.several;
}

static void check_fit(void)
{
	static const char *const names[] = { "method", "cross-validate", "inverse-penalty",
		"class-weight", "standardize", "max-iterations" };
	enum { FIRST_OF_LOGISTIC = 2 };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (command_given(names[i]) && !asked.fit)
			command_usage("--%s goes with --fit", names[i]);
		if (command_given(names[i]) && asked.method == CLASSIFIER_CENTROID &&
			i >= FIRST_OF_LOGISTIC)
			command_usage("--%s is of --method logistic", names[i]);
	}
	if (!asked.fit)
		return;
	if (asked.load || asked.labels.n || asked.labels_file || asked.calibrate)
		command_usage("--fit does not go with --load, --label or --calibrate: fit first");
	if (!asked.save && !asked.folds)
		command_usage("--fit needs --save FILE, or --cross-validate K");
	if (command_given("temperature"))
		command_usage("--temperature does not go with --fit");
	if (!asked.folds && (shows() || run.output_path))
		command_usage("--fit writes the classifier only, no records, unless there is "
			      "--cross-validate");
}

static void check_hypothesis(bool described)
{
	if (!asked.hypothesis)
		return;
	if (!described || !asked.model)
		command_usage("--hypothesis-template needs --label and a --model of inference");
	if (!strstr(asked.hypothesis, "{}"))
		command_usage("--hypothesis-template needs {}, where the label goes");
}

static void check_usage(void)
{
	bool described = asked.labels.n || asked.labels_file, texts = asked.model || described;
	bool tuned = texts && !asked.fit && !asked.load && (!described || asked.hypothesis);
	check_fit();
	check_hypothesis(described);
	if (asked.load && described)
		command_usage("--load and --label exclude each other");
	if (!asked.fit && !asked.load && !texts)
		command_usage(
			"what to label by? --model, --load FILE, --label TEXT, or --fit first");
	if (asked.calibrate && (shows() || command_given("temperature") || run.output_path))
		command_usage("--calibrate writes the temperature only, no records");
	if (asked.save && (tuned || (!asked.fit && !asked.calibrate && !described)))
		command_usage("--save goes with --fit, or with vectors and --calibrate or --label");
	if (command_given("label-key") && !asked.fit && !asked.calibrate)
		command_usage("--label-key goes with --fit or --calibrate");
	if (command_given("threshold") && !asked.wanted.several)
		command_usage("--threshold goes with --multi-label");
	if (command_given("reject-below") && asked.wanted.several)
		command_usage("--reject-below and --multi-label exclude each other");
	if (asked.template && !strstr(asked.template, "[DOCUMENT]"))
		command_usage("--template needs [DOCUMENT], where the text goes");
	if (asked.pair_key && (!tuned || asked.hypothesis))
		command_usage("--pair-key needs a fine-tuned --model alone");
	if (run.input_vectors && texts)
		command_usage("--input-vectors are of records without --model and --label");
	if (!texts && (asked.template || asked.max_length || run.dtype))
		command_usage(
			"--template, --max-length and --dtype need texts: --model or --label");
}

int main(int argc, char **argv)
{
	struct error e;
	command_begin(&command, argc, argv);
	check_usage();
	source_open();
	if (asked.fit) {
		fit_all();
	} else if (asked.calibrate) {
		calibrate_all();
	} else {
		if (asked.save && classifier_save(&source.classifier, asked.save, &e))
			command_fail(&e);
		label_all();
	}
	source_close();
	return command_end();
}
