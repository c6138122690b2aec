/*
 * Embedding texts: tokenize on all threads; each batch (lib/model/batches.h) passes through the
 * whole model on one lane of the device; results go to the texts' own rows.
 */
#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "lib/base/buffer.h"
#include "lib/model/batches.h"
#include "lib/model/embedder_private.h"
#include "lib/model/weights.h"

/* One call of embedder_run. */
struct run_state {
	struct embedder *m;
	const struct slice *texts;
	size_t n;
	struct encoding *encodings; /* [n] */
	float *out;
};

/* --- Tokens -------------------------------------------------------------------------------- */

/* The text with the prompt before it. */
static struct slice prepare(const struct embedder *m, struct slice text, struct arena *arena)
{
	if (m->prompt.size == 0)
		return text;
	struct buffer b = { NULL, 0, 0 };
	buffer_slice(&b, m->prompt);
	buffer_slice(&b, text);
	struct slice all = arena_copy(arena, buffer_view(&b));
	buffer_free(&b);
	return all;
}

static void drop_unknown(const struct embedder *m, struct encoding *x)
{
	uint32_t unknown = tokenizer_unknown(m->tokenizer);
	size_t n = 0;
	for (size_t i = 0; i < x->n; i++)
		if (x->ids[i] != unknown)
			x->ids[n++] = x->ids[i];
	x->n = n;
}

/*
 * Tokenize one text. A text of exactly max_length tokens may have been cut: only then it is
 * tokenized again, without the limit, to know.
 */
static int encode(const struct embedder *m, struct slice text, struct arena *arena,
	struct encoding *x, bool *cut, struct error *e)
{
	bool is_static = !m->architecture;
	struct slice all = prepare(m, text, arena);
	struct tokenizer_options options = { .add_special = !is_static,
		.max_length = m->max_length,
		.type_ids = m->config.n_types > 0 };
	if (is_static && m->sentence.drop_unknown)
		options.max_length = 0;
	if (tokenizer_encode(m->tokenizer, NULL, all, NULL, &options, arena, x, e))
		return -1;
	if (is_static && m->sentence.drop_unknown) {
		drop_unknown(m, x);
		*cut = m->max_length && x->n > m->max_length;
		x->n = *cut ? m->max_length : x->n;
	} else if (m->max_length && x->n == m->max_length) {
		struct arena_mark mark = arena_mark(arena);
		struct encoding whole;
		options.max_length = 0;
		int result =
			tokenizer_encode(m->tokenizer, NULL, all, NULL, &options, arena, &whole, e);
		*cut = !result && whole.n > x->n;
		arena_reset(arena, mark);
	}
	for (size_t i = 0; x->type_ids && i < x->n; i++)
		if (x->type_ids[i] >= m->config.n_types)
			return error_set(e, ERROR_MODEL,
				"the tokenizer gives token type %u, the model has %zu",
				x->type_ids[i], m->config.n_types);
	return 0;
}

static int encode_all(struct run_state *r, struct error *e)
{
	struct embedder *m = r->m;
	size_t failed = r->n, tokens = 0, truncated = 0;
	struct error first = { 0 };
#pragma omp parallel for schedule(dynamic, 16) num_threads((int)m->n_scratch) \
	reduction(+ : tokens, truncated)
	for (size_t i = 0; i < r->n; i++) {
		struct error mine = { 0 };
		bool cut = false;
		struct arena *arena = m->scratch[omp_get_thread_num()];
		if (encode(m, r->texts[i], arena, &r->encodings[i], &cut, &mine)) {
#pragma omp critical(embedder_error)
			if (i < failed) {
				failed = i;
				first = mine;
			}
			continue;
		}
		tokens += r->encodings[i].n;
		truncated += cut;
	}
	m->tokens += tokens;
	m->truncated += truncated;
	if (failed < r->n && e)
		*e = first;
	return failed < r->n ? -1 : 0;
}

/* --- The model ----------------------------------------------------------------------------- */

/* y [B, C] from h [T, C], of all tokens, or of those behind the prompt's. */
static void pool(const struct embedder *m, struct device *lane, const struct batch *b,
	struct tensor h, struct tensor y, enum pooling pooling)
{
	if (m->prompt_tokens == 0) {
		op_pool(lane, y, h, b->n_sequences, b->cu_seqlens, pooling);
		return;
	}
	for (size_t i = 0; i < b->n_sequences; i++) {
		size_t from = b->cu_seqlens[i], n = b->cu_seqlens[i + 1] - from;
		size_t skip = m->prompt_tokens < n ? m->prompt_tokens : n;
		op_pool(lane, tensor_rows(y, i, 1), tensor_rows(h, from + skip, n - skip), 1,
			(size_t[]){ 0, n - skip }, pooling);
	}
}

