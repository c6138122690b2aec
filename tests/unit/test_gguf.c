/*
 * GGUF files: their vocabularies against the tokenizers that they were made from
 * (tests/golden/gguf_files.py), and files that are broken in every way that has hurt other readers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/file/gguf.h"
#include "lib/file/mapping.h"
#include "lib/record/json.h"
#include "lib/token/tokenizer.h"
#include "tests/unit/source.h"

static struct slice golden(const char *name)
{
	return source_map(source_path("tests/golden/gguf/%s", name));
}

static void check_case(
	const struct tokenizer *t, const char *name, struct json row, struct arena *arena)
{
	struct json_iterator i = json_iterate(row);
	struct tokenizer_options o = { .add_special = true };
	struct encoding x;
	struct error e;
	assert_true(json_each(&i));
	struct slice text = json_text(i.value, arena);
	assert_true(json_each(&i));
	if (tokenizer_encode(t, NULL, text, NULL, &o, arena, &x, &e))
		fail_msg("%s, \"%.*s\": %s", name, (int)text.size, text.data, e.msg);
	size_t k = 0;
	for (struct json_iterator j = json_iterate(i.value); json_each(&j); k++) {
		int64_t id = -1;
		assert_true(json_integer(j.value, &id));
		if (k >= x.n || x.ids[k] != id)
			fail_msg("%s, \"%.*s\": token %zu", name, (int)text.size, text.data, k);
	}
	assert_int_equal(k, x.n);
}

static void vocabularies_are_those_they_were_made_from(void **state)
{
	(void)state;
	struct slice text = golden("cases.jsonl");
	struct arena *arena = arena_new();
	const char *p = text.data, *end = text.data + text.size;
	size_t files = 0;
	for (; p < end; files++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		struct json root;
		struct error e;
		assert_int_equal(json_read((struct slice){ p, (size_t)(stop - p) }, &root, &e), 0);
		char *name = arena_string(arena, json_text(json_get(root, "file"), arena));
		struct slice file = golden(name);
		struct tokenizer *t = tokenizer_from_gguf(file, &e);
		mapping_close(file);
		if (!t)
			fail_msg("%s: %s", name, e.msg);
		for (struct json_iterator i = json_iterate(json_get(root, "cases")); json_each(&i);)
			check_case(t, name, i.value, arena);
		tokenizer_free(t);
		arena_clear(arena);
		p = stop + 1;
	}
	assert_int_equal(files, 10);
	arena_free(arena);
	mapping_close(text);
}

static void files_cut_short_are_refused(void **state)
{
	(void)state;
	struct slice file = golden("bert.gguf");
	for (size_t n = 0; n < file.size; n++) {
		struct error e = { 0 };
		char *copy = mem_alloc(n); /* for sanitizers to see its end */
		memcpy(copy, file.data, n);
		struct arena *arena = arena_new();
		struct gguf g;
		/* padding behind the last value is not missed: there are no tensors */
		if (!gguf_read(&g, (struct slice){ copy, n }, arena, &e) && file.size - n >= 32)
			fail_msg("%zu of %zu bytes are read", n, file.size);
		arena_free(arena);
		mem_free(copy);
	}
	mapping_close(file);
}

/* --- A file made by hand --------------------------------------------------------------------------- */

static void number(struct buffer *b, uint64_t v, size_t size)
{
	for (size_t i = 0; i < size; i++)
		buffer_char(b, (char)(v >> 8 * i));
}

static void string(struct buffer *b, struct slice s)
{
	number(b, s.size, 8);
	buffer_slice(b, s);
}

/* What a row changes of a good file: one key, one tensor of 32 floats, and its data. */
struct file {
	uint64_t magic, version, n_tensors, n_keys;
	uint64_t key_size; /* 0: as it is */
	struct slice key;
	uint64_t type, of, n; /* of a value: an array of one uint32 */
	struct slice value;
	struct slice name;
	uint64_t n_dims, dims[5], tensor_type, offset, data;
	bool twice; /* the key again, or the tensor again */
};

