#include "lib/model/tagger.h"

#include <omp.h>

#include "lib/base/math64.h"

struct tagger {
	struct labeller *labeller;
	struct arena *arena;
	uint32_t *prefix, *suffix; /* special tokens around a text */
	size_t n_prefix, n_suffix, room, stride; /* room: tokens of a window between them */
	size_t windows, failed, n_threads;
	struct arena **scratch; /* [n_threads] */
};

/* --- Opening ------------------------------------------------------------------------------- */

/* What the tokenizer puts around a text: before and behind the tokens of "a". */
static int find_frame(struct tagger *m, struct error *e)
{
	struct encoding x;
	struct tokenizer_options o = { .add_special = true, .special_mask = true };
	if (tokenizer_encode(
		    labeller_tokenizer(m->labeller), NULL, SLICE("a"), NULL, &o, m->arena, &x, e))
		return -1;
	size_t from = 0, to = x.n;
	while (from < x.n && x.special_mask[from])
		from++;
	while (to > from && x.special_mask[to - 1])
		to--;
	m->prefix = x.ids;
	m->n_prefix = from;
	m->suffix = x.ids + to;
	m->n_suffix = x.n - to;
	return 0;
}

struct tagger *tagger_open(
	const char *name, const struct labeller_options *o, size_t stride, struct error *e)
{
	struct tagger *m = mem_zero(1, sizeof *m);
	m->arena = arena_new();
	m->labeller = labeller_open(name, LABELLER_TOKEN, o, e);
	if (!m->labeller || find_frame(m, e)) {
		tagger_free(m);
		return NULL;
	}
	m->room = labeller_length(m->labeller) - m->n_prefix - m->n_suffix;
	m->stride = stride == SIZE_MAX ? m->room / 4 : stride;
	if (m->stride >= m->room) {
		error_set(e, ERROR_USAGE, "a stride of %zu token%s: a window has %zu", m->stride,
			plural(m->stride), m->room);
		tagger_free(m);
		return NULL;
	}
	m->n_threads = (size_t)omp_get_max_threads();
	m->scratch = ARENA_ARRAY(m->arena, struct arena *, m->n_threads);
	for (size_t i = 0; i < m->n_threads; i++)
		m->scratch[i] = arena_new();
	return m;
}

void tagger_free(struct tagger *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_threads; i++)
		arena_free(m->scratch[i]);
	labeller_free(m->labeller);
	arena_free(m->arena);
	mem_free(m);
}

/* --- Tokens -------------------------------------------------------------------------------- */

static size_t code_points(struct slice s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.size; i++)
		n += ((unsigned char)s.data[i] & 0xc0) != 0x80;
	return n;
}

/* The tokens of one input without special ones; words one by one, as Hugging Face's
 * is_split_into_words. */
struct tokens {
	size_t n;
	uint32_t *ids, *word;
	struct token_offset *places;
};

static int encode_words(const struct tagger *m, const struct tagger_input *in, struct arena *arena,
	struct tokens *t, struct error *e)
{
	const struct tokenizer_options o = { .offsets = true };
	struct encoding *x = ARENA_ARRAY(arena, struct encoding, in->n_words);
	size_t n = 0, at = 0, from = 0;
	for (size_t w = 0; w < in->n_words; w++) {
		if (tokenizer_encode(labeller_tokenizer(m->labeller), NULL, in->words[w], NULL, &o,
			    arena, &x[w], e))
			return -1;
		n += x[w].n;
	}
	*t = (struct tokens){ n, ARENA_ARRAY(arena, uint32_t, n), ARENA_ARRAY(arena, uint32_t, n),
		ARENA_ARRAY(arena, struct token_offset, n) };
	for (size_t w = 0; w < in->n_words; from += code_points(in->words[w]) + 1, w++)
		for (size_t i = 0; i < x[w].n; i++, at++) {
			t->ids[at] = x[w].ids[i];
			t->word[at] = (uint32_t)w;
			t->places[at] =
				(struct token_offset){ x[w].offsets[i].start + (uint32_t)from,
					x[w].offsets[i].end + (uint32_t)from };
		}
	return 0;
}

static int encode(const struct tagger *m, const struct tagger_input *in, struct arena *arena,
	struct tokens *t, struct error *e)
{
	const struct tokenizer_options o = { .offsets = true };
	struct encoding x;
	if (!in->text.data)
		return encode_words(m, in, arena, t, e);
	if (tokenizer_encode(
		    labeller_tokenizer(m->labeller), NULL, in->text, NULL, &o, arena, &x, e))
		return -1;
	*t = (struct tokens){ x.n, x.ids, NULL, x.offsets };
	return 0;
}

