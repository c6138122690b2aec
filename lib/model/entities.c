#include "lib/model/entities.h"

/* A token or a word with its label. */
struct piece {
	size_t label;
	double score;
	size_t start, end, index;
};

static size_t best(const double *scores, size_t n)
{
	size_t at = 0;
	for (size_t k = 1; k < n; k++)
		if (scores[k] > scores[at])
			at = k;
	return at;
}

/* The mean of label k over tokens. */
static double mean(const struct entity_token *t, size_t n, size_t k)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += t[i].scores[k];
	return sum / (double)n;
}

/* The n tokens of a word as one piece. */
static struct piece word(
	enum entities_aggregation how, const struct entity_token *t, size_t n, size_t n_labels)
{
	size_t of = 0, label = best(t[0].scores, n_labels);
	double score = t[0].scores[label];
	for (size_t i = 1; i < n && how == ENTITIES_MAX; i++) {
		size_t k = best(t[i].scores, n_labels);
		if (t[i].scores[k] > score) {
			of = i;
			label = k;
			score = t[of].scores[k];
		}
	}
	if (how == ENTITIES_AVERAGE) {
		label = 0;
		score = mean(t, n, 0);
		for (size_t k = 1; k < n_labels; k++) {
			double m = mean(t, n, k);
			if (m > score) {
				label = k;
				score = m;
			}
		}
	}
	return (struct piece){ label, score, t[0].start, t[n - 1].end, t[0].index };
}

/* B- or I- off; whether it was B-. */
static struct slice tag(struct slice label, bool *begins)
{
	bool marked = label.size >= 2 && label.data[1] == '-' &&
		      (label.data[0] == 'B' || label.data[0] == 'I');
	*begins = marked && label.data[0] == 'B';
	return marked ? (struct slice){ label.data + 2, label.size - 2 } : label;
}

/* What the pipeline calls a group: what is behind the first dash. */
static struct slice group_name(struct slice label)
{
	const char *dash = memchr(label.data, '-', label.size);
	return dash ? (struct slice){ dash + 1, label.size - (size_t)(dash + 1 - label.data) }
		    : label;
}

static bool is_outside(struct slice label)
{
	return slice_equal(label, SLICE("O"));
}

/* Runs of pieces of the same tag. */
static size_t group(const struct slice *labels, const struct piece *p, size_t n, struct entity *out)
{
	size_t made = 0;
	for (size_t i = 0, to; i < n; i = to) {
		bool begins;
		struct slice own = tag(labels[p[i].label], &begins);
		double sum = p[i].score;
		for (to = i + 1; to < n; to++) {
			struct slice next = tag(labels[p[to].label], &begins);
			if (begins || !slice_equal(next, own))
				break;
			sum += p[to].score;
		}
		struct slice name = group_name(labels[p[i].label]);
		if (!is_outside(name))
			out[made++] = (struct entity){ name, sum / (double)(to - i), p[i].start,
				p[to - 1].end, p[i].index };
	}
	return made;
}

size_t entities_make(enum entities_aggregation how, const struct slice *labels, size_t n_labels,
	const struct entity_token *tokens, size_t n, struct entity *out)
{
	struct piece *pieces = MEM_ARRAY(struct piece, n);
	size_t n_pieces = 0, made = 0;
	for (size_t i = 0, to; i < n; i = to) {
		to = i + 1;
		while (how >= ENTITIES_FIRST && to < n && tokens[to].subword)
			to++;
		pieces[n_pieces++] = word(how, tokens + i, to - i, n_labels);
	}
	if (how != ENTITIES_NONE)
		made = group(labels, pieces, n_pieces, out);
	for (size_t i = 0; i < n_pieces && how == ENTITIES_NONE; i++)
		if (!is_outside(labels[pieces[i].label]))
			out[made++] = (struct entity){ labels[pieces[i].label], pieces[i].score,
				pieces[i].start, pieces[i].end, pieces[i].index };
	mem_free(pieces);
	return made;
}
