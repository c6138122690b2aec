/*
 * pattern_block.c: the patterns on 64 bytes at once. Each byte's class is a bit in a mask of 64,
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

struct bytes {
	__m256i low, high;
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

AVX2 static inline struct bytes load(const char *p)
{
	return (struct bytes){ _mm256_loadu_si256((const __m256i *)(const void *)p),
		_mm256_loadu_si256((const __m256i *)(const void *)(p + 32)) };
}

AVX2 static inline uint64_t equal(struct bytes b, char c)
{
	__m256i v = _mm256_set1_epi8(c);
	return bits(_mm256_cmpeq_epi8(b.low, v), _mm256_cmpeq_epi8(b.high, v));
}

AVX2 static inline uint64_t range(struct bytes b, char first, char n)
{
	return bits(within(b.low, first, n), within(b.high, first, n));
}

AVX2 static inline struct masks classify(struct bytes b)
{
	const __m256i small = _mm256_set1_epi8(0x20);
	struct bytes lower = { _mm256_or_si256(b.low, small), _mm256_or_si256(b.high, small) };
	struct masks m;
	m.letter = range(lower, 'a', 26);
	m.digit = range(b, '0', 10);
	m.blank = equal(b, ' ');
	m.space = m.blank | range(b, '\t', 5);
	m.apostrophe = equal(b, '\'');
	m.high = bits(b.low, b.high);
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
AVX2 static uint64_t contract(
	enum contraction how, uint64_t starts, uint64_t apostrophe, const char *p, size_t known)
{
	for (uint64_t at; (at = starts & apostrophe) != 0;) {
		size_t i = (size_t)__builtin_ctzll(at);
		apostrophe &= ~(at & -at);
		if (i + 1 > known)
			break;
		size_t n = (size_t)(pattern_contraction(how, p + i, p + BLOCK) - (p + i));
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
AVX2 static inline uint64_t block_of_gpt2(const struct pattern *pattern, const char *p, size_t size)
{
	size_t known = size < KNOWN ? size : KNOWN;
	struct masks m = classify(load(p));
	(void)pattern;
	uint64_t starts = starts_of(&m);
	if (m.high) {
		size_t first = (size_t)__builtin_ctzll(m.high);
		known = first < 2 ? 0 : first - 2 < known ? first - 2 : known;
	} else if (known == size) {
		starts |= (uint64_t)1 << size;
	}
	if (starts & m.apostrophe)
		starts = contract(CONTRACTION_EXACT, starts, m.apostrophe, p, known);
	return starts & (((uint64_t)2 << known) - 2);
}

/* The same for BERT: white space, ASCII punctuation and the rest. */
AVX2 static inline uint64_t block_of_bert(const struct pattern *pattern, const char *p, size_t size)
{
	size_t known = size < BLOCK - 1 ? size : BLOCK - 1;
	struct bytes b = load(p);
	struct masks m = classify(b);
	(void)pattern;
	/* no vertical tab, no form feed */
	uint64_t space = m.space & ~range(b, '\v', 2);
	uint64_t punctuation = range(b, '!', 0x7f - '!') & ~(m.letter | m.digit);
	uint64_t word = ~(space | punctuation);
	uint64_t starts = ((word & ~(word << 1)) | punctuation | space) & ~(space << 1);
	if (known == size)
		starts |= (uint64_t)1 << size;
	return starts & (((uint64_t)2 << known) - 2);
}

/* --- cl100k and o200k ----------------------------------------------------------------------- */

/* Digits by three, or one by one. */
static inline uint64_t starts_of_digits(uint64_t digit, unsigned most)
{
	uint64_t first = digit & ~(digit << 1), starts = first;
	uint64_t fourth = digit & digit << 1 & digit << 2 & digit << 3;
	if (most == 1)
		return digit;
	while ((first = first << 3 & fourth) != 0)
		starts |= first;
	return starts;
}

/*
 * White space: up to its last line end it is one word, of what is behind that the last begins one by
 * itself. Line ends behind punctuation belong to it (taken).
 */
static inline uint64_t starts_of_space(uint64_t space, uint64_t line, uint64_t taken)
{
	uint64_t left = space & ~taken, plain = space & ~line;
	uint64_t starts = (left & ~(left << 1)) | (plain & ~(space >> 1));
	for (uint64_t at = plain & line << 1; at; at &= at - 1) {
		int i = __builtin_ctzll(at);
		uint64_t behind = ~(plain >> i);
		int n = behind ? __builtin_ctzll(behind) : BLOCK;
		if (i + n < BLOCK && !(line >> (i + n) & 1))
			starts |= at & -at;
	}
	return starts;
}

