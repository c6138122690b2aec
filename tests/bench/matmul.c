/*
 * matmul.c: op_linear beside oneDNN's inner product with prepared weights and OpenBLAS's sgemm, on the
 * shapes of MiniLM-L6 (384) and MPNet (768), interleaved in one run, one thread, CPU time. Prints
 * GFLOP/s and the ratio to oneDNN, whose mark is 0.95. A peer whose library is not installed is 0.
 * usage: matmul [f32|bf16]
 */
#include <stdlib.h>
#include <string.h>

#include <omp.h>

#include "tests/bench/kernels.h"

#if defined HAVE_openblas
#include <cblas.h>
#endif
#if defined HAVE_dnnl
#include <oneapi/dnnl/dnnl.h>
#endif

enum { ROUNDS = 8 };

#if defined HAVE_dnnl

struct peer {
	dnnl_engine_t engine;
	dnnl_stream_t stream;
	dnnl_primitive_t primitive;
	dnnl_exec_arg_t arguments[3];
};

static void check(dnnl_status_t status, const char *what)
{
	if (status != dnnl_success) {
		fprintf(stderr, "oneDNN: %s failed (%d)\n", what, (int)status);
		exit(1);
	}
}

static dnnl_memory_t memory(struct peer *p, const dnnl_memory_desc_t *desc, void *data)
{
	dnnl_memory_t m;
	check(dnnl_memory_create(&m, desc, p->engine, data), "memory");
	return m;
}

/* y [m, n] = x [m, k] w [n, k]^T, weights in the layout that oneDNN asks for. */
static void prepare(struct peer *p, size_t m, size_t n, size_t k, float *x, float *w, float *y)
{
	dnnl_dims_t dx = { (dnnl_dim_t)m, (dnnl_dim_t)k }, dw = { (dnnl_dim_t)n, (dnnl_dim_t)k };
	dnnl_dims_t dy = { (dnnl_dim_t)m, (dnnl_dim_t)n };
	dnnl_memory_desc_t mx, mw, my, plain;
	check(dnnl_memory_desc_init_by_tag(&mx, 2, dx, dnnl_f32, dnnl_ab), "x");
	check(dnnl_memory_desc_init_by_tag(&mw, 2, dw, dnnl_f32, dnnl_format_tag_any), "w");
	check(dnnl_memory_desc_init_by_tag(&plain, 2, dw, dnnl_f32, dnnl_ab), "w");
	check(dnnl_memory_desc_init_by_tag(&my, 2, dy, dnnl_f32, dnnl_ab), "y");
	dnnl_inner_product_desc_t desc;
	check(dnnl_inner_product_forward_desc_init(
		      &desc, dnnl_forward_inference, &mx, &mw, NULL, &my),
		"description");
	dnnl_primitive_desc_t pd;
	check(dnnl_primitive_desc_create(&pd, &desc, NULL, p->engine, NULL), "description");
	const dnnl_memory_desc_t *want = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
	dnnl_memory_t from = memory(p, &plain, w), to = memory(p, want, DNNL_MEMORY_ALLOCATE);
	dnnl_primitive_desc_t rd;
	dnnl_primitive_t reorder;
	check(dnnl_reorder_primitive_desc_create(&rd, &plain, p->engine, want, p->engine, NULL),
		"w");
	check(dnnl_primitive_create(&reorder, rd), "w");
	dnnl_exec_arg_t arguments[] = { { DNNL_ARG_FROM, from }, { DNNL_ARG_TO, to } };
	check(dnnl_primitive_execute(reorder, p->stream, 2, arguments), "w");
	check(dnnl_primitive_create(&p->primitive, pd), "primitive");
	p->arguments[0] = (dnnl_exec_arg_t){ DNNL_ARG_SRC, memory(p, &mx, x) };
	p->arguments[1] = (dnnl_exec_arg_t){ DNNL_ARG_WEIGHTS, to };
	p->arguments[2] = (dnnl_exec_arg_t){ DNNL_ARG_DST, memory(p, &my, y) };
}

/* With the instructions that ours may use. */
static void engine(struct peer *p, const char *device)
{
	if (strstr(device, "avx2"))
		check(dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2), "AVX2");
	check(dnnl_engine_create(&p->engine, dnnl_cpu, 0), "engine");
	check(dnnl_stream_create(&p->stream, p->engine, dnnl_stream_default_flags), "stream");
}

