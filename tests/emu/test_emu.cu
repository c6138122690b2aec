/*
 * test_emu.cu: what is right stays unreported, under many interleavings: kernels as the product has
 * them, with results compared; and what the emulator itself promises, streams, memory, conversions,
 * limits. test_emu_bugs.cu has what must be found.
 */
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <initializer_list>
#include <math.h>

#include "test.h"

enum { SEEDS = 24 };

static void each_seed(void (*test)(void))
{
	for (int seed = 1; seed <= SEEDS; seed++) {
		emu_set_seed(static_cast<uint64_t>(seed));
		test();
	}
}
#define TEST(name) \
	static void once_##name(void); \
	static void name(void **state) \
	{ \
		(void)state; \
		each_seed(once_##name); \
	} \
	static void once_##name(void)

/* --- a tile product, as prototypes/sgemm.cu: vectors, two buffers, sums in blocks of k --- */

enum { TILE = 32, STEP = 8, BLOCK_K = 64 };

static __global__ void __launch_bounds__(64)
	tile_product(int m, int n, int k, const float *__restrict__ x, const float *w, float *y)
{
	__shared__ __align__(16) float xs[2][STEP][TILE + 4], ws[2][STEP][TILE];
	int t = threadIdx.x, tm = t / 8 * 4, tn = t % 8 * 4, m0 = blockIdx.y * TILE,
	    n0 = blockIdx.x * TILE;
	float c[4][4] = {};
	for (int k0 = 0, b = 0; k0 < k; k0 += STEP, b ^= 1) {
		int row = t / 2, column = t % 2 * 4;
		float4 v = *reinterpret_cast<const float4 *>(
			x + (size_t)min(m0 + row, m - 1) * k + k0 + column);
		xs[b][column][row] = v.x;
		xs[b][column + 1][row] = v.y;
		xs[b][column + 2][row] = v.z;
		xs[b][column + 3][row] = v.w;
		*reinterpret_cast<float4 *>(&ws[b][t / 8][tn]) =
			*reinterpret_cast<const float4 *>(w + (size_t)(k0 + t / 8) * n + n0 + tn);
		__syncthreads();
		for (int l = 0; l < STEP; l++) {
			float4 p = *reinterpret_cast<const float4 *>(&xs[b][l][tm]);
			float a[4] = { p.x, p.y, p.z, p.w };
			for (int i = 0; i < 4; i++)
				for (int j = 0; j < 4; j++)
					c[i][j] = __fmaf_rn(a[i], ws[b][l][tn + j], c[i][j]);
		}
		if ((k0 + STEP) % BLOCK_K == 0 || k0 + STEP >= k)
			for (int i = 0; i < 4 && m0 + tm + i < m; i++)
				for (int j = 0; j < 4; j++) {
					float *to = &y[(size_t)(m0 + tm + i) * n + n0 + tn + j];
					*to = k0 < BLOCK_K ? c[i][j] : __fadd_rn(*to, c[i][j]);
					c[i][j] = 0;
				}
	}
}

TEST(a_tile_product)
{
	enum { M = 41, N = 64, K = 72 };
	static float x[M * K], w[K * N], y[M * N];
	for (int i = 0; i < M * K; i++)
		x[i] = static_cast<float>(i * 37 % 101) / 7 - 5;
	for (int i = 0; i < K * N; i++)
		w[i] = static_cast<float>(i * 53 % 97) / 11 - 4;
	float *dx = device_array(M * K, x), *dw = device_array(K * N, w),
	      *dy = device_array<float>(M * N);
	LAUNCH(tile_product, dim3(N / TILE, (M + TILE - 1) / TILE), 64, 0, 0, M, N, K, dx, dw, dy);
	read_array(y, dy, M * N);
	for (int i = 0; i < M; i++)
		for (int j = 0; j < N; j++) {
			float sum = 0, c = 0;
			for (int k = 0; k < K; k++) {
				c = fmaf(x[i * K + k], w[k * N + j], c);
				if ((k + 1) % BLOCK_K == 0 || k + 1 == K) {
					sum = k < BLOCK_K ? c : sum + c;
					c = 0;
				}
			}
			assert_true(y[i * N + j] == sum);
		}
	cudaFree(dx);
	cudaFree(dw);
	cudaFree(dy);
}

/* --- warps --- */

static __global__ void warp_sums(const int *x, int *y)
{
	int t = blockIdx.x * blockDim.x + threadIdx.x, v = x[t];
	int by_xor = v, by_down = v, scan = v, lane = t % 32;
	for (int w = 16; w; w /= 2) {
		by_xor += __shfl_xor_sync(0xffffffffu, by_xor, w);
		by_down += __shfl_down_sync(0xffffffffu, by_down, w);
	}
	for (int w = 1; w < 32; w *= 2) {
		int before = __shfl_up_sync(0xffffffffu, scan, w);
		scan += lane >= w ? before : 0;
	}
	int first = __shfl_sync(0xffffffffu, by_down, 0);
	unsigned odd = __ballot_sync(0xffffffffu, v & 1);
	bool good = by_xor == first && __shfl_sync(0xffffffffu, scan, 31) == first &&
		    __reduce_add_sync(0xffffffffu, v) == first &&
		    (odd >> lane & 1) == static_cast<unsigned>(v & 1) &&
		    __any_sync(0xffffffffu, lane == 7) && !__all_sync(0xffffffffu, lane == 7) &&
		    __popc(__match_any_sync(0xffffffffu, lane / 8)) == 8 &&
		    __reduce_max_sync(0xffffffffu, -lane) == 0 &&
		    __reduce_min_sync(0xffffffffu, lane - 5) == -5 &&
		    __shfl_xor_sync(0xffffffffu, lane, 3, 8) == (lane ^ 3);
	y[t] = good ? scan : -1;
}

/* Halves of a warp that go different ways, each with its own mask; shared memory by __syncwarp. */
static __global__ void halves(int *x)
{
	__shared__ int s[64];
	int t = threadIdx.x, v = x[t];
	if (t % 32 < 16) {
		s[t] = v;
		__syncwarp(0x0000ffffu);
		v = s[t ^ 1] + __shfl_sync(0x0000ffffu, v, 0, 16);
	} else {
		for (int i = 0; i < 3; i++)
			v += __shfl_xor_sync(0xffff0000u, v, 1);
	}
	__syncwarp();
	s[t] = v;
	__syncwarp();
	x[t] = s[t ^ 31];
}

TEST(warps)
{
	int x[128], y[128];
	for (int i = 0; i < 128; i++)
		x[i] = i * i % 71;
	int *dx = device_array(128, x), *dy = device_array<int>(128);
	LAUNCH(warp_sums, 2, 64, 0, 0, dx, dy);
	read_array(y, dy, 128);
	for (int i = 0, scan = 0; i < 128; i++) {
		scan = i % 32 ? scan + x[i] : x[i];
		assert_int_equal(y[i], scan);
	}
	LAUNCH(halves, 1, 64, 0, 0, dx);
	read_array(y, dx, 64);
	for (int i = 0; i < 64; i++) {
		int from = i ^ 31, v = x[from];
		if (from % 32 < 16)
			v = x[from ^ 1] + x[from / 32 * 32];
		else
			v = 4 * (x[from] + x[from ^ 1]);
		assert_int_equal(y[i], v);
	}
	cudaFree(dx);
	cudaFree(dy);
}

/* --- blocks: scan, histogram, counts, dynamic memory, three dimensions --- */

static __global__ void block_scan(const int *x, int *y, int n)
{
	DYNAMIC_SHARED(int, s);
	int t = threadIdx.x;
	s[t] = t < n ? x[t] : 0;
	for (int w = 1; w < static_cast<int>(blockDim.x); w *= 2) {
		__syncthreads();
		int before = t >= w ? s[t - w] : 0;
		__syncthreads();
		s[t] += before;
	}
	if (t < n)
		y[t] = s[t];
	int odd = __syncthreads_count(t < n && x[t] & 1);
	if (t == 0)
		y[n] = odd;
}

static __global__ void histogram(const unsigned char *x, int n, unsigned *counts, int *slots)
{
	__shared__ unsigned own[16];
	int t = threadIdx.x;
	if (t < 16)
		own[t] = 0;
	__syncthreads();
	for (int i = blockIdx.x * blockDim.x + t; i < n; i += gridDim.x * blockDim.x) {
		unsigned slot = atomicAdd(&own[x[i]], 1u);
		atomicMax(&slots[x[i]], static_cast<int>(slot));
	}
	__syncthreads();
	if (t < 16)
		atomicAdd(&counts[t], own[t]);
}

static __global__ void indices(int *y)
{
	unsigned t = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
	unsigned b = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
	y[b * blockDim.x * blockDim.y * blockDim.z + t] = static_cast<int>(b * 1000 + t);
}

/* The last block that comes knows that it is: by its count, which it hands to nobody. */
static __global__ void tickets(unsigned *count, unsigned *last)
{
	__shared__ bool is_last;
	if (threadIdx.x == 0)
		is_last = atomicAdd(count, 1u) == gridDim.x - 1;
	__syncthreads();
	if (is_last && threadIdx.x == 1)
		atomicExch(last, 7u);
}

TEST(blocks)
{
	enum { N = 100 };
	int x[N], y[N + 1], odd = 0;
	unsigned char bytes[1000];
	unsigned counts[16] = { 0 }, want[16] = { 0 };
	for (int i = 0; i < N; i++)
		x[i] = i * 7 % 13;
	for (int i = 0; i < 1000; i++) {
		bytes[i] = static_cast<unsigned char>(i * i % 16);
		want[bytes[i]]++;
	}
	int *dx = device_array(N, x), *dy = device_array<int>(N + 1),
	    *slots = device_array<int>(16);
	LAUNCH(block_scan, 1, 128, 128 * sizeof(int), 0, dx, dy, N);
	read_array(y, dy, N + 1);
	for (int i = 0, sum = 0; i < N; i++) {
		sum += x[i];
		odd += x[i] & 1;
		assert_int_equal(y[i], sum);
	}
	assert_int_equal(y[N], odd);

	unsigned char *db = device_array(1000, bytes);
	unsigned *dc = device_array(16, counts);
	cudaMemset(slots, 0, 16 * sizeof(int));
	LAUNCH(histogram, 3, 96, 0, 0, db, 1000, dc, slots);
	read_array(counts, dc, 16);
	assert_memory_equal(counts, want, sizeof want);

	int *all = device_array<int>(24 * 30), host[24 * 30];
	LAUNCH(indices, dim3(2, 3, 4), dim3(5, 3, 2), 0, 0, all);
	read_array(host, all, 24 * 30);
	for (int i = 0; i < 24 * 30; i++)
		assert_int_equal(host[i], i / 30 * 1000 + i % 30);

	unsigned zeros[2] = { 0, 0 }, *ticket = device_array(2, zeros);
	LAUNCH(tickets, 5, 64, 0, 0, ticket, ticket + 1);
	read_array(zeros, ticket, 2);
	assert_int_equal(zeros[0], 5);
	assert_int_equal(zeros[1], 7);
	for (void *p : { (void *)dx, (void *)dy, (void *)slots, (void *)db, (void *)dc, (void *)all,
		     (void *)ticket })
		cudaFree(p);
}

/* The order of atomics is not the same under all seeds: what depends on it is seen to. */
static __global__ void order(unsigned *next, unsigned *y)
{
	y[atomicAdd(next, 1u)] = threadIdx.x;
}

static void interleavings_differ(void **state)
{
	unsigned zero = 0, y[2][64];
	(void)state;
	for (int i = 0; i < 2; i++) {
		unsigned *next = device_array(1, &zero), *dy = device_array<unsigned>(64);
		emu_set_seed(static_cast<uint64_t>(i));
		LAUNCH(order, 1, 64, 0, 0, next, dy);
		read_array(y[i], dy, 64);
	}
	assert_memory_not_equal(y[0], y[1], sizeof y[0]);
}

/* --- streams --- */

static __global__ void fill(int *x, int value)
{
	x[threadIdx.x] = value;
}

static __global__ void add(int *x, const int *y)
{
	x[threadIdx.x] += y[threadIdx.x];
}

static void nothing_runs_before_it_is_waited_for(void **state)
{
	enum { N = 32 };
	int *pinned, *x = device_array<int>(N);
	cudaStream_t s;
	(void)state;
	assert_int_equal(cudaMallocHost(&pinned, N * sizeof *pinned), cudaSuccess);
	assert_int_equal(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking), cudaSuccess);
	pinned[0] = 1;
	LAUNCH(fill, 1, N, 0, s, x, 5);
	cudaMemcpyAsync(pinned, x, N * sizeof *x, cudaMemcpyDeviceToHost, s);
	assert_int_not_equal(pinned[0], 5);
	assert_int_not_equal(pinned[0], 1); /* what was there is gone already */
	cudaStreamSynchronize(s);
	assert_int_equal(pinned[0], 5);
	pinned[0] = 6; /* a copy from pinned memory is late too */
	cudaMemcpyAsync(x, pinned, N * sizeof *x, cudaMemcpyHostToDevice, s);
	pinned[0] = 7;
	cudaStreamSynchronize(s);
	int got[N];
	read_array(got, x, N);
	assert_int_equal(got[0], 7);
	got[0] = 8; /* and one from other memory is staged at once */
	cudaMemcpyAsync(x, got, sizeof got, cudaMemcpyHostToDevice, s);
	got[0] = 9;
	cudaStreamSynchronize(s);
	read_array(got, x, N);
	assert_int_equal(got[0], 8);
	assert_int_equal(cudaStreamDestroy(s), cudaSuccess);
	cudaFreeHost(pinned);
	cudaFree(x);
}

