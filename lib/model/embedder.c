/*
 * Opening a model for embedding: the folder's description, what the options change in it,
 * tokenizer, weights.
 */
#include "lib/model/embedder.h"

#include <omp.h>

#include "lib/model/batches.h"
#include "lib/model/embedder_private.h"
#include "lib/model/folder.h"
#include "lib/model/weights.h"

/* --- What the options change --------------------------------------------------------------- */

static int apply_pooling(struct embedder *m, enum embedder_pooling pooling, struct error *e)
{
	static const enum pooling poolings[] = { 0, POOLING_MEAN, POOLING_CLS, POOLING_MAX,
		POOLING_LAST, POOLING_WEIGHTED_MEAN };
	if (pooling == EMBEDDER_AS_MODEL)
		return 0;
	if (m->sentence.kind == SENTENCE_STATIC) {
		if (pooling == EMBEDDER_MEAN)
			return 0;
		return error_set(e, ERROR_USAGE, "a static model has no pooling but the mean");
	}
	m->sentence.pooling[0] = poolings[pooling];
	m->sentence.n_poolings = 1;
	return 0;
}

static void apply_normalize(struct embedder *m, enum embedder_normalize normalize)
{
	struct sentence *s = &m->sentence;
	m->normalize = normalize == EMBEDDER_NORMALIZE;
	while (normalize == EMBEDDER_NORMALIZE_NOT && s->n_steps &&
		s->steps[s->n_steps - 1].kind == STEP_NORMALIZE)
		s->n_steps--;
}

static int no_prompt(const struct sentence *s, const char *name, struct error *e)
{
	struct buffer names = { NULL, 0, 0 };
	struct arena *arena = arena_new();
	if (s->prompts.type == JSON_OBJECT)
		for (struct json_iterator i = json_iterate(s->prompts); json_each(&i);) {
			buffer_text(&names, names.size ? ", " : "");
			buffer_slice(&names, json_text(i.key, arena));
		}
	error_set(e, ERROR_USAGE, "the model has no prompt %s: it has %.*s", name,
		names.size ? (int)names.size : 4, names.size ? names.data : "none");
	buffer_free(&names);
	arena_free(arena);
	return -1;
}

static int apply_prompt(struct embedder *m, const struct embedder_options *o, struct error *e)
{
	const char *name = o->prompt_name ? o->prompt_name : m->sentence.default_prompt;
	if (o->prompt) {
		m->prompt = arena_copy(m->arena, slice_from(o->prompt));
	} else if (name) {
		m->prompt = sentence_prompt(&m->sentence, name, m->arena);
		if (!m->prompt.data)
			return no_prompt(&m->sentence, name, e);
	}
	return 0;
}

/*
 * How many tokens of a text with the prompt are the prompt's: those of the prompt alone, without
 * what the tokenizer puts at the end.
 */
static int count_prompt(struct embedder *m, struct error *e)
{
	if (m->prompt.size == 0 || m->sentence.include_prompt ||
		m->sentence.kind == SENTENCE_STATIC)
		return 0;
	for (size_t i = 0; i < m->sentence.n_poolings; i++)
		if (m->sentence.pooling[i] == POOLING_WEIGHTED_MEAN)
			return error_set(e, ERROR_MODEL,
				"a weighted mean without the prompt's tokens is not supported");
	struct tokenizer_options options = { .add_special = true, .special_mask = true };
	struct encoding encoding;
	if (tokenizer_encode(m->tokenizer, NULL, m->prompt, NULL, &options, m->arena, &encoding, e))
		return -1;
	m->prompt_tokens = encoding.n;
	if (encoding.n && encoding.special_mask[encoding.n - 1])
		m->prompt_tokens--;
	return 0;
}

static int apply_length(struct embedder *m, size_t wanted, struct error *e)
{
	size_t limit = m->architecture ? m->config.n_positions : 0, said = m->sentence.max_length;
	if (wanted && limit && wanted > limit)
		return error_set(e, ERROR_USAGE,
			"a length of %zu tokens: the model has positions for %zu", wanted, limit);
	m->max_length = wanted ? wanted : said;
	if (limit && (m->max_length == 0 || m->max_length > limit))
		m->max_length = limit;
	size_t added = m->architecture ? tokenizer_added(m->tokenizer, false) : 0;
	if (m->max_length && m->max_length <= added)
		return error_set(e, ERROR_USAGE,
			"a length of %zu token%s leaves none beside the %zu special one%s",
			m->max_length, plural(m->max_length), added, plural(added));
	return 0;
}

/* --- Weights ------------------------------------------------------------------------------- */

static int open_transformer(struct embedder *m, enum dtype dtype, struct error *e)
{
	const char *folder = m->sentence.folder;
	if (architecture_open(folder, &m->config, &m->architecture, &m->file, m->arena, e))
		return -1;
	m->model = m->architecture->open(&m->config, m->file, m->device, dtype, e);
	if (!m->model)
		return -1;
	size_t said = m->sentence.pooling_size, size = m->config.hidden_size;
	if (said && said != size)
		return error_set(e, ERROR_MODEL,
			"%s: the pooling is for %zu dimension%s, the transformer has %zu", folder,
			said, plural(said), size);
	m->pooled = size * m->sentence.n_poolings;
	return 0;
}

