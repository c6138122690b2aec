/*
 * test_emu_bugs.cu: kernels and hosts with one bug each. Each runs in a child under several seeds and
 * must be found every time, by its name and at its place: the report holds all the words of its row.
 * The same without the bug must pass, where a row has a `right` to go with the `wrong`.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "bugs.h"

enum { SEEDS = 4 };

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

static void run_limit(bool wrong)
{
	auto most = cudaFuncAttributeMaxDynamicSharedMemorySize;
	cudaFuncSetAttribute(dynamic_bound, most, 4096);
	cudaFuncSetAttribute(dynamic_bound, most, wrong ? 2048 : 4096);
}

/* --- the table --- */

static const struct bug {
	const char *name;
	void (*run)(bool wrong);
	const char *words[4];
} bugs[] = {
	{ "a missing barrier after writing", run_reverse,
		{ "shared", "reverse", "bugs.h:" } },
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
	{ "a limit of shared memory that changes", run_limit,
		{ "limit changes", "dynamic_bound", "from 4096 to 2048 bytes" } },
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
