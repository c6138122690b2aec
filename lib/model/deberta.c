/*
 * DeBERTa-v2 and v3 (P. He et al., "DeBERTa", 2021; "DeBERTaV3", 2023): BERT whose tokens have no
 * positions, but whose attention weighs content against the distance, both ways:
 *	s[i, j] = (q[i] . k[j] + q[i] . K[p] + k[j] . Q[p]) / sqrt(3 D), p the bucket of i - j,
 * K and Q the products of a table of distances, through a norm, with the layer's own key and query
 * weights. Buckets are exact up to half their number and logarithmic beyond. The larger v2 models
 * add to what the first layer gives a convolution of what it got, before one more norm.
 */
#include <math.h>
#include <stdlib.h>

#include "lib/base/math64.h"
#include "lib/model/architecture.h"
#include "lib/model/layer.h"

/* A layer's K and Q by head. */
struct terms {
	struct weight **query, **key; /* [H], each [P, D] */
};

struct deberta {
	struct model_config config;
	struct device *device;
	struct arena *arena;
	enum dtype dtype; /* of products */
	struct tensor word, type, position;
	struct norm norm;
	struct layer *layers;
	struct terms *terms; /* of each layer */
	size_t span; /* rows of the table are 2 span */
	int32_t *places; /* [2 L - 1], of i - j + L - 1 */
	float scale;
	struct {
		size_t kernel; /* odd; 0: there is no convolution */
		struct weight *weight; /* [C, kernel C] */
		enum activation activation;
		struct norm norm;
	} convolution;
};

static void deberta_free(void *model)
{
	struct deberta *m = model;
	if (!m)
		return;
	for (size_t i = 0; i < m->config.n_layers; i++) {
		const struct terms *t = &m->terms[i];
		layer_free(m->device, &m->layers[i]);
		for (size_t h = 0; t->query && h < m->config.n_heads; h++) {
			weight_free(t->query[h]);
			weight_free(t->key[h]);
		}
	}
	weight_free(m->convolution.weight);
	struct tensor *tensors[] = { &m->word, &m->type, &m->position };
	for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
		tensor_release(m->device, tensors[i]);
	layer_norm_free(m->device, &m->norm);
	layer_norm_free(m->device, &m->convolution.norm);
	arena_free(m->arena);
	mem_free(m);
}

/* What config.json says beside struct model_config. */
struct extra {
	bool relative, share, biased_input;
	size_t buckets, furthest;
	bool norm; /* norm_rel_ebd */
	size_t kernel; /* conv_kernel_size */
	enum activation act; /* conv_act */
};

/* pos_att_type: ["c2p", "p2c"], or "c2p|p2c". */
static bool has_type(struct json types, const char *name)
{
	for (struct json_iterator i = json_iterate(types); json_each(&i);)
		if (i.value.type == JSON_STRING && json_text_is(i.value, name))
			return true;
	return types.type == JSON_STRING &&
	       memmem(types.raw.data, types.raw.size, name, strlen(name)) != NULL;
}

/* max_relative_positions and position_buckets may be -1: the number of positions, and none. */
static int read_whole(const struct model_config *c, const char *key, size_t otherwise, size_t *out,
	struct error *e)
{
	struct json v = json_get(c->json, key);
	int64_t n;
	if (v.type == JSON_NUMBER && json_integer(v, &n) && n < 1) {
		*out = otherwise;
		return 0;
	}
	return config_count(c, key, NULL, otherwise, 1, 1 << 20, out, e);
}

