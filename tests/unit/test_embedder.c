/*
 * The embedder against sentence-transformers (tests/golden/embed.py) on tiny models of every kind;
 * the same bytes for every batch and number of threads; options; and models that are broken.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <omp.h>

#include "lib/file/mapping.h"
#include "lib/file/npy.h"
#include "lib/file/safetensors.h"
#include "lib/model/embedder.h"
#include "tests/unit/source.h"

enum { TEXTS_MAX = 64 };

static struct arena *arena;
static struct slice texts[TEXTS_MAX];
static size_t n_texts;
static char golden[3000];

static const char *path_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *path_of(const char *format, ...)
{
	static char paths[4][4000];
	static size_t turn;
	char *path = paths[turn++ % 4];
	va_list args;
	va_start(args, format);
	vsnprintf(path, sizeof paths[0], format, args);
	va_end(args);
	return path;
}

static int read_texts(void **state)
{
	(void)state;
	snprintf(golden, sizeof golden, "%s", source_path("tests/golden/embed"));
	arena = arena_new();
	struct slice bytes;
	struct error e;
	if (mapping_open(path_of("%s/texts.jsonl", golden), &bytes, &e))
		return -1;
	const char *p = bytes.data, *end = p + bytes.size;
	while (p < end && n_texts < TEXTS_MAX) {
		const char *line = memchr(p, '\n', (size_t)(end - p));
		struct json root;
		if (json_read((struct slice){ p, (size_t)(line - p) }, &root, &e))
			return -1;
		struct slice text = json_text(json_get(root, "text"), arena);
		texts[n_texts++] = arena_copy(arena, text);
		p = line + 1;
	}
	mapping_close(bytes);
	return 0;
}

static int forget_texts(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static float *embed(const char *folder, const struct embedder_options *o, size_t *size)
{
	struct error e = { 0 };
	struct embedder *m = embedder_open(folder, o, &e);
	if (!m)
		fail_msg("%s: %s", folder, e.msg);
	*size = embedder_size(m);
	float *out = ARENA_ARRAY(arena, float, n_texts **size);
	if (embedder_run(m, texts, n_texts, out, &e))
		fail_msg("%s: %s", folder, e.msg);
	embedder_free(m);
	return out;
}

/* The tolerance is that of the issue; elements that are not normalised reach 5. */
static void compare(const char *name, const float *x, const float *want, size_t n, size_t size)
{
	for (size_t i = 0; i < n * size; i++)
		if (!(fabsf(x[i] - want[i]) <= 1e-5f))
			fail_msg("%s: text %zu, element %zu: %.9g, the reference has %.9g", name,
				i / size, i % size, (double)x[i], (double)want[i]);
}

static const char *const models[] = { "bert-odd", "bert-dense", "bert-prompt", "distilbert",
	"mpnet" };
enum { N_MODELS = sizeof models / sizeof *models };

static void test_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_MODELS; i++) {
		float *want;
		size_t n, c, size;
		struct error e = { 0 };
		if (npy_read(path_of("%s/%s/vectors.npy", golden, models[i]), arena, &want, &n, &c,
			    &e))
			fail_msg("%s", e.msg);
		const float *x = embed(path_of("%s/%s", golden, models[i]), NULL, &size);
		assert_int_equal(n, n_texts);
		assert_int_equal(c, size);
		compare(models[i], x, want, n, size);
	}
}

static void test_same_bytes(void **state)
{
	(void)state;
	int threads = omp_get_max_threads();
	for (size_t i = 0; i < N_MODELS; i++) {
		size_t size;
		const char *folder = path_of("%s/%s", golden, models[i]);
		const float *first = embed(folder, NULL, &size);
		for (int t = 1; t <= 3; t++)
			for (size_t batch = 1; batch < 100000; batch *= 40) {
				omp_set_num_threads(t);
				const struct embedder_options o = { .batch_tokens = batch };
				assert_memory_equal(first, embed(folder, &o, &size),
					n_texts * size * sizeof *first);
			}
		omp_set_num_threads(threads);
	}
}

