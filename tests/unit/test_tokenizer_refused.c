/*
 * Broken tokenizer files: each is refused (78) in words that say what is wrong, without a leak
 * and without a crash.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/token/tokenizer.h"
#include "tests/unit/token_golden.h"

static const char usual[] =
	"{\"version\":\"1.0\",\"added_tokens\":[{\"id\":1,\"content\":\"[SEP]\",\"special\":true}],"
	"\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,"
	"\"strip_accents\":null,\"lowercase\":true},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
	"\"post_processor\":{\"type\":\"TemplateProcessing\","
	"\"single\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"SpecialToken\":{\"id\":\"[SEP]\",\"type_id\":0}}],"
	"\"pair\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"Sequence\":{\"id\":\"B\",\"type_id\":1}}],"
	"\"special_tokens\":{\"[SEP]\":{\"id\":\"[SEP]\",\"ids\":[1],\"tokens\":[\"[SEP]\"]}}},"
	"\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true},"
	"\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":\"##\","
	"\"max_input_chars_per_word\":100,\"vocab\":{\"[UNK]\":0,\"[SEP]\":1,\"a\":2,\"##b\":3}}}";

#define SEP "{\"SpecialToken\":{\"id\":\"[SEP]\",\"type_id\":0}}"

/*
 * A part of the file that is replaced by another (the first that is found), and what the
 * message then holds.
 */
static const struct {
	const char *name, *part, *by, *message;
} refused[] = {
	{ "another model", "\"type\":\"WordPiece\",\"unk", "\"type\":\"Morse\",\"unk", "model \"Morse\" is not supported" },
	{ "a model without type that has merges", "\"type\":\"WordPiece\",\"unk", "\"merges\":{},\"unk", "model BPE: \"merges\" is not an array" },
	{ "a model type that is no string", "\"type\":\"WordPiece\",\"unk", "\"type\":7,\"unk", "model has no type" },
	{ "another normalizer", "BertNormalizer", "Fold", "normalizer \"Fold\" is not supported" },
	{ "another pre-tokenizer", "BertPreTokenizer", "Fold", "pre_tokenizer \"Fold\" is not supported" },
	{ "another post-processor", "TemplateProcessing", "Fold", "post_processor \"Fold\" is not supported" },
	{ "another decoder", "\"WordPiece\",\"prefix\"", "\"Fold\",\"prefix\"", "decoder \"Fold\" is not supported" },
	{ "a normalizer without type", "\"type\":\"BertNormalizer\",", "", "normalizer has no type" },
	{ "a normalizer that is no object", "{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,"
		"\"strip_accents\":null,\"lowercase\":true}", "[]", "normalizer is not an object" },
	{ "a setting that is missing", "\"clean_text\":true,", "", "\"clean_text\" is missing" },
	{ "a setting that is no truth value", "\"clean_text\":true", "\"clean_text\":1", "\"clean_text\" is not true or false" },
	{ "accents of another type", "\"strip_accents\":null", "\"strip_accents\":0", "\"strip_accents\" is not true" },
	{ "another version", "\"1.0\"", "\"2.0\"", "version \"2.0\" is not supported" },
	{ "no model", "\"model\"", "\"mode\"", "\"model\" is missing" },
	{ "no vocabulary", "\"vocab\"", "\"voca\"", "\"vocab\" is missing" },
	{ "a vocabulary that is an array", "{\"[UNK]\":0,\"[SEP]\":1,\"a\":2,\"##b\":3}", "[]", "\"vocab\" is not an object" },
	{ "an unknown token that is null", "\"unk_token\":\"[UNK]\"", "\"unk_token\":null", "\"unk_token\" is not a string" },
	{ "no prefix", "\"continuing_subword_prefix\":\"##\",", "", "\"continuing_subword_prefix\" is missing" },
	{ "a limit below 0", ":100,", ":-1,", "\"max_input_chars_per_word\" is not a whole number" },
	{ "an id twice", "\"a\":2", "\"a\":3", "tokens \"a\" and \"##b\" have the same id 3" },
	{ "an id below 0", "\"a\":2", "\"a\":-2", "the id of token \"a\" is not a whole number" },
	{ "an id with a fraction", "\"a\":2", "\"a\":2.5", "the id of token \"a\" is not a whole number" },
	{ "an id that is a string", "\"a\":2", "\"a\":\"2\"", "the id of token \"a\" is not a whole number" },
	{ "a huge id", "\"a\":2", "\"a\":4294967294", "has id 4294967294, the largest allowed is " },
	{ "an id beyond 64 bits", "\"a\":2", "\"a\":99999999999999999999", "the id of token \"a\"" },
	{ "added tokens that are no array", "[{\"id\":1,\"content\":\"[SEP]\",\"special\":true}]", "{}",
		"\"added_tokens\" is not an array" },
	{ "an added token that is a string", "[{\"id\":1,\"content\":\"[SEP]\",\"special\":true}]", "[\"[SEP]\"]",
		"an element that is not an object" },
	{ "an added token without content", "\"content\"", "\"text\"", "\"content\" is missing" },
	{ "an added token without id", "[{\"id\":1,", "[{", "\"id\" is missing" },
	{ "an added token that is empty once normalized", "\"special\":true}",
		"\"special\":true},{\"id\":4,\"content\":\"\\u0301\"}", "empty once it is normalized" },
	{ "a template of an absent token", "\"special_tokens\":{\"[SEP]\"", "\"special_tokens\":{\"[CLS]\"",
		"special token \"[SEP]\" of the template is not among its special_tokens" },
	{ "a template with an id that no token has", "\"ids\":[1]", "\"ids\":[9]", "has an id that no token has" },
	{ "a template with ids that are no numbers", "\"ids\":[1]", "\"ids\":[null]", "has an id that no token has" },
	{ "a template that is no array", "\"single\":[", "\"singles\":[", "\"single\" is not an array" },
	{ "a template of a third text", "\"id\":\"B\"", "\"id\":\"C\"", "a Sequence is neither A nor B" },
	{ "a single template of two texts", "\"id\":\"A\"", "\"id\":\"B\"", "\"single\" uses Sequence B" },
	{ "a piece of another kind", SEP, "{\"Other\":{}}", "neither a Sequence nor a SpecialToken" },
	{ "a piece without type id", SEP, "{\"SpecialToken\":{\"id\":\"[SEP]\"}}", "\"type_id\" is missing" },
	{ "a decoder without prefix", "\"prefix\":\"##\",", "", "\"prefix\" is missing" },
	{ "text behind the end", "\"##b\":3}}}", "\"##b\":3}}}}", "" },
	{ "a lone surrogate", "\"a\":2", "\"\\ud800\":2", "" },
	{ "bytes that are not UTF-8", "\"a\":2", "\"\xff\":2", "" },
};

