/*
 * tokenize_train.c: --train: a tokenizer from the texts of the records. Each thread counts the
 * words that it meets; what is learnt from the counts is written as tokenizer.json.
 */
#include "cmd/tokenize_private.h"
#include "lib/token/train.h"

static struct trainer *trainer;
static struct word_counts **counts; /* [threads] */
static size_t want;

static int add_record(struct buffer *out, const struct record *r, struct worker *w, size_t *tokens,
	struct error *e)
{
	struct slice text;
	(void)out;
	(void)tokens;
	if (record_text(r, want, run.text_key, w->arena, &text, e))
		return -1;
	if (trainer_add(trainer, w->scratch, text, counts[w->number], e))
		return error_wrap(e, "%s:%zu", r->file, r->line);
	return 0;
}

static void show_progress(size_t done, size_t total)
{
	command_progress("learning", done, total);
}

static const struct tokenizer *tokenizer_of_trainer(void)
{
	return trainer_tokenizer(trainer);
}

void train_all(const struct trainer_options *options, const char *model, bool lowercase)
{
	struct trainer_options o = *options;
	o.progress = show_progress;
	struct error e;
	struct arena *arena = arena_new();
	struct buffer usual = { NULL, 0, 0 };
	trainer_template(&usual, o.kind, lowercase);
	struct slice template = buffer_view(&usual);
	if (model && tokenizer_read_json(find_model(model, arena), arena, &template, &e)) {
		error_wrap(&e, "--train takes over a tokenizer.json only");
		command_fail(&e);
	}
	if (!(trainer = trainer_new(template, &o, &e))) {
		if (model)
			error_wrap(&e, "%s", model);
		command_fail(&e);
	}
	counts = MEM_ARRAY(struct word_counts *, run.threads);
	for (size_t i = 0; i < run.threads; i++)
		counts[i] = word_counts_new();
	want = reader_want(run.reader, run.text_key);
	command_output_bytes();
	run_records(add_record, tokenizer_of_trainer, "reading");
	struct buffer json = { NULL, 0, 0 };
	if (trainer_run(trainer, counts, run.threads, run.threads, &json, &e))
		command_fail(&e);
	command_write(&json, 0);
	for (size_t i = 0; i < run.threads; i++)
		word_counts_free(counts[i]);
	mem_free(counts);
	trainer_free(trainer);
	buffer_free(&json);
	buffer_free(&usual);
	arena_free(arena);
}
