/*
 * bleu.c: BLEU (K. Papineni et al., 2002) of a corpus, as sacrebleu 2.6 computes it
 * (sacrebleu/metrics/bleu.py):
 *
 *	bleu = bp exp(1/4 Σ log p_n),  p_n = 100 Σ min(count, most in a reference) / Σ count
 *	bp = 1, or exp(1 - r / c) where the hypotheses' length c is below r, the sum of the lengths of
 *	the references nearest in length (the shorter of two as near)
 *
 * A precision of 0 is smoothed as --smooth says; a corpus without a match has 0. A unit is a segment's
 * lengths, matches and n-grams, so that figures of any units are sums.
 */
#include "lib/metric/bleu.h"

#include "lib/base/math64.h"
#include "lib/metric/list.h"
#include "lib/metric/segment.h"

enum { ORDER = 4 };

/* Lengths of the hypothesis and the reference, matches and n-grams of each order. */
enum { LENGTH, REFERENCE, CORRECT, TOTAL = CORRECT + ORDER, SUMS = TOTAL + ORDER };
struct unit {
	uint32_t at[SUMS];
};

struct state {
	struct measure m;
	uint32_t largest; /* of the lengths of units, from 1; nothing in one is larger */
	struct reference_count references;
};

static int open(struct measure *m, struct reader *r, struct error *e)
{
	(void)r;
	const struct metric_options *o = m->options;
	if (o->tokenizer == BLEU_JA_MECAB || o->tokenizer == BLEU_KO_MECAB)
		return error_set(e, ERROR_USAGE,
			"--bleu-tokenizer %s needs MeCab and its dictionary (sacrebleu[%s]), which "
			"evaluate does not have: split the words yourself and use none",
			o->tokenizer == BLEU_JA_MECAB ? "ja-mecab" : "ko-mecab",
			o->tokenizer == BLEU_JA_MECAB ? "ja" : "ko");
	if (!isnan(o->smooth_value) && o->smooth != BLEU_FLOOR && o->smooth != BLEU_ADD_K)
		return error_set(e, ERROR_USAGE, "--smooth-value needs --smooth floor or add-k");
	((struct state *)m)->largest = 1;
	return 0;
}

/* str.split(" "): of two blanks the one between them is an empty word. */
static struct slice *split_at_blanks(struct slice s, struct arena *arena, size_t *n)
{
	struct slice *out = ARENA_ARRAY(arena, struct slice, s.size + 1);
	size_t k = 0, begin = 0;
	for (size_t i = 0; i <= s.size; i++) {
		if (i < s.size && s.data[i] != ' ')
			continue;
		out[k++] = (struct slice){ s.data + begin, i - begin };
		begin = i + 1;
	}
	*n = k;
	return out;
}

static struct slice *words_of(
	const struct metric_options *o, struct slice text, struct arena *arena, size_t *n)
{
	if (o->lowercase)
		text = text_lower(text, arena);
	text = text_strip_end(text);
	if (o->tokenizer == BLEU_SPACE)
		return split_at_blanks(text, arena, n);
	text = bleu_tokenize((enum bleu_tokenizer)o->tokenizer, text, arena);
	return text_split(text, arena, n);
}

/* The length nearest to n, the shorter of two. */
static size_t nearest(const size_t *lengths, size_t count, size_t n)
{
	size_t best = lengths[0];
	for (size_t i = 1; i < count; i++) {
		size_t a = lengths[i] > n ? lengths[i] - n : n - lengths[i];
		size_t b = best > n ? best - n : n - best;
		if (a < b || (a == b && lengths[i] < best))
			best = lengths[i];
	}
	return best;
}

static struct unit count(
	const struct metric_options *o, const struct segment *s, struct arena *arena)
{
	struct unit u = { 0 };
	size_t n, all, *lengths = ARENA_ARRAY(arena, size_t, s->n);
	struct slice *words = words_of(o, s->hypothesis, arena, &n), **references;
	references = ARENA_ARRAY(arena, struct slice *, s->n);
	all = n;
	for (size_t i = 0; i < s->n; i++) {
		references[i] = words_of(o, s->references[i], arena, &lengths[i]);
		all += lengths[i];
	}
	struct vocabulary v = vocabulary_new(arena, all);
	struct tally t = tally_new(arena, ORDER * all);
	tally_count(&t, vocabulary_ids(&v, words, n, arena), n, ORDER, t.hypothesis, 0);
	for (size_t i = 0; i < s->n; i++) {
		tally_count(&t, vocabulary_ids(&v, references[i], lengths[i], arena), lengths[i],
			ORDER, t.reference, 0);
		for (size_t j = 0; j < t.n; j++) {
			t.best[j] = t.reference[j] > t.best[j] ? t.reference[j] : t.best[j];
			t.reference[j] = 0;
		}
	}
	for (size_t j = 0; j < t.n; j++) {
		uint32_t h = t.hypothesis[j], r = t.best[j];
		u.at[TOTAL + t.order[j]] += h;
		u.at[CORRECT + t.order[j]] += h < r ? h : r;
	}
	u.at[LENGTH] = (uint32_t)n;
	u.at[REFERENCE] = (uint32_t)nearest(lengths, s->n, n);
	return u;
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct state *s = (struct state *)m;
	struct segment segment;
	if (segment_read(m, r, arena, &segment, e))
		return -1;
	struct unit u = count(m->options, &segment, arena);
	for (size_t k = LENGTH; k <= REFERENCE; k++)
		s->largest = u.at[k] > s->largest ? u.at[k] : s->largest;
	measure_keep(m, &u);
	reference_count_add(&s->references, segment.n);
	return 0;
}

