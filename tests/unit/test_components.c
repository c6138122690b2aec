/*
 * Every component of a tokenizer.json: a tiny tokenizer for each and for their options, over hostile
 * texts and pairs of them, against hashes of all that Hugging Face tokenizers says of them.
 * Where one differs, tests/golden/components.py compare shows on which text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/record/json.h"
#include "lib/token/tokenizer.h"
#include "tests/unit/token_golden.h"

enum { PAIRS = 40 };

static struct json read_json(const struct buffer *b)
{
	struct json v;
	struct error e = { 0 };
	if (json_read(buffer_view(b), &v, &e))
		fail_msg("%s", e.msg);
	return v;
}

/* A tokenizer.json of the parts of a golden line and the model that all share. */
static struct tokenizer *open_parts(struct json parts, const struct buffer *model)
{
	struct buffer b = { NULL, 0, 0 };
	struct error e = { 0 };
	buffer_text(&b, "{\"version\":\"1.0\",");
	buffer_add(&b, parts.raw.data + 1, parts.raw.size - 2);
	buffer_text(&b, ",\"model\":");
	buffer_slice(&b, buffer_view(model));
	buffer_char(&b, '}');
	struct tokenizer *t = tokenizer_from_json(buffer_view(&b), &e);
	if (!t)
		fail_msg("%.*s: %s", (int)(parts.raw.size < 200 ? parts.raw.size : 200),
			parts.raw.data, e.msg);
	buffer_free(&b);
	return t;
}

static void add_words(struct buffer *b, const void *words, size_t n)
{
	buffer_add(b, words, n * sizeof(uint32_t));
}

static uint64_t hash_encoding(uint64_t h, const struct encoding *x, struct buffer *b)
{
	uint32_t n = (uint32_t)x->n;
	buffer_clear(b);
	add_words(b, &n, 1);
	add_words(b, x->ids, x->n);
	add_words(b, x->offsets, 2 * x->n);
	add_words(b, x->type_ids, x->n);
	for (size_t i = 0; i < x->n; i++)
		add_words(b, &(uint32_t){ x->special_mask[i] }, 1);
	add_words(b, x->word_ids, x->n);
	return hash_bytes(h, b->data, b->size);
}

static uint64_t hash_decoded(
	uint64_t h, const struct tokenizer *t, const struct encoding *x, struct buffer *b)
{
	for (int skip = 0; skip < 2; skip++) {
		buffer_clear(b);
		assert_int_equal(tokenizer_decode(t, x->ids, x->n, skip, b, NULL), 0);
		h = hash_bytes(h, b->data, b->size);
	}
	return h;
}

static uint64_t hash_tokenizer(const struct tokenizer *t, const struct slice *texts, size_t n)
{
	const struct tokenizer_options o = { .add_special = true,
		.offsets = true,
		.type_ids = true,
		.special_mask = true,
		.word_ids = true };
	struct tokenizer_scratch *scratch = tokenizer_scratch_new(t);
	struct arena *arena = arena_new();
	struct buffer b = { NULL, 0, 0 };
	struct encoding x;
	struct error e = { 0 };
	uint64_t h = 0;
	for (size_t i = 0; i < n; i++) {
		if (tokenizer_encode(t, scratch, texts[i], NULL, &o, arena, &x, &e))
			fail_msg("%s", e.msg);
		h = hash_decoded(hash_encoding(h, &x, &b), t, &x, &b);
		arena_clear(arena);
	}
	for (size_t i = 0; i < PAIRS; i++) {
		if (tokenizer_encode(t, scratch, texts[i], &texts[i + 1], &o, arena, &x, &e))
			fail_msg("%s", e.msg);
		h = hash_encoding(h, &x, &b);
		arena_clear(arena);
	}
	buffer_free(&b);
	arena_free(arena);
	tokenizer_scratch_free(scratch);
	return h;
}

