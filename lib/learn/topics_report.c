/*
 * topics_report.c: a topic model in words: JSON and CSV for machines (CONTRACT.md, topics
 * --report), tables for people.
 */

#include "lib/base/ranked.h"
#include "lib/learn/topics.h"
#include "lib/record/json.h"

/* --- JSON ----------------------------------------------------------------------------------- */

void topics_write_words(struct buffer *b, const struct topic_words *words)
{
	buffer_char(b, '[');
	for (size_t i = 0; i < words->n; i++) {
		buffer_text(b, i ? ", {\"word\": " : "{\"word\": ");
		json_write_string(b, words->at[i].word);
		buffer_text(b, ", \"score\": ");
		json_write_double(b, words->at[i].score);
		buffer_char(b, '}');
	}
	buffer_char(b, ']');
}

static void write_name(struct buffer *b, const struct topic *topic)
{
	struct buffer name = { 0 };
	topics_name(&name, topic);
	json_write_string(b, buffer_view(&name));
	buffer_free(&name);
}

static void write_aspects(struct buffer *b, const struct topics *t, const struct topic *topic)
{
	buffer_char(b, '{');
	for (size_t i = 0; i < t->n_aspects; i++) {
		if (i)
			buffer_text(b, ", ");
		json_write_string(b, t->aspects[i]);
		buffer_text(b, ": ");
		topics_write_words(b, &topic->aspects[i]);
	}
	buffer_char(b, '}');
}

static void write_representative(struct buffer *b, const struct topic *topic)
{
	buffer_char(b, '[');
	for (size_t i = 0; i < topic->n_representative && i < TOPICS_SHOWN; i++) {
		if (i)
			buffer_text(b, ", ");
		json_write_string(b, topic->representative[i]);
	}
	buffer_char(b, ']');
}

static void report_json(struct buffer *b, const struct topics *t)
{
	buffer_text(b, "{\"topics\": [");
	for (size_t r = 0; r < t->n; r++) {
		const struct topic *topic = &t->at[r];
		buffer_printf(b, "%s\n{\"topic\": %lld, \"count\": %zu, \"name\": ", r ? "," : "",
			(long long)topic->number, topic->count);
		write_name(b, topic);
		buffer_text(b, ", \"words\": ");
		topics_write_words(b, &topic->words);
		buffer_text(b, ", \"aspects\": ");
		write_aspects(b, t, topic);
		buffer_text(b, ", \"representative\": ");
		write_representative(b, topic);
		buffer_char(b, '}');
	}
	buffer_text(b, t->n ? "\n]}\n" : "]}\n");
}

/* --- CSV ------------------------------------------------------------------------------------ */

/* The field is quoted always: names and JSON hold commas and quotes. */
static void write_field(struct buffer *b, struct buffer *field)
{
	buffer_text(b, ",\"");
	for (size_t i = 0; i < field->size; i++) {
		if (field->data[i] == '"')
			buffer_char(b, '"');
		buffer_char(b, field->data[i]);
	}
	buffer_char(b, '"');
	buffer_clear(field);
}

static void report_csv(struct buffer *b, const struct topics *t)
{
	struct buffer field = { 0 };
	buffer_text(b, "topic,count,name,words,aspects,representative\n");
	for (size_t r = 0; r < t->n; r++) {
		const struct topic *topic = &t->at[r];
		buffer_printf(b, "%lld,%zu", (long long)topic->number, topic->count);
		topics_name(&field, topic);
		write_field(b, &field);
		topics_write_words(&field, &topic->words);
		write_field(b, &field);
		write_aspects(&field, t, topic);
		write_field(b, &field);
		write_representative(&field, topic);
		write_field(b, &field);
		buffer_char(b, '\n');
	}
	buffer_free(&field);
}

void topics_report(struct buffer *b, const struct topics *t, const char *name)
{
	size_t n = strlen(name);
	if (n > 4 && strcmp(name + n - 4, ".csv") == 0)
		report_csv(b, t);
	else
		report_json(b, t);
}

/* --- For people ----------------------------------------------------------------------------- */

static void write_list(struct buffer *b, const struct topic_words *words, size_t k)
{
	for (size_t i = 0; i < words->n && i < k; i++) {
		if (i)
			buffer_text(b, ", ");
		buffer_slice(b, words->at[i].word);
	}
}

void topics_report_table(struct buffer *b, const struct topics *t)
{
	buffer_text(b, "topic   count  words\n");
	for (size_t r = 0; r < t->n; r++) {
		buffer_printf(b, "%5lld %7zu  ", (long long)t->at[r].number, t->at[r].count);
		write_list(b, &t->at[r].words, SIZE_MAX);
		buffer_char(b, '\n');
	}
}

