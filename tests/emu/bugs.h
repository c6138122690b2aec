/* bugs.h: kernels with one bug each, which `wrong` switches on; for test_emu_bugs.cu, in blocks of N threads. */
#pragma once
#include "test.h"

enum { N = 64 };

/* --- shared memory and barriers --- */

static __global__ void reverse(int *x, bool wrong)
{
	__shared__ int s[N];
	int t = threadIdx.x;
	s[t] = x[t];
	if (!wrong)
		__syncthreads();
	x[t] = s[N - 1 - t];
}

static __global__ void reverse_again(int *x, bool wrong)
{
	__shared__ int s[N];
	int t = threadIdx.x;
	for (int i = 0; i < 2; i++) {
		s[t] = x[t];
		__syncthreads();
		x[t] = s[N - 1 - t];
		if (!wrong)
			__syncthreads();
	}
}

static __global__ void shared_bound(int *x, bool wrong)
{
	__shared__ int before[N], s[N], after[N];
	int t = threadIdx.x;
	before[t] = s[t] = after[t] = x[t];
	__syncthreads();
	int *p = s; /* past what -fsanitize=bounds sees */
	x[t] = before[t] + after[t] + p[wrong ? t + 1 : t];
}

static __global__ void shared_before(int *x, bool wrong)
{
	__shared__ int before[N], s[N];
	int t = threadIdx.x;
	before[t] = s[t] = x[t];
	__syncthreads();
	int *p = s;
	x[t] = before[t] + p[wrong ? t - 1 : t];
}

static __global__ void dynamic_bound(int *x, bool wrong)
{
	DYNAMIC_SHARED(int, s);
	int t = threadIdx.x;
	s[wrong ? t + 1 : t] = x[t];
	__syncthreads();
	x[t] = s[wrong ? t + 1 : t];
}

static __global__ void shared_unwritten(int *x, bool wrong)
{
	__shared__ int s[N];
	int t = threadIdx.x;
	if (!wrong || t != 5)
		s[t] = x[t];
	__syncthreads();
	x[t] = s[N - 1 - t];
}

/* Written by the block before, which says nothing about this one. */
static __global__ void shared_of_another_block(int *x, bool wrong)
{
	__shared__ int s[N];
	int t = threadIdx.x;
	if (!wrong || blockIdx.x == 0)
		s[t] = x[blockIdx.x * N + t];
	__syncthreads();
	x[blockIdx.x * N + t] = s[N - 1 - t];
}

static __global__ void barrier_exit(int *x, bool wrong)
{
	int t = threadIdx.x;
	if (wrong && t >= N - 1)
		return;
	x[t]++;
	__syncthreads();
}

static __global__ void barrier_branch(int *x, bool wrong)
{
	int t = threadIdx.x;
	if (wrong && t == 3) {
		x[t]++;
		__syncthreads();
	} else {
		x[t]--;
		__syncthreads();
	}
}

static __global__ void narrow_race(unsigned char *x, bool wrong)
{
	__shared__ unsigned char s[N];
	int t = threadIdx.x;
	s[t] = x[t];
	if (wrong)
		s[t ^ 1] = 1;
	__syncthreads();
	x[t] = s[t];
}

static __global__ void same_slot(int *x, bool wrong)
{
	__shared__ int s;
	if (!wrong || threadIdx.x == 0 || threadIdx.x == 40)
		if (wrong || threadIdx.x == 0)
			s = x[threadIdx.x];
	__syncthreads();
	x[threadIdx.x] = s;
}

static __global__ void histogram(int *x, bool wrong)
{
	__shared__ int counts[4];
	int t = threadIdx.x;
	if (t < 4)
		counts[t] = 0;
	__syncthreads();
	if (wrong)
		counts[x[t] & 3]++;
	else
		atomicAdd(&counts[x[t] & 3], 1);
	__syncthreads();
	x[t] = counts[t & 3];
}

static __global__ void atomic_and_plain(int *x, bool wrong)
{
	__shared__ int count;
	int t = threadIdx.x;
	if (t == 0)
		count = 0;
	__syncthreads();
	atomicAdd(&count, 1);
	if (!wrong)
		__syncthreads();
	x[t] = count;
}

static __global__ void misaligned(float *x, bool wrong)
{
	float4 v = *(const float4 *)(x + (wrong ? 1 : 0));
	__syncthreads();
	x[threadIdx.x] = v.x;
}

/* In a template, whose variables lie in sections of their own. */
template <int SIZE> static __global__ void template_bound(int *x, bool wrong)
{
	__shared__ int s[SIZE], after[SIZE];
	int t = threadIdx.x, *p = s;
	p[t] = after[t] = x[t];
	__syncthreads();
	x[t] = after[t] + p[wrong ? t + 1 : t];
}

