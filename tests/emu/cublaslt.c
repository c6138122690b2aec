/*
 * cublaslt.c: cuBLASLt for the emulator: D = act(alpha op(A) op(B) + beta C + bias), one chain of
 * fused multiply-adds in order of k in float32, inputs in their own type (TF32: float32 with 10 bits
 * of fraction, to nearest). NVIDIA's sums have another order, so only a tolerance can compare the
 * two. It runs on the stream, late; reads and writes go through the shadow; the workspace is filled
 * with garbage, as the real one may. HEDDLE_EMU_REFUSE: products are planned and then refused.
 */
#include "cuda_runtime_api.h"
#include "gpu/cuda/cublaslt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "emu_half.h"
#include "tests/emu/shadow.h"

/* Algorithms: the faster one by the estimate does not compute every number of rows of y, D's columns. */
enum { ANY = 1, ROWS_BY_EIGHTS = 2, SPACE = 4096 };

struct cublasLtContext {
	int unused;
};

struct emu_matmul_desc {
	cublasComputeType_t compute;
	int32_t transpose_a, transpose_b;
	uint32_t epilogue;
	const void *bias;
	int32_t bias_type; /* -1: D's */
};

struct emu_matrix_layout {
	uint32_t type;
	int32_t order;
	uint64_t rows, columns;
	int64_t ld;
	int32_t batch;
	int64_t batch_offset;
};

struct emu_preference {
	uint64_t workspace;
};

struct matmul {
	struct emu_matmul_desc desc;
	struct emu_matrix_layout la, lb, lc, ld;
	const void *a, *b, *c;
	void *d, *workspace;
	size_t workspace_size;
	float alpha, beta;
};

/* --- handles and their attributes --- */

#define NEW(type, name) \
	struct type *name = calloc(1, sizeof *name); \
	if (!name) \
	return CUBLAS_STATUS_ALLOC_FAILED

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle)
{
	NEW(cublasLtContext, h);
	*handle = h;
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle)
{
	free(handle);
	return CUBLAS_STATUS_SUCCESS;
}

size_t cublasLtGetVersion(void)
{
	return 130000;
}

const char *cublasLtGetStatusString(cublasStatus_t s)
{
	return s == CUBLAS_STATUS_SUCCESS         ? "CUBLAS_STATUS_SUCCESS"
	       : s == CUBLAS_STATUS_INVALID_VALUE ? "CUBLAS_STATUS_INVALID_VALUE"
	       : s == CUBLAS_STATUS_NOT_SUPPORTED ? "CUBLAS_STATUS_NOT_SUPPORTED"
						  : "CUBLAS_STATUS";
}

