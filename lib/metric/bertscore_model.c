/* bertscore_model.c: opening an encoder for its tokens' vectors, and running it. */
#include "lib/metric/bertscore_model.h"

#include "lib/metric/segment.h"
#include "lib/model/batches.h"
#include "lib/model/folder.h"
#include "lib/model/sentence.h"

/* The layer whose scores agree best with people's, by bert-score's table (utils.py, model2layers). */
static size_t usual_layer(const char *name, size_t all)
{
	static const struct {
		const char *name;
		size_t layer;
	} table[] = { { "bert-base-uncased", 9 }, { "bert-large-uncased", 18 },
		{ "bert-base-multilingual-cased", 9 }, { "bert-base-chinese", 8 },
		{ "roberta-base", 10 }, { "roberta-large", 17 }, { "distilbert-base-uncased", 5 },
		{ "xlm-roberta-base", 9 }, { "xlm-roberta-large", 17 }, { "mpnet-base", 8 },
		{ "deberta-xlarge-mnli", 40 } };
	const char *base = strrchr(name, '/');
	base = base && base[1] ? base + 1 : name;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (!strcmp(table[i].name, base) && table[i].layer <= all)
			return table[i].layer;
	return all;
}

static int open_model(struct token_model *m, const char *name, size_t layer, struct error *e)
{
	struct sentence sentence;
	const char *folder = folder_find(name, m->arena, e);
	if (!folder || sentence_read(folder, &sentence, m->arena, e))
		return -1;
	if (sentence.kind != SENTENCE_TRANSFORMER)
		return error_set(
			e, ERROR_USAGE, "%s has no layers: bertscore needs an encoder", name);
	m->folder = sentence.folder;
	if (model_config_read(m->folder, &m->config, m->arena, e))
		return -1;
	size_t all = m->config.n_layers;
	m->layer = layer == TOKEN_MODEL_USUAL ? usual_layer(name, all) : layer;
	if (m->layer > all)
		return error_set(e, ERROR_USAGE, "--layer %zu: %s has %zu", m->layer, name, all);
	m->config.n_layers = m->layer;
	m->prefix_space = !strcmp(m->config.model_type, "roberta");
	m->architecture = architecture_find(m->config.model_type, e);
	m->file = m->architecture ? architecture_weights(m->folder, e) : NULL;
	m->model = m->file ? m->architecture->open(&m->config, m->file, m->device, F32, e) : NULL;
	m->tokenizer = m->model ? tokenizer_open(m->folder, e) : NULL;
	if (!m->tokenizer)
		return -1;
	if (tokenizer_vocab_size(m->tokenizer) > m->config.vocab_size)
		return error_set(e, ERROR_MODEL,
			"%s: the tokenizer has ids up to %zu, the model %zu", m->folder,
			tokenizer_vocab_size(m->tokenizer) - 1, m->config.vocab_size);
	m->batch_tokens = batches_tokens(&m->config, m->device);
	return device_sync(m->device, e);
}

int token_model_open(
	struct token_model *m, const char *name, size_t layer, const char *device, struct error *e)
{
	*m = (struct token_model){ .arena = arena_new() };
	if (device_open(device, &m->device, e) || open_model(m, name, layer, e)) {
		token_model_close(m);
		return -1;
	}
	return 0;
}

void token_model_close(struct token_model *m)
{
	if (m->model)
		m->architecture->free(m->model);
	tokenizer_free(m->tokenizer);
	if (m->device)
		device_free(m->device);
	tensor_file_close(m->file);
	arena_free(m->arena);
	*m = (struct token_model){ 0 };
}

int token_model_encode(const struct token_model *m, struct slice text, struct arena *arena,
	struct encoding *out, struct error *e)
{
	struct tokenizer_options o = { .add_special = true,
		.max_length = m->config.n_positions,
		.special_mask = true,
		.type_ids = m->config.n_types > 0 };
	text = text_strip(text);
	if (m->prefix_space && text.size) {
		char *spaced = arena_alloc(arena, text.size + 1);
		spaced[0] = ' ';
		memcpy(spaced + 1, text.data, text.size);
		text = (struct slice){ spaced, text.size + 1 };
	}
	if (tokenizer_encode(m->tokenizer, NULL, text, NULL, &o, arena, out, e))
		return -1;
	for (size_t i = 0; out->type_ids && i < out->n; i++)
		if (out->type_ids[i] >= m->config.n_types)
			return error_set(e, ERROR_MODEL, "the tokenizer gives token type %u",
				out->type_ids[i]);
	return 0;
}

/* One call: vectors [tokens, hidden_size], those of text i from row starts[i] on. */
struct state {
	const struct token_model *m;
	const size_t *starts;
	float *out;
};

static void run_batch(
	void *context, struct device *lane, const struct batch *b, const size_t *order)
{
	const struct state *s = context;
	size_t size = s->m->config.hidden_size;
	struct tensor h = tensor_matrix(lane, F32, b->n_tokens, size);
	s->m->architecture->forward(s->m->model, lane, b, h);
	for (size_t i = 0; i < b->n_sequences; i++) {
		size_t first = b->cu_seqlens[i], n = b->cu_seqlens[i + 1] - first;
		tensor_read(lane, tensor_rows(h, first, n), s->out + s->starts[order[i]] * size);
	}
}

int token_model_run(struct token_model *m, const struct encoding *texts, size_t n, float *out,
	size_t *failed, struct error *e)
{
	size_t *starts = MEM_ARRAY(size_t, n + 1);
	struct state s = { m, starts, out };
	starts[0] = 0;
	for (size_t i = 0; i < n; i++)
		starts[i + 1] = starts[i] + texts[i].n;
	int result = batches_run(m->device, texts, n, &m->batch_tokens, run_batch, &s, failed, e);
	mem_free(starts);
	return result;
}
