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

/* Texts as tokens. */
struct embedder_texts {
	struct encoding *encodings; /* [n] */
	size_t n, n_arenas;
	struct arena **arenas; /* one a thread; what the encodings point to */
};

struct run_state {
	struct embedder *m;
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

struct embedder_texts *embedder_texts_new(void)
{
	struct embedder_texts *t = mem_zero(1, sizeof *t);
	t->n_arenas = (size_t)omp_get_max_threads();
	t->arenas = MEM_ARRAY(struct arena *, t->n_arenas);
	for (size_t i = 0; i < t->n_arenas; i++)
		t->arenas[i] = arena_new();
	return t;
}

void embedder_texts_free(struct embedder_texts *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_arenas; i++)
		arena_free(t->arenas[i]);
	mem_free(t->arenas);
	mem_free(t->encodings);
	mem_free(t);
}

int embedder_tokenize(struct embedder *m, const struct slice *texts, size_t n,
	struct embedder_texts *t, struct error *e)
{
	size_t failed = n, tokens = 0, truncated = 0;
	struct error first = { 0 };
	for (size_t i = 0; i < t->n_arenas; i++)
		arena_clear(t->arenas[i]);
	mem_free(t->encodings);
	t->encodings = mem_zero(n, sizeof *t->encodings);
	t->n = n;
#pragma omp parallel for schedule(dynamic, 16) num_threads((int)t->n_arenas) \
	reduction(+ : tokens, truncated)
	for (size_t i = 0; i < n; i++) {
		struct error mine = { 0 };
		bool cut = false;
		struct arena *arena = t->arenas[omp_get_thread_num()];
		if (encode(m, texts[i], arena, &t->encodings[i], &cut, &mine)) {
#pragma omp critical(embedder_error)
			if (i < failed) {
				failed = i;
				first = mine;
			}
			continue;
		}
		tokens += t->encodings[i].n;
		truncated += cut;
	}
	m->tokens += tokens;
	m->truncated += truncated;
	if (failed < n && e)
		*e = first;
	return failed < n ? -1 : 0;
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

int embedder_run_tokens(
	struct embedder *m, const struct encoding *encodings, size_t n, float *out, struct error *e)
{
	struct run_state r = { m, out };
	if (batches_run(m->device, encodings, n, &m->batch_tokens, run_batch, &r, &m->failed, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (weights_count_bad(out + i * m->size, m->size))
			return error_set(e, ERROR_MODEL,
				"the model gives a vector that is not finite: its weights are "
				"broken%s",
				m->dtype == F16 ? ", or its numbers too large for --dtype f16"
						: "");
	return 0;
}

int embedder_compute(
	struct embedder *m, const struct embedder_texts *t, float *out, struct error *e)
{
	return embedder_run_tokens(m, t->encodings, t->n, out, e);
}

int embedder_run(
	struct embedder *m, const struct slice *texts, size_t n, float *out, struct error *e)
{
	struct embedder_texts *t = embedder_texts_new();
	int result =
		embedder_tokenize(m, texts, n, t, e) || embedder_compute(m, t, out, e) ? -1 : 0;
	embedder_texts_free(t);
	return result;
}

/* --- What it is ---------------------------------------------------------------------------- */

bool embedder_on_card(const struct embedder *m)
{
	return device_on_card(m->device);
}

size_t embedder_batch_tokens(const struct embedder *m)
{
	return m->batch_tokens;
}

size_t embedder_failed(const struct embedder *m)
{
	return m->failed;
}
