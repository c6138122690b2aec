/* half.h: float16 (IEEE 754 binary16) and bfloat16 to float32, exactly. */
#pragma once
#include <stdint.h>
#include <string.h>

static inline float half_to_float(uint16_t h)
{
	uint32_t exponent = h >> 10 & 31, fraction = h & 0x3ff;
	float f = (float)fraction * 0x1p-24f; /* the subnormals, and zero */
	if (exponent) {
		uint32_t bits = (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13;
		memcpy(&f, &bits, 4);
	}
	return h & 0x8000 ? -f : f;
}

static inline float bfloat_to_float(uint16_t b)
{
	uint32_t bits = (uint32_t)b << 16;
	float f;
	memcpy(&f, &bits, 4);
	return f;
}
