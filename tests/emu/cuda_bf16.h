/* cuda_bf16.h: CUDA's bfloat16, for g++; see emu_half.h. */
#pragma once
#include "cuda_runtime_api.h"
#include "emu_half.h"

struct __nv_bfloat16_raw {
	unsigned short x;
};
struct __nv_bfloat162_raw {
	unsigned short x, y;
} __attribute__((aligned(4)));
typedef struct __nv_bfloat16_raw __nv_bfloat16_raw;
typedef struct __nv_bfloat162_raw __nv_bfloat162_raw;

#if defined __cplusplus
struct __nv_bfloat16 {
	unsigned short bits;
	__nv_bfloat16() = default;
	explicit __nv_bfloat16(float x) : bits(emu_to_bfloat16(x))
	{
	}
	__nv_bfloat16(__nv_bfloat16_raw r) : bits(r.x)
	{
	}
	operator float() const
	{
		return emu_from_bfloat16(bits);
	}
	operator __nv_bfloat16_raw() const
	{
		return { bits };
	}
};
struct __nv_bfloat162 {
	__nv_bfloat16 x, y;
	__nv_bfloat162() = default;
	__nv_bfloat162(__nv_bfloat16 a, __nv_bfloat16 b) : x(a), y(b)
	{
	}
} __attribute__((aligned(4)));
typedef __nv_bfloat16 nv_bfloat16;
typedef __nv_bfloat162 nv_bfloat162;

static inline __nv_bfloat16 __float2bfloat16_rn(float x)
{
	return __nv_bfloat16(x);
}
static inline __nv_bfloat16 __float2bfloat16(float x)
{
	return __nv_bfloat16(x);
}
static inline float __bfloat162float(__nv_bfloat16 h)
{
	return h;
}
static inline __nv_bfloat162 __floats2bfloat162_rn(float a, float b)
{
	return __nv_bfloat162(__nv_bfloat16(a), __nv_bfloat16(b));
}
static inline float2 __bfloat1622float2(__nv_bfloat162 h)
{
	return { h.x, h.y };
}
static inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 h)
{
	return h.bits;
}
static inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short bits)
{
	return __nv_bfloat16(__nv_bfloat16_raw{ bits });
}
#endif
