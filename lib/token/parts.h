/*
 * parts.h: the inside of struct tokenizer, and the state of one text being encoded. For
 * lib/token only.
 */
#pragma once
#include "lib/token/added.h"
#include "lib/token/decoder.h"
#include "lib/token/model.h"
#include "lib/token/normalizer.h"
#include "lib/token/post.h"
#include "lib/token/pretokenizer.h"
#include "lib/token/tokenizer.h"
#include "lib/token/vocab.h"
#include "lib/token/word_cache.h"

/*
 * How the pieces of a text between its added tokens become tokens: words.c can do it for every
 * tokenizer; a path that does it faster for the usual ones gives the same tokens.
 */
enum fast_path {
	FAST_NONE,
	FAST_BERT, /* BertNormalizer or none, BertPreTokenizer, WordPiece: scan.c */
	FAST_BYTES, /* none or NFC, a known pattern, ByteLevel, BPE: scan_cached.c */
	FAST_WHOLE, /* spaces replaced and one prepended, BPE: scan_pieces.c */
	FAST_WORDS, /* Precompiled or none, Metaspace, Unigram: scan_pieces.c */
	FAST_SUMMED, /* sentencepiece's own Unigram: scan_summed.c */
};

/* What scan.c does with a byte. */
enum byte_class {
	BYTE_OTHER, /* not ASCII, or a control: the general path decides */
	BYTE_SPACE,
	BYTE_PUNCTUATION,
	BYTE_WORD, /* ASCII letter or digit */
};

struct tokenizer {
	struct arena *arena; /* strings, templates */
	struct vocab vocab; /* of the model and the added tokens */
	struct added added;
	struct normalizer normalizer;
	struct pretokenizer pretokenizer;
	struct token_model model;
	struct post post;
	struct decoder decoder;
	struct sentencepiece *sentencepiece; /* of its own models; NULL */
	struct slice
		padding; /* the token that tokenizer.json fills up with; data NULL: it does not */
	uint32_t *added_of; /* by id: 1 + its index among the added tokens, 0 for others */
	enum fast_path fast;
	bool lowercase; /* FAST_BERT: of ASCII */
	uint8_t classes[256]; /* FAST_BERT: enum byte_class */
	uint32_t punctuation
		[128]; /* FAST_BERT: the id of an ASCII punctuation character as a word */
	const struct pattern *pattern; /* FAST_BYTES, FAST_BERT */
	bool composes; /* FAST_BYTES: NFC, which text has mostly already */
	bool prefix_space; /* FAST_BYTES: a piece that begins with none gets a space */
	bool crosses[256]; /* FAST_WHOLE: last bytes of characters behind which no word ends */
	bool marks[256]; /* FAST_WHOLE: bytes of which a normalized added token has one */
	bool plain[256]; /* FAST_WORDS, FAST_SUMMED: bytes of words that no rule changes */
	bool plain_ascii; /* those are '!' to '~', as they mostly are */
	struct word_store *words; /* of fast paths: what any thread has split */
};

/* Fill the tables that follow from the parts; once all are read, and again when one changes. */
int tokenizer_finish(struct tokenizer *, struct error *);

/*
 * What tokenizer_config.json may say of a vocab.txt: the defaults are transformers'
 * BertTokenizer's.
 */
struct bert_config {
	bool lowercase, chinese, strip_accents, accents_follow;
	struct slice special[5]; /* unknown, separator, padding, class, mask */
};

void bert_defaults(struct bert_config *, bool lowercase);
int bert_config_read(struct bert_config *, struct slice json, struct arena *, struct error *);

/* Fill a new tokenizer from text in its arena. */
int load_json(struct tokenizer *, struct slice, struct error *);
int load_vocab(struct tokenizer *, struct slice, const struct bert_config *, struct error *);

/* A SentencePiece model, and the tokenizer_config.json beside it; NULL: there is none. */
int load_sentencepiece(
	struct tokenizer *, struct slice model, const struct slice *config, struct error *);

/* The vocabulary in a GGUF file, which may go away afterwards. */
int load_gguf(struct tokenizer *, struct slice file, struct error *);

/* The vocabulary, model, normalizer and decoder of t->sentencepiece. */
int load_pieces(struct tokenizer *, struct error *);

