/*
 * tokenizer.h: text to token ids and back, as Hugging Face tokenizers does it: the same ids,
 * offsets and word numbers.
 *
 * A tokenizer is read from a folder (tokenizer.json, else vocab.txt with
 * tokenizer_config.json), or from one such file. It has the five parts of a tokenizer.json, one
 * small file each: normalizer, pre-tokenizer, model, post-processor and decoder, and added
 * tokens that are found in the text before the rest is normalized. A part of a kind that is not
 * known here is an error that names it (ERROR_MODEL), never ignored.
 *
 * An open tokenizer does not change: any number of threads may use it at once, each with an
 * arena of its own.
 */
#pragma once
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/memory.h"

struct tokenizer;

enum { TOKENIZER_NO_ID = -1 }; /* as uint32_t: no such token, no word */

/* --- Opening ------------------------------------------------------------------------------- */

/*
 * A folder, a tokenizer.json, a vocab.txt, a SentencePiece model, vocab.json beside merges.txt, a file
 * of tiktoken's or a GGUF file; NULL and the error otherwise. What is no regular file is read to its
 * end, once.
 */
struct tokenizer *tokenizer_open(const char *path, struct error *);
void tokenizer_free(struct tokenizer *);

/* The text of a tokenizer.json, or of the one in a folder, into the arena. */
int tokenizer_read_json(const char *path, struct arena *, struct slice *text, struct error *);

/* The same from text in memory, which may go away afterwards. */
struct tokenizer *tokenizer_from_json(struct slice json, struct error *);
struct tokenizer *tokenizer_from_vocab(struct slice vocab, bool lowercase, struct error *);
struct tokenizer *tokenizer_from_sentencepiece(struct slice model, struct error *);
struct tokenizer *tokenizer_from_gguf(struct slice file, struct error *);
struct tokenizer *tokenizer_from_merges(struct slice vocab, struct slice merges, struct error *);
/* The name of a file of tiktoken's says how text is split: cl100k_base.tiktoken, for example. */
struct tokenizer *tokenizer_from_tiktoken(struct slice ranks, const char *name, struct error *);

/*
 * Lowercase or not, whatever the file says; accents go with it where the file leaves them open.
 * Before the tokenizer is used. -1 (ERROR_USAGE) where its normalizer has no such choice.
 */
int tokenizer_set_lowercase(struct tokenizer *, bool lowercase, struct error *);

/*
 * Lowercase text before all else, as sentence-transformers does where do_lower_case is set:
 * accents stay as the file says. Before the tokenizer is used. -1 (ERROR_MODEL) where its
 * normalizer has no such choice.
 */
int tokenizer_lowercase_first(struct tokenizer *, struct error *);

/* --- Encoding ------------------------------------------------------------------------------ */

/* Of a pair, which text is cut: one token at a time the longer, or one of them only. */
enum truncation { TRUNCATE_LONGEST_FIRST, TRUNCATE_ONLY_FIRST, TRUNCATE_ONLY_SECOND };

struct tokenizer_options {
	bool add_special; /* [CLS] and [SEP] or their like, as the post-processor says */
	size_t max_length; /* tokens, special ones included; 0: no limit */
	enum truncation truncation;
	bool truncate_left; /* cut from the beginning, not from the end */
	bool windows; /* give what is cut off as further windows of max_length tokens */
	size_t stride; /* tokens that a window repeats of the one before */
	size_t pad_to; /* fill up to so many tokens; 0: do not */
	size_t pad_multiple; /* round that, or the number of tokens, up to a multiple; 0: do not */
	bool pad_left; /* fill up at the beginning, not at the end */
	uint32_t pad_id; /* with this token */
	bool offsets, type_ids, special_mask, word_ids,
		attention_mask, surfaces; /* what struct encoding is to hold beside ids */
	bool byte_offsets; /* offsets in bytes instead of code points */
	bool is_utf8; /* texts are known to be UTF-8, as those of records are: no need to look */
};

