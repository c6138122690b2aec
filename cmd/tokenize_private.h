/* tokenize_private.h: between the files of tokenize. */
#pragma once
#include "cmd/command.h"
#include "lib/token/tokenizer.h"
#include "lib/token/train.h"

/* Where a file, a folder, or a model by its name is. */
const char *find_model(const char *name, struct arena *);

/* The tokenizer of a file, a folder, or a model by its name; of the built-in model for NULL. */
struct tokenizer *find_tokenizer(const char *name);

/* --- tokenize_run.c: records in batches, on all threads -------------------------------------- */

/* What a thread has of its own. */
struct worker {
	size_t number; /* below run.threads */
	struct arena *arena;
	struct tokenizer_scratch *scratch;
};

/* Append what becomes of a record to the buffer, and its tokens to their number. */
typedef int record_function(
	struct buffer *, const struct record *, struct worker *, size_t *tokens, struct error *);

/* Open the model and see that the options fit it, while other threads do other things. */
typedef const struct tokenizer *load_function(void);

/* All records through the function, for a model that is loaded first; doing: for the progress. */
void run_records(record_function *, load_function *, const char *doing);

/* --- tokenize_show.c: tokens for the eye ----------------------------------------------------- */

/*
 * Print every text with its tokens: a line for the model, or one for each of several that are
 * compared, with its name, and an empty line.
 */
void show_all(const struct strings *compared, const char *model, bool add_special);

/* --- tokenize_train.c ------------------------------------------------------------------------ */

/*
 * Learn a tokenizer from all texts and write its tokenizer.json. It is made like that of a model (a
 * file, a folder or a name), else in the usual way of its kind, lowercasing or not.
 */
void train_all(const struct trainer_options *, const char *model, bool lowercase);