/* Code points: near enough to columns to align a table. */
static size_t width_of(struct slice s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.size; i++)
		n += (s.data[i] & 0xc0) != 0x80;
	return n;
}

static void write_padded(struct buffer *b, struct slice s, size_t width)
{
	buffer_slice(b, s);
	for (size_t n = width_of(s); n < width; n++)
		buffer_char(b, ' ');
}

void topics_report_one(struct buffer *b, const struct topics *t, size_t row)
{
	const struct topic *topic = &t->at[row];
	size_t width = 4;
	topics_name(b, topic);
	buffer_printf(b, "\n%zu text%s\n\n", topic->count, plural(topic->count));
	for (size_t i = 0; i < topic->words.n; i++) {
		size_t n = width_of(topic->words.at[i].word);
		width = n > width ? n : width;
	}
	write_padded(b, SLICE("word"), width);
	buffer_text(b, "  score\n");
	for (size_t i = 0; i < topic->words.n; i++) {
		write_padded(b, topic->words.at[i].word, width);
		buffer_printf(b, "  %.6f\n", topic->words.at[i].score);
	}
	for (size_t i = 0; i < t->n_aspects; i++) {
		buffer_char(b, '\n');
		buffer_slice(b, t->aspects[i]);
		buffer_text(b, ": ");
		write_list(b, &topic->aspects[i], SIZE_MAX);
		buffer_char(b, '\n');
	}
	for (size_t i = 0; i < topic->n_representative && i < TOPICS_SHOWN; i++) {
		buffer_printf(b, "\n%zu. ", i + 1);
		buffer_slice(b, topic->representative[i]);
		buffer_char(b, '\n');
	}
}

void topics_report_found(
	struct buffer *b, const struct topics *t, const double *similarity, size_t n)
{
	struct ranked *order = MEM_ARRAY(struct ranked, t->n + 1);
	for (size_t r = 0; r < t->n; r++)
		order[r] = (struct ranked){ similarity[r], r };
	ranked_sort(order, t->n);
	buffer_text(b, "topic  similarity  words\n");
	for (size_t i = 0; i < n && i < t->n; i++) {
		const struct topic *topic = &t->at[order[i].i];
		buffer_printf(b, "%5lld %11.4f  ", (long long)topic->number, order[i].score);
		write_list(b, &topic->words, SIZE_MAX);
		buffer_char(b, '\n');
	}
	mem_free(order);
}

/*
 * The words of a topic in one of two models, in a column of the table; empty where the model has no
 * such topic.
 */
static struct slice column(const struct topics *t, int64_t number, size_t k, struct buffer *b)
{
	size_t r = topics_find(t, number);
	buffer_clear(b);
	if (r < t->n)
		write_list(b, &t->at[r].words, k);
	return buffer_view(b);
}

/* The topics of both models by number: next is the smallest above `after` in either. */
static bool next_number(
	const struct topics *a, const struct topics *b, int64_t after, bool first, int64_t *next)
{
	bool found = false;
	const struct topics *both[2] = { a, b };
	for (size_t m = 0; m < 2; m++) {
		for (size_t r = 0; r < both[m]->n; r++) {
			int64_t number = both[m]->at[r].number;
			if ((first || number > after) && (!found || number < *next)) {
				*next = number;
				found = true;
			}
		}
	}
	return found;
}

void topics_report_pair(struct buffer *out, const struct topics *a, const char *a_name,
	const struct topics *b, const char *b_name, size_t n_words)
{
	struct buffer text = { 0 };
	size_t width = width_of(slice_from(a_name));
	for (size_t r = 0; r < a->n; r++) {
		size_t n = width_of(column(a, a->at[r].number, n_words, &text));
		width = n > width ? n : width;
	}
	buffer_text(out, "topic  ");
	write_padded(out, slice_from(a_name), width);
	buffer_printf(out, "  %s\n", b_name);
	int64_t number = 0;
	for (bool first = true; next_number(a, b, number, first, &number); first = false) {
		buffer_printf(out, "%5lld  ", (long long)number);
		struct slice words = column(b, number, n_words, &text);
		bool more = words.size > 0;
		words = column(a, number, n_words, &text);
		if (more)
			write_padded(out, words, width + 2);
		else
			buffer_slice(out, words);
		buffer_slice(out, column(b, number, n_words, &text));
		buffer_char(out, '\n');
	}
	buffer_free(&text);
}
