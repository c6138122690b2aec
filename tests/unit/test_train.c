/*
 * Tokenizers that are trained: tokens, merges and scores against those of Hugging Face tokenizers
 * (tests/golden/train_tokenizer.py), whatever the order of the texts and the number of threads.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/record/json.h"
#include "lib/token/train_private.h"
#include "tests/unit/token_golden.h"

/* Both sum doubles, in other orders. */
static const double tolerance = 1e-9;

static struct json read_json(struct slice text)
{
	struct json v;
	struct error e = { 0 };
	if (json_read(text, &v, &e))
		fail_msg("%s", e.msg);
	return v;
}

static enum trainer_kind kind_of(struct json template)
{
	struct json type = json_get(json_get(template, "model"), "type");
	return json_text_is(type, "WordPiece") ? TRAIN_WORDPIECE
	       : json_text_is(type, "BPE")     ? TRAIN_BPE
					       : TRAIN_UNIGRAM;
}

static size_t number(struct json options, const char *name)
{
	int64_t n = 0;
	return json_integer(json_get(options, name), &n) ? (size_t)n : 0;
}

static struct trainer *open_trainer(struct json golden, struct arena *arena)
{
	struct json options = json_get(golden, "options"), template = json_get(golden, "template"),
		    alphabet = json_get(options, "initial_alphabet");
	struct error e = { 0 };
	const struct trainer_options o = { .kind = kind_of(template),
		.vocab_size = number(options, "vocab_size"),
		.min_frequency = number(options, "min_frequency"),
		.limit_alphabet = number(options, "limit_alphabet"),
		.max_token_length = number(options, "max_token_length"),
		.initial_alphabet =
			alphabet.type == JSON_STRING ? json_text(alphabet, arena) : SLICE("") };
	struct trainer *t = trainer_new(template.raw, &o, &e);
	if (!t)
		fail_msg("%s", e.msg);
	return t;
}

/* The texts are dealt out to n counters, the last text first where they are turned round. */
static struct buffer train(
	struct json golden, struct json texts, size_t n, bool turned, struct arena *arena)
{
	struct trainer *t = open_trainer(golden, arena);
	struct word_counts *counts[4];
	struct buffer json = { NULL, 0, 0 };
	struct error e = { 0 };
	size_t n_texts = json_count(texts), k = 0;
	struct slice *list = ARENA_ARRAY(arena, struct slice, n_texts);
	for (struct json_iterator i = json_iterate(texts); json_each(&i); k++)
		list[turned ? n_texts - 1 - k : k] = json_text(i.value, arena);
	struct tokenizer_scratch *scratch = tokenizer_scratch_new(trainer_tokenizer(t));
	for (size_t i = 0; i < n; i++)
		counts[i] = word_counts_new();
	for (size_t i = 0; i < n_texts; i++)
		assert_int_equal(trainer_add(t, scratch, list[i], counts[i % n], &e), 0);
	if (trainer_run(t, counts, n, n, &json, &e))
		fail_msg("%s", e.msg);
	for (size_t i = 0; i < n; i++)
		word_counts_free(counts[i]);
	tokenizer_scratch_free(scratch);
	trainer_free(t);
	return json;
}

static void check_tokens(struct json golden, struct json model)
{
	struct json_iterator want = json_iterate(json_get(golden, "tokens")),
			     got = json_iterate(json_get(model, "vocab"));
	for (int64_t id = 0, n; json_each(&want); id++) {
		assert_true(json_each(&got));
		assert_true(json_integer(got.value, &n));
		assert_int_equal(n, id);
		if (!slice_equal(got.key.raw, want.value.raw))
			fail_msg("token %lld is %.*s, not %.*s", (long long)id,
				(int)got.key.raw.size, got.key.raw.data, (int)want.value.raw.size,
				want.value.raw.data);
	}
	assert_false(json_each(&got));
	struct json_iterator want_merge = json_iterate(json_get(golden, "merges")),
			     got_merge = json_iterate(json_get(model, "merges"));
	for (size_t i = 0; json_each(&want_merge); i++) {
		assert_true(json_each(&got_merge));
		if (!slice_equal(got_merge.value.raw, want_merge.value.raw))
			fail_msg("merge %zu is %.*s, not %.*s", i, (int)got_merge.value.raw.size,
				got_merge.value.raw.data, (int)want_merge.value.raw.size,
				want_merge.value.raw.data);
	}
	assert_false(json_each(&got_merge));
}

static double score_of(struct json pieces, struct json piece)
{
	for (struct json_iterator i = json_iterate(pieces); json_each(&i);) {
		struct json_iterator pair = json_iterate(i.value);
		assert_true(json_each(&pair));
		if (!slice_equal(pair.value.raw, piece.raw))
			continue;
		assert_true(json_each(&pair));
		return json_double(pair.value);
	}
	fail_msg("%.*s is missing", (int)piece.raw.size, piece.raw.data);
	return 0;
}

