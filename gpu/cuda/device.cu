/*
 * device.cu: cards, their memory and streams (gpu/backend.h).
 *
 * Memory comes from the driver in pieces that are kept for reuse until the card is full or closed:
 * the driver's own allocation waits for the whole card. A lane's arena takes pieces of 64 MB or
 * more and goes through them as lib/base/memory.c does. What one launch leaves the next may
 * overwrite, for a lane's work runs in order.
 *
 * Host arrays and small copies go through a ring of pinned memory: its slots are reused when the
 * event that was recorded behind them has passed, so the host packs the next batch while the card
 * copies and computes. A result is copied to pinned memory and from there.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gpu/cuda/product.h"

enum : size_t { GRAIN = 512, PIECE = (size_t)64 << 20, SLOT = (size_t)4 << 20, SLOTS = 4 };
enum { OLDEST = 75 };

struct piece {
	struct piece *next;
	char *data;
	size_t size;
};

struct card {
	int ordinal, processors, capability;
	size_t shared;
	bool begun;
	pthread_mutex_t mutex;
	struct piece *unused, *used; /* under the mutex */
	struct error failure; /* under the mutex */
};

struct lane {
	struct card *card;
	bool root, begun;
	cudaStream_t stream;
	struct piece *pieces, *current; /* the arena: in order; the one that is being filled */
	size_t filled;
	char *pinned, *staged; /* the ring on the host and on the card */
	size_t at; /* in the ring */
	cudaEvent_t passed[SLOTS];
	bool recorded[SLOTS];
};

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