/* Each text alone gives what it gives among others; and no text gives nothing. */
static void test_alone(void **state)
{
	(void)state;
	struct error e;
	size_t size;
	const char *folder = path_of("%s/bert-prompt", golden);
	const float *all = embed(folder, NULL, &size);
	struct embedder *m = embedder_open(folder, NULL, &e);
	float *one = ARENA_ARRAY(arena, float, size);
	for (size_t i = 0; i < n_texts; i++) {
		assert_int_equal(embedder_run(m, &texts[i], 1, one, &e), 0);
		assert_memory_equal(one, all + i * size, size * sizeof *one);
	}
	assert_int_equal(embedder_run(m, NULL, 0, NULL, &e), 0);
	assert_true(embedder_tokens(m) > n_texts);
	assert_int_equal(embedder_truncated(m), 3); /* the three that say one thing many times */
	embedder_free(m);
}

/* --- Options -------------------------------------------------------------------------------- */

static float length_of(const float *x, size_t n)
{
	double s = 0;
	for (size_t i = 0; i < n; i++)
		s += (double)x[i] * (double)x[i];
	return (float)sqrt(s);
}

static void test_options(void **state)
{
	(void)state;
	size_t size;
	const char *odd = path_of("%s/bert-odd", golden),
		   *prompt = path_of("%s/bert-prompt", golden);
	const float *plain = embed(odd, NULL, &size);
	const float *x = embed(odd, &(struct embedder_options){ .pooling = EMBEDDER_MEAN }, &size);
	assert_memory_equal(x, plain, n_texts * size * sizeof *x);
	for (int p = EMBEDDER_CLS; p <= EMBEDDER_WEIGHTEDMEAN; p++) {
		x = embed(odd, &(struct embedder_options){ .pooling = (enum embedder_pooling)p },
			&size);
		assert_memory_not_equal(x, plain, n_texts * size * sizeof *x);
	}
	x = embed(odd, &(struct embedder_options){ .normalize = EMBEDDER_NORMALIZE }, &size);
	for (size_t i = 0; i < n_texts; i++) {
		float length = length_of(plain + i * size, size);
		assert_true(fabsf(length_of(x + i * size, size) - 1) < 1e-6f);
		assert_true(fabsf(x[i * size] * length - plain[i * size]) < 1e-5f);
	}
	const struct embedder_options cut = { .truncate_dim = 4, .normalize = EMBEDDER_NORMALIZE };
	x = embed(odd, &cut, &size);
	assert_int_equal(size, 4);
	assert_true(fabsf(length_of(x, 4) - 1) < 1e-6f);
	x = embed(prompt, &(struct embedder_options){ .normalize = EMBEDDER_NORMALIZE_NOT }, &size);
	assert_true(fabsf(length_of(x, size) - 1) > 1e-3f);
	const float *query = embed(prompt, NULL, &size);
	x = embed(prompt, &(struct embedder_options){ .prompt_name = "query" }, &size);
	assert_memory_equal(x, query, n_texts * size * sizeof *x);
	x = embed(prompt, &(struct embedder_options){ .prompt = "the letter: " }, &size);
	assert_memory_equal(x, query, n_texts * size * sizeof *x);
	x = embed(prompt, &(struct embedder_options){ .prompt_name = "document" }, &size);
	assert_memory_not_equal(x, query, n_texts * size * sizeof *x);
	const float *none = embed(prompt, &(struct embedder_options){ .prompt = "" }, &size);
	assert_memory_equal(x, none, n_texts * size * sizeof *x);
	x = embed(odd, &(struct embedder_options){ .max_length = 3 }, &size);
	assert_memory_equal(x + 2 * size, plain + 2 * size, size * sizeof *x); /* "the" */
	assert_memory_not_equal(x + 8 * size, plain + 8 * size, size * sizeof *x);
	/* bfloat16 has 8 bits: two layers of it stay within a few hundredths of vectors of about 1
	 * an element */
	x = embed(odd, &(struct embedder_options){ .dtype = BF16 }, &size);
	for (size_t i = 0; i < n_texts * size; i++)
		assert_true(fabsf(x[i] - plain[i]) < 0.1f);
}

