/*
 * bench_gpu.cu: rates of the operations on a card beside what the card can do: bytes copied a
 * second, float32 multiply-adds a second on CUDA cores, cuBLASLt's own best matrix products where its
 * library is found. The best of some rounds by wall time. usage: bench_gpu [SECTION...], of limits
 * products attention encoder umap learning nearest; by default all.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gpu/cuda/cuda.h"
#include "gpu/cuda/cublaslt.h"

extern "C" {
#include "gpu/ops_centers.h"
#include "gpu/ops_moments.h"
}

static struct device *device;

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of one call, the best of `rounds` of `calls` each, after one that is not counted. */
template <typename F> static double best_of(int rounds, int calls, F call)
{
	double best = 1e30;
	struct error e;
	for (int r = 0; r <= rounds; r++) {
		double start = now_s();
		for (int i = 0; i < (r ? calls : 1); i++)
			call();
		(void)cudaDeviceSynchronize();
		double t = (now_s() - start) / calls;
		best = r && t < best ? t : best;
	}
	if (device_sync(device, &e)) {
		fprintf(stderr, "bench_gpu: %s\n", e.msg);
		exit(1);
	}
	return best;
}

static float *numbers(size_t n, float size)
{
	static uint64_t stream;
	float *x = (float *)mem_alloc(n * sizeof *x);
	stream++;
#pragma omp parallel for
	for (size_t i = 0; i < n; i++)
		x[i] = (random_float(random_bits(1, stream, i)) * 2 - 1) * size;
	return x;
}

static struct tensor random_matrix(size_t rows, size_t columns, float size)
{
	float *x = numbers(rows * columns, size);
	struct tensor t = tensor_matrix(device, F32, rows, columns);
	tensor_write(device, t, x);
	mem_free(x);
	return t;
}

/* --- what the card can do --- */

static __global__ void fma_kernel(float *y, float a, float b)
{
	float c[16];
#pragma unroll
	for (int i = 0; i < 16; i++)
		c[i] = (float)(threadIdx.x + i);
#pragma unroll 1
	for (int k = 0; k < 4096; k++)
#pragma unroll
		for (int i = 0; i < 16; i++)
			c[i] = math_fma(c[i], a, b);
	float sum = 0;
#pragma unroll
	for (int i = 0; i < 16; i++)
		sum += c[i];
	if (sum == 12345)
		*y = sum;
}

static void limits(void)
{
	size_t size = (size_t)4 << 30;
	char *a = NULL, *b = NULL;
	if (cudaMalloc(&a, size) == cudaSuccess && cudaMalloc(&b, size) == cudaSuccess) {
		double t = best_of(5, 3,
			[&] { (void)cudaMemcpyAsync(b, a, size, cudaMemcpyDeviceToDevice, 0); });
		printf("copy on the card            %8.1f GB/s, read and written\n",
			2e-9 * (double)size / t);
	}
	double t =
		best_of(5, 3, [&] { fma_kernel<<<132 * 8 * 4, 256>>>((float *)a, 0.5f, 0.25f); });
	printf("float32 multiply-adds       %8.1f TFLOP/s\n",
		2. * 132 * 8 * 4 * 256 * 4096 * 16 / t * 1e-12);
	(void)cudaFree(a);
	(void)cudaFree(b);
}

/* --- cuBLASLt --- */

/* Random numbers of 4 bytes, or the upper halves of such; all the same would cost less power. */
static void *random_elements(size_t n, size_t element)
{
	float *x = numbers(n, 1);
	char *upper = reinterpret_cast<char *>(x);
	void *y = NULL;
	for (size_t i = 0; element == 2 && i < n; i++)
		memmove(upper + 2 * i, upper + 4 * i + 2, 2);
	(void)cudaMalloc(&y, n * element);
	(void)cudaMemcpy(y, x, n * element, cudaMemcpyHostToDevice);
	mem_free(x);
	return y;
}