static int encode_all(const struct tagger *m, const struct tagger_input *in, size_t n,
	struct tokens *tokens, struct error *e)
{
	size_t failed = n;
	struct error first = { 0 };
#pragma omp parallel for schedule(dynamic, 16) num_threads((int)m->n_threads)
	for (size_t i = 0; i < n; i++) {
		struct error mine = { 0 };
		if (encode(m, &in[i], m->scratch[omp_get_thread_num()], &tokens[i], &mine)) {
#pragma omp critical(tagger_error)
			if (i < failed) {
				failed = i;
				first = mine;
			}
		}
	}
	if (failed < n && e)
		*e = first;
	return failed < n ? -1 : 0;
}

/* --- Windows ------------------------------------------------------------------------------- */

/* Tokens from .. to - 1 of input i. */
struct span {
	size_t input, from, to;
};

/* Where the next window of n tokens begins; the last one ends with the text. */
static size_t next_span(const struct tagger *m, size_t from, size_t n)
{
	size_t next = from + m->room - m->stride;
	return next + m->room > n ? n - m->room : next;
}

static struct span *cut(const struct tagger *m, const struct tokens *t, size_t n, size_t *count,
	struct arena *arena)
{
	size_t most = 0, k = 0, step = m->room - m->stride;
	for (size_t i = 0; i < n; i++)
		most += t[i].n / step + 2;
	struct span *w = ARENA_ARRAY(arena, struct span, most);
	for (size_t i = 0; i < n; i++) {
		size_t from = 0;
		w[k++] = (struct span){ i, 0, t[i].n < m->room ? t[i].n : m->room };
		while (w[k - 1].to < t[i].n) {
			from = next_span(m, from, t[i].n);
			w[k++] = (struct span){ i, from, from + m->room };
		}
	}
	*count = k;
	return w;
}

static struct encoding framed(
	const struct tagger *m, const struct tokens *t, const struct span *w, struct arena *arena)
{
	size_t n = w->to - w->from, at = m->n_prefix;
	struct encoding x = { .n = n + m->n_prefix + m->n_suffix };
	x.ids = ARENA_ARRAY(arena, uint32_t, x.n);
	memcpy(x.ids, m->prefix, m->n_prefix * sizeof *x.ids);
	memcpy(x.ids + at, t->ids + w->from, n * sizeof *x.ids);
	memcpy(x.ids + at + n, m->suffix, m->n_suffix * sizeof *x.ids);
	return x;
}

/* Of the windows first .. end - 1 of an input, the one where token i is furthest from both ends;
 * an end that is the text's own is no end. The first one has the token. */
static size_t widest(const struct span *w, size_t first, size_t end, size_t i, size_t n)
{
	size_t best = end, room = 0;
	for (size_t k = first; k < end && w[k].from <= i; k++) {
		size_t left = w[k].from == 0 ? n : i - w[k].from;
		size_t right = w[k].to == n ? n : w[k].to - 1 - i;
		size_t here = left < right ? left : right;
		if (best == end || here > room) {
			best = k;
			room = here;
		}
	}
	return best;
}

/* scores [k]: the softmax of z. */
static void softmax(const float *z, size_t k, double *scores)
{
	double top = (double)z[0], sum = 0;
	for (size_t l = 1; l < k; l++)
		top = (double)z[l] > top ? (double)z[l] : top;
	for (size_t l = 0; l < k; l++)
		sum += scores[l] = math_exp64((double)z[l] - top);
	for (size_t l = 0; l < k; l++)
		scores[l] /= sum;
}

/* --- Results ------------------------------------------------------------------------------- */

/* Does the token go on with the word of the one before? As the pipeline decides it. */
static bool is_subword(const struct tagger *m, const struct tokens *t, size_t i, bool blank)
{
	const struct tokenizer *tokenizer = labeller_tokenizer(m->labeller);
	uint32_t id = t->ids[i];
	if (id == tokenizer_unknown(tokenizer))
		return false;
	if (tokenizer_marks_words(tokenizer))
		return code_points(tokenizer_token(tokenizer, id)) !=
		       t->places[i].end - t->places[i].start;
	return t->places[i].start > 0 && !blank;
}

