/*
 * BERT (J. Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers", 2019), an
 * encoder with norms after each sum:
 *	h = norm(word + type + position) a layer: h = norm(h + out(attention(q h, k h, v h))); h =
 *	norm(h + down(act(up h)))
 * DistilBERT (V. Sanh et al., 2019) is the same without token types, under other names. MPNet (K.
 * Song et al., 2020) has no token types either, adds to each score a bias by the bucket of the
 * distance (C. Raffel et al., "T5", 2020), the same in every layer. RoBERTa (Y. Liu et al., 2019)
 * and XLM-RoBERTa (A. Conneau et al., 2020) count positions from behind that of padding. ELECTRA
 * (K. Clark et al., 2020) and ALBERT (Z. Lan et al., 2020) have narrower embeddings and a product
 * to the width of the layers; ALBERT's layers are all the same one.
 *
 * Names of tensors are those of Hugging Face's checkpoints, with or without the prefix of a model
 * with a head.
 */
#include <math.h>

#include "lib/model/architecture.h"
#include "lib/model/layer.h"

/* What the tensors are called. */
struct names {
	const char *prefix; /* in files of a model with a head */
	struct layer_names layer;
	const char *project; /* from the width of the embeddings; NULL: they have that of layers */
	bool always; /* even where both are the same */
	bool shared; /* all layers are the first */
};

/* BERT's own, which most of its kind have. */
#define BERT_LAYERS \
	.layer = { "encoder.layer.%zu.", "attention.self.query", "attention.self.key", \
		"attention.self.value", "attention.output.dense", "attention.output.LayerNorm", \
		"intermediate.dense", "output.dense", "output.LayerNorm" }

static const struct names bert_names = {
	.prefix = "bert.",
	BERT_LAYERS,
};

static const struct names distilbert_names = {
	.prefix = "distilbert.",
	.layer = { "transformer.layer.%zu.", "attention.q_lin", "attention.k_lin",
		"attention.v_lin", "attention.out_lin", "sa_layer_norm", "ffn.lin1", "ffn.lin2",
		"output_layer_norm" },
};

static const struct names mpnet_names = {
	.prefix = "mpnet.",
	.layer = { "encoder.layer.%zu.", "attention.attn.q", "attention.attn.k", "attention.attn.v",
		"attention.attn.o", "attention.LayerNorm", "intermediate.dense", "output.dense",
		"output.LayerNorm" },
};

static const struct names roberta_names = {
	.prefix = "roberta.",
	BERT_LAYERS,
};

static const struct names electra_names = {
	.prefix = "electra.",
	BERT_LAYERS,
	.project = "embeddings_project",
};

static const struct names albert_names = {
	.prefix = "albert.",
	.layer = { "encoder.albert_layer_groups.%zu.albert_layers.0.", "attention.query",
		"attention.key", "attention.value", "attention.dense", "attention.LayerNorm", "ffn",
		"ffn_output", "full_layer_layer_norm" },
	.project = "encoder.embedding_hidden_mapping_in",
	.always = true,
	.shared = true,
};

struct bert {
	struct model_config config;
	struct device *device;
	enum dtype dtype; /* of products */
	struct arena *arena;
	struct tensor word, type, position;
	struct tensor position_rows; /* from that of a text's first token on */
	struct norm norm;
	struct weight *project; /* or NULL */
	struct tensor position_bias; /* [H, 2 L - 1], or TENSOR_NONE */
	struct layer *layers; /* [n_own] */
	size_t n_own;
};

static void bert_free(void *model)
{
	struct bert *m = model;
	if (!m)
		return;
	for (size_t i = 0; i < m->n_own; i++)
		layer_free(m->device, &m->layers[i]);
	struct tensor *tensors[] = { &m->word, &m->type, &m->position, &m->position_bias };
	for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
		tensor_release(m->device, tensors[i]);
	layer_norm_free(m->device, &m->norm);
	weight_free(m->project);
	arena_free(m->arena);
	mem_free(m);
}

