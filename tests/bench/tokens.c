/*
 * tokens.c: how fast texts in memory become ids, for tokens.py, which runs the peers beside it:
 * 	tokens TOKENIZER TEXTS.jsonl
 * prints one JSON object: milliseconds to open the tokenizer (best of three), MB/s of CPU time of
 * the first pass over the texts and of the best of 20, of CPU time of two threads together, which a
 * busy machine leaves alone (asleep while they wait: OMP_WAIT_POLICY=passive), by wall clock of the
 * best with one thread and with two, in turns, the number of tokens and a hash of the ids.
 */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/random.h"
#include "lib/record/record.h"
#include "lib/token/tokenizer.h"

enum { ROUNDS = 20 };

struct texts {
	struct slice *at;
	size_t n, bytes;
};

static double seconds(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fail(const struct error *e)
{
	fprintf(stderr, "tokens: %s\n", e->msg);
	exit(1);
}

static struct texts read_texts(const char *path, struct arena *arena)
{
	struct error e;
	struct texts t = { NULL, 0, 0 };
	struct reader *r = reader_open(
		&(struct reader_options){ .files = &path, .n_files = 1, .format = FORMAT_JSONL },
		&e);
	if (!r)
		fail(&e);
	size_t want = reader_want(r, "text"), capacity = 0;
	struct record rec;
	int more;
	while ((more = reader_next(r, arena, &rec, NULL, &e)) > 0) {
		struct slice text;
		if (record_text(&rec, want, "text", arena, &text, &e))
			fail(&e);
		if (t.n == capacity) {
			size_t twice = 2 * capacity + 1024;
			t.at = mem_resize(t.at, capacity * sizeof *t.at, twice * sizeof *t.at);
			capacity = twice;
		}
		t.bytes += text.size;
		t.at[t.n++] = arena_copy(arena, text);
	}
	if (more < 0)
		fail(&e);
	reader_close(r);
	return t;
}

static struct tokenizer *open_best(const char *path, double *ms)
{
	struct tokenizer *t = NULL;
	struct error e;
	*ms = 1e9;
	for (int i = 0; i < 3; i++) {
		tokenizer_free(t);
		double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
		if (!(t = tokenizer_open(path, &e)))
			fail(&e);
		double took = 1e3 * (seconds(CLOCK_PROCESS_CPUTIME_ID) - start);
		*ms = took < *ms ? took : *ms;
	}
	return t;
}

/* All texts once; the hash does not depend on which thread takes which. */
static size_t pass(const struct tokenizer *t, struct tokenizer_scratch **scratch,
	const struct texts *texts, int threads, uint64_t *hash)
{
	size_t tokens = 0;
	uint64_t sum = 0;
#pragma omp parallel num_threads(threads) reduction(+ : tokens, sum)
	{
		struct arena *arena = arena_new();
		/* as tokenize has it: the reader has seen that they are */
		struct tokenizer_options o = { .add_special = false, .is_utf8 = true };
#pragma omp for schedule(dynamic, 64)
		for (size_t i = 0; i < texts->n; i++) {
			struct encoding x;
			struct error e;
			if (tokenizer_encode(t, scratch[omp_get_thread_num()], texts->at[i], NULL,
				    &o, arena, &x, &e))
				fail(&e);
			tokens += x.n;
			uint64_t h = i;
			for (size_t k = 0; hash && k < x.n; k++)
				h = random_mix(h + x.ids[k]);
			sum += h;
			arena_clear(arena);
		}
		arena_free(arena);
	}
	if (hash)
		*hash = sum;
	return tokens;
}

struct rate {
	double first, best,
		wall; /* MB/s: by CPU time of the first pass and of the best, by the clock */
};

static double faster(double a, double b)
{
	return a > b ? a : b;
}

static void measure(const struct tokenizer *t, struct tokenizer_scratch **scratch,
	const struct texts *texts, int threads, struct rate *r)
{
	double mb = (double)texts->bytes / 1e6;
	double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), clock = seconds(CLOCK_MONOTONIC);
	pass(t, scratch, texts, threads, NULL);
	double rate = mb / (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
	r->wall = faster(r->wall, mb / (seconds(CLOCK_MONOTONIC) - clock));
	r->first = r->first > 0 ? r->first : rate;
	r->best = faster(r->best, rate);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		printf("run by tokens.py\n");
		return 0;
	}
	struct arena *arena = arena_new();
	struct texts texts = read_texts(argv[2], arena);
	double ms;
	struct tokenizer *t = open_best(argv[1], &ms);
	struct tokenizer_scratch *scratch[2] = { tokenizer_scratch_new(t),
		tokenizer_scratch_new(t) };
	struct rate one = { 0 }, two = { 0 };
	for (int round = 0; round < ROUNDS; round++) {
		measure(t, scratch, &texts, 1, &one);
		measure(t, scratch, &texts, 2, &two);
	}
	uint64_t hash[2];
	size_t tokens = pass(t, scratch, &texts, 1, &hash[0]);
	pass(t, scratch, &texts, 2, &hash[1]);
	printf("{\"open_ms\":%.2f,\"first\":%.1f,\"best\":%.1f,\"two\":%.1f,\"wall\":[%.1f,%.1f],"
	       "\"tokens\":%zu,"
	       "\"hash\":\"%016llx\",\"same\":%s}\n",
		ms, one.first, one.best, two.best, one.wall, two.wall, tokens,
		(unsigned long long)hash[0], hash[0] == hash[1] ? "true" : "false");
	tokenizer_scratch_free(scratch[0]);
	tokenizer_scratch_free(scratch[1]);
	tokenizer_free(t);
	arena_free(arena);
	return 0;
}
