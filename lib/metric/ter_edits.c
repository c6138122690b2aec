/*
 * ter_edits.c: edits and shifts (M. Snover et al., "A study of translation edit rate with targeted
 * human annotation", 2006), by the rules and limits of Tercom as sacrebleu 2.6 has them
 * (sacrebleu/metrics/lib_ter.py): the shift of a matching run that saves most edits is done, again and
 * again, while it saves any; the edit distance stays within a beam around the diagonal.
 *
 * A shifted hypothesis shares its first words with the one before, so their rows of the matrix are
 * computed once.
 */
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/metric/ter.h"

enum { SHIFT_SIZE = 10, SHIFT_DISTANCE = 50, BEAM = 25, CANDIDATES = 1000 };
enum { INFINITE = 1 << 30 };
enum op { UNDEFINED, SAME, REPLACE, INSERT, DELETE };

/* The matrix of a hypothesis [n + 1, m + 1]. */
struct matrix {
	int32_t *cost;
	uint8_t *op;
};

struct problem {
	const uint32_t *reference;
	size_t n, m, beam;
	double ratio;
	struct matrix now, tried; /* of the hypothesis at hand; of a candidate */
	size_t checked;
	size_t *align; /* [m] the word of the hypothesis; SIZE_MAX before the first */
	uint8_t *reference_wrong, *hypothesis_wrong;
};

static void relax(struct matrix *a, size_t at, int32_t cost, enum op op)
{
	if (a->cost[at] > cost) {
		a->cost[at] = cost;
		a->op[at] = (uint8_t)op;
	}
}

/* Rows from..n of the matrix, from at least 1. */
static void fill(const struct problem *p, struct matrix *a, const uint32_t *words, size_t from)
{
	size_t width = p->m + 1;
	for (size_t i = from; i <= p->n; i++) {
		size_t diagonal = (size_t)((double)i * p->ratio);
		size_t low = diagonal > p->beam ? diagonal - p->beam : 0;
		size_t high = diagonal + p->beam < width ? diagonal + p->beam : width;
		if (i == p->n)
			high = width;
		for (size_t j = 0; j < width; j++) {
			a->cost[i * width + j] = INFINITE;
			a->op[i * width + j] = UNDEFINED;
		}
		for (size_t j = low; j < high; j++) {
			size_t at = i * width + j;
			if (j == 0) {
				a->cost[at] = a->cost[at - width] + 1;
				a->op[at] = DELETE;
				continue;
			}
			bool same = words[i - 1] == p->reference[j - 1];
			relax(a, at, a->cost[at - width - 1] + !same, same ? SAME : REPLACE);
			relax(a, at, a->cost[at - width] + 1, DELETE);
			relax(a, at, a->cost[at - 1] + 1, INSERT);
		}
	}
}

static void first_row(const struct problem *p, struct matrix *a)
{
	for (size_t j = 0; j <= p->m; j++) {
		a->cost[j] = (int32_t)j;
		a->op[j] = INSERT;
	}
}

static int32_t distance(const struct problem *p, const struct matrix *a)
{
	return a->cost[p->n * (p->m + 1) + p->m];
}

/* Which word of the hypothesis stands for each of the reference, and which of both are wrong: the
 * trace, flipped, from its end. */
static void trace(struct problem *p)
{
	size_t i = p->n, j = p->m;
	while (i > 0 || j > 0) {
		uint8_t op = p->now.op[i * (p->m + 1) + j];
		CHECK(op != UNDEFINED);
		if (op == INSERT) {
			p->align[--j] = i - 1; /* SIZE_MAX where i is 0 */
			p->reference_wrong[j] = 1;
			continue;
		}
		i--;
		p->hypothesis_wrong[i] = op != SAME;
		if (op == DELETE)
			continue;
		p->align[--j] = i;
		p->reference_wrong[j] = op != SAME;
	}
}

static bool any(const uint8_t *x, size_t begin, size_t n, size_t end)
{
	for (size_t i = begin; i < begin + n && i < end; i++)
		if (x[i])
			return true;
	return false;
}

/* words[start, start + length) moved to target, which counts places before the move. */
static void shift(
	const uint32_t *words, size_t n, size_t start, size_t length, size_t target, uint32_t *out)
{
	size_t size = sizeof *words;
	memcpy(out, words, n * size);
	if (target < start) {
		memcpy(out + target, words + start, length * size);
		memcpy(out + target + length, words + target, (start - target) * size);
	} else if (target > start + length) {
		memcpy(out + start, words + start + length, (target - start - length) * size);
		memcpy(out + target - length, words + start, length * size);
	} else {
		/* within itself: the words behind it come forward; past the end there are fewer */
		size_t behind = length + target < n ? length + target : n, from = start + length;
		size_t moved = behind > from ? behind - from : 0;
		memcpy(out + start, words + from, moved * size);
		memcpy(out + start + moved, words + start, length * size);
	}
}

