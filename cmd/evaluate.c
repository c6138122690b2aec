/*
 * evaluate: measure predictions against references. Each metric keeps a few numbers of a record
 * (lib/metric/metric.h); figures, groups, intervals and paired tests follow from those, and one
 * report is written at the end.
 */
#include "cmd/evaluate_source.h"

#include <stdio.h>
#include <strings.h>

#include "lib/metric/bleu.h"
#include "lib/metric/metric.h"
#include "lib/metric/report.h"
#include "lib/metric/resample.h"
#include "lib/metric/seqeval.h"
#include "lib/record/number.h"
#include "lib/text/terms.h"

enum { METRICS_MAX = 32, DROPPED = 0xffffffff, DIGITS_MOST = 17 };

static struct metric_options how;
static struct resample_options sampling = { .resamples = 1000, .confidence = 0.95 };
static struct strings embedding_keys, ks, metric_names, label_names, fail_under, fail_over;
static const char *by, *paired;
static int output_format, ci_method, paired_test;
static size_t digits, digits_value;
static bool ci;

static char metric_help[1024]; /* names all metrics */

static const struct option options[] = {
	OPTION_LIST(0, "metric", &metric_names, "NAME[,NAME]", metric_help),
	OPTION_STRING(0, "prediction-key", &how.prediction_key, "KEY",
		"key of what was predicted [prediction]"),
	OPTION_STRING(
		0, "reference-key", &how.reference_key, "KEY", "key of what is right [reference]"),
	OPTION_STRING(0, "by", &by, "KEY", "measure the records of each value of this key too"),
	OPTION_CHOICE(0, "output-format", &output_format, "text|json|csv", "of the report [text]"),
	OPTION_COUNT(0, "digits", &digits_value, 0, DIGITS_MOST, "N",
		"decimals of a text report [2; 4 for figures up to 1]"),
	OPTION_STRINGS(0, "fail-under", &fail_under, "NAME=X",
		"exit 1 where this figure is below X; may be repeated"),
	OPTION_STRINGS(0, "fail-over", &fail_over, "NAME=X", "exit 1 where this figure is above X"),
	OPTION_HEADING("How sure"),
	OPTION_FLAG(0, "ci", &ci, "bootstrap a confidence interval of every figure"),
	OPTION_CHOICE(0, "ci-method", &ci_method, RESAMPLE_METHODS, "how [percentile]"),
	OPTION_NUMBER(
		0, "confidence", &sampling.confidence, 0.01, 0.9999, "X", "of the interval [0.95]"),
	OPTION_COUNT(0, "resamples", &sampling.resamples, 1, 1e9, "N",
		"of the bootstrap, or trials of the randomization [1000; 10000]"),
	OPTION_STRING(0, "paired", &paired, "FILE",
		"compare with the same records as another system predicts them"),
	OPTION_CHOICE(0, "paired-test", &paired_test, RESAMPLE_TESTS, "how [bootstrap]"),
	OPTION_HEADING("Classification"),
	OPTION_LIST(
		0, "label-names", &label_names, "VALUE=NAME[,…]", "what the report calls labels"),
	OPTION_STRING(0, "score-key", &how.score_key, "KEY",
		"scores: key of the score, or of each label's"),
	OPTION_COUNT(0, "bins", &how.bins, 1, 10000, "N", "scores: of the calibration error [15]"),
	OPTION_HEADING("Similarity and clusters"),
	OPTION_LIST(0, "embedding-keys", &embedding_keys, "KEY,KEY",
		"sts, pairs: compare these two vectors of a record; trustworthiness: the original "
		"and the reduced one"),
	OPTION_STRING(0, "vector-key", &how.vector_key, "KEY",
		"clustering_space: key of the vector [embedding]"),
	OPTION_COUNT(0, "neighbors", &how.neighbors, 1, 1e6, "N", "trustworthiness: how many [5]"),
	OPTION_STRING('m', "model", &how.model, "MODEL", "bertscore: the encoder"),
	OPTION_COUNT(0, "layer", &how.layer, 0, 1000, "N",
		"bertscore: take the vectors of this layer [bert-score's, else the last]"),
	OPTION_FLAG(0, "idf", &how.idf, "bertscore: weigh tokens by how few references have them"),
	OPTION_STRING(0, "rescale", &how.rescale_path, "FILE",
		"bertscore: a baseline a layer (CSV: LAYER,P,R,F)"),
	OPTION_HEADING("Topics"),
	OPTION_STRING(0, "topics", &how.topics_path, "REPORT",
		"coherence, diversity: the report of topics"),
	OPTION_COUNT(0, "top-words", &how.top_words, 1, 1000, "N", "of each topic [10]"),
	OPTION_HEADING("Entities"),
	OPTION_FLAG(0, "strict", &how.strict, "seqeval: find entities by the rules of a scheme"),
	OPTION_CHOICE(0, "scheme", &how.scheme, SEQEVAL_SCHEMES, "which, with --strict [auto]"),
	OPTION_FLAG(0, "suffix", &how.suffix, "tags end in their letter: PER-B"),
	OPTION_HEADING("Translations"),
	OPTION_CHOICE(0, "bleu-tokenizer", &how.tokenizer, BLEU_TOKENIZERS, "words of bleu [13a]"),
	OPTION_FLAG(0, "lowercase", &how.lowercase, "bleu, chrf: regardless of case"),
	OPTION_CHOICE(0, "smooth", &how.smooth, BLEU_SMOOTHS, "bleu: precisions of 0 [exp]"),
	OPTION_NUMBER(
		0, "smooth-value", &how.smooth_value, 0, 100, "X", "of floor and add-k [0.1; 1]"),
	OPTION_FLAG(0, "effective-order", &how.effective_order,
		"bleu: leave out n-grams longer than the text"),
	OPTION_COUNT(
		0, "char-order", &how.char_order, 1, 16, "N", "chrf: n-grams of characters [6]"),
	OPTION_COUNT(0, "word-order", &how.word_order, 0, 8, "N", "chrf: n-grams of words [0]"),
	OPTION_COUNT(0, "beta", &how.beta, 1, 100, "N", "chrf: how recall weighs [2]"),
	OPTION_FLAG(0, "whitespace", &how.chrf_whitespace, "chrf: white space counts"),
	OPTION_FLAG(0, "normalized", &how.ter_normalized, "ter: part punctuation from words"),
	OPTION_FLAG(0, "no-punct", &how.ter_no_punct, "ter: leave punctuation out"),
	OPTION_FLAG(0, "asian", &how.ter_asian, "ter: with these two, Chinese and Japanese too"),
	OPTION_FLAG(0, "case-sensitive", &how.ter_case_sensitive, "ter: case counts"),
	OPTION_HEADING("Summaries and answers"),
	OPTION_FLAG(0, "stemmer", &how.stemmer, "rouge: stem words (Porter)"),
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
	return metric_names.n == 1 && !strcmp(metric_names.at[0], "diversity");
}