static const char *const figures[] = { "bleu", "precision_1", "precision_2", "precision_3",
	"precision_4", "brevity_penalty", "ratio", "hyp_len", "ref_len", NULL };

static double log_or_little(double x)
{
	return x == 0 ? -9999999999 : math_log64(x);
}

/* The score and precisions [ORDER] from sums. */
static double score(const struct metric_options *o, const double *correct, const double *total,
	double bp, double *precision)
{
	double k = isnan(o->smooth_value) ? o->smooth == BLEU_FLOOR ? 0.1 : 1 : o->smooth_value;
	double doubled = 1, sum = 0, any = 0;
	size_t order = ORDER;
	for (size_t n = 0; n < ORDER; n++) {
		any += correct[n];
		precision[n] = 0;
	}
	if (any == 0)
		return 0;
	for (size_t n = 0; n < ORDER; n++) {
		double add = o->smooth == BLEU_ADD_K && n > 0 ? k : 0;
		double c = correct[n] + add, t = total[n] + add;
		if (t == 0)
			break;
		if (o->effective_order)
			order = n + 1;
		if (c != 0) {
			precision[n] = 100 * c / t;
		} else if (o->smooth == BLEU_EXP) {
			doubled *= 2;
			precision[n] = 100 / (doubled * t);
		} else if (o->smooth == BLEU_FLOOR) {
			precision[n] = 100 * k / t;
		}
	}
	for (size_t n = 0; n < order; n++)
		sum += log_or_little(precision[n]);
	return bp * math_exp64(sum / (double)order);
}

/* x [SUMS]: in 32 bits, which is twice as many at once, for as many units as cannot overflow. */
static void add_up(const struct state *s, const uint32_t *units, size_t n, double *x)
{
	const struct unit *all = s->m.units;
	uint64_t sums[SUMS] = { 0 };
	size_t some = UINT32_MAX / s->largest;
	while (n) {
		size_t now = n < some ? n : some;
		struct unit part = { 0 };
		for (size_t i = 0; i < now; i++)
			for (size_t k = 0; k < SUMS; k++)
				part.at[k] += all[units[i]].at[k];
		for (size_t k = 0; k < SUMS; k++)
			sums[k] += part.at[k];
		units += now;
		n -= now;
	}
	for (size_t k = 0; k < SUMS; k++)
		x[k] = (double)sums[k];
}

static void compute(const struct measure *m, const uint32_t *units, size_t n, double *value)
{
	double x[SUMS];
	if (!n)
		return;
	add_up((const struct state *)m, units, n, x);
	double l = x[LENGTH], r = x[REFERENCE], bp = 1;
	if (l < r)
		bp = l > 0 ? math_exp64(1 - r / l) : 0;
	value[0] = score(m->options, x + CORRECT, x + TOTAL, bp, value + 1);
	value[5] = bp;
	value[6] = r > 0 ? l / r : 0;
	value[7] = l;
	value[8] = r;
}

static void signature(const struct measure *m, struct buffer *b)
{
	static const char *const tokenizers[] = { "13a", "intl", "char", "zh", "none", "space" };
	static const char *const smooths[] = { "exp", "floor", "add-k", "none" };
	const struct metric_options *o = m->options;
	reference_count_show(&((const struct state *)m)->references, b);
	buffer_printf(b, "|case:%s|eff:%s|tok:%s|smooth:%s", o->lowercase ? "lc" : "mixed",
		o->effective_order ? "yes" : "no", tokenizers[o->tokenizer], smooths[o->smooth]);
	if (o->smooth == BLEU_FLOOR || o->smooth == BLEU_ADD_K)
		buffer_printf(b, "[%.2f]",
			!isnan(o->smooth_value)   ? o->smooth_value
			: o->smooth == BLEU_FLOOR ? 0.1
						  : 1.0);
	buffer_text(b, "|version:2.6.0");
}

const struct metric_kind metric_bleu = {
	.name = "bleu",
	.summary = "BLEU of translations",
	.state = sizeof(struct state),
	.unit = sizeof(struct unit),
	.figures = figures,
	.open = open,
	.add = add,
	.compute = compute,
	.signature = signature,
	.percent = true,
};
