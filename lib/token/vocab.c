#include "lib/token/vocab.h"

#include "lib/base/random.h"

/* The bytes of a slice of less than eight, each in one place at least. */
static uint64_t few_bytes(const char *p, size_t n)
{
	uint32_t low = 0, high = 0;
	if (n >= 4) {
		memcpy(&low, p, 4);
		memcpy(&high, p + n - 4, 4);
		return low | (uint64_t)high << 32;
	}
	if (n == 0)
		return 0;
	return (unsigned char)p[0] | (unsigned)(unsigned char)p[n / 2] << 8 |
	       (unsigned)(unsigned char)p[n - 1] << 16;
}

static uint32_t hash(struct slice s)
{
	uint64_t h = s.size, w;
	if (s.size < 8)
		return (uint32_t)(random_mix(h * 0x9e3779b97f4a7c15u ^ few_bytes(s.data, s.size)) >>
				  32);
	const char *last = s.data + s.size - 8;
	for (const char *p = s.data; p < last; p += 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	memcpy(&w, last, 8);
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

static void reserve_slots(struct vocab *v, size_t n)
{
	size_t n_slots = v->n_slots ? v->n_slots : 64;
	while (2 * n >= n_slots)
		n_slots *= 2;
	if (n_slots > v->n_slots)
		grow_slots(v, n_slots);
}

static void reserve_tokens(struct vocab *v, size_t size)
{
	if (size <= v->capacity)
		return;
	size_t capacity = size > 2 * v->capacity ? size : 2 * v->capacity;
	v->tokens = mem_resize(
		v->tokens, v->capacity * sizeof *v->tokens, size_mul(capacity, sizeof *v->tokens));
	memset(v->tokens + v->capacity, 0, (capacity - v->capacity) * sizeof *v->tokens);
	v->capacity = capacity;
}

void vocab_reserve(struct vocab *v, size_t n)
{
	reserve_slots(v, n);
	reserve_tokens(v, n);
}

static int too_large(struct slice token, uint32_t id, uint32_t largest, struct error *e)
{
	return error_set(e, ERROR_MODEL, "token \"%.*s\" has id %u, the largest allowed is %u",
		(int)(token.size < 100 ? token.size : 100), token.data, id, largest);
}

static int taken(struct slice old, struct slice token, uint32_t id, struct error *e)
{
	return error_set(e, ERROR_MODEL, "tokens \"%.*s\" and \"%.*s\" have the same id %u",
		(int)(old.size < 100 ? old.size : 100), old.data,
		(int)(token.size < 100 ? token.size : 100), token.data, id);
}

int vocab_set_hashed(struct vocab *v, const struct vocab_entry *x, struct error *e)
{
	uint32_t largest = v->largest ? v->largest : VOCAB_LARGEST, id = x->id;
	struct slice token = x->token;
	if (id > largest)
		return too_large(token, id, largest, e);
	if (id < v->size && v->tokens[id].data && !slice_equal(v->tokens[id], token))
		return taken(v->tokens[id], token, id, e);
	if (2 * (v->n + 1) >= v->n_slots)
		reserve_slots(v, v->n + 1);
	if (id >= v->size) {
		reserve_tokens(v, (size_t)id + 1);
		v->size = (size_t)id + 1;
	}
	size_t slot = find(v, token, x->hash);
	uint32_t old = v->slots[slot].id;
	if (old == (uint32_t)VOCAB_NONE)
		v->n++;
	else if (old != id)
		v->tokens[old] = (struct slice){ NULL, 0 };
	v->tokens[id] = token.data ? token : (struct slice){ "", 0 };
	v->slots[slot] = (struct vocab_slot){ id, x->hash };
	return 0;
}

int vocab_set(struct vocab *v, struct slice token, uint32_t id, struct error *e)
{
	return vocab_set_hashed(v, &(struct vocab_entry){ token, id, hash(token) }, e);
}

uint32_t vocab_hash(const struct vocab *v, struct slice token)
{
	uint32_t h = hash(token);
	if (v->n_slots)
		__builtin_prefetch(&v->slots[h & (v->n_slots - 1)]);
	return h;
}

/* The token that is likely to have the hash. */
static const struct slice *likely(const struct vocab *v, uint32_t h)
{
	uint32_t id = v->n_slots ? v->slots[h & (v->n_slots - 1)].id : (uint32_t)VOCAB_NONE;
	return id < v->size ? &v->tokens[id] : NULL;
}

void vocab_fetch_token(const struct vocab *v, uint32_t h)
{
	__builtin_prefetch(likely(v, h));
}

void vocab_fetch_bytes(const struct vocab *v, uint32_t h)
{
	const struct slice *token = likely(v, h);
	if (token)
		__builtin_prefetch(token->data);
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