static const struct file good = { .magic = 0x46554747,
	.version = 3,
	.n_tensors = 1,
	.n_keys = 1,
	.key = SLICE("a.b"),
	.type = GGUF_ARRAY,
	.of = GGUF_UINT32,
	.n = 1,
	.value = SLICE("\1\0\0\0"),
	.name = SLICE("w"),
	.n_dims = 1,
	.dims = { 32, 1, 1, 1, 1 },
	.data = 128 };

static struct buffer make(const struct file *f)
{
	struct buffer b = { NULL, 0, 0 };
	number(&b, f->magic, 4);
	number(&b, f->version, 4);
	number(&b, f->n_tensors, 8);
	number(&b, f->n_keys, 8);
	for (int i = 0; i < 1 + (f->twice && f->n_keys == 2); i++) {
		number(&b, f->key_size ? f->key_size : f->key.size, 8);
		buffer_slice(&b, f->key);
		number(&b, f->type, 4);
		if (f->type == GGUF_ARRAY) {
			number(&b, f->of, 4);
			number(&b, f->n, 8);
		}
		buffer_slice(&b, f->value);
	}
	for (int i = 0; i < 1 + (f->twice && f->n_tensors == 2); i++) {
		string(&b, f->name);
		number(&b, f->n_dims, 4);
		for (size_t d = 0; d < f->n_dims && d < 5; d++)
			number(&b, f->dims[d], 8);
		number(&b, f->tensor_type, 4);
		number(&b, f->offset, 8);
	}
	while (b.size % 32)
		buffer_char(&b, 0);
	for (size_t i = 0; i < f->data; i++)
		buffer_char(&b, 0);
	return b;
}

#define BROKEN(what, said, ...) \
	{ \
		what, said, \
		{ \
			.magic = 0x46554747, .version = 3, .n_tensors = 1, .n_keys = 1, \
			.key = SLICE("a.b"), .type = GGUF_ARRAY, .of = GGUF_UINT32, .n = 1, \
			.value = SLICE("\1\0\0\0"), .name = SLICE("w"), .n_dims = 1, \
			.dims = { 32, 1, 1, 1, 1 }, .data = 128, __VA_ARGS__ \
		} \
	}

