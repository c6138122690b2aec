/* space_body.h: the loops of space_block.c, once a path (path.h). */

/* clang-format takes LOCAL(name) for something else */
/* clang-format off */
typedef int64_t LOCAL(mask) __attribute__((vector_size(WIDTH * sizeof(int64_t)), may_alias));

/* Raw distances of P points to n blocks, as many lanes at a time as sums stay in registers. */
INLINE void LOCAL(raw_of)(const size_t P, const double *const *points, const double *blocks,
	size_t n, size_t c, double *const *out, const bool manhattan)
{
	enum { VECTORS = SPACE_LANES / WIDTH < 2 ? 1 : 2, STEP = VECTORS * WIDTH };
	const LOCAL(mask) positive = (LOCAL(mask)){ 0 } + INT64_MAX;
	for (size_t b = 0; b < n * SPACE_LANES; b += STEP) {
		const double *y = blocks + b / SPACE_LANES * c * SPACE_LANES + b % SPACE_LANES;
		vector s[POINTS][VECTORS];
		for (size_t p = 0; p < P; p++)
			for (size_t l = 0; l < VECTORS; l++)
				s[p][l] = (vector){ 0 };
		for (size_t j = 0; j < c; j++, y += SPACE_LANES)
			for (size_t l = 0; l < VECTORS; l++) {
				vector to = get(y + l * WIDTH);
				for (size_t p = 0; p < P; p++) {
					vector d = points[p][j] - to;
					if (manhattan)
						s[p][l] += (vector)((LOCAL(mask))d & positive);
					else
						s[p][l] += d * d;
				}
			}
		for (size_t p = 0; p < P; p++)
			for (size_t l = 0; l < VECTORS; l++)
				put(out[p] + b + l * WIDTH) = s[p][l];
	}
}

/* n_points: 1 or POINTS. */
TARGET static void LOCAL(raw)(const double *const *points, size_t n_points, const double *blocks,
	size_t n, size_t c, double *const *out, bool manhattan)
{
	if (n_points == 1 && manhattan)
		LOCAL(raw_of)(1, points, blocks, n, c, out, true);
	else if (n_points == 1)
		LOCAL(raw_of)(1, points, blocks, n, c, out, false);
	else if (manhattan)
		LOCAL(raw_of)(POINTS, points, blocks, n, c, out, true);
	else
		LOCAL(raw_of)(POINTS, points, blocks, n, c, out, false);
}
