/* normal.c: cdf and quantile of the normal distribution. */
#include "lib/metric/normal.h"

#include <math.h>

#include "lib/base/math64.h"

static double density(double z)
{
	return math_exp64(-z * z / 2) * 0x1.9884533d43651p-2; /* 1 / sqrt(2 pi) */
}

double normal_cdf(double z)
{
	double a = fabs(z), upper;
	if (isnan(z))
		return z;
	if (a > 38)
		return z > 0 ? 1 : 0;
	if (a < 3) {
		/* 1/2 + phi(z) (z + z³/3 + z⁵/(3·5) + …) */
		double term = a, sum = a;
		for (int i = 3; term > sum * 1e-18; i += 2) {
			term *= a * a / i;
			sum += term;
		}
		return z > 0 ? 0.5 + density(a) * sum : 0.5 - density(a) * sum;
	}
	/* phi(z) / (z + 1/(z + 2/(z + 3/(z + …)))) */
	double f = a;
	for (int i = 160; i > 0; i--)
		f = a + i / f;
	upper = density(a) / f;
	return z > 0 ? 1 - upper : upper;
}

static double polynomial(const double *c, double x)
{
	double y = c[7];
	for (int i = 6; i >= 0; i--)
		y = y * x + c[i];
	return y;
}

double normal_quantile(double p)
{
	static const double a[] = { 3.3871328727963666080e0, 1.3314166789178437745e+2,
		1.9715909503065514427e+3, 1.3731693765509461125e+4, 4.5921953931549871457e+4,
		6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3 };
	static const double b[] = { 1, 4.2313330701600911252e+1, 6.8718700749205790830e+2,
		5.3941960214247511077e+3, 2.1213794301586595867e+4, 3.9307895800092710610e+4,
		2.8729085735721942674e+4, 5.2264952788528545610e+3 };
	static const double c[] = { 1.42343711074968357734e0, 4.63033784615654529590e0,
		5.76949722146069140550e0, 3.64784832476320460504e0, 1.27045825245236838258e0,
		2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4 };
	static const double d[] = { 1, 2.05319162663775882187e0, 1.67638483018380384940e0,
		6.89767334985100004550e-1, 1.48103976427480074590e-1, 1.51986665636164571966e-2,
		5.47593808499534494600e-4, 1.05075007164441684324e-9 };
	static const double e[] = { 6.65790464350110377720e0, 5.46378491116411436990e0,
		1.78482653991729133580e0, 2.96560571828504891230e-1, 2.65321895265761230930e-2,
		1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7 };
	static const double f[] = { 1, 5.99832206555887937690e-1, 1.36929880922735805310e-1,
		1.48753612908506148525e-2, 7.86869131145613259100e-4, 1.84631831751005468180e-5,
		1.42151175831644588870e-7, 2.04426310338993978564e-15 };
	double q = p - 0.5;
	if (!(p > 0 && p < 1))
		return p == 0 ? -INFINITY : p == 1 ? INFINITY : NAN;
	if (fabs(q) <= 0.425) {
		double r = 0.180625 - q * q;
		return q * polynomial(a, r) / polynomial(b, r);
	}
	double r = sqrt(-math_log64(q < 0 ? p : 1 - p));
	double z = r <= 5 ? polynomial(c, r - 1.6) / polynomial(d, r - 1.6)
			  : polynomial(e, r - 5) / polynomial(f, r - 5);
	return q < 0 ? -z : z;
}
