/*
 * evaluate: measure predictions against references. Each metric keeps a few numbers of a record
 * (lib/metric/metric.h); figures, groups, intervals and paired tests follow from those, and one
 * report is written at the end.
 */
#include <stdio.h>
#include <strings.h>

#include "cmd/evaluate_private.h"
#include "cmd/evaluate_source.h"
#include "lib/metric/report.h"
#include "lib/record/number.h"
#include "lib/text/terms.h"

enum { DROPPED = 0xffffffff };

/* --- Metrics ---------------------------------------------------------------------------------- */

/* A metric at work, with the group of each of its units; DROPPED: its record was set aside. */
static struct work {
	struct measure *measure;
	LIST(uint32_t) group;
	size_t n; /* units of the first system */
} works[METRICS_MAX];
static size_t n_works;

static struct terms groups; /* the values of --by */

static void open_metrics(struct reader *reader)
{
	struct error e;
	for (size_t i = 0; i < asked.n_metrics; i++) {
		works[n_works].measure = metric_open(asked.metrics[i], reader, &asked.how, &e);
		if (!works[n_works++].measure && e.code == ERROR_USAGE)
			command_usage("%s", e.msg);
		if (!works[i].measure)
			command_fail(&e);
	}
}

/* --- Records ---------------------------------------------------------------------------------- */

static int group_of(
	const struct record *r, size_t want, struct arena *arena, uint32_t *group, struct error *e)
{
	struct slice text, json;
	*group = 0;
	if (!asked.by)
		return 0;
	if (record_label(r, want, asked.by, arena, &text, &json, e))
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
	size_t by_want = asked.by ? reader_want(run.reader, asked.by) : 0;
	struct arena *arena = arena_new();
	struct source s = { .reader = run.reader,
		.prediction_key = asked.how.prediction_key,
		.reference_key = asked.how.reference_key };
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
		struct measure *twin =
			metric_open(works[i].measure->metric, reader, &asked.how, &e);
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
	struct reader_options o = { .files = &asked.paired, .n_files = 1 };
	o.format = run.conll ? FORMAT_TEXT : FORMAT_AUTO;
	struct source s = { .reader = reader_open(&o, &e),
		.paired = true,
		.prediction_key = asked.how.prediction_key,
		.reference_key = asked.how.reference_key };
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
		command_stop(ERROR_DATA, "%s has %zu record%s, not the %zu to compare with",
			asked.paired, s.n, plural(s.n), n);
	for (size_t i = 0; i < n_works; i++) {
		if (works[i].measure->hash != hash[i])
			command_stop(ERROR_DATA,
				"%s has other references: the systems were not given the same "
				"records",
				asked.paired);
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
	for (size_t i = 0; i < k.n && asked.by; i++)
		k.grouped[k.end[w->group.at[k.all[i]]]++] = k.all[i];
	return k;
}

static void compare(struct finding *f, const struct work *w)
{
	struct error e;
	struct measure *m = w->measure;
	struct resample_options o = asked.sampling;
	uint32_t *other = ARENA_ARRAY(m->arena, uint32_t, f->n + 1);
	if (asked.paired_test == TEST_RANDOMIZATION && !command_given("resamples"))
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
	*f = (struct finding){ .measure = m, .test = tests[asked.paired_test] };
	f->units = units;
	f->n = n;
	f->value = ARENA_ARRAY(m->arena, double, m->n_figures + 1);
	measure_compute(m, f->units, f->n, f->value);
	if (asked.ci) {
		f->low = ARENA_ARRAY(m->arena, double, m->n_figures + 1);
		f->high = ARENA_ARRAY(m->arena, double, m->n_figures + 1);
		command_progress("resampling", 0, 0);
		resample_intervals(m, f->units, f->n, &asked.sampling, f->low, f->high);
		char extra[96];
		snprintf(extra, sizeof extra, "bs:%zu|ci:%s|seed:%llu", asked.sampling.resamples,
			asked.ci_method == RESAMPLE_BCA ? "bca" : "percentile",
			(unsigned long long)run.seed);
		f->extra = arena_string(m->arena, slice_from(extra));
	}
	if (asked.paired)
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
	for (size_t i = 0; i < asked.fail_under.n; i++)
		check_condition(g, asked.fail_under.at[i], true);
	for (size_t i = 0; i < asked.fail_over.n; i++)
		check_condition(g, asked.fail_over.at[i], false);
}

/* --- All of it -------------------------------------------------------------------------------- */

static void finish_metrics(void)
{
	struct error e;
	for (size_t i = 0; i < n_works; i++) {
		if (!asked.paired)
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
	report_write(&out, (enum report_format)asked.output_format, g, n, asked.by, asked.digits);
	command_output_bytes();
	command_write(&out, 0);
	buffer_free(&out);
}

int main(int argc, char **argv)
{
	size_t n;
	evaluate_begin(argc, argv);
	open_metrics(run.reader);
	size_t records = run.reader ? read_records() : 0;
	if (asked.paired && run.rejected)
		command_usage("--paired needs every record: none may be rejected");
	if (asked.paired)
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
	evaluate_end();
	return command_end();
}
