/* emu_math.h: CUDA's functions on one number, for g++: exactly rounded ones, bits, conversions. The
 * approximate ones (__expf, __fdividef, rsqrtf, …) are left out: their bits are no CPU's. */
#pragma once

template <class To, class From> static inline To emu_bits(From v)
{
	static_assert(sizeof(To) == sizeof(From), "as many bits");
	To t;
	__builtin_memcpy(&t, &v, sizeof t);
	return t;
}

static inline float __fmaf_rn(float a, float b, float c)
{
	return __builtin_fmaf(a, b, c);
}
static inline float __fadd_rn(float a, float b)
{
	return a + b;
}
static inline float __fsub_rn(float a, float b)
{
	return a - b;
}
static inline float __fmul_rn(float a, float b)
{
	return a * b;
}
static inline float __fdiv_rn(float a, float b)
{
	return a / b;
}
static inline float __frcp_rn(float a)
{
	return 1 / a;
}
static inline float __fsqrt_rn(float a)
{
	return __builtin_sqrtf(a);
}
static inline double __fma_rn(double a, double b, double c)
{
	return __builtin_fma(a, b, c);
}
static inline double __dadd_rn(double a, double b)
{
	return a + b;
}
static inline double __dsub_rn(double a, double b)
{
	return a - b;
}
static inline double __dmul_rn(double a, double b)
{
	return a * b;
}
static inline double __ddiv_rn(double a, double b)
{
	return a / b;
}
static inline double __dsqrt_rn(double a)
{
	return __builtin_sqrt(a);
}

static inline int __float_as_int(float v)
{
	return emu_bits<int>(v);
}
static inline unsigned __float_as_uint(float v)
{
	return emu_bits<unsigned>(v);
}
static inline float __int_as_float(int v)
{
	return emu_bits<float>(v);
}
static inline float __uint_as_float(unsigned v)
{
	return emu_bits<float>(v);
}
static inline long long __double_as_longlong(double v)
{
	return emu_bits<long long>(v);
}
static inline double __longlong_as_double(long long v)
{
	return emu_bits<double>(v);
}

/* A conversion to an integer beyond its range saturates, NaN gives 0, as the GPU does. */
static inline int __float2int_rz(float v)
{
	return v != v               ? 0
	       : v >= 2147483648.0f ? INT_MAX
	       : v < -2147483648.0f ? INT_MIN
				    : static_cast<int>(v);
}
static inline int __float2int_rn(float v)
{
	return __float2int_rz(__builtin_rintf(v));
}
static inline int __float2int_rd(float v)
{
	return __float2int_rz(__builtin_floorf(v));
}
static inline float __int2float_rn(int v)
{
	return static_cast<float>(v);
}
static inline float __uint2float_rn(unsigned v)
{
	return static_cast<float>(v);
}

static inline int __popc(unsigned v)
{
	return __builtin_popcount(v);
}
static inline int __popcll(unsigned long long v)
{
	return __builtin_popcountll(v);
}
static inline int __ffs(int v)
{
	return __builtin_ffs(v);
}
static inline int __ffsll(long long v)
{
	return __builtin_ffsll(v);
}
static inline int __clz(int v)
{
	return v ? __builtin_clz(static_cast<unsigned>(v)) : 32;
}
static inline int __clzll(long long v)
{
	return v ? __builtin_clzll(static_cast<unsigned long long>(v)) : 64;
}
static inline unsigned __brev(unsigned v)
{
	v = (v >> 1 & 0x55555555) | (v & 0x55555555) << 1;
	v = (v >> 2 & 0x33333333) | (v & 0x33333333) << 2;
	v = (v >> 4 & 0x0f0f0f0f) | (v & 0x0f0f0f0f) << 4;
	return __builtin_bswap32(v);
}
static inline int __mulhi(int a, int b)
{
	return static_cast<int>(static_cast<long long>(a) * b >> 32);
}
static inline unsigned __umulhi(unsigned a, unsigned b)
{
	return static_cast<unsigned>(static_cast<unsigned long long>(a) * b >> 32);
}
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b)
{
	return static_cast<unsigned long long>(static_cast<unsigned __int128>(a) * b >> 64);
}

/* The four products of signed bytes and their sum, exact. */
static inline int __dp4a(int a, int b, int c)
{
	for (int i = 0; i < 4; i++)
		c += static_cast<signed char>(a >> 8 * i) * static_cast<signed char>(b >> 8 * i);
	return c;
}

#define EMU_MIN_MAX(type) \
	static inline type min(type a, type b) \
	{ \
		return b < a ? b : a; \
	} \
	static inline type max(type a, type b) \
	{ \
		return a < b ? b : a; \
	}
EMU_MIN_MAX(int)
EMU_MIN_MAX(unsigned)
EMU_MIN_MAX(long)
EMU_MIN_MAX(unsigned long)
EMU_MIN_MAX(long long)
EMU_MIN_MAX(unsigned long long)
#undef EMU_MIN_MAX
/* Of floats CUDA's min and max are fminf and fmaxf, which prefer the number to a NaN. */
static inline float min(float a, float b)
{
	return fminf(a, b);
}
static inline float max(float a, float b)
{
	return fmaxf(a, b);
}

template <class T> static inline T __ldg(const T *p)
{
	return *p;
}
template <class T> static inline T __ldcg(const T *p)
{
	return *p;
}
template <class T> static inline void __stcg(T *p, T v)
{
	*p = v;
}