/* A contraction behind letters belongs to them, and a word begins behind it. */
AVX2 static uint64_t contract_behind(
	enum contraction how, uint64_t starts, uint64_t apostrophe, const char *p)
{
	size_t last = 0;
	for (; apostrophe; apostrophe &= apostrophe - 1) {
		size_t i = (size_t)__builtin_ctzll(apostrophe);
		if (i > KNOWN)
			break;
		size_t n = (size_t)(pattern_contraction(how, p + i, p + BLOCK) - (p + i));
		if (!n || (i && i == last))
			continue;
		last = i + n;
		starts = (starts & ~((((uint64_t)1 << n) - 1) << i)) | (uint64_t)1 << last;
	}
	return starts;
}

/*
 * How far the masks know where words begin: not to the first byte that is not ASCII, nor into white
 * space of which the end is not seen.
 */
static inline size_t known_of(const struct masks *m)
{
	unsigned limit = m->high ? (unsigned)__builtin_ctzll(m->high) : BLOCK;
	if (limit < 2)
		return 0;
	uint64_t above = ~(m->space << (BLOCK - limit));
	size_t white = above ? (size_t)__builtin_clzll(above) : BLOCK;
	size_t known = limit - 1 < KNOWN ? limit - 1 : KNOWN;
	return limit - white < known ? limit - white : known;
}

AVX2 static inline uint64_t block_of_words(const struct pattern *pattern, const char *p, bool cased)
{
	struct bytes b = load(p);
	struct masks m = classify(b);
	size_t known = known_of(&m);
	if (!known)
		return 0;
	uint64_t line = equal(b, '\n') | equal(b, '\r'), plain = m.space & ~line;
	uint64_t other = ~(m.letter | m.digit | m.space);
	uint64_t taken = line & ~(line + (line & other << 1));
	/* one that no blank goes with: letters right behind it do */
	uint64_t begins = other & ~(other << 1) & ~(m.blank << 1);
	uint64_t letters = m.letter & ~(m.letter << 1) & ~((plain | begins) << 1);
	uint64_t starts = starts_of_space(m.space, line, taken) | begins | letters |
			  starts_of_digits(m.digit, pattern->digits) | 1;
	if (cased) {
		uint64_t upper = range(b, 'A', 26);
		starts |= upper & (m.letter & ~upper) << 1;
		starts = contract_behind(
			pattern->contraction, starts, m.apostrophe & m.letter << 1, p);
		/* behind a line end a slash may belong to punctuation before it */
		uint64_t slash = line << 1 & equal(b, '/');
		if (slash && (size_t)__builtin_ctzll(slash) - 1 < known)
			known = (size_t)__builtin_ctzll(slash) - 1;
	} else if (starts & m.apostrophe) {
		starts = contract(pattern->contraction, starts, m.apostrophe, p, known);
	}
	return starts & (((uint64_t)2 << known) - 2);
}

AVX2 static inline uint64_t block_of_cl100k(
	const struct pattern *pattern, const char *p, size_t size)
{
	(void)size;
	return block_of_words(pattern, p, false);
}

AVX2 static inline uint64_t block_of_o200k(
	const struct pattern *pattern, const char *p, size_t size)
{
	(void)size;
	return block_of_words(pattern, p, true);
}

/* --- All of them ---------------------------------------------------------------------------- */

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
			uint64_t found = block(pattern, from, size); \
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

SPLIT(split_gpt2, block_of_gpt2)
SPLIT(split_cl100k, block_of_cl100k)
SPLIT(split_o200k, block_of_o200k)
SPLIT(split_bert, block_of_bert)

size_t pattern_split(
	const struct pattern *pattern, struct slice text, size_t at, uint32_t *ends, size_t n)
{
	if (pattern->block == BLOCK_NONE || !__builtin_cpu_supports("avx2"))
		return pattern_split_portable(pattern, text, at, ends, n);
	switch (pattern->block) {
	case BLOCK_GPT2:
		return split_gpt2(pattern, text, at, ends, n);
	case BLOCK_CL100K:
		return split_cl100k(pattern, text, at, ends, n);
	case BLOCK_O200K:
		return split_o200k(pattern, text, at, ends, n);
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