static void check_pieces(struct json golden, struct json model)
{
	struct json want = json_get(golden, "pieces"), got = json_get(model, "vocab");
	assert_int_equal(json_count(got), json_count(want));
	for (struct json_iterator i = json_iterate(want); json_each(&i);) {
		struct json_iterator pair = json_iterate(i.value);
		assert_true(json_each(&pair));
		double score = score_of(got, pair.value);
		struct json piece = pair.value;
		assert_true(json_each(&pair));
		/* null: the reference's own differs from run to run */
		if (pair.value.type == JSON_NUMBER &&
			!(fabs(score - json_double(pair.value)) < tolerance))
			fail_msg("%.*s has a score of %.17g, not %.*s", (int)piece.raw.size,
				piece.raw.data, score, (int)pair.value.raw.size,
				pair.value.raw.data);
	}
	/* the unknown token is the first, the best pieces follow */
	int64_t unknown;
	assert_true(json_integer(json_get(model, "unk_id"), &unknown));
	assert_int_equal(unknown, 0);
}

static void check_golden(struct json golden, struct json texts)
{
	struct arena *arena = arena_new();
	struct buffer name = { NULL, 0, 0 }, json = train(golden, texts, 1, false, arena),
		      other = train(golden, texts, 3, true, arena);
	json_add_text(&name, json_get(golden, "name"));
	print_message("%.*s\n", (int)name.size, name.data);
	assert_int_equal(json.size, other.size);
	assert_memory_equal(json.data, other.data, json.size);
	struct json root = read_json(buffer_view(&json)), model = json_get(root, "model");
	if (json_get(golden, "pieces").type == JSON_ARRAY)
		check_pieces(golden, model);
	else
		check_tokens(golden, model);
	struct error e = { 0 };
	struct tokenizer *t = tokenizer_from_json(buffer_view(&json), &e);
	if (!t)
		fail_msg("%s", e.msg);
	tokenizer_free(t);
	buffer_free(&json);
	buffer_free(&other);
	buffer_free(&name);
	arena_free(arena);
}

static void equals_the_reference(void **state)
{
	(void)state;
	struct buffer lines = read_golden("../train/trained.jsonl"),
		      text = read_golden("../train/texts.json");
	struct json texts = read_json(buffer_view(&text));
	size_t n = 0;
	for (char *p = lines.data, *end; p < lines.data + lines.size; p = end + 1, n++) {
		end = memchr(p, '\n', (size_t)(lines.data + lines.size - p));
		assert_non_null(end);
		check_golden(read_json((struct slice){ p, (size_t)(end - p) }), texts);
	}
	assert_true(n > 10);
	buffer_free(&lines);
	buffer_free(&text);
}

/* --- What the templates of our own say ------------------------------------------------------- */

static int train_texts(const struct trainer_options *o, bool lowercase, const char *const *texts,
	struct buffer *json, struct error *e)
{
	struct buffer template = { NULL, 0, 0 };
	trainer_template(&template, o->kind, lowercase);
	struct trainer *t = trainer_new(buffer_view(&template), o, e);
	assert_non_null(t);
	struct tokenizer_scratch *scratch = tokenizer_scratch_new(trainer_tokenizer(t));
	struct word_counts *counts = word_counts_new();
	int rc = 0;
	for (; *texts && !rc; texts++)
		rc = trainer_add(t, scratch, slice_from(*texts), counts, e);
	rc = rc ? rc : trainer_run(t, &counts, 1, 1, json, e);
	word_counts_free(counts);
	tokenizer_scratch_free(scratch);
	trainer_free(t);
	buffer_free(&template);
	return rc;
}

static void usual_templates_give_tokenizers(void **state)
{
	static const char *const texts[] = { "Hug hugs hugging", "Pug pugs bun buns", NULL };
	static const struct slice special[] = { SLICE("<new>"), SLICE("<new>") };
	(void)state;
	for (int i = 0; i < 6; i++) {
		const struct trainer_options o = { .kind = (enum trainer_kind)(i / 2),
			.vocab_size = 300,
			.special = special,
			.n_special = 2 };
		struct buffer json = { NULL, 0, 0 }, text = { NULL, 0, 0 };
		struct error e = { 0 };
		if (train_texts(&o, i % 2, texts, &json, &e))
			fail_msg("%s", e.msg);
		struct tokenizer *t = tokenizer_from_json(buffer_view(&json), &e);
		if (!t)
			fail_msg("%s", e.msg);
		struct arena *arena = arena_new();
		const struct tokenizer_options encode = { .add_special = true };
		struct encoding x;
		assert_int_equal(
			tokenizer_encode(t, NULL, SLICE("Hugs<new>"), NULL, &encode, arena, &x, &e),
			0);
		assert_int_equal(tokenizer_decode(t, x.ids, x.n, false, &text, &e), 0);
		static const char *const back[] = { "[CLS] Hugs <new> [SEP]",
			"[CLS] hugs <new> [SEP]", "Hugs<new>", "hugs<new>", "Hugs<new>",
			"hugs<new>" };
		assert_int_equal(text.size, strlen(back[i]));
		assert_memory_equal(text.data, back[i], text.size);
		assert_true(tokenizer_is_special(t, tokenizer_id(t, SLICE("<new>"))));
		tokenizer_free(t);
		arena_free(arena);
		buffer_free(&json);
		buffer_free(&text);
	}
}

