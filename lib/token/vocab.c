#include "lib/token/vocab.h"

#include "lib/base/random.h"

static uint64_t hash(struct slice s)
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
	return random_mix((h ^ w) * 0x9e3779b97f4a7c15u);
}

/* The slot that holds the token, or the free one where it belongs. */
static size_t find(const struct vocab *v, struct slice token)
{
	size_t i = hash(token) & (v->n_slots - 1);
	while (v->slots[i] != (uint32_t)VOCAB_NONE && !slice_equal(v->tokens[v->slots[i]], token))
		i = (i + 1) & (v->n_slots - 1);
	return i;
}

static void grow_slots(struct vocab *v)
{
	mem_free(v->slots);
	v->n_slots = v->n_slots ? 2 * v->n_slots : 64;
	v->slots = MEM_ARRAY(uint32_t, v->n_slots);
	memset(v->slots, 0xff, v->n_slots * sizeof *v->slots);
	for (size_t id = 0; id < v->size; id++)
		if (v->tokens[id].data)
			v->slots[find(v, v->tokens[id])] = (uint32_t)id;
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
		grow_slots(v);
	if (id >= v->size)
		grow_tokens(v, (size_t)id + 1);
	size_t slot = find(v, token);
	uint32_t old = v->slots[slot];
	if (old == (uint32_t)VOCAB_NONE)
		v->n++;
	else if (old != id)
		v->tokens[old] = (struct slice){ NULL, 0 };
	v->tokens[id] = token.data ? token : (struct slice){ "", 0 };
	v->slots[slot] = id;
	return 0;
}

uint32_t vocab_id(const struct vocab *v, struct slice token)
{
	return v->n_slots ? v->slots[find(v, token)] : (uint32_t)VOCAB_NONE;
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
