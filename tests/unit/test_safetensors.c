/*
 * Safetensors: what is read, what is refused and in which words, and that what is written is
 * read.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/file/safetensors.h"

/* A file of a header text, its length and n bytes of data (0, 1, 2, …). */
static struct buffer compose(const char *header, size_t header_size, size_t n)
{
	struct buffer b = { NULL, 0, 0 };
	uint64_t size = header_size;
	for (int i = 0; i < 8; i++)
		buffer_char(&b, (char)(size >> 8 * i));
	buffer_add(&b, header, header_size);
	for (size_t i = 0; i < n; i++)
		buffer_char(&b, (char)i);
	return b;
}

/* Bytes in memory of their exact size, so that a read beyond them is seen. */
static struct tensor_file *open_exact(const struct buffer *b, char **copy, struct error *e)
{
	*copy = malloc(b->size ? b->size : 1);
	assert_non_null(*copy);
	if (b->size)
		memcpy(*copy, b->data, b->size);
	return tensor_file_from((struct slice){ *copy, b->size }, "t", e);
}

#define T(name, dtype, shape, offsets) \
	"\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define A T("a", "U8", "[4]", "[0,4]")

static const struct refused {
	const char *name, *header;
	size_t n;
	const char *message;
} refused[] = {
	{ "an empty header", "", 0, "does not begin with {" },
	{ "a leading space", " {}", 0, "does not begin with {" },
	{ "an array", "[]", 0, "does not begin with {" },
	{ "no JSON", "{nonsense}", 0, "header" },
	{ "not UTF-8", "{\"\xff\":1}", 0, "header" },
	{ "an object that does not end", "{\"a\":", 0, "should end the header" },
	{ "padding with newlines", "{}\n", 0, "byte 10 of the file should end the header" },
	{ "a description that is no object", "{\"a\":1}", 0, "no object" },
	{ "a name that stands twice", "{" A "," T("a", "U8", "[0]", "[4,4]") "}", 4,
		"stands twice" },
	{ "a field that stands twice",
		"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
		4, "dtype stands twice" },
	{ "no dtype", "{\"a\":{\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "dtype is missing" },
	{ "no shape", "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,4]}}", 4, "shape is missing" },
	{ "no offsets", "{\"a\":{\"dtype\":\"U8\",\"shape\":[4]}}", 4, "data_offsets is missing" },
	{ "an unknown dtype", "{" T("a", "U9", "[4]", "[0,4]") "}", 4, "unknown dtype \"U9\"" },
	{ "a dtype that is no text", "{\"a\":{\"dtype\":1,\"shape\":[4],\"data_offsets\":[0,4]}}",
		4, "unknown dtype 1" },
	{ "a shape that is no array", "{" T("a", "U8", "4", "[0,4]") "}", 4, "shape is no array" },
	{ "a negative dimension", "{" T("a", "U8", "[-4]", "[0,4]") "}", 4, "no whole number" },
	{ "a fraction of a dimension", "{" T("a", "U8", "[4.0]", "[0,4]") "}", 4,
		"no whole number" },
	{ "nine dimensions", "{" T("a", "U8", "[1,1,1,1,1,1,1,1,4]", "[0,4]") "}", 4,
		"more than 8 dimensions" },
	{ "a shape beyond 64 bits", "{" T("a", "U8", "[4294967296,4294967296]", "[0,4]") "}", 4,
		"overflows" },
	{ "a size beyond 64 bits", "{" T("a", "F64", "[4611686018427387904]", "[0,4]") "}", 4,
		"overflows" },
	{ "a dimension beyond 64 bits", "{" T("a", "U8", "[18446744073709551620]", "[0,4]") "}", 4,
		"no whole number" },
	{ "a negative offset", "{" T("a", "U8", "[4]", "[-4,0]") "}", 4, "two whole numbers" },
	{ "an offset with a point", "{" T("a", "U8", "[4]", "[0,4.0]") "}", 4,
		"two whole numbers" },
	{ "an offset with an exponent", "{" T("a", "U8", "[1000]", "[0,1e3]") "}", 1000,
		"two whole numbers" },
	{ "offsets that are texts", "{" T("a", "U8", "[4]", "[\"0\",\"4\"]") "}", 4,
		"two whole numbers" },
	{ "one offset", "{" T("a", "U8", "[4]", "[4]") "}", 4, "two whole numbers" },
	{ "three offsets", "{" T("a", "U8", "[4]", "[0,4,4]") "}", 4, "two whole numbers" },
	{ "offsets the wrong way round", "{" T("a", "U8", "[4]", "[4,0]") "}", 4,
		"do not lie within" },
	{ "an end beyond the file", "{" T("a", "U8", "[5]", "[0,5]") "}", 4, "do not lie within" },
	{ "a hole at the start", "{" T("a", "U8", "[3]", "[1,4]") "}", 4, "begins at 1, not at 0" },
	{ "a hole in the middle", "{" A "," T("b", "U8", "[2]", "[5,7]") "}", 7,
		"begins at 5, not at 4" },
	{ "an overlap", "{" A "," T("b", "U8", "[4]", "[2,6]") "}", 6, "begins at 2, not at 4" },
	{ "two on the same bytes", "{" A "," T("b", "U8", "[4]", "[0,4]") "}", 4,
		"begins at 0, not at 4" },
	{ "one byte short", "{" T("a", "U8", "[4]", "[0,4]") "}", 3, "do not lie within" },
	{ "one byte more", "{" A "}", 5, "use 4 of 5 bytes" },
	{ "fewer elements than bytes", "{" T("a", "F32", "[1]", "[0,8]") "}", 8,
		"8 bytes of data for 1 element of F32" },
	{ "half a byte", "{" T("a", "F4", "[3]", "[0,1]") "}", 1,
		"1 byte of data for 3 elements of F4" },
	{ "metadata that is no object", "{\"__metadata__\":[]}", 0, "__metadata__ is no object" },
	{ "metadata that is no text", "{\"__metadata__\":{\"a\":1}}", 0, "a is no text" },
	{ "metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0,
		"__metadata__ stands twice" },
	{ "a key of metadata twice", "{\"__metadata__\":{\"a\":\"1\",\"\\u0061\":\"2\"}}", 0,
		"a stands twice" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		const struct refused *c = &refused[i];
		struct buffer b = compose(c->header, strlen(c->header), c->n);
		struct error e = { 0 };
		char *copy;
		struct tensor_file *f = open_exact(&b, &copy, &e);
		if (f || e.code != ERROR_MODEL || !strstr(e.msg, c->message))
			fail_msg("%s: \"%s\" does not say \"%s\"", c->name, e.msg, c->message);
		free(copy);
		buffer_free(&b);
	}
}

static void test_refused_length(void **state)
{
	(void)state;
	for (size_t n = 0; n < 8; n++) {
		struct error e = { 0 };
		char zeros[8] = { 0 };
		assert_null(tensor_file_from((struct slice){ zeros, n }, "t", &e));
		assert_non_null(strstr(e.msg, "too short"));
	}
	static const struct {
		uint64_t n;
		const char *message;
	} lengths[] = {
		{ 3, "cut short" },
		{ 100000000, "cut short" },
		{ 100000001, "would have 100000001 bytes" },
		{ (uint64_t)1 << 63, "would have 9223372036854775808 bytes" },
		{ UINT64_MAX - 7, "would have" },
	};
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		unsigned char bytes[10] = { [8] = '{', [9] = '}' };
		for (int k = 0; k < 8; k++)
			bytes[k] = (unsigned char)(lengths[i].n >> 8 * k);
		struct error e = { 0 };
		assert_null(tensor_file_from((struct slice){ (char *)bytes, 10 }, "t", &e));
		assert_int_equal(e.code, ERROR_MODEL);
		if (!strstr(e.msg, lengths[i].message))
			fail_msg("%s", e.msg);
	}
}

