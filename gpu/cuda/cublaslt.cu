/*
 * cublaslt.cu: fast products (ops.h) by NVIDIA's cuBLASLt, where the library is found when the first
 * weight is made; HEDDLE_CUBLASLT=off does without. A weight gets one algorithm, chosen for
 * PLAN_ROWS rows, whatever the rows of a product are, and none that splits k among blocks: so an
 * element is the same chain over k in any batch, and runs repeat.
 *
 * The library works on columns: y^T [n, rows] = w [k, n]^T x^T [k, rows]. It adds the bias; what
 * else follows, and rows that it cannot write, go through floats and finish_kernel.
 */
#include <cuda_runtime.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/cuda/cublaslt.h"
#include "gpu/cuda/lane.h"
#include "gpu/cuda/mma.h"
#include "gpu/cuda/product.h"

constexpr int THREADS = 256;
constexpr uint64_t PLAN_ROWS = 16384, WORKSPACE = (uint64_t)32 << 20;

/* --- the library --- */

#define FUNCTIONS(X) \
	X(cublasLtCreate) \
	X(cublasLtDestroy) \
	X(cublasLtMatmulDescCreate) \
	X(cublasLtMatmulDescDestroy) \
	X(cublasLtMatmulDescSetAttribute) \
	X(cublasLtMatrixLayoutCreate) \
	X(cublasLtMatrixLayoutDestroy) \
	X(cublasLtMatmulPreferenceCreate) \
	X(cublasLtMatmulPreferenceDestroy) \
	X(cublasLtMatmulPreferenceSetAttribute) \
	X(cublasLtMatmulAlgoGetHeuristic) \
	X(cublasLtMatmul)

struct cublaslt {
#define X(function) decltype(&::function) function;
	FUNCTIONS(X)
#undef X
	cublasLtHandle_t handle;
};

#if defined HEDDLE_EMULATOR

static const char *find(struct cublaslt *l)
{
#define X(function) l->function = ::function;
	FUNCTIONS(X)
#undef X
	return "the emulator's cuBLASLt";
}

#else

