#include "lib/token/added.h"

#include "lib/text/unicode.h"
#include "lib/text/utf8.h"

int added_set_token(
	struct added *a, struct vocab *v, const struct added_token *token, struct error *e)
{
	if (token->content.size == 0)
		return 0;
	size_t i = 0;
	uint32_t id = vocab_id(v, token->content);
	if (id == (uint32_t)VOCAB_NONE) {
		/* the reference counts on from the number of tokens */
		id = (uint32_t)v->n;
		i = a->n;
	} else {
		while (i < a->n && a->tokens[i].id != id)
			i++;
	}
	if (vocab_set(v, token->content, id, e))
		return error_wrap(e, "added token");
	a->tokens = mem_grow(a->tokens, &a->capacity, i + 1, sizeof *a->tokens);
	bool special = i < a->n && a->tokens[i].special;
	a->tokens[i] = *token;
	a->tokens[i].id = id;
	a->tokens[i].special |= special;
	a->n += i == a->n;
	return 0;
}

static void clear(struct added_set *s)
{
	trie_free(&s->trie);
	*s = (struct added_set){ .only = -1 };
}

static int insert(struct added_set *s, struct slice content, size_t index, struct error *e)
{
	size_t size = 0;
	if (content.size == 0)
		return error_set(e, ERROR_MODEL, "an added token is empty once it is normalized");
	if (trie_longest(&s->trie, 0, content.data, content.data + content.size, &size) !=
			(uint32_t)TRIE_NONE &&
		size == content.size)
		return 0;
	unsigned char c = (unsigned char)content.data[0];
	s->only = s->n == 0 || s->only == c ? c : -1;
	s->first[c] = true;
	s->n++;
	return trie_set(&s->trie, content, (uint32_t)index, e);
}

static int normalize(
	const struct normalizer *n, struct slice *text, struct arena *arena, struct error *e)
{
	struct normalized out = { .unaligned = true };
	struct regex_work work = { NULL, NULL, NULL };
	int rc = normalizer_run(n, *text, 0, &out, &work, e);
	if (rc && e)
		e->code = ERROR_MODEL;
	*text = arena_copy(arena, buffer_view(&out.text));
	normalized_free(&out);
	regex_work_free(&work);
	return rc;
}

int added_build(struct added *a, const struct normalizer *n, struct arena *arena, struct error *e)
{
	clear(&a->raw);
	clear(&a->normal);
	for (size_t i = 0; i < a->n; i++) {
		struct slice content = a->tokens[i].content;
		if (a->tokens[i].normalized && n->n && normalize(n, &content, arena, e))
			return error_wrap(e, "an added token");
		a->tokens[i].pattern = content;
		if (insert(a->tokens[i].normalized ? &a->normal : &a->raw, content, i, e))
			return -1;
	}
	return 0;
}

void added_free(struct added *a)
{
	clear(&a->raw);
	clear(&a->normal);
	mem_free(a->tokens);
	*a = (struct added){ 0 };
}

/* The code point before p, which is above start. */
static uint32_t before(const char *start, const char *p, const char **at)
{
	const char *q = p - 1;
	while (q > start && p - q < 4 && ((unsigned char)*q & 0xc0) == 0x80)
		q--;
	uint32_t c;
	if (q + utf8_decode(q, p, &c) != p) {
		q = p - 1;
		c = UTF8_REPLACEMENT;
	}
	*at = q;
	return c;
}

static bool touches_word(struct slice text, size_t start, size_t end)
{
	uint32_t c;
	const char *at;
	if (start > 0 && unicode_flags(before(text.data, text.data + start, &at)) & UNICODE_WORD)
		return true;
	if (end == text.size)
		return false;
	utf8_decode(text.data + end, text.data + text.size, &c);
	return unicode_flags(c) & UNICODE_WORD;
}

static size_t strip_left(struct slice text, size_t start, size_t taken)
{
	const char *p = text.data + start, *at;
	while (p > text.data + taken && unicode_flags(before(text.data, p, &at)) & UNICODE_SPACE)
		p = at;
	return (size_t)(p - text.data);
}

static size_t strip_right(struct slice text, size_t end)
{
	uint32_t c;
	while (end < text.size) {
		size_t n = utf8_decode(text.data + end, text.data + text.size, &c);
		if (!(unicode_flags(c) & UNICODE_SPACE))
			break;
		end += n;
	}
	return end;
}

/* Where one of the tokens may begin, from `at` on; text.size where none may. */
static size_t candidate(const struct added_set *s, struct slice text, size_t at)
{
	if (s->only >= 0) {
		const char *p =
			at < text.size ? memchr(text.data + at, s->only, text.size - at) : NULL;
		return p ? (size_t)(p - text.data) : text.size;
	}
	while (at < text.size && !s->first[(unsigned char)text.data[at]])
		at++;
	return at;
}

bool added_find(const struct added *a, const struct added_set *s, struct slice text, size_t search,
	size_t taken, struct added_match *m)
{
	const char *end = text.data + text.size;
	if (s->n == 0)
		return false;
	for (size_t at = candidate(s, text, search); at < text.size; at = candidate(s, text, at)) {
		size_t size = 0;
		uint32_t i = trie_longest(&s->trie, 0, text.data + at, end, &size);
		if (i == (uint32_t)TRIE_NONE) {
			at++;
			continue;
		}
		const struct added_token *token = &a->tokens[i];
		if (token->single_word && touches_word(text, at, at + size)) {
			at += size;
			continue;
		}
		m->token = token;
		m->next = at + size;
		m->start = !token->lstrip ? at : at > taken ? strip_left(text, at, taken) : taken;
		m->end = token->rstrip ? strip_right(text, at + size) : at + size;
		m->end = m->end > m->start ? m->end : m->start;
		return true;
	}
	return false;
}
