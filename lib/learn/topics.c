#include "lib/learn/topics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/ops_centers.h"
#include "lib/base/random.h"

struct topics *topics_new(void)
{
	struct topics *t = mem_zero(1, sizeof *t);
	t->arena = arena_new();
	t->vectorizer =
		(struct vectorizer_options){ 1, 1, &t->stop_words, { 1, false }, { 1, true } };
	t->ctfidf = (struct ctfidf_options){ .seed_words = &t->seed_words, .seed_multiplier = 2 };
	return t;
}

void topics_free(struct topics *t)
{
	if (!t)
		return;
	terms_free(&t->stop_words);
	terms_free(&t->seed_words);
	terms_free(&t->vocabulary);
	counts_free(&t->counts);
	arena_free(t->arena);
	mem_free(t);
}

/* --- Texts while they come ------------------------------------------------------------------ */

struct topic_texts *topic_texts_new(const struct vectorizer_options *o, struct error *e)
{
	struct corpus *c = corpus_new(e);
	if (!c)
		return NULL;
	struct topic_texts *x = mem_zero(1, sizeof *x);
	x->corpus = c;
	x->vectorizer = vectorizer_new(o);
	return x;
}

void topic_texts_free(struct topic_texts *x)
{
	if (!x)
		return;
	corpus_free(x->corpus);
	vectorizer_free(x->vectorizer);
	terms_free(&x->clusters);
	mem_free(x->numbers);
	mem_free(x);
}

int topic_texts_add(struct topic_texts *x, int64_t cluster, struct slice text, const float *vector,
	size_t size, struct error *e)
{
	size_t class =
		terms_add(&x->clusters, (struct slice){ (const char *)&cluster, sizeof cluster });
	if (corpus_add(x->corpus, class, text, vector, size, e))
		return -1;
	vectorizer_add(x->vectorizer, class, text);
	return 0;
}

/* --- Numbering ------------------------------------------------------------------------------ */

struct group {
	int64_t cluster;
	size_t class, count;
};

static int compare_groups(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	bool outliers_x = x->cluster == TOPICS_OUTLIERS, outliers_y = y->cluster == TOPICS_OUTLIERS;
	if (outliers_x != outliers_y)
		return outliers_x ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return (x->cluster > y->cluster) - (x->cluster < y->cluster);
}

/* Fill the topics' numbers and counts, and order [n]: the class of each. */
static void number_topics(struct topics *t, struct topic_texts *x, size_t *order)
{
	const struct corpus *c = x->corpus;
	size_t n = x->clusters.n;
	struct group *groups = MEM_ARRAY(struct group, n + 1);
	for (size_t i = 0; i < n; i++) {
		groups[i] = (struct group){ 0, i, 0 };
		memcpy(&groups[i].cluster, x->clusters.at[i].data, sizeof groups[i].cluster);
	}
	for (size_t i = 0; i < c->n; i++)
		groups[c->classes[i]].count++;
	qsort(groups, n, sizeof *groups, compare_groups);
	t->n = n;
	t->at = arena_zero(t->arena, n + 1, sizeof *t->at);
	x->numbers = MEM_ARRAY(int64_t, n + 1);
	int64_t number = 0;
	for (size_t r = 0; r < n; r++) {
		order[r] = groups[r].class;
		t->at[r].cluster = groups[r].cluster;
		t->at[r].count = groups[r].count;
		t->at[r].number = groups[r].cluster == TOPICS_OUTLIERS ? TOPICS_OUTLIERS : number++;
		x->numbers[order[r]] = t->at[r].number;
	}
	mem_free(groups);
}

/* --- Representative texts ------------------------------------------------------------------- */

struct choice {
	uint64_t key; /* random: which texts of a large topic are looked at */
	double similarity;
	size_t text;
};

static int compare_keys(const void *a, const void *b)
{
	const struct choice *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->text > y->text) - (x->text < y->text);
}

static int compare_similarity(const void *a, const void *b)
{
	const struct choice *x = a, *y = b;
	if (x->similarity != y->similarity)
		return x->similarity > y->similarity ? -1 : 1;
	return (x->text > y->text) - (x->text < y->text);
}

