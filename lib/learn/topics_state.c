/*
 * topics_state.c: a topic model as a safetensors file. Tensors: embeddings and
 * representative_embeddings [K, C] (absent where the texts had no vectors), counts as start [K +
 * 1], terms and counts [entries], the vocabulary's bytes and the ends of its terms. __metadata__:
 * format, version, model, options and topics, the last two JSON.
 */
#include <stdlib.h>

#include "lib/file/safetensors.h"
#include "lib/learn/topics.h"

#define STATE_FORMAT "heddle topics"
#define STATE_VERSION "1"

/* --- Writing -------------------------------------------------------------------------------- */

static void write_limit(struct buffer *b, const char *name, struct df_limit limit)
{
	buffer_printf(b, ", \"%s\": ", name);
	json_write_double(b, limit.value);
	buffer_printf(b, ", \"%s_share\": %s", name, limit.share ? "true" : "false");
}

static void write_terms(struct buffer *b, const char *name, const struct terms *terms)
{
	buffer_printf(b, ", \"%s\": [", name);
	for (size_t i = 0; i < terms->n; i++) {
		if (i)
			buffer_text(b, ", ");
		json_write_string(b, terms->at[i]);
	}
	buffer_char(b, ']');
}

static void write_options(struct buffer *b, const struct topics *t)
{
	buffer_printf(b, "{\"ngram_range\": [%zu, %zu]", t->vectorizer.min_n, t->vectorizer.max_n);
	write_limit(b, "min_df", t->vectorizer.min_df);
	write_limit(b, "max_df", t->vectorizer.max_df);
	write_terms(b, "stop_words", &t->stop_words);
	write_terms(b, "seed_words", &t->seed_words);
	buffer_text(b, ", \"seed_multiplier\": ");
	json_write_double(b, t->ctfidf.seed_multiplier);
	buffer_printf(b, ", \"bm25\": %s, \"reduce_frequent_words\": %s, \"aspects\": [",
		t->ctfidf.bm25 ? "true" : "false",
		t->ctfidf.reduce_frequent_words ? "true" : "false");
	for (size_t i = 0; i < t->n_aspects; i++) {
		if (i)
			buffer_text(b, ", ");
		json_write_string(b, t->aspects[i]);
	}
	buffer_text(b, "]}");
}

static void write_topics(struct buffer *b, const struct topics *t)
{
	buffer_char(b, '[');
	for (size_t r = 0; r < t->n; r++) {
		const struct topic *topic = &t->at[r];
		buffer_printf(b,
			"%s{\"topic\": %lld, \"cluster\": %lld, \"count\": %zu, \"words\": ",
			r ? ", " : "", (long long)topic->number, (long long)topic->cluster,
			topic->count);
		topics_write_words(b, &topic->words);
		buffer_text(b, ", \"aspects\": [");
		for (size_t i = 0; i < t->n_aspects; i++) {
			if (i)
				buffer_text(b, ", ");
			topics_write_words(b, &topic->aspects[i]);
		}
		buffer_text(b, "], \"representative\": [");
		for (size_t i = 0; i < topic->n_representative; i++) {
			if (i)
				buffer_text(b, ", ");
			json_write_string(b, topic->representative[i]);
		}
		buffer_text(b, "]}");
	}
	buffer_char(b, ']');
}

static void add(struct tensor_writer *w, const char *name, enum file_dtype dtype, size_t n,
	const void *data)
{
	tensor_writer_add(w, name, dtype, 1, &n, data);
}