static struct buffer replace(const char *part, const char *by)
{
	struct buffer b = { NULL, 0, 0 };
	const char *at = strstr(usual, part);
	if (!at)
		fail_msg("%s does not occur", part);
	buffer_add(&b, usual, (size_t)(at - usual));
	buffer_text(&b, by);
	buffer_text(&b, at + strlen(part));
	return b;
}

static struct tokenizer *open_json(struct slice text, struct error *e)
{
	char *exact = malloc(text.size ? text.size : 1);
	assert_non_null(exact);
	memcpy(exact, text.data, text.size);
	struct tokenizer *t = tokenizer_from_json((struct slice){ exact, text.size }, e);
	free(exact);
	return t;
}

static void broken_tokenizer_json_is_refused(void **state)
{
	(void)state;
	struct error e;
	struct tokenizer *t = open_json(slice_from(usual), &e);
	if (!t)
		fail_msg("%s", e.msg);
	tokenizer_free(t);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct buffer b = replace(refused[i].part, refused[i].by);
		e = (struct error){ 0 };
		t = open_json(buffer_view(&b), &e);
		if (t)
			fail_msg("%s: not refused", refused[i].name);
		if (e.code != ERROR_MODEL || !strstr(e.msg, refused[i].message))
			fail_msg("%s: %d, %s", refused[i].name, e.code, e.msg);
		buffer_free(&b);
	}
}

