/*
 * ter.c: translation edit rate of a corpus, as sacrebleu 2.6 computes it (sacrebleu/metrics/ter.py):
 * 100 Σ edits to the nearest reference / Σ mean length of the references; lower is better.
 */
#include <stdint.h>

#include "lib/metric/list.h"
#include "lib/metric/segment.h"
#include "lib/metric/ter.h"

enum { WORDS = 8192 }; /* of a text: the matrix of two takes 10 bytes a pair */

struct unit {
	double edits, length;
};

struct state {
	struct measure m;
	struct reference_count references;
};

/* Words of a text that was tokenized `times` times: sacrebleu does references twice, which --normalized
 * shows ("'s" before a tab is parted the second time). */
static struct slice *words_of(const struct metric_options *o, struct slice text, int times,
	struct arena *arena, size_t *n)
{
	struct ter_style style = { o->ter_normalized, o->ter_no_punct, o->ter_asian,
		o->ter_case_sensitive };
	for (int i = 0; i < times; i++)
		text = text_folded(ter_tokenize(text_strip_end(text), &style, arena), arena);
	return text_split(text, arena, n);
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct state *s = (struct state *)m;
	struct segment segment;
	struct unit u = { INFINITY, 0 };
	if (segment_read(m, r, arena, &segment, e))
		return -1;
	size_t n, k;
	struct slice *words = words_of(m->options, segment.hypothesis, 1, arena, &n);
	for (size_t i = 0; i < segment.n; i++) {
		struct slice *reference = words_of(m->options, segment.references[i], 2, arena, &k);
		if (n > WORDS || k > WORDS)
			return record_error(r, e, "ter: a text of more than %d words", WORDS);
		struct vocabulary v = vocabulary_new(arena, n + k);
		uint32_t *a = vocabulary_ids(&v, words, n, arena);
		uint32_t *b = vocabulary_ids(&v, reference, k, arena);
		double edits = (double)ter_edits(a, n, b, k, arena);
		u.edits = edits < u.edits ? edits : u.edits;
		u.length += (double)k;
	}
	u.length /= (double)segment.n;
	measure_keep(m, &u);
	reference_count_add(&s->references, segment.n);
	return 0;
}

static const char *const figures[] = { "ter", "edits", "ref_length", NULL };

static void compute(const struct measure *m, const uint32_t *units, size_t n, double *value)
{
	const struct unit *all = m->units;
	double edits = 0, length = 0;
	if (!n)
		return;
	for (size_t i = 0; i < n; i++) {
		edits += all[units[i]].edits;
		length += all[units[i]].length;
	}
	value[0] = 100 * (length > 0 ? edits / length : edits > 0 ? 1 : 0);
	value[1] = edits;
	value[2] = length;
}

static void signature(const struct measure *m, struct buffer *b)
{
	const struct metric_options *o = m->options;
	reference_count_show(&((const struct state *)m)->references, b);
	buffer_printf(b, "|case:%s|tok:tercom|norm:%s|punct:%s|asian:%s|version:2.6.0",
		o->ter_case_sensitive ? "mixed" : "lc", o->ter_normalized ? "yes" : "no",
		o->ter_no_punct ? "no" : "yes", o->ter_asian ? "yes" : "no");
}

const struct metric_kind metric_ter = {
	.name = "ter",
	.summary = "translation edit rate",
	.state = sizeof(struct state),
	.unit = sizeof(struct unit),
	.figures = figures,
	.add = add,
	.compute = compute,
	.signature = signature,
	.lower_is_better = true,
	.percent = true,
};