static const char long_name[] = "0123456789012345678901234567890123456789012345678901234567890123";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const struct {
	const char *name, *message;
	struct file file;
} rows[] = {
	BROKEN("another magic", "it does not begin with \"GGUF\"", .magic = 0x46554748),
	BROKEN("version 0", "version 0 is not supported", .version = 0),
	BROKEN("version 1", "version 1 is not supported", .version = 1),
	BROKEN("version 4", "version 4 is not supported", .version = 4),
	BROKEN("big-endian", "it is big-endian", .version = 0x03000000),
	/* CVE-2024-21836: n_tensors * size wraps */
	BROKEN("2^63 tensors", "more tensors than there are bytes for: 9223372036854775808",
		.n_tensors = (uint64_t)1 << 63),
	BROKEN("-1 tensors", "more tensors than there are bytes for: 18446744073709551615",
		.n_tensors = UINT64_MAX),
	BROKEN("tensors beyond the file", "more tensors than there are bytes for: 9",
		.n_tensors = 9),
	/* CVE-2024-23605: n_kv * size wraps */
	BROKEN("2^60 keys", "more keys than there are bytes for: 1152921504606846976",
		.n_keys = (uint64_t)1 << 60),
	BROKEN("-1 keys", "more keys than there are bytes for: 18446744073709551615",
		.n_keys = UINT64_MAX),
	BROKEN("an empty key", "key 0: an empty key", .key = SLICE("")),
	/* CVE-2024-23496: length + 1 wraps to 0 */
	BROKEN("a key of 2^64 - 1 bytes", "key 0: a key of 18446744073709551615 bytes",
		.key_size = UINT64_MAX),
	BROKEN("a key of 2^63 bytes", "key 0: a key of 9223372036854775808 bytes",
		.key_size = (uint64_t)1 << 63),
	BROKEN("a key with a space", "key 0: a key that is not printable ASCII",
		.key = SLICE("a b")),
	BROKEN("a key that is not ASCII", "key 0: a key that is not printable ASCII",
		.key = SLICE("\xc3\xa9")),
	BROKEN("a key twice", "the key \"a.b\" is there twice", .n_keys = 2, .twice = true),
	BROKEN("a value of no type", "a.b: its value has the type 13", .type = 13),
	BROKEN("a value of type 2^32 - 1", "a.b: its value has the type 4294967295",
		.type = UINT32_MAX),
	BROKEN("a bool of 2", "a.b: a bool that is 2", .type = GGUF_BOOL, .value = SLICE("\2")),
	BROKEN("an array of arrays", "a.b: an array of arrays", .of = GGUF_ARRAY),
	BROKEN("an array of no type", "a.b: its value has the type 99", .of = 99),
	/* CVE-2024-21825: n * size wraps; gguf-py's endless loop */
	BROKEN("an array of 2^62 numbers",
		"a.b: more values than there are bytes for: 4611686018427387904",
		.n = (uint64_t)1 << 62),
	BROKEN("an array of 2^63 strings",
		"a.b: more values than there are bytes for: 9223372036854775808", .of = GGUF_STRING,
		.n = (uint64_t)1 << 63),
	BROKEN("a string beyond the end", "a.b: a string of 255 bytes", .type = GGUF_STRING,
		.value = SLICE("\xff\0\0\0\0\0\0\0")),
	BROKEN("alignment of another type", "general.alignment is not a uint32",
		.key = SLICE("general.alignment"), .type = GGUF_UINT64,
		.value = SLICE("\x20\0\0\0\0\0\0\0")),
	BROKEN("alignment 0", "general.alignment is 0", .key = SLICE("general.alignment"),
		.type = GGUF_UINT32, .value = SLICE("\0\0\0\0")),
	BROKEN("alignment 13", "general.alignment is 13", .key = SLICE("general.alignment"),
		.type = GGUF_UINT32, .value = SLICE("\x0d\0\0\0")),
	BROKEN("alignment 2^31", "general.alignment is 2147483648",
		.key = SLICE("general.alignment"), .type = GGUF_UINT32,
		.value = SLICE("\0\0\0\x80")),
	BROKEN("an empty name", "tensor 0, \"\": its name is empty", .name = SLICE("")),
	BROKEN("a name with a NUL", ": its name is empty, or has a NUL", .name = SLICE("a\0b")),
	BROKEN("a name of 64 bytes", "tensor 0, \"\": a name of 64 bytes, the most",
		.name = SLICE(long_name)),
	BROKEN("a tensor twice", "the tensor \"w\" is there twice", .n_tensors = 2, .twice = true),
	/* CVE-2024-21802: dimensions past a fixed array */
	BROKEN("no dimension", "tensor 0, \"w\": it has 0 dimensions", .n_dims = 0),
	BROKEN("5 dimensions", "tensor 0, \"w\": it has 5 dimensions", .n_dims = 5),
	BROKEN("2^32 - 1 dimensions", "tensor 0, \"w\": it has 4294967295 dimensions",
		.n_dims = UINT32_MAX),
	BROKEN("a dimension of 0", "tensor 0, \"w\": dimension 0 is 0", .dims = { 0 }),
	BROKEN("the second of 0", "tensor 0, \"w\": dimension 1 is 0", .n_dims = 2,
		.dims = { 32, 0 }),
	BROKEN("a dimension of -1", "dimension 0 is 18446744073709551615", .dims = { UINT64_MAX }),
	/* CVE-2026-33298: the product of dimensions wraps */
	BROKEN("a product that wraps at the second", "more values than can be counted", .n_dims = 2,
		.dims = { (uint64_t)1 << 33, (uint64_t)1 << 31 }),
	BROKEN("a product that wraps at the third", "more values than can be counted", .n_dims = 3,
		.dims = { (uint64_t)1 << 32, (uint64_t)1 << 31, 4 }),
	BROKEN("a product that wraps at the fourth", "more values than can be counted", .n_dims = 4,
		.dims = { (uint64_t)1 << 32, (uint64_t)1 << 30, 2, 4 }),
	BROKEN("bytes that wrap", "more bytes than can be counted", .n_dims = 2,
		.dims = { (uint64_t)1 << 31, (uint64_t)1 << 31 }),
	BROKEN("rows that are not of blocks", "rows of 33 values are not of whole blocks of 32",
		.tensor_type = 2, .dims = { 33 }),
	BROKEN("a type that is gone", "it has the type 4", .tensor_type = 4),
	BROKEN("another that is gone", "it has the type 37", .tensor_type = 37),
	BROKEN("a type in memory only", "it has the type 15", .tensor_type = 15),
	BROKEN("a type to come", "it has the type 4294967295", .tensor_type = UINT32_MAX),
	BROKEN("an offset that is not aligned", "its data are at 4, but should be at 0",
		.offset = 4),
	/* CVE-2026-7482: offset + size is behind the file's end */
	BROKEN("an offset behind the end", "its data are at 1024, but should be at 0",
		.offset = 1024),
	BROKEN("an offset of 2^64 - 32", "its data are at 18446744073709551584",
		.offset = UINT64_MAX - 31),
	BROKEN("data short by one byte", "its data, 128 bytes at", .data = 127),
	BROKEN("no data", "its data, 128 bytes at", .data = 0),
	/* CVE-2025-53630, CVE-2026-27940: the sum of padded sizes wraps */
	BROKEN("data of nearly 2^63 bytes", "its data, 9223372036854775804 bytes at",
		.dims = { ((uint64_t)1 << 61) - 1 }),
};
#pragma GCC diagnostic pop

