#include "lib/model/labeller.h"

#include <omp.h>

#include "lib/model/batches.h"
#include "lib/model/folder.h"
#include "lib/model/weights.h"

struct labeller {
	enum labeller_task task;
	enum dtype dtype;
	struct arena *arena;
	struct device *device;
	struct model_config config;
	const struct architecture *architecture;
	struct tensor_file *file;
	void *model;
	struct head head;
	struct tokenizer *tokenizer;
	size_t max_length, tokens, truncated, batch_tokens, failed;
	enum truncation truncation;
	size_t n_threads;
	struct arena **scratch; /* [n_threads] */
	struct tokenizer_scratch **words; /* [n_threads] */
};

/* --- Opening ------------------------------------------------------------------------------- */

/* The least of what is asked, what the tokenizer's folder says and what the model has positions
 * for. */
static int find_length(struct labeller *m, const char *folder, size_t asked, struct error *e)
{
	struct json root;
	size_t limit = m->config.n_positions, said = 0;
	int rc = folder_json(folder, "tokenizer_config.json", JSON_OBJECT, &root, m->arena, e);
	if (rc < 0)
		return -1;
	double length = rc ? json_double(json_get(root, "model_max_length")) : 0;
	if (length >= 1 && length < 1e9)
		said = (size_t)length;
	if (asked > limit)
		return error_set(e, ERROR_USAGE,
			"a length of %zu tokens: the model has positions for %zu", asked, limit);
	m->max_length = asked ? asked : said && said < limit ? said : limit;
	if (m->max_length <= tokenizer_added(m->tokenizer, m->task == LABELLER_SEQUENCE))
		return error_set(e, ERROR_USAGE,
			"a length of %zu token%s leaves none beside the special ones",
			m->max_length, plural(m->max_length));
	return 0;
}

/* The heads' last layers have the same name: config.json's architectures tells them apart. */
static int check_task(const struct labeller *m, struct error *e)
{
	const char *other =
		m->task == LABELLER_TOKEN ? "ForSequenceClassification" : "ForTokenClassification";
	struct json all = json_get(m->config.json, "architectures");
	for (struct json_iterator i = json_iterate(all); json_each(&i);) {
		struct slice name = i.value.raw;
		if (memmem(name.data, name.size, other, strlen(other)))
			return error_set(e, ERROR_MODEL, "%s: it is a %.*s", m->config.path,
				name.size < 80 ? (int)name.size : 80, name.data);
	}
	return 0;
}

static int open_all(
	struct labeller *m, const char *name, const struct labeller_options *o, struct error *e)
{
	const char *folder = folder_find(name, m->arena, e);
	if (!folder || device_open(o->device, &m->device, e) ||
		architecture_open(folder, &m->config, &m->architecture, &m->file, m->arena, e))
		return -1;
	const struct head_layout *layout =
		m->task == LABELLER_SEQUENCE ? &m->architecture->sequence : &m->architecture->token;
	if (check_task(m, e) ||
		head_open(&m->head, layout, &m->config, m->file, m->device, o->dtype, m->arena, e))
		return error_wrap(e, "%s is no %s classifier", folder,
			m->task == LABELLER_SEQUENCE ? "text" : "token");
	m->model = m->architecture->open(&m->config, m->file, m->device, o->dtype, e);
	m->tokenizer = m->model ? architecture_tokenizer(folder, m->config.vocab_size, e) : NULL;
	if (!m->tokenizer || find_length(m, folder, o->max_length, e))
		return -1;
	m->batch_tokens = batches_tokens(&m->config, m->device);
	m->failed = SIZE_MAX;
	return device_sync(m->device, e);
}

struct labeller *labeller_open(const char *name, enum labeller_task task,
	const struct labeller_options *o, struct error *e)
{
	struct labeller *m = mem_zero(1, sizeof *m);
	m->arena = arena_new();
	m->task = task;
	m->dtype = o->dtype;
	m->truncation = o->truncation;
	if (open_all(m, name, o, e)) {
		labeller_free(m);
		return NULL;
	}
	m->n_threads = (size_t)omp_get_max_threads();
	m->scratch = ARENA_ARRAY(m->arena, struct arena *, m->n_threads);
	m->words = ARENA_ARRAY(m->arena, struct tokenizer_scratch *, m->n_threads);
	for (size_t i = 0; i < m->n_threads; i++) {
		m->scratch[i] = arena_new();
		m->words[i] = tokenizer_scratch_new(m->tokenizer);
	}
	return m;
}

void labeller_free(struct labeller *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_threads; i++) {
		arena_free(m->scratch[i]);
		tokenizer_scratch_free(m->words[i]);
	}
	if (m->model)
		m->architecture->free(m->model);
	if (m->device) {
		head_close(&m->head, m->device);
		device_free(m->device);
	}
	tensor_file_close(m->file);
	tokenizer_free(m->tokenizer);
	arena_free(m->arena);
	mem_free(m);
}

/* --- Running ------------------------------------------------------------------------------- */

struct run {
	struct labeller *m;
	const struct encoding *encodings;
	float *const *logits;
};

