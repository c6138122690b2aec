/*
 * test_emu_bugs.cu: kernels and hosts with one bug each. Each runs in a child under several seeds and
 * must be found every time, by its name and at its place: the report holds all the words of its row.
 * The same without the bug must pass, where a row has a `right` to go with the `wrong`.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

enum { SEEDS = 4, N = 64 };

/* --- shared memory and barriers; `wrong` switches the bug on --- */

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

/* --- hosts --- */

static void on_array(void (*kernel)(int *, bool), bool wrong, unsigned blocks, size_t shared)
{
	int host[2 * N];
	for (int i = 0; i < 2 * N; i++)
		host[i] = i;
	int *x = device_array(blocks * N, host);
	LAUNCH(kernel, blocks, N, shared, 0, x, wrong);
	assert_int_equal(cudaGetLastError(), cudaSuccess);
	assert_int_equal(cudaDeviceSynchronize(), cudaSuccess);
}

#define ONE(kernel) \
	static void run_##kernel(bool wrong) \
	{ \
		on_array(kernel, wrong, 1, N * sizeof(int)); \
	}
ONE(reverse)
ONE(reverse_again)
ONE(shared_bound)
ONE(shared_before)
ONE(inner_index)
ONE(local_bound)
ONE(wide_shift)
ONE(large_float)
ONE(dynamic_bound)
ONE(shared_unwritten)
ONE(barrier_exit)
ONE(barrier_branch)
ONE(same_slot)
ONE(histogram)
ONE(atomic_and_plain)
ONE(global_bound)
ONE(global_before)
ONE(global_race)
ONE(deep)
ONE(other_stack)
ONE(warp_mask)
ONE(warp_own)
ONE(warp_masks_differ)
ONE(warp_exited)
ONE(warp_memory)
ONE(warp_too_far)
ONE(half_warp)

static void run_template_bound(bool wrong)
{
	on_array(template_bound<N>, wrong, 1, 0);
}

static void run_shared_of_another_block(bool wrong)
{
	on_array(shared_of_another_block, wrong, 2, 0);
}

static void run_blocks_race(bool wrong)
{
	on_array(blocks_race, wrong, 2, 0);
}

static void run_blocks_read(bool wrong)
{
	on_array(blocks_read, wrong, 2, 0);
}

static void run_narrow_race(bool wrong)
{
	unsigned char host[N] = { 1 };
	unsigned char *x = device_array(N, host);
	LAUNCH(narrow_race, 1, N, 0, 0, x, wrong);
	cudaDeviceSynchronize();
}

static void run_misaligned(bool wrong)
{
	float host[N] = { 1 };
	float *x = device_array(N, host);
	LAUNCH(misaligned, 1, N, 0, 0, x, wrong);
	cudaDeviceSynchronize();
}

static void run_host_pointer(bool wrong)
{
	int *x = device_array<int>(1), *host = static_cast<int *>(malloc(sizeof *host));
	*host = 1;
	LAUNCH(host_pointer, 1, N, 0, 0, x, host, wrong);
	cudaDeviceSynchronize();
}

static void run_unwritten(bool wrong)
{
	int *x = device_array<int>(N);
	if (!wrong)
		cudaMemset(x, 0, N * sizeof *x);
	LAUNCH(global_race, 1, N, 0, 0, x, false);
	cudaDeviceSynchronize();
}

static void run_after_free(bool wrong)
{
	int *x = device_array<int>(N);
	if (wrong)
		cudaFree(x);
	LAUNCH(global_bound, 1, N, 0, 0, x, false);
	cudaDeviceSynchronize();
}

static void run_host_touches(bool wrong)
{
	int *x = device_array<int>(N), host[N];
	LAUNCH(global_bound, 1, N, 0, 0, x, false);
	cudaMemcpy(host, x, sizeof host, cudaMemcpyDeviceToHost);
	volatile int v = wrong ? *x : host[0];
	(void)v;
}

static void run_long_copy(bool wrong)
{
	int host[2 * N] = { 0 };
	int *x = device_array<int>(N);
	cudaMemcpy(x, host, (wrong ? N + 1 : N) * sizeof *x, cudaMemcpyHostToDevice);
	cudaDeviceSynchronize();
}

