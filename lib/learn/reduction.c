/* Fitted reductions: applying, saving, loading. See reduction.h for the layout of the file. */
#include "lib/learn/reduction.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/file/safetensors.h"
#include "lib/record/number.h"

static const char *const methods[] = { "umap", "pca", NULL };
static const char *const metrics[] = { "cosine", "euclidean", "manhattan", "correlation", NULL };

size_t reduction_features(const struct reduction *r)
{
	return r->method == REDUCTION_PCA ? r->pca.n_features : r->umap.rows.c;
}

size_t reduction_components(const struct reduction *r)
{
	return r->method == REDUCTION_PCA ? r->pca.n_components : r->umap.options.n_components;
}

/* What PCA gave for n rows, or why it cannot be taken. */
static int check(const struct pca *p, struct device *d, size_t n, const float *out, struct error *e)
{
	if (device_sync(d, e))
		return -1;
	for (size_t i = 0; i < n * p->n_components; i++)
		if (!isfinite(out[i]))
			return error_set(e, ERROR_DATA, "a principal component is %s",
				isnan(out[i]) ? "not a number" : "too large for float32");
	return 0;
}

int reduction_fit_pca(struct reduction *r, struct device *d, const float *x, size_t n, size_t c,
	size_t n_components, float *out, struct error *e)
{
	*r = (struct reduction){ .method = REDUCTION_PCA, .arena = arena_new() };
	pca_fit(&r->pca, d, x, n, c, n_components, out, r->arena);
	return check(&r->pca, d, n, out, e);
}

int reduction_apply(struct reduction *r, struct device *d, const float *x, size_t n, float *out,
	struct error *e)
{
	if (r->method == REDUCTION_UMAP)
		return umap_apply(&r->umap, d, x, n, out, e);
	pca_apply(&r->pca, d, x, n, out);
	return check(&r->pca, d, n, out, e);
}

void reduction_free(struct reduction *r)
{
	umap_free(&r->umap);
	arena_free(r->arena);
	*r = (struct reduction){ 0 };
}

/* --- Parameters in the metadata ------------------------------------------------------------- */

struct parameter {
	const char *name;
	double value, low, high;
	bool whole;
};

enum {
	N_NEIGHBORS,
	MIN_DIST,
	SPREAD,
	A,
	B,
	N_EPOCHS,
	LEARNING_RATE,
	NEGATIVE_SAMPLE_RATE,
	SET_OP_MIX_RATIO,
	LOCAL_CONNECTIVITY,
	TARGET_WEIGHT,
	FEATURES,
	SCALE,
	MEAN_DISTANCE,
	PARAMETERS
};

/* What umap_apply needs and what a reader may want to know; with the range that a file's value
 * must lie in. n_epochs 0: the default. */
static void parameters(const struct umap *u, struct parameter p[PARAMETERS])
{
	const struct umap_options *o = &u->options;
	bool given = o->n_epochs != SIZE_MAX;
	const struct parameter all[PARAMETERS] = {
		[N_NEIGHBORS] = { "n_neighbors", (double)u->k, 1, 0x1p31, true },
		[MIN_DIST] = { "min_dist", o->min_dist, 0, 1e6, false },
		[SPREAD] = { "spread", o->spread, 1e-6, 1e6, false },
		[A] = { "a", u->a, 0, 1e30, false },
		[B] = { "b", u->b, 0, 1e3, false },
		[N_EPOCHS] = { "n_epochs", given ? (double)o->n_epochs + 1 : 0, 0, 1e6 + 1, true },
		[LEARNING_RATE] = { "learning_rate", o->learning_rate, 0, 1e6, false },
		[NEGATIVE_SAMPLE_RATE] = { "negative_sample_rate", (double)o->negative_sample_rate,
			0, 1e4, true },
		[SET_OP_MIX_RATIO] = { "set_op_mix_ratio", o->set_op_mix_ratio, 0, 1, false },
		[LOCAL_CONNECTIVITY] = { "local_connectivity", o->local_connectivity, 0, 1e6,
			false },
		[TARGET_WEIGHT] = { "target_weight", o->target_weight, 0, 1, false },
		[FEATURES] = { "features", (double)u->rows.c, 1, 0x1p31, true },
		[SCALE] = { "scale", (double)u->rows.scale, 0x1p-126, 0x1p126, false },
		[MEAN_DISTANCE] = { "mean_distance", (double)u->mean_distance, 0, 0x1p127, false },
	};
	memcpy(p, all, sizeof all);
}

static void write_number(
	struct tensor_writer *w, struct arena *arena, const char *name, double value)
{
	char *text = ARENA_ARRAY(arena, char, NUMBER_SIZE);
	tensor_writer_metadata(w, name, (struct slice){ text, number_from_double(text, value) });
}

