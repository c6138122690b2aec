#include "lib/model/head.h"

#include <stdio.h>

#include "lib/model/weights.h"

enum { MOST_LABELS = 1 << 20 };

static int wrong(const struct model_config *c, const char *what, struct error *e)
{
	return error_set(e, ERROR_MODEL, "%s: %s", c->path, what);
}

/* id2label: {"0": "NEGATIVE", …}, every number from 0 on once. */
static int read_names(struct head *h, const struct model_config *c, struct json names,
	struct arena *arena, struct error *e)
{
	for (struct json_iterator i = json_iterate(names); json_each(&i);) {
		struct slice key = json_text(i.key, arena);
		int64_t id = -1;
		struct json number;
		bool good = key.size < 10 && !json_read(key, &number, NULL) &&
			    json_integer(number, &id);
		if (!good || id < 0 || (size_t)id >= h->n_labels || h->labels[id].data ||
			i.value.type != JSON_STRING)
			return wrong(c, "id2label should name the labels 0, 1, … in order", e);
		struct slice name = json_text(i.value, arena);
		h->labels[id] = name.data ? name : SLICE("");
	}
	return 0;
}

static int read_labels(
	struct head *h, const struct model_config *c, struct arena *arena, struct error *e)
{
	struct json names = json_get(c->json, "id2label");
	bool named = names.type == JSON_OBJECT && json_count(names) > 0;
	if (named)
		h->n_labels = json_count(names);
	else if (config_count(c, "num_labels", "_num_labels", 2, 1, MOST_LABELS, &h->n_labels, e))
		return -1;
	if (h->n_labels > MOST_LABELS)
		return wrong(c, "id2label has too many labels", e);
	h->labels = arena_zero(arena, h->n_labels, sizeof *h->labels);
	if (named)
		return read_names(h, c, names, arena, e);
	for (size_t i = 0; i < h->n_labels; i++) {
		char *name = arena_alloc(arena, 32);
		h->labels[i] = (struct slice){ name, (size_t)snprintf(name, 32, "LABEL_%zu", i) };
	}
	return 0;
}

/* torch.nn.modules.linear.Identity and the like, by the last part of their name. */
static int by_class(struct head *h, const struct model_config *c, const char *name, struct error *e)
{
	const char *dot = strrchr(name, '.');
	dot = dot ? dot + 1 : name;
	h->scores = strcmp(dot, "Identity") == 0  ? HEAD_LOGITS
		    : strcmp(dot, "Softmax") == 0 ? HEAD_SOFTMAX
						  : HEAD_SIGMOID;
	if (h->scores == HEAD_SIGMOID && strcmp(dot, "Sigmoid") != 0)
		return error_set(
			e, ERROR_MODEL, "%s: the activation %.80s is not known", c->path, name);
	return 0;
}

static int read_scores(
	struct head *h, const struct model_config *c, struct arena *arena, struct error *e)
{
	const char *problem, *old;
	struct json cross = json_get(json_get(c->json, "sentence_transformers"), "activation_fn");
	if (config_text(c, "problem_type", "", arena, &problem, e) ||
		config_text(c, "sbert_ce_default_activation_function", NULL, arena, &old, e))
		return -1;
	bool sigmoid = strcmp(problem, "multi_label_classification") == 0 || h->n_labels == 1;
	h->scores = strcmp(problem, "regression") == 0 ? HEAD_LOGITS
		    : sigmoid                          ? HEAD_SIGMOID
						       : HEAD_SOFTMAX;
	if (cross.type == JSON_STRING)
		old = arena_string(arena, json_text(cross, arena));
	return old ? by_class(h, c, old, e) : 0;
}

static int load(struct head *h, const struct head_layout *l, const struct model_config *c,
	struct weights *w, struct arena *arena, struct error *e)
{
	bool bias = true, norm_bias = true;
	const char *pooling = "cls";
	size_t n = c->hidden_size;
	h->activation = l->activation;
	if (l->activation_key &&
		config_activation(c, l->activation_key, NULL, l->activation, &h->activation, e))
		return -1;
	if (l->bias_key && config_flag(c, l->bias_key, false, &bias, e))
		return -1;
	if (l->norm && config_flag(c, "norm_bias", false, &norm_bias, e))
		return -1;
	if (l->pools && config_text(c, "classifier_pooling", "cls", arena, &pooling, e))
		return -1;
	h->mean = strcmp(pooling, "mean") == 0;
	if (!h->mean && strcmp(pooling, "cls") != 0)
		return wrong(c, "classifier_pooling should be cls or mean", e);
	if (l->dense)
		h->dense = weights_linear(w, 1, &l->dense, n, n, bias);
	if (l->norm)
		h->norm = norm_bias ? weights_norm(w, n, c->norm_eps, l->norm)
				    : weights_scale(w, n, c->norm_eps, l->norm);
	h->has_norm = l->norm != NULL;
	h->out = weights_linear(w, 1, &l->out, h->n_labels, n, true);
	return w->failed ? -1 : 0;
}

int head_open(struct head *h, const struct head_layout *l, const struct model_config *c,
	const struct tensor_file *file, struct device *device, enum dtype dtype,
	struct arena *arena, struct error *e)
{
	struct weights w = { .file = file,
		.device = device,
		.dtype = dtype,
		.prefix = "",
		.arena = arena,
		.error = e };
	*h = (struct head){ 0 };
	if (!l->out)
		return error_set(e, ERROR_MODEL, "%s: %s has no such head", c->path, c->model_type);
	if (read_labels(h, c, arena, e) || read_scores(h, c, arena, e))
		return -1;
	return load(h, l, c, &w, arena, e);
}

void head_close(struct head *h, struct device *device)
{
	if (h->dense)
		weight_free(h->dense);
	if (h->out)
		weight_free(h->out);
	tensor_release(device, &h->norm.gamma);
	tensor_release(device, &h->norm.beta);
	*h = (struct head){ 0 };
}

struct tensor head_forward(const struct head *h, struct device *lane, struct tensor x)
{
	size_t n = x.shape[0];
	if (h->dense) {
		struct tensor y = tensor_matrix(lane, F32, n, weight_outputs(h->dense));
		op_linear(lane, y, x, h->dense, h->activation);
		x = y;
	}
	if (h->has_norm)
		op_norm(lane, x, x, h->norm);
	struct tensor logits = tensor_matrix(lane, F32, n, h->n_labels);
	op_linear(lane, logits, x, h->out, ACTIVATION_NONE);
	return logits;
}
