#include "lib/token/pretokenizer.h"

#include "lib/text/unicode.h"
#include "lib/text/unicode_class.h"
#include "lib/text/utf8.h"
#include "lib/token/byte_level.h"
#include "lib/token/splitter.h"

void piece_add(struct piece_list *l, size_t start, size_t end, uint32_t token)
{
	if (start == end)
		return;
	if (l->n == l->capacity)
		l->at = mem_grow(l->at, &l->capacity, l->n + 1, sizeof *l->at);
	l->at[l->n++] = (struct piece){ (uint32_t)start, (uint32_t)end, token };
}

void pieces_free(struct pieces *p)
{
	normalized_free(&p->text);
	mem_free(p->list.at);
	mem_free(p->next.at);
	*p = (struct pieces){ 0 };
}

static uint32_t char_at(const struct pieces *p, size_t at, size_t end, size_t *size)
{
	uint32_t c;
	const char *text = p->text.text.data;
	*size = utf8_decode(text + at, text + end, &c);
	return c;
}

/* --- Steps that split at classes of code points ------------------------------------------------ */

enum character { WORD, SEPARATOR, ALONE };

static enum character bert_class(const struct pretokenizer_step *s, uint32_t c)
{
	(void)s;
	unsigned flags = unicode_flags(c);
	return flags & UNICODE_SPACE ? SEPARATOR : flags & UNICODE_PUNCTUATION ? ALONE : WORD;
}

static void split_bert(const struct pretokenizer_step *s, const struct pieces *p,
	struct piece piece, struct piece_list *to)
{
	size_t word = piece.start, size;
	for (size_t i = piece.start; i < piece.end; i += size) {
		enum character class = bert_class(s, char_at(p, i, piece.end, &size));
		if (class == WORD)
			continue;
		piece_add(to, word, i, (uint32_t)PIECE_WORD);
		if (class == ALONE)
			piece_add(to, i, i + size, (uint32_t)PIECE_WORD);
		word = i + size;
	}
	piece_add(to, word, piece.end, (uint32_t)PIECE_WORD);
}

/* Runs of word characters, and of what is neither that nor white space. */
static void split_whitespace(const struct pieces *p, struct piece piece, struct piece_list *to)
{
	size_t start = piece.start, size;
	unsigned last = UNICODE_SPACE;
	for (size_t i = piece.start; i < piece.end; i += size) {
		unsigned class = unicode_flags(char_at(p, i, piece.end, &size)) &
				 (UNICODE_SPACE | UNICODE_WORD);
		if (class == last)
			continue;
		if (last != UNICODE_SPACE)
			piece_add(to, start, i, (uint32_t)PIECE_WORD);
		start = i;
		last = class;
	}
	if (last != UNICODE_SPACE)
		piece_add(to, start, piece.end, (uint32_t)PIECE_WORD);
}

static bool separates(const struct pretokenizer_step *s, uint32_t c)
{
	switch (s->kind) {
	case PRETOKENIZER_WHITESPACE_SPLIT:
		return unicode_flags(c) & UNICODE_SPACE;
	case PRETOKENIZER_PUNCTUATION:
		return unicode_flags(c) & UNICODE_PUNCTUATION;
	case PRETOKENIZER_DIGITS:
		return unicode_is_numeric(c);
	case PRETOKENIZER_CHAR_DELIMITER:
		return c == s->delimiter;
	default:
		return false;
	}
}

static void split_class(const struct pretokenizer_step *s, const struct pieces *p,
	struct piece piece, struct piece_list *to)
{
	struct splitter out = { .behavior = s->behavior, .to = to };
	size_t start = piece.start, size;
	for (size_t i = piece.start; i < piece.end; i += size) {
		if (!separates(s, char_at(p, i, piece.end, &size)))
			continue;
		if (i > start)
			splitter_put(&out, start, i, false);
		splitter_put(&out, i, i + size, true);
		start = i + size;
	}
	if (piece.end > start)
		splitter_put(&out, start, piece.end, false);
	splitter_end(&out);
}

/*
 * A piece a script, where those that go with any go with what is before. The reference loses
 * what stands before the first that has a script.
 */
static void split_scripts(const struct pieces *p, struct piece piece, struct piece_list *to)
{
	size_t start = piece.end, size;
	unsigned last = 0;
	for (size_t i = piece.start; i < piece.end; i += size) {
		unsigned script = unicode_script(char_at(p, i, piece.end, &size));
		if (script == 0 || script == last)
			continue;
		if (last)
			piece_add(to, start, i, (uint32_t)PIECE_WORD);
		start = i;
		last = script;
	}
	piece_add(to, start, piece.end, (uint32_t)PIECE_WORD);
}

