/* evaluate_options.c: what evaluate can be asked for, and what goes together. */
#include <stdio.h>

#include "cmd/evaluate_private.h"
#include "lib/metric/bleu.h"
#include "lib/metric/seqeval.h"

enum { DIGITS_MOST = 17 };

struct asked asked = { .sampling = { .resamples = 1000, .confidence = 0.95 } };

static struct strings embedding_keys, ks, label_names;
static size_t digits;

static char metric_help[1024]; /* names all metrics */

static const struct option options[] = {
	OPTION_LIST(0, "metric", &asked.metric_names, "NAME[,NAME]", metric_help),
	OPTION_STRING(0, "prediction-key", &asked.how.prediction_key, "KEY",
		"key of what was predicted [prediction]"),
	OPTION_STRING(0, "reference-key", &asked.how.reference_key, "KEY",
		"key of what is right [reference]"),
	OPTION_STRING(
		0, "by", &asked.by, "KEY", "measure the records of each value of this key too"),
	OPTION_CHOICE(
		0, "output-format", &asked.output_format, "text|json|csv", "of the report [text]"),
	OPTION_COUNT(0, "digits", &digits, 0, DIGITS_MOST, "N",
		"decimals of a text report [2; 4 for figures up to 1]"),
	OPTION_STRINGS(0, "fail-under", &asked.fail_under, "NAME=X",
		"exit 1 where this figure is below X; may be repeated"),
	OPTION_STRINGS(
		0, "fail-over", &asked.fail_over, "NAME=X", "exit 1 where this figure is above X"),
	OPTION_HEADING("How sure"),
	OPTION_FLAG(0, "ci", &asked.ci, "bootstrap a confidence interval of every figure"),
	OPTION_CHOICE(0, "ci-method", &asked.ci_method, RESAMPLE_METHODS, "how [percentile]"),
	OPTION_NUMBER(0, "confidence", &asked.sampling.confidence, 0.01, 0.9999, "X",
		"of the interval [0.95]"),
	OPTION_COUNT(0, "resamples", &asked.sampling.resamples, 1, 1e9, "N",
		"of the bootstrap, or trials of the randomization [1000; 10000]"),
	OPTION_STRING(0, "paired", &asked.paired, "FILE",
		"compare with the same records as another system predicts them"),
	OPTION_CHOICE(0, "paired-test", &asked.paired_test, RESAMPLE_TESTS, "how [bootstrap]"),
	OPTION_HEADING("Classification"),
	OPTION_LIST(
		0, "label-names", &label_names, "VALUE=NAME[,…]", "what the report calls labels"),
	OPTION_STRING(0, "score-key", &asked.how.score_key, "KEY",
		"scores: key of the score, or of each label's"),
	OPTION_COUNT(
		0, "bins", &asked.how.bins, 1, 10000, "N", "scores: of the calibration error [15]"),
	OPTION_HEADING("Similarity and clusters"),
	OPTION_LIST(0, "embedding-keys", &embedding_keys, "KEY,KEY",
		"sts, pairs: compare these two vectors of a record; trustworthiness: the original "
		"and the reduced one"),
	OPTION_STRING(0, "vector-key", &asked.how.vector_key, "KEY",
		"clustering_space: key of the vector [embedding]"),
	OPTION_COUNT(
		0, "neighbors", &asked.how.neighbors, 1, 1e6, "N", "trustworthiness: how many [5]"),
	OPTION_STRING('m', "model", &asked.how.model, "MODEL", "bertscore: the encoder"),
	OPTION_COUNT(0, "layer", &asked.how.layer, 0, 1000, "N",
		"bertscore: take the vectors of this layer [bert-score's, else the last]"),
	OPTION_FLAG(0, "idf", &asked.how.idf,
		"bertscore: weigh tokens by how few references have them"),
	OPTION_STRING(0, "rescale", &asked.how.rescale_path, "FILE",
		"bertscore: a baseline a layer (CSV: LAYER,P,R,F)"),
	OPTION_HEADING("Topics"),
	OPTION_STRING(0, "topics", &asked.how.topics_path, "REPORT",
		"coherence, diversity: the report of topics"),
	OPTION_COUNT(0, "top-words", &asked.how.top_words, 1, 1000, "N", "of each topic [10]"),
	OPTION_HEADING("Entities"),
	OPTION_FLAG(
		0, "strict", &asked.how.strict, "seqeval: find entities by the rules of a scheme"),
	OPTION_CHOICE(
		0, "scheme", &asked.how.scheme, SEQEVAL_SCHEMES, "which, with --strict [auto]"),
	OPTION_FLAG(0, "suffix", &asked.how.suffix, "tags end in their letter: PER-B"),
	OPTION_HEADING("Translations"),
	OPTION_CHOICE(
		0, "bleu-tokenizer", &asked.how.tokenizer, BLEU_TOKENIZERS, "words of bleu [13a]"),
	OPTION_FLAG(0, "lowercase", &asked.how.lowercase, "bleu, chrf: regardless of case"),
	OPTION_CHOICE(0, "smooth", &asked.how.smooth, BLEU_SMOOTHS, "bleu: precisions of 0 [exp]"),
	OPTION_NUMBER(0, "smooth-value", &asked.how.smooth_value, 0, 100, "X",
		"of floor and add-k [0.1; 1]"),
	OPTION_FLAG(0, "effective-order", &asked.how.effective_order,
		"bleu: leave out n-grams longer than the text"),
	OPTION_COUNT(0, "char-order", &asked.how.char_order, 1, 16, "N",
		"chrf: n-grams of characters [6]"),
	OPTION_COUNT(
		0, "word-order", &asked.how.word_order, 0, 8, "N", "chrf: n-grams of words [0]"),
	OPTION_COUNT(0, "beta", &asked.how.beta, 1, 100, "N", "chrf: how recall weighs [2]"),
	OPTION_FLAG(0, "whitespace", &asked.how.chrf_whitespace, "chrf: white space counts"),
	OPTION_FLAG(0, "normalized", &asked.how.ter_normalized, "ter: part punctuation from words"),
	OPTION_FLAG(0, "no-punct", &asked.how.ter_no_punct, "ter: leave punctuation out"),
	OPTION_FLAG(
		0, "asian", &asked.how.ter_asian, "ter: with these two, Chinese and Japanese too"),
	OPTION_FLAG(0, "case-sensitive", &asked.how.ter_case_sensitive, "ter: case counts"),
	OPTION_HEADING("Summaries and answers"),
	OPTION_FLAG(0, "stemmer", &asked.how.stemmer, "rouge: stem words (Porter)"),
	OPTION_LIST(0, "k", &ks, "N[,N]", "retrieval, pass@k: cut-offs [1,3,5,10]"),
	OPTION_END,
};

