/*
 * cublaslt.cu: fast products (ops.h) by NVIDIA's cuBLASLt, where the library is found when the first
 * weight is made; HEDDLE_CUBLASLT=off does without. A weight gets one algorithm for each type that
 * its products give, the fastest by the library's own estimate for PLAN_ROWS rows that computes any
 * number of them, and none that splits k among blocks: so an element is the same chain over k in
 * any batch, and runs repeat.
 *
 * The library works on columns: y^T [n, rows] = w [k, n]^T x^T [k, rows]. It adds the bias, and
 * writes floats or the weight's own type, that by GELU too; other activations follow by
 * finish_kernel, as do rows that the library cannot write. Binary16 that such an activation follows
 * comes as floats: a sum beyond 65504 is no infinity yet.
 */
#include <cuda_runtime.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/cuda/cublaslt.h"
#include "gpu/cuda/fast.h"
#include "gpu/cuda/lane.h"
#include "gpu/cuda/mma.h"
#include "gpu/cuda/product.h"

constexpr int THREADS = 256;
constexpr uint64_t PLAN_ROWS = 16384, WORKSPACE = (uint64_t)32 << 20;
constexpr int CANDIDATES = 8;

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
	X(cublasLtMatmulAlgoCheck) \
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

/* How products that give floats, or the weight's own type, by GELU or not, are computed. */
struct variant {
	cudaDataType_t type;
	bool gelu; /* by tanh */
	const void *bias; /* of that type, which the library wants, or NULL */
	cublasLtMatmulDesc_t desc;
	cublasLtMatmulAlgo_t algo;
	size_t workspace;
	bool sought, usable, adds_bias;
};

enum { FLOATS, OWN, GELU, VARIANTS };

