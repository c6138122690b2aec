#include "lib/token/vocab.h"

#include "lib/base/random.h"

static uint32_t hash(struct slice s)
{
	uint64_t h = s.size, w;
	for (; s.size >= 8; s.data += 8, s.size -= 8) {
		memcpy(&w, s.data, 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	w = 0;
	if (s.size)
		memcpy(&w, s.data, s.size);
	return (uint32_t)(random_mix((h ^ w) * 0x9e3779b97f4a7c15u) >> 32);
}

/* The slot that holds the token, or the free one where it belongs. */
static size_t find(const struct vocab *v, struct slice token, uint32_t h)
{
	size_t i = h & (v->n_slots - 1);
	while (v->slots[i].id != (uint32_t)VOCAB_NONE &&
		(v->slots[i].hash != h || !slice_equal(v->tokens[v->slots[i].id], token)))
		i = (i + 1) & (v->n_slots - 1);
	return i;
}

static void grow_slots(struct vocab *v, size_t n_slots)
{
	struct vocab_slot *old = v->slots;
	size_t n = v->n_slots;
	v->n_slots = n_slots;
	v->slots = MEM_ARRAY(struct vocab_slot, v->n_slots);
	memset(v->slots, 0xff, v->n_slots * sizeof *v->slots);
	for (size_t i = 0; i < n; i++) {
		if (old[i].id == (uint32_t)VOCAB_NONE)
			continue;
		size_t j = old[i].hash & (v->n_slots - 1);
		while (v->slots[j].id != (uint32_t)VOCAB_NONE)
			j = (j + 1) & (v->n_slots - 1);
		v->slots[j] = old[i];
	}
	mem_free(old);
}

void vocab_reserve(struct vocab *v, size_t n)
{
	size_t n_slots = v->n_slots ? v->n_slots : 64;
	while (2 * n >= n_slots)
		n_slots *= 2;
	if (n_slots > v->n_slots)
		grow_slots(v, n_slots);
}

static void grow_tokens(struct vocab *v, size_t size)
{
	if (size > v->capacity) {
		size_t capacity = size > 2 * v->capacity ? size : 2 * v->capacity;
		v->tokens = mem_resize(v->tokens, v->capacity * sizeof *v->tokens,
			size_mul(capacity, sizeof *v->tokens));
		memset(v->tokens + v->capacity, 0, (capacity - v->capacity) * sizeof *v->tokens);
		v->capacity = capacity;
	}
	v->size = size;
}

int vocab_set(struct vocab *v, struct slice token, uint32_t id, struct error *e)
{
	uint32_t largest = v->largest ? v->largest : VOCAB_LARGEST;
	if (id > largest)
		return error_set(e, ERROR_MODEL,
			"token \"%.*s\" has id %u, the largest allowed is %u",
			(int)(token.size < 100 ? token.size : 100), token.data, id, largest);
	if (id < v->size && v->tokens[id].data && !slice_equal(v->tokens[id], token))
		return error_set(e, ERROR_MODEL, "tokens \"%.*s\" and \"%.*s\" have the same id %u",
			(int)(v->tokens[id].size < 100 ? v->tokens[id].size : 100),
			v->tokens[id].data, (int)(token.size < 100 ? token.size : 100), token.data,
			id);
	if (2 * (v->n + 1) >= v->n_slots)
		vocab_reserve(v, v->n + 1);
	if (id >= v->size)
		grow_tokens(v, (size_t)id + 1);
	uint32_t h = hash(token);
	size_t slot = find(v, token, h);
	uint32_t old = v->slots[slot].id;
	if (old == (uint32_t)VOCAB_NONE)
		v->n++;
	else if (old != id)
		v->tokens[old] = (struct slice){ NULL, 0 };
	v->tokens[id] = token.data ? token : (struct slice){ "", 0 };
	v->slots[slot] = (struct vocab_slot){ id, h };
	return 0;
}

uint32_t vocab_hash(const struct vocab *v, struct slice token)
{
	uint32_t h = hash(token);
	if (v->n_slots)
		__builtin_prefetch(&v->slots[h & (v->n_slots - 1)]);
	return h;
}

uint32_t vocab_id_hashed(const struct vocab *v, struct slice token, uint32_t h)
{
	return v->n_slots ? v->slots[find(v, token, h)].id : (uint32_t)VOCAB_NONE;
}

uint32_t vocab_id(const struct vocab *v, struct slice token)
{
	return vocab_id_hashed(v, token, hash(token));
}

struct slice vocab_token(const struct vocab *v, uint32_t id)
{
	return id < v->size ? v->tokens[id] : (struct slice){ NULL, 0 };
}

void vocab_free(struct vocab *v)
{
	mem_free(v->tokens);
	mem_free(v->slots);
	*v = (struct vocab){ 0 };
}
