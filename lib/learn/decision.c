#include "lib/learn/decision.h"

#include <math.h>
#include <stdlib.h>

static int unknown(struct slice name, const struct classes *labels, struct error *e)
{
	struct buffer b = { NULL, 0, 0 };
	for (size_t i = 0; i < labels->n && b.size < 200; i++) {
		buffer_text(&b, i ? ", " : "");
		buffer_slice(&b, labels->text[i]);
	}
	error_set(e, ERROR_USAGE, "there is no label %.*s among %.*s",
		name.size < 80 ? (int)name.size : 80, name.data, (int)b.size, b.data);
	buffer_free(&b);
	return -1;
}

/* The label's name in the output, a JSON string, where a map gives it another. */
static int rename_all(struct decision *d, const struct decision_options *o,
	const struct classes *labels, struct arena *arena, struct error *e)
{
	for (size_t i = 0; i < o->n_map; i++) {
		struct slice m = o->map[i];
		const char *mark = memchr(m.data, '=', m.size);
		if (!mark)
			return error_set(e, ERROR_USAGE, "--map %.*s: should be OLD=NEW",
				(int)m.size, m.data);
		struct slice old = { m.data, (size_t)(mark - m.data) };
		struct slice new = { mark + 1, m.size - old.size - 1 };
		size_t at = classes_find(labels, old), k = 0;
		if (at == labels->n)
			return unknown(old, labels, e);
		while (k < d->n && d->kept[k] != at)
			k++;
		if (k == d->n)
			continue;
		struct buffer b = { NULL, 0, 0 };
		json_write_string(&b, new);
		d->labels.text[k] = arena_copy(arena, new);
		d->labels.json[k] = arena_copy(arena, buffer_view(&b));
		buffer_free(&b);
	}
	return 0;
}

int decision_new(struct decision *d, const struct decision_options *o, const struct classes *labels,
	bool shares, struct arena *arena, struct error *e)
{
	size_t n = o->n_only ? o->n_only : labels->n;
	*d = (struct decision){ .options = *o,
		.n_scores = labels->n,
		.n = n,
		.kept = ARENA_ARRAY(arena, size_t, n),
		.shares = shares && o->n_only };
	d->labels = (struct classes){ n, ARENA_ARRAY(arena, struct slice, n),
		ARENA_ARRAY(arena, struct slice, n) };
	for (size_t i = 0; i < n; i++) {
		size_t at = o->n_only ? classes_find(labels, o->only[i]) : i;
		if (at == labels->n)
			return unknown(o->only[i], labels, e);
		for (size_t k = 0; k < i; k++)
			if (d->kept[k] == at)
				return error_set(e, ERROR_USAGE, "--only-labels names %.*s twice",
					(int)o->only[i].size, o->only[i].data);
		d->kept[i] = at;
		d->labels.text[i] = labels->text[at];
		d->labels.json[i] = labels->json[at];
	}
	return rename_all(d, o, labels, arena, e);
}

size_t decision_best(const struct decision *d, const double *scores)
{
	size_t best = d->kept[0];
	for (size_t i = 1; i < d->n; i++)
		if (scores[d->kept[i]] > scores[best])
			best = d->kept[i];
	return best;
}

struct rank {
	double score;
	size_t at;
};

static int by_score(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;
	return x->score != y->score ? (x->score < y->score) - (x->score > y->score)
				    : (x->at > y->at) - (x->at < y->at);
}

/* The kept labels, the best first. */
static struct rank *rank(const struct decision *d, const double *scores, struct arena *arena)
{
	struct rank *r = ARENA_ARRAY(arena, struct rank, d->n);
	double sum = 0;
	for (size_t i = 0; i < d->n; i++)
		sum += scores[d->kept[i]];
	for (size_t i = 0; i < d->n; i++) {
		double s = scores[d->kept[i]];
		r[i] = (struct rank){ !d->shares ? s : sum > 0 ? s / sum : 1 / (double)d->n, i };
	}
	qsort(r, d->n, sizeof *r, by_score);
	return r;
}

/* Those above the threshold, best first, as arrays. */
static size_t several(const struct decision *d, const struct rank *r, struct buffer *b)
{
	size_t n = 0;
	while (n < d->n && r[n].score >= d->options.threshold)
		n++;
	buffer_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		buffer_text(b, i ? "," : "");
		buffer_slice(b, d->labels.json[r[i].at]);
	}
	buffer_char(b, ']');
	size_t end = b->size;
	buffer_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		buffer_text(b, i ? "," : "");
		json_write_double(b, r[i].score);
	}
	buffer_char(b, ']');
	return end;
}

static void top(const struct decision *d, const struct rank *r, struct buffer *b)
{
	size_t n = d->options.top_k < d->n ? d->options.top_k : d->n;
	buffer_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		buffer_text(b, i ? ",{\"label\":" : "{\"label\":");
		buffer_slice(b, d->labels.json[r[i].at]);
		buffer_text(b, ",\"score\":");
		json_write_double(b, r[i].score);
		buffer_char(b, '}');
	}
	buffer_char(b, ']');
}

static void all(
	const struct decision *d, const struct rank *r, struct buffer *b, struct arena *arena)
{
	double *score = ARENA_ARRAY(arena, double, d->n);
	for (size_t i = 0; i < d->n; i++)
		score[r[i].at] = r[i].score;
	buffer_char(b, '{');
	for (size_t i = 0; i < d->n; i++) {
		buffer_text(b, i ? "," : "");
		json_write_string(b, d->labels.text[i]);
		buffer_char(b, ':');
		json_write_double(b, score[i]);
	}
	buffer_char(b, '}');
}

size_t decision_make(const struct decision *d, const double *scores, struct buffer *b,
	size_t end[DECISION_VALUES], struct arena *arena)
{
	const struct decision_options *o = &d->options;
	struct arena_mark mark = arena_mark(arena);
	struct rank *r = rank(d, scores, arena);
	size_t n = 0;
	if (o->several) {
		end[n++] = several(d, r, b);
	} else {
		if (r[0].score < o->reject_below)
			buffer_text(b, "null");
		else
			buffer_slice(b, d->labels.json[r[0].at]);
		end[n++] = b->size;
		json_write_double(b, r[0].score);
	}
	end[n++] = b->size;
	if (o->margin) {
		if (d->n > 1)
			json_write_double(b, r[0].score - r[1].score);
		else
			buffer_text(b, "null");
		end[n++] = b->size;
	}
	if (o->top_k) {
		top(d, r, b);
		end[n++] = b->size;
	}
	if (o->all) {
		all(d, r, b, arena);
		end[n++] = b->size;
	}
	arena_reset(arena, mark);
	return n;
}
