/*
 * Reading a sentence-transformers folder, as sentence-transformers 6.2 does: modules.json lists
 * the modules in order, by class and folder; each has a config.json there. Classes are told by
 * the last part of their name, so that both dialects are read:
 * sentence_transformers.models.Pooling and
 * sentence_transformers.sentence_transformer.modules.pooling.Pooling.
 */
#include "lib/model/sentence.h"

#include "lib/model/folder.h"

/* What is being read. */
struct source {
	const char *folder;
	struct arena *arena;
	struct error *error;
	struct sentence *sentence;
};

static int wrong(const struct source *s, const char *folder, const char *file, const char *what)
{
	return error_set(s->error, ERROR_MODEL, "%s/%s: %s", folder, file, what);
}

static int wrong_value(const struct source *s, const char *folder, const char *key, struct json v)
{
	return error_set(s->error, ERROR_MODEL, "%s/config.json: %s %.*s is not supported", folder,
		key, v.raw.size < 80 ? (int)v.raw.size : 80, v.raw.data);
}

static bool is_given(struct json v)
{
	return v.type != JSON_ABSENT && v.type != JSON_NULL;
}

/* --- Pooling ------------------------------------------------------------------------------- */

/* In the order in which they are put side by side. */
static const struct {
	const char *flag, *name;
	enum pooling pooling;
} poolings[] = {
	{ "pooling_mode_cls_token", "cls", POOLING_CLS },
	{ "pooling_mode_max_tokens", "max", POOLING_MAX },
	{ "pooling_mode_mean_tokens", "mean", POOLING_MEAN },
	{ "pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", POOLING_COUNT },
	{ "pooling_mode_weightedmean_tokens", "weightedmean", POOLING_WEIGHTED_MEAN },
	{ "pooling_mode_lasttoken", "lasttoken", POOLING_LAST },
};
enum { N_POOLINGS = sizeof poolings / sizeof *poolings };

static int add_pooling(const struct source *s, const char *folder, size_t i)
{
	struct sentence *d = s->sentence;
	if (poolings[i].pooling == POOLING_COUNT)
		return wrong(s, folder, "config.json",
			"pooling by mean_sqrt_len_tokens is not supported");
	if (d->n_poolings == SENTENCE_POOLINGS)
		return wrong(s, folder, "config.json", "too many poolings");
	d->pooling[d->n_poolings++] = poolings[i].pooling;
	return 0;
}

static int add_pooling_name(const struct source *s, const char *folder, struct json name)
{
	for (size_t i = 0; i < N_POOLINGS; i++)
		if (name.type == JSON_STRING && json_text_is(name, poolings[i].name))
			return add_pooling(s, folder, i);
	return wrong_value(s, folder, "pooling_mode", name);
}

static int read_pooling(const struct source *s, const char *folder)
{
	struct json root;
	int64_t size;
	int found = folder_json(folder, "config.json", JSON_OBJECT, &root, s->arena, s->error);
	if (found <= 0)
		return found < 0 ? -1 : wrong(s, folder, "config.json", "there is no such file");
	struct json mode = json_get(root, "pooling_mode");
	if (mode.type == JSON_ARRAY) {
		for (struct json_iterator i = json_iterate(mode); json_each(&i);)
			if (add_pooling_name(s, folder, i.value))
				return -1;
	} else if (is_given(mode)) {
		if (add_pooling_name(s, folder, mode))
			return -1;
	} else {
		for (size_t i = 0; i < N_POOLINGS; i++)
			if (json_get(root, poolings[i].flag).type == JSON_TRUE &&
				add_pooling(s, folder, i))
				return -1;
	}
	if (s->sentence->n_poolings == 0)
		s->sentence->pooling[s->sentence->n_poolings++] = POOLING_MEAN;
	s->sentence->include_prompt = json_get(root, "include_prompt").type != JSON_FALSE;
	struct json dimension = json_get(root, "embedding_dimension");
	if (!is_given(dimension))
		dimension = json_get(root, "word_embedding_dimension");
	if (dimension.type == JSON_NUMBER && json_integer(dimension, &size) && size > 0)
		s->sentence->pooling_size = (size_t)size;
	return 0;
}

