/*
 * classification_layout.c: counts to figures, and the bytes of classification_report (scikit-learn
 * 1.9, sklearn/metrics/_classification.py): columns of 9 behind names flushed right. Control characters
 * of names, which there are written as they are, are shown.
 */
#include "lib/metric/classification.h"

#include <stdio.h>

#include "lib/metric/sum.h"

static double divide(double a, double b)
{
	return b == 0 ? 0 : a / b;
}

struct prf prf_of(struct counts c)
{
	double tp = (double)c.tp, predicted = (double)c.predicted, support = (double)c.support;
	return (struct prf){ divide(tp, predicted), divide(tp, support),
		divide(2 * tp, support + predicted) };
}

struct prf prf_of_entities(struct counts c)
{
	struct prf p = prf_of(c);
	p.f1 = divide(2 * p.precision * p.recall, p.precision + p.recall);
	return p;
}

/* The mean, or weighted by support; where that is 0 everywhere, the mean after all. */
static double average_of(const double *x, const double *weights, size_t n)
{
	double a = weights ? sum_average(x, weights, n) : NAN;
	return isnan(a) ? sum_mean(x, n) : a;
}

struct prf prf_average(
	const struct counts *c, size_t n, enum average how, struct prf (*of)(struct counts))
{
	if (how == AVERAGE_MICRO) {
		struct counts all = { 0 };
		for (size_t i = 0; i < n; i++) {
			all.tp += c[i].tp;
			all.predicted += c[i].predicted;
			all.support += c[i].support;
		}
		return of(all);
	}
	if (n == 0 && how == AVERAGE_WEIGHTED)
		return (struct prf){ 0, 0, 0 };
	double *x = MEM_ARRAY(double, 4 * n + 1), *support = x + 3 * n;
	for (size_t i = 0; i < n; i++) {
		struct prf one = of(c[i]);
		x[i] = one.precision;
		x[n + i] = one.recall;
		x[2 * n + i] = one.f1;
		support[i] = (double)c[i].support;
	}
	const double *weights = how == AVERAGE_WEIGHTED ? support : NULL;
	struct prf r = { average_of(x, weights, n), average_of(x + n, weights, n),
		average_of(x + 2 * n, weights, n) };
	mem_free(x);
	return r;
}

static void pad(struct buffer *b, size_t width, size_t used)
{
	for (; used < width; used++)
		buffer_char(b, ' ');
}

static void put_row(struct buffer *b, const struct report_row *r, size_t width, size_t digits)
{
	pad(b, width, visible_width(r->name));
	buffer_visible(b, r->name);
	if (r->only_f1)
		buffer_printf(b, "  %9s %9s %9.*f", "", "", (int)digits, r->prf.f1);
	else
		buffer_printf(b, "  %9.*f %9.*f %9.*f", (int)digits, r->prf.precision, (int)digits,
			r->prf.recall, (int)digits, r->prf.f1);
	char support[32];
	snprintf(support, sizeof support, r->real ? "%llu.0" : "%llu",
		(unsigned long long)r->support);
	buffer_printf(b, " %9s\n", support);
}

void classification_layout(struct buffer *b, const struct report_row *classes, size_t n_classes,
	const struct report_row *averages, size_t n_averages, size_t digits)
{
	size_t width = sizeof "weighted avg" - 1;
	width = digits > width ? digits : width;
	for (size_t i = 0; i < n_classes; i++) {
		size_t n = visible_width(classes[i].name);
		width = n > width ? n : width;
	}
	pad(b, width, 0);
	buffer_printf(b, "  %9s %9s %9s %9s\n\n", "precision", "recall", "f1-score", "support");
	for (size_t i = 0; i < n_classes; i++)
		put_row(b, &classes[i], width, digits);
	buffer_char(b, '\n');
	for (size_t i = 0; i < n_averages; i++)
		put_row(b, &averages[i], width, digits);
}
