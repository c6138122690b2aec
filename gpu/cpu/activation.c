/* activation.c: what follows a product on a panel that is still in the cache: the bias, then the
 * activation. */
#include "gpu/activation.h"
#include "gpu/cpu/product.h"

INLINE void apply(const enum activation activation, float *y, size_t y_stride, size_t rows,
	size_t columns, const float *bias)
{
	for (size_t i = 0; i < rows; i++) {
		float *row = y + i * y_stride;
		if (bias)
			for (size_t j = 0; j < columns; j++)
				row[j] = activate(activation, row[j] + bias[j]);
		else
			for (size_t j = 0; j < columns; j++)
				row[j] = activate(activation, row[j]);
	}
}

void LOCAL(epilogue)(float *y, size_t y_stride, size_t rows, size_t columns, const float *bias,
	enum activation activation)
{
	switch (activation) {
	case ACTIVATION_GELU:
		apply(ACTIVATION_GELU, y, y_stride, rows, columns, bias);
		break;
	case ACTIVATION_GELU_TANH:
		apply(ACTIVATION_GELU_TANH, y, y_stride, rows, columns, bias);
		break;
	case ACTIVATION_RELU:
		apply(ACTIVATION_RELU, y, y_stride, rows, columns, bias);
		break;
	case ACTIVATION_TANH:
		apply(ACTIVATION_TANH, y, y_stride, rows, columns, bias);
		break;
	default:
		if (bias)
			apply(ACTIVATION_NONE, y, y_stride, rows, columns, bias);
	}
}