/* --- Saving --------------------------------------------------------------------------------- */

static void add_pca(const struct pca *p, struct tensor_writer *w, struct arena *arena)
{
	size_t k = p->n_components, c = p->n_features;
	double *variance = ARENA_ARRAY(arena, double, k + 1);
	memcpy(variance, p->variance, k * sizeof *variance);
	variance[k] = p->total;
	tensor_writer_add(w, "mean", FILE_F64, 1, (size_t[]){ c }, p->mean);
	tensor_writer_add(w, "components", FILE_F64, 2, (size_t[]){ k, c }, p->components);
	tensor_writer_add(w, "variance", FILE_F64, 1, (size_t[]){ k + 1 }, variance);
}

static void add_umap(const struct umap *u, struct tensor_writer *w, struct arena *arena)
{
	struct parameter p[PARAMETERS];
	parameters(u, p);
	for (size_t i = 0; i < PARAMETERS; i++)
		write_number(w, arena, p[i].name, p[i].value);
	char *seed = ARENA_ARRAY(arena, char, 24);
	snprintf(seed, 24, "%llu", (unsigned long long)u->options.seed);
	tensor_writer_metadata(w, "seed", slice_from(seed));
	tensor_writer_metadata(w, "metric", slice_from(metrics[u->options.metric]));
	tensor_writer_add(
		w, "rows", FILE_F32, 2, (size_t[]){ u->rows.n, u->rows.width }, u->rows.x);
	tensor_writer_add(w, "embedding", FILE_F32, 2,
		(size_t[]){ u->rows.n, u->options.n_components }, u->embedding);
}

int reduction_save(const struct reduction *r, const char *path, struct error *e)
{
	struct tensor_writer *w = tensor_writer_new();
	struct arena *arena = arena_new();
	tensor_writer_metadata(w, "format", SLICE("heddle-reduction"));
	tensor_writer_metadata(w, "version", SLICE("1"));
	tensor_writer_metadata(w, "method", slice_from(methods[r->method]));
	if (r->method == REDUCTION_PCA)
		add_pca(&r->pca, w, arena);
	else
		add_umap(&r->umap, w, arena);
	int rc = tensor_writer_save(w, path, e);
	arena_free(arena);
	tensor_writer_free(w);
	return rc;
}

/* --- Loading -------------------------------------------------------------------------------- */

struct source {
	const struct tensor_file *file;
	struct arena *arena;
	const char *path;
	struct error *e;
};

static int broken(const struct source *s, const char *what, const char *name)
{
	return error_set(s->e, ERROR_MODEL, "%s: no saved reduction: %s%s", s->path, what, name);
}

static int read_word(const struct source *s, const char *name, const char *const *words)
{
	struct slice text = tensor_file_metadata(s->file, name, s->arena);
	for (int i = 0; text.data && words[i]; i++)
		if (slice_equal(text, slice_from(words[i])))
			return i;
	return broken(s, "metadata lacks a known ", name);
}

static int read_number(const struct source *s, struct parameter *p)
{
	struct slice text = tensor_file_metadata(s->file, p->name, s->arena);
	const char *after = NULL;
	if (text.data)
		p->value = number_to_double(text.data, text.data + text.size, &after);
	if (!after || after != text.data + text.size ||
		!(p->value >= p->low && p->value <= p->high) ||
		(p->whole && p->value != floor(p->value)))
		return broken(s, "metadata lacks a valid ", p->name);
	return 0;
}

static int read_seed(const struct source *s, uint64_t *seed)
{
	struct slice text = tensor_file_metadata(s->file, "seed", s->arena);
	bool good = text.data && text.size > 0;
	*seed = 0;
	for (size_t i = 0; good && i < text.size; i++) {
		uint64_t digit = (uint64_t)(unsigned char)text.data[i] - '0';
		good = digit < 10 && *seed <= (UINT64_MAX - digit) / 10;
		*seed = *seed * 10 + digit;
	}
	return good ? 0 : broken(s, "metadata lacks a valid ", "seed");
}

/* A copy of a tensor of dimensions [rows, columns] (columns 0: a vector), where a size of
 * SIZE_MAX is any above 0 and is filled in. */
