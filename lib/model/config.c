/*
 * Reading config.json. Defaults are those of transformers' BertConfig and DistilBertConfig
 * (5.23), which leave out what equals them in old files.
 */
#include "lib/model/config.h"

#include "lib/model/folder.h"

struct source {
	struct json root;
	const char *path;
	struct error *error;
};

static int wrong(const struct source *s, const char *key, const char *what)
{
	return error_set(s->error, ERROR_MODEL, "%s: %s %s", s->path, key, what);
}

/* The first of two names of a key that is there and not null. */
static struct json get(const struct source *s, const char *key, const char *other)
{
	struct json v = json_get(s->root, key);
	if ((v.type == JSON_ABSENT || v.type == JSON_NULL) && other)
		v = json_get(s->root, other);
	return v.type == JSON_NULL ? (struct json){ .type = JSON_ABSENT } : v;
}

/* A whole number in [low, high]. */
static int count(const struct source *s, const char *key, const char *other, size_t otherwise,
	size_t low, size_t high, size_t *out)
{
	struct json v = get(s, key, other);
	int64_t n;
	*out = otherwise;
	if (v.type == JSON_ABSENT)
		return 0;
	if (v.type != JSON_NUMBER || !json_integer(v, &n) || n < (int64_t)low || n > (int64_t)high)
		return error_set(s->error, ERROR_MODEL,
			"%s: %s should be a whole number from %zu to %zu, not %.*s", s->path, key,
			low, high, v.raw.size < 40 ? (int)v.raw.size : 40, v.raw.data);
	*out = (size_t)n;
	return 0;
}

static int number(const struct source *s, const char *key, double otherwise, float *out)
{
	struct json v = get(s, key, NULL);
	double x = otherwise;
	if (v.type == JSON_NUMBER)
		x = json_double(v);
	else if (v.type != JSON_ABSENT)
		return wrong(s, key, "should be a number");
	if (!(x >= 0 && x < 1))
		return wrong(s, key, "should be a small positive number");
	*out = (float)x;
	return 0;
}

static int activation(const struct source *s, enum activation *out)
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
	struct json v = get(s, "hidden_act", "activation");
	*out = ACTIVATION_GELU;
	if (v.type == JSON_ABSENT)
		return 0;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (v.type == JSON_STRING && json_text_is(v, known[i].name)) {
			*out = known[i].activation;
			return 0;
		}
	return error_set(s->error, ERROR_MODEL, "%s: the activation %.*s is not known", s->path,
		v.raw.size < 40 ? (int)v.raw.size : 40, v.raw.data);
}

/* Keys that would change the result: only the value that changes nothing is taken. */
static int refuse(const struct source *s)
{
	static const char *const flags[] = { "is_decoder", "add_cross_attention",
		"is_encoder_decoder" };
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (get(s, flags[i], NULL).type == JSON_TRUE)
			return wrong(s, flags[i], "is not supported");
	struct json position = get(s, "position_embedding_type", NULL);
	if (position.type != JSON_ABSENT && !json_text_is(position, "absolute"))
		return wrong(
			s, "position_embedding_type", "other than \"absolute\" is not supported");
	struct json pruned = get(s, "pruned_heads", NULL);
	if (pruned.type != JSON_ABSENT && json_count(pruned) > 0)
		return wrong(s, "pruned_heads", "is not supported");
	if (get(s, "quantization_config", NULL).type != JSON_ABSENT)
		return wrong(
			s, "quantization_config", "is not supported: use the unquantized model");
	return 0;
}

int model_config_parse(struct slice text, const char *path, struct model_config *c,
	struct arena *arena, struct error *e)
{
	struct source s = { .path = path, .error = e };
	*c = (struct model_config){ 0 };
	if (json_read(text, &s.root, e)) {
		if (e)
			e->code = ERROR_MODEL;
		return error_wrap(e, "%s", path);
	}
	if (s.root.type != JSON_OBJECT)
		return error_set(e, ERROR_MODEL, "%s: should hold an object", path);
	struct json type = json_get(s.root, "model_type");
	if (type.type != JSON_STRING)
		return wrong(&s, "model_type", "is missing");
	c->model_type = arena_string(arena, json_text(type, arena));
	bool distil = strcmp(c->model_type, "distilbert") == 0;
	bool mpnet = strcmp(c->model_type, "mpnet") == 0;
	if (count(&s, "hidden_size", "dim", 768, 1, 1 << 20, &c->hidden_size) ||
		count(&s, "num_hidden_layers", "n_layers", distil ? 6 : 12, 0, 1 << 12,
			&c->n_layers) ||
		count(&s, "num_attention_heads", "n_heads", 12, 1, 1 << 12, &c->n_heads) ||
		count(&s, distil ? "hidden_dim" : "intermediate_size", NULL, 3072, 1, 1 << 22,
			&c->intermediate_size) ||
		count(&s, "vocab_size", NULL, mpnet ? 30527 : 30522, 1, 1 << 24, &c->vocab_size) ||
		count(&s, "max_position_embeddings", NULL, 512, 1, 1 << 24, &c->n_positions) ||
		count(&s, "type_vocab_size", NULL, 2, 0, 1 << 16, &c->n_types) ||
		number(&s, "layer_norm_eps", 1e-12, &c->norm_eps) ||
		activation(&s, &c->hidden_act) || refuse(&s))
		return -1;
	if (distil || mpnet)
		c->n_types = 0;
	c->first_position = mpnet ? 2 : 0; /* behind that of padding, as fairseq counts */
	if (c->n_positions <= c->first_position)
		return wrong(&s, "max_position_embeddings", "leaves no position");
	c->n_positions -= c->first_position;
	if (c->hidden_size % c->n_heads)
		return error_set(e, ERROR_MODEL,
			"%s: %zu attention heads do not divide a hidden size of %zu", path,
			c->n_heads, c->hidden_size);
	return 0;
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