int topics_save(const struct topics *t, const char *path, struct error *e)
{
	struct tensor_writer *w = tensor_writer_new();
	struct buffer options = { 0 }, described = { 0 }, vocabulary = { 0 };
	size_t entries = t->n ? t->counts.start[t->n] : 0, shape[2] = { t->n, t->size };
	uint64_t *ends = MEM_ARRAY(uint64_t, t->vocabulary.n + 1),
		 *start = MEM_ARRAY(uint64_t, t->n + 1);
	for (size_t i = 0; i < t->vocabulary.n; i++) {
		buffer_slice(&vocabulary, t->vocabulary.at[i]);
		ends[i] = vocabulary.size;
	}
	start[0] = 0;
	for (size_t r = 0; r < t->n; r++)
		start[r + 1] = t->counts.start[r + 1];
	write_options(&options, t);
	write_topics(&described, t);
	tensor_writer_metadata(w, "format", SLICE(STATE_FORMAT));
	tensor_writer_metadata(w, "version", SLICE(STATE_VERSION));
	if (t->model.data)
		tensor_writer_metadata(w, "model", t->model);
	tensor_writer_metadata(w, "options", buffer_view(&options));
	tensor_writer_metadata(w, "topics", buffer_view(&described));
	if (t->embeddings) {
		tensor_writer_add(w, "embeddings", FILE_F32, 2, shape, t->embeddings);
		tensor_writer_add(w, "representative_embeddings", FILE_F32, 2, shape,
			t->representative_embeddings);
	}
	add(w, "counts", FILE_U64, entries, t->counts.counts);
	add(w, "start", FILE_U64, t->n + 1, start);
	add(w, "vocabulary_ends", FILE_U64, t->vocabulary.n, ends);
	add(w, "terms", FILE_U32, entries, t->counts.terms);
	add(w, "vocabulary", FILE_U8, vocabulary.size, vocabulary.data);
	int rc = tensor_writer_save(w, path, e);
	tensor_writer_free(w);
	mem_free(ends);
	mem_free(start);
	buffer_free(&options);
	buffer_free(&described);
	buffer_free(&vocabulary);
	return rc;
}

/* --- Reading: every length and number of the file is checked -------------------------------- */

static int broken(struct error *e, const char *what)
{
	return error_set(e, ERROR_MODEL, "not a topic model that topics --save wrote: %s", what);
}

static int read_limit(
	struct json options, const char *name, const char *share, struct df_limit *out)
{
	struct json value = json_get(options, name), is_share = json_get(options, share);
	if (value.type != JSON_NUMBER ||
		(is_share.type != JSON_TRUE && is_share.type != JSON_FALSE))
		return -1;
	*out = (struct df_limit){ json_double(value), is_share.type == JSON_TRUE };
	return 0;
}

static int read_terms(struct json list, struct terms *out, struct arena *arena)
{
	if (list.type != JSON_ARRAY)
		return -1;
	for (struct json_iterator i = json_iterate(list); json_each(&i);) {
		if (i.value.type != JSON_STRING)
			return -1;
		terms_add(out, json_text(i.value, arena));
	}
	return 0;
}

static int read_ngrams(struct json range, struct vectorizer_options *o)
{
	int64_t n[2] = { 0, 0 };
	size_t k = 0;
	if (range.type != JSON_ARRAY)
		return -1;
	for (struct json_iterator i = json_iterate(range); json_each(&i); k++)
		if (k >= 2 || i.value.type != JSON_NUMBER || !json_integer(i.value, &n[k]))
			return -1;
	if (n[0] < 1 || n[1] < n[0] || n[1] > NGRAM_MAX)
		return -1;
	o->min_n = (size_t)n[0];
	o->max_n = (size_t)n[1];
	return 0;
}

static int read_options(struct topics *t, struct slice text, struct error *e)
{
	struct json root, multiplier, aspects;
	if (!text.data || json_read(text, &root, e))
		return broken(e, "no options");
	multiplier = json_get(root, "seed_multiplier");
	aspects = json_get(root, "aspects");
	if (read_ngrams(json_get(root, "ngram_range"), &t->vectorizer) ||
		read_limit(root, "min_df", "min_df_share", &t->vectorizer.min_df) ||
		read_limit(root, "max_df", "max_df_share", &t->vectorizer.max_df) ||
		read_terms(json_get(root, "stop_words"), &t->stop_words, t->arena) ||
		read_terms(json_get(root, "seed_words"), &t->seed_words, t->arena) ||
		multiplier.type != JSON_NUMBER || aspects.type != JSON_ARRAY)
		return broken(e, "its options");
	t->ctfidf.seed_multiplier = json_double(multiplier);
	t->ctfidf.bm25 = json_get(root, "bm25").type == JSON_TRUE;
	t->ctfidf.reduce_frequent_words = json_get(root, "reduce_frequent_words").type == JSON_TRUE;
	t->aspects = ARENA_ARRAY(t->arena, struct slice, json_count(aspects) + 1);
	for (struct json_iterator i = json_iterate(aspects); json_each(&i);) {
		if (i.value.type != JSON_STRING)
			return broken(e, "its options");
		t->aspects[t->n_aspects++] = arena_copy(t->arena, json_text(i.value, t->arena));
	}
	return 0;
}

