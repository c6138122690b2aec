/*
 * tokenize_run.c: records in batches, on all threads. The first thread reads batches, writes those that
 * are done, in order, and helps where there is neither to do; the others encode, chunk by chunk, into
 * buffers that belong to the chunk. Nobody waits for a batch to end but who writes it. A batch is small
 * enough for the cache that it is read, encoded and written from.
 */
#include <pthread.h>

#include "cmd/tokenize_private.h"

enum {
	BATCHES = 8,
	BATCH_RECORDS = 8192,
	BATCH_BYTES = 1 << 19,
	CHUNK_RECORDS = 64,
	CHUNK_BYTES = 1 << 15,
	CHUNKS = BATCH_RECORDS / CHUNK_RECORDS + BATCH_BYTES / CHUNK_BYTES + 1
};

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

struct batch {
	struct arena *memory;
	struct record *records; /* [BATCH_RECORDS] */
	struct chunk *chunks; /* [CHUNKS] */
	size_t *ends; /* [BATCH_RECORDS], of the chunks */
	struct error **errors; /* [BATCH_RECORDS] */
	size_t n, n_chunks;
	size_t taken, left; /* chunks that somebody has begun, that are not done */
	bool failed; /* reading ended so, behind these records */
	struct error error;
};

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
	if (!b->memory)
		return;
	for (size_t i = 0; i < CHUNKS; i++)
		buffer_free(&b->chunks[i].out);
	arena_free(b->memory);
	mem_free(b->records);
	mem_free(b->chunks);
	mem_free(b->ends);
	mem_free(b->errors);
}

/* The chunk for the next record of a batch: the last one, unless it has enough. */
static struct chunk *chunk_for_next(struct batch *b, size_t *bytes)
{
	struct chunk *c = &b->chunks[b->n_chunks ? b->n_chunks - 1 : 0];
	if (b->n_chunks && c->n < CHUNK_RECORDS && *bytes < CHUNK_BYTES)
		return c;
	c = &b->chunks[b->n_chunks++];
	c->first = b->n;
	c->n = *bytes = 0;
	c->ends = b->ends + b->n;
	c->errors = b->errors + b->n;
	return c;
}

/* A batch has its memory from the first time that it is read. */
static void read_batch(struct batch *b)
{
	int more = 1;
	if (!b->memory)
		new_batch(b);
	b->n = b->n_chunks = b->taken = 0;
	arena_clear(b->memory);
	for (size_t bytes = 0, of_chunk = 0; b->n < BATCH_RECORDS && bytes < BATCH_BYTES; b->n++) {
		struct record *r = &b->records[b->n];
		more = command_read(b->memory, r, &b->error);
		if (more <= 0)
			break;
		chunk_for_next(b, &of_chunk)->n++;
		of_chunk += r->raw.size;
		bytes += r->raw.size;
	}
	b->left = b->n_chunks;
	b->failed = more < 0;
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

/* --- Threads -------------------------------------------------------------------------------- */

/* Batches are numbered as they are read: written <= begun <= filled; number i lies at i % BATCHES. */
static struct {
	pthread_mutex_t lock; /* of all below, and of taken and left */
	pthread_cond_t filling, done; /* a batch more, or the end; a batch is done */
	struct batch batches[BATCHES];
	size_t written, begun, filled;
	bool over;
} line = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.filling = PTHREAD_COND_INITIALIZER,
	.done = PTHREAD_COND_INITIALIZER };

static struct batch *batch_at(size_t i)
{
	return &line.batches[i % BATCHES];
}

/* Encode a chunk, if there is one that nobody has begun; the lock is held before and behind. */
static bool help(struct worker *w)
{
	while (line.begun < line.filled &&
		batch_at(line.begun)->taken == batch_at(line.begun)->n_chunks)
		line.begun++;
	if (line.begun == line.filled)
		return false;
	struct batch *b = batch_at(line.begun);
	struct chunk *c = &b->chunks[b->taken++];
	pthread_mutex_unlock(&line.lock);
	work(c, b->records, w);
	pthread_mutex_lock(&line.lock);
	if (--b->left == 0)
		pthread_cond_signal(&line.done);
	return true;
}

