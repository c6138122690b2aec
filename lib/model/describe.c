/* Describing a model: read as embedder.c reads it, but no weight is loaded. */
#include "lib/model/describe.h"

#include "lib/base/sha256.h"
#include "lib/file/mapping.h"
#include "lib/file/safetensors.h"
#include "lib/model/architecture.h"
#include "lib/model/config.h"
#include "lib/model/folder.h"
#include "lib/model/sentence.h"

static const char *const pooling_names[] = { "mean", "cls", "max", "last", "weightedmean" };
_Static_assert(sizeof pooling_names / sizeof *pooling_names == POOLING_COUNT, "a name each");
static const char *const activation_names[] = { "identity", "gelu", "gelu (tanh)", "relu", "tanh" };
_Static_assert(
	sizeof activation_names / sizeof *activation_names == ACTIVATION_COUNT, "a name each");

#define LINE(b, what, ...) \
	do { \
		buffer_printf(b, "%-14s", what); \
		buffer_printf(b, __VA_ARGS__); \
		buffer_char(b, '\n'); \
	} while (0)

static void add_modules(const struct sentence *s, const char *first, struct buffer *b)
{
	buffer_printf(b, "%-14s%s", "modules", first);
	for (size_t i = 0; i < s->n_poolings; i++)
		buffer_printf(b, "%s%s", i ? "+" : ", pooling ", pooling_names[s->pooling[i]]);
	for (size_t i = 0; i < s->n_steps; i++) {
		const struct sentence_step *step = &s->steps[i];
		if (step->kind == STEP_NORMALIZE)
			buffer_text(b, ", normalize");
		else
			buffer_printf(b, ", dense %zu to %zu %s", step->inputs, step->outputs,
				activation_names[step->activation]);
	}
	buffer_char(b, '\n');
}

static void add_config(const struct model_config *c, struct buffer *b)
{
	LINE(b, "layers", "%zu", c->n_layers);
	LINE(b, "heads", "%zu of %zu", c->n_heads, c->hidden_size / c->n_heads);
	LINE(b, "hidden", "%zu, feed-forward %zu, %s", c->hidden_size, c->intermediate_size,
		activation_names[c->hidden_act]);
	LINE(b, "positions", "%zu", c->n_positions);
}

/* Parameters by dtype, and a line a tensor where they are wanted. */
static void add_tensors(const struct tensor_file *file, bool list, struct buffer *b)
{
	size_t count[FILE_OTHER + 1] = { 0 }, total = 0;
	for (size_t i = 0; i < tensor_file_count(file); i++) {
		const struct file_tensor *t = tensor_file_at(file, i);
		count[t->dtype] += t->count;
		total += t->count;
	}
	buffer_printf(b, "%-14s%zu in %zu tensor%s:", "parameters", total, tensor_file_count(file),
		plural(tensor_file_count(file)));
	for (size_t d = 0; d <= FILE_OTHER; d++)
		if (count[d])
			buffer_printf(b, " %zu %s", count[d], file_dtype_name((enum file_dtype)d));
	buffer_char(b, '\n');
	for (size_t i = 0; list && i < tensor_file_count(file); i++) {
		const struct file_tensor *t = tensor_file_at(file, i);
		buffer_printf(b, "%-14s", "tensor");
		buffer_slice(b, t->name);
		buffer_printf(b, " %s [", file_dtype_name(t->dtype));
		for (size_t k = 0; k < t->n_dims; k++)
			buffer_printf(b, "%s%zu", k ? ", " : "", t->shape[k]);
		buffer_text(b, "]\n");
	}
}

static void add_prompts(const struct sentence *s, struct arena *arena, struct buffer *b)
{
	if (s->prompts.type != JSON_OBJECT)
		return;
	for (struct json_iterator i = json_iterate(s->prompts); json_each(&i);) {
		struct slice name = json_text(i.key, arena);
		bool by_default = s->default_prompt && json_text_is(i.key, s->default_prompt);
		buffer_printf(b, "%-14s%.*s: %.*s%s\n", "prompt", (int)name.size, name.data,
			(int)i.value.raw.size, i.value.raw.data, by_default ? " (by default)" : "");
	}
}

/* The digest of each file that decides about a result. */
static int add_files(const char *folder, struct arena *arena, struct buffer *b, struct error *e)
{
	static const char *const names[] = { "model.safetensors", "model.safetensors.index.json",
		"config.json", "tokenizer.json", "vocab.txt", "tokenizer_config.json",
		"modules.json", "sentence_bert_config.json", "config_sentence_transformers.json" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct slice bytes;
		uint8_t digest[SHA256_SIZE];
		if (!folder_has(folder, names[i]))
			continue;
		if (mapping_open(folder_path(folder, names[i], arena), &bytes, e))
			return -1;
		sha256(bytes, digest);
		mapping_close(bytes);
		buffer_printf(b, "%-14s", "sha256");
		for (size_t k = 0; k < SHA256_SIZE; k++)
			buffer_printf(b, "%02x", digest[k]);
		buffer_printf(b, " %s\n", names[i]);
	}
	return 0;
}

static int describe(
	const char *name, bool tensors, struct arena *arena, struct buffer *b, struct error *e)
{
	struct sentence s;
	struct model_config c = { 0 };
	const char *folder = folder_find(name, arena, e);
	if (!folder || sentence_read(folder, &s, arena, e))
		return -1;
	bool is_static = s.kind == SENTENCE_STATIC;
	if (!is_static && model_config_read(s.folder, &c, arena, e))
		return -1;
	if (!is_static && !architecture_find(c.model_type, e))
		return error_wrap(e, "%s/config.json", s.folder);
	struct tensor_file *file = architecture_weights(s.folder, e);
	if (!file)
		return -1;
	LINE(b, "folder", "%s", folder);
	add_modules(&s, is_static ? "static" : c.model_type, b);
	if (!is_static)
		add_config(&c, b);
	if (s.max_length)
		LINE(b, "length", "%zu token%s", s.max_length, plural(s.max_length));
	add_tensors(file, tensors, b);
	tensor_file_close(file);
	add_prompts(&s, arena, b);
	return add_files(folder, arena, b, e);
}

int model_describe(const char *name, bool tensors, struct buffer *b, struct error *e)
{
	struct arena *arena = arena_new();
	int result = describe(name, tensors, arena, b, e);
	arena_free(arena);
	return result;
}