/* --- After it ------------------------------------------------------------------------------ */

/* A module's input and output must be the sentence's vector. */
static int check_keys(const struct source *s, const char *folder, struct json root)
{
	static const char *const keys[] = { "module_input_name", "module_output_name" };
	for (size_t i = 0; i < 2; i++) {
		struct json v = json_get(root, keys[i]);
		if (is_given(v) && !json_text_is(v, "sentence_embedding"))
			return wrong_value(s, folder, keys[i], v);
	}
	return 0;
}

static int read_dense(const struct source *s, char *folder, struct sentence_step *step)
{
	static const struct {
		const char *name;
		enum activation activation;
	} known[] = {
		{ "torch.nn.modules.activation.Tanh", ACTIVATION_TANH },
		{ "torch.nn.modules.linear.Identity", ACTIVATION_NONE },
		{ "torch.nn.modules.activation.ReLU", ACTIVATION_RELU },
		{ "torch.nn.modules.activation.GELU", ACTIVATION_GELU },
	};
	struct json root;
	int64_t in = 0, out = 0;
	int found = folder_json(folder, "config.json", JSON_OBJECT, &root, s->arena, s->error);
	if (found <= 0)
		return found < 0 ? -1 : wrong(s, folder, "config.json", "there is no such file");
	if (check_keys(s, folder, root))
		return -1;
	struct json inputs = json_get(root, "in_features"),
		    outputs = json_get(root, "out_features");
	if (inputs.type != JSON_NUMBER || !json_integer(inputs, &in) || in < 1 || in > 1 << 24 ||
		outputs.type != JSON_NUMBER || !json_integer(outputs, &out) || out < 1 ||
		out > 1 << 24)
		return wrong(s, folder, "config.json",
			"in_features and out_features should be whole numbers");
	if (json_get(root, "use_residual").type == JSON_TRUE)
		return wrong(s, folder, "config.json", "use_residual is not supported");
	*step = (struct sentence_step){ .kind = STEP_DENSE,
		.folder = folder,
		.inputs = (size_t)in,
		.outputs = (size_t)out,
		.bias = json_get(root, "bias").type != JSON_FALSE,
		.activation = ACTIVATION_TANH };
	struct json act = json_get(root, "activation_function");
	if (!is_given(act))
		return 0;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (act.type == JSON_STRING && json_text_is(act, known[i].name)) {
			step->activation = known[i].activation;
			return 0;
		}
	return wrong_value(s, folder, "activation_function", act);
}

static int read_normalize(const struct source *s, const char *folder, struct sentence_step *step)
{
	struct json root;
	*step = (struct sentence_step){ .kind = STEP_NORMALIZE };
	int found = folder_json(folder, "config.json", JSON_OBJECT, &root, s->arena, s->error);
	return found < 0 ? -1 : found ? check_keys(s, folder, root) : 0;
}

/* --- The transformer ----------------------------------------------------------------------- */

