/*
 * vectorizer.c: counting in one pass. A class keeps a hash table from term to count and, for
 * n-grams, its last words. sklearn/feature_extraction/text.py: _word_ngrams, _count_vocab,
 * _limit_features, _sort_features.
 */
#include "lib/learn/vectorizer.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/buffer.h"
#include "lib/text/words.h"

/* --- Options -------------------------------------------------------------------------------- */

int ngram_range_parse(const char *text, size_t *min_n, size_t *max_n, struct error *e)
{
	char after;
	if (strspn(text, "0123456789,") != strlen(text) || strlen(text) > 8 ||
		sscanf(text, "%zu,%zu%c", min_n, max_n, &after) != 2 || *min_n < 1 ||
		*min_n > *max_n || *max_n > NGRAM_MAX)
		return error_set(e, ERROR_USAGE, "wants N,M with 1 <= N <= M <= %d, not '%s'",
			NGRAM_MAX, text);
	return 0;
}

int df_limit_parse(const char *text, struct df_limit *limit, struct error *e)
{
	char *after;
	limit->share = strchr(text, '.') != NULL;
	limit->value = strtod(text, &after);
	if (!*text || *after || strspn(text, "0123456789.") != strlen(text) ||
		(limit->share ? limit->value > 1 : limit->value < 1))
		return error_set(e, ERROR_USAGE,
			"wants a count from 1 or a share from 0.0 to 1.0, not '%s'", text);
	return 0;
}

/* --- N-grams -------------------------------------------------------------------------------- */

/* The last words of a stream, joined by spaces; starts[i] is where the i-th of them begins. */
struct grams {
	struct buffer text;
	size_t starts[NGRAM_MAX + 1], n;
};

static void grams_push(struct grams *g, struct slice word, size_t max_n)
{
	enum { COMPACT = 1 << 14 };
	if (g->n == max_n) {
		memmove(g->starts, g->starts + 1, --g->n * sizeof *g->starts);
		size_t gone = g->n ? g->starts[0] : g->text.size;
		if (gone > COMPACT) {
			memmove(g->text.data, g->text.data + gone, g->text.size - gone);
			g->text.size -= gone;
			for (size_t i = 0; i < g->n; i++)
				g->starts[i] -= gone;
		}
	}
	if (g->text.size)
		buffer_char(&g->text, ' ');
	g->starts[g->n++] = g->text.size;
	buffer_slice(&g->text, word);
}

/* The last n words; n at most g->n. */
static struct slice grams_last(const struct grams *g, size_t n)
{
	size_t start = g->starts[g->n - n];
	return (struct slice){ g->text.data + start, g->text.size - start };
}

/* --- Counts of a class ---------------------------------------------------------------------- */

struct class
{
	uint32_t *keys; /* [n_slots]: term + 1, 0 is free */
	uint64_t *counts; /* [n_slots] */
	size_t n, n_slots;
	size_t texts, bytes;
	struct grams grams;
};

struct vectorizer {
	struct vectorizer_options options;
	struct terms terms; /* in order of appearance; stop words are among them, never counted */
	bool *stop; /* [capacity_stop]: of the first n_stop terms, is it a stop word? */
	size_t n_stop, capacity_stop;
	struct class *classes;
	size_t n_classes, capacity;
	struct words words;
};

/* Terms are numbered one after the other: spread them (Knuth's multiplicative hashing). */
static size_t slot_of(uint32_t term, size_t n_slots)
{
	return (size_t)((uint64_t)term * 0x9e3779b97f4a7c15u >> 32) & (n_slots - 1);
}

static void class_grow(struct class *c)
{
	size_t was = c->n_slots;
	uint32_t *keys = c->keys;
	uint64_t *counts = c->counts;
	c->n_slots = was ? size_mul(was, 2) : 64;
	c->keys = mem_zero(c->n_slots, sizeof *c->keys);
	c->counts = MEM_ARRAY(uint64_t, c->n_slots);
	for (size_t i = 0; i < was; i++) {
		if (!keys[i])
			continue;
		size_t at = slot_of(keys[i] - 1, c->n_slots);
		while (c->keys[at])
			at = (at + 1) & (c->n_slots - 1);
		c->keys[at] = keys[i];
		c->counts[at] = counts[i];
	}
	mem_free(keys);
	mem_free(counts);
}

static void class_count(struct class *c, uint32_t term)
{
	if (2 * c->n >= c->n_slots)
		class_grow(c);
	size_t at = slot_of(term, c->n_slots);
	while (c->keys[at] && c->keys[at] != term + 1)
		at = (at + 1) & (c->n_slots - 1);
	if (!c->keys[at]) {
		c->keys[at] = term + 1;
		c->counts[at] = 0;
		c->n++;
	}
	c->counts[at]++;
}

static void class_free(struct class *c)
{
	mem_free(c->keys);
	mem_free(c->counts);
	buffer_free(&c->grams.text);
}

