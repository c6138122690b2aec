/*
 * tokenize_run.c: records in batches. Threads encode chunks of a batch into buffers of their own, which
 * go out in order.
 */
#include <omp.h>

#include "cmd/tokenize_private.h"

enum { BATCH_RECORDS = 8192, BATCH_BYTES = 1 << 22, CHUNK_RECORDS = 64 };

static record_function *one;
static const char *doing;

struct chunk {
	struct buffer out;
	size_t first, n; /* records of the batch */
	size_t tokens;
	size_t *ends; /* [n], of each record in out */
	struct error **errors; /* [n], NULL where all is well */
	bool failed;
};

static void work(struct chunk *c, const struct record *records, struct worker *w)
{
	for (size_t i = 0; i < c->n; i++) {
		struct error e;
		const struct record *r = &records[c->first + i];
		int rc = one(&c->out, r, w, &c->tokens, &e);
		arena_clear(w->arena);
		c->ends[i] = c->out.size;
		c->errors[i] = NULL;
		if (rc) {
			c->errors[i] = mem_alloc(sizeof e);
			*c->errors[i] = e;
			c->failed = true;
		}
	}
}

/* In the order of records: what is good is written, what is bad set aside. */
static void finish(struct chunk *c, const struct record *records)
{
	command_count("tokens", (double)c->tokens);
	c->tokens = 0;
	if (!c->failed) {
		command_write(&c->out, c->n);
		return;
	}
	struct buffer part = { NULL, 0, 0 };
	for (size_t i = 0, start = 0; i < c->n; start = c->ends[i++]) {
		if (!c->errors[i]) {
			buffer_add(&part, c->out.data + start, c->ends[i] - start);
			command_write(&part, 1);
			continue;
		}
		struct error e = *c->errors[i];
		mem_free(c->errors[i]);
		command_reject(&records[c->first + i], &e);
	}
	buffer_free(&part);
	buffer_clear(&c->out);
	c->failed = false;
}

/*
 * Records on their way: while threads encode one batch, the first of them writes the one before and
 * reads the next.
 */
struct batch {
	struct arena *memory;
	struct record *records; /* [BATCH_RECORDS] */
	struct chunk *chunks; /* [CHUNKS] */
	size_t *ends; /* [BATCH_RECORDS], of the chunks */
	struct error **errors; /* [BATCH_RECORDS] */
	size_t n, n_chunks;
	bool failed; /* reading ended so, behind these records */
	struct error error;
};

enum { CHUNKS = BATCH_RECORDS / CHUNK_RECORDS, BATCHES = 3 };

static void new_batch(struct batch *b)
{
	*b = (struct batch){ .memory = arena_new(),
		.records = MEM_ARRAY(struct record, BATCH_RECORDS),
		.chunks = mem_zero(CHUNKS, sizeof *b->chunks),
		.ends = MEM_ARRAY(size_t, BATCH_RECORDS),
		.errors = MEM_ARRAY(struct error *, BATCH_RECORDS) };
}

static void free_batch(struct batch *b)
{
	for (size_t i = 0; i < CHUNKS; i++)
		buffer_free(&b->chunks[i].out);
	arena_free(b->memory);
	mem_free(b->records);
	mem_free(b->chunks);
	mem_free(b->ends);
	mem_free(b->errors);
}

static void read_batch(struct batch *b)
{
	int more = 1;
	b->n = 0;
	arena_clear(b->memory);
	for (size_t bytes = 0; b->n < BATCH_RECORDS && bytes < BATCH_BYTES; b->n++) {
		more = command_read(b->memory, &b->records[b->n], &b->error);
		if (more <= 0)
			break;
		bytes += b->records[b->n].raw.size;
	}
	b->failed = more < 0;
	b->n_chunks = (b->n + CHUNK_RECORDS - 1) / CHUNK_RECORDS;
	for (size_t i = 0; i < b->n_chunks; i++) {
		struct chunk *c = &b->chunks[i];
		c->first = i * CHUNK_RECORDS;
		c->n = i + 1 < b->n_chunks ? CHUNK_RECORDS : b->n - c->first;
		c->ends = b->ends + c->first;
		c->errors = b->errors + c->first;
	}
}

static void write_batch(struct batch *b)
{
	static size_t done;
	for (size_t i = 0; i < b->n_chunks; i++)
		finish(&b->chunks[i], b->records);
	command_progress(doing, done += b->n, 0);
	if (b->failed)
		command_fail(&b->error);
}

/* One batch is encoded; the one before, if any, is written and the next read. */
static void turn(
	struct batch *before, struct batch *now, struct batch *next, struct worker *workers)
{
#pragma omp parallel num_threads((int)run.threads) if (now->n_chunks > 1)
	{
#pragma omp master
		{
			if (before)
				write_batch(before);
			next->n = 0;
			if (!now->failed)
				read_batch(next);
		}
#pragma omp for schedule(dynamic, 1)
		for (size_t i = 0; i < now->n_chunks; i++)
			work(&now->chunks[i], now->records, &workers[omp_get_thread_num()]);
	}
}

void run_records(record_function *function, const struct tokenizer *tokenizer, const char *what)
{
	one = function;
	doing = what;
	struct batch batches[BATCHES];
	struct worker *workers = MEM_ARRAY(struct worker, run.threads);
	for (size_t i = 0; i < BATCHES; i++)
		new_batch(&batches[i]);
	for (size_t i = 0; i < run.threads; i++)
		workers[i] = (struct worker){ arena_new(), tokenizer_scratch_new(tokenizer) };
	read_batch(&batches[0]);
	struct batch *before = NULL, *now = &batches[0];
	for (size_t i = 1; now->n; i++) {
		struct batch *next = &batches[i % BATCHES];
		turn(before, now, next, workers);
		before = now;
		now = next;
	}
	if (before)
		write_batch(before);
	if (now->failed)
		command_fail(&now->error);
	for (size_t i = 0; i < BATCHES; i++)
		free_batch(&batches[i]);
	for (size_t i = 0; i < run.threads; i++) {
		arena_free(workers[i].arena);
		tokenizer_scratch_free(workers[i].scratch);
	}
	mem_free(workers);
}
