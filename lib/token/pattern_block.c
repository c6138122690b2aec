/*
 * pattern_block.c: GPT-2's pattern on 64 bytes at once. Each byte's class is a bit in a mask of 64,
 * and where a word begins is arithmetic on masks: where the class changes, a space going with what
 * follows it, the last of several white spaces beginning a word. Contractions are put right one by
 * one. A block begins where a word does, and words count up to where the masks know enough:
 * 60 bytes, or the first byte that is not ASCII; the word there is read by the portable scanner.
 * Blocks share no state, for the price of reading a tenth of the text twice. (That words can be cut
 * by masks is known from gigatoken, github.com/marcelroed/gigatoken.)
 */
#include "lib/token/pattern_private.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt")))

enum { BLOCK = 64, KNOWN = 60 /* starts up to here: a contraction takes 3 bytes */ };

struct masks {
	uint64_t letter, digit, space, blank, apostrophe, high;
};

/* Bits of bytes in [first, first + n), of 32 bytes. */
AVX2 static inline __m256i within(__m256i v, char first, char n)
{
	__m256i from = _mm256_sub_epi8(v, _mm256_set1_epi8(first));
	return _mm256_cmpeq_epi8(_mm256_min_epu8(from, _mm256_set1_epi8((char)(n - 1))), from);
}

AVX2 static inline uint64_t bits(__m256i a, __m256i b)
{
	return (uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32 |
	       (uint32_t)_mm256_movemask_epi8(a);
}

AVX2 static inline struct masks classify(const char *p)
{
	const __m256i small = _mm256_set1_epi8(0x20);
	__m256i a = _mm256_loadu_si256((const __m256i *)(const void *)p);
	__m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
	__m256i blank_a = _mm256_cmpeq_epi8(a, small), blank_b = _mm256_cmpeq_epi8(b, small);
	struct masks m;
	m.letter = bits(within(_mm256_or_si256(a, small), 'a', 26),
		within(_mm256_or_si256(b, small), 'a', 26));
	m.digit = bits(within(a, '0', 10), within(b, '0', 10));
	m.blank = bits(blank_a, blank_b);
	m.space = m.blank | bits(within(a, '\t', 5), within(b, '\t', 5));
	m.apostrophe = bits(_mm256_cmpeq_epi8(a, _mm256_set1_epi8('\'')),
		_mm256_cmpeq_epi8(b, _mm256_set1_epi8('\'')));
	m.high = bits(a, b);
	return m;
}

/* Bit i: a word begins at byte i; byte 0 begins one. */
AVX2 static inline uint64_t starts_of(const struct masks *m)
{
	uint64_t other = ~(m->letter | m->digit | m->space);
	uint64_t same =
		(m->letter & m->letter << 1) | (m->digit & m->digit << 1) | (other & other << 1);
	uint64_t space = m->space & (~(m->space << 1) | ~(m->space >> 1));
	return (~m->space & ~same & ~(m->blank << 1)) | space | 1;
}

/* Words that begin with an apostrophe, from the left: a contraction ends where it does. */
AVX2 static uint64_t contract(uint64_t starts, uint64_t apostrophe, const char *p, size_t known)
{
	for (uint64_t at; (at = starts & apostrophe) != 0;) {
		size_t i = (size_t)__builtin_ctzll(at);
		apostrophe &= ~(at & -at);
		if (i + 1 > known)
			break;
		size_t n = (size_t)(pattern_contraction(CONTRACTION_EXACT, p + i, p + BLOCK) -
				    (p + i));
		if (n)
			starts = (starts & ~((((uint64_t)1 << (n - 1)) - 1) << (i + 1))) |
				 (uint64_t)1 << (i + n);
	}
	return starts;
}

/*
 * Bits of where words end in the block at p, up to byte `known`, which shrinks where the masks know
 * less. size: bytes of text from p on; behind them spaces.
 */
AVX2 static inline uint64_t block(const char *p, size_t size)
{
	size_t known = size < KNOWN ? size : KNOWN;
	struct masks m = classify(p);
	uint64_t starts = starts_of(&m);
	if (m.high) {
		size_t first = (size_t)__builtin_ctzll(m.high);
		known = first < 2 ? 0 : first - 2 < known ? first - 2 : known;
	} else if (known == size) {
		starts |= (uint64_t)1 << size;
	}
	if (starts & m.apostrophe)
		starts = contract(starts, m.apostrophe, p, known);
	return starts & (((uint64_t)2 << known) - 2);
}

/* The same for BERT: white space, ASCII punctuation and the rest. */
AVX2 static inline uint64_t block_of_bert(const char *p, size_t size)
{
	size_t known = size < BLOCK - 1 ? size : BLOCK - 1;
	struct masks m = classify(p);
	__m256i a = _mm256_loadu_si256((const __m256i *)(const void *)p);
	__m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
	/* no vertical tab, no form feed */
	uint64_t space = m.space & ~bits(within(a, '\v', 2), within(b, '\v', 2));
	uint64_t punctuation = bits(within(a, '!', 0x7f - '!'), within(b, '!', 0x7f - '!')) &
			       ~(m.letter | m.digit);
	uint64_t word = ~(space | punctuation);
	uint64_t starts = ((word & ~(word << 1)) | punctuation | space) & ~(space << 1);
	if (known == size)
		starts |= (uint64_t)1 << size;
	return starts & (((uint64_t)2 << known) - 2);
}

/* ends, from the blocks of one kind */
#define SPLIT(name, block) \
	AVX2 static size_t name(const struct pattern *pattern, struct slice text, size_t at, \
		uint32_t *ends, size_t n) \
	{ \
		const char *p = text.data + at, *end = text.data + text.size; \
		char tail[BLOCK]; \
		size_t i = 0; \
		while (i < n && p < end) { \
			size_t size = (size_t)(end - p); \
			const char *from = p; \
			if (size < BLOCK) { \
				memset(tail, ' ', BLOCK); \
				memcpy(tail, p, size); \
				from = tail; \
			} \
			uint64_t found = block(from, size); \
			if (!found) { \
				p = pattern->next(pattern, p, end); \
				ends[i++] = (uint32_t)(p - text.data); \
				continue; \
			} \
			size_t base = (size_t)(p - text.data), last = 0; \
			for (; found && i < n; found &= found - 1) { \
				last = (size_t)__builtin_ctzll(found); \
				ends[i++] = (uint32_t)(base + last); \
			} \
			p += last; \
		} \
		return i; \
	}

SPLIT(split_gpt2, block)
SPLIT(split_bert, block_of_bert)

size_t pattern_split(
	const struct pattern *pattern, struct slice text, size_t at, uint32_t *ends, size_t n)
{
	if (pattern->block == BLOCK_NONE || !__builtin_cpu_supports("avx2"))
		return pattern_split_portable(pattern, text, at, ends, n);
	switch (pattern->block) {
	case BLOCK_GPT2:
		return split_gpt2(pattern, text, at, ends, n);
	case BLOCK_BERT:
		return split_bert(pattern, text, at, ends, n);
	case BLOCK_NONE:
		break;
	}
	return 0;
}
#else
size_t pattern_split(
	const struct pattern *pattern, struct slice text, size_t at, uint32_t *ends, size_t n)
{
	return pattern_split_portable(pattern, text, at, ends, n);
}
#endif