static struct bert *load(const struct model_config *c, const struct tensor_file *file,
	struct device *device, enum dtype dtype, const struct names *names, struct weights *w,
	struct error *e)
{
	struct bert *m = mem_zero(1, sizeof *m);
	m->config = *c;
	m->device = device;
	m->dtype = dtype;
	m->arena = arena_new();
	m->n_own = names->shared && c->n_layers ? 1 : c->n_layers;
	m->layers = arena_zero(m->arena, m->n_own, sizeof *m->layers);
	*w = (struct weights){
		.file = file, .device = device, .dtype = dtype, .arena = m->arena, .error = e
	};
	w->prefix = names->prefix;
	if (!weights_have(w, "embeddings.word_embeddings.weight"))
		w->prefix = "";
	size_t n = names->project ? c->embedding_size : c->hidden_size;
	m->word = weights_matrix(w, c->vocab_size, n, "embeddings.word_embeddings.weight");
	if (c->n_types)
		m->type =
			weights_matrix(w, c->n_types, n, "embeddings.token_type_embeddings.weight");
	m->position = weights_matrix(
		w, c->first_position + c->n_positions, n, "embeddings.position_embeddings.weight");
	if (!w->failed)
		m->position_rows = tensor_rows(m->position, c->first_position, c->n_positions);
	m->norm = weights_norm(w, n, c->norm_eps, "embeddings.LayerNorm");
	if (names->project && (names->always || n != c->hidden_size))
		m->project = weights_linear(w, 1, &names->project, c->hidden_size, n, true);
	for (size_t i = 0; i < m->n_own; i++)
		layer_load(w, &m->layers[i], c, &names->layer, i);
	return m;
}

static void *finish(struct bert *m, const struct weights *w)
{
	if (!w->failed)
		return m;
	bert_free(m);
	return NULL;
}

