/*
 * Reading config.json. Defaults are those of transformers' configurations (5.24), which leave
 * out what equals them in old files.
 */
#include "lib/model/config.h"

#include "lib/model/folder.h"

static int wrong(const struct model_config *c, const char *key, const char *what, struct error *e)
{
	return error_set(e, ERROR_MODEL, "%s: %s %s", c->path, key, what);
}

/* The first of two names of a key that is there and not null. */
static struct json get(const struct model_config *c, const char *key, const char *other)
{
	struct json v = json_get(c->json, key);
	if ((v.type == JSON_ABSENT || v.type == JSON_NULL) && other)
		v = json_get(c->json, other);
	return v.type == JSON_NULL ? (struct json){ .type = JSON_ABSENT } : v;
}

int config_count(const struct model_config *c, const char *key, const char *other, size_t otherwise,
	size_t low, size_t high, size_t *out, struct error *e)
{
	struct json v = get(c, key, other);
	int64_t n;
	*out = otherwise;
	if (v.type == JSON_ABSENT)
		return 0;
	if (v.type != JSON_NUMBER || !json_integer(v, &n) || n < (int64_t)low || n > (int64_t)high)
		return error_set(e, ERROR_MODEL,
			"%s: %s should be a whole number from %zu to %zu, not %.*s", c->path, key,
			low, high, v.raw.size < 40 ? (int)v.raw.size : 40, v.raw.data);
	*out = (size_t)n;
	return 0;
}

int config_number(const struct model_config *c, const char *key, double otherwise, double low,
	double high, double *out, struct error *e)
{
	struct json v = get(c, key, NULL);
	*out = otherwise;
	if (v.type == JSON_ABSENT)
		return 0;
	if (v.type != JSON_NUMBER)
		return wrong(c, key, "should be a number", e);
	*out = json_double(v);
	return *out >= low && *out <= high
		       ? 0
		       : error_set(e, ERROR_MODEL, "%s: %s should be a number from %g to %g",
				 c->path, key, low, high);
}

static int small(const struct model_config *c, const char *key, double otherwise, float *out,
	struct error *e)
{
	struct json v = get(c, key, NULL);
	double x = v.type == JSON_NUMBER ? json_double(v) : otherwise;
	if (v.type != JSON_NUMBER && v.type != JSON_ABSENT)
		return wrong(c, key, "should be a number", e);
	*out = (float)x;
	return x >= 0 && x < 1 ? 0 : wrong(c, key, "should be a small positive number", e);
}

int config_flag(
	const struct model_config *c, const char *key, bool otherwise, bool *out, struct error *e)
{
	struct json v = get(c, key, NULL);
	*out = v.type == JSON_ABSENT ? otherwise : v.type == JSON_TRUE;
	return v.type == JSON_ABSENT || v.type == JSON_TRUE || v.type == JSON_FALSE
		       ? 0
		       : wrong(c, key, "should be true or false", e);
}

int config_text(const struct model_config *c, const char *key, const char *otherwise,
	struct arena *arena, const char **out, struct error *e)
{
	struct json v = get(c, key, NULL);
	*out = v.type == JSON_STRING ? arena_string(arena, json_text(v, arena)) : otherwise;
	return v.type == JSON_STRING || v.type == JSON_ABSENT
		       ? 0
		       : wrong(c, key, "should be a text", e);
}

int config_activation(const struct model_config *c, const char *key, const char *other,
	enum activation otherwise, enum activation *out, struct error *e)
{
	static const struct {
		const char *name;
		enum activation activation;
	} known[] = {
		{ "gelu", ACTIVATION_GELU },
		{ "gelu_python", ACTIVATION_GELU },
		{ "relu", ACTIVATION_RELU },
		{ "gelu_new", ACTIVATION_GELU_TANH },
		{ "gelu_pytorch_tanh", ACTIVATION_GELU_TANH },
		{ "gelu_fast", ACTIVATION_GELU_TANH },
		{ "gelu_accurate", ACTIVATION_GELU_TANH },
		{ "gelu_python_tanh", ACTIVATION_GELU_TANH },
		{ "tanh", ACTIVATION_TANH },
	};
	struct json v = get(c, key, other);
	*out = otherwise;
	if (v.type == JSON_ABSENT)
		return 0;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (v.type == JSON_STRING && json_text_is(v, known[i].name)) {
			*out = known[i].activation;
			return 0;
		}
	return error_set(e, ERROR_MODEL, "%s: the activation %.*s is not known", c->path,
		v.raw.size < 40 ? (int)v.raw.size : 40, v.raw.data);
}

/* Keys that would change the result: only the value that changes nothing is taken. */
static int refuse(const struct model_config *c, struct error *e)
{
	static const char *const flags[] = { "is_decoder", "add_cross_attention",
		"is_encoder_decoder" };
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (get(c, flags[i], NULL).type == JSON_TRUE)
			return wrong(c, flags[i], "is not supported", e);
	struct json position = get(c, "position_embedding_type", NULL);
	if (position.type != JSON_ABSENT && !json_text_is(position, "absolute"))
		return wrong(c, "position_embedding_type",
			"other than \"absolute\" is not supported", e);
	struct json pruned = get(c, "pruned_heads", NULL);
	if (pruned.type != JSON_ABSENT && json_count(pruned) > 0)
		return wrong(c, "pruned_heads", "is not supported", e);
	if (get(c, "quantization_config", NULL).type != JSON_ABSENT)
		return wrong(
			c, "quantization_config", "is not supported: use the unquantized model", e);
	return 0;
}