static void peer_run(struct peer *p)
{
	dnnl_primitive_execute(p->primitive, p->stream, 3, p->arguments);
}

#else

struct peer {
	int none;
};

static void engine(struct peer *p, const char *device)
{
	(void)device;
	p->none = 1;
}

static void prepare(struct peer *p, size_t m, size_t n, size_t k, float *x, float *w, float *y)
{
	(void)p, (void)m, (void)n, (void)k, (void)x, (void)w, (void)y;
}

static void peer_run(struct peer *p)
{
	(void)p;
}

#endif

static void blas_run(size_t m, size_t n, size_t k, const float *x, const float *w, float *y)
{
#if defined HAVE_openblas
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, 1, x, (int)k, w,
		(int)k, 0, y, (int)n);
#else
	(void)m, (void)n, (void)k, (void)x, (void)w, (void)y;
#endif
}

#if defined HAVE_dnnl
enum { ONEDNN = 1 };
#else
enum { ONEDNN = 0 };
#endif
#if defined HAVE_openblas
enum { BLAS = 1 };
#else
enum { BLAS = 0 };
#endif

static double timed(double flops, size_t times, double start)
{
	return flops * (double)times / (cpu_seconds() - start) * 1e-9;
}

static void shape(
	struct device *d, struct peer *peer, enum dtype dtype, size_t m, size_t n, size_t k)
{
	float *x = bench_numbers(m * k, 1, 0), *w = bench_numbers(n * k, 0.1f, 0);
	float *y = bench_numbers(m * n, 1, 0);
	struct weight *packed = weight_new(d, dtype, n, k, k, w, NULL);
	struct tensor tx = tensor_upload(d, F32, m, k, x), ty = tensor_upload(d, F32, m, n, y);
	double flops = 2. * (double)m * (double)n * (double)k, best[3] = { 0 };
	size_t times = 1 + (size_t)(4e8 / flops);
	prepare(peer, m, n, k, x, w, y);
	for (int r = 0; r <= ROUNDS; r++) { /* the first round warms up */
		for (int who = 0; who < 3; who++) {
			double start = cpu_seconds();
			for (size_t i = 0; i < times; i++) {
				if (who == 0)
					op_linear(d, ty, tx, packed, ACTIVATION_NONE);
				else if (who == 1)
					peer_run(peer);
				else
					blas_run(m, n, k, x, w, y);
			}
			double rate = timed(flops, times, start);
			best[who] = r && rate > best[who] ? rate : best[who];
		}
	}
	printf("%5zu %5zu %5zu  %8.1f %8.1f %8.1f  %6.2f\n", m, n, k, best[0], ONEDNN ? best[1] : 0,
		BLAS ? best[2] : 0, ONEDNN ? best[0] / best[1] : 0);
	weight_free(packed);
	mem_free(x);
	mem_free(w);
	mem_free(y);
}

int main(int argc, char **argv)
{
	static const size_t sizes[][2] = { { 1152, 384 }, { 384, 384 }, { 1536, 384 },
		{ 384, 1536 }, { 2304, 768 }, { 768, 768 }, { 3072, 768 }, { 768, 3072 } };
	static const size_t rows[] = { 1, 8, 96, 400, 4096 };
	setvbuf(stdout, NULL, _IOLBF, 0);
	omp_set_num_threads(1);
	struct device *d = bench_device();
	struct peer peer;
	enum dtype dtype = argc > 1 && strcmp(argv[1], "bf16") == 0 ? BF16 : F32;
	if (!d)
		return 69;
	engine(&peer, device_name(d));
	printf("products, %s %s, one thread, GFLOP/s of CPU time\n", device_name(d),
		dtype == F32 ? "f32" : "bf16");
	printf("%5s %5s %5s  %8s %8s %8s  %6s\n", "rows", "out", "in", "Heddle", "oneDNN", "OpenBLAS",
		"/oneDNN");
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
		for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
			shape(d, &peer, dtype, rows[r], sizes[s][0], sizes[s][1]);
	device_free(d);
	return 0;
}
