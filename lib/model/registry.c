/* The architectures by the model_type of config.json. To add one: its file, and a line here. */
#include "lib/model/architecture.h"
#include "lib/model/folder.h"

extern const struct architecture bert_architecture, distilbert_architecture, mpnet_architecture,
	roberta_architecture, xlm_roberta_architecture, camembert_architecture,
	electra_architecture, albert_architecture, modernbert_architecture, deberta_architecture;

static const struct architecture *const known[] = {
	&bert_architecture,
	&distilbert_architecture,
	&mpnet_architecture,
	&roberta_architecture,
	&xlm_roberta_architecture,
	&camembert_architecture,
	&electra_architecture,
	&albert_architecture,
	&modernbert_architecture,
	&deberta_architecture,
};
enum { N_KNOWN = sizeof known / sizeof *known };

const struct architecture *architecture_find(const char *model_type, struct error *e)
{
	struct buffer names = { NULL, 0, 0 };
	for (size_t i = 0; i < N_KNOWN; i++) {
		if (strcmp(model_type, known[i]->model_type) == 0) {
			buffer_free(&names);
			return known[i];
		}
		buffer_printf(&names, "%s%s", i ? ", " : "", known[i]->model_type);
	}
	buffer_char(&names, 0);
	error_set(
		e, ERROR_MODEL, "model_type %s is not supported: only %s", model_type, names.data);
	buffer_free(&names);
	return NULL;
}

struct tensor_file *architecture_weights(const char *folder, struct error *e)
{
	static const char *const names[] = { "model.safetensors", "model.safetensors.index.json",
		NULL };
	struct arena *arena = arena_new();
	struct tensor_file *file = NULL;
	size_t i = 0;
	while (names[i] && !folder_has(folder, names[i]))
		i++;
	if (names[i])
		file = tensor_file_open(folder_path(folder, names[i], arena), e);
	else
		error_set(e, ERROR_MODEL, "%s: there is no model.safetensors%s", folder,
			folder_has(folder, "pytorch_model.bin")
				? "; pytorch_model.bin is a pickle, which may hold programs, and "
				  "is not read"
				: "");
	arena_free(arena);
	return file;
}

int architecture_open(const char *folder, struct model_config *config,
	const struct architecture **architecture, struct tensor_file **file, struct arena *arena,
	struct error *e)
{
	if (model_config_read(folder, config, arena, e))
		return -1;
	*architecture = architecture_find(config->model_type, e);
	if (!*architecture)
		return error_wrap(e, "%s/config.json", folder);
	*file = architecture_weights(folder, e);
	return *file ? 0 : -1;
}

struct tokenizer *architecture_tokenizer(const char *folder, size_t rows, struct error *e)
{
	struct tokenizer *t = tokenizer_open(folder, e);
	if (!t && e && e->code == ERROR_NO_INPUT)
		e->code = ERROR_MODEL;
	if (!t)
		return NULL;
	size_t ids = tokenizer_vocab_size(t);
	if (tokenizer_is_sentencepiece(t))
		error_set(e, ERROR_MODEL,
			"%s: a SentencePiece model alone does not say how this kind of model "
			"normalizes and frames a text: it needs a tokenizer.json",
			folder);
	else if (ids > rows)
		error_set(e, ERROR_MODEL,
			"%s: the tokenizer has ids up to %zu, the model %zu embedding%s", folder,
			ids - 1, rows, plural(rows));
	else
		return t;
	tokenizer_free(t);
	return NULL;
}