struct token_offset {
	uint32_t start, end; /* [start, end) in the text that the token is from; 0, 0 where added */
};

struct encoding {
	size_t n;
	uint32_t *ids; /* [n] */
	struct token_offset *offsets; /* [n], each below NULL unless asked for */
	uint32_t *type_ids; /* 0 first text, 1 its pair, or what the template says */
	uint8_t *special_mask; /* 1: added by the post-processor, or padding */
	uint32_t *word_ids; /* number of the word in its text; TOKENIZER_NO_ID where added */
	uint8_t *attention_mask; /* 0: padding */
	/*
	 * What the reference calls a token where that is not tokenizer_token, data NULL elsewhere: an
	 * unknown one of Unigram is called by its text, once normalized, and an added one with the
	 * white space that it took in, and normalized if it is looked for so. NULL without any.
	 */
	struct slice *surfaces;
	struct encoding *windows; /* [n_windows], what was cut off, in the reference's order */
	size_t n_windows;
};

/*
 * What one thread keeps from text to text: memory, and what a model remembers of the words that it
 * has seen. Results do not depend on it. For the tokenizer that it is made for, until that is freed.
 */
struct tokenizer_scratch;
struct tokenizer_scratch *tokenizer_scratch_new(const struct tokenizer *);
void tokenizer_scratch_free(struct tokenizer_scratch *);

/*
 * Encode a text, or a text and its pair; results lie in the arena. The scratch may be NULL: for many
 * texts one is faster. Text is UTF-8; where it is not, each maximal invalid part counts as one U+FFFD
 * of the bytes' length. Too long: tokens are cut as the options say, special tokens stay. Takes time
 * linear in the text, unless the tokenizer has regular expressions that do not. Errors: a word that
 * the vocabulary cannot spell where it has no unknown token (ERROR_MODEL), a max_length below the
 * number of special tokens, a stride that is not below a window, a text to be cut that is too short
 * for it (ERROR_USAGE), a text over 4 GiB, a regular expression that takes too long (ERROR_DATA).
 */
int tokenizer_encode(const struct tokenizer *, struct tokenizer_scratch *, struct slice text,
	const struct slice *pair, const struct tokenizer_options *, struct arena *,
	struct encoding *, struct error *);

/* How many tokens a post-processor adds to a text, or to a pair. */
size_t tokenizer_added(const struct tokenizer *, bool pair);

/* --- Vocabulary ---------------------------------------------------------------------------- */

/*
 * One above the highest id: an array of this size has a place for every token. Ids in between
 * may be unused.
 */
size_t tokenizer_vocab_size(const struct tokenizer *);
/* Made of a SentencePiece model, of a file by itself or in GGUF. */
bool tokenizer_is_sentencepiece(const struct tokenizer *);

/* The token of an id, in the tokenizer's memory; data is NULL where there is none. */
struct slice tokenizer_token(const struct tokenizer *, uint32_t id);

/* The id of a token, TOKENIZER_NO_ID where there is none. */
uint32_t tokenizer_id(const struct tokenizer *, struct slice token);

/*
 * The token to fill up with: as tokenizer.json's padding says, else [PAD], <pad> or <|pad|>;
 * TOKENIZER_NO_ID where there is none.
 */
uint32_t tokenizer_padding(const struct tokenizer *);

uint32_t tokenizer_unknown(const struct tokenizer *); /* id of the unknown token, TOKENIZER_NO_ID */
/* Do tokens that go on with a word begin with a mark of that, as WordPiece's "##"? */
bool tokenizer_marks_words(const struct tokenizer *);
bool tokenizer_is_special(const struct tokenizer *, uint32_t id);

/* --- Decoding ------------------------------------------------------------------------------ */

/*
 * Append the text of ids; an id without a token adds nothing, as in the reference. -1 (ERROR_DATA)
 * where a regular expression of the decoder takes too long.
 */
int tokenizer_decode(const struct tokenizer *, const uint32_t *ids, size_t n, bool skip_special,
	struct buffer *, struct error *);
