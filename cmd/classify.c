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
	GIVEN(REJECT, NUMBER, 0, "reject-below", &asked.wanted.reject_below, "X",
		"label null where the best score is below X [none]", .low = -DBL_MAX,
		.high = DBL_MAX),
	OPTION_LIST(0, "only-labels", &asked.only, "LABEL,…", "choose among these labels only"),
	OPTION_STRINGS(0, "map", &asked.map, "OLD=NEW", "write the label OLD as NEW; repeat it"),
	OPTION_FLAG(0, "multi-label", &asked.wanted.several,
		"label and score are arrays: all labels with a score of --threshold or more, each "
		"judged by itself"),
	GIVEN(THRESHOLD, NUMBER, 0, "threshold", &asked.wanted.threshold, "X",
		"with --multi-label: the least score [0.5]", .low = -DBL_MAX, .high = DBL_MAX),
	GIVEN(TEMPERATURE, NUMBER, 0, "temperature", &asked.temperature, "T",
		"divide logits, or cosines, by T before the softmax [as saved]", .low = 1e-6,
		.high = 1e6),
	OPTION_HEADING("Fitting"),
	OPTION_FLAG(0, "fit", &asked.fit, "fit a classifier to records with labels"),
	GIVEN(LABEL_KEY, STRING, 0, "label-key", &asked.label_key, "NAME",
		"the key of the true label [label]", ),
	OPTION_STRING(0, "save", &asked.save, "FILE", "write the classifier to FILE"),
	GIVEN(METHOD, CHOICE, 0, "method", &asked.method, CLASSIFIER_METHODS,
		"logistic regression, or the nearest mean vector of a label [logistic]",
		.choices = CLASSIFIER_METHODS),
	GIVEN(STRENGTH, NUMBER, 'C', "inverse-penalty", &asked.strength, "C",
		"inverse strength of the L2 penalty [1]", .low = 1e-12, .high = 1e12),
	GIVEN(WEIGHT, STRINGS, 0, "class-weight", &asked.class_weight, "LABEL=W",
		"weigh the records of a label; `balanced`: rare labels as much as frequent ones",
		.list = true),
	GIVEN(STANDARDIZE, FLAG, 0, "standardize", &asked.standardize, NULL,
		"bring every dimension to mean 0 and variance 1 first", ),
	GIVEN(ITERATIONS, COUNT, 0, "max-iterations", &asked.max_iterations, "N",
		"stop after so many steps [10000]", .low = 1, .high = 1e9),
	GIVEN(FOLDS, COUNT, 0, "cross-validate", &asked.folds, "K",
		"label each record by a classifier fitted to the other K - 1 parts", .low = 2,
		.high = 10000),
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
	return asked.wanted.top_k || asked.wanted.all || asked.wanted.margin || given[REJECT] ||
	       asked.only.n || asked.map.n || asked.wanted.several;
}

static void check_fit(void)
{
	static const char *const names[] = { "method", "inverse-penalty", "class-weight",
		"standardize", "max-iterations", "cross-validate" };
	for (size_t i = METHOD; i <= FOLDS; i++) {
		if (given[i] && !asked.fit)
			command_usage("--%s goes with --fit", names[i]);
		if (given[i] && asked.method == CLASSIFIER_CENTROID && i != METHOD && i != FOLDS)
			command_usage("--%s is of --method logistic", names[i]);
	}
	if (!asked.fit)
		return;
	if (asked.load || asked.labels.n || asked.labels_file || asked.calibrate)
		command_usage(
			"--fit does not go with --load, --label or --calibrate: fit first");
	if (!asked.save && !asked.folds)
		command_usage("--fit needs --save FILE, or --cross-validate K");
	if (given[TEMPERATURE])
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
		command_usage("what to label by? --model, --load FILE, --label TEXT, or --fit first");
	if (asked.calibrate && (shows() || given[TEMPERATURE] || run.output_path))
		command_usage("--calibrate writes the temperature only, no records");
	if (asked.save && (tuned || (!asked.fit && !asked.calibrate && !described)))
		command_usage("--save goes with --fit, or with vectors and --calibrate or --label");
	if (given[LABEL_KEY] && !asked.fit && !asked.calibrate)
		command_usage("--label-key goes with --fit or --calibrate");
	if (given[THRESHOLD] && !asked.wanted.several)
		command_usage("--threshold goes with --multi-label");
	if (given[REJECT] && asked.wanted.several)
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