static void split_length(const struct pretokenizer_step *s, const struct pieces *p,
	struct piece piece, struct piece_list *to)
{
	size_t start = piece.start, n = 0, size;
	for (size_t i = piece.start; i < piece.end; i += size, n++) {
		if (n == s->length) {
			piece_add(to, start, i, (uint32_t)PIECE_WORD);
			start = i;
			n = 0;
		}
		char_at(p, i, piece.end, &size);
	}
	piece_add(to, start, piece.end, (uint32_t)PIECE_WORD);
}

/* --- Split ------------------------------------------------------------------------------------- */

static int split_matches(const struct matcher *m, enum split_behavior behavior, bool invert,
	const struct pieces *p, struct piece piece, struct piece_list *to, struct regex_work *work,
	struct error *e)
{
	struct splitter out = { .behavior = behavior, .to = to };
	struct slice text = { p->text.text.data + piece.start, piece.end - piece.start };
	struct regex_walk walk = { 0, 0 };
	size_t at = 0, start, end;
	int found;
	while ((found = matcher_next(m, work, text, &walk, &start, &end, e)) > 0) {
		if (start != at)
			splitter_put(&out, piece.start + at, piece.start + start, invert);
		splitter_put(&out, piece.start + start, piece.start + end, !invert);
		at = end;
	}
	if (at != text.size)
		splitter_put(&out, piece.start + at, piece.end, invert);
	splitter_end(&out);
	return found;
}

/* --- Steps that change the text ---------------------------------------------------------------- */

/*
 * The pieces again over the text that a change makes: what lies between them goes, and what is in
 * two of them (added tokens of white space) is there twice.
 */
static size_t begin_piece(struct change *c, struct piece piece)
{
	c->at = piece.start;
	return c->n->next.text.size;
}

static void end_piece(const struct change *c, struct pieces *p, size_t start, uint32_t token)
{
	piece_add(&p->next, start, c->n->next.text.size, token);
}

static void swap_lists(struct pieces *p)
{
	struct piece_list old = p->list;
	p->list = p->next;
	p->next = old;
	p->next.n = 0;
}

/* Text before what is to be copied next, aligned with that. */
static void prefix(struct change *c, struct slice text)
{
	c->at++;
	change_insert(c, text);
	c->at--;
}

static int add_prefix_space(struct pieces *p, struct error *e)
{
	struct change c = change_begin(&p->text, 0);
	for (size_t i = 0; i < p->list.n; i++) {
		struct piece piece = p->list.at[i];
		size_t start = begin_piece(&c, piece);
		if (piece.token == (uint32_t)PIECE_WORD && p->text.text.data[piece.start] != ' ')
			prefix(&c, SLICE(" "));
		change_copy(&c, piece.end - piece.start);
		end_piece(&c, p, start, piece.token);
	}
	swap_lists(p);
	return change_end(&c, e);
}

static int spell_bytes(struct pieces *p, struct error *e)
{
	struct change c = change_begin(&p->text, 0);
	for (size_t i = 0; i < p->list.n; i++) {
		struct piece piece = p->list.at[i];
		size_t start = begin_piece(&c, piece);
		if (piece.token != (uint32_t)PIECE_WORD)
			change_copy(&c, piece.end - piece.start);
		for (; c.at < piece.end; change_skip(&c, 1)) {
			char bytes[4];
			unsigned char b = (unsigned char)p->text.text.data[c.at];
			prefix(&c, (struct slice){ bytes, utf8_encode(bytes, byte_level_char(b)) });
		}
		end_piece(&c, p, start, piece.token);
	}
	swap_lists(p);
	return change_end(&c, e);
}

static bool starts_with(struct slice text, struct slice with)
{
	return text.size >= with.size && memcmp(text.data, with.data, with.size) == 0;
}

static bool prepends(const struct pretokenizer_step *s, const struct pieces *p, struct piece piece)
{
	struct slice text = { p->text.text.data + piece.start, piece.end - piece.start };
	if (text.data[0] == ' ' || starts_with(text, s->metaspace.replacement))
		return false;
	return s->metaspace.prepend == PREPEND_ALWAYS ||
	       (s->metaspace.prepend == PREPEND_FIRST && p->text.from[piece.start] == 0);
}

