#include "lib/learn/cholesky.h"

#include <math.h>

#include "lib/learn/dot.h"

bool cholesky(struct cholesky *c)
{
	for (size_t i = 0; i < c->n; i++) {
		double *row = c->l + i * c->stride;
		for (size_t j = 0; j < i; j++) {
			const double *other = c->l + j * c->stride;
			row[j] = (row[j] - dot(row, other, j)) / other[j];
		}
		double left = row[i] - dot(row, row, i);
		/* what rounding leaves of a row that follows from the others is no length */
		if (!(left > (double)c->n * 0x1p-50 * row[i]) || !isfinite(left))
			return false;
		row[i] = sqrt(left);
	}
	return true;
}

/* A row of L serves all of x before the next is fetched. */
void cholesky_forward(const struct cholesky *c, double *x, size_t k)
{
	for (size_t i = 0; i < c->n; i++) {
		const double *row = c->l + i * c->stride;
		for (double *y = x; y < x + k * c->n; y += c->n)
			y[i] = (y[i] - dot(row, y, i)) / row[i];
	}
}

void cholesky_backward(const struct cholesky *c, double *x, size_t k)
{
	for (size_t i = c->n; i-- > 0;) {
		const double *row = c->l + i * c->stride;
		for (double *y = x; y < x + k * c->n; y += c->n) {
			double z = y[i] /= row[i];
			for (size_t j = 0; j < i; j++)
				y[j] -= row[j] * z;
		}
	}
}