static __global__ void inner_index(int *x, bool wrong)
{
	__shared__ int s[2][N];
	int t = threadIdx.x;
	s[0][t] = s[1][t] = x[t];
	__syncthreads();
	x[t] = s[0][wrong ? t + 1 : t];
}

static __global__ void local_bound(int *x, bool wrong)
{
	int own[4] = { 1, 2, 3, 4 }, t = threadIdx.x;
	x[t] = own[wrong ? t % 5 : t % 4];
}

static __global__ void wide_shift(int *x, bool wrong)
{
	int t = threadIdx.x;
	x[t] = 1 << (wrong ? t : t % 31);
}

static __global__ void large_float(int *x, bool wrong)
{
	float f = wrong ? 1e10f : 1e9f;
	x[threadIdx.x] = static_cast<int>(f * threadIdx.x / N);
}

/* --- global memory --- */

static __global__ void global_bound(int *x, bool wrong)
{
	x[threadIdx.x + (wrong ? 1 : 0)] = 1;
}

static __global__ void global_before(int *x, bool wrong)
{
	int t = threadIdx.x, v = x[wrong ? t - 1 : t];
	__syncthreads();
	x[t] = v;
}

static __global__ void global_race(int *x, bool wrong)
{
	int t = threadIdx.x, v = x[(t + 1) % N];
	if (!wrong)
		__syncthreads();
	x[t] = v;
}

static __global__ void blocks_race(int *x, bool wrong)
{
	if (threadIdx.x == 0)
		x[wrong ? 0 : blockIdx.x] = blockIdx.x;
}

static __global__ void blocks_read(int *x, bool wrong)
{
	if (threadIdx.x == 0)
		x[blockIdx.x] = wrong ? x[blockIdx.x ^ 1] : 7;
}

static __global__ void deep(int *x, bool wrong)
{
	volatile char room[wrong ? (128 << 10) + 1024 : 16]; /* into the gap below the stack */
	room[0] = 1;
	x[threadIdx.x] = room[0];
}

static __global__ void host_pointer(int *x, int *host, bool wrong)
{
	if (threadIdx.x == 0)
		x[0] = wrong ? *host : 0;
}

static __global__ void other_stack(int *x, bool wrong)
{
	__shared__ int *s;
	int own = threadIdx.x;
	if (threadIdx.x == 0)
		s = &own;
	__syncthreads();
	x[threadIdx.x] = wrong ? *s : own;
}

/* --- warps --- */

static __global__ void warp_mask(int *x, bool wrong)
{
	int t = threadIdx.x, v = x[t];
	if (t % 32 < 16)
		v = __shfl_xor_sync(wrong ? 0xffffffffu : 0xffffu, v, 1);
	__syncthreads();
	x[t] = v;
}

static __global__ void warp_own(int *x, bool wrong)
{
	int t = threadIdx.x;
	int v = __shfl_xor_sync(wrong ? 0x7fffffffu : 0xffffffffu, x[t], 1);
	x[t] = v;
}

static __global__ void warp_masks_differ(int *x, bool wrong)
{
	int t = threadIdx.x;
	int v = __shfl_xor_sync(wrong && t == 4 ? 0xfffffff7u : 0xffffffffu, x[t], 1);
	x[t] = v;
}

static __global__ void warp_exited(int *x, bool wrong)
{
	int t = threadIdx.x;
	if (wrong && t % 32 == 31)
		return;
	int v = __shfl_down_sync(0xffffffffu, x[t], 1);
	x[t] = v;
}

static __global__ void warp_memory(int *x, bool wrong)
{
	__shared__ int s[N];
	int t = threadIdx.x;
	s[t] = x[t];
	if (wrong) /* a shuffle orders no memory */
		x[t] = __shfl_xor_sync(0xffffffffu, x[t], 1);
	else
		__syncwarp();
	x[t] = s[t ^ 1];
}

static __global__ void warp_too_far(int *x, bool wrong)
{
	__shared__ int s[N];
	int t = threadIdx.x;
	s[t] = x[t];
	__syncwarp();
	if (!wrong)
		__syncthreads();
	x[t] = s[t ^ 32];
}

static __global__ void half_warp(int *x, bool wrong)
{
	__shared__ int s[N];
	int t = threadIdx.x, half = t % 32 / 16;
	s[t] = x[t];
	__syncwarp(half ? 0xffff0000u : 0x0000ffffu);
	x[t] = s[wrong ? t ^ 16 : t ^ 1];
}
