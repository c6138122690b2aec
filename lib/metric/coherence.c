/*
 * coherence.c: how often the words of a topic stand together in texts (M. Röder, A. Both, A. Hinneburg,
 * "Exploring the space of topic coherence measures", 2015), as CoherenceModel of gensim 4.4 computes it.
 * P is a share of windows of words, or for umass of texts; ε = 1e-12.
 *
 *	npmi	log((P(i,j) + ε) / (P(i) P(j))) / -log(P(i,j) + ε), mean over ordered pairs; windows of 10
 *	uci	log((P(i,j) + ε) / (P(i) P(j))), likewise
 *	umass	log((P(i,j) + ε) / P(j)), mean over j before i
 *	c_v	mean over words of the cosine of their npmi with all words of the topic and the sum of those
 *		vectors; windows of 110
 *
 * A text shorter than a window is one. When a window moves on, gensim forgets the word that it leaves
 * even where it stands in the window again: so does this. Words that no text has are left out of their
 * topic. A unit is a topic; the figures are means over topics. Texts are arrays of tokens, or strings,
 * whose words are those of CountVectorizer (lib/text/words.h).
 */
#include "lib/base/math64.h"
#include "lib/metric/list.h"
#include "lib/metric/sum.h"
#include "lib/metric/topic_words.h"
#include "lib/text/words.h"

enum { FIGURES = 4 };
static const char *const figures[] = { "c_v", "npmi", "uci", "umass", NULL };

enum { TEXTS, SHORT, LONG, COUNTS };
static const size_t widths[COUNTS] = { 0, 10, 110 };

/* Of one kind of window: how many, those with a word, those with two words of a topic. */
struct counts {
	uint64_t n, *with; /* [words] */
	uint64_t *both; /* [topics, most, most] */
	size_t *since; /* [words] the window where a word came in; SIZE_MAX: out */
	bool *on;
};

/* Where a word stands: its topics and its places in them. */
struct place {
	uint32_t topic, at;
};

struct state {
	struct measure m; /* units are the figures of a topic */
	size_t text;
	struct topic_words topics;
	struct counts counts[COUNTS];
	size_t *first; /* [words + 1]: its places begin there */
	struct place *places;
};

static void index_places(struct state *s)
{
	const struct topic_words *t = &s->topics;
	s->first = mem_zero(t->words.n + 2, sizeof *s->first);
	s->places = MEM_ARRAY(struct place, size_mul(t->n, t->most) + 1);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < t->n; i++) {
			for (size_t j = 0; j < t->size[i]; j++) {
				size_t *at = &s->first[t->ids[i * t->most + j] + 1];
				if (pass)
					s->places[*at] = (struct place){ (uint32_t)i, (uint32_t)j };
				++*at;
			}
		}
		if (pass)
			break;
		/* counts to beginnings, one place further, so that the second pass moves them on */
		size_t sum = 0;
		for (size_t w = 0; w < t->words.n; w++) {
			size_t n = s->first[w + 1];
			s->first[w + 1] = sum;
			sum += n;
		}
	}
}

static int open(struct measure *m, struct reader *r, struct error *e)
{
	struct state *s = (struct state *)m;
	const struct metric_options *o = m->options;
	if (!o->topics_path)
		return error_set(e, ERROR_USAGE, "--metric coherence needs --topics REPORT");
	s->text = reader_want(r, o->text_key);
	if (topic_words_read(&s->topics, o->topics_path, o->top_words, e))
		return -1;
	const struct topic_words *t = &s->topics;
	for (size_t i = 0; i < COUNTS; i++) {
		struct counts *c = &s->counts[i];
		c->with = mem_zero(t->words.n + 1, sizeof *c->with);
		c->both = mem_zero(size_mul(t->n, t->most) * t->most + 1, sizeof *c->both);
		c->since = MEM_ARRAY(size_t, t->words.n + 1);
		c->on = mem_zero(t->words.n + 1, sizeof *c->on);
	}
	index_places(s);
	return 0;
}

static void close_state(struct measure *m)
{
	struct state *s = (struct state *)m;
	for (size_t i = 0; i < COUNTS; i++) {
		mem_free(s->counts[i].with);
		mem_free(s->counts[i].both);
		mem_free(s->counts[i].since);
		mem_free(s->counts[i].on);
	}
	topic_words_free(&s->topics);
	mem_free(s->first);
	mem_free(s->places);
}

