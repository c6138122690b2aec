/* similarity.c: how alike two vectors are. */
#include "lib/metric/similarity.h"

int similarity_open(struct measure *m, struct reader *r, struct error *e)
{
	(void)e;
	struct similarity_state *s = (struct similarity_state *)m;
	const char *const *keys = m->options->embedding_keys;
	s->k = keys[0] ? SIMILARITIES : 1;
	m->unit = (1 + s->k) * sizeof(double);
	if (keys[0]) {
		s->left = reader_want(r, keys[0]);
		s->right = reader_want(r, keys[1]);
	}
	return 0;
}

const char *similarity_suffix(const struct similarity_state *s, size_t i)
{
	static const char *const suffixes[] = { "_cosine", "_dot", "_euclidean", "_manhattan" };
	return s->k > 1 ? suffixes[i] : "";
}

static void compare(const float *a, const float *b, size_t n, double out[SIMILARITIES])
{
	double dot = 0, aa = 0, bb = 0, square = 0, absolute = 0;
	for (size_t i = 0; i < n; i++) {
		double x = (double)a[i], y = (double)b[i], d = x - y;
		dot += x * y;
		aa += x * x;
		bb += y * y;
		square += d * d;
		absolute += fabs(d);
	}
	double norms = sqrt(aa) * sqrt(bb);
	out[SIMILARITY_COSINE] = norms > 0 ? dot / norms : 0;
	out[SIMILARITY_DOT] = dot;
	out[SIMILARITY_EUCLIDEAN] = -sqrt(square);
	out[SIMILARITY_MANHATTAN] = -absolute;
}

static int read_vectors(const struct similarity_state *s, const struct record *r,
	struct arena *arena, double *out, struct error *e)
{
	const char *const *keys = s->m.options->embedding_keys;
	float *a, *b;
	size_t n, k;
	if (record_vector(r, s->left, keys[0], arena, &a, &n, e) ||
		record_vector(r, s->right, keys[1], arena, &b, &k, e))
		return -1;
	if (n != k)
		return record_error(r, e, "key \"%s\" has %zu number%s, \"%s\" has %zu", keys[0], n,
			plural(n), keys[1], k);
	compare(a, b, n, out);
	return 0;
}

int similarity_keep(struct similarity_state *s, const struct record *r, double reference,
	struct arena *arena, struct error *e)
{
	struct measure *m = &s->m;
	double unit[1 + SIMILARITIES] = { reference };
	if (s->k > 1 ? read_vectors(s, r, arena, unit + 1, e)
		     : record_double(r, m->prediction, m->options->prediction_key, unit + 1, e))
		return -1;
	measure_keep(m, unit);
	measure_hash(m, (struct slice){ (const char *)&reference, sizeof reference });
	return 0;
}
