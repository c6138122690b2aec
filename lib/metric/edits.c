/*
 * edits.c: insertions, deletions and replacements (V. Levenshtein, 1966) that turn the prediction
 * into its one reference.
 *
 *	edit	of characters: the mean distance, and that divided by the longer length, 0 for two empty
 *		texts (rapidfuzz.distance.Levenshtein)
 *	wer	of words that blanks part: Σ edits / Σ words of the references (jiwer 4)
 *	cer	of characters, white space at the ends left out (jiwer 4)
 */
#include "lib/metric/alignment.h"
#include "lib/metric/list.h"
#include "lib/metric/segment.h"

static int read_pair(struct measure *m, const struct record *r, struct arena *arena,
	struct slice out[2], struct error *e)
{
	struct segment s;
	if (segment_read(m, r, arena, &s, e))
		return -1;
	if (s.n > 1)
		return record_error(r, e, "%s: %zu references: it takes one", m->metric->name, s.n);
	out[0] = s.hypothesis;
	out[1] = s.references[0];
	return 0;
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct slice pair[2];
	size_t n, k;
	if (read_pair(m, r, arena, pair, e))
		return -1;
	uint32_t *a = text_points(pair[0], arena, &n), *b = text_points(pair[1], arena, &k);
	double d = (double)edit_distance(a, n, b, k, arena), longer = (double)(n > k ? n : k);
	measure_keep(m, (double[]){ d, longer > 0 ? d / longer : 0 });
	return 0;
}

const struct metric_kind metric_edit = {
	.name = "edit",
	.summary = "edit distance of characters",
	.as = "rapidfuzz-3",
	.unit = 2 * sizeof(double),
	.figures = (const char *const[]){ "distance", "normalized_distance", NULL },
	.add = add,
	.compute = measure_means,
	.lower_is_better = true,
};

/* --- Error rates ------------------------------------------------------------------------------ */

/* jiwer's words: runs of white space of two and more become a blank, the ends are stripped, and
 * single blanks part. */
static struct slice *blank_words(struct slice text, struct arena *arena, size_t *n)
{
	size_t points, k = 0, begin = 0;
	uint32_t *x = text_points(text, arena, &points);
	struct slice *out = ARENA_ARRAY(arena, struct slice, text.size + 1);
	char *line = arena_alloc(arena, text.size + 1);
	size_t size = 0, at = 0;
	for (size_t i = 0; i < points;) {
		size_t j = i, from = at;
		while (j < points && text_is_space(x[j]) && x[j] != 0) {
			at += x[j] < 0x80 ? 1 : x[j] < 0x800 ? 2 : 3;
			j++;
		}
		if (j > i + 1) {
			line[size++] = ' ';
			i = j;
			continue;
		}
		if (j == i)
			at += x[i] < 0x80 ? 1 : x[i] < 0x800 ? 2 : x[i] < 0x10000 ? 3 : 4;
		memcpy(line + size, text.data + from, at - from);
		size += at - from;
		i++;
	}
	struct slice s = text_strip((struct slice){ line, size });
	for (size_t i = 0; i <= s.size; i++) {
		if (i < s.size && s.data[i] != ' ')
			continue;
		if (i > begin)
			out[k++] = (struct slice){ s.data + begin, i - begin };
		begin = i + 1;
	}
	*n = k;
	return out;
}

static int rate_keep(
	struct measure *m, const struct record *r, size_t edits, size_t length, struct error *e)
{
	if (!length)
		return record_error(r, e, "%s: the reference is empty", m->metric->name);
	measure_keep(m, (double[]){ (double)edits, (double)length });
	return 0;
}

static int wer_add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct slice pair[2];
	size_t n, k;
	if (read_pair(m, r, arena, pair, e))
		return -1;
	struct slice *a = blank_words(pair[0], arena, &n), *b = blank_words(pair[1], arena, &k);
	struct vocabulary v = vocabulary_new(arena, n + k);
	uint32_t *x = vocabulary_ids(&v, a, n, arena), *y = vocabulary_ids(&v, b, k, arena);
	return rate_keep(m, r, edit_distance(x, n, y, k, arena), k, e);
}

static int cer_add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct slice pair[2];
	size_t n, k;
	if (read_pair(m, r, arena, pair, e))
		return -1;
	uint32_t *a = text_points(text_strip(pair[0]), arena, &n);
	uint32_t *b = text_points(text_strip(pair[1]), arena, &k);
	return rate_keep(m, r, edit_distance(a, n, b, k, arena), k, e);
}

static void rate_compute(const struct measure *m, const uint32_t *units, size_t n, double *value)
{
	const double *rows = m->units; /* [n, 2]: edits, length */
	double edits = 0, length = 0;
	if (!n)
		return;
	for (size_t i = 0; i < n; i++) {
		edits += rows[2 * units[i]];
		length += rows[2 * units[i] + 1];
	}
	value[0] = edits / length;
	value[1] = edits;
	value[2] = length;
}

const struct metric_kind metric_wer = {
	.name = "wer",
	.summary = "word error rate",
	.as = "jiwer-4",
	.unit = 2 * sizeof(double),
	.figures = (const char *const[]){ "wer", "edits", "ref_len", NULL },
	.add = wer_add,
	.compute = rate_compute,
	.lower_is_better = true,
};

const struct metric_kind metric_cer = {
	.name = "cer",
	.summary = "character error rate",
	.as = "jiwer-4",
	.unit = 2 * sizeof(double),
	.figures = (const char *const[]){ "cer", "edits", "ref_len", NULL },
	.add = cer_add,
	.compute = rate_compute,
	.lower_is_better = true,
};