static void broken_files_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i <= sizeof rows / sizeof *rows; i++) {
		bool broken = i < sizeof rows / sizeof *rows;
		struct buffer b = make(broken ? &rows[i].file : &good);
		struct arena *arena = arena_new();
		struct gguf g;
		struct error e = { 0 };
		int rc = gguf_read(&g, buffer_view(&b), arena, &e);
		if (broken && !rc)
			fail_msg("%s: read", rows[i].name);
		if (broken && !strstr(e.msg, rows[i].message))
			fail_msg("%s: %s", rows[i].name, e.msg);
		assert_int_equal(rc ? e.code : 0, broken ? ERROR_MODEL : 0);
		if (!broken) {
			const struct gguf_tensor *t = gguf_tensor(&g, SLICE("w"));
			assert_non_null(t);
			assert_int_equal(t->data.size, 128);
			assert_ptr_equal(t->data.data + 128, b.data + b.size);
			assert_string_equal(gguf_type_name(t->type), "F32");
		}
		arena_free(arena);
		buffer_free(&b);
	}
}

static void values_have_their_types(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	struct slice text = SLICE("as it was"), bytes;
	struct error e = { 0 };
	struct gguf g;
	int64_t v = 7;
	bool flag = true;
	size_t n;
	struct buffer b = make(&good);
	assert_int_equal(gguf_read(&g, buffer_view(&b), arena, &e), 0);
	assert_int_equal(gguf_number(&g, "absent", &v, &e), 0);
	assert_int_equal(v, 7);
	assert_int_equal(gguf_text(&g, "absent", &text, &e), 0);
	assert_true(slice_equal(text, SLICE("as it was")));
	assert_int_equal(gguf_number(&g, "a.b", &v, &e), -1);
	assert_string_equal(e.msg, "a.b is not a whole number");
	assert_int_equal(gguf_text(&g, "a.b", &text, &e), -1);
	assert_string_equal(e.msg, "a.b is not a string");
	assert_int_equal(gguf_bool(&g, "a.b", &flag, &e), -1);
	assert_string_equal(e.msg, "a.b is not a bool");
	/* read as float32 without a look at the type, arrays have leaked what lies behind them */
	assert_int_equal(gguf_array(&g, "a.b", GGUF_FLOAT32, &bytes, &n, &e), -1);
	assert_string_equal(e.msg, "a.b is not an array of float32");
	assert_int_equal(gguf_array(&g, "a.b", GGUF_UINT32, &bytes, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(gguf_int32_at(bytes, 0), 1);
	buffer_free(&b);
	arena_clear(arena);

	struct file f = good;
	f.type = GGUF_INT16;
	f.value = SLICE("\xfe\xff");
	b = make(&f);
	assert_int_equal(gguf_read(&g, buffer_view(&b), arena, &e), 0);
	assert_int_equal(gguf_number(&g, "a.b", &v, &e), 0);
	assert_int_equal(v, -2);
	buffer_free(&b);
	arena_free(arena);
}

/* --- Broken vocabularies --------------------------------------------------------------------------- */

struct vocabulary {
	const char *message;
	const char *model, *pre;
	const char *tokens[4];
	size_t n_types, n_scores, n_merges;
	int32_t types[4];
	const char *merges[2];
	int64_t unknown, bos; /* -1: absent */
	bool scores_are_ints, add_bos;
};

static void key(struct buffer *b, const char *name, uint64_t type)
{
	string(b, slice_from(name));
	number(b, type, 4);
}

static void array(struct buffer *b, const char *name, uint64_t of, size_t n)
{
	key(b, name, GGUF_ARRAY);
	number(b, of, 4);
	number(b, n, 8);
}

static struct buffer make_vocabulary(const struct vocabulary *v)
{
	struct buffer b = { NULL, 0, 0 };
	size_t n = 0, keys = 5;
	keys += v->model != NULL;
	keys += v->pre != NULL;
	keys += v->unknown >= 0;
	keys += v->bos >= 0;
	while (n < 4 && v->tokens[n])
		n++;
	number(&b, good.magic, 4);
	number(&b, 3, 4);
	number(&b, 0, 8);
	number(&b, keys, 8);
	if (v->model) {
		key(&b, "tokenizer.ggml.model", GGUF_STRING);
		string(&b, slice_from(v->model));
	}
	if (v->pre) {
		key(&b, "tokenizer.ggml.pre", GGUF_STRING);
		string(&b, slice_from(v->pre));
	}
	array(&b, "tokenizer.ggml.tokens", GGUF_STRING, n);
	for (size_t i = 0; i < n; i++)
		string(&b, slice_from(v->tokens[i]));
	array(&b, "tokenizer.ggml.token_type", GGUF_INT32, v->n_types);
	for (size_t i = 0; i < v->n_types; i++)
		number(&b, (uint32_t)v->types[i], 4);
	array(&b, "tokenizer.ggml.scores", v->scores_are_ints ? GGUF_INT32 : GGUF_FLOAT32,
		v->n_scores);
	for (size_t i = 0; i < v->n_scores; i++)
		number(&b, 0, 4);
	array(&b, "tokenizer.ggml.merges", GGUF_STRING, v->n_merges);
	for (size_t i = 0; i < v->n_merges; i++)
		string(&b, slice_from(v->merges[i]));
	key(&b, "tokenizer.ggml.add_bos_token", GGUF_BOOL);
	number(&b, v->add_bos, 1);
	if (v->unknown >= 0) {
		key(&b, "tokenizer.ggml.unknown_token_id", GGUF_UINT32);
		number(&b, (uint64_t)v->unknown, 4);
	}
	if (v->bos >= 0) {
		key(&b, "tokenizer.ggml.bos_token_id", GGUF_UINT32);
		number(&b, (uint64_t)v->bos, 4);
	}
	return b;
}

static void broken_vocabularies_are_refused(void **state)
{
	static const struct vocabulary vocabularies[] = {
		{ NULL, "llama", NULL, { "<unk>", "a" }, 2, 2, 0, { 2, 1 }, { NULL }, 0, -1, false,
			false },
		{ "it has no tokenizer.ggml.model", NULL, NULL, { "a" }, 0, 0, 0, { 0 }, { NULL },
			-1, -1, false, false },
		{ "tokenizer.ggml.model is \"rwkv\", which is not known", "rwkv", NULL, { "a" }, 0,
			0, 0, { 0 }, { NULL }, -1, -1, false, false },
		{ "tokenizer.ggml.tokens has 0 tokens", "llama", NULL, { NULL }, 0, 0, 0, { 0 },
			{ NULL }, -1, -1, false, false },
		{ "2 tokens, but 1 type and 2 scores", "llama", NULL, { "<unk>", "a" }, 1, 2, 0,
			{ 2 }, { NULL }, -1, -1, false, false },
		{ "2 tokens, but 2 types and 1 score", "llama", NULL, { "<unk>", "a" }, 2, 1, 0,
			{ 2, 1 }, { NULL }, -1, -1, false, false },
		{ "tokenizer.ggml.scores is not an array of float32", "llama", NULL,
			{ "<unk>", "a" }, 2, 2, 0, { 2, 1 }, { NULL }, -1, -1, true, false },
		{ "tokenizer.ggml.scores is missing", "t5", NULL, { "<unk>", "a" }, 2, 0, 0,
			{ 2, 1 }, { NULL }, -1, -1, false, false },
		{ "token 1 has the type 7", "llama", NULL, { "<unk>", "a" }, 2, 2, 0, { 2, 7 },
			{ NULL }, -1, -1, false, false },
		{ "token 1 is not UTF-8", "llama", NULL, { "<unk>", "\xff" }, 2, 2, 0, { 2, 1 },
			{ NULL }, -1, -1, false, false },
		{ "piece 2, \"a\", is there twice", "llama", NULL, { "<unk>", "a", "a" }, 3, 3, 0,
			{ 2, 1, 1 }, { NULL }, -1, -1, false, false },
		/* PLaMo-2's: strtol takes a sign */
		{ "token 1, \"<0x-1>\", is not a byte", "llama", NULL, { "<unk>", "<0x-1>" }, 2, 2,
			0, { 2, 6 }, { NULL }, -1, -1, false, false },
		{ "token 1, \"<0xZZ>\", is not a byte", "llama", NULL, { "<unk>", "<0xZZ>" }, 2, 2,
			0, { 2, 6 }, { NULL }, -1, -1, false, false },
		{ "there are tokens for 1 of 256 bytes", "llama", NULL, { "<unk>", "<0x00>" }, 2, 2,
			0, { 2, 6 }, { NULL }, -1, -1, false, false },
		{ "tokenizer.ggml.unknown_token_id is 2, of 2 tokens", "llama", NULL,
			{ "<unk>", "a" }, 2, 2, 0, { 2, 1 }, { NULL }, 2, -1, false, false },
		{ "tokenizer.ggml.bos_token_id is 4294967295, of 2 tokens", "llama", NULL,
			{ "<unk>", "a" }, 2, 2, 0, { 2, 1 }, { NULL }, -1, UINT32_MAX, false,
			true },
		{ "tokenizer.ggml.bos_token_id is missing", "llama", NULL, { "<unk>", "a" }, 2, 2,
			0, { 2, 1 }, { NULL }, -1, -1, false, true },
		{ "the pre-tokenizer \"gpt\" is not known", "gpt2", "gpt", { "a" }, 0, 0, 0, { 0 },
			{ NULL }, -1, -1, false, false },
		{ "tokenizer.ggml.merges: ", "gpt2", "gpt-2", { "a", "b" }, 0, 0, 1, { 0 },
			{ "a b" }, -1, -1, false, false },
		{ "token 1, \"a\", is there twice", "gpt2", "gpt-2", { "a", "a" }, 0, 0, 0, { 0 },
			{ NULL }, -1, -1, false, false },
		{ "[UNK]", "bert", NULL, { "a", "b" }, 0, 0, 0, { 0 }, { NULL }, -1, -1, false,
			false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof vocabularies / sizeof *vocabularies; i++) {
		const struct vocabulary *v = &vocabularies[i];
		struct buffer b = make_vocabulary(v);
		struct error e = { 0 };
		struct tokenizer *t = tokenizer_from_gguf(buffer_view(&b), &e);
		if (v->message && t)
			fail_msg("\"%s\" is not said", v->message);
		if (!v->message && !t)
			fail_msg("%s", e.msg);
		if (v->message && !strstr(e.msg, v->message))
			fail_msg("\"%s\" instead of \"%s\"", e.msg, v->message);
		assert_int_equal(t ? 0 : e.code, t ? 0 : ERROR_MODEL);
		tokenizer_free(t);
		buffer_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vocabularies_are_those_they_were_made_from),
		cmocka_unit_test(files_cut_short_are_refused),
		cmocka_unit_test(broken_files_are_refused),
		cmocka_unit_test(values_have_their_types),
		cmocka_unit_test(broken_vocabularies_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
