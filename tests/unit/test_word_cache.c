/*
 * The cache of words: what it gives is what the model would, whatever has been forgotten meanwhile;
 * and tokenizers that use it where only ids are asked for give the ids that they give otherwise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

#include <cmocka.h>

#include "lib/base/random.h"
#include "lib/token/tokenizer.h"
#include "lib/token/word_cache.h"
#include "tests/unit/token_golden.h"

/* A model: a word's ids are a function of its bytes, none, or up to one a byte; some do not fit an entry. */
static size_t split(const void *calls, struct slice word, uint32_t *ids)
{
	uint64_t h = word.size;
	++*(size_t *)calls;
	for (size_t i = 0; i < word.size; i++)
		h = random_mix(h + (unsigned char)word.data[i]);
	size_t n = h % 8 == 0 ? h / 8 % (word.size + 1) : h % 3 < word.size ? h % 3 : word.size;
	for (size_t i = 0; i < n; i++)
		ids[i] = (uint32_t)(random_mix(h + i) >> (h % 7 == 0 ? 32 : 40));
	return n;
}

/* Words over few letters or many, of the sizes around those that an entry, or the cache, takes. */
static size_t random_word(char *out, uint64_t i, unsigned letters)
{
	static const size_t sizes[] = { 1, 2, 3, 5, 8, 14, 15, 16, 17, 40, 255, 256, 257, 300 };
	size_t size = sizes[random_bits(1, i, 0) % (i % 16 ? 9 : 14)];
	for (size_t k = 0; k < size; k++)
		out[k] = (char)(random_bits(1, i, 1 + k) % letters);
	return size;
}

static void words_are_what_the_model_makes_of_them(void **state)
{
	(void)state;
	size_t calls = 0, direct = 0, words = 0;
	struct word_store *store = word_store_new();
	struct word_cache *c = word_cache_new(store, split, &calls);
	char *text = malloc(WORD_BATCH * 300);
	uint32_t *ids = malloc((WORD_BATCH * 300 + WORD_SLACK) * sizeof *ids),
		 *want = malloc(300 * sizeof *ids);
	assert_true(text && ids && want);
	for (uint64_t round = 0; round < 1600; round++) {
		uint32_t ends[WORD_BATCH], counts[WORD_BATCH];
		size_t size = 0, n = 1 + random_bits(2, round, 0) % WORD_BATCH, at = 0, total = 0;
		for (size_t i = 0; i < n; i++) {
			size += random_word(text + size, random_bits(3, round, i) % 5000,
				2 + (unsigned)(round % 3) * 100);
			ends[i] = (uint32_t)size;
		}
		char *exact = malloc(size); /* so that a sanitizer sees a read beyond it */
		memcpy(exact, text, size);
		size_t got = word_cache_encode(
			c, (struct slice){ exact, size }, 0, ends, n, ids, counts);
		for (size_t i = 0; i < n; at = ends[i++]) {
			size_t m = split(&direct, (struct slice){ text + at, ends[i] - at }, want);
			assert_int_equal(counts[i], m);
			assert_memory_equal(ids + total, want, m * sizeof *ids);
			total += m;
		}
		assert_int_equal(got, total);
		words += n;
		free(exact);
	}
	assert_true(calls < words / 2);
	word_cache_free(c);
	word_store_free(store);
	free(text);
	free(ids);
	free(want);
}

/* More words than it keeps: it is emptied, and goes on. */
static void a_full_cache_forgets(void **state)
{
	(void)state;
	size_t calls = 0, direct = 0;
	struct word_store *store = word_store_new();
	struct word_cache *c = word_cache_new(store, split, &calls);
	for (uint32_t i = 0; i < 1500000; i++) {
		char text[16];
		uint32_t ids[16 + WORD_SLACK], want[16],
			end = (uint32_t)snprintf(text, sizeof text, "w%u", i % 700000);
		size_t n = word_cache_encode(c, (struct slice){ text, end }, 0, &end, 1, ids, NULL);
		assert_int_equal(n, split(&direct, (struct slice){ text, end }, want));
		assert_memory_equal(ids, want, n * sizeof *ids);
	}
	assert_true(calls >= 700000);
	word_cache_free(c);
	word_store_free(store);
}

/* --- Threads that share a store ------------------------------------------------------------------ */

enum { THREADS = 4, ROUNDS = 10000 };

struct thread {
	pthread_t id;
	struct word_store *store;
	uint64_t number;
	size_t calls, words, wrong;
};

/* Batches of words, most of which the others meet too; in all more than a table takes. */
static void *encode_many(void *thread)
{
	struct thread *t = thread;
	struct word_cache *c = word_cache_new(t->store, split, &t->calls);
	char *text = malloc(WORD_BATCH * 32);
	uint32_t *ids = malloc((WORD_BATCH * 32 + WORD_SLACK) * sizeof *ids), want[32];
	for (uint64_t round = 0; text && ids && round < ROUNDS; round++) {
		uint32_t ends[WORD_BATCH], counts[WORD_BATCH];
		size_t size = 0, direct = 0, at = 0, total = 0;
		for (size_t i = 0; i < WORD_BATCH; i++) {
			uint64_t word = random_bits(6, round, i) % 900000;
			size += (size_t)sprintf(text + size, word % 9 ? "w%u" : "a longer word %u",
				(unsigned)(word + t->number % 2));
			ends[i] = (uint32_t)size;
		}
		word_cache_encode(
			c, (struct slice){ text, size }, 0, ends, WORD_BATCH, ids, counts);
		for (size_t i = 0; i < WORD_BATCH; at = ends[i++]) {
			size_t m = split(&direct, (struct slice){ text + at, ends[i] - at }, want);
			t->wrong += m != counts[i] || memcmp(ids + total, want, m * sizeof *ids);
			total += counts[i];
		}
		t->words += WORD_BATCH;
	}
	word_cache_free(c);
	free(text);
	free(ids);
	return NULL;
}

