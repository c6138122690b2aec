#include "lib/token/passage.h"

#include "lib/text/unicode.h"
#include "lib/text/utf8.h"

/* What ends at a place of a text. */
enum boundary { WITHIN_WORD, WORD_END, SENTENCE_END };

struct splitting {
	const struct tokenizer *tokenizer;
	struct tokenizer_scratch *scratch;
	struct slice text;
	const struct passage_options *options;
	struct arena *arena;
	const struct token_offset *offsets; /* of all tokens of the text, in bytes */
	size_t n;
	struct passage *list;
	size_t n_list, capacity;
	struct error *error;
};

static uint32_t char_at(struct slice text, size_t at, size_t *size)
{
	uint32_t c;
	*size = utf8_decode(text.data + at, text.data + text.size, &c);
	return c;
}

static bool is_space(uint32_t c)
{
	return unicode_flags(c) & UNICODE_SPACE;
}

static size_t previous(struct slice text, size_t at)
{
	do
		at--;
	while (at > 0 && ((unsigned char)text.data[at] & 0xc0) == 0x80);
	return at;
}

/* Closing quotes and brackets may follow what ends a sentence. */
static bool closes(uint32_t c)
{
	static const uint32_t closing[] = { '"', '\'', ')', ']', '}', 0xbb, 0x2019, 0x201d, 0x300d,
		0x300f, 0xff09 };
	for (size_t i = 0; i < sizeof closing / sizeof *closing; i++)
		if (c == closing[i])
			return true;
	return false;
}

/* 2: ends a sentence wherever it stands (CJK), 1: before white space, 0: does not. */
static int ends_sentence(uint32_t c)
{
	switch (c) {
	case 0x3002:
	case 0xff01:
	case 0xff1f:
		return 2;
	case '.':
	case '!':
	case '?':
	case 0x2026:
	case 0x61f:
	case 0x964:
		return 1;
	default:
		return 0;
	}
}

static enum boundary boundary_at(struct slice text, size_t at)
{
	size_t size, i = at;
	bool space = at >= text.size || is_space(char_at(text, at, &size));
	if (at == 0)
		return WORD_END;
	uint32_t c = char_at(text, i = previous(text, i), &size);
	bool newline = at < text.size && text.data[at] == '\n';
	if (is_space(c))
		return WORD_END;
	while (i > 0 && closes(c))
		c = char_at(text, i = previous(text, i), &size);
	int ends = ends_sentence(c);
	if (newline || ends == 2 || (ends && space))
		return SENTENCE_END;
	return space ? WORD_END : WITHIN_WORD;
}

static size_t skip_space(struct slice text, size_t at, size_t end)
{
	size_t size;
	while (at < end && is_space(char_at(text, at, &size)))
		at += size;
	return at;
}

/* The passage of bytes [start, end), and how many tokens it has by itself. */
static int measure(struct splitting *s, size_t start, size_t end, struct passage *p)
{
	const struct tokenizer_options o = { .add_special = s->options->add_special };
	struct arena_mark mark = arena_mark(s->arena);
	struct encoding x;
	p->start = skip_space(s->text, start, end);
	p->end = p->start +
		 unicode_trim_end((struct slice){ s->text.data + p->start, end - p->start });
	int rc = tokenizer_encode(s->tokenizer, s->scratch,
		(struct slice){ s->text.data + p->start, p->end - p->start }, NULL, &o, s->arena,
		&x, s->error);
	p->n = rc ? 0 : x.n;
	arena_reset(s->arena, mark);
	return rc;
}

static void add(struct splitting *s, struct passage p)
{
	s->list = mem_grow(s->list, &s->capacity, s->n_list + 1, sizeof *s->list);
	s->list[s->n_list++] = p;
}

/*
 * The token to end with: of [first, last) whose ends are behind the byte `behind` the last that ends a
 * sentence, else a word, else the last; `last` where there is none.
 */
static size_t best_end(const struct splitting *s, size_t first, size_t last, size_t behind)
{
	size_t best = last;
	enum boundary kind = WITHIN_WORD;
	for (size_t i = last; i-- > first && kind != SENTENCE_END;) {
		size_t end = s->offsets[i].end;
		if (end <= behind)
			break;
		if (i + 1 == s->n) /* all that is left */
			return i;
		enum boundary b = boundary_at(s->text, end);
		if (best == last || b > kind) {
			best = i;
			kind = b;
		}
	}
	return best;
}

