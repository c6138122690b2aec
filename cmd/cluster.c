/*
 * cluster.c: the command. Reads a vector of each record, keeps the vectors in memory and the
 * records in a spool, clusters, and writes the records with their cluster. With --load, records
 * are labelled as they stream past.
 */
#include <float.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "gpu/tensor.h"
#include "lib/learn/agglomerative.h"
#include "lib/learn/cluster_report.h"
#include "lib/learn/cluster_state.h"
#include "lib/learn/hdbscan.h"
#include "lib/learn/kmeans.h"
#include "lib/learn/vector_source.h"

enum method { HDBSCAN, KMEANS, AGGLOMERATIVE };
enum {
	BATCH = 4096, /* records that --load labels at once */
	BATCH_BYTES = 1 << 26, /* and their bytes */
};

static int method, metric, selection, linkage;
static struct hdbscan_options density = {
	.min_cluster_size = 10, .alpha = 1, .epsilon_max = INFINITY
};
static size_t n_clusters, n_init = 1;
static double threshold;
static const char *tree_path, *report_path, *save_path, *load_path;

/* Options of some methods only. */
static const struct {
	const char *name;
	unsigned methods;
} rules[] = {
	{ "min-cluster-size", 1 << HDBSCAN },
	{ "min-samples", 1 << HDBSCAN },
	{ "cluster-selection-method", 1 << HDBSCAN },
	{ "cluster-selection-epsilon", 1 << HDBSCAN },
	{ "cluster-selection-epsilon-max", 1 << HDBSCAN },
	{ "cluster-selection-persistence", 1 << HDBSCAN },
	{ "max-cluster-size", 1 << HDBSCAN },
	{ "allow-single-cluster", 1 << HDBSCAN },
	{ "alpha", 1 << HDBSCAN },
	{ "n-clusters", 1 << KMEANS | 1 << AGGLOMERATIVE },
	{ "n-init", 1 << KMEANS },
	{ "linkage", 1 << AGGLOMERATIVE },
	{ "distance-threshold", 1 << AGGLOMERATIVE },
	{ "tree", 1 << HDBSCAN | 1 << AGGLOMERATIVE },
	{ "save", 1 << HDBSCAN | 1 << KMEANS },
};
static const char *const method_names[] = { "hdbscan", "kmeans", "agglomerative" };

#define MOST ((double)INT32_MAX)

static const struct option options[] = {
	OPTION_CHOICE(
		0, "method", &method, "hdbscan|kmeans|agglomerative", "how to cluster [hdbscan]"),
	OPTION_CHOICE(0, "metric", &metric, "euclidean|cosine|manhattan",
		"distance of two vectors [euclidean]"),
	OPTION_HEADING("HDBSCAN"),
	OPTION_COUNT(0, "min-cluster-size", &density.min_cluster_size, 2, MOST, "N",
		"fewer records are no cluster [10]"),
	OPTION_COUNT(0, "min-samples", &density.min_samples, 1, MOST, "N",
		"neighbours that make a place dense; more make more outliers [min-cluster-size]"),
	OPTION_CHOICE(0, "cluster-selection-method", &selection, "eom|leaf",
		"the most persistent clusters, or the smallest ones [eom]"),
	OPTION_NUMBER(0, "cluster-selection-epsilon", &density.epsilon, 0, DBL_MAX, "X",
		"do not split clusters below this distance [0]"),
	OPTION_NUMBER(0, "cluster-selection-epsilon-max", &density.epsilon_max, 0, DBL_MAX, "X",
		"split clusters above this distance [no limit]"),
	OPTION_NUMBER(0, "cluster-selection-persistence", &density.persistence, 0, DBL_MAX, "X",
		"merge clusters that last for a smaller difference of density [0]"),
	OPTION_COUNT(0, "max-cluster-size", &density.max_cluster_size, 0, MOST, "N",
		"split larger clusters; 0: no limit [0]"),
	OPTION_FLAG(0, "allow-single-cluster", &density.allow_single_cluster,
		"let all records be one cluster"),
	OPTION_NUMBER(0, "alpha", &density.alpha, DBL_MIN, DBL_MAX, "X",
		"divide distances by this before joining [1]"),
	OPTION_HEADING("k-means and agglomerative"),
	OPTION_COUNT(0, "n-clusters", &n_clusters, 1, MOST, "N", "how many clusters"),
	OPTION_COUNT(0, "n-init", &n_init, 1, 1000000, "N",
		"k-means: starts, of which the best counts [1]"),
	OPTION_CHOICE(0, "linkage", &linkage, "ward|average|complete|single",
		"agglomerative: distance of two clusters [ward]"),
	OPTION_NUMBER(0, "distance-threshold", &threshold, 0, DBL_MAX, "X",
		"agglomerative: join clusters nearer than this, instead of --n-clusters"),
	OPTION_HEADING("Results"),
	OPTION_OUTPUT(0, "tree", &tree_path, "FILE",
		"write the condensed tree, or the joins, as JSONL, or CSV in a .csv"),
	OPTION_OUTPUT(0, "report", &report_path, "FILE",
		"write the clusters with their sizes as JSON, or CSV in a .csv"),
	OPTION_OUTPUT(
		0, "save", &save_path, "FILE", "keep the clustering, to label new records by"),
	OPTION_STRING(0, "load", &load_path, "FILE", "label records by a saved clustering"),
	OPTION_END,
};