/* y [m, n] = x [m, k] w [n, k]^T as Lt sees it: column-major, w transposed. The best of the
 * algorithms that its heuristic offers; 0 where the library is not there. */
static double cublaslt_seconds(enum dtype dtype, size_t m, size_t n, size_t k)
{
	static void *library;
	library = library ? library : dlopen("libcublasLt.so.13", RTLD_LAZY);
	library = library ? library : dlopen("libcublasLt.so.12", RTLD_LAZY);
	if (!library)
		return 0;
#define LT(name) auto name##_ = reinterpret_cast<decltype(&name)>(dlsym(library, #name))
	LT(cublasLtCreate);
	LT(cublasLtMatmulDescCreate);
	LT(cublasLtMatmulDescSetAttribute);
	LT(cublasLtMatrixLayoutCreate);
	LT(cublasLtMatmulPreferenceCreate);
	LT(cublasLtMatmulPreferenceSetAttribute);
	LT(cublasLtMatmulAlgoGetHeuristic);
	LT(cublasLtMatmul);
	static cublasLtHandle_t handle;
	if (!handle && cublasLtCreate_(&handle) != CUBLAS_STATUS_SUCCESS)
		return 0;
	cudaDataType_t type = dtype == BF16 ? CUDA_R_16BF : dtype == F16 ? CUDA_R_16F : CUDA_R_32F;
	cublasComputeType_t compute =
		dtype == TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
	size_t element = type == CUDA_R_32F ? 4 : 2, space = (size_t)64 << 20;
	cublasLtMatmulDesc_t desc;
	cublasLtMatrixLayout_t lx, lw, ly;
	cublasLtMatmulPreference_t preference;
	cublasOperation_t transposed = CUBLAS_OP_T;
	(void)cublasLtMatmulDescCreate_(&desc, compute, CUDA_R_32F);
	(void)cublasLtMatmulDescSetAttribute_(
		desc, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed);
	(void)cublasLtMatrixLayoutCreate_(&lw, type, k, n, (int64_t)k);
	(void)cublasLtMatrixLayoutCreate_(&lx, type, k, m, (int64_t)k);
	(void)cublasLtMatrixLayoutCreate_(&ly, type, n, m, (int64_t)n);
	(void)cublasLtMatmulPreferenceCreate_(&preference);
	(void)cublasLtMatmulPreferenceSetAttribute_(
		preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &space, sizeof space);
	cublasLtMatmulHeuristicResult_t found[8];
	int n_found = 0;
	(void)cublasLtMatmulAlgoGetHeuristic_(
		handle, desc, lw, lx, ly, ly, preference, 8, found, &n_found);
	void *x = random_elements(m * k, element), *w = random_elements(n * k, element);
	void *y = NULL, *work = NULL;
	(void)cudaMalloc(&y, m * n * element);
	(void)cudaMalloc(&work, space);
	double best = 0;
	float one = 1, zero = 0;
	for (int i = 0; i < n_found; i++) {
		double t = best_of(3, 10, [&] {
			(void)cublasLtMatmul_(handle, desc, &one, w, lw, x, lx, &zero, y, ly, y, ly,
				&found[i].algo, work, space, 0);
		});
		best = best == 0 || t < best ? t : best;
	}
	(void)cudaFree(x);
	(void)cudaFree(w);
	(void)cudaFree(y);
	(void)cudaFree(work);
	return best;
}

static struct norm random_norm(size_t n)
{
	struct tensor gamma = tensor_vector(device, F32, n);
	float *x = numbers(n, 1);
	tensor_write(device, gamma, x);
	mem_free(x);
	return { gamma, gamma, 1e-12f };
}

/* A matrix as a layer hands it on to a product with w: in the fast modes with a twin. */
static struct tensor twin_rows(size_t rows, const struct weight *w, size_t k)
{
	struct tensor x = tensor_twin(device, random_matrix(rows, k, 1), weight_activation(w));
	op_norm(device, x, x, random_norm(k));
	return x;
}

