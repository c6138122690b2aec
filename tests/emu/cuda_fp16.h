/* cuda_fp16.h: CUDA's float16, for g++; see emu_half.h. */
#pragma once
#include "cuda_runtime_api.h"
#include "emu_half.h"

struct __half_raw {
	unsigned short x;
};
struct __half2_raw {
	unsigned short x, y;
} __attribute__((aligned(4)));
typedef struct __half_raw __half_raw;
typedef struct __half2_raw __half2_raw;

#if defined __cplusplus
struct __half {
	unsigned short bits;
	__half() = default;
	explicit __half(float x) : bits(emu_to_float16(x))
	{
	}
	__half(__half_raw r) : bits(r.x)
	{
	}
	operator float() const
	{
		return emu_from_float16(bits);
	}
	operator __half_raw() const
	{
		return { bits };
	}
};
struct __half2 {
	__half x, y;
	__half2() = default;
	__half2(__half a, __half b) : x(a), y(b)
	{
	}
} __attribute__((aligned(4)));
typedef __half half;
typedef __half2 half2;

static inline __half __float2half_rn(float x)
{
	return __half(x);
}
static inline __half __float2half(float x)
{
	return __half(x);
}
static inline float __half2float(__half h)
{
	return h;
}
static inline __half2 __floats2half2_rn(float a, float b)
{
	return __half2(__half(a), __half(b));
}
static inline float2 __half22float2(__half2 h)
{
	return { h.x, h.y };
}
static inline unsigned short __half_as_ushort(__half h)
{
	return h.bits;
}
static inline __half __ushort_as_half(unsigned short bits)
{
	return __half(__half_raw{ bits });
}
#endif