/* A post-processor of bos before each text and eos behind it; -1: none. */
int load_ends(struct tokenizer *, int64_t bos, int64_t eos, struct error *);

/* Whether the model's unknown tokens are called by their text. */
bool tokenizer_has_surfaces(const struct tokenizer *);

/* load_bpe.c: vocab.json and merges.txt; a file of tiktoken, whose name says how text is split. */
int load_merges(struct tokenizer *, struct slice vocab, struct slice merges, struct error *);
bool load_is_tiktoken(struct slice);
int load_tiktoken(struct tokenizer *, struct slice, const char *name, struct error *);

/* White space in the text of an added token or an unknown one: the reference's token is that text. */
struct scan_blank {
	size_t token; /* index */
	uint32_t lead, trail; /* code points */
};

/* What a token is called by the reference, bytes [start, end) of surface_text. */
struct scan_surface {
	size_t token, start, end;
};

/*
 * A text on its way to tokens. The arrays grow, and are kept from text to text; offsets are in bytes of
 * the text. A failure is kept too, and ends the scan: limit becomes 0.
 */
struct scan {
	const struct tokenizer *tokenizer;
	struct tokenizer_scratch *scratch;
	const char *text;
	uint32_t *ids;
	struct token_offset *offsets; /* NULL where not wanted */
	uint32_t *words; /* NULL where not wanted */
	bool want_offsets, want_words, want_blanks;
	bool want_surfaces, want_unknown; /* of added tokens, of unknown ones */
	size_t n, capacity;
	struct buffer blanks; /* struct scan_blank, of added tokens and unknown ones */
	struct buffer surfaces, surface_text; /* struct scan_surface, by token */
	uint32_t word; /* number of the next word */
	size_t limit; /* no further word is begun with so many tokens */
	bool failed;
	struct error error;
	/* where the text is not UTF-8: what is encoded instead, and the byte of the text by its byte */
	struct buffer repaired, origin;
};

/* What a thread keeps from text to text. */
struct tokenizer_scratch {
	struct scan scans[2]; /* of a text and its pair */
	struct normalized work;
	struct pieces pieces;
	struct regex_work regex;
	struct word_cache *words; /* of fast paths; NULL until the first */
	struct scan word; /* of a word that it does not know */
	struct buffer prefixed; /* a piece behind its space */
};

/* Room for n more tokens. */
void scan_grow(struct scan *, size_t n);
static inline void scan_reserve(struct scan *s, size_t n)
{
	if (s->capacity - s->n < n)
		scan_grow(s, n);
}

/* A token that stands for bytes [start, end) of the text and is a word of its own. */
void scan_token(struct scan *, uint32_t id, size_t start, size_t end);

/*
 * A word: its bytes are those of the text from `at` on (lowercased or not), or with `from` a part of
 * that text from its byte `at` on, which knows where each byte is from.
 */
void scan_word(struct scan *, struct slice word, size_t at, const struct normalized *from);

/* The words of text[start, end), in which there is no added token, on the fast path. */
void scan_bert(struct scan *, size_t start, size_t end);
void scan_cached(struct scan *, size_t start, size_t end);
void scan_whole(struct scan *, size_t start, size_t end);
void scan_words(struct scan *, size_t start, size_t end);
void scan_summed(struct scan *, size_t start, size_t end);

/* The same the general way. */
void scan_any(struct scan *, size_t start, size_t end);

/* Whether scan_cached can do it; then t->pattern and prefix_space are set. */
enum fast_path scan_cached_prepare(struct tokenizer *);

/* Whether scan_whole or scan_words can do it; then t->fast and their tables are set. */
bool scan_pieces_prepare(struct tokenizer *);

/* Where the bytes of words that no rule changes end, from `at` on. */
size_t scan_plain(const struct tokenizer *, struct slice text, size_t at);

/* Once t->plain is filled. */
void scan_plain_prepare(struct tokenizer *);

/* Whether scan_summed can do it; the same. */
bool scan_summed_prepare(struct tokenizer *);

/* s->error is set: the scan ends. */
void scan_fail(struct scan *);

/* The white space at both ends of a token. */
struct scan_blank scan_blanks(struct slice token);

/* All of a text: the added tokens, and the pieces in between. */
void scan_text(struct scan *, size_t size);
