/*
 * fast.h: elementary functions of the fast modes, a few units of binary16's last place off, by the
 * card's own approximations of 2^x and 1/x (PTX ISA, ex2.approx and rcp.approx: 2 and 1 units of
 * float32's last place).
 */
#pragma once
#include "gpu/cuda/cuda.h"

constexpr float LOG2_E = 0x1.715476p0f;

#if defined HEDDLE_EMULATOR

DEVICE_FN float fast_exp2(float x)
{
	return exp2f(x);
}

DEVICE_FN float fast_inverse(float x)
{
	return 1 / x;
}

#else

DEVICE_FN float fast_exp2(float x)
{
	float y;
	asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
	return y;
}

DEVICE_FN float fast_inverse(float x)
{
	float y;
	asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
	return y;
}

#endif

/* x Φ(x) = x / (1 + 2^-h(x)), h = log2(Φ / (1 - Φ)), which is x times a polynomial of x² to 3e-4
 * up to |x| = 3.5 (then e^(2 |x| - 7) times that), beyond 5 the line through 0: at most 2.4e-5
 * off, and 2.1e-4 of the value above x = -3. The least largest error, by linear programming. */
DEVICE_FN float fast_gelu(float x)
{
	float y = fminf(x * x, 25);
	float q = math_fma(-4.8468026e-8f, y, 3.2055040e-6f);
	q = math_fma(q, y, -6.3456641e-5f);
	q = math_fma(q, y, -6.3383446e-4f);
	q = math_fma(q, y, 0.10612601f);
	q = math_fma(q, y, 2.30133005f);
	return x * fast_inverse(1 + fast_exp2(-x * q));
}

/* (1 + tanh u) / 2 = 1 / (1 + e^-2u). */
DEVICE_FN float fast_gelu_tanh(float x)
{
	float u = 0x1.988454p-1f * math_fma(0x1.6e4e26p-5f * x * x, x, x);
	return x * fast_inverse(1 + fast_exp2(-2 * LOG2_E * u));
}

/* As activate(). */
DEVICE_FN float fast_activate(const enum activation f, float x)
{
	return f == ACTIVATION_GELU        ? fast_gelu(x)
	       : f == ACTIVATION_GELU_TANH ? fast_gelu_tanh(x)
					   : activate(f, x);
}
