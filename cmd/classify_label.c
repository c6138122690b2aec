/* classify_label.c: labels for all records, a window at a time. */
#include "cmd/classify_private.h"

const char *const label_keys[DECISION_VALUES] = { "label", "score", "margin", "top", "scores" };

void label_output(const char *const *names)
{
	const struct decision_options *w = &asked.wanted;
	const char *all[DECISION_VALUES] = { names[0], names[1] };
	size_t n = 2;
	if (w->margin)
		all[n++] = names[2];
	if (w->top_k)
		all[n++] = names[3];
	if (w->all)
		all[n++] = names[4];
	command_output_keys(all, n);
}

void label_decide(struct decision *d, const struct classes *classes, bool shares)
{
	struct error e;
	struct decision_options *w = &asked.wanted;
	w->only = source_slices(&asked.only);
	w->n_only = asked.only.n;
	w->map = source_slices(&asked.map);
	w->n_map = asked.map.n;
	if (decision_new(d, w, classes, shares, source.arena, &e))
		command_usage("%s", e.msg);
}

void label_put(const struct decision *d, const double *scores, struct buffer *b)
{
	static struct buffer values;
	size_t end[DECISION_VALUES], from = 0;
	buffer_clear(&values);
	size_t n = decision_make(d, scores, &values, end, source.window.arena);
	for (size_t i = 0; i < n; from = end[i++])
		writer_json(run.writer, b, (struct slice){ values.data + from, end[i] - from });
}

void label_all(void)
{
	struct decision d;
	struct buffer b = { NULL, 0, 0 };
	struct window *w = &source.window;
	size_t k = source.classes.n;
	label_decide(&d, &source.classes, source.shares);
	label_output(label_keys);
	double *scores = MEM_ARRAY(double, size_mul(WINDOW_RECORDS, k));
	while (source_next()) {
		size_t held = 0;
		source_scores(scores);
		for (size_t i = 0; i < w->n; i++) {
			if (!command_put(&b, &w->records[i]))
				continue;
			label_put(&d, scores + i * k, &b);
			writer_end(run.writer, &b);
			held++;
		}
		command_write(&b, held);
	}
	mem_free(scores);
	buffer_free(&b);
}
