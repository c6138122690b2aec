/*
 * lanes.h: sums by lanes (ops.h). lanes_sum(TERM, x, z, m, n) sums one of the terms below over n
 * elements. Lanes stand in an array of 16; full runs of 16 are vector code, the rest goes element
 * by element, so that nothing beyond the end is added (adding +0 would turn a lane of -0, which an
 * underflowing product leaves).
 */
#pragma once
#include "gpu/cpu/vector.h"

enum term {
	TERM_VALUE,	/* x */
	TERM_SQUARE,	/* x x, by fma */
	TERM_CENTRED,	/* (x - m)², by fma */
	TERM_PRODUCT,	/* x z, by fma */
	TERM_DIFFERENCE,	/* (x - z)², by fma */
	TERM_ABSOLUTE,	/* |x - z| */
};

enum { LANES_CHUNK = 4096 };

INLINE float lanes_add_one(const enum term t, float lane, float x, float z, float m)
{
	float d = t == TERM_CENTRED ? x - m : x - z;
	return t == TERM_VALUE ? lane + x :
		t == TERM_SQUARE ? math_fma(x, x, lane) :
		t == TERM_PRODUCT ? math_fma(x, z, lane) :
		t == TERM_ABSOLUTE ? lane + __builtin_fabsf(d) :
		math_fma(d, d, lane);
}

/* At most 4096 elements. */
INLINE float lanes_chunk(const enum term t, const float *x, const float *z, float m, size_t n)
{
	float s[LANES];
	const bool two = t == TERM_PRODUCT || t == TERM_DIFFERENCE || t == TERM_ABSOLUTE;
	size_t full = n / LANES * LANES;
#if defined KERNEL_portable
	for (int l = 0; l < LANES; l++)
		s[l] = 0;
	for (size_t i = 0; i < full; i += LANES)
		for (int l = 0; l < LANES; l++)
			s[l] = lanes_add_one(t, s[l], x[i + (size_t)l],
				two ? z[i + (size_t)l] : 0, m);
#else
	vector v[LANE_VECTORS], centre = v_set(m);
	UNROLL for (int a = 0; a < LANE_VECTORS; a++)
		v[a] = v_set(0);
	for (size_t i = 0; i < full; i += LANES) {
		UNROLL for (int a = 0; a < LANE_VECTORS; a++) {
			vector p = v_load(x + i + WIDTH * a);
			vector q = two ? v_load(z + i + WIDTH * a) : p;
			vector d = v_sub(p, t == TERM_CENTRED ? centre : q);
			v[a] = t == TERM_VALUE ? v_add(v[a], p) :
				t == TERM_SQUARE || t == TERM_PRODUCT ? v_fma(p, q, v[a]) :
				t == TERM_ABSOLUTE ? v_add(v[a], v_max(d, v_sub(q, p))) :
				v_fma(d, d, v[a]);
		}
	}
	UNROLL for (int a = 0; a < LANE_VECTORS; a++)
		v_store(s + WIDTH * a, v[a]);
#endif
	for (size_t i = full; i < n; i++)
		s[i % LANES] = lanes_add_one(t, s[i % LANES], x[i], two ? z[i] : 0, m);
	return lanes_tree(s);
}

/*
 * Sums of chunks are again summed by lanes, and theirs, as they come: level l holds the lanes over
 * sums of 4096^l elements. Three levels are 2^36 elements. lanes_sum_from: x and z are those of
 * element `from`, a multiple of LANES, and all before is +0, which leaves lanes that are never -0.
 */
INLINE float lanes_sum_from(
	const enum term t, const float *x, const float *z, float m, size_t from, size_t n)
{
	if (n <= LANES_CHUNK)
		return lanes_chunk(t, x, z, m, n - from);
	const bool two = t == TERM_PRODUCT || t == TERM_DIFFERENCE || t == TERM_ABSOLUTE;
	float level1[LANES] = { 0 }, level2[LANES] = { 0 };
	size_t count = from / LANES_CHUNK, group = count / LANES_CHUNK;
	for (size_t i = from, size; i < n; i += size) {
		if (count / LANES_CHUNK > group) {
			level2[group++ % LANES] += lanes_tree(level1);
			for (int l = 0; l < LANES; l++)
				level1[l] = 0;
		}
		size = LANES_CHUNK - i % LANES_CHUNK;
		size = n - i < size ? n - i : size;
		level1[count++ % LANES] +=
			lanes_chunk(t, x + (i - from), two ? z + (i - from) : z, m, size);
	}
	if (group == 0)
		return lanes_tree(level1);
	level2[group % LANES] += lanes_tree(level1);
	return lanes_tree(level2);
}

INLINE float lanes_sum(const enum term t, const float *x, const float *z, float m, size_t n)
{
	return lanes_sum_from(t, x, z, m, 0, n);
}