static void run_unwritten_copy(bool wrong)
{
	int host[N], *x = device_array<int>(N);
	LAUNCH(global_bound, 1, wrong ? N - 1 : N, 0, 0, x, false);
	cudaMemcpy(host, x, sizeof host, cudaMemcpyDeviceToHost);
}

static void run_streams(bool wrong)
{
	cudaStream_t a, b;
	cudaEvent_t done;
	cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking);
	cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking);
	cudaEventCreate(&done);
	int *x = device_array<int>(N);
	cudaMemsetAsync(x, 0, N * sizeof *x, a);
	cudaStreamSynchronize(a);
	LAUNCH(global_bound, 1, N, 0, a, x, false);
	cudaEventRecord(done, a);
	if (!wrong)
		cudaStreamWaitEvent(b, done, 0);
	LAUNCH(reverse, 1, N, 0, b, x, false);
	cudaDeviceSynchronize();
}

static void run_stream_copy(bool wrong)
{
	cudaStream_t a, b;
	cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking);
	cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking);
	int *x = device_array<int>(N), host[N] = { 0 };
	cudaMemcpyAsync(x, host, sizeof host, cudaMemcpyHostToDevice, a);
	if (!wrong)
		cudaStreamSynchronize(a);
	LAUNCH(global_bound, 1, N, 0, b, x, false);
	cudaDeviceSynchronize();
}

/* --- the table --- */

static const struct bug {
	const char *name;
	void (*run)(bool wrong);
	const char *words[4];
} bugs[] = {
	{ "a missing barrier after writing", run_reverse,
		{ "shared", "reverse", "test_emu_bugs.cu:" } },
	{ "a missing barrier before writing again", run_reverse_again,
		{ "race", "reverse_again", "nothing orders the two" } },
	{ "an index one past a shared array", run_shared_bound,
		{ "outside of shared", "0 bytes past the end of shared",
			"shared_bound(int*, bool)::s", "thread (63,0,0)" } },
	{ "an index before a shared array", run_shared_before,
		{ "outside of shared", "thread (0,0,0)", "shared_before" } },
	{ "an index past a shared array of a template", run_template_bound,
		{ "outside of shared", "0 bytes past the end of shared",
			"template_bound<64>(int*, bool)::s" } },
	{ "an index past a row of a shared array", run_inner_index,
		{ "past the end of an array", "index 64 of 'int [64]'", "inner_index" } },
	{ "an index past a local array", run_local_bound,
		{ "index 4 of 'int [4]'", "local_bound" } },
	{ "a shift by the width", run_wide_shift, { "shift by too much", "wide_shift" } },
	{ "a float that is no int", run_large_float,
		{ "beyond the integer's range", "large_float" } },
	{ "an index one past dynamic shared memory", run_dynamic_bound,
		{ "outside of shared", "byte 256 of dynamic shared memory, which has 256" } },
	{ "shared memory that nobody wrote", run_shared_unwritten,
		{ "unwritten shared", "byte 20 of shared", "thread (58,0,0)" } },
	{ "shared memory that another block wrote", run_shared_of_another_block,
		{ "shared_of_another_block", "unwritten shared", "block (1,0,0)" } },
	{ "a thread that exits before a barrier", run_barrier_exit,
		{ "barrier divergence", "thread (63,0,0) has exited", "barrier_exit" } },
	{ "a thread at another barrier", run_barrier_branch,
		{ "barrier divergence", "thread (3,0,0)", "barrier_branch" } },
	{ "a race of bytes in one word", run_narrow_race,
		{ "race", "of 1 byte by", "narrow_race" } },
	{ "two writers of one place", run_same_slot,
		{ "race", "written before by thread", "same_slot" } },
	{ "counting without atomics", run_histogram, { "race", "histogram", "counts" } },
	{ "reading what others count, without a barrier", run_atomic_and_plain,
		{ "race", "count", "nothing orders" } },
	{ "a misaligned vector", run_misaligned, { "misaligned", "of 16 bytes" } },
	{ "an index one past device memory", run_global_bound,
		{ "outside of device", "0 bytes past the end of 256 bytes", "thread (63,0,0)",
			"allocated at" } },
	{ "an index before device memory", run_global_before,
		{ "outside of device", "thread (0,0,0)" } },
	{ "a race on device memory", run_global_race,
		{ "race", "global_race", "before by thread" } },
	{ "two blocks that write one place", run_blocks_race,
		{ "race between blocks", "of another block" } },
	{ "a block that reads what another writes", run_blocks_read, { "race between blocks" } },
	{ "too much local memory", run_deep, { "local memory is full" } },
	{ "a pointer of the host", run_host_pointer, { "not the device's", "host_pointer" } },
	{ "another thread's local memory", run_other_stack,
		{ "another thread's local", "thread (0,0,0)" } },
	{ "lanes named that do not come", run_warp_mask,
		{ "wrong lane mask", "waits in __shfl_xor_sync(0xffffffff)",
			"waits at the barrier" } },
	{ "a lane that is not in its own mask", run_warp_own,
		{ "not in its own mask", "lane 31", "0x7fffffff" } },
	{ "lanes with different masks", run_warp_masks_differ,
		{ "wrong lane mask", "0xfffffff7" } },
	{ "a shuffle from a lane that has exited", run_warp_exited,
		{ "does not take part", "reads lane 31, which has exited" } },
	{ "a shuffle in place of __syncwarp", run_warp_memory, { "shared", "warp_memory" } },
	{ "__syncwarp in place of a barrier", run_warp_too_far, { "shared", "warp_too_far" } },
	{ "__syncwarp of too few lanes", run_half_warp, { "shared", "half_warp" } },
	{ "device memory that nobody wrote", run_unwritten, { "unwritten device", "global_race" } },
	{ "device memory after free", run_after_free, { "outside of device", "freed 256 bytes" } },
	{ "a host that touches device memory", run_host_touches, { "host touches device memory" } },
	{ "a copy that is too long", run_long_copy,
		{ "copy leaves", "cudaMemcpy, 260 bytes, byte 256" } },
	{ "a copy of what nobody wrote", run_unwritten_copy,
		{ "copy reads unwritten", "byte 252" } },
	{ "a stream that does not wait for another", run_streams,
		{ "between streams", "reverse" } },
	{ "a kernel that does not wait for a copy", run_stream_copy, { "between streams" } },
};