static void *read_tensor(const struct source *s, const char *name, enum file_dtype dtype,
	size_t *rows, size_t *columns)
{
	const struct file_tensor *t = tensor_file_find(s->file, name);
	size_t *want[2] = { rows, columns }, dims = *columns ? 2 : 1;
	bool good = t && t->dtype == dtype && t->n_dims == dims;
	for (size_t i = 0; good && i < dims; i++) {
		if (*want[i] == SIZE_MAX)
			*want[i] = t->shape[i];
		good = t->shape[i] == *want[i] && t->shape[i] > 0;
	}
	if (!good) {
		broken(s, "no fitting tensor ", name);
		return NULL;
	}
	void *copy = mem_alloc(t->data.size);
	memcpy(copy, t->data.data, t->data.size);
	bool finite = true;
	for (size_t i = 0; i < t->count; i++)
		finite = finite && (dtype == FILE_F64 ? isfinite(((double *)copy)[i])
						      : isfinite(((float *)copy)[i]));
	if (!finite) {
		broken(s, "a number that is not finite in ", name);
		mem_free(copy);
		return NULL;
	}
	return copy;
}

static double *read_doubles(const struct source *s, const char *name, size_t *rows, size_t *columns)
{
	double *x = read_tensor(s, name, FILE_F64, rows, columns), *kept = NULL;
	if (x) {
		size_t n = size_mul(*rows, *columns ? *columns : 1);
		kept = ARENA_ARRAY(s->arena, double, n);
		memcpy(kept, x, n * sizeof *kept);
	}
	mem_free(x);
	return kept;
}

static int load_pca(const struct source *s, struct pca *p)
{
	size_t c = SIZE_MAX, k = SIZE_MAX, none = 0, ends;
	if (!(p->mean = read_doubles(s, "mean", &c, &none)) ||
		!(p->components = read_doubles(s, "components", &k, &c)))
		return -1;
	ends = k + 1;
	double *variance = read_doubles(s, "variance", &ends, &none);
	if (!variance)
		return -1;
	p->n_features = c;
	p->n_components = k;
	p->variance = variance;
	p->total = variance[k];
	return 0;
}

static int load_umap(const struct source *s, struct umap *u)
{
	struct parameter p[PARAMETERS];
	parameters(u, p);
	for (size_t i = 0; i < PARAMETERS; i++)
		if (read_number(s, &p[i]) < 0)
			return -1;
	int metric = read_word(s, "metric", metrics);
	if (metric < 0 || read_seed(s, &u->options.seed) < 0)
		return -1;
	struct umap_options *o = &u->options;
	o->metric = (enum neighbor_metric)metric;
	o->min_dist = p[MIN_DIST].value;
	o->spread = p[SPREAD].value;
	o->n_epochs = p[N_EPOCHS].value > 0 ? (size_t)p[N_EPOCHS].value - 1 : SIZE_MAX;
	o->learning_rate = p[LEARNING_RATE].value;
	o->negative_sample_rate = (size_t)p[NEGATIVE_SAMPLE_RATE].value;
	o->set_op_mix_ratio = p[SET_OP_MIX_RATIO].value;
	o->local_connectivity = p[LOCAL_CONNECTIVITY].value;
	o->target_weight = p[TARGET_WEIGHT].value;
	o->n_neighbors = u->k = (size_t)p[N_NEIGHBORS].value;
	u->a = p[A].value;
	u->b = p[B].value;
	u->mean_distance = (float)p[MEAN_DISTANCE].value;

	size_t n = SIZE_MAX, width = SIZE_MAX, k = SIZE_MAX;
	size_t c = (size_t)p[FEATURES].value;
	u->rows.x = read_tensor(s, "rows", FILE_F32, &n, &width);
	if (!u->rows.x || !(u->embedding = read_tensor(s, "embedding", FILE_F32, &n, &k)))
		return -1;
	if (n > INT32_MAX || u->k > n || (width != c && width != c + 1))
		return broken(s, "sizes that contradict each other in ", "rows");
	o->n_components = k;
	u->rows = (struct rows){ n, c, width, o->metric, (float)p[SCALE].value, u->rows.x };
	return 0;
}

int reduction_load(struct reduction *r, const char *path, struct error *e)
{
	*r = (struct reduction){ .arena = arena_new(), .umap.options = UMAP_DEFAULTS };
	struct tensor_file *file = tensor_file_open(path, e);
	if (!file) {
		reduction_free(r);
		return -1;
	}
	static const char *const formats[] = { "heddle-reduction", NULL }, *const versions[] = {
		"1", NULL
	};
	struct source s = { file, r->arena, path, e };
	int rc = read_word(&s, "format", formats), method = -1;
	if (rc == 0)
		rc = read_word(&s, "version", versions);
	if (rc == 0)
		rc = method = read_word(&s, "method", methods);
	if (rc >= 0) {
		r->method = (enum reduction_method)method;
		rc = r->method == REDUCTION_PCA ? load_pca(&s, &r->pca) : load_umap(&s, &r->umap);
	}
	tensor_file_close(file);
	if (rc < 0)
		reduction_free(r);
	return rc < 0 ? -1 : 0;
}