static double dot(const double *a, const double *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/* The c-TF-IDF of one topic, spread over the vocabulary, and room to weigh texts in. */
struct judge {
	const struct topics *t;
	double *topic; /* [vocabulary] */
	double norm;
	struct text_counts counts;
	double *weights, *others; /* [capacity] */
	size_t capacity;
};

static void judge_room(struct judge *j, size_t n)
{
	if (n <= j->capacity)
		return;
	mem_free(j->weights);
	mem_free(j->others);
	j->capacity = size_mul(n, 2);
	j->weights = MEM_ARRAY(double, j->capacity);
	j->others = MEM_ARRAY(double, j->capacity);
}

/* Spread row r, or clear it away. */
static void judge_topic(struct judge *j, size_t r, bool clear)
{
	const struct counts *x = &j->t->counts;
	size_t from = x->start[r], n = x->start[r + 1] - from;
	judge_room(j, n + 1);
	ctfidf_weigh(j->t->ctfidf.reduce_frequent_words, j->t->idf, x->terms + from,
		x->counts + from, n, j->weights);
	for (size_t i = 0; i < n; i++)
		j->topic[x->terms[from + i]] = clear ? 0 : j->weights[i];
	j->norm = sqrt(dot(j->weights, j->weights, n));
}

/* The cosine of a text's c-TF-IDF with the topic's. */
static double judge_text(struct judge *j, struct slice text)
{
	const struct topics *t = j->t;
	vectorizer_count(&t->vectorizer, &t->vocabulary, text, &j->counts);
	size_t n = j->counts.n;
	judge_room(j, n + 1);
	ctfidf_weigh(t->ctfidf.reduce_frequent_words, t->idf, j->counts.terms, j->counts.counts, n,
		j->weights);
	for (size_t i = 0; i < n; i++)
		j->others[i] = j->topic[j->counts.terms[i]];
	double norm = sqrt(dot(j->weights, j->weights, n)) * j->norm;
	return norm > 0 ? dot(j->weights, j->others, n) / norm : 0;
}

/* Keep the best of the n choices, equal texts once; returns how many. */
static size_t keep_best(
	struct choice *choices, size_t n, const struct corpus *c, size_t kept[TOPICS_KEPT])
{
	size_t k = 0;
	qsort(choices, n, sizeof *choices, compare_similarity);
	for (size_t i = 0; i < n && k < TOPICS_KEPT; i++) {
		bool known = false;
		for (size_t b = 0; b < k; b++)
			known = known || slice_equal(corpus_text(c, kept[b]),
						 corpus_text(c, choices[i].text));
		if (!known)
			kept[k++] = choices[i].text;
	}
	return k;
}

struct members {
	size_t *start, *texts; /* texts of class i: texts[start[i]] to texts[start[i + 1]] */
};

static struct members members_of(const struct corpus *c, size_t n_classes)
{
	struct members m = { mem_zero(n_classes + 2, sizeof(size_t)), MEM_ARRAY(size_t, c->n + 1) };
	for (size_t i = 0; i < c->n; i++)
		m.start[c->classes[i] + 2]++;
	for (size_t i = 2; i <= n_classes; i++)
		m.start[i] += m.start[i - 1];
	for (size_t i = 0; i < c->n; i++)
		m.texts[m.start[c->classes[i] + 1]++] = i;
	return m;
}

/* The numbers of the representative texts of every topic, kept [n, TOPICS_KEPT]. */
static void choose_texts(
	struct topics *t, const struct corpus *c, const size_t *order, uint64_t seed, size_t *kept)
{
	struct members m = members_of(c, t->n);
#pragma omp parallel
	{
		struct judge j = { .t = t, .topic = mem_zero(t->vocabulary.n + 1, sizeof(double)) };
#pragma omp for schedule(dynamic)
		for (size_t r = 0; r < t->n; r++) {
			size_t from = m.start[order[r]], n = m.start[order[r] + 1] - from;
			struct choice *choices = MEM_ARRAY(struct choice, n + 1);
			for (size_t i = 0; i < n; i++)
				choices[i] =
					(struct choice){ random_bits(seed, 0, m.texts[from + i]), 0,
						m.texts[from + i] };
			if (n > TOPICS_SAMPLE) {
				qsort(choices, n, sizeof *choices, compare_keys);
				n = TOPICS_SAMPLE;
			}
			judge_topic(&j, r, false);
			for (size_t i = 0; i < n; i++)
				choices[i].similarity =
					judge_text(&j, corpus_text(c, choices[i].text));
			judge_topic(&j, r, true);
			t->at[r].n_representative =
				keep_best(choices, n, c, kept + r * TOPICS_KEPT);
			mem_free(choices);
		}
		mem_free(j.topic);
		mem_free(j.weights);
		mem_free(j.others);
		text_counts_free(&j.counts);
	}
	for (size_t r = 0; r < t->n; r++)
		for (size_t i = 0; i < t->at[r].n_representative; i++)
			t->at[r].representative[i] =
				arena_copy(t->arena, corpus_text(c, kept[r * TOPICS_KEPT + i]));
	mem_free(m.start);
	mem_free(m.texts);
}

/* --- Vectors -------------------------------------------------------------------------------- */

static void average(
	struct topics *t, const struct corpus *c, const size_t *order, const size_t *kept)
{
	size_t C = c->size;
	t->size = C;
	t->embeddings = ARENA_ARRAY(t->arena, float, size_mul(t->n, C));
	t->representative_embeddings = ARENA_ARRAY(t->arena, float, size_mul(t->n, C));
	double *sums = mem_zero(size_mul(t->n + 1, C), sizeof *sums);
	for (size_t i = 0; i < c->n; i++)
		for (size_t k = 0; k < C; k++)
			sums[c->classes[i] * C + k] += (double)c->vectors[i * C + k];
	for (size_t r = 0; r < t->n; r++) {
		for (size_t k = 0; k < C; k++)
			t->embeddings[r * C + k] =
				(float)(sums[order[r] * C + k] / (double)t->at[r].count);
		for (size_t k = 0; k < C; k++) {
			double sum = 0;
			for (size_t i = 0; i < t->at[r].n_representative; i++)
				sum += (double)c->vectors[kept[r * TOPICS_KEPT + i] * C + k];
			t->representative_embeddings[r * C + k] =
				(float)(sum / (double)t->at[r].n_representative);
		}
	}
	mem_free(sums);
}

/* With the length of the vector, which is not 0; 0 for a topic of zeros. */
static double similarity(const struct topics *t, size_t r, const float *vector, double length)
{
	const float *topic = t->embeddings + r * t->size;
	double sum = 0, square = 0;
	for (size_t k = 0; k < t->size; k++) {
		sum += (double)topic[k] * (double)vector[k];
		square += (double)topic[k] * (double)topic[k];
	}
	return square > 0 ? sum / (length * sqrt(square)) : 0;
}

static double length_of(const float *vector, size_t n)
{
	double square = 0;
	for (size_t k = 0; k < n; k++)
		square += (double)vector[k] * (double)vector[k];
	return sqrt(square);
}

void topics_similarity(const struct topics *t, const float *vector, double *out)
{
	double length = length_of(vector, t->size);
	for (size_t r = 0; r < t->n; r++)
		out[r] = length > 0 ? similarity(t, r, vector, length) : 0;
}

/* The embeddings that are not zeros at length 1, [., size], and whose they are. How many. */
static size_t directions(const struct topics *t, double *unit, int32_t *row)
{
	size_t n = 0, C = t->size;
	for (size_t r = 0; r < t->n; r++) {
		double length = length_of(t->embeddings + r * C, C);
		if (!(length > 0))
			continue;
		for (size_t k = 0; k < C; k++)
			unit[n * C + k] = (double)t->embeddings[r * C + k] / length;
		row[n++] = (int32_t)r;
	}
	return n;
}

/*
 * Of vectors of length 1 the nearest is the one of the largest cosine, 1 - raw / 2. A topic of
 * zeros has the cosine 0 with all.
 */
int topics_nearest(const struct topics *t, struct device *device, const float *x, size_t n,
	int32_t *row, struct error *e)
{
	size_t C = t->size, zeros = 0;
	double *unit = MEM_ARRAY(double, size_mul(t->n, C)), *raw = NULL;
	int32_t *of = MEM_ARRAY(int32_t, t->n);
	size_t directed = directions(t, unit, of);
	while (zeros < directed && (size_t)of[zeros] == zeros)
		zeros++; /* the first topic of zeros, if there is one */
	if (directed < t->n)
		raw = mem_zero(n, sizeof *raw);
	memset(row, 0, n * sizeof *row);
	if (directed) {
		struct tensor rows = tensor_upload(device, F32, n, C, x);
		op_nearest_center(device, rows, unit, directed, true, row, raw);
		tensor_release(device, &rows);
	}
	for (size_t i = 0; i < n && directed; i++) {
		row[i] = of[row[i]];
		if (raw && (raw[i] > 2 || (raw[i] == 2 && zeros < (size_t)row[i])))
			row[i] = (int32_t)zeros;
		if (!(length_of(x + i * C, C) > 0))
			row[i] = 0;
	}
	mem_free(unit);
	mem_free(raw);
	mem_free(of);
	return device_sync(device, e);
}

/* --- The model ------------------------------------------------------------------------------ */

void topics_weigh(struct topics *t)
{
	t->idf = ARENA_ARRAY(t->arena, double, t->vocabulary.n + 1);
	ctfidf_fit(&t->ctfidf, &t->counts, &t->vocabulary, t->idf);
}

int topics_fit(struct topics *t, struct topic_texts *x, const struct encoder *encoder,
	uint64_t seed, struct error *e)
{
	struct corpus *c = x->corpus;
	size_t n = x->clusters.n;
	if (corpus_finish(c, e) || (encoder && !c->size && c->n && corpus_embed(c, encoder, e)))
		return -1;
	size_t *order = MEM_ARRAY(size_t, n + 1);
	number_topics(t, x, order);
	int rc = vectorizer_finish(x->vectorizer, order, n, &t->vocabulary, &t->counts, e);
	if (rc == 0) {
		size_t *kept = MEM_ARRAY(size_t, size_mul(n + 1, TOPICS_KEPT));
		topics_weigh(t);
		choose_texts(t, c, order, seed, kept);
		if (c->size)
			average(t, c, order, kept);
		mem_free(kept);
	}
	mem_free(order);
	return rc;
}

struct topic_words topics_best(const struct topics *t, size_t r, size_t k, struct arena *arena)
{
	const struct counts *x = &t->counts;
	size_t from = x->start[r], n = x->start[r + 1] - from;
	double *weights = MEM_ARRAY(double, n + 1);
	struct ctfidf_word *top = MEM_ARRAY(struct ctfidf_word, k + 1);
	ctfidf_weigh(t->ctfidf.reduce_frequent_words, t->idf, x->terms + from, x->counts + from, n,
		weights);
	struct topic_words out = { ARENA_ARRAY(arena, struct topic_word, k + 1), 0 };
	out.n = ctfidf_top(x->terms + from, weights, n, k, top);
	for (size_t i = 0; i < out.n; i++)
		out.at[i] = (struct topic_word){ t->vocabulary.at[top[i].term], top[i].score };
	mem_free(weights);
	mem_free(top);
	return out;
}

size_t topics_find(const struct topics *t, int64_t number)
{
	size_t r = 0;
	while (r < t->n && t->at[r].number != number)
		r++;
	return r;
}

void topics_name(struct buffer *b, const struct topic *t)
{
	buffer_printf(b, "%lld", (long long)t->number);
	for (size_t i = 0; i < t->words.n && i < TOPICS_NAME; i++) {
		buffer_char(b, '_');
		buffer_slice(b, t->words.at[i].word);
	}
}
