/*
 * Distilling a static model:
 *	x[i] = what the encoder and its pooling give for token i alone, between the special tokens
 *	y = (x - mean) components', the principal components of all of them (lib/learn/pca.h),
 *	component k divided by its standard deviation to the power `whiten`
 *	p[i] = Zipf's law: 1 / (i + 2) in order of the vocabulary, which is about that of
 *	frequency, over its sum
 *	y = y - remove * sum p[i] y[i], row i times a / (a + p[i])
 *	row i in int8, its largest magnitude at 127, and weights[i] = the weight times what int8
 *	was scaled by
 * Special and unused tokens ("[…]") have weight 0.
 */
#include "lib/model/distil.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/base/math64.h"
#include "lib/file/mapping.h"
#include "lib/learn/pca.h"
#include "lib/model/embedder_private.h"
#include "lib/model/folder.h"
#include "lib/record/record.h"

/* What is distilled and what has come of it so far. */
struct distil {
	const struct distil_options *options;
	struct embedder *m;
	struct arena *arena;
	size_t n, c, d; /* tokens, dimensions of the model and of the result */
	bool *kept; /* [n] */
	float *rows; /* [n, c], then [n, d] */
	int8_t *bytes; /* [n, d] */
	float *weights; /* [n] */
};

/* "[CLS]", "[unused7]": no words. */
static bool is_special(const struct tokenizer *t, uint32_t id)
{
	struct slice token = tokenizer_token(t, id);
	bool brackets = token.size > 2 && token.data[0] == '[' && token.data[token.size - 1] == ']';
	return token.size == 0 || brackets || tokenizer_is_special(t, id);
}

/* The tokens of a text of one token, and where that stands: [CLS] x [SEP]. */
static int find_frame(struct distil *s, struct encoding *frame, size_t *place, struct error *e)
{
	struct tokenizer_options o = {
		.add_special = true, .special_mask = true, .type_ids = true
	};
	if (tokenizer_encode(s->m->tokenizer, NULL, SLICE("a"), NULL, &o, s->arena, frame, e))
		return -1;
	size_t words = 0;
	for (size_t i = 0; i < frame->n; i++)
		if (!frame->special_mask[i]) {
			*place = i;
			words++;
		}
	if (words != 1)
		return error_set(e, ERROR_MODEL, "the tokenizer has no token for the letter a");
	return 0;
}

/* Every token through the encoder; those left out stay 0. */
static int encode(struct distil *s, struct error *e)
{
	struct encoding frame;
	size_t place = 0, k = 0;
	if (find_frame(s, &frame, &place, e))
		return -1;
	struct encoding *all = ARENA_ARRAY(s->arena, struct encoding, s->n);
	size_t *which = ARENA_ARRAY(s->arena, size_t, s->n);
	for (size_t i = 0; i < s->n; i++) {
		s->kept[i] = !is_special(s->m->tokenizer, (uint32_t)i);
		if (!s->kept[i])
			continue;
		uint32_t *ids = ARENA_ARRAY(s->arena, uint32_t, frame.n);
		memcpy(ids, frame.ids, frame.n * sizeof *ids);
		ids[place] = (uint32_t)i;
		all[k] = (struct encoding){ .n = frame.n, .ids = ids, .type_ids = frame.type_ids };
		which[k++] = i;
	}
	if (k < 2)
		return error_set(e, ERROR_MODEL, "the vocabulary has no words");
	float *rows = MEM_ARRAY(float, size_mul(k, s->c));
	int result = embedder_run_tokens(s->m, all, k, rows, e);
	if (!result) {
		/* components of the words alone; the others stay at the mean, and weigh nothing */
		struct pca pca;
		float *out = mem_zero(size_mul(k, s->d), sizeof *out);
		pca_fit(&pca, s->m->device, rows, k, s->c, s->d, out, s->arena);
		result = device_sync(s->m->device, e);
		double *scale = ARENA_ARRAY(s->arena, double, s->d);
		for (size_t j = 0; j < s->d; j++)
			scale[j] = pca.variance[j] > 0
					   ? math_pow64(pca.variance[j], -s->options->whiten / 2)
					   : 0;
		for (size_t i = 0; i < k; i++)
			for (size_t j = 0; j < s->d; j++)
				s->rows[which[i] * s->d + j] =
					(float)((double)out[i * s->d + j] * scale[j]);
		mem_free(out);
	}
	mem_free(rows);
	return result;
}

/* Frequencies, the common direction, weights. */
static void weigh(struct distil *s)
{
	double total = 0, *p = mem_zero(s->n, sizeof *p), *mean = mem_zero(s->d, sizeof *mean);
	size_t rank = 0;
	for (size_t i = 0; i < s->n; i++)
		if (s->kept[i])
			total += p[i] = 1 / (double)(rank++ + 2);
	for (size_t i = 0; i < s->n; i++) {
		p[i] /= total;
		for (size_t k = 0; k < s->d; k++)
			mean[k] += p[i] * (double)s->rows[i * s->d + k];
	}
	for (size_t i = 0; i < s->n; i++) {
		double a = s->options->sif;
		s->weights[i] = s->kept[i] ? (float)(a > 0 ? a / (a + p[i]) : 1) : 0;
		for (size_t k = 0; k < s->d && s->kept[i]; k++)
			s->rows[i * s->d + k] -= (float)(s->options->remove * mean[k]);
	}
	mem_free(p);
	mem_free(mean);
}

