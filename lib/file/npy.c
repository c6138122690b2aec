/*
 * Reading .npy (NEP 1): "\x93NUMPY", major and minor version, the header's length (2 bytes, from
 * version 2 on 4), the header, which is a Python dict literal with descr, fortran_order and
 * shape, then the elements. The header is not evaluated: only the literals that NumPy writes for
 * these three keys are understood, and only three dtypes.
 */
#include "lib/file/npy.h"

#include <math.h>
#include <stdint.h>

#include "lib/file/half.h"
#include "lib/file/mapping.h"

enum { HEADER_MAX = 65536 };

struct layout {
	size_t n, c, size; /* size of an element: 2, 4 or 8 */
	bool fortran;
};

/* What is left of the header while it is read. */
struct cursor {
	const char *at, *end;
};

static void skip_space(struct cursor *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t'))
		r->at++;
}

/* Step over a literal text if it is next. */
static bool take(struct cursor *r, const char *text)
{
	size_t n = strlen(text);
	skip_space(r);
	if ((size_t)(r->end - r->at) < n || memcmp(r->at, text, n) != 0)
		return false;
	r->at += n;
	return true;
}

static bool take_number(struct cursor *r, size_t *out)
{
	size_t n = 0, digits = 0;
	skip_space(r);
	for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++, digits++)
		if (__builtin_mul_overflow(n, (size_t)10, &n) ||
			__builtin_add_overflow(n, (size_t)(*r->at - '0'), &n))
			return false;
	*out = n;
	return digits > 0;
}

/* A text in single or double quotes, without escapes. */
static bool take_text(struct cursor *r, struct slice *out)
{
	skip_space(r);
	if (r->at == r->end || (*r->at != '\'' && *r->at != '"'))
		return false;
	char quote = *r->at++;
	*out = (struct slice){ r->at, 0 };
	while (r->at < r->end && *r->at != quote && *r->at != '\\')
		r->at++;
	if (r->at == r->end || *r->at != quote)
		return false;
	out->size = (size_t)(r->at++ - out->data);
	return true;
}

static int read_descr(struct cursor *r, const char *path, struct layout *l, struct error *e)
{
	struct slice descr;
	if (!take_text(r, &descr))
		return error_set(e, ERROR_DATA, "%s: its dtype is not a plain one", path);
	if (slice_equal(descr, SLICE("<f4")))
		l->size = 4;
	else if (slice_equal(descr, SLICE("<f8")))
		l->size = 8;
	else if (slice_equal(descr, SLICE("<f2")))
		l->size = 2;
	else
		return error_set(e, ERROR_DATA, "%s: dtype %.*s; only <f4, <f8 and <f2 are read",
			path, descr.size < 40 ? (int)descr.size : 40, descr.data);
	return 0;
}

/* (n, c) */
static int read_shape(struct cursor *r, const char *path, struct layout *l, struct error *e)
{
	bool good = take(r, "(") && take_number(r, &l->n) && take(r, ",") && take_number(r, &l->c);
	if (good)
		take(r, ",");
	if (!good || !take(r, ")"))
		return error_set(
			e, ERROR_DATA, "%s: not a matrix: its shape needs two dimensions", path);
	return 0;
}

static int read_header(struct cursor r, const char *path, struct layout *l, struct error *e)
{
	unsigned seen = 0;
	bool good = take(&r, "{");
	while (good && !take(&r, "}")) {
		struct slice key;
		unsigned bit = 0;
		good = take_text(&r, &key) && take(&r, ":");
		if (!good)
			break;
		if (slice_equal(key, SLICE("descr"))) {
			bit = 1;
			if (read_descr(&r, path, l, e))
				return -1;
		} else if (slice_equal(key, SLICE("fortran_order"))) {
			bit = 2;
			l->fortran = take(&r, "True");
			good = l->fortran || take(&r, "False");
		} else if (slice_equal(key, SLICE("shape"))) {
			bit = 4;
			if (read_shape(&r, path, l, e))
				return -1;
		}
		good = good && bit && !(seen & bit);
		seen |= bit;
		if (good && !take(&r, ",")) {
			good = take(&r, "}");
			break;
		}
	}
	if (!good || seen != 7)
		return error_set(e, ERROR_DATA, "%s: its header is not what NumPy writes", path);
	return 0;
}

/* Find the header and the data, and that the data is as long as the shape says. */
static int parse(
	struct slice bytes, const char *path, struct layout *l, struct slice *data, struct error *e)
{
	const unsigned char *p = (const unsigned char *)bytes.data;
	if (bytes.size < 10 || memcmp(p, "\x93NUMPY", 6) != 0)
		return error_set(e, ERROR_DATA, "%s: not an .npy file", path);
	if (p[6] < 1 || p[6] > 3 || (p[6] > 1 && bytes.size < 12))
		return error_set(e, ERROR_DATA, "%s: an .npy file of version %d", path, p[6]);
	size_t start = p[6] == 1 ? 10 : 12, n = p[8] | (size_t)p[9] << 8;
	if (p[6] > 1)
		n |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
	if (n > HEADER_MAX || n > bytes.size - start)
		return error_set(e, ERROR_DATA, "%s: cut short, or its header is too long", path);
	struct cursor header = { bytes.data + start, bytes.data + start + n };
	if (read_header(header, path, l, e))
		return -1;
	*data = (struct slice){ header.end, bytes.size - start - n };
	size_t need = size_mul(size_mul(l->n, l->c), l->size);
	if (need != data->size)
		return error_set(e, ERROR_DATA,
			"%s: a matrix of %zu x %zu needs %zu bytes, the file has %zu", path, l->n,
			l->c, need, data->size);
	return 0;
}

static float element(const char *p, size_t size)
{
	float f;
	double d;
	uint16_t h;
	switch (size) {
	case 2:
		memcpy(&h, p, 2);
		return half_to_float(h);
	case 4:
		memcpy(&f, p, 4);
		return f;
	default:
		memcpy(&d, p, 8);
		return (float)d;
	}
}

int npy_read(
	const char *path, struct arena *arena, float **rows, size_t *n, size_t *c, struct error *e)
{
	struct slice bytes, data;
	struct layout l = { 0 };
	if (mapping_open(path, &bytes, e))
		return -1;
	int result = parse(bytes, path, &l, &data, e);
	if (!result) {
		float *out = *rows = ARENA_ARRAY(arena, float, size_mul(l.n, l.c));
		for (size_t i = 0; i < l.n && !result; i++)
			for (size_t k = 0; k < l.c && !result; k++) {
				size_t at = l.fortran ? k * l.n + i : i * l.c + k;
				float x = out[i * l.c + k] =
					element(data.data + at * l.size, l.size);
				if (!isfinite(x))
					result = error_set(e, ERROR_DATA,
						"%s: row %zu, column %zu is not a finite number",
						path, i, k);
			}
		*n = l.n;
		*c = l.c;
	}
	mapping_close(bytes);
	return result;
}