/* A diamond of streams by events; the default stream with one that blocks on it. */
TEST(streams_and_events)
{
	enum { N = 32 };
	cudaStream_t s[3], blocking;
	cudaEvent_t e[3];
	int *x[3], got[N];
	for (int i = 0; i < 3; i++) {
		cudaStreamCreateWithFlags(&s[i], cudaStreamNonBlocking);
		cudaEventCreateWithFlags(&e[i], cudaEventDisableTiming);
		x[i] = device_array<int>(N);
	}
	LAUNCH(fill, 1, N, 0, s[0], x[0], 1);
	cudaEventRecord(e[0], s[0]);
	for (int i = 1; i < 3; i++) {
		cudaStreamWaitEvent(s[i], e[0]);
		LAUNCH(fill, 1, N, 0, s[i], x[i], 10 * i);
		LAUNCH(add, 1, N, 0, s[i], x[i], x[0]);
		cudaEventRecord(e[i], s[i]);
		cudaStreamWaitEvent(s[0], e[i]);
	}
	LAUNCH(add, 1, N, 0, s[0], x[0], x[1]);
	LAUNCH(add, 1, N, 0, s[0], x[0], x[2]);
	cudaEventRecord(e[0], s[0]);
	while (cudaEventQuery(e[0]) == cudaErrorNotReady)
		;
	read_array(got, x[0], N);
	assert_int_equal(got[N - 1], 1 + 11 + 21);
	cudaStreamCreate(&blocking);
	LAUNCH(fill, 1, N, 0, blocking, x[0], 3);
	LAUNCH(add, 1, N, 0, 0, x[1], x[0]);
	LAUNCH(add, 1, N, 0, blocking, x[0], x[1]);
	cudaStreamSynchronize(blocking);
	read_array(got, x[0], N);
	assert_int_equal(got[0], 3 + 14);
	for (int i = 0; i < 3; i++) {
		cudaStreamDestroy(s[i]);
		cudaEventDestroy(e[i]);
		cudaFree(x[i]);
	}
	cudaStreamDestroy(blocking);
}