static void quantize(struct distil *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const float *row = s->rows + i * s->d;
		float largest = 0;
		for (size_t k = 0; k < s->d; k++)
			largest = fmaxf(largest, fabsf(row[k]));
		if (largest == 0 || s->weights[i] == 0) {
			s->weights[i] = 0;
			continue;
		}
		float scale = largest / 127;
		for (size_t k = 0; k < s->d; k++)
			s->bytes[i * s->d + k] = (int8_t)rintf(fminf(row[k] / scale, 127));
		s->weights[i] *= scale;
	}
}

/* --- The folder ---------------------------------------------------------------------------- */

static int write_text(const char *folder, const char *name, struct slice text, struct arena *arena,
	struct error *e)
{
	return output_file(folder_path(folder, name, arena), text, e);
}

/* The tokenizer's own files: vocab.txt is a third of tokenizer.json's size, but holds only
 * WordPiece. */
static int copy_tokenizer(struct distil *s, const char *to, struct error *e)
{
	static const char *const names[] = { "tokenizer.json", "vocab.txt",
		"tokenizer_config.json" };
	const char *from = s->m->sentence.folder;
	for (size_t i = 0; i < 3; i++) {
		struct slice bytes;
		if (!folder_has(from, names[i]) || (i == 1 && folder_has(from, names[0])))
			continue;
		if (mapping_open(folder_path(from, names[i], s->arena), &bytes, e))
			return -1;
		int result = write_text(to, names[i], bytes, s->arena, e);
		mapping_close(bytes);
		if (result)
			return -1;
	}
	return 0;
}

static void add_number(struct tensor_writer *w, const char *key, double x)
{
	struct buffer b = { NULL, 0, 0 };
	json_write_double(&b, x);
	tensor_writer_metadata(w, key, buffer_view(&b));
	buffer_free(&b);
}

static int write_folder(struct distil *s, const char *name, const char *to, struct error *e)
{
	static const char modules[] =
		"[{\"idx\": 0, \"name\": \"0\", \"path\": \"\", "
		"\"type\": \"sentence_transformers.models.StaticEmbedding\"}, "
		"{\"idx\": 1, \"name\": \"1\", \"path\": \"1_Normalize\", "
		"\"type\": \"sentence_transformers.models.Normalize\"}]\n";
	static const char config[] =
		"{\"model_type\": \"model2vec\", \"architectures\": "
		"[\"StaticModel\"], \"normalize\": true, \"seq_length\": 1000000}\n";
	if (mkdir(to, 0777) && errno != EEXIST)
		return error_set(e, ERROR_IO, "%s: %s", to, strerror(errno));
	const char *base = strrchr(name, '/');
	struct tensor_writer *w = tensor_writer_new();
	tensor_writer_metadata(w, "distilled_from", slice_from(base && base[1] ? base + 1 : name));
	add_number(w, "sif", s->options->sif);
	add_number(w, "remove", s->options->remove);
	add_number(w, "whiten", s->options->whiten);
	tensor_writer_add(w, "embeddings", FILE_I8, 2, (size_t[]){ s->n, s->d }, s->bytes);
	tensor_writer_add(w, "weights", FILE_F32, 1, &s->n, s->weights);
	int result = tensor_writer_save(w, folder_path(to, "model.safetensors", s->arena), e);
	tensor_writer_free(w);
	if (result || write_text(to, "config.json", slice_from(config), s->arena, e) ||
		write_text(to, "modules.json", slice_from(modules), s->arena, e))
		return -1;
	return copy_tokenizer(s, to, e);
}

static int distil(struct distil *s, const char *name, const char *to, struct error *e)
{
	const struct embedder_options options = {
		.normalize = EMBEDDER_NORMALIZE_NOT, .prompt = "", .device = s->options->device
	};
	s->m = embedder_open(name, &options, e);
	if (!s->m)
		return -1;
	if (!s->m->architecture)
		return error_set(e, ERROR_USAGE, "%s is a static model already", name);
	s->n = tokenizer_vocab_size(s->m->tokenizer);
	s->c = embedder_size(s->m);
	s->d = s->options->dimensions;
	if (s->d > s->c)
		return error_set(
			e, ERROR_USAGE, "%zu dimensions are wanted, the model has %zu", s->d, s->c);
	s->kept = ARENA_ARRAY(s->arena, bool, s->n);
	s->rows = arena_zero(s->arena, s->n, size_mul(s->d, sizeof *s->rows));
	s->bytes = arena_zero(s->arena, s->n, s->d);
	s->weights = ARENA_ARRAY(s->arena, float, s->n);
	if (encode(s, e))
		return -1;
	weigh(s);
	quantize(s);
	return write_folder(s, name, to, e);
}

int model_distil(
	const char *name, const char *to, const struct distil_options *options, struct error *e)
{
	struct distil s = { .options = options, .arena = arena_new() };
	int result = distil(&s, name, to, e);
	embedder_free(s.m);
	arena_free(s.arena);
	return result;
}
