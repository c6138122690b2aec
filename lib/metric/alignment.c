/*
 * alignment.c: a row of the table is known by where it grows: of common subsequences by the columns
 * with one more than the column before (H. Hyyrö, Bit-parallel LCS-length computation revisited,
 * AWOCA 2004), of edits by those with one more and those with one less (G. Myers, A fast bit-vector
 * algorithm for approximate string matching, J. ACM 46(3), 1999, in H. Hyyrö's form of 2003). A row
 * follows from the one before and from the columns where its symbol stands, in a few operations
 * for 64 columns; of a rare symbol only where it stands, for a carry seldom goes far.
 */
#include "lib/metric/alignment.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/error.h"

enum { STORED_WORDS = 1 << 16 }; /* of rows that lcs_mark keeps; beyond, rows are computed twice */
enum { RARE = 8 }; /* of words of a row, those that have a column of a rare symbol, measured */

/*
 * Columns by symbol, in an open hash table. A symbol that stands in more columns than a row has
 * words has them as bits, too; others have bits that are set and cleared again when a row needs
 * them all. There are at most 64 of the former, so that all of this takes memory in proportion to
 * m, and a row time to its words.
 */
struct slot {
	uint32_t symbol, first, count; /* its columns begin at columns[first]; count: 0 is free */
	uint64_t *bits; /* [words] or NULL */
};

struct places {
	const uint32_t *sequence; /* [m] */
	size_t m, words; /* words: of a row */
	struct slot *slots;
	uint32_t *columns; /* [m] those of a symbol one after the other, ascending */
	uint64_t *bits; /* [words] 0, but while a row needs them */
	uint64_t *row; /* [words] of lcs_length */
	unsigned shift; /* 32 less the bits of a slot's number */
};

static struct slot *slot_of(const struct places *p, uint32_t symbol)
{
	size_t last = ((size_t)1 << (32 - p->shift)) - 1;
	size_t i = (uint32_t)(symbol * UINT32_C(0x9e3779b1)) >> p->shift;
	while (p->slots[i].count && p->slots[i].symbol != symbol)
		i = (i + 1) & last;
	return &p->slots[i];
}

struct places *places_new(const uint32_t *sequence, size_t m, struct arena *arena)
{
	CHECK(m < (size_t)1 << 30);
	struct places *p = arena_alloc(arena, sizeof *p);
	*p = (struct places){ .sequence = sequence, .m = m, .words = (m + 63) / 64, .shift = 28 };
	while (m * 2 > (size_t)1 << (32 - p->shift))
		p->shift--;
	size_t n_slots = (size_t)1 << (32 - p->shift);
	p->slots = arena_zero(arena, n_slots, sizeof *p->slots);
	p->columns = ARENA_ARRAY(arena, uint32_t, m);
	p->bits = arena_zero(arena, p->words, sizeof *p->bits);
	p->row = ARENA_ARRAY(arena, uint64_t, p->words);
	for (size_t j = 0; j < m; j++) {
		struct slot *s = slot_of(p, sequence[j]);
		s->symbol = sequence[j];
		s->count++;
	}
	for (size_t i = 0, end = 0; i < n_slots; i++) {
		struct slot *s = &p->slots[i];
		s->first = (uint32_t)(end += s->count);
		if (s->count && (p->words == 1 || s->count > p->words))
			s->bits = arena_zero(arena, p->words, sizeof *s->bits);
	}
	/* from the last: each goes before those of its symbol that are there */
	for (size_t j = m; j--;) {
		struct slot *s = slot_of(p, sequence[j]);
		p->columns[--s->first] = (uint32_t)j;
		if (s->bits)
			s->bits[j / 64] |= UINT64_C(1) << j % 64;
	}
	return p;
}

/* The columns of a symbol as bits, until bits_done of the same. */
static const uint64_t *bits_of(const struct places *p, const struct slot *s)
{
	if (s->bits)
		return s->bits;
	for (size_t k = s->first; k < s->first + s->count; k++)
		p->bits[p->columns[k] / 64] |= UINT64_C(1) << p->columns[k] % 64;
	return p->bits;
}

static void bits_done(const struct places *p, const struct slot *s)
{
	for (size_t k = s->first; !s->bits && k < s->first + s->count; k++)
		p->bits[p->columns[k] / 64] = 0;
}

/* --- Common subsequences ------------------------------------------------------------------- */

/* A word of the next row from the columns of its symbol; the carry to the word behind. Bits of 0 are
 * columns that grow. */
static bool next_word(uint64_t *word, uint64_t match, bool carry)
{
	uint64_t v = *word, u = v & match, sum = v + u, with = sum + carry;
	*word = with | (v & ~u);
	return sum < v || with < sum;
}

/* The next row in place, by the words where a rare symbol stands or a carry comes. */
static void next_row_rare(const struct places *p, const struct slot *s, uint64_t *row)
{
	const uint32_t *at = p->columns + s->first, *end = at + s->count;
	bool carry = false;
	for (size_t w = 0; carry || at < end; w++) {
		uint64_t match = 0;
		if (!carry)
			w = *at / 64;
		if (w == p->words)
			break;
		for (; at < end && *at / 64 == w; at++)
			match |= UINT64_C(1) << *at % 64;
		carry = next_word(&row[w], match, carry);
	}
}

/* The same for any symbol. */
static void next_row(const struct places *p, uint32_t symbol, uint64_t *row)
{
	const struct slot *s = slot_of(p, symbol);
	if (s->count < p->words / RARE) {
		next_row_rare(p, s, row);
		return;
	}
	const uint64_t *match = bits_of(p, s);
	bool carry = false;
	for (size_t w = 0; w < p->words; w++)
		carry = next_word(&row[w], match[w], carry);
	bits_done(p, s);
}