/* A component by itself, and what the message holds. */
static const struct {
	const char *name, *member, *json, *message;
} components[] = {
	{ "a normalizer within a Sequence that is not known", "normalizer",
		"{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Lowercase\"},{\"type\":\"Fold\"}]}",
		"normalizer \"Fold\" is not supported" },
	{ "a Sequence of normalizers that is none", "normalizer",
		"{\"type\":\"Sequence\",\"normalizers\":{}}",
		"\"normalizers\" is not an array" },
	{ "a Strip without sides", "normalizer",
		"{\"type\":\"Strip\",\"strip_left\":true}",
		"normalizer Strip: \"strip_right\" is missing" },
	{ "a Replace without content", "normalizer",
		"{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"}}",
		"normalizer Replace: \"content\" is missing" },
	{ "a Replace of a pattern of another kind", "normalizer",
		"{\"type\":\"Replace\",\"pattern\":{\"Glob\":\"a\"},\"content\":\"\"}",
		"\"pattern\" is neither {\"String\": text} nor {\"Regex\": text}" },
	{ "a Replace of two patterns", "normalizer",
		"{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\",\"Regex\":\"b\"},\"content\":\"\"}",
		"\"pattern\" is neither" },
	{ "a Prepend of no text", "normalizer",
		"{\"type\":\"Prepend\",\"prepend\":1}",
		"normalizer Prepend: \"prepend\" is not a string" },
	{ "a pattern with an open group", "pre_tokenizer",
		"{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a\"},\"behavior\":\"Isolated\",\"invert\":false}",
		"pre_tokenizer Split: regular expression \"(a\": ( without ) at byte 2" },
	{ "a pattern with an open class", "pre_tokenizer",
		"{\"type\":\"Split\",\"pattern\":{\"Regex\":\"[a\"},\"behavior\":\"Isolated\",\"invert\":false}",
		"[ without ]" },
	{ "a pattern that repeats nothing", "pre_tokenizer",
		"{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a|*\"},\"behavior\":\"Isolated\",\"invert\":false}",
		"nothing to repeat" },
	{ "a pattern that ends in a backslash", "pre_tokenizer",
		"{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a\\\\\"},\"behavior\":\"Isolated\",\"invert\":false}",
		"a backslash at the end" },
	{ "a pattern with a backreference", "pre_tokenizer",
		"{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a)\\\\1\"},\"behavior\":\"Isolated\",\"invert\":false}",
		"an escape at byte 5 is not supported" },
	{ "a pattern with an unknown class", "pre_tokenizer",
		"{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\p{Klingon}\"},\"behavior\":\"Isolated\",\"invert\":false}",
		"a class of characters at byte 11 is not supported" },
	{ "a pattern with an intersection", "pre_tokenizer",
		"{\"type\":\"Split\",\"pattern\":{\"Regex\":\"[a-z&&[^b]]\"},\"behavior\":\"Isolated\",\"invert\":false}",
		"&& at byte 4 is not supported" },
	{ "a pattern with a range to nothing", "pre_tokenizer",
		"{\"type\":\"Split\",\"pattern\":{\"Regex\":\"[z-a]\"},\"behavior\":\"Isolated\",\"invert\":false}",
		"a range that ends before it begins" },
	{ "a pattern with a subexpression call", "pre_tokenizer",
		"{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(?<a>b)\\\\g<a>\"},\"behavior\":\"Isolated\",\"invert\":false}",
		"an escape" },
	{ "a pattern with a lookbehind of any length", "pre_tokenizer",
		"{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(?<=a+)b\"},\"behavior\":\"Isolated\",\"invert\":false}",
		"lookbehind assertion is not fixed length" },
	{ "a pattern with a number that is no character", "pre_tokenizer",
		"{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\x{110000}\"},\"behavior\":\"Isolated\",\"invert\":false}",
		"a number that is no character" },
	{ "a Split that does what nobody knows", "pre_tokenizer",
		"{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},\"behavior\":\"Kept\",\"invert\":false}",
		"\"behavior\" is none of these: \"Removed\", \"Isolated\"" },
	{ "a Split without invert", "pre_tokenizer",
		"{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},\"behavior\":\"Removed\"}",
		"\"invert\" is missing" },
	{ "a ByteLevel without prefix", "pre_tokenizer",
		"{\"type\":\"ByteLevel\",\"trim_offsets\":true}",
		"pre_tokenizer ByteLevel: \"add_prefix_space\" is missing" },
	{ "a Metaspace of two characters", "pre_tokenizer",
		"{\"type\":\"Metaspace\",\"replacement\":\"__\"}",
		"\"replacement\" is not one character" },
	{ "a Metaspace of another scheme", "pre_tokenizer",
		"{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"last\"}",
		"\"prepend_scheme\" is none of these: \"always\", \"first\", \"never\"" },
	{ "a Metaspace that says both", "pre_tokenizer",
		"{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"first\",\"add_prefix_space\":false}",
		"\"add_prefix_space\" is false, but" },
	{ "a FixedLength of 0", "pre_tokenizer",
		"{\"type\":\"FixedLength\",\"length\":0}",
		"\"length\" is 0" },
	{ "a delimiter of no character", "pre_tokenizer",
		"{\"type\":\"CharDelimiterSplit\",\"delimiter\":\"\"}",
		"\"delimiter\" is not one character" },
	{ "Digits without a choice", "pre_tokenizer",
		"{\"type\":\"Digits\"}",
		"\"individual_digits\" is missing" },
	{ "a RobertaProcessing without trim", "post_processor",
		"{\"type\":\"RobertaProcessing\",\"sep\":[\"[SEP]\",1],\"cls\":[\"[SEP]\",1]}",
		"post_processor RobertaProcessing: \"trim_offsets\" is missing" },
	{ "a BertProcessing with an id that no token has", "post_processor",
		"{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",9],\"cls\":[\"[SEP]\",1]}",
		"\"sep\" has id 9, which no token has" },
	{ "a post-processor within a Sequence that is not known", "post_processor",
		"{\"type\":\"Sequence\",\"processors\":[{\"type\":\"Fold\"}]}",
		"post_processor \"Fold\" is not supported" },
	{ "a template behind a template", "post_processor",
		"{\"type\":\"Sequence\",\"processors\":[{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],\"pair\":[],\"special_tokens\":{}},{\"type\":\"TemplateProcessing\",\"single\":[],\"pair\":[],\"special_tokens\":{}}]}",
		"a TemplateProcessing behind another one" },
	{ "a decoder within a Sequence that is not known", "decoder",
		"{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fold\"}]}",
		"decoder \"Fold\" is not supported" },
	{ "a Strip of a word", "decoder",
		"{\"type\":\"Strip\",\"content\":\"ab\",\"start\":1,\"stop\":0}",
		"decoder Strip: \"content\" is not one character" },
	{ "a Strip of less than nothing", "decoder",
		"{\"type\":\"Strip\",\"content\":\"a\",\"start\":-1,\"stop\":0}",
		"\"start\" is not a whole number" },
	{ "a CTC without delimiter", "decoder",
		"{\"type\":\"CTC\",\"pad_token\":\"\",\"cleanup\":false}",
		"\"word_delimiter_token\" is missing" },
	{ "a BPEDecoder without suffix", "decoder",
		"{\"type\":\"BPEDecoder\"}",
		"\"suffix\" is missing" },
};