/* --- Counting ------------------------------------------------------------------------------- */

struct vectorizer *vectorizer_new(const struct vectorizer_options *o)
{
	CHECK(1 <= o->min_n && o->min_n <= o->max_n && o->max_n <= NGRAM_MAX);
	struct vectorizer *v = mem_zero(1, sizeof *v);
	v->options = *o;
	return v;
}

void vectorizer_free(struct vectorizer *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->n_classes; i++)
		class_free(&v->classes[i]);
	mem_free(v->classes);
	terms_free(&v->terms);
	mem_free(v->stop);
	words_free(&v->words);
	mem_free(v);
}

static struct class *class_of(struct vectorizer *v, size_t class)
{
	v->classes = mem_grow(v->classes, &v->capacity, size_add(class, 1), sizeof *v->classes);
	for (; v->n_classes <= class; v->n_classes++)
		v->classes[v->n_classes] = (struct class){ 0 };
	return &v->classes[class];
}

/*
 * The number of a word, TERMS_ABSENT for a stop word. Only a new one is looked up among the stop
 * words.
 */
static uint32_t number_of(struct vectorizer *v, struct slice word)
{
	uint32_t term = terms_add(&v->terms, word);
	v->stop = mem_grow(v->stop, &v->capacity_stop, v->terms.n, sizeof *v->stop);
	for (; v->n_stop < v->terms.n; v->n_stop++)
		v->stop[v->n_stop] = terms_has(v->options.stop_words, v->terms.at[v->n_stop]);
	return v->stop[term] ? TERMS_ABSENT : term;
}

static void count_text(struct vectorizer *v, struct class *c, struct slice text)
{
	const struct vectorizer_options *o = &v->options;
	struct slice word;
	words_begin(&v->words, text);
	while (words_next(&v->words, &word)) {
		uint32_t term = number_of(v, word);
		if (term == TERMS_ABSENT)
			continue;
		if (o->min_n == 1)
			class_count(c, term);
		if (o->max_n == 1)
			continue;
		grams_push(&c->grams, word, o->max_n);
		for (size_t n = o->min_n < 2 ? 2 : o->min_n; n <= c->grams.n; n++)
			class_count(c, terms_add(&v->terms, grams_last(&c->grams, n)));
	}
}

void vectorizer_add(struct vectorizer *v, size_t class, struct slice text)
{
	struct class *c = class_of(v, class);
	c->texts++;
	c->bytes += text.size;
	count_text(v, c, text);
}

/* --- The matrix ----------------------------------------------------------------------------- */

struct entry {
	struct slice text;
	uint32_t term;
};

static int compare_entries(const void *a, const void *b)
{
	return slice_compare(((const struct entry *)a)->text, ((const struct entry *)b)->text);
}

/* In how many of the classes each term occurs. */
static uint32_t *document_frequencies(const struct vectorizer *v, const size_t *order, size_t K)
{
	uint32_t *df = mem_zero(v->terms.n + 1, sizeof *df);
	for (size_t r = 0; r < K; r++) {
		const struct class *c = &v->classes[order[r]];
		for (size_t i = 0; i < c->n_slots; i++)
			if (c->keys[i])
				df[c->keys[i] - 1]++;
	}
	return df;
}

/*
 * Keep the terms within [low, high], sort them, and fill the vocabulary; df becomes each term's
 * frequency or 0, new_of its number.
 */
static void choose_terms(const struct vectorizer *v, uint32_t *df, double low, double high,
	uint32_t *new_of, struct terms *vocabulary)
{
	struct entry *kept = MEM_ARRAY(struct entry, v->terms.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < v->terms.n; i++) {
		if (df[i] == 0 || df[i] < low || df[i] > high)
			df[i] = 0;
		else
			kept[n++] = (struct entry){ v->terms.at[i], (uint32_t)i };
	}
	qsort(kept, n, sizeof *kept, compare_entries);
	for (size_t i = 0; i < n; i++)
		new_of[kept[i].term] = terms_add(vocabulary, kept[i].text);
	mem_free(kept);
}

