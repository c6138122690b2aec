/*
 * emu_half.h: float16 and bfloat16 as bits, for cuda_fp16.h and cuda_bf16.h: conversions to nearest
 * even (bfloat16's NaN is 0x7fff, as __float2bfloat16_rn gives), and no arithmetic: kernels compute
 * in float32.
 */
#pragma once
#include <stdint.h>
#include <string.h>

static inline uint32_t emu_float_bits(float x)
{
	uint32_t u;
	__builtin_memcpy(&u, &x, sizeof u);
	return u;
}

static inline float emu_bits_float(uint32_t u)
{
	float x;
	__builtin_memcpy(&x, &u, sizeof x);
	return x;
}

static inline uint16_t emu_to_bfloat16(float x)
{
	uint32_t u = emu_float_bits(x);
	if ((u & 0x7fffffff) > 0x7f800000)
		return 0x7fff;
	return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static inline float emu_from_bfloat16(uint16_t h)
{
	return emu_bits_float((uint32_t)h << 16);
}

/* Below 2^-14 numbers are multiples of 2^-24: adding 0.5, whose last place that is, rounds to them. */
static inline uint16_t emu_to_float16(float x)
{
	uint32_t u = emu_float_bits(x), sign = u >> 16 & 0x8000, a = u & 0x7fffffff;
	if (a > 0x7f800000)
		return 0x7fff;
	if (a >= 0x47800000) /* 2^16, from 65520 on it rounds there */
		return (uint16_t)(sign | 0x7c00);
	if (a < 0x38800000)
		return (uint16_t)(sign | (emu_float_bits(emu_bits_float(a) + 0.5f) - 0x3f000000));
	return (uint16_t)(sign | (a + 0xfff + (a >> 13 & 1) - 0x38000000) >> 13);
}

static inline float emu_from_float16(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, a = h & 0x7fff;
	if (a >= 0x7c00)
		return emu_bits_float(sign | 0x7f800000 | (a & 0x3ff) << 13);
	if (a < 0x400)
		return emu_bits_float(sign | emu_float_bits((float)a * 0x1p-24f));
	return emu_bits_float(sign | ((a << 13) + 0x38000000));
}