static struct weight *random_weight(enum dtype dtype, size_t n, size_t k)
{
	float *w = numbers(n * k, 0.1f), *bias = numbers(n, 1);
	struct weight *weight = weight_new(device, dtype, n, k, k, w, bias);
	mem_free(w);
	mem_free(bias);
	return weight;
}

static const char *const dtype_names[] = { "f32", "bf16", "f16", "tf32" };

/* Into floats; into the type that the next product wants, alone and with GELU. */
static void product(enum dtype dtype, size_t m, size_t n, size_t k)
{
	struct arena_mark mark = device_mark(device);
	struct weight *w = random_weight(dtype, n, k);
	struct tensor x = twin_rows(m, w, k), y = tensor_matrix(device, F32, m, n);
	struct tensor z = tensor_matrix(device, weight_activation(w), m, n);
	double flops = 2. * (double)m * (double)n * (double)k;
	double own = best_of(5, 10, [&] { op_linear(device, y, x, w, ACTIVATION_NONE); });
	double next = best_of(5, 10, [&] { op_linear(device, z, x, w, ACTIVATION_NONE); });
	double gelu = best_of(5, 10, [&] { op_linear(device, z, x, w, ACTIVATION_GELU); });
	double lt = cublaslt_seconds(dtype, m, n, k);
	printf("%-4s %6zu x %5zu x %5zu      %8.1f TFLOP/s, to the next product %6.1f, by GELU %6.1f; "
	       "cuBLASLt %6.1f\n",
		dtype_names[dtype], m, n, k, flops / own * 1e-12, flops / next * 1e-12,
		flops / gelu * 1e-12, lt > 0 ? flops / lt * 1e-12 : 0);
	weight_free(w);
	device_reset(device, mark);
}

static void products(void)
{
	static const size_t shapes[][3] = { { 16384, 1152, 384 }, { 16384, 384, 384 },
		{ 16384, 1536, 384 }, { 16384, 384, 1536 }, { 4096, 4096, 384 },
		{ 8192, 8192, 8192 }, { 100, 384, 1536 } };
	for (enum dtype dtype : { F32, BF16, F16, TF32 })
		for (auto &s : shapes)
			product(dtype, s[0], s[1], s[2]);
	printf("on %s\n", device_name(device));
	if (device_note(device))
		printf("%s\n", device_note(device));
}

/* --- attention: 16384 tokens in sequences of `length`, by the pairs of a query and a key it sees --- */

static void attention_row(const char *name, size_t length, size_t columns, size_t heads,
	size_t reach, size_t places, enum dtype dtype)
{
	struct arena_mark mark = device_mark(device);
	size_t n = 16384 / length, t = n * length, width = 2 * length - 1, pairs = 0;
	size_t *cu = (size_t *)mem_alloc((n + 1) * sizeof *cu);
	int32_t *place = (int32_t *)mem_alloc(width * sizeof *place);
	struct tensor qkv = random_matrix(t, 3 * columns, 2), q = tensor_columns(qkv, 0, columns),
		      k = tensor_columns(qkv, columns, columns),
		      v = tensor_columns(qkv, 2 * columns, columns);
	struct tensor y = tensor_matrix(device, F32, t, columns), terms[2] = {};
	for (size_t i = 0; i <= n; i++)
		cu[i] = i * length;
	for (size_t i = 0; i < width; i++)
		place[i] = places ? (int32_t)(i * places / width) : 0;
	for (auto &x : terms)
		x = places ? random_matrix(t, heads * places, 1) : x;
	for (size_t i = 0; i < length; i++)
		pairs += (i < reach ? i : reach) + 1 +
			 (length - 1 - i < reach ? length - 1 - i : reach);
	float scale = 1 / sqrtf((float)(columns / heads));
	double s = best_of(5, 10, [&] {
		if (places)
			op_attention_relative(device, y, q, k, v, n, cu, heads, scale, terms[0],
				terms[1], width, place, dtype);
		else
			op_attention(device, y, q, k, v, n, cu, heads, scale, {}, reach, dtype);
	});
	printf("attention, %-40s %8.1f us, %5.1f TFLOP/s\n", name, s * 1e6,
		4. * (double)(pairs * n * columns) / s * 1e-12);
	mem_free(cu);
	mem_free(place);
	device_reset(device, mark);
}

