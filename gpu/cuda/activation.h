/* activation.h: the functions that follow a product (ops.h). */
#pragma once
#include "gpu/cuda/cuda.h"

template <enum activation F> DEVICE_FN float activate(float x)
{
	switch (F) {
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
