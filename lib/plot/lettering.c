/*
 * lettering.c: text in pictures. Grapheme clusters are those of UAX #29 by utf8proc, widths of
 * characters beyond ASCII those of UAX #11 (1 or 2 cells). The ASCII advances are DejaVu Sans', in
 * hundredths of an em.
 */
#include "lib/plot/lettering.h"

#include <utf8proc.h>

#include "lib/base/buffer.h"

/* One code point, or -1 where the bytes are no UTF-8; *size is how many bytes it took (one where
 * they are bad). */
static utf8proc_int32_t decode(struct slice text, size_t at, size_t *size)
{
	utf8proc_int32_t c;
	size_t left = text.size - at;
	utf8proc_ssize_t took = utf8proc_iterate((const utf8proc_uint8_t *)text.data + at,
		(utf8proc_ssize_t)(left < 4 ? left : 4), &c);
	*size = took > 0 ? (size_t)took : 1;
	return took > 0 ? c : -1;
}

static bool is_space(utf8proc_int32_t c)
{
	utf8proc_category_t k = utf8proc_category(c);
	return k == UTF8PROC_CATEGORY_ZS || k == UTF8PROC_CATEGORY_ZL ||
	       k == UTF8PROC_CATEGORY_ZP || k == UTF8PROC_CATEGORY_CC;
}

static bool is_direction(utf8proc_int32_t c)
{
	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
	       c == 0x200f || c == 0x061c;
}

static bool is_noncharacter(utf8proc_int32_t c)
{
	return c < 0 || (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

struct slice lettering_clean(struct arena *arena, struct slice text)
{
	/* worst case: every byte is bad and becomes the three of U+FFFD */
	char *out = arena_alloc(arena, size_add(size_mul(text.size, 3), 1));
	size_t n = 0, size;
	bool space = false;
	for (size_t at = 0; at < text.size; at += size) {
		utf8proc_int32_t c = decode(text, at, &size);
		if (c >= 0 && is_direction(c))
			continue;
		if (c >= 0 && is_space(c)) {
			space = n > 0;
			continue;
		}
		if (space)
			out[n++] = ' ';
		space = false;
		if (is_noncharacter(c)) {
			memcpy(out + n, "\xef\xbf\xbd", 3);
			n += 3;
		} else {
			memcpy(out + n, text.data + at, size);
			n += size;
		}
	}
	return (struct slice){ out, n };
}

struct slice lettering_cut(struct slice text, size_t n, bool *cut)
{
	size_t clusters = 0, length = 0, size;
	utf8proc_int32_t before = 0, state = 0;
	for (size_t at = 0; at < text.size; at += size) {
		utf8proc_int32_t c = decode(text, at, &size);
		c = c < 0 ? 0xfffd : c;
		if (at == 0 || utf8proc_grapheme_break_stateful(before, c, &state) ||
			++length == 32) {
			if (clusters == n) {
				*cut = true;
				return (struct slice){ text.data, at };
			}
			clusters++;
			length = 0;
		}
		before = c;
	}
	*cut = false;
	return text;
}

/* regular, bold; from space to ~ */
static const uint8_t ascii[2][95] = {
	{ 32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64,
		64, 64, 64, 64, 34, 34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29,
		66, 56, 86, 75, 79, 60, 79, 69, 63, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39, 84, 50,
		50, 61, 63, 55, 63, 62, 35, 63, 63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52, 39,
		63, 59, 82, 59, 59, 52, 64, 34, 64, 84 },
	{ 35, 46, 52, 84, 70, 100, 87, 31, 46, 46, 52, 84, 38, 42, 38, 37, 70, 70, 70, 70, 70, 70,
		70, 70, 70, 70, 40, 40, 84, 84, 84, 58, 100, 77, 76, 73, 83, 68, 68, 82, 84, 37, 37,
		77, 64, 100, 84, 85, 73, 85, 77, 72, 68, 81, 77, 110, 77, 72, 73, 46, 37, 46, 84,
		50, 50, 67, 72, 59, 72, 68, 44, 72, 71, 34, 34, 67, 34, 104, 71, 69, 72, 72, 49, 60,
		48, 71, 65, 92, 65, 65, 58, 71, 37, 71, 84 },
};

float lettering_width(struct slice text, bool bold)
{
	size_t hundredths = 0, size;
	for (size_t at = 0; at < text.size; at += size) {
		utf8proc_int32_t c = decode(text, at, &size);
		if (c >= 32 && c < 127)
			hundredths += ascii[bold][c - 32];
		else
			hundredths +=
				(size_t)utf8proc_charwidth(c < 0 ? 0xfffd : c) * (bold ? 72 : 66);
	}
	return (float)hundredths / 100;
}

/* Fill lines greedily with words; returns how many lines it takes, stopping above `most`. */
static size_t fill(struct slice text, float width, bool bold, size_t most, struct slice *lines)
{
	size_t n = 0, at = 0;
	while (at < text.size && n < most) {
		size_t end = at;
		for (;;) {
			size_t next = end;
			while (next < text.size && text.data[next] == ' ')
				next++;
			while (next < text.size && text.data[next] != ' ')
				next++;
			if (next == end ||
				(end > at &&
					lettering_width((struct slice){ text.data + at, next - at },
						bold) > width))
				break;
			end = next;
		}
		lines[n++] = (struct slice){ text.data + at, end - at };
		while (end < text.size && text.data[end] == ' ')
			end++;
		at = end;
	}
	return at < text.size ? most + 1 : n;
}

static float widest(const struct slice *lines, size_t n, bool bold)
{
	float most = 0;
	for (size_t i = 0; i < n; i++) {
		float w = lettering_width(lines[i], bold);
		most = w > most ? w : most;
	}
	return most;
}

size_t lettering_wrap(struct arena *arena, struct slice text, float width, bool bold,
	struct slice lines[LETTERING_LINES])
{
	size_t n = fill(text, width, bold, LETTERING_LINES, lines);
	if (n > LETTERING_LINES) {
		n = LETTERING_LINES;
		struct slice *last = &lines[n - 1];
		char *with = arena_alloc(arena, last->size + 3);
		memcpy(with, last->data, last->size);
		memcpy(with + last->size, "…", 3);
		*last = (struct slice){ with, last->size + 3 };
		return n;
	}
	/* The same number of lines, as narrow as can be. */
	for (;;) {
		struct slice tighter[LETTERING_LINES];
		float w = widest(lines, n, bold);
		if (n < 2 || fill(text, w - 0.01f, bold, n, tighter) != n ||
			widest(tighter, n, bold) >= w)
			return n;
		memcpy(lines, tighter, n * sizeof *lines);
	}
}
