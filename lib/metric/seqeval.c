/*
 * seqeval.c: named entities: those of predicted tags against those of true tags, equal where type,
 * begin and end are, as seqeval 1.2.2 counts them.
 *
 *	precision, recall, f1	over all entities (micro): tp / predicted, tp / true, 2 p r / (p + r)
 *	*_macro, *_weighted	means over types, plain and weighted by the number of true entities
 *	accuracy	tags that are equal / tags
 */
#include "lib/metric/seqeval.h"

#include <stdlib.h>

#include "lib/metric/classification.h"
#include "lib/metric/list.h"
#include "lib/text/terms.h"

/* What a sentence adds to the counts of a type. */
struct part {
	uint32_t type, tp, predicted, support;
};

struct unit {
	size_t begin; /* parts [begin, begin + n) */
	uint32_t n, tags, equal;
	/* strict without a scheme: the tags, kept until all references are known */
	size_t kept; /* predicted, then true, in `kept` */
	const char *file;
	size_t line;
};

struct state {
	struct measure m;
	bool waits; /* for the scheme */
	enum seqeval_scheme scheme;
	unsigned seen;
	struct terms types, tags;
	LIST(struct part) parts;
	LIST(uint32_t) kept;
	uint32_t *rank, *order;
};

static int open(struct measure *m, struct reader *r, struct error *e)
{
	(void)r;
	struct state *s = (struct state *)m;
	const struct metric_options *o = m->options;
	if (o->scheme != SEQEVAL_AUTO && !o->strict)
		return error_set(e, ERROR_USAGE,
			"--scheme needs --strict: otherwise tags are read leniently");
	s->waits = o->strict && o->scheme == SEQEVAL_AUTO;
	s->scheme = (enum seqeval_scheme)o->scheme;
	return 0;
}

