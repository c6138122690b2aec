/* metric.c: the list of metrics, and what they share. */
#include "lib/metric/metric.h"

#include <stdio.h>
#include <string.h>

#include "config.h"
#include "lib/base/name.h"
#include "lib/base/random.h"
#include "lib/metric/list.h"
#include "lib/metric/sum.h"

const struct metric_options metric_defaults = {
	.prediction_key = "prediction",
	.reference_key = "reference",
	.vector_key = "embedding",
	.text_key = "text",
	.bins = 15,
	.smooth_value = NAN,
	.char_order = 6,
	.beta = 2,
	.ks = { 1, 3, 5, 10 },
	.n_ks = 4,
	.neighbors = 5,
	.top_words = 10,
	.layer = SIZE_MAX,
};

const struct metric_kind *const metrics[] = {
	&metric_classification,
	&metric_scores,
	&metric_sts,
	&metric_pairs,
	&metric_seqeval,
	&metric_bleu,
	&metric_chrf,
	&metric_chrf_plus,
	&metric_ter,
	&metric_rouge,
	&metric_meteor,
	&metric_bertscore,
	&metric_exact_match,
	&metric_squad,
	&metric_edit,
	&metric_wer,
	&metric_cer,
	&metric_pass,
	&metric_retrieval,
	&metric_clustering,
	&metric_clustering_space,
	&metric_trustworthiness,
	&metric_coherence,
	&metric_diversity,
	NULL,
};

/* Figures that are not in `figures`, as users may ask for them. */
static const struct {
	const char *figure;
	const struct metric_kind *metric;
} other_figures[] = { { "balanced_accuracy", &metric_classification },
	{ "mcc", &metric_classification }, { "kappa", &metric_classification },
	{ "confusion", &metric_classification }, { "jaccard", &metric_classification },
	{ "spearman", &metric_sts }, { "pearson", &metric_sts }, { "ap", &metric_pairs },
	{ "mrr", &metric_retrieval }, { "ndcg", &metric_retrieval }, { "map", &metric_retrieval } };

/* A name and its metric, and how far it is from what was asked for. */
struct near {
	size_t distance;
	const char *name;
	const struct metric_kind *metric;
};

static void consider(
	struct near *least, const char *asked, const char *name, const struct metric_kind *metric)
{
	size_t d = name_distance(name, asked);
	if (d < least->distance)
		*least = (struct near){ d, name, metric };
}

const struct metric_kind *metric_find(const char *name, struct error *e)
{
	struct near metric = { .distance = name_reach(name) }, figure = metric;
	for (const struct metric_kind *const *m = metrics; *m; m++) {
		if (!strcmp((*m)->name, name))
			return *m;
		consider(&metric, name, (*m)->name, *m);
		for (const char *const *f = (*m)->figures; f && *f; f++)
			consider(&figure, name, *f, *m);
	}
	for (size_t i = 0; i < sizeof other_figures / sizeof *other_figures; i++)
		consider(&figure, name, other_figures[i].figure, other_figures[i].metric);
	if (figure.distance == 0 && metric.distance > 0)
		error_set(e, ERROR_USAGE, "unknown metric '%s'; it is among the figures of %s",
			name, figure.metric->name);
	else if (!metric.name && !figure.name)
		error_set(e, ERROR_USAGE, "unknown metric '%s'", name);
	else if (figure.distance < metric.distance)
		error_set(e, ERROR_USAGE, "unknown metric '%s'; did you mean %s, a figure of %s?",
			name, figure.name, figure.metric->name);
	else
		error_set(
			e, ERROR_USAGE, "unknown metric '%s'; did you mean %s?", name, metric.name);
	return NULL;
}

struct measure *metric_open(const struct metric_kind *metric, struct reader *reader,
	const struct metric_options *o, struct error *e)
{
	struct measure *m = mem_zero(1, metric->state ? metric->state : sizeof *m);
	m->metric = metric;
	m->options = o;
	m->unit = metric->unit;
	m->arena = arena_new();
	if (reader) {
		m->prediction = reader_want(reader, o->prediction_key);
		m->reference = reader_want(reader, o->reference_key);
	}
	if (metric->open && metric->open(m, reader, e)) {
		measure_close(m);
		return NULL;
	}
	return m;
}

int measure_add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	return m->metric->add(m, r, arena, e);
}

int measure_finish(struct measure *m, struct error *e)
{
	for (const char *const *name = m->metric->figures; name && *name; name++)
		measure_name(m, "%s", *name);
	return m->metric->finish ? m->metric->finish(m, e) : 0;
}

void measure_compute(const struct measure *m, const uint32_t *units, size_t n, double *value)
{
	for (size_t i = 0; i < m->n_figures; i++)
		value[i] = NAN;
	m->metric->compute(m, units, n, value);
}

void measure_signature(const struct measure *m, const char *extra, struct buffer *b)
{
	if (m->metric->signature)
		m->metric->signature(m, b);
	else
		buffer_printf(b, "%s|as:%s", m->metric->name, m->metric->as);
	if (extra)
		buffer_printf(b, "|%s", extra);
	buffer_printf(b, "|heddle:%s|data:%016llx", HEDDLE_VERSION, (unsigned long long)m->hash);
}

void measure_close(struct measure *m)
{
	if (!m)
		return;
	if (m->metric->close)
		m->metric->close(m);
	mem_free(m->names);
	mem_free(m->units);
	arena_free(m->arena);
	mem_free(m);
}

static void add_name(struct measure *m, struct slice name)
{
	m->names = mem_grow(m->names, &m->n_names, m->n_figures + 1, sizeof *m->names);
	m->names[m->n_figures++] = arena_string(m->arena, name);
}

void measure_name(struct measure *m, const char *format, ...)
{
	char text[128];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	CHECK(n >= 0 && (size_t)n < sizeof text);
	add_name(m, slice_from(text));
}

void measure_class_name(struct measure *m, const char *figure, struct slice class)
{
	struct buffer b = { 0 };
	buffer_printf(&b, "%s[", figure);
	for (size_t i = 0; i < class.size; i++)
		if (class.data[i])
			buffer_char(&b, class.data[i]);
		else
			buffer_text(&b, "\\x00"); /* a name is a string of C */
	buffer_char(&b, ']');
	add_name(m, buffer_view(&b));
	buffer_free(&b);
}

void measure_keep(struct measure *m, const void *unit)
{
	m->units = mem_grow(m->units, &m->capacity, m->n + 1, m->unit);
	memcpy((char *)m->units + m->n++ * m->unit, unit, m->unit);
}

void measure_means(const struct measure *m, const uint32_t *units, size_t n, double *value)
{
	const double *rows = m->units;
	size_t k = m->unit / sizeof *rows;
	double *x = MEM_ARRAY(double, n + 1), scale = m->metric->percent ? 100 : 1;
	for (size_t j = 0; j < k; j++) {
		for (size_t i = 0; i < n; i++)
			x[i] = rows[units[i] * k + j];
		value[j] = scale * sum_pairwise(x, n) / (double)n;
	}
	mem_free(x);
}

void measure_hash(struct measure *m, struct slice s)
{
	uint64_t h = m->hash + s.size * 0x9e3779b97f4a7c15u, word;
	size_t i = 0;
	for (; i + 8 <= s.size; i += 8) {
		memcpy(&word, s.data + i, 8);
		h = (h ^ word) * 0xbf58476d1ce4e5b9u;
		h ^= h >> 29;
	}
	m->hash = random_mix(h ^ slice_few(s.data + i, s.size - i));
}
