#include "lib/token/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "lib/token/regex_syntax.h"

/*
 * What a search may cost: a step is a try at matching an item of the pattern. Sound patterns take a
 * few steps a byte, and no match of theirs is longer than a text's longest word.
 */
enum {
	STEP_LIMIT = 10000000,
	DEPTH_LIMIT = 1000000,
	HEAP_LIMIT_KIB = 1 << 18,
	JIT_STACK = 1 << 20
};

struct regex {
	pcre2_code *code;
	bool jit;
	char name[64]; /* its beginning, for errors */
};

static struct slice beginning(struct slice s)
{
	size_t n = s.size < 63 ? s.size : 60;
	while (n < s.size && n > 0 && ((unsigned char)s.data[n] & 0xc0) == 0x80)
		n--;
	return (struct slice){ s.data, n };
}

struct regex *regex_compile(struct slice pattern, struct error *e)
{
	struct buffer translated = { NULL, 0, 0 };
	struct slice name = beginning(pattern);
	int code;
	PCRE2_SIZE at;
	if (regex_translate(pattern, &translated, e)) {
		buffer_free(&translated);
		error_wrap(e, "regular expression \"%.*s\"", (int)name.size, name.data);
		return NULL;
	}
	pcre2_compile_context *c = pcre2_compile_context_create(NULL);
	if (!c)
		memory_exhausted(0);
	pcre2_set_newline(c, PCRE2_NEWLINE_LF);
	pcre2_set_bsr(c, PCRE2_BSR_UNICODE);
	pcre2_set_parens_nest_limit(c, 250);
	struct regex *r = mem_zero(1, sizeof *r);
	r->code = pcre2_compile((PCRE2_SPTR)(translated.data ? translated.data : ""),
		translated.size, PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C,
		&code, &at, c);
	pcre2_compile_context_free(c);
	buffer_free(&translated);
	if (!r->code) {
		char message[160];
		pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof message);
		mem_free(r);
		error_set(e, ERROR_MODEL, "regular expression \"%.*s\": %s", (int)name.size,
			name.data, message);
		return NULL;
	}
	r->jit = pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE) == 0;
	memcpy(r->name, name.data, name.size);
	return r;
}

void regex_free(struct regex *r)
{
	if (!r)
		return;
	pcre2_code_free(r->code);
	mem_free(r);
}

void regex_work_free(struct regex_work *w)
{
	if (w->match)
		pcre2_match_data_free(w->match);
	if (w->context)
		pcre2_match_context_free(w->context);
	if (w->stack)
		pcre2_jit_stack_free(w->stack);
	*w = (struct regex_work){ 0 };
}

static void prepare(struct regex_work *w)
{
	w->match = pcre2_match_data_create(1, NULL);
	w->context = pcre2_match_context_create(NULL);
	if (!w->match || !w->context)
		memory_exhausted(0);
	pcre2_set_match_limit(w->context, STEP_LIMIT);
	pcre2_set_depth_limit(w->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(w->context, HEAP_LIMIT_KIB);
	w->stack = pcre2_jit_stack_create(32768, JIT_STACK, NULL);
	if (w->stack)
		pcre2_jit_stack_assign(w->context, NULL, w->stack);
}

/* The first match at or behind `at`: PCRE2's code. A pattern too deep for the JIT's stack is tried without it. */
static int search(const struct regex *r, struct regex_work *w, struct slice text, size_t at)
{
	PCRE2_SPTR subject = (PCRE2_SPTR)text.data;
	int rc = pcre2_match(
		r->code, subject, text.size, at, PCRE2_NO_UTF_CHECK, w->match, w->context);
	if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
		rc = pcre2_match(r->code, subject, text.size, at, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
			w->match, w->context);
	return rc;
}

static size_t char_size(struct slice text, size_t at)
{
	size_t i = at + 1;
	while (i < text.size && ((unsigned char)text.data[i] & 0xc0) == 0x80)
		i++;
	return i - at;
}

int regex_next(const struct regex *r, struct regex_work *w, struct slice text,
	struct regex_walk *walk, size_t *start, size_t *end, struct error *e)
{
	if (!w->match)
		prepare(w);
	while (walk->at <= text.size) {
		int rc = search(r, w, text, walk->at);
		if (rc == PCRE2_ERROR_NOMATCH)
			break;
		if (rc < 0) {
			char message[160];
			pcre2_get_error_message(rc, (PCRE2_UCHAR *)message, sizeof message);
			return error_set(e, ERROR_DATA,
				"regular expression \"%s\" takes too long on this text: %s",
				r->name, message);
		}
		const PCRE2_SIZE *pair = pcre2_get_ovector_pointer(w->match);
		if (pair[0] == pair[1] && walk->last == pair[1] + 1) {
			walk->at += walk->at < text.size ? char_size(text, walk->at) : 1;
			continue;
		}
		*start = pair[0];
		*end = walk->at = pair[1];
		walk->last = pair[1] + 1;
		return 1;
	}
	walk->at = text.size + 1;
	return 0;
}
