#include "lib/token/wordpiece.h"

#include "lib/text/utf8.h"

/* Put the token into the table of whole words, where it fits its key. */
static void add_word(struct wordpiece *w, struct slice token, uint32_t id)
{
	struct word_key k = { 0, 0 };
	if (token.size == 0 || token.size > WORD_KEY || memchr(token.data, 0, token.size))
		return;
	memcpy(&k, token.data, token.size);
	uint64_t h = (k.low ^ (k.high << 23 | k.high >> 41)) * 0x9e3779b97f4a7c15u;
	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15u;
	size_t i = h >> w->shift;
	while (w->words[i].id != (uint32_t)VOCAB_NONE)
		i = (i + 1) & (w->n_words - 1);
	w->words[i] = (struct word_slot){ k, id };
}

int wordpiece_build(struct wordpiece *w, const struct vocab *v, struct slice unknown,
	struct slice prefix, size_t max_chars, struct error *e)
{
	*w = (struct wordpiece){ .unknown = vocab_id(v, unknown), .max_chars = max_chars };
	w->n_words = 64;
	while (w->n_words < 2 * v->n + 2)
		w->n_words *= 2;
	w->shift = (unsigned)__builtin_clzll(w->n_words) + 1;
	w->words = MEM_ARRAY(struct word_slot, w->n_words);
	for (size_t i = 0; i < w->n_words; i++)
		w->words[i] = (struct word_slot){ { 0, 0 }, (uint32_t)VOCAB_NONE };
	trie_reserve(&w->trie, 2 * v->n); /* of a usual vocabulary */
	for (size_t id = 0; id < v->size; id++) {
		struct slice token = v->tokens[id];
		if (token.size == 0)
			continue;
		if (trie_set(&w->trie, token, (uint32_t)id, e))
			return -1;
		add_word(w, token, (uint32_t)id);
	}
	w->continuing = trie_node(&w->trie, prefix);
	return 0;
}

void wordpiece_free(struct wordpiece *w)
{
	trie_free(&w->trie);
	mem_free(w->words);
	*w = (struct wordpiece){ 0 };
}

size_t wordpiece_split(
	const struct wordpiece *w, struct slice word, uint32_t *ids, struct token_offset *offsets)
{
	size_t n = 0;
	const char *end = word.data + word.size;
	uint32_t node = 0;
	if (word.size <= w->max_chars || utf8_count(word) <= w->max_chars) {
		for (const char *p = word.data; p < end; node = w->continuing) {
			size_t size = 0;
			uint32_t id = node == (uint32_t)TRIE_NONE
					      ? (uint32_t)TRIE_NONE
					      : trie_longest(&w->trie, node, p, end, &size);
			if (id == (uint32_t)TRIE_NONE)
				goto unknown;
			ids[n] = id;
			if (offsets)
				offsets[n] = (struct token_offset){ (uint32_t)(p - word.data),
					(uint32_t)(p + size - word.data) };
			n++;
			p += size;
		}
		return n;
	}
unknown:
	ids[0] = w->unknown;
	if (offsets)
		offsets[0] = (struct token_offset){ 0, (uint32_t)word.size };
	return 1;
}