struct best {
	bool found;
	int32_t saved;
	size_t length, start, target;
	uint32_t *words;
};

/* More edits saved, then the longer, the earlier, the nearer to the beginning. */
static bool is_better(
	const struct best *b, int32_t saved, size_t length, size_t start, size_t target)
{
	if (!b->found || saved != b->saved)
		return !b->found || saved > b->saved;
	if (length != b->length)
		return length > b->length;
	if (start != b->start)
		return start < b->start;
	return target < b->target;
}

static void try_target(struct problem *p, const uint32_t *words, size_t start, size_t length,
	size_t target, uint32_t *scratch, struct best *best)
{
	size_t width = p->m + 1, same = start < target ? start : target;
	shift(words, p->n, start, length, target, scratch);
	same = same < p->n ? same : p->n;
	memcpy(p->tried.cost + same * width, p->now.cost + same * width,
		width * sizeof *p->now.cost);
	/* rows up to `same` are those of now: fill reads only the last of them */
	fill(p, &p->tried, scratch, same + 1);
	p->checked++;
	int32_t saved = distance(p, &p->now) - distance(p, &p->tried);
	if (!is_better(best, saved, length, start, target))
		return;
	uint32_t *kept = best->words;
	*best = (struct best){ true, saved, length, start, target, kept };
	memcpy(kept, scratch, p->n * sizeof *scratch);
}

static void try_pair(struct problem *p, const uint32_t *words, size_t start, size_t at,
	size_t length, uint32_t *scratch, struct best *best)
{
	size_t last = SIZE_MAX, aligned = p->align[at];
	if (!any(p->hypothesis_wrong, start, length, p->n) ||
		!any(p->reference_wrong, at, length, p->m))
		return;
	if (aligned != SIZE_MAX && start <= aligned && aligned < start + length)
		return;
	for (size_t k = 0; k <= length; k++) {
		size_t target;
		if (at + k == 0)
			target = 0;
		else if (at + k - 1 < p->m)
			target = p->align[at + k - 1] + 1;
		else
			break;
		if (target == last)
			continue;
		last = target;
		try_target(p, words, start, length, target, scratch, best);
	}
}

static void try_shifts(
	struct problem *p, const uint32_t *words, uint32_t *scratch, struct best *best)
{
	for (size_t start = 0; start < p->n; start++) {
		for (size_t at = 0; at < p->m; at++) {
			if ((at > start ? at - start : start - at) > SHIFT_DISTANCE)
				continue;
			size_t length = 0;
			while (words[start + length] == p->reference[at + length] &&
				length < SHIFT_SIZE) {
				length++;
				try_pair(p, words, start, at, length, scratch, best);
				if (p->checked >= CANDIDATES)
					return;
				if (start + length == p->n || at + length == p->m)
					break;
			}
		}
	}
}

size_t ter_edits(const uint32_t *hypothesis, size_t n, const uint32_t *reference, size_t m,
	struct arena *arena)
{
	if (m == 0)
		return n;
	struct problem p = { .reference = reference, .n = n, .m = m, .beam = BEAM };
	size_t cells = size_mul(n + 1, m + 1), shifts = 0;
	p.ratio = n ? (double)m / (double)n : 1;
	if (BEAM < p.ratio / 2)
		p.beam = (size_t)__builtin_ceil(p.ratio / 2 + BEAM);
	p.now = (struct matrix){ ARENA_ARRAY(arena, int32_t, cells),
		ARENA_ARRAY(arena, uint8_t, cells) };
	p.tried = (struct matrix){ ARENA_ARRAY(arena, int32_t, cells),
		ARENA_ARRAY(arena, uint8_t, cells) };
	p.align = ARENA_ARRAY(arena, size_t, m);
	p.reference_wrong = ARENA_ARRAY(arena, uint8_t, m);
	p.hypothesis_wrong = ARENA_ARRAY(arena, uint8_t, n + 1);
	uint32_t *words = ARENA_ARRAY(arena, uint32_t, n + 1);
	uint32_t *scratch = ARENA_ARRAY(arena, uint32_t, n + 1);
	struct best best = { .words = ARENA_ARRAY(arena, uint32_t, n + 1) };
	memcpy(words, hypothesis, n * sizeof *words);
	first_row(&p, &p.now);
	first_row(&p, &p.tried);
	for (;;) {
		fill(&p, &p.now, words, 1);
		trace(&p);
		best.found = false;
		try_shifts(&p, words, scratch, &best);
		if (p.checked >= CANDIDATES || !best.found || best.saved <= 0)
			break;
		shifts++;
		memcpy(words, best.words, n * sizeof *words);
	}
	return shifts + (size_t)distance(&p, &p.now);
}