static const char *const keys[] = { "cluster", "probability", "outlier_score" };
static const char *const examples[] = {
	"embed docs.jsonl | reduce | cluster --min-cluster-size 50 >clustered.jsonl",
	"clusters of at least 50 documents",
	"cluster --method kmeans --n-clusters 20 --input-key embedding vectors.jsonl",
	"twenty clusters, no outliers",
	"cluster --load clusters.safetensors new.jsonl",
	"new records in clusters found before",
	NULL,
};
static const struct command command = {
	.name = "cluster",
	.summary = "group records by their vectors",
	.options = options,
	.has = COMMAND_INPUT_KEY | COMMAND_OUTPUT_KEY | COMMAND_VECTORS_IN,
	.input_key = "reduced",
	.input_usual = "reduced, else embedding",
	.keys = keys,
	.n_keys = 3,
	.examples = examples,
};

static void check_load(void)
{
	if (command_given("report"))
		command_usage("--report is of the records that are clustered, not of those that "
			      "are labelled by --load");
	for (const struct option *o = options; o->kind != OPTION_KIND_END; o++)
		if (o->name && o->to != &load_path && command_given(o->name))
			command_usage("--%s does not go with --load: the file says how to cluster",
				o->name);
}

static void check_usage(void)
{
	if (load_path) {
		check_load();
		return;
	}
	if (save_path && method == AGGLOMERATIVE)
		command_usage("--save needs hdbscan or kmeans: agglomerative clusters have no "
			      "place for new records");
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (command_given(rules[i].name) && !(rules[i].methods & 1u << method))
			command_usage("--%s is no option of --method %s", rules[i].name,
				method_names[method]);
	bool numbered = command_given("n-clusters");
	if (method == KMEANS && !numbered)
		command_usage("--method kmeans needs --n-clusters");
	if (method == AGGLOMERATIVE && numbered == command_given("distance-threshold"))
		command_usage(
			"--method agglomerative needs either --n-clusters or --distance-threshold");
	if (method == KMEANS && metric == SPACE_MANHATTAN)
		command_usage("k-means needs --metric euclidean or cosine");
	if (method == AGGLOMERATIVE && linkage == LINKAGE_WARD && metric != SPACE_EUCLIDEAN)
		command_usage(
			"--linkage ward needs --metric euclidean; others have --linkage average");
	if (method == HDBSCAN && density.epsilon_max < density.epsilon)
		command_usage("--cluster-selection-epsilon-max is smaller than "
			      "--cluster-selection-epsilon");
}

/* --- Reading vectors ------------------------------------------------------------------------ */

static struct vector_source source = { .keys = { "reduced", "embedding" } };

static void source_open(void)
{
	struct error e;
	source.path = run.input_vectors;
	if (run.input_key != command.input_key) {
		source.keys[0] = run.input_key;
		source.keys[1] = NULL;
	}
	if (vector_source_open(&source, run.reader, &e))
		command_fail(&e);
}

static int usable(const struct record *r, const float *x, struct error *e)
{
	bool zero = metric == SPACE_COSINE;
	for (size_t i = 0; i < source.size && zero; i++)
		zero = x[i] == 0;
	return zero ? record_error(r, e, "the vector is all zeros, which has no cosine") : 0;
}

/* The next record with a vector; what has none is set aside. False at the end. */
static bool source_next(struct arena *arena, struct record *r, const float **x)
{
	struct error e;
	while (command_next(arena, r)) {
		if (vector_source_next(&source, r, arena, x, &e) == 0 && usable(r, *x, &e) == 0)
			return true;
		command_reject(r, &e);
	}
	if (vector_source_close(&source, run.records, &e))
		command_fail(&e);
	return false;
}

/* --- Fitting -------------------------------------------------------------------------------- */

