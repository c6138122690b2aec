/* json_write.c: appending JSON to a buffer. Of a string only what must be escaped is: '"', '\' and
 * controls. */
#include "lib/record/json.h"
#include "lib/record/number.h"
#include "lib/record/scan.h"

static void put_escape(struct buffer *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char letters[32] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
	};
	char *out = buffer_reserve(b, 6);
	char letter = c < 0x20 ? letters[c] : (char)c;
	out[0] = '\\';
	if (letter) {
		out[1] = letter;
		b->size += 2;
		return;
	}
	memcpy(out + 1, "u00", 3);
	out[4] = hex[c >> 4];
	out[5] = hex[c & 15];
	b->size += 6;
}

void json_write_string(struct buffer *b, struct slice text)
{
	const char *s = text.size ? text.data : "", *end = s + text.size;
	bool high = false;
	buffer_char(b, '"');
	while (s < end) {
		const char *stop = scan_string(s, end, &high);
		buffer_add(b, s, (size_t)(stop - s));
		if (stop < end)
			put_escape(b, (unsigned char)*stop++);
		s = stop;
	}
	buffer_char(b, '"');
}

void json_write_integer(struct buffer *b, int64_t x)
{
	char room[24], *p = room + sizeof room;
	uint64_t rest = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
	do {
		*--p = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (x < 0)
		*--p = '-';
	buffer_add(b, p, (size_t)(room + sizeof room - p));
}

void json_write_double(struct buffer *b, double x)
{
	b->size += number_from_double(buffer_reserve(b, NUMBER_SIZE), x);
}

void json_write_float(struct buffer *b, float x)
{
	b->size += number_from_float(buffer_reserve(b, NUMBER_SIZE), x);
}

void json_write_vector(struct buffer *b, const float *x, size_t n)
{
	char *start = buffer_reserve(b, size_add(size_mul(n, NUMBER_SIZE), 2)), *out = start;
	*out++ = '[';
	for (size_t i = 0; i < n; i++) {
		if (i)
			*out++ = ',';
		out += number_from_float(out, x[i]);
	}
	*out++ = ']';
	b->size += (size_t)(out - start);
}
