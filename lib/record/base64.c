/* base64.c: RFC 4648. Encoding goes by 12 bits, decoding by 24 through four tables, whose entries
 * say where a character is bad. */
#include "lib/record/base64.h"

#include <pthread.h>
#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { BAD = 1 << 24 };

static char two[4096][2];
static uint32_t quarter[4][256]; /* the six bits of a character at each of the four places */

static void make_tables(void)
{
	for (size_t i = 0; i < 4096; i++) {
		two[i][0] = alphabet[i >> 6];
		two[i][1] = alphabet[i & 63];
	}
	for (size_t c = 0; c < 256; c++)
		for (size_t k = 0; k < 4; k++)
			quarter[k][c] = BAD;
	for (uint32_t i = 0; i < 64; i++)
		for (size_t k = 0; k < 4; k++)
			quarter[k][(unsigned char)alphabet[i]] = i << (18 - 6 * k);
}

static void tables(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, make_tables);
}

void base64_encode(struct buffer *b, const void *data, size_t size)
{
	tables();
	size_t need = size_mul(size_add(size, 2) / 3, 4);
	const unsigned char *p = data;
	char *out = buffer_reserve(b, need);
	b->size += need;
	for (; size >= 3; size -= 3, p += 3, out += 4) {
		uint32_t x = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		memcpy(out, two[x >> 12], 2);
		memcpy(out + 2, two[x & 4095], 2);
	}
	if (size) {
		uint32_t x = (uint32_t)p[0] << 16 | (size == 2 ? (uint32_t)p[1] << 8 : 0);
		memcpy(out, two[x >> 12], 2);
		out[2] = size == 2 ? alphabet[x >> 6 & 63] : '=';
		out[3] = '=';
	}
}

static size_t unpadded(struct slice text)
{
	size_t n = text.size;
	if (n % 4 == 0 && n && text.data[n - 1] == '=')
		n -= text.data[n - 2] == '=' ? 2 : 1;
	return n;
}

size_t base64_size(struct slice text)
{
	size_t n = unpadded(text), rest = n % 4;
	return rest == 1 ? SIZE_MAX : n / 4 * 3 + (rest ? rest - 1 : 0);
}

bool base64_decode(struct slice text, void *to)
{
	tables();
	const unsigned char *p = (const unsigned char *)text.data;
	unsigned char *out = to;
	size_t n = unpadded(text);
	uint32_t bad = 0;
	for (; n >= 4; n -= 4, p += 4, out += 3) {
		uint32_t x =
			quarter[0][p[0]] | quarter[1][p[1]] | quarter[2][p[2]] | quarter[3][p[3]];
		bad |= x;
		out[0] = (unsigned char)(x >> 16);
		out[1] = (unsigned char)(x >> 8);
		out[2] = (unsigned char)x;
	}
	if (n) {
		uint32_t x = quarter[0][p[0]] | quarter[1][p[1]] | (n == 3 ? quarter[2][p[2]] : 0);
		bad |= x;
		out[0] = (unsigned char)(x >> 16);
		if (n == 3)
			out[1] = (unsigned char)(x >> 8);
	}
	return !(bad & BAD);
}
