/*
 * scan_summed.c: the fast path of sentencepiece's own Unigram models, where nobody asks for offsets.
 * sentencepiece looks for the best way through the whole text and rounds its sum to a float after
 * each token, so that what is before a word may decide between ways that are close. But all ways go
 * over the beginning of a word, where U+2581 is: a word is split by itself, and the cache keeps by how
 * much the best way is better than the next. Where that is more than rounding can be, the ids are
 * right, whatever is before; else the word is split again behind the sum that is before it.
 *
 * Rounding: a sum of k scores, none above 0, is off by k halves of the last place of its end at most.
 * The way that is found is worth as much in rounded sums as the best, so in true ones it is worse by
 * two such errors at most.
 */
#include "lib/token/parts.h"

static const struct slice symbol = { "\xe2\x96\x81", 3 }; /* U+2581 */

/* No token has U+2581 behind something else, which would go over the beginning of a word. */
static bool begins_words(const struct vocab *v)
{
	for (size_t id = 0; id < v->size; id++) {
		struct slice s = v->tokens[id];
		if (s.size > 3 && memmem(s.data + 1, s.size - 1, symbol.data, symbol.size))
			return false;
	}
	return true;
}

bool scan_summed_prepare(struct tokenizer *t)
{
	const struct sentencepiece *s = t->sentencepiece;
	const struct unigram *u = &t->model.unigram;
	if (!s || t->model.kind != MODEL_UNIGRAM || !u->floats || t->pretokenizer.n ||
		t->normalizer.n != 1 || s->user_defined.n || s->suffix || !s->dummy_prefix ||
		!s->remove_extra || !s->escape || u->unknown == (uint32_t)VOCAB_NONE)
		return false;
	for (size_t i = 0; i < u->n; i++)
		if (!(u->scores[i] <= 0 && u->scores[i] > -1e6))
			return false;
	if (double_array_find(&u->trie, symbol) == (uint32_t)DOUBLE_ARRAY_NONE ||
		!begins_words(&t->vocab) || !precompiled_keeps(&s->rules, ' ', true))
		return false;
	for (unsigned c = 0; c < 256; c++)
		t->plain[c] = c > ' ' && c < 0x7f && precompiled_keeps(&s->rules, (char)c, false);
	scan_plain_prepare(t);
	t->fast = FAST_SUMMED;
	return true;
}

/* --- Words ------------------------------------------------------------------------------------ */

/* A word of plain characters behind a space, as the model sees it; the result is the caller's to free. */
static struct slice spell(struct slice word, char few[], size_t room)
{
	size_t size = word.size + 2;
	char *text = size <= room ? few : mem_alloc(size);
	memcpy(text, symbol.data, 3);
	memcpy(text + 3, word.data + 1, word.size - 1);
	return (struct slice){ text, size };
}

enum { FEW = 128 };

/* Its ids, and behind them the margin; the margin alone where it has an unknown token. */
static size_t split(const void *tokenizer, struct slice word, uint32_t *ids)
{
	const struct unigram *u = &((const struct tokenizer *)tokenizer)->model.unigram;
	char few[FEW];
	float margin;
	struct slice text = spell(word, few, FEW);
	size_t n = unigram_split_alone(u, text, ids, &margin);
	memcpy(ids + n, &margin, sizeof margin);
	if (text.data != few)
		mem_free((void *)(uintptr_t)text.data);
	return n + 1;
}

/* The ids of a word are those of the cache, if its margin says so. */
static bool take(struct scan *s, const uint32_t *ids, size_t n, size_t size, double *sum)
{
	const struct unigram *u = &s->tokenizer->model.unigram;
	double after = *sum;
	float margin;
	memcpy(&margin, ids + n, sizeof margin);
	for (size_t i = 0; i < n; i++)
		after = unigram_add(u, after, ids[i]);
	/* twice what rounding can be: a word of so many bytes has two tokens more at most */
	if (!((double)margin > (double)(size + 2) * (1 - after) * 0x1p-22))
		return false;
	memcpy(s->ids + s->n, ids, n * sizeof *ids);
	s->n += n;
	*sum = after;
	return true;
}