static const struct command command = {
	.name = "evaluate",
	.summary = "measure predictions against references",
	.options = options,
	.has = COMMAND_OWN_OUTPUT | COMMAND_CONLL | COMMAND_TEXT_KEY,
	.no_records = needs_no_records,
	.examples = examples,
};

/* --- Metrics ---------------------------------------------------------------------------------- */

/* A metric at work, with the group of each of its units; DROPPED: its record was set aside. */
static struct work {
	struct measure *measure;
	LIST(uint32_t) group;
	size_t n; /* units of the first system */
} works[METRICS_MAX];
static size_t n_works;

static struct terms groups; /* the values of --by */

static void name_all(void)
{
	size_t at = 0;
	for (const struct metric_kind *const *m = metrics; *m; m++)
		at += (size_t)snprintf(metric_help + at, sizeof metric_help - at, "%s%s",
			at ? ", " : "what to measure: ", (*m)->name);
	CHECK(at < sizeof metric_help);
}

static void open_metrics(struct reader *reader)
{
	struct error e;
	if (paired && how.idf)
		command_usage("--idf does not go with --paired: references would count twice");
	if (!metric_names.n)
		command_usage("which --metric? For example --metric classification");
	for (size_t i = 0; i < metric_names.n; i++) {
		const struct metric_kind *m = metric_find(metric_names.at[i], &e);
		if (!m)
			command_usage("%s", e.msg);
		for (size_t j = 0; j < n_works; j++)
			if (works[j].measure->metric == m)
				command_usage("--metric %s is named twice", m->name);
		if (m->whole && (by || paired))
			command_usage(
				"--%s does not go with --metric %s, whose units are no records",
				by ? "by" : "paired", m->name);
		if (n_works == METRICS_MAX)
			command_usage("more than %d metrics", METRICS_MAX);
		works[n_works].measure = metric_open(m, reader, &how, &e);
		if (!works[n_works++].measure)
			command_usage("%s", e.msg);
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
		for (size_t i = 0; i < metric_names.n; i++)
			if (slice_equal(
				    slice_from(metric_names.at[i]), (struct slice){ list, size }))
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
	if (!ci && (command_given("ci-method") || command_given("confidence")))
		command_usage("--ci-method and --confidence go with --ci");
	if (!paired && command_given("paired-test"))
		command_usage("--paired-test goes with --paired");
	if (!ci && !paired && command_given("resamples"))
		command_usage("--resamples goes with --ci or --paired");
}

/* VALUE=NAME; quotes around the name are not part of it. */
static void read_label_names(void)
{
	how.label_values = MEM_ARRAY(struct slice, label_names.n + 1);
	how.label_names = MEM_ARRAY(struct slice, label_names.n + 1);
	for (size_t i = 0; i < label_names.n; i++) {
		const char *text = label_names.at[i], *equals = strchr(text, '=');
		if (!equals)
			command_usage("--label-names wants VALUE=NAME, not '%s'", text);
		how.label_values[i] = (struct slice){ text, (size_t)(equals - text) };
		how.label_names[i] = slice_from(equals + 1);
	}
	how.n_label_names = label_names.n;
}

static void read_cut_offs(void)
{
	if (ks.n > METRIC_KS)
		command_usage("--k takes at most %d numbers", METRIC_KS);
	for (size_t i = 0; i < ks.n; i++) {
		char after;
		if (sscanf(ks.at[i], "%zu%c", &how.ks[i], &after) != 1 || how.ks[i] < 1 ||
			how.ks[i] > INT32_MAX || strpbrk(ks.at[i], "+- "))
			command_usage("--k wants whole numbers from 1, not '%s'", ks.at[i]);
		if (i && how.ks[i] <= how.ks[i - 1])
			command_usage("--k wants its numbers in order, the smallest first");
	}
	how.n_ks = ks.n ? ks.n : how.n_ks;
}

static void read_keys(void)
{
	if (!embedding_keys.n)
		return;
	if (embedding_keys.n != 2)
		command_usage("--embedding-keys wants two keys");
	how.embedding_keys[0] = embedding_keys.at[0];
	how.embedding_keys[1] = embedding_keys.at[1];
}

/* --- Records ---------------------------------------------------------------------------------- */

static int group_of(
	const struct record *r, size_t want, struct arena *arena, uint32_t *group, struct error *e)
{
	struct slice text, json;
	*group = 0;
	if (!by)
		return 0;
	if (record_label(r, want, by, arena, &text, &json, e))
		return -1;
	*group = terms_add(&groups, text);
	return 0;
}

/* One record into all metrics; on failure none counts it. */
static int add_record(const struct record *r, struct arena *arena, uint32_t group, struct error *e)
{
	for (size_t i = 0; i < n_works; i++) {
		struct work *w = &works[i];
		size_t unit = w->measure->n;
		if (measure_add(w->measure, r, arena, e)) {
			while (i--)
				if (works[i].measure->n)
					works[i].group.at[works[i].measure->n - 1] = DROPPED;
			return -1;
		}
		if (w->measure->n == unit)
			continue;
		LIST_ADD(w->group, group);
	}
	return 0;
}

static size_t read_records(void)
{
	size_t by_want = by ? reader_want(run.reader, by) : 0;
	struct arena *arena = arena_new();
	struct source s = { .reader = run.reader,
		.prediction_key = how.prediction_key,
		.reference_key = how.reference_key };
	struct record r;
	struct error e;
	uint32_t group;
	source_open(&s);
	for (; source_next(&s, arena, &r); arena_clear(arena)) {
		if (group_of(&r, by_want, arena, &group, &e) || add_record(&r, arena, group, &e))
			command_reject(&r, &e);
		if (s.n % 4096 == 0) /* it asks the terminal each time */
			command_progress("records", s.n, 0);
		if (s.n >= DROPPED / 2)
			command_stop(ERROR_DATA, "more than %u records", DROPPED / 2);
	}
	source_close(&s);
	arena_free(arena);
	return s.n;
}

/* The other system's keys stand at the same places where they are asked for in the same order. */
static void open_twins(struct reader *reader)
{
	struct error e;
	for (size_t i = 0; i < n_works; i++) {
		struct measure *twin = metric_open(works[i].measure->metric, reader, &how, &e);
		if (!twin)
			command_fail(&e);
		measure_close(twin);
	}
}

/* The other system's n records, into the same metrics behind the first's. */
static void read_paired(size_t n)
{
	struct error e;
	struct arena *arena = arena_new();
	struct reader_options o = { .files = &paired, .n_files = 1 };
	o.format = run.conll ? FORMAT_TEXT : FORMAT_AUTO;
	struct source s = { .reader = reader_open(&o, &e),
		.paired = true,
		.prediction_key = how.prediction_key,
		.reference_key = how.reference_key };
	struct record r;
	uint64_t hash[METRICS_MAX];
	if (!s.reader)
		command_fail(&e);
	open_twins(s.reader);
	source_open(&s);
	for (size_t i = 0; i < n_works; i++) {
		works[i].n = works[i].measure->n;
		hash[i] = works[i].measure->hash;
		works[i].measure->hash = 0;
	}
	for (; source_next(&s, arena, &r); arena_clear(arena)) {
		if (s.n > n)
			command_stop(ERROR_DATA,
				"%s:%zu: more records than the %zu to compare with", r.file, r.line,
				n);
		if (add_record(&r, arena, 0, &e))
			command_fail(&e);
	}
	if (s.n < n)
		command_stop(ERROR_DATA, "%s has %zu records, but there are %zu to compare with",
			paired, s.n, n);
	for (size_t i = 0; i < n_works; i++) {
		if (works[i].measure->hash != hash[i])
			command_stop(ERROR_DATA,
				"%s has other references: the systems were not given the same "
				"records",
				paired);
	}
	source_close(&s);
	arena_free(arena);
	reader_close(s.reader);
}

/* --- Findings --------------------------------------------------------------------------------- */

/* The units kept, in order, and again group by group. */
struct kept {
	uint32_t *all, *grouped;
	size_t n, *end; /* [groups] where a group ends in grouped */
};

static struct kept kept_of(const struct work *w)
{
	struct arena *arena = w->measure->arena;
	bool whole = w->measure->metric->whole;
	size_t most = whole ? w->measure->n : w->n;
	struct kept k = { ARENA_ARRAY(arena, uint32_t, most + 1),
		ARENA_ARRAY(arena, uint32_t, most + 1), 0,
		arena_zero(arena, groups.n + 2, sizeof *k.end) };
	for (size_t i = 0; i < most; i++) {
		if (!whole && w->group.at[i] == DROPPED)
			continue;
		k.all[k.n++] = (uint32_t)i;
		k.end[whole ? 0 : w->group.at[i] + 1]++;
	}
	/* the begin of each group, which becomes its end as units come in */
	for (size_t g = 1; g <= groups.n; g++)
		k.end[g] += k.end[g - 1];
	for (size_t i = 0; i < k.n && by; i++)
		k.grouped[k.end[w->group.at[k.all[i]]]++] = k.all[i];
	return k;
}

static void compare(struct finding *f, const struct work *w)
{
	struct error e;
	struct measure *m = w->measure;
	struct resample_options o = sampling;
	uint32_t *other = ARENA_ARRAY(m->arena, uint32_t, f->n + 1);
	if (paired_test == TEST_RANDOMIZATION && !command_given("resamples"))
		o.resamples = 10000;
	for (size_t i = 0; i < f->n; i++)
		other[i] = f->units[i] + (uint32_t)w->n;
	f->other = ARENA_ARRAY(m->arena, double, m->n_figures + 1);
	f->p = ARENA_ARRAY(m->arena, double, m->n_figures + 1);
	measure_compute(m, other, f->n, f->other);
	if (resample_test(m, f->units, other, f->n, &o, f->p, &e))
		command_fail(&e);
}

static void find(struct finding *f, const struct work *w, uint32_t *units, size_t n)
{
	static const char *const tests[] = { "bootstrap", "randomization", "mcnemar", "wilcoxon" };
	struct measure *m = w->measure;
	*f = (struct finding){ .measure = m, .test = tests[paired_test] };
	f->units = units;
	f->n = n;
	f->value = ARENA_ARRAY(m->arena, double, m->n_figures + 1);
	measure_compute(m, f->units, f->n, f->value);
	if (ci) {
		f->low = ARENA_ARRAY(m->arena, double, m->n_figures + 1);
		f->high = ARENA_ARRAY(m->arena, double, m->n_figures + 1);
		command_progress("resampling", 0, 0);
		resample_intervals(m, f->units, f->n, &sampling, f->low, f->high);
		char extra[96];
		snprintf(extra, sizeof extra, "bs:%zu|ci:%s|seed:%llu", sampling.resamples,
			ci_method == RESAMPLE_BCA ? "bca" : "percentile",
			(unsigned long long)run.seed);
		f->extra = arena_string(m->arena, slice_from(extra));
	}
	if (paired)
		compare(f, w);
}

static struct group *find_all(size_t *n)
{
	*n = 1 + groups.n;
	struct group *g = mem_zero(*n, sizeof *g);
	for (size_t i = 0; i < *n; i++) {
		g[i].n = n_works;
		g[i].findings = mem_zero(n_works, sizeof *g[i].findings);
		g[i].name = i ? groups.at[i - 1] : (struct slice){ "", 0 };
	}
	for (size_t j = 0; j < n_works; j++) {
		struct kept k = kept_of(&works[j]);
		find(&g[0].findings[j], &works[j], k.all, k.n);
		for (size_t i = 1; i < *n; i++) {
			size_t begin = i > 1 ? k.end[i - 2] : 0;
			find(&g[i].findings[j], &works[j], k.grouped + begin, k.end[i - 1] - begin);
		}
	}
	return g;
}

/* --- Conditions ------------------------------------------------------------------------------- */

/* NAME is a figure, METRIC.FIGURE, or a metric, which means its score. */
static bool is_named(const struct finding *f, size_t i, const char *name, size_t size)
{
	const char *metric = f->measure->metric->name, *figure = f->measure->names[i];
	size_t n = strlen(metric);
	if (strlen(figure) == size && !strncasecmp(figure, name, size))
		return true;
	if (n == size && !strncasecmp(metric, name, n))
		return i == f->measure->main;
	return size > n + 1 && !strncasecmp(metric, name, n) && name[n] == '.' &&
	       strlen(figure) == size - n - 1 && !strncasecmp(figure, name + n + 1, size - n - 1);
}

static void check_condition(const struct group *g, const char *text, bool under)
{
	const char *option = under ? "fail-under" : "fail-over", *equals = strrchr(text, '='),
		   *after;
	double limit = equals ? number_to_double(equals + 1, text + strlen(text), &after) : 0;
	if (!equals || after != text + strlen(text))
		command_usage("--%s wants NAME=NUMBER, not '%s'", option, text);
	for (size_t i = 0; i < g->n; i++) {
		const struct finding *f = &g->findings[i];
		for (size_t j = 0; j < f->measure->n_figures; j++) {
			if (!is_named(f, j, text, (size_t)(equals - text)))
				continue;
			double x = f->value[j];
			if (under ? x >= limit : x <= limit)
				return;
			command_note("%s is %.15g, %s %.15g", f->measure->names[j], x,
				isnan(x) ? "which is not comparable to"
				: under  ? "under"
					 : "over",
				limit);
			run.condition_false = true;
			return;
		}
	}
	command_usage("--%s: there is no figure '%.*s'", option, (int)(equals - text), text);
}

static void check_conditions(const struct group *g)
{
	for (size_t i = 0; i < fail_under.n; i++)
		check_condition(g, fail_under.at[i], true);
	for (size_t i = 0; i < fail_over.n; i++)
		check_condition(g, fail_over.at[i], false);
}

/* --- All of it -------------------------------------------------------------------------------- */

static void finish_metrics(void)
{
	struct error e;
	for (size_t i = 0; i < n_works; i++) {
		if (!paired)
			works[i].n = works[i].measure->n;
		if (measure_finish(works[i].measure, &e))
			command_fail(&e);
	}
}

static void show_signatures(const struct group *g)
{
	for (size_t i = 0; i < g->n; i++) {
		struct buffer b = { 0 };
		measure_signature(g->findings[i].measure, g->findings[i].extra, &b);
		command_detail("%.*s", (int)b.size, b.data);
		buffer_free(&b);
	}
}

static void write_report(const struct group *g, size_t n)
{
	struct buffer out = { 0 };
	report_write(&out, (enum report_format)output_format, g, n, by, digits);
	command_output_bytes();
	command_write(&out, 0);
	buffer_free(&out);
}

int main(int argc, char **argv)
{
	size_t n;
	how = metric_defaults;
	name_all();
	command_begin(&command, argc, argv);
	digits = command_given("digits") ? digits_value : SIZE_MAX;
	sampling.seed = run.seed;
	sampling.method = (enum resample_method)ci_method;
	sampling.test = (enum resample_test)paired_test;
	how.text_key = run.text_key;
	how.device = run.device;
	read_label_names();
	read_keys();
	read_cut_offs();
	open_metrics(run.reader);
	check_options();
	size_t records = run.reader ? read_records() : 0;
	if (paired && run.rejected)
		command_usage("--paired needs every record: none may be rejected");
	if (paired)
		read_paired(records);
	finish_metrics();
	struct group *g = find_all(&n);
	show_signatures(g);
	write_report(g, n);
	check_conditions(g);
	for (size_t i = 0; i < n; i++)
		mem_free(g[i].findings);
	mem_free(g);
	for (size_t i = 0; i < n_works; i++) {
		measure_close(works[i].measure);
		mem_free(works[i].group.at);
	}
	terms_free(&groups);
	mem_free(how.label_values);
	mem_free(how.label_names);
	return command_end();
}