/* The first token that the next passage begins with, when one ends with token `last`. */
static size_t next_start(const struct splitting *s, size_t first, size_t last)
{
	/* as far back as the overlap reaches */
	size_t at = last + 1 > s->options->overlap ? last + 1 - s->options->overlap : 0;
	at = at > first ? at : first + 1;
	while (at <= last && boundary_at(s->text, s->offsets[at].start) == WITHIN_WORD)
		at++;
	return at;
}

/*
 * A token by itself may become several, as it is another where it begins a word: the first half of its
 * characters then, or of those. 1: it fits, 0: not even one character does.
 */
static int measure_part(struct splitting *s, size_t start, size_t end, struct passage *p)
{
	for (p->n = SIZE_MAX; p->n > s->options->tokens;) {
		size_t size, half = start + (end - start) / 2;
		char_at(s->text, start, &size);
		if (end <= start + size)
			return 0;
		while (half > start + size && ((unsigned char)s->text.data[half] & 0xc0) == 0x80)
			half--;
		end = half > start + size ? half : start + size;
		if (measure(s, start, end, p))
			return -1;
	}
	p->end = end;
	return 1;
}

/*
 * The passage that begins with token `first`, at byte start, and the token it ends with. 1: it is
 * found, 0: no token ends behind the byte `behind`, or what is repeated leaves no room.
 */
static int find_passage(struct splitting *s, size_t first, size_t start, size_t behind, size_t room,
	struct passage *p, size_t *end)
{
	size_t last = first + room < s->n ? first + room : s->n;
	for (p->n = SIZE_MAX; p->n > s->options->tokens; last = *end) {
		*end = best_end(s, first, last, behind);
		if (*end == last)
			break;
		if (measure(s, start, s->offsets[*end].end, p))
			return -1;
	}
	if (p->n <= s->options->tokens)
		return 1;
	if (p->n == SIZE_MAX || behind > start)
		return 0;
	*end = first;
	int rc = measure_part(s, start, s->offsets[first].end, p);
	if (rc == 0)
		return error_set(s->error, ERROR_DATA,
			"the character at byte %zu has more than the %zu token%s of a passage",
			start, s->options->tokens, plural(s->options->tokens));
	return rc;
}

static int split(struct splitting *s)
{
	size_t added = s->options->add_special ? tokenizer_added(s->tokenizer, false) : 0,
	       room = s->options->tokens - added, behind = 0, resume = 0;
	for (size_t first = 0, end = 0; first < s->n;) {
		struct passage p = { 0, 0, 0 };
		size_t start = s->offsets[first].start > resume ? s->offsets[first].start : resume;
		int rc = find_passage(s, first, start, behind, room, &p, &end);
		if (rc < 0)
			return -1;
		if (rc == 0) {
			for (first++; first < s->n && s->offsets[first].start < behind;)
				first++;
			behind = 0;
			continue;
		}
		if (p.end > p.start)
			add(s, p);
		if (p.end < s->offsets[end].end && end == first && p.end > start) {
			behind = resume = p.end; /* the rest of this token */
			continue;
		}
		behind = s->offsets[end].end;
		while (end + 1 < s->n && s->offsets[end + 1].end <= behind)
			end++;
		first = end + 1 < s->n ? next_start(s, first, end) : s->n;
	}
	return 0;
}

int passage_split(const struct tokenizer *t, struct tokenizer_scratch *scratch, struct slice text,
	const struct passage_options *o, struct arena *arena, struct passage **list, size_t *n,
	struct error *e)
{
	const struct tokenizer_options whole = { .offsets = true, .byte_offsets = true };
	struct encoding x;
	if (o->tokens <= (o->add_special ? tokenizer_added(t, false) : 0))
		return error_set(e, ERROR_USAGE, "no room for text in %zu token%s", o->tokens,
			plural(o->tokens));
	if (tokenizer_encode(t, scratch, text, NULL, &whole, arena, &x, e))
		return -1;
	struct splitting s = { .tokenizer = t,
		.scratch = scratch,
		.text = text,
		.options = o,
		.arena = arena,
		.offsets = x.offsets,
		.n = x.n,
		.error = e };
	int rc = split(&s);
	*n = s.n_list;
	*list = ARENA_ARRAY(arena, struct passage, s.n_list + 1);
	if (s.n_list)
		memcpy(*list, s.list, s.n_list * sizeof **list);
	mem_free(s.list);
	return rc;
}