static int read_extra(
	const struct model_config *c, struct extra *x, struct arena *arena, struct error *e)
{
	const char *norm;
	size_t groups;
	struct json types = json_get(c->json, "pos_att_type");
	if (config_flag(c, "relative_attention", false, &x->relative, e) ||
		config_flag(c, "share_att_key", false, &x->share, e) ||
		config_flag(c, "position_biased_input", true, &x->biased_input, e) ||
		read_whole(c, "position_buckets", 0, &x->buckets, e) ||
		read_whole(c, "max_relative_positions", c->n_positions, &x->furthest, e) ||
		config_count(c, "conv_kernel_size", NULL, 0, 0, 1 << 10, &x->kernel, e) ||
		config_count(c, "conv_groups", NULL, 1, 1, 1, &groups, e) ||
		config_activation(c, "conv_act", NULL, ACTIVATION_TANH, &x->act, e) ||
		config_text(c, "norm_rel_ebd", "none", arena, &norm, e))
		return -1;
	x->norm = strstr(norm, "layer_norm") != NULL;
	if (x->kernel && x->kernel % 2 == 0)
		return error_set(e, ERROR_MODEL, "%s: conv_kernel_size should be odd", c->path);
	if (!x->relative || !has_type(types, "c2p") || !has_type(types, "p2c"))
		return error_set(e, ERROR_MODEL,
			"%s: only relative_attention with pos_att_type c2p and p2c is supported",
			c->path);
	return 0;
}

/* make_log_bucket_position of transformers; float32 where it is. */
static ptrdiff_t bucket(ptrdiff_t distance, size_t buckets, size_t furthest)
{
	ptrdiff_t mid = (ptrdiff_t)(buckets / 2), n = distance < 0 ? -distance : distance;
	if (buckets == 0 || n <= mid)
		return distance;
	double ratio = math_log64((double)n / (double)mid) /
		       math_log64((double)(furthest - 1) / (double)mid);
	ptrdiff_t place = (ptrdiff_t)ceilf((float)ratio * (float)(mid - 1)) + mid;
	return distance < 0 ? -place : place;
}

static void find_places(struct deberta *m, const struct extra *x)
{
	size_t length = m->config.n_positions, width = 2 * length - 1;
	ptrdiff_t span = (ptrdiff_t)m->span;
	m->places = ARENA_ARRAY(m->arena, int32_t, width);
	for (size_t i = 0; i < width; i++) {
		ptrdiff_t distance = (ptrdiff_t)i - (ptrdiff_t)(length - 1);
		ptrdiff_t p = bucket(distance, x->buckets, x->furthest) + span;
		m->places[i] = (int32_t)(p < 0 ? 0 : p >= 2 * span ? 2 * span - 1 : p);
	}
}

/* The table of distances [2 span, C] through its norm. */
static struct tensor load_table(struct weights *w, struct deberta *m, const struct extra *x)
{
	size_t c = m->config.hidden_size, rows = 2 * m->span;
	struct tensor raw = weights_matrix(w, rows, c, "encoder.rel_embeddings.weight");
	struct tensor table = tensor_matrix(m->device, F32, rows, c);
	if (w->failed)
		return table;
	float *values = ARENA_ARRAY(m->arena, float, size_mul(rows, c));
	tensor_read(m->device, raw, values);
	tensor_write(m->device, table, values);
	tensor_release(m->device, &raw);
	if (x->norm) {
		struct norm n = weights_norm(w, c, m->config.norm_eps, "encoder.LayerNorm");
		if (!w->failed)
			op_norm(m->device, table, table, n);
		layer_norm_free(m->device, &n);
	}
	return table;
}

/* By head the rows of table times a weight, scaled: what tokens are multiplied with. */
static struct weight **load_terms(
	struct deberta *m, struct weights *w, struct tensor table, const char *name)
{
	size_t c = m->config.hidden_size, heads = m->config.n_heads, size = c / heads;
	size_t rows = table.shape[0];
	struct weight *projection = weights_linear(w, 1, &name, c, c, true);
	if (w->failed)
		return NULL;
	struct arena_mark mark = device_mark(m->device);
	struct tensor y = tensor_matrix(m->device, F32, rows, c);
	op_linear(m->device, y, table, projection, ACTIVATION_NONE);
	weight_free(projection);
	float *values = MEM_ARRAY(float, size_mul(rows, c));
	memset(values, 0, rows * c * sizeof *values);
	tensor_read(m->device, y, values);
	device_reset(m->device, mark);
	for (size_t i = 0; i < rows * c; i++)
		values[i] *= m->scale;
	struct weight **all = ARENA_ARRAY(m->arena, struct weight *, heads);
	for (size_t h = 0; h < heads; h++)
		all[h] = weight_new(m->device, w->dtype, rows, size, c, values + h * size, NULL);
	mem_free(values);
	return all;
}

