/*
 * train.h: a tokenizer from texts, as the trainers of Hugging Face tokenizers 0.23 make it. The
 * normalizer and the pre-tokenizer of a template make words of texts; what is kept of the texts is
 * each different word and how often it occurs; the model is learnt from those. The words are taken
 * in the order of their bytes, so that neither the order of the texts nor the number of threads
 * changes a byte of the result.
 */
#pragma once
#include "lib/base/buffer.h"
#include "lib/token/tokenizer.h"

enum trainer_kind { TRAIN_WORDPIECE, TRAIN_BPE, TRAIN_UNIGRAM };

struct trainer_options {
	enum trainer_kind kind;
	size_t vocab_size; /* tokens, special ones counted */
	uint64_t min_frequency; /* of a pair that is merged; not Unigram */
	size_t max_token_length; /* characters of tokens of more than two; 0: any; BPE only */
	size_t limit_alphabet; /* characters, the rarest left out; 0: all; not Unigram */
	struct slice initial_alphabet; /* characters that are tokens whether they occur or not */
	const struct slice *special; /* special tokens behind those of the template */
	size_t n_special;
	void (*progress)(size_t done, size_t total); /* told while it learns, where not NULL */
};

struct trainer;

/*
 * From a template: a tokenizer.json whose normalizer, pre-tokenizer, post-processor, decoder and
 * special tokens the new tokenizer gets, the model's options too; it has to be of the kind. The
 * text is the caller's and must last, and so must what the options point to.
 */
struct trainer *trainer_new(struct slice template, const struct trainer_options *, struct error *);
void trainer_free(struct trainer *);

/* The template of a kind where the user has none: the text of BERT's, GPT-2's, T5's like. */
void trainer_template(struct buffer *, enum trainer_kind, bool lowercase);

/* The template as a tokenizer, for the scratch of trainer_add. */
const struct tokenizer *trainer_tokenizer(const struct trainer *);

/* What one thread has counted. */
struct word_counts;
struct word_counts *word_counts_new(void);
void word_counts_free(struct word_counts *);

/* Count the words of a text. -1 where the template's patterns fail, as in tokenizer_encode. */
int trainer_add(const struct trainer *, struct tokenizer_scratch *, struct slice text,
	struct word_counts *, struct error *);

/*
 * Learn from what n threads have counted, and append the tokenizer.json. -1: ERROR_DATA where there
 * are no words, ERROR_USAGE where the vocabulary has no room for the special tokens and the
 * alphabet. Threads share the work of Unigram.
 */
int trainer_run(struct trainer *, struct word_counts *const *, size_t n, size_t threads,
	struct buffer *json, struct error *);
