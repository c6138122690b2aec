/*
 * encoder.c: a whole encoder with random weights, MiniLM-L6's shape or MPNet's, as a model calls
 * the operations: groups of whole sequences through all layers. Prints GFLOP/s of CPU time beside
 * the bare products of the same shapes alone, and a hash of the result, which must be the same for
 * every HEDDLE_CPU and number of threads. The mark is 0.85 of the bare products. usage: encoder
 * [minilm|mpnet|both] [f32|bf16] [sequences length threads]
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <omp.h>

#include "tests/bench/kernels.h"

enum { ROUNDS = 5 };

struct shape {
	const char *name;
	size_t layers, width, heads, wide;
};

struct layer {
	struct weight *qkv, *out, *up, *down;
	struct norm attention, feed_forward;
};

struct encoder {
	struct shape shape;
	struct layer layers[12];
	float *x, *y; /* [tokens, width] */
	size_t *offsets, *groups, n_groups, tokens, sequences;
};

static struct weight *weights(struct device *d, enum dtype dtype, size_t n, size_t k)
{
	float *w = bench_numbers(n * k, 0.12f, 0), *b = bench_numbers(n, 0.1f, 0);
	struct weight *r = weight_new(d, dtype, n, k, k, w, b);
	mem_free(w);
	mem_free(b);
	return r;
}

static struct norm norm(struct device *d, size_t n)
{
	return (struct norm){ tensor_upload(d, F32, n, 0, bench_numbers(n, 0.3f, 1)),
		tensor_upload(d, F32, n, 0, bench_numbers(n, 0.1f, 0)), 1e-12f };
}

/* One group of sequences through all layers. */
static void forward(void *context, struct device *d, size_t g)
{
	struct encoder *e = context;
	size_t c = e->shape.width, first = e->groups[g], n = e->groups[g + 1] - first;
	const size_t *from = e->offsets + first;
	size_t tokens = from[n] - from[0], *cu = MEM_ARRAY(size_t, n + 1);
	for (size_t b = 0; b <= n; b++)
		cu[b] = from[b] - from[0];
	struct tensor x = tensor_matrix(d, F32, tokens, c),
		      qkv = tensor_matrix(d, F32, tokens, 3 * c);
	struct tensor context_ = tensor_matrix(d, F32, tokens, c);
	tensor_write(d, x, e->x + from[0] * c);
	float scale = 1 / sqrtf((float)(c / e->shape.heads));
	for (size_t l = 0; l < e->shape.layers; l++) {
		struct layer *w = &e->layers[l];
		op_linear(d, qkv, x, w->qkv, ACTIVATION_NONE);
		op_attention(d, context_, tensor_columns(qkv, 0, c), tensor_columns(qkv, c, c),
			tensor_columns(qkv, 2 * c, c), n, cu, e->shape.heads, scale, TENSOR_NONE,
			SIZE_MAX, F32);
		op_linear_norm(d, x, context_, w->out, x, w->attention);
		op_feed_forward(d, x, x, w->up, ACTIVATION_GELU, w->down, w->feed_forward);
	}
	tensor_read(d, x, e->y + from[0] * c);
	mem_free(cu);
}

static double whole(struct device *d, struct encoder *e)
{
	double best = INFINITY;
	for (int r = 0; r < ROUNDS; r++) {
		double t = cpu_seconds();
		device_parallel(d, e->n_groups, forward, e);
		t = cpu_seconds() - t;
		best = t < best ? t : best;
	}
	return best;
}