static int read_words(struct json list, struct topic_words *out, struct arena *arena)
{
	if (list.type != JSON_ARRAY)
		return -1;
	out->at = ARENA_ARRAY(arena, struct topic_word, json_count(list) + 1);
	for (struct json_iterator i = json_iterate(list); json_each(&i);) {
		struct json word = json_get(i.value, "word"), score = json_get(i.value, "score");
		if (word.type != JSON_STRING || score.type != JSON_NUMBER)
			return -1;
		out->at[out->n++] = (struct topic_word){ arena_copy(arena, json_text(word, arena)),
			json_double(score) };
	}
	return 0;
}

static int read_integer(struct json object, const char *key, int64_t *out)
{
	struct json value = json_get(object, key);
	return value.type == JSON_NUMBER && json_integer(value, out) ? 0 : -1;
}

static int read_topic(struct topics *t, struct json object, struct topic *out)
{
	int64_t count = 0;
	if (read_integer(object, "topic", &out->number) ||
		read_integer(object, "cluster", &out->cluster) ||
		read_integer(object, "count", &count) || count < 1 ||
		read_words(json_get(object, "words"), &out->words, t->arena))
		return -1;
	out->count = (size_t)count;
	struct json aspects = json_get(object, "aspects"),
		    texts = json_get(object, "representative");
	if (aspects.type != JSON_ARRAY || json_count(aspects) != t->n_aspects ||
		texts.type != JSON_ARRAY)
		return -1;
	size_t k = 0;
	out->aspects = arena_zero(t->arena, t->n_aspects + 1, sizeof *out->aspects);
	for (struct json_iterator i = json_iterate(aspects); json_each(&i); k++)
		if (read_words(i.value, &out->aspects[k], t->arena))
			return -1;
	for (struct json_iterator i = json_iterate(texts); json_each(&i);) {
		if (i.value.type != JSON_STRING || out->n_representative == TOPICS_KEPT)
			return -1;
		out->representative[out->n_representative++] =
			arena_copy(t->arena, json_text(i.value, t->arena));
	}
	return out->n_representative ? 0 : -1;
}

static int read_topics(struct topics *t, struct slice text, struct error *e)
{
	struct json root;
	if (!text.data || json_read(text, &root, e) || root.type != JSON_ARRAY)
		return broken(e, "no topics");
	t->at = arena_zero(t->arena, json_count(root) + 1, sizeof *t->at);
	for (struct json_iterator i = json_iterate(root); json_each(&i); t->n++)
		if (read_topic(t, i.value, &t->at[t->n]))
			return broken(e, "one of its topics");
	return 0;
}

/* The bytes of a tensor of one dimension; NULL where it is not there or of another type. */
static const struct file_tensor *vector(
	const struct tensor_file *f, const char *name, enum file_dtype dtype)
{
	const struct file_tensor *tensor = tensor_file_find(f, name);
	return tensor && tensor->dtype == dtype && tensor->n_dims == 1 ? tensor : NULL;
}

static void *copy(const struct file_tensor *tensor)
{
	void *p = mem_alloc(tensor->data.size + 8);
	if (tensor->data.size)
		memcpy(p, tensor->data.data, tensor->data.size);
	return p;
}

static int read_vocabulary(struct topics *t, const struct tensor_file *f, struct error *e)
{
	const struct file_tensor *ends = vector(f, "vocabulary_ends", FILE_U64),
				 *bytes = vector(f, "vocabulary", FILE_U8);
	if (!ends || !bytes || ends->count >= TERMS_ABSENT - 1)
		return broken(e, "its vocabulary");
	uint64_t from = 0, to;
	for (size_t i = 0; i < ends->count; i++, from = to) {
		memcpy(&to, ends->data.data + 8 * i, 8);
		if (to < from || to > bytes->count)
			return broken(e, "its vocabulary");
		if (terms_add(&t->vocabulary,
			    (struct slice){ bytes->data.data + from, (size_t)(to - from) }) != i)
			return broken(e, "its vocabulary has a term twice");
	}
	return 0;
}