struct lt_plan {
	cublasLtMatrixLayout_t w;
	void *bias; /* of the weight's own type, or NULL */
	struct variant variant[VARIANTS];
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
struct layouts {
	cublasLtMatrixLayout_t x, y;
};

static bool layouts_new(struct cublaslt *l, const struct weight *w, size_t rows, size_t x_stride,
	size_t y_stride, const struct variant *v, struct layouts *to)
{
	*to = {};
	return l->cublasLtMatrixLayoutCreate(&to->x, type_of(w), terms_of(w), rows,
		       (int64_t)x_stride) == CUBLAS_STATUS_SUCCESS &&
	       l->cublasLtMatrixLayoutCreate(&to->y, v->type, w->n, rows, (int64_t)y_stride) ==
		       CUBLAS_STATUS_SUCCESS;
}

static void layouts_free(struct cublaslt *l, struct layouts *layouts)
{
	if (layouts->x)
		(void)l->cublasLtMatrixLayoutDestroy(layouts->x);
	if (layouts->y)
		(void)l->cublasLtMatrixLayoutDestroy(layouts->y);
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

/* Elements between rows that the library may write; of halves, whose n is whole eights, n. */
static size_t stride_of(const struct weight *w)
{
	return (w->n + 3) / 4 * 4;
}

/* Whether the algorithm computes any number of rows, and the most workspace that it takes. */
static bool holds(struct cublaslt *l, const struct weight *w, const struct variant *v,
	const cublasLtMatmulAlgo_t *algo, size_t *workspace)
{
	static const size_t rows[] = { 1, 2, 3, 8, 20, 100, 1001, PLAN_ROWS, 4 * PLAN_ROWS };
	bool good = true;
	*workspace = 0;
	for (size_t i = 0; good && i < sizeof rows / sizeof *rows; i++) {
		struct layouts at;
		cublasLtMatmulHeuristicResult_t result;
		size_t apart = i % 2 ? 3 : 1; /* views of columns have longer strides */
		good = layouts_new(l, w, rows[i], w->paired ? w->stride : w->stride * apart,
			       stride_of(w) * apart, v, &at) &&
		       l->cublasLtMatmulAlgoCheck(l->handle, v->desc, w->plan->w, at.x, at.y, at.y,
			       algo, &result) == CUBLAS_STATUS_SUCCESS &&
		       result.workspaceSize <= WORKSPACE;
		layouts_free(l, &at);
		if (good && result.workspaceSize > *workspace)
			*workspace = result.workspaceSize;
	}
	return good;
}

/* The variant's algorithm, with the bias added or without. */
static bool choose(struct cublaslt *l, const struct weight *w, struct variant *v,
	cublasLtMatmulPreference_t preference, bool bias)
{
	struct layouts at;
	cublasLtMatmulHeuristicResult_t result[CANDIDATES];
	int found = 0;
	int32_t epilogue = v->gelu ? (bias ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_GELU)
				   : (bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT);
	bool good = layouts_new(l, w, PLAN_ROWS, w->stride, stride_of(w), v, &at) &&
		    set(l, v->desc, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue) &&
		    (!bias || (set(l, v->desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, v->bias) &&
				      set(l, v->desc, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE,
					      static_cast<int32_t>(v->type)))) &&
		    l->cublasLtMatmulAlgoGetHeuristic(l->handle, v->desc, w->plan->w, at.x, at.y,
			    at.y, preference, CANDIDATES, result, &found) == CUBLAS_STATUS_SUCCESS;
	layouts_free(l, &at);
	for (int i = 0; good && i < found && !v->usable; i++) {
		v->usable = result[i].state == CUBLAS_STATUS_SUCCESS &&
			    holds(l, w, v, &result[i].algo, &v->workspace);
		v->algo = result[i].algo;
	}
	v->adds_bias = bias;
	return v->usable;
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

/* With the bias if that can be. */
static void plan(struct cublaslt *l, const struct weight *w, struct variant *v)
{
	cublasLtMatmulPreference_t preference = NULL;
	cublasComputeType_t compute =
		w->dtype == TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
	bool ready =
		l->cublasLtMatmulDescCreate(&v->desc, compute, CUDA_R_32F) ==
			CUBLAS_STATUS_SUCCESS &&
		set(l, v->desc, CUBLASLT_MATMUL_DESC_TRANSA, static_cast<int32_t>(CUBLAS_OP_T)) &&
		l->cublasLtMatmulPreferenceCreate(&preference) == CUBLAS_STATUS_SUCCESS &&
		preferences(l, preference);
	if (ready && !(v->bias && choose(l, w, v, preference, true)))
		(void)choose(l, w, v, preference, false);
	if (preference)
		(void)l->cublasLtMatmulPreferenceDestroy(preference);
}

/* Planned when it is first asked for. */
static bool usable(struct card *c, const struct weight *w, struct variant *v)
{
	pthread_mutex_lock(&c->mutex);
	if (!v->sought)
		plan(c->library, w, v);
	v->sought = true;
	bool good = v->usable;
	pthread_mutex_unlock(&c->mutex);
	return good;
}

void cuda_lt_prepare(struct lane *lane, struct weight *w)
{
	struct card *c = lane->card;
	if (w->n == 0 || w->k == 0 || !cuda_begin(lane))
		return;
	pthread_mutex_lock(&c->mutex);
	struct cublaslt *l = library_of(c);
	cublasLtMatrixLayout_t layout = NULL;
	if (l && l->cublasLtMatrixLayoutCreate(&layout, type_of(w), terms_of(w), w->n,
			 (int64_t)w->stride) == CUBLAS_STATUS_SUCCESS) {
		w->plan = static_cast<struct lt_plan *>(mem_zero(1, sizeof(struct lt_plan)));
		w->plan->w = layout;
		w->plan->variant[FLOATS].type = CUDA_R_32F;
		w->plan->variant[FLOATS].bias = w->bias;
		w->plan->variant[OWN].type = w->plan->variant[GELU].type = type_of(w);
		w->plan->variant[GELU].gelu = true;
	} else if (l) {
		note(c, w, PLAN_ROWS, CUBLAS_STATUS_SUCCESS);
	}
	pthread_mutex_unlock(&c->mutex);
	if (!w->plan || !w->paired || !w->bias)
		return;
	size_t bytes = size_mul(eights_of(w->n), sizeof(uint4));
	w->plan->bias = cuda_alloc(lane, bytes);
	if (w->plan->bias)
		(void)cuda_half_rows(lane, w->dtype, static_cast<uint16_t *>(w->plan->bias),
			w->bias, w->n, 1, w->n);
	w->plan->variant[OWN].bias = w->plan->variant[GELU].bias = w->plan->bias;
}

void cuda_lt_release(struct weight *w)
{
	struct lt_plan *p = w->plan;
	if (!p)
		return;
	struct cublaslt *l = w->lane->card->library;
	for (struct variant &each : p->variant)
		if (each.desc)
			(void)l->cublasLtMatmulDescDestroy(each.desc);
	(void)l->cublasLtMatrixLayoutDestroy(p->w);
	cuda_release(w->lane, p->bias);
	mem_free(p);
}

/* --- the product --- */

/* y = t + bias, activated: eight of a row a thread, a block 256 columns of eight rows. */
struct finish {
	const float *t, *bias; /* t in fours, NULL: the pairs, in place; bias may be NULL */
	float *y;
	uint16_t *pairs; /* instead of y, rows of eights of n */
	size_t t_stride, y_stride, rows, n;
	bool fours; /* rows of y lie in them */
};

/* v = at most four numbers that lie at a multiple of 16 bytes. */
DEVICE_FN void four(float *v, const float *x, size_t n)
{
	if (n >= 4) {
		float4 all = *reinterpret_cast<const float4 *>(x);
		v[0] = all.x;
		v[1] = all.y;
		v[2] = all.z;
		v[3] = all.w;
		return;
	}
#pragma unroll
	for (size_t l = 0; l < 3; l++)
		v[l] = l < n ? x[l] : 0;
}

template <enum dtype T, enum activation F>
static __global__ void __launch_bounds__(THREADS) finish_kernel(struct finish f)
{
	size_t row = (size_t)blockIdx.x * (THREADS / WARP) + threadIdx.x / WARP;
	size_t column = ((size_t)blockIdx.y * WARP + threadIdx.x % WARP) * 8,
	       padded = eights_of(f.n) * 8;
	if (row >= f.rows || column >= f.n)
		return;
	float v[8] = {};
	uint4 *pairs = reinterpret_cast<uint4 *>(f.pairs + row * padded + column);
	if (f.t) {
		const float *t = f.t + row * f.t_stride + column;
		four(v, t, f.n - column);
		if (column + 4 < f.n)
			four(v + 4, t + 4, f.n - column - 4);
	} else {
		uint4 own = *pairs;
		const uint32_t pair[4] = { own.x, own.y, own.z, own.w };
#pragma unroll
		for (int l = 0; l < 8; l++)
			v[l] = half_number<T>(pair[l / 2] >> l % 2 * 16);
	}
#pragma unroll
	for (int l = 0; l < 8; l++) {
		size_t at = column + l;
		v[l] = at < f.n ? fast_activate(F, f.bias ? v[l] + f.bias[at] : v[l]) : 0;
	}
	if (f.pairs) {
		*pairs = make_uint4(half_pair<T>(v[0], v[1]), half_pair<T>(v[2], v[3]),
			half_pair<T>(v[4], v[5]), half_pair<T>(v[6], v[7]));
		return;
	}
	float *y = f.y + row * f.y_stride + column;
	if (f.fours && column + 8 <= f.n) {
		reinterpret_cast<float4 *>(y)[0] = make_float4(v[0], v[1], v[2], v[3]);
		reinterpret_cast<float4 *>(y)[1] = make_float4(v[4], v[5], v[6], v[7]);
		return;
	}
#pragma unroll
	for (int l = 0; l < 8; l++)
		if (column + l < f.n)
			y[l] = v[l];
}

template <enum dtype T>
static void finish(struct lane *lane, const struct finish &f, enum activation activation)
{
	auto kernel = activation == ACTIVATION_GELU        ? finish_kernel<T, ACTIVATION_GELU>
		      : activation == ACTIVATION_GELU_TANH ? finish_kernel<T, ACTIVATION_GELU_TANH>
		      : activation == ACTIVATION_RELU      ? finish_kernel<T, ACTIVATION_RELU>
		      : activation == ACTIVATION_TANH      ? finish_kernel<T, ACTIVATION_TANH>
							   : finish_kernel<T, ACTIVATION_NONE>;
	dim3 grid(cuda_blocks(f.rows, THREADS / WARP), cuda_blocks(f.n, 8 * WARP));
	LAUNCH(kernel, grid, THREADS, 0, lane, f);
	LAUNCHED(lane, "product");
}

/* y [rows, n] = x w^T, and the bias as planned, to floats or the weight's own type. False: the library
 * refuses, now or before, for one weight does not change from product to product. */
static bool multiply(struct lane *lane, const struct half_product *b, struct variant *v, void *y,
	size_t y_stride)
{
	struct cublaslt *l = lane->card->library;
	const struct weight *w = b->w;
	struct layouts at = {};
	float one = 1, zero = 0;
	void *space = v->workspace ? cuda_arena_alloc(lane, v->workspace) : NULL;
	if (cuda_failed(lane))
		return true;
	pthread_mutex_lock(&lane->card->mutex);
	cublasStatus_t status = CUBLAS_STATUS_NOT_SUPPORTED;
	if (v->usable &&
		layouts_new(l, w, b->rows, w->paired ? w->stride : b->x_stride, y_stride, v, &at))
		status = l->cublasLtMatmul(l->handle, v->desc, &one, w->packed, w->plan->w, b->x,
			at.x, &zero, y, at.y, y, at.y, &v->algo, space, v->workspace, lane->stream);
	layouts_free(l, &at);
	if (status != CUBLAS_STATUS_SUCCESS) {
		note(lane->card, w, b->rows, status);
		for (struct variant &each : w->plan->variant) {
			each.sought = true;
			each.usable = false;
		}
	}
	pthread_mutex_unlock(&lane->card->mutex);
	return status == CUBLAS_STATUS_SUCCESS;
}

/* The variant for a product, which may leave bias and activation to finish_kernel; NULL: none. In
 * bfloat16 GELU by tanh stands for the other, for speed: at most 0.0005 off, at -2.5 three hundredths
 * of the value, at -3 a tenth. */
static struct variant *variant_of(struct card *c, const struct half_product *b)
{
	const struct weight *w = b->w;
	struct lt_plan *p = w->plan;
	bool halves = b->pairs && w->n % 8 == 0;
	bool gelu = b->activation == ACTIVATION_GELU_TANH ||
		    (b->activation == ACTIVATION_GELU && w->dtype == BF16);
	if (halves && gelu && usable(c, w, &p->variant[GELU]) &&
		(p->variant[GELU].adds_bias || !w->bias))
		return &p->variant[GELU];
	if (halves && w->dtype == BF16 && usable(c, w, &p->variant[OWN]))
		return &p->variant[OWN];
	if (halves && b->activation == ACTIVATION_NONE && usable(c, w, &p->variant[OWN]) &&
		(p->variant[OWN].adds_bias || !w->bias))
		return &p->variant[OWN];
	return usable(c, w, &p->variant[FLOATS]) ? &p->variant[FLOATS] : NULL;
}

bool cuda_lt_product(struct lane *lane, const struct half_product *b)
{
	const struct weight *w = b->w;
	if (!w->plan || !cuda_begin(lane))
		return false;
	struct variant *v = variant_of(lane->card, b);
	if (!v) {
		pthread_mutex_lock(&lane->card->mutex);
		note(lane->card, w, PLAN_ROWS, CUBLAS_STATUS_SUCCESS);
		pthread_mutex_unlock(&lane->card->mutex);
		return false;
	}
	struct arena_mark mark = cuda_arena_mark(lane);
	const float *bias = v->adds_bias ? NULL : w->bias;
	bool own = v != &w->plan->variant[FLOATS];
	bool ends = v->gelu || (!bias && b->activation == ACTIVATION_NONE);
	bool fours = b->y && by_fours(b->y, b->y_stride), direct = own || (fours && ends);
	size_t stride = own ? w->n : direct ? b->y_stride : stride_of(w);
	float *floats = direct ? b->y : cuda_floats(lane, size_mul(b->rows, stride));
	bool good = multiply(lane, b, v, own ? static_cast<void *>(b->pairs) : floats, stride);
	struct finish f = { own ? NULL : floats, bias, b->y, b->pairs, stride, b->y_stride, b->rows,
		w->n, fours };
	if (good && !(direct && ends))
		(w->dtype == F16 ? finish<F16> : finish<BF16>)(lane, f, b->activation);
	cuda_arena_reset(lane, mark);
	return good;
}
