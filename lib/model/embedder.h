/*
 * embedder.h: texts in, vectors out. A sentence-transformers folder (modules.json: a transformer,
 * pooling, dense layers, normalisation), a bare transformer folder (its tokens' mean), or a
 * static model (a vector a token, their weighted mean).
 *
 * The vector of a text depends on the text, the model and the options alone: not on its
 * neighbours, the size of the batches, the number of threads or the processor. float32 follows
 * sentence-transformers 6.2's encode() to 1e-5 on every element.
 */
#pragma once
#include "gpu/tensor.h"
#include "lib/base/error.h"
#include "lib/base/slice.h"

/*
 * The static model that comes with Heddle, below share/:
 * embedder_open(command_data(EMBEDDER_BUILTIN), …).
 */
#define EMBEDDER_BUILTIN "models/all-MiniLM-L6-v2-static"

/* The words of --pooling, in order: the first stands for what the model's folder says. */
#define EMBEDDER_POOLING "model|mean|cls|max|last|weightedmean"
enum embedder_pooling {
	EMBEDDER_AS_MODEL,
	EMBEDDER_MEAN,
	EMBEDDER_CLS,
	EMBEDDER_MAX,
	EMBEDDER_LAST,
	EMBEDDER_WEIGHTEDMEAN, /* token i of the text, from 1, weighs i */
};

enum embedder_normalize { EMBEDDER_NORMALIZE_AS_MODEL, EMBEDDER_NORMALIZE, EMBEDDER_NORMALIZE_NOT };

/* A zeroed struct asks for what the model's folder says, in float32. */
struct embedder_options {
	enum embedder_pooling pooling; /* instead of the folder's pooling */
	enum embedder_normalize normalize; /* to length 1, as the last step */

	/* Tokens of a text, special ones counted; 0: the folder's limit. More than the model has
	 * positions for is an error. */
	size_t max_length;

	/* Put before every text; where it is NULL, the prompt that prompt_name names in
	 * config_sentence_transformers.json; where that is NULL too, the default one there. */
	const char *prompt, *prompt_name;

	/*
	 * Only so many dimensions, 0: all. Cut behind the folder's own modules, as
	 * sentence-transformers does; EMBEDDER_NORMALIZE then normalises what is left.
	 */
	size_t truncate_dim;

	size_t batch_tokens; /* of one packed batch, about; 0: what suits. No byte depends on it */
	const char *device; /* as in gpu/tensor.h; NULL: the best there is */
	enum dtype
		dtype; /* of products (gpu/ops.h); BF16 is off by about 1e-2, F16 and TF32 1e-3 */
};

struct embedder;

/*
 * Open the model called name: a folder of that name, else below the folders of HEDDLE_MODELS,
 * else in the Hugging Face cache (lib/model/folder.h). NULL and the error otherwise: 66 no such
 * model, 78 a broken one, 2 for options that this model cannot follow.
 */
struct embedder *embedder_open(const char *name, const struct embedder_options *, struct error *);
void embedder_free(struct embedder *);

/* Dimensions of a vector. */
size_t embedder_size(const struct embedder *);

/* Whether it computes on a card, so that embedder_compute leaves the processor to others. */
bool embedder_on_card(const struct embedder *);

/*
 * Embed n texts: out [n, size], row i for text i. Texts are tokenized, sorted by length, packed
 * into batches, and computed on all OpenMP threads; memory grows with the texts given at once, so
 * a stream is given in windows. Text is UTF-8. One call at a time. -1 and the error where the
 * model gives something that is not finite (78).
 */
int embedder_run(
	struct embedder *, const struct slice *texts, size_t n, float *out, struct error *);

/* The same in two steps: texts are tokenized, on all threads, and computed. While one thread computes,
 * another may tokenize other texts. */
struct embedder_texts;
struct embedder_texts *embedder_texts_new(void);
void embedder_texts_free(struct embedder_texts *);
int embedder_tokenize(struct embedder *, const struct slice *texts, size_t n,
	struct embedder_texts *, struct error *);
int embedder_compute(struct embedder *, const struct embedder_texts *, float *out, struct error *);

/* Tokens of a batch: what was asked for or suited, and fitted. */
size_t embedder_batch_tokens(const struct embedder *);

/* Which text embedder_compute failed at with ERROR_RETRY: alone in its batch it does not fit the device's
 * memory. SIZE_MAX where it was none. */
size_t embedder_failed(const struct embedder *);

/* Counts since embedder_open: tokens computed, and texts cut to max_length. */
size_t embedder_tokens(const struct embedder *);
size_t embedder_truncated(const struct embedder *);
