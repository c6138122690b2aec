/* cluster_golden.h: reading the goldens of clustering, and what their tests share. */
#pragma once
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/base/memory.h"
#include "lib/base/random.h"
#include "lib/record/json.h"
#include "tests/unit/source.h"

/* The root of tests/golden/cluster/NAME, in the buffer. */
static struct json golden_open(const char *name, struct buffer *text)
{
	struct json root;
	struct error e;
	const char *path = source_path("tests/golden/cluster/%s", name);
	*text = source_read(path);
	if (json_read(buffer_view(text), &root, &e))
		fail_msg("%s: %s", path, e.msg);
	return root;
}

static void flatten(struct json v, double *out, size_t *n)
{
	if (v.type != JSON_ARRAY) {
		if (out)
			out[*n] = v.type == JSON_NULL ? INFINITY : json_double(v);
		++*n;
		return;
	}
	for (struct json_iterator i = json_iterate(v); json_each(&i);)
		flatten(i.value, out, n);
}

/* All numbers of an array of whatever depth; null is infinity. */
static double *golden_numbers(struct json v, struct arena *arena, size_t *n)
{
	size_t count = 0, again = 0;
	assert_true(v.type == JSON_ARRAY);
	flatten(v, NULL, &count);
	double *x = ARENA_ARRAY(arena, double, count);
	flatten(v, x, &again);
	if (n)
		*n = count;
	return x;
}

static inline float *golden_floats(struct json v, struct arena *arena)
{
	size_t n;
	double *x = golden_numbers(v, arena, &n);
	float *y = ARENA_ARRAY(arena, float, n);
	for (size_t i = 0; i < n; i++)
		y[i] = (float)x[i];
	return y;
}

/* A member that is a number, or what it is where it is missing. */
static inline double golden_number(struct json v, const char *key, double otherwise)
{
	struct json member = json_get(v, key);
	return member.type == JSON_NUMBER ? json_double(member)
	       : member.type == JSON_TRUE ? 1
					  : otherwise;
}

static inline const char *golden_name(struct json v, struct arena *arena)
{
	return arena_string(arena, json_text(json_get(v, "name"), arena));
}

static inline void check_near(
	const char *what, const char *name, size_t i, double got, double want, double tolerance)
{
	if (got == want || fabs(got - want) <= tolerance)
		return;
	fail_msg("%s: %s %zu is %.12g, not %.12g", name, what, i, got, want);
}

/* Points of a few dozen dense places with noise between them. */
static inline float *places(size_t n, size_t c, size_t k, uint64_t seed)
{
	float *x = MEM_ARRAY(float, n *c);
	for (size_t i = 0; i < n; i++) {
		size_t place = random_bits(seed, 1, i) % (k + 1);
		for (size_t j = 0; j < c; j++) {
			double at = 10 * random_double(random_bits(seed, 2, place * c + j)),
			       off = 0;
			for (size_t s = 0; s < 4; s++)
				off += random_double(random_bits(seed, 3 + s, i * c + j)) - 0.5;
			x[i * c + j] =
				(float)(place == k ? 10 * random_double(
								  random_bits(seed, 9, i * c + j))
						   : at + off * (0.2 + 0.1 * (double)(place % 5)));
		}
	}
	return x;
}