/* The products of the layers alone, on the rows of a group, as often as there are tokens. */
static double bare(struct device *d, struct encoder *e)
{
	size_t rows = device_group_tokens(d), c = e->shape.width, f = e->shape.wide;
	struct arena_mark mark = device_mark(d);
	struct tensor x = tensor_matrix(d, F32, rows, c), y = tensor_matrix(d, F32, rows, 3 * c);
	struct tensor z = tensor_matrix(d, F32, rows, f);
	double best = INFINITY;
	memset(x.data, 0, rows * c * sizeof(float));
	memset(z.data, 0, rows * f * sizeof(float));
	for (int r = 0; r < ROUNDS; r++) {
		double t = cpu_seconds();
		for (size_t l = 0; l < e->shape.layers; l++) {
			struct layer *w = &e->layers[l];
			op_linear(d, y, x, w->qkv, ACTIVATION_NONE);
			op_linear(d, tensor_columns(y, 0, c), x, w->out, ACTIVATION_NONE);
			op_linear(d, z, x, w->up, ACTIVATION_NONE);
			op_linear(d, tensor_columns(y, 0, c), z, w->down, ACTIVATION_NONE);
		}
		t = cpu_seconds() - t;
		best = t < best ? t : best;
	}
	device_reset(d, mark);
	double layer = 2. * (double)rows * (double)c * (4. * (double)c + 2. * (double)f);
	return layer * (double)e->shape.layers / best;
}

static void run(
	struct device *d, enum dtype dtype, struct shape shape, size_t sequences, size_t length)
{
	struct encoder e = { .shape = shape, .sequences = sequences };
	size_t c = shape.width;
	for (size_t l = 0; l < shape.layers; l++)
		e.layers[l] = (struct layer){ weights(d, dtype, 3 * c, c), weights(d, dtype, c, c),
			weights(d, dtype, shape.wide, c), weights(d, dtype, c, shape.wide),
			norm(d, c), norm(d, c) };
	e.tokens = sequences * length;
	e.offsets = MEM_ARRAY(size_t, sequences + 1);
	e.groups = MEM_ARRAY(size_t, sequences + 1);
	e.groups[0] = 0;
	for (size_t s = 0; s <= sequences; s++)
		e.offsets[s] = s * length;
	for (size_t s = 1; s <= sequences; s++)
		if (s == sequences ||
			(s + 1 - e.groups[e.n_groups]) * length > device_group_tokens(d))
			e.groups[++e.n_groups] = s;
	e.x = bench_numbers(e.tokens * c, 1.5f, 0);
	e.y = MEM_ARRAY(float, e.tokens *c);
	double seconds = whole(d, &e), rate = bare(d, &e), n = (double)length;
	double flops =
		(double)e.tokens * (double)shape.layers *
		(2. * (double)c * (4. * (double)c + 2. * (double)shape.wide) + 4. * n * (double)c);
	uint64_t hash = 0;
	for (size_t i = 0; i < e.tokens * c; i++) {
		uint32_t bits;
		memcpy(&bits, &e.y[i], sizeof bits);
		hash = random_mix(hash ^ bits);
	}
	printf("%-7s %s %s, %zu x %zu: whole %.1f, products alone %.1f GFLOP/s a core, ratio %.3f; "
	       "hash %016lx\n",
		shape.name, device_name(d), dtype == F32 ? "f32" : "bf16", sequences, length,
		flops / seconds * 1e-9, rate * 1e-9, flops / seconds / rate, (unsigned long)hash);
	for (size_t l = 0; l < shape.layers; l++) {
		weight_free(e.layers[l].qkv);
		weight_free(e.layers[l].out);
		weight_free(e.layers[l].up);
		weight_free(e.layers[l].down);
	}
	mem_free(e.offsets);
	mem_free(e.groups);
	mem_free(e.x);
	mem_free(e.y);
}

int main(int argc, char **argv)
{
	static const struct shape shapes[] = { { "minilm", 6, 384, 12, 1536 },
		{ "mpnet", 12, 768, 12, 3072 } };
	const char *which = argc > 1 ? argv[1] : "both";
	enum dtype dtype = argc > 2 && strcmp(argv[2], "bf16") == 0 ? BF16 : F32;
	size_t sequences = argc > 3 ? strtoul(argv[3], NULL, 10) : 8;
	size_t length = argc > 4 ? strtoul(argv[4], NULL, 10) : 200;
	omp_set_num_threads(argc > 5 ? atoi(argv[5]) : 1);
	struct device *d = bench_device();
	if (!d)
		return 69;
	for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
		if (strcmp(which, "both") == 0 || strcmp(which, shapes[s].name) == 0)
			run(d, dtype, shapes[s], sequences, length);
	device_free(d);
	return 0;
}