/* n words that each begin with a space. */
static void encode(
	struct scan *s, struct slice text, size_t at, const uint32_t *ends, size_t n, double *sum)
{
	struct scan *work = &s->scratch->word;
	uint32_t counts[WORD_BATCH];
	size_t size = ends[n - 1] - at;
	if (!s->scratch->words)
		s->scratch->words = word_cache_new(s->tokenizer->words, split, s->tokenizer);
	work->n = 0;
	scan_reserve(work, size + n + WORD_SLACK);
	scan_reserve(s, size + n);
	word_cache_encode(s->scratch->words, text, at, ends, n, work->ids, counts);
	const uint32_t *ids = work->ids;
	for (size_t i = 0; i < n && s->n < s->limit; ids += counts[i], at = ends[i++]) {
		struct slice word = { text.data + at, ends[i] - at };
		if (take(s, ids, counts[i] - 1, word.size, sum))
			continue;
		char few[FEW];
		struct slice spelled = spell(word, few, FEW);
		s->n += unigram_split_behind(
			&s->tokenizer->model.unigram, spelled, sum, s->ids + s->n);
		if (spelled.data != few)
			mem_free((void *)(uintptr_t)spelled.data);
	}
}

/* The first word of a piece, which has no space before it. */
static void encode_first(struct scan *s, struct slice word, double *sum)
{
	struct buffer *b = &s->scratch->prefixed;
	buffer_clear(b);
	buffer_char(b, ' ');
	buffer_slice(b, word);
	uint32_t end = (uint32_t)b->size;
	encode(s, buffer_view(b), 0, &end, 1, sum);
}

/* Words that rules may change, [start, end) of the whole text, as a text of their own. */
static void encode_any(struct scan *s, size_t start, size_t end, double *sum)
{
	const struct tokenizer *t = s->tokenizer;
	struct normalized *work = &s->scratch->pieces.text;
	struct slice text = { s->text + start, end - start };
	work->unaligned = true;
	if (normalizer_run(
		    &t->normalizer, text, (uint32_t)start, work, &s->scratch->regex, &s->error)) {
		scan_fail(s);
		return;
	}
	text = buffer_view(&work->text);
	scan_reserve(s, text.size);
	s->n += unigram_split_behind(&t->model.unigram, text, sum, s->ids + s->n);
}

/* --- A piece ---------------------------------------------------------------------------------- */

/* Where the plain word at `at` ends; `at` where there is none. */
static size_t plain_end(const struct tokenizer *t, struct slice text, size_t at)
{
	size_t i = scan_plain(t, text, at);
	return i == text.size || text.data[i] == ' ' ? i : at;
}

/* A space between plain characters, or the end. */
static size_t safe_end(const struct tokenizer *t, struct slice text, size_t at)
{
	for (; at < text.size; at++)
		if (text.data[at] == ' ' && at && t->plain[(unsigned char)text.data[at - 1]] &&
			at + 1 < text.size && t->plain[(unsigned char)text.data[at + 1]])
			break;
	return at;
}

void scan_summed(struct scan *s, size_t start, size_t end)
{
	const struct tokenizer *t = s->tokenizer;
	struct slice text = { s->text + start, end - start };
	double sum = 0;
	if (s->offsets || s->words || text.size >= UINT32_MAX) {
		scan_any(s, start, end);
		return;
	}
	for (size_t at = 0; at < text.size && s->n < s->limit;) {
		uint32_t ends[WORD_BATCH];
		size_t n = 0, stop;
		if (text.data[at] == ' ') {
			at++;
			continue;
		}
		for (size_t i = at; n < WORD_BATCH && (stop = plain_end(t, text, i)) > i;
			i = stop + 1) {
			ends[n++] = (uint32_t)stop;
			if (stop == text.size)
				break;
		}
		if (n && at) {
			encode(s, text, at - 1, ends, n, &sum);
			at = ends[n - 1];
		} else if (n) {
			encode_first(s, (struct slice){ text.data, ends[0] }, &sum);
			at = ends[0];
		} else {
			stop = safe_end(t, text, at + 1);
			encode_any(s, start + at, start + stop, &sum);
			at = stop;
		}
	}
}
