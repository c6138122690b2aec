/* vector_types.h: CUDA's short vectors and dim3, for C and C++, with CUDA's own alignments. */
#pragma once

#define EMU_VECTORS(type, name, a2, a4) \
	struct name##1 \
	{ \
		type x; \
	}; \
	struct name##2 \
	{ \
		type x, y; \
	} \
	__attribute__((aligned(a2))); \
	struct name##3 \
	{ \
		type x, y, z; \
	}; \
	struct name##4 \
	{ \
		type x, y, z, w; \
	} \
	__attribute__((aligned(a4))); \
	typedef struct name##1 name##1; \
	typedef struct name##2 name##2; \
	typedef struct name##3 name##3; \
	typedef struct name##4 name##4;

EMU_VECTORS(signed char, char, 2, 4)
EMU_VECTORS(unsigned char, uchar, 2, 4)
EMU_VECTORS(short, short, 4, 8)
EMU_VECTORS(unsigned short, ushort, 4, 8)
EMU_VECTORS(int, int, 8, 16)
EMU_VECTORS(unsigned int, uint, 8, 16)
EMU_VECTORS(long long, longlong, 16, 16)
EMU_VECTORS(unsigned long long, ulonglong, 16, 16)
EMU_VECTORS(float, float, 8, 16)
EMU_VECTORS(double, double, 16, 16)

#if defined __cplusplus
#define EMU_MAKE(type, name) \
	static inline name##2 make_##name##2(type x, type y) \
	{ \
		return { x, y }; \
	} \
	static inline name##3 make_##name##3(type x, type y, type z) \
	{ \
		return { x, y, z }; \
	} \
	static inline name##4 make_##name##4(type x, type y, type z, type w) \
	{ \
		return { x, y, z, w }; \
	}

EMU_MAKE(signed char, char)
EMU_MAKE(unsigned char, uchar)
EMU_MAKE(short, short)
EMU_MAKE(unsigned short, ushort)
EMU_MAKE(int, int)
EMU_MAKE(unsigned int, uint)
EMU_MAKE(long long, longlong)
EMU_MAKE(unsigned long long, ulonglong)
EMU_MAKE(float, float)
EMU_MAKE(double, double)
#undef EMU_MAKE
#endif
#undef EMU_VECTORS

struct dim3 {
	unsigned int x, y, z;
#if defined __cplusplus
	constexpr dim3(unsigned int i = 1, unsigned int j = 1, unsigned int k = 1)
	    : x(i), y(j), z(k)
	{
	}
	constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z)
	{
	}
	constexpr operator uint3() const
	{
		return { x, y, z };
	}
#endif
};
typedef struct dim3 dim3;