static void threads_may_learn_at_once(void **state)
{
	(void)state;
	struct thread threads[THREADS];
	struct word_store *store = word_store_new();
	for (size_t i = 0; i < THREADS; i++) {
		threads[i] = (struct thread){ .store = store, .number = i };
		assert_int_equal(pthread_create(&threads[i].id, NULL, encode_many, &threads[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i].id, NULL);
		assert_int_equal(threads[i].wrong, 0);
		assert_int_equal(threads[i].words, ROUNDS * WORD_BATCH);
		assert_true(threads[i].calls < threads[i].words);
	}
	word_store_free(store);
}

/* What one cache of a store has learnt another knows, but for words that came while a table grew. */
static void what_one_learns_another_knows(void **state)
{
	(void)state;
	size_t calls[2] = { 0, 0 };
	struct word_store *store = word_store_new();
	struct word_cache *c[2];
	for (size_t k = 0; k < 2; k++)
		c[k] = word_cache_new(store, split, &calls[k]);
	for (size_t k = 0; k < 2; k++)
		for (uint32_t i = 0; i < 200000; i++) {
			char text[48];
			uint32_t ids[48 + WORD_SLACK],
				end = (uint32_t)snprintf(
					text, sizeof text, i % 9 ? "w%u" : "a longer word %u", i);
			word_cache_encode(c[k], (struct slice){ text, end }, 0, &end, 1, ids, NULL);
		}
	assert_int_equal(calls[0], 200000);
	assert_in_range(calls[1], 0, 10);
	word_cache_free(c[0]);
	word_cache_free(c[1]);
	word_store_free(store);
}

static size_t random_text(char *out, size_t room, uint64_t round)
{
	static const char *const pieces[] = { "the", " The", " of", "ABC", "unaffable", " ", "\n",
		"\t\t", ".", "!?", "\v", "\x01", "\x7f", "é", "É\xcc\x81", "中", "[CLS]",
		"\xc2\xa0", "\xe2\x80\x83", "’", "\xff", "\xe2\x82", "a\xcc\x81\xcc\xa3", "x1", "İ",
		"\xe1\xbe\x82", "internationalization-of-everything", "   " };
	size_t n = 0, kinds = 1 + random_bits(4, round, 0) % (sizeof pieces / sizeof *pieces);
	for (uint64_t i = 1;; i++) {
		const char *s = pieces[(random_bits(4, round, i) % kinds + round) %
				       (sizeof pieces / sizeof *pieces)];
		if (n + strlen(s) > room)
			return n;
		memcpy(out + n, s, strlen(s));
		n += strlen(s);
	}
}

static void ids_alone_are_those_with_offsets(void **state)
{
	(void)state;
	static const char *const names[] = { "uncased.json", "cased.json", "accents-only.json",
		"keep-accents.json", "dirty.json", "short.json", "added.json", "bare.json" };
	for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
		char path[128];
		struct error e = { 0 };
		snprintf(path, sizeof path, "tests/golden/wordpiece/%s", names[k]);
		struct tokenizer *t = tokenizer_open(source_path("%s", path), &e);
		if (!t)
			fail_msg("%s: %s", names[k], e.msg);
		struct tokenizer_scratch *scratch = tokenizer_scratch_new(t);
		struct arena *arena = arena_new();
		for (uint64_t round = 0; round < 1500; round++, arena_clear(arena)) {
			char text[400];
			struct slice s = { text,
				random_text(text, 1 + random_bits(5, round, k) % 400, round) };
			struct encoding alone, all;
			size_t limit = round % 5 == 0 ? 3 + round % 40 : 0;
			assert_int_equal(tokenizer_encode(t, scratch, s, NULL,
						 &(struct tokenizer_options){ .max_length = limit },
						 arena, &alone, &e),
				0);
			assert_int_equal(tokenizer_encode(t, NULL, s, NULL,
						 &(struct tokenizer_options){
							 .max_length = limit, .offsets = true },
						 arena, &all, &e),
				0);
			if (alone.n != all.n || memcmp(alone.ids, all.ids, all.n * sizeof *all.ids))
				fail_msg("%s: \"%.*s\"", names[k], (int)s.size, s.data);
		}
		arena_free(arena);
		tokenizer_scratch_free(scratch);
		tokenizer_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_what_the_model_makes_of_them),
		cmocka_unit_test(a_full_cache_forgets),
		cmocka_unit_test(threads_may_learn_at_once),
		cmocka_unit_test(what_one_learns_another_knows),
		cmocka_unit_test(ids_alone_are_those_with_offsets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
