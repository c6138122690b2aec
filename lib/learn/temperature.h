/*
 * temperature.h: probabilities that mean what they say: logits divided by one number before the
 * softmax (C. Guo et al., "On calibration of modern neural networks", 2017).
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* z [m] becomes the softmax of z / t. */
void temperature_softmax(double *z, size_t m, double t);

/* The t in [2^-20, 2^20] at which the mean log loss of label [n], 0 .. m - 1, by logits z [n, m]
 * is least. */
double temperature_fit(const double *z, const int32_t *label, size_t n, size_t m);

/* The mean of -log softmax(z / t)[label]. */
double temperature_loss(const double *z, const int32_t *label, size_t n, size_t m, double t);