static struct tensor sentences(const struct embedder *m, struct device *lane, const struct batch *b)
{
	struct tensor y = tensor_matrix(lane, F32, b->n_sequences, m->pooled);
	if (!m->architecture) {
		op_bag(lane, y, m->table.table, m->table.scales, b->ids, b->n_sequences,
			b->cu_seqlens, true);
	} else {
		size_t c = m->config.hidden_size;
		struct tensor h = tensor_matrix(lane, F32, b->n_tokens, c);
		m->architecture->forward(m->model, lane, b, h);
		for (size_t i = 0; i < m->sentence.n_poolings; i++)
			pool(m, lane, b, h, tensor_columns(y, i * c, c), m->sentence.pooling[i]);
	}
	for (size_t i = 0; i < m->sentence.n_steps; i++) {
		const struct sentence_step *step = &m->sentence.steps[i];
		if (step->kind == STEP_NORMALIZE) {
			op_normalize(lane, y, y);
			continue;
		}
		struct tensor z = tensor_matrix(lane, F32, b->n_sequences, step->outputs);
		op_linear(lane, z, y, m->dense[i], step->activation);
		y = z;
	}
	y = tensor_columns(y, 0, m->size);
	if (m->normalize)
		op_normalize(lane, y, y);
	return y;
}

static void run_batch(
	void *context, struct device *lane, const struct batch *b, const size_t *order)
{
	struct run_state *r = context;
	size_t size = r->m->size;
	float *rows = MEM_ARRAY(float, size_mul(b->n_sequences, size));
	memset(rows, 0, b->n_sequences * size * sizeof *rows);
	tensor_read(lane, sentences(r->m, lane, b), rows);
	for (size_t i = 0; i < b->n_sequences; i++)
		memcpy(r->out + order[i] * size, rows + i * size, size * sizeof *rows);
	mem_free(rows);
}

static int check(const struct run_state *r, struct error *e)
{
	size_t size = r->m->size;
	for (size_t i = 0; i < r->n; i++)
		if (weights_count_bad(r->out + i * size, size))
			return error_set(e, ERROR_MODEL,
				"the model gives a vector that is not finite: its weights are "
				"broken");
	return 0;
}

/* The text of most tokens, the first of them. */
static size_t longest(const struct run_state *r)
{
	size_t best = 0;
	for (size_t i = 1; i < r->n; i++)
		best = r->encodings[i].n > r->encodings[best].n ? i : best;
	return best;
}

/* Where the device has no room, once more with batches of half as many tokens, down to a text at a
 * time; what fits is kept for the texts that follow. */
static int run_encoded(struct run_state *r, struct error *e)
{
	struct embedder *m = r->m;
	m->failed = SIZE_MAX;
	for (;;) {
		batches_run(m->device, r->encodings, r->n, m->batch_tokens, run_batch, r);
		if (device_sync(m->device, e) == 0)
			return check(r, e);
		size_t most = r->n ? longest(r) : 0;
		if (r->n == 0 || !device_recover(m->device))
			return -1;
		if (m->batch_tokens == 1) {
			m->failed = most;
			return error_wrap(
				e, "a text of %zu tokens does not fit", r->encodings[most].n);
		}
		m->batch_tokens /= 2;
	}
}

const char *embedder_device(const struct embedder *m)
{
	return device_name(m->device);
}

size_t embedder_failed(const struct embedder *m)
{
	return m->failed;
}

int embedder_run(
	struct embedder *m, const struct slice *texts, size_t n, float *out, struct error *e)
{
	struct run_state r = { .m = m, .texts = texts, .n = n, .out = out };
	r.encodings = mem_zero(n, sizeof *r.encodings);
	int result = encode_all(&r, e) || run_encoded(&r, e) ? -1 : 0;
	for (size_t i = 0; i < m->n_scratch; i++)
		arena_clear(m->scratch[i]);
	mem_free(r.encodings);
	return result;
}

int embedder_run_tokens(
	struct embedder *m, struct encoding *encodings, size_t n, float *out, struct error *e)
{
	struct run_state r = { .m = m, .n = n, .encodings = encodings, .out = out };
	return run_encoded(&r, e);
}
