/* rounding.h: floats rounded to nearest even to the fast modes' types (ops.h), one source for C and CUDA. */
#pragma once
#include "lib/base/math.h"

MATH_FN float round_bf16(float x)
{
	uint32_t u = (uint32_t)math_bits(x), up = (u + 0x7fff + (u >> 16 & 1)) & 0xffff0000u;
	return math_float((int32_t)((u & 0x7fffffff) > 0x7f800000 ? u | 0x400000 : up));
}

/* Below 2^-14 binary16 counts in 2^-24, as float32 does just below 1. */
MATH_FN float round_f16(float x)
{
	uint32_t u = (uint32_t)math_bits(x), size = u & 0x7fffffff, sign = u & 0x80000000u;
	uint32_t up = (size + 0xfff + (size >> 13 & 1)) & 0xffffe000u;
	float small = (math_float((int32_t)size) + 0.5f) - 0.5f;
	up = size > 0x7f800000 ? size : up >= 0x47800000 ? 0x7f800000 : up;
	up = size < 0x38800000 ? (uint32_t)math_bits(small) : up;
	return math_float((int32_t)(up | sign));
}