static void test_refused_options(void **state)
{
	(void)state;
	static const struct {
		const char *model;
		struct embedder_options o;
		const char *message;
	} cases[] = {
		{ "bert-odd", { .max_length = 49 },
			"a length of 49 tokens: the model has positions for 48" },
		{ "bert-odd", { .max_length = 2 },
			"a length of 2 tokens leaves none beside the 2 special" },
		{ "bert-odd", { .truncate_dim = 16 },
			"16 dimensions are wanted, the model has 15" },
		{ "bert-odd", { .prompt_name = "query" },
			"the model has no prompt query: it has none" },
		{ "bert-prompt", { .prompt_name = "passage" },
			"the model has no prompt passage: it has query, document" },
		{ "bert-odd", { .device = "gpu" }, "gpu" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error e = { 0 };
		struct embedder *m =
			embedder_open(path_of("%s/%s", golden, cases[i].model), &cases[i].o, &e);
		if (m || e.code != ERROR_USAGE || !strstr(e.msg, cases[i].message))
			fail_msg("\"%s\" does not say \"%s\"", e.msg, cases[i].message);
	}
}

/* --- Broken models -------------------------------------------------------------------------- */

static char work[] = "/tmp/heddle-embedder-XXXXXX";

static void put(const char *name, const void *data, size_t size)
{
	FILE *f = fopen(path_of("%s/%s", work, name), "wb");
	assert_non_null(f);
	fwrite(data, 1, size, f);
	fclose(f);
}

/* A copy of bert-odd in a folder of our own. */
static void copy_model(void)
{
	static const char *const files[] = { "config.json", "vocab.txt", "tokenizer_config.json",
		"model.safetensors" };
	assert_int_equal(system(path_of("rm -rf %s && mkdir %s", work, work)), 0);
	for (size_t i = 0; i < 4; i++) {
		struct slice bytes;
		assert_int_equal(
			mapping_open(path_of("%s/bert-odd/%s", golden, files[i]), &bytes, NULL), 0);
		put(files[i], bytes.data, bytes.size);
		mapping_close(bytes);
	}
}

static void expect(const char *story, int code, const char *message)
{
	struct error e = { 0 };
	struct embedder *m = embedder_open(work, NULL, &e);
	float out[64];
	int result = m ? embedder_run(m, &SLICE("the loom"), 1, out, &e) : -1;
	if (result == 0 || e.code != code || !strstr(e.msg, message))
		fail_msg("%s: exit %d \"%s\" does not say \"%s\"", story, e.code, e.msg, message);
	embedder_free(m);
}

static const struct {
	const char *story, *file, *text; /* text NULL: the file is removed */
	const char *message;
} broken[] = {
	{ "no config.json", "config.json", NULL, "there is no config.json" },
	{ "no weights", "model.safetensors", NULL, "there is no model.safetensors" },
	{ "no tokenizer", "vocab.txt", NULL, "" },
	{ "config.json is no JSON", "config.json", "{", "config.json" },
	{ "config.json is no object", "config.json", "[]", "should hold an object" },
	{ "no model_type", "config.json", "{}", "model_type is missing" },
	{ "a model_type that is not known", "config.json", "{\"model_type\":\"x\"}",
		"model_type x is not supported: only bert, distilbert, mpnet" },
	{ "heads that do not divide", "config.json",
		"{\"model_type\":\"bert\",\"hidden_size\":15,\"num_attention_heads\":4}",
		"4 attention heads do not divide a hidden size of 15" },
	{ "no heads", "config.json", "{\"model_type\":\"bert\",\"num_attention_heads\":0}",
		"num_attention_heads should be a whole number from 1" },
	{ "a size that is a text", "config.json",
		"{\"model_type\":\"bert\",\"hidden_size\":\"15\"}",
		"hidden_size should be a whole number" },
	{ "an activation that is not known", "config.json",
		"{\"model_type\":\"bert\",\"hidden_act\":\"silu\"}",
		"the activation \"silu\" is not known" },
	{ "relative positions", "config.json",
		"{\"model_type\":\"bert\",\"position_embedding_type\":\"relative_key\"}",
		"position_embedding_type" },
	{ "a decoder", "config.json", "{\"model_type\":\"bert\",\"is_decoder\":true}",
		"is_decoder" },
	{ "a hidden size that the weights do not have", "config.json",
		"{\"model_type\":\"bert\",\"hidden_size\":16,\"num_attention_heads\":4,\"vocab_"
		"size\":215}",
		"has the shape" },
	{ "weights that are no safetensors file", "model.safetensors", "nonsense", "safetensors" },
	{ "weights cut short", "model.safetensors", "\x40\0\0\0\0\0\0", "too short" },
	{ "a vocabulary without [UNK]", "vocab.txt", "[PAD]\n[CLS]\n[SEP]\nthe\nloom\n", "[UNK]" },
	{ "modules.json is no array", "modules.json", "{}", "should hold an array" },
	{ "no modules", "modules.json", "[]", "there are no modules" },
	{ "a module that is not known", "modules.json",
		"[{\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
		"{\"path\":\"1\",\"type\":\"sentence_transformers.models.LSTM\"}]",
		"module 1 of type sentence_transformers.models.LSTM is not supported" },
	{ "a module outside of the folder", "modules.json",
		"[{\"path\":\"../x\",\"type\":\"sentence_transformers.models.Transformer\"}]",
		"folder in this one" },
	{ "no pooling", "modules.json",
		"[{\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"}]",
		"there is no Pooling" },
	{ "a pooling without its config", "modules.json",
		"[{\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
		"{\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"}]",
		"1_Pooling/config.json: there is no such file" },
	{ "prompts that are no object", "config_sentence_transformers.json", "{\"prompts\":[]}",
		"prompts should be an object" },
	{ "a default prompt that is not there", "config_sentence_transformers.json",
		"{\"prompts\":{\"a\":\"b\"},\"default_prompt_name\":\"c\"}", "names no prompt" },
	{ "max_seq_length that is a text", "sentence_bert_config.json",
		"{\"max_seq_length\":\"9\"}", "max_seq_length should be a whole number" },
	{ "a task that is another", "sentence_bert_config.json",
		"{\"transformer_task\":\"fill-mask\"}", "transformer_task" },
};

