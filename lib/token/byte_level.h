/*
 * byte_level.h: GPT-2's alphabet of bytes: a printable byte of Latin-1 is the code point of its
 * number, the others in their order are those from U+0100 on (openai/gpt-2, src/encoder.py,
 * bytes_to_unicode).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

static inline bool byte_level_is_itself(unsigned b)
{
	return (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b != 0xad);
}

/* The code point of a byte. */
static inline uint32_t byte_level_char(unsigned char b)
{
	if (byte_level_is_itself(b))
		return b;
	/* 00-20, 7f-a0, ad */
	return 0x100u + (b <= 0x20 ? b : b <= 0xa0 ? b - 0x7fu + 0x21 : 0x43u);
}

/* The byte of a code point; -1 where it has none. */
static inline int byte_level_byte(uint32_t c)
{
	if (c < 0x100)
		return byte_level_is_itself(c) ? (int)c : -1;
	if (c > 0x143)
		return -1;
	uint32_t i = c - 0x100;
	return (int)(i <= 0x20 ? i : i < 0x43 ? i - 0x21 + 0x7f : 0xad);
}