/* --- Counting --------------------------------------------------------------------------------- */

/* A word leaves at window `now`: the windows since it came, alone and with others of its topics. */
static void leave(struct state *s, struct counts *c, uint32_t word, size_t now)
{
	const struct topic_words *t = &s->topics;
	if (!c->on[word])
		return;
	c->on[word] = false;
	c->with[word] += now - c->since[word];
	for (size_t p = s->first[word]; p < s->first[word + 1]; p++) {
		struct place at = s->places[p];
		uint64_t *both = c->both + at.topic * t->most * t->most;
		for (size_t j = 0; j < t->size[at.topic]; j++) {
			uint32_t other = t->ids[at.topic * t->most + j];
			if (!c->on[other])
				continue;
			size_t from =
				c->since[other] > c->since[word] ? c->since[other] : c->since[word];
			both[at.at * t->most + j] += now - from;
			both[j * t->most + at.at] += now - from;
		}
	}
}

static void enter(struct counts *c, uint32_t word, size_t now)
{
	if (!c->on[word])
		c->since[word] = now;
	c->on[word] = true;
}

static void count_text(
	struct state *s, const uint32_t *words, size_t n, size_t width, struct counts *c)
{
	size_t first = width && width < n ? width : n, windows = n - first + 1;
	for (size_t i = 0; i < first; i++)
		if (words[i] != TERMS_ABSENT)
			enter(c, words[i], 0);
	for (size_t i = first; i < n; i++) {
		uint32_t out = words[i - first], in = words[i];
		if (out != TERMS_ABSENT && out != in)
			leave(s, c, out, i - first + 1);
		if (in != TERMS_ABSENT)
			enter(c, in, i - first + 1);
	}
	for (size_t i = 0; i < n; i++)
		if (words[i] != TERMS_ABSENT)
			leave(s, c, words[i], windows);
	c->n += windows;
}

static int read_tokens(struct state *s, const struct record *r, struct arena *arena,
	uint32_t **words, size_t *n, struct error *e)
{
	const char *key = s->m.options->text_key;
	struct json v = record_json(r, s->text);
	struct slice text;
	*n = 0;
	if (v.type == JSON_ARRAY) {
		*words = ARENA_ARRAY(arena, uint32_t, json_count(v) + 1);
		for (struct json_iterator i = json_iterate(v); json_each(&i);) {
			if (i.value.type != JSON_STRING)
				return record_error(r, e, "key \"%s\" has %s for a token", key,
					json_type_name(i.value.type));
			text = json_text(i.value, arena);
			measure_hash(&s->m, text);
			(*words)[(*n)++] = terms_find(&s->topics.words, text);
		}
		return 0;
	}
	if (record_text(r, s->text, key, arena, &text, e))
		return -1;
	measure_hash(&s->m, text);
	*words = ARENA_ARRAY(arena, uint32_t, text.size / 2 + 1);
	struct words w = { 0 };
	struct slice word;
	words_begin(&w, text);
	while (words_next(&w, &word))
		(*words)[(*n)++] = terms_find(&s->topics.words, word);
	words_free(&w);
	return 0;
}

static int add(struct measure *m, const struct record *r, struct arena *arena, struct error *e)
{
	struct state *s = (struct state *)m;
	uint32_t *words;
	size_t n;
	if (read_tokens(s, r, arena, &words, &n, e))
		return -1;
	for (size_t i = 0; i < COUNTS; i++)
		count_text(s, words, n, widths[i], &s->counts[i]);
	return 0;
}

/* --- Measures --------------------------------------------------------------------------------- */

#define EPSILON 1e-12

/* Shares of windows with the words at places i and j of a topic. */
struct shares {
	double i, j, both;
};

static struct shares shares_of(
	const struct state *s, const struct counts *c, size_t topic, size_t i, size_t j)
{
	const struct topic_words *t = &s->topics;
	const uint32_t *ids = t->ids + topic * t->most;
	double n = (double)c->n, a = (double)c->with[ids[i]], b = (double)c->with[ids[j]];
	uint64_t both =
		ids[i] == ids[j] ? c->with[ids[i]] : c->both[(topic * t->most + i) * t->most + j];
	return (struct shares){ a / n, b / n, (double)both / n };
}

