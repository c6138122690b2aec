#include "lib/token/encoding.h"

/* The windows of a pair may be as many as the product of its texts', and all lie in memory at once. */
enum { MOST_WINDOWS = 1 << 16, MOST_TOKENS = 1 << 28 };

/* Tokens [start, end) of one text. */
struct window {
	size_t start, end;
};

struct windows {
	struct window *at;
	size_t n; /* the first is the encoding itself */
};

struct assembly {
	const struct tokenizer *tokenizer;
	const struct scan *scans;
	const struct tokenizer_options *options;
	const struct post_form *form;
	bool pair;
	struct windows windows[2];
	size_t target; /* to fill up to; SIZE_MAX: not known yet */
	struct arena *arena;
};

/* --- Truncation -------------------------------------------------------------------------------- */

/* How many tokens each text keeps so that they are max in all. */
static int choose_lengths(const struct scan s[2], bool pair, size_t max,
	const struct tokenizer_options *o, size_t keep[2], struct error *e)
{
	size_t n[2] = { s[0].n, pair ? s[1].n : 0 }, total = n[0] + n[1];
	bool target = o->truncation == TRUNCATE_ONLY_SECOND;
	keep[0] = n[0];
	keep[1] = n[1];
	if (total <= max)
		return 0;
	if (max == 0) {
		keep[0] = keep[1] = 0;
	} else if (o->truncation != TRUNCATE_LONGEST_FIRST) {
		if (target && !pair)
			return error_set(e, ERROR_USAGE,
				"truncation only_second, but there is no second text");
		if (n[target] <= total - max)
			return error_set(e, ERROR_USAGE,
				"truncation %s: the other text alone is longer than the %zu "
				"token%s "
				"allowed",
				target ? "only_second" : "only_first", max, plural(max));
		keep[target] = n[target] - (total - max);
	} else if (!pair) {
		keep[0] = max;
	} else {
		bool swap = n[0] > n[1];
		size_t shorter = n[swap], longer = shorter;
		if (shorter <= max && max - shorter > shorter)
			longer = max - shorter;
		if (shorter + longer > max) {
			shorter = max / 2;
			longer = shorter + max % 2;
		}
		keep[swap] = shorter;
		keep[!swap] = longer;
	}
	return 0;
}

/* The windows of a text of n tokens, `keep` in each. */
static int cut(struct windows *w, size_t n, size_t keep, const struct tokenizer_options *o,
	struct arena *arena, struct error *e)
{
	size_t step = keep - o->stride, count = 1;
	bool cuts = keep < n, more = cuts && o->windows;
	if (more && keep && o->stride >= keep)
		return error_set(e, ERROR_USAGE,
			"a stride of %zu token%s is not below the %zu that a window has of a text",
			o->stride, plural(o->stride), keep);
	if (more)
		count = keep ? 1 + (n - keep + step - 1) / step : 2;
	if (count > MOST_WINDOWS)
		return error_set(e, ERROR_USAGE, "a text gives more than %d windows", MOST_WINDOWS);
	w->at = ARENA_ARRAY(arena, struct window, count);
	w->n = count;
	for (size_t i = 0; i < count; i++) {
		size_t at = i * step, end = at + keep < n ? at + keep : n;
		if (!cuts)
			w->at[i] = (struct window){ 0, n };
		else if (keep == 0)
			w->at[i] = (struct window){ 0, i ? n : 0 };
		else if (o->truncate_left)
			w->at[i] = (struct window){ n - end, n - at };
		else
			w->at[i] = (struct window){ at, end };
	}
	return 0;
}

/* --- White space taken off offsets ------------------------------------------------------------- */

/*
 * An offset some code points further on in the text, or back, within [low, high]; bytes: NULL where the
 * unit is the code point.
 */
static size_t move(const char *bytes, size_t at, uint32_t n, bool back, size_t low, size_t high)
{
	if (!bytes)
		return back ? (at - low > n ? at - n : low) : (high - at > n ? at + n : high);
	for (; n && (back ? at > low : at < high); n--)
		do
			at += back ? -(size_t)1 : 1;
		while (at > low && at < high && ((unsigned char)bytes[at] & 0xc0) == 0x80);
	return at;
}

static void trim_one(
	const char *bytes, struct token_offset *o, struct scan_blank b, bool first, bool prefix)
{
	uint32_t lead = b.lead;
	size_t start = o->start, end = o->end;
	if ((first || start == 0) && prefix && lead == 1)
		lead = 0;
	start = move(bytes, start, lead, false, start, end);
	/* as in the reference, not where the text has fewer before it */
	if (end >= b.trail)
		end = move(bytes, end, b.trail, true, start, end);
	*o = (struct token_offset){ (uint32_t)start, (uint32_t)end };
}

