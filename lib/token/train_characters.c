/* train_characters.c: the characters of words, counted in pages, of which texts touch few. */
#include "lib/text/utf8.h"
#include "lib/token/train_private.h"

enum { PAGE = 256, PAGES = 0x110000 / PAGE };

static uint64_t *place(uint64_t **pages, uint32_t c)
{
	uint64_t **page = &pages[c / PAGE];
	if (!*page)
		*page = mem_zero(PAGE, sizeof **page);
	return &(*page)[c % PAGE];
}

struct character_list characters_count(
	const struct word_list *words, const uint32_t *alphabet, size_t n_alphabet)
{
	uint64_t **pages = mem_zero(PAGES, sizeof *pages);
	struct character_list list = { NULL, 0 };
	size_t used = 0;
	for (size_t i = 0; i < words->n; i++) {
		struct slice w = words->at[i].word;
		for (size_t j = 0; j < w.size;) {
			uint32_t c;
			j += utf8_decode(w.data + j, w.data + w.size, &c);
			*place(pages, c) += words->at[i].n;
		}
	}
	for (size_t i = 0; i < n_alphabet; i++)
		*place(pages, alphabet[i]) = UINT64_MAX;
	for (size_t i = 0; i < PAGES; i++)
		used += pages[i] != NULL;
	list.at = MEM_ARRAY(struct character, PAGE * used);
	for (uint32_t i = 0; i < PAGES; i++) {
		for (uint32_t j = 0; pages[i] && j < PAGE; j++)
			if (pages[i][j])
				list.at[list.n++] = (struct character){ i * PAGE + j, pages[i][j] };
		mem_free(pages[i]);
	}
	mem_free(pages);
	return list;
}