/* Twice transposed: by term first, so that every row then gets its terms in order. */
static void fill(const struct vectorizer *v, const size_t *order, const uint32_t *df,
	const uint32_t *new_of, struct counts *out)
{
	size_t K = out->n_rows, V = out->n_terms, *at = mem_zero(V + 1, sizeof *at), total = 0;
	for (size_t i = 0; i < v->terms.n; i++)
		if (df[i])
			at[new_of[i]] = df[i];
	for (size_t i = 0; i <= V; i++) {
		size_t n = at[i];
		at[i] = total;
		total += n;
	}
	uint32_t *rows = MEM_ARRAY(uint32_t, total + 1);
	uint64_t *counts = MEM_ARRAY(uint64_t, total + 1);
	out->start = mem_zero(K + 1, sizeof *out->start);
	for (size_t r = 0; r < K; r++) {
		const struct class *c = &v->classes[order[r]];
		for (size_t i = 0; i < c->n_slots; i++) {
			if (!c->keys[i] || !df[c->keys[i] - 1])
				continue;
			size_t to = at[new_of[c->keys[i] - 1]]++;
			rows[to] = (uint32_t)r;
			counts[to] = c->counts[i];
			out->start[r + 1]++;
		}
	}
	for (size_t r = 0; r < K; r++)
		out->start[r + 1] += out->start[r];
	out->terms = MEM_ARRAY(uint32_t, total + 1);
	out->counts = MEM_ARRAY(uint64_t, total + 1);
	size_t *next = MEM_ARRAY(size_t, K + 1), from = 0;
	memcpy(next, out->start, K * sizeof *next);
	for (size_t term = 0; term < V;
		from = at[term++]) { /* at[term] has become the end of its entries */
		for (size_t i = from; i < at[term]; i++) {
			size_t to = next[rows[i]]++;
			out->terms[to] = (uint32_t)term;
			out->counts[to] = counts[i];
		}
	}
	mem_free(next);
	mem_free(rows);
	mem_free(counts);
	mem_free(at);
}

int vectorizer_finish(struct vectorizer *v, const size_t *order, size_t K, struct terms *vocabulary,
	struct counts *out, struct error *e)
{
	const struct vectorizer_options *o = &v->options;
	double low = o->min_df.share ? o->min_df.value * (double)K : o->min_df.value;
	double high = o->max_df.share ? o->max_df.value * (double)K : o->max_df.value;
	if (K && high < low)
		return error_set(e, ERROR_USAGE,
			"the largest document frequency allows fewer topics (%g) than the smallest "
			"demands (%g)",
			high, low);
	for (size_t r = 0; r < K; r++) {
		struct class *c = class_of(v, order[r]);
		if (c->texts == 1 && c->bytes == 0)
			count_text(v, c, SLICE("emptydoc"));
	}
	uint32_t *df = document_frequencies(v, order, K);
	uint32_t *new_of = MEM_ARRAY(uint32_t, v->terms.n + 1);
	size_t counted = 0;
	for (size_t i = 0; i < v->terms.n; i++)
		counted += df[i] > 0;
	choose_terms(v, df, low, high, new_of, vocabulary);
	int rc = 0;
	if (counted && !vocabulary->n)
		rc = error_set(e, ERROR_DATA,
			"after pruning, no terms remain: of %zu term%s none is in at least %g and "
			"at most %g of %zu topic%s",
			counted, plural(counted), low, high, K, plural(K));
	*out = (struct counts){ .n_rows = K, .n_terms = vocabulary->n };
	if (rc == 0)
		fill(v, order, df, new_of, out);
	mem_free(df);
	mem_free(new_of);
	return rc;
}

void counts_free(struct counts *c)
{
	mem_free(c->start);
	mem_free(c->terms);
	mem_free(c->counts);
	*c = (struct counts){ 0 };
}

/* --- One text ------------------------------------------------------------------------------- */

static void text_counts_add(struct text_counts *out, uint32_t term)
{
	if (term == TERMS_ABSENT)
		return;
	out->terms = mem_grow(out->terms, &out->capacity, out->n + 1, sizeof *out->terms);
	out->terms[out->n++] = term;
}

static int compare_terms(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

void vectorizer_count(const struct vectorizer_options *o, const struct terms *vocabulary,
	struct slice text, struct text_counts *out)
{
	struct words words = { 0 };
	struct grams grams = { 0 };
	struct slice word;
	out->n = 0;
	words_begin(&words, text);
	while (words_next(&words, &word)) {
		/* alone, a stop word is not in the vocabulary */
		if (o->max_n > 1 && terms_has(o->stop_words, word))
			continue;
		if (o->min_n == 1)
			text_counts_add(out, terms_find(vocabulary, word));
		if (o->max_n == 1)
			continue;
		grams_push(&grams, word, o->max_n);
		for (size_t n = o->min_n < 2 ? 2 : o->min_n; n <= grams.n; n++)
			text_counts_add(out, terms_find(vocabulary, grams_last(&grams, n)));
	}
	words_free(&words);
	buffer_free(&grams.text);
	if (!out->n)
		return;
	out->counts = mem_grow(out->counts, &out->capacity_counts, out->n, sizeof *out->counts);
	qsort(out->terms, out->n, sizeof *out->terms, compare_terms);
	size_t n = 0;
	for (size_t i = 0; i < out->n; i++) {
		if (n && out->terms[n - 1] == out->terms[i]) {
			out->counts[n - 1]++;
			continue;
		}
		out->terms[n] = out->terms[i];
		out->counts[n++] = 1;
	}
	out->n = n;
}

void text_counts_free(struct text_counts *t)
{
	mem_free(t->terms);
	mem_free(t->counts);
	*t = (struct text_counts){ 0 };
}
