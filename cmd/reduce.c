/* reduce: vectors of few dimensions from embeddings, by UMAP or PCA: fitted to the input, or by
 * --load as fitted before. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "gpu/tensor.h"
#include "lib/file/npy.h"
#include "lib/learn/reduction.h"
#include "lib/learn/vector_source.h"

enum {
	BATCH = 1024, /* records that are parsed at once */
	BATCH_BYTES = 1 << 26, /* and their bytes */
	FLUSH = 1 << 20,
};

static int method, metric, search, init;
static const char *target_key, *save_path, *load_path;
static struct umap_options umap = UMAP_DEFAULTS;

static const struct option options[] = {
	OPTION_HEADING("Reduction"),
	OPTION_CHOICE(0, "method", &method, "umap|pca", "UMAP, or principal components [umap]"),
	OPTION_COUNT('n', "n-components", &umap.n_components, 1, 1000, "N",
		"dimensions to reduce to [5]"),
	OPTION_OUTPUT(0, "save", &save_path, "FILE", "save what was fitted, for --load"),
	OPTION_STRING(0, "load", &load_path, "FILE",
		"reduce as fitted before, in constant memory; fit nothing"),
	OPTION_HEADING("UMAP"),
	OPTION_COUNT(0, "n-neighbors", &umap.n_neighbors, 2, 10000, "N",
		"neighbours of a record, itself among them [15]"),
	OPTION_CHOICE(0, "metric", &metric, "cosine|euclidean|manhattan|correlation",
		"distance between embeddings [cosine]"),
	OPTION_CHOICE(0, "neighbors", &search, "auto|exact|approximate",
		"how they are searched [exact up to 120,000 records, on a card 2,000,000]"),
	OPTION_NUMBER(0, "min-dist", &umap.min_dist, 0, 1000, "X",
		"how close points may come, at most --spread [0]"),
	OPTION_NUMBER(0, "spread", &umap.spread, 0.001, 1000, "X", "scale of the layout [1]"),
	OPTION_COUNT(0, "n-epochs", &umap.n_epochs, 0, 1000000, "N",
		"rounds of the layout [500 up to 10,000 records, else 200]"),
	OPTION_CHOICE(
		0, "init", &init, "spectral|pca|random", "where the layout starts [spectral]"),
	OPTION_NUMBER(0, "learning-rate", &umap.learning_rate, 0, 1000, "X",
		"first step of the layout [1]"),
	OPTION_COUNT(0, "negative-sample-rate", &umap.negative_sample_rate, 0, 1000, "N",
		"points pushed away for one drawn near [5]"),
	OPTION_NUMBER(0, "set-op-mix-ratio", &umap.set_op_mix_ratio, 0, 1, "X",
		"1 unites the neighbours' views, 0 intersects them [1]"),
	OPTION_NUMBER(0, "local-connectivity", &umap.local_connectivity, 0, 1000, "X",
		"neighbours taken as fully connected [1]"),
	OPTION_STRING(0, "target-key", &target_key, "KEY",
		"supervised: the key of each record's class; none, null or -1 is unknown"),
	OPTION_NUMBER(0, "target-weight", &umap.target_weight, 0, 1, "X",
		"how much the classes count, 0 to 1 [0.5]"),
	OPTION_END,
};

static const char *const keys[] = { "reduced" };

static const char *const examples[] = {
	"embed docs.jsonl | reduce -n 2 > map.jsonl",
	"a map of documents",
	"reduce --save fitted.safetensors old.jsonl > old-reduced.jsonl",
	"fit, and keep what was fitted",
	"reduce --load fitted.safetensors new.jsonl",
	"new records in the same space",
	NULL,
};

static const struct command command = {
	.name = "reduce",
	.summary = "reduce embeddings to few dimensions",
	.options = options,
	.has = COMMAND_INPUT_KEY | COMMAND_OUTPUT_KEY | COMMAND_VECTORS_OUT | COMMAND_VECTORS_IN,
	.input_key = "embedding",
	.keys = keys,
	.n_keys = 1,
	.examples = examples,
};

