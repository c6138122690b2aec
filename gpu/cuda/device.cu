/* device.cu: cards, and their lanes (gpu/backend.h). Memory is memory.cu's, copies are copy.cu's. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gpu/cuda/lane.h"

enum { OLDEST = 75 }; /* ten times the compute capability */

/* --- failures --- */

static int failure_code(struct card *c)
{
	pthread_mutex_lock(&c->mutex);
	int code = c->failure.code;
	pthread_mutex_unlock(&c->mutex);
	return code;
}

bool cuda_failed(struct lane *lane)
{
	return failure_code(lane->card) != ERROR_NONE;
}

void cuda_fail(struct card *c, int code, const char *text)
{
	pthread_mutex_lock(&c->mutex);
	if (c->failure.code == ERROR_NONE) {
		snprintf(c->failure.msg, sizeof c->failure.msg, "%s", text);
		c->failure.code = code;
	}
	pthread_mutex_unlock(&c->mutex);
}

bool cuda_good(struct lane *lane, cudaError_t result, const char *what)
{
	char text[256];
	if (result == cudaSuccess)
		return true;
	(void)cudaGetLastError(); /* it is told here, and not to the next launch */
	snprintf(text, sizeof text, "cuda:%d: %s: %s", lane->card->ordinal, what,
		cudaGetErrorString(result));
	cuda_fail(lane->card, result == cudaErrorMemoryAllocation ? ERROR_RETRY : ERROR_UNAVAILABLE,
		text);
	return false;
}

/* --- opening --- */

/* The number of cards; 0 or less and the reason, if there is none that can be used. */
static int count_cards(char *reason, size_t size)
{
	int n = 0;
#if !defined HEDDLE_EMULATOR
	void *driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_GLOBAL);
	math_enter();
	if (!driver) {
		snprintf(reason, size, "there is no libcuda.so.1 (NVIDIA's driver)");
		return 0;
	}
#endif
	cudaError_t result = cudaGetDeviceCount(&n);
	math_enter();
	if (result == cudaErrorInsufficientDriver)
		snprintf(reason, size, "the driver (libcuda.so.1) is too old for CUDA %d.%d",
			CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
	else if (result == cudaErrorNoDevice || (result == cudaSuccess && n == 0))
		snprintf(reason, size, "the driver shows no card%s",
			getenv("CUDA_VISIBLE_DEVICES") ? " in CUDA_VISIBLE_DEVICES" : "");
	else if (result != cudaSuccess)
		snprintf(reason, size, "%s", cudaGetErrorString(result));
	return result == cudaSuccess ? n : 0;
}

extern "C" bool cuda_likely(void)
{
#if defined HEDDLE_EMULATOR
	return true;
#else
	return access("/dev/nvidiactl", F_OK) == 0 || access("/dev/dxg", F_OK) == 0;
#endif
}

static struct lane *lane_of(struct card *card, bool root)
{
	auto lane = static_cast<struct lane *>(mem_zero(1, sizeof(struct lane)));
	lane->card = card;
	lane->root = root;
	return lane;
}

/* The card as it says it is; -1 if it is none to compute on. */
static int properties(const char *which, int ordinal, struct cudaDeviceProp *about, struct error *e)
{
	cudaError_t result = cudaGetDeviceProperties(about, ordinal);
	if (result != cudaSuccess)
		return error_set(
			e, ERROR_UNAVAILABLE, "--device %s: %s", which, cudaGetErrorString(result));
	if (about->major * 10 + about->minor >= OLDEST)
		return 0;
	return error_set(e, ERROR_UNAVAILABLE,
		"--device %s: %s has compute capability %d.%d, below 7.5", which, about->name,
		about->major, about->minor);
}

static struct lane *open_card(int ordinal, struct error *e)
{
	char reason[256], which[32] = "cuda";
	struct cudaDeviceProp about;
	int n = count_cards(reason, sizeof reason);
	if (ordinal >= 0)
		snprintf(which, sizeof which, "cuda:%d", ordinal);
	if (n <= 0)
		error_set(e, ERROR_UNAVAILABLE, "--device %s: %s", which, reason);
	else if (ordinal >= n)
		error_set(e, ERROR_UNAVAILABLE, "--device %s: the last card is cuda:%d", which,
			n - 1);
	ordinal = ordinal < 0 ? 0 : ordinal;
	if (ordinal >= n || properties(which, ordinal, &about, e))
		return NULL;
	auto card = static_cast<struct card *>(mem_zero(1, sizeof(struct card)));
	card->ordinal = ordinal;
	card->processors = about.multiProcessorCount;
	card->capability = about.major * 10 + about.minor;
	card->shared = about.sharedMemPerBlockOptin ? about.sharedMemPerBlockOptin
						    : about.sharedMemPerBlock;
	pthread_mutex_init(&card->mutex, NULL);
	snprintf(card->name, sizeof card->name, "cuda:%d %.64s", ordinal, about.name);
	return lane_of(card, true);
}