static struct spool *spool_all(struct vector_table *v)
{
	struct error e;
	struct spool *spool = spool_new(&e);
	struct arena *arena = arena_new();
	struct record r;
	const float *x;
	if (!spool)
		command_fail(&e);
	for (; source_next(arena, &r, &x); arena_clear(arena)) {
		if (!command_try(&r))
			continue;
		vector_table_add(v, x, source.size);
		if (spool_add(spool, &r, &e))
			command_fail(&e);
	}
	arena_free(arena);
	if (v->n >= (size_t)1 << 31) {
		command_stop(ERROR_DATA,
			"more than %d records: cluster a part, and --load that for the rest",
			INT32_MAX);
	}
	return spool;
}

static bool is_csv(const char *path)
{
	size_t n = strlen(path);
	return n > 4 && !strcmp(path + n - 4, ".csv");
}

static void write_and_free(const char *path, struct buffer *text)
{
	command_write_file(path, buffer_view(text));
	buffer_free(text);
}

static void put_cluster(const void *result, struct buffer *b, size_t i)
{
	const struct cluster_result *r = result;
	writer_integer(run.writer, b, r->label[i]);
	if (r->probability) {
		writer_double(run.writer, b, r->probability[i]);
		writer_double(run.writer, b, r->score[i]);
	}
}

static void finish(struct spool *spool, const struct cluster_result *r)
{
	size_t outliers = 0;
	for (size_t i = 0; i < r->n; i++)
		outliers += r->label[i] < 0;
	command_count("clusters", (double)r->k);
	if (method == HDBSCAN)
		command_count("outliers", (double)outliers);
	if (report_path) {
		struct buffer text = { 0 };
		cluster_report(&text, r, is_csv(report_path));
		write_and_free(report_path, &text);
	}
	command_write_spool(spool, put_cluster, r);
}

static void run_hdbscan(struct spool *spool, struct vector_table *v)
{
	struct error e;
	struct hdbscan h;
	struct buffer text = { 0 };
	double *core = save_path ? MEM_ARRAY(double, v->n) : NULL;
	density.metric = (enum space_metric)metric;
	density.method = (enum hdbscan_method)selection;
	density.progress = command_progress;
	hdbscan_fit(&h, v->at, v->n, source.size, &density, core);
	if (save_path && hdbscan_save(&h, &density, v->at, source.size, core, save_path, &e))
		command_fail(&e);
	if (tree_path) {
		cluster_report_tree(&text, &h.tree, is_csv(tree_path));
		write_and_free(tree_path, &text);
	}
	finish(spool, &(struct cluster_result){ .method = "hdbscan",
			      .n = h.n,
			      .k = h.k,
			      .label = h.label,
			      .probability = h.probability,
			      .score = h.outlier_score,
			      .persistence = h.persistence });
	mem_free(core);
	hdbscan_release(&h);
}

static struct device *device; /* of k-means */

static void open_device(void)
{
	struct error e;
	if (device_open(run.device, &device, &e))
		command_fail(&e);
}

static void run_kmeans(struct spool *spool, struct vector_table *v)
{
	struct error e;
	struct kmeans m;
	struct kmeans_options o = { .n_clusters = n_clusters,
		.n_init = n_init,
		.metric = (enum space_metric)metric,
		.seed = run.seed,
		.progress = command_progress };
	open_device();
	if (kmeans_fit(&m, device, v->at, v->n, source.size, &o, &e))
		command_fail(&e);
	if (save_path && kmeans_save(&m, save_path, &e))
		command_fail(&e);
	finish(spool, &(struct cluster_result){ .method = method_names[method],
			      .n = v->n,
			      .k = m.k,
			      .label = m.label,
			      .inertia = m.inertia,
			      .iterations = m.iterations });
	kmeans_release(&m);
}

/* Refuse before the machine runs out of memory: the kernel promises more than it has, and kills
 * whom it likes. */
static void check_memory(size_t n)
{
	size_t need = agglomerative_memory((enum linkage)linkage, n),
	       page = (size_t)sysconf(_SC_PAGESIZE);
	size_t have = size_mul((size_t)sysconf(_SC_PHYS_PAGES), page);
	if (need < have - have / 5)
		return;
	command_stop(ERROR_RETRY,
		"the distances of %zu records take %zu MB, this machine has %zu MB: "
		"--linkage ward and single, and --method hdbscan and kmeans, need none of them",
		n, need >> 20, have >> 20);
}