static void *help_all(void *worker)
{
	pthread_mutex_lock(&line.lock);
	while (help(worker) || !line.over)
		if (line.begun == line.filled && !line.over)
			pthread_cond_wait(&line.filling, &line.lock);
	pthread_mutex_unlock(&line.lock);
	return NULL;
}

/* As many as the system gives: the first thread can do it all. */
static size_t start_threads(pthread_t *threads, struct worker *workers)
{
	size_t n = 0;
	while (n + 1 < run.threads &&
		pthread_create(&threads[n], NULL, help_all, &workers[n + 1]) == 0)
		n++;
	return n;
}

/* Read the next batch; false where there is none. */
static bool fill(void)
{
	struct batch *b = batch_at(line.filled);
	pthread_mutex_unlock(&line.lock);
	read_batch(b);
	pthread_mutex_lock(&line.lock);
	line.filled += b->n > 0;
	pthread_cond_broadcast(&line.filling);
	return b->n > 0;
}

static void empty(void)
{
	pthread_mutex_unlock(&line.lock);
	write_batch(batch_at(line.written));
	pthread_mutex_lock(&line.lock);
	line.written++;
	/* all of it was taken; what is read in its place is not to be taken for what was */
	if (line.begun < line.written)
		line.begun = line.written;
}

struct loading {
	load_function *load;
	const struct tokenizer *tokenizer;
};

static void *load_all(void *loading)
{
	struct loading *l = loading;
	l->tokenizer = l->load();
	return NULL;
}

/* Records are read while another thread loads the model; false where there are no more. */
static bool read_ahead(struct loading *l)
{
	pthread_t loader;
	bool more = true;
	if (run.threads == 1 || pthread_create(&loader, NULL, load_all, l)) {
		load_all(l);
		return true;
	}
	int busy;
	pthread_mutex_lock(&line.lock);
	while ((busy = pthread_tryjoin_np(loader, NULL)) && more && line.filled < BATCHES)
		more = fill() && !batch_at(line.filled - 1)->failed;
	pthread_mutex_unlock(&line.lock);
	if (busy)
		pthread_join(loader, NULL);
	return more;
}

/* All that the first thread does once there is a model; more: than has been read. */
static size_t read_and_write(struct worker *workers, pthread_t *threads, bool more)
{
	size_t n_threads = 0;
	bool started = false;
	pthread_mutex_lock(&line.lock);
	while (more || line.written < line.filled) {
		if (line.written < line.filled && batch_at(line.written)->left == 0)
			empty();
		else if (more && line.filled - line.written < BATCHES)
			more = fill() && !batch_at(line.filled - 1)->failed;
		else if (!help(&workers[0]))
			pthread_cond_wait(&line.done, &line.lock);
		if (!started && (line.filled > 1 || batch_at(0)->n_chunks > 1)) {
			n_threads = start_threads(threads, workers);
			started = true;
		}
	}
	line.over = true;
	pthread_cond_broadcast(&line.filling);
	pthread_mutex_unlock(&line.lock);
	return n_threads;
}

void run_records(record_function *function, load_function *load, const char *what)
{
	one = function;
	doing = what;
	struct loading l = { load, NULL };
	bool more = read_ahead(&l);
	struct worker *workers = MEM_ARRAY(struct worker, run.threads);
	pthread_t *threads = MEM_ARRAY(pthread_t, run.threads);
	for (size_t i = 0; i < run.threads; i++)
		workers[i] = (struct worker){ i, arena_new(), tokenizer_scratch_new(l.tokenizer) };
	size_t n = read_and_write(workers, threads, more);
	/* a failure behind records ended the run where they were written */
	if (batch_at(line.filled)->failed)
		command_fail(&batch_at(line.filled)->error);
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < BATCHES; i++)
		free_batch(&line.batches[i]);
	for (size_t i = 0; i < run.threads; i++) {
		arena_free(workers[i].arena);
		tokenizer_scratch_free(workers[i].scratch);
	}
	mem_free(workers);
	mem_free(threads);
}