static void broken_components_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof components / sizeof *components; i++) {
		struct buffer b = { NULL, 0, 0 };
		struct error e = { 0 };
		buffer_printf(&b,
			"{\"version\":\"1.0\",\"%s\":%s,\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\","
			"\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,"
			"\"vocab\":{\"[UNK]\":0,\"[SEP]\":1,\"a\":2}}}",
			components[i].member, components[i].json);
		struct tokenizer *t = open_json(buffer_view(&b), &e);
		if (t)
			fail_msg("%s: not refused", components[i].name);
		if (e.code != ERROR_MODEL || !strstr(e.msg, components[i].message))
			fail_msg("%s: %d, %s", components[i].name, e.code, e.msg);
		buffer_free(&b);
	}
}

/*
 * The reference numbers new tokens from the size of the vocabulary on, even into a hole's
 * neighbour.
 */
static void an_added_token_that_gets_another_s_id_is_refused(void **state)
{
	(void)state;
	struct error e = { 0 };
	struct buffer b = replace("\"special\":true}", "\"special\":true},{\"id\":9,\"content\":\"<x>\"}"),
		       c = { NULL, 0, 0 };
	char *at = strstr(b.data, "\"##b\":3");
	buffer_add(&c, b.data, (size_t)(at - b.data));
	buffer_text(&c, "\"##b\":4");
	buffer_add(&c, at + 7, b.size - (size_t)(at + 7 - b.data));
	assert_null(open_json(buffer_view(&c), &e));
	assert_int_equal(e.code, ERROR_MODEL);
	assert_non_null(strstr(e.msg, "added token: tokens \"##b\" and \"<x>\" have the same id 4"));
	buffer_free(&b);
	buffer_free(&c);
}