/* max_seq_length and do_lower_case; the file has had a name an architecture. */
static int read_limits(const struct source *s, const char *folder)
{
	static const char *const names[] = { "sentence_bert_config.json",
		"sentence_roberta_config.json", "sentence_distilbert_config.json",
		"sentence_camembert_config.json", "sentence_albert_config.json",
		"sentence_xlm-roberta_config.json", "sentence_xlnet_config.json" };
	struct json root = { .type = JSON_ABSENT };
	int64_t n;
	const char *name = names[0];
	for (size_t i = 0; i < sizeof names / sizeof *names && root.type == JSON_ABSENT; i++)
		if (folder_json(folder, name = names[i], JSON_OBJECT, &root, s->arena, s->error) <
			0)
			return -1;
	struct json length = json_get(root, "max_seq_length"),
		    task = json_get(root, "transformer_task");
	if (length.type == JSON_NUMBER && json_integer(length, &n) && n > 0)
		s->sentence->max_length = (size_t)n;
	else if (is_given(length))
		return wrong(s, folder, name, "max_seq_length should be a whole number");
	if (is_given(task) && !json_text_is(task, "feature-extraction"))
		return wrong(s, folder, name,
			"a transformer_task other than feature-extraction is not supported");
	if (json_get(root, "processing_kwargs").type == JSON_OBJECT &&
		json_count(json_get(root, "processing_kwargs")) > 0)
		return wrong(s, folder, name, "processing_kwargs are not supported");
	s->sentence->lowercase = json_get(root, "do_lower_case").type == JSON_TRUE;
	return 0;
}

/* model_max_length of tokenizer_config.json, which is huge where nobody set it. */
static int read_tokenizer_limit(const struct source *s, const char *folder)
{
	struct json root;
	int64_t n;
	if (folder_json(folder, "tokenizer_config.json", JSON_OBJECT, &root, s->arena, s->error) <
		0)
		return -1;
	struct json length = json_get(root, "model_max_length");
	if (s->sentence->max_length == 0 && length.type == JSON_NUMBER &&
		json_integer(length, &n) && n > 0 && n < 1 << 30)
		s->sentence->max_length = (size_t)n;
	return 0;
}

/* --- The list ------------------------------------------------------------------------------ */

static bool ends_with(struct slice text, const char *end)
{
	size_t n = strlen(end);
	return text.size >= n && memcmp(text.data + text.size - n, end, n) == 0 &&
	       (text.size == n || text.data[text.size - n - 1] == '.');
}

/* A folder within the model's: no way out of it. */
static char *module_folder(const struct source *s, struct json path)
{
	struct slice text = path.type == JSON_STRING ? json_text(path, s->arena) : SLICE("");
	const char *name = arena_string(s->arena, text);
	if (path.type != JSON_STRING || strlen(name) != text.size || name[0] == '/' ||
		strstr(name, "..")) {
		wrong(s, s->folder, "modules.json",
			"a path should be that of a folder in this one");
		return NULL;
	}
	if (!*name)
		return arena_string(s->arena, slice_from(s->folder));
	return folder_path(s->folder, name, s->arena);
}

static int read_module(const struct source *s, size_t i, struct json module)
{
	struct sentence *d = s->sentence;
	struct json type = json_get(module, "type");
	char *folder = module_folder(s, json_get(module, "path"));
	if (!folder)
		return -1;
	struct slice name = type.type == JSON_STRING ? json_text(type, s->arena) : SLICE("");
	bool first = i == 0;
	if (first && ends_with(name, "Transformer")) {
		d->kind = SENTENCE_TRANSFORMER;
		d->folder = folder;
		return read_limits(s, folder) || read_tokenizer_limit(s, folder) ? -1 : 0;
	}
	if (first && ends_with(name, "StaticEmbedding")) {
		d->kind = SENTENCE_STATIC;
		d->folder = folder;
		return 0;
	}
	if (!first && ends_with(name, "Pooling") && d->kind == SENTENCE_TRANSFORMER &&
		!d->n_poolings && !d->n_steps)
		return read_pooling(s, folder);
	bool pooled = !first && (d->n_poolings || d->kind == SENTENCE_STATIC);
	if (pooled && ends_with(name, "Dense"))
		return read_dense(s, folder, &d->steps[d->n_steps++]);
	if (pooled && ends_with(name, "Normalize"))
		return read_normalize(s, folder, &d->steps[d->n_steps++]);
	if (pooled && ends_with(name, "Dropout"))
		return 0;
	return error_set(s->error, ERROR_MODEL,
		"%s/modules.json: module %zu of type %.*s is not supported there", s->folder, i,
		name.size < 100 ? (int)name.size : 100, name.data);
}

