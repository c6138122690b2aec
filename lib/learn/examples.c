#include "lib/learn/examples.h"

#include "lib/base/error.h"

struct examples *examples_new(float *table)
{
	struct examples *x = mem_zero(1, sizeof *x);
	x->table = table;
	x->arena = arena_new();
	return x;
}

void examples_free(struct examples *x)
{
	if (!x)
		return;
	for (size_t b = 0; !x->table && b * LOGISTIC_BLOCK < x->capacity; b++)
		mem_free(x->blocks[b]);
	mem_free(x->blocks);
	mem_free(x->label);
	class_set_free(&x->set);
	arena_free(x->arena);
	mem_free(x);
}

/* Room for twice as many rows in the block that is full, or for one block more. */
static void grow(struct examples *x)
{
	size_t b = x->n / LOGISTIC_BLOCK, in_block = x->n % LOGISTIC_BLOCK;
	size_t rows = in_block ? 2 * in_block : x->n ? LOGISTIC_BLOCK : LOGISTIC_ROWS;
	size_t row = size_mul(x->c, sizeof **x->blocks), capacity = b * LOGISTIC_BLOCK + rows;
	if (!in_block) {
		x->blocks =
			mem_resize(x->blocks, b * sizeof *x->blocks, (b + 1) * sizeof *x->blocks);
		x->blocks[b] = x->table ? x->table + x->n * x->c : NULL;
	}
	if (!x->table)
		x->blocks[b] =
			mem_resize(x->blocks[b], size_mul(in_block, row), size_mul(rows, row));
	x->label = mem_resize(
		x->label, x->capacity * sizeof *x->label, size_mul(capacity, sizeof *x->label));
	x->capacity = capacity;
}

int examples_add(
	struct examples *x, const float *vector, size_t c, struct slice label, struct error *e)
{
	int32_t id;
	CHECK(x->n == 0 || c == x->c);
	if (class_set_add(&x->set, label, &id, e))
		return -1;
	x->c = c;
	if (x->n == x->capacity)
		grow(x);
	memcpy(x->blocks[x->n / LOGISTIC_BLOCK] + x->n % LOGISTIC_BLOCK * c, vector,
		c * sizeof *vector);
	x->label[x->n++] = id;
	return 0;
}

void examples_end(struct examples *x)
{
	class_set_sort(&x->set, &x->labels, x->label, x->n, x->arena);
}

/* weight [n], 0 for those left out; -1 where a label has none left. */
static int weigh(const struct examples *x, const struct class_weights *w, const int32_t *fold,
	int32_t without, double *weight, struct error *e)
{
	size_t k = x->labels.n, n = 0, *count = mem_zero(k, sizeof *count), i = 0;
	for (i = 0; i < x->n; i++) {
		bool out = fold && fold[i] == without;
		weight[i] = out ? 0 : 1;
		count[x->label[i]] += !out;
		n += !out;
	}
	for (i = 0; i < k && count[i]; i++)
		;
	for (size_t r = 0; r < x->n && i == k; r++) {
		size_t l = (size_t)x->label[r];
		if (w->balanced)
			weight[r] *= (double)n / ((double)k * (double)count[l]);
		else if (w->of)
			weight[r] *= w->of[l];
	}
	mem_free(count);
	return i == k ? 0
		      : error_set(e, ERROR_DATA,
				"without fold %d there is no record with the label %.*s: "
				"--cross-validate needs two of each",
				(int)without + 1, (int)x->labels.text[i].size,
				x->labels.text[i].data);
}

int examples_fit(const struct examples *x, const struct classifier_options *o, const int32_t *fold,
	int32_t without, struct device *device, struct classifier *m, struct arena *arena,
	struct error *e)
{
	bool logistic = o->method == CLASSIFIER_LOGISTIC;
	*m = (struct classifier){
		.method = o->method, .labels = x->labels, .c = x->c, .temperature = logistic ? 1 : 0
	};
	if (logistic && x->labels.n < 2)
		return error_set(e, ERROR_DATA, "all records have the same label");
	double *weight = MEM_ARRAY(double, x->n);
	int rc = weigh(x, &o->weights, fold, without, weight, e);
	struct logistic_data data = { (const float *const *)x->blocks, x->n, x->c, x->label, weight,
		x->labels.n };
	if (!rc && logistic) {
		logistic_fit(&m->logistic, device, &data, &o->logistic, arena);
		rc = device_sync(device, e);
	} else if (!rc) {
		rc = classifier_centroids(m, &data, arena, e);
	}
	mem_free(weight);
	return rc;
}

/*
 * StratifiedKFold: labels in the order they first appear; with all examples sorted by label, fold f
 * gets as many of a label as there are among places f, f + k, …; these are dealt out in order.
 */
int examples_folds(const struct examples *x, size_t k, int32_t *fold, struct error *e)
{
	size_t m = x->labels.n, next = 0, place = 0, largest = 0;
	size_t *count = mem_zero(m, sizeof *count);
	int32_t *order = MEM_ARRAY(int32_t, m);
	size_t *left = mem_zero(size_mul(m, k), sizeof *left);
	for (size_t i = 0; i < x->n; i++)
		if (count[x->label[i]]++ == 0)
			order[next++] = x->label[i];
	for (size_t l = 0; l < m; l++) {
		size_t label = (size_t)order[l];
		largest = count[label] > largest ? count[label] : largest;
		for (size_t i = 0; i < count[label]; i++, place++)
			left[label * k + place % k]++;
	}
	for (size_t i = 0; i < x->n; i++) {
		size_t *of = left + (size_t)x->label[i] * k, f = 0;
		while (of[f] == 0)
			f++;
		of[f]--;
		fold[i] = (int32_t)f;
	}
	mem_free(count);
	mem_free(order);
	mem_free(left);
	return largest >= k ? 0
			    : error_set(e, ERROR_DATA,
				      "%zu folds, but no label has more than %zu record%s", k,
				      largest, plural(largest));
}
