/*
 * scan_cached.c: the fast path of byte-level BPE, and of WordPiece where only ids are asked for: a
 * scanner cuts the text's own bytes into words, a cache knows what they become. The byte-level
 * alphabet is never spelled out; the words of WordPiece are cut at ASCII white space and
 * punctuation, and scan.c says what is in them.
 */
#include "lib/token/byte_level.h"
#include "lib/token/parts.h"

/* The pattern of the pre-tokenizer, where it is ByteLevel alone or behind one Split. */
static const struct pattern *known_pattern(const struct pretokenizer *t, bool *prefix_space)
{
	if (t->n == 0 || t->n > 2 || t->steps[t->n - 1].kind != PRETOKENIZER_BYTE_LEVEL)
		return NULL;
	const struct pretokenizer_step *level = &t->steps[t->n - 1], *split = &t->steps[0];
	*prefix_space = level->byte_level.add_prefix_space;
	if (t->n == 1)
		return level->byte_level.use_regex ? level->byte_level.matcher.pattern : NULL;
	bool isolated = split->behavior == SPLIT_ISOLATED && !split->split.invert,
	     removed = split->behavior == SPLIT_REMOVED && split->split.invert;
	return split->kind == PRETOKENIZER_SPLIT && (isolated || removed) &&
			       !level->byte_level.use_regex && !*prefix_space
		       ? split->split.matcher.pattern
		       : NULL;
}

/* Bytes of a token in the byte-level alphabet: its code points. */
static size_t token_bytes(const struct tokenizer *t, uint32_t id)
{
	struct slice token = t->vocab.tokens[id];
	size_t n = 0;
	for (size_t i = 0; i < token.size; i++)
		n += (token.data[i] & 0xc0) != 0x80;
	return n;
}

static bool prepare_bytes(struct tokenizer *t)
{
	const struct normalizer *n = &t->normalizer;
	bool nfc =
		n->n == 1 && n->steps[0].kind == NORMALIZER_FORM && n->steps[0].form == NORMAL_NFC;
	t->composes = nfc;
	if (t->model.kind != MODEL_BPE || (n->n && !nfc) || !bpe_is_byte_level(&t->model.bpe) ||
		!(t->pattern = known_pattern(&t->pretokenizer, &t->prefix_space)))
		return false;
	return true;
}

enum fast_path scan_cached_prepare(struct tokenizer *t)
{
	/* what chooses FAST_BERT looks at more */
	if (t->model.kind == MODEL_WORDPIECE) {
		t->pattern = pattern_named("bert");
		t->prefix_space = false;
		return FAST_NONE;
	}
	return prepare_bytes(t) ? FAST_BYTES : FAST_NONE;
}

static size_t split_bytes(const void *bpe, struct slice word, uint32_t *ids)
{
	return bpe_split_bytes(bpe, word, ids, NULL);
}

static bool inside(struct slice text, size_t at)
{
	return at < text.size && (text.data[at] & 0xc0) == 0x80;
}

/*
 * What a token of bytes [start, end) is from: a character belongs whole to each of its bytes, and
 * a space before the text (shift 1) to the first.
 */
static struct token_offset bytes_offset(struct slice text, size_t shift, size_t start, size_t end)
{
	start = start > shift ? start : shift;
	end = end > shift ? end : shift + 1;
	while (inside(text, start))
		start--;
	while (inside(text, end))
		end++;
	return (struct token_offset){ (uint32_t)(start - shift), (uint32_t)(end - shift) };
}

/* Offsets and word numbers of the tokens of n words; at: where the text begins in the whole one. */
static void describe(struct scan *s, struct slice text, size_t shift, size_t at, size_t start,
	const uint32_t *ends, const uint32_t *counts, size_t n)
{
	size_t token = s->n;
	for (size_t i = 0; i < n; start = ends[i++], s->word++)
		for (size_t end = token + counts[i]; token < end; token++) {
			size_t size = token_bytes(s->tokenizer, s->ids[token]);
			if (s->words)
				s->words[token] = s->word;
			if (s->offsets) {
				struct token_offset o =
					bytes_offset(text, shift, start, start + size);
				s->offsets[token] = (struct token_offset){ o.start + (uint32_t)at,
					o.end + (uint32_t)at };
			}
			start += size;
		}
}

/* Whatever scan_bert makes of it by itself: it may be cut at ASCII white space and punctuation. */
static size_t split_bert(const void *scratch, struct slice word, uint32_t *ids)
{
	struct scan *s = &((struct tokenizer_scratch *)scratch)->word;
	s->text = word.data;
	s->n = 0;
	scan_bert(s, 0, word.size);
	CHECK(s->n <= word.size);
	if (s->n)
		memcpy(ids, s->ids, s->n * sizeof *ids);
	return s->n;
}

static struct word_cache *new_cache(const struct tokenizer *t, struct tokenizer_scratch *scratch)
{
	if (t->fast == FAST_BERT)
		return word_cache_new(t->words, split_bert, scratch);
	return word_cache_new(t->words, split_bytes, &t->model.bpe);
}

void scan_cached(struct scan *s, size_t start, size_t end)
{
	const struct tokenizer *t = s->tokenizer;
	struct tokenizer_scratch *scratch = s->scratch;
	struct slice text = { s->text + start, end - start };
	if (t->composes && normal_prefix(NORMAL_NFC, text) < text.size) {
		scan_any(s, start, end);
		return;
	}
	/* with it the longest text would be too long for offsets of 32 bits */
	size_t shift = t->prefix_space && *text.data != ' ' && text.size < UINT32_MAX;
	if (shift) {
		buffer_clear(&scratch->prefixed);
		buffer_char(&scratch->prefixed, ' ');
		buffer_slice(&scratch->prefixed, text);
		text = buffer_view(&scratch->prefixed);
	}
	if (!scratch->words)
		scratch->words = new_cache(t, scratch);
	for (size_t at = 0; at < text.size && s->n < s->limit;) {
		uint32_t ends[WORD_BATCH], counts[WORD_BATCH];
		bool described = s->offsets || s->words;
		size_t room = s->limit - s->n, most = room < WORD_BATCH ? room : WORD_BATCH;
		size_t n = pattern_split(t->pattern, text, at, ends, most);
		scan_reserve(s, ends[n - 1] - at + WORD_SLACK);
		size_t tokens = word_cache_encode(scratch->words, text, at, ends, n, s->ids + s->n,
			described ? counts : NULL);
		if (described)
			describe(s, text, shift, start, at, ends, counts, n);
		s->n += tokens;
		at = ends[n - 1];
	}
}