static const char *const examples[] = {
	"classify --load clf.safetensors test.jsonl | evaluate --metric classification "
	"--prediction-key label --reference-key gold",
	"precision, recall and F1 of each label",
	"evaluate --metric classification --ci --output-format json --by genre predicted.jsonl",
	"with confidence intervals, each genre too",
	NULL,
};

static bool needs_no_records(void)
{
	return asked.metric_names.n == 1 && !strcmp(asked.metric_names.at[0], "diversity");
}

static const struct command command = {
	.name = "evaluate",
	.summary = "measure predictions against references",
	.options = options,
	.has = COMMAND_OWN_OUTPUT | COMMAND_CONLL | COMMAND_TEXT_KEY,
	.no_records = needs_no_records,
	.examples = examples,
};

/* --- Checks ----------------------------------------------------------------------------------- */

static void name_all(void)
{
	size_t at = 0;
	for (const struct metric_kind *const *m = metrics; *m; m++)
		at += (size_t)snprintf(metric_help + at, sizeof metric_help - at, "%s%s",
			at ? ", " : "what to measure: ", (*m)->name);
	CHECK(at < sizeof metric_help);
}

static void find_metrics(void)
{
	struct error e;
	if (asked.paired && asked.how.idf)
		command_usage("--idf does not go with --paired: references would count twice");
	if (!asked.metric_names.n)
		command_usage("which --metric? For example --metric classification");
	for (size_t i = 0; i < asked.metric_names.n; i++) {
		const struct metric_kind *m = metric_find(asked.metric_names.at[i], &e);
		if (!m)
			command_usage("%s", e.msg);
		for (size_t j = 0; j < asked.n_metrics; j++)
			if (asked.metrics[j] == m)
				command_usage("--metric %s is named twice", m->name);
		if (m->whole && (asked.by || asked.paired))
			command_usage(
				"--%s does not go with --metric %s, whose units are no records",
				asked.by ? "by" : "paired", m->name);
		if (asked.n_metrics == METRICS_MAX)
			command_usage("more than %d metrics", METRICS_MAX);
		asked.metrics[asked.n_metrics++] = m;
	}
}