static void close_state(struct measure *m)
{
	struct state *s = (struct state *)m;
	terms_free(&s->types);
	terms_free(&s->tags);
	mem_free(s->parts.at);
	mem_free(s->kept.at);
	mem_free(s->rank);
	mem_free(s->order);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static int read_tags(const struct record *r, size_t want, const char *key, struct arena *arena,
	struct slice **tags, size_t *n, struct error *e)
{
	struct json v;
	if (record_array(r, want, key, "an array of tags", &v, e))
		return -1;
	*n = json_count(v);
	*tags = ARENA_ARRAY(arena, struct slice, *n + 1);
	size_t k = 0;
	for (struct json_iterator i = json_iterate(v); json_each(&i); k++) {
		if (i.value.type != JSON_STRING)
			return record_error(r, e, "key \"%s\": element %zu is %s, not a tag", key,
				k, json_type_name(i.value.type));
		(*tags)[k] = json_text(i.value, arena);
		if (!(*tags)[k].size)
			return record_error(
				r, e, "key \"%s\": element %zu is an empty tag", key, k);
	}
	return 0;
}

static int find(const struct state *s, const struct slice *tags, size_t n, struct entity *out,
	size_t *k, struct error *e)
{
	const struct metric_options *o = s->m.options;
	if (o->strict)
		return seqeval_strict(tags, n, o->suffix, s->scheme, out, k, e);
	*k = seqeval_lenient(tags, n, o->suffix, out);
	return 0;
}

static struct part *part_of(struct state *s, struct unit *u, struct slice type)
{
	uint32_t id = terms_add(&s->types, type);
	for (size_t i = u->begin; i < u->begin + u->n; i++)
		if (s->parts.at[i].type == id)
			return &s->parts.at[i];
	LIST_ADD(s->parts, (struct part){ .type = id });
	u->n++;
	return &s->parts.at[s->parts.n - 1];
}

/* Entities come in order of their begins, so the two lists are merged. */
static int count(struct state *s, struct unit *u, const struct slice *predicted,
	const struct slice *reference, size_t n, struct arena *arena, struct error *e)
{
	struct entity *a = ARENA_ARRAY(arena, struct entity, n + 1);
	struct entity *b = ARENA_ARRAY(arena, struct entity, n + 1);
	size_t k, l;
	if (find(s, predicted, n, a, &k, e) || find(s, reference, n, b, &l, e))
		return -1;
	u->begin = s->parts.n;
	u->n = 0;
	for (size_t i = 0; i < k; i++)
		part_of(s, u, a[i].type)->predicted++;
	for (size_t j = 0, i = 0; j < l; j++) {
		struct part *p = part_of(s, u, b[j].type);
		p->support++;
		while (i < k && a[i].begin < b[j].begin)
			i++;
		p->tp += i < k && a[i].begin == b[j].begin && a[i].end == b[j].end &&
			 slice_equal(a[i].type, b[j].type);
	}
	return 0;
}

static void keep(struct state *s, struct unit *u, const struct slice *predicted,
	const struct slice *reference, size_t n)
{
	u->kept = s->kept.n;
	for (size_t i = 0; i < n; i++)
		LIST_ADD(s->kept, terms_add(&s->tags, predicted[i]));
	for (size_t i = 0; i < n; i++)
		LIST_ADD(s->kept, terms_add(&s->tags, reference[i]));
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct state *s = (struct state *)m;
	const struct metric_options *o = m->options;
	struct slice *predicted, *reference;
	size_t n, k;
	struct error why;
	struct unit u = { .file = r->file, .line = r->line };
	if (read_tags(r, m->prediction, o->prediction_key, arena, &predicted, &n, e) ||
		read_tags(r, m->reference, o->reference_key, arena, &reference, &k, e))
		return -1;
	if (n != k)
		return record_error(r, e, "key \"%s\" has %zu tag%s, \"%s\" has %zu",
			o->prediction_key, n, plural(n), o->reference_key, k);
	if (n > UINT32_MAX)
		return record_error(r, e, "more than %u tags", UINT32_MAX);
	u.tags = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		u.equal += slice_equal(predicted[i], reference[i]);
	unsigned ignored = 0;
	if (s->waits ? seqeval_prefixes(predicted, n, o->suffix, &ignored, &why) ||
				seqeval_prefixes(reference, n, o->suffix, &s->seen, &why)
		     : count(s, &u, predicted, reference, n, arena, &why))
		return record_error(r, e, "%s", why.msg);
	if (s->waits)
		keep(s, &u, predicted, reference, n);
	for (size_t i = 0; i < n; i++)
		measure_hash(m, reference[i]);
	measure_keep(m, &u);
	return 0;
}

/* --- When all are read ------------------------------------------------------------------------ */

static int count_kept(struct state *s, struct error *e)
{
	struct arena *arena = arena_new();
	int failed = 0;
	s->scheme = seqeval_detect(s->seen);
	if (s->scheme == SEQEVAL_AUTO && s->m.n) {
		arena_free(arena);
		return error_set(e, ERROR_DATA,
			"the references' tags fit no scheme that can be found: name one with "
			"--scheme");
	}
	for (size_t i = 0; i < s->m.n && !failed; i++) {
		struct unit *u = (struct unit *)s->m.units + i;
		struct slice *tags = ARENA_ARRAY(arena, struct slice, 2 * (size_t)u->tags + 1);
		for (size_t j = 0; j < 2 * (size_t)u->tags; j++)
			tags[j] = s->tags.at[s->kept.at[u->kept + j]];
		failed = count(s, u, tags, tags + u->tags, u->tags, arena, e);
		if (failed)
			error_wrap(e, "%s:%zu", u->file, u->line);
		arena_clear(arena);
	}
	arena_free(arena);
	return failed;
}

static int by_text(const void *a, const void *b, void *terms)
{
	const struct slice *at = ((const struct terms *)terms)->at;
	return slice_compare(at[*(const uint32_t *)a], at[*(const uint32_t *)b]);
}

static const char *const figures[] = { "f1", "precision", "recall", "accuracy", "precision_macro",
	"recall_macro", "f1_macro", "precision_weighted", "recall_weighted", "f1_weighted", NULL };

static int finish(struct measure *m, struct error *e)
{
	struct state *s = (struct state *)m;
	if (s->waits && count_kept(s, e))
		return -1;
	size_t k = s->types.n;
	s->order = MEM_ARRAY(uint32_t, k + 1);
	s->rank = MEM_ARRAY(uint32_t, k + 1);
	for (size_t i = 0; i < k; i++)
		s->order[i] = (uint32_t)i;
	qsort_r(s->order, k, sizeof *s->order, by_text, &s->types);
	for (size_t i = 0; i < k; i++)
		s->rank[s->order[i]] = (uint32_t)i;
	for (size_t i = 0; i < k; i++) {
		struct slice t = s->types.at[s->order[i]];
		measure_class_name(m, "precision", t);
		measure_class_name(m, "recall", t);
		measure_class_name(m, "f1", t);
	}
	return 0;
}

/* Counts of types, in order of their names. */
static struct counts *total(
	const struct state *s, const uint32_t *units, size_t n, size_t *tags, size_t *equal)
{
	struct counts *c = mem_zero(s->types.n + 1, sizeof *c);
	*tags = *equal = 0;
	for (size_t i = 0; i < n; i++) {
		const struct unit *u = (const struct unit *)s->m.units + units[i];
		*tags += u->tags;
		*equal += u->equal;
		for (size_t j = u->begin; j < u->begin + u->n; j++) {
			const struct part *p = &s->parts.at[j];
			struct counts *to = &c[s->rank[p->type]];
			to->tp += p->tp;
			to->predicted += p->predicted;
			to->support += p->support;
		}
	}
	return c;
}

static size_t pack(const struct state *s, struct counts *c, uint32_t *which)
{
	size_t k = 0;
	for (size_t i = 0; i < s->types.n; i++) {
		if (c[i].predicted + c[i].support == 0)
			continue;
		which[k] = (uint32_t)i;
		c[k++] = c[i];
	}
	return k;
}

static double *put(double *value, struct prf p)
{
	*value++ = p.precision;
	*value++ = p.recall;
	*value++ = p.f1;
	return value;
}

static void compute(const struct measure *m, const uint32_t *units, size_t n, double *value)
{
	const struct state *s = (const struct state *)m;
	size_t tags, equal;
	if (!n)
		return;
	struct counts *c = total(s, units, n, &tags, &equal);
	uint32_t *which = MEM_ARRAY(uint32_t, s->types.n + 1);
	for (size_t i = 0; i < s->types.n; i++)
		if (c[i].predicted + c[i].support)
			put(value + 10 + 3 * i, prf_of_entities(c[i]));
	size_t k = pack(s, c, which);
	struct prf micro = prf_average(c, k, AVERAGE_MICRO, prf_of_entities);
	*value++ = micro.f1;
	*value++ = micro.precision;
	*value++ = micro.recall;
	*value++ = tags ? (double)equal / (double)tags : NAN;
	value = put(value, prf_average(c, k, AVERAGE_MACRO, prf_of_entities));
	put(value, prf_average(c, k, AVERAGE_WEIGHTED, prf_of_entities));
	mem_free(which);
	mem_free(c);
}

static void report(
	const struct measure *m, const uint32_t *units, size_t n, size_t digits, struct buffer *b)
{
	const struct state *s = (const struct state *)m;
	static const struct slice names[] = { { "micro avg", 9 }, { "macro avg", 9 },
		{ "weighted avg", 12 } };
	size_t tags, equal;
	struct counts *c = total(s, units, n, &tags, &equal);
	uint32_t *which = MEM_ARRAY(uint32_t, s->types.n + 1);
	size_t k = pack(s, c, which);
	struct report_row *rows = MEM_ARRAY(struct report_row, k + 1), averages[3];
	uint64_t support = 0;
	for (size_t i = 0; i < k; i++) {
		struct slice type = s->types.at[s->order[which[i]]];
		rows[i] = (struct report_row){ type, prf_of_entities(c[i]), c[i].support, false,
			false };
		support += c[i].support;
	}
	for (size_t i = 0; i < 3; i++) {
		struct prf p = prf_average(c, k, (enum average)i, prf_of_entities);
		averages[i] = (struct report_row){ names[i], p, support, false, false };
	}
	classification_layout(b, rows, k, averages, 3, digits);
	mem_free(rows);
	mem_free(which);
	mem_free(c);
}

static void signature(const struct measure *m, struct buffer *b)
{
	const struct state *s = (const struct state *)m;
	buffer_printf(b, "seqeval|mode:%s|scheme:%s|suffix:%s|version:1.2.2",
		m->options->strict ? "strict" : "default",
		m->options->strict ? seqeval_scheme_name(s->scheme) : "none",
		m->options->suffix ? "yes" : "no");
}

const struct metric_kind metric_seqeval = {
	.name = "seqeval",
	.summary = "entities of tagged sentences",
	.state = sizeof(struct state),
	.unit = sizeof(struct unit),
	.figures = figures,
	.open = open,
	.add = add,
	.finish = finish,
	.compute = compute,
	.report = report,
	.signature = signature,
	.close = close_state,
};
