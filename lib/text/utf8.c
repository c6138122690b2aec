#include "lib/text/utf8.h"

/*
 * Which second bytes may follow a lead byte: rules out overlong forms, surrogates and what lies
 * above U+10FFFF.
 */
static bool second_fits(unsigned char lead, unsigned char second)
{
	switch (lead) {
	case 0xe0:
		return second >= 0xa0 && second <= 0xbf;
	case 0xed:
		return second >= 0x80 && second <= 0x9f;
	case 0xf0:
		return second >= 0x90 && second <= 0xbf;
	case 0xf4:
		return second >= 0x80 && second <= 0x8f;
	default:
		return second >= 0x80 && second <= 0xbf;
	}
}

/*
 * As utf8_decode, but 0 bytes where the text is invalid, and how many bytes are the invalid
 * part.
 */
static size_t decode(const char *p, const char *end, uint32_t *code_point, size_t *invalid)
{
	unsigned char lead = (unsigned char)*p;
	*invalid = 1;
	if (lead < 0x80) {
		*code_point = lead;
		return 1;
	}
	size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	uint32_t c = lead & (0xffu >> (want + 1));
	for (size_t i = 1; i < want; i++) {
		if (p + i == end)
			return 0;
		unsigned char b = (unsigned char)p[i];
		if (i == 1 ? !second_fits(lead, b) : (b & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (b & 0x3f);
		*invalid = i + 1;
	}
	*code_point = c;
	return want;
}

size_t utf8_decode(const char *p, const char *end, uint32_t *code_point)
{
	size_t invalid, n = decode(p, end, code_point, &invalid);
	if (n)
		return n;
	*code_point = UTF8_REPLACEMENT;
	return invalid;
}

size_t utf8_encode(char out[4], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

size_t utf8_ascii(struct slice text)
{
	size_t i = 0;
	for (; i + 32 <= text.size; i += 32) {
		uint64_t w[4];
		memcpy(w, text.data + i, 32);
		if ((w[0] | w[1] | w[2] | w[3]) & 0x8080808080808080u)
			break;
	}
	while (i < text.size && (unsigned char)text.data[i] < 0x80)
		i++;
	return i;
}

size_t utf8_count(struct slice text)
{
	const char *end = text.data + text.size;
	size_t count = 0;
	for (size_t i = 0; i < text.size;) {
		size_t ascii = utf8_ascii((struct slice){ text.data + i, text.size - i });
		i += ascii;
		count += ascii;
		uint32_t c;
		while (i < text.size && (unsigned char)text.data[i] >= 0x80) {
			i += utf8_decode(text.data + i, end, &c);
			count++;
		}
	}
	return count;
}
