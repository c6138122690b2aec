#include "lib/learn/lbfgs.h"

#include <math.h>
#include <string.h>

#include "lib/base/memory.h"
#include "lib/learn/dot.h"

enum { MEMORY = 10, TRIES = 30, STALLS = 5 };
static const double decrease = 1e-4, curvature = 0.9; /* of the Wolfe conditions */
static const double slack = 1e-13; /* of the value: what its own rounding leaves */

/* y = a x + b */
static void line(double *y, double a, const double *x, const double *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] = a * x[i] + b[i];
}

/* The last MEMORY steps s and what they changed in the gradient, y; pair k at k % MEMORY. */
struct history {
	double *s, *y, curve[MEMORY]; /* curve: s . y */
	size_t first, end;
};

/* d = -H g, H the inverse Hessian that the history gives. */
static void direction(const struct history *h, const double *g, double *d, size_t n)
{
	double a[MEMORY];
	for (size_t i = 0; i < n; i++)
		d[i] = -g[i];
	for (size_t k = h->end; k-- > h->first;) {
		size_t at = k % MEMORY;
		a[at] = dot(h->s + at * n, d, n) / h->curve[at];
		line(d, -a[at], h->y + at * n, d, n);
	}
	if (h->end > h->first) {
		size_t at = (h->end - 1) % MEMORY;
		double scale = h->curve[at] / dot(h->y + at * n, h->y + at * n, n);
		for (size_t i = 0; i < n; i++)
			d[i] *= scale;
	}
	for (size_t k = h->first; k < h->end; k++) {
		size_t at = k % MEMORY;
		double b = dot(h->y + at * n, d, n) / h->curve[at];
		line(d, a[at] - b, h->s + at * n, d, n);
	}
}

/* A place on the line x + a d: the value there, and the slope along d. */
struct place {
	double a, value, slope;
};

struct search {
	lbfgs_function *function;
	void *context;
	const double *x, *d;
	double *to, *gradient; /* of the last place looked at */
	size_t n, evaluations;
};

static struct place look(struct search *s, double a)
{
	line(s->to, a, s->d, s->x, s->n);
	double value = s->function(s->context, s->to, s->gradient);
	s->evaluations++;
	return (struct place){ a, value, dot(s->gradient, s->d, s->n) };
}

/* Where the cubic through two places is least, kept away from the ends. */
static double between(struct place p, struct place q)
{
	double t = p.slope + q.slope - 3 * (p.value - q.value) / (p.a - q.a);
	double root = sqrt(fmax(t * t - p.slope * q.slope, 0));
	root = q.a > p.a ? root : -root;
	double a = q.a - (q.a - p.a) * (q.slope + root - t) / (q.slope - p.slope + 2 * root);
	double low = fmin(p.a, q.a), high = fmax(p.a, q.a), edge = 0.1 * (high - low);
	return a >= low + edge && a <= high - edge ? a : (low + high) / 2;
}

/* A step from 0 that meets the conditions, tried first at a; false where none is found. */
static bool search_line(struct search *s, struct place zero, double a, struct place *found)
{
	struct place low = zero, high = zero;
	bool bracketed = false;
	double allowed = slack * fabs(zero.value);
	for (size_t i = 0; i < TRIES; i++) {
		struct place p = look(s, a);
		bool fell = p.value <= zero.value + decrease * p.a * zero.slope + allowed;
		if (fell && fabs(p.slope) <= -curvature * zero.slope) {
			*found = p;
			return true;
		}
		if (!fell || p.value > low.value + allowed || !isfinite(p.value)) {
			high = p;
			bracketed = true;
		} else {
			if (bracketed ? p.slope * (high.a - low.a) >= 0 : p.slope >= 0) {
				high = low;
				bracketed = true;
			}
			low = p;
		}
		a = !bracketed             ? 2 * a
		    : isfinite(high.value) ? between(low, high)
					   : (low.a + high.a) / 2;
	}
	return false;
}

static void remember(struct history *h, const struct search *s, const double *x, const double *g)
{
	size_t at = h->end % MEMORY, n = s->n;
	line(h->s + at * n, -1, x, s->to, n);
	line(h->y + at * n, -1, g, s->gradient, n);
	h->curve[at] = dot(h->s + at * n, h->y + at * n, n);
	if (h->curve[at] <= 0)
		return;
	h->end++;
	if (h->end - h->first > MEMORY)
		h->first++;
}

struct lbfgs_result lbfgs(lbfgs_function *function, void *context, double *x, size_t n,
	const struct lbfgs_options *options)
{
	double *memory = MEM_ARRAY(double, size_mul(n, 2 * MEMORY + 4));
	struct history h = { .s = memory, .y = memory + MEMORY * n };
	double *g = h.y + MEMORY * n, *d = g + n;
	struct search s = { function, context, x, d, d + n, d + 2 * n, n, 1 };
	struct lbfgs_result r = { .value = function(context, x, g) };
	size_t stalls = 0;
	bool moved = true;
	for (;; r.iterations++) {
		r.converged = moved && options->converged(context);
		if (r.converged || r.iterations == options->max_iterations)
			break;
		direction(&h, g, d, n);
		struct place zero = { 0, r.value, dot(g, d, n) }, step;
		double first = h.end ? 1 : fmin(1, 1 / sqrt(dot(g, g, n)));
		if (zero.slope >= 0 || !search_line(&s, zero, first, &step)) {
			/* once more from the steepest descent, then it is over */
			r.converged = h.end == h.first;
			if (r.converged)
				break;
			h.first = h.end = 0;
			moved = false;
			continue;
		}
		remember(&h, &s, x, g);
		memcpy(x, s.to, n * sizeof *x);
		memcpy(g, s.gradient, n * sizeof *g);
		moved = true;
		stalls = step.value < r.value ? 0 : stalls + 1;
		r.value = step.value;
		if (stalls == STALLS) {
			r.converged = true;
			break;
		}
	}
	r.evaluations = s.evaluations;
	mem_free(memory);
	return r;
}