static double uci(struct shares p)
{
	return math_log64((p.both + EPSILON) / (p.i * p.j));
}

static double npmi(struct shares p)
{
	return uci(p) / -math_log64(p.both + EPSILON);
}

/* Places of the words of a topic that some text has. */
static size_t known(const struct state *s, size_t topic, size_t *places)
{
	const struct topic_words *t = &s->topics;
	size_t n = 0;
	for (size_t j = 0; j < t->size[topic]; j++)
		if (s->counts[TEXTS].with[t->ids[topic * t->most + j]])
			places[n++] = j;
	return n;
}

static double c_v(const struct state *s, size_t topic, const size_t *places, size_t n)
{
	const struct counts *c = &s->counts[LONG];
	double *v = MEM_ARRAY(double, n *n + 1), *all = mem_zero(n + 1, sizeof *all);
	double *cosine = MEM_ARRAY(double, n + 1), all_square = 0;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			/* gensim takes a pair in order of its words' numbers, which changes nothing */
			v[i * n + j] = npmi(shares_of(s, c, topic, places[i], places[j]));
			all[j] += v[i * n + j];
		}
	}
	for (size_t j = 0; j < n; j++)
		all_square += all[j] * all[j];
	for (size_t i = 0; i < n; i++) {
		double dot = 0, square = 0;
		for (size_t j = 0; j < n; j++) {
			dot += v[i * n + j] * all[j];
			square += v[i * n + j] * v[i * n + j];
		}
		cosine[i] = dot / (sqrt(square) * sqrt(all_square));
	}
	double mean = sum_mean(cosine, n);
	mem_free(v);
	mem_free(all);
	mem_free(cosine);
	return mean;
}

static void measure_topic(const struct state *s, size_t topic, size_t *places, double *row)
{
	size_t n = known(s, topic, places), pairs = 0, before = 0;
	double *x = MEM_ARRAY(double, 3 * n * n + 1), *y = x + n * n, *z = y + n * n;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			if (i == j)
				continue;
			struct shares p =
				shares_of(s, &s->counts[SHORT], topic, places[i], places[j]);
			x[pairs] = npmi(p);
			y[pairs++] = uci(p);
			if (j > i)
				continue;
			p = shares_of(s, &s->counts[TEXTS], topic, places[i], places[j]);
			z[before++] = math_log64((p.both + EPSILON) / p.j);
		}
	}
	row[0] = n ? c_v(s, topic, places, n) : NAN;
	row[1] = sum_mean(x, pairs);
	row[2] = sum_mean(y, pairs);
	row[3] = sum_mean(z, before);
	mem_free(x);
}

static int finish(struct measure *m, struct error *e)
{
	(void)e;
	struct state *s = (struct state *)m;
	size_t *places = MEM_ARRAY(size_t, s->topics.most + 1);
	double row[FIGURES];
	for (size_t i = 0; i < s->topics.n; i++) {
		measure_topic(s, i, places, row);
		measure_keep(m, row);
	}
	mem_free(places);
	return 0;
}

/* The figures of each topic, in the order of the report. */
static void detail(const struct measure *m, const uint32_t *units, size_t n, struct buffer *b)
{
	const double *rows = m->units;
	buffer_text(b, ", \"topics\": [");
	for (size_t i = 0; i < n; i++) {
		buffer_text(b, i ? ", {" : "{");
		for (size_t k = 0; k < FIGURES; k++) {
			double x = rows[FIGURES * units[i] + k];
			buffer_printf(b, "%s\"%s\": ", k ? ", " : "", m->names[k]);
			if (isfinite(x))
				json_write_double(b, x);
			else
				buffer_text(b, "null");
		}
		buffer_char(b, '}');
	}
	buffer_char(b, ']');
}

static void signature(const struct measure *m, struct buffer *b)
{
	buffer_printf(b, "coherence|words:%zu|windows:10,110|as:gensim-4.4", m->options->top_words);
}

const struct metric_kind metric_coherence = {
	.name = "coherence",
	.summary = "c_v, NPMI, UCI and UMass coherence of topics in texts",
	.state = sizeof(struct state),
	.unit = FIGURES * sizeof(double),
	.figures = figures,
	.open = open,
	.add = add,
	.finish = finish,
	.compute = measure_means,
	.detail = detail,
	.signature = signature,
	.close = close_state,
	.whole = true,
};