static void fail(struct card *c, int code, const char *text)
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
	fail(lane->card, result == cudaErrorMemoryAllocation ? ERROR_RETRY : ERROR_UNAVAILABLE,
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

static struct lane *open_card(int ordinal, char *name, size_t size, struct error *e)
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
	snprintf(name, size, "cuda:%d %s", ordinal, about.name);
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

/* The lane's stream, and with the first one the card's context; on this thread too. */
static bool begin(struct lane *lane)
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
	(void)begin(lane);
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

/* --- memory --- */

/* The emulator (tests/emu/emu.h) sees pieces only: tell it, in the lane's order, what of them has been
 * handed out and not yet been written, and what is nobody's. GAP bytes lie behind each allocation. */
#if defined HEDDLE_EMULATOR
enum : size_t { GAP = 64 };
static void hand_out(struct lane *lane, char *p, size_t size)
{
	emu_region(p, size, true, lane->stream);
}

static void take_back(struct lane *lane, char *p, size_t size)
{
	emu_region(p, size, false, lane->stream);
}
#else
enum : size_t { GAP = 0 };
static void hand_out(struct lane *, char *, size_t)
{
}

static void take_back(struct lane *, char *, size_t)
{
}
#endif

static void pieces_free(struct piece **list)
{
	for (struct piece *p = *list, *next; p; p = next) {
		next = p->next;
		(void)cudaFree(p->data);
		mem_free(p);
	}
	*list = NULL;
}

/* The smallest unused piece that is large enough and not twice too large; under the mutex. */
static struct piece *reuse(struct card *c, size_t size)
{
	struct piece **best = NULL;
	for (struct piece **at = &c->unused; *at; at = &(*at)->next)
		if ((*at)->size >= size && (*at)->size / 2 <= size &&
			(!best || (*at)->size < (*best)->size))
			best = at;
	if (!best)
		return NULL;
	struct piece *p = *best;
	*best = p->next;
	return p;
}

static struct piece *piece_new(struct lane *lane, size_t size)
{
	struct card *c = lane->card;
	if (!begin(lane))
		return NULL;
	size = size > SIZE_MAX - GRAIN ? SIZE_MAX : (size + GRAIN - 1) / GRAIN * GRAIN;
	size = size ? size : GRAIN;
	pthread_mutex_lock(&c->mutex);
	struct piece *p = reuse(c, size);
	void *data = NULL;
	if (!p) {
		cudaError_t result =
			size == SIZE_MAX ? cudaErrorMemoryAllocation : cudaMalloc(&data, size);
		if (result == cudaErrorMemoryAllocation) {
			(void)cudaGetLastError();
			pieces_free(&c->unused);
			result = size == SIZE_MAX ? result : cudaMalloc(&data, size);
		}
		pthread_mutex_unlock(&c->mutex);
		if (result == cudaErrorMemoryAllocation) {
			char text[128];
			(void)cudaGetLastError();
			snprintf(text, sizeof text, "cuda:%d: no memory for %zu MiB more",
				c->ordinal, size >> 20);
			fail(c, ERROR_RETRY, text);
			return NULL;
		}
		if (!cuda_good(lane, result, "cudaMalloc"))
			return NULL;
		p = static_cast<struct piece *>(mem_zero(1, sizeof(struct piece)));
		p->data = static_cast<char *>(data);
		p->size = size;
		return p;
	}
	pthread_mutex_unlock(&c->mutex);
	p->next = NULL;
	return p;
}

static void *alloc(struct lane *lane, size_t size)
{
	struct piece *p = piece_new(lane, size);
	if (!p)
		return NULL;
	pthread_mutex_lock(&lane->card->mutex);
	p->next = lane->card->used;
	lane->card->used = p;
	pthread_mutex_unlock(&lane->card->mutex);
	take_back(lane, p->data, p->size);
	hand_out(lane, p->data, size);
	return p->data;
}

/* Waits for the lane, so that no other can be given what this one still reads. */
static void release(struct lane *lane, void *data)
{
	struct card *c = lane->card;
	if (!data)
		return;
	if (begin(lane))
		(void)cuda_good(lane, cudaStreamSynchronize(lane->stream), "cudaStreamSynchronize");
	pthread_mutex_lock(&c->mutex);
	struct piece **at = &c->used;
	while (*at && (*at)->data != data)
		at = &(*at)->next;
	struct piece *p = *at;
	CHECK(p);
	*at = p->next;
	p->next = c->unused;
	c->unused = p;
	pthread_mutex_unlock(&c->mutex);
	if (lane->begun)
		take_back(lane, p->data, p->size);
}

struct arena_mark cuda_arena_mark(const struct lane *lane)
{
	struct arena_mark mark = { lane->current, lane->filled };
	return mark;
}

void cuda_arena_reset(struct lane *lane, struct arena_mark mark)
{
	auto from = static_cast<struct piece *>(mark.block);
	size_t used = mark.used;
	for (struct piece *p = from ? from : lane->pieces; p && lane->current; p = p->next) {
		take_back(
			lane, p->data + used, (p == lane->current ? lane->filled : p->size) - used);
		used = 0;
		if (p == lane->current)
			break;
	}
	lane->current = static_cast<struct piece *>(mark.block);
	lane->filled = mark.used;
}

/* The next piece is the one behind the current, if it is large enough, else a new one put there. */
void *cuda_arena_alloc(struct lane *lane, size_t asked)
{
	size_t size = asked > SIZE_MAX - GRAIN - GAP ? SIZE_MAX
						     : (asked + GAP + GRAIN - 1) / GRAIN * GRAIN;
	size = size ? size : GRAIN;
	struct piece *p = lane->current;
	if (!p || p->size - lane->filled < size) {
		struct piece **next = p ? &p->next : &lane->pieces;
		if (!*next || (*next)->size < size) {
			struct piece *fresh = piece_new(lane, size < PIECE ? PIECE : size);
			if (!fresh)
				return NULL;
			take_back(lane, fresh->data, fresh->size);
			fresh->next = *next;
			*next = fresh;
		}
		p = lane->current = *next;
		lane->filled = 0;
	}
	hand_out(lane, p->data + lane->filled, asked);
	lane->filled += size;
	return p->data + lane->filled - size;
}

static void memory(struct lane *lane, size_t *available, size_t *total)
{
	*available = *total = 0;
	if (begin(lane))
		(void)cuda_good(lane, cudaMemGetInfo(available, total), "cudaMemGetInfo");
}

/* --- copies --- */

/* What a failure to get memory left undone is done by the next call. */
static bool ring_begin(struct lane *lane)
{
	void *host = NULL, *card = NULL;
	if (!begin(lane) || lane->staged)
		return lane->staged && !cuda_failed(lane);
	if (!lane->pinned &&
		!cuda_good(lane, cudaMallocHost(&host, SLOT * SLOTS), "cudaMallocHost"))
		return false;
	lane->pinned = lane->pinned ? lane->pinned : static_cast<char *>(host);
	for (size_t i = 0; i < SLOTS; i++)
		if (!lane->passed[i] &&
			!cuda_good(lane,
				cudaEventCreateWithFlags(&lane->passed[i], cudaEventDisableTiming),
				"cudaEventCreate"))
			return false;
	if (!cuda_good(lane, cudaMalloc(&card, SLOT * SLOTS), "cudaMalloc"))
		return false;
	lane->staged = static_cast<char *>(card);
	return true;
}

/* Room of at most SLOT bytes in the ring: its place, or SIZE_MAX after a failure. A slot that is left
 * gets its event, one that is entered waits for its own. */
static size_t ring_take(struct lane *lane, size_t size)
{
	if (!ring_begin(lane))
		return SIZE_MAX;
	size = (size + GRAIN - 1) / GRAIN * GRAIN;
	size_t slot = lane->at / SLOT;
	if (lane->at + size > (slot + 1) * SLOT) {
		if (!cuda_good(lane, cudaEventRecord(lane->passed[slot], lane->stream),
			    "cudaEventRecord"))
			return SIZE_MAX;
		lane->recorded[slot] = true;
		slot = (slot + 1) % SLOTS;
		if (lane->recorded[slot] &&
			!cuda_good(lane, cudaEventSynchronize(lane->passed[slot]),
				"cudaEventSynchronize"))
			return SIZE_MAX;
		lane->at = slot * SLOT;
	}
	lane->at += size;
	return lane->at - size;
}

static void write_rows(
	struct lane *lane, void *to, const void *host, size_t rows, size_t bytes, size_t stride);

void *cuda_stage(struct lane *lane, const void *host, size_t size)
{
	if (size > SLOT) {
		void *to = cuda_arena_alloc(lane, size);
		if (to)
			write_rows(lane, to, host, 1, size, size);
		return to;
	}
	size_t at = ring_take(lane, size);
	if (at == SIZE_MAX)
		return NULL;
	if (size == 0)
		return lane->staged + at;
	memcpy(lane->pinned + at, host, size);
	take_back(lane, lane->staged + at, (size + GRAIN - 1) / GRAIN * GRAIN);
	hand_out(lane, lane->staged + at, size);
	return cuda_good(lane,
		       cudaMemcpyAsync(lane->staged + at, lane->pinned + at, size,
			       cudaMemcpyHostToDevice, lane->stream),
		       "cudaMemcpyAsync")
		       ? lane->staged + at
		       : NULL;
}

/* In runs of whole rows that fit a slot; longer rows go without the ring. */
static void write_rows(
	struct lane *lane, void *to, const void *host, size_t rows, size_t bytes, size_t stride)
{
	auto from = static_cast<const char *>(host);
	auto target = static_cast<char *>(to);
	if (rows == 0 || bytes == 0 || !begin(lane))
		return;
	if (stride == bytes || rows == 1) {
		bytes *= rows;
		rows = 1;
	}
	if (bytes > SLOT) {
		if (cuda_good(lane,
			    cudaMemcpy2DAsync(target, stride < bytes ? bytes : stride, from, bytes,
				    bytes, rows, cudaMemcpyHostToDevice, lane->stream),
			    "cudaMemcpy2DAsync"))
			(void)cuda_good(
				lane, cudaStreamSynchronize(lane->stream), "cudaStreamSynchronize");
		return;
	}
	for (size_t run = SLOT / bytes; rows;
		from += run * bytes, target += run * stride, rows -= run) {
		run = run < rows ? run : rows;
		size_t at = ring_take(lane, run * bytes);
		if (at == SIZE_MAX)
			return;
		memcpy(lane->pinned + at, from, run * bytes);
		if (!cuda_good(lane,
			    cudaMemcpy2DAsync(target, stride < bytes ? bytes : stride,
				    lane->pinned + at, bytes, bytes, run, cudaMemcpyHostToDevice,
				    lane->stream),
			    "cudaMemcpy2DAsync"))
			return;
	}
}

static void read_rows(
	struct lane *lane, void *host, const void *from, size_t rows, size_t bytes, size_t stride)
{
	auto target = static_cast<char *>(host);
	auto source = static_cast<const char *>(from);
	if (rows == 0 || bytes == 0 || !begin(lane))
		return;
	if (stride == bytes || rows == 1) {
		bytes *= rows;
		rows = 1;
	}
	bool pinned = bytes <= SLOT / rows;
	size_t at = pinned ? ring_take(lane, rows * bytes) : 0;
	if (at == SIZE_MAX)
		return;
	char *landing = pinned ? lane->pinned + at : target;
	if (!cuda_good(lane,
		    cudaMemcpy2DAsync(landing, bytes, source, stride < bytes ? bytes : stride,
			    bytes, rows, cudaMemcpyDeviceToHost, lane->stream),
		    "cudaMemcpy2DAsync") ||
		!cuda_good(lane, cudaStreamSynchronize(lane->stream), "cudaStreamSynchronize"))
		return;
	if (pinned)
		memcpy(target, landing, rows * bytes);
}

void cuda_send(struct lane *lane, void *to, const void *host, size_t size)
{
	write_rows(lane, to, host, 1, size, size);
}

void cuda_fetch(struct lane *lane, void *host, const void *from, size_t size)
{
	read_rows(lane, host, from, 1, size, size);
}

/* --- lanes --- */

static struct lane *lane_new(struct lane *root)
{
	return lane_of(root->card, false);
}

static void lane_free(struct lane *lane)
{
	if (lane->begun) {
		(void)cudaStreamSynchronize(lane->stream);
		(void)cudaStreamDestroy(lane->stream);
	}
	pieces_free(&lane->pieces);
	for (size_t i = 0; i < SLOTS; i++)
		if (lane->passed[i])
			(void)cudaEventDestroy(lane->passed[i]);
	if (lane->staged)
		(void)cudaFree(lane->staged);
	if (lane->pinned)
		(void)cudaFreeHost(lane->pinned);
	mem_free(lane);
}

static void close_card(struct lane *root)
{
	struct card *card = root->card;
	lane_free(root);
	pieces_free(&card->unused);
	pieces_free(&card->used);
	pthread_mutex_destroy(&card->mutex);
	mem_free(card);
}

static int sync(struct lane *lane, struct error *e)
{
	if (lane->begun && begin(lane))
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

/* --- weights --- */

/* The floats of a weight, rows `own` elements apart. */
static void write_floats(struct lane *lane, float *to, size_t own, const struct weight *r,
	const float *w, size_t stride)
{
	if (stride == r->k) {
		write_rows(lane, to, w, r->n, r->k * sizeof *w, own * sizeof *w);
		return;
	}
	for (size_t i = 0; i < r->n; i++)
		write_rows(
			lane, to + i * own, w + i * stride, 1, r->k * sizeof *w, r->k * sizeof *w);
}

static void layout_paired(struct lane *lane, struct weight *r, const float *w, size_t stride)
{
	struct arena_mark mark = cuda_arena_mark(lane);
	float *floats = cuda_floats(lane, size_mul(r->n, r->k));
	r->stride = (r->k + 7) / 8 * 8;
	r->packed = alloc(lane, size_mul(size_mul(r->n, r->stride), sizeof(uint16_t)));
	if (floats && r->packed) {
		write_floats(lane, floats, r->k, r, w, stride);
		(void)cuda_bf16_rows(
			lane, static_cast<uint16_t *>(r->packed), floats, r->k, r->n, r->k);
	}
	cuda_arena_reset(lane, mark);
}

static void layout_new(
	struct lane *lane, struct weight *r, const float *w, size_t stride, const float *bias)
{
	r->paired = r->dtype == BF16 && cuda_bf16_native(lane);
	if (r->paired) {
		layout_paired(lane, r, w, stride);
	} else {
		r->stride = (r->k + 3) / 4 * 4;
		r->packed = alloc(lane, size_mul(size_mul(r->n, r->stride), sizeof *w));
		if (r->packed)
			write_floats(
				lane, static_cast<float *>(r->packed), r->stride, r, w, stride);
		if (r->packed && r->dtype == BF16)
			cuda_bf16_weight(lane, r);
	}
	if (bias)
		r->bias = static_cast<float *>(alloc(lane, size_mul(r->n, sizeof *bias)));
	if (r->bias)
		write_rows(lane, r->bias, bias, 1, r->n * sizeof *bias, r->n * sizeof *bias);
	(void)sync(lane, NULL);
}

static void layout_free(struct weight *w)
{
	release(w->lane, w->packed);
	release(w->lane, w->bias);
}

/* --- the backend --- */

static const struct backend backend = {
	lane_new,
	lane_free,
	close_card,
	sync,
	recover,
	cuda_run,
	cuda_arena_alloc,
	cuda_arena_mark,
	cuda_arena_reset,
	alloc,
	release,
	memory,
	read_rows,
	write_rows,
	layout_new,
	layout_free,
	{ "cuda", {}, 64, NULL, NULL },
};

extern "C" const struct backend *cuda_open(
	int ordinal, struct lane **lane, char *name, size_t size, struct error *e)
{
	*lane = open_card(ordinal, name, size, e);
	return *lane ? &backend : NULL;
}
