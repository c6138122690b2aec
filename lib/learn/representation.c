#include "lib/learn/representation.h"

#include <math.h>

#include "lib/base/ranked.h"

int representation_parse(struct slice text, struct representation *out, struct error *e)
{
	static const char *const names[] = { "keybert", "mmr" };
	*out = (struct representation){ .n = 0 };
	for (size_t at = 0; at <= text.size;) {
		const char *p = text.data + at, *comma = memchr(p, ',', text.size - at);
		struct slice name = { p, comma ? (size_t)(comma - p) : text.size - at };
		size_t k = 0;
		while (k < 2 && !slice_equal(name, slice_from(names[k])))
			k++;
		if (k == 2)
			return error_set(e, ERROR_USAGE,
				"unknown representation '%.*s': keybert, mmr, or a chain of them",
				(int)(name.size < 64 ? name.size : 64), name.data);
		if (out->n == REPRESENTATION_STEPS)
			return error_set(e, ERROR_USAGE, "a chain has at most %d representations",
				REPRESENTATION_STEPS);
		out->steps[out->n++] = (enum representation_step)k;
		at += name.size + 1;
	}
	return 0;
}

bool representation_has(const struct representation *r, enum representation_step step)
{
	bool has = false;
	for (size_t i = 0; i < r->n; i++)
		has = has || r->steps[i] == step;
	return has;
}

int aspect_parse(struct slice text, struct aspect *out, struct error *e)
{
	const char *equals = text.size ? memchr(text.data, '=', text.size) : NULL;
	if (!equals || equals == text.data)
		return error_set(e, ERROR_USAGE, "wants NAME=CHAIN");
	out->name = (struct slice){ text.data, (size_t)(equals - text.data) };
	struct slice chain = { equals + 1, text.size - out->name.size - 1 };
	return representation_parse(chain, &out->chain, e);
}

void representer_free(struct representer *r)
{
	terms_free(&r->known);
	mem_free(r->vectors);
	r->vectors = NULL;
	r->capacity = 0;
}

/* --- Vectors of texts ----------------------------------------------------------------------- */

/* Add a text to those that will be embedded. */
static void want(struct representer *r, struct slice text)
{
	terms_add(&r->known, text);
}

/* Embed what was wanted since the first `from` texts were known. */
static int embed_wanted(struct representer *r, size_t from, struct error *e)
{
	enum { WINDOW = 8192 };
	size_t C = r->encoder->size, n = r->known.n;
	r->vectors = mem_grow(r->vectors, &r->capacity, n, C * sizeof(float));
	for (size_t i = from; i < n; i += WINDOW) {
		size_t k = n - i < WINDOW ? n - i : WINDOW;
		if (r->encoder->run(r->encoder->self, r->known.at + i, k, r->vectors + i * C, e))
			return -1;
	}
	return 0;
}

static const float *vector_of(const struct representer *r, struct slice text)
{
	uint32_t i = terms_find(&r->known, text);
	CHECK(i != TERMS_ABSENT);
	return r->vectors + i * r->encoder->size;
}

static double cosine(const float *a, const float *b, size_t n)
{
	double sum = 0, aa = 0, bb = 0;
	for (size_t i = 0; i < n; i++) {
		sum += (double)a[i] * (double)b[i];
		aa += (double)a[i] * (double)a[i];
		bb += (double)b[i] * (double)b[i];
	}
	return aa > 0 && bb > 0 ? sum / (sqrt(aa) * sqrt(bb)) : 0;
}

/* --- KeyBERT -------------------------------------------------------------------------------- */

/* Order the candidates of one topic by their cosine with its vector, keep the first k. */
static void rank(const struct representer *r, const float *topic, struct topic_words *words,
	size_t k, struct arena *arena)
{
	struct ranked order[REPRESENTATION_CANDIDATES];
	for (size_t i = 0; i < words->n; i++)
		order[i] = (struct ranked){
			cosine(topic, vector_of(r, words->at[i].word), r->encoder->size), i
		};
	ranked_sort(order, words->n);
	struct topic_words out = { ARENA_ARRAY(arena, struct topic_word, words->n + 1),
		words->n < k ? words->n : k };
	for (size_t i = 0; i < out.n; i++)
		out.at[i] = (struct topic_word){ words->at[order[i].i].word, order[i].score };
	*words = out;
}

/* The mean vector of a topic's representative texts, from their vectors that are known. */
static void mean_of_texts(const struct representer *r, const struct topic *t, float *out)
{
	size_t C = r->encoder->size;
	for (size_t k = 0; k < C; k++) {
		double sum = 0;
		for (size_t i = 0; i < t->n_representative; i++)
			sum += (double)vector_of(r, t->representative[i])[k];
		out[k] = (float)(sum / (double)t->n_representative);
	}
}

static int keybert(struct representer *r, const struct topics *t, size_t k, struct arena *arena,
	struct topic_words *words, struct error *e)
{
	bool embed = r->embed_texts || !t->representative_embeddings;
	size_t from = r->known.n, C = r->encoder->size;
	for (size_t i = 0; i < t->n; i++) {
		words[i] = topics_best(t, i, REPRESENTATION_CANDIDATES, arena);
		for (size_t w = 0; w < words[i].n; w++)
			want(r, words[i].at[w].word);
		for (size_t d = 0; embed && d < t->at[i].n_representative; d++)
			want(r, t->at[i].representative[d]);
	}
	if (embed_wanted(r, from, e))
		return -1;
	float *mean = MEM_ARRAY(float, C);
	for (size_t i = 0; i < t->n; i++) {
		if (embed)
			mean_of_texts(r, &t->at[i], mean);
		rank(r, embed ? mean : t->representative_embeddings + i * C, &words[i], k, arena);
	}
	mem_free(mean);
	return 0;
}

