/*
 * ModernBERT (B. Warner et al., "Smarter, better, faster, longer", 2024): an encoder with norms
 * before each part, rotary positions, gated units, and attention that in two of three layers sees
 * only the neighbours:
 *	h = norm(word); a layer: h += out(attention(rotate(q n), rotate(k n), v n)), n = norm(h) but
 *	for the first layer, where n = h; h += down(act(a) b), (a, b) = up(norm(h)); at the end norm(h)
 */
#include <math.h>
#include <stdio.h>

#include "lib/base/math.h"
#include "lib/base/math64.h"
#include "lib/model/architecture.h"
#include "lib/model/layer.h"

/* Rotary angles by position. */
struct rotation {
	struct tensor cosine, sine; /* [L, D / 2] */
};

struct modernbert {
	struct model_config config;
	struct device *device;
	struct arena *arena;
	enum dtype dtype; /* of products */
	struct tensor word;
	struct norm norm, last;
	struct rotation near, far; /* of local and of global layers */
	struct layer *layers; /* the first has no norm1 */
	size_t *reach; /* of each layer: how far a token sees */
};

static void modernbert_free(void *model)
{
	struct modernbert *m = model;
	if (!m)
		return;
	for (size_t i = 0; i < m->config.n_layers; i++)
		layer_free(m->device, &m->layers[i]);
	struct tensor *tensors[] = { &m->word, &m->near.cosine, &m->near.sine, &m->far.cosine,
		&m->far.sine };
	for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
		tensor_release(m->device, tensors[i]);
	layer_norm_free(m->device, &m->norm);
	layer_norm_free(m->device, &m->last);
	arena_free(m->arena);
	mem_free(m);
}

/* Angles as transformers computes them: position times 1 / theta^(2 d / D), each in float32. */
static struct rotation rotation(struct modernbert *m, double theta)
{
	size_t length = m->config.n_positions, size = m->config.hidden_size / m->config.n_heads;
	size_t half = size / 2;
	float *c = ARENA_ARRAY(m->arena, float, size_mul(length, half));
	float *s = ARENA_ARRAY(m->arena, float, size_mul(length, half));
	for (size_t d = 0; d < half; d++) {
		float power = (float)math_pow64(theta, (double)(2 * d) / (double)size);
		float frequency = 1 / power;
		for (size_t t = 0; t < length; t++) {
			float angle = (float)t * frequency;
			c[t * half + d] = math_cos(angle);
			s[t * half + d] = math_sin(angle);
		}
	}
	return (struct rotation){ tensor_upload(m->device, F32, length, half, c),
		tensor_upload(m->device, F32, length, half, s) };
}

static struct norm load_norm(
	struct weights *w, const struct model_config *c, bool bias, const char *name)
{
	return (bias ? weights_norm : weights_scale)(w, c->hidden_size, c->norm_eps, name);
}

/* What config.json says beside struct model_config. */
struct extra {
	bool norm_bias, attention_bias, mlp_bias;
	size_t every, reach;
	double near, far;
};

/* rope_parameters of newer files, *_rope_theta of older ones; other kinds are errors. */
static int read_theta(const struct model_config *c, const char *layers, const char *old,
	double otherwise, double *theta, struct error *e)
{
	struct json rope = json_get(json_get(c->json, "rope_parameters"), layers);
	struct json kind = json_get(rope, "rope_type"), value = json_get(rope, "rope_theta");
	if (kind.type == JSON_STRING && !json_text_is(kind, "default"))
		return error_set(e, ERROR_MODEL,
			"%s: rope_type other than default is not supported", c->path);
	if (config_number(c, old, otherwise, 1, 1e12, theta, e))
		return -1;
	if (value.type == JSON_NUMBER)
		*theta = json_double(value);
	return *theta >= 1 && *theta <= 1e12
		       ? 0
		       : error_set(e, ERROR_MODEL, "%s: rope_theta should be from 1 to 1e12",
				 c->path);
}

static int read_extra(const struct model_config *c, struct extra *x, struct error *e)
{
	size_t local;
	if (config_flag(c, "norm_bias", false, &x->norm_bias, e) ||
		config_flag(c, "attention_bias", false, &x->attention_bias, e) ||
		config_flag(c, "mlp_bias", false, &x->mlp_bias, e) ||
		config_count(c, "global_attn_every_n_layers", NULL, 3, 1, 1 << 12, &x->every, e) ||
		config_count(c, "local_attention", NULL, 128, 1, 1 << 24, &local, e) ||
		read_theta(c, "full_attention", "global_rope_theta", 160000, &x->far, e) ||
		read_theta(c, "sliding_attention", "local_rope_theta", 10000, &x->near, e))
		return -1;
	x->reach = local / 2;
	if (c->hidden_size / c->n_heads % 2)
		return error_set(
			e, ERROR_MODEL, "%s: rotary positions need heads of even size", c->path);
	return 0;
}

/* Layers that see everything: layer_types of newer files, else every n-th. */
static bool is_local(const struct model_config *c, const struct extra *x, size_t layer)
{
	size_t at = 0;
	struct json types = json_get(c->json, "layer_types");
	for (struct json_iterator i = json_iterate(types); json_each(&i); at++)
		if (at == layer)
			return i.value.type == JSON_STRING &&
			       json_text_is(i.value, "sliding_attention");
	return layer % x->every != 0;
}