/* Files padded with NUL are in the wild; the message names the byte. */
static void test_refused_nul_padding(void **state)
{
	(void)state;
	struct buffer b = compose("{}\0\0", 4, 0);
	struct error e = { 0 };
	assert_null(tensor_file_from(buffer_view(&b), "t", &e));
	assert_non_null(strstr(e.msg, "byte 11 of the file"));
	buffer_free(&b);
}

static void test_refused_depth(void **state)
{
	(void)state;
	struct buffer header = { NULL, 0, 0 };
	buffer_text(&header, "{\"__metadata__\":");
	for (int i = 0; i < 4096; i++)
		buffer_text(&header, "{\"a\":");
	buffer_text(&header, "1");
	for (int i = 0; i <= 4096; i++)
		buffer_char(&header, '}');
	struct buffer b = compose(header.data, header.size, 0);
	struct error e = { 0 };
	assert_null(tensor_file_from(buffer_view(&b), "t", &e));
	assert_int_equal(e.code, ERROR_MODEL);
	buffer_free(&b);
	buffer_free(&header);
}

/* --- What is read --------------------------------------------------------------------------- */

static void test_accepted(void **state)
{
	(void)state;
	static const struct {
		const char *header;
		size_t n, tensors;
	} cases[] = {
		{ "{}", 0, 0 },
		{ "{}      ", 0, 0 },
		{ "{\"__metadata__\":{\"a\":\"1\"}}", 0, 0 },
		{ "{" A "}", 4, 1 },
		{ "{" T("b", "U8", "[2]", "[4,6]") "," A "}", 6, 2 },
		{ "{" A "," T("e", "F32", "[0,3]", "[4,4]") "," T("b", "U8", "[2]", "[4,6]") "}", 6,
			3 },
		{ "{" T("s", "F32", "[]", "[0,4]") "}", 4, 1 },
		{ "{" T("f", "F4", "[3,2]", "[0,3]") "}", 3, 1 },
		{ "{" T("f", "F6_E2M3", "[4]", "[0,3]") "}", 3, 1 },
		{ "{" T("", "BOOL", "[1]", "[0,1]") "}", 1, 1 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buffer b = compose(cases[i].header, strlen(cases[i].header), cases[i].n);
		struct error e = { 0 };
		char *copy;
		struct tensor_file *f = open_exact(&b, &copy, &e);
		if (!f)
			fail_msg("%s: %s", cases[i].header, e.msg);
		assert_int_equal(tensor_file_count(f), cases[i].tensors);
		tensor_file_close(f);
		free(copy);
		buffer_free(&b);
	}
}

/* Elements at odd addresses, of every dtype, become the floats that they are. */
static void test_floats(void **state)
{
	(void)state;
	static const struct {
		const char *dtype;
		uint64_t bits;
		size_t size;
		float value;
	} cases[] = {
		{ "F32", 0x3fc00000, 4, 1.5f },
		{ "F64", 0x3ff8000000000000, 8, 1.5f },
		{ "F16", 0x3e00, 2, 1.5f },
		{ "F16", 0xc000, 2, -2.0f },
		{ "F16", 0x0001, 2, 0x1p-24f },
		{ "F16", 0x83ff, 2, -0x3ffp-24f },
		{ "F16", 0x0400, 2, 0x1p-14f },
		{ "F16", 0x7bff, 2, 65504.0f },
		{ "F16", 0x7c00, 2, INFINITY },
		{ "BF16", 0x3fc0, 2, 1.5f },
		{ "BF16", 0xff80, 2, -INFINITY },
		{ "U8", 255, 1, 255 },
		{ "I8", 255, 1, -1 },
		{ "U16", 65535, 2, 65535 },
		{ "I16", 65535, 2, -1 },
		{ "U32", 16777216, 4, 16777216 },
		{ "I32", (uint32_t)-16777216, 4, -16777216 },
		{ "I64", (uint64_t)-5, 8, -5 },
		{ "U64", 7, 8, 7 },
		{ "BOOL", 1, 1, 1 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char header[200];
		snprintf(header, sizeof header,
			"{%s,\"x\":{\"dtype\":\"%s\",\"shape\":[1],\"data_offsets\":[1,%zu]}}",
			T("o", "U8", "[1]", "[0,1]"), cases[i].dtype, 1 + cases[i].size);
		struct buffer b = compose(header, strlen(header), 1);
		for (size_t k = 0; k < cases[i].size; k++)
			buffer_char(&b, (char)(cases[i].bits >> 8 * k));
		struct error e = { 0 };
		struct tensor_file *f = tensor_file_from(buffer_view(&b), "t", &e);
		assert_non_null(f);
		struct arena *arena = arena_new();
		const float *x = tensor_file_floats(f, "x", 1, (size_t[]){ 1 }, arena, &e);
		if (!x || x[0] != cases[i].value)
			fail_msg("%s %llx: %g", cases[i].dtype, (unsigned long long)cases[i].bits,
				x ? (double)x[0] : NAN);
		arena_free(arena);
		tensor_file_close(f);
		buffer_free(&b);
	}
}

static void test_floats_refused(void **state)
{
	(void)state;
	static const char header[] =
		"{" T("big", "I32", "[1]", "[0,4]") "," T("e", "F32", "[2,1]", "[4,12]") "}";
	struct buffer b = compose(header, strlen(header), 12);
	struct error e = { 0 };
	struct tensor_file *f = tensor_file_from(buffer_view(&b), "t", &e);
	struct arena *arena = arena_new();
	assert_null(tensor_file_floats(f, "big", 0, NULL, arena, &e));
	assert_string_equal(e.msg, "t: tensor big has elements that float32 does not hold");
	assert_null(tensor_file_floats(f, "no", 0, NULL, arena, &e));
	assert_string_equal(e.msg, "t: there is no tensor no");
	assert_null(tensor_file_floats(f, "e", 2, (size_t[]){ 1, 2 }, arena, &e));
	assert_string_equal(e.msg, "t: tensor e has the shape [2, 1], not [1, 2]");
	assert_null(tensor_file_floats(f, "e", 1, (size_t[]){ 2 }, arena, &e));
	assert_string_equal(e.msg, "t: tensor e has the shape [2, 1], not [2]");
	assert_null(tensor_file_bytes(f, "e", FILE_I32, 0, NULL, arena, &e));
	assert_string_equal(e.msg, "t: tensor e is F32, not I32");
	assert_non_null(tensor_file_bytes(f, "e", FILE_F32, 0, NULL, arena, &e));
	assert_int_equal(e.code, ERROR_MODEL);
	arena_free(arena);
	tensor_file_close(f);
	buffer_free(&b);
}

/* --- Files ---------------------------------------------------------------------------------- */

static char folder[] = "/tmp/heddle-test-XXXXXX";

static char *in_folder(const char *name)
{
	static char path[2][200];
	static int turn;
	turn = !turn;
	snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
	return path[turn];
}

static void write_text(const char *name, const char *text)
{
	FILE *f = fopen(in_folder(name), "wb");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static const float four[] = { 1, 2, 3, NAN };

static void write_tensor(const char *file, const char *name, size_t n)
{
	struct tensor_writer *w = tensor_writer_new();
	tensor_writer_add(w, name, FILE_F32, 1, &n, four);
	assert_int_equal(tensor_writer_save(w, in_folder(file), NULL), 0);
	tensor_writer_free(w);
}

static void test_written(void **state)
{
	(void)state;
	static const int8_t bytes[] = { -1, 2, 3 };
	struct tensor_writer *w = tensor_writer_new();
	tensor_writer_metadata(w, "format", SLICE("heddle"));
	tensor_writer_metadata(w, "text", SLICE("\"quoted\"\n\xc3\xa9"));
	tensor_writer_add(w, "bytes", FILE_I8, 1, (size_t[]){ 3 }, bytes);
	tensor_writer_add(w, "four", FILE_F32, 2, (size_t[]){ 2, 2 }, four);
	tensor_writer_add(w, "none", FILE_F64, 2, (size_t[]){ 0, 5 }, NULL);
	struct error e = { 0 };
	char *path = in_folder("a.safetensors");
	assert_int_equal(tensor_writer_save(w, path, &e), 0);
	tensor_writer_free(w);
	struct tensor_file *f = tensor_file_open(path, &e);
	assert_non_null(f);
	assert_int_equal(tensor_file_count(f), 3);
	struct arena *arena = arena_new();
	const float *x = tensor_file_floats(f, "four", 2, (size_t[]){ 2, 2 }, arena, &e);
	assert_memory_equal(x, four, sizeof four);
	assert_int_equal((uintptr_t)x % 64, 0);
	assert_memory_equal(tensor_file_find(f, "bytes")->data.data, bytes, 3);
	assert_int_equal(tensor_file_find(f, "none")->count, 0);
	assert_true(
		slice_equal(tensor_file_metadata(f, "text", arena), SLICE("\"quoted\"\n\xc3\xa9")));
	assert_null(tensor_file_metadata(f, "other", arena).data);
	arena_free(arena);
	tensor_file_close(f);
}

static void test_unwritable(void **state)
{
	(void)state;
	struct tensor_writer *w = tensor_writer_new();
	struct error e = { 0 };
	assert_int_equal(tensor_writer_save(w, in_folder("no/such/folder"), &e), -1);
	assert_int_equal(e.code, ERROR_IO);
	assert_int_equal(tensor_writer_save(w, "/dev/full", &e), -1);
	assert_int_equal(e.code, ERROR_IO);
	tensor_writer_free(w);
	assert_null(tensor_file_open(in_folder("missing.safetensors"), &e));
	assert_int_equal(e.code, ERROR_NO_INPUT);
	assert_null(tensor_file_open(folder, &e));
	assert_int_equal(e.code, ERROR_NO_INPUT);
}

static void test_shards(void **state)
{
	(void)state;
	write_tensor("s1.safetensors", "a", 4);
	write_tensor("s2.safetensors", "b", 2);
	write_text("m.safetensors.index.json",
		"{\"metadata\":{\"total_size\":24},\"weight_map\":{"
		"\"b\":\"s2.safetensors\",\"a\":\"s1.safetensors\"}}");
	struct error e = { 0 };
	struct tensor_file *f = tensor_file_open(in_folder("m.safetensors.index.json"), &e);
	if (!f)
		fail_msg("%s", e.msg);
	assert_int_equal(tensor_file_count(f), 2);
	assert_int_equal(tensor_file_find(f, "a")->count, 4);
	assert_int_equal(tensor_file_find(f, "b")->count, 2);
	tensor_file_close(f);
	static const struct {
		const char *index, *message;
	} cases[] = {
		{ "{}", "there is no weight_map" },
		{ "{\"weight_map\":{\"a\":1}}", "no file name for tensor: a" },
		{ "{\"weight_map\":{\"a\":\"../s1.safetensors\"}}", "not the name of a file" },
		{ "{\"weight_map\":{\"a\":\"/s1.safetensors\"}}", "not the name of a file" },
		{ "{\"weight_map\":{\"a\":\"x/s1.safetensors\"}}", "not the name of a file" },
		{ "{\"weight_map\":{\"a\":\"..\"}}", "not the name of a file" },
		{ "{\"weight_map\":{\"a\":\"\"}}", "not the name of a file" },
		{ "{\"weight_map\":{\"a\":\"s1.safetensors\\u0000\"}}", "not the name of a file" },
		{ "{\"weight_map\":{\"a\":\"s3.safetensors\"}}", "s3.safetensors: No such file" },
		{ "{\"weight_map\":{\"a\":\"s1.safetensors\",\"c\":\"s1.safetensors\"}}",
			"has 1 of the 2 tensors" },
		{ "{\"weight_map\":{\"a\":\"s1.safetensors\",\"a\":\"s1.safetensors\"}}",
			"stands twice: a" },
		{ "nonsense", "m.safetensors.index.json" },
		{ "", "m.safetensors.index.json" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		write_text("m.safetensors.index.json", cases[i].index);
		f = tensor_file_open(in_folder("m.safetensors.index.json"), &e);
		if (f || e.code != ERROR_MODEL || !strstr(e.msg, cases[i].message))
			fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].index, e.msg,
				cases[i].message);
	}
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	char command[100];
	snprintf(command, sizeof command, "rm -r %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refused_length),
		cmocka_unit_test(test_refused_nul_padding),
		cmocka_unit_test(test_refused_depth),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_floats),
		cmocka_unit_test(test_floats_refused),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_unwritable),
		cmocka_unit_test(test_shards),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