/* Spaces become the replacement, and one goes before the piece. */
static int replace_spaces(const struct pretokenizer_step *s, struct pieces *p, struct error *e)
{
	struct change c = change_begin(&p->text, 0);
	const char *text = p->text.text.data;
	for (size_t i = 0; i < p->list.n; i++) {
		struct piece piece = p->list.at[i];
		size_t start = begin_piece(&c, piece);
		bool word = piece.token == (uint32_t)PIECE_WORD;
		if (word && prepends(s, p, piece))
			prefix(&c, s->metaspace.replacement);
		while (c.at < piece.end) {
			const char *space =
				word ? memchr(text + c.at, ' ', piece.end - c.at) : NULL;
			change_copy(&c, (space ? (size_t)(space - text) : piece.end) - c.at);
			if (space) {
				change_skip(&c, 1);
				change_insert(&c, s->metaspace.replacement);
			}
		}
		end_piece(&c, p, start, piece.token);
	}
	swap_lists(p);
	return change_end(&c, e);
}

/* --- Running ----------------------------------------------------------------------------------- */

static int split_piece(const struct pretokenizer_step *s, struct pieces *p, struct piece piece,
	struct regex_work *work, struct error *e)
{
	const struct matcher space = { .literal = s->metaspace.replacement };
	switch (s->kind) {
	case PRETOKENIZER_BERT:
		split_bert(s, p, piece, &p->next);
		break;
	case PRETOKENIZER_WHITESPACE:
		split_whitespace(p, piece, &p->next);
		break;
	case PRETOKENIZER_WHITESPACE_SPLIT:
	case PRETOKENIZER_DIGITS:
	case PRETOKENIZER_PUNCTUATION:
	case PRETOKENIZER_CHAR_DELIMITER:
		split_class(s, p, piece, &p->next);
		break;
	case PRETOKENIZER_UNICODE_SCRIPTS:
		split_scripts(p, piece, &p->next);
		break;
	case PRETOKENIZER_FIXED_LENGTH:
		split_length(s, p, piece, &p->next);
		break;
	case PRETOKENIZER_SPLIT:
		return split_matches(&s->split.matcher, s->behavior, s->split.invert, p, piece,
			&p->next, work, e);
	case PRETOKENIZER_BYTE_LEVEL:
		return split_matches(
			&s->byte_level.matcher, SPLIT_ISOLATED, false, p, piece, &p->next, work, e);
	case PRETOKENIZER_METASPACE:
		return split_matches(
			&space, SPLIT_MERGED_WITH_NEXT, false, p, piece, &p->next, work, e);
	}
	return 0;
}

static int split_pieces(const struct pretokenizer_step *s, struct pieces *p,
	struct regex_work *work, struct error *e)
{
	for (size_t i = 0; i < p->list.n; i++) {
		struct piece piece = p->list.at[i];
		if (piece.token != (uint32_t)PIECE_WORD)
			piece_add(&p->next, piece.start, piece.end, piece.token);
		else if (split_piece(s, p, piece, work, e))
			return -1;
	}
	swap_lists(p);
	return 0;
}

static int run_step(const struct pretokenizer_step *s, struct pieces *p, struct regex_work *work,
	struct error *e)
{
	bool byte_level = s->kind == PRETOKENIZER_BYTE_LEVEL,
	     metaspace = s->kind == PRETOKENIZER_METASPACE, splits = true;
	if (byte_level) {
		splits = s->byte_level.use_regex;
		if (s->byte_level.add_prefix_space && add_prefix_space(p, e))
			return -1;
	} else if (metaspace) {
		splits = s->metaspace.split;
		if (replace_spaces(s, p, e))
			return -1;
	}
	if (splits && split_pieces(s, p, work, e))
		return -1;
	return byte_level ? spell_bytes(p, e) : 0;
}

int pretokenizer_run(
	const struct pretokenizer *t, struct pieces *p, struct regex_work *work, struct error *e)
{
	p->next.n = 0;
	for (size_t i = 0; i < t->n; i++)
		if (run_step(&t->steps[i], p, work, e))
			return -1;
	return 0;
}

bool pretokenizer_needs_alignment(const struct pretokenizer *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->steps[i].kind == PRETOKENIZER_METASPACE &&
			t->steps[i].metaspace.prepend == PREPEND_FIRST)
			return true;
	return false;
}
