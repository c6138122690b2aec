/*
 * memory.cu: a card's memory. It comes from the driver in pieces that are kept for reuse until the card
 * is full or closed: the driver's own allocation waits for the whole card. A lane's arena takes pieces
 * of 64 MB or more and goes through them as lib/base/memory.c does. What one launch leaves the next
 * may overwrite, for a lane's work runs in order.
 */
#include <stdio.h>

#include "gpu/cuda/lane.h"

enum : size_t { PIECE = (size_t)64 << 20 };

#if defined HEDDLE_EMULATOR
enum : size_t { GAP = 64 }; /* behind each allocation of an arena, nobody's */
#else
enum : size_t { GAP = 0 };
#endif

void cuda_pieces_free(struct piece **list)
{
	for (struct piece *p = *list, *next; p; p = next) {
		next = p->next;
		(void)cudaFree(p->data);
		mem_free(p);
	}
	*list = NULL;
}

/* Whole grains, at least one; a size that no card has stays one. */
static size_t grains(size_t size)
{
	if (size > SIZE_MAX / 2)
		return SIZE_MAX / 2;
	return size ? (size + GRAIN - 1) / GRAIN * GRAIN : GRAIN;
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

/* From the driver; where it has no more, after giving back what nobody uses and what the lane's arena
 * does not need now. Under the mutex. */
static cudaError_t from_driver(struct lane *lane, void **data, size_t size)
{
	cudaError_t result = cudaMalloc(data, size);
	if (result != cudaErrorMemoryAllocation)
		return result;
	(void)cudaGetLastError(); /* or the next launch is told */
	(void)cudaStreamSynchronize(lane->stream);
	cuda_pieces_free(&lane->card->unused);
	cuda_pieces_free(lane->current ? &lane->current->next : &lane->pieces);
	result = cudaMalloc(data, size);
	if (result == cudaErrorMemoryAllocation)
		(void)cudaGetLastError();
	return result;
}

/* Of `size` bytes, or where the card has not so many of `least`. NULL after a failure. */
static struct piece *piece_new(struct lane *lane, size_t size, size_t least)
{
	struct card *c = lane->card;
	if (!cuda_begin(lane))
		return NULL;
	size = grains(size);
	least = grains(least);
	pthread_mutex_lock(&c->mutex);
	struct piece *p = reuse(c, size);
	void *data = NULL;
	cudaError_t result = p ? cudaSuccess : from_driver(lane, &data, size);
	if (result == cudaErrorMemoryAllocation && least < size)
		result = from_driver(lane, &data, size = least);
	pthread_mutex_unlock(&c->mutex);
	if (result == cudaErrorMemoryAllocation) {
		char text[128];
		snprintf(text, sizeof text, "cuda:%d: no memory for %zu MiB more", c->ordinal,
			(size >> 20) + 1);
		cuda_fail(c, ERROR_RETRY, text);
		return NULL;
	}
	if (!cuda_good(lane, result, "cudaMalloc"))
		return NULL;
	if (!p) {
		p = static_cast<struct piece *>(mem_zero(1, sizeof(struct piece)));
		p->data = static_cast<char *>(data);
		p->size = size;
	}
	p->next = NULL;
	return p;
}

void *cuda_alloc(struct lane *lane, size_t size)
{
	struct piece *p = piece_new(lane, size, size);
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
void cuda_release(struct lane *lane, void *data)
{
	struct card *c = lane->card;
	if (!data)
		return;
	if (cuda_begin(lane))
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
	size_t size = grains(asked > SIZE_MAX - GAP ? SIZE_MAX : asked + GAP);
	struct piece *p = lane->current;
	if (!p || p->size - lane->filled < size) {
		struct piece **next = p ? &p->next : &lane->pieces;
		if (!*next || (*next)->size < size) {
			struct piece *fresh = piece_new(lane, size < PIECE ? PIECE : size, size);
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

void cuda_memory(struct lane *lane, size_t *available, size_t *total)
{
	*available = *total = 0;
	if (cuda_begin(lane))
		(void)cuda_good(lane, cudaMemGetInfo(available, total), "cudaMemGetInfo");
}