#define OPEN(architecture) \
	static void *architecture##_open(const struct model_config *c, \
		const struct tensor_file *file, struct device *device, enum dtype dtype, \
		struct error *e) \
	{ \
		struct weights w; \
		struct bert *m = load(c, file, device, dtype, &architecture##_names, &w, e); \
		return finish(m, &w); \
	}
OPEN(bert)
OPEN(distilbert)
OPEN(roberta)
OPEN(electra)

static void *albert_open(const struct model_config *c, const struct tensor_file *file,
	struct device *device, enum dtype dtype, struct error *e)
{
	struct weights w;
	size_t groups, inner;
	if (config_count(c, "num_hidden_groups", NULL, 1, 1, 1, &groups, e) ||
		config_count(c, "inner_group_num", NULL, 1, 1, 1, &inner, e))
		return NULL;
	struct bert *m = load(c, file, device, dtype, &albert_names, &w, e);
	return finish(m, &w);
}

/*
 * T5's bucket of a distance, as MPNet has it: 16 for each sign; distances below 8 each their own,
 * larger ones 8 + floor(8 log(n / 8) / log(128 / 8)) = 8 + floor(2 log2(n / 8)), at most 15. The
 * floor is the number of i from 1 on with n >= 8 2^(i / 2), that is n^2 >= 64 2^i.
 */
static size_t bucket(ptrdiff_t distance)
{
	enum { EXACT = 8, LAST = 15 };
	size_t n = (size_t)(distance < 0 ? -distance : distance),
	       side = distance > 0 ? LAST + 1 : 0;
	if (n < EXACT)
		return side + n;
	size_t b = EXACT;
	while (b < LAST && n * n >= (size_t)64 << (b + 1 - EXACT))
		b++;
	return side + b;
}

static void *mpnet_open(const struct model_config *c, const struct tensor_file *file,
	struct device *device, enum dtype dtype, struct error *e)
{
	enum { BUCKETS = 32 };
	struct weights w;
	struct bert *m = load(c, file, device, dtype, &mpnet_names, &w, e);
	struct tensor table =
		weights_matrix(&w, BUCKETS, c->n_heads, "encoder.relative_attention_bias.weight");
	if (w.failed)
		return finish(m, &w);
	size_t length = c->n_positions, width = 2 * length - 1;
	float *values = ARENA_ARRAY(m->arena, float, BUCKETS * c->n_heads);
	float *bias = ARENA_ARRAY(m->arena, float, size_mul(c->n_heads, width));
	tensor_read(device, table, values);
	tensor_release(device, &table);
	for (size_t h = 0; h < c->n_heads; h++)
		for (size_t i = 0; i < width; i++) {
			/* column i is for key minus query = i - (length - 1) */
			size_t b = bucket((ptrdiff_t)i - (ptrdiff_t)(length - 1));
			bias[h * width + i] = values[b * c->n_heads + h];
		}
	m->position_bias = tensor_upload(device, F32, c->n_heads, width, bias);
	return m;
}

static void bert_forward(
	const void *model, struct device *lane, const struct batch *b, struct tensor h)
{
	const struct bert *m = model;
	size_t n = m->config.hidden_size, heads = m->config.n_heads;
	float scale = 1.0f / sqrtf((float)(n / heads));
	struct arena_mark mark = device_mark(lane);
	enum dtype between = layer_between(m->layers, m->n_own);
	struct tensor last = h;
	h = tensor_twin(lane, h, between);
	struct tensor embedded =
		m->project ? tensor_matrix(lane, F32, b->n_tokens, m->config.embedding_size) : h;
	op_embed(lane, embedded, b->n_tokens, b->ids, m->word, m->type.data ? b->types : NULL,
		m->type, b->positions, m->position_rows, m->norm);
	if (m->project)
		op_linear(lane, h, embedded, m->project, ACTIVATION_NONE);
	/* bfloat16 rows alone from layer to layer: a tenth more than its products' error */
	struct tensor rows = between == BF16 ? tensor_halves(h) : h;
	struct tensor qkv = tensor_matrix(lane, between, b->n_tokens, 3 * n);
	struct tensor mixed = tensor_matrix(lane, between, b->n_tokens, n);
	struct tensor q = tensor_columns(qkv, 0, n), k = tensor_columns(qkv, n, n);
	struct tensor v = tensor_columns(qkv, 2 * n, n);
	for (size_t i = 0; i < m->config.n_layers; i++) {
		const struct layer *l = &m->layers[i % m->n_own];
		op_linear(lane, qkv, rows, l->qkv, ACTIVATION_NONE);
		op_attention(lane, mixed, q, k, v, b->n_sequences, b->cu_seqlens, heads, scale,
			m->position_bias, SIZE_MAX, m->dtype);
		layer_finish(lane, l, m->config.hidden_act, mixed, rows,
			i + 1 < m->config.n_layers ? rows : last);
	}
	device_reset(lane, mark);
}

#define ARCHITECTURE(name, type, opens, ...) \
	extern const struct architecture name##_architecture; \
	const struct architecture name##_architecture = { type, opens##_open, bert_free, \
		bert_forward, __VA_ARGS__ };

#define TOKEN .token = { .out = "classifier" }
#define CLASSIFIER(act) \
	{ \
		.dense = "classifier.dense", .activation = (act), .out = "classifier.out_proj" \
	}
ARCHITECTURE(bert, "bert", bert,
	.sequence = { .dense = "bert.pooler.dense",
		.activation = ACTIVATION_TANH,
		.out = "classifier" },
	TOKEN)
ARCHITECTURE(distilbert, "distilbert", distilbert,
	.sequence = { .dense = "pre_classifier",
		.activation = ACTIVATION_RELU,
		.out = "classifier" },
	TOKEN)
ARCHITECTURE(mpnet, "mpnet", mpnet, .sequence = CLASSIFIER(ACTIVATION_TANH), TOKEN)
ARCHITECTURE(roberta, "roberta", roberta, .sequence = CLASSIFIER(ACTIVATION_TANH), TOKEN)
ARCHITECTURE(xlm_roberta, "xlm-roberta", roberta, .sequence = CLASSIFIER(ACTIVATION_TANH), TOKEN)
ARCHITECTURE(camembert, "camembert", roberta, .sequence = CLASSIFIER(ACTIVATION_TANH), TOKEN)
ARCHITECTURE(electra, "electra", electra, .sequence = CLASSIFIER(ACTIVATION_GELU), TOKEN)
ARCHITECTURE(albert, "albert", albert,
	.sequence = { .dense = "albert.pooler",
		.activation = ACTIVATION_TANH,
		.out = "classifier" },
	TOKEN)