static bool grows(const uint64_t *row, size_t column)
{
	return !(row[column / 64] >> column % 64 & 1);
}

size_t lcs_length(const uint32_t *a, size_t n, struct places *p)
{
	size_t length = 0;
	memset(p->row, 0xff, p->words * sizeof *p->row);
	for (size_t i = 0; i < n; i++)
		next_row(p, a[i], p->row);
	for (size_t w = 0; w < p->words; w++) /* behind column m none grows */
		length += (size_t)__builtin_popcountll(~p->row[w]);
	return length;
}

/*
 * Does the table have more in this row than in the one above, up to column j? It is one more from a
 * column that grows in this row only to one that grows in the other only: the last of either tells.
 */
static bool more(const uint64_t *row, const uint64_t *above, size_t j)
{
	size_t w = j / 64;
	uint64_t behind = ~UINT64_C(0) << j % 64;
	uint64_t differs = j % 64 ? (row[w] ^ above[w]) & ~behind : 0;
	while (!differs && w--)
		differs = row[w] ^ above[w];
	return differs && grows(row, 64 * w + 63 - (size_t)__builtin_clzll(differs));
}

/* The way back from row `last` and column *m of `rows` [last + 1, words] to the first of either. */
static void way_back(const uint32_t *a, size_t last, const struct places *p, const uint64_t *rows,
	size_t *m, uint8_t *in)
{
	size_t j = *m;
	for (size_t i = last; i && j; i--) {
		const uint64_t *row = rows + i * p->words, *above = row - p->words;
		/* where this row has more, to the left as long as that is so */
		if (a[i - 1] != p->sequence[j - 1] && more(row, above, j))
			while (a[i - 1] != p->sequence[j - 1] && !grows(row, j - 1) && --j)
				;
		if (j && a[i - 1] == p->sequence[j - 1]) {
			j--;
			in[i - 1] = 1;
		}
	}
	*m = j;
}

void lcs_mark(const uint32_t *a, size_t n, struct places *p, uint8_t *in, struct arena *arena)
{
	if (!n || !p->m)
		return;
	struct arena_mark mark = arena_mark(arena);
	size_t words = p->words, column = p->m;
	size_t block = n <= STORED_WORDS / words ? n : (size_t)ceil(sqrt((double)n));
	size_t blocks = (n + block - 1) / block;
	uint64_t *starts = ARENA_ARRAY(arena, uint64_t, size_mul(blocks, words));
	uint64_t *rows = ARENA_ARRAY(arena, uint64_t, size_mul(block + 1, words));
	memset(starts, 0xff, words * sizeof *starts);
	for (size_t k = 1; k < blocks; k++) {
		uint64_t *row = starts + k * words;
		memcpy(row, row - words, words * sizeof *row);
		for (size_t i = (k - 1) * block; i < k * block; i++)
			next_row(p, a[i], row);
	}
	for (size_t k = blocks; k--;) {
		size_t first = k * block, rest = n - first < block ? n - first : block;
		memcpy(rows, starts + k * words, words * sizeof *rows);
		for (size_t i = 0; i < rest; i++) {
			uint64_t *row = rows + (i + 1) * words;
			memcpy(row, row - words, words * sizeof *row);
			next_row(p, a[first + i], row);
		}
		way_back(a + first, rest, p, rows, &column, in + first);
	}
	arena_reset(arena, mark);
}

/* --- Edits ---------------------------------------------------------------------------------- */

/* Where a row of the table goes up by one, and down, from one column to the next. */
struct steps {
	uint64_t up, down;
};

/* The next row; how the last column differs from the one before: 1, 0 or -1. */
static int next_steps(const struct places *p, uint32_t symbol, struct steps *row)
{
	const struct slot *s = slot_of(p, symbol);
	const uint64_t *match = bits_of(p, s);
	uint64_t more = 1, less = 0; /* of column 0 the row has one more than that before */
	unsigned last = (unsigned)((p->m - 1) % 64);
	int change = 0;
	for (size_t w = 0; w < p->words; w++) {
		uint64_t same = match[w] | less, up = row[w].up, down = row[w].down;
		uint64_t level = (((same & up) + up) ^ up) | same;
		uint64_t rise = down | ~(level | up), fall = up & level;
		if (w == p->words - 1)
			change = (int)(rise >> last & 1) - (int)(fall >> last & 1);
		uint64_t rise_in = rise << 1 | more, fall_in = fall << 1 | less;
		more = rise >> 63;
		less = fall >> 63;
		uint64_t still = match[w] | down;
		row[w].up = fall_in | ~(still | rise_in);
		row[w].down = rise_in & still;
	}
	bits_done(p, s);
	return change;
}

size_t edit_distance(const uint32_t *a, size_t n, const uint32_t *b, size_t m, struct arena *arena)
{
	while (n && m && a[n - 1] == b[m - 1])
		n--, m--;
	while (n && m && a[0] == b[0])
		a++, b++, n--, m--;
	if (n > m)
		return edit_distance(b, m, a, n, arena);
	if (!n)
		return m;
	struct arena_mark mark = arena_mark(arena);
	struct places *p = places_new(b, m, arena);
	struct steps *row = ARENA_ARRAY(arena, struct steps, p->words);
	for (size_t w = 0; w < p->words; w++)
		row[w] = (struct steps){ .up = UINT64_MAX };
	size_t distance = m;
	for (size_t i = 0; i < n; i++)
		distance += (size_t)next_steps(p, a[i], row);
	arena_reset(arena, mark);
	return distance;
}