cublasStatus_t cublasLtMatmulDescCreate(
	cublasLtMatmulDesc_t *desc, cublasComputeType_t compute, cudaDataType_t scale)
{
	if (scale != CUDA_R_32F ||
		(compute != CUBLAS_COMPUTE_32F && compute != CUBLAS_COMPUTE_32F_PEDANTIC &&
			compute != CUBLAS_COMPUTE_32F_FAST_TF32))
		return CUBLAS_STATUS_INVALID_VALUE;
	NEW(emu_matmul_desc, d);
	d->compute = compute;
	d->epilogue = CUBLASLT_EPILOGUE_DEFAULT;
	d->bias_type = -1;
	*desc = d;
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t d)
{
	free(d);
	return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t set(void *field, size_t size, const void *value, size_t given)
{
	if (!field || size != given)
		return CUBLAS_STATUS_INVALID_VALUE;
	memcpy(field, value, size);
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t d,
	cublasLtMatmulDescAttributes_t attribute, const void *value, size_t size)
{
	switch (attribute) {
	case CUBLASLT_MATMUL_DESC_TRANSA:
		return set(&d->transpose_a, sizeof d->transpose_a, value, size);
	case CUBLASLT_MATMUL_DESC_TRANSB:
		return set(&d->transpose_b, sizeof d->transpose_b, value, size);
	case CUBLASLT_MATMUL_DESC_EPILOGUE:
		return set(&d->epilogue, sizeof d->epilogue, value, size);
	case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
		return set(&d->bias, sizeof d->bias, value, size);
	case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
		return set(&d->bias_type, sizeof d->bias_type, value, size);
	default:
		return CUBLAS_STATUS_INVALID_VALUE;
	}
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *layout, cudaDataType type,
	uint64_t rows, uint64_t columns, int64_t ld)
{
	if (type != CUDA_R_32F && type != CUDA_R_16F && type != CUDA_R_16BF)
		return CUBLAS_STATUS_INVALID_VALUE;
	NEW(emu_matrix_layout, l);
	*l = (struct emu_matrix_layout){
		.type = type, .rows = rows, .columns = columns, .ld = ld, .batch = 1
	};
	*layout = l;
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t l)
{
	free(l);
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t l,
	cublasLtMatrixLayoutAttribute_t attribute, const void *value, size_t size)
{
	switch (attribute) {
	case CUBLASLT_MATRIX_LAYOUT_TYPE:
		return set(&l->type, sizeof l->type, value, size);
	case CUBLASLT_MATRIX_LAYOUT_ORDER:
		return set(&l->order, sizeof l->order, value, size);
	case CUBLASLT_MATRIX_LAYOUT_ROWS:
		return set(&l->rows, sizeof l->rows, value, size);
	case CUBLASLT_MATRIX_LAYOUT_COLS:
		return set(&l->columns, sizeof l->columns, value, size);
	case CUBLASLT_MATRIX_LAYOUT_LD:
		return set(&l->ld, sizeof l->ld, value, size);
	case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT:
		return set(&l->batch, sizeof l->batch, value, size);
	case CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET:
		return set(&l->batch_offset, sizeof l->batch_offset, value, size);
	default:
		return CUBLAS_STATUS_INVALID_VALUE;
	}
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *preference)
{
	NEW(emu_preference, p);
	*preference = p;
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t p)
{
	free(p);
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t p,
	cublasLtMatmulPreferenceAttributes_t attribute, const void *value, size_t size)
{
	uint32_t other;
	if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)
		return set(&p->workspace, sizeof p->workspace, value, size);
	return set(&other, sizeof other, value, size);
}

/* --- whether a product is one --- */

static uint64_t across(const struct emu_matrix_layout *l)
{
	return l->order == CUBLASLT_ORDER_COL ? l->columns : l->rows;
}

static uint64_t along(const struct emu_matrix_layout *l)
{
	return l->order == CUBLASLT_ORDER_COL ? l->rows : l->columns;
}

static bool fits(const struct emu_matmul_desc *o, const struct emu_matrix_layout *a,
	const struct emu_matrix_layout *b, const struct emu_matrix_layout *c,
	const struct emu_matrix_layout *d)
{
	const struct emu_matrix_layout *all[] = { a, b, c, d };
	for (int i = 0; i < 4; i++)
		if (!all[i]->rows || !all[i]->columns || all[i]->ld < (int64_t)along(all[i]) ||
			all[i]->batch != d->batch || all[i]->batch < 1)
			return false;
	uint64_t m = o->transpose_a ? a->columns : a->rows,
		 k = o->transpose_a ? a->rows : a->columns;
	uint64_t k2 = o->transpose_b ? b->columns : b->rows,
		 n = o->transpose_b ? b->rows : b->columns;
	bool bias = o->epilogue & CUBLASLT_EPILOGUE_BIAS;
	bool tf32 = o->compute == CUBLAS_COMPUTE_32F_FAST_TF32;
	return k == k2 && d->rows == m && d->columns == n && c->rows == m && c->columns == n &&
	       c->type == d->type && a->type == b->type &&
	       (!bias || (o->bias && (o->bias_type < 0 || (uint32_t)o->bias_type == d->type))) &&
	       (!tf32 || a->type == CUDA_R_32F) && (d->type == a->type || d->type == CUDA_R_32F);
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
	cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
	cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t preference, int wanted,
	cublasLtMatmulHeuristicResult_t results[], int *found)
{
	struct emu_matmul_desc o = *desc;
	o.bias = o.bias ? o.bias : desc; /* may come later */
	*found = 0;
	if (!handle || wanted < 1)
		return CUBLAS_STATUS_INVALID_VALUE;
	if (!fits(&o, a, b, c, d))
		return CUBLAS_STATUS_NOT_SUPPORTED;
	for (int i = 0; i < 2 && i < wanted; i++)
		results[(*found)++] = (cublasLtMatmulHeuristicResult_t){
			.algo = { { wanted == 1 || i == 1 ? ANY : ROWS_BY_EIGHTS } },
			.workspaceSize = preference && preference->workspace >= SPACE ? SPACE : 0,
			.state = CUBLAS_STATUS_SUCCESS,
			.wavesCount = 1
		};
	return CUBLAS_STATUS_SUCCESS;
}

