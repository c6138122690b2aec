/* dbcv.h: density-based cluster validity. */
#pragma once
#include "lib/metric/vectors.h"

/*
 * The validity index (D. Moulavi et al., "Density-based clustering validation", 2014) of units [n],
 * label [n] from 0, or UINT32_MAX for noise, below k; as hdbscan.validity.validity_index (0.8.44).
 * NaN where it has no value.
 */
double dbcv(
	const struct vectors *, const uint32_t *units, const uint32_t *label, size_t n, size_t k);
