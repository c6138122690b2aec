#include "lib/text/normal.h"

#include <pthread.h>
#include <utf8proc.h>

#include "lib/text/normal_table.h"
#include "lib/text/utf8.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { LONGEST = 18 }; /* code points that one decomposes to: U+FDFA */

/* By code point: a bit 1 << form where the form may change it or what is before it. */
static uint8_t table[UNICODE_TABLE];

static void set(const struct unicode_range *ranges, size_t n, unsigned forms)
{
	for (size_t i = 0; i < n && ranges[i].first < UNICODE_TABLE; i++)
		for (uint32_t c = ranges[i].first; c <= ranges[i].last && c < UNICODE_TABLE; c++)
			table[c] |= (uint8_t)forms;
}

static void build(void)
{
	unicode_start();
	set(compatible_table, COUNT(compatible_table), 1 << NORMAL_NFKD | 1 << NORMAL_NFKC);
	set(composes_table, COUNT(composes_table), 1 << NORMAL_NFC | 1 << NORMAL_NFKC);
	for (uint32_t c = 0; c < UNICODE_TABLE; c++) {
		if (!(unicode_table[c] & UNICODE_DECOMPOSES))
			continue;
		table[c] |= 1 << NORMAL_NFD | 1 << NORMAL_NFKD;
		if (unicode_combining_class(c))
			table[c] |= 1 << NORMAL_NFC | 1 << NORMAL_NFKC;
	}
}

static void start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, build);
}

/* Above the table there is one range of ideographs for compatibility, which every form changes. */
static inline bool inert(enum normal_form form, uint32_t c)
{
	static const struct unicode_range *last = &composes_table[COUNT(composes_table) - 1];
	if (c < UNICODE_TABLE)
		return !(table[c] >> form & 1);
	return c < last->first || c > last->last;
}

size_t normal_prefix(enum normal_form form, struct slice text)
{
	size_t last = 0;
	if (!text.size)
		return 0; /* data may be NULL */
	const char *end = text.data + text.size;
	start();
	for (size_t i = 0; i < text.size;) {
		size_t ascii = utf8_ascii((struct slice){ text.data + i, text.size - i });
		if (ascii) {
			i += ascii;
			last = i - 1;
			continue;
		}
		uint32_t c;
		size_t size = utf8_decode(text.data + i, end, &c);
		/* U+FFFD stands for what is not UTF-8, and is written as such */
		bool broken = c == UTF8_REPLACEMENT &&
			      (size != 3 || memcmp(text.data + i, "\xef\xbf\xbd", 3) != 0);
		if (!inert(form, c) || broken)
			return form == NORMAL_NFC || form == NORMAL_NFKC ? last : i;
		last = i;
		i += size;
	}
	return text.size;
}

void normal_sort(struct normal_mark *marks, size_t n)
{
	size_t i = 1;
	while (i < n && marks[i - 1].class <= marks[i].class)
		i++;
	if (i >= n)
		return;
	struct normal_mark *sorted = MEM_ARRAY(struct normal_mark, n);
	size_t start_of[257] = { 0 };
	for (i = 0; i < n; i++)
		start_of[marks[i].class + 1]++;
	for (i = 0; i < 256; i++)
		start_of[i + 1] += start_of[i];
	for (i = 0; i < n; i++)
		sorted[start_of[marks[i].class]++] = marks[i];
	memcpy(marks, sorted, n * sizeof *marks);
	mem_free(sorted);
}

/*
 * Marks wait for the next code point of class 0 to be sorted. When composing, what was sorted
 * waits behind the composee: `held` are marks that did not go into it, `last` the class of the
 * last of them.
 */
struct run {
	enum normal_form form;
	struct buffer *out;
	struct buffer marks; /* struct normal_mark */
	struct buffer held; /* struct normal_change */
	struct normal_change composee;
	bool composing;
	unsigned last; /* 0: nothing is held */
};

/* The code point that two make, 0 where they make none. */
static uint32_t compose(uint32_t a, uint32_t b)
{
	utf8proc_int32_t pair[3] = { (utf8proc_int32_t)a, (utf8proc_int32_t)b, 0 };
	if (inert(NORMAL_NFC, b) ||
		utf8proc_normalize_utf32(pair, 2, UTF8PROC_COMPOSE | UTF8PROC_STABLE) != 1)
		return 0;
	/* known to the reference: it takes it apart again */
	return unicode_flags((uint32_t)pair[0]) & UNICODE_DECOMPOSES ? (uint32_t)pair[0] : 0;
}

static void put(struct run *r, struct normal_change c)
{
	buffer_add(r->out, &c, sizeof c);
}

static void release(struct run *r)
{
	if (r->composing)
		put(r, r->composee);
	if (r->held.size)
		buffer_add(r->out, r->held.data, r->held.size);
	buffer_clear(&r->held);
	r->composing = false;
	r->last = 0;
}

/* A code point in canonical order; class 255 and below. */
static void recompose(struct run *r, struct normal_change c, unsigned class)
{
	if (!r->composing && class) {
		put(r, c);
		return;
	}
	bool blocked = !r->composing || (r->held.size && r->last >= class);
	uint32_t both = blocked ? 0 : compose(r->composee.code_point, c.code_point);
	if (both) {
		r->composee.code_point = both;
		r->composee.change += c.change - 1;
	} else if (class) {
		buffer_add(&r->held, &c, sizeof c);
		r->last = class;
	} else {
		release(r);
		r->composee = c;
		r->composing = true;
	}
}

static void order(struct run *r, struct normal_change c, unsigned class)
{
	if (r->form == NORMAL_NFC || r->form == NORMAL_NFKC)
		recompose(r, c, class);
	else
		put(r, c);
}

static void flush(struct run *r)
{
	struct normal_mark *marks = (struct normal_mark *)r->marks.data;
	size_t n = r->marks.size / sizeof *marks;
	normal_sort(marks, n);
	for (size_t i = 0; i < n; i++)
		order(r, marks[i].c, marks[i].class);
	buffer_clear(&r->marks);
}

static size_t decompose(enum normal_form form, uint32_t c, uint32_t out[LONGEST])
{
	bool compatible = form == NORMAL_NFKD || form == NORMAL_NFKC;
	if (compatible && c < UNICODE_TABLE && table[c] >> NORMAL_NFKD & 1 &&
		!unicode_combining_class(c)) {
		int last = 0;
		utf8proc_int32_t to[LONGEST];
		utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)c, to, LONGEST,
			UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &last);
		if (n > 0 && n <= LONGEST) {
			memcpy(out, to, (size_t)n * sizeof *to);
			return (size_t)n;
		}
	}
	return unicode_decompose(c, out);
}

void normal_run(enum normal_form form, struct slice text, struct buffer *changes)
{
	struct run r = { .form = form, .out = changes };
	const char *p = text.data, *end = text.data + text.size;
	start();
	while (p < end) {
		uint32_t c, parts[LONGEST] = { 0 };
		p += utf8_decode(p, end, &c);
		bool simple = inert(form, c) && inert(NORMAL_NFD, c);
		size_t n = simple ? 1 : decompose(form, c, parts);
		if (simple)
			parts[0] = c;
		for (size_t i = 0; i < n; i++) {
			struct normal_change out = { parts[i], i > 0 };
			unsigned class = simple ? 0 : unicode_combining_class(parts[i]);
			if (class) {
				struct normal_mark m = { out, class };
				buffer_add(&r.marks, &m, sizeof m);
				continue;
			}
			flush(&r);
			order(&r, out, 0);
		}
	}
	flush(&r);
	release(&r);
	buffer_free(&r.marks);
	buffer_free(&r.held);
}