/* --- MMR ------------------------------------------------------------------------------------ */

static struct slice joined(const struct topic_words *words, struct arena *arena)
{
	struct buffer b = { 0 };
	for (size_t i = 0; i < words->n; i++) {
		if (i)
			buffer_char(&b, ' ');
		buffer_slice(&b, words->at[i].word);
	}
	struct slice s = arena_copy(arena, buffer_view(&b));
	buffer_free(&b);
	return s;
}

/*
 * Choose k of the words; near [n]: cosine with the topic; nearest [n]: the largest cosine with a
 * chosen one.
 */
static void choose(
	const struct representer *r, struct slice topic, struct topic_words *words, size_t k)
{
	size_t n = words->n, C = r->encoder->size, kept = 0;
	double *near = MEM_ARRAY(double, n), *nearest = MEM_ARRAY(double, n);
	bool *chosen = mem_zero(n, sizeof *chosen);
	for (size_t i = 0; i < n; i++)
		near[i] = cosine(vector_of(r, words->at[i].word), vector_of(r, topic), C);
	for (size_t round = 0; round < k; round++) {
		size_t best = n;
		double best_score = 0;
		for (size_t i = 0; i < n; i++) {
			double score =
				round ? (1 - r->diversity) * near[i] - r->diversity * nearest[i]
				      : near[i];
			if (!chosen[i] && (best == n || score > best_score)) {
				best = i;
				best_score = score;
			}
		}
		chosen[best] = true;
		for (size_t i = 0; i < n; i++) {
			double c = cosine(vector_of(r, words->at[i].word),
				vector_of(r, words->at[best].word), C);
			nearest[i] = round == 0 || c > nearest[i] ? c : nearest[i];
		}
	}
	for (size_t i = 0; i < n; i++)
		if (chosen[i])
			words->at[kept++] = words->at[i];
	words->n = kept;
	mem_free(near);
	mem_free(nearest);
	mem_free(chosen);
}

static int mmr(struct representer *r, const struct topics *t, size_t k, struct arena *arena,
	struct topic_words *words, struct error *e)
{
	size_t from = r->known.n;
	struct slice *together = ARENA_ARRAY(arena, struct slice, t->n + 1);
	for (size_t i = 0; i < t->n; i++) {
		together[i] = joined(&words[i], arena);
		if (words[i].n <= k)
			continue; /* all of them are chosen */
		want(r, together[i]);
		for (size_t w = 0; w < words[i].n; w++)
			want(r, words[i].at[w].word);
	}
	if (embed_wanted(r, from, e))
		return -1;
	for (size_t i = 0; i < t->n; i++)
		if (words[i].n > k)
			choose(r, together[i], &words[i], k);
	return 0;
}

/* ---  --------------------------------------------------------------------------------------- */

int representation_apply(struct representer *r, const struct topics *t,
	const struct representation *chain, struct arena *arena, struct topic_words *out,
	struct error *e)
{
	size_t base = r->top_n_words > TOPICS_BASE ? r->top_n_words : TOPICS_BASE;
	CHECK(chain->n == 0 || r->encoder);
	for (size_t i = 0; i < t->n; i++)
		out[i] = topics_best(t, i, chain->n ? base : r->top_n_words, arena);
	for (size_t s = 0; s < chain->n; s++) {
		size_t k = s + 1 == chain->n ? r->top_n_words : base;
		int rc = chain->steps[s] == REPRESENTATION_KEYBERT ? keybert(r, t, k, arena, out, e)
								   : mmr(r, t, k, arena, out, e);
		if (rc)
			return rc;
	}
	return 0;
}

/* The place of the aspect of that name, appended where there is none. */
static size_t aspect_place(struct topics *t, struct slice name)
{
	size_t i = 0;
	while (i < t->n_aspects && !slice_equal(t->aspects[i], name))
		i++;
	if (i < t->n_aspects)
		return i;
	struct slice *names = ARENA_ARRAY(t->arena, struct slice, i + 1);
	if (i)
		memcpy(names, t->aspects, i * sizeof *names);
	names[i] = arena_copy(t->arena, name);
	t->aspects = names;
	t->n_aspects++;
	for (size_t r = 0; r < t->n; r++) {
		struct topic_words *words = arena_zero(t->arena, i + 1, sizeof *words);
		if (i)
			memcpy(words, t->at[r].aspects, i * sizeof *words);
		t->at[r].aspects = words;
	}
	return i;
}

int representation_describe(struct representer *r, struct topics *t,
	const struct representation *main, const struct aspect *aspects, size_t n_aspects,
	struct error *e)
{
	struct topic_words *out = MEM_ARRAY(struct topic_words, t->n + 1);
	int rc = main ? representation_apply(r, t, main, t->arena, out, e) : 0;
	for (size_t i = 0; main && rc == 0 && i < t->n; i++)
		t->at[i].words = out[i];
	for (size_t a = 0; rc == 0 && a < n_aspects; a++) {
		rc = representation_apply(r, t, &aspects[a].chain, t->arena, out, e);
		size_t place = aspect_place(t, aspects[a].name);
		for (size_t i = 0; rc == 0 && i < t->n; i++)
			t->at[i].aspects[place] = out[i];
	}
	mem_free(out);
	return rc;
}