static int read_modules(const struct source *s, struct json modules)
{
	struct sentence *d = s->sentence;
	d->steps = arena_zero(s->arena, json_count(modules), sizeof *d->steps);
	size_t n = 0;
	for (struct json_iterator i = json_iterate(modules); json_each(&i); n++)
		if (read_module(s, n, i.value))
			return -1;
	if (n == 0)
		return wrong(s, s->folder, "modules.json", "there are no modules");
	if (d->kind == SENTENCE_TRANSFORMER && !d->n_poolings)
		return wrong(s, s->folder, "modules.json", "there is no Pooling");
	return 0;
}

/*
 * No modules.json: a model2vec folder says so in its config.json; anything else is a
 * transformer.
 */
static int read_bare(const struct source *s)
{
	struct sentence *d = s->sentence;
	struct json root;
	d->folder = arena_string(s->arena, slice_from(s->folder));
	d->steps = arena_zero(s->arena, 1, sizeof *d->steps);
	int found = folder_json(s->folder, "config.json", JSON_OBJECT, &root, s->arena, s->error);
	if (found <= 0)
		return found < 0
			       ? -1
			       : error_set(s->error, ERROR_MODEL,
					 "%s: no model folder: there is no config.json", s->folder);
	struct json type = json_get(root, "model_type");
	if (type.type == JSON_STRING && json_text_is(type, "model2vec")) {
		d->kind = SENTENCE_STATIC;
		d->drop_unknown = true;
		d->max_length = 512; /* StaticModel.encode's default */
		if (json_get(root, "normalize").type == JSON_TRUE)
			d->steps[d->n_steps++].kind = STEP_NORMALIZE;
		return 0;
	}
	d->kind = SENTENCE_TRANSFORMER;
	d->pooling[d->n_poolings++] = POOLING_MEAN;
	return read_limits(s, s->folder) || read_tokenizer_limit(s, s->folder) ? -1 : 0;
}

static int read_prompts(const struct source *s)
{
	static const char file[] = "config_sentence_transformers.json";
	struct json root;
	if (folder_json(s->folder, file, JSON_OBJECT, &root, s->arena, s->error) < 0)
		return -1;
	struct json prompts = json_get(root, "prompts"),
		    name = json_get(root, "default_prompt_name");
	s->sentence->prompts = (struct json){ .type = JSON_ABSENT };
	if (prompts.type == JSON_OBJECT) {
		s->sentence->prompts = prompts;
		for (struct json_iterator i = json_iterate(prompts); json_each(&i);)
			if (i.value.type != JSON_STRING)
				return wrong(s, s->folder, file, "a prompt should be a text");
	} else if (is_given(prompts)) {
		return wrong(s, s->folder, file, "prompts should be an object");
	}
	if (name.type == JSON_STRING) {
		s->sentence->default_prompt = arena_string(s->arena, json_text(name, s->arena));
		if (json_get(prompts, s->sentence->default_prompt).type == JSON_ABSENT)
			return wrong(s, s->folder, file, "default_prompt_name names no prompt");
	}
	return 0;
}

int sentence_read(const char *folder, struct sentence *d, struct arena *arena, struct error *e)
{
	struct source s = { .folder = folder, .arena = arena, .error = e, .sentence = d };
	struct json modules;
	*d = (struct sentence){ .include_prompt = true };
	int found = folder_json(folder, "modules.json", JSON_ARRAY, &modules, arena, e);
	if (found < 0)
		return -1;
	return (found ? read_modules(&s, modules) : read_bare(&s)) || read_prompts(&s) ? -1 : 0;
}

struct slice sentence_prompt(const struct sentence *d, const char *name, struct arena *arena)
{
	struct json v = json_get(d->prompts, name);
	return v.type == JSON_STRING ? json_text(v, arena) : (struct slice){ NULL, 0 };
}