static int open_static(struct embedder *m, enum dtype dtype, struct error *e)
{
	if (dtype != F32)
		return error_set(e, ERROR_USAGE, "a static model computes in float32 only");
	m->file = architecture_weights(m->sentence.folder, e);
	if (!m->file || static_model_open(m->file, m->device, m->arena, &m->table, e))
		return -1;
	m->pooled = m->table.size;
	return 0;
}

static int open_tokenizer(struct embedder *m, struct error *e)
{
	const char *folder = m->sentence.folder;
	size_t rows = m->architecture ? m->config.vocab_size : m->table.n;
	m->tokenizer = architecture_tokenizer(folder, rows, e);
	if (!m->tokenizer)
		return -1;
	if (m->sentence.lowercase && tokenizer_lowercase_first(m->tokenizer, e))
		return error_wrap(e, "%s", folder);
	return 0;
}

/* One dense layer: linear.weight and linear.bias. */
static struct weight *open_dense(
	struct embedder *m, const struct sentence_step *step, enum dtype dtype, struct error *e)
{
	struct tensor_file *file = architecture_weights(step->folder, e);
	if (!file)
		return NULL;
	struct weights w = { .file = file,
		.device = m->device,
		.dtype = dtype,
		.prefix = "",
		.arena = m->arena,
		.error = e };
	const char *name = "linear";
	struct weight *weight =
		weights_linear(&w, 1, &name, step->outputs, step->inputs, step->bias);
	tensor_file_close(file);
	return weight;
}

static int open_steps(struct embedder *m, enum dtype dtype, struct error *e)
{
	struct sentence *s = &m->sentence;
	size_t size = m->pooled;
	m->dense = arena_zero(m->arena, s->n_steps, sizeof *m->dense);
	for (size_t i = 0; i < s->n_steps; i++) {
		if (s->steps[i].kind != STEP_DENSE)
			continue;
		if (s->steps[i].inputs != size)
			return error_set(e, ERROR_MODEL,
				"%s: takes %zu dimension%s, it is given %zu", s->steps[i].folder,
				s->steps[i].inputs, plural(s->steps[i].inputs), size);
		m->dense[i] = open_dense(m, &s->steps[i], dtype, e);
		if (!m->dense[i])
			return -1;
		size = s->steps[i].outputs;
	}
	m->full_size = size;
	return 0;
}

/* --- Public -------------------------------------------------------------------------------- */

static int open_all(
	struct embedder *m, const char *name, const struct embedder_options *o, struct error *e)
{
	const char *folder = folder_find(name, m->arena, e);
	if (!folder || sentence_read(folder, &m->sentence, m->arena, e) ||
		apply_pooling(m, o->pooling, e) || device_open(o->device, &m->device, e))
		return -1;
	apply_normalize(m, o->normalize);
	m->dtype = o->dtype;
	bool is_static = m->sentence.kind == SENTENCE_STATIC;
	if ((is_static ? open_static : open_transformer)(m, o->dtype, e) || open_tokenizer(m, e) ||
		open_steps(m, o->dtype, e) || apply_prompt(m, o, e) || count_prompt(m, e) ||
		apply_length(m, o->max_length, e))
		return -1;
	if (o->truncate_dim > m->full_size)
		return error_set(e, ERROR_USAGE, "%zu dimensions are wanted, the model has %zu",
			o->truncate_dim, m->full_size);
	m->size = o->truncate_dim ? o->truncate_dim : m->full_size;
	m->failed = SIZE_MAX;
	m->batch_tokens = o->batch_tokens ? o->batch_tokens : batches_tokens(&m->config, m->device);
	return device_sync(m->device, e);
}

struct embedder *embedder_open(
	const char *name, const struct embedder_options *options, struct error *e)
{
	static const struct embedder_options none;
	struct embedder *m = mem_zero(1, sizeof *m);
	m->arena = arena_new();
	if (open_all(m, name, options ? options : &none, e)) {
		embedder_free(m);
		return NULL;
	}
	return m;
}

void embedder_free(struct embedder *m)
{
	if (!m)
		return;
	for (size_t i = 0; m->dense && i < m->sentence.n_steps; i++)
		if (m->dense[i])
			weight_free(m->dense[i]);
	if (m->model)
		m->architecture->free(m->model);
	if (m->device) {
		static_model_close(m->device, &m->table);
		device_free(m->device);
	}
	tensor_file_close(m->file);
	tokenizer_free(m->tokenizer);
	arena_free(m->arena);
	mem_free(m);
}

size_t embedder_size(const struct embedder *m)
{
	return m->size;
}

size_t embedder_tokens(const struct embedder *m)
{
	return m->tokens;
}

size_t embedder_truncated(const struct embedder *m)
{
	return m->truncated;
}