/* The offsets of tokens `from` of a text, copied to `to`. */
static void trim(const struct assembly *a, const struct scan *s, unsigned text, struct window from,
	struct token_offset *to)
{
	const struct tokenizer *t = a->tokenizer;
	const struct scan_blank *blanks = (const struct scan_blank *)s->blanks.data;
	size_t n_blanks = s->blanks.size / sizeof *blanks, at = 0;
	const char *bytes = a->options->byte_offsets && !s->origin.size ? s->text : NULL;
	for (size_t i = from.start; i < from.end; i++) {
		while (at < n_blanks && blanks[at].token < i)
			at++;
		struct scan_blank b = at < n_blanks && blanks[at].token == i
					      ? blanks[at]
					      : scan_blanks(vocab_token(&t->vocab, s->ids[i]));
		for (size_t j = 0; j < t->post.n_trims && b.lead + b.trail; j++) {
			const struct post_trim *p = &t->post.trims[j];
			bool first =
				i == from.start && p->first[a->pair][a->options->add_special][text];
			trim_one(bytes, &to[i - from.start], b, first, p->add_prefix_space);
		}
	}
}

/* --- Assembling -------------------------------------------------------------------------------- */

/* Which window of its text each piece that is no special token has; index 0 everywhere: the encoding itself. */
static size_t length(const struct assembly *a, const size_t *choice)
{
	size_t n = 0;
	for (size_t i = 0; i < a->form->n; i++) {
		const struct post_piece *p = &a->form->pieces[i];
		struct window w =
			p->special ? (struct window){ 0, p->n } : a->windows[p->text].at[choice[i]];
		n += w.end - w.start;
	}
	return n;
}

static void put_special(struct encoding *out, const struct post_piece *p, uint32_t type_id)
{
	if (p->n == 0)
		return;
	memcpy(out->ids + out->n, p->ids, p->n * sizeof *out->ids);
	if (out->offsets)
		memset(out->offsets + out->n, 0, p->n * sizeof *out->offsets);
	if (out->word_ids)
		memset(out->word_ids + out->n, 0xff, p->n * sizeof *out->word_ids);
	if (out->surfaces)
		memset(out->surfaces + out->n, 0, p->n * sizeof *out->surfaces);
	if (out->special_mask)
		memset(out->special_mask + out->n, p->masked, p->n);
	for (size_t i = 0; out->type_ids && i < p->n; i++)
		out->type_ids[out->n + i] = type_id;
	out->n += p->n;
}

/* The texts of tokens `from` of a text that have one of their own. */
static void put_surfaces(
	const struct assembly *a, const struct scan *s, struct window from, struct slice *to)
{
	const struct scan_surface *x = (const struct scan_surface *)s->surfaces.data;
	size_t n = s->surfaces.size / sizeof *x, low = 0, high = n;
	memset(to, 0, (from.end - from.start) * sizeof *to);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (x[middle].token < from.start)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < n && x[low].token < from.end; low++)
		to[x[low].token - from.start] =
			arena_copy(a->arena, (struct slice){ s->surface_text.data + x[low].start,
						     x[low].end - x[low].start });
}

static void put_text(const struct assembly *a, struct encoding *out, const struct post_piece *p,
	struct window w, uint32_t type_id)
{
	const struct scan *s = &a->scans[p->text];
	size_t n = w.end - w.start;
	if (n == 0)
		return;
	memcpy(out->ids + out->n, s->ids + w.start, n * sizeof *out->ids);
	if (out->offsets) {
		memcpy(out->offsets + out->n, s->offsets + w.start, n * sizeof *out->offsets);
		if (a->tokenizer->post.n_trims)
			trim(a, s, p->text, w, out->offsets + out->n);
	}
	if (out->word_ids)
		memcpy(out->word_ids + out->n, s->words + w.start, n * sizeof *out->word_ids);
	if (out->surfaces)
		put_surfaces(a, s, w, out->surfaces + out->n);
	if (out->special_mask)
		memset(out->special_mask + out->n, 0, n);
	for (size_t i = 0; out->type_ids && i < n; i++)
		out->type_ids[out->n + i] = type_id;
	out->n += n;
}

static void put_padding(struct encoding *out, size_t n, uint32_t id)
{
	for (size_t i = out->n; i < out->n + n; i++) {
		out->ids[i] = id;
		if (out->offsets)
			out->offsets[i] = (struct token_offset){ 0, 0 };
		if (out->word_ids)
			out->word_ids[i] = (uint32_t)TOKENIZER_NO_ID;
		if (out->surfaces)
			out->surfaces[i] = (struct slice){ NULL, 0 };
		if (out->special_mask)
			out->special_mask[i] = 1;
		if (out->type_ids)
			out->type_ids[i] = 0;
		if (out->attention_mask)
			out->attention_mask[i] = 0;
	}
	out->n += n;
}