static void attention(void)
{
	attention_row("f32, MiniLM's, texts of 200", 200, 384, 12, SIZE_MAX, 0, F32);
	attention_row("bf16", 200, 384, 12, SIZE_MAX, 0, BF16);
	attention_row("f32, DeBERTa's small, texts of 200", 200, 768, 12, SIZE_MAX, 512, F32);
	attention_row("bf16", 200, 768, 12, SIZE_MAX, 512, BF16);
	attention_row("f32, ModernBERT's, texts of 8192", 8192, 768, 12, SIZE_MAX, 0, F32);
	attention_row("bf16", 8192, 768, 12, SIZE_MAX, 0, BF16);
	attention_row("f32, its local layers'", 8192, 768, 12, 64, 0, F32);
	attention_row("bf16", 8192, 768, 12, 64, 0, BF16);
}

/* --- the layers of an encoder of MiniLM's shape, sequences of 200 tokens --- */

constexpr size_t LENGTH = 200, MOST = 164, C = 384, WIDE = 4 * C, HEADS = 12;

struct layer {
	struct weight *qkv, *out, *up, *down;
	struct norm norm;
	struct tensor x; /* floats that a lane begins with */
	enum dtype dtype;
	size_t sequences;
	const size_t *cu;
};

/* A lane's rows of it: what bert.c has. */
struct layer_rows {
	struct tensor h, all, mixed;
};

static struct layer_rows layer_begin(struct device *lane, const struct layer *l)
{
	enum dtype type = weight_activation(l->qkv);
	size_t tokens = l->x.shape[0];
	struct tensor h = tensor_twin(lane, tensor_matrix(lane, F32, tokens, C), type);
	op_norm(lane, h, l->x, l->norm);
	return { type == BF16 ? tensor_halves(h) : h, tensor_matrix(lane, type, tokens, 3 * C),
		tensor_matrix(lane, type, tokens, C) };
}

static void layer_part(
	struct device *lane, const struct layer *l, const struct layer_rows *r, int part)
{
	if (part == 0)
		op_linear(lane, r->all, r->h, l->qkv, ACTIVATION_NONE);
	else if (part == 1)
		op_attention(lane, r->mixed, tensor_columns(r->all, 0, C),
			tensor_columns(r->all, C, C), tensor_columns(r->all, 2 * C, C),
			l->sequences, l->cu, HEADS, 0.17f, {}, SIZE_MAX, l->dtype);
	else if (part == 2)
		op_linear_norm(lane, r->h, r->mixed, l->out, r->h, l->norm);
	else
		op_feed_forward(lane, r->h, r->h, l->up, ACTIVATION_GELU, l->down, l->norm);
}

constexpr int PARTS = 4, PASSES = 100;

static void layer_passes(void *context, struct device *lane, size_t)
{
	auto l = static_cast<const struct layer *>(context);
	struct layer_rows r = layer_begin(lane, l);
	for (int i = 0; i < PASSES * PARTS; i++)
		layer_part(lane, l, &r, i % PARTS);
}

/* What a layer does: part by part, whole, and in two lanes at once (embed has three), beside
 * cuBLASLt's time for its four products. */
