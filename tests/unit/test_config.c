/* config.json: defaults, both names of a key, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/model/config.h"

static int parse(const char *text, struct model_config *c, struct arena *arena, struct error *e)
{
	return model_config_parse(slice_from(text), "config.json", c, arena, e);
}

static void test_defaults(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	struct model_config c;
	struct error e;
	assert_int_equal(parse("{\"model_type\":\"bert\"}", &c, arena, &e), 0);
	assert_int_equal(c.hidden_size, 768);
	assert_int_equal(c.n_layers, 12);
	assert_int_equal(c.n_heads, 12);
	assert_int_equal(c.intermediate_size, 3072);
	assert_int_equal(c.vocab_size, 30522);
	assert_int_equal(c.n_positions, 512);
	assert_int_equal(c.first_position, 0);
	assert_int_equal(c.n_types, 2);
	assert_int_equal(c.hidden_act, ACTIVATION_GELU);
	assert_true(c.norm_eps == 1e-12f);
	assert_int_equal(
		parse("{\"model_type\":\"distilbert\",\"dim\":60,\"n_heads\":6}", &c, arena, &e),
		0);
	assert_int_equal(c.hidden_size, 60);
	assert_int_equal(c.n_heads, 6);
	assert_int_equal(c.n_layers, 6);
	assert_int_equal(c.n_types, 0);
	assert_int_equal(
		parse("{\"model_type\":\"mpnet\",\"max_position_embeddings\":514}", &c, arena, &e),
		0);
	assert_int_equal(c.n_positions, 512);
	assert_int_equal(c.first_position, 2);
	assert_int_equal(c.vocab_size, 30527);
	assert_int_equal(parse("{\"model_type\":\"roberta\",\"max_position_embeddings\":514}", &c,
				 arena, &e),
		0);
	assert_int_equal(c.n_positions, 512);
	assert_int_equal(c.first_position, 2);
	assert_int_equal(c.vocab_size, 50265);
	assert_int_equal(parse("{\"model_type\":\"electra\"}", &c, arena, &e), 0);
	assert_int_equal(c.embedding_size, 128);
	assert_int_equal(c.hidden_size, 256);
	assert_int_equal(parse("{\"model_type\":\"albert\"}", &c, arena, &e), 0);
	assert_int_equal(c.hidden_act, ACTIVATION_GELU_TANH);
	assert_int_equal(c.hidden_size, 4096);
	arena_free(arena);
}

static void test_values(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum activation act;
		float eps;
	} cases[] = {
		{ "{\"model_type\":\"bert\",\"hidden_act\":\"gelu_new\"}", ACTIVATION_GELU_TANH,
			1e-12f },
		{ "{\"model_type\":\"bert\",\"hidden_act\":\"relu\",\"layer_norm_eps\":1e-5}",
			ACTIVATION_RELU, 1e-5f },
		{ "{\"model_type\":\"bert\",\"hidden_act\":null,\"layer_norm_eps\":0}",
			ACTIVATION_GELU, 0 },
		{ "{\"model_type\":\"bert\",\"is_decoder\":false,\"pruned_heads\":{},"
		  "\"position_embedding_type\":\"absolute\",\"hidden_act\":\"tanh\"}",
			ACTIVATION_TANH, 1e-12f },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena *arena = arena_new();
		struct model_config c;
		struct error e;
		if (parse(cases[i].text, &c, arena, &e))
			fail_msg("%s: %s", cases[i].text, e.msg);
		assert_int_equal(c.hidden_act, cases[i].act);
		assert_true(c.norm_eps == cases[i].eps);
		arena_free(arena);
	}
}

static void test_refused(void **state)
{
	(void)state;
#define BERT "{\"model_type\":\"bert\","
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "", "config.json" },
		{ "{\"model_type\":\"bert\"", "config.json" },
		{ "[]", "should hold an object" },
		{ "{}", "model_type is missing" },
		{ "{\"model_type\":1}", "model_type is missing" },
		{ BERT "\"hidden_size\":-768}", "hidden_size should be a whole number from 1" },
		{ BERT "\"hidden_size\":768.5}", "hidden_size should be a whole number" },
		{ BERT "\"hidden_size\":1e300}", "hidden_size should be a whole number" },
		{ BERT "\"num_hidden_layers\":1000000}", "num_hidden_layers" },
		{ BERT "\"vocab_size\":0}", "vocab_size" },
		{ BERT "\"num_attention_heads\":7}",
			"7 attention heads do not divide a hidden size of 768" },
		{ BERT "\"layer_norm_eps\":\"1e-12\"}", "layer_norm_eps should be a number" },
		{ BERT "\"layer_norm_eps\":-1}",
			"layer_norm_eps should be a small positive number" },
		{ BERT "\"hidden_act\":\"silu\"}", "the activation \"silu\" is not known" },
		{ BERT "\"hidden_act\":[]}", "is not known" },
		{ BERT "\"position_embedding_type\":\"relative_key_query\"}",
			"position_embedding_type" },
		{ BERT "\"pruned_heads\":{\"0\":[1]}}", "pruned_heads is not supported" },
		{ BERT "\"quantization_config\":{}}", "quantization_config is not supported" },
		{ BERT "\"add_cross_attention\":true}", "add_cross_attention is not supported" },
		{ "{\"model_type\":\"mpnet\",\"max_position_embeddings\":2}",
			"leaves no position" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena *arena = arena_new();
		struct model_config c;
		struct error e = { 0 };
		if (!parse(cases[i].text, &c, arena, &e) || e.code != ERROR_MODEL ||
			!strstr(e.msg, cases[i].message))
			fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, e.msg,
				cases[i].message);
		arena_free(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
