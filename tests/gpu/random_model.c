/*
 * random_model.c: writes model.safetensors of all-MiniLM-L6-v2's shape with random weights, 90 MB,
 * so that the kit (mk/gpu.mk) need not carry it: a card must give the processor's bits, and be as
 * fast, whatever the weights. usage: random_model FILE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/memory.h"
#include "lib/base/random.h"
#include "lib/file/safetensors.h"

enum { LAYERS = 6, WIDTH = 384, WIDE = 1536, VOCABULARY = 30522, POSITIONS = 512, TYPES = 2 };

static struct tensor_writer *writer;
static uint64_t stream;

/* A tensor of uniform numbers in (-size, size) + shift; columns 0: a vector. */
static void add(const char *name, size_t rows, size_t columns, float size, float shift)
{
	size_t n = rows * (columns ? columns : 1);
	float *x = MEM_ARRAY(float, n); /* kept until the file is written */
	stream++;
	for (size_t i = 0; i < n; i++)
		x[i] = (random_float(random_bits(1, stream, i)) * 2 - 1) * size + shift;
	tensor_writer_add(writer, name, FILE_F32, columns ? 2 : 1, (size_t[]){ rows, columns }, x);
}

static void add_norm(const char *name)
{
	char full[256];
	snprintf(full, sizeof full, "%s.weight", name);
	add(full, WIDTH, 0, 0.3f, 1);
	snprintf(full, sizeof full, "%s.bias", name);
	add(full, WIDTH, 0, 0.1f, 0);
}

static void add_linear(size_t layer, const char *name, size_t n, size_t k)
{
	char full[128];
	snprintf(full, sizeof full, "encoder.layer.%zu.%s.weight", layer, name);
	add(full, n, k, 0.08f, 0);
	snprintf(full, sizeof full, "encoder.layer.%zu.%s.bias", layer, name);
	add(full, n, 0, 0.1f, 0);
}

int main(int argc, char **argv)
{
	struct error e;
	char name[128];
	if (argc != 2)
		return 2;
	writer = tensor_writer_new();
	add("embeddings.word_embeddings.weight", VOCABULARY, WIDTH, 0.1f, 0);
	add("embeddings.token_type_embeddings.weight", TYPES, WIDTH, 0.1f, 0);
	add("embeddings.position_embeddings.weight", POSITIONS, WIDTH, 0.1f, 0);
	add_norm("embeddings.LayerNorm");
	for (size_t l = 0; l < LAYERS; l++) {
		add_linear(l, "attention.self.query", WIDTH, WIDTH);
		add_linear(l, "attention.self.key", WIDTH, WIDTH);
		add_linear(l, "attention.self.value", WIDTH, WIDTH);
		add_linear(l, "attention.output.dense", WIDTH, WIDTH);
		add_linear(l, "intermediate.dense", WIDE, WIDTH);
		add_linear(l, "output.dense", WIDTH, WIDE);
		snprintf(name, sizeof name, "encoder.layer.%zu.attention.output.LayerNorm", l);
		add_norm(name);
		snprintf(name, sizeof name, "encoder.layer.%zu.output.LayerNorm", l);
		add_norm(name);
	}
	if (tensor_writer_save(writer, argv[1], &e)) {
		fprintf(stderr, "random_model: %s\n", e.msg);
		return 1;
	}
	tensor_writer_free(writer);
	return 0;
}