static void test_broken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		copy_model();
		if (broken[i].text)
			put(broken[i].file, broken[i].text, strlen(broken[i].text));
		else
			assert_int_equal(unlink(path_of("%s/%s", work, broken[i].file)), 0);
		expect(broken[i].story, ERROR_MODEL, broken[i].message);
	}
}

/* Write bert-odd's weights again with one tensor changed: its element at `at` becomes x; rows: how
 * many are kept. */
static void rewrite(const char *name, size_t at, float x, size_t rows)
{
	copy_model();
	struct error e;
	struct tensor_file *f =
		tensor_file_open(path_of("%s/bert-odd/model.safetensors", golden), &e);
	struct tensor_writer *w = tensor_writer_new();
	for (size_t i = 0; i < tensor_file_count(f); i++) {
		const struct file_tensor *t = tensor_file_at(f, i);
		char *full = arena_string(arena, t->name);
		float *data = ARENA_ARRAY(arena, float, t->count);
		memcpy(data, t->data.data, t->data.size);
		size_t shape[FILE_DIMS];
		memcpy(shape, t->shape, sizeof shape);
		if (strcmp(full, name) == 0) {
			data[at] = x;
			shape[0] = rows ? rows : shape[0];
		}
		tensor_writer_add(w, full, FILE_F32, t->n_dims, shape, data);
	}
	assert_int_equal(tensor_writer_save(w, path_of("%s/model.safetensors", work), &e), 0);
	tensor_writer_free(w);
	tensor_file_close(f);
}