/* Whether the algorithm computes D. */
static bool covers(uint64_t algo, const struct emu_matrix_layout *d)
{
	return algo == ANY || (algo == ROWS_BY_EIGHTS && d->columns % 8 == 0);
}

cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
	cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
	cublasLtMatrixLayout_t d, const cublasLtMatmulAlgo_t *algo,
	cublasLtMatmulHeuristicResult_t *result)
{
	if (!handle || !algo)
		return CUBLAS_STATUS_INVALID_VALUE;
	if (!fits(desc, a, b, c, d) || !covers(algo->data[0], d))
		return CUBLAS_STATUS_NOT_SUPPORTED;
	*result = (cublasLtMatmulHeuristicResult_t){
		.algo = *algo, .workspaceSize = SPACE, .state = CUBLAS_STATUS_SUCCESS
	};
	return CUBLAS_STATUS_SUCCESS;
}

/* --- the product --- */

static size_t type_size(uint32_t type)
{
	return type == CUDA_R_32F ? 4 : 2;
}

static float get(uint32_t type, const char *p, bool tf32)
{
	uint16_t h;
	float x;
	if (type == CUDA_R_32F) {
		memcpy(&x, p, sizeof x);
		uint32_t u = emu_float_bits(x);
		return tf32 && isfinite(x) ? emu_bits_float((u + 0x1000) & 0xffffe000u) : x;
	}
	memcpy(&h, p, sizeof h);
	return type == CUDA_R_16F ? emu_from_float16(h) : emu_from_bfloat16(h);
}

static void put(uint32_t type, char *p, float x)
{
	uint16_t h = type == CUDA_R_16F ? emu_to_float16(x) : emu_to_bfloat16(x);
	if (type == CUDA_R_32F)
		memcpy(p, &x, sizeof x);
	else
		memcpy(p, &h, sizeof h);
}

static size_t offset(const struct emu_matrix_layout *l, uint64_t row, uint64_t column)
{
	bool by_column = l->order == CUBLASLT_ORDER_COL;
	return ((by_column ? column : row) * (uint64_t)l->ld + (by_column ? row : column)) *
	       type_size(l->type);
}

/* One matrix of op(x) as floats, row by row, what the shadow says about it seen to. */
static float *load(const struct emu_matrix_layout *l, const char *p, bool transposed, bool tf32)
{
	float *x = malloc(l->rows * l->columns * sizeof *x);
	if (!x)
		abort();
	for (uint64_t i = 0; i < across(l); i++)
		shadow_copy((uintptr_t)p + i * (uint64_t)l->ld * type_size(l->type),
			along(l) * type_size(l->type), false, "cublasLtMatmul");
	for (uint64_t i = 0; i < l->rows; i++)
		for (uint64_t j = 0; j < l->columns; j++)
			x[transposed ? j * l->rows + i : i * l->columns + j] =
				get(l->type, p + offset(l, i, j), tf32);
	return x;
}

static float activated(uint32_t epilogue, float x)
{
	if (epilogue & CUBLASLT_EPILOGUE_RELU)
		return x > 0 ? x : 0;
	if (epilogue & CUBLASLT_EPILOGUE_GELU)
		return 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
	return x;
}