static struct error error;

/* --- Reading vectors ------------------------------------------------------------------------ */

/* Records of a batch and their vectors; of one length in the whole input. */
struct batch {
	struct arena *arena, **parse; /* parse: one a thread */
	size_t n_parse;
	struct record record[BATCH];
	const float *vector[BATCH];
	size_t length[BATCH];
	struct error failure[BATCH];
	size_t n;
};

static size_t target_want;
static struct vector_source source;

static void source_open(void)
{
	source.keys[0] = run.input_key;
	source.path = run.input_vectors;
	if (vector_source_open(&source, run.reader, &error))
		command_fail(&error);
}

static struct batch *batch_new(void)
{
	struct batch *b = mem_zero(1, sizeof *b);
	b->arena = arena_new();
	b->n_parse = (size_t)omp_get_max_threads();
	b->parse = MEM_ARRAY(struct arena *, b->n_parse);
	for (size_t i = 0; i < b->n_parse; i++)
		b->parse[i] = arena_new();
	return b;
}

static void batch_free(struct batch *b)
{
	for (size_t i = 0; i < b->n_parse; i++)
		arena_free(b->parse[i]);
	mem_free(b->parse);
	arena_free(b->arena);
	mem_free(b);
}

static void parse(struct batch *b, size_t i, struct arena *arena)
{
	b->failure[i].code = 0;
	vector_source_read(
		&source, &b->record[i], arena, &b->vector[i], &b->length[i], &b->failure[i]);
}

/* Set records without a usable vector aside; the others move up. */
static void settle(struct batch *b)
{
	size_t kept = 0;
	for (size_t i = 0; i < b->n; i++) {
		struct error *failure = &b->failure[i];
		if (!failure->code)
			vector_source_check(&source, &b->record[i], b->length[i], failure);
		if (failure->code) {
			command_reject(&b->record[i], failure);
			continue;
		}
		b->record[kept] = b->record[i];
		b->vector[kept++] = b->vector[i];
	}
	b->n = kept;
}

/* The next records, those that can be used; false at the end of the input. */
static bool batch_next(struct batch *b)
{
	arena_clear(b->arena);
	for (size_t i = 0; i < b->n_parse; i++)
		arena_clear(b->parse[i]);
	b->n = 0;
	struct error unread;
	int got = 1;
	for (size_t bytes = 0; got > 0 && b->n < BATCH && bytes < BATCH_BYTES;) {
		got = command_read(b->arena, &b->record[b->n], &unread);
		if (got > 0)
			bytes += b->record[b->n++].raw.size;
	}
	if (b->n == 0 && got == 0) {
		if (vector_source_close(&source, run.records, &error))
			command_fail(&error);
		return false;
	}
#pragma omp parallel for schedule(dynamic, 16)
	for (size_t i = 0; i < b->n; i++)
		parse(b, i, b->parse[omp_get_thread_num()]);
	settle(b);
	if (got < 0) /* behind what may be wrong with the records before */
		command_fail(&unread);
	return true;
}

/* --- Writing -------------------------------------------------------------------------------- */

static struct npy_writer *vectors;
static struct buffer out;
static size_t pending;

static void flush(void)
{
	command_write(&out, pending);
	pending = 0;
}

static void put_vector(struct buffer *b, const float *y, size_t k)
{
	if (!vectors)
		writer_vector(run.writer, b, y, k);
	else if (npy_writer_add(vectors, y, k, &error) < 0)
		command_fail(&error);
}

static void put(const struct record *r, const float *y, size_t k)
{
	if (!command_put(&out, r))
		return;
	put_vector(&out, y, k);
	writer_end(run.writer, &out);
	pending++;
	if (out.size >= FLUSH)
		flush();
}

static void open_output(void)
{
	command_output(run.vectors ? 0 : 1);
	if (run.vectors && !(vectors = npy_writer_open(run.vectors, &error)))
		command_fail(&error);
}

static void close_output(void)
{
	flush();
	buffer_free(&out);
	if (vectors && npy_writer_close(vectors, &error) < 0)
		command_fail(&error);
}