static int read_counts(struct topics *t, const struct tensor_file *f, struct error *e)
{
	const struct file_tensor *start = vector(f, "start", FILE_U64),
				 *terms = vector(f, "terms", FILE_U32),
				 *counts = vector(f, "counts", FILE_U64);
	if (!start || !terms || !counts || start->count != t->n + 1 ||
		terms->count != counts->count)
		return broken(e, "its counts");
	struct counts *x = &t->counts;
	*x = (struct counts){ t->n, t->vocabulary.n, MEM_ARRAY(size_t, t->n + 1), copy(terms),
		copy(counts) };
	for (size_t r = 0; r <= t->n; r++) {
		uint64_t at;
		memcpy(&at, start->data.data + 8 * r, 8);
		x->start[r] = (size_t)at;
		if (at > terms->count || (r ? at < x->start[r - 1] : at != 0))
			return broken(e, "its counts");
	}
	if (x->start[t->n] != terms->count)
		return broken(e, "its counts");
	for (size_t r = 0; r < t->n; r++)
		for (size_t i = x->start[r]; i < x->start[r + 1]; i++)
			if (x->terms[i] >= x->n_terms || x->counts[i] == 0 ||
				x->counts[i] > UINT32_MAX * (uint64_t)UINT32_MAX ||
				(i > x->start[r] && x->terms[i] <= x->terms[i - 1]))
				return broken(e, "its counts");
	return 0;
}

static float *read_rows(struct topics *t, const struct tensor_file *f, const char *name,
	size_t size, struct error *e)
{
	const size_t shape[2] = { t->n, size };
	const float *rows = tensor_file_floats(f, name, 2, shape, t->arena, e);
	float *out = rows ? ARENA_ARRAY(t->arena, float, size_mul(t->n, size) + 1) : NULL;
	for (size_t i = 0; rows && i < t->n * size; i++) {
		if (!(rows[i] - rows[i] == 0)) {
			broken(e, "its embeddings are not finite");
			return NULL;
		}
		out[i] = rows[i];
	}
	return out;
}

static int read_embeddings(struct topics *t, const struct tensor_file *f, struct error *e)
{
	const struct file_tensor *rows = tensor_file_find(f, "embeddings");
	if (!rows)
		return 0;
	if (rows->n_dims != 2 || rows->shape[0] != t->n)
		return broken(e, "its embeddings");
	t->size = rows->shape[1];
	t->embeddings = read_rows(t, f, "embeddings", t->size, e);
	t->representative_embeddings =
		t->embeddings ? read_rows(t, f, "representative_embeddings", t->size, e) : NULL;
	return t->representative_embeddings ? 0 : -1;
}

static int read_state(struct topics *t, const struct tensor_file *f, struct error *e)
{
	struct slice format = tensor_file_metadata(f, "format", t->arena);
	struct slice version = tensor_file_metadata(f, "version", t->arena);
	if (!format.data || !slice_equal(format, SLICE(STATE_FORMAT)))
		return broken(e, "its format");
	if (!version.data || !slice_equal(version, SLICE(STATE_VERSION)))
		return broken(e, "another version of Heddle made it");
	struct slice model = tensor_file_metadata(f, "model", t->arena);
	if (model.data)
		t->model = model.size ? arena_copy(t->arena, model) : SLICE("");
	if (read_options(t, tensor_file_metadata(f, "options", t->arena), e) ||
		read_topics(t, tensor_file_metadata(f, "topics", t->arena), e) ||
		read_vocabulary(t, f, e) || read_counts(t, f, e) || read_embeddings(t, f, e))
		return -1;
	topics_weigh(t);
	return 0;
}

struct topics *topics_load(const char *path, struct error *e)
{
	struct tensor_file *f = tensor_file_open(path, e);
	if (!f)
		return NULL;
	struct topics *t = topics_new();
	if (read_state(t, f, e)) {
		error_wrap(e, "%s", path);
		topics_free(t);
		t = NULL;
	}
	tensor_file_close(f);
	return t;
}
