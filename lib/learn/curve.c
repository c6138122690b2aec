/*
 * The fit of a and b by the method of K. Levenberg (1944) and D. Marquardt (1963), in double, run
 * until no step lowers the sum of squares any more.
 */
#include "lib/learn/curve.h"

#include <math.h>

#include "lib/base/math64.h"

enum { POINTS = 300, STEPS = 200 };

struct normal {
	double aa, ab, bb, a, b; /* J'J and J'r */
	double squares;
};

static struct normal equations(double spread, double min_dist, double a, double b)
{
	struct normal s = { 0 };
	for (int i = 0; i < POINTS; i++) {
		double x = 3 * spread * i / (POINTS - 1);
		double y = x < min_dist ? 1 : math_exp64(-(x - min_dist) / spread);
		double power = x > 0 ? math_pow64(x, 2 * b) : 0, f = 1 / (1 + a * power), r = y - f;
		double da = -power * f * f, db = x > 0 ? 2 * a * math_log64(x) * da : 0;
		s.aa += da * da;
		s.ab += da * db;
		s.bb += db * db;
		s.a += da * r;
		s.b += db * r;
		s.squares += r * r;
	}
	return s;
}

void curve_fit(double spread, double min_dist, double *a, double *b)
{
	double p = 1, q = 1, damping = 1e-3;
	struct normal s = equations(spread, min_dist, p, q);
	for (int step = 0; step < STEPS && damping < 1e12; step++) {
		double aa = s.aa * (1 + damping), bb = s.bb * (1 + damping),
		       det = aa * bb - s.ab * s.ab;
		double dp = (s.a * bb - s.b * s.ab) / det, dq = (s.b * aa - s.a * s.ab) / det;
		struct normal t = equations(spread, min_dist, p + dp, q + dq);
		if (p + dp > 0 && q + dq > 0 && t.squares < s.squares) {
			p += dp;
			q += dq;
			s = t;
			damping /= 10;
		} else {
			damping *= 10;
		}
	}
	*a = p;
	*b = q;
}