/* --- By --load ------------------------------------------------------------------------------ */

static void apply(struct device *device)
{
	struct reduction r;
	if (reduction_load(&r, load_path, &error) < 0)
		command_fail(&error);
	size_t features = reduction_features(&r);
	source.size = features;
	source.whose = "the reduction has";
	source_open();
	size_t k = reduction_components(&r);
	float *x = MEM_ARRAY(float, size_mul(BATCH, features)),
	      *y = MEM_ARRAY(float, size_mul(BATCH, k));
	struct batch *b = batch_new();
	open_output();
	while (batch_next(b)) {
		for (size_t i = 0; i < b->n; i++)
			memcpy(x + i * features, b->vector[i], features * sizeof *x);
		if (reduction_apply(&r, device, x, b->n, y, &error))
			command_fail(&error);
		for (size_t i = 0; i < b->n; i++)
			put(&b->record[i], y + i * k, k);
		command_progress("reducing", run.records, 0);
	}
	close_output();
	batch_free(b);
	mem_free(x);
	mem_free(y);
	reduction_free(&r);
}

/* --- Fitting -------------------------------------------------------------------------------- */

/* All records: their bytes in a spool, their vectors and classes in memory. */
struct input {
	struct spool *spool;
	struct vector_table x;
	struct slice *class; /* data NULL: unknown; --target-key */
	struct arena *arena;
};

/* The class of a record: false where the key holds no label. */
static bool read_class(struct input *in, const struct record *r, struct slice *class)
{
	struct slice json;
	*class = (struct slice){ NULL, 0 };
	if (!record_has(r, target_want) || r->values[target_want].json.type == JSON_NULL)
		return true;
	if (record_label(r, target_want, target_key, in->arena, class, &json, &error) < 0) {
		command_reject(r, &error);
		return false;
	}
	bool unknown = slice_equal(*class, SLICE("-1")) || class->size == 0;
	*class = unknown ? (struct slice){ NULL, 0 } : arena_copy(in->arena, *class);
	return true;
}

static void keep(struct input *in, const struct record *r, const float *vector)
{
	struct slice class = { NULL, 0 };
	if (target_key && !read_class(in, r, &class))
		return;
	if (!command_try(r))
		return;
	size_t capacity = in->x.capacity;
	vector_table_add(&in->x, vector, source.size);
	if (target_key && in->x.capacity != capacity)
		in->class = mem_resize(in->class, capacity * sizeof *in->class,
			size_mul(in->x.capacity, sizeof *in->class));
	if (target_key)
		in->class[in->x.n - 1] = class;
	if (spool_add(in->spool, r, &error) < 0)
		command_fail(&error);
}

static int by_class(const void *a, const void *b)
{
	const struct slice *p = *(struct slice *const *)a, *q = *(struct slice *const *)b;
	return slice_compare(*p, *q);
}

/* Numbers for classes, -1 for unknown. */
static int32_t *number_classes(const struct input *in)
{
	int32_t *label = MEM_ARRAY(int32_t, in->x.n), next = -1;
	struct slice **order = MEM_ARRAY(struct slice *, in->x.n);
	for (size_t i = 0; i < in->x.n; i++)
		order[i] = &in->class[i];
	qsort(order, in->x.n, sizeof *order, by_class);
	for (size_t i = 0; i < in->x.n; i++) {
		if (order[i]->data && (next < 0 || !slice_equal(*order[i], *order[i - 1])))
			next++;
		label[order[i] - in->class] = order[i]->data ? next : -1;
	}
	mem_free(order);
	command_detail("%d class label%s", next + 1, plural((size_t)(next + 1)));
	return label;
}

static void fit_pca(struct device *device, struct reduction *r, const struct input *in, float *y)
{
	if (reduction_fit_pca(
		    r, device, in->x.at, in->x.n, source.size, umap.n_components, y, &error))
		command_fail(&error);
	double kept = 0;
	for (size_t k = 0; k < r->pca.n_components; k++)
		kept += r->pca.variance[k];
	command_detail(
		"%.1f %% of the variance kept", r->pca.total > 0 ? 100 * kept / r->pca.total : 100);
}