/* --- memory and limits --- */

static void memory_runs_out(void **state)
{
	void *p = NULL, *q = NULL;
	size_t available, total;
	(void)state;
	emu_set_memory(1 << 20);
	assert_int_equal(cudaMalloc(&p, 700 << 10), cudaSuccess);
	assert_int_equal(cudaMalloc(&q, 700 << 10), cudaErrorMemoryAllocation);
	assert_null(q);
	assert_int_equal(cudaMemGetInfo(&available, &total), cudaSuccess);
	assert_int_equal(total, 1 << 20);
	assert_true(available <= 324 << 10);
	assert_int_equal(cudaFree(p), cudaSuccess);
	assert_int_equal(cudaMalloc(&q, 700 << 10), cudaSuccess);
	assert_int_equal(cudaFree(q), cudaSuccess);
	emu_set_memory((size_t)2 << 30);
	emu_fail_allocation(1);
	assert_int_equal(cudaMalloc(&p, 16), cudaSuccess);
	assert_int_equal(cudaMalloc(&q, 16), cudaErrorMemoryAllocation);
	assert_int_equal(cudaMalloc(&q, 16), cudaSuccess);
	cudaFree(p);
	cudaFree(q);
}

static void launches_past_the_limits_are_refused(void **state)
{
	int *x = device_array<int>(64), value;
	(void)state;
	LAUNCH(fill, 1, 1025, 0, 0, x, 1);
	assert_int_equal(cudaGetLastError(), cudaErrorInvalidConfiguration);
	assert_int_equal(cudaGetLastError(), cudaSuccess);
	LAUNCH(fill, 0, 32, 0, 0, x, 1);
	assert_int_equal(cudaGetLastError(), cudaErrorInvalidConfiguration);
	LAUNCH(fill, dim3(1, 65536), 32, 0, 0, x, 1);
	assert_int_equal(cudaGetLastError(), cudaErrorInvalidConfiguration);
	LAUNCH(block_scan, 1, 32, (48 << 10) + 4, 0, x, x, 32);
	assert_int_equal(cudaGetLastError(), cudaErrorInvalidConfiguration);
	assert_int_equal(cudaFuncSetAttribute(block_scan,
				 cudaFuncAttributeMaxDynamicSharedMemorySize, (64 << 10) + 1),
		cudaErrorInvalidValue);
	assert_int_equal(cudaFuncSetAttribute(
				 block_scan, cudaFuncAttributeMaxDynamicSharedMemorySize, 64 << 10),
		cudaSuccess);
	assert_int_equal(cudaMemset(x, 0, 64 * sizeof *x), cudaSuccess);
	LAUNCH(block_scan, 1, 32, 64 << 10, 0, x, x, 32);
	assert_int_equal(cudaGetLastError(), cudaSuccess);
	assert_int_equal(cudaDeviceSynchronize(), cudaSuccess);
	assert_int_equal(cudaDeviceGetAttribute(&value, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0),
		cudaSuccess);
	assert_int_equal(value, 64 << 10);
	assert_int_equal(cudaMemcpy(x, x, 4, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
	cudaFree(x);
}

/* Parts of one allocation, as an allocator on top of cudaMalloc hands out. */
static void regions_open_and_close(void **state)
{
	int *x = device_array<int>(64), got[32];
	(void)state;
	emu_region(x, 64 * sizeof *x, false, 0);
	emu_region(x, 32 * sizeof *x, true, 0);
	LAUNCH(fill, 1, 32, 0, 0, x, 4);
	read_array(got, x, 32);
	assert_int_equal(got[31], 4);
	cudaFree(x);
}

/* --- numbers --- */

static void halves_convert_to_nearest_even(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 65536; i++) {
		unsigned short h = static_cast<unsigned short>(i);
		float f = __half2float(__ushort_as_half(h)),
		      b = __bfloat162float(__ushort_as_bfloat16(h));
		if (f == f)
			assert_int_equal(__half_as_ushort(__float2half_rn(f)), h);
		if (b == b)
			assert_int_equal(__bfloat16_as_ushort(__float2bfloat16_rn(b)), h);
		if (i >= 0x7bff || (i & 0x8000)) /* between a number and the next: the even one */
			continue;
		float g = __half2float(__ushort_as_half(h + 1)), middle = f + (g - f) / 2;
		assert_int_equal(__half_as_ushort(__float2half_rn(middle)), h + (h & 1));
		assert_int_equal(__half_as_ushort(__float2half_rn(nextafterf(middle, 0))), h);
		assert_int_equal(
			__half_as_ushort(__float2half_rn(nextafterf(middle, INFINITY))), h + 1);
	}
	assert_int_equal(__half_as_ushort(__float2half_rn(65519.99f)), 0x7bff);
	assert_int_equal(__half_as_ushort(__float2half_rn(65520)), 0x7c00);
	assert_int_equal(__half_as_ushort(__float2half_rn(0x1p-25f)), 0);
	assert_int_equal(__half_as_ushort(__float2half_rn(-0x1.8p-25f)), 0x8001);
	assert_int_equal(__bfloat16_as_ushort(__float2bfloat16_rn(0x1.01p0f)), 0x3f80);
	assert_int_equal(__bfloat16_as_ushort(__float2bfloat16_rn(0x1.03p0f)), 0x3f82);
	assert_int_equal(__bfloat16_as_ushort(__float2bfloat16_rn(NAN)), 0x7fff);
}

static void bits_are_cudas(void **state)
{
	(void)state;
	assert_int_equal(__brev(1), 0x80000000u);
	assert_int_equal(__brev(0x12345678), 0x1e6a2c48);
	assert_int_equal(__clz(0), 32);
	assert_int_equal(__clz(1), 31);
	assert_int_equal(__clzll(1), 63);
	assert_int_equal(__ffs(0), 0);
	assert_int_equal(__ffs(8), 4);
	assert_int_equal(__float2int_rz(3e9f), INT32_MAX);
	assert_int_equal(__float2int_rz(NAN), 0);
	assert_int_equal(__float2int_rn(2.5f), 2);
	assert_int_equal(__umulhi(0xffffffffu, 0xffffffffu), 0xfffffffeu);
	assert_int_equal(__dp4a(static_cast<int>(0xff02fe01u), 0x0102037f, 5), 5 + 127 - 6 + 4 - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tile_product),
		cmocka_unit_test(warps),
		cmocka_unit_test(blocks),
		cmocka_unit_test(interleavings_differ),
		cmocka_unit_test(nothing_runs_before_it_is_waited_for),
		cmocka_unit_test(streams_and_events),
		cmocka_unit_test(memory_runs_out),
		cmocka_unit_test(launches_past_the_limits_are_refused),
		cmocka_unit_test(regions_open_and_close),
		cmocka_unit_test(halves_convert_to_nearest_even),
		cmocka_unit_test(bits_are_cudas),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