/* blanks [code points]: which are " ". */
static bool *find_blanks(const struct tagger_input *in, struct arena *arena, size_t *n)
{
	struct buffer joined = { NULL, 0, 0 };
	struct slice text = in->text;
	for (size_t w = 0; w < in->n_words && !text.data; w++) {
		if (w)
			buffer_char(&joined, ' ');
		buffer_slice(&joined, in->words[w]);
	}
	if (!text.data)
		text = buffer_view(&joined);
	bool *blank = ARENA_ARRAY(arena, bool, text.size + 1);
	*n = 0;
	for (size_t i = 0; i < text.size; i++)
		if (((unsigned char)text.data[i] & 0xc0) != 0x80)
			blank[(*n)++] = text.data[i] == ' ';
	buffer_free(&joined);
	return blank;
}

static void finish(const struct tagger *m, const struct tagger_input *in, const struct tokens *t,
	struct tagged *out, struct arena *arena)
{
	size_t n_blanks;
	bool *blank = find_blanks(in, m->scratch[0], &n_blanks);
	out->n = t->n;
	out->ids = ARENA_ARRAY(arena, uint32_t, t->n);
	out->word = t->word ? ARENA_ARRAY(arena, uint32_t, t->n) : NULL;
	out->tokens = ARENA_ARRAY(arena, struct entity_token, t->n);
	for (size_t i = 0; i < t->n; i++) {
		size_t start = t->places[i].start;
		bool here = start < n_blanks && blank[start];
		bool before = start > 0 && start <= n_blanks && blank[start - 1];
		out->ids[i] = t->ids[i];
		if (t->word)
			out->word[i] = t->word[i];
		out->tokens[i] = (struct entity_token){ start, t->places[i].end, i + m->n_prefix,
			is_subword(m, t, i, here || before), NULL };
	}
}

int tagger_run(struct tagger *m, const struct tagger_input *in, size_t n, struct tagged *out,
	struct arena *arena, struct error *e)
{
	size_t n_windows, k = labeller_head(m->labeller)->n_labels;
	struct arena *own = arena_new();
	struct tokens *t = arena_zero(own, n, sizeof *t);
	int rc = encode_all(m, in, n, t, e);
	struct span *w = rc ? NULL : cut(m, t, n, &n_windows, own);
	struct encoding *x = rc ? NULL : ARENA_ARRAY(own, struct encoding, n_windows);
	float **logits = rc ? NULL : ARENA_ARRAY(own, float *, n_windows);
	for (size_t i = 0; !rc && i < n_windows; i++) {
		x[i] = framed(m, &t[w[i].input], &w[i], own);
		logits[i] = ARENA_ARRAY(own, float, size_mul(x[i].n, k));
	}
	m->failed = SIZE_MAX;
	if (!rc && (rc = labeller_run_tokens(m->labeller, x, n_windows, logits, e)) != 0) {
		size_t at = labeller_failed(m->labeller);
		m->failed = at < n_windows ? w[at].input : SIZE_MAX;
	}
	for (size_t i = 0, first = 0, end; !rc && i < n; i++, first = end) {
		finish(m, &in[i], &t[i], &out[i], arena);
		for (end = first; end < n_windows && w[end].input == i;)
			end++;
		m->windows += end - first > 1 ? end - first : 0;
		double *scores = ARENA_ARRAY(arena, double, size_mul(t[i].n, k));
		for (size_t j = 0; j < t[i].n; j++, scores += k) {
			while (w[first].to <= j)
				first++;
			size_t from = widest(w, first, end, j, t[i].n);
			softmax(logits[from] + (m->n_prefix + j - w[from].from) * k, k, scores);
			out[i].tokens[j].scores = scores;
		}
	}
	for (size_t i = 0; i < m->n_threads; i++)
		arena_clear(m->scratch[i]);
	arena_free(own);
	return rc;
}

struct slice tagger_word(const struct tagger *m, uint32_t id, struct slice original)
{
	const struct tokenizer *t = labeller_tokenizer(m->labeller);
	return id == tokenizer_unknown(t) ? original : tokenizer_token(t, id);
}

const struct head *tagger_head(const struct tagger *m)
{
	return labeller_head(m->labeller);
}

size_t tagger_tokens(const struct tagger *m)
{
	return labeller_tokens(m->labeller);
}

size_t tagger_failed(const struct tagger *m)
{
	return m->failed;
}

size_t tagger_windows(const struct tagger *m)
{
	return m->windows;
}