static void fit_umap(struct device *device, struct reduction *r, const struct input *in)
{
	*r = (struct reduction){ .method = REDUCTION_UMAP, .arena = arena_new() };
	if (umap.n_neighbors >= in->x.n && in->x.n > 1)
		command_note("%zu records: fewer neighbours than --n-neighbors %zu", in->x.n,
			umap.n_neighbors);
	command_detail("neighbours: %s",
		neighbors_exact(device, in->x.n, umap.n_neighbors, umap.search) ? "exact"
										: "approximate");
	int32_t *label = target_key ? number_classes(in) : NULL;
	if (umap_fit(&r->umap, device, &umap, in->x.at, in->x.n, source.size, label, &error))
		command_fail(&error);
	mem_free(label);
}

struct reduced {
	const float *at; /* [n, k] */
	size_t k;
};

static void put_row(const void *context, struct buffer *b, size_t i)
{
	const struct reduced *rows = context;
	put_vector(b, rows->at + i * rows->k, rows->k);
}

static void fit(struct device *device, struct input *in)
{
	struct reduction r;
	float *scores = NULL;
	size_t k = umap.n_components;
	if (method == REDUCTION_UMAP) {
		fit_umap(device, &r, in);
	} else if (k <= source.size) {
		scores = MEM_ARRAY(float, size_mul(in->x.n, k));
		fit_pca(device, &r, in, scores);
	} else {
		command_stop(ERROR_DATA,
			"vectors of %zu number%s have no %zu principal components (-n)",
			source.size, plural(source.size), k);
	}
	struct reduced rows = { scores ? scores : r.umap.embedding, k };
	command_write_spool(in->spool, put_row, &rows);
	if (save_path && reduction_save(&r, save_path, &error) < 0)
		command_fail(&error);
	mem_free(scores);
	reduction_free(&r);
}

static void fit_all(struct device *device)
{
	struct input in = { .spool = spool_new(&error), .arena = arena_new() };
	if (!in.spool)
		command_fail(&error);
	source_open();
	struct batch *b = batch_new();
	open_output();
	while (batch_next(b)) {
		for (size_t i = 0; i < b->n; i++)
			keep(&in, &b->record[i], b->vector[i]);
		command_progress("reading", in.x.n, 0);
	}
	batch_free(b);
	if (in.x.n == 0 && save_path)
		command_stop(ERROR_DATA, "no records to fit, nothing to save in %s", save_path);
	if (in.x.n > 0)
		fit(device, &in);
	close_output();
	spool_free(in.spool);
	arena_free(in.arena);
	mem_free(in.x.at);
	mem_free(in.class);
}

static void check_options(void)
{
	if (load_path && save_path)
		command_usage("--load fits nothing: there is nothing to --save");
	if (load_path && target_key)
		command_usage("--load fits nothing: --target-key has no use");
	if (method == REDUCTION_PCA && target_key)
		command_usage("--target-key is for --method umap");
	if (umap.min_dist > umap.spread)
		command_usage("--min-dist %g is more than --spread %g", umap.min_dist, umap.spread);
	if (search == NEIGHBORS_APPROXIMATE && umap.n_neighbors > NEIGHBORS_APPROXIMATE_MOST)
		command_usage("--neighbors approximate finds %d at most, --n-neighbors is %zu",
			NEIGHBORS_APPROXIMATE_MOST, umap.n_neighbors);
	umap.metric = (enum neighbor_metric)metric;
	umap.search = (enum neighbor_search)search;
	umap.init = (enum umap_init)init;
	umap.seed = run.seed;
	umap.progress = command_progress;
}

int main(int argc, char **argv)
{
	command_begin(&command, argc, argv);
	check_options();
	struct device *device;
	if (device_open(run.device, &device, &error) < 0)
		command_fail(&error);
	if (target_key)
		target_want = reader_want(run.reader, target_key);
	if (load_path)
		apply(device);
	else
		fit_all(device);
	device_free(device);
	return command_end();
}
