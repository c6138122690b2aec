/*
 * topics_private.h: what the files of topics share: what the user said, the encoder, and saved
 * topics. topics.c has the options and fits, topics_saved.c describes and compares saved topics,
 * topics_assign.c gives new records the nearest of them.
 */
#pragma once
#include "cmd/command.h"
#include "lib/learn/representation.h"
#include "lib/learn/vector_source.h"

struct topics_said {
	const char *model, *cluster_key, *stop_words, *report, *table, *save, *load, *find;
	const char *chain_text;
	struct strings aspect_texts, seeds;
	struct representation chain; /* of chain_text */
	struct aspect *aspects; /* of aspect_texts */
	struct vectorizer_options vectorizer;
	double diversity;
	size_t top_n_words;
	int64_t shown;
	bool bm25, reduce, compare;
	bool counting_given, show_given;
};
extern struct topics_said said;

/* Are topics to be described otherwise than they are saved? */
bool describes_anew(void);

/* Opened once. name: NULL or empty is the built-in model. */
const struct encoder *open_encoder(const char *name);

/* Stops: vectors of that size cannot be compared with those of the model. */
_Noreturn void wrong_size(size_t size, const char *whose, const char *model);

/* From the key or the file that the user named; ends the command where that fails. */
void open_vectors(struct vector_source *);
void close_vectors(struct vector_source *);

/* Weigh the words as the options say. */
void weigh_options(struct topics *);

/* The words of the topics, where main_words says so, and their aspects. */
void describe(struct topics *, bool main_words, bool embed_texts);

/* --save, --report and --table; what goes to standard output is added to the buffer. */
void write_results(const struct topics *, struct buffer *);

/* --- topics_saved.c ------------------------------------------------------------------------- */

struct topics *load_topics(const char *path);

/* The model that embeds for saved topics: -m, else the one they were made with. */
const char *model_of(const struct topics *);

/* Stops where the topics have no vectors. */
void need_embeddings(const struct topics *);

void describe_saved(void);
void compare_saved(void);

/* --- topics_assign.c ------------------------------------------------------------------------ */

void assign(void);