static void run_batch(
	void *context, struct device *lane, const struct batch *b, const size_t *order)
{
	const struct run *r = context;
	const struct labeller *m = r->m;
	size_t c = m->config.hidden_size, k = m->head.n_labels;
	bool sequence = m->task == LABELLER_SEQUENCE;
	struct tensor h = tensor_matrix(lane, F32, b->n_tokens, c);
	m->architecture->forward(m->model, lane, b, h);
	if (sequence) {
		struct tensor first = tensor_matrix(lane, F32, b->n_sequences, c);
		op_pool(lane, first, h, b->n_sequences, b->cu_seqlens,
			m->head.mean ? POOLING_MEAN : POOLING_CLS);
		h = first;
	}
	struct tensor y = head_forward(&m->head, lane, h);
	float *rows = MEM_ARRAY(float, size_mul(y.shape[0], k));
	memset(rows, 0, y.shape[0] * k * sizeof *rows);
	tensor_read(lane, y, rows);
	for (size_t i = 0; i < b->n_sequences; i++) {
		size_t from = sequence ? i : b->cu_seqlens[i];
		size_t to = sequence ? i + 1 : b->cu_seqlens[i + 1];
		memcpy(r->logits[order[i]], rows + from * k, (to - from) * k * sizeof *rows);
	}
	mem_free(rows);
}

int labeller_run_tokens(struct labeller *m, const struct encoding *encodings, size_t n,
	float *const *logits, struct error *e)
{
	struct run r = { m, encodings, logits };
	for (size_t i = 0; i < n; i++)
		m->tokens += encodings[i].n;
	if (batches_run(m->device, encodings, n, &m->batch_tokens, run_batch, &r, &m->failed, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t rows = m->task == LABELLER_SEQUENCE ? 1 : encodings[i].n;
		if (weights_count_bad(logits[i], rows * m->head.n_labels))
			return error_set(e, ERROR_MODEL,
				"the model gives a score that is not finite: its weights are "
				"broken%s",
				m->dtype == F16 ? ", or its numbers too large for --dtype f16"
						: "");
	}
	return 0;
}

/* Text i, cut to max_length: where it has just that length it is tokenized again, to know whether
 * it was cut. */
static int encode(struct labeller *m, size_t thread, struct slice text, const struct slice *pair,
	struct encoding *x, bool *cut, struct error *e)
{
	struct arena *arena = m->scratch[thread];
	struct tokenizer_options o = { .add_special = true,
		.max_length = m->max_length,
		.truncation = m->truncation,
		.type_ids = m->config.n_types > 1 };
	if (tokenizer_encode(m->tokenizer, m->words[thread], text, pair, &o, arena, x, e))
		return -1;
	if (x->n == m->max_length) {
		struct arena_mark mark = arena_mark(arena);
		struct encoding whole;
		o.max_length = 0;
		int rc = tokenizer_encode(
			m->tokenizer, m->words[thread], text, pair, &o, arena, &whole, e);
		*cut = !rc && whole.n > x->n;
		arena_reset(arena, mark);
	}
	for (size_t i = 0; x->type_ids && i < x->n; i++)
		if (x->type_ids[i] >= m->config.n_types)
			return error_set(e, ERROR_MODEL,
				"the tokenizer gives token type %u, the model has %zu",
				x->type_ids[i], m->config.n_types);
	return 0;
}

static int encode_all(struct labeller *m, const struct slice *texts, const struct slice *pairs,
	size_t n, struct encoding *encodings, struct error *e)
{
	size_t failed = n, truncated = 0;
	struct error first = { 0 };
#pragma omp parallel for schedule(dynamic, 16) num_threads((int)m->n_threads) \
	reduction(+ : truncated)
	for (size_t i = 0; i < n; i++) {
		struct error mine = { 0 };
		bool cut = false;
		if (encode(m, (size_t)omp_get_thread_num(), texts[i], pairs ? &pairs[i] : NULL,
			    &encodings[i], &cut, &mine)) {
#pragma omp critical(labeller_error)
			if (i < failed) {
				failed = i;
				first = mine;
			}
		}
		truncated += cut;
	}
	m->truncated += truncated;
	if (failed < n && e)
		*e = first;
	return failed < n ? -1 : 0;
}

int labeller_run(struct labeller *m, const struct slice *texts, const struct slice *pairs, size_t n,
	float *logits, struct error *e)
{
	CHECK(m->task == LABELLER_SEQUENCE);
	struct encoding *encodings = mem_zero(n, sizeof *encodings);
	float **rows = MEM_ARRAY(float *, n);
	for (size_t i = 0; i < n; i++)
		rows[i] = logits + i * m->head.n_labels;
	int rc = encode_all(m, texts, pairs, n, encodings, e) ||
				 labeller_run_tokens(m, encodings, n, rows, e)
			 ? -1
			 : 0;
	for (size_t i = 0; i < m->n_threads; i++)
		arena_clear(m->scratch[i]);
	mem_free(rows);
	mem_free(encodings);
	return rc;
}

/* --- What it is ---------------------------------------------------------------------------- */

const struct head *labeller_head(const struct labeller *m)
{
	return &m->head;
}

const struct tokenizer *labeller_tokenizer(const struct labeller *m)
{
	return m->tokenizer;
}

size_t labeller_length(const struct labeller *m)
{
	return m->max_length;
}

size_t labeller_failed(const struct labeller *m)
{
	return m->failed;
}

size_t labeller_tokens(const struct labeller *m)
{
	return m->tokens;
}

size_t labeller_truncated(const struct labeller *m)
{
	return m->truncated;
}