/* The child's status; its stderr in text. */
static int in_child(const struct bug *b, bool wrong, int seed, char *text, size_t size)
{
	int fd[2];
	assert_int_equal(pipe(fd), 0);
	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(fd[1], 2);
		close(fd[0]);
		char number[12];
		snprintf(number, sizeof number, "%d", seed);
		setenv("HEDDLE_EMU_SEED", number, 1);
		b->run(wrong);
		_exit(0);
	}
	close(fd[1]);
	size_t n = 0;
	ssize_t got;
	while (n + 1 < size && (got = read(fd[0], text + n, size - n - 1)) > 0)
		n += static_cast<size_t>(got);
	text[n] = 0;
	close(fd[0]);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void bug_found(void **state)
{
	const struct bug *b = static_cast<const struct bug *>(*state);
	char text[8192];
	for (int seed = 1; seed <= SEEDS; seed++) {
		int status = in_child(b, true, seed, text, sizeof text);
		if (status != EMU_FOUND)
			fail_msg("%s, seed %d: not found (status %d): %s", b->name, seed, status,
				text);
		for (int i = 0; i < 4 && b->words[i]; i++)
			if (!strstr(text, b->words[i]))
				fail_msg("%s, seed %d: no '%s' in: %s", b->name, seed, b->words[i],
					text);
		status = in_child(b, false, seed, text, sizeof text);
		if (status != 0)
			fail_msg("%s, seed %d, without the bug: %s", b->name, seed, text);
	}
}

int main(void)
{
	enum { COUNT = sizeof bugs / sizeof *bugs };
	static struct CMUnitTest tests[COUNT];
	for (int i = 0; i < COUNT; i++) {
		tests[i].name = bugs[i].name;
		tests[i].test_func = bug_found;
		tests[i].initial_state = const_cast<struct bug *>(&bugs[i]);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