static void every_beginning_of_a_file_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n + 1 < sizeof usual; n++) {
		struct error e = { 0 };
		struct tokenizer *t = open_json((struct slice){ usual, n }, &e);
		if (t || e.code != ERROR_MODEL || !e.msg[0])
			fail_msg("the first %zu bytes", n);
	}
}

static void broken_vocab_txt_is_refused(void **state)
{
	static const struct {
		const char *name;
		struct slice text;
		const char *message;
	} rows[] = {
		{ "an empty file", SLICE(""), "no unknown token \"[UNK]\"" },
		{ "no unknown token", SLICE("[CLS]\n[SEP]\na\n"), "no unknown token \"[UNK]\"" },
		{ "no [SEP]", SLICE("[UNK]\n[CLS]\na\n"), "no special token \"[SEP]\"" },
		{ "no [CLS]", SLICE("[UNK]\n[SEP]\na\n"), "no special token \"[CLS]\"" },
		{ "bytes that are not UTF-8", SLICE("[UNK]\n[CLS]\na\xff\n[SEP]\n"), "line 3 is not UTF-8" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct error e = { 0 };
		struct tokenizer *t = tokenizer_from_vocab(rows[i].text, true, &e);
		if (t || e.code != ERROR_MODEL || !strstr(e.msg, rows[i].message))
			fail_msg("%s: %s", rows[i].name, e.msg);
	}
}

/*
 * As the reference: the later line is the token's, white space at the end is none of it, NUL
 * may occur.
 */
static void an_odd_vocab_txt_is_read(void **state)
{
	(void)state;
	struct error e = { 0 };
	struct tokenizer *t = tokenizer_from_vocab(SLICE("[UNK]\r\n[CLS]\n[SEP] \n\na\nb\na\n\0\nc"), true, &e);
	if (!t)
		fail_msg("%s", e.msg);
	assert_int_equal(tokenizer_vocab_size(t), 9);
	assert_int_equal(tokenizer_id(t, SLICE("a")), 6);
	assert_null(tokenizer_token(t, 4).data);
	assert_int_equal(tokenizer_id(t, SLICE("[SEP]")), 2);
	assert_int_equal(tokenizer_id(t, SLICE("")), 3);
	assert_int_equal(tokenizer_id(t, SLICE("\0")), 7);
	assert_int_equal(tokenizer_id(t, SLICE("c")), 8);
	tokenizer_free(t);
}

static void paths_that_are_no_tokenizer_are_refused(void **state)
{
	static const struct {
		const char *path;
		int code;
		const char *message;
	} rows[] = {
		{ "no/such/folder", ERROR_NO_INPUT, "No such file" },
		{ "tests/golden", ERROR_MODEL, "a folder without a tokenizer" },
		{ "tests/golden/wordpiece/hashes.tsv", ERROR_MODEL, "no unknown token" },
		{ "configure", ERROR_MODEL, "no unknown token" },
		{ "README.md", ERROR_MODEL, "no unknown token" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct error e = { 0 };
		struct tokenizer *t = tokenizer_open(source_path("%s", rows[i].path), &e);
		if (t || e.code != rows[i].code || !strstr(e.msg, rows[i].message))
			fail_msg("%s: %d %s", rows[i].path, e.code, e.msg);
		if (!strstr(e.msg, rows[i].path))
			fail_msg("%s is not named: %s", rows[i].path, e.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_tokenizer_json_is_refused),
		cmocka_unit_test(broken_components_are_refused),
		cmocka_unit_test(an_added_token_that_gets_another_s_id_is_refused),
		cmocka_unit_test(every_beginning_of_a_file_is_refused),
		cmocka_unit_test(broken_vocab_txt_is_refused),
		cmocka_unit_test(an_odd_vocab_txt_is_read),
		cmocka_unit_test(paths_that_are_no_tokenizer_are_refused),
	};
	return cmocka_run_group_tests_name("tokenizer, refused", tests, NULL, NULL);
}