static const struct layer_names names = { "encoder.layer.%zu.", "attention.self.query_proj",
	"attention.self.key_proj", "attention.self.value_proj", "attention.output.dense",
	"attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm" };

static void load_layer(
	struct weights *w, struct deberta *m, const struct extra *x, struct tensor table, size_t i)
{
	char full[LAYER_NAME];
	const char *to_key = x->share ? names.k : "attention.self.pos_key_proj";
	const char *to_query = x->share ? names.q : "attention.self.pos_query_proj";
	layer_load(w, &m->layers[i], &m->config, &names, i);
	struct weight **q = load_terms(m, w, table, layer_name(full, &names, i, to_key));
	struct weight **k = load_terms(m, w, table, layer_name(full, &names, i, to_query));
	for (size_t h = 0; q && !k && h < m->config.n_heads; h++)
		weight_free(q[h]);
	m->terms[i] = (struct terms){ k ? q : NULL, k };
}

static void load_convolution(struct weights *w, struct deberta *m, const struct extra *x)
{
	size_t n = m->config.hidden_size;
	if (!x->kernel)
		return;
	m->convolution.kernel = x->kernel;
	m->convolution.activation = x->act;
	m->convolution.weight = weights_convolution(w, "encoder.conv.conv", n, n, x->kernel);
	m->convolution.norm = weights_norm(w, n, m->config.norm_eps, "encoder.conv.LayerNorm");
}

static void *deberta_open(const struct model_config *c, const struct tensor_file *file,
	struct device *device, enum dtype dtype, struct error *e)
{
	struct extra x;
	struct deberta *m = mem_zero(1, sizeof *m);
	m->config = *c;
	m->config.n_layers = 0; /* until there are layers to free */
	m->device = device;
	m->dtype = dtype;
	m->arena = arena_new();
	if (read_extra(c, &x, m->arena, e)) {
		deberta_free(m);
		return NULL;
	}
	m->config.n_layers = c->n_layers;
	m->layers = arena_zero(m->arena, c->n_layers, sizeof *m->layers);
	m->terms = arena_zero(m->arena, c->n_layers, sizeof *m->terms);
	m->span = x.buckets ? x.buckets : x.furthest;
	m->scale = 1 / sqrtf((float)(c->hidden_size / c->n_heads) * 3);
	find_places(m, &x);
	struct weights w = {
		.file = file, .device = device, .dtype = dtype, .arena = m->arena, .error = e
	};
	w.prefix = "deberta.";
	if (!weights_have(&w, "embeddings.word_embeddings.weight"))
		w.prefix = "";
	size_t n = c->hidden_size;
	m->word = weights_matrix(&w, c->vocab_size, n, "embeddings.word_embeddings.weight");
	if (c->n_types)
		m->type = weights_matrix(
			&w, c->n_types, n, "embeddings.token_type_embeddings.weight");
	if (x.biased_input)
		m->position = weights_matrix(
			&w, c->n_positions, n, "embeddings.position_embeddings.weight");
	m->norm = weights_norm(&w, n, c->norm_eps, "embeddings.LayerNorm");
	load_convolution(&w, m, &x);
	struct arena_mark mark = device_mark(device);
	struct tensor table = load_table(&w, m, &x);
	for (size_t i = 0; i < c->n_layers && !w.failed; i++)
		load_layer(&w, m, &x, table, i);
	device_reset(device, mark);
	if (!w.failed)
		return m;
	deberta_free(m);
	return NULL;
}

/*
 * y [T, C] = act(convolution of x [T, C]): a product of the rows around each row beside each other,
 * zeros beyond the ends of a text.
 */