static void layer(enum dtype dtype, size_t sequences, const size_t *cu)
{
	static const char *const names[] = { "q, k, v", "attention", "out, norm",
		"feed forward, norm" };
	struct arena_mark mark = device_mark(device);
	size_t tokens = cu[sequences];
	struct layer l = { random_weight(dtype, 3 * C, C), random_weight(dtype, C, C),
		random_weight(dtype, WIDE, C), random_weight(dtype, C, WIDE), random_norm(C),
		random_matrix(tokens, C, 1), dtype, sequences, cu };
	struct layer_rows r = layer_begin(device, &l);
	double part[PARTS], whole = best_of(5, 10, [&] {
		for (int i = 0; i < PARTS; i++)
			layer_part(device, &l, &r, i);
	});
	for (int i = 0; i < PARTS; i++)
		part[i] = best_of(5, 10, [&] { layer_part(device, &l, &r, i); });
	double beside = best_of(3, 1, [&] { device_parallel(device, 2, layer_passes, &l); });
	beside /= 2 * PASSES;
	double lt[PARTS] = { cublaslt_seconds(dtype, tokens, 3 * C, C), 0,
		cublaslt_seconds(dtype, tokens, C, C),
		cublaslt_seconds(dtype, tokens, WIDE, C) +
			cublaslt_seconds(dtype, tokens, C, WIDE) };
	double products = lt[0] + lt[2] + lt[3];
	printf("a layer, %-4s, %5zu tokens %8.1f us, %2.0f %% of cuBLASLt's rate; of two at once %.1f us, "
	       "%2.0f %%:",
		dtype_names[dtype], tokens, whole * 1e6, 100 * products / whole, beside * 1e6,
		100 * products / beside);
	for (int i = 0; i < PARTS; i++)
		printf(" %s %.1f (%.1f)%s", names[i], part[i] * 1e6, lt[i] * 1e6,
			i < 3 ? "," : "; cuBLASLt's products in brackets\n");
	for (struct weight *w : { l.qkv, l.out, l.up, l.down })
		weight_free(w);
	device_reset(device, mark);
}

static void encoder(void)
{
	size_t cu[MOST + 1];
	for (size_t i = 0; i <= MOST; i++)
		cu[i] = i * LENGTH;
	for (enum dtype dtype : { F32, BF16, F16, TF32 })
		layer(dtype, MOST / 2, cu);
	for (size_t sequences : { MOST / 4, MOST })
		layer(BF16, sequences, cu);
	constexpr size_t SEQUENCES = MOST / 2, T = SEQUENCES * LENGTH;
	constexpr double elements = static_cast<double>(T * C);
	struct tensor x = random_matrix(T, C, 1), y = tensor_matrix(device, F32, T, C);
	struct norm norm = random_norm(C);
	double t = best_of(5, 10, [&] { op_norm(device, y, x, norm); });
	printf("norm                        %8.1f us, %.0f GB/s\n", t * 1e6,
		8 * elements / t * 1e-9);
	t = best_of(5, 10, [&] {
		op_pool(device, tensor_rows(y, 0, SEQUENCES), x, SEQUENCES, cu, POOLING_MEAN);
	});
	printf("pool                        %8.1f us, %.0f GB/s\n", t * 1e6,
		4 * elements / t * 1e-9);
}

static void nearest(void)
{
	for (size_t n = 125000; n <= 1000000; n *= 8) {
		struct arena_mark mark = device_mark(device);
		struct tensor x = random_matrix(n, 384, 1);
		struct tensor values = tensor_matrix(device, F32, n, 22),
			      indices = tensor_matrix(device, I32, n, 22);
		double start = now_s();
		op_nearest(device, values, indices, x, NEAREST_SQUARE);
		(void)device_sync(device, NULL);
		double t = now_s() - start;
		printf("22 nearest of %7zu x 384  %8.2f s, %.1f TFLOP/s of 2 n^2 c\n", n, t,
			2. * (double)n * (double)n * 384 / t * 1e-12);
		fflush(stdout);
		device_reset(device, mark);
	}
}

/* What k-means and principal components ask of a million vectors; the limit is copying, or a fused multiply-add in
 * double. */