static void run_agglomerative(struct spool *spool, struct vector_table *v)
{
	check_memory(v->n);
	struct buffer text = { 0 };
	struct hdbscan_join *joins = MEM_ARRAY(struct hdbscan_join, v->n);
	int32_t *label = MEM_ARRAY(int32_t, v->n);
	agglomerative_join((enum linkage)linkage, v->at, v->n, source.size,
		(enum space_metric)metric, command_progress, joins);
	size_t k = agglomerative_cut(joins, v->n, n_clusters, threshold, label);
	if (tree_path) {
		cluster_report_joins(&text, joins, v->n, is_csv(tree_path));
		write_and_free(tree_path, &text);
	}
	finish(spool, &(struct cluster_result){
			      .method = method_names[method], .n = v->n, .k = k, .label = label });
	mem_free(joins);
	mem_free(label);
}

static void fit(void)
{
	struct vector_table v = { 0 };
	source_open();
	command_output(method == HDBSCAN ? 3 : 1);
	struct spool *spool = spool_all(&v);
	if (v.n == 0 && (save_path || n_clusters))
		command_stop(ERROR_DATA, "there are no records to cluster");
	if (n_clusters > v.n)
		command_stop(ERROR_DATA, "--n-clusters %zu, but there %s only %zu record%s",
			n_clusters, v.n == 1 ? "was" : "were", v.n, plural(v.n));
	if (v.n == 0)
		source.size = 1;
	(method == HDBSCAN         ? run_hdbscan
		: method == KMEANS ? run_kmeans
				   : run_agglomerative)(spool, &v);
	mem_free(v.at);
	spool_free(spool);
}

/* --- Labelling by a saved clustering -------------------------------------------------------- */

struct model {
	enum cluster_method method;
	struct hdbscan_model *density;
	struct kmeans centers;
};

static void load_model(struct model *m)
{
	struct error e;
	struct arena *arena = arena_new();
	struct cluster_state state;
	struct tensor_file *file = tensor_file_open(load_path, &e);
	if (!file || cluster_state_read(file, &state, arena, &e))
		command_fail(&e);
	m->method = state.method;
	metric = (int)state.metric;
	if (m->method == CLUSTER_KMEANS ? kmeans_load(&m->centers, file, &e)
					: !(m->density = hdbscan_load(file, &e)))
		command_fail(&e);
	source.size = m->method == CLUSTER_KMEANS ? m->centers.c : hdbscan_model_size(m->density);
	source.whose = "the clustering has";
	tensor_file_close(file);
	arena_free(arena);
}

static void predict_centers(const struct model *m, const float *x, size_t n, int32_t *label)
{
	struct error e;
	if (!device)
		open_device();
	if (kmeans_predict(&m->centers, device, x, n, label, &e))
		command_fail(&e);
}

static void label_batch(const struct model *m, const struct record *records, const float *x,
	size_t n, struct buffer *b)
{
	int32_t label[BATCH];
	double probability[BATCH], score[BATCH];
	size_t held = 0;
	if (m->method == CLUSTER_KMEANS)
		predict_centers(m, x, n, label);
	else
		hdbscan_predict(m->density, x, n, label, probability, score);
	for (size_t i = 0; i < n; i++) {
		if (!command_put(b, &records[i]))
			continue;
		writer_integer(run.writer, b, label[i]);
		if (m->method == CLUSTER_HDBSCAN) {
			writer_double(run.writer, b, probability[i]);
			writer_double(run.writer, b, score[i]);
		}
		writer_end(run.writer, b);
		held++;
	}
	command_write(b, held);
}

static void apply(void)
{
	struct model m = { 0 };
	load_model(&m);
	source_open();
	command_output(m.method == CLUSTER_KMEANS ? 1 : 3);
	struct arena *arena = arena_new();
	struct record *records = MEM_ARRAY(struct record, BATCH);
	float *x = MEM_ARRAY(float, size_mul(BATCH, source.size));
	const float *vector;
	struct buffer b = { 0 };
	for (bool more = true; more;) {
		size_t n = 0, bytes = 0;
		while (n < BATCH && bytes < BATCH_BYTES &&
			(more = source_next(arena, &records[n], &vector))) {
			memcpy(x + n * source.size, vector, source.size * sizeof *x);
			bytes += records[n++].raw.size;
		}
		if (n)
			label_batch(&m, records, x, n, &b);
		arena_clear(arena);
	}
	buffer_free(&b);
	mem_free(x);
	mem_free(records);
	arena_free(arena);
	if (m.density)
		hdbscan_model_free(m.density);
	kmeans_release(&m.centers);
}

int main(int argc, char **argv)
{
	command_begin(&command, argc, argv);
	check_usage();
	if (load_path)
		apply();
	else
		fit();
	device_free(device);
	return command_end();
}