static void load_layer(struct weights *w, struct modernbert *m, const struct extra *x, size_t i)
{
	enum { SIZE = 64 };
	const struct model_config *c = &m->config;
	static const char *const endings[] = { "attn.Wqkv", "attn.Wo", "mlp.Wi", "mlp.Wo",
		"attn_norm", "mlp_norm" };
	struct layer *l = &m->layers[i];
	char full[6][SIZE];
	const char *name[6];
	for (size_t k = 0; k < 6; k++) {
		snprintf(full[k], SIZE, "layers.%zu.%s", i, endings[k]);
		name[k] = full[k];
	}
	size_t n = c->hidden_size, wide = c->intermediate_size;
	l->qkv = weights_linear(w, 1, &name[0], 3 * n, n, x->attention_bias);
	l->out = weights_linear(w, 1, &name[1], n, n, x->attention_bias);
	l->up = weights_linear(w, 1, &name[2], 2 * wide, n, x->mlp_bias);
	l->down = weights_linear(w, 1, &name[3], n, wide, x->mlp_bias);
	if (i > 0)
		l->norm1 = load_norm(w, c, x->norm_bias, name[4]);
	l->norm2 = load_norm(w, c, x->norm_bias, name[5]);
	m->reach[i] = is_local(c, x, i) ? x->reach : SIZE_MAX;
}

static void *modernbert_open(const struct model_config *c, const struct tensor_file *file,
	struct device *device, enum dtype dtype, struct error *e)
{
	struct extra x;
	if (read_extra(c, &x, e))
		return NULL;
	struct modernbert *m = mem_zero(1, sizeof *m);
	m->config = *c;
	m->device = device;
	m->dtype = dtype;
	m->arena = arena_new();
	m->layers = arena_zero(m->arena, c->n_layers, sizeof *m->layers);
	m->reach = arena_zero(m->arena, c->n_layers, sizeof *m->reach);
	struct weights w = {
		.file = file, .device = device, .dtype = dtype, .arena = m->arena, .error = e
	};
	w.prefix = "model.";
	if (!weights_have(&w, "embeddings.tok_embeddings.weight"))
		w.prefix = "";
	m->word = weights_matrix(
		&w, c->vocab_size, c->hidden_size, "embeddings.tok_embeddings.weight");
	m->norm = load_norm(&w, c, x.norm_bias, "embeddings.norm");
	for (size_t i = 0; i < c->n_layers; i++)
		load_layer(&w, m, &x, i);
	m->last = load_norm(&w, c, x.norm_bias, "final_norm");
	if (w.failed) {
		modernbert_free(m);
		return NULL;
	}
	m->near = rotation(m, x.near);
	m->far = rotation(m, x.far);
	return m;
}

static void layer_forward(const struct modernbert *m, size_t layer, struct device *lane,
	const struct batch *b, struct tensor h)
{
	const struct layer *l = &m->layers[layer];
	size_t n = m->config.hidden_size, heads = m->config.n_heads, t = b->n_tokens;
	const struct rotation *r = m->reach[layer] == SIZE_MAX ? &m->far : &m->near;
	enum dtype between = layer_between(l, 1);
	struct tensor qkv = tensor_matrix(lane, F32, t, 3 * n);
	struct tensor mixed = tensor_matrix(lane, between, t, n);
	struct tensor part = tensor_matrix(lane, F32, t, n); /* of the sum that h is, or normed */
	struct tensor x = tensor_twin(lane, part, between);
	struct tensor wide = tensor_matrix(lane, F32, t, 2 * m->config.intermediate_size);
	struct tensor gated = tensor_matrix(lane, F32, t, m->config.intermediate_size);
	struct tensor q = tensor_columns(qkv, 0, n), k = tensor_columns(qkv, n, n);
	if (l->norm1.gamma.data)
		op_norm(lane, x, h, l->norm1);
	op_linear(lane, qkv, l->norm1.gamma.data ? x : h, l->qkv, ACTIVATION_NONE);
	op_rotate(lane, q, heads, b->positions, r->cosine, r->sine);
	op_rotate(lane, k, heads, b->positions, r->cosine, r->sine);
	op_attention(lane, mixed, q, k, tensor_columns(qkv, 2 * n, n), b->n_sequences,
		b->cu_seqlens, heads, 1 / sqrtf((float)(n / heads)), TENSOR_NONE, m->reach[layer],
		m->dtype);
	op_linear(lane, part, mixed, l->out, ACTIVATION_NONE);
	op_add(lane, h, h, part);
	op_norm(lane, x, h, l->norm2);
	op_linear(lane, wide, x, l->up, ACTIVATION_NONE);
	op_gate(lane, gated, wide, m->config.hidden_act);
	op_linear(lane, part, gated, l->down, ACTIVATION_NONE);
	op_add(lane, h, h, part);
}

static void modernbert_forward(
	const void *model, struct device *lane, const struct batch *b, struct tensor h)
{
	const struct modernbert *m = model;
	op_embed(lane, h, b->n_tokens, b->ids, m->word, NULL, TENSOR_NONE, NULL, TENSOR_NONE,
		m->norm);
	for (size_t i = 0; i < m->config.n_layers; i++) {
		struct arena_mark mark = device_mark(lane);
		layer_forward(m, i, lane, b, h);
		device_reset(lane, mark);
	}
	op_norm(lane, h, h, m->last);
}

#define HEAD \
	{ \
		.dense = "head.dense", .activation = ACTIVATION_GELU, \
		.activation_key = "classifier_activation", .bias_key = "classifier_bias", \
		.norm = "head.norm", .out = "classifier", .pools = true \
	}

extern const struct architecture modernbert_architecture;
const struct architecture modernbert_architecture = {
	"modernbert",
	modernbert_open,
	modernbert_free,
	modernbert_forward,
	.sequence = HEAD,
	.token = HEAD,
};