extern "C" int cuda_describe(
	void (*line)(void *context, int ordinal, const char *text), void *context, struct error *e)
{
	char text[400];
	int n = count_cards(text, sizeof text);
	if (n <= 0)
		return error_set(e, ERROR_UNAVAILABLE, "%s", text);
	for (int i = 0; i < n; i++) {
		struct cudaDeviceProp about;
		if (cudaGetDeviceProperties(&about, i) != cudaSuccess)
			continue;
		snprintf(text, sizeof text,
			"%s, %zu MiB, %d multiprocessors, compute capability %d.%d", about.name,
			about.totalGlobalMem >> 20, about.multiProcessorCount, about.major,
			about.minor);
		line(context, i, text);
	}
	return 0;
}

bool cuda_begin(struct lane *lane)
{
	static thread_local int current = -1;
	if (cuda_failed(lane))
		return false;
	if (current != lane->card->ordinal) {
		if (!cuda_good(lane, cudaSetDevice(lane->card->ordinal), "cudaSetDevice"))
			return false;
		current = lane->card->ordinal;
		math_enter();
	}
	if (!lane->begun &&
		!cuda_good(lane, cudaStreamCreateWithFlags(&lane->stream, cudaStreamNonBlocking),
			"cudaStreamCreate"))
		return false;
	lane->begun = true;
	return true;
}

cudaStream_t cuda_stream(struct lane *lane)
{
	(void)cuda_begin(lane);
	return lane->stream;
}

int cuda_processors(struct lane *lane)
{
	return lane->card->processors;
}

int cuda_capability(struct lane *lane)
{
	return lane->card->capability;
}

size_t cuda_shared(struct lane *lane)
{
	return lane->card->shared;
}

/* --- lanes --- */

static const char *name(const struct lane *lane)
{
	return lane->card->name;
}

static const char *note(const struct lane *lane)
{
	return lane->card->note[0] ? lane->card->note : NULL;
}

static struct lane *lane_new(struct lane *root)
{
	return lane_of(root->card, false);
}

static void lane_free(struct lane *lane)
{
	cuda_ring_free(lane);
	if (lane->begun) {
		(void)cudaStreamSynchronize(lane->stream);
		(void)cudaStreamDestroy(lane->stream);
	}
	cuda_pieces_free(&lane->pieces);
	mem_free(lane);
}

static void close_card(struct lane *root)
{
	struct card *card = root->card;
	lane_free(root);
	cuda_lt_close(card);
	cuda_pieces_free(&card->unused);
	cuda_pieces_free(&card->used);
	pthread_mutex_destroy(&card->mutex);
	mem_free(card);
}

int cuda_sync(struct lane *lane, struct error *e)
{
	if (lane->begun && cuda_begin(lane))
		(void)cuda_good(lane, cudaStreamSynchronize(lane->stream), "cudaStreamSynchronize");
	int code = failure_code(lane->card);
	return code == ERROR_NONE ? 0 : error_set(e, code, "%s", lane->card->failure.msg);
}

static bool recover(struct lane *lane)
{
	struct card *c = lane->card;
	pthread_mutex_lock(&c->mutex);
	bool good = c->failure.code == ERROR_RETRY;
	if (good)
		c->failure.code = ERROR_NONE;
	pthread_mutex_unlock(&c->mutex);
	return good;
}

/* --- the backend --- */

static const struct backend backend = {
	name,
	note,
	lane_new,
	lane_free,
	close_card,
	cuda_sync,
	recover,
	cuda_run,
	cuda_arena_alloc,
	cuda_arena_mark,
	cuda_arena_reset,
	cuda_alloc,
	cuda_release,
	cuda_memory,
	cuda_read,
	cuda_write,
	cuda_weight_new,
	cuda_weight_free,
	{ "cuda", {}, 64, NULL, NULL },
};

extern "C" const struct backend *cuda_open(int ordinal, struct lane **lane, struct error *e)
{
	*lane = open_card(ordinal, e);
	return *lane ? &backend : NULL;
}