static void learning(void)
{
	constexpr size_t N = 1000000, C = 384, K = 100;
	struct arena_mark mark = device_mark(device);
	struct moment m = { random_matrix(N, C, 1), false, false, NULL, NULL };
	double *centers = (double *)mem_zero(K * C, sizeof(double));
	double *sums = (double *)mem_zero(C * C, sizeof(double));
	int32_t *label = (int32_t *)mem_alloc(N * sizeof *label);
	size_t start[N / MOMENT_ROWS + 2], groups = 0;
	for (size_t i = 0; i < K * C; i++)
		centers[i] = random_double(random_bits(7, 0, i)) - 0.5;
	for (size_t i = 0; i < N; i += MOMENT_ROWS)
		start[groups++] = i;
	start[groups] = N;
	double t = best_of(3, 1, [&] {
		op_nearest_center(device, m.x, centers, K, false, label, NULL);
	});
	printf("nearest of %zu centres       %8.1f ms, %.1f T differences squared a second\n", K, t * 1e3,
		(double)(N * K * C) / t * 1e-12);
	for (size_t i = 0; i < N; i++)
		label[i] = (int32_t)((i * 7919) % N);
	double *parts = (double *)mem_alloc(groups * C * sizeof *parts);
	t = best_of(3, 1, [&] { op_group_sums(device, &m, label, start, groups, parts); });
	printf("sums of %zu groups of rows   %8.1f ms, %.0f GB/s\n", groups, t * 1e3, 4. * N * C / t * 1e-9);
	t = best_of(3, 1, [&] { op_gram(device, m.x, NULL, sums); });
	printf("gram matrix of %zu columns   %8.1f ms, %.1f TFLOP/s of n c^2\n", C, t * 1e3,
		(double)N * C * C / t * 1e-12);
	mem_free(parts);
	mem_free(label);
	mem_free(sums);
	mem_free(centers);
	device_reset(device, mark);
}

/* A million points in 24 matchings of half a million edges: about what 15 neighbours give. */
static void umap(void)
{
	constexpr size_t N = 1000000, COLOURS = 24, EPOCHS = 200;
	size_t m = COLOURS * (N / 2), *start = (size_t *)mem_alloc((COLOURS + 1) * sizeof(size_t));
	int32_t *head = (int32_t *)mem_alloc(m * 4), *tail = (int32_t *)mem_alloc(m * 4);
	float *every = (float *)mem_alloc(m * 4);
	for (size_t c = 0; c <= COLOURS; c++)
		start[c] = c * (N / 2);
	for (size_t e = 0; e < m; e++) {
		size_t c = e / (N / 2), i = e % (N / 2);
		head[e] = (int32_t)(2 * i);
		tail[e] = (int32_t)((2 * (i + c * 1237) + 1) % N);
		every[e] = 1 + 9 * random_float(random_bits(3, c, i));
	}
	struct umap_edges edges = { tensor_upload(device, I32, m, 0, head),
		tensor_upload(device, I32, m, 0, tail), tensor_upload(device, F32, m, 0, every),
		tensor_upload(device, F32, m, 0, every), tensor_upload(device, F32, m, 0, every),
		COLOURS, start };
	struct umap_force force = { 1.577f, 0.8951f, 1, 5, 1, 42 };
	struct tensor y = random_matrix(N, 2, 10), before = tensor_matrix(device, F32, N, 2);
	double begun = now_s();
	op_umap_epochs(device, y, before, &edges, &force, 0, EPOCHS, EPOCHS);
	(void)device_sync(device, NULL);
	printf("UMAP layout of %zu points, %zu edges, %zu epochs: %.2f s\n", N, m, EPOCHS,
		now_s() - begun);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} sections[] = { { "limits", limits }, { "products", products }, { "attention", attention },
		{ "encoder", encoder }, { "umap", umap }, { "learning", learning },
		{ "nearest", nearest } };
	struct error e;
	if (device_open("cuda", &device, &e)) {
		fprintf(stderr, "bench_gpu: %s\n", e.msg);
		return e.code;
	}
	printf("%s\n", device_name(device));
	for (auto &s : sections) {
		bool wanted = argc < 2;
		for (int i = 1; i < argc; i++)
			wanted = wanted || strcmp(argv[i], s.name) == 0;
		if (wanted)
			s.fn();
		fflush(stdout);
	}
	device_free(device);
	return 0;
}