static void one_matrix(const struct matmul *t, int32_t batch)
{
	bool tf32 = t->desc.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
	const char *from[3] = { t->a, t->b, t->c };
	const struct emu_matrix_layout *l[3] = { &t->la, &t->lb, &t->lc };
	for (int i = 0; i < 3; i++)
		from[i] += batch * l[i]->batch_offset * (int64_t)type_size(l[i]->type);
	char *d = (char *)t->d + batch * t->ld.batch_offset * (int64_t)type_size(t->ld.type);
	float *a = load(&t->la, from[0], t->desc.transpose_a, tf32);
	float *b = load(&t->lb, from[1], !t->desc.transpose_b, tf32);
	float *c = t->beta != 0 ? load(&t->lc, from[2], false, false) : NULL;
	uint64_t m = t->ld.rows, n = t->ld.columns;
	uint64_t k = t->desc.transpose_a ? t->la.rows : t->la.columns;
	bool bias = t->desc.epilogue & CUBLASLT_EPILOGUE_BIAS;
	uint32_t bias_type = t->desc.bias_type < 0 ? t->ld.type : (uint32_t)t->desc.bias_type;
	if (bias)
		shadow_copy(
			(uintptr_t)t->desc.bias, m * type_size(bias_type), false, "cublasLtMatmul");
	for (uint64_t i = 0; i < across(&t->ld); i++)
		shadow_copy((uintptr_t)d + i * (uint64_t)t->ld.ld * type_size(t->ld.type),
			along(&t->ld) * type_size(t->ld.type), true, "cublasLtMatmul");
	for (uint64_t i = 0; i < m; i++)
		for (uint64_t j = 0; j < n; j++) {
			float s = 0;
			for (uint64_t h = 0; h < k; h++)
				s = fmaf(a[i * k + h], b[j * k + h], s);
			s = t->alpha * s + (c ? t->beta * c[i * n + j] : 0);
			if (bias)
				s += get(bias_type,
					(const char *)t->desc.bias + i * type_size(bias_type),
					false);
			put(t->ld.type, d + offset(&t->ld, i, j), activated(t->desc.epilogue, s));
		}
	free(a);
	free(b);
	free(c);
}

static void run(void *context)
{
	struct matmul *t = context;
	if (t->workspace_size) {
		shadow_copy((uintptr_t)t->workspace, t->workspace_size, true,
			"cublasLtMatmul's workspace");
		memset(t->workspace, 0xcb, t->workspace_size);
	}
	for (int32_t i = 0; i < t->ld.batch; i++)
		one_matrix(t, i);
	free(t);
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void *alpha,
	const void *a, cublasLtMatrixLayout_t la, const void *b, cublasLtMatrixLayout_t lb,
	const void *beta, const void *c, cublasLtMatrixLayout_t lc, void *d,
	cublasLtMatrixLayout_t ld, const cublasLtMatmulAlgo_t *algo, void *workspace,
	size_t workspace_size, cudaStream_t stream)
{
	if (!handle || !a || !b || !c || !d || !fits(desc, la, lb, lc, ld) ||
		(algo && !covers(algo->data[0], ld)))
		return CUBLAS_STATUS_INVALID_VALUE;
	if (getenv("HEDDLE_EMU_REFUSE"))
		return CUBLAS_STATUS_NOT_SUPPORTED;
	NEW(matmul, t);
	*t = (struct matmul){ .desc = *desc,
		.la = *la,
		.lb = *lb,
		.lc = *lc,
		.ld = *ld,
		.a = a,
		.b = b,
		.c = c,
		.d = d,
		.workspace = workspace,
		.workspace_size = workspace && workspace_size > SPACE ? SPACE
				  : workspace                         ? workspace_size
								      : 0 };
	memcpy(&t->alpha, alpha, sizeof t->alpha);
	memcpy(&t->beta, beta, sizeof t->beta);
	stream_call(stream, "cublasLtMatmul", run, t, (uintptr_t)__builtin_return_address(0) - 1);
	return CUBLAS_STATUS_SUCCESS;
}