/* What only some metrics look at. */
static const struct {
	const char *option, *metrics;
} only[] = { { "label-names", "classification" }, { "score-key", "scores" }, { "bins", "scores" },
	{ "embedding-keys", "sts, pairs, trustworthiness" }, { "vector-key", "clustering_space" },
	{ "neighbors", "trustworthiness" }, { "model", "bertscore" }, { "layer", "bertscore" },
	{ "idf", "bertscore" }, { "rescale", "bertscore" }, { "topics", "coherence, diversity" },
	{ "top-words", "coherence, diversity" }, { "strict", "seqeval" }, { "scheme", "seqeval" },
	{ "suffix", "seqeval" }, { "bleu-tokenizer", "bleu" },
	{ "lowercase", "bleu, chrf, chrf++" }, { "smooth", "bleu" }, { "smooth-value", "bleu" },
	{ "effective-order", "bleu" }, { "char-order", "chrf, chrf++" }, { "word-order", "chrf" },
	{ "beta", "chrf, chrf++" }, { "whitespace", "chrf, chrf++" }, { "normalized", "ter" },
	{ "no-punct", "ter" }, { "asian", "ter" }, { "case-sensitive", "ter" },
	{ "stemmer", "rouge" }, { "k", "retrieval, pass@k" }, { "text-key", "coherence" } };

static bool measures_one_of(const char *list)
{
	for (const char *comma; list; list = comma ? comma + 2 : NULL) {
		comma = strchr(list, ',');
		size_t size = comma ? (size_t)(comma - list) : strlen(list);
		for (size_t i = 0; i < asked.metric_names.n; i++)
			if (slice_equal(slice_from(asked.metric_names.at[i]),
				    (struct slice){ list, size }))
				return true;
	}
	return false;
}

static void check_options(void)
{
	for (size_t i = 0; i < sizeof only / sizeof *only; i++)
		if (command_given(only[i].option) && !measures_one_of(only[i].metrics))
			command_usage("--%s is an option of --metric %s", only[i].option,
				only[i].metrics);
	if (!asked.ci && (command_given("ci-method") || command_given("confidence")))
		command_usage("--ci-method and --confidence go with --ci");
	if (!asked.paired && command_given("paired-test"))
		command_usage("--paired-test goes with --paired");
	if (!asked.ci && !asked.paired && command_given("resamples"))
		command_usage("--resamples goes with --ci or --paired");
}

/* VALUE=NAME; quotes around the name are not part of it. */
static void read_label_names(void)
{
	asked.how.label_values = MEM_ARRAY(struct slice, label_names.n + 1);
	asked.how.label_names = MEM_ARRAY(struct slice, label_names.n + 1);
	for (size_t i = 0; i < label_names.n; i++) {
		const char *text = label_names.at[i], *equals = strchr(text, '=');
		if (!equals)
			command_usage("--label-names wants VALUE=NAME, not '%s'", text);
		asked.how.label_values[i] = (struct slice){ text, (size_t)(equals - text) };
		asked.how.label_names[i] = slice_from(equals + 1);
	}
	asked.how.n_label_names = label_names.n;
}

static void read_cut_offs(void)
{
	if (ks.n > METRIC_KS)
		command_usage("--k takes at most %d numbers", METRIC_KS);
	for (size_t i = 0; i < ks.n; i++) {
		char after;
		if (sscanf(ks.at[i], "%zu%c", &asked.how.ks[i], &after) != 1 ||
			asked.how.ks[i] < 1 || asked.how.ks[i] > INT32_MAX ||
			strpbrk(ks.at[i], "+- "))
			command_usage("--k wants whole numbers from 1, not '%s'", ks.at[i]);
		if (i && asked.how.ks[i] <= asked.how.ks[i - 1])
			command_usage("--k wants its numbers in order, the smallest first");
	}
	asked.how.n_ks = ks.n ? ks.n : asked.how.n_ks;
}

static void read_keys(void)
{
	if (!embedding_keys.n)
		return;
	if (embedding_keys.n != 2)
		command_usage("--embedding-keys wants two keys");
	asked.how.embedding_keys[0] = embedding_keys.at[0];
	asked.how.embedding_keys[1] = embedding_keys.at[1];
}

void evaluate_begin(int argc, char **argv)
{
	asked.how = metric_defaults;
	name_all();
	command_begin(&command, argc, argv);
	asked.digits = command_given("digits") ? digits : SIZE_MAX;
	asked.sampling.seed = run.seed;
	asked.sampling.method = (enum resample_method)asked.ci_method;
	asked.sampling.test = (enum resample_test)asked.paired_test;
	asked.how.text_key = run.text_key;
	asked.how.device = run.device;
	read_label_names();
	read_keys();
	read_cut_offs();
	find_metrics();
	check_options();
}

void evaluate_end(void)
{
	mem_free(asked.how.label_values);
	mem_free(asked.how.label_names);
}