/* What transformers takes where a key is missing, and what an architecture has not. */
struct defaults {
	const char *model_type;
	size_t hidden, layers, heads, intermediate, vocab, positions, types, embedding;
	enum activation act;
	double eps;
	bool typeless; /* there are no token types whatever the file says */
	bool after_padding; /* positions begin behind that of padding, as fairseq counts */
};

static const struct defaults defaults[] = {
	{ "bert", 768, 12, 12, 3072, 30522, 512, 2, 0, ACTIVATION_GELU, 1e-12, false, false },
	{ "distilbert", 768, 6, 12, 3072, 30522, 512, 0, 0, ACTIVATION_GELU, 1e-12, true, false },
	{ "mpnet", 768, 12, 12, 3072, 30527, 512, 0, 0, ACTIVATION_GELU, 1e-12, true, true },
	{ "roberta", 768, 12, 12, 3072, 50265, 512, 2, 0, ACTIVATION_GELU, 1e-12, false, true },
	{ "xlm-roberta", 768, 12, 12, 3072, 30522, 512, 2, 0, ACTIVATION_GELU, 1e-12, false, true },
	{ "camembert", 768, 12, 12, 3072, 30522, 512, 2, 0, ACTIVATION_GELU, 1e-12, false, true },
	{ "electra", 256, 12, 4, 1024, 30522, 512, 2, 128, ACTIVATION_GELU, 1e-12, false, false },
	{ "albert", 4096, 12, 64, 16384, 30000, 512, 2, 128, ACTIVATION_GELU_TANH, 1e-12, false,
		false },
	{ "deberta-v2", 1536, 24, 24, 6144, 128100, 512, 0, 0, ACTIVATION_GELU, 1e-7, false,
		false },
	{ "modernbert", 768, 22, 12, 1152, 50368, 8192, 0, 0, ACTIVATION_GELU, 1e-5, true, false },
};

static int parse(struct model_config *c, const struct defaults *d, struct error *e)
{
	bool modern = strcmp(c->model_type, "modernbert") == 0;
	bool distil = strcmp(c->model_type, "distilbert") == 0;
	size_t padding;
	if (config_count(c, "hidden_size", "dim", d->hidden, 1, 1 << 20, &c->hidden_size, e) ||
		config_count(c, "num_hidden_layers", "n_layers", d->layers, 0, 1 << 12,
			&c->n_layers, e) ||
		config_count(c, "num_attention_heads", "n_heads", d->heads, 1, 1 << 12, &c->n_heads,
			e) ||
		config_count(c, distil ? "hidden_dim" : "intermediate_size", NULL, d->intermediate,
			1, 1 << 22, &c->intermediate_size, e) ||
		config_count(c, "vocab_size", NULL, d->vocab, 1, 1 << 24, &c->vocab_size, e) ||
		config_count(c, "max_position_embeddings", NULL, d->positions, 1, 1 << 24,
			&c->n_positions, e) ||
		config_count(c, "type_vocab_size", NULL, d->types, 0, 1 << 16, &c->n_types, e) ||
		config_count(c, "embedding_size", NULL, d->embedding, 1, 1 << 20,
			&c->embedding_size, e) ||
		config_count(c, "pad_token_id", NULL, 1, 0, 1 << 24, &padding, e) ||
		small(c, modern ? "norm_eps" : "layer_norm_eps", d->eps, &c->norm_eps, e) ||
		config_activation(c, modern ? "hidden_activation" : "hidden_act", "activation",
			d->act, &c->hidden_act, e) ||
		refuse(c, e))
		return -1;
	if (d->typeless)
		c->n_types = 0;
	if (!d->embedding)
		c->embedding_size = c->hidden_size;
	c->first_position = d->after_padding ? padding + 1 : 0;
	if (c->n_positions <= c->first_position)
		return wrong(c, "max_position_embeddings", "leaves no position", e);
	c->n_positions -= c->first_position;
	if (c->hidden_size % c->n_heads)
		return error_set(e, ERROR_MODEL,
			"%s: %zu attention heads do not divide a hidden size of %zu", c->path,
			c->n_heads, c->hidden_size);
	return 0;
}

int model_config_parse(struct slice text, const char *path, struct model_config *c,
	struct arena *arena, struct error *e)
{
	*c = (struct model_config){ .path = arena_string(arena, slice_from(path)) };
	if (json_read(arena_copy(arena, text), &c->json, e)) {
		if (e)
			e->code = ERROR_MODEL;
		return error_wrap(e, "%s", path);
	}
	if (c->json.type != JSON_OBJECT)
		return error_set(e, ERROR_MODEL, "%s: should hold an object", path);
	struct json type = json_get(c->json, "model_type");
	if (type.type != JSON_STRING)
		return wrong(c, "model_type", "is missing", e);
	c->model_type = arena_string(arena, json_text(type, arena));
	const struct defaults *d = defaults;
	for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
		if (strcmp(c->model_type, defaults[i].model_type) == 0)
			d = &defaults[i];
	return parse(c, d, e);
}

int model_config_read(
	const char *folder, struct model_config *c, struct arena *arena, struct error *e)
{
	struct json root;
	int result = folder_json(folder, "config.json", JSON_OBJECT, &root, arena, e);
	if (result == 0)
		return error_set(
			e, ERROR_MODEL, "%s: no model folder: there is no config.json", folder);
	return result < 0 ? -1
			  : model_config_parse(root.raw, folder_path(folder, "config.json", arena),
				    c, arena, e);
}