/* One encoding; windows have other type ids than the first where the reference forgets them. */
static void assemble(struct assembly *a, const size_t *choice, struct encoding *out)
{
	const struct tokenizer_options *o = a->options;
	size_t n = length(a, choice);
	if (a->target == SIZE_MAX) {
		a->target = o->pad_to ? o->pad_to : n;
		if (o->pad_multiple && a->target % o->pad_multiple)
			a->target += o->pad_multiple - a->target % o->pad_multiple;
	}
	size_t padding = a->target > n ? a->target - n : 0, total = n + padding;
	*out = (struct encoding){ .ids = ARENA_ARRAY(a->arena, uint32_t, total) };
	out->offsets = o->offsets ? ARENA_ARRAY(a->arena, struct token_offset, total) : NULL;
	out->type_ids = o->type_ids ? ARENA_ARRAY(a->arena, uint32_t, total) : NULL;
	out->special_mask = o->special_mask ? ARENA_ARRAY(a->arena, uint8_t, total) : NULL;
	out->word_ids = o->word_ids ? ARENA_ARRAY(a->arena, uint32_t, total) : NULL;
	if (a->scans[0].surfaces.size || (a->pair && a->scans[1].surfaces.size))
		out->surfaces = ARENA_ARRAY(a->arena, struct slice, total);
	out->attention_mask = o->attention_mask ? ARENA_ARRAY(a->arena, uint8_t, total) : NULL;
	if (o->pad_left)
		put_padding(out, padding, o->pad_id);
	if (out->attention_mask)
		memset(out->attention_mask + out->n, 1, n);
	for (size_t i = 0; i < a->form->n; i++) {
		const struct post_piece *p = &a->form->pieces[i];
		uint32_t type_id = choice[p->with] ? p->window_type : p->type_id;
		if (p->special)
			put_special(out, p, type_id);
		else
			put_text(a, out, p, a->windows[p->text].at[choice[i]], type_id);
	}
	if (!o->pad_left)
		put_padding(out, padding, o->pad_id);
}

/*
 * The windows that were cut off, in the order in which the reference merges encodings
 * (Encoding::merge_with), piece by piece: each of those so far with the piece's first window and with
 * each other of it, then the encoding itself with each other. A choice is a window for each piece.
 */
static int choose_windows(const struct assembly *a, size_t **choices, size_t *n, struct error *e)
{
	size_t pieces = a->form->n;
	size_t *list = NULL;
	*n = 0;
	for (size_t i = 0; i < pieces; i++) {
		const struct post_piece *p = &a->form->pieces[i];
		size_t others = p->special ? 0 : a->windows[p->text].n - 1;
		size_t count = size_add(size_mul(*n, others + 1), others), k = 0;
		if (others == 0)
			continue;
		if (count > MOST_WINDOWS || size_mul(count, pieces) > MOST_TOKENS)
			return error_set(
				e, ERROR_USAGE, "a text gives more than %d windows", MOST_WINDOWS);
		size_t *next = ARENA_ARRAY(a->arena, size_t, count * pieces);
		for (size_t j = 0; j <= *n; j++)
			for (size_t w = j < *n ? 0 : 1; w <= others; w++, k++) {
				size_t *to = next + k * pieces;
				memset(to, 0, pieces * sizeof *to);
				if (j < *n)
					memcpy(to, list + j * pieces, pieces * sizeof *to);
				to[i] = w;
			}
		list = next;
		*n = count;
	}
	*choices = list;
	return 0;
}

int encoding_make(const struct tokenizer *t, struct scan scans[2], bool pair,
	const struct tokenizer_options *o, struct arena *arena, struct encoding *out,
	struct error *e)
{
	struct assembly a = { .tokenizer = t,
		.scans = scans,
		.options = o,
		.pair = pair,
		.form = &t->post.forms[pair][o->add_special],
		.target = SIZE_MAX,
		.arena = arena };
	size_t added = o->add_special ? t->post.added[pair] : 0, n = 0, *choices = NULL;
	size_t keep[2] = { scans[0].n, scans[1].n };
	if (o->max_length && choose_lengths(scans, pair, o->max_length - added, o, keep, e))
		return -1;
	for (unsigned i = 0; i < 1u + pair; i++)
		if (cut(&a.windows[i], scans[i].n, keep[i], o, arena, e))
			return -1;
	if (!o->pad_to && !o->pad_multiple)
		a.target = 0;
	size_t *first = arena_zero(arena, a.form->n + 1, sizeof *first);
	assemble(&a, first, out);
	if (!o->windows)
		return 0;
	if (choose_windows(&a, &choices, &n, e))
		return -1;
	if (size_mul(n, out->n) > MOST_TOKENS)
		return error_set(e, ERROR_USAGE, "the windows of a text hold more than %d tokens",
			MOST_TOKENS);
	out->windows = ARENA_ARRAY(arena, struct encoding, n + 1);
	out->n_windows = n;
	for (size_t i = 0; i < n; i++)
		assemble(&a, choices + i * a.form->n, &out->windows[i]);
	return 0;
}