/* --- What cannot be -------------------------------------------------------------------------- */

static void refuses_what_cannot_be(void **state)
{
	static const char *const some[] = { "abc abd", NULL },
				 *const nothing[] = { "", "  ", NULL }, *const none[] = { NULL },
				 *const broken[] = { "ab\xff", NULL };
	static const struct {
		enum trainer_kind kind;
		size_t vocab_size;
		const char *const *texts;
		int code;
		const char *message;
	} cases[] = {
		{ TRAIN_WORDPIECE, 9, some, ERROR_USAGE,
			"no room for the 5 special tokens and 7 char" },
		{ TRAIN_BPE, 100, some, ERROR_USAGE,
			"no room for the 1 special token and 256 char" },
		{ TRAIN_UNIGRAM, 5, some, ERROR_USAGE, "no room for the 5 different characters" },
		{ TRAIN_UNIGRAM, 1, some, ERROR_USAGE, "no room for the 5 different characters" },
		{ TRAIN_WORDPIECE, 100, none, ERROR_DATA, "no text" },
		{ TRAIN_WORDPIECE, 100, nothing, ERROR_DATA, "no text" },
		{ TRAIN_UNIGRAM, 100, none, ERROR_DATA, "no text" },
		{ TRAIN_BPE, 300, nothing + 2, ERROR_DATA, "no text" },
		{ TRAIN_BPE, 300, broken, ERROR_DATA, "not UTF-8" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct trainer_options o = { .kind = cases[i].kind,
			.vocab_size = cases[i].vocab_size };
		struct buffer json = { NULL, 0, 0 };
		struct error e = { 0 };
		assert_int_equal(train_texts(&o, false, cases[i].texts, &json, &e), -1);
		assert_int_equal(e.code, cases[i].code);
		if (!strstr(e.msg, cases[i].message))
			fail_msg("%zu: %s", i, e.msg);
		buffer_free(&json);
	}
}

/* Of so many bytes only the size is looked at. */
static void refuses_more_words_than_it_can_number(void **state)
{
	struct buffer template = { NULL, 0, 0 }, json = { NULL, 0, 0 };
	const struct trainer_options o = { .kind = TRAIN_UNIGRAM, .vocab_size = 100 };
	struct error e = { 0 };
	(void)state;
	trainer_template(&template, o.kind, false);
	struct trainer *t = trainer_new(buffer_view(&template), &o, &e);
	struct tokenizer_scratch *scratch = tokenizer_scratch_new(trainer_tokenizer(t));
	struct word_counts *counts = word_counts_new();
	assert_int_equal(trainer_add(t, scratch, SLICE("word"), counts, &e), 0);
	counts->words.at[0].size = (size_t)WORDS_MOST + 1;
	assert_int_equal(trainer_run(t, &counts, 1, 1, &json, &e), -1);
	assert_int_equal(e.code, ERROR_DATA);
	assert_non_null(strstr(e.msg, "has the template no pre-tokenizer?"));
	word_counts_free(counts);
	tokenizer_scratch_free(scratch);
	trainer_free(t);
	buffer_free(&template);
	buffer_free(&json);
}

static void refuses_templates_that_do_not_fit(void **state)
{
	static const struct {
		enum trainer_kind kind;
		const char *template, *message;
	} cases[] = {
		{ TRAIN_BPE,
			"{\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"vocab\":{\"["
			"UNK]\":0},"
			"\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100}}",
			"is WordPiece, not BPE" },
		{ TRAIN_UNIGRAM, "{\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[]}}",
			"is BPE, not Unigram" },
		{ TRAIN_BPE, "{\"model\":{\"type\":\"Odd\",\"vocab\":{}}}",
			"\"Odd\" is not supported" },
		{ TRAIN_BPE, "{", "the text ends inside an object" },
		{ TRAIN_BPE, "", "line 1" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct trainer_options o = { .kind = cases[i].kind, .vocab_size = 100 };
		struct error e = { 0 };
		assert_null(trainer_new(slice_from(cases[i].template), &o, &e));
		if (!strstr(e.msg, cases[i].message))
			fail_msg("%zu: %s", i, e.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_the_reference),
		cmocka_unit_test(usual_templates_give_tokenizers),
		cmocka_unit_test(refuses_what_cannot_be),
		cmocka_unit_test(refuses_more_words_than_it_can_number),
		cmocka_unit_test(refuses_templates_that_do_not_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
