/*
 * token_golden.h: files and hashes of tests/golden/wordpiece, for test_unicode.c and
 * test_tokenizer.c.
 */
#pragma once
#include "tests/unit/source.h"

/* A file of tests/golden/wordpiece. */
static inline struct buffer read_golden(const char *name)
{
	return source_read(source_path("tests/golden/wordpiece/%s", name));
}

/* As class Hash of wordpiece.py: CRC-32 of each item, folded into 64 bits. */
static inline uint64_t hash_bytes(uint64_t h, const void *data, size_t n)
{
	static uint32_t table[256];
	const unsigned char *p = data;
	uint32_t crc = 0xffffffff;
	for (uint32_t i = 0; !table[255] && i < 256; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320 : 0);
	}
	for (size_t i = 0; i < n; i++)
		crc = crc >> 8 ^ table[(crc ^ p[i]) & 0xff];
	return (h + (crc ^ 0xffffffff) + 1) * 0x9e3779b97f4a7c15u;
}

/* The hash of hashes.tsv for a tokenizer and a corpus. */
static inline uint64_t golden_hash(const char *tokenizer, const char *corpus)
{
	struct buffer b = read_golden("hashes.tsv");
	char key[256];
	snprintf(key, sizeof key, "\n%s\t%s\t", tokenizer, corpus);
	buffer_char(&b, 0);
	const char *p = strstr(b.data, key);
	if (!p) {
		fprintf(stderr, "no golden hash for %s, %s\n", tokenizer, corpus);
		exit(1);
	}
	uint64_t h = strtoull(p + strlen(key), NULL, 16);
	buffer_free(&b);
	return h;
}

enum { CONTEXTS = 4 };

/* Bytes in context i of wordpiece.py; returns the size. */
static inline size_t in_context(char out[32], size_t i, const char *c, size_t n)
{
	static const struct slice before[CONTEXTS] = { SLICE(""), SLICE("a"), SLICE("e"),
		SLICE("\xe1\x84\x92") };
	static const struct slice after[CONTEXTS] = { SLICE(""), SLICE("b"),
		SLICE("\xcc\x81\xcc\xa3\xcc\xa7"
		      "f"),
		SLICE("\xe1\x86\xab") };
	memcpy(out, before[i].data, before[i].size);
	memcpy(out + before[i].size, c, n);
	memcpy(out + before[i].size + n, after[i].data, after[i].size);
	return before[i].size + n + after[i].size;
}
