/*
 * copy.cu: between the host and a card. Host arrays and small copies go through a ring of pinned
 * memory: its slots are reused when the event that was recorded behind them has passed, so the host
 * packs the next batch while the card copies and computes. A result is copied to pinned memory and
 * from there.
 */
#include <string.h>

#include "gpu/cuda/lane.h"

/* What a failure to get memory left undone is done by the next call. */
static bool ring_begin(struct lane *lane)
{
	void *host = NULL;
	if (!cuda_begin(lane) || lane->staged)
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
	lane->staged = static_cast<char *>(cuda_alloc(lane, SLOT * SLOTS));
	return lane->staged;
}

/* Room of at most SLOT bytes in the ring: its place, or SIZE_MAX after a failure. A slot that is left
 * gets its event, one that is entered waits for its own. */
static size_t ring_take(struct lane *lane, size_t size)
{
	if (!ring_begin(lane))
		return SIZE_MAX;
	size = (size + GRAIN - 1) / GRAIN * GRAIN;
	if (lane->at + size > SLOT) {
		if (!cuda_good(lane, cudaEventRecord(lane->passed[lane->slot], lane->stream),
			    "cudaEventRecord"))
			return SIZE_MAX;
		lane->recorded[lane->slot] = true;
		lane->slot = (lane->slot + 1) % SLOTS;
		lane->at = 0;
		if (lane->recorded[lane->slot] &&
			!cuda_good(lane, cudaEventSynchronize(lane->passed[lane->slot]),
				"cudaEventSynchronize"))
			return SIZE_MAX;
	}
	lane->at += size;
	return lane->slot * SLOT + lane->at - size;
}

void *cuda_stage(struct lane *lane, const void *host, size_t size)
{
	if (size > SLOT) {
		void *to = cuda_arena_alloc(lane, size);
		if (to)
			cuda_write(lane, to, host, 1, size, size);
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
void cuda_write(
	struct lane *lane, void *to, const void *host, size_t rows, size_t bytes, size_t stride)
{
	auto from = static_cast<const char *>(host);
	auto target = static_cast<char *>(to);
	if (rows == 0 || bytes == 0 || !cuda_begin(lane))
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

void cuda_read(
	struct lane *lane, void *host, const void *from, size_t rows, size_t bytes, size_t stride)
{
	auto target = static_cast<char *>(host);
	auto source = static_cast<const char *>(from);
	if (rows == 0 || bytes == 0 || !cuda_begin(lane))
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
	cuda_write(lane, to, host, 1, size, size);
}

void cuda_fetch(struct lane *lane, void *host, const void *from, size_t size)
{
	cuda_read(lane, host, from, 1, size, size);
}

void cuda_ring_free(struct lane *lane)
{
	cuda_release(lane, lane->staged);
	for (size_t i = 0; i < SLOTS; i++)
		if (lane->passed[i])
			(void)cudaEventDestroy(lane->passed[i]);
	if (lane->pinned)
		(void)cudaFreeHost(lane->pinned);
}
