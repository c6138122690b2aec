/* test_emu_cublaslt.cu: the emulator's cuBLASLt (cublaslt.c): products of each type, what follows them, and
 * what it does to its workspace. */
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <initializer_list>
#include <math.h>

#include "test.h"

#include "gpu/cuda/cublaslt.h"

#define GOOD(call) assert_int_equal(call, CUBLAS_STATUS_SUCCESS)

/* y[M,N] = x[M,K] w[N,K]^T + bias[N], row by row, which cuBLASLt sees as columns: y^T = w x^T. */
static void products_by_cublaslt(void **state)
{
	enum { M = 5, N = 7, K = 19 };
	__nv_bfloat16 x[M * K], w[N * K];
	float bias[N], y[M * N], alpha = 1, beta = 0;
	int32_t transpose = CUBLAS_OP_T, found;
	uint32_t epilogue = CUBLASLT_EPILOGUE_BIAS;
	int32_t bias_type = CUDA_R_32F;
	(void)state;
	for (int i = 0; i < M * K; i++)
		x[i] = __float2bfloat16_rn(static_cast<float>(i * 29 % 83) / 9 - 4);
	for (int i = 0; i < N * K; i++)
		w[i] = __float2bfloat16_rn(static_cast<float>(i * 31 % 67) / 8 - 4);
	for (int i = 0; i < N; i++)
		bias[i] = static_cast<float>(i) / 2;
	__nv_bfloat16 *dx = device_array(M * K, x), *dw = device_array(N * K, w);
	float *dbias = device_array(N, bias), *dy = device_array<float>(M * N);
	cublasLtHandle_t handle;
	cublasLtMatmulDesc_t desc;
	cublasLtMatrixLayout_t lw, lx, ly;
	cublasLtMatmulPreference_t preference;
	cublasLtMatmulHeuristicResult_t result;
	GOOD(cublasLtCreate(&handle));
	GOOD(cublasLtMatmulDescCreate(&desc, CUBLAS_COMPUTE_32F, CUDA_R_32F));
	GOOD(cublasLtMatmulDescSetAttribute(
		desc, CUBLASLT_MATMUL_DESC_TRANSA, &transpose, sizeof transpose));
	GOOD(cublasLtMatmulDescSetAttribute(
		desc, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue));
	GOOD(cublasLtMatmulDescSetAttribute(
		desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &dbias, sizeof dbias));
	GOOD(cublasLtMatmulDescSetAttribute(
		desc, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &bias_type, sizeof bias_type));
	GOOD(cublasLtMatrixLayoutCreate(&lw, CUDA_R_16BF, K, N, K));
	GOOD(cublasLtMatrixLayoutCreate(&lx, CUDA_R_16BF, K, M, K));
	GOOD(cublasLtMatrixLayoutCreate(&ly, CUDA_R_32F, N, M, N));
	GOOD(cublasLtMatmulPreferenceCreate(&preference));
	assert_int_equal(cublasLtMatmulAlgoGetHeuristic(
				 handle, desc, lx, lw, ly, ly, preference, 1, &result, &found),
		CUBLAS_STATUS_NOT_SUPPORTED);
	GOOD(cublasLtMatmulAlgoGetHeuristic(
		handle, desc, lw, lx, ly, ly, preference, 1, &result, &found));
	assert_int_equal(found, 1);
	GOOD(cublasLtMatmul(handle, desc, &alpha, dw, lw, dx, lx, &beta, dy, ly, dy, ly,
		&result.algo, NULL, 0, 0));
	read_array(y, dy, M * N);
	for (int i = 0; i < M; i++)
		for (int j = 0; j < N; j++) {
			float sum = 0;
			for (int k = 0; k < K; k++)
				sum = fmaf(__bfloat162float(w[j * K + k]),
					__bfloat162float(x[i * K + k]), sum);
			assert_true(y[i * N + j] == sum + bias[j]);
		}
	cublasLtMatrixLayoutDestroy(lw);
	cublasLtMatrixLayoutDestroy(lx);
	cublasLtMatrixLayoutDestroy(ly);
	cublasLtMatmulDescDestroy(desc);
	cublasLtMatmulPreferenceDestroy(preference);
	cublasLtDestroy(handle);
	for (void *p : { (void *)dx, (void *)dw, (void *)dbias, (void *)dy })
		cudaFree(p);
}

/* Ten bits of fraction, to nearest; two matrices at once; by rows. */
static void products_in_tf32(void **state)
{
	float a[4] = { 1 + 0x1p-11f, 3, 1 + 0x1p-12f, 5 }, b[2] = { 2, 7 }, y[4], alpha = 2,
	      beta = 0;
	int32_t batch = 2, order = CUBLASLT_ORDER_ROW;
	int64_t step = 2, none = 0;
	(void)state;
	float *da = device_array(4, a), *db = device_array(2, b), *dy = device_array<float>(4);
	cublasLtHandle_t handle;
	cublasLtMatmulDesc_t desc;
	cublasLtMatrixLayout_t l[3];
	GOOD(cublasLtCreate(&handle));
	GOOD(cublasLtMatmulDescCreate(&desc, CUBLAS_COMPUTE_32F_FAST_TF32, CUDA_R_32F));
	GOOD(cublasLtMatrixLayoutCreate(&l[0], CUDA_R_32F, 2, 1, 1));
	GOOD(cublasLtMatrixLayoutCreate(&l[1], CUDA_R_32F, 1, 1, 1));
	GOOD(cublasLtMatrixLayoutCreate(&l[2], CUDA_R_32F, 2, 1, 1));
	for (int i = 0; i < 3; i++) {
		GOOD(cublasLtMatrixLayoutSetAttribute(
			l[i], CUBLASLT_MATRIX_LAYOUT_ORDER, &order, sizeof order));
		GOOD(cublasLtMatrixLayoutSetAttribute(
			l[i], CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &batch, sizeof batch));
		GOOD(cublasLtMatrixLayoutSetAttribute(l[i],
			CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, i == 1 ? &none : &step,
			sizeof step));
	}
	GOOD(cublasLtMatmul(handle, desc, &alpha, da, l[0], db, l[1], &beta, dy, l[2], dy, l[2],
		NULL, NULL, 0, 0));
	read_array(y, dy, 4);
	assert_true(y[0] == 4 * (1 + 0x1p-10f) && y[1] == 12 && y[2] == 4 && y[3] == 20);
	for (int i = 0; i < 3; i++)
		cublasLtMatrixLayoutDestroy(l[i]);
	cublasLtMatmulDescDestroy(desc);
	cublasLtDestroy(handle);
	for (void *p : { (void *)da, (void *)db, (void *)dy })
		cudaFree(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(products_by_cublaslt),
		cmocka_unit_test(products_in_tf32),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
