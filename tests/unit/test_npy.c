/*
 * .npy: what NumPy writes is read, what it does not is refused, what we write is what NumPy
 * reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/file/npy.h"

static char path[] = "/tmp/heddle-npy-XXXXXX";

/* A file of a version, a header text and data. */
static void put(int version, const char *header, const void *data, size_t size)
{
	struct buffer b = { NULL, 0, 0 };
	size_t n = strlen(header);
	buffer_add(&b, "\x93NUMPY", 6);
	buffer_char(&b, (char)version);
	buffer_char(&b, 0);
	for (int i = 0; i < (version == 1 ? 2 : 4); i++)
		buffer_char(&b, (char)(n >> 8 * i));
	buffer_text(&b, header);
	buffer_add(&b, data, size);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	fwrite(b.data, 1, b.size, f);
	fclose(f);
	buffer_free(&b);
}

static const float six[] = { 1, 2, 3, 4, 5, 6 };

static void check_six(const char *name)
{
	struct arena *arena = arena_new();
	struct error e = { 0 };
	float *x;
	size_t n, c;
	if (npy_read(path, arena, &x, &n, &c, &e))
		fail_msg("%s: %s", name, e.msg);
	assert_int_equal(n, 2);
	assert_int_equal(c, 3);
	assert_memory_equal(x, six, sizeof six);
	arena_free(arena);
}

static void test_read(void **state)
{
	(void)state;
	static const double doubles[] = { 1, 2, 3, 4, 5, 6 };
	static const uint16_t halves[] = { 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600 };
	static const float columns[] = { 1, 4, 2, 5, 3, 6 };
	static const char header[] =
		"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  \n";
	put(1, header, six, sizeof six);
	check_six("version 1");
	put(2, header, six, sizeof six);
	check_six("version 2");
	put(3, header, six, sizeof six);
	check_six("version 3");
	put(1, "{'shape':(2,3),'fortran_order':True,'descr':'<f4'}", columns, sizeof columns);
	check_six("columns first, in another order");
	put(1, "{\"descr\": \"<f8\", 'fortran_order': False, 'shape': (2, 3,)}", doubles,
		sizeof doubles);
	check_six("float64");
	put(1, "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3), }", halves,
		sizeof halves);
	check_six("float16");
}

static void test_refused(void **state)
{
	(void)state;
#define REST ", 'fortran_order': False, 'shape': (2, 3), }"
	static const struct {
		int version;
		const char *header;
		size_t size;
		const char *message;
	} cases[] = {
		{ 1, "{'descr': '|O'" REST, 24, "dtype |O" },
		{ 1, "{'descr': '>f4'" REST, 24, "dtype >f4" },
		{ 1, "{'descr': [('a', '<f4')]" REST, 24, "not a plain one" },
		{ 1, "{'descr': '<f4'" REST, 23, "needs 24 bytes, the file has 23" },
		{ 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }", 24,
			"not a matrix" },
		{ 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3), }", 24,
			"not a matrix" },
		{ 1,
			"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, "
			"4294967296), }",
			24, "needs" },
		{ 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (-2, -3), }", 24,
			"not a matrix" },
		{ 1, "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3), }", 24,
			"not what NumPy writes" },
		{ 1, "{'descr': '<f4', 'fortran_order': False}", 24, "not what NumPy writes" },
		{ 1, "{'descr': '<f4', 'descr': '<f4'" REST, 24, "not what NumPy writes" },
		{ 1, "{'descr': '<f4', 'other': 1" REST, 24, "not what NumPy writes" },
		{ 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), ", 24,
			"not what NumPy" },
		{ 1, "", 24, "not what NumPy writes" },
		{ 4, "{'descr': '<f4'" REST, 24, "version 4" },
	};
	struct arena *arena = arena_new();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error e = { 0 };
		float *x;
		size_t n, c;
		put(cases[i].version, cases[i].header, six, cases[i].size);
		int result = npy_read(path, arena, &x, &n, &c, &e);
		if (!result || e.code != ERROR_DATA || !strstr(e.msg, cases[i].message))
			fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].header, e.msg,
				cases[i].message);
	}
	arena_free(arena);
}

static void test_refused_cut(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	for (size_t n = 0; n < 12; n++) {
		FILE *f = fopen(path, "wb");
		fwrite("\x93NUMPY\2\0\xff\xff\xff\xff", 1, n, f);
		fclose(f);
		struct error e = { 0 };
		float *x;
		size_t rows, c;
		assert_int_equal(npy_read(path, arena, &x, &rows, &c, &e), -1);
		assert_int_equal(e.code, ERROR_DATA);
	}
	struct error e = { 0 };
	float *x, nan[] = { 1, 2, 3, 4, 0.0f / 0.0f, 6 };
	size_t n, c;
	put(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", nan, sizeof nan);
	assert_int_equal(npy_read(path, arena, &x, &n, &c, &e), -1);
	assert_non_null(strstr(e.msg, "row 1, column 1 is not a finite number"));
	arena_free(arena);
}

static void test_written(void **state)
{
	(void)state;
	struct error e = { 0 };
	struct npy_writer *w = npy_writer_open(path, &e);
	assert_non_null(w);
	assert_int_equal(npy_writer_add(w, six, 3, &e), 0);
	assert_int_equal(npy_writer_add(w, six + 3, 3, &e), 0);
	assert_int_equal(npy_writer_close(w, &e), 0);
	check_six("our own");
	char bytes[128];
	FILE *f = fopen(path, "rb");
	assert_int_equal(fread(bytes, 1, 128, f), 128);
	fclose(f);
	static const char begin[] =
		"\x93NUMPY\1\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } ";
	assert_memory_equal(bytes, begin, sizeof begin - 1);
	assert_int_equal(bytes[127], '\n');
}

static void test_abandoned(void **state)
{
	(void)state;
	struct error e = { 0 };
	put(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", six, sizeof six);
	struct npy_writer *w = npy_writer_open(path, &e);
	assert_int_equal(npy_writer_add(w, six, 3, &e), 0);
	npy_writer_abandon(w);
	check_six("what was there before");
	assert_null(npy_writer_open("/tmp/no/such/folder/x.npy", &e));
	assert_int_equal(e.code, ERROR_IO);
	w = npy_writer_open("/dev/full", &e);
	assert_non_null(w);
	assert_int_equal(npy_writer_close(w, &e), -1);
	assert_int_equal(e.code, ERROR_IO);
}

static int make_file(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refused_cut),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_abandoned),
	};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
