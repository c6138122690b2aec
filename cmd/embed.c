/*
 * embed: texts into vectors. Records are read in windows; a window's texts are tokenized and
 * computed on all threads (lib/model/embedder.h), its records composed on all threads, and written
 * in order. Windows begin small, so that the first records come out at once, and memory stays
 * bounded. While a card computes a full window, the one before is written and the next is read and
 * tokenized.
 */
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>

#include "cmd/command.h"
#include "lib/file/npy.h"
#include "lib/model/embedder.h"

enum {
	FIRST_WINDOW = 32, /* records; doubled up to */
	LAST_WINDOW = 2048,
	WINDOW_BYTES = 4 << 20, /* of records; one more is always read */
	CHUNK = 32, /* records that one thread composes */
};

static const char *model;
static struct embedder_options asked;
static int pooling;
static bool normalize;

static int set_batch_tokens(const char *text, struct error *e)
{
	enum { MOST = 1 << 24 };
	size_t n = 0, digits = strspn(text, "0123456789");
	if (digits > 0 && digits < 10 && !text[digits])
		n = strtoul(text, NULL, 10);
	if ((n < 1 || n > MOST) && strcmp(text, "auto") != 0)
		return error_set(e, ERROR_USAGE,
			"wants a whole number from 1 to %d, or auto, not '%s'", MOST, text);
	asked.batch_tokens = n;
	return 0;
}

static const struct option options[] = {
	OPTION_STRING('m', "model", &model, "MODEL",
		"a model folder, by path or by name in HEDDLE_MODELS or the Hugging Face cache "
		"[built-in]"),
	OPTION_CHOICE(0, "pooling", &pooling, EMBEDDER_POOLING,
		"how token vectors become one [as the model says]"),
	OPTION_FLAG(0, "normalize", &normalize,
		"scale vectors to length 1, or do not [as the model says]"),
	OPTION_COUNT(0, "max-length", &asked.max_length, 1, 1 << 20, "N",
		"cut texts to N tokens, special ones counted [as the model says]"),
	OPTION_STRING(0, "prompt", &asked.prompt, "TEXT", "put TEXT before every text"),
	OPTION_STRING(0, "prompt-name", &asked.prompt_name, "NAME",
		"put the model's prompt of this name before every text [its default, if any]"),
	OPTION_COUNT(0, "truncate-dim", &asked.truncate_dim, 1, 1 << 20, "N",
		"keep only the first N dimensions [all]"),
	OPTION_CALL(0, "batch-tokens", set_batch_tokens, "N",
		"compute about N tokens at a time, or auto; the result is the same [auto]"),
	OPTION_END,
};

static const char *const keys[] = { "embedding" };

static const char *const examples[] = {
	"embed docs.jsonl >vectors.jsonl",
	"embed the key text of each record with the built-in static model",
	"embed -m all-MiniLM-L6-v2 --encoding base64 docs.jsonl | reduce -n 5 | cluster",
	"a transformer's vectors into a pipeline",
	"embed --text-key title --vectors titles.npy -o titles.jsonl docs.csv",
	"keep the vectors beside the records, as a NumPy matrix",
	NULL,
};

static const struct command command = {
	.name = "embed",
	.summary = "turn texts into vectors",
	.options = options,
	.has = COMMAND_TEXT_KEY | COMMAND_OUTPUT_KEY | COMMAND_VECTORS_OUT | COMMAND_DTYPE,
	.keys = keys,
	.n_keys = 1,
	.examples = examples,
};

/* Records read together, and what becomes of them. */
struct window {
	struct arena *arena;
	struct record *records; /* [n] */
	struct slice *texts; /* [n] */
	struct error *errors; /* [n], code 0: composed */
	float *vectors; /* [n, size] */
	struct buffer *chunks; /* [LAST_WINDOW / CHUNK] */
	struct embedder_texts *tokens;
	size_t n, size;

	/* computing: by a thread where `beside` */
	struct embedder *embedder;
	pthread_t thread;
	bool beside;
	int result;
	struct error error;
};

static struct npy_writer *npy; /* of --vectors */

static struct window window_new(struct embedder *m)
{
	size_t size = embedder_size(m);
	return (struct window){
		.arena = arena_new(),
		.records = MEM_ARRAY(struct record, LAST_WINDOW),
		.texts = MEM_ARRAY(struct slice, LAST_WINDOW),
		.errors = MEM_ARRAY(struct error, LAST_WINDOW),
		.vectors = MEM_ARRAY(float, size_mul(LAST_WINDOW, size)),
		.chunks = mem_zero(LAST_WINDOW / CHUNK, sizeof(struct buffer)),
		.tokens = embedder_texts_new(),
		.size = size,
		.embedder = m,
	};
}

static void window_free(struct window *w)
{
	arena_free(w->arena);
	mem_free(w->records);
	mem_free(w->texts);
	mem_free(w->errors);
	mem_free(w->vectors);
	for (size_t i = 0; i < LAST_WINDOW / CHUNK; i++)
		buffer_free(&w->chunks[i]);
	mem_free(w->chunks);
	embedder_texts_free(w->tokens);
}