static void test_broken_weights(void **state)
{
	(void)state;
	rewrite("encoder.layer.1.attention.self.key.weight", 7, NAN, 0);
	expect("a NaN in a matrix", ERROR_MODEL,
		"encoder.layer.1.attention.self.key.weight holds values that are not finite");
	rewrite("encoder.layer.0.output.LayerNorm.bias", 0, INFINITY, 0);
	expect("an infinite bias", ERROR_MODEL, "LayerNorm.bias holds values that are not finite");
	rewrite("embeddings.position_embeddings.weight", 15, NAN, 0);
	expect("a NaN in an embedding shows when it is used", ERROR_MODEL, "not finite");
	rewrite("embeddings.word_embeddings.weight", 0, 0, 100);
	expect("fewer embeddings than config.json says", ERROR_MODEL, "has the shape [100, 15]");
	char config[] = "{\"model_type\":\"bert\",\"vocab_size\":100,\"hidden_size\":15,\"num_"
			"hidden_layers\":2,"
			"\"num_attention_heads\":3,\"intermediate_size\":29,\"max_position_"
			"embeddings\":48}";
	put("config.json", config, sizeof config - 1);
	expect("ids beyond the embeddings", ERROR_MODEL, "the tokenizer has ids up to");
}

static void test_missing(void **state)
{
	(void)state;
	struct error e = { 0 };
	unsetenv("HEDDLE_MODELS");
	setenv("HF_HUB_CACHE", work, 1);
	assert_null(embedder_open("no-such-model", NULL, &e));
	assert_int_equal(e.code, ERROR_NO_INPUT);
	assert_non_null(strstr(e.msg, "there is no model \"no-such-model\""));
	assert_null(embedder_open(path_of("%s/texts.jsonl", golden), NULL, &e));
	assert_non_null(strstr(e.msg, "a model is a folder"));
	/* in HEDDLE_MODELS, and in the cache under sentence-transformers */
	setenv("HEDDLE_MODELS", path_of("/nowhere::%s", golden), 1);
	struct embedder *m = embedder_open("bert-odd", NULL, &e);
	assert_non_null(m);
	embedder_free(m);
	unsetenv("HEDDLE_MODELS");
	copy_model();
	assert_int_equal(
		system(path_of("cd %s && d=models--sentence-transformers--tiny && mkdir -p $d/refs "
			       "$d/snapshots/0a1b && printf 0a1b >$d/refs/main && mv *.json *.txt "
			       "*.safetensors $d/snapshots/0a1b",
			work)),
		0);
	m = embedder_open("tiny", NULL, &e);
	if (!m)
		fail_msg("%s", e.msg);
	embedder_free(m);
	m = embedder_open("sentence-transformers/tiny", NULL, &e);
	assert_non_null(m);
	embedder_free(m);
	assert_int_equal(
		system(path_of(
			"rm -r %s/models--sentence-transformers--tiny/snapshots/0a1b", work)),
		0);
	assert_null(embedder_open("tiny", NULL, &e));
	assert_int_equal(e.code, ERROR_MODEL);
	assert_non_null(strstr(e.msg, "refs/main names no snapshot"));
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(work) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return system(path_of("rm -rf %s", work));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_refused_options),
		cmocka_unit_test_setup_teardown(test_broken, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_broken_weights, NULL, remove_folder),
		cmocka_unit_test_setup_teardown(test_missing, NULL, remove_folder),
	};
	return cmocka_run_group_tests(tests, read_texts, forget_texts);
}
