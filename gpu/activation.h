/* activation.h: what follows a product (ops.h), one source for C and CUDA. Branch-free where the function is
 * known, so that compilers vectorise a loop of it. */
#pragma once
#include "gpu/ops.h"
#include "lib/base/math.h"

MATH_FN float activate(const enum activation f, float x)
{
	switch (f) {
	case ACTIVATION_GELU:
		return math_gelu(x);
	case ACTIVATION_GELU_TANH:
		return math_gelu_tanh(x);
	case ACTIVATION_RELU:
		return x <= 0 ? 0 : x;
	case ACTIVATION_TANH:
		return math_tanh(x);
	default:
		return x;
	}
}