static bool find_all(struct cublaslt *l, void *library)
{
#define X(function) \
	l->function = reinterpret_cast<decltype(l->function)>(dlsym(library, #function)); \
	if (!l->function) \
		return false;
	FUNCTIONS(X)
#undef X
	return true;
}

/* What it is called: that of the runtime's version first. NULL: there is none. */
static const char *find(struct cublaslt *l)
{
	static const char *const names[] = { CUDART_VERSION >= 13000 ? "libcublasLt.so.13"
								     : "libcublasLt.so.12",
		CUDART_VERSION >= 13000 ? "libcublasLt.so.12" : "libcublasLt.so.13" };
	for (size_t i = 0; i < 2; i++) {
		void *library = dlopen(names[i], RTLD_LAZY | RTLD_LOCAL);
		if (library && find_all(l, library))
			return names[i];
	}
	return NULL;
}

#endif

/* The card's, opened the first time; NULL: our own kernels. Under the mutex. */
static struct cublaslt *library_of(struct card *c)
{
	const char *want = getenv("HEDDLE_CUBLASLT");
	if (c->library_sought)
		return c->library;
	c->library_sought = true;
	auto l = static_cast<struct cublaslt *>(mem_zero(1, sizeof(struct cublaslt)));
	bool off = want && strcmp(want, "off") == 0;
	const char *name = off ? NULL : find(l);
	bool good = name && l->cublasLtCreate(&l->handle) == CUBLAS_STATUS_SUCCESS;
	math_enter();
	size_t at = strlen(c->name);
	snprintf(c->name + at, sizeof c->name - at, ", products by %s",
		good  ? name
		: off ? "its own kernels (HEDDLE_CUBLASLT=off)"
		      : "its own kernels (there is no libcublasLt.so)");
	if (good)
		c->library = l;
	else
		mem_free(l);
	return c->library;
}

void cuda_lt_close(struct card *c)
{
	if (c->library)
		(void)c->library->cublasLtDestroy(c->library->handle);
	mem_free(c->library);
	c->library = NULL;
}

/* --- a weight's plan --- */

struct lt_plan {
	cublasLtMatmulDesc_t desc;
	cublasLtMatrixLayout_t w;
	cublasLtMatmulAlgo_t algo;
	size_t workspace;
	bool adds_bias, refused;
};

/* Note the card's first product that the library would not compute, or did not plan (status
 * CUBLAS_STATUS_SUCCESS). Under the mutex. */
static void note(struct card *c, const struct weight *w, size_t rows, cublasStatus_t status)
{
	if (c->note[0])
		return;
	int n = snprintf(c->note, sizeof c->note, "cuBLASLt refused a product of %zu x %zu x %zu ",
		rows, w->n, w->k);
	snprintf(c->note + n, sizeof c->note - n,
		status == CUBLAS_STATUS_SUCCESS ? "(no plan): by own kernels"
						: "(status %d): by own kernels",
		static_cast<int>(status));
}

static cudaDataType_t type_of(const struct weight *w)
{
	return w->dtype == BF16 ? CUDA_R_16BF : w->dtype == F16 ? CUDA_R_16F : CUDA_R_32F;
}

/* Terms of a sum: zeros stand behind the last of rows of eights. */
static size_t terms_of(const struct weight *w)
{
	return w->paired ? w->stride : w->k;
}

/* The layouts of x^T and y^T. */
static bool layouts_new(struct cublaslt *l, const struct weight *w, size_t rows, size_t x_stride,
	size_t y_stride, cublasLtMatrixLayout_t *x, cublasLtMatrixLayout_t *y)
{
	*x = *y = NULL;
	return l->cublasLtMatrixLayoutCreate(x, type_of(w), terms_of(w), rows,
		       (int64_t)x_stride) == CUBLAS_STATUS_SUCCESS &&
	       l->cublasLtMatrixLayoutCreate(y, CUDA_R_32F, w->n, rows, (int64_t)y_stride) ==
		       CUBLAS_STATUS_SUCCESS;
}

static void layouts_free(
	struct cublaslt *l, cublasLtMatrixLayout_t x, cublasLtMatrixLayout_t y)
{
	if (x)
		(void)l->cublasLtMatrixLayoutDestroy(x);
	if (y)
		(void)l->cublasLtMatrixLayoutDestroy(y);
}

template <typename T>
static bool set(struct cublaslt *l, cublasLtMatmulDesc_t desc,
	cublasLtMatmulDescAttributes_t attribute, T value)
{
	return l->cublasLtMatmulDescSetAttribute(desc, attribute, &value, sizeof value) ==
	       CUBLAS_STATUS_SUCCESS;
}

template <typename T>
static bool prefer(struct cublaslt *l, cublasLtMatmulPreference_t preference,
	cublasLtMatmulPreferenceAttributes_t attribute, T value)
{
	return l->cublasLtMatmulPreferenceSetAttribute(
		       preference, attribute, &value, sizeof value) == CUBLAS_STATUS_SUCCESS;
}

/* The plan's algorithm by the library's own estimate, with the bias added or without. */
static bool choose(struct cublaslt *l, struct lt_plan *p, const struct weight *w,
	cublasLtMatmulPreference_t preference, bool bias)
{
	cublasLtMatrixLayout_t x, y;
	cublasLtMatmulHeuristicResult_t result;
	int found = 0;
	int32_t epilogue = bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
	bool good =
		layouts_new(l, w, PLAN_ROWS, w->stride, (w->n + 3) / 4 * 4, &x, &y) &&
		set(l, p->desc, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue) &&
		(!bias ||
			(set(l, p->desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, w->bias) &&
				set(l, p->desc, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE,
					static_cast<int32_t>(CUDA_R_32F)))) &&
		l->cublasLtMatmulAlgoGetHeuristic(l->handle, p->desc, p->w, x, y, y, preference, 1,
			&result, &found) == CUBLAS_STATUS_SUCCESS &&
		found == 1 && result.state == CUBLAS_STATUS_SUCCESS;
	layouts_free(l, x, y);
	if (good) {
		p->algo = result.algo;
		p->workspace = result.workspaceSize;
		p->adds_bias = bias;
	}
	return good;
}

/* What makes results repeat: no sums across blocks, 16 bytes as the least that holds of any tensor. */
static bool preferences(struct cublaslt *l, cublasLtMatmulPreference_t p)
{
	return prefer(l, p, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, WORKSPACE) &&
	       prefer(l, p, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
		       static_cast<uint32_t>(CUBLASLT_REDUCTION_SCHEME_NONE)) &&
	       prefer(l, p, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, 16u) &&
	       prefer(l, p, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, 16u) &&
	       prefer(l, p, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, 16u) &&
	       prefer(l, p, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, 16u);
}

static bool plan(struct cublaslt *l, struct lt_plan *p, const struct weight *w)
{
	cublasLtMatmulPreference_t preference = NULL;
	cublasComputeType_t compute =
		w->dtype == TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
	bool good = l->cublasLtMatmulDescCreate(&p->desc, compute, CUDA_R_32F) ==
			    CUBLAS_STATUS_SUCCESS &&
		    set(l, p->desc, CUBLASLT_MATMUL_DESC_TRANSA,
			    static_cast<int32_t>(CUBLAS_OP_T)) &&
		    l->cublasLtMatrixLayoutCreate(&p->w, type_of(w), terms_of(w), w->n,
			    (int64_t)w->stride) == CUBLAS_STATUS_SUCCESS &&
		    l->cublasLtMatmulPreferenceCreate(&preference) == CUBLAS_STATUS_SUCCESS &&
		    preferences(l, preference) &&
		    ((w->bias && choose(l, p, w, preference, true)) ||
			    choose(l, p, w, preference, false));
	if (preference)
		(void)l->cublasLtMatmulPreferenceDestroy(preference);
	return good;
}

static void plan_free(struct cublaslt *l, struct lt_plan *p)
{
	if (p->desc)
		(void)l->cublasLtMatmulDescDestroy(p->desc);
	if (p->w)
		(void)l->cublasLtMatrixLayoutDestroy(p->w);
	mem_free(p);
}

void cuda_lt_prepare(struct lane *lane, struct weight *w)
{
	struct card *c = lane->card;
	if (w->n == 0 || w->k == 0 || !cuda_begin(lane))
		return;
	pthread_mutex_lock(&c->mutex);
	struct cublaslt *l = library_of(c);
	auto p = static_cast<struct lt_plan *>(mem_zero(1, sizeof(struct lt_plan)));
	if (l && plan(l, p, w)) {
		w->plan = p;
	} else if (l) {
		note(c, w, PLAN_ROWS, CUBLAS_STATUS_SUCCESS);
		plan_free(l, p);
	} else {
		mem_free(p);
	}
	pthread_mutex_unlock(&c->mutex);
}

void cuda_lt_release(struct weight *w)
{
	if (w->plan)
		plan_free(w->lane->card->library, w->plan);
}

/* --- the product --- */

/* y = t + bias, activated: eight of a row a thread. */
struct finish {
	const float *t, *bias; /* bias may be NULL */
	float *y;
	uint16_t *pairs; /* instead of y, rows of eights of n */
	size_t t_stride, y_stride, rows, n;
};

template <enum dtype T, enum activation F>
static __global__ void __launch_bounds__(THREADS) finish_kernel(struct finish f)
{
	size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x, eights = (f.n + 7) / 8;
	size_t row = i / eights, column = i % eights * 8;
	if (row >= f.rows)
		return;
	float v[8];
#pragma unroll
	for (int l = 0; l < 8; l++) {
		size_t at = column + l;
		float x = at < f.n ? f.t[row * f.t_stride + at] : 0;
		v[l] = at < f.n ? activate(F, f.bias ? x + f.bias[at] : x) : 0;
	}
	if (f.pairs) {
		reinterpret_cast<uint4 *>(f.pairs)[i] = make_uint4(half_pair<T>(v[0], v[1]),
			half_pair<T>(v[2], v[3]), half_pair<T>(v[4], v[5]), half_pair<T>(v[6], v[7]));
		return;
	}
#pragma unroll
	for (int l = 0; l < 8; l++)
		if (column + l < f.n)
			f.y[row * f.y_stride + column + l] = v[l];
}

template <enum dtype T>
static void finish(struct lane *lane, const struct finish &f, enum activation activation)
{
	auto kernel = activation == ACTIVATION_GELU	   ? finish_kernel<T, ACTIVATION_GELU>
		      : activation == ACTIVATION_GELU_TANH ? finish_kernel<T, ACTIVATION_GELU_TANH>
		      : activation == ACTIVATION_RELU	   ? finish_kernel<T, ACTIVATION_RELU>
		      : activation == ACTIVATION_TANH	   ? finish_kernel<T, ACTIVATION_TANH>
							   : finish_kernel<T, ACTIVATION_NONE>;
	size_t eights = size_mul(f.rows, (f.n + 7) / 8);
	LAUNCH(kernel, cuda_blocks(eights, THREADS), THREADS, 0, lane, f);
	LAUNCHED(lane, "product");
}

/* y [rows, n] = x w^T, and the bias as planned. False: the library refuses, now or before, for one weight
 * does not change from product to product. */
static bool multiply(struct lane *lane, const struct weight *w, const void *x, size_t x_stride,
	size_t rows, float *y, size_t y_stride)
{
	struct cublaslt *l = lane->card->library;
	struct lt_plan *p = w->plan;
	cublasLtMatrixLayout_t lx = NULL, ly = NULL;
	float one = 1, zero = 0;
	void *space = p->workspace ? cuda_arena_alloc(lane, p->workspace) : NULL;
	if (cuda_failed(lane))
		return true;
	pthread_mutex_lock(&lane->card->mutex);
	cublasStatus_t status = CUBLAS_STATUS_NOT_SUPPORTED;
	if (!p->refused && layouts_new(l, w, rows, x_stride, y_stride, &lx, &ly))
		status = l->cublasLtMatmul(l->handle, p->desc, &one, w->packed, p->w, x, lx, &zero,
			y, ly, y, ly, &p->algo, space, p->workspace, lane->stream);
	p->refused = status != CUBLAS_STATUS_SUCCESS;
	if (p->refused)
		note(lane->card, w, rows, status);
	layouts_free(l, lx, ly);
	pthread_mutex_unlock(&lane->card->mutex);
	return status == CUBLAS_STATUS_SUCCESS;
}

bool cuda_lt_product(struct lane *lane, const struct half_product *b)
{
	const struct weight *w = b->w;
	if (!w->plan)
		return false;
	struct arena_mark mark = cuda_arena_mark(lane);
	const float *bias = w->plan->adds_bias ? NULL : w->bias;
	bool direct = b->y && !bias && b->activation == ACTIVATION_NONE && b->y_stride % 4 == 0 &&
		      reinterpret_cast<uintptr_t>(b->y) % 16 == 0;
	size_t stride = direct ? b->y_stride : (w->n + 3) / 4 * 4;
	float *y = direct ? b->y : cuda_floats(lane, size_mul(b->rows, stride));
	bool good = multiply(lane, w, b->x, w->paired ? w->stride : b->x_stride, b->rows, y, stride);
	struct finish f = { y, bias, b->y, b->pairs, stride, b->y_stride, b->rows, w->n };
	if (good && !direct)
		(w->dtype == F16 ? finish<F16> : finish<BF16>)(lane, f, b->activation);
	cuda_arena_reset(lane, mark);
	return good;
}