static void convolve(const struct deberta *m, struct device *lane, const struct batch *b,
	struct tensor y, struct tensor x)
{
	size_t t = b->n_tokens, c = x.shape[1], kernel = m->convolution.kernel, half = kernel / 2;
	struct arena_mark mark = device_mark(lane);
	struct tensor around = tensor_matrix(lane, F32, t, kernel * c);
	uint32_t *row = MEM_ARRAY(uint32_t, t);
	size_t *end = MEM_ARRAY(size_t, t + 1);
	for (size_t k = 0; k < kernel; k++) {
		size_t n = end[0] = 0;
		for (size_t s = 0; s < b->n_sequences; s++)
			for (size_t i = b->cu_seqlens[s]; i < b->cu_seqlens[s + 1]; i++) {
				size_t at = i + k; /* half rows further on */
				if (at >= b->cu_seqlens[s] + half &&
					at < b->cu_seqlens[s + 1] + half)
					row[n++] = (uint32_t)(at - half);
				end[i + 1] = n;
			}
		op_bag(lane, tensor_columns(around, k * c, c), x, TENSOR_NONE, row, t, end, false);
	}
	op_linear(lane, y, around, m->convolution.weight, m->convolution.activation);
	mem_free(row);
	mem_free(end);
	device_reset(lane, mark);
}

static void deberta_forward(
	const void *model, struct device *lane, const struct batch *b, struct tensor h)
{
	const struct deberta *m = model;
	size_t n = m->config.hidden_size, heads = m->config.n_heads, t = b->n_tokens;
	size_t size = n / heads, rows = 2 * m->span;
	struct arena_mark mark = device_mark(lane);
	enum dtype between = layer_between(m->layers, m->config.n_layers);
	struct tensor plain = h;
	h = tensor_twin(lane, h, between);
	op_embed(lane, h, t, b->ids, m->word, m->type.data ? b->types : NULL, m->type,
		m->position.data ? b->positions : NULL, m->position, m->norm);
	struct tensor qkv = tensor_matrix(lane, F32, t, 3 * n);
	struct tensor mixed = tensor_matrix(lane, between, t, n);
	struct tensor query_terms = tensor_matrix(lane, F32, t, heads * rows);
	struct tensor key_terms = tensor_matrix(lane, F32, t, heads * rows);
	struct tensor convolved = TENSOR_NONE;
	if (m->convolution.kernel) {
		convolved = tensor_matrix(lane, F32, t, n);
		convolve(m, lane, b, convolved, h);
	}
	for (size_t i = 0; i < m->config.n_layers; i++) {
		const struct layer *l = &m->layers[i];
		const struct terms *terms = &m->terms[i];
		op_linear(lane, qkv, h, l->qkv, ACTIVATION_NONE);
		for (size_t k = 0; k < heads; k++) {
			op_linear(lane, tensor_columns(query_terms, k * rows, rows),
				tensor_columns(qkv, k * size, size), terms->query[k],
				ACTIVATION_NONE);
			op_linear(lane, tensor_columns(key_terms, k * rows, rows),
				tensor_columns(qkv, n + k * size, size), terms->key[k],
				ACTIVATION_NONE);
		}
		op_attention_relative(lane, mixed, tensor_columns(qkv, 0, n),
			tensor_columns(qkv, n, n), tensor_columns(qkv, 2 * n, n), b->n_sequences,
			b->cu_seqlens, heads, m->scale, query_terms, key_terms,
			2 * m->config.n_positions - 1, m->places, m->dtype);
		layer_finish(lane, l, m->config.hidden_act, mixed, h, h);
		if (i == 0 && convolved.data) {
			op_add(lane, plain, plain, convolved);
			op_norm(lane, h, plain, m->convolution.norm);
		}
	}
	device_reset(lane, mark);
}

extern const struct architecture deberta_architecture;
const struct architecture deberta_architecture = {
	"deberta-v2",
	deberta_open,
	deberta_free,
	deberta_forward,
	.sequence = { .dense = "pooler.dense",
		.activation = ACTIVATION_GELU,
		.activation_key = "pooler_hidden_act",
		.out = "classifier" },
	.token = { .out = "classifier" },
};