/* Read up to n records that have a text. False where the input ended before the first. */
static bool window_read(struct window *w, size_t text, size_t n)
{
	size_t bytes = 0;
	arena_clear(w->arena);
	w->n = 0;
	while (w->n < n && bytes < WINDOW_BYTES && command_next(w->arena, &w->records[w->n])) {
		struct record *r = &w->records[w->n];
		struct error e;
		if (record_text(r, text, run.text_key, w->arena, &w->texts[w->n], &e)) {
			command_reject(r, &e);
			continue;
		}
		bytes += r->raw.size;
		w->n++;
	}
	return w->n > 0;
}

static void *compute(void *window)
{
	struct window *w = window;
	w->result = embedder_compute(w->embedder, w->tokens, w->vectors, &w->error);
	return w;
}

/* Compute the window's vectors: now, or on a card in a thread of their own. */
static void window_start(struct window *w, bool beside)
{
	w->beside = beside && pthread_create(&w->thread, NULL, compute, w) == 0;
	if (!w->beside)
		compute(w);
}

static void window_finish(struct window *w)
{
	if (w->beside)
		pthread_join(w->thread, NULL);
	w->beside = false;
	if (w->result == 0)
		return;
	size_t at = embedder_failed(w->embedder);
	if (at < w->n)
		error_wrap(&w->error, "%s:%zu", w->records[at].file, w->records[at].line);
	w->n = 0;
	w->result = 0; /* it is told once */
	command_fail(&w->error);
}

/* The records with their vectors, as text, in chunks. */
static void window_compose(struct window *w)
{
#pragma omp parallel for schedule(dynamic, 1)
	for (size_t k = 0; k < (w->n + CHUNK - 1) / CHUNK; k++) {
		struct buffer *b = &w->chunks[k];
		buffer_clear(b);
		for (size_t i = k * CHUNK; i < w->n && i < (k + 1) * CHUNK; i++) {
			size_t start = b->size;
			w->errors[i] = (struct error){ 0 };
			if (writer_begin(run.writer, b, &w->records[i], &w->errors[i])) {
				b->size = start;
				continue;
			}
			if (!run.vectors)
				writer_vector(run.writer, b, w->vectors + i * w->size, w->size);
			writer_end(run.writer, b);
		}
	}
}

static void window_write(struct window *w)
{
	for (size_t k = 0; k < (w->n + CHUNK - 1) / CHUNK; k++) {
		size_t written = 0;
		for (size_t i = k * CHUNK; i < w->n && i < (k + 1) * CHUNK; i++) {
			struct error e;
			if (w->errors[i].code) {
				command_reject(&w->records[i], &w->errors[i]);
				continue;
			}
			if (npy && npy_writer_add(npy, w->vectors + i * w->size, w->size, &e))
				command_fail(&e);
			written++;
		}
		command_write(&w->chunks[k], written);
	}
}

static void window_end(struct window *w)
{
	if (!w->n)
		return;
	void (*finish)(void) = run.finish;
	run.finish = NULL; /* nothing twice */
	window_compose(w);
	window_write(w);
	w->n = 0;
	run.finish = finish;
}

static struct window windows[2], *last = &windows[1]; /* what was started last */
static void end_last(void)
{
	window_finish(last);
	window_end(last);
}

/* The window that was computed last is written while the next is computed, if both are full: what
 * comes in slowly is not held back. */
static void run_windows(struct embedder *m, size_t text)
{
	struct error e;
	struct window *w = &windows[0];
	*w = window_new(m);
	*last = window_new(m);
	run.finish = end_last;
	for (size_t n = FIRST_WINDOW; window_read(w, text, n); n = n < LAST_WINDOW ? 2 * n : n) {
		if (embedder_tokenize(m, w->texts, w->n, w->tokens, &e))
			command_fail(&e);
		window_finish(last);
		window_start(w, embedder_on_card(m) && n == LAST_WINDOW);
		window_end(last);
		struct window *other = last;
		last = w;
		w = other;
		if (!last->beside)
			end_last();
	}
	end_last();
	window_free(&windows[0]);
	window_free(&windows[1]);
}

int main(int argc, char **argv)
{
	struct error e;
	command_begin(&command, argc, argv);
	asked.pooling = (enum embedder_pooling)pooling;
	if (command_given("normalize"))
		asked.normalize = normalize ? EMBEDDER_NORMALIZE : EMBEDDER_NORMALIZE_NOT;
	asked.dtype = (enum dtype)run.dtype;
	asked.device = run.device;
	if (asked.prompt && asked.prompt_name)
		command_usage("--prompt and --prompt-name exclude each other");
	size_t text = reader_want(run.reader, run.text_key);
	struct embedder *m =
		embedder_open(model ? model : command_data(EMBEDDER_BUILTIN), &asked, &e);
	if (!m)
		command_fail(&e);
	npy = run.vectors ? npy_writer_open(run.vectors, &e) : NULL;
	if (run.vectors && !npy)
		command_fail(&e);
	command_output(run.vectors ? 0 : 1);
	run_windows(m, text);
	size_t tokens = embedder_batch_tokens(m);
	command_detail("batches of %zu token%s", tokens, plural(tokens));
	if (npy && npy_writer_close(npy, &e))
		command_fail(&e);
	command_count("tokens", (double)embedder_tokens(m));
	command_count("truncated", (double)embedder_truncated(m));
	embedder_free(m);
	return command_end();
}