static void every_component_answers_as_the_reference_does(void **state)
{
	(void)state;
	struct buffer model = read_golden("../components/model.json"),
		      list = read_golden("../components/texts.json"),
		      lines = read_golden("../components/tokenizers.jsonl");
	struct arena *arena = arena_new();
	struct json texts_json = read_json(&list);
	size_t n = 0, tokenizers = 0, differ = 0;
	struct slice *texts = ARENA_ARRAY(arena, struct slice, json_count(texts_json));
	for (struct json_iterator i = json_iterate(texts_json); json_each(&i);)
		texts[n++] = json_text(i.value, arena);
	assert_true(n > PAIRS);
	for (size_t at = 0; at < lines.size; tokenizers++) {
		char *end = memchr(lines.data + at, '\n', lines.size - at);
		struct json v;
		assert_non_null(end);
		assert_int_equal(json_read((struct slice){ lines.data + at,
						   (size_t)(end - lines.data) - at },
					 &v, NULL),
			0);
		struct tokenizer *t = open_parts(json_get(v, "parts"), &model);
		char hash[17];
		snprintf(hash, sizeof hash, "%016llx",
			(unsigned long long)hash_tokenizer(t, texts, n));
		struct slice name = json_text(json_get(v, "name"), arena);
		if (!json_text_is(json_get(v, "hash"), hash)) {
			print_error("%.*s differs: see tests/golden/components.py compare\n",
				(int)name.size, name.data);
			differ++;
		}
		tokenizer_free(t);
		at = (size_t)(end - lines.data) + 1;
	}
	assert_true(tokenizers > 150);
	assert_int_equal(differ, 0);
	arena_free(arena);
	buffer_free(&model);
	buffer_free(&list);
	buffer_free(&lines);
}

/*
 * A result does not depend on what a scratch was used for before, nor on there being one.
 */
static void a_scratch_changes_nothing(void **state)
{
	static const char *const texts[] = { "hello  world", "", "a\xcc\x81 b", "<x> word  [SEP]",
		"hello  world", "\xff\xe4\xb8" };
	(void)state;
	struct buffer model = read_golden("../components/model.json");
	struct json parts;
	struct slice source = SLICE(
		"{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\","
		"\"individual_digits\":true},{\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
		"\"trim_offsets\":true}]},"
		"\"post_processor\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_"
		"offsets\":true}}");
	assert_int_equal(json_read(source, &parts, NULL), 0);
	struct tokenizer *t = open_parts(parts, &model);
	struct tokenizer_scratch *scratch = tokenizer_scratch_new(t);
	struct arena *arena = arena_new();
	for (unsigned round = 0; round < 64; round++)
		for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
			struct tokenizer_options o = { .offsets = round & 1,
				.word_ids = round & 2,
				.byte_offsets = round & 4 };
			struct encoding with, without;
			struct slice text = slice_from(texts[i]),
				     pair = slice_from(texts[(i + round) % 6]);
			const struct slice *second = round & 8 ? &pair : NULL;
			assert_int_equal(
				tokenizer_encode(t, scratch, text, second, &o, arena, &with, NULL),
				0);
			assert_int_equal(
				tokenizer_encode(t, NULL, text, second, &o, arena, &without, NULL),
				0);
			assert_int_equal(with.n, without.n);
			assert_memory_equal(with.ids, without.ids, with.n * sizeof *with.ids);
			if (o.offsets)
				assert_memory_equal(with.offsets, without.offsets,
					with.n * sizeof *with.offsets);
			if (o.word_ids)
				assert_memory_equal(with.word_ids, without.word_ids,
					with.n * sizeof *with.word_ids);
		}
	arena_free(arena);
	tokenizer_scratch_free(scratch);
	tokenizer_free(t);
	buffer_free(&model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_component_answers_as_the_reference_does),
		cmocka_unit_test(a_scratch_changes_nothing),
	};
	return cmocka_run_group_tests_name("components of tokenizers", tests, NULL, NULL);
}
