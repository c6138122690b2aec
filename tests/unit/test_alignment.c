/*
 * Common subsequences and edit distances beside the classic tables, cell by cell, on random
 * sequences: of few symbols and of many, within a word of bits and beyond, and so long that rows
 * are computed twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/random.h"
#include "lib/metric/alignment.h"

enum { SHAPES = 13 };

/* The longest common subsequence of a [n] and b [m]; `in` [n] is what rouge-score's way back marks. */
static size_t table_lcs(
	const uint32_t *a, size_t n, const uint32_t *b, size_t m, uint8_t *in, struct arena *arena)
{
	size_t width = m + 1;
	uint32_t *t = arena_zero(arena, (n + 1) * width, sizeof *t);
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			uint32_t up = t[(i - 1) * width + j], left = t[i * width + j - 1];
			t[i * width + j] = a[i - 1] == b[j - 1] ? t[(i - 1) * width + j - 1] + 1
					   : up > left          ? up
								: left;
		}
	}
	for (size_t i = n, j = m; i > 0 && j > 0;) {
		if (a[i - 1] == b[j - 1]) {
			in[--i] = 1;
			j--;
		} else if (t[i * width + j - 1] > t[(i - 1) * width + j]) {
			j--;
		} else {
			i--;
		}
	}
	return t[n * width + m];
}

static size_t table_distance(
	const uint32_t *a, size_t n, const uint32_t *b, size_t m, struct arena *arena)
{
	size_t *row = ARENA_ARRAY(arena, size_t, m + 1);
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]), up = row[j] + 1,
			       left = row[j - 1] + 1;
			diagonal = row[j];
			best = up < best ? up : best;
			row[j] = left < best ? left : best;
		}
	}
	return row[m];
}

static uint32_t *sequence(uint64_t stream, size_t n, uint32_t symbols, struct arena *arena)
{
	uint32_t *x = ARENA_ARRAY(arena, uint32_t, n);
	for (size_t i = 0; i < n; i++)
		x[i] = random_below(random_bits(7, stream, i), symbols) * 77;
	return x;
}

static void compare(size_t n, size_t m, uint32_t symbols, struct arena *arena)
{
	static uint64_t stream;
	uint32_t *a = sequence(stream++, n, symbols, arena),
		 *b = sequence(stream++, m, symbols, arena);
	uint8_t *in = arena_zero(arena, n, 1), *want = arena_zero(arena, n, 1);
	struct places *p = places_new(b, m, arena);
	size_t lcs = table_lcs(a, n, b, m, want, arena);
	lcs_mark(a, n, p, in, arena);
	if (lcs_length(a, n, p) != lcs || (n && memcmp(in, want, n)))
		fail_msg("common subsequence: %zu, %zu, %u symbols", n, m, symbols);
	size_t d = edit_distance(a, n, b, m, arena), right = table_distance(a, n, b, m, arena);
	if (d != right)
		fail_msg("distance: %zu, %zu, %u symbols: %zu, not %zu", n, m, symbols, d, right);
	arena_clear(arena);
}

static void random_sequences_align_as_by_table(void **state)
{
	static const size_t shapes[SHAPES][2] = { { 0, 0 }, { 0, 5 }, { 5, 0 }, { 1, 1 }, { 9, 12 },
		{ 20, 63 }, { 64, 64 }, { 65, 64 }, { 30, 65 }, { 127, 128 }, { 129, 128 },
		{ 200, 500 }, { 300, 130 } };
	(void)state;
	struct arena *arena = arena_new();
	for (size_t round = 0; round < 20; round++)
		for (size_t i = 0; i < SHAPES; i++)
			for (uint32_t symbols = 1; symbols < 5000; symbols *= 4)
				compare(shapes[i][0], shapes[i][1], symbols, arena);
	arena_free(arena);
}

static void long_sequences_align_as_by_table(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	compare(2500, 2100, 300, arena);
	compare(2101, 2100, 2, arena);
	compare(2500, 2100, 5000, arena); /* of symbols so rare that rows are computed by words */
	compare(700, 4000, 700, arena); /* some of them */
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_sequences_align_as_by_table),
		cmocka_unit_test(long_sequences_align_as_by_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
